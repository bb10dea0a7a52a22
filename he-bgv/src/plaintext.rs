//! Plaintexts: polynomials modulo `t`, and the form in which they are multiplied with ciphertexts.

use std::fmt;

use he_core::ring::{Coeff, Eval, Poly};

use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use he_core::rlwe::{Bound, OperandError};

use crate::error::Error;
use crate::params::Parameters;

/// A polynomial modulo `t`, by coefficients in `[0, t)`; wiped when dropped, and printed without its coefficients.
///
/// ```
/// # use he_bgv::*;
/// # fn main() -> Result<(), Error> {
/// # let params = Spec { log_n: 5, ..Spec::n8192() }.build_insecure("an example")?;
/// let encoder = Encoder::new(&params);
/// // In coefficients: 1 − 2X modulo t.
/// let plaintext = encoder.encode_coefficients(&[1, -2])?;
/// assert_eq!(plaintext.coefficients()[..3], [1, params.t().value() - 2, 0]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Plaintext {
    pub(crate) coefficients: Vec<u64>,
    #[zeroize(skip)]
    pub(crate) t: u64,
    /// True if it was encoded in slots: its coefficients then count as random in estimates of noise.
    #[zeroize(skip)]
    pub(crate) slots: bool,
    #[zeroize(skip)]
    pub(crate) bound: Bound,
}

impl fmt::Debug for Plaintext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plaintext")
            .field("n", &self.coefficients.len())
            .field("t", &self.t)
            .field("bound", &self.bound)
            .finish_non_exhaustive()
    }
}

/// Equal polynomials are equal plaintexts, however they were encoded.
impl PartialEq for Plaintext {
    fn eq(&self, other: &Self) -> bool {
        self.t == other.t && self.coefficients == other.coefficients
    }
}

impl Eq for Plaintext {}

impl Plaintext {
    /// Refuses plaintexts of other parameters.
    pub(crate) fn check(&self, operation: &'static str, params: &Parameters) -> Result<(), Error> {
        if self.t == params.t().value() && self.coefficients.len() == params.n() {
            return Ok(());
        }
        Err(OperandError::Foreign { operation, object: "plaintext" }.into())
    }

    /// The public bound of its values, as it was stated.
    pub fn bound(&self) -> Bound {
        self.bound
    }

    /// Coefficients in `[0, t)`.
    pub fn coefficients(&self) -> &[u64] {
        &self.coefficients
    }

    /// The centred representatives times `factor`, modulo `t` again.
    pub(crate) fn centred(&self, params: &Parameters, factor: u64) -> Vec<i64> {
        let t = params.t();
        self.coefficients.iter().map(|&c| t.center(t.mul(c, factor))).collect()
    }

    /// The polynomial at a level, times `factor` modulo `t`.
    pub(crate) fn lift(&self, params: &Parameters, level: usize, factor: u64) -> Poly<Eval> {
        let centred = Zeroizing::new(self.centred(params, factor));
        let mut poly = Poly::<Coeff>::from_signed(params.rlwe().basis(level + 1), &centred);
        poly.mark_secret();
        poly.into_eval()
    }
}

/// A plaintext transformed once, to be multiplied with many ciphertexts up to a level.
///
/// ```
/// # use he_bgv::*;
/// # fn main() -> Result<(), Error> {
/// # let params = Spec::n8192().build()?;
/// # let key = SecretKey::generate(&params)?;
/// # let (encoder, encryptor, decryptor) =
/// #     (Encoder::new(&params), Encryptor::with_secret(&key), Decryptor::new(&key));
/// # let encoder = encoder.with_bound(20);
/// let weights = PreparedPlaintext::new(&params, &encoder.encode(&[10, 20])?, params.max_level())?;
/// let evaluator = Evaluator::new(&params, EvaluationKeys::none(&params))?;
/// for values in [[1, 2], [3, 4]] {
///     let c = encryptor.encrypt(&encoder.encode(&values)?)?;
///     let product = evaluator.mul_prepared(&c, &weights)?;
///     let slots = encoder.decode(&decryptor.decrypt(&product)?)?;
///     assert_eq!(slots[..2], [10 * values[0], 20 * values[1]]);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct PreparedPlaintext {
    pub(crate) poly: Poly<Eval>,
    pub(crate) log_norm: f64,
    pub(crate) bound: Bound,
    pub(crate) params: Parameters,
}

impl PreparedPlaintext {
    /// Prepares a plaintext for ciphertexts up to `level`.
    ///
    /// # Errors
    /// If the plaintext belongs to other parameters, or the level is above the highest.
    pub fn new(params: &Parameters, plaintext: &Plaintext, level: usize) -> Result<Self, Error> {
        let operation = "prepare a plaintext";
        plaintext.check(operation, params)?;
        params.check_level(operation, level)?;
        let centred = plaintext.centred(params, 1);
        let square: f64 = centred.iter().map(|&c| (c as f64).powi(2)).sum();
        let mut log_norm = square.max(1.0).log2() / 2.0;
        if !plaintext.slots {
            // No value at a root of X^N + 1 is above the sum of magnitudes; three deviations pass for random.
            let sum: f64 = centred.iter().map(|&c| (c as f64).abs()).sum();
            log_norm = log_norm.max((sum / 3.0).max(1.0).log2());
        }
        let poly = Poly::<Coeff>::from_signed(params.rlwe().basis(level + 1), &centred).into_eval();
        Ok(Self { poly, log_norm, bound: plaintext.bound, params: params.clone() })
    }

    /// As [`new`](Self::new), counting the norm as at least `2^log_norm`: so that noise can be planned before the
    /// plaintext is known.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_log_norm(
        params: &Parameters,
        plaintext: &Plaintext,
        level: usize,
        log_norm: f64,
    ) -> Result<Self, Error> {
        let mut prepared = Self::new(params, plaintext, level)?;
        prepared.log_norm = prepared.log_norm.max(log_norm);
        Ok(prepared)
    }

    /// `log2` of the Euclidean norm of its coefficients, or what it counts for in estimates of noise if that is more.
    pub fn log_norm(&self) -> f64 {
        self.log_norm
    }

    /// The public bound of its values.
    pub fn bound(&self) -> Bound {
        self.bound
    }

    /// The highest level of ciphertexts it is for.
    pub fn level(&self) -> usize {
        self.poly.basis().len() - 1
    }
}

he_core::brief_debug!(PreparedPlaintext: |a| level = a.level(), log2_norm = a.log_norm);
