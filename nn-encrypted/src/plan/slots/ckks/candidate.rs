//! The search for the cheapest cube, bootstraps on the way, and chain.

use std::collections::BTreeSet;

use super::cost::{Costs, key_bytes, shared_bytes, working_bytes};
use super::refusal;
use super::rehearse::{Fresh, highest, rehearse};
use crate::engine::slots::ckks::{RealFormulas, Room, Tally};
use crate::layout::{Cube, Order};
use crate::network::Network;
use crate::plan::parameters::ckks::{self as parameters, Spec};
use crate::plan::{PlanError, Reason, Result};
use crate::program::{Program, Tensor, lower_with};
use crate::recipe::{Backward, Recipe, RefreshStrategy};

/// Cubes for which bootstraps in the middle of a step are tried.
const CUBES: usize = 6;
/// Bytes of memory that a plan may take.
const LARGEST_MEMORY: usize = 20 << 30;

/// A cube and the bootstraps on the way, rehearsed.
pub(super) struct Candidate {
    pub(super) formulas: RealFormulas,
    pub(super) bootstrapped: BTreeSet<Tensor>,
    pub(super) levels: usize,
    pub(super) fresh: Fresh,
    pub(super) tally: Tally,
    pub(super) spec: Spec,
    pub(super) units: f64,
}

impl Candidate {
    /// The tally of the classification of a mini-batch.
    pub(super) fn query(&self) -> Result<Tally> {
        let mut program = self.formulas.program.clone();
        let prediction = &self.formulas.program.prediction;
        program.training.retain(|step| prediction.contains(step));
        Ok(rehearse(&self.formulas, &program, &self.fresh, None)?)
    }

    /// Bytes of keys, and of everything.
    pub(super) fn memory(&self) -> (usize, usize) {
        let Self { formulas, levels, tally, spec, .. } = self;
        let costs = Costs::new(spec);
        let [shared, diagonals] = shared_bytes(&costs, formulas, tally, *levels);
        let keys = key_bytes(&costs, tally, spec, *levels) + shared;
        (keys, keys + diagonals + working_bytes(&costs, formulas, spec, *levels))
    }
}

/// The layers to plan for.
#[derive(Clone, Copy)]
pub(super) struct Search<'a> {
    pub(super) recipe: &'a Recipe,
    pub(super) network: &'a Network,
    pub(super) layers: &'a [usize],
    /// The largest magnitude of features.
    pub(super) input_bound: f64,
}

/// A ring: the logarithm of its dimension, levels of its deepest chain, and slots.
#[derive(Clone, Copy)]
struct Ring {
    log_n: u32,
    most: usize,
    slots: usize,
}

/// A step of a cube.
struct Rehearsed {
    levels: usize,
    fresh: Fresh,
    tally: Tally,
}

impl Search<'_> {
    fn bootstraps(&self) -> bool {
        self.recipe.refresh.strategy == RefreshStrategy::Bootstrap
    }

    /// The best candidate of the first ring that has one; with the slots of a small ring, if the logarithm of its dimension is given.
    pub(super) fn choose(&self, small: Option<u32>) -> Result<Candidate> {
        let mut refused = None;
        for (real, most) in parameters::rings(self.recipe, self.bootstraps())? {
            match self.best(Ring { log_n: real, most, slots: 1 << (small.unwrap_or(real) - 1) }) {
                Err(error @ PlanError::Refused { reason: Reason::Levels | Reason::Range, .. }) => {
                    refused = Some(error);
                }
                other => return other,
            }
        }
        Err(refused.unwrap_or_else(|| PlanError::Rehearsal(crate::engine::EngineError::Empty)))
    }

    fn best(&self, ring: Ring) -> Result<Candidate> {
        let plain = lower_with(self.recipe, self.network, &BTreeSet::new());
        let mut found: Vec<(f64, Cube)> = Vec::new();
        let mut refused = None;
        for cube in cubes(ring.slots, self.network, self.layers, self.recipe.optimizer.batch_size) {
            let formulas = self.formulas(cube, &plain);
            let ciphertexts = formulas.geometry.compact.ciphertexts();
            if let (Some(layer), true) = (formulas.first_shared(), ciphertexts > 1) {
                refused = refused.or_else(|| Some(refusal::shared(self.network, layer, ciphertexts)));
                continue;
            }
            let tally = rehearse(&formulas, &plain, &highest(&formulas, &plain), None)?;
            let levels = tally.lowest.0.unsigned_abs().min(ring.most);
            let spec = parameters::chain(self.recipe, self.bootstraps(), ring.log_n, levels);
            found.push((Costs::new(&spec).units(&tally, levels), cube));
        }
        found.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (mut best, mut least): (Option<Candidate>, _) = (None, usize::MAX);
        for (_, cube) in found.into_iter().take(CUBES) {
            for bootstrapped in self.middles() {
                let program = lower_with(self.recipe, self.network, &bootstrapped);
                let formulas = self.formulas(cube, &program);
                let rehearsed = match self.levels(&formulas, &program, ring)? {
                    Ok(rehearsed) => rehearsed,
                    Err(error) => {
                        refused = refused.or(Some(error));
                        continue;
                    }
                };
                let candidate = self.candidate(formulas, bootstrapped, rehearsed, ring);
                let memory = candidate.memory().1;
                least = least.min(memory);
                if memory <= LARGEST_MEMORY && best.as_ref().is_none_or(|best| candidate.units < best.units) {
                    best = Some(candidate);
                }
            }
        }
        let memory = || refusal::memory(self.network, self.layers, [least, LARGEST_MEMORY]);
        best.ok_or_else(|| match refused {
            Some(error) if least == usize::MAX => error,
            _ => memory(),
        })
    }

    fn formulas(&self, cube: Cube, program: &Program) -> RealFormulas {
        RealFormulas::new(self.recipe, self.network, self.layers, cube, self.input_bound, program)
    }

    fn candidate(
        &self,
        formulas: RealFormulas,
        bootstrapped: BTreeSet<Tensor>,
        Rehearsed { levels, fresh, tally }: Rehearsed,
        ring: Ring,
    ) -> Candidate {
        let spec = parameters::chain(self.recipe, self.bootstraps(), ring.log_n, levels);
        let units = Costs::new(&spec).units(&tally, levels);
        Candidate { formulas, bootstrapped, levels, fresh, tally, spec, units }
    }

    /// The levels of a step, if a chain has them.
    fn levels(&self, formulas: &RealFormulas, program: &Program, ring: Ring) -> Result<Result<Rehearsed>> {
        let fresh = highest(formulas, program);
        let tally = rehearse(formulas, program, &fresh, None)?;
        let needed = tally.lowest.0.unsigned_abs();
        if needed > ring.most {
            return Ok(Err(refusal::levels(self.network, self.layers, &tally, [needed, ring.most])));
        }
        let alone = self.bootstraps() || self.recipe.refresh.backward == Backward::Client;
        // Levels at which values fit too.
        let mut overflow = None;
        for levels in needed..=ring.most {
            let room = room(&parameters::chain(self.recipe, self.bootstraps(), ring.log_n, levels));
            let tally = rehearse(formulas, program, &fresh, Some(room))?;
            if tally.overflow.is_none() {
                let highest = Rehearsed { levels, fresh, tally };
                return Ok(Ok(if alone { highest } else { lowered(formulas, program, highest, room)? }));
            }
            overflow = tally.overflow.map(|found| (found, room.above_scale(1)));
        }
        Ok(Err(refusal::range(self.network, self.layers, overflow)))
    }

    /// The tensors that may be bootstrapped on the way: nothing, one tensor, or two.
    fn middles(&self) -> Vec<BTreeSet<Tensor>> {
        let mut sets = vec![BTreeSet::new()];
        if !self.bootstraps() || self.recipe.refresh.backward == Backward::Client {
            return sets;
        }
        let layers = self.network.depth();
        let sums = (0..layers).map(Tensor::Sum);
        let tensors: Vec<Tensor> = sums.chain((1..layers).map(|l| Tensor::InputGradient(l - 1))).collect();
        for (i, a) in tensors.iter().enumerate() {
            sets.extend(tensors[i..].iter().map(|b| BTreeSet::from([*a, *b])));
        }
        sets
    }
}

/// How large values may be with a chain of primes.
pub(super) fn room(spec: &Spec) -> Room {
    let reserved = spec.bootstrap.as_ref().map_or(0, |bootstrap| bootstrap.slots_to_coefficients);
    let (first_bits, scale_bits) = (f64::from(spec.first_bits), f64::from(spec.scale_bits));
    Room { first_bits, scale_bits, levels: spec.levels, reserved }
}

/// Every fresh tensor over as few primes as what follows needs.
fn lowered(formulas: &RealFormulas, program: &Program, highest: Rehearsed, room: Room) -> Result<Rehearsed> {
    let tensors: Vec<Tensor> =
        highest.fresh.keys().copied().filter(|tensor| *tensor != Tensor::Features).collect();
    let mut best = highest;
    for tensor in tensors {
        loop {
            let mut fresh = best.fresh.clone();
            fresh.entry(tensor).and_modify(|level| *level -= 1);
            if tensor == Tensor::Weights {
                // They meet expanded weights, one level below those that are kept.
                fresh.entry(Tensor::Features).and_modify(|level| *level -= 1);
            }
            let tally = rehearse(formulas, program, &fresh, Some(room))?;
            if tally.overflow.is_some() || tally.lowest.0 < -(room.levels as isize) {
                break;
            }
            best = Rehearsed { fresh, tally, ..best };
        }
    }
    Ok(best)
}

/// Cubes whose axes are not longer than what lies along them.
fn cubes(slots: usize, network: &Network, layers: &[usize], batch: usize) -> Vec<Cube> {
    let (mut p, mut q) = (1, 1);
    for &l in layers {
        let (inputs, outputs) = network.layers[l].matrix.entries.dim();
        let (on_p, on_q) = if l % 2 == 0 { (inputs, outputs) } else { (outputs, inputs) };
        (p, q) = (p.max(on_p), q.max(on_q));
    }
    let all = Cube::all(Order::Inputs, slots);
    let among =
        |fits: &dyn Fn(&Cube) -> bool| all.iter().copied().filter(|cube| fits(cube)).collect::<Vec<_>>();
    let features = |cube: &Cube| cube.p < (2 * p).max(3) && cube.q < (2 * q).max(3);
    let close = among(&|cube| features(cube) && cube.b < (2 * batch).max(5));
    // A network or a mini-batch that fills no ciphertext leaves images empty.
    if close.is_empty() { among(&features) } else { close }
}
