//! The backend of plain integers.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::backend::{Backend, Table};
use crate::error::Error;

/// Computes what ciphertexts would, without encryption. A sum that would reach the padding bit, or that would be too noisy, is
/// an error when a table takes it.
///
/// ```
/// use he_tfhe::digits::{DigitEvaluator, Digits, Simulation};
/// let digits = DigitEvaluator::over(Simulation::new(2, 25.0, 1))?;
/// let x = Digits::new([1, 2, 3, 0].map(|digit| digits.backend().digit(digit)).to_vec(), 2)?;
/// digits.add(&[x.clone()], &[x])?;
/// // Bootstraps and layers of an 8-bit sum.
/// assert_eq!((digits.backend().bootstraps(), digits.layers()), (9, 3));
/// # Ok::<(), he_tfhe::Error>(())
/// ```
pub struct Simulation {
    digit_bits: u32,
    squared_norm: f64,
    threads: usize,
    correlated: bool,
    bootstraps: AtomicU64,
    sources: AtomicU32,
}

/// A digit in the clear.
///
/// ```
/// use he_tfhe::digits::Simulation;
/// assert_eq!(Simulation::new(2, 25.0, 1).digit(3).value(), 3);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Plain {
    value: i64,
    norm: f64,
    /// Sources of the noise and their weights; empty unless they are followed.
    sources: Vec<(u32, i32)>,
}

impl Plain {
    /// The value.
    pub fn value(&self) -> i64 {
        self.value
    }
}

impl Simulation {
    /// Digits of `digit_bits` bits, tables that take a squared norm of `squared_norm`, and so many `threads`.
    pub fn new(digit_bits: u32, squared_norm: f64, threads: usize) -> Self {
        let (bootstraps, sources) = (AtomicU64::new(0), AtomicU32::new(0));
        Self { digit_bits, squared_norm, threads, correlated: false, bootstraps, sources }
    }

    /// The simulation that follows every noise from its source: the estimate of ciphertexts takes those of one sum for
    /// independent, and this says whether that was too optimistic.
    #[must_use]
    pub fn correlated(mut self) -> Self {
        self.correlated = true;
        self
    }

    /// Bootstraps that ciphertexts would have taken so far.
    pub fn bootstraps(&self) -> u64 {
        self.bootstraps.load(Ordering::Relaxed)
    }

    /// A digit with the noise of a bootstrap.
    pub fn digit(&self, value: i64) -> Plain {
        let sources = if self.correlated {
            vec![(self.sources.fetch_add(1, Ordering::Relaxed), 1)]
        } else {
            Vec::new()
        };
        Plain { value, norm: 1.0, sources }
    }

    fn look_up(&self, index: usize, digit: &Plain, table: &Table) -> Result<Plain, Error> {
        if digit.norm > self.squared_norm {
            let (found, allowed) = (digit.norm.log2() / 2.0, self.squared_norm.log2() / 2.0);
            return Err(Error::TooNoisy { operation: "simulated bootstrap", found, allowed });
        }
        let place = usize::try_from(digit.value).ok().and_then(|value| table.values().get(value));
        let modulus = 1_u64.checked_shl(self.digit_bits.saturating_mul(2)).unwrap_or(u64::MAX);
        let &value = place.ok_or(Error::MessageOutOfRange { what: "simulated bootstrap", index, modulus })?;
        if digit.norm == 0.0 {
            return Ok(self.constant(value.into()));
        }
        self.bootstraps.fetch_add(1, Ordering::Relaxed);
        Ok(self.digit(value.into()))
    }
}

impl Backend for Simulation {
    type Digit = Plain;

    fn digit_bits(&self) -> u32 {
        self.digit_bits
    }

    fn squared_norm(&self) -> f64 {
        self.squared_norm
    }

    fn threads(&self) -> usize {
        self.threads
    }

    fn constant(&self, value: i64) -> Plain {
        Plain { value, ..Plain::default() }
    }

    fn norm(&self, digit: &Plain) -> f64 {
        digit.norm
    }

    fn add_scaled(&self, sum: &mut Plain, digit: &Plain, weight: i32) -> Result<(), Error> {
        let square = |weight: i32| f64::from(weight) * f64::from(weight);
        sum.value = sum.value.saturating_add(i64::from(weight).saturating_mul(digit.value));
        sum.norm += square(weight) * digit.norm;
        for &(source, times) in &digit.sources {
            match sum.sources.iter_mut().find(|(old, _)| *old == source) {
                Some((_, old)) => *old = old.saturating_add(weight.saturating_mul(times)),
                None => sum.sources.push((source, weight.saturating_mul(times))),
            }
        }
        if self.correlated {
            sum.norm = sum.sources.iter().map(|&(_, weight)| square(weight)).sum();
        }
        Ok(())
    }

    fn apply(&self, jobs: &[(&Plain, &Table)]) -> Result<Vec<Plain>, Error> {
        jobs.iter().enumerate().map(|(index, (digit, table))| self.look_up(index, digit, table)).collect()
    }
}

he_core::brief_debug!(Simulation: |a| digit_bits = a.digit_bits, squared_norm = a.squared_norm, threads = a.threads);
