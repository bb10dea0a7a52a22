//! The operations that circuits are written over: linear combinations and lookup tables.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::bootstrap::Job;
use crate::error::Error;
use crate::evaluator::Evaluator;
use crate::lwe::LweCiphertext;
use crate::params::Parameters;
use crate::table::LookupTable;

/// The values of a table for the messages `0, …, 2^p − 1`; each lies strictly between `−2^p` and `2^p`.
///
/// ```
/// use he_tfhe::digits::Table;
/// let table = Table::new(16, |m| m % 4);
/// assert_eq!(table.values()[7], 3);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Table(Arc<[i32]>);

impl Table {
    /// The values of `f` at `messages` messages.
    pub fn new(messages: u16, f: impl Fn(i64) -> i64) -> Self {
        Self((0..messages).map(|m| f(m.into()) as i32).collect())
    }

    /// All values.
    pub fn values(&self) -> &[i32] {
        &self.0
    }
}

/// Digits that can be added and looked up.
///
/// ```
/// use he_tfhe::digits::{Backend, Simulation, Table};
/// let backend = Simulation::new(2, 25.0, 1);
/// let mut sum = backend.digit(3);
/// backend.add_scaled(&mut sum, &backend.digit(2), 4)?;
/// let low = backend.apply(&[(&sum, &Table::new(16, |m| m % 4))])?;
/// assert_eq!((sum.value(), backend.norm(&sum), low[0].value()), (11, 17.0, 3));
/// # Ok::<(), he_tfhe::Error>(())
/// ```
pub trait Backend {
    /// A digit, or a sum of digits.
    type Digit: Clone;

    /// Bits of a digit; a message has twice as many, behind a padding bit.
    fn digit_bits(&self) -> u32;

    /// The largest squared norm of a linear combination that a table takes.
    fn squared_norm(&self) -> f64;

    /// Bootstraps that run at the same time.
    fn threads(&self) -> usize;

    /// A constant, without noise and without secrecy.
    fn constant(&self, value: i64) -> Self::Digit;

    /// The variance of the noise, that of a bootstrap being 1.
    fn norm(&self, digit: &Self::Digit) -> f64;

    /// `sum += weight·digit`.
    ///
    /// # Errors
    /// If they belong to different parameters.
    fn add_scaled(&self, sum: &mut Self::Digit, digit: &Self::Digit, weight: i32) -> Result<(), Error>;

    /// Looks every digit up in its table, all at once.
    ///
    /// # Errors
    /// If a digit belongs to other parameters or is too noisy.
    fn apply(&self, jobs: &[(&Self::Digit, &Table)]) -> Result<Vec<Self::Digit>, Error>;
}

/// The backend of ciphertexts. Tables are made when they are first needed, and kept.
///
/// ```
/// # use he_tfhe::*;
/// use he_tfhe::digits::{Backend, Ciphertexts, DigitEvaluator};
/// # fn main() -> Result<(), Error> {
/// # let params = Spec::insecure_small().build_insecure("an example")?;
/// # let key = SecretKey::generate(&params)?;
/// # let server = Evaluator::new(key.evaluation_keys()?);
/// let digits: DigitEvaluator<Ciphertexts<'_>> = DigitEvaluator::new(&server)?;
/// assert_eq!(digits.backend().digit_bits(), 2);
/// # Ok(())
/// # }
/// ```
pub struct Ciphertexts<'a> {
    evaluator: &'a Evaluator,
    tables: Mutex<HashMap<Table, Arc<LookupTable>>>,
}

impl<'a> Ciphertexts<'a> {
    pub(super) fn new(evaluator: &'a Evaluator) -> Self {
        Self { evaluator, tables: Mutex::default() }
    }

    /// The evaluator that bootstraps.
    pub(super) fn evaluator(&self) -> &Evaluator {
        self.evaluator
    }

    fn params(&self) -> &Parameters {
        self.evaluator.params()
    }

    fn phase(&self, value: i64) -> u32 {
        let spec = self.params().spec();
        (value as u32) << (31 - spec.message_bits - spec.carry_bits)
    }

    fn table(&self, table: &Table) -> Result<Arc<LookupTable>, Error> {
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = tables.get(table) {
            return Ok(found.clone());
        }
        let phases: Vec<u32> = table.values().iter().map(|&value| self.phase(value.into())).collect();
        let made = Arc::new(LookupTable::on_half_torus(self.params(), &[&phases])?);
        tables.insert(table.clone(), made.clone());
        Ok(made)
    }

    /// The value of a table at a constant, which takes no bootstrap.
    fn look_up(&self, digit: &LweCiphertext, table: &Table) -> Option<LweCiphertext> {
        if digit.secret_id().is_some()
            || digit.variance() > 0.0
            || digit.mask().iter().any(|&integer| integer != 0)
            || !digit.params().same(self.params())
        {
            return None;
        }
        let message = (digit.body() / self.phase(1)) as usize;
        table.values().get(message).map(|&value| self.constant(value.into()))
    }
}

impl Backend for Ciphertexts<'_> {
    type Digit = LweCiphertext;

    fn digit_bits(&self) -> u32 {
        self.params().spec().message_bits
    }

    fn squared_norm(&self) -> f64 {
        self.params().spec().squared_norm
    }

    fn threads(&self) -> usize {
        rayon::current_num_threads()
    }

    fn constant(&self, value: i64) -> LweCiphertext {
        LweCiphertext::trivial(self.params(), self.phase(value))
    }

    fn norm(&self, digit: &LweCiphertext) -> f64 {
        digit.variance() / self.params().prediction().bootstrap
    }

    fn add_scaled(&self, sum: &mut LweCiphertext, digit: &LweCiphertext, weight: i32) -> Result<(), Error> {
        self.evaluator.linear(sum, digit, weight)
    }

    fn apply(&self, jobs: &[(&LweCiphertext, &Table)]) -> Result<Vec<LweCiphertext>, Error> {
        let mut outputs: Vec<_> = jobs.iter().map(|(digit, table)| self.look_up(digit, table)).collect();
        let open = jobs.iter().zip(&outputs).filter(|(_, output)| output.is_none()).map(|(job, _)| job);
        let tables = open.clone().map(|(_, table)| self.table(table)).collect::<Result<Vec<_>, _>>()?;
        let jobs: Vec<Job<'_>> = open.zip(&tables).map(|(&(input, _), table)| Job { input, table }).collect();
        let mut read = self.evaluator.bootstrap_jobs(&jobs)?.into_iter();
        for output in outputs.iter_mut().filter(|output| output.is_none()) {
            *output = read.next();
        }
        Ok(outputs.into_iter().flatten().collect())
    }
}

he_core::brief_debug!(['a] Ciphertexts<'a>: |a| evaluator = a.evaluator);
