//! Encoding, decryption and decoding of the three schemes, and lifting of small secrets to residues.

use he_core::Modulus;
use he_core::ring::sample::Prng;
use he_core::ring::{Coeff, Poly};
use he_core::rlwe;
use zeroize::Zeroizing;

use crate::welch::largest_t;
use crate::{RUNS, check};

/// Runs of parts that take tens of microseconds and more.
const FEW: usize = RUNS / 4;

pub(crate) fn leaks() -> Vec<String> {
    [rings(), bgv(), ckks(), tfhe()].concat()
}

/// Signed words from `−2^bits` up to below `2^bits`.
fn random(count: usize, bits: u32) -> Vec<i64> {
    let mut prng = Prng::from_os().unwrap();
    (0..count).map(|_| prng.next_u64() as i64 >> (63 - bits)).collect()
}

fn rings() -> Vec<String> {
    let params = rlwe::Spec { log_n: 10, ..wide_ring() }.build_insecure("a test of times").unwrap();
    let mut prng = Prng::from_os().unwrap();
    let some = rlwe::SecretKey::generate(&params).unwrap();
    let c = some.encrypt(2, &[], &mut prng).expand();
    let parts = [
        check("small coefficients to residues, 0 or random", || {
            let input =
                |class: usize, _| random(1024, 2).iter().map(|x| x * class as i64).collect::<Vec<_>>();
            largest_t(FEW, input, Clone::clone, |x| Poly::<Coeff>::from_signed(params.basis(2), x))
        }),
        check("small coefficients to residues, 1 or random signs", || {
            let input = |class: usize, _| -> Vec<i64> {
                random(1024, 1).iter().map(|x| if class == 1 { (x & 2) - 1 } else { 1 }).collect()
            };
            largest_t(FEW, input, Clone::clone, |x| Poly::<Coeff>::from_signed(params.basis(2), x))
        }),
        check("centring, lower half or random", || {
            let q = Modulus::new(params.spec().q[0]).unwrap();
            let input = |class: usize, _| -> Vec<u64> {
                random(1024, 39).iter().map(|&x| if class == 1 { q.reduce_i64(x) } else { 1 }).collect()
            };
            largest_t(RUNS, input, Clone::clone, |x| x.iter().map(|&x| q.center(x)).collect::<Vec<_>>())
        }),
        check("phase of RLWE, key 0 or random", || {
            let input = |class: usize, _| {
                let ternary = random(1024, 20).into_iter().map(|x| (x.rem_euclid(3) - 1) as i8 * class as i8);
                Zeroizing::new(ternary.collect::<Vec<_>>())
            };
            // Under the identifier of the ciphertext: a phase is taken of no other.
            let id = some.secret_id();
            let key =
                |ternary: &Zeroizing<Vec<i8>>| rlwe::SecretKey::from_ternary(&params, id, ternary.clone());
            largest_t(FEW, input, key, |key| key.phase(&c))
        }),
    ];
    parts.into_iter().flatten().collect()
}

/// Two primes of 40 bits that are 1 modulo 2^11.
fn wide_ring() -> rlwe::Spec {
    let q = rlwe::params::find_primes(10, &[40, 40], &[]).unwrap();
    rlwe::Spec { q, p: vec![], ..rlwe::Spec::insecure_small() }
}

fn bgv() -> Vec<String> {
    use he_bgv::{Decryptor, Encoder, Encryptor, SecretKey, Spec};
    let params = Spec { log_n: 10, ..Spec::n8192() }.build_insecure("a test of times").unwrap();
    let (key, encoder) = (SecretKey::generate(&params).unwrap(), Encoder::new(&params));
    let (encryptor, decryptor) = (Encryptor::with_secret(&key), Decryptor::new(&key));
    let values = |class: usize| -> Vec<i64> {
        random(params.n(), 18).iter().map(|x| if class == 1 { *x } else { 0 }).collect()
    };
    let plaintext = |class: usize, _| encoder.encode(&values(class)).unwrap();
    let parts = [
        check("BGV, encoding of 0 or random values", || {
            largest_t(FEW, |class, _| values(class), Clone::clone, |x: &Vec<i64>| encoder.encode(x).unwrap())
        }),
        check("BGV, decryption to 0 or random values", || {
            let input = |class, i| encryptor.encrypt(&plaintext(class, i)).unwrap();
            largest_t(FEW, input, Clone::clone, |c| decryptor.decrypt(c).unwrap())
        }),
        check("BGV, decoding of 0 or random slots", || {
            largest_t(FEW, plaintext, Clone::clone, |p| encoder.decode(p).unwrap())
        }),
        check("BGV, decoding of random slots, twice the same class", || {
            largest_t(FEW, |_, i| plaintext(1, i), Clone::clone, |p| encoder.decode(p).unwrap())
        }),
        check("BGV, decoding of 0 or random coefficients", || {
            let input = |class, _| encoder.encode_coefficients(&values(class)).unwrap();
            largest_t(RUNS, input, Clone::clone, |p| encoder.decode_coefficients(p))
        }),
    ];
    parts.into_iter().flatten().collect()
}

fn ckks() -> Vec<String> {
    use he_ckks::{Decryptor, Encoder, Encryptor, SecretKey, Spec};
    let params = Spec { log_n: 10, ..Spec::n8192() }.build_insecure("a test of times").unwrap();
    let (key, encoder) = (SecretKey::generate(&params).unwrap(), Encoder::new(&params));
    let (encryptor, decryptor) = (Encryptor::with_secret(&key), Decryptor::new(&key));
    let values = |class: usize| -> Vec<f64> {
        let unit = 1.0 / f64::from(1 << 30);
        random(params.slots(), 30).iter().map(|&x| if class == 1 { x as f64 * unit } else { 0.0 }).collect()
    };
    let parts = [
        check("CKKS, encryption of 0 or random values", || {
            let input = |class, _| encoder.encode(&values(class)).unwrap();
            largest_t(FEW, input, Clone::clone, |p| encryptor.encrypt(p).unwrap())
        }),
        check("CKKS, decryption and decoding of 0 or random values", || {
            let input = |class, _| encryptor.encrypt(&encoder.encode(&values(class)).unwrap()).unwrap();
            largest_t(FEW, input, Clone::clone, |c| decryptor.decrypt(c).unwrap())
        }),
    ];
    parts.into_iter().flatten().collect()
}

fn tfhe() -> Vec<String> {
    use he_tfhe::{Decryptor, Encryptor, SecretKey, Spec};
    let params = Spec::message_2_carry_2_failure_64().build().unwrap();
    let key = SecretKey::generate(&params).unwrap();
    let (encryptor, decryptor) = (Encryptor::with_secret(&key), Decryptor::new(&key));
    let random = || Prng::from_os().unwrap().next_u64() % 16;
    let encrypt = |message: u64| encryptor.encrypt(message).unwrap();
    let parts = [
        check("TFHE, decryption to 0 or random messages", || {
            let input = |class: usize, _| encrypt(random() * class as u64);
            largest_t(RUNS, input, Clone::clone, |c| decryptor.decrypt(c).unwrap())
        }),
        check("TFHE, decryption to random messages, twice the same class", || {
            largest_t(RUNS, |_, _| encrypt(random()), Clone::clone, |c| decryptor.decrypt(c).unwrap())
        }),
    ];
    parts.into_iter().flatten().collect()
}
