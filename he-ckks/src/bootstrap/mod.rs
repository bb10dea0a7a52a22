//! Bootstrapping: a ciphertext with no levels left becomes one with all levels of the user.
//!
//! In the order that puts slots into coefficients first:
//!
//! 1. *slots-to-coefficients* at the lowest levels: the values stand in the coefficients of a ciphertext modulo `q_0`, at
//!    scale `Δ_0`;
//! 2. *encapsulation* (Bossuat, Troncoso-Pastoriza, Hubaux 2022): a switch to a secret of weight 32 that exists modulo
//!    `q_0·p` alone; *modulus raising*: modulo the whole chain the phase is `t = Δ_0·v + q_0·I` with small integers `I`; and a
//!    switch back to the secret;
//! 3. *coefficients-to-slots*: two ciphertexts with `t/(q_0·K)` in their slots, for real and for imaginary parts;
//! 4. *modular reduction* of both, which brings the values back into the slots.
//!
//! With the coefficients first, modular reduction sees the values themselves, whatever they are: its error does not depend
//! on how they are distributed.
//!
//! **Integers.** Values that are integers modulo `t` can be cleaned of their errors on the way, and looked up in tables: see
//! [`Table`].
//!
//! **Failure.** `|I| < K` fails for a coefficient when the sum of 33 uniform variables on `(−1/2, 1/2)` passes `K − 1/2`:
//! `2^-105` for one bootstrap of 65,536 coefficients at `K = 16` (Irwin-Hall tail, union over coefficients);
//! [`BootstrapSpec::log2_failure`] bounds it for any parameters.

pub(crate) mod keys;
mod layout;
mod lift;
mod modular;
mod tables;

use std::sync::Arc;

use he_core::ring::embedding::{Diagonals, multiply};
use he_core::rlwe::{OperandError, SecretId};
use num_complex::Complex64;

use crate::ciphertext::Ciphertext;
use crate::error::Error;
use crate::estimate::{DEVIATIONS, Estimate};
use crate::evaluator::Evaluator;
use crate::linear::LinearTransform;
use crate::params::Parameters;

pub use crate::spec::{BootstrapSpec, Order};
pub use keys::BootstrapKeys;
use layout::{Layout, Stage};
pub use lift::{CoefficientCiphertext, Lifted};
use modular::Modular;
pub use tables::{FourierSeries, Integers, Table};

/// Bootstraps ciphertexts of one number of slots.
///
/// ```
/// # use he_ckks::{bootstrap::*, *};
/// # fn main() -> Result<(), Error> {
/// # let params = Spec { log_n: 9, ..Spec::bootstrap_sparse() }.build_insecure("an example")?;
/// let key = SecretKey::generate(&params)?;
/// let bootstrapper = Bootstrapper::new(key.bootstrap_keys(4, &KeyRequest::default())?)?;
/// // Only the levels are left that a bootstrap takes itself.
/// let plaintext = Encoder::new(&params).encode_in(&[0.5, -0.25, 1.0, 0.0], 4)?;
/// let used_up = Encryptor::with_secret(&key).encrypt_at(&plaintext, params.reserved_levels())?;
/// let refreshed = bootstrapper.bootstrap(&used_up)?;
/// assert_eq!(refreshed.level(), params.max_level());
/// assert!((Decryptor::new(&key).decrypt(&refreshed)?[0] - 0.5).abs() < 1e-5);
/// # Ok(())
/// # }
/// ```
///
/// It takes no secret key:
/// ```compile_fail,E0308
/// # fn f(secret: he_ckks::SecretKey) {
/// let bootstrapper = he_ckks::bootstrap::Bootstrapper::new(secret);
/// # }
/// ```
pub struct Bootstrapper {
    evaluator: Evaluator,
    keys: BootstrapKeys,
    slots: usize,
    to_coefficients: Vec<LinearTransform>,
    /// With the number of layers of each.
    to_slots: Vec<(usize, LinearTransform)>,
    modular: Modular,
    /// Rotation from coefficients as they stand to those that coefficients-to-slots takes.
    rotation: usize,
}

impl Bootstrapper {
    /// Prepares the transforms for the keys' number of slots.
    ///
    /// # Errors
    /// If the parameters have no bootstrapping.
    pub fn new(keys: BootstrapKeys) -> Result<Self, Error> {
        let params = keys.params().clone();
        let layout = Layout::new(&params, keys.slots())?;
        let (modular, slots) = (Modular::new(&params, keys.slots())?, keys.slots());
        let embedding = params.embedding(slots)?;
        let encode = |stage: &Stage, layer: &dyn Fn(u32) -> Diagonals, factor: f64, scale: f64| {
            let mut matrix = stage
                .layers()
                .map(layer)
                .reduce(|product, next| multiply(&next, &product))
                .unwrap_or_else(|| Diagonals::from([(0, vec![Complex64::new(1.0, 0.0); slots])]));
            matrix.values_mut().flatten().for_each(|z| *z *= factor);
            LinearTransform::arranged(
                &params,
                &stage.shifted(&matrix, slots),
                slots,
                stage.level,
                scale,
                stage.period,
            )
        };
        let to_coefficients = (layout.to_coefficients.iter())
            .map(|stage| {
                let scale = params.product_scale(stage.level) / params.scale(stage.level);
                encode(stage, &|k| embedding.layer(k), 1.0, scale)
            })
            .collect::<Result<Vec<_>, _>>()?;
        // From the scale of what was raised to that of modular reduction, and a half for real and imaginary parts.
        let end = params.raised_level() - layout.to_slots.len();
        let ratio = params.scale(end) / raised_scale(&params, slots)?;
        let factor = 0.5f64.powf(1.0 / layout.to_slots.len() as f64);
        let to_slots = (layout.to_slots.iter())
            .map(|stage| {
                let scale = params.prime(stage.level) * ratio.powf(1.0 / layout.to_slots.len() as f64);
                Ok::<_, Error>((
                    stage.layers().count(),
                    encode(stage, &|k| embedding.inverse_layer(k), factor, scale)?,
                ))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let evaluator = Evaluator { params: params.clone(), keys: Arc::clone(keys.evaluation()) };
        let rotation = layout.rotation();
        Ok(Self { evaluator, keys, slots, to_coefficients, to_slots, modular, rotation })
    }

    /// The evaluator with its keys, for what comes between two bootstraps.
    pub fn evaluator(&self) -> &Evaluator {
        &self.evaluator
    }

    /// The identifier of the secret of its keys.
    pub fn secret_id(&self) -> SecretId {
        self.keys.secret_id()
    }

    /// Bytes of the diagonals of the transforms.
    pub fn transform_bytes(&self) -> usize {
        self.to_coefficients
            .iter()
            .chain(self.to_slots.iter().map(|(_, matrix)| matrix))
            .map(LinearTransform::bytes)
            .sum()
    }

    /// A ciphertext of the same values with all levels of the user.
    ///
    /// The values must lie in the unit disc; the ciphertext must have the levels of slots-to-coefficients left,
    /// [`Parameters::reserved_levels`].
    ///
    /// # Errors
    /// If it is foreign, has more slots than the keys are for, too few levels, or a bound above 1.
    pub fn bootstrap(&self, a: &Ciphertext) -> Result<Ciphertext, Error> {
        let low = self.to_coefficients(a)?;
        let [real, imaginary] = self.to_slots(&self.raise(&low)?)?;
        let whole = self.modular.reduce(&self.evaluator, &real, &imaginary)?;
        // The series errs alike each time: in a row of bootstraps its errors add like numbers, all others like variances.
        let again = 2.0 * self.modular.approximation() * a.estimate.error;
        let bound = a.estimate.bound.min(whole.estimate.bound);
        let estimate = Estimate { bound, ..whole.estimate.with_noise(again) };
        Ok(Ciphertext { slots: a.slots, estimate, ..whole })
    }

    /// A bootstrap in two iterations (Bae, Cheon, Cho, Kim, Kim 2022): the error of the first bootstrap is known at the lowest
    /// levels, where the values still are; multiplied up to the interval, bootstrapped and added, it leaves the errors of
    /// rescaling at the user's scale. Takes twice the time, and one level of the user.
    ///
    /// # Errors
    /// As [`bootstrap`](Self::bootstrap).
    pub fn bootstrap_twice(&self, a: &Ciphertext) -> Result<Ciphertext, Error> {
        let (e, level) = (&self.evaluator, self.to_coefficients.len());
        let first = self.bootstrap(a)?;
        let (low, back) = (e.mod_switch_to(a, level)?, e.mod_switch_to(&first, level)?);
        let wrong = e.sub(&low, &back)?;
        let bits = (-(DEVIATIONS * first.estimate.error).log2()).floor().clamp(0.0, 40.0);
        // To what it should be, the difference has the errors of its operands but not that of the first bootstrap.
        let rounding = e.rounding(back.slots, back.scale).sqrt();
        let small = Estimate { bound: (-bits).exp2(), error: low.estimate.error.hypot(rounding) };
        let wrong = e.mul_integer(&Ciphertext { estimate: small, ..wrong }, 1 << bits as u32)?;
        let second = self.bootstrap(&wrong)?;
        let first = Ciphertext { estimate: Estimate { error: 0.0, ..first.estimate }, ..first };
        let weights = [1.0, (-bits).exp2()].map(|w| Complex64::new(w, 0.0));
        let sum =
            e.linear_combination(&[(weights[0], &first), (weights[1], &second)], Complex64::default())?;
        sum.with_bound(a.estimate.bound)
    }

    /// Step 1: the values in the coefficients, over one prime.
    pub(crate) fn to_coefficients(&self, a: &Ciphertext) -> Result<Ciphertext, Error> {
        let (operation, e) = ("bootstrap", &self.evaluator);
        self.check_order(Order::SlotsFirst)?;
        e.check_rotation(operation, a)?;
        let needed = self.to_coefficients.len();
        if a.level() < needed {
            return Err(OperandError::LevelsUsedUp { operation, needed, present: a.level() }.into());
        }
        self.check_slots(a)?;
        // A bound that travelled through sums is rounded.
        if a.estimate.bound > 1.0 + 1e-9 {
            let (low, high) = (-1.0, 1.0);
            return Err(Error::OutsideInterval { operation, bound: a.estimate.bound, low, high });
        }
        let a = e.mod_switch_to(a, needed)?;
        let bound = a.estimate.bound;
        // What counts from here on are coefficients, and those are bounded by the values.
        self.to_coefficients.iter().try_fold(a, |a, matrix| e.transform_here(matrix, &a, bound))
    }

    pub(crate) fn check_order(&self, needed: Order) -> Result<(), Error> {
        let found = self.evaluator.params().bootstrap()?.order;
        if found == needed {
            return Ok(());
        }
        let (found, needed) = (format!("{found:?}"), format!("{needed:?}"));
        Err(Error::Spec { field: "the order of bootstrapping", found, needed })
    }

    fn check_slots(&self, a: &Ciphertext) -> Result<(), Error> {
        if a.slots <= self.slots {
            return Ok(());
        }
        Err(Error::Slots { slots: a.slots, most: self.slots })
    }

    /// Step 2: the same phase modulo the whole chain, up to multiples of the first prime.
    pub(crate) fn raise(&self, a: &Ciphertext) -> Result<Ciphertext, Error> {
        let (params, e) = (self.evaluator.params(), &self.evaluator);
        let encapsulated = self.keys.encapsulation_key().switch_ciphertext(&a.inner)?;
        let raised = encapsulated.over(params.rlwe()).raised(params.rlwe().max_limbs());
        let inner = self.keys.decapsulation_key().switch_ciphertext(&raised)?;
        let scale = raised_scale(params, self.slots)?;
        let range = f64::from(params.bootstrap()?.range);
        // In units of q_0·K a value is small.
        let unit = a.scale / (params.prime(0) * range);
        let estimate = Estimate { bound: 1.0, error: a.estimate.error * unit };
        let mut sum = Ciphertext {
            params: params.clone(),
            inner,
            scale: scale * self.slots as f64 / params.slots() as f64,
            slots: params.slots(),
            estimate,
        };
        // The trace to the ring of fewer slots keeps their coefficients, times the index.
        let mut step = self.slots;
        while step < params.slots() {
            sum = e.add(&sum, &e.rotate(&sum, step)?)?.with_bound(1.0)?;
            step *= 2;
        }
        // Errors outside the ring of fewer slots are gone, those in it are as they were.
        let whole = Ciphertext { scale, slots: self.slots, ..sum };
        let switched = e.switching(&whole) * f64::from((params.slots() / self.slots).ilog2());
        Ok(Ciphertext { estimate: estimate.with_noise(switched), ..whole })
    }

    /// Root mean square of the complex numbers that pairs of coefficients are after modulus raising, in units of `q_0·K`.
    fn coefficient_norm(&self) -> Result<f64, Error> {
        let spec = self.evaluator.params().bootstrap()?;
        Ok(((spec.ephemeral_weight + 1) as f64 / 6.0).sqrt() / f64::from(spec.range))
    }

    /// Step 3: half the sum and half the difference with the conjugate.
    pub(crate) fn to_slots(&self, a: &Ciphertext) -> Result<[Ciphertext; 2], Error> {
        let e = &self.evaluator;
        // Complex magnitudes of the coefficients, as sums of uniform variables over K, and of slots that are sums of them.
        let small = self.coefficient_norm()?;
        let norm = |layers: usize| small * (layers as f64).exp2().sqrt();
        let mut layers = self.slots.trailing_zeros() as usize;
        let start = Ciphertext { estimate: Estimate { bound: norm(layers), ..a.estimate }, ..a.clone() };
        let none = || OperandError::NoOperands { operation: "bootstrap" };
        let ((_, last), others) = self.to_slots.split_last().ok_or_else(none)?;
        let last_operand = others.iter().try_fold(start, |a, (part, matrix)| {
            layers -= part;
            e.transform_here(matrix, &a, norm(layers))
        })?;
        let [real, imaginary] = e.transform_to_parts(last, &last_operand, 1.0)?;
        // Exactly so by the choice of the scales, up to the last bit of a float.
        let scale = e.params().scale(real.level());
        let known = |part: Ciphertext| Ciphertext {
            scale,
            estimate: Estimate { bound: 1.0, ..part.estimate },
            ..part
        };
        Ok([known(real), known(imaginary)])
    }
}

he_core::brief_debug!(Bootstrapper: |a| slots = a.slots, secret_id = a.secret_id());

#[cfg(test)]
mod tests;

/// The scale at which a raised phase `t` counts as `t/(q_0·K)`; the trace to fewer slots multiplies it.
fn raised_scale(params: &Parameters, slots: usize) -> Result<f64, Error> {
    let range = f64::from(params.bootstrap()?.range);
    Ok(params.prime(0) * range * (params.slots() / slots) as f64)
}
