//! Tables over the whole torus, without a padding bit.
//!
//! A blind rotation gives the negative on the upper half of the torus. Any function is a sum of one that does so and one that
//! is the same on both halves, `f = (f(x) − f(x + ½))/2 + (f(x) + f(x + ½))/2`. The first is a table as it is. For the
//! second the input is brought to the lower half by a bootstrap of its upper bit, as in the full-domain bootstraps of Kluczniak
//! and Schild (2023) and of Clet et al. (2021): three blind rotations, in two steps.

use crate::bootstrap::Job;
use crate::error::Error;
use crate::evaluator::Evaluator;
use crate::lwe::LweCiphertext;
use crate::params::Parameters;
use crate::table::LookupTable;

/// A quarter of the torus.
const QUARTER: u32 = 1 << 30;

/// A table of `2^p` boxes on the whole torus; box `m` is centred at `m/2^p`.
///
/// ```
/// # use he_tfhe::*;
/// # fn main() -> Result<(), Error> {
/// # let params = Spec::insecure_small().build_insecure("an example")?;
/// # let key = SecretKey::generate(&params)?;
/// # let server = Evaluator::new(key.evaluation_keys()?);
/// # let (encryptor, decryptor) = (Encryptor::with_secret(&key), Decryptor::new(&key));
/// // Four boxes on the torus, m/4 ↦ −m/4.
/// let table = FullTable::new(&params, &[0, 3 << 30, 2 << 30, 1 << 30])?;
/// let outputs = server.bootstrap_full(&encryptor.encrypt_phases(&[1 << 30])?, &table)?;
/// assert!(decryptor.phase(&outputs[0])?.abs_diff(3 << 30) < 1 << 20);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct FullTable {
    /// `1/4` on the lower half, `−1/4` on the upper.
    sign: LookupTable,
    odd: LookupTable,
    even: LookupTable,
    /// Half the width of a box.
    half_box: u32,
}

impl FullTable {
    /// The table with these points of the torus, in units of `2^-32`, for its boxes.
    ///
    /// # Errors
    /// If the number of values is no power of two from 2 to `N`.
    pub fn new(params: &Parameters, values: &[u32]) -> Result<Self, Error> {
        if !values.len().is_power_of_two() || values.len() < 2 || values.len() > params.n() {
            let needed = format!("a power of two from 2 to {}", params.n());
            return Err(Error::TableSize { found: values.len(), needed });
        }
        let (lower, upper) = values.split_at(values.len() / 2);
        let odd: Vec<u32> =
            lower.iter().zip(upper).map(|(x, y)| (x.wrapping_sub(*y) as i32 >> 1) as u32).collect();
        let even: Vec<u32> = lower.iter().zip(&odd).map(|(x, odd)| x.wrapping_sub(*odd)).collect();
        let mut sign = LookupTable::on_half_torus(params, &[&[QUARTER]])?;
        // The sign changes half a box from the centre of a box.
        sign.boxes = lower.len() as u64;
        Ok(Self {
            sign,
            odd: LookupTable::on_half_torus(params, &[&odd])?,
            even: LookupTable::on_half_torus(params, &[&even])?,
            half_box: (1 << 31) / values.len() as u32,
        })
    }
}

impl Evaluator {
    /// Bootstraps many ciphertexts with a table over the whole torus, three blind rotations each. The variance of a result is
    /// twice that of a bootstrap.
    ///
    /// # Errors
    /// If an operand or the table belongs to other parameters, or an operand is too noisy.
    pub fn bootstrap_full(
        &self,
        inputs: &[LweCiphertext],
        table: &FullTable,
    ) -> Result<Vec<LweCiphertext>, Error> {
        let shifted: Vec<LweCiphertext> = inputs
            .iter()
            .map(|input| {
                let mut shifted = input.clone();
                shifted.add_constant_assign(table.half_box.wrapping_sub(QUARTER));
                shifted
            })
            .collect();
        let signs = shifted.iter().map(|input| Job { input, table: &table.sign });
        let odds = inputs.iter().map(|input| Job { input, table: &table.odd });
        let mut first = self.bootstrap_jobs(&signs.chain(odds).collect::<Vec<_>>())?;
        let odds = first.split_off(inputs.len());
        // Upper phases lose one half.
        for (sign, input) in first.iter_mut().zip(inputs) {
            sign.add_scaled_assign(input, 1)?;
            sign.add_constant_assign(QUARTER.wrapping_neg());
        }
        let evens = self.bootstrap_batch(&first, &table.even)?;
        evens.iter().zip(&odds).map(|(even, odd)| self.add(even, odd)).collect()
    }
}

he_core::brief_debug!(FullTable: |a| half_box = a.half_box);
