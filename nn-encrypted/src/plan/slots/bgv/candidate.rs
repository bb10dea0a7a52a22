//! Candidates for ring, chain and cube, and the choice among them.

use std::collections::BTreeMap;

use super::cost::seconds;
use super::search::{Candidate, Failure, Search};
use super::trim::trimmed;
use crate::engine::slots::bgv::{Broken, Instance};
use crate::layout::{Cube, Geometry, Order};
use crate::plan::Result;
use crate::plan::parameters::bgv::{chains, instances};
use crate::program::Tensor;

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
            let instances =
                match instances(log_n, &self.plaintext_bits, (&q_bits, special), self.bound, self.security) {
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
