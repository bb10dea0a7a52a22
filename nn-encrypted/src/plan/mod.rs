//! From a recipe to a plan: steps, layout, parameters, levels and keys, before any key exists.
//!
//! 1. The network is lowered to [`Step`]s; interval arithmetic from one refresh to the next gives the largest magnitude
//!    of every tensor, hence the least plaintext modulus `t` that nothing can wrap in.
//! 2. For each ring dimension, modulus chain and cube the plan is *rehearsed* on ciphertexts of a tiny ring whose noise
//!    is estimated as that of the real one: it fails where the noise would not fit, and counts what it costs otherwise.
//! 3. The cheapest candidates are *trimmed*: each tensor is encrypted, and each product computed, over as few primes as
//!    still hold the noise of what follows. The one that is cheapest then is kept, with the keys it uses.

mod candidate;
mod describe;
mod lower;
mod once;
mod rehearse;

mod step;
mod tensor;

use std::collections::BTreeMap;

use he_bgv::{KeyRequest, Parameters};

pub use self::candidate::Instance;
pub use self::step::{Refresh, Step};
pub use self::tensor::{Layout, Tensor};
use crate::engine::{Geometry, Level, Turn, Usage};
use crate::packing::Tiles;
use crate::recipe::{Network, Recipe};

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// A layer asks for a scheme this strategy does not run in.
    #[error(
        "layers[{layer}]: scheme `{scheme}` is not available with refresh strategy `client`: needed `bgv`"
    )]
    Scheme {
        /// Place among the recipe's layers.
        layer: usize,
        /// The scheme.
        scheme: String,
    },
    /// A tensor is not refreshed.
    #[error(
        "refresh.tensors lacks `{tensor}`: without a refresh it is not spread along the axis the next product needs"
    )]
    Unspread {
        /// The tensor.
        tensor: String,
    },
    /// Values grow too large between two refreshes.
    #[error(
        "{tensor} may reach {bits:.1} bits between two refreshes, which {primes} plaintext primes of {most} bits cannot hold: lower its bounds or fractional bits"
    )]
    Wraps {
        /// The tensor, with its layer.
        tensor: Tensor,
        /// Bits it may take, with sign.
        bits: f64,
        /// Plaintext primes there may be.
        primes: usize,
        /// Bits of each.
        most: u32,
    },
    /// A scale that a refresh cannot reach by rounding.
    #[error(
        "{tensor} has {from} fractional bits as computed and should have {to} after its refresh: needed at most as many"
    )]
    Scale {
        /// The tensor.
        tensor: Tensor,
        /// Bits as computed.
        from: u32,
        /// Bits asked for.
        to: u32,
    },
    /// A plaintext modulus set by hand that is too small.
    #[error("parameters.plaintext_bits = {set}: {tensor} needs at least {needed}")]
    PlaintextBits {
        /// What the recipe says.
        set: usize,
        /// What is needed.
        needed: u32,
        /// The tensor that needs it.
        tensor: Tensor,
    },
    /// A field has a value the planner has no parameters for.
    #[error("parameters.{field} = {value}: {needed}")]
    Parameters {
        /// The field.
        field: &'static str,
        /// Its value.
        value: usize,
        /// What there is.
        needed: &'static str,
    },
    /// No parameters hold the noise.
    #[error("no 128-bit parameters hold the noise of a step; the last tried failed in {place}: {why}")]
    NoParameters {
        /// Where.
        place: String,
        /// Why.
        why: String,
    },
    /// The scheme refused the parameters.
    #[error(transparent)]
    Bgv(#[from] he_bgv::Error),
}

/// A training plan.
pub struct Plan {
    /// Layout.
    pub geometry: Geometry,
    /// Steps of training on one mini-batch.
    pub training: Vec<Step>,
    /// Steps of a prediction: a prefix of the training's.
    pub prediction: Vec<Step>,
    /// What the client does in each round.
    pub rounds: Vec<Vec<Refresh>>,
    /// Largest magnitude of every tensor, proven.
    pub bounds: BTreeMap<Tensor, i128>,
    /// One BGV instance for each plaintext prime.
    pub instances: Vec<Instance>,
    /// Number of primes over which each tensor is encrypted afresh.
    pub fresh_limbs: BTreeMap<Tensor, usize>,
    /// Number of primes over which each tensor is sent to the client.
    pub sent_limbs: BTreeMap<Tensor, usize>,
    /// Numbers of primes over which products are computed, fewer than what leaves most room for noise.
    pub levels: BTreeMap<Tensor, Level>,
    /// What a training step takes, on one plaintext prime or on all.
    pub usage: Usage,
    /// Reckoned core-seconds of a step, the client's included; for ranking plans.
    pub estimate: f64,
}

impl Plan {
    /// The cheapest plan for a recipe on data with features of at most `input_bound` in magnitude.
    ///
    /// # Errors
    /// If the recipe asks for what cannot be: the error names the layer or tensor.
    pub fn new(recipe: &Recipe, network: &Network, input_bound: i64) -> Result<Self, PlanError> {
        candidate::choose(recipe, network, input_bound)
    }

    /// Bits the largest tensor takes, with its sign.
    pub fn value_bits(&self) -> f64 {
        candidate::bits(candidate::widest(&self.bounds).1)
    }

    /// Layout of a tensor.
    pub fn layout(&self, tensor: Tensor) -> Layout {
        layout(&self.geometry, tensor)
    }

    /// Tiles of an images-by-features tensor.
    pub fn tiles(&self, tensor: Tensor) -> Option<Tiles> {
        match self.layout(tensor) {
            Layout::Spread(tiles) | Layout::AtZero(tiles) => Some(tiles),
            _ => None,
        }
    }

    /// Ciphertexts (of each plaintext prime) of a tensor.
    pub fn ciphertexts(&self, tensor: Tensor) -> usize {
        ciphertexts(&self.geometry, tensor)
    }

    /// Rounds with the client in a step.
    pub fn rounds_per_step(&self) -> usize {
        self.rounds.len()
    }

    /// The evaluation keys it needs.
    pub fn keys(&self, params: &Parameters) -> KeyRequest {
        let request = match self.usage.relinearize.checked_sub(1) {
            Some(level) => KeyRequest::default().relinearization(level),
            None => KeyRequest::default(),
        };
        self.usage.turns.iter().fold(request, |request, (turn, &limbs)| match turn {
            Turn::Rows(k) => request.rotations(params, &[*k], limbs - 1),
            Turn::Swap => request.row_swap(params, limbs - 1),
        })
    }

    /// Digest of everything client and server must agree on.
    pub fn hash(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key("nn-encrypted plan v1");
        let levels = (&self.fresh_limbs, &self.sent_limbs, &self.levels, &self.bounds);
        hasher
            .update(format!("{:?}{:?}{levels:?}{:?}", self.training, self.rounds, self.geometry).as_bytes());
        for instance in &self.instances {
            hasher.update(instance.params.rlwe().hash());
        }
        *hasher.finalize().as_bytes()
    }
}

/// Layout of a tensor in a geometry.
fn layout(geometry: &Geometry, tensor: Tensor) -> Layout {
    match tensor {
        Tensor::Input => Layout::Spread(geometry.input(0)),
        Tensor::Labels => Layout::Spread(geometry.output(geometry.layers.len() - 1)),
        Tensor::Sum(l) | Tensor::ErrorSum(l) | Tensor::RawError(l) => Layout::AtZero(geometry.output(l)),
        Tensor::Preactivation(l) | Tensor::Activation(l) | Tensor::Slope(l) | Tensor::Error(l) => {
            Layout::Spread(geometry.output(l))
        }
        Tensor::Weights => Layout::Expanded,
        Tensor::Products(_) => Layout::PerImage,
        Tensor::High
        | Tensor::Low
        | Tensor::Momentum
        | Tensor::Gradient
        | Tensor::NewMomentum
        | Tensor::NewWeights => Layout::Compact,
    }
}

fn ciphertexts(geometry: &Geometry, tensor: Tensor) -> usize {
    match layout(geometry, tensor) {
        Layout::Spread(tiles) | Layout::AtZero(tiles) => tiles.count(&geometry.cube),
        Layout::Expanded => geometry.compact.tiles,
        Layout::Compact => geometry.compact.ciphertexts(),
        Layout::PerImage => {
            let layer = &geometry.layers[tensor.layer().unwrap_or(0)];
            let (k, o) = layer.counts(&geometry.cube);
            k * o
        }
    }
}
