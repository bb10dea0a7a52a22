//! Ciphertexts over `Q·P`, Gaussian integers and raised moduli, against what they stand for.

use std::collections::BTreeMap;

use he_core::ring::GaussianInteger;
use he_core::ring::rns::to_integers;
use he_core::rlwe::noise::{NoiseModel, log2_abs};
use he_core::rlwe::{
    Ciphertext, Digits, Extended, Parameters, PreparedPlaintext, SecretDistribution, SecretKey, Spec,
};
use num_bigint::BigInt;

use crate::common::{centred, insecure, prng, product, random_ciphertext, secret_coefficients};

fn families() -> Vec<Parameters> {
    let q = [47, 41, 47, 30];
    [(1, vec![50]), (2, vec![50, 50])].into_iter().map(|(digit, p)| insecure(7, &q, &p, digit, 1)).collect()
}

fn phase(key: &SecretKey, c: &Ciphertext) -> Vec<BigInt> {
    to_integers(&key.phase(c))
}

/// The largest difference modulo the chain, in bits.
fn distance(a: &[BigInt], b: &[BigInt], modulus: &BigInt) -> f64 {
    a.iter().zip(b).map(|(a, b)| log2_abs(&centred(&(a - b), modulus))).fold(f64::MIN, f64::max)
}

fn small(n: usize, gap: usize, seed: u64) -> Vec<i64> {
    let mut prng = prng(seed);
    (0..n).map(|i| if i % gap == 0 { (prng.next_u64() % 65) as i64 - 32 } else { 0 }).collect()
}

/// `Σ a·b` by definition, over the integers.
fn times(a: &[BigInt], b: &[i64]) -> Vec<BigInt> {
    let n = a.len();
    let mut out = vec![BigInt::ZERO; n];
    for (i, a) in a.iter().enumerate() {
        for (j, &b) in b.iter().enumerate() {
            let term = a * b;
            if i + j < n { out[i + j] += term } else { out[i + j - n] -= term }
        }
    }
    out
}

#[test]
fn one_division_serves_rotations_products_and_sums() {
    let mut prng = prng(11);
    for params in families() {
        let (key, n) = (SecretKey::generate(&params).unwrap(), params.n());
        let elements: BTreeMap<usize, usize> = [(5, 4), (25, 4), (2 * n - 1, 3)].into();
        let keys = key.evaluation_keys(4, &elements).unwrap();
        for limbs in 2..=4 {
            let modulus = product(params.basis(limbs).moduli());
            let noise = NoiseModel::new(&params).key_switch(limbs).log2() / 2.0 + 3.2;
            let c = random_ciphertext(&mut prng, key.secret_id(), &params, limbs, 1);
            let (digits, before) = (Digits::decompose(&params, &c.parts()[1]), key.phase(&c));
            assert_eq!(Extended::lift(&c).mod_down().parts()[1].words(), c.parts()[1].words());
            for g in [1, 5, 25, 2 * n - 1] {
                let Some(extended) = keys.automorphism_extended(&c, &digits, g) else {
                    assert_eq!((g, limbs), (2 * n - 1, 4), "every other key is there");
                    continue;
                };
                // The same as rotating with the division at once, but for one rounding.
                let at_once = keys.automorphism_hoisted(&c, &digits, g).unwrap_or_else(|| c.clone());
                let turned = phase(&key, &extended.mod_down());
                let rounding = (1.0 + 2.0 * n as f64 / 3.0).log2();
                assert!(distance(&turned, &phase(&key, &at_once), &modulus) <= rounding);
                assert!(distance(&turned, &to_integers(&before.automorphism(g)), &modulus) <= noise);
                // Turned again without leaving Q·P.
                let twice = keys.turn_extended(&extended, 5).unwrap().mod_down();
                let expected = to_integers(&before.automorphism(g * 5 % (2 * n)));
                assert!(distance(&phase(&key, &twice), &expected, &modulus) <= noise + 1.0);
            }
            // Plaintexts of every gap, of more limbs than the ciphertext.
            let turned = [1, 5, 25].map(|g| keys.automorphism_extended(&c, &digits, g).unwrap());
            let gaps = [(1, 1u64), (4, 2), (64, 3)];
            let operands: Vec<PreparedPlaintext> = gaps
                .iter()
                .map(|&(gap, seed)| PreparedPlaintext::new(&params, 4, &small(n, gap, seed)))
                .collect();
            assert!(operands[1].bytes() * 4 == operands[0].bytes());
            let pairs: Vec<_> = operands.iter().zip(&turned).collect();
            let mut sum = Extended::dot(&pairs);
            sum.add_assign(&Extended::lift(&c));
            // i·(c + i·(sum − c)) + sum = i·c + c.
            let mut round_trip = sum.clone();
            round_trip.sub_assign(&Extended::lift(&c));
            round_trip.mul_i_assign();
            round_trip.add_assign(&Extended::lift(&c));
            round_trip.mul_i_assign();
            round_trip.add_assign(&sum);
            let mut twice = c.clone();
            twice.mul_i_assign();
            twice.add_assign(&c);
            let rounding = (2.0 + n as f64).log2();
            assert!(
                distance(&phase(&key, &round_trip.mod_down()), &phase(&key, &twice), &modulus) <= rounding
            );
            let mut expected = to_integers(&before);
            for (&(gap, seed), g) in gaps.iter().zip([1, 5, 25]) {
                let term = times(&to_integers(&before.automorphism(g)), &small(n, gap, seed));
                expected.iter_mut().zip(term).for_each(|(sum, term)| *sum += term);
            }
            let grown = noise + 32f64.log2() + (n as f64).log2();
            assert!(distance(&phase(&key, &sum.mod_down()), &expected, &modulus) <= grown);
        }
    }
}

#[test]
fn the_last_prime_goes_in_the_same_rounding() {
    let mut prng = prng(12);
    for params in families() {
        let key = SecretKey::generate(&params).unwrap();
        let keys = key.evaluation_keys(4, &BTreeMap::new()).unwrap();
        let norm: i64 = secret_coefficients(&key).iter().map(|c| c.abs()).sum();
        for limbs in 2..=4 {
            let c = random_ciphertext(&mut prng, key.secret_id(), &params, limbs, 2);
            let extended = keys.relinearize_extended(&c).unwrap();
            let whole = extended.mod_down();
            let at_once = keys.relinearize(&c).unwrap();
            assert!(whole.parts().iter().zip(at_once.parts()).all(|(a, b)| a.words() == b.words()));
            // (x − δ)/q with δ below q/2 a part, on both ways.
            let modulus = product(params.basis(limbs - 1).moduli());
            let rounding = (1.0 + norm as f64).log2() + 0.01;
            let [one, two] = [extended.mod_down_and_drop(), whole.drop_last()].map(|c| phase(&key, &c));
            assert!(distance(&one, &two, &modulus) <= rounding);
        }
        assert!(
            keys.relinearize_extended(&random_ciphertext(&mut prng, key.secret_id(), &params, 4, 1))
                .is_none()
        );
    }
}

#[test]
fn gaussian_integers_are_polynomials_of_two_terms() {
    let (params, mut prng) = (insecure(7, &[50, 47], &[50], 1, 1), prng(13));
    let (key, n) = (SecretKey::generate(&params).unwrap(), params.n());
    let polynomial = |c: GaussianInteger| {
        let mut poly = vec![0; n];
        (poly[0], poly[n / 2]) = (c.re as i64, c.im as i64);
        poly
    };
    let [a, b] = [1, 2].map(|_| random_ciphertext(&mut prng, key.secret_id(), &params, 2, 1));
    let [x, y] = [(-7, 1 << 40), (3, -5)].map(|(re, im)| GaussianInteger { re, im });
    let modulus = product(params.basis(2).moduli());
    let sum = phase(&key, &Ciphertext::gaussian_sum(2, &[(x, &a), (y, &b)]));
    let [pa, pb] = [(&a, x), (&b, y)].map(|(c, f)| times(&phase(&key, c), &polynomial(f)));
    for ((sum, a), b) in sum.iter().zip(&pa).zip(&pb) {
        assert_eq!(centred(&(sum - a - b), &modulus), BigInt::ZERO);
    }
    let mut turned = a.clone();
    turned.mul_i_assign();
    let by_i = phase(&key, &Ciphertext::gaussian_sum(2, &[(GaussianInteger { re: 0, im: 1 }, &a)]));
    assert_eq!(phase(&key, &turned), by_i);
    // Constants beyond a word.
    let wide = GaussianInteger { re: -(1 << 80), im: 1 << 70 };
    let mut shifted = a.clone();
    shifted.add_gaussian_assign(wide);
    let difference: Vec<BigInt> =
        phase(&key, &shifted).iter().zip(phase(&key, &a)).map(|(s, a)| centred(&(s - a), &modulus)).collect();
    for (i, d) in difference.iter().enumerate() {
        assert_eq!(
            *d,
            BigInt::from(if i == 0 {
                wide.re
            } else if i == n / 2 {
                wide.im
            } else {
                0
            })
        );
    }
}

/// What bootstrapping begins with: to a thin secret at one prime, up to the whole chain, and back.
#[test]
fn raised_ciphertexts_keep_their_phase_modulo_the_first_prime() {
    let (params, mut prng) = (insecure(8, &[47, 41, 47], &[50, 50], 2, 1), prng(14));
    let thin = SecretDistribution::SparseTernary { weight: 16 };
    let [q, p] = [params.spec().q[0], params.spec().p[0]];
    let spec = Spec { q: vec![q], p: vec![p], digit: 1, secret: thin, ..params.spec().clone() };
    let short = spec.build_insecure("a test").unwrap();
    let [key, short_key] = [&params, &short].map(|params| SecretKey::generate(params).unwrap());
    let to = short_key.switching_key_from(&key, 1, &mut prng);
    let back = key.switching_key_from(&short_key, 3, &mut prng);

    let c = random_ciphertext(&mut prng, key.secret_id(), &params, 1, 1);
    let (before, first) = (phase(&key, &c), BigInt::from(q));
    let encapsulated = to.switch_ciphertext(&c).unwrap();
    let noise = NoiseModel::new(&short).key_switch(1).log2() / 2.0 + 3.2;
    assert!(distance(&phase(&short_key, &encapsulated), &before, &first) <= noise);

    let raised = back.switch_ciphertext(&encapsulated.over(&params).raised(3)).unwrap();
    assert_eq!(raised.limbs(), 3);
    let after = phase(&key, &raised);
    assert!(distance(&after, &before, &first) <= noise + 1.0);
    // At most (1 + 16)/2 multiples of the first prime, and one for the message.
    let most = after.iter().map(log2_abs).fold(f64::MIN, f64::max) - (q as f64).log2();
    assert!(most > 0.0 && most <= 9.5f64.log2(), "{most} bits of multiples");
}
