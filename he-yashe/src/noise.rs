//! Noise, estimated without the key.
//!
//! `−t·c·f = m + t·E (mod q)` for a ciphertext `c` at the top: [`Noise`] is the variance `V²` of one coefficient of `E`, in parts by the number
//! of times that the secret is a factor of it, its *order*. A ciphertext decrypts while `t·|E| < q/2`. With `‖f‖² = t²·2N/3`:
//!
//! | operation | variance `V²` | order |
//! |---|---|---|
//! | fresh | `‖f‖²·(σ² + 2/3 + 1/4)`, errors, mask and message | 1 |
//! | modulus switch by `q_l` | `V²/q_l² + ‖f‖²/12` | that of its parts, and 1 |
//! | product, under `f²` | `t²·N·C(j + k, j)·V_j²·V_k²` for parts of orders `j` and `k` | `j + k` |
//! | key switch | `V² + ‖f‖²·(σ² + 2/3)·N·Σ var(d)` over the digits `d` | that of its parts, and 1 |
//! | sum | deviations add | that of its parts |
//! | constant `c`; plaintext `p` | `c²·V²`; `‖p‖²·V²` | that of its parts |
//!
//! *Products.* At a root of `X^N + 1` the secret takes a complex Gaussian value `z` with `E|z|^{2k} = k!·(E|z|²)^k`, and it is the same
//! in all ciphertexts: hence the binomial coefficient. The formulas take ciphertexts for unrelated but for the secret, and are
//! then right to a quarter. The *bound* takes every product for a power: `k!` more for order `k`, again for each plaintext factor,
//! and a tail of nine deviations, or that of a single root where it is longer. Products of operands on opposite sides of the
//! conjugation `X ↦ X^{−1}` have a coefficient `‖E‖²`, which counts for nine deviations.

use he_core::Modulus;
use he_core::ring::Basis;

use crate::digits;

/// Orders that are told apart; higher ones are refused by every bound.
pub(crate) const MOST_ORDERS: usize = 32;

/// The sides of the conjugation, as a set.
const FRESH: u8 = 1;
pub(crate) const BOTH: u8 = 3;

/// Deviation of fresh errors.
pub(crate) const SIGMA: f64 = 3.19;

/// Variance of the error and the mask of a fresh ciphertext, of the secret.
const ERRORS: f64 = SIGMA * SIGMA + 2.0 / 3.0;
const SECRET: f64 = 2.0 / 3.0;

/// The variance of a coefficient of `E`, by orders.
///
/// ```
/// # use he_yashe::*;
/// # fn main() -> Result<(), Error> {
/// let params = Spec::legacy_n32768().build_legacy("an example")?;
/// let (estimator, level) = (params.noise(), params.max_level());
/// let fresh = estimator.fresh();
/// // A related sum doubles the deviation, a constant multiplies it.
/// assert!((fresh.add_related(&fresh).log2() - fresh.log2() - 1.0).abs() < 1e-9);
/// assert!((fresh.scale(8.0).log2() - fresh.log2() - 3.0).abs() < 1e-9);
/// // A product costs budget.
/// let product = estimator.product(&fresh, &fresh);
/// assert!(estimator.budget(&product, level) < estimator.budget(&fresh, level));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Noise {
    /// Part `k` is of order `k + 1`.
    parts: Vec<f64>,
    /// Plaintext factors of its longest product.
    plain: u32,
    sides: u8,
}

impl Noise {
    fn of_order(order: usize, variance: f64) -> Self {
        let mut parts = vec![0.0; order];
        parts[order - 1] = variance;
        Self { parts, plain: 0, sides: 0 }
    }

    /// From the fields on the wire.
    pub(crate) fn from_parts(parts: Vec<f64>, plain: u32, sides: u8) -> Self {
        Self { parts, plain, sides }
    }

    /// The variances by order, the plaintext factors, and the sides.
    pub(crate) fn parts(&self) -> (&[f64], u32, u8) {
        (&self.parts, self.plain, self.sides)
    }

    fn variance(&self) -> f64 {
        self.parts.iter().sum()
    }

    /// `log2` of the deviation of a coefficient of `E`.
    pub fn log2(&self) -> f64 {
        self.variance().log2() / 2.0
    }

    fn combine(&self, other: &Self, weights: [f64; 2]) -> Self {
        let part = |noise: &Self, k: usize| noise.parts.get(k).copied().unwrap_or(0.0);
        let orders = self.parts.len().max(other.parts.len());
        let sum = |k| weights[0] * part(self, k) + weights[1] * part(other, k);
        Self {
            parts: (0..orders).map(sum).collect(),
            plain: self.plain.max(other.plain),
            sides: self.sides | other.sides,
        }
    }

    /// Sum with an unrelated operand.
    #[must_use]
    pub fn add_unrelated(&self, other: &Self) -> Self {
        self.combine(other, [1.0, 1.0])
    }

    /// Sum with an operand that may be related, such as the same one: deviations add.
    #[must_use]
    pub fn add_related(&self, other: &Self) -> Self {
        let (a, b) = (self.variance().sqrt(), other.variance().sqrt());
        self.combine(other, [1.0 + b / a, 1.0 + a / b])
    }

    /// Product with a constant of the given magnitude.
    #[must_use]
    pub fn scale(&self, factor: f64) -> Self {
        Self { parts: self.parts.iter().map(|v| v * factor * factor).collect(), ..*self }
    }

    /// Product with a plaintext of the given Euclidean norm.
    #[must_use]
    pub fn mul_plain(&self, norm: f64) -> Self {
        Self { plain: self.plain.saturating_add(1), ..self.scale(norm) }
    }

    /// After `X ↦ X^g`: the powers of 3, with which rows are rotated, are 1 and 3 modulo 8; their negatives change side.
    #[must_use]
    pub fn after_automorphism(&self, g: usize) -> Self {
        let turned = (self.sides << 1 | self.sides >> 1) & BOTH;
        Self { parts: self.parts.clone(), sides: if g % 8 < 4 { self.sides } else { turned }, ..*self }
    }
}

/// The sum of the numbers of the primes of a level.
fn sum_to(primes: &[f64], level: usize) -> f64 {
    primes.get(..=level.min(primes.len())).map_or(f64::NAN, |primes| primes.iter().sum())
}

fn factorial(k: usize) -> f64 {
    (1..=k).map(|i| i as f64).product()
}

/// The formulas of the module for one set of parameters.
///
/// ```
/// # use he_yashe::*;
/// # fn main() -> Result<(), Error> {
/// let params = Spec::legacy_n32768().build_legacy("an example")?;
/// let (estimator, level) = (params.noise(), params.max_level());
/// let product = estimator.key_switch(&estimator.product(&estimator.fresh(), &estimator.fresh()), level);
/// // Its noise is worth dividing away before the next product.
/// assert!(estimator.best_level([(&product, level), (&product, level)]) < level);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct NoiseEstimator {
    n: f64,
    t: f64,
    log_q: Vec<f64>,
    /// `‖f‖²`.
    secret: f64,
    /// `N·Σ var(d)` over the digits of each prime.
    digits: Vec<f64>,
}

impl NoiseEstimator {
    pub(crate) fn new(basis: &Basis, t: &Modulus, digit_bits: u32) -> Self {
        let (n, t) = (basis.n() as f64, t.value() as f64);
        let digits = |q: &Modulus| -> f64 {
            (0..digits::count(q, digit_bits)).map(|k| n * digits::variance(q, digit_bits, k)).sum()
        };
        Self {
            n,
            t,
            log_q: basis.moduli().map(|q| (q.value() as f64).log2()).collect(),
            secret: t * t * SECRET * n,
            digits: basis.moduli().map(digits).collect(),
        }
    }

    /// `log2` of the modulus of a level. Above the highest level there is no number: it is `NaN`, and so is what other methods say
    /// of such a level, with which every operation is refused.
    pub fn log_q(&self, level: usize) -> f64 {
        sum_to(&self.log_q, level)
    }

    /// A fresh encryption.
    pub fn fresh(&self) -> Noise {
        Noise { sides: FRESH, ..Noise::of_order(1, self.secret * (ERRORS + 0.25)) }
    }

    /// The variance below which no ciphertext is: that of a rounding.
    pub(crate) fn least(&self) -> f64 {
        self.secret / 12.0
    }

    /// Noise that a sum with a plaintext adds: a carry of the message, under the secret.
    pub fn plaintext(&self) -> Noise {
        Noise::of_order(1, self.secret)
    }

    /// The product of two ciphertexts, under the square of the secret.
    pub fn product(&self, a: &Noise, b: &Noise) -> Noise {
        let opposite = a.sides & b.after_automorphism(7).sides != 0;
        let mut parts = vec![0.0; a.parts.len() + b.parts.len()];
        for (j, x) in (1..).zip(&a.parts) {
            for (k, y) in (1..).zip(&b.parts) {
                let related = factorial(j + k) / (factorial(j) * factorial(k));
                let growth = if opposite { related.max(2.0 * self.n / 81.0) } else { related };
                parts[j + k - 1] += self.t * self.t * self.n * growth * x * y;
            }
        }
        Noise { parts, plain: a.plain.saturating_add(b.plain), sides: a.sides | b.sides }
    }

    /// After a key switch at a level.
    pub fn key_switch(&self, noise: &Noise, level: usize) -> Noise {
        noise.add_unrelated(&Noise::of_order(1, self.secret * ERRORS * sum_to(&self.digits, level)))
    }

    /// After dropping the last prime of a level, of a ciphertext under the secret.
    pub fn drop_last(&self, noise: &Noise, level: usize) -> Noise {
        let prime = self.log_q.get(level).copied().unwrap_or(f64::NAN);
        let divided = noise.scale((-prime).exp2());
        divided.add_unrelated(&Noise::of_order(1, self.secret / 12.0))
    }

    /// After dropping primes down to a level.
    pub fn reduce(&self, noise: &Noise, level: usize, target: usize) -> Noise {
        let (level, target) = (level.min(self.log_q.len()), target.min(self.log_q.len()));
        (target + 1..=level).rev().fold(noise.clone(), |noise, level| self.drop_last(&noise, level))
    }

    /// `log2` of the size that no coefficient of `E` passes but with probability `2^-62`.
    pub fn bound_log2(&self, noise: &Noise) -> f64 {
        let part = |(k, variance): (usize, &f64)| {
            let related = factorial(k);
            // One root alone, where secret and error take 26 times their mean square each.
            let peak = 4.0 * 26f64.powi(2 * k as i32) / (self.n * related * related);
            variance * related * peak.max(81.0)
        };
        let square: f64 = (1..).zip(&noise.parts).map(part).sum();
        let plain = factorial(noise.plain.min(64) as usize);
        if noise.parts.len() > MOST_ORDERS { f64::INFINITY } else { (square * plain).log2() / 2.0 }
    }

    /// Bits left before a ciphertext of a level stops decrypting; negative when it may not.
    pub fn budget(&self, noise: &Noise, level: usize) -> f64 {
        self.log_q(level) - 1.0 - self.t.log2() - self.bound_log2(noise)
    }

    /// The level at which the product of operands of the given noises and present levels leaves the largest budget.
    pub fn best_level(&self, operands: [(&Noise, usize); 2]) -> usize {
        let highest =
            operands.map(|(_, level)| level).into_iter().min().unwrap_or(0).min(self.log_q.len() - 1);
        let budget = |level: usize| {
            let [a, b] = operands.map(|(noise, l)| self.reduce(noise, l, level));
            self.budget(&self.key_switch(&self.product(&a, &b), level), level)
        };
        // Of equal ones the lowest, which is the cheapest.
        (0..=highest)
            .fold((0, f64::NEG_INFINITY), |best, level| {
                let budget = budget(level);
                if budget > best.1 { (level, budget) } else { best }
            })
            .0
    }
}

he_core::brief_debug!(NoiseEstimator: |a| n = a.n, t = a.t, log2_q = a.log_q);
