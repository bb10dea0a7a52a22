//! The backend of plain points.

use std::convert::Infallible;
use std::sync::{Mutex, PoisonError};

use super::backend::Backend;
use crate::phase::{PhaseErrors, PhaseModel};

/// The circuit on plain points of the torus, in units of `2^-32`.
///
/// ```
/// use he_tfhe::softmax::{Simulation, softmax};
/// use he_tfhe::{PhaseErrors, PhaseModel, Spec};
///
/// let backend = Simulation::new(PhaseModel::new(&Spec::approximate_table()), PhaseErrors::Exact);
/// // Two equal scores: both results are about 1/2, on a torus of 64.
/// let Ok(found) = softmax(&backend, &[0, 0]);
/// assert!(found.iter().all(|&x| x.abs_diff(1 << 25) < 1 << 20));
/// ```
pub struct Simulation {
    model: PhaseModel,
    errors: Mutex<PhaseErrors>,
}

impl Simulation {
    /// Lookups by a model, with errors from a source.
    pub fn new(model: PhaseModel, errors: PhaseErrors) -> Self {
        Self { model, errors: Mutex::new(errors) }
    }
}

impl Backend for Simulation {
    type Value = u32;
    type Error = Infallible;

    fn model(&self) -> &PhaseModel {
        &self.model
    }

    fn linear_combination(&self, terms: &[(i32, &u32)], constant: u32) -> Result<u32, Infallible> {
        let term = |sum: u32, (c, x): &(i32, &u32)| sum.wrapping_add(x.wrapping_mul(*c as u32));
        Ok(terms.iter().fold(constant, term))
    }

    fn look_up(&self, inputs: &[u32], values: &[Vec<u32>]) -> Result<Vec<Vec<u32>>, Infallible> {
        let spare = values.len().trailing_zeros();
        let mut errors = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
        let one = |&phase: &u32| {
            let position = self.model.position(phase, spare, &mut errors);
            let value = |values: &Vec<u32>| match self.model.entry(position, values.len()) {
                (at, false) => values[at],
                (at, true) => values[at].wrapping_neg(),
            };
            values.iter().map(value).collect()
        };
        Ok(inputs.iter().map(one).collect())
    }
}

he_core::brief_debug!(Simulation: |a| model = a.model);
