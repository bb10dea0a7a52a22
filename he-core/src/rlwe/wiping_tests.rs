//! Whatever held a secret is wiped before its memory is used again.

use std::collections::BTreeMap;

use zeroize::ZeroizeOnDrop;

use super::{Parameters, SecretId, SecretKey, Spec};
use crate::ring::automorphism::inverse_element;
use crate::ring::poly::{Coeff, Poly};
use crate::ring::sample::Prng;
use crate::wire::HEADER_BYTES;

/// Words that tell a polynomial from all others.
const SAMPLE: usize = 8;

fn params() -> Parameters {
    let primes = super::params::find_primes(6, &[40, 40, 41], &[]).unwrap();
    let spec = Spec { log_n: 6, q: primes[..2].to_vec(), p: primes[2..].to_vec(), ..Spec::insecure_small() };
    spec.build_insecure("a test of wiping").unwrap()
}

/// The first words of each limb.
fn samples(words: &[u64], n: usize) -> Vec<Vec<u64>> {
    words.chunks_exact(n).map(|limb| limb[..SAMPLE].to_vec()).collect()
}

/// Whether a sample stands anywhere in the buffers that wait to be used again.
fn found(params: &Parameters, samples: &[Vec<u64>]) -> bool {
    let waiting = params.basis(1).pool().waiting();
    assert!(!waiting.is_empty(), "no buffer came back");
    waiting.iter().any(|words| words.windows(SAMPLE).any(|x| samples.iter().any(|sample| sample == x)))
}

#[test]
fn secrets_wipe_themselves() {
    fn is_wiped<T: ZeroizeOnDrop>() {}
    is_wiped::<SecretKey>();
    is_wiped::<Prng>();
}

#[test]
fn nothing_of_a_key_is_left_in_the_pool() {
    let (params, mut prng) = (params(), Prng::from_os().unwrap());
    let key = SecretKey::generate(&params).unwrap();
    let values = key.key_values(2);
    let wide: Vec<i64> = (key.to_secret_bytes().iter().skip(HEADER_BYTES + SecretId::BYTES).take(params.n()))
        .map(|&byte| i64::from(byte) - 1)
        .collect();
    let coefficients = Poly::<Coeff>::from_signed(params.key_basis(2), &wide);
    let (mut square, turned) = (values.clone(), values.automorphism(5));
    square.mul_assign(&values);
    let inverse = values.automorphism(inverse_element(5, 2 * params.n()));
    let secrets: Vec<_> =
        [values.words(), square.words(), turned.words(), inverse.words(), coefficients.words()]
            .into_iter()
            .flat_map(|words| samples(words, params.n()))
            .collect();
    // The copies of the test itself do not go back to the pool.
    let copies = (values, square, turned, inverse, coefficients);
    let public = key.public_key().unwrap();
    let keys = key.evaluation_keys(2, &BTreeMap::from([(5, 2)])).unwrap();
    let switched = key.switching_key_from(&key, 2, &mut prng);
    let c = public.encrypt(2, &[1 << 20], &mut prng);
    drop(key.phase(&c));
    drop((key, public, keys, switched, c));
    assert!(!found(&params, &secrets));
    // What is not marked is found: the search works.
    let (.., unmarked, _) = copies;
    let unmarked = Poly::<Coeff>::from_words(params.key_basis(2), unmarked.words());
    drop(unmarked);
    assert!(found(&params, &secrets));
}

#[test]
fn nothing_of_a_phase_is_left_in_the_pool() {
    let (params, mut prng) = (params(), Prng::from_os().unwrap());
    let key = SecretKey::generate(&params).unwrap();
    let c = key.encrypt(2, &[7 << 20], &mut prng).expand();
    let phase = key.phase(&c);
    let [first, second] = [phase.clone().into_eval(), phase.clone().into_eval()];
    let seen = [samples(phase.words(), params.n()), samples(first.words(), params.n())].concat();
    drop((first, second, phase));
    drop(key.phase(&c));
    assert!(!found(&params, &seen));
    let mut shown = key.phase(&c);
    shown = Poly::from_words(params.basis(2), shown.words());
    drop(shown);
    assert!(found(&params, &seen));
}

#[test]
fn nothing_of_a_message_and_its_error_is_left_in_the_pool() {
    let (params, mut prng) = (params(), Prng::from_os().unwrap());
    let key = SecretKey::generate(&params).unwrap();
    let message: Vec<i64> = (0..params.n() as i64).map(|i| (i + 1) << 30).collect();
    let c = key.encrypt(2, &message, &mut prng).expand();
    // Message and error are the phase.
    let phase = key.phase(&c);
    let seen =
        [samples(phase.words(), params.n()), samples(phase.clone().into_eval().words(), params.n())].concat();
    drop(phase);
    drop(key.public_key().unwrap().encrypt(2, &message, &mut prng));
    assert!(!found(&params, &seen));
}
