//! Candidates for ring, chain and cube, and the choice among them: the cheapest once each is *trimmed*, so that every tensor is
//! encrypted and every product computed over as few primes as still hold the noise of what follows.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::cost::seconds;
use crate::engine::EngineError;
use crate::engine::slots::bgv::{Broken, Instance, Rehearsal, Stage};
use crate::engine::slots::{Formulas, Level};
use crate::layout::{Cube, Geometry, Order};
use crate::network::Matrix;
use crate::plan::parameters::bgv::{chains, instances};
use crate::plan::{PlanError, Result, Security};
use crate::program::{Program, Tensor};
use crate::recipe::Scheme;

/// All that candidates are chosen for.
pub(super) struct Search<'a> {
    pub(super) program: &'a Program,
    pub(super) formulas: &'a Formulas<i64>,
    /// Number, inputs and outputs of each layer.
    pub(super) shapes: Vec<(usize, (usize, usize))>,
    pub(super) matrices: &'a [Matrix],
    /// Samples of a mini-batch.
    pub(super) batch: usize,
    /// Largest magnitude of any tensor.
    pub(super) bound: i128,
    /// Bits of the plaintext primes to try.
    pub(super) plaintext_bits: Vec<Vec<u32>>,
    /// The scheme of messages.
    pub(super) scheme: Scheme,
    /// The rings to choose among.
    pub(super) security: Security<'a>,
    /// Whether mini-batches may be encrypted under the public key.
    pub(super) public: bool,
}

/// Why the last parameters tried are none.
pub(super) enum Failure {
    /// A tensor cannot be computed over a chain of so many bits.
    Broken(Broken, f64),
    /// There are no such parameters.
    Parameters(PlanError),
}

/// A ring, a chain and a cube, with the levels and the cost of a step.
pub(super) struct Candidate {
    pub(super) geometry: Geometry,
    pub(super) instances: Vec<Instance>,
    pub(super) fresh: BTreeMap<Tensor, usize>,
    pub(super) levels: BTreeMap<Tensor, Level>,
    pub(super) rehearsal: Rehearsal,
    pub(super) seconds: f64,
}

impl Candidate {
    fn log_n(&self) -> u32 {
        self.instances[0].spec.log_n
    }
}

impl Search<'_> {
    fn geometry(&self, cube: Cube) -> Geometry {
        Geometry::new(cube, self.shapes.iter().copied(), self.batch)
    }

    /// A stage of a candidate's size.
    fn stage(&self, geometry: &Geometry, instances: &[Instance]) -> Result<Stage<'_>, EngineError> {
        let params: Vec<_> = instances.iter().map(|instance| instance.params.clone()).collect();
        Stage::new((self.program, self.formulas), geometry, &params, self.public)
    }
}

/// Cubes that are rehearsed.
const CUBES: usize = 8;
/// A candidate that costs so many times another one will not become cheaper by trimming, which saves a fifth or so.
const MOST_TRIMMED: f64 = 1.3;
/// Cubes that stay in the race until candidates are trimmed.
const FINAL_CUBES: usize = 3;

impl Search<'_> {
    /// The cubes worth a rehearsal: those with the fewest products and rotations by a count of tiles alone.
    fn cubes(&self, slots: usize) -> Vec<Cube> {
        let score = |cube: &Cube| {
            let geometry = self.geometry(*cube);
            let images = self.batch.div_ceil(cube.b) as f64;
            let tiles = geometry.compact.tiles as f64;
            let groups = geometry.compact.ciphertexts() as f64;
            let group = geometry.compact.group as f64;
            let outputs = geometry.layers.iter().map(|layer| geometry.output(layer).count(cube) as f64);
            let activations: f64 = outputs.sum::<f64>() * 2.0;
            let inputs = geometry.ciphertexts(Tensor::Features) as f64;
            let log = f64::from(cube.p.max(cube.q).ilog2());
            let repeated = (cube.b as f64 / group).log2();
            // In units of a product: a key switch as 7, a mask as one half, a refreshed ciphertext as 12, one of a batch as 10.
            3.0 * images * tiles
                + 7.0 * (activations * (log + 1.0) + tiles + groups * (2.0 * group + repeated))
                + tiles * group
                + 12.0 * (activations + 5.0 * groups)
                + 10.0 * inputs
        };
        let mut cubes = Cube::all(Order::Images, slots);
        cubes.sort_by(|a, b| score(a).total_cmp(&score(b)));
        cubes.truncate(CUBES);
        cubes
    }

    /// The cheapest candidate over rings of some dimensions; without one the last failure.
    pub(super) fn choose(&self, dimensions: &[u32]) -> Result<Result<Candidate, Option<Failure>>> {
        let mut best: Option<Candidate> = None;
        let mut failure = None;
        for &log_n in dimensions {
            let all = self.feasible(log_n, &mut failure)?;
            let cheapest = all.iter().map(|candidate| candidate.seconds).fold(f64::INFINITY, f64::min);
            if best.as_ref().is_some_and(|best| cheapest > best.seconds * MOST_TRIMMED) {
                break;
            }
            if let Some(found) = trimmed(self, finalists(all))? {
                if best.as_ref().is_none_or(|best| found.seconds < best.seconds) {
                    best = Some(found);
                } else {
                    // Larger rings only cost more from here on.
                    break;
                }
            }
        }
        Ok(best.ok_or(failure))
    }

    /// The candidates of one ring dimension with as few primes as hold the noise of any cube.
    fn feasible(&self, log_n: u32, failure: &mut Option<Failure>) -> Result<Vec<Candidate>> {
        let cubes = self.cubes(1 << log_n);
        let geometries: Vec<Geometry> =
            cubes.iter().map(|cube| self.geometry(*cube).with_sharing(self.matrices)).collect();
        let mut found: Vec<Candidate> = Vec::new();
        for (q_bits, special) in chains(log_n) {
            if found.first().is_some_and(|first| first.instances[0].spec.q_bits.len() < q_bits.len()) {
                break;
            }
            let instances = match self.instances(log_n, (&q_bits, special)) {
                Ok(instances) => instances,
                Err(error) => {
                    *failure = Some(Failure::Parameters(error));
                    continue;
                }
            };
            let log_q = f64::from(q_bits.iter().sum::<u32>());
            for geometry in &geometries {
                match self.rehearse(geometry.clone(), &instances)? {
                    Ok(candidate) => found.push(candidate),
                    Err(broken) => *failure = Some(Failure::Broken(broken, log_q)),
                }
            }
        }
        Ok(found)
    }

    fn instances(&self, log_n: u32, chain: (&[u32], u32)) -> Result<Vec<Instance>> {
        instances(log_n, &self.plaintext_bits, chain, self.bound, self.security, self.scheme)
    }

    /// The classification of a mini-batch, as a candidate runs it; its outputs go to the client.
    pub(super) fn query(&self, best: &Candidate) -> Result<Rehearsal> {
        let mut stage = self.stage(&best.geometry, &best.instances)?;
        stage.steps.retain(|step| self.program.prediction.contains(step));
        let mut found = stage.walk(&best.fresh, &best.levels).map_err(|broken| broken.error)?;
        let outputs = self.program.outputs.from;
        if let Some(&primes) = best.rehearsal.sent.get(&outputs) {
            found.to_client.extend(vec![primes; best.geometry.ciphertexts(outputs) * best.instances.len()]);
        }
        Ok(found)
    }

    fn rehearse(&self, geometry: Geometry, instances: &[Instance]) -> Result<Result<Candidate, Broken>> {
        let stage = self.stage(&geometry, instances)?;
        let most = instances[0].params.max_level() + 1;
        let fresh: BTreeMap<Tensor, usize> =
            stage.encrypted().into_iter().map(|tensor| (tensor, most)).collect();
        let levels = BTreeMap::new();
        Ok(stage.walk(&fresh, &levels).map(|rehearsal| {
            let seconds = seconds(instances[0].spec.log_n, &geometry, &rehearsal, &fresh);
            Candidate { geometry, instances: instances.to_vec(), fresh, levels, rehearsal, seconds }
        }))
    }
}

/// The candidates worth trimming: of the cheapest cubes, one for each size of the first prime, which decides how much can
/// be done over that prime alone.
fn finalists(mut all: Vec<Candidate>) -> Vec<Candidate> {
    all.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
    let mut cubes: Vec<Cube> = Vec::new();
    let mut shapes: Vec<(Cube, u32)> = Vec::new();
    all.retain(|candidate| {
        let (cube, q_bits) = (candidate.geometry.cube, &candidate.instances[0].spec.q_bits);
        let shape = (cube, q_bits[0] - q_bits[1]);
        let known = cubes.contains(&cube);
        if (!known && cubes.len() == FINAL_CUBES) || shapes.contains(&shape) {
            return false;
        }
        cubes.extend((!known).then_some(cube));
        shapes.push(shape);
        true
    });
    all
}

/// The cheapest of some candidates once they are trimmed.
fn trimmed(search: &Search<'_>, all: Vec<Candidate>) -> Result<Option<Candidate>> {
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
