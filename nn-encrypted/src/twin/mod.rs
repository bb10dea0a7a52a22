//! The twin: the training of a recipe on plain matrices, layer by layer as the recipe has them.
//!
//! It is the second, independent implementation that an encrypted run is compared with: it knows no slots, no matrices of a
//! convolution, no steps and no ciphertexts. Where schemes are exact, these are the numbers both must give, to the last bit;
//! where they are approximate, up to their noise.
//!
//! # The walk
//! With a layer's input `A_l` (the means of its pooling, if it has one), weights `W_l`, biases `b_l`, activation `a_l` and targets
//! `Y`; products are convolutions where the recipe has them:
//!
//! - Forward: `Z_l = A_l·W_l + b_l`, refreshed; `A_(l+1) = a_l(Z_l)`.
//! - Error: `D = Z − Y` of the last layer; with an activation behind it `a(Z) − Y` by cross-entropy, `(a(Z) − Y) ∘ a'(Z)` by
//!   quadratic loss. Before, `D_l = (D_(l+1)·W_(l+1)ᵀ) ∘ a_l'(Z_l)`, refreshed.
//! - Gradient of a mini-batch: `G_l = A_lᵀ·D_l` and the column sums of `D_l`, over its samples.
//! - Update: `V ← μV + G/n`, `W ← W − ηV`; by Nesterov's rule `U ← μU − ηG/n`, `W ← W + μU − ηG/n`; both refreshed. `n` is the
//!   batch size, or where a scheme is exact the smallest power of two not below it, for a shorter last mini-batch too.
//!
//! # Numbers
//! The walk is the same for all; how numbers are kept and where they are rounded is the scheme's, layer by layer:
//!
//! | layer with weights in | refreshed by | numbers |
//! |---|---|---|
//! | `bgv` | the client | `fixed`: exact integers, rounded and saturated at refreshes |
//! | `bgv`, `bfv`, `yashe` | nothing | `fixed`: exact integers as wide as they become |
//! | `ckks` | the client, by bootstrapping | `reals`: floating point |
//! | `bgv`, `ckks` | cleaning | `tables`: exact integers with lookup tables between; `exact_tables` where these are over slots |
//! | `tfhe` | bootstrapping, the client | `words`: integers of a few bits, rounded at every product |
//!
//! Layers refreshed by the client may have different numbers: the refresh rounds where the layer that goes on is exact, and only
//! there. An activation is computed with the numbers of the layer behind it.

mod computed;
mod error;
mod exact;
mod exact_tables;
mod fixed;
mod layers;
mod numbers;
mod range;
mod reals;
mod tables;
mod targets;
mod tensor;
pub(crate) mod walk;
mod wide;
mod words;

use std::collections::VecDeque;
use std::sync::Arc;

use ndarray::{Array2, ArrayRef2};

pub(crate) use self::computed::Computed;
use self::error::Result;
pub use self::error::TwinError;
use self::numbers::{Numbers, Phases, by_table};
pub use self::range::TensorRange;
pub use self::targets::classes;
pub(crate) use self::targets::{hard_targets, is_logit, targets};
pub(crate) use self::walk::Walk;
use crate::data::random::{Purpose, stream};
use crate::model::Model;
use crate::network::{Layer, Network};
use crate::numbers::tables::TableReader;
use crate::recipe::{self, Arithmetic, Recipe, RefreshStrategy, Scheme};

/// A network in training on plain numbers.
///
/// ```
/// use nn_encrypted::recipe::Recipe;
/// use nn_encrypted::run::Session;
/// use nn_encrypted::twin::classes;
///
/// let session = Session::new(Recipe::load("hesamifard2017", &["data.set=iris".to_owned()])?, None)?;
/// let mut twin = session.twin(session.first.clone())?;
/// for batch in session.batches.schedule(0).take(20 * session.batches.count()) {
///     let (x, targets) = session.batch(batch)?;
///     twin.step(&x, &targets)?;
/// }
/// let samples = &session.data.train;
/// let found = classes(&session.recipe, &twin.outputs(&session.features(&samples.x))?);
/// let right = found.iter().zip(&samples.labels).filter(|(found, label)| found == label).count();
/// assert!(right > 100, "{right} of {}", found.len());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Twin {
    walk: Walk,
    phases: recipe::Phases,
    seed: u64,
    recorded: Option<VecDeque<u32>>,
    /// Steps and classifications so far, for the streams of errors.
    draws: u64,
}

impl Twin {
    /// A network that goes on from given weights. `reader` is what lookups in tables can tell apart, which the parameters of the
    /// scheme decide; it is needed where the server cleans, and nowhere else.
    ///
    /// # Errors
    /// If the model is of another network or its numbers are not those of the schemes, or a layer or a field of the recipe cannot
    /// be used with them: it is named.
    pub fn new(
        recipe: &Recipe,
        network: &Network,
        model: Model,
        reader: Option<TableReader>,
    ) -> Result<Self> {
        recipe.validate()?;
        let numbers = numbers(recipe, network, reader)?;
        Ok(Self {
            walk: Walk::new(network, numbers, model)?,
            phases: recipe.numbers.phases,
            seed: recipe.seed,
            recorded: None,
            draws: 0,
        })
    }

    /// Weights, biases and momenta.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.walk.model
    }

    /// The largest magnitudes of the tensors since the start, and how many values were beyond their bounds.
    #[must_use]
    pub(crate) fn ranges(&self) -> Vec<TensorRange> {
        self.walk.ranges().cloned().collect()
    }

    /// How many values were beyond their bounds since the start; each of the `ranges` says which.
    #[must_use]
    pub fn out_of_range(&self) -> u64 {
        self.walk.ranges().map(|range| range.beyond).sum()
    }

    /// Mod-switched phases that an encrypted run recorded; the next step or classification looks tables up by these.
    pub(crate) fn replay(&mut self, phases: Vec<u32>) {
        self.recorded = Some(phases.into());
    }

    /// Trains on one mini-batch; one row a sample, features as multiples of `2^-input_bits` where the first layer is exact, targets
    /// as they are encrypted: see [`Session::batch`](crate::run::Session::batch).
    ///
    /// # Errors
    /// If a shape is wrong, a number overflows or is not finite, or other phases are recorded than the step looks up; the model and
    /// its ranges are unchanged then.
    pub fn step(&mut self, x: &ArrayRef2<f64>, targets: &ArrayRef2<f64>) -> Result<()> {
        self.walk.phases = self.next_phases();
        self.walk.step(x, targets)
    }

    /// As [`step`](Self::step); the tensors of the step before their refresh, in the order in which they are computed.
    pub(crate) fn recorded_step(
        &mut self,
        x: &ArrayRef2<f64>,
        targets: &ArrayRef2<f64>,
    ) -> Result<Vec<Computed>> {
        self.walk.phases = self.next_phases();
        self.walk.recorded_step(x, targets)
    }

    /// The outputs for samples, one row a sample, as a classification decrypts them: the refreshed pre-activations of the last layer
    /// with weights, or with quadratic loss the outputs of its activation.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    pub fn outputs(&mut self, x: &ArrayRef2<f64>) -> Result<Array2<f64>> {
        self.walk.phases = self.next_phases();
        self.walk.outputs(x)
    }

    /// As [`outputs`](Self::outputs): the refreshed pre-activations of each layer, and the values that it gives the next.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    pub(crate) fn traced(&mut self, x: &ArrayRef2<f64>) -> Result<Vec<[Array2<f64>; 2]>> {
        self.walk.phases = self.next_phases();
        self.walk.traced_outputs(x)
    }

    /// Approximate tensors that the client of an encrypted run rounded on their way to an exact layer, in their order; the next step
    /// or classification takes them where its own numbers might as well be rounded to them.
    pub(crate) fn replay_rounded(&mut self, tensors: Vec<Array2<f64>>) {
        self.walk.rounded = tensors.into();
    }

    fn next_phases(&mut self) -> Phases {
        if let Some(recorded) = self.recorded.take() {
            return Phases::Recorded(recorded);
        }
        self.draws += 1;
        match self.phases {
            recipe::Phases::Exact => Phases::Exact,
            recipe::Phases::Sampled => {
                Phases::Sampled(Box::new(stream(self.seed, Purpose::Readings(self.draws))))
            }
        }
    }
}

/// The numbers of each layer with weights.
fn numbers(recipe: &Recipe, network: &Network, reader: Option<TableReader>) -> Result<Vec<Arc<dyn Numbers>>> {
    let clean = recipe.refresh.strategy == RefreshStrategy::Clean;
    let beside = |l: usize| network.layers.get(l + 1).or(network.layers.get(l));
    let of_words = |l: usize| beside(l).is_some_and(|layer| layer.scheme == Scheme::Tfhe);
    let mut layers = network.layers.iter().enumerate();
    let looked_up = layers.find(|(l, layer)| by_table(layer) && !clean && !of_words(*l));
    if let Some(activation) = looked_up.and_then(|(_, layer)| layer.activation.as_ref()) {
        let what = "it is looked up in tables; `refresh.strategy` = \"clean\" is needed, or a polynomial";
        return Err(TwinError::layer(activation.index, activation.kind, what));
    }
    let over_slots = crate::numbers::tables::over_slots(network);
    let one = |layer: &Layer| -> Result<Arc<dyn Numbers>> {
        let refused = |what: &str| Err(TwinError::layer(layer.index, layer.kind, what));
        if clean && over_slots {
            return Ok(Arc::new(exact_tables::ExactTables::new(recipe, network)?));
        }
        Ok(match (layer.scheme.arithmetic(), recipe.refresh.strategy, reader) {
            (Arithmetic::Words, ..) => Arc::new(words::Words::new(recipe)?),
            (_, RefreshStrategy::Clean, Some(reader)) => {
                Arc::new(tables::Tables::new(recipe, network, layer, reader)?)
            }
            (_, RefreshStrategy::Clean, None) => return refused("its lookup tables have no parameters"),
            (Arithmetic::Integers, RefreshStrategy::None, _) => Arc::new(fixed::Fixed::unrefreshed(recipe)?),
            (Arithmetic::Integers, RefreshStrategy::Client, _) => Arc::new(fixed::Fixed::new(recipe)?),
            (Arithmetic::Integers, RefreshStrategy::Bootstrap, _) => {
                return refused("no bootstrapping of integers rounds; \"client\" or \"clean\" is needed");
            }
            (Arithmetic::Reals, ..) => Arc::new(reals::Reals::new(recipe)),
        })
    };
    network.layers.iter().map(one).collect()
}

#[cfg(test)]
mod tests;
