//! Trimming: every tensor is encrypted and every product computed over as few primes as still hold the noise of what follows.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::cost::seconds;
use super::search::{Candidate, Search};
use crate::engine::slots::Level;
use crate::engine::slots::bgv::Stage;
use crate::plan::Result;
use crate::program::Tensor;

/// The cheapest of some candidates once they are trimmed.
pub(super) fn trimmed(search: &Search<'_>, all: Vec<Candidate>) -> Result<Option<Candidate>> {
    let trimmed: Result<Vec<Candidate>> = (all.into_par_iter())
        .map(|candidate| {
            let stage = search.stage(&candidate.geometry, &candidate.instances)?;
            Ok(trim(&stage, candidate))
        })
        .collect();
    Ok(trimmed?.into_iter().min_by(|a, b| a.seconds.total_cmp(&b.seconds)))
}

/// A cheaper candidate, tensor by tensor.
fn trim(stage: &Stage<'_>, candidate: Candidate) -> Candidate {
    let best = stage.computed().into_iter().fold(candidate, |best, tensor| level(stage, best, tensor));
    stage.encrypted().into_iter().fold(best, |best, tensor| fresh(stage, best, tensor))
}

/// Changes a candidate's levels; returns it if it still holds the noise and costs at most `most`.
fn changed(
    stage: &Stage<'_>,
    best: &Candidate,
    fresh: BTreeMap<Tensor, usize>,
    levels: BTreeMap<Tensor, Level>,
    most: f64,
) -> Option<Candidate> {
    let geometry = best.geometry.clone();
    let rehearsal = stage.walk(&fresh, &levels).ok()?;
    let seconds = seconds(best.log_n(), &geometry, &rehearsal, &fresh);
    let instances = best.instances.clone();
    (seconds <= most).then_some(Candidate { geometry, instances, fresh, levels, rehearsal, seconds })
}

/// The cheapest level of one tensor's products.
fn level(stage: &Stage<'_>, mut best: Candidate, tensor: Tensor) -> Candidate {
    let Some(&(product, result)) = best.rehearsal.computed.get(&tensor) else { return best };
    // Sums of masks are no products: only the primes of their result are chosen.
    for product in (product.min(1)..=product).rev() {
        let (product, most) =
            if product == 0 { (None, result) } else { (Some(product), result.min(product)) };
        for result in 1..=most {
            let mut levels = best.levels.clone();
            levels.insert(tensor, Level { product, result: Some(result) });
            let (fresh, most) = (best.fresh.clone(), best.seconds * 0.9995);
            if let Some(found) = changed(stage, &best, fresh, levels, most) {
                best = found;
                break;
            }
        }
    }
    best
}

/// As few primes for a fresh tensor as cost no more elsewhere.
fn fresh(stage: &Stage<'_>, mut best: Candidate, tensor: Tensor) -> Candidate {
    while best.fresh[&tensor] > 1 {
        let mut fresh = best.fresh.clone();
        fresh.entry(tensor).and_modify(|primes| *primes -= 1);
        match changed(stage, &best, fresh, best.levels.clone(), best.seconds * 1.0005) {
            Some(found) => best = found,
            None => break,
        }
    }
    best
}
