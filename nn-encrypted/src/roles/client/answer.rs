//! Messages that the client decrypts: requests that it answers, outputs, and models.

use std::sync::Arc;

use ndarray::{Array2, ArrayView2};

use super::settle::{Settle, rounded};
use super::{Client, Waiting};
use crate::model::{LayerState, Model};
use crate::program::{Refresh, Refresher, Rounding, Tensor};
use crate::roles::cipher::{CipherError, Decrypted, Opened, Plain, Values};
use crate::roles::message::{
    self, Due, Incoming, MODEL, Moment, Opened as Message, Purpose, Rows, Task, expected,
};
use crate::roles::{ClientError, MessageError, Pieces, backward};

/// No rounding: a number that is not finite becomes one that is.
const AS_IT_IS: Rounding = Rounding { bits: None, bound: f64::MAX, proven: f64::MAX };

/// A decrypted tensor of each engine that holds it.
type Held = Vec<(usize, Opened)>;

/// A tensor to be encrypted again: rows of images, or for each layer weights and biases.
enum Clear {
    Rows(Array2<f64>),
    Model,
}

impl Client {
    fn open(
        &self,
        purpose: Purpose,
        moment: Moment,
        rows: usize,
        tensors: &[Tensor],
        bytes: Vec<u8>,
    ) -> Result<Message, MessageError> {
        let tensors = |rows| expected(&self.plan, tensors, rows);
        let due = Due { hash: &self.hash, purpose, moment, rows: Rows::Exactly(rows), tensors: &tensors };
        message::open(&due, bytes)
    }

    /// Answers a request, which must be the one that is due: step and round are the client's own count. All of it is checked before
    /// anything is decrypted; from then on the client answers, whatever the ciphertexts hold, and in the same form.
    ///
    /// # Errors
    /// If the request is damaged or not the one that is due, or the operating system gives no randomness.
    pub fn answer(&mut self, request: Vec<u8>) -> Result<Vec<u8>, ClientError> {
        let unexpected = |expected: &str| MessageError::Unexpected {
            found: Purpose::Request,
            expected: expected.to_owned(),
        };
        let waiting = self.waiting.clone().ok_or_else(|| unexpected("nothing"))?;
        let &(round, by) = waiting.rounds.first().ok_or_else(|| unexpected("an end"))?;
        let (task, rows) = (waiting.task, waiting.rows);
        let plan = Arc::clone(&self.plan);
        let refreshes = &plan.program.rounds[round];
        let moment = Moment { number: waiting.number, round: round as u16 };
        let asked = if by == Refresher::ClientBackward { &refreshes[..1] } else { &refreshes[..] };
        let asked: Vec<Tensor> = asked.iter().map(|refresh| refresh.from).collect();
        let message = self.open(task.request(), moment, rows, &asked, request)?;
        let tensors = self.decrypt(&message, &asked)?;
        if let Some(waiting) = &mut self.waiting {
            waiting.rounds.remove(0);
        }
        if let Some(kept) = self.kept.as_mut().filter(|_| task == Task::Training) {
            kept.extend(asked.iter().copied().zip(tensors.iter().cloned()));
        }
        let clear = match by {
            Refresher::ClientBackward => self.backward(&waiting, refreshes, tensors)?,
            _ => self.refresh(refreshes, &message, tensors)?,
        };
        let model = clear.iter().any(|clear| matches!(clear, Clear::Model)).then(|| self.sendable());
        let mut tensors = Vec::new();
        for (refresh, clear) in refreshes.iter().zip(&clear) {
            let plain = match clear {
                Clear::Rows(values) => Plain::Rows(values.view()),
                Clear::Model => Plain::Model(model.as_ref().unwrap_or(&self.model)),
            };
            tensors.extend(refresh.to.iter().map(|&to| (to, plain)));
        }
        let tensors = self.encrypt(&tensors, rows)?;
        Ok(self.seal(task.response(), moment, rows, &tensors))
    }

    /// Checks some tensors of a message, all of them, and then decrypts each: with the engine that holds it, or of a model those that
    /// do.
    fn decrypt(&mut self, message: &Message, tensors: &[Tensor]) -> Result<Vec<Held>, ClientError> {
        let mut sealed = Vec::new();
        for (place, &tensor) in tensors.iter().enumerate() {
            for engine in self.plan.holders(tensor) {
                let parts = parts(message, tensor, engine);
                // Of a model an engine may have nothing.
                if !(tensor.is_of_model() && parts.is_empty()) {
                    sealed.push((place, engine, self.ciphers[engine].open(tensor, message.rows, parts)?));
                }
            }
        }
        let mut held: Vec<Held> = tensors.iter().map(|_| Vec::new()).collect();
        for (place, engine, decryption) in sealed {
            let Decrypted { opened, out_of_range } = decryption()?;
            self.counts.out_of_bounds += out_of_range;
            held[place].push((engine, opened));
        }
        Ok(held)
    }

    /// Rounds and saturates the refreshed tensors.
    fn refresh(
        &mut self,
        refreshes: &[Refresh],
        message: &Message,
        tensors: Vec<Held>,
    ) -> Result<Vec<Clear>, ClientError> {
        let pieces = message.tensors.iter().flat_map(|part| &part.parts).map(|pieces| pieces.len() as u64);
        self.counts.refreshed += pieces.sum::<u64>();
        let mut all = Vec::new();
        let mut model = self.model.clone();
        for (Refresh { from, rounding, .. }, held) in refreshes.iter().zip(tensors) {
            if from.is_of_model() {
                self.refresh_model(held, *from, *rounding, &mut model)?;
                all.push(Clear::Model);
                continue;
            }
            let held = rows(*from, held)?;
            if let (Values::Real(values), Some(bits)) = (&held, rounding.bits) {
                self.rounded.push(values.mapv(|value| rounded(value, bits)));
            }
            all.push(Clear::Rows(Settle::new(*rounding, &mut self.counts).rows(held)));
        }
        self.model = model;
        Ok(all)
    }

    /// Weights or momentum of all engines.
    fn refresh_model(
        &mut self,
        held: Held,
        from: Tensor,
        rounding: Rounding,
        model: &mut Model,
    ) -> Result<(), ClientError> {
        for (engine, opened) in held {
            let Opened::Layers(found) = opened else { return Err(kind(from, "rows of images", "layers")) };
            for (l, (weight, bias)) in self.plan.layers(engine).zip(found) {
                let mut settle = Settle::new(rounding, &mut self.counts);
                put(&mut model.layers[l], from, settle.model(weight), settle.model(bias))?;
            }
        }
        Ok(())
    }

    /// The backward pass in the clear. Everything is computed here: of what the server sent it is counted how often it is too far from
    /// that.
    fn backward(
        &mut self,
        waiting: &Waiting,
        refreshes: &[Refresh],
        mut tensors: Vec<Held>,
    ) -> Result<Vec<Clear>, ClientError> {
        let Some((x, targets)) = &waiting.batch else {
            let expected = "a step that was begun".to_owned();
            return Err(MessageError::Unexpected { found: Purpose::Request, expected }.into());
        };
        let (from, plan) = (refreshes[0].from, Arc::clone(&self.plan));
        let found = rows(from, tensors.swap_remove(0))?;
        let found = Settle::new(refreshes[0].rounding, &mut self.counts).rows(found);
        let mut passed =
            backward::pass(&plan.network, &plan.optimizer, &self.model, x.view(), targets.view());
        let tolerance = plan.holders(from).first().and_then(|&engine| plan.engines[engine].tolerance());
        self.compare(found.view(), passed.outputs.view(), tolerance.map(|tolerance| tolerance.outputs));
        for Refresh { from, rounding, .. } in &refreshes[1..] {
            for (l, layer) in passed.model.layers.iter_mut().enumerate() {
                let mut settle = Settle::new(*rounding, &mut self.counts);
                if plan.engines[plan.of_layer(l)].tolerance().is_some() {
                    settle = settle.without_rounding();
                }
                let (weight, bias) = match from {
                    Tensor::NewMomentum => (&mut layer.weight_momentum, &mut layer.bias_momentum),
                    _ => (&mut layer.weight, &mut layer.bias),
                };
                weight.iter_mut().chain(bias).for_each(|value| *value = settle.real(*value));
            }
        }
        self.model = passed.model;
        Ok(refreshes.iter().map(|_| Clear::Model).collect())
    }

    /// Counts the outputs of a server that are further from the client's own than they may be.
    fn compare(&mut self, found: ArrayView2<'_, f64>, own: ArrayView2<'_, f64>, most: Option<f64>) {
        let Some(most) = most else { return };
        for (found, own) in found.iter().zip(own) {
            let error = (found - own).abs();
            // Written so that what is no number counts.
            self.counts.out_of_bounds += u64::from(!(0.0..=most).contains(&error));
            self.output_error = self.output_error.max(error);
        }
    }

    /// The outputs of the query that was encrypted last, rounded as a refresh would: images by outputs.
    ///
    /// # Errors
    /// If the message is damaged or its rounds did not come before.
    pub fn read_outputs(&mut self, message: Vec<u8>) -> Result<Array2<f64>, ClientError> {
        let plan = Arc::clone(&self.plan);
        let Refresh { from, rounding, .. } = plan.program.outputs;
        let waiting = self
            .waiting
            .as_ref()
            .filter(|waiting| waiting.task == Task::Classification && waiting.rounds.is_empty());
        let waiting = waiting.ok_or_else(|| MessageError::Unexpected {
            found: Purpose::Outputs,
            expected: "something else".to_owned(),
        })?;
        let moment = Moment { number: waiting.number, round: plan.program.rounds.len() as u16 };
        let message = self.open(Purpose::Outputs, moment, waiting.rows, &[from], message)?;
        let held = self.decrypt(&message, &[from])?.swap_remove(0);
        self.waiting = None;
        Ok(Settle::new(rounding, &mut self.counts).rows(rows(from, held)?))
    }

    /// Weights and momentum as a server holds them after `step` steps, which become those of the client: as they are, within their
    /// bounds or not.
    ///
    /// # Errors
    /// If the message is damaged or of another plan.
    pub fn decrypt_model(&mut self, step: u64, bytes: Vec<u8>) -> Result<&Model, ClientError> {
        let message = self.open(Purpose::Model, Moment::first(step), 0, &MODEL, bytes)?;
        let mut model = self.model.clone();
        for (tensor, held) in MODEL.into_iter().zip(self.decrypt(&message, &MODEL)?) {
            self.refresh_model(held, tensor, AS_IT_IS, &mut model)?;
        }
        self.model = model;
        Ok(&self.model)
    }

    /// The model as it is encrypted: saturated at the bounds of the plan, since nothing that was decrypted may make encryption fail.
    pub(super) fn sendable(&self) -> Model {
        let mut model = self.model.clone();
        let [weight, momentum] = [Tensor::Weights, Tensor::Momentum].map(|tensor| self.largest(tensor));
        for layer in &mut model.layers {
            let weights = layer.weight.iter_mut().chain(&mut layer.bias);
            weights.for_each(|value| *value = value.clamp(-weight, weight));
            let momenta = layer.weight_momentum.iter_mut().chain(&mut layer.bias_momentum);
            momenta.for_each(|value| *value = value.clamp(-momentum, momentum));
        }
        model
    }

    /// The largest magnitude that weights or momentum may have, by the refreshes of the plan.
    fn largest(&self, tensor: Tensor) -> f64 {
        let as_computed = match tensor {
            Tensor::Momentum => Tensor::NewMomentum,
            _ => Tensor::NewWeights,
        };
        let mut all = self.plan.program.rounds.iter().flatten();
        let refresh = all.find(|refresh| refresh.from == tensor || refresh.from == as_computed);
        let Some(Rounding { bits, bound, .. }) = refresh.map(|refresh| refresh.rounding) else {
            return f64::MAX;
        };
        // The largest multiple of the unit that numbers are rounded to.
        let unit = bits.map_or(0.0, |bits| (-f64::from(bits)).exp2());
        if unit > 0.0 { (bound / unit).trunc() * unit } else { bound }
    }
}

/// The parts of a tensor of an engine; of momentum without parts of its own those of the weights, in whose ciphertexts alone it may
/// lie.
fn parts(message: &Message, tensor: Tensor, engine: usize) -> &[Pieces] {
    let of = |tensor| {
        let found = message.tensors.iter().find(|part| part.tensor == tensor && part.engine == engine);
        found.map(|Incoming { parts, .. }| &parts[..])
    };
    let weights = match tensor {
        Tensor::NewMomentum => Tensor::NewWeights,
        Tensor::Momentum => Tensor::Weights,
        other => other,
    };
    of(tensor).or_else(|| of(weights)).unwrap_or(&[])
}

/// The values of a tensor of images, which one engine holds.
fn rows(tensor: Tensor, held: Held) -> Result<Values, ClientError> {
    match held.into_iter().next() {
        Some((_, Opened::Rows(values))) => Ok(values),
        _ => Err(kind(tensor, "layers", "rows of images")),
    }
}

/// Numbers of a layer at their place.
fn put(layer: &mut LayerState, from: Tensor, weight: Vec<f64>, bias: Vec<f64>) -> Result<(), ClientError> {
    let fits = weight.len() == layer.weight.len() && bias.len() == layer.bias.len();
    if !fits {
        let needed = format!("{} and {}", layer.weight.len(), layer.bias.len());
        let found = format!("{} weights and {} biases", weight.len(), bias.len());
        return Err(CipherError::Data { what: "numbers of a layer", found, needed }.into());
    }
    match from {
        Tensor::NewMomentum | Tensor::Momentum => {
            (layer.weight_momentum, layer.bias_momentum) = (weight, bias);
        }
        Tensor::LowWeights => {
            let low = weight.iter().chain(&bias);
            layer.weight.iter_mut().chain(&mut layer.bias).zip(low).for_each(|(high, low)| *high += low);
        }
        _ => (layer.weight, layer.bias) = (weight, bias),
    }
    Ok(())
}

fn kind(tensor: Tensor, found: &str, needed: &str) -> ClientError {
    let found = format!("{tensor} as {found}");
    CipherError::Data { what: "a decrypted tensor", found, needed: needed.to_owned() }.into()
}
