//! Integers of encrypted bits, and their encryption.

use super::clear;
use super::width::{MAX_WIDTH, check_width};
use crate::encryption::{Decryptor, Encryptor};
use crate::error::Error;
use crate::lwe::LweCiphertext;
use crate::params::Parameters;

/// An integer as encrypted bits, the least significant first, in two's complement; 1 to 64 bits.
///
/// Its width is public. Changes of width and shifts by known amounts only move bits.
///
/// ```
/// # use he_tfhe::*;
/// use he_tfhe::bits::{Bits, decrypt, encrypt};
/// # fn main() -> Result<(), Error> {
/// # let params = Spec::insecure_small().build_insecure("an example")?;
/// # let key = SecretKey::generate(&params)?;
/// # let (encryptor, decryptor) = (Encryptor::with_secret(&key), Decryptor::new(&key));
/// let x = encrypt(&encryptor, &[100, -7], 8)?;
/// // Shifts by known amounts and changes of width only move bits.
/// let moved: Vec<Bits> = x.iter().map(|x| x.shift_right_arithmetic(1).resize(12)).collect::<Result<_, _>>()?;
/// assert_eq!(decrypt(&decryptor, &moved)?, [50, -4]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Bits {
    bits: Vec<LweCiphertext>,
}

/// The bits of a value that fits; the error names the range and not the value.
fn split(value: i64, width: usize) -> Result<Vec<bool>, Error> {
    check_width(width)?;
    let (least, most) = (i64::MIN >> (MAX_WIDTH - width), i64::MAX >> (MAX_WIDTH - width));
    if !(least..=most).contains(&value) {
        let found = "out of range".to_string();
        return Err(Error::Spec {
            field: "the value of an integer",
            found,
            needed: format!("{least}..={most}"),
        });
    }
    Ok((0..width).map(|bit| value >> bit & 1 == 1).collect())
}

impl Bits {
    /// Of bits as gates give them, the least significant first.
    ///
    /// # Errors
    /// If there are not `1..=64`.
    pub fn from_bits(bits: Vec<LweCiphertext>) -> Result<Self, Error> {
        check_width(bits.len())?;
        Ok(Self { bits })
    }

    /// A constant, without secrecy, which must be one of `width` bits with sign.
    ///
    /// # Errors
    /// If the width is not `1..=64` or the value does not fit.
    pub fn constant(params: &Parameters, value: i64, width: usize) -> Result<Self, Error> {
        let phase = crate::encryption::bit_phase;
        let bits = split(value, width)?;
        Ok(Self { bits: bits.into_iter().map(|bit| LweCiphertext::trivial(params, phase(bit))).collect() })
    }

    /// Number of bits.
    pub fn width(&self) -> usize {
        self.bits.len()
    }

    /// The bits, the least significant first.
    pub fn bits(&self) -> &[LweCiphertext] {
        &self.bits
    }

    /// The bits, the least significant first.
    pub fn into_bits(self) -> Vec<LweCiphertext> {
        self.bits
    }

    /// The bit of the sign.
    pub fn sign(&self) -> &LweCiphertext {
        &self.bits[self.bits.len() - 1]
    }

    /// The integer with more bits, or its low bits where `width` is less.
    ///
    /// # Errors
    /// If the width is not `1..=64`.
    #[doc(alias = "sign_extend")]
    #[doc(alias = "truncate")]
    pub fn resize(&self, width: usize) -> Result<Self, Error> {
        check_width(width)?;
        Ok(self.moved(width, 0, self.sign()))
    }

    /// As [`resize`](Self::resize) of an unsigned integer.
    ///
    /// # Errors
    /// If the width is not `1..=64`.
    #[doc(alias = "zero_extend")]
    pub fn resize_unsigned(&self, width: usize) -> Result<Self, Error> {
        check_width(width)?;
        Ok(self.moved(width, 0, &self.zero()))
    }

    /// `a·2^places`, wrapped.
    pub fn shift_left(&self, places: usize) -> Self {
        let places = places.min(self.width());
        let mut bits = vec![self.zero(); places];
        bits.extend_from_slice(&self.bits[..self.width() - places]);
        Self { bits }
    }

    /// `⌊a/2^places⌋` of an unsigned integer.
    pub fn shift_right(&self, places: usize) -> Self {
        self.moved(self.width(), places, &self.zero())
    }

    /// `⌊a/2^places⌋`.
    pub fn shift_right_arithmetic(&self, places: usize) -> Self {
        self.moved(self.width(), places, self.sign())
    }

    /// Bits `from..from + width`, and `fill` where there are none.
    fn moved(&self, width: usize, from: usize, fill: &LweCiphertext) -> Self {
        let bit = |at: usize| self.bits.get(at.saturating_add(from)).unwrap_or(fill).clone();
        Self { bits: (0..width).map(bit).collect() }
    }

    fn zero(&self) -> LweCiphertext {
        LweCiphertext::trivial(self.bits[0].params(), crate::encryption::bit_phase(false))
    }
}

/// Encrypts signed integers of `width` bits. An integer of one bit is 0 or −1.
///
/// # Errors
/// If the width is not `1..=64`, a value does not fit, or the operating system gives no randomness.
pub fn encrypt(encryptor: &Encryptor<'_>, values: &[i64], width: usize) -> Result<Vec<Bits>, Error> {
    check_width(width)?;
    let mut bits = zeroize::Zeroizing::new(Vec::with_capacity(values.len() * width));
    for &value in values {
        bits.extend(zeroize::Zeroizing::new(split(value, width)?).iter());
    }
    let mut ciphertexts = encryptor.encrypt_bits(&bits)?.into_iter();
    Ok(values.iter().map(|_| Bits { bits: ciphertexts.by_ref().take(width).collect() }).collect())
}

/// Decrypts signed integers; a condition that holds is −1, and 1 by [`decrypt_unsigned`].
///
/// # Errors
/// If an integer belongs to other parameters.
pub fn decrypt(decryptor: &Decryptor<'_>, integers: &[Bits]) -> Result<Vec<i64>, Error> {
    let signed = |(value, integer): (u64, &Bits)| clear::signed(value, integer.width());
    Ok(decrypt_unsigned(decryptor, integers)?.into_iter().zip(integers).map(signed).collect())
}

/// Decrypts unsigned integers.
///
/// # Errors
/// If an integer belongs to other parameters.
pub fn decrypt_unsigned(decryptor: &Decryptor<'_>, integers: &[Bits]) -> Result<Vec<u64>, Error> {
    let value = |integer: &Bits| {
        integer
            .bits
            .iter()
            .rev()
            .try_fold(0, |value, bit| Ok(value << 1 | u64::from(decryptor.decrypt_bit(bit)?)))
    };
    integers.iter().map(value).collect()
}
