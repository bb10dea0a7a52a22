//! Key switching, automorphisms and extraction, seen through the phase.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use he_core::ring::rns::to_integers;
use he_core::ring::{Coeff, Eval, GaussianInteger, Poly};
use he_core::rlwe::lwe::sample_extract;
use he_core::rlwe::noise::{NoiseModel, log2_abs, measure};
use he_core::rlwe::{
    Ciphertext, Digits, EvaluationKeys, Extended, ForeignSecret, Parameters, PreparedPlaintext, SecretKey,
};
use num_bigint::BigInt;
use proptest::prelude::*;

use crate::common::{
    centred, from_integers, insecure, limbs, prng, product, random_ciphertext, secret_coefficients, secret_id,
};

const ONE: GaussianInteger = GaussianInteger { re: 1, im: 0 };

/// Digits of 1, 2, 3 and 6 primes of 30 to 50 bits, with special primes that cover them.
fn families(error_factor: u64) -> Vec<Parameters> {
    let q = [47, 41, 47, 30, 47, 50];
    [(1, vec![50]), (2, vec![50, 50]), (3, vec![50, 50, 49]), (4, vec![50; 4]), (6, vec![50; 6])]
        .into_iter()
        .map(|(digit, p)| insecure(6, &q, &p, digit, error_factor))
        .collect()
}

/// That `after − before` is a multiple of the error factor, and as small as the model says.
fn check_error(params: &Parameters, limbs: usize, before: &[BigInt], after: &[BigInt]) {
    let modulus = product(params.basis(limbs).moduli());
    let bound = NoiseModel::new(params).key_switch(limbs).log2() / 2.0 + 3.17;
    for (before, after) in before.iter().zip(after) {
        let error = centred(&(after - before), &modulus);
        assert_eq!(&error % params.spec().error_factor, BigInt::ZERO);
        assert!(log2_abs(&error) <= bound, "error of {} bits, expected {bound}", log2_abs(&error));
    }
}

fn phase(key: &SecretKey, c: &Ciphertext) -> Vec<BigInt> {
    to_integers(&key.phase(c))
}

#[test]
fn relinearization_keeps_the_phase() {
    let mut prng = prng(1);
    for f in [1, 65_537, 1 << 40] {
        for params in families(f) {
            let key = SecretKey::generate(&params).unwrap();
            let top = params.max_limbs();
            for cut in [top, 3, 1] {
                let keys = key.evaluation_keys(cut, &BTreeMap::new()).unwrap();
                assert_eq!(keys.relinearization().unwrap().limbs(), cut);
                for limbs in 1..=cut {
                    let c = random_ciphertext(&mut prng, key.secret_id(), &params, limbs, 2);
                    let out = keys.relinearize(&c).unwrap();
                    assert_eq!((out.degree(), out.limbs()), (1, limbs));
                    check_error(&params, limbs, &phase(&key, &c), &phase(&key, &out));
                }
                if cut < top {
                    assert!(
                        keys.relinearize(&random_ciphertext(&mut prng, key.secret_id(), &params, cut + 1, 2))
                            .is_none()
                    );
                }
            }
        }
    }
}

#[test]
fn automorphisms_permute_the_phase_and_hoisting_changes_no_bit() {
    let mut prng = prng(2);
    for params in families(257) {
        let (key, n) = (SecretKey::generate(&params).unwrap(), params.n());
        let elements: BTreeMap<usize, usize> = [(3, 6), (2 * n - 1, 4), (n + 1, 1), (77, 6)].into();
        let keys = key.evaluation_keys(0, &elements).unwrap();
        assert!(keys.relinearization().is_none());
        assert_eq!(keys.galois_elements().count(), 4);
        for limbs in 1..=6 {
            let c = random_ciphertext(&mut prng, key.secret_id(), &params, limbs, 1);
            let (before, digits) = (key.phase(&c), Digits::decompose(&params, &c.parts()[1]));
            for (&g, &cut) in &elements {
                let plain = keys.automorphism(&c, g);
                let hoisted = keys.automorphism_hoisted(&c, &digits, g);
                assert_eq!(plain.is_some(), limbs <= cut);
                assert_eq!(hoisted.is_some(), limbs <= cut);
                let (Some(plain), Some(hoisted)) = (plain, hoisted) else {
                    continue;
                };
                for (a, b) in plain.parts().iter().zip(hoisted.parts()) {
                    assert_eq!(a.words(), b.words());
                }
                check_error(&params, limbs, &to_integers(&before.automorphism(g)), &phase(&key, &plain));
            }
            assert!(keys.automorphism(&c, 5).is_none());
        }
    }
}

#[test]
fn a_key_serves_no_other_secret() {
    let params = insecure(6, &[47, 47], &[50], 1, 1);
    let [key, other] = [(); 2].map(|()| SecretKey::generate(&params).unwrap());
    let keys = other.evaluation_keys(2, &[(5, 2)].into()).unwrap();
    let [linear, square] =
        [1, 2].map(|degree| random_ciphertext(&mut prng(3), key.secret_id(), &params, 2, degree));
    let theirs = random_ciphertext(&mut prng(3), other.secret_id(), &params, 2, 1);
    let panics = |operation: &dyn Fn()| catch_unwind(AssertUnwindSafe(operation)).is_err();
    let digits = Digits::decompose(&params, &linear.parts()[1]);
    let one = PreparedPlaintext::new(&params, 2, &[0; 64]);
    let operations: [&dyn Fn(); 14] = [
        &|| drop(keys.relinearize(&square)),
        &|| drop(keys.relinearize_extended(&square)),
        &|| drop(keys.automorphism(&linear, 5)),
        &|| drop(keys.automorphism_hoisted(&linear, &digits, 5)),
        &|| drop(keys.automorphism_extended(&linear, &digits, 5)),
        &|| drop(keys.turn_extended(&Extended::lift(&linear), 5)),
        &|| drop(other.phase(&linear)),
        &|| linear.clone().add_assign(&theirs),
        &|| linear.clone().sub_assign(&theirs),
        &|| drop(Ciphertext::tensor_products(2, 1, &[&linear], &[&theirs])),
        &|| drop(Ciphertext::plain_sum(2, &[(&linear.parts()[0], &linear), (&linear.parts()[0], &theirs)])),
        &|| drop(Ciphertext::gaussian_sum(2, &[(ONE, &linear), (ONE, &theirs)])),
        &|| Extended::lift(&linear).add_assign(&Extended::lift(&theirs)),
        &|| drop(Extended::dot(&[(&one, &Extended::lift(&linear)), (&one, &Extended::lift(&theirs))])),
    ];
    for (at, operation) in operations.iter().enumerate() {
        assert!(panics(operation), "operation {at}");
    }
    // A switch from one secret to another knows both.
    let switch = other.switching_key_from(&key, 2, &mut prng(4));
    assert_eq!(switch.secret_ids(), [key.secret_id(), other.secret_id()]);
    assert_eq!(switch.switch_ciphertext(&linear).unwrap().secret_id(), other.secret_id());
    let (operation, object) = ("key switch", "ciphertext");
    let refused = ForeignSecret { operation, object, found: other.secret_id(), needed: key.secret_id() };
    assert_eq!(switch.switch_ciphertext(&theirs).err(), Some(refused));
    // What is made of a key has its identifier.
    let public = key.public_key().unwrap();
    let derived = [
        public.secret_id(),
        public.encrypt_zero(1, &mut prng(5)).secret_id(),
        key.encrypt_zero(1, &mut prng(5)).secret_id(),
        key.encrypt_zero(1, &mut prng(5)).expand().truncated(1).secret_id(),
        key.interleaved(&insecure(7, &[47, 47], &[50], 1, 1)).secret_id(),
    ];
    assert_eq!(derived, [key.secret_id(); 5]);
    assert_eq!(
        (keys.secret_id(), EvaluationKeys::none(&params).secret_id()),
        (Some(other.secret_id()), None)
    );
}

#[test]
fn keys_are_missing_where_none_were_made() {
    let params = insecure(4, &[47], &[50], 1, 1);
    let c = random_ciphertext(&mut prng(4), secret_id(1), &params, 1, 2);
    assert!(EvaluationKeys::none(&params).relinearize(&c).is_none());
    let linear = random_ciphertext(&mut prng(4), secret_id(1), &params, 1, 1);
    assert!(EvaluationKeys::none(&params).automorphism(&linear, 3).is_none());
}

#[test]
fn encryptions_of_zero_are_zero() {
    for f in [1, 2, 65_537, 1 << 49] {
        let params = insecure(7, &[50, 47, 41, 30], &[50], 1, f);
        let (key, mut prng) = (SecretKey::generate(&params).unwrap(), prng(5));
        let (public, model) = (key.public_key().unwrap(), NoiseModel::new(&params));
        let zeros = vec![BigInt::ZERO; params.n()];
        for limbs in 2..=4 {
            let cases = [
                (key.encrypt_zero(limbs, &mut prng).expand(), model.fresh_secret()),
                (public.encrypt_zero(limbs, &mut prng), model.fresh_public()),
            ];
            for (c, variance) in cases {
                assert!(!c.is_transparent());
                for error in measure(&key, &c, &zeros) {
                    assert_eq!(&error % f, BigInt::ZERO);
                    assert!(log2_abs(&error) <= variance.log2() / 2.0 + 3.17);
                }
            }
        }
    }
}

#[test]
fn arithmetic_on_ciphertexts_is_arithmetic_on_phases() {
    let params = insecure(5, &[47, 41, 50], &[50], 1, 17);
    let (key, mut prng) = (SecretKey::generate(&params).unwrap(), prng(6));
    let at = |limbs: usize, v: Poly<Coeff>| limbs_of(&v.into_eval().truncated(limbs).into_coeff());
    for limbs in 1..=3 {
        let [a, b] = [(); 2].map(|()| random_ciphertext(&mut prng, key.secret_id(), &params, limbs, 1));
        let c = random_ciphertext(&mut prng, key.secret_id(), &params, limbs, 2);
        let [va, vb, vc] = [&a, &b, &c].map(|x| key.phase(x).into_eval());
        let phases = |x: &Ciphertext| limbs_of(&key.phase(x));
        let sum = |a: &Poly<Eval>, b: &Poly<Eval>| {
            let mut a = a.clone();
            a.add_assign(b);
            limbs_of(&a.into_coeff())
        };
        let mut minus_vc = vc.clone();
        minus_vc.neg_assign();
        for (x, y, vx, vy) in [(&a, &b, &va, &vb), (&a, &c, &va, &vc), (&c, &a, &vc, &va)] {
            let mut out = x.clone();
            out.add_assign(y);
            assert_eq!((phases(&out), out.degree()), (sum(vx, vy), x.degree().max(y.degree())));
        }
        for (x, vx) in [(&a, &va), (&c, &vc)] {
            let mut out = x.clone();
            out.sub_assign(&c);
            assert_eq!(phases(&out), sum(vx, &minus_vc));
        }
        let mut negated = c.clone();
        negated.neg_assign();
        assert_eq!(phases(&negated), limbs_of(&minus_vc.into_coeff()));
        for cut in 1..=limbs {
            let dot = |x: &Poly<Eval>, y: &Poly<Eval>| Poly::dot(params.basis(cut), &[(x, y)]).into_coeff();
            let product = Ciphertext::tensor_products(cut, 1, &[&a], &[&b]).remove(0);
            assert_eq!((product.degree(), product.limbs()), (2, cut));
            assert_eq!(phases(&product), limbs_of(&dot(&va, &vb)));
            // (a b; b b)·(b a; a b)
            let both = Ciphertext::tensor_products(cut, 2, &[&a, &b, &b, &b], &[&b, &a, &a, &b]);
            let entries = [[(&va, &vb), (&vb, &va)], [(&va, &va), (&vb, &vb)]];
            let entries = entries.into_iter().chain([[(&vb, &vb), (&vb, &va)], [(&vb, &va), (&vb, &vb)]]);
            for (product, [(x, y), (z, w)]) in both.iter().zip(entries) {
                let mut expected = dot(x, y);
                expected.add_assign(&dot(z, w));
                assert_eq!(phases(product), limbs_of(&expected));
            }
            let plain = Ciphertext::plain_sum(cut, &[(&va, &c), (&vb, &c)]);
            let mut expected = dot(&va, &vc);
            expected.add_assign(&dot(&vb, &vc));
            assert_eq!(phases(&plain), limbs_of(&expected));
            assert_eq!(phases(&c.truncated(cut)), at(cut, vc.clone().into_coeff()));
        }
        let (mut scaled, mut expected) = (c.clone(), vc.clone());
        scaled.mul_integer(-123_456_789);
        expected.mul_integer_assign(-123_456_789);
        assert_eq!(phases(&scaled), limbs_of(&expected.into_coeff()));
        let (mut by_poly, mut expected) = (c.clone(), vc.clone());
        by_poly.mul_phase(&va);
        expected.mul_assign(&va);
        assert_eq!(phases(&by_poly), limbs_of(&expected.into_coeff()));
        let mut shifted = c.clone();
        shifted.add_to_phase(&vb);
        assert_eq!(phases(&shifted), sum(&vc, &vb));
    }
}

fn limbs_of(v: &Poly<Coeff>) -> Vec<Vec<u64>> {
    limbs(v)
}

/// Modulus switching: `q·v' − v` is a small multiple of the factor, for phases all over the modulus.
#[test]
fn dropping_a_prime_divides_the_phase() {
    for f in [1, 3, 65_536, (1 << 49) - 1] {
        let params = insecure(6, &[50, 41, 47, 30], &[50], 1, f);
        let (key, mut prng) = (SecretKey::generate(&params).unwrap(), prng(7));
        for (limbs, degree) in [(4, 1), (3, 1), (2, 1), (4, 2)] {
            let c = random_ciphertext(&mut prng, key.secret_id(), &params, limbs, degree);
            let q = params.spec().q[limbs - 1];
            let modulus = product(params.basis(limbs).moduli());
            // ‖δ‖ ≤ f·q/2·(1 + ‖s‖₁ + …): far below the modulus.
            let bound = BigInt::from(f) * q * (1 + params.n().pow(degree as u32));
            for (v, w) in phase(&key, &c).iter().zip(phase(&key, &c.drop_last())) {
                let delta = centred(&(w * q - v), &modulus);
                assert!(delta.magnitude() < bound.magnitude());
                if limbs > 2 || f < 1 << 40 {
                    assert_eq!(delta % f, BigInt::ZERO);
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn extracted_samples_are_the_coefficients_of_the_phase(log_n in 3u32..9, seed: u64) {
        let params = insecure(log_n, &[47, 50], &[50], 1, 1);
        let key = SecretKey::generate(&params).unwrap();
        let c = random_ciphertext(&mut prng(seed), key.secret_id(), &params, 1, 1);
        let secret = secret_coefficients(&key);
        prop_assert!(secret.iter().all(|s| s.abs() <= 1));
        let [c0, c1] = [0, 1].map(|i: usize| c.parts()[i].clone().into_coeff());
        let phase = key.phase(&c);
        for j in 0..params.n() {
            let sample = sample_extract(&c0, &c1, j);
            prop_assert_eq!(sample.a.len(), params.n());
            let value = sample.a.iter().zip(&secret).fold(sample.b, |sum, (&a, &s)| {
                sample.q.add(sum, sample.q.mul(a, sample.q.reduce_i64(s)))
            });
            prop_assert_eq!(value, phase.limb(0)[j]);
        }
    }
}

#[test]
fn hand_made_ciphertexts_have_the_phase_of_their_parts() {
    let params = insecure(3, &[47, 41], &[], 1, 1);
    let key = SecretKey::generate(&params).unwrap();
    let secret: Vec<BigInt> = secret_coefficients(&key).into_iter().map(BigInt::from).collect();
    let basis = params.basis(2);
    let mut one = Poly::<Eval>::zero(basis);
    one.add_integer_assign(1);
    let s = from_integers(basis, &secret);
    let linear = Ciphertext::new(&params, key.secret_id(), vec![Poly::zero(basis), one.clone()]);
    assert_eq!(key.phase(&linear).words(), s.words());
    let square =
        Ciphertext::new(&params, key.secret_id(), vec![Poly::zero(basis), Poly::zero(basis), one.clone()]);
    let s = s.into_eval();
    assert_eq!(key.phase(&square).into_eval().words(), Poly::dot(basis, &[(&s, &s)]).words());
    let constant = Ciphertext::new(&params, key.secret_id(), vec![one.clone(), Poly::zero(basis)]);
    assert!(constant.is_transparent() && !linear.is_transparent());
    assert_eq!(key.phase(&constant).into_eval().words(), one.words());
}
