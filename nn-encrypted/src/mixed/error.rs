//! Why there is no plan, and why a role stopped.

use he_core::wire::WireError;

use crate::recipe::MixedLayerKind;

/// Why a mixed recipe cannot be planned. Layers are counted from 1.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MixedPlanError {
    /// A value does not fit what a table reads of the plaintext modulus.
    #[error(
        "layer {layer} ({kind}): range: bounds.{name} is {bound}; tables read less than {most:.3} with this plaintext modulus and these fractional bits"
    )]
    Range {
        /// The layer.
        layer: usize,
        /// Its kind.
        kind: MixedLayerKind,
        /// The bound.
        name: &'static str,
        /// What it is.
        bound: f64,
        /// What it must stay below.
        most: f64,
    },
    /// A scheme cannot compute a layer at its place.
    #[error("layer {layer} ({kind}): {reason}: {what}")]
    Refused {
        /// The layer.
        layer: usize,
        /// Its kind.
        kind: MixedLayerKind,
        /// `levels`, `range` or `layout`.
        reason: &'static str,
        /// What is missing.
        what: String,
    },
    /// There are no parameters.
    #[error(transparent)]
    Switch(#[from] he_switch::Error),
}

/// Why a role stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MixedError {
    /// A message is damaged, or of another plan.
    #[error("{what}: {source}")]
    Message {
        /// What was expected.
        what: &'static str,
        /// What is wrong.
        source: WireError,
    },
    /// A mini-batch that was never sent.
    #[error("mini-batch {0} was not sent")]
    MissingBatch(usize),
    /// A value has no place in the layout.
    #[error("a value has no place in the layout of the plan")]
    Place,
    /// Stopped from outside.
    #[error("stopped")]
    Stopped,
    /// There are no tables.
    #[error(transparent)]
    Plan(#[from] MixedPlanError),
    /// A bridge refused.
    #[error(transparent)]
    Switch(#[from] he_switch::Error),
    /// BGV refused.
    #[error(transparent)]
    Bgv(#[from] he_bgv::Error),
    /// TFHE refused.
    #[error(transparent)]
    Tfhe(#[from] he_tfhe::Error),
    /// CKKS refused.
    #[error(transparent)]
    Ckks(#[from] he_ckks::Error),
}
