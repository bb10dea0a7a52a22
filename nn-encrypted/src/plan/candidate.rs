//! Candidates for ring, chain and cube, and the choice among them.

use std::collections::BTreeMap;

use he_bgv::{Parameters, Spec};
use rayon::prelude::*;

use super::lower::{Program, lower, shape};
use super::rehearse::{Rehearsal, Stage, fresh_tensors};
use super::tensor::Tensor;
use super::{Plan, PlanError, ciphertexts};
use crate::engine::{Cost, Geometry, Level, Usage};
use crate::packing::{Cube, Order};
use crate::recipe::{Network, Recipe};

/// A BGV instance and its parameters.
#[derive(Clone)]
pub struct Instance {
    /// As written.
    pub spec: Spec,
    /// As built, at 128-bit security.
    pub params: Parameters,
}

/// Bits of a plaintext prime, and how many there may be.
const MOST_PLAINTEXT_BITS: u32 = 40;
const MOST_PLAINTEXT_PRIMES: usize = 3;

/// The tensor with the largest bound, and the bits that take with its sign.
pub(super) fn widest(bounds: &BTreeMap<Tensor, i128>) -> (Tensor, i128) {
    let widest = bounds.iter().max_by_key(|(_, bound)| **bound);
    widest.map_or((Tensor::Input, 0), |(tensor, bound)| (*tensor, *bound))
}

/// Bits of an integer of magnitude `bound`, with its sign.
pub(super) fn bits(bound: i128) -> f64 {
    (2.0 * bound as f64 + 1.0).log2()
}

/// The refusal of a tensor that grows too large.
pub(super) fn wraps(tensor: Tensor, bound: i128) -> PlanError {
    PlanError::Wraps { tensor, bits: bits(bound), primes: MOST_PLAINTEXT_PRIMES, most: MOST_PLAINTEXT_BITS }
}

/// Bits of each of the plaintext primes to try, fewest first: as few primes as hold the values.
fn plaintext_bits(recipe: &Recipe, bounds: &BTreeMap<Tensor, i128>) -> Result<Vec<Vec<u32>>, PlanError> {
    let (tensor, bound) = widest(bounds);
    let needed = bits(bound).ceil() as u32;
    if let Some(set) = recipe.parameters.plaintext_bits.value() {
        if (set as u64) < u64::from(needed) {
            return Err(PlanError::PlaintextBits { set, needed, tensor });
        }
        if !(20..=MOST_PLAINTEXT_BITS as usize).contains(&set) {
            let needed = "needed 20 to 40; left at \"auto\", several primes are used where one is too small";
            return Err(PlanError::Parameters { field: "plaintext_bits", value: set, needed });
        }
        return Ok(vec![vec![set as u32]]);
    }
    let primes = needed.div_ceil(MOST_PLAINTEXT_BITS).max(1);
    if primes as usize > MOST_PLAINTEXT_PRIMES {
        return Err(wraps(tensor, bound));
    }
    // The largest prime of so many bits may lie well below the power of two: then one bit more.
    let each = needed.div_ceil(primes).max(20);
    Ok((each..=each + 1).map(|bits| vec![bits; primes as usize]).collect())
}

/// Whether the product of the plaintext primes tells all integers of magnitude `bound` apart.
fn holds(instances: &[Instance], bound: i128) -> bool {
    let product: i128 =
        instances.iter().map(|instance| i128::from(instance.spec.plaintext_modulus)).product();
    bound < product / 2
}

/// Chains of a ring dimension, fewest primes first: bits of the primes of `Q`, the first of which may be larger, and of
/// the special prime, which is larger than any by what key-switching noise needs.
fn chains(log_n: u32) -> Vec<(Vec<u32>, u32)> {
    let cap = match log_n {
        13 => 214,
        14 => 430,
        _ => 868,
    };
    let mut chains = Vec::new();
    for limbs in 2..=16u32 {
        for (above, margin) in (0..=6).flat_map(|above| (1..=5).rev().map(move |margin| (above, margin))) {
            // The largest primes of a shape: fewer bits of the same number of primes cost as much.
            let fits = |q: &u32| limbs * q + above + (q + above + margin) <= cap && q + above + margin <= 50;
            if let Some(q) = (30..=49).rev().find(fits) {
                let mut primes = vec![q; limbs as usize];
                primes[0] += above;
                chains.push((primes, q + above + margin));
            }
        }
    }
    chains
}

/// Ciphertexts by their numbers of limbs.
struct Moved<'a> {
    to_client: &'a [usize],
    to_server: &'a [usize],
    /// Of a mini-batch, and their limbs: encrypted by the client and read by the server for every step, unless all
    /// mini-batches fit in memory.
    batch: (usize, usize),
}

/// Reckoned seconds of a step on one core, from the transforms that are made and the words that are streamed. The unit
/// costs are those of a 2 GHz core with AVX2; on other machines the ranking of plans is what matters.
fn seconds(log_n: u32, usage: &Usage, moved: &Moved<'_>) -> f64 {
    let n = f64::from(1u32 << log_n);
    let transform = 0.47e-9 * n * f64::from(log_n);
    let word = 1.1e-9 * n;
    let one = |cost: Cost, limbs: usize| {
        let l = limbs as f64;
        let down = 2.0 * (1.0 + l) * transform + 4.0 * l * word;
        match cost {
            Cost::Product => 4.0 * l * word,
            Cost::Mask => 2.0 * l * word,
            Cost::KeySwitch => (l + l * l) * transform + 3.0 * l * (l + 1.0) * word + down,
            Cost::Decompose => (l + l * l) * (transform + word),
            Cost::Hoisted => 2.0 * l * (l + 1.0) * word + down,
            Cost::Drop => down,
            Cost::Linear => 2.0 * l * word,
        }
    };
    let server: f64 =
        usage.counts.iter().map(|(&(cost, limbs), &count)| one(cost, limbs) * count as f64).sum();
    // Packing, digest and expansion of a limb take about 27 words' time on each side, an error and a plaintext 70.
    let decrypt: f64 =
        moved.to_client.iter().map(|&l| (l as f64 + 1.0) * transform + 20.0 * l as f64 * word).sum();
    let encrypt = |l: f64| (l + 1.0) * transform + (70.0 + 55.0 * l) * word;
    let encrypted: f64 = moved.to_server.iter().map(|&l| encrypt(l as f64)).sum();
    let (tiles, limbs) = (moved.batch.0 as f64, moved.batch.1 as f64);
    server + decrypt + encrypted + tiles * encrypt(limbs)
}

struct Candidate {
    geometry: Geometry,
    instances: Vec<Instance>,
    limbs: BTreeMap<Tensor, usize>,
    levels: BTreeMap<Tensor, Level>,
    rehearsal: Rehearsal,
    seconds: f64,
}

/// Cubes that are rehearsed.
const CUBES: usize = 8;

/// The cubes worth a rehearsal: those with the fewest products and rotations by a count of tiles alone.
fn cubes(slots: usize, shapes: &[(usize, usize)], batch: usize) -> Vec<Cube> {
    let score = |cube: &Cube| {
        let geometry = Geometry::new(*cube, shapes.iter().copied(), batch);
        let images = batch.div_ceil(cube.b) as f64;
        let tiles = geometry.compact.tiles as f64;
        let groups = geometry.compact.ciphertexts() as f64;
        let group = geometry.compact.group as f64;
        let activations: f64 =
            (0..shapes.len()).map(|l| geometry.output(l).count(cube) as f64).sum::<f64>() * 2.0;
        let log = f64::from(cube.p.max(cube.q).ilog2());
        let repeated = (cube.b as f64 / group).log2();
        // In units of a product: a key switch as 7, a mask as one half, a refreshed ciphertext as 12, one of a batch as 10.
        3.0 * images * tiles
            + 7.0 * (activations * (log + 1.0) + tiles + groups * (2.0 * group + repeated))
            + tiles * group
            + 12.0 * (activations + 5.0 * groups)
            + 10.0 * geometry.input(0).count(cube) as f64
    };
    let mut cubes = Cube::all(Order::Images, slots);
    cubes.sort_by(|a, b| score(a).total_cmp(&score(b)));
    cubes.truncate(CUBES);
    cubes
}

pub(super) fn choose(recipe: &Recipe, network: &Network, input_bound: i64) -> Result<Plan, PlanError> {
    let batch = recipe.optimizer.batch_size;
    let program = lower(recipe, network, batch, input_bound)?;
    let bits = plaintext_bits(recipe, &program.bounds)?;
    let dimensions: Vec<u32> = match recipe.parameters.ring_dimension.value() {
        None => vec![13, 14, 15],
        Some(n @ (8192 | 16384 | 32768)) => vec![n.ilog2()],
        Some(value) => {
            let needed = "needed 8192, 16384 or 32768";
            return Err(PlanError::Parameters { field: "ring_dimension", value, needed });
        }
    };
    let mut best: Option<Candidate> = None;
    let mut failure = (String::new(), String::new());
    for log_n in dimensions {
        let all = feasible(log_n, &bits, network, &program, batch, &mut failure)?;
        let cheapest = all.iter().map(|candidate| candidate.seconds).fold(f64::INFINITY, f64::min);
        if best.as_ref().is_some_and(|best| cheapest > best.seconds * MOST_TRIMMED) {
            break;
        }
        if let Some(found) = trimmed(all, &program)? {
            if best.as_ref().is_none_or(|best| found.seconds < best.seconds) {
                best = Some(found);
            } else {
                // Larger rings only cost more from here on.
                break;
            }
        }
    }
    let best = best.ok_or(PlanError::NoParameters { place: failure.0, why: failure.1 })?;
    Ok(Plan {
        geometry: best.geometry,
        training: program.training,
        prediction: program.prediction,
        rounds: program.rounds,
        bounds: program.bounds,
        instances: best.instances,
        fresh_limbs: best.limbs,
        sent_limbs: best.rehearsal.sent,
        levels: best.levels,
        usage: best.rehearsal.usage,
        estimate: best.seconds,
    })
}

/// A candidate that costs so many times another one will not become cheaper by trimming, which saves a fifth or so.
const MOST_TRIMMED: f64 = 1.3;

/// The cheapest of some candidates once they are trimmed.
fn trimmed(all: Vec<Candidate>, program: &Program) -> Result<Option<Candidate>, PlanError> {
    let trimmed: Result<Vec<Candidate>, PlanError> = (finalists(all).into_par_iter())
        .map(|candidate| Ok(Trimming::new(&candidate, program)?.run(candidate)))
        .collect();
    Ok(trimmed?.into_iter().min_by(|a, b| a.seconds.total_cmp(&b.seconds)))
}

/// Cubes that stay in the race until candidates are trimmed.
const FINAL_CUBES: usize = 3;

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

/// The candidates of one ring dimension with as few primes as hold the noise of any cube.
fn feasible(
    log_n: u32,
    bits: &[Vec<u32>],
    network: &Network,
    program: &Program,
    batch: usize,
    failure: &mut (String, String),
) -> Result<Vec<Candidate>, PlanError> {
    let shapes: Vec<_> = network.layers.iter().map(shape).collect();
    let cubes = cubes(1 << log_n, &shapes, batch);
    let mut found: Vec<Candidate> = Vec::new();
    for (q_bits, special) in chains(log_n) {
        if found.first().is_some_and(|first| first.instances[0].spec.q_bits.len() < q_bits.len()) {
            break;
        }
        let instances = match instances(log_n, bits, &q_bits, special, widest(&program.bounds).1) {
            Ok(instances) => instances,
            Err(error) => {
                *failure = (format!("N = 2^{log_n}"), error.to_string());
                continue;
            }
        };
        for cube in &cubes {
            let geometry = Geometry::new(*cube, shapes.iter().copied(), batch);
            match rehearse(log_n, geometry, &instances, program)? {
                Ok(candidate) => found.push(candidate),
                Err(broken) => *failure = broken,
            }
        }
    }
    Ok(found)
}

/// The instances of a chain, with the first plaintext primes that hold the values.
fn instances(
    log_n: u32,
    bits: &[Vec<u32>],
    q_bits: &[u32],
    special: u32,
    bound: i128,
) -> Result<Vec<Instance>, PlanError> {
    for bits in bits {
        let mut out: Vec<Instance> = Vec::new();
        for &bits in bits {
            let taken: Vec<u64> = out.iter().map(|instance| instance.spec.plaintext_modulus).collect();
            let spec = Spec {
                log_n,
                plaintext_modulus: Spec::slot_modulus_except(log_n, bits, &taken)?,
                q_bits: q_bits.to_vec(),
                p_bits: vec![special],
                digit: 1,
            };
            let params = spec.build()?;
            out.push(Instance { spec, params });
        }
        if holds(&out, bound) {
            return Ok(out);
        }
    }
    let needed = "the largest prime of so many bits is too small for the values: needed one bit more";
    let value = bits.first().map_or(0, |bits| bits[0] as usize);
    Err(PlanError::Parameters { field: "plaintext_bits", value, needed })
}

fn reckon(log_n: u32, geometry: &Geometry, rehearsal: &Rehearsal, limbs: &BTreeMap<Tensor, usize>) -> f64 {
    let batch = (ciphertexts(geometry, Tensor::Input), limbs[&Tensor::Input]);
    let moved = Moved { to_client: &rehearsal.to_client, to_server: &rehearsal.to_server, batch };
    seconds(log_n, &rehearsal.usage, &moved)
}

type Failure = (String, String);

fn rehearse(
    log_n: u32,
    geometry: Geometry,
    instances: &[Instance],
    program: &Program,
) -> Result<Result<Candidate, Failure>, PlanError> {
    let params: Vec<Parameters> = instances.iter().map(|instance| instance.params.clone()).collect();
    let stage = Stage::new(&geometry, &params)?;
    let limbs: BTreeMap<Tensor, usize> =
        fresh_tensors(program).into_iter().map(|tensor| (tensor, params[0].max_level() + 1)).collect();
    let levels = BTreeMap::new();
    Ok(match stage.walk(&geometry, program, &limbs, &levels) {
        Ok(rehearsal) => {
            let seconds = reckon(log_n, &geometry, &rehearsal, &limbs);
            Ok(Candidate { geometry, instances: instances.to_vec(), limbs, levels, rehearsal, seconds })
        }
        Err(broken) => Err((broken.place, broken.error.to_string())),
    })
}

/// Makes a candidate cheaper: every tensor is encrypted and every product computed over as few primes as still hold the
/// noise of what follows.
struct Trimming<'a> {
    program: &'a Program,
    stage: Stage,
    log_n: u32,
}

impl<'a> Trimming<'a> {
    fn new(candidate: &Candidate, program: &'a Program) -> Result<Self, PlanError> {
        let params: Vec<_> = candidate.instances.iter().map(|instance| instance.params.clone()).collect();
        let stage = Stage::new(&candidate.geometry, &params)?;
        Ok(Self { program, stage, log_n: candidate.instances[0].spec.log_n })
    }

    fn run(&self, mut best: Candidate) -> Candidate {
        for step in &self.program.training {
            if let Some(tensor) = step.writes() {
                best = self.level(best, tensor);
            }
        }
        for tensor in fresh_tensors(self.program) {
            best = self.fresh(best, tensor);
        }
        best
    }

    /// Changes a candidate's levels; returns it if it still holds the noise and costs at most `most`.
    fn changed(
        &self,
        best: &Candidate,
        limbs: BTreeMap<Tensor, usize>,
        levels: BTreeMap<Tensor, Level>,
        most: f64,
    ) -> Option<Candidate> {
        let geometry = best.geometry.clone();
        let rehearsal = self.stage.walk(&geometry, self.program, &limbs, &levels).ok()?;
        let seconds = reckon(self.log_n, &geometry, &rehearsal, &limbs);
        let instances = best.instances.clone();
        (seconds <= most).then_some(Candidate { geometry, instances, limbs, levels, rehearsal, seconds })
    }

    /// The cheapest level of one tensor's products.
    fn level(&self, mut best: Candidate, tensor: Tensor) -> Candidate {
        let Some(&(product, result)) = best.rehearsal.computed.get(&tensor) else { return best };
        // Sums of masks are no products: only the limbs of their result are chosen.
        for product in (product.min(1)..=product).rev() {
            let (product, most) =
                if product == 0 { (None, result) } else { (Some(product), result.min(product)) };
            for result in 1..=most {
                let mut levels = best.levels.clone();
                levels.insert(tensor, Level { product, result: Some(result) });
                let (limbs, most) = (best.limbs.clone(), best.seconds * 0.9995);
                if let Some(found) = self.changed(&best, limbs, levels, most) {
                    best = found;
                    break;
                }
            }
        }
        best
    }

    /// As few primes for a fresh tensor as cost no more elsewhere.
    fn fresh(&self, mut best: Candidate, tensor: Tensor) -> Candidate {
        while best.limbs[&tensor] > 1 {
            let mut limbs = best.limbs.clone();
            limbs.entry(tensor).and_modify(|l| *l -= 1);
            match self.changed(&best, limbs, best.levels.clone(), best.seconds * 1.0005) {
                Some(found) => best = found,
                None => break,
            }
        }
        best
    }
}
