//! Noise, estimated without the key. *Chaos* is our word for the moment order of noise; the other terms are the field's.
//!
//! BGV decrypts while every coefficient of the phase `v = m + t·e` stays below `Q/2`. [`Noise`] is `log2` of the deviation
//! of one coefficient of `v`; the *budget* of a ciphertext is `log2(Q/2) − log2(τ·deviation)`, where one coefficient in `2^62`
//! passes `τ` deviations: nine, and more after many products, see below. Formulas (`h` = expected squared norm of the secret):
//!
//! | operation | variance of `v` | moment order `k` |
//! |---|---|---|
//! | message | `t²/12` (by coefficients `t²N/(9π²)`) | 1 |
//! | fresh, secret key | message `+ t²σ²` | 1 |
//! | fresh, public key | message `+ t²σ²(1 + 2N/3 + h)` | 1.75 |
//! | sum | deviations add | between those of the parts |
//! | sum of unrelated operands | `V_a + V_b` | between those of the parts |
//! | constant `c` | `c²·V` | `k` |
//! | plaintext `p` | `k·‖p‖²·V` | `k + 1` |
//! | product | `C(k_a + k_b, k_a)·N·V_a·V_b` | `k_a + k_b` |
//! | product of operands on opposite sides | at least `N²/81·V_a·V_b` | `k_a + k_b` |
//! | key switch | `V + t²Nσ²/12·Σ(D_i/P)² + t²(1 + h)/12` | sum with one of 1.75 |
//! | modulus switch by `q`, degree `d` | `V/q² + t²/12·Σ_{k≤d} k!·h^k` | sum with one of `d + 0.75` |
//! | matrix of integers | messages: deviations add; errors of encryptions: variances | of the messages |
//!
//! *Products.* A coefficient of a product of unrelated operands is a sum of `N` nearly independent terms: variance
//! `N·V_a·V_b`. Operands that are related give more, most of all powers. At a root of `X^N + 1` fresh noise takes a complex
//! Gaussian value `z`, and `E|z|^{2k} = k!·(E|z|²)^k`. So a phase carries its moment order `k`, the number of factors
//! of its longest product, and `C(k_a + k_b, k_a)` makes powers come out right and everything else too large. All
//! ciphertexts are related by the secret: the rounding of a modulus switch is `r_0 + r_1·s`, and powers of `s` are part of
//! every product. It counts for 1.75. Tails grow with `k` too: a single root with `|z|² = 52·E|z|²` gives the coefficients
//! `2/N` of the power of its value, so that `τ = max(9, 2·52^{k/2}/√(N·k!))`.
//!
//! *Sides.* The one relation that is worse is conjugation, `X ↦ X^{−1}`: the constant coefficient of `v(X)·v(X^{−1})` is
//! `‖v‖² = N·V`. A phase carries on which sides of the conjugation its parts are; swapping rows changes the side, rotating
//! them does not. For operands on opposite sides `|(a·b)_i| ≤ ‖a‖·‖b‖`, about `N·√(V_a·V_b)`, counts as nine deviations.
//!
//! *Messages* and plaintexts in slots count as random: their polynomials are, even for constant or sparse slots (or else
//! have few coefficients). Those given by coefficients count as the worst there is, because large coefficients of one sign
//! are what an image has: at the roots next to 1 the value of such a polynomial is not about `√N` times a coefficient, but
//! up to `N·t/π`, and powers of it are all there. A value of three deviations passes for random to any power, so that a
//! message counts for `t²N/(9π²)` and a plaintext for the norm `‖p‖₁/3`, if these are more.
//!
//! Not covered: sums of products that are called unrelated and are not.

use std::f64::consts::PI;

use he_core::rlwe;
use he_core::rlwe::noise::NoiseModel;

use crate::chaos::{Chaos, log2_add};

/// `log2` of the deviation of one coefficient of the phase, and how far it is from Gaussian.
///
/// ```
/// # use he_bgv::*;
/// # fn main() -> Result<(), Error> {
/// # let params = Spec { log_n: 5, ..Spec::n8192() }.build_insecure("an example")?;
/// let (estimator, level) = (params.noise(), params.max_level());
/// let fresh = estimator.fresh_secret();
/// // A related sum doubles the deviation; an unrelated one doubles the variance.
/// assert!((fresh.add_related(fresh).log2() - fresh.log2() - 1.0).abs() < 1e-9);
/// assert!((fresh.add_unrelated(fresh).log2() - fresh.log2() - 0.5).abs() < 1e-9);
/// // A product costs budget.
/// let product = estimator.product(fresh, fresh);
/// assert!(estimator.budget(product, level) < estimator.budget(fresh, level));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Noise {
    log2: f64,
    chaos: Chaos,
    sides: u8,
}

/// The sides of the conjugation that noise can be on, as a set: where all fresh ciphertexts are, and the other.
const FRESH: u8 = 1;
pub(crate) const BOTH: u8 = 3;

/// `log2(9)`: deviations kept in hand.
const TAIL_BITS: f64 = 3.17;

/// `log2(52)`: the `|z|²`, of mean 1, that `e^-52` of all complex Gaussians pass, `2^-62` of `2^13`.
const PEAK_BITS: f64 = 5.7;

impl Noise {
    /// From `log2` of a deviation: noise of independent coefficients.
    pub fn from_log2(bits: f64) -> Self {
        Self { log2: bits, chaos: Chaos::GAUSSIAN, sides: FRESH }
    }

    /// Noise with the secret that joins a ciphertext on the side where it is.
    fn joining(variance: f64) -> Self {
        Self { log2: variance.log2() / 2.0, chaos: Chaos::SECRET, sides: 0 }
    }

    /// The rounding of a ciphertext of a degree, which has the powers of the secret up to it.
    fn rounding(model: &NoiseModel, degree: usize) -> Self {
        let variance = model.rounding_at_degree(degree);
        Self { chaos: Chaos::of_secret_power(degree), ..Self::joining(variance) }
    }

    /// From the fields on the wire.
    pub(crate) fn from_parts(log2: f64, chaos: Chaos, sides: u8) -> Self {
        Self { log2, chaos, sides }
    }

    /// `log2` of the deviation.
    pub fn log2(self) -> f64 {
        self.log2
    }

    /// Moment order.
    pub(crate) fn chaos(self) -> Chaos {
        self.chaos
    }

    /// On which sides of the conjugation it is.
    pub(crate) fn sides(self) -> u8 {
        self.sides
    }

    /// Sum with an unrelated operand.
    #[must_use]
    pub fn add_unrelated(self, other: Self) -> Self {
        Self {
            log2: log2_add(2.0 * self.log2, 2.0 * other.log2) / 2.0,
            chaos: Chaos::of_unrelated_sum((self.log2, self.chaos), (other.log2, other.chaos)),
            sides: self.sides | other.sides,
        }
    }

    /// Sum with an operand that may be related, such as the same one.
    #[must_use]
    pub fn add_related(self, other: Self) -> Self {
        Self {
            log2: log2_add(self.log2, other.log2),
            chaos: Chaos::of_sum((self.log2, self.chaos), (other.log2, other.chaos)),
            sides: self.sides | other.sides,
        }
    }

    /// Product with a constant of the given `log2`.
    #[must_use]
    pub fn scale(self, log2: f64) -> Self {
        Self { log2: self.log2 + log2, ..self }
    }

    /// Product with a polynomial of the given `log2` norm.
    #[must_use]
    pub fn mul_plain(self, log_norm: f64) -> Self {
        Self {
            log2: self.log2 + log_norm + self.chaos.value().log2() / 2.0,
            chaos: self.chaos.of_product(Chaos::GAUSSIAN),
            ..self
        }
    }

    /// After `X ↦ X^g`: the powers of 3, with which rows are rotated, are 1 and 3 modulo 8; their negatives change side.
    #[must_use]
    pub(crate) fn after_automorphism(self, g: usize) -> Self {
        if g % 8 < 4 {
            return self;
        }
        Self { sides: (self.sides << 1 | self.sides >> 1) & BOTH, ..self }
    }
}

/// The formulas of the module for one set of parameters.
///
/// ```
/// # use he_bgv::*;
/// # fn main() -> Result<(), Error> {
/// # let params = Spec { log_n: 5, ..Spec::n8192() }.build_insecure("an example")?;
/// let (estimator, level) = (params.noise(), params.max_level());
/// let product = estimator.product(estimator.fresh_secret(), estimator.fresh_secret());
/// let relinearized = estimator.key_switch(product, level);
/// // The noise of a product is worth dividing away: the next product is computed at a lower level.
/// let lower = estimator.best_level(&[(relinearized, level), (relinearized, level)], 0.0);
/// assert!(lower < level);
/// let (steps, noise) = estimator.reduce(relinearized, level, lower);
/// assert!(steps.contains(&true) && noise < relinearized);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct NoiseEstimator {
    model: NoiseModel,
    log_q: Vec<f64>,
    log_n: f64,
    log_t: f64,
    /// Variance that messages count for, in slots and by coefficients.
    message: [f64; 2],
}

impl NoiseEstimator {
    pub(crate) fn new(params: &rlwe::Parameters) -> Self {
        let t = params.spec().error_factor as f64;
        Self {
            model: NoiseModel::new(params),
            log_q: params.spec().q.iter().map(|&q| (q as f64).log2()).collect(),
            log_n: (params.n() as f64).log2(),
            log_t: t.log2(),
            message: [t * t / 12.0, t * t * (params.n() as f64 / (3.0 * PI).powi(2)).max(1.0 / 12.0)],
        }
    }

    /// `log2` of the modulus of a level, the product of the primes `q_0, …, q_level`. Above the highest level there is no number:
    /// it is `NaN`, and so is what other methods say of such a level, with which every operation is refused.
    pub fn log_q(&self, level: usize) -> f64 {
        self.log_q.get(..=level.min(self.log_q.len())).map_or(f64::NAN, |bits| bits.iter().sum())
    }

    /// `log2` of the last prime of a level.
    fn log_prime(&self, level: usize) -> f64 {
        self.log_q.get(level).copied().unwrap_or(f64::NAN)
    }

    /// The level, or one more than the highest.
    fn at_most(&self, level: usize) -> usize {
        level.min(self.log_q.len())
    }

    /// Bits left before a ciphertext of a level stops decrypting; negative when it may not.
    pub fn budget(&self, noise: Noise, level: usize) -> f64 {
        self.log_q(level) - 1.0 - self.bound_log2(noise)
    }

    /// `log2` of the size that no coefficient passes but with probability `2^-62`.
    pub fn bound_log2(&self, noise: Noise) -> f64 {
        let chaos = noise.chaos;
        let peak = 1.0 + (chaos.value() * PEAK_BITS - self.log_n - chaos.log2_factorial()) / 2.0;
        noise.log2 + peak.max(TAIL_BITS)
    }

    /// `log2 t`.
    pub fn log_t(&self) -> f64 {
        self.log_t
    }

    /// The estimator for circuits in which all plaintexts are in slots, even if they are given by coefficients.
    pub(crate) fn for_slots(&self) -> Self {
        Self { message: [self.message[0]; 2], ..self.clone() }
    }

    fn message(&self, slots: bool) -> f64 {
        self.message[usize::from(!slots)]
    }

    /// A fresh encryption under the secret key, of a plaintext in slots.
    pub fn fresh_secret(&self) -> Noise {
        self.fresh_secret_of(true)
    }

    /// A fresh encryption under the public key, of a plaintext in slots.
    pub fn fresh_public(&self) -> Noise {
        self.fresh_public_of(true)
    }

    pub(crate) fn fresh_secret_of(&self, slots: bool) -> Noise {
        Noise::from_log2((self.message(slots) + self.model.fresh_secret()).log2() / 2.0)
    }

    pub(crate) fn fresh_public_of(&self, slots: bool) -> Noise {
        let noise = Noise::joining(self.message(slots) + self.model.fresh_public());
        Noise { sides: FRESH, ..noise }
    }

    /// Noise that a sum with a plaintext adds.
    pub(crate) fn plaintext(&self, slots: bool) -> Noise {
        Noise { chaos: Chaos::GAUSSIAN, ..Noise::joining(self.message(slots)) }
    }

    /// A product of two ciphertexts.
    pub fn product(&self, a: Noise, b: Noise) -> Noise {
        let chaos = a.chaos.of_product(b.chaos);
        let related = a.chaos.log2_related(b.chaos);
        let mut growth = (self.log_n + related) / 2.0;
        if a.sides & b.after_automorphism(7).sides != 0 {
            // Norms are sums of N squares: nine of their deviations more than expected.
            let spread = 1.0 + ((related + 1.0 - self.log_n) / 2.0 + TAIL_BITS).exp2();
            growth = growth.max(self.log_n + spread.log2() - TAIL_BITS);
        }
        Noise { log2: a.log2 + b.log2 + growth, chaos, sides: a.sides | b.sides }
    }

    /// After a key switch at a level.
    pub fn key_switch(&self, noise: Noise, level: usize) -> Noise {
        let known = level < self.log_q.len();
        let added = if known { self.model.key_switch(level + 1) } else { f64::NAN };
        noise.add_unrelated(Noise::joining(added))
    }

    /// After dropping the last prime of a level by modulus switching, of a ciphertext of degree 1.
    pub fn drop_last(&self, noise: Noise, level: usize) -> Noise {
        self.drop_last_of_degree(noise, 1, level)
    }

    /// After dropping the last prime of a level by modulus switching, of a ciphertext of a degree: the rounding has the powers of the
    /// secret up to that one.
    pub fn drop_last_of_degree(&self, noise: Noise, degree: usize, level: usize) -> Noise {
        noise.scale(-self.log_prime(level)).add_unrelated(Noise::rounding(&self.model, degree))
    }

    /// `log2` of the deviation after dropping the last prime of a level, and whether that is worth while: cutting costs nothing
    /// and leaves the correction factor alone, for which half a bit of noise is little.
    fn divided(&self, log2: f64, degree: usize, level: usize) -> (f64, bool) {
        let rounding = self.model.rounding_at_degree(degree).log2();
        let divided = log2_add(2.0 * (log2 - self.log_prime(level)), rounding) / 2.0;
        (divided, divided + 0.5 < log2)
    }

    /// The way from `level` to `target` that leaves the least noise in a ciphertext of degree 1: by cutting while the noise is small, by
    /// dividing otherwise. Returns the steps (true = divide), from `level` down, and the noise at the end.
    pub fn reduce(&self, noise: Noise, level: usize, target: usize) -> (Vec<bool>, Noise) {
        self.reduce_of_degree(noise, 1, level, target)
    }

    /// As [`reduce`](Self::reduce), of a ciphertext of a degree.
    pub fn reduce_of_degree(
        &self,
        mut noise: Noise,
        degree: usize,
        level: usize,
        target: usize,
    ) -> (Vec<bool>, Noise) {
        let level = self.at_most(level);
        let mut steps = Vec::with_capacity(level.saturating_sub(target));
        for l in (target.saturating_add(1)..=level).rev() {
            let (_, divide) = self.divided(noise.log2, degree, l);
            if divide {
                noise = self.drop_last_of_degree(noise, degree, l);
            }
            steps.push(divide);
        }
        (steps, noise)
    }

    /// `log2` of the deviation that [`reduce`](Self::reduce) ends with.
    fn reduced_log2(&self, log2: f64, level: usize, target: usize) -> f64 {
        (target.saturating_add(1)..=self.at_most(level)).rev().fold(log2, |log2, l| {
            match self.divided(log2, 1, l) {
                (divided, true) => divided,
                _ => log2,
            }
        })
    }

    /// `Σ c_i·a_i` for integers `c_i` and fresh encryptions `a_i` under the secret key, of messages in slots that may all be one: the
    /// errors are drawn independently, so that their variances add, and the deviations of the messages.
    pub fn combination_of_fresh(&self, magnitudes: impl Iterator<Item = u64>) -> Noise {
        let (sum, squares) = magnitudes.fold((0.0, 0.0), |(sum, squares), c| {
            let c = c as f64;
            (sum + c, squares + c * c)
        });
        let variance = sum * sum * self.message(true) + squares * self.model.fresh_secret();
        // Not below what one of them has.
        Noise::from_log2((variance.log2() / 2.0).max(self.fresh_secret().log2()))
    }

    /// The level at which a product of operands of the given noises and present levels leaves the largest budget, `extra` bits
    /// being lost besides; a lower one where that costs at most half a bit.
    pub fn best_level(&self, operands: &[(Noise, usize)], extra: f64) -> usize {
        let highest = operands.iter().map(|(_, level)| *level).min().unwrap_or(0).min(self.log_q.len() - 1);
        let budget = |level: usize| {
            let sum: f64 = operands.iter().map(|&(noise, l)| self.reduced_log2(noise.log2, l, level)).sum();
            self.log_q(level) - sum - extra
        };
        let best = (0..=highest).map(budget).fold(f64::NEG_INFINITY, f64::max);
        (0..=highest).find(|&l| budget(l) >= best - 0.5).unwrap_or(highest)
    }
}

he_core::brief_debug!(NoiseEstimator: |a| log2_q = a.log_q, log2_n = a.log_n, log2_t = a.log_t);
