//! Products of 64-bit numbers, in two ways; the environment variable `ZN_WAY` says which.
//!
//! * `exact`, also without the variable: the server returns an encryption of the product modulo `2^64`, in the form in which it was sent
//!   the factors, so that it can be multiplied again and again. [`exact`], on digits in TFHE.
//! * `levelled`: the server returns an encryption of the whole product of 128 bits, and *the client reduces it* modulo `2^64`.
//!   [`levelled`], on residues in BGV, a number a slot.

pub mod exact;
pub mod files;
pub mod levelled;

use std::error::Error;

use zeroize::Zeroizing;

/// Why a program cannot go on.
pub type Failure = Box<dyn Error + Send + Sync>;

/// The client's and the server's part of a way.
pub trait Way {
    /// The secret key and the keys of the server, as bytes.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    fn keys(&self) -> Result<(Zeroizing<Vec<u8>>, Vec<u8>), Failure>;

    /// Encrypts numbers.
    ///
    /// # Errors
    /// If the key is damaged, or the operating system gives no randomness.
    fn encrypt(&self, secret: &[u8], numbers: &[u64]) -> Result<Vec<u8>, Failure>;

    /// Multiplies as many numbers as there are, element by element.
    ///
    /// # Errors
    /// If keys or ciphertexts are damaged.
    fn multiply(&self, keys: &[u8], factors: [&[u8]; 2], count: usize) -> Result<Vec<u8>, Failure>;

    /// Decrypts products modulo `2^64`.
    ///
    /// # Errors
    /// If the key or a ciphertext is damaged.
    fn decrypt(&self, secret: &[u8], products: &[u8], count: usize) -> Result<Vec<u64>, Failure>;
}

/// The way that the environment asks for.
///
/// # Errors
/// If it is none of both.
pub fn way() -> Result<Box<dyn Way>, Failure> {
    match std::env::var("ZN_WAY").as_deref() {
        Err(_) | Ok("exact") => Ok(Box::new(exact::Exact)),
        Ok("levelled") => Ok(Box::new(levelled::Levelled)),
        Ok(other) => Err(format!("ZN_WAY is `{other}`, needed `exact` or `levelled`").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(way: &dyn Way, count: usize) {
        let numbers = |seed: u64| -> Vec<u64> {
            let spread = |i: u64| (i + 1).wrapping_mul(seed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            [u64::MAX, 0, 1 << 63].into_iter().chain((3..).map(spread)).take(count).collect()
        };
        let (a, b) = (numbers(1), numbers(0x2545_f491_4f6c_dd1d));
        let (secret, keys) = way.keys().unwrap();
        let [x, y] = [&a, &b].map(|numbers| way.encrypt(&secret, numbers).unwrap());
        let product = way.multiply(&keys, [&x, &y], count).unwrap();
        let expected: Vec<u64> = a.iter().zip(&b).map(|(a, b)| a.wrapping_mul(*b)).collect();
        assert_eq!(way.decrypt(&secret, &product, count).unwrap(), expected);
        // A damaged byte is found.
        let mut damaged = x.clone();
        let middle = damaged.len() / 2;
        damaged[middle] ^= 1;
        assert!(way.multiply(&keys, [&damaged, &y], count).is_err());
        assert!(way.multiply(&keys, [&x[..x.len() / 3], &y], count).is_err());
    }

    #[test]
    fn levelled_products_are_exact() {
        check(&levelled::Levelled, 10_000);
    }

    #[test]
    fn exact_products_are_exact_and_multiplied_again() {
        check(&exact::Exact, 3);
        let way = exact::Exact;
        let (secret, keys) = way.keys().unwrap();
        let x = way.encrypt(&secret, &[0x0123_4567_89ab_cdef]).unwrap();
        let square = way.multiply(&keys, [&x, &x], 1).unwrap();
        let cube = way.multiply_again(&keys, &square, &x, 1).unwrap();
        let expected = 0x0123_4567_89ab_cdef_u64.wrapping_pow(3);
        assert_eq!(way.decrypt(&secret, &cube, 1).unwrap(), [expected]);
    }
}
