//! Integers of digits, and their encryption.

use crate::encryption::{Decryptor, Encryptor};
use crate::error::Error;
use crate::lwe::LweCiphertext;

/// Digits of more bits than these do not fit in an `i64`.
const MAX_BITS: u32 = 64;

/// An integer: digits in little-endian order, two's complement.
///
/// ```
/// # use he_tfhe::*;
/// use he_tfhe::digits::{decrypt, encrypt};
/// # fn main() -> Result<(), Error> {
/// # let params = Spec::insecure_small().build_insecure("an example")?;
/// # let key = SecretKey::generate(&params)?;
/// # let (encryptor, decryptor) = (Encryptor::with_secret(&key), Decryptor::new(&key));
/// let x = encrypt(&encryptor, 8, &[-77])?;
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
    /// If there is no digit, or there are more than 64 bits.
    pub fn new(digits: Vec<D>, digit_bits: u32) -> Result<Self, Error> {
        check_width("an integer of digits", digits.len() * digit_bits as usize, digit_bits)?;
        Ok(Self { digits, digit_bits })
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
pub(super) fn check_width(operation: &'static str, bits: usize, digit_bits: u32) -> Result<usize, Error> {
    let fits =
        digit_bits > 0 && (1..=MAX_BITS as usize).contains(&bits) && bits.is_multiple_of(digit_bits as usize);
    if fits {
        return Ok(bits / digit_bits as usize);
    }
    Err(Error::Count {
        operation,
        found: bits,
        needed: format!("a multiple of {digit_bits} bits, at most {MAX_BITS}"),
    })
}

/// Encrypts integers of `bits` bits, each from `−2^(bits−1)` to `2^(bits−1) − 1`.
///
/// # Errors
/// If the number of bits is no multiple of a digit or above 64, a value is out of range (the error has its place, not the
/// value), or the operating system gives no randomness.
pub fn encrypt(encryptor: &Encryptor<'_>, bits: u32, values: &[i64]) -> Result<Vec<Digits>, Error> {
    let spare = MAX_BITS.saturating_sub(bits.max(1));
    let fits = |value: i64| (value << spare) >> spare == value;
    let bad = values.iter().position(|&value| !fits(value));
    let integers: Vec<u64> = values.iter().map(|&value| value as u64).collect();
    encrypt_integers(encryptor, bits, &integers, bad, bits.saturating_sub(1))
}

/// Encrypts integers of `bits` bits, each from 0 to `2^bits − 1`.
///
/// # Errors
/// As [`encrypt`].
pub fn encrypt_unsigned(encryptor: &Encryptor<'_>, bits: u32, values: &[u64]) -> Result<Vec<Digits>, Error> {
    let bad = values.iter().position(|&value| bits < MAX_BITS && value >> bits != 0);
    encrypt_integers(encryptor, bits, values, bad, bits)
}

fn encrypt_integers(
    encryptor: &Encryptor<'_>,
    bits: u32,
    values: &[u64],
    bad: Option<usize>,
    limit: u32,
) -> Result<Vec<Digits>, Error> {
    let operation = "encryption of integers";
    let digit_bits = encryptor.params().spec().message_bits;
    let count = check_width(operation, bits as usize, digit_bits)?;
    if let Some(index) = bad {
        return Err(Error::MessageOutOfRange { what: operation, index, modulus: 1 << limit.min(63) });
    }
    let mask = (1 << digit_bits) - 1;
    let encrypt = |&value: &u64| {
        let digits: Vec<u64> = (0..count as u32).map(|i| (value >> (i * digit_bits)) & mask).collect();
        Ok(Digits { digits: encryptor.encrypt_all(&digits)?, digit_bits })
    };
    values.iter().map(encrypt).collect()
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
        let digit = decryptor.decrypt(digit)?;
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
        let digit = decryptor.decrypt(digit)?;
        if digit >= modulus {
            return Err(Error::MessageOutOfRange { what: "decryption of an integer", index, modulus });
        }
        Ok(sum | digit << (index as u32 * integer.digit_bits))
    })
}
