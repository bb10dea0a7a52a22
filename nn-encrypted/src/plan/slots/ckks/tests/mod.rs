//! Plans and steps in CKKS, against the twin.

mod client;
mod leaks;
mod plans;
mod steps;
mod world;

use std::collections::BTreeSet;

use super::{PlannedCkks, search};
use crate::network::Network;
use crate::plan::parameters::ckks as parameters;
use crate::plan::{DataShape, PlanError, Security, Task};
use crate::program::lower_with;
use crate::recipe::Recipe;

fn settings(all: &[&str]) -> Vec<String> {
    all.iter().map(|setting| (*setting).to_owned()).collect()
}

/// A built-in recipe with settings, and its network for so many features and outputs.
fn recipe(name: &str, all: &[&str], features: usize, outputs: usize) -> (Recipe, Network) {
    let recipe = Recipe::load(name, &settings(all)).unwrap();
    let network = Network::new(&recipe, features, None, outputs).unwrap();
    (recipe, network)
}

/// The plan for features of at most `bound`; in a small ring if `log_n` gives one.
fn planned(
    recipe: &Recipe,
    network: &Network,
    bound: f64,
    log_n: Option<u32>,
) -> Result<PlannedCkks, PlanError> {
    let layers: Vec<usize> = (0..network.depth()).collect();
    let program = lower_with(recipe, network, &BTreeSet::new());
    let data = DataShape { bound, rows: 1000 };
    let task =
        Task { recipe, network, layers: &layers, program: &program, data, security: Security::Standard };
    match log_n {
        None => PlannedCkks::new((network, false), search(&task)?.choose(None)?, parameters::build),
        Some(log_n) => PlannedCkks::insecure(&task, log_n),
    }
}
