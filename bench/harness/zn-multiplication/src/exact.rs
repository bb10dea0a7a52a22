//! Products modulo `2^64` on digits of two bits in TFHE: 32 ciphertexts a number, before and after.

use he_tfhe::digits::{self, DigitEvaluator, Digits};
use he_tfhe::{
    Decryptor, Evaluator, LweCiphertext, Parameters, SecretKey, SeededCiphertexts, SeededEvaluationKeys, Spec,
};
use zeroize::Zeroizing;

use crate::{Failure, Way};

const BITS: u32 = 64;
const DIGIT_BITS: u32 = 2;
/// Pairs that are multiplied together: products of digits of more would take gigabytes.
const TOGETHER: usize = 16;

/// The way without a client.
pub struct Exact;

fn params() -> Result<Parameters, Failure> {
    Ok(Spec::message_2_carry_2_failure_64().build()?)
}

/// As many numbers as there should be.
fn numbers(ciphertexts: Vec<LweCiphertext>, count: usize) -> Result<Vec<Digits>, Failure> {
    let all = Digits::of_each(ciphertexts, DIGIT_BITS, BITS)?;
    if all.len() == count { Ok(all) } else { Err(format!("{} numbers, needed {count}", all.len()).into()) }
}

fn product(keys: &[u8], [a, b]: [Vec<Digits>; 2]) -> Result<Vec<u8>, Failure> {
    let params = params()?;
    let evaluator = Evaluator::new(SeededEvaluationKeys::from_bytes(&params, keys)?.expand());
    let integers = DigitEvaluator::new(&evaluator)?;
    let mut out = Vec::new();
    for (a, b) in a.chunks(TOGETHER).zip(b.chunks(TOGETHER)) {
        out.extend(integers.mul(a, b)?.iter().flat_map(|product| product.digits().to_vec()));
    }
    Ok(LweCiphertext::to_bytes(&params, &out)?)
}

impl Exact {
    /// Multiplies products by numbers that were sent.
    ///
    /// # Errors
    /// As [`Way::multiply`].
    pub fn multiply_again(&self, keys: &[u8], a: &[u8], b: &[u8], count: usize) -> Result<Vec<u8>, Failure> {
        let params = params()?;
        let a = LweCiphertext::from_bytes(&params, a)?;
        let b = SeededCiphertexts::from_bytes(&params, b)?.expand();
        product(keys, [numbers(a, count)?, numbers(b, count)?])
    }
}

impl Way for Exact {
    fn keys(&self) -> Result<(Zeroizing<Vec<u8>>, Vec<u8>), Failure> {
        let key = SecretKey::generate(&params()?)?;
        Ok((key.to_secret_bytes(), key.seeded_evaluation_keys()?.to_bytes()?))
    }

    fn encrypt(&self, secret: &[u8], numbers: &[u64]) -> Result<Vec<u8>, Failure> {
        let key = SecretKey::from_secret_bytes(&params()?, secret)?;
        let signed: Vec<i64> = numbers.iter().map(|&number| number as i64).collect();
        Ok(digits::encrypt_seeded(&key, &signed, BITS)?.to_bytes())
    }

    fn multiply(&self, keys: &[u8], factors: [&[u8]; 2], count: usize) -> Result<Vec<u8>, Failure> {
        let params = params()?;
        let [a, b] = factors.map(|bytes| -> Result<Vec<Digits>, Failure> {
            numbers(SeededCiphertexts::from_bytes(&params, bytes)?.expand(), count)
        });
        product(keys, [a?, b?])
    }

    fn decrypt(&self, secret: &[u8], products: &[u8], count: usize) -> Result<Vec<u64>, Failure> {
        let params = params()?;
        let key = SecretKey::from_secret_bytes(&params, secret)?;
        let decryptor = Decryptor::new(&key);
        let all = numbers(LweCiphertext::from_bytes(&params, products)?, count)?;
        let value = |digits: &Digits| Ok(digits::decrypt(&decryptor, digits)? as u64);
        all.iter().map(value).collect()
    }
}
