//! The last plans of this process. A plan depends on recipe, network and shape of the data alone, so that a training on other rows, as in
//! a cross-validation, need not be planned again.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use super::RunError;
use crate::network::Network;
use crate::plan::{DataShape, Plan};
use crate::recipe::Recipe;

/// Plans that are kept.
const MOST: usize = 8;

struct Known {
    recipe: Recipe,
    network: Network,
    shape: DataShape,
    plan: Arc<Plan>,
}

static LAST: Mutex<VecDeque<Known>> = Mutex::new(VecDeque::new());

/// The plan of a recipe, whose seed has a part in it too: it decides the first weights, whose ranges some plans follow.
///
/// # Errors
/// If there is none.
pub(super) fn plan(recipe: &Recipe, network: &Network, shape: DataShape) -> Result<Arc<Plan>, RunError> {
    let last = || LAST.lock().unwrap_or_else(PoisonError::into_inner);
    let is_it = |known: &Known| known.shape == shape && known.network == *network && known.recipe == *recipe;
    if let Some(known) = last().iter().find(|known| is_it(known)) {
        return Ok(Arc::clone(&known.plan));
    }
    let plan = Arc::new(Plan::choose(recipe, network, shape)?);
    let mut last = last();
    last.truncate(MOST - 1);
    last.push_front(Known {
        recipe: recipe.clone(),
        network: network.clone(),
        shape,
        plan: Arc::clone(&plan),
    });
    Ok(plan)
}
