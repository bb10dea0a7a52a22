//! The cheapest parameters that hold integers and noise of all steps.

use he_core::rlwe::SecretDistribution;
use he_core::rlwe::security::max_log_qp;
use num_bigint::BigUint;

use super::count::{key_switch_transforms, levels};
use crate::engine::columns::{Agreement, Channel, rehearse};
use crate::engine::integers::IntegerForm;
use crate::layout::columns::Columns;
use crate::plan::parameters::bgv as integers;
use crate::plan::parameters::bgv::{MOST_PLAINTEXT_BITS, Spec};
use crate::plan::parameters::yashe;
use crate::plan::slots::bgv::refusal;
use crate::plan::{PlanError, Reason, Result, Security, Task};
use crate::program::Tensor;
use crate::recipe::Scheme;

/// Plaintext primes of BGV and BFV, at most.
const MOST_PRIMES: u32 = 32;
/// Bits of a plaintext prime, at least.
const LEAST_BITS: u32 = 20;
/// The dimension whose chains small rings take.
const SMALL_AS: u32 = 15;
/// Primes of a digit of key switching, at most.
const MOST_IN_DIGIT: usize = 4;
/// Bits of a prime of the ciphertext modulus.
const PRIME_BITS: std::ops::RangeInclusive<u32> = 30..=49;

/// Bits that the plaintext moduli of a scheme hold, at most.
pub(super) fn most_bits(scheme: Scheme) -> u32 {
    if scheme == Scheme::Yashe { yashe::most_plaintext_bits() } else { MOST_PRIMES * MOST_PLAINTEXT_BITS }
}

/// Cost, ring dimension as its logarithm, plaintext primes, and the chain of the first of them.
type Chain = (f64, u32, Vec<u64>, Spec);

/// The noise that was too large: after how many steps, and why.
type Failure = (usize, String);

pub(super) struct Search<'a> {
    pub(super) task: &'a Task<'a>,
    pub(super) bound: BigUint,
    pub(super) agreement: Agreement,
}

impl Search<'_> {
    /// The parameters, in the agreement.
    pub(super) fn found(mut self) -> Result<Agreement> {
        let first = &self.task.network.layers[0];
        let (needed, most) = (self.bound.bits() as u32 + 1, most_bits(first.scheme));
        if needed > most {
            let (needed, most) = (f64::from(needed), f64::from(most));
            return Err(refusal::range(self.task.network, Tensor::NewWeights, None, needed, most));
        }
        let mut failure = None;
        let found = match first.scheme {
            Scheme::Yashe => self.legacy(needed, &mut failure),
            _ => self.leveled(needed, &mut failure)?,
        };
        let Some((columns, channels)) = found else { return Err(self.refused(failure)) };
        self.agreement.piece_bytes = channels.iter().map(Channel::piece_bytes).max().unwrap_or(0);
        (self.agreement.columns, self.agreement.channels) = (columns, channels);
        Ok(self.agreement)
    }

    fn refused(&self, failure: Option<Failure>) -> PlanError {
        let first = &self.task.network.layers[0];
        let Some((done, why)) = failure else {
            let (found, needed) = (self.task.recipe.optimizer.batch_size, 2);
            let what =
                format!("{found} images do not stand in {needed} groups of slots in any ring that is tried");
            return PlanError::refused(first.place(), Reason::Layout, what, [found as f64, 0.0]);
        };
        let (depth, steps, bits) =
            (self.task.network.depth(), self.agreement.ladder.steps(), self.bound.bits() + 1);
        let needed = levels(depth, steps);
        let held = if done == 0 { levels(depth, 1) - 1 } else { levels(depth, done) };
        let what = format!(
            "{steps} steps take {needed} levels one after another, with integers of {bits} bits, and no parameters hold more than {held}, those of {done} steps; the last ones tried fail: {why}"
        );
        PlanError::refused(first.place(), Reason::Levels, what, [needed as f64, held as f64])
    }

    /// Whether a plaintext prime holds the noise of all steps; else what failed, if that went furthest so far.
    fn holds(&mut self, columns: Columns, channel: &Channel, failure: &mut Option<Failure>) -> bool {
        self.agreement.columns = columns;
        match rehearse(&self.agreement, channel) {
            Ok(()) => true,
            Err((done, error)) => {
                if failure.as_ref().is_none_or(|(before, _)| *before <= done) {
                    *failure = Some((done, error.to_string()));
                }
                false
            }
        }
    }

    /// Plaintext primes with slots whose product is beyond twice the bound, all of about so many bits.
    fn primes(&self, log_n: u32, count: usize, bits: u32) -> Option<Vec<u64>> {
        (bits..=bits + 2).find_map(|bits| {
            let mut primes = Vec::new();
            for _ in 0..count {
                primes.push(Spec::slot_modulus_except(log_n, bits, &primes).ok()?);
            }
            let product: BigUint = primes.iter().map(|&t| BigUint::from(t)).product();
            (self.bound < product >> 1_u32).then_some(primes)
        })
    }

    /// Parameters of BGV and BFV: of all numbers of plaintext primes and dimensions the cheapest.
    fn leveled(
        &mut self,
        needed: u32,
        failure: &mut Option<Failure>,
    ) -> Result<Option<(Columns, Vec<Channel>)>> {
        let set = self.task.recipe.numbers.plaintext_bits.value().map(|bits| bits as u32);
        if let Some(bits) = set.filter(|bits| !(LEAST_BITS..=MOST_PLAINTEXT_BITS).contains(bits)) {
            let what = format!("{bits}: needed {LEAST_BITS} to {MOST_PLAINTEXT_BITS}, or \"auto\"");
            return Err(PlanError::field("numbers.plaintext_bits", what));
        }
        let (mut best, mut last_bits): (Option<Chain>, _) = (None, u32::MAX);
        for count in 1..=MOST_PRIMES {
            let bits = set.unwrap_or(needed.div_ceil(count)).max(LEAST_BITS);
            if bits > MOST_PLAINTEXT_BITS || bits == last_bits && set.is_none() {
                continue;
            }
            last_bits = bits;
            for log_n in integers::dimensions(self.task.recipe, self.task.security)? {
                let Some(columns) = Columns::new(1 << log_n, self.agreement.batch) else { continue };
                let Some(primes) = self.primes(log_n, count as usize, bits) else { continue };
                let Some(chain) = self.chain(log_n, primes[0], columns, failure) else { continue };
                let cost = chain.1 * f64::from(count);
                if best.as_ref().is_none_or(|(least, ..)| cost < *least) {
                    best = Some((cost, log_n, primes, chain.0));
                }
            }
            if set.is_some() && best.is_some() {
                break;
            }
        }
        let Some((_, log_n, primes, spec)) = best else { return Ok(None) };
        let channels = primes.iter().map(|&t| self.built(&Spec { plaintext_modulus: t, ..spec.clone() }));
        let channels = channels.collect::<Result<Vec<_>>>()?;
        let Some(columns) = Columns::new(1 << log_n, self.agreement.batch) else { return Ok(None) };
        let hold = channels.iter().all(|channel| self.holds(columns, channel, failure));
        Ok(hold.then_some((columns, channels)))
    }

    fn built(&self, spec: &Spec) -> Result<Channel> {
        let params = match self.task.security {
            Security::Standard => spec.build()?,
            Security::InsecureSmall(reason) => spec.build_insecure(reason)?,
        };
        Ok(Channel::Integers(IntegerForm::new(self.task.network.layers[0].scheme, &params)))
    }

    /// The cheapest chain of a dimension and a plaintext prime, with its cost: fewest primes first, as many to a digit as fit.
    fn chain(
        &mut self,
        log_n: u32,
        t: u64,
        columns: Columns,
        failure: &mut Option<Failure>,
    ) -> Option<(Spec, f64)> {
        let as_log_n = if self.task.security == Security::Standard { log_n } else { SMALL_AS };
        let cap = max_log_qp(as_log_n, SecretDistribution::UniformTernary)? as u32;
        let mut best: Option<(Spec, f64)> = None;
        for digit in 1..=MOST_IN_DIGIT {
            let shapes: Vec<Spec> = (digit as u32..)
                .map_while(|count| shape(log_n, t, (count, digit), cap))
                .filter(|spec| best.as_ref().is_none_or(|(_, least)| cost(spec) < *least))
                .collect();
            let mut holds =
                |spec: &Spec| self.built(spec).is_ok_and(|channel| self.holds(columns, &channel, failure));
            // More primes of fewer bits each hold more, up to the cap; larger digits leave less of it.
            if !shapes.last().is_some_and(&mut holds) {
                break;
            }
            let first = shapes.partition_point(|spec| !holds(spec));
            best = shapes.get(first).map(|spec| (spec.clone(), cost(spec))).or(best);
        }
        best
    }

    /// Parameters of YASHE: the first that hold.
    fn legacy(&mut self, needed: u32, failure: &mut Option<Failure>) -> Option<(Columns, Vec<Channel>)> {
        let security = self.task.security;
        for log_n in yashe::dimensions(security) {
            let Some(columns) = Columns::new(1 << log_n, self.agreement.batch) else { continue };
            for (count, bits) in yashe::plaintext_bits(needed) {
                let Some(primes) = self.primes(log_n, count, bits) else { continue };
                let chains: Vec<_> = primes.iter().map(|&t| yashe::chains(log_n, t, security)).collect();
                for length in 2..=6 {
                    let of = |chains: &Vec<yashe::Parameters>| {
                        let fits = |params: &&yashe::Parameters| params.max_level() + 1 == length;
                        chains.iter().find(fits).cloned().map(Channel::Yashe)
                    };
                    let Some(channels) = chains.iter().map(of).collect::<Option<Vec<_>>>() else { continue };
                    if channels.iter().all(|channel| self.holds(columns, channel, failure)) {
                        return Some((columns, channels));
                    }
                }
            }
        }
        None
    }
}

/// The largest primes of a chain of so many, in digits of so many; none if they would be too small.
fn shape(log_n: u32, t: u64, (count, digit): (u32, usize), cap: u32) -> Option<Spec> {
    let special = digit as u32;
    let fits = |q: &u32| count * q + special * (q + 1) <= cap;
    let q = PRIME_BITS.rev().find(fits)?;
    Some(Spec {
        log_n,
        plaintext_modulus: t,
        q_bits: vec![q; count as usize],
        p_bits: vec![q + 1; digit],
        digit,
    })
}

fn cost(spec: &Spec) -> f64 {
    let (limbs, n) = (spec.q_bits.len(), f64::from(spec.log_n).exp2());
    key_switch_transforms(limbs, limbs.div_ceil(spec.digit), spec.digit) * n * f64::from(spec.log_n)
}
