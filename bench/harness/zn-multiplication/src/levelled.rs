//! Whole products of 128 bits on residues modulo four primes of 40 bits in BGV, a number a slot. The client puts them together and
//! reduces modulo `2^64`.

use he_bgv::{
    Ciphertext, Decryptor, Encoder, EvaluationKeys, Evaluator, KeyRequest, Parameters, SecretKey, Spec,
};
use zeroize::Zeroizing;

use crate::{Failure, Way};

/// Primes of 40 bits: their product is above `2^128`.
const PRIMES: usize = 4;

/// The way in which the client reduces.
pub struct Levelled;

/// An instance for each prime.
fn instances() -> Result<Vec<Parameters>, Failure> {
    let preset = Spec::n8192_wide();
    let mut taken: Vec<u64> = Vec::new();
    for _ in 0..PRIMES {
        taken.push(Spec::slot_modulus_except(preset.log_n, 40, &taken)?);
    }
    let with = |plaintext_modulus| Ok(Spec { plaintext_modulus, ..preset.clone() }.build()?);
    taken.into_iter().map(with).collect()
}

fn modulus(params: &Parameters) -> u64 {
    params.t().value()
}

/// Parts of a file: their lengths in front of each.
fn join<P: std::ops::Deref<Target = Vec<u8>>>(parts: &[P]) -> Vec<u8> {
    // In one piece from the start: secrets leave no copies behind.
    let mut out = Vec::with_capacity(parts.iter().map(|part| 8 + part.len()).sum());
    for part in parts {
        out.extend((part.len() as u64).to_le_bytes());
        out.extend_from_slice(part);
    }
    out
}

/// As many parts as there should be, and nothing behind them.
fn split(mut bytes: &[u8], count: usize) -> Result<Vec<&[u8]>, Failure> {
    let mut parts = Vec::new();
    for _ in 0..count {
        let (length, rest) = bytes.split_first_chunk::<8>().ok_or("a part is missing")?;
        let length = usize::try_from(u64::from_le_bytes(*length))?;
        let (part, rest) = rest.split_at_checked(length).ok_or("a part is cut off")?;
        parts.push(part);
        bytes = rest;
    }
    if bytes.is_empty() { Ok(parts) } else { Err("there is more than there should be".into()) }
}

/// Ciphertexts of one instance for so many numbers.
fn pieces(params: &Parameters, count: usize) -> usize {
    count.div_ceil(params.n())
}

/// Residues as the encoder takes them, about 0.
fn centred(number: u64, t: u64) -> i64 {
    let residue = (number % t) as i64;
    if residue > t as i64 / 2 { residue - t as i64 } else { residue }
}

/// The number below the product of the moduli with given residues, modulo `2^64`: by its digits in mixed radix.
fn compose(residues: &[u64], moduli: &[u64]) -> u64 {
    let (mut digits, mut sum, mut radix): (Vec<u64>, u64, u64) = (vec![], 0, 1);
    for (i, &t) in moduli.iter().enumerate() {
        let times = |a: u64, b: u64| (u128::from(a) * u128::from(b) % u128::from(t)) as u64;
        // What the digits so far come to modulo t, and the product of the moduli before.
        let (mut known, mut place) = (0, 1);
        for (digit, &before) in digits.iter().zip(moduli) {
            known = (known + times(*digit % t, place)) % t;
            place = times(place, before % t);
        }
        let power = |base: u64, mut exponent: u64| {
            let (mut base, mut out) = (base, 1);
            while exponent > 0 {
                out = if exponent & 1 == 1 { times(out, base) } else { out };
                (base, exponent) = (times(base, base), exponent >> 1);
            }
            out
        };
        // By Fermat: t is a prime.
        let digit = times((residues[i] + t - known) % t, power(place, t - 2));
        sum = digit.wrapping_mul(radix).wrapping_add(sum);
        radix = radix.wrapping_mul(t);
        digits.push(digit);
    }
    sum
}

impl Way for Levelled {
    fn keys(&self) -> Result<(Zeroizing<Vec<u8>>, Vec<u8>), Failure> {
        let (mut secrets, mut keys) = (vec![], vec![]);
        for params in instances()? {
            let key = SecretKey::generate(&params)?;
            let request = KeyRequest::default().relinearization(params.max_level());
            keys.push(key.evaluation_keys(&request)?.to_bytes()?);
            secrets.push(key.to_secret_bytes());
        }
        Ok((Zeroizing::new(join(&secrets)), join(&keys.iter().collect::<Vec<_>>())))
    }

    fn encrypt(&self, secret: &[u8], numbers: &[u64]) -> Result<Vec<u8>, Failure> {
        let mut out = Vec::new();
        for (params, secret) in instances()?.iter().zip(split(secret, PRIMES)?) {
            let key = SecretKey::from_secret_bytes(params, secret)?;
            let encoder = Encoder::new(params).modular();
            for part in numbers.chunks(params.n()) {
                let residues: Vec<i64> = part.iter().map(|&x| centred(x, modulus(params))).collect();
                let seeded = key.encrypt_seeded(&encoder.encode(&residues)?, params.max_level())?;
                out.push(seeded.to_bytes()?);
            }
        }
        Ok(join(&out.iter().collect::<Vec<_>>()))
    }

    fn multiply(&self, keys: &[u8], factors: [&[u8]; 2], count: usize) -> Result<Vec<u8>, Failure> {
        let (all, keys) = (instances()?, split(keys, PRIMES)?);
        let pieces = pieces(&all[0], count);
        let [a, b] = factors.map(|bytes| split(bytes, PRIMES * pieces));
        let (a, b) = (a?, b?);
        let mut out = Vec::new();
        for (i, (params, keys)) in all.iter().zip(keys).enumerate() {
            let evaluator = Evaluator::new(params, EvaluationKeys::from_bytes(params, keys)?)?;
            for place in i * pieces..(i + 1) * pieces {
                let [x, y] = [a[place], b[place]].map(|bytes| Ciphertext::from_bytes(params, bytes));
                out.push(evaluator.mul(&x?, &y?)?.to_bytes()?);
            }
        }
        Ok(join(&out.iter().collect::<Vec<_>>()))
    }

    fn decrypt(&self, secret: &[u8], products: &[u8], count: usize) -> Result<Vec<u64>, Failure> {
        let (all, secrets) = (instances()?, split(secret, PRIMES)?);
        let pieces = pieces(&all[0], count);
        let products = split(products, PRIMES * pieces)?;
        let moduli: Vec<u64> = all.iter().map(modulus).collect();
        let mut residues = vec![Vec::with_capacity(PRIMES); count];
        for (i, (params, secret)) in all.iter().zip(secrets).enumerate() {
            let key = SecretKey::from_secret_bytes(params, secret)?;
            let (encoder, decryptor) = (Encoder::new(params), Decryptor::new(&key));
            let mut numbers = residues.iter_mut();
            for place in i * pieces..(i + 1) * pieces {
                let product = Ciphertext::from_bytes(params, products[place])?;
                let slots = encoder.decode(&decryptor.decrypt(&product)?)?;
                let modulo = |slot: i64| slot.rem_euclid(modulus(params) as i64) as u64;
                slots.into_iter().zip(&mut numbers).for_each(|(slot, of)| of.push(modulo(slot)));
            }
        }
        Ok(residues.iter().map(|residues| compose(residues, &moduli)).collect())
    }
}

#[test]
fn numbers_come_back_from_residues() {
    let moduli: Vec<u64> = instances().unwrap().iter().map(modulus).collect();
    for x in
        [0, 1, u128::MAX, u128::from(u64::MAX) * u128::from(u64::MAX), 1 << 127, 12_345_678_901_234_567_890]
    {
        let residues: Vec<u64> = moduli.iter().map(|t| (x % u128::from(*t)) as u64).collect();
        assert_eq!(compose(&residues, &moduli), x as u64, "{x}");
    }
}
