//! The specification of the circuit of bootstrapping.

use crate::error::Error;

/// `log2` of the largest probability of failure that is taken.
const LARGEST_FAILURE: f64 = -40.0;

/// Order of the two transforms of bootstrapping.
///
/// ```
/// # use he_ckks::{bootstrap::*, *};
/// # fn main() -> Result<(), Error> {
/// let spec = Spec::bootstrap_uniform();
/// let first = spec.bootstrap.clone().map(|b| BootstrapSpec { order: Order::CoefficientsFirst, ..b });
/// // The same primes, another circuit: objects of the two are told apart.
/// let [a, b] = [spec.bootstrap.clone(), first]
///     .map(|bootstrap| Spec { log_n: 9, bootstrap, ..spec.clone() }.build_insecure("an example"));
/// assert!(!a?.same(&b?));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Slots to coefficients first, at the lowest levels: refreshes values in slots
    /// ([`Bootstrapper::bootstrap`](crate::Bootstrapper::bootstrap)).
    SlotsFirst,
    /// Coefficients to slots first, and slots to coefficients last, at the highest levels of the user: refreshes the
    /// polynomial of a ciphertext ([`Bootstrapper::lift`](crate::Bootstrapper::lift)), as exact schemes need it.
    CoefficientsFirst,
}

/// The circuit of bootstrapping, and the primes it adds to a chain.
///
/// ```
/// # use he_ckks::*;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let bootstrap = Spec::bootstrap_sparse().bootstrap.ok_or("the preset has one")?;
/// assert!(bootstrap.log2_failure(1 << 16) < -95.0);
/// // A polynomial of degree 23, four squarings, and two terms of the sine series.
/// assert_eq!(bootstrap.modular_levels(), 5 + 4 + 1);
/// // A range that fails too often is refused.
/// let small = BootstrapSpec { range: 8, ..bootstrap };
/// let spec = Spec { bootstrap: Some(small), ..Spec::bootstrap_sparse() };
/// assert!(spec.build_insecure("an example").is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct BootstrapSpec {
    /// Factors of the transform of slots to coefficients: levels below those of the user, of their size.
    pub slots_to_coefficients: usize,
    /// Factors of the transform of coefficients to slots: levels at the top of the chain.
    pub coefficients_to_slots: usize,
    /// Bits of the primes of modular reduction and of coefficients-to-slots.
    pub modular_bits: u32,
    /// `K`: the integers `I` are smaller. 16 for an ephemeral secret of weight 32.
    pub range: u32,
    /// Degree of the polynomial for `exp(2πi·x/2^r)`.
    pub degree: usize,
    /// `r`: squarings after it.
    pub doublings: u32,
    /// Terms of the sine series, 2 or 3; 0 where only tables and other polynomials of the exponential are wanted: then its levels are
    /// the user's. Three take two levels, in which a fourth fits; it is added where values fill more than a 128th of the first prime.
    pub terms: usize,
    /// Weight of the ephemeral secret.
    pub ephemeral_weight: usize,
    /// Order of the transforms.
    pub order: Order,
}

impl BootstrapSpec {
    /// Levels of modular reduction: the polynomial, the squarings, the series.
    pub fn modular_levels(&self) -> usize {
        let series = self.terms.saturating_sub(1);
        (self.degree + 1).next_power_of_two().trailing_zeros() as usize + self.doublings as usize + series
    }

    /// `log2` of a bound of the probability that a bootstrap in dimension `N` fails: of `2N` times the Chernoff bound
    /// `min_λ e^{−λ(K − 1/2)}·(sinh(λ/2)/(λ/2))^{h + 1}` of the tail of a sum of `h + 1` uniform variables, for the weight `h` of
    /// the ephemeral secret. A bootstrap that fails gives wrong values.
    pub fn log2_failure(&self, n: usize) -> f64 {
        let (terms, most) = ((self.ephemeral_weight + 1) as f64, f64::from(self.range) - 0.5);
        if most >= terms / 2.0 {
            return f64::NEG_INFINITY;
        }
        // ln sinh x = x + ln(1 − e^{−2x}) − ln 2.
        let log_mean = |lambda: f64| lambda / 2.0 + (-(-lambda).exp()).ln_1p() - lambda.ln();
        let exponent = |i: i32| {
            let lambda = (f64::from(i) / 16.0).exp2();
            terms * log_mean(lambda) - lambda * most
        };
        let tail = (-96..=160).map(exponent).fold(0.0, f64::min);
        1.0 + (n as f64).log2() + tail * std::f64::consts::LOG2_E
    }

    /// For a ring of dimension `2^log_n` and levels of so many bits.
    pub(super) fn check(&self, log_n: u32, scale_bits: u32) -> Result<(), Error> {
        let in_range = |field, found: usize, least: usize, most: usize| {
            if (least..=most).contains(&found) {
                return Ok(());
            }
            Err(Error::Spec { field, found: found.to_string(), needed: format!("{least} to {most}") })
        };
        in_range("slots_to_coefficients", self.slots_to_coefficients, 1, 8)?;
        in_range("coefficients_to_slots", self.coefficients_to_slots, 1, 8)?;
        in_range("modular_bits", self.modular_bits as usize, scale_bits as usize, 50)?;
        in_range("range", self.range as usize, 2, 512)?;
        in_range("degree", self.degree, 3, 255)?;
        in_range("doublings", self.doublings as usize, 1, 10)?;
        if self.terms != 0 {
            in_range("terms", self.terms, 2, 3)?;
        }
        in_range("ephemeral_weight", self.ephemeral_weight, 1, 1 << log_n)?;
        let failure = self.log2_failure(1 << log_n);
        if failure > LARGEST_FAILURE {
            let needed = format!(
                "a larger one: a bootstrap fails with probability 2^{failure:.0}, at most 2^{LARGEST_FAILURE} is taken"
            );
            return Err(Error::Spec { field: "range", found: self.range.to_string(), needed });
        }
        Ok(())
    }
}
