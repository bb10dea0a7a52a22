//! The noise of a ciphertext, estimated without the key.
//!
//! BGV decrypts while every coefficient of the phase `v = m + t·e` stays below `Q/2`. [`Noise`] is `log2` of the deviation
//! of one coefficient of `v`; the *budget* of a ciphertext is `log2(Q/2) − log2(9·deviation)`: nine deviations are passed
//! by one coefficient in `2^62`. Formulas (`h` = expected squared norm of the secret; messages count as uniform modulo `t`,
//! variance `t²/12`):
//!
//! | operation | variance of `v` |
//! |---|---|
//! | fresh, secret key | `t²/12 + t²σ²` |
//! | fresh, public key | `t²/12 + t²σ²(1 + 2N/3 + h)` |
//! | sum of unrelated operands | `V_a + V_b` (related ones: deviations add) |
//! | constant `c` | `c²·V` |
//! | plaintext `p` | `‖p‖²·V` |
//! | product | `N·V_a·V_b` |
//! | key switch | `V + t²Nσ²/12·Σ(D_i/P)² + t²(1 + h)/12` |
//! | modulus switch by `q` | `V/q² + t²(1 + h)/12` |
//!
//! Products of unrelated operands behave so because each coefficient is a sum of `N` nearly independent terms. Messages
//! whose coefficients are all large and of related sign (not what slots give) can exceed it.

use he_core::rlwe::noise::NoiseModel;
use he_core::rlwe::{self};

/// `log2` of the deviation of one coefficient of the phase.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Noise(f64);

/// `log2(9)`: deviations kept in hand.
const TAIL_BITS: f64 = 3.17;

impl Noise {
    /// From `log2` of a deviation.
    pub fn from_log2(bits: f64) -> Self {
        Self(bits)
    }

    fn from_variance(variance: f64) -> Self {
        Self(variance.log2() / 2.0)
    }

    /// `log2` of the deviation.
    pub fn log2(self) -> f64 {
        self.0
    }

    /// `log2` of the size that no coefficient passes but with probability `2^-62`.
    pub fn bound_log2(self) -> f64 {
        self.0 + TAIL_BITS
    }

    /// Sum with an unrelated operand.
    #[must_use]
    pub fn add(self, other: Self) -> Self {
        let (high, low) = if self.0 > other.0 {
            (self.0, other.0)
        } else {
            (other.0, self.0)
        };
        Self(high + (2.0 * (low - high)).exp2().ln_1p() / (2.0 * std::f64::consts::LN_2))
    }

    /// Sum with an operand that may be related, such as the same one.
    #[must_use]
    pub fn add_related(self, other: Self) -> Self {
        let (high, low) = if self.0 > other.0 {
            (self.0, other.0)
        } else {
            (other.0, self.0)
        };
        Self(high + (low - high).exp2().ln_1p() / std::f64::consts::LN_2)
    }

    /// Product with something of the given `log2` norm.
    #[must_use]
    pub fn scale(self, log2: f64) -> Self {
        Self(self.0 + log2)
    }
}

/// The formulas of the module for one set of parameters.
#[derive(Clone)]
pub struct NoiseEstimator {
    model: NoiseModel,
    log_q: Vec<f64>,
    log_n: f64,
    log_t: f64,
    message: f64,
}

impl NoiseEstimator {
    pub(crate) fn new(params: &rlwe::Parameters) -> Self {
        let t = params.spec().error_factor as f64;
        Self {
            model: NoiseModel::new(params),
            log_q: params.spec().q.iter().map(|&q| (q as f64).log2()).collect(),
            log_n: (params.n() as f64).log2(),
            log_t: t.log2(),
            message: t * t / 12.0,
        }
    }

    /// `log2` of the modulus of `limbs` limbs.
    pub fn log_q(&self, limbs: usize) -> f64 {
        self.log_q[..limbs].iter().sum()
    }

    /// Bits left before a ciphertext of `limbs` limbs stops decrypting; negative when it may not.
    pub fn budget(&self, noise: Noise, limbs: usize) -> f64 {
        self.log_q(limbs) - 1.0 - noise.bound_log2()
    }

    /// `log2 t`.
    pub fn log_t(&self) -> f64 {
        self.log_t
    }

    /// A fresh encryption under the secret key.
    pub fn fresh_secret(&self) -> Noise {
        Noise::from_variance(self.message + self.model.fresh_secret())
    }

    /// A fresh encryption under the public key.
    pub fn fresh_public(&self) -> Noise {
        Noise::from_variance(self.message + self.model.fresh_public())
    }

    /// A sum with a plaintext: the message part only.
    pub fn plaintext(&self) -> Noise {
        Noise::from_variance(self.message)
    }

    /// A product of two ciphertexts.
    pub fn product(&self, a: Noise, b: Noise) -> Noise {
        Noise(a.0 + b.0 + self.log_n / 2.0)
    }

    /// After a key switch at `limbs` limbs.
    pub fn key_switch(&self, noise: Noise, limbs: usize) -> Noise {
        noise.add(Noise::from_variance(self.model.key_switch(limbs)))
    }

    /// After dropping the last of `limbs` limbs by modulus switching.
    pub fn drop_last(&self, noise: Noise, limbs: usize) -> Noise {
        noise
            .scale(-self.log_q[limbs - 1])
            .add(Noise::from_variance(self.model.rounding()))
    }

    /// How a ciphertext gets from `limbs` to `target` limbs with the least noise: by cutting while its noise is small,
    /// by dividing otherwise. Returns the steps (true = divide) and the noise at the end.
    pub fn reduce(&self, mut noise: Noise, limbs: usize, target: usize) -> (Vec<bool>, Noise) {
        let mut steps = Vec::with_capacity(limbs.saturating_sub(target));
        for l in (target + 1..=limbs).rev() {
            let divided = self.drop_last(noise, l);
            // Cutting costs nothing and leaves the factor modulo t alone: half a bit of noise is worth that.
            let divide = divided.log2() + 0.5 < noise.log2();
            if divide {
                noise = divided;
            }
            steps.push(divide);
        }
        (steps, noise)
    }

    /// The number of limbs, at most `limits`, at which a product of operands with the given noises (at their present
    /// limbs) leaves the largest budget; fewer where that costs at most half a bit.
    pub fn best_limbs(&self, operands: &[(Noise, usize)], extra: f64) -> usize {
        let most = operands.iter().map(|(_, limbs)| *limbs).min().unwrap_or(1);
        let budget = |limbs: usize| {
            let sum: f64 = operands
                .iter()
                .map(|&(noise, l)| self.reduce(noise, l, limbs).1.log2())
                .sum();
            self.log_q(limbs) - sum - extra
        };
        let best = (1..=most).map(budget).fold(f64::NEG_INFINITY, f64::max);
        (1..=most).find(|&l| budget(l) >= best - 0.5).unwrap_or(most)
    }
}
