//! Integers of encrypted bits, and their encryption.

use std::fmt::Display;

use zeroize::Zeroizing;

use super::clear;
use super::width::{MAX_WIDTH, check_width};
use crate::decryption::Decryptor;
use crate::encryption::Encryptor;
use crate::error::Error;
use crate::lwe::LweCiphertext;
use crate::params::Parameters;
use crate::secret::SecretKey;
use crate::seeded::SeededCiphertexts;

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

/// The bits of a value that fits.
fn split(value: i64, width: usize) -> Result<Vec<bool>, Error> {
    check_width(width)?;
    let (least, most) = (i64::MIN >> (MAX_WIDTH - width), i64::MAX >> (MAX_WIDTH - width));
    if (least..=most).contains(&value) { Ok(bits_of(value as u64, width)) } else { out_of_range(least, most) }
}

/// The bits of a value without a sign that fits.
fn split_unsigned(value: u64, width: usize) -> Result<Vec<bool>, Error> {
    check_width(width)?;
    let most = u64::MAX >> (MAX_WIDTH - width);
    if value <= most { Ok(bits_of(value, width)) } else { out_of_range(0, most) }
}

fn bits_of(value: u64, width: usize) -> Vec<bool> {
    (0..width).map(|bit| value >> bit & 1 == 1).collect()
}

/// The error names the range and not the value.
fn out_of_range<T>(least: impl Display, most: impl Display) -> Result<T, Error> {
    let (field, found) = ("the value of an integer", "out of range".into());
    Err(Error::Spec { field, found, needed: format!("{least}..={most}") })
}

/// The bits of values, one after the other.
fn split_all<T: Copy>(
    values: &[T],
    width: usize,
    split: impl Fn(T, usize) -> Result<Vec<bool>, Error>,
) -> Result<Zeroizing<Vec<bool>>, Error> {
    check_width(width)?;
    let mut bits = Zeroizing::new(Vec::with_capacity(values.len() * width));
    for &value in values {
        bits.extend(Zeroizing::new(split(value, width)?).iter());
    }
    Ok(bits)
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

    /// Integers of `width` bits from the bits of one after those of another.
    ///
    /// # Errors
    /// If the width is not `1..=64`, or the last integer lacks bits.
    pub fn of_each(bits: Vec<LweCiphertext>, width: usize) -> Result<Vec<Self>, Error> {
        check_width(width)?;
        let found = bits.len();
        if !found.is_multiple_of(width) {
            let (operation, needed) =
                ("integers of bits", format!("a multiple of {width}, the bits of an integer"));
            return Err(Error::Count { operation, found, needed });
        }
        let mut bits = bits.into_iter();
        Ok((0..found / width).map(|_| Self { bits: bits.by_ref().take(width).collect() }).collect())
    }

    /// A constant, without secrecy, which must be one of `width` bits with sign.
    ///
    /// # Errors
    /// If the width is not `1..=64` or the value does not fit.
    pub fn constant(params: &Parameters, value: i64, width: usize) -> Result<Self, Error> {
        let phase = crate::phases::bit_phase;
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

    /// The bits moved up by so many places, modulo the width, those from above to below.
    pub fn rotate_left(&self, places: usize) -> Self {
        let mut bits = self.bits.clone();
        bits.rotate_right(places % self.width());
        Self { bits }
    }

    /// The bits moved down by so many places, modulo the width, those from below to above.
    pub fn rotate_right(&self, places: usize) -> Self {
        let mut bits = self.bits.clone();
        bits.rotate_left(places % self.width());
        Self { bits }
    }

    /// Bits `from..from + width`, and `fill` where there are none.
    fn moved(&self, width: usize, from: usize, fill: &LweCiphertext) -> Self {
        let bit = |at: usize| self.bits.get(at.saturating_add(from)).unwrap_or(fill).clone();
        Self { bits: (0..width).map(bit).collect() }
    }

    fn zero(&self) -> LweCiphertext {
        LweCiphertext::trivial(self.bits[0].params(), crate::phases::bit_phase(false))
    }
}

/// Encrypts signed integers of `width` bits. An integer of one bit is 0 or −1.
///
/// # Errors
/// If the width is not `1..=64`, a value does not fit, or the operating system gives no randomness.
pub fn encrypt(encryptor: &Encryptor<'_>, values: &[i64], width: usize) -> Result<Vec<Bits>, Error> {
    let bits = split_all(values, width, split)?;
    Bits::of_each(encryptor.encrypt_bits(&bits)?, width)
}

/// Encrypts integers of `width` bits without a sign, each from 0 to `2^width − 1`.
///
/// # Errors
/// As [`encrypt`].
pub fn encrypt_unsigned(encryptor: &Encryptor<'_>, values: &[u64], width: usize) -> Result<Vec<Bits>, Error> {
    let bits = split_all(values, width, split_unsigned)?;
    Bits::of_each(encryptor.encrypt_bits(&bits)?, width)
}

/// Encrypts integers as [`encrypt`] does, in seeded form: 4 bytes a bit. The bits of one integer follow those of another:
/// [`Bits::of_each`] makes integers of what they are expanded to.
///
/// # Errors
/// As [`encrypt`].
pub fn encrypt_seeded(key: &SecretKey, values: &[i64], width: usize) -> Result<SeededCiphertexts, Error> {
    key.encrypt_bits_seeded(&split_all(values, width, split)?)
}

/// Decrypts signed integers; a condition that holds is −1, and 1 by [`decrypt_unsigned`].
///
/// # Errors
/// If an integer belongs to other parameters, or a phase is that of no bit: that depends on the key, and is not to be shown to
/// whoever sent the integer; see [`decrypt_reduced`].
pub fn decrypt(decryptor: &Decryptor<'_>, integers: &[Bits]) -> Result<Vec<i64>, Error> {
    let signed = |(value, integer): (u64, &Bits)| clear::signed(value, integer.width());
    Ok(decrypt_unsigned(decryptor, integers)?.into_iter().zip(integers).map(signed).collect())
}

/// Decrypts integers without a sign.
///
/// # Errors
/// As [`decrypt`].
pub fn decrypt_unsigned(decryptor: &Decryptor<'_>, integers: &[Bits]) -> Result<Vec<u64>, Error> {
    integers.iter().map(|integer| joined(integer, |bit| decryptor.decrypt_bit(bit))).collect()
}

/// Decrypts an integer as [`decrypt`], whatever its bits hold: each is the sign of its phase. Neither the result nor the time
/// fails with a phase: for who decrypts what an untrusted server sent, and answers it.
///
/// # Errors
/// If the integer belongs to other parameters.
pub fn decrypt_reduced(decryptor: &Decryptor<'_>, integer: &Bits) -> Result<i64, Error> {
    Ok(clear::signed(joined(integer, |bit| decryptor.sign(bit))?, integer.width()))
}

fn joined(integer: &Bits, read: impl Fn(&LweCiphertext) -> Result<bool, Error>) -> Result<u64, Error> {
    integer.bits.iter().rev().try_fold(0, |value, bit| Ok(value << 1 | u64::from(read(bit)?)))
}

he_core::brief_debug!(Bits: |a| bits = a.bits.len(), secret_id = a.bits.iter().find_map(LweCiphertext::secret_id));
