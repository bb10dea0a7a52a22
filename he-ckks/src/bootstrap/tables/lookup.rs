//! Tables looked up.

use std::f64::consts::SQRT_2;

use super::super::Bootstrapper;
use super::{Integers, Table};
use crate::ciphertext::Ciphertext;
use crate::error::Error;
use crate::estimate::Estimate;

impl Bootstrapper {
    /// Tables of the integers, all from one modulus raising and one exponential: values in slots, with the levels that
    /// [`Table::levels`] leaves. Errors of the integers leave with their square. Of integers in
    /// [real parts](Integers::real_parts) alone only the half that counts is computed.
    ///
    /// ```
    /// # use he_ckks::*;
    /// # fn main() -> Result<(), Error> {
    /// # let spec = Spec { log_n: 9, ..Spec::bootstrap_sparse() };
    /// # let params = spec.build_insecure("a documentation test")?;
    /// # let key = SecretKey::generate(&params)?;
    /// # let (encoder, encryptor, decryptor) =
    /// #     (Encoder::new(&params), Encryptor::with_secret(&key), Decryptor::new(&key));
    /// use bootstrap::Table;
    /// let bootstrapper = Bootstrapper::new(key.bootstrap_keys(4, &KeyRequest::default())?)?;
    /// // Integers modulo 8, none of them exact.
    /// let x = encryptor.encrypt(&encoder.with_bound(8.0).encode_in(&[0.01, 3.0, 4.99, 7.0], 4)?)?;
    /// let integers = bootstrapper.to_integers(&x, 8)?;
    /// let relu = Table::new(&[0.0, 1.0, 2.0, 3.0, 0.0, 0.0, 0.0, 0.0])?;
    /// let sign = Table::new(&[0.0, 1.0, 1.0, 1.0, -1.0, -1.0, -1.0, -1.0])?;
    /// let found = bootstrapper.look_up(&integers, &[&relu, &sign])?;
    /// let slots = decryptor.decrypt(&found[0])?;
    /// assert!(slots.iter().zip([0.0, 3.0, 0.0, 0.0]).all(|(a, b): (&f64, f64)| (a - b).abs() < 0.01));
    /// let slots = decryptor.decrypt(&found[1])?;
    /// assert!(slots.iter().zip([0.0, 1.0, -1.0, -1.0]).all(|(a, b): (&f64, f64)| (a - b).abs() < 0.01));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If the integers belong to other parameters, a table has another modulus, there are too few levels for it, or no table is
    /// given.
    pub fn look_up(&self, a: &Integers, tables: &[&Table]) -> Result<Vec<Ciphertext>, Error> {
        let (operation, e) = ("look up", &self.evaluator);
        e.check(operation, &a.inner)?;
        if let Some(wrong) = tables.iter().find(|table| table.modulus() != a.modulus) {
            let (found, needed) = (wrong.modulus().to_string(), a.modulus.to_string());
            return Err(Error::Spec { field: "modulus of the table", found, needed });
        }
        let polynomials: Vec<_> = tables.iter().map(|table| table.coefficients()).collect();
        // The transforms reckon with errors of slots.
        let error = a.error() * (2.0 * self.slots as f64).sqrt();
        let phase = Ciphertext { estimate: Estimate { error, ..a.inner.estimate }, ..a.inner.clone() };
        let (sums, left) = self.polynomials_of(&phase, &polynomials, a.real)?;
        let parts = if a.real { 1.0 } else { SQRT_2 };
        let cleaned = |(sum, table): (Ciphertext, &&Table)| {
            let error = sum.estimate.error.hypot(parts * table.cleaned(left * a.modulus as f64));
            Ciphertext { estimate: Estimate { bound: parts * table.most(), error }, ..sum }
        };
        Ok(sums.into_iter().zip(tables).map(cleaned).collect())
    }

    /// [`look_up`](Self::look_up) of tables of integers, with the results in coefficients again: integers modulo `t`, to be looked up
    /// once more, or to be [exported](Self::export). Takes a level more than [`Table::levels`], and those of slots-to-coefficients.
    ///
    /// ```
    /// # use he_ckks::{bootstrap::*, *};
    /// # fn main() -> Result<(), Error> {
    /// # let params = Spec { log_n: 9, ..Spec::bootstrap_uniform() }.build_insecure("an example")?;
    /// # let key = SecretKey::generate(&params)?;
    /// # let bootstrapper = Bootstrapper::new(key.bootstrap_keys(4, &KeyRequest::default())?)?;
    /// # let plaintext = Encoder::new(&params).with_bound(16.0).encode_in(&[1.0, 3.0, 5.0, 7.0], 4)?;
    /// # let c = Encryptor::with_secret(&key).encrypt(&plaintext)?;
    /// let integers = bootstrapper.to_integers(&c, 16)?;
    /// let squares = Table::new(&(0..16).map(|m| f64::from(m * m)).collect::<Vec<_>>())?;
    /// let squares = bootstrapper.look_up_in_coefficients(&integers, &[&squares], 256)?;
    /// // Over the first prime, at scale q_0/256: for a bridge to another scheme.
    /// assert_eq!(bootstrapper.export(&squares[0])?.limbs(), 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`look_up`](Self::look_up) and [`to_integers`](Self::to_integers).
    pub fn look_up_in_coefficients(
        &self,
        a: &Integers,
        tables: &[&Table],
        t: usize,
    ) -> Result<Vec<Integers>, Error> {
        let slots = self.look_up(a, tables)?;
        slots.iter().map(|c| Ok(Integers { real: a.real, ..self.to_integers(c, t)? })).collect()
    }

    /// Integers modulo `t` in the real and imaginary parts of slots, from `−t/2` up to `(t − 1)/2`, refreshed and cleaned.
    ///
    /// # Errors
    /// As [`to_integers`](Self::to_integers) and [`look_up`](Self::look_up).
    pub fn bootstrap_integers(&self, a: &Ciphertext, t: usize) -> Result<Ciphertext, Error> {
        let identity = Table::identity(t)?;
        Ok(self.look_up(&self.to_integers(a, t)?, &[&identity])?.swap_remove(0))
    }
}
