//! The backend of ciphertexts.

use std::sync::{Mutex, PoisonError};

use super::backend::Backend;
use crate::error::Error;
use crate::evaluator::Evaluator;
use crate::lwe::LweCiphertext;
use crate::phase::{PhaseModel, SwitchedPhase};
use crate::table::LookupTable;

/// Boxes by which a lookup may be off.
const TOLERANCE: u32 = 40;

/// The circuit on ciphertexts, by bootstraps.
///
/// ```
/// # use he_tfhe::{Encryptor, Error, Evaluator, SecretKey, Spec};
/// use he_tfhe::softmax::{Ciphertexts, bootstraps, softmax};
/// # fn main() -> Result<(), Error> {
/// # let params = Spec::insecure_small().build_insecure("an example")?;
/// # let key = SecretKey::generate(&params)?;
/// # let server = Evaluator::new(key.evaluation_keys()?);
/// let scores = Encryptor::with_secret(&key).encrypt_phases(&[1 << 25, 0])?;
/// let results = softmax(&Ciphertexts::new(&server), &scores)?;
/// assert_eq!((results.len(), server.bootstraps()), (2, bootstraps(2) as u64));
/// # Ok(())
/// # }
/// ```
pub struct Ciphertexts<'a> {
    evaluator: &'a Evaluator,
    model: PhaseModel,
    /// The mod-switched phases of all lookups, where they are kept.
    phases: Option<Mutex<Vec<SwitchedPhase>>>,
}

impl<'a> Ciphertexts<'a> {
    /// Over an evaluator.
    pub fn new(evaluator: &'a Evaluator) -> Self {
        Self { evaluator, model: PhaseModel::new(evaluator.params().spec()), phases: None }
    }

    /// The backend that keeps the mod-switched phases of its lookups, for a replay in the clear.
    #[must_use]
    pub fn recording(self) -> Self {
        Self { phases: Some(Mutex::default()), ..self }
    }

    /// The phases of all lookups so far, if they were kept.
    pub fn into_phases(self) -> Vec<SwitchedPhase> {
        let kept = self.phases.map(Mutex::into_inner);
        kept.map_or_else(Vec::new, |phases| phases.unwrap_or_else(PoisonError::into_inner))
    }
}

impl Backend for Ciphertexts<'_> {
    type Value = LweCiphertext;
    type Error = Error;

    fn model(&self) -> &PhaseModel {
        &self.model
    }

    fn linear_combination(
        &self,
        terms: &[(i32, &LweCiphertext)],
        constant: u32,
    ) -> Result<LweCiphertext, Error> {
        let mut sum = self.evaluator.linear_combination(terms)?;
        sum.add_constant_assign(constant);
        Ok(sum)
    }

    fn look_up(
        &self,
        inputs: &[LweCiphertext],
        values: &[Vec<u32>],
    ) -> Result<Vec<Vec<LweCiphertext>>, Error> {
        let outputs: Vec<&[u32]> = values.iter().map(Vec::as_slice).collect();
        let table = LookupTable::on_half_torus(self.evaluator.params(), &outputs)?;
        let spare = outputs.len().trailing_zeros();
        let mut inputs = inputs.to_vec();
        let half = 1 << (31 + spare - self.model.log);
        inputs.iter_mut().for_each(|x| x.add_constant_assign(half));
        if let Some(kept) = &self.phases {
            let all: Vec<&LweCiphertext> = inputs.iter().collect();
            let phases = self.evaluator.switched_phases(&all, self.model.log, spare)?;
            kept.lock().unwrap_or_else(PoisonError::into_inner).extend(phases);
        }
        let found = self.evaluator.bootstrap_batch(&inputs, &table.with_tolerance(TOLERANCE))?;
        Ok(found.chunks(outputs.len()).map(<[_]>::to_vec).collect())
    }
}

he_core::brief_debug!(['a] Ciphertexts<'a>: |a| evaluator = a.evaluator, model = a.model);
