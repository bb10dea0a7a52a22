//! Exact truncation of wide integers.
//!
//! An integer `S` modulo `T = 2^w` with an error `η` (1 being the distance of integers) stands at `(S + η)·q_0/T`. Times `T/2^b` it
//! stands for `S mod 2^b`, since what is larger wraps: the table of the identity reads `L ≡ S (mod 2^b)`, `−2^{b−1} ≤ L < 2^{b−1}`.
//! `S − L` is a multiple of `2^b`, so that the same ciphertext, less `L·q_0/T`, has `S' = (S − L)/2^b` at the scale `q_0/(T/2^b)`.
//!
//! **Why it is exact.** Let `|η| ≤ 1/8` everywhere. Fejér's interpolation is flat at integers and continuous. Next to the wrap from
//! `2^{b−1} − 1` to `−2^{b−1}`, where neighbours differ by `2^b − 1`, about `ζ(2)·η²` of that is read too much or too little, and
//! less elsewhere; an error of that kind is divided by `2^b` in `S'`. So
//!
//! * `S'` is off by less than 1/8, for any `b`: truncations may follow each other;
//! * for `b ≥ 6` by less than 1/30: what a table of 8 bits reads of it is right when it is rounded;
//! * after two such truncations by less than 1/400: what is read is right to `2^-8`, everywhere.
//!
//! The tests compute these figures for every integer. Nothing depends on chance but `|η| ≤ 1/8`, whose probability is known
//! from the estimate of `η`, and modulus raising.

use super::super::{Bootstrapper, Order};
use super::{Integers, Table};
use crate::ciphertext::Ciphertext;
use crate::error::Error;
use crate::estimate::Estimate;

/// Errors up to which truncation is exact.
const MOST: f64 = 0.125;
/// `log2` of the largest probability of larger ones that is taken, as in modulus raising.
const LARGEST_FAILURE: f64 = -40.0;

impl Bootstrapper {
    /// Integers without their low bits, exactly: `(S − L)/2^bits` modulo `t/2^bits` for `S` modulo `t`, a power of two,
    /// and `L ≡ S (mod 2^bits)` from `−2^{bits−1}` up to `2^{bits−1} − 1`; that is `⌊S/2^bits + 1/2⌋`. Takes one table of `2^bits`
    /// entries and slots-to-coefficients; 8 to 10 bits at a time are best. It fails with the probability of
    /// [`truncation_failure`](Self::truncation_failure).
    ///
    /// ```
    /// # use he_ckks::{bootstrap::*, *};
    /// # fn main() -> Result<(), Error> {
    /// # let params = Spec { log_n: 9, ..Spec::bootstrap_uniform() }.build_insecure("an example")?;
    /// # let key = SecretKey::generate(&params)?;
    /// # let decryptor = Decryptor::new(&key);
    /// let bootstrapper = Bootstrapper::new(key.bootstrap_keys(4, &KeyRequest::default())?)?;
    /// // Sums of products of 17 bits and a sign, none of them quite an integer.
    /// let sums = [77_312.01, -77_313.0, 383.99, 384.0];
    /// let plaintext = Encoder::new(&params).with_bound(100_000.0).encode_in(&sums, 4)?;
    /// let sums = bootstrapper.to_integers(&Encryptor::with_secret(&key).encrypt(&plaintext)?, 1 << 18)?;
    /// // Their ten high bits, rounded; all that is left of the low ones is an error, and a second table takes that away.
    /// let high = bootstrapper.truncate(&sums.real_parts(), 8)?;
    /// assert!(high.modulus() == 1024 && bootstrapper.truncation_failure(&high)? < -95.0);
    /// let high = bootstrapper.truncate(&high, 2)?;
    /// let found = bootstrapper.look_up(&high, &[&Table::identity(256)?])?;
    /// let found = decryptor.decrypt(&found[0])?;
    /// assert!(found.iter().zip([76.0, -75.0, 1.0, 1.0]).all(|(a, b)| (a - b).abs() < 0.01), "{found:?}");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If the integers belong to other parameters, their modulus is no power of two above `2^bits`, `bits` is not 1 to 10 or leaves too
    /// few levels to go back to coefficients, or their errors are too large to be exact.
    pub fn truncate(&self, a: &Integers, bits: u32) -> Result<Integers, Error> {
        let (operation, params) = ("truncate", self.evaluator.params());
        self.check_order(Order::SlotsFirst)?;
        self.evaluator.check(operation, &a.inner)?;
        if !(1..=10).contains(&bits) {
            let (found, needed) = (bits.to_string(), "1 to 10".into());
            return Err(Error::Spec { field: "bits to truncate", found, needed });
        }
        if !a.modulus.is_power_of_two() || a.modulus >> bits < 2 {
            let (found, needed) = (a.modulus.to_string(), format!("a power of two above 2^{bits}"));
            return Err(Error::Spec { field: "modulus of integers", found, needed });
        }
        if a.log2_beyond(MOST) > LARGEST_FAILURE {
            // σ with 2n·exp(−MOST²/2σ²) = 2^LARGEST_FAILURE.
            let nats = ((2.0 * self.slots as f64).log2() - LARGEST_FAILURE) / std::f64::consts::LOG2_E;
            let most = MOST / (2.0 * nats).sqrt();
            return Err(Error::Indistinct { operation, modulus: a.modulus, error: a.error(), most });
        }
        let low = self.look_up(&a.modulo(1 << bits), &[&Table::identity(1 << bits)?])?.swap_remove(0);
        let low = self.to_phase(operation, &low, a.modulus as f64)?;
        let mut inner = a.inner.inner.clone();
        inner.sub_assign(&low.inner);
        let error = low.estimate.error / (2.0 * self.slots as f64).sqrt();
        let unit = f64::from(bits).exp2();
        let estimate =
            Estimate { bound: 0.25 * a.modulus as f64 / unit, error: a.error().hypot(error) / unit };
        let inner = Ciphertext {
            params: params.clone(),
            inner,
            scale: low.scale * unit,
            slots: self.slots,
            estimate,
        };
        Ok(Integers { inner, modulus: a.modulus >> bits, real: a.real })
    }

    /// `log2` of a bound of the probability that a truncation of these integers, or an exact table of them, goes wrong: that one of
    /// them is off by more than an eighth, or that modulus raising fails ([`log2_failure`](crate::BootstrapSpec::log2_failure)). Those
    /// of several add up.
    ///
    /// # Errors
    /// If the integers belong to other parameters.
    pub fn truncation_failure(&self, a: &Integers) -> Result<f64, Error> {
        self.evaluator.check("truncate", &a.inner)?;
        let params = self.evaluator.params();
        let (raising, reading) = (params.bootstrap()?.log2_failure(params.n()), a.log2_beyond(MOST));
        Ok((raising.exp2() + reading.exp2()).log2())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The largest error that the table of the identity leaves of errors up to `eta`.
    fn left(bits: u32, eta: f64) -> f64 {
        let table = Table::identity(1 << bits).unwrap();
        let half = 1 << (bits - 1);
        let steps = |m: i32| (0..=16).map(move |i| (f64::from(m), eta * (f64::from(i) / 8.0 - 1.0)));
        (-half..half).flat_map(steps).map(|(m, eta)| (table.evaluate(m + eta) - m).abs()).fold(0.0, f64::max)
    }

    #[test]
    fn errors_of_an_eighth_are_exact_to_truncate() {
        for bits in 1..=10 {
            let size = f64::from(1 << bits);
            let once = (left(bits, MOST) + MOST) / size;
            let twice = (left(8, once) + once) / 256.0;
            assert!(once < MOST);
            if bits >= 6 {
                assert!(once < 1.0 / 30.0 && left(8, once) < 0.5, "{bits} bits");
                assert!(twice < 1.0 / 400.0 && left(8, twice) < 1.0 / 256.0, "{bits} bits");
            }
        }
        // The bound cannot be much larger: at half the distance the truncated integer is off by a half.
        assert!(left(8, 0.5) > 100.0);
    }
}
