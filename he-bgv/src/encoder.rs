//! Two ways to put integers into a plaintext.
//!
//! *Slots*: for a prime `t ≡ 1 (mod 2N)` the ring `Z_t[X]/(X^N + 1)` is `N` copies of `Z_t`, by evaluation at the odd
//! powers of a `2N`-th root of unity `ψ`. Slot `(r, c)`, `r ∈ {0, 1}`, `0 ≤ c < N/2`, at index `r·N/2 + c`, is the value at
//! `ψ^{±3^c}`, plus for `r = 0`, minus for `r = 1`. The automorphism `X ↦ X^{3^k}` rotates both rows left by `k`,
//! `X ↦ X^{−1}` swaps them (Smart, Vercauteren 2014). Sums and products act slot by slot.
//!
//! *Coefficients*: any `t`; products are those of polynomials.

use he_core::Modulus;
use he_core::ring::automorphism::Automorphisms;
use he_core::rlwe::OperandError;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::params::Parameters;
use crate::plaintext::Plaintext;

/// Encodes and decodes integers modulo `t`.
///
/// ```
/// # use he_bgv::*;
/// # fn main() -> Result<(), Error> {
/// # let params = Spec::n8192().build()?;
/// # let key = SecretKey::generate(&params)?;
/// # let (encoder, encryptor, decryptor) =
/// #     (Encoder::new(&params), Encryptor::with_secret(&key), Decryptor::new(&key));
/// let plaintext = encoder.encode(&[1, -2, 3])?;
/// assert_eq!(encoder.decode(&plaintext)?[..4], [1, -2, 3, 0]);
/// // By coefficients: the polynomial 1 − 2X.
/// let polynomial = encoder.encode_coefficients(&[1, -2])?;
/// assert_eq!(encoder.decode_coefficients(&polynomial)[..3], [1, -2, 0]);
/// # Ok(())
/// # }
/// ```
pub struct Encoder {
    params: Parameters,
    /// Position in the transform of slot `i`; empty where `t` has no slots.
    positions: Vec<u32>,
}

impl Encoder {
    /// An encoder; slots are available if `t` is a prime `≡ 1 (mod 2N)`.
    pub fn new(params: &Parameters) -> Self {
        let positions = params.slot_transform().map(|ntt| slot_positions(ntt.evaluation_exponents()));
        Self { params: params.clone(), positions: positions.unwrap_or_default() }
    }

    /// Number of slots: `N`, in two rows of `N/2`.
    ///
    /// # Errors
    /// If `t` has none in this ring.
    pub fn slots(&self) -> Result<usize, Error> {
        self.params.slot_transform().map(|_| self.params.n())
    }

    fn plaintext(&self, coefficients: Vec<u64>, slots: bool) -> Plaintext {
        let t = self.params.t().value();
        Plaintext { coefficients, t, slots }
    }

    fn residues(&self, values: &[i64]) -> Result<Vec<u64>, Error> {
        let (t, capacity) = (self.params.t(), self.params.n());
        if values.len() > capacity {
            return Err(OperandError::TooManyValues { given: values.len(), capacity }.into());
        }
        let half = (t.value() / 2) as i64;
        let mut out = vec![0; capacity];
        for (index, (out, &value)) in out.iter_mut().zip(values).enumerate() {
            if value.unsigned_abs() > half as u64 {
                return Err(Error::ValueOutOfRange { value, index, half });
            }
            *out = t.reduce_i64(value);
        }
        Ok(out)
    }

    /// Puts values, each of magnitude at most `t/2`, into slots; missing ones are 0.
    ///
    /// # Errors
    /// If there are no slots, too many values, or a value out of range.
    pub fn encode(&self, values: &[i64]) -> Result<Plaintext, Error> {
        let ntt = self.params.slot_transform()?;
        let residues = Zeroizing::new(self.residues(values)?);
        let mut coefficients = vec![0; residues.len()];
        for (&position, value) in self.positions.iter().zip(residues.iter()) {
            coefficients[position as usize] = *value;
        }
        ntt.inverse(&mut coefficients);
        Ok(self.plaintext(coefficients, true))
    }

    /// The slots of a plaintext, centred: in `(−t/2, t/2]`.
    ///
    /// # Errors
    /// If there are no slots, or the plaintext belongs to other parameters.
    pub fn decode(&self, plaintext: &Plaintext) -> Result<Vec<i64>, Error> {
        let ntt = self.params.slot_transform()?;
        plaintext.check("decode", &self.params)?;
        let mut values = Zeroizing::new(plaintext.coefficients.clone());
        ntt.forward(&mut values);
        let t = self.params.t();
        Ok(self.positions.iter().map(|&position| t.center(values[position as usize])).collect())
    }

    /// Puts values, each of magnitude at most `t/2`, into coefficients; missing ones are 0.
    ///
    /// # Errors
    /// If there are too many values, or a value is out of range.
    pub fn encode_coefficients(&self, values: &[i64]) -> Result<Plaintext, Error> {
        Ok(self.plaintext(self.residues(values)?, false))
    }

    /// The coefficients of a plaintext, centred modulo the `t` that it has, which may be another than that of the encoder.
    pub fn decode_coefficients(&self, plaintext: &Plaintext) -> Vec<i64> {
        let t = Modulus::new(plaintext.t).unwrap_or(*self.params.t());
        plaintext.coefficients.iter().map(|&c| t.center(c)).collect()
    }
}

fn slot_positions(exponents: &[u32]) -> Vec<u32> {
    let (n, tables) = (exponents.len(), Automorphisms::new(exponents));
    let mut positions = vec![0; n];
    let mut power = 1;
    for column in 0..n / 2 {
        positions[column] = tables.position(power) as u32;
        positions[n / 2 + column] = tables.position(2 * n - power) as u32;
        power = power * 3 % (2 * n);
    }
    positions
}
