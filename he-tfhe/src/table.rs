//! Lookup tables: the polynomials that a blind rotation rotates.
//!
//! Coefficient `i` of a table is the value at the phase `i/2N`; at `i/2N + 1/2` it is the negative. The half torus is divided
//! into `2^p` *boxes* of phases with one value; box `m` is centred at `m/2^{p+1}`, so the first half box wraps around with a
//! sign.

use crate::error::Error;
use crate::params::Parameters;
use crate::phases::encode;
use crate::torus::to_residue;

/// A table of values, for one bootstrap or for several outputs of the same.
///
/// ```
/// # use he_tfhe::*;
/// # fn main() -> Result<(), Error> {
/// # let params = Spec::insecure_small().build_insecure("an example")?;
/// # let key = SecretKey::generate(&params)?;
/// # let server = Evaluator::new(key.evaluation_keys()?);
/// # let (encryptor, decryptor) = (Encryptor::with_secret(&key), Decryptor::new(&key));
/// // Quotient and remainder by 3 at one blind rotation.
/// let table = LookupTable::many(&params, &[&|m| m / 3, &|m| m % 3])?;
/// let outputs = server.bootstrap_batch(&[encryptor.encrypt(8)?], &table)?;
/// assert_eq!((decryptor.decrypt(&outputs[0])?, decryptor.decrypt(&outputs[1])?), (2, 2));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct LookupTable {
    pub(crate) params: Parameters,
    /// Coefficients modulo `q`.
    pub(crate) polynomial: Vec<u64>,
    /// Boxes on the half torus.
    pub(crate) boxes: u64,
    /// `log2` of the number of outputs.
    pub(crate) spare: u32,
    /// Boxes by which a lookup may be off.
    pub(crate) tolerance: f64,
}

impl LookupTable {
    /// The function `f` from messages to messages, both below `2^p`.
    ///
    /// # Errors
    /// If a value is out of range.
    pub fn new(params: &Parameters, f: impl Fn(u64) -> u64) -> Result<Self, Error> {
        let values: Vec<u64> = (0..params.spec().messages()).map(f).collect();
        Self::from_values(params, &values)
    }

    /// The values for all messages.
    ///
    /// # Errors
    /// If there are not `2^p` values, or one is out of range.
    pub fn from_values(params: &Parameters, values: &[u64]) -> Result<Self, Error> {
        Self::several(params, &[values])
    }

    /// Several functions at one blind rotation. The modulus switch becomes coarser: with `2^j` functions its variance is
    /// `4^j` times as large, and operands must be less noisy.
    ///
    /// # Errors
    /// If the number of functions is no power of two, or a function does not fit.
    pub fn many(params: &Parameters, functions: &[&dyn Fn(u64) -> u64]) -> Result<Self, Error> {
        let tables: Vec<Vec<u64>> =
            functions.iter().map(|f| (0..params.spec().messages()).map(f).collect()).collect();
        Self::several(params, &tables.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }

    fn several(params: &Parameters, tables: &[&[u64]]) -> Result<Self, Error> {
        let modulus = params.spec().messages();
        for table in tables {
            if table.len() as u64 != modulus {
                return Err(Error::TableSize { found: table.len(), needed: modulus.to_string() });
            }
            if let Some((index, &value)) = table.iter().enumerate().find(|(_, value)| **value >= modulus) {
                return Err(Error::TableValue { index, value, modulus });
            }
        }
        let phases: Vec<Vec<u32>> =
            tables.iter().map(|table| table.iter().map(|&value| encode(params, value)).collect()).collect();
        Self::on_half_torus(params, &phases.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }

    /// Points of the torus, in units of `2^-32`, for `2^p` boxes on the half torus, `p` being that of the table; one slice
    /// for each output. On the other half of the torus the outputs are negated.
    ///
    /// # Errors
    /// If the numbers of outputs or of values are no powers of two, differ, or do not fit in the ring.
    pub fn on_half_torus(params: &Parameters, outputs: &[&[u32]]) -> Result<Self, Error> {
        let q = params.modulus().value();
        let residues: Vec<Vec<u64>> =
            outputs.iter().map(|values| values.iter().map(|&x| to_residue(x, q)).collect()).collect();
        Self::from_residues(params, &residues)
    }

    /// Residues modulo `q` for the boxes, one vector for each output.
    pub(crate) fn from_residues(params: &Parameters, outputs: &[Vec<u64>]) -> Result<Self, Error> {
        let (n, q) = (params.n(), params.modulus());
        let boxes = outputs.first().map_or(0, Vec::len);
        let spare = outputs.len().trailing_zeros();
        let fits =
            outputs.len().is_power_of_two() && boxes.is_power_of_two() && boxes * outputs.len() <= n / 2;
        if !fits || outputs.iter().any(|output| output.len() != boxes) {
            let needed =
                format!("a power of two, with a power of two of outputs, of at most {} values in all", n / 2);
            return Err(Error::TableSize { found: boxes * outputs.len(), needed });
        }
        let width = n / boxes;
        let coefficient = |i: usize| {
            let (output, at) = (&outputs[i % outputs.len()], (i + width / 2) / width);
            if at < boxes { output[at] } else { q.neg(output[0]) }
        };
        let polynomial = (0..n).map(coefficient).collect();
        Ok(Self { params: params.clone(), polynomial, boxes: boxes as u64, spare, tolerance: 0.0 })
    }

    /// The table, with lookups that may be off by so many boxes: inputs are then held to that instead of to exactness.
    /// [`noise::lookup_errors`](crate::noise::lookup_errors) has how often they are.
    #[doc(alias = "read_within")]
    #[must_use]
    pub fn with_tolerance(mut self, boxes: u32) -> Self {
        self.tolerance = f64::from(boxes);
        self
    }

    /// Number of outputs.
    pub fn outputs(&self) -> usize {
        1 << self.spare
    }

    /// The parameters.
    pub fn params(&self) -> &Parameters {
        &self.params
    }
}

he_core::brief_debug!(LookupTable: |a| boxes = a.boxes, spare = a.spare, tolerance = a.tolerance);
