//! Plans of layers in CKKS: cube, bootstraps on the way, chain of primes, levels and keys, before any key exists.
//!
//! 1. For each cube a step is *rehearsed* without numbers: it says which levels, operations and keys it takes.
//! 2. With bootstrapping, for the cheapest cubes one or two tensors may be bootstrapped on the way, so that a chain has the levels
//!    of a step, or fewer. With a client the levels between two refreshes decide, and values must fit in the modulus; what the
//!    client encrypts is then lowered to as few primes as what follows needs.
//! 3. The cheapest candidate that fits in memory is kept.

mod candidate;
mod cost;
mod refusal;
mod rehearse;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use he_core::wire::Writer;
use zeroize::Zeroizing;

use self::candidate::{Candidate, Search, room};
use self::cost::Costs;
use crate::engine::slots::ckks::{CkksAgreement, CkksEngine, Counts};
use crate::engine::{Engine, EngineError, KeyStream};
use crate::network::Network;
use crate::plan::parameters::ckks as parameters;
use crate::plan::{
    Disclosure, Estimate, PlanError, Planned, PlannedEngine, Result, SchemeUse, Security, Task, Tolerance,
    WireSize, Workload,
};
use crate::program::{Step, Tensor};
use crate::recipe::Encryption;
use crate::roles::cipher::ckks::{CkksCipher, CkksPublic};
use crate::roles::cipher::{Cipher, CipherError, PublicCipher};

/// How far weights may be from the twin's.
const WEIGHTS: f64 = 1.0 / 16384.0;
/// How far outputs may be from the twin's, or from those that a client computes.
const OUTPUTS: f64 = 1.0 / 1024.0;

/// Errors that a step adds to a stored weight, in errors of a rescaling: four times what a bootstrap adds, by the precision of the
/// presets. A run is compared with the twin, and its model is not shown to others if its errors are larger.
const ROUNDINGS: f64 = 128.0;
/// No step is more precise: that is what the approximation of modular reduction leaves.
const LEAST_ERROR: f64 = 1.0 / (1 << 26) as f64;

/// Some layers in CKKS, as planned.
pub struct PlannedCkks {
    agreement: Arc<CkksAgreement>,
    bootstrapped: BTreeSet<Tensor>,
    names: Vec<String>,
    units: f64,
    work: Workload,
    key_bytes: usize,
    peak_bytes: usize,
}

/// Plans layers in CKKS.
///
/// # Errors
/// If there is no plan: the layer is named, and what is needed and what there is by number.
pub(crate) fn plan(task: &Task<'_>) -> Result<Planned> {
    let planned = PlannedCkks::of(task)?;
    let (bootstrapped, proven) = (planned.bootstrapped.clone(), planned.proven());
    Ok(Planned { engine: Arc::new(planned), bootstrapped, proven })
}

/// The smallest ring that holds the layers, whether it protects anything or not.
fn smallest(search: &Search<'_>) -> Result<(u32, Candidate)> {
    let mut rings = parameters::SMALL_LOG_N.rev().map(|log_n| Ok((log_n, search.choose(Some(log_n))?)));
    let largest = rings.next().unwrap_or(Err(PlanError::Rehearsal(EngineError::Empty)))?;
    Ok(rings.map_while(Result::<_>::ok).last().unwrap_or(largest))
}

/// The search for a plan, if layers and borders are those of an engine in CKKS.
fn search<'a>(task: &Task<'a>) -> Result<Search<'a>> {
    let Task { recipe, network, layers, program, data, .. } = *task;
    let search = Search { recipe, network, layers, input_bound: data.bound };
    let last = network.depth().saturating_sub(1);
    let here = |l: usize| layers.contains(&l);
    let by_client = |tensor: Tensor| {
        program.training.iter().any(|step| match *step {
            Step::Refresh { round, by } => {
                by.is_client() && program.rounds[round].iter().any(|r| r.from == tensor)
            }
            _ => false,
        })
    };
    for &l in layers {
        let before = l.checked_sub(1).filter(|before| !here(*before));
        let behind = Some(l).filter(|_| l < last && !here(l + 1));
        let crossing = [before.map(Tensor::Sum), behind.map(Tensor::RawError)];
        if let Some(tensor) = crossing.into_iter().flatten().find(|tensor| !by_client(*tensor)) {
            return Err(refusal::border(network, l, tensor));
        }
    }
    Ok(search)
}

/// The work of a run, in rotations at the highest level of steps, from the transforms of a step and of a classification.
fn work(costs: &Costs, agreement: &CkksAgreement, step: f64, query: f64) -> Result<Workload> {
    let rotation = costs.rotation(agreement.levels);
    let rotations = |transforms: f64| vec![transforms / rotation];
    let encrypted = |tensor: Tensor| {
        let (parts, pieces, primes) = agreement.sent(tensor).unwrap_or_default();
        costs.encrypt(parts * pieces, primes)
    };
    let features = encrypted(Tensor::Features);
    Ok(Workload {
        keys: rotations(costs.keys(agreement.key_bytes()?)),
        batch: rotations(features + encrypted(Tensor::Targets)),
        step: rotations(step),
        query: rotations(query + features),
    })
}

impl PlannedCkks {
    /// As [`plan`].
    pub(crate) fn of(task: &Task<'_>) -> Result<Self> {
        let search = search(task)?;
        let network = (task.network, task.recipe.encryption == Encryption::Public);
        match task.security {
            Security::Standard => Self::new(network, search.choose(None)?, parameters::build),
            Security::InsecureSmall(reason) => {
                let (log_n, candidate) = smallest(&search)?;
                let build = |spec: &_| parameters::build_insecure(spec, log_n, reason);
                Self::new(network, candidate, build)
            }
        }
    }

    fn new(
        (network, public): (&Network, bool),
        candidate: Candidate,
        build: impl FnOnce(&parameters::Spec) -> Result<parameters::Parameters>,
    ) -> Result<Self> {
        let params = build(&candidate.spec)?;
        let (key_bytes, peak_bytes) = candidate.memory();
        let (costs, query) = (Costs::new(&candidate.spec), candidate.query()?);
        let Candidate { formulas, bootstrapped, levels, fresh, tally, units, .. } = candidate;
        let mut agreement = CkksAgreement { formulas, params, levels, fresh: BTreeMap::new(), tally, public };
        let primes = |(tensor, level): (Tensor, isize)| {
            // A bootstrap takes a ciphertext over the primes that it needs itself, and one more.
            let kept = tensor == Tensor::Weights && agreement.bootstraps();
            let kept = kept.then(|| agreement.params.reserved_levels() + 1);
            (tensor, kept.unwrap_or_else(|| agreement.primes(level)))
        };
        agreement.fresh = fresh.into_iter().map(primes).collect();
        let room = room(agreement.params.spec());
        let sent = agreement.tally.sent.iter().map(|(&tensor, sent)| (tensor, room.primes(sent.bound)));
        agreement.fresh.extend(sent.filter(|(_, primes)| *primes > 1));
        let names = network.layers.iter().map(|layer| layer.name.clone()).collect();
        let work = work(&costs, &agreement, units, costs.units(&query, levels))?;
        // Without bootstrapping what is computed is little, and keys are largest when both forms of them are there.
        let sealed = if agreement.bootstraps() { 0 } else { agreement.key_bytes()? };
        let peak_bytes = peak_bytes + sealed;
        Ok(Self { agreement: Arc::new(agreement), bootstrapped, names, units, work, key_bytes, peak_bytes })
    }

    #[cfg(test)]
    pub(crate) fn insecure(task: &Task<'_>, log_n: u32) -> Result<Self> {
        let candidate = search(task)?.choose(Some(log_n))?;
        let public = task.recipe.encryption == Encryption::Public;
        Self::new((task.network, public), candidate, |spec| {
            parameters::build_insecure(spec, log_n, "a small ring for fast tests")
        })
    }

    #[cfg(test)]
    pub(crate) fn agreement(&self) -> &Arc<CkksAgreement> {
        &self.agreement
    }

    #[cfg(test)]
    pub(crate) fn bootstrapped(&self) -> &BTreeSet<Tensor> {
        &self.bootstrapped
    }

    /// How large, as real numbers, tensors may be that the client decrypts: larger ones would be taken modulo the primes they are over.
    pub fn proven(&self) -> Vec<(Tensor, f64)> {
        let CkksAgreement { formulas, params, .. } = &*self.agreement;
        let room = room(params.spec());
        // With a bit for the sign.
        let most = |tensor: Tensor| (room.above_scale(self.agreement.primes_sent(tensor)) - 1.0).exp2();
        let [w, v] = formulas.state_units();
        let of_model = [(Tensor::NewWeights, w), (Tensor::NewMomentum, v)];
        let of_images = formulas.refreshed.keys().copied().chain([formulas.program.outputs.from]);
        let of_images = of_images.filter(|tensor| !tensor.is_of_model());
        let units = of_images.map(|tensor| (tensor, formulas.unit(tensor).abs())).chain(of_model);
        let is_sent = |tensor: Tensor| tensor == Tensor::NewMomentum || self.agreement.sent(tensor).is_some();
        units
            .filter(|(tensor, _)| is_sent(*tensor))
            .map(|(tensor, unit)| (tensor, most(tensor) * unit))
            .collect()
    }
}

impl PlannedEngine for PlannedCkks {
    fn encode(&self, out: &mut Writer) {
        self.agreement.encode(out);
    }

    fn sent(&self, tensor: Tensor, _rows: usize) -> WireSize {
        let Some((parts, pieces, primes)) = self.agreement.sent(tensor) else { return WireSize::default() };
        let [fresh, computed] = self.agreement.piece_bytes(tensor, primes);
        WireSize { parts, pieces, fresh, computed }
    }

    fn key_bytes(&self) -> Result<Vec<usize>> {
        Ok(vec![self.agreement.key_bytes()?])
    }

    #[cfg(test)]
    fn ring(&self) -> Option<he_core::rlwe::Parameters> {
        Some(self.agreement.params.rlwe().clone())
    }

    fn generate(&self) -> Result<Box<dyn Cipher>, CipherError> {
        Ok(Box::new(CkksCipher::generate(&self.agreement)?))
    }

    fn with_secret(&self, keys: &[Zeroizing<Vec<u8>>]) -> Result<Box<dyn Cipher>, CipherError> {
        Ok(Box::new(CkksCipher::with_secret(&self.agreement, keys)?))
    }

    fn public_cipher(&self, keys: &[Vec<u8>]) -> Result<Option<Box<dyn PublicCipher>>, CipherError> {
        if !self.agreement.public {
            return Ok(None);
        }
        Ok(Some(Box::new(CkksPublic::new(&self.agreement, keys)?)))
    }

    fn engine(&self, keys: Vec<KeyStream<'_>>, _record: bool) -> Result<Box<dyn Engine>, EngineError> {
        Ok(Box::new(CkksEngine::new(&self.agreement, keys)?))
    }

    fn schemes(&self) -> Vec<SchemeUse> {
        let params = &self.agreement.params;
        let plaintext = format!("{} complex slots", params.slots());
        vec![SchemeUse::of_rlwe("ckks", params.rlwe(), plaintext, params.margins())]
    }

    fn tolerance(&self) -> Option<Tolerance> {
        Some(Tolerance { weights: WEIGHTS, outputs: OUTPUTS })
    }

    fn disclosure(&self) -> Disclosure {
        let params = &self.agreement.params;
        let scale = params.scale(params.max_level());
        let deviation = |variance: f64| (2.0 * params.slots() as f64 * variance).sqrt() / scale;
        let rounding = deviation(params.noise().rounding());
        // Features under the public key are less precise from the start.
        let fresh = if self.agreement.public { deviation(params.noise().fresh_public()) } else { 0.0 };
        let [unit, _] = self.agreement.formulas.state_units();
        Disclosure::Errors { step: unit * ((ROUNDINGS * rounding).max(LEAST_ERROR) + fresh) }
    }

    fn estimate(&self) -> Estimate {
        Estimate {
            units: self.units,
            levels: Some(self.agreement.levels),
            bootstraps: self.agreement.tally.bootstraps,
            memory: self.peak_bytes,
        }
    }

    fn work(&self) -> Workload {
        self.work.clone()
    }
}

impl fmt::Display for PlannedCkks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let agreement = &self.agreement;
        let (spec, formulas, tally) = (agreement.params.spec(), &agreement.formulas, &agreement.tally);
        let (rlwe, cube, compact) = (agreement.params.rlwe(), formulas.cube(), &formulas.geometry.compact);
        let security = rlwe.security_bits().map_or("none".into(), |bits| format!("{bits} bits"));
        writeln!(
            f,
            "ckks: N = {}, log2 QP = {:.0}, security {security}, {} levels of {} bits",
            rlwe.n(),
            rlwe.log_qp(),
            spec.levels,
            spec.scale_bits
        )?;
        writeln!(
            f,
            "slots: P x b x Q = {} x {} x {}; {} tiles of images, {} tiles of weights in {} ciphertexts",
            cube.p,
            cube.b,
            cube.q,
            formulas.image_tiles(),
            compact.tiles,
            compact.ciphertexts()
        )?;
        if agreement.bootstraps() {
            write!(f, "a step: {} levels, {} bootstraps", agreement.levels, tally.bootstraps)?;
        } else {
            write!(f, "a step: {} levels between two refreshes by the client", agreement.levels)?;
        }
        for tensor in &self.bootstrapped {
            let (what, l) = match tensor {
                Tensor::InputGradient(l) => ("gradients of the inputs", l + 1),
                tensor => ("pre-activations", tensor.layer().unwrap_or(0)),
            };
            write!(f, ", one set of them of the {what} of {}", self.names[l])?;
        }
        let total = |of: fn(&Counts) -> u64| tally.operations.values().map(of).sum::<u64>();
        writeln!(
            f,
            "; {} products, {} relinearizations, {} rotations and {} hoisted, {} products with masks",
            total(|c| c.products),
            total(|c| c.relinearized),
            total(|c| c.rotations),
            total(|c| c.hoisted),
            total(|c| c.masked)
        )?;
        write!(
            f,
            "estimate: {:.0} transforms a step, keys {:.1} GB for {} rotations, memory {:.1} GB",
            self.units,
            self.key_bytes as f64 / 1e9,
            tally.rotations.len(),
            self.peak_bytes as f64 / 1e9
        )
    }
}
