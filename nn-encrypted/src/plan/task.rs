//! The task of a planner of an engine, and its answer.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::PlannedEngine;
use crate::network::Network;
use crate::program::{Program, Tensor};
use crate::recipe::Recipe;

/// The shape of the data that a plan depends on, beside its width, which the network has.
///
/// ```
/// # use nn_encrypted::recipe::Recipe;
/// # use nn_encrypted::run::Session;
/// #
/// # let recipe = Recipe::load("hesamifard2017", &["data.set=iris".to_owned()])?;
/// # let session = Session::new(recipe, None)?;
/// use nn_encrypted::plan::{DataShape, Plan};
///
/// let data = DataShape { bound: 1.0, rows: 120 };
/// let plan = Plan::choose(&session.recipe, &session.network, data)?;
/// assert_eq!(plan.engines.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DataShape {
    /// The largest magnitude of a feature.
    pub bound: f64,
    /// Samples to train on.
    pub rows: usize,
}

/// The task of a planner of an engine.
#[derive(Clone, Copy)]
pub(crate) struct Task<'a> {
    pub recipe: &'a Recipe,
    pub network: &'a Network,
    /// The layers with weights that the engine computes, from 0, input first.
    pub layers: &'a [usize],
    /// Steps and refreshes, without the bootstraps that planners add.
    pub program: &'a Program,
    pub data: DataShape,
    /// Which rings it may take.
    pub security: Security<'a>,
}

/// The answer of a planner.
pub(crate) struct Planned {
    pub engine: Arc<dyn PlannedEngine>,
    /// Tensors that it bootstraps on the way, see [`lower_with`](crate::program::lower_with).
    pub bootstrapped: BTreeSet<Tensor>,
    /// How large tensors may be before their refresh, as real numbers.
    pub proven: Vec<(Tensor, f64)>,
}

/// Which rings a plan is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Security<'a> {
    /// Rings of 128-bit security.
    Standard,
    /// Small rings without security; with the reason why that is right.
    InsecureSmall(&'a str),
}
