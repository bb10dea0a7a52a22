//! Plans of layers in BGV or BFV with a client: layout, parameters, levels and keys, before any key exists.
//!
//! 1. Interval arithmetic from one refresh to the next gives the largest magnitude of every tensor, hence the least plaintext
//!    modulus `t` that nothing can wrap in.
//! 2. For each ring dimension, modulus chain and cube a step is *rehearsed* on ciphertexts of a tiny ring whose noise
//!    is estimated as that of the real one: it fails where the noise would not fit, and counts what it costs otherwise.
//! 3. The cheapest candidates are *trimmed*: each tensor is encrypted, and each product computed, over as few primes as
//!    still hold the noise of what follows. The one that is cheapest then is kept, with the keys it uses.

#[cfg(test)]
mod against_twin;
pub(super) mod bounds;
mod candidate;
mod cost;
pub(super) mod formulas;
#[cfg(test)]
mod leaks;
mod memory;
pub(super) mod refusal;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use he_core::wire::Writer;
use zeroize::Zeroizing;

use self::bounds::Bounds;
use self::candidate::{Candidate, Failure, Search};
use self::formulas::{Numbers, gradient_bits};
use self::refusal::widest;
use crate::engine::slots::bgv::{Agreement, BgvEngine, Cost, Instance, Rehearsal};
use crate::engine::{Engine, EngineError, KeyStream};
use crate::network::{Matrix, Network};
use crate::numbers::fixed::Scales;
use crate::plan::parameters::bgv::{self as parameters, bits};
use crate::plan::{
    DataShape, Disclosure, Estimate, PlanError, Planned, PlannedEngine, Result, SchemeUse, Security, Task,
    WireSize, Workload,
};
use crate::program::{Program, Refresh, Refresher, Step, Tensor};
use crate::recipe::{Encryption, Recipe, Scheme};
use crate::roles::cipher::bgv::{BgvCipher, BgvPublic};
use crate::roles::cipher::{Cipher, CipherError, PublicCipher};

/// Some layers in BGV, as planned.
pub struct PlannedBgv {
    agreement: Arc<Agreement>,
    rounds: Program,
    estimate: f64,
    work: Workload,
    memory: usize,
}

/// The cheapest plan for layers in BGV that a client refreshes.
pub fn plan(task: &Task<'_>) -> Result<Planned> {
    let program = task.program;
    let planned = PlannedBgv::of(task)?;
    let refreshed = program.rounds.iter().flatten().map(|refresh| refresh.from).chain([program.outputs.from]);
    let proven = refreshed.filter_map(|tensor| Some((tensor, planned.proven(tensor)?))).collect();
    Ok(Planned { engine: Arc::new(planned), bootstrapped: BTreeSet::new(), proven })
}

impl PlannedBgv {
    /// The cheapest plan for the layers of a network of numbers `layers`, counted from 0, which run the program of a recipe on
    /// features of at most `features` in magnitude.
    ///
    /// # Errors
    /// If there is none: the layer is named, and what is needed and what there is by number.
    pub fn new(
        recipe: &Recipe,
        network: &Network,
        program: &Program,
        layers: &[usize],
        features: f64,
    ) -> Result<Self> {
        let data = DataShape { bound: features, rows: 0 };
        Self::of(&Task { recipe, network, layers, program, data, security: Security::Standard })
    }

    fn of(task: &Task<'_>) -> Result<Self> {
        let Task { recipe, network, layers, program, data, security } = *task;
        let features = data.bound;
        check_spread(network, program, layers)?;
        let scales = Scales::new(recipe, network).map_err(refusal::scale)?;
        let numbers = Numbers::new(recipe, network, &scales)?;
        let bounds = prove(&numbers, program, layers, features);
        let (tensor, bound) = widest(&bounds.known);
        let largest = layers.iter().copied().max_by_key(|l| bounds.gradient(*l));
        let plaintext_bits = parameters::plaintext_bits(recipe, bound)?
            .map_err(|available| refusal::range(network, tensor, largest, bits(bound), available))?;
        let of = |l: &usize| (*l, &network.layers[*l]);
        let shapes = layers.iter().map(of).map(|(l, layer)| (l, (layer.inputs(), layer.outputs())));
        let matrices: Vec<Matrix> = layers.iter().map(of).map(|(_, layer)| layer.matrix.clone()).collect();
        let search = Search {
            program,
            formulas: &numbers.formulas,
            shapes: shapes.collect(),
            matrices: &matrices,
            batch: recipe.optimizer.batch_size,
            bound,
            plaintext_bits,
            scheme: layers.first().map_or(Scheme::Bgv, |&l| network.layers[l].scheme),
            security,
            public: recipe.encryption == Encryption::Public,
        };
        let dimensions = parameters::dimensions(recipe, security)?;
        let best = search.choose(&dimensions)?.map_err(|failure| refused(network, failure))?;
        let query = search.query(&best)?;
        let Candidate { geometry, instances, fresh, levels, rehearsal, seconds } = best;
        let (step, stored) = (cost::steps(instances[0].spec.log_n, &rehearsal), rehearsal.computed.clone());
        let agreement = Agreement {
            geometry,
            matrices,
            gradient_bits: gradient_bits(recipe, &scales),
            formulas: numbers.formulas.clone(),
            bounds: bounds.known.clone(),
            instances,
            fresh,
            sent: rehearsal.sent,
            levels,
            operations: rehearsal.operations,
            scales: scales.clone(),
            public: recipe.encryption == Encryption::Public,
        };
        let (work, memory) = (work(&agreement, step, &query)?, memory::peak(&agreement, &stored)?);
        Ok(Self { agreement: Arc::new(agreement), rounds: program.clone(), estimate: seconds, work, memory })
    }

    /// The agreement of client and server.
    pub fn agreement(&self) -> &Arc<Agreement> {
        &self.agreement
    }

    /// The largest magnitude of a tensor, as a real number, which is proven; none of one of other layers.
    pub(crate) fn proven(&self, tensor: Tensor) -> Option<f64> {
        let bound = *self.agreement.bounds.get(&tensor)?;
        Some(bound as f64 / f64::from(self.agreement.fraction_bits(tensor)).exp2())
    }

    /// Bits that the largest integer of a step takes, with its sign.
    pub(crate) fn value_bits(&self) -> f64 {
        bits(widest(&self.agreement.bounds).1)
    }
}

/// The work of a run, in rotations over all primes; of a step by its seconds.
fn work(agreement: &Agreement, step: f64, query: &Rehearsal) -> Result<Workload> {
    let (instance, instances) = (&agreement.instances[0], agreement.instances.len());
    let log_n = instance.spec.log_n;
    let batch = |tensor| cost::batch(log_n, instances, &agreement.geometry, &[tensor], &agreement.fresh);
    let features = batch(Tensor::Features);
    let rotation = cost::rotation(log_n, instance.spec.q_bits.len());
    let rotations = |seconds: f64| vec![seconds / rotation];
    Ok(Workload {
        keys: rotations(cost::keys(agreement.key_bytes()?.iter().sum())),
        batch: rotations(features + batch(Tensor::Targets)),
        step: rotations(step),
        query: rotations(cost::steps(log_n, query) + features),
    })
}

/// The largest magnitudes of all tensors of some layers.
pub(super) fn prove<'a>(
    numbers: &'a Numbers<'a>,
    program: &Program,
    layers: &[usize],
    features: f64,
) -> Bounds<'a> {
    let mut bounds = Bounds::new(numbers, features);
    [Tensor::Targets, Tensor::Weights, Tensor::LowWeights, Tensor::Momentum]
        .into_iter()
        .for_each(|tensor| bounds.encrypted(tensor));
    let depth = numbers.network.depth();
    for &step in program.training.iter().filter(|step| step.runs(layers, depth)) {
        if let Step::Refresh { round, by } = step {
            let round = program.rounds.get(round).into_iter().flatten();
            round.filter(|_| by == Refresher::Client).flat_map(|refresh| &refresh.to).for_each(|&to| {
                if !matches!(to, Tensor::Weights | Tensor::LowWeights | Tensor::Momentum) {
                    bounds.encrypted(to);
                }
            });
            continue;
        }
        let loss = numbers.formulas.loss;
        let written = crate::engine::slots::written(step, depth.saturating_sub(1), loss);
        written.into_iter().for_each(|tensor| bounds.computed(tensor));
    }
    bounds
}

/// Checks that the client refreshes what a step needs at every index of an axis.
fn check_spread(network: &Network, program: &Program, layers: &[usize]) -> Result<()> {
    let last = network.depth().saturating_sub(1);
    let mut spread = BTreeSet::new();
    for &step in program.training.iter().filter(|step| step.runs(layers, network.depth())) {
        let needed = match step {
            Step::Activate(l) | Step::Derivative(l) => Tensor::Preactivation(l),
            Step::Loss => Tensor::Preactivation(last),
            Step::Backward(l) | Step::Gradient(l) => Tensor::Error(l),
            Step::Refresh { round, by } if by.is_client() => {
                spread.extend(program.rounds.get(round).into_iter().flatten().flat_map(|r| &r.to));
                continue;
            }
            _ => continue,
        };
        if !spread.contains(&needed) {
            return Err(refusal::layout(network, needed));
        }
        if step == Step::Loss {
            spread.insert(Tensor::Error(last));
        }
    }
    Ok(())
}

fn refused(network: &Network, failure: Option<Failure>) -> PlanError {
    match failure {
        Some(Failure::Parameters(error)) => error,
        Some(Failure::Broken(broken, log_q)) => match broken.excess() {
            Some(excess) => {
                refusal::levels(network, broken.tensor, &broken.error.to_string(), log_q + excess, log_q)
            }
            None => broken.error.into(),
        },
        None => PlanError::field("parameters", "there are none to try"),
    }
}

impl PlannedEngine for PlannedBgv {
    fn encode(&self, out: &mut Writer) {
        self.agreement.encode(out);
    }

    fn sent(&self, tensor: Tensor, _rows: usize) -> WireSize {
        let (pieces, plan) = (self.agreement.pieces(tensor), &self.agreement);
        let is_sent = plan.fresh.contains_key(&tensor) || plan.sent.contains_key(&tensor);
        let [fresh, computed] = plan.piece_bytes(tensor);
        WireSize { parts: usize::from(is_sent && pieces > 0), pieces, fresh, computed }
    }

    fn key_bytes(&self) -> Result<Vec<usize>> {
        self.agreement.key_bytes().map_err(Into::into)
    }

    fn key_names(&self) -> Vec<String> {
        let number = |i: usize| format!("evaluation keys of plaintext prime {}", i + 1);
        (0..self.agreement.instances.len()).map(number).collect()
    }

    #[cfg(test)]
    fn ring(&self) -> Option<he_core::rlwe::Parameters> {
        Some(self.agreement.instances[0].params.rlwe().clone())
    }

    fn secret_keys(&self) -> usize {
        self.agreement.instances.len()
    }

    fn generate(&self) -> Result<Box<dyn Cipher>, CipherError> {
        Ok(Box::new(BgvCipher::generate(&self.agreement)?))
    }

    fn with_secret(&self, keys: &[Zeroizing<Vec<u8>>]) -> Result<Box<dyn Cipher>, CipherError> {
        Ok(Box::new(BgvCipher::with_secret(&self.agreement, keys)?))
    }

    fn public_cipher(&self, keys: &[Vec<u8>]) -> Result<Option<Box<dyn PublicCipher>>, CipherError> {
        if !self.agreement.public {
            return Ok(None);
        }
        Ok(Some(Box::new(BgvPublic::new(&self.agreement, keys)?)))
    }

    fn engine(&self, keys: Vec<KeyStream<'_>>, _record: bool) -> Result<Box<dyn Engine>, EngineError> {
        Ok(Box::new(BgvEngine::new(&self.agreement, keys)?))
    }

    fn schemes(&self) -> Vec<SchemeUse> {
        let of = |instance: &Instance| {
            let (rlwe, t) = (instance.params.rlwe(), instance.spec.plaintext_modulus);
            let name = instance.form.scheme().name();
            let margins = rlwe.margin(name).into_iter().collect();
            SchemeUse::of_rlwe(name, rlwe, format!("integers modulo {t}"), margins)
        };
        self.agreement.instances.iter().map(of).collect()
    }

    fn disclosure(&self) -> Disclosure {
        Disclosure::Exact
    }

    fn estimate(&self) -> Estimate {
        let levels = self.agreement.instances.first().map(|instance| instance.spec.q_bits.len() - 1);
        Estimate { units: self.estimate, levels, memory: self.memory, ..Estimate::default() }
    }

    fn work(&self) -> Workload {
        self.work.clone()
    }
}

impl fmt::Display for PlannedBgv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plan = &self.agreement;
        for instance in &plan.instances {
            let (spec, rlwe) = (&instance.spec, instance.params.rlwe());
            let security = rlwe.security_bits().map_or("none".into(), |bits| format!("{bits} bits"));
            writeln!(
                f,
                "{}: N = {}, t = {} ({} bits), Q = {:?} bits, P = {:?}, log2 QP = {:.0}, security {security}",
                instance.form.scheme().name().to_uppercase(),
                rlwe.n(),
                spec.plaintext_modulus,
                64 - spec.plaintext_modulus.leading_zeros(),
                spec.q_bits,
                spec.p_bits,
                rlwe.log_qp(),
            )?;
        }
        let (cube, compact) = (&plan.geometry.cube, &plan.geometry.compact);
        writeln!(
            f,
            "slots: {} images x {} x {}; {} weight tiles in {} compact ciphertext(s) of {}",
            cube.b,
            cube.p,
            cube.q,
            compact.tiles,
            compact.ciphertexts(),
            compact.group
        )?;
        writeln!(f, "values: at most {:.1} bits between two refreshes, proven", self.value_bits())?;
        for (number, round) in self.rounds.rounds.iter().enumerate() {
            let names: Vec<String> = round.iter().map(|refresh| self.describe(refresh)).collect();
            writeln!(f, "round {}: {}", number + 1, names.join("; "))?;
        }
        let count = |cost| plan.operations.total(cost);
        write!(
            f,
            "a step: {} products, {} mask products, {} key switches, {} hoisted rotations; reckoned {:.2} core-seconds",
            count(Cost::Product),
            count(Cost::Mask),
            count(Cost::KeySwitch),
            count(Cost::Hoisted),
            self.estimate
        )
    }
}

impl PlannedBgv {
    fn describe(&self, refresh: &Refresh) -> String {
        let plan = &self.agreement;
        let to: Vec<String> = (refresh.to.iter())
            .filter_map(|tensor| Some(format!("{tensor} ({} primes)", plan.fresh.get(tensor)?)))
            .collect();
        format!("{} x {} -> {}", plan.geometry.ciphertexts(refresh.from), refresh.from, to.join(", "))
    }
}
