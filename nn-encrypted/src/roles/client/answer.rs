//! What the client decrypts: requests that it answers, outputs, and models.

use std::sync::Arc;

use ndarray::Array2;

use super::settle::{Settle, rounded};
use super::{Client, Waiting};
use crate::model::{LayerState, Model};
use crate::program::{Refresh, Refresher, Rounding, Tensor};
use crate::roles::cipher::{CipherError, Opened, Plain, Values};
use crate::roles::message::{
    self, Due, Incoming, MODEL, Moment, Opened as Message, Purpose, Rows, Task, expected,
};
use crate::roles::{ClientError, MessageError, Pieces, backward};

/// A decrypted tensor: rows of images, or for each layer weights and biases.
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

    /// Answers a request, which must be the one that is due: step and round are the client's own count.
    ///
    /// # Errors
    /// If the request is damaged or not the one that is due, outputs are not those in the clear, or the operating system gives no
    /// randomness.
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
        if let Some(waiting) = &mut self.waiting {
            waiting.rounds.remove(0);
        }
        let clear = match by {
            Refresher::ClientBackward => self.backward(&waiting, refreshes, &message)?,
            _ => self.refresh(refreshes, rows, &message)?,
        };
        let mut tensors = Vec::new();
        for (refresh, clear) in refreshes.iter().zip(&clear) {
            let plain = match clear {
                Clear::Rows(values) => Plain::Rows(values.view()),
                Clear::Model => Plain::Model(&self.model),
            };
            tensors.extend(refresh.to.iter().map(|&to| (to, plain)));
        }
        let tensors = self.encrypt(&tensors, rows)?;
        Ok(self.seal(task.response(), moment, rows, &tensors))
    }

    /// The parts of a tensor, or where it has none those of `instead`.
    fn parts(message: &Message, tensor: Tensor, instead: Tensor, engine: usize) -> &[Pieces] {
        let of = |tensor| {
            let found = message.tensors.iter().find(|part| part.tensor == tensor && part.engine == engine);
            found.map(|Incoming { parts, .. }| &parts[..])
        };
        of(tensor).or_else(|| of(instead)).unwrap_or(&[])
    }

    fn decrypt_rows(&self, message: &Message, tensor: Tensor) -> Result<Values, ClientError> {
        let engine = self.plan.holders(tensor).first().copied().unwrap_or(0);
        let parts = Self::parts(message, tensor, tensor, engine);
        match self.ciphers[engine].decrypt(tensor, message.rows, parts)? {
            Opened::Rows(values) => Ok(values),
            Opened::Layers(_) => Err(kind(tensor, "layers", "rows of images")),
        }
    }

    /// Decrypts the refreshed tensors, rounds and saturates them.
    fn refresh(
        &mut self,
        refreshes: &[Refresh],
        rows: usize,
        message: &Message,
    ) -> Result<Vec<Clear>, ClientError> {
        let pieces = message.tensors.iter().flat_map(|part| &part.parts).map(|pieces| pieces.len() as u64);
        self.counts.refreshed += pieces.sum::<u64>();
        let mut all = Vec::new();
        let mut model = self.model.clone();
        for Refresh { from, rounding, .. } in refreshes {
            if from.is_of_model() {
                self.refresh_model(message, *from, *rounding, &mut model)?;
                all.push(Clear::Model);
                continue;
            }
            let values = self.decrypt_rows(message, *from)?;
            if let (Values::Real(values), Some(bits)) = (&values, rounding.bits) {
                self.rounded.push(values.mapv(|value| rounded(value, bits)));
            }
            let mut settle = Settle::new(*rounding, &mut self.counts);
            let values = settle.rows(values);
            debug_assert_eq!(values.nrows(), rows, "rows beyond the mini-batch are not read");
            all.push(Clear::Rows(values));
        }
        self.model = model;
        Ok(all)
    }

    /// Weights or momentum of all engines.
    fn refresh_model(
        &mut self,
        message: &Message,
        from: Tensor,
        rounding: Rounding,
        model: &mut Model,
    ) -> Result<(), ClientError> {
        let weights = match from {
            Tensor::NewMomentum => Tensor::NewWeights,
            Tensor::Momentum => Tensor::Weights,
            other => other,
        };
        // Only momentum may lie in the ciphertexts of the weights.
        for engine in self.plan.holders(from) {
            let parts = Self::parts(message, from, weights, engine);
            if parts.is_empty() {
                continue;
            }
            let Opened::Layers(found) = self.ciphers[engine].decrypt(from, message.rows, parts)? else {
                return Err(kind(from, "rows of images", "layers"));
            };
            for (l, (weight, bias)) in self.plan.layers(engine).zip(found) {
                let mut settle = Settle::new(rounding, &mut self.counts);
                put(&mut model.layers[l], from, settle.model(weight), settle.model(bias))?;
            }
        }
        Ok(())
    }

    /// The backward pass in the clear.
    fn backward(
        &mut self,
        waiting: &Waiting,
        refreshes: &[Refresh],
        message: &Message,
    ) -> Result<Vec<Clear>, ClientError> {
        let from = refreshes[0].from;
        let found = self.decrypt_rows(message, from)?;
        let found = Settle::new(refreshes[0].rounding, &mut self.counts).rows(found);
        let Some((x, targets)) = &waiting.batch else {
            let expected = "a step that was begun".to_owned();
            return Err(MessageError::Unexpected { found: Purpose::Request, expected }.into());
        };
        let (plan, model) = (Arc::clone(&self.plan), &self.model);
        let (x, found, targets) = (x.view(), found.view(), targets.view());
        let mut passed = backward::pass(&plan.network, &plan.optimizer, model, x, found, targets);
        let error = passed.output_error;
        let tolerance = plan.holders(from).first().and_then(|&engine| plan.engines[engine].tolerance());
        if let Some(tolerance) = tolerance {
            if error.is_nan() || error > tolerance.outputs {
                return Err(ClientError::Outputs { error, most: tolerance.outputs });
            }
            self.output_error = self.output_error.max(error);
        }
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
        self.waiting = None;
        let values = self.decrypt_rows(&message, from)?;
        Ok(Settle::new(rounding, &mut self.counts).rows(values))
    }

    /// Weights and momentum as a server holds them after `step` steps, which become those of the client.
    ///
    /// # Errors
    /// If the message is damaged or of another plan.
    pub fn decrypt_model(&mut self, step: u64, bytes: Vec<u8>) -> Result<&Model, ClientError> {
        let message = self.open(Purpose::Model, Moment::first(step), 0, &MODEL, bytes)?;
        let mut model = self.model.clone();
        for tensor in MODEL {
            self.refresh_model(&message, tensor, Rounding::NONE, &mut model)?;
        }
        self.model = model;
        Ok(&self.model)
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
