//! Integers of digits, and their encryption.

use crate::decryption::Decryptor;
use crate::encryption::Encryptor;
use crate::error::Error;
use crate::lwe::LweCiphertext;
use crate::params::Parameters;
use crate::secret::SecretKey;
use crate::seeded::SeededCiphertexts;
use zeroize::Zeroizing;

/// Digits of more bits than these do not fit in an `i64`.
const MAX_BITS: u32 = 64;
/// No parameters have messages of more bits.
const MAX_DIGIT_BITS: u32 = 8;

/// An integer: digits in little-endian order, two's complement.
///
/// ```
/// # use he_tfhe::*;
/// use he_tfhe::digits::{decrypt, encrypt};
/// # fn main() -> Result<(), Error> {
/// # let params = Spec::insecure_small().build_insecure("an example")?;
/// # let key = SecretKey::generate(&params)?;
/// # let (encryptor, decryptor) = (Encryptor::with_secret(&key), Decryptor::new(&key));
/// let x = encrypt(&encryptor, &[-77], 8)?;
/// assert_eq!((x[0].bits(), x[0].digits().len(), decrypt(&decryptor, &x[0])?), (8, 4, -77));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Digits<D = LweCiphertext> {
    digits: Vec<D>,
    digit_bits: u32,
}

impl<D> Digits<D> {
    /// An integer from its digits, the lowest first; every one of them has to be below `2^digit_bits`.
    ///
    /// # Errors
    /// If there is no digit, a digit is not of 1 to 8 bits, or there are more than 64 in all.
    pub fn new(digits: Vec<D>, digit_bits: u32) -> Result<Self, Error> {
        check_width(digits.len().saturating_mul(digit_bits as usize), digit_bits)?;
        Ok(Self { digits, digit_bits })
    }

    /// Integers of `bits` bits from the digits of one after those of another.
    ///
    /// # Errors
    /// If the number of bits is no multiple of a digit or above 64, or the last integer lacks digits.
    pub fn of_each(digits: Vec<D>, digit_bits: u32, bits: u32) -> Result<Vec<Self>, Error> {
        let operation = "integers of digits";
        let (count, found) = (check_width(bits as usize, digit_bits)?, digits.len());
        if !found.is_multiple_of(count) {
            let needed = format!("a multiple of {count}, the digits of an integer");
            return Err(Error::Count { operation, found, needed });
        }
        let mut digits = digits.into_iter();
        let integer = |_| Self { digits: digits.by_ref().take(count).collect(), digit_bits };
        Ok((0..found / count).map(integer).collect())
    }

    pub(super) fn unchecked(digits: Vec<D>, digit_bits: u32) -> Self {
        Self { digits, digit_bits }
    }

    /// The digits, the lowest first.
    pub fn digits(&self) -> &[D] {
        &self.digits
    }

    /// Bits of a digit.
    pub fn digit_bits(&self) -> u32 {
        self.digit_bits
    }

    /// Bits of the integer.
    pub fn bits(&self) -> u32 {
        self.digit_bits * self.digits.len() as u32
    }
}

/// Checks a number of bits and returns the number of digits.
pub(super) fn check_width(bits: usize, digit_bits: u32) -> Result<usize, Error> {
    if !(1..=MAX_DIGIT_BITS).contains(&digit_bits) {
        let (field, found) = ("the width of a digit", format!("{digit_bits} bits"));
        return Err(Error::Spec { field, found, needed: format!("1 to {MAX_DIGIT_BITS}") });
    }
    if (1..=MAX_BITS as usize).contains(&bits) && bits.is_multiple_of(digit_bits as usize) {
        return Ok(bits / digit_bits as usize);
    }
    let (field, found) = ("the width of an integer of digits", format!("{bits} bits"));
    Err(Error::Spec {
        field,
        found,
        needed: format!("a multiple of {digit_bits}, from {digit_bits} to {MAX_BITS}"),
    })
}

/// Encrypts integers of `bits` bits, each from `−2^(bits−1)` to `2^(bits−1) − 1`.
///
/// # Errors
/// If the number of bits is no multiple of a digit or above 64, a value is out of range (the error has its place, not the
/// value), or the operating system gives no randomness.
pub fn encrypt(encryptor: &Encryptor<'_>, values: &[i64], bits: u32) -> Result<Vec<Digits>, Error> {
    let digits = split(encryptor.params(), values, bits)?;
    Digits::of_each(encryptor.encrypt_all(&digits)?, encryptor.params().spec().message_bits, bits)
}

/// Encrypts integers of `bits` bits, each from 0 to `2^bits − 1`.
///
/// # Errors
/// As [`encrypt`].
pub fn encrypt_unsigned(encryptor: &Encryptor<'_>, values: &[u64], bits: u32) -> Result<Vec<Digits>, Error> {
    let digits = split_unsigned(encryptor.params(), values, bits)?;
    Digits::of_each(encryptor.encrypt_all(&digits)?, encryptor.params().spec().message_bits, bits)
}

/// Encrypts integers as [`encrypt`] does, in seeded form: 4 bytes a digit. The digits of one integer follow those of another:
/// [`Digits::of_each`] makes integers of what they are expanded to.
///
/// # Errors
/// As [`encrypt`].
pub fn encrypt_seeded(key: &SecretKey, values: &[i64], bits: u32) -> Result<SeededCiphertexts, Error> {
    key.encrypt_seeded(&split(key.params(), values, bits)?)
}

/// The digits of signed integers, one after the other.
fn split(params: &Parameters, values: &[i64], bits: u32) -> Result<Zeroizing<Vec<u64>>, Error> {
    let spare = MAX_BITS.saturating_sub(bits).min(MAX_BITS - 1);
    let bad = values.iter().position(|&value| (value << spare) >> spare != value);
    let values = Zeroizing::new(values.iter().map(|&value| value as u64).collect::<Vec<_>>());
    split_checked(params, &values, bits, bad, bits.saturating_sub(1))
}

/// The digits of integers without a sign, one after the other.
fn split_unsigned(params: &Parameters, values: &[u64], bits: u32) -> Result<Zeroizing<Vec<u64>>, Error> {
    let bad = values.iter().position(|&value| bits < MAX_BITS && value >> bits != 0);
    split_checked(params, values, bits, bad, bits)
}

fn split_checked(
    params: &Parameters,
    values: &[u64],
    bits: u32,
    bad: Option<usize>,
    limit: u32,
) -> Result<Zeroizing<Vec<u64>>, Error> {
    let (what, digit_bits) = ("encryption of integers", params.spec().message_bits);
    let count = check_width(bits as usize, digit_bits)?;
    if let Some(index) = bad {
        return Err(Error::MessageOutOfRange { what, index, modulus: 1 << limit.min(63) });
    }
    let mask = (1 << digit_bits) - 1;
    let digits = |&value: &u64| (0..count as u32).map(move |i| (value >> (i * digit_bits)) & mask);
    Ok(Zeroizing::new(values.iter().flat_map(digits).collect()))
}

/// Decrypts an integer, as a number from `−2^(bits−1)` to `2^(bits−1) − 1`.
///
/// # Errors
/// If the integer belongs to other parameters, or a digit is out of range: that depends on the key, and is not to be shown to whoever
/// sent the integer; see [`decrypt_reduced`].
pub fn decrypt(decryptor: &Decryptor<'_>, integer: &Digits) -> Result<i64, Error> {
    let spare = MAX_BITS.saturating_sub(integer.bits());
    Ok((decrypt_unsigned(decryptor, integer)? << spare) as i64 >> spare)
}

/// Decrypts an integer as [`decrypt`], whatever its digits hold: a digit out of range is reduced, and counted. Neither the result
/// nor the time tells whether one was: for who decrypts what an untrusted server sent, and answers it.
///
/// # Errors
/// If the integer belongs to other parameters.
pub fn decrypt_reduced(decryptor: &Decryptor<'_>, integer: &Digits) -> Result<(i64, u64), Error> {
    let (bits, spare) = (integer.digit_bits, MAX_BITS.saturating_sub(integer.bits()));
    let (mut sum, mut out_of_range) = (0, 0);
    for (index, digit) in integer.digits.iter().enumerate() {
        let digit = decryptor.rounded(digit)?;
        sum |= (digit & ((1 << bits) - 1)) << (index as u32 * bits);
        out_of_range += u64::from(digit >> bits != 0);
    }
    Ok(((sum << spare) as i64 >> spare, out_of_range))
}

/// Decrypts an integer, as a number from 0 to `2^bits − 1`.
///
/// # Errors
/// As [`decrypt`].
pub fn decrypt_unsigned(decryptor: &Decryptor<'_>, integer: &Digits) -> Result<u64, Error> {
    let modulus = 1 << integer.digit_bits;
    integer.digits.iter().enumerate().try_fold(0, |sum, (index, digit)| {
        let digit = decryptor.rounded(digit)?;
        if digit >= modulus {
            return Err(Error::MessageOutOfRange { what: "decryption of an integer", index, modulus });
        }
        Ok(sum | digit << (index as u32 * integer.digit_bits))
    })
}
