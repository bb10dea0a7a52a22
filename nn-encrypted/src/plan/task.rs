//! What a planner of an engine is asked for, and what it answers.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::parameters::Security;
use super::{PlanError, PlannedEngine, Reason};
use crate::network::{Layer, Network};
use crate::program::{Program, Tensor};
use crate::recipe::Recipe;

/// What a plan depends on of the data, beside its width, which the network has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DataShape {
    /// The largest magnitude of a feature.
    pub bound: f64,
    /// Samples to train on.
    pub rows: usize,
}

/// What a planner of an engine is asked for.
#[derive(Clone, Copy)]
pub struct Task<'a> {
    /// The recipe.
    pub recipe: &'a Recipe,
    /// The network.
    pub network: &'a Network,
    /// The layers with weights that the engine computes, from 0, input first.
    pub layers: &'a [usize],
    /// Steps and refreshes, without the bootstraps that planners add.
    pub program: &'a Program,
    /// The data.
    pub data: DataShape,
    /// Of the parameters.
    pub(crate) security: Security,
}

/// What a planner answers.
pub struct Planned {
    /// The engine.
    pub engine: Arc<dyn PlannedEngine>,
    /// Tensors that it bootstraps on the way, see [`lower_with`](crate::program::lower_with).
    pub bootstrapped: BTreeSet<Tensor>,
    /// How large tensors may be before their refresh, as real numbers.
    pub proven: Vec<(Tensor, f64)>,
}

/// A layer that cannot be computed where the recipe puts it; what is needed, and what there is.
pub(crate) fn refused(
    layer: &Layer,
    reason: Reason,
    what: String,
    [needed, available]: [f64; 2],
) -> PlanError {
    let (layer, kind) = (layer.index, layer.kind.to_string());
    PlanError::Refused { layer, kind, reason, what, needed, available }
}
