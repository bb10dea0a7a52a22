//! From slots to phases, and from phases to polynomials in their exponential.

use std::f64::consts::SQRT_2;

use he_core::rlwe::OperandError;
use num_complex::Complex64;

use super::super::{Bootstrapper, Order};
use crate::ciphertext::Ciphertext;
use crate::error::Error;
use crate::polynomial::Kind;

impl Bootstrapper {
    /// Slots in the coefficients over the first prime, at scale `q_0/period`; its estimate is of slots.
    pub(super) fn to_phase(
        &self,
        operation: &'static str,
        a: &Ciphertext,
        period: f64,
    ) -> Result<Ciphertext, Error> {
        let e = &self.evaluator;
        let params = e.params();
        self.check_order(Order::SlotsFirst)?;
        let needed = self.to_coefficients.len() + 1;
        e.check_rotation(operation, a)?;
        if a.level() < needed {
            return Err(OperandError::LevelsUsedUp { operation, needed, present: a.level() }.into());
        }
        self.check_slots(a)?;
        let scale = params.prime(0) / period;
        let start =
            e.scaled_to(a, needed - 1, params.scale(needed - 1) * scale / params.scale(0))?.into_owned();
        // What is larger wraps, and stands for its representative.
        let bound = start.estimate.bound.min(0.25 * period);
        let apply = |a: Ciphertext, matrix| e.transform_here(matrix, &a, bound);
        let phase = self.to_coefficients.iter().try_fold(start.with_bound(bound)?, apply)?;
        Ok(Ciphertext { scale, ..phase })
    }

    /// Twice the real parts of polynomials in `exp(2πi·x)` for `x = phase/q_0`, of the imaginary parts of slots in imaginary parts unless
    /// real ones alone are asked for; and the error of `x`, which is not among those of the results. The estimate of the phase is of
    /// slots.
    pub(super) fn polynomials_of(
        &self,
        phase: &Ciphertext,
        polynomials: &[&[Complex64]],
        real_parts: bool,
    ) -> Result<(Vec<Ciphertext>, f64), Error> {
        let e = &self.evaluator;
        self.check_order(Order::SlotsFirst)?;
        let [real, imaginary] = self.to_slots(&self.raise(phase)?)?;
        // Of either part, in units of q_0.
        let error = self.modular.range() * real.estimate.error / SQRT_2;
        let half =
            |part: &Ciphertext| e.polynomial_sums(Kind::Powers, &self.modular.circle(e, part)?, polynomials);
        if real_parts {
            let sums =
                half(&real)?.iter().map(|sum| self.modular.twice_real(e, sum)).collect::<Result<_, _>>()?;
            return Ok((sums, error));
        }
        let (real, imaginary) = rayon::join(|| half(&real), || half(&imaginary));
        let (real, mut imaginary) = (real?, imaginary?);
        imaginary.iter_mut().for_each(|part| part.inner.mul_i_assign());
        let join = |(real, imaginary)| self.modular.joined(e, real, imaginary);
        Ok((real.iter().zip(&imaginary).map(join).collect::<Result<_, _>>()?, error))
    }
}
