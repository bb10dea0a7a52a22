//! The plan: cube, bootstraps, parameters and costs, before any key exists.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use he_ckks::{BootstrapSpec, KeyRequest, LinearTransform, Parameters, Spec};
use he_core::wire::Writer;

use super::cost::{Costs, unit_seconds};
use super::rehearsal::{Blank, Level, Rehearsal, Tally};
use super::shape::{Middle, Shape};
use super::slots::RealError;
use super::step::Step;
use super::{RealModel, RealNetwork};
use crate::packing::{Cube, Order};
use crate::recipe::{Backward, RealRecipe, Secret};

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RealPlanError {
    /// A step is deeper than any chain of primes.
    #[error(
        "{part}: a step takes {needed} levels between two bootstraps, at most {most} are possible at 128 bits: fewer layers, or activations of a lower degree"
    )]
    Levels {
        /// The part of the step that comes to the end of the levels.
        part: String,
        /// Levels it takes.
        needed: usize,
        /// Levels there are.
        most: usize,
    },
    /// Tied weights that do not fit into one ciphertext.
    #[error(
        "{layer}: its weights stand in several places, and all layers together take {ciphertexts} ciphertexts; convolutions and pooling need 1"
    )]
    Ties {
        /// The layer.
        layer: String,
        /// Compact ciphertexts.
        ciphertexts: usize,
    },
    /// More memory than plans may take.
    #[error(
        "a step takes {needed} GiB of memory, at most {most} are planned with: a smaller optimizer.batch_size"
    )]
    Memory {
        /// What the least of all plans takes, in GiB.
        needed: usize,
        /// What is taken, in GiB.
        most: usize,
    },
    /// The scheme refused.
    #[error(transparent)]
    Ckks(#[from] he_ckks::Error),
    /// A step cannot be rehearsed.
    #[error(transparent)]
    Step(#[from] RealError),
}

/// A training plan.
#[derive(Clone)]
pub struct RealPlan {
    /// Network, cube and bounds.
    pub shape: Arc<Shape>,
    /// Who computes gradients.
    pub backward: Backward,
    /// Parameters of the encryption.
    pub params: Parameters,
    /// Levels of a step between two bootstraps.
    pub levels: usize,
    /// What a step takes.
    pub(super) tally: Tally,
    /// What it costs, in forward transforms.
    pub units: f64,
    /// Sizes of the model.
    pub like: RealModel,
    key_bytes: usize,
    peak_bytes: usize,
    unit: f64,
}

/// Levels of the deepest chain with bootstrapping. Deeper ones would need scales at which a bootstrap is right to less than 22
/// bits: at 37 bits and a uniform secret weights were wrong by 10^-4 after two steps.
const MOST_LEVELS: usize = 11;
/// Levels of the deepest chain without.
const MOST_LEVELED: usize = 7;
/// Cubes for which bootstraps in the middle of a step are tried.
const CUBES: usize = 6;
/// Bytes of memory that a plan may take.
const LARGEST_MEMORY: usize = 20 << 30;

/// A cube and what is bootstrapped on the way, rehearsed.
struct Candidate {
    shape: Shape,
    levels: usize,
    tally: Tally,
    spec: Spec,
    units: f64,
}

impl RealPlan {
    /// The plan of a recipe for a network on features of at most `bound`; `like` has the sizes of the model.
    ///
    /// # Errors
    /// If there is none: what does not fit, and where.
    pub fn new(
        recipe: &RealRecipe,
        network: &RealNetwork,
        like: &RealModel,
        bound: f64,
    ) -> Result<Self, RealPlanError> {
        let found = best(recipe, network, bound)?;
        let params = found.spec.build()?;
        let unit = unit_seconds(&params);
        Self::with(recipe, found, params, like, unit)
    }

    /// A plan with the same steps in a small ring, for tests.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn insecure(
        recipe: &RealRecipe,
        network: &RealNetwork,
        like: &RealModel,
        bound: f64,
        log_n: u32,
    ) -> Result<Self, RealPlanError> {
        let found = best_in(recipe, network, bound, 1 << (log_n - 1))?;
        let spec = Spec { log_n, ..found.spec.clone() };
        let params = spec.build_insecure("a small ring for fast tests")?;
        Self::with(recipe, found, params, like, 0.0)
    }

    fn with(
        recipe: &RealRecipe,
        found: Candidate,
        params: Parameters,
        like: &RealModel,
        unit: f64,
    ) -> Result<Self, RealPlanError> {
        let costs = Costs::new(params.spec());
        let key_bytes = key_bytes(&costs, &found);
        let peak_bytes = key_bytes + working_bytes(&costs, &found);
        Ok(Self {
            shape: Arc::new(found.shape),
            backward: recipe.backward,
            params,
            levels: found.levels,
            tally: found.tally,
            units: found.units,
            like: like.clone(),
            key_bytes,
            peak_bytes,
            unit,
        })
    }

    /// Bootstraps of a step.
    pub fn bootstraps(&self) -> u64 {
        self.tally.bootstraps
    }

    /// Core-seconds that a step will take.
    pub fn estimated_seconds(&self) -> f64 {
        self.units * self.unit
    }

    /// Bytes of memory that a training will take, keys included.
    pub fn estimated_bytes(&self) -> usize {
        self.peak_bytes
    }

    /// Limbs of the state between two steps: what a bootstrap takes, or all without.
    pub fn state_limbs(&self) -> usize {
        match self.backward {
            Backward::Encrypted => self.params.reserved_levels() + 1,
            Backward::Client => self.params.max_level() + 1,
        }
    }

    /// Limbs of features and targets: the level of expanded weights.
    pub fn sample_limbs(&self) -> usize {
        self.params.max_level()
    }

    /// The keys that steps take, beside those of bootstrapping.
    ///
    /// # Errors
    /// If the transform of ties cannot be encoded.
    pub fn key_request(&self) -> Result<KeyRequest, RealError> {
        let (params, top) = (&self.params, self.params.max_level() as isize);
        let at = |level: isize| usize::try_from(top + level).unwrap_or(0);
        let mut request = KeyRequest::default();
        if let Some(level) = self.tally.products {
            request = request.relinearization(at(level));
        }
        for (&step, &level) in &self.tally.rotations {
            request = match step {
                0 => request.conjugation(params, at(level)),
                step => {
                    let step = step.rem_euclid(params.slots() as isize) as usize;
                    request.rotations(params, &[step], at(level))
                }
            };
        }
        if let Some(level) = self.tally.ties {
            let transform = LinearTransform::new(params, &self.shape.ties(), params.slots(), at(level))?;
            request = request.and(&transform.key_request(params));
        }
        Ok(request)
    }

    /// A digest of everything that messages and checkpoints depend on.
    pub fn hash(&self) -> [u8; 32] {
        let (shape, cube) = (&self.shape, self.shape.cube());
        let mut out = Writer::new();
        out.u8(u8::from(self.backward == Backward::Client));
        [cube.p, cube.b, cube.q, shape.batch].iter().for_each(|&n| out.length(n));
        let bounds = &shape.bounds;
        let numbers = [shape.learning_rate, shape.momentum, shape.input_bound];
        let bounds = [bounds.preactivation, bounds.output, bounds.error, bounds.weight, bounds.momentum];
        numbers.iter().chain(&bounds).for_each(|&x| out.f64(x));
        for layer in &shape.network.layers {
            let (inputs, outputs) = layer.entries.dim();
            out.length(inputs);
            out.length(outputs);
            for entry in &layer.entries {
                out.length(entry.map_or(usize::MAX, |entry| entry.weight));
                out.f64(entry.map_or(0.0, |entry| entry.factor));
            }
            layer.bias.iter().for_each(|&bias| out.length(bias));
            layer.activation.iter().flatten().for_each(|&c| out.f64(c));
        }
        shape.network.output.iter().flatten().for_each(|&c| out.f64(c));
        out.bytes(format!("{:?}", shape.middle).as_bytes());
        out.bytes(self.params.hash());
        blake3::derive_key("nn-encrypted plan on reals v1", &out.finish())
    }
}

/// The best candidate in the ring of the presets.
fn best(recipe: &RealRecipe, network: &RealNetwork, bound: f64) -> Result<Candidate, RealPlanError> {
    let slots = match recipe.backward {
        Backward::Encrypted => 1 << 15,
        Backward::Client => 1 << 13,
    };
    best_in(recipe, network, bound, slots)
}

/// The cheapest candidate on so many slots.
fn best_in(
    recipe: &RealRecipe,
    network: &RealNetwork,
    bound: f64,
    slots: usize,
) -> Result<Candidate, RealPlanError> {
    let plain = |cube| Shape::new(recipe, network, cube, bound);
    let mut shapes: Vec<(f64, Shape)> = Vec::new();
    let mut refused = None;
    for cube in cubes(slots, network, recipe.optimizer.batch_size) {
        let shape = plain(cube);
        let ciphertexts = shape.geometry.compact.ciphertexts();
        if shape.is_tied() && ciphertexts > 1 {
            let layer = network.layers.first().map_or_else(String::new, |layer| layer.name.clone());
            refused = refused.or(Some(RealPlanError::Ties { layer, ciphertexts }));
            continue;
        }
        let (levels, tally) = rehearse(&shape, recipe.backward)?;
        let spec = chain(recipe, levels.min(most_levels(recipe.backward)));
        shapes.push((Costs::new(&spec).units(&tally, spec.levels), shape));
    }
    shapes.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut best: Option<Candidate> = None;
    let mut least = usize::MAX;
    for (_, shape) in shapes.into_iter().take(CUBES) {
        for middle in middles(network, recipe.backward) {
            let shape = Shape { middle, ..shape.clone() };
            let (levels, tally) = rehearse(&shape, recipe.backward)?;
            let most = most_levels(recipe.backward);
            if levels > most {
                let part = tally.lowest.1.clone();
                refused = refused.or(Some(RealPlanError::Levels { part, needed: levels, most }));
                continue;
            }
            let spec = chain(recipe, levels);
            let costs = Costs::new(&spec);
            let units = costs.units(&tally, levels);
            let candidate = Candidate { shape, levels, tally, spec, units };
            let memory = key_bytes(&costs, &candidate) + working_bytes(&costs, &candidate);
            least = least.min(memory);
            if memory <= LARGEST_MEMORY && best.as_ref().is_none_or(|best| units < best.units) {
                best = Some(candidate);
            }
        }
    }
    let memory = RealPlanError::Memory { needed: least >> 30, most: LARGEST_MEMORY >> 30 };
    best.ok_or_else(|| {
        if least < usize::MAX { memory } else { refused.unwrap_or(RealPlanError::Step(RealError::Empty)) }
    })
}

fn most_levels(backward: Backward) -> usize {
    match backward {
        Backward::Encrypted => MOST_LEVELS,
        Backward::Client => MOST_LEVELED,
    }
}

/// Cubes whose axes are not longer than what lies along them.
fn cubes(slots: usize, network: &RealNetwork, batch: usize) -> Vec<Cube> {
    let (mut p, mut q) = (1, 1);
    for (l, layer) in network.layers.iter().enumerate() {
        let (inputs, outputs) = layer.entries.dim();
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

/// What may be bootstrapped on the way: nothing, one tensor, or two.
fn middles(network: &RealNetwork, backward: Backward) -> Vec<BTreeSet<Middle>> {
    let mut sets = vec![BTreeSet::new()];
    if backward == Backward::Client {
        return sets;
    }
    let layers = network.layers.len();
    let tensors: Vec<Middle> = (0..layers).map(Middle::Sums).chain((1..layers).map(Middle::Errors)).collect();
    for (i, a) in tensors.iter().enumerate() {
        sets.extend(tensors[i..].iter().map(|b| BTreeSet::from([*a, *b])));
    }
    sets
}

/// Levels of a step, and what it takes.
fn rehearse(shape: &Shape, backward: Backward) -> Result<(usize, Tally), RealError> {
    let slots = Rehearsal::default();
    let counts = |l: usize| shape.geometry.layers[l].counts(shape.cube());
    let samples = Blank { slots: &slots, rows: shape.batch, tiles: (counts(0).0, counts(shape.last()).1) };
    let step = Step { slots: &slots, shape };
    let state = vec![Level(0); shape.geometry.compact.ciphertexts()];
    match backward {
        Backward::Encrypted => drop(step.train(&state, &samples)?),
        Backward::Client => drop(step.outputs(&state, &samples)?),
    }
    let tally = slots.tally();
    Ok((tally.lowest.0.unsigned_abs(), tally))
}

/// The chain of primes for so many levels, and as much precision as 128 bits of security leave.
fn chain(recipe: &RealRecipe, levels: usize) -> Spec {
    if recipe.backward == Backward::Client {
        return Spec { levels, ..Spec::n16384() };
    }
    let (spec, most) = match recipe.parameters.secret {
        Secret::Uniform => (Spec::bootstrap_uniform(), 1746),
        Secret::Sparse => (Spec::bootstrap_sparse(), 1589),
    };
    let fits = |spec: &Spec| {
        let Some(b) = &spec.bootstrap else { return true };
        let upper = b.modular_levels() + b.coefficients_to_slots;
        let user = (spec.levels + b.slots_to_coefficients) as u32 * spec.scale_bits;
        spec.first_bits + user + upper as u32 * b.modular_bits + spec.special_bits.iter().sum::<u32>() <= most
    };
    // Values far below the first prime need fewer terms of the sine series.
    let with = |scale_bits: u32| {
        let terms = if spec.first_bits - scale_bits >= 8 { 2 } else { 3 };
        let bootstrap = spec.bootstrap.clone().map(|b| BootstrapSpec { terms, ..b });
        Spec { levels, scale_bits, bootstrap, ..spec.clone() }
    };
    let least = spec.scale_bits - 5;
    (least..=spec.scale_bits).rev().map(with).find(fits).unwrap_or_else(|| with(least))
}

/// Bytes of keys in memory: those of bootstrapping, measured over 28 limbs, and those of the step.
fn key_bytes(costs: &Costs, candidate: &Candidate) -> usize {
    let rotations = candidate.tally.rotations.values();
    let own: usize = rotations.map(|&level| costs.key(costs.limbs(level, candidate.levels))).sum();
    if candidate.spec.bootstrap.is_none() {
        return own + costs.key(costs.limbs(0, candidate.levels));
    }
    own + BOOTSTRAP_KEYS / 28 * costs.whole()
}

/// Bytes of the keys and transforms of bootstrapping over 28 limbs.
const BOOTSTRAP_KEYS: usize = 3_600_000_000;
/// Bytes that a bootstrap works in.
const BOOTSTRAP_WORK: usize = 2_000_000_000;

/// Bytes of tensors that are alive at once, and of a mini-batch.
fn working_bytes(costs: &Costs, candidate: &Candidate) -> usize {
    let (shape, top) = (&candidate.shape, candidate.levels);
    let (cube, images) = (shape.cube(), shape.image_tiles());
    let at = |level: isize| costs.ciphertext(costs.limbs(level, top));
    let mut bytes = shape.geometry.compact.tiles * at(-1);
    let mut level = -2;
    for (l, layer) in shape.geometry.layers.iter().enumerate() {
        let (inputs, outputs) = layer.counts(cube);
        // Slopes and values; then errors before and after them.
        bytes += images * outputs * (at(level) + at(level - 1) + 2 * at(level - 3));
        if l == 0 {
            let (scale, sent) = (candidate.spec.scale_bits as usize, images * (inputs + 1));
            bytes += sent * at(-1) / 2 * scale / 64
                + inputs * at(-1)
                + inputs * outputs * at(4 - top as isize) * 3 / 2;
        }
        level -= 3;
    }
    let bytes = if candidate.spec.bootstrap.is_some() { bytes + BOOTSTRAP_WORK } else { bytes };
    // What the allocator keeps beside.
    bytes * 5 / 4
}

impl fmt::Display for RealPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (spec, cube) = (self.params.spec(), self.shape.cube());
        let security =
            self.params.rlwe().security_bits().map_or("none".into(), |bits| format!("{bits} bits"));
        writeln!(
            f,
            "ckks: N = {}, log2 QP = {:.0}, security {security}, {} levels of {} bits",
            self.params.n(),
            self.params.rlwe().log_qp(),
            spec.levels,
            spec.scale_bits
        )?;
        let compact = &self.shape.geometry.compact;
        writeln!(
            f,
            "slots: P x b x Q = {} x {} x {}; {} tiles of images, {} tiles of weights in {} ciphertexts",
            cube.p,
            cube.b,
            cube.q,
            self.shape.image_tiles(),
            compact.tiles,
            compact.ciphertexts()
        )?;
        let total =
            |of: fn(&super::rehearsal::Counts) -> u64| self.tally.operations.values().map(of).sum::<u64>();
        write!(f, "a step: {} levels, {} bootstraps", self.levels, self.tally.bootstraps)?;
        for middle in &self.shape.middle {
            let (what, l) = match middle {
                Middle::Sums(l) => ("weighted sums", l),
                Middle::Errors(l) => ("weighted errors", l),
            };
            write!(f, ", one set of them of the {what} of {}", self.shape.network.layers[*l].name)?;
        }
        writeln!(
            f,
            "; {} products, {} relinearizations, {} rotations and {} hoisted, {} products with masks",
            total(|c| c.products),
            total(|c| c.settled),
            total(|c| c.rotations),
            total(|c| c.hoisted),
            total(|c| c.masked)
        )?;
        write!(
            f,
            "estimate: {:.0} core-seconds a step ({:.0} transforms of {:.0} us), keys {:.1} GB for {} rotations, memory {:.1} GB",
            self.estimated_seconds(),
            self.units,
            self.unit * 1e6,
            self.key_bytes as f64 / 1e9,
            self.tally.rotations.len(),
            self.peak_bytes as f64 / 1e9
        )
    }
}
