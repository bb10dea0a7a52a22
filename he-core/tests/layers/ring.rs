//! Polynomials against their definition, in both domains.

use crate::common::{
    SIZES, basis, limbs, naive_automorphism, naive_product, poly, prng, residues, zip_limbs,
};
use he_core::ring::{Coeff, Poly};
use proptest::prelude::*;

/// Every operation at one size.
fn check(log_n: u32, seed: u64) {
    let (basis, mut prng) = (basis(log_n, &SIZES), prng(seed));
    let n = basis.n();
    let [a, b, c] = [(); 3].map(|()| poly(&mut prng, &basis));
    let [ea, eb, ec] = [&a, &b, &c].map(|p| p.clone().into_eval());
    assert_eq!(limbs(&ea.clone().into_coeff()), limbs(&a));

    let sum = zip_limbs(&a, &b, |q, a, b| a.iter().zip(b).map(|(&a, &b)| q.add(a, b)).collect());
    let difference = zip_limbs(&a, &b, |q, a, b| a.iter().zip(b).map(|(&a, &b)| q.sub(a, b)).collect());
    let negated = zip_limbs(&a, &a, |q, a, _| a.iter().map(|&a| q.neg(a)).collect());
    let (mut x, mut y) = (a.clone(), ea.clone());
    x.add_assign(&b);
    y.add_assign(&eb);
    assert_eq!([limbs(&x), limbs(&y.into_coeff())], [sum.clone(), sum]);
    let (mut x, mut y) = (a.clone(), ea.clone());
    x.sub_assign(&b);
    y.sub_assign(&eb);
    assert_eq!([limbs(&x), limbs(&y.into_coeff())], [difference.clone(), difference]);
    let (mut x, mut y) = (a.clone(), ea.clone());
    x.neg_assign();
    y.neg_assign();
    assert_eq!([limbs(&x), limbs(&y.into_coeff())], [negated.clone(), negated]);

    for scalar in [0, 1, -1, i64::MAX, i64::MIN, prng.next_u64() as i64] {
        let scaled = zip_limbs(&a, &a, |q, a, _| {
            a.iter()
                .map(|&a| q.mul(a, (i128::from(scalar)).rem_euclid(i128::from(q.value())) as u64))
                .collect()
        });
        let (mut x, mut y) = (a.clone(), ea.clone());
        x.mul_integer_assign(scalar);
        y.mul_integer_assign(scalar);
        assert_eq!([limbs(&x), limbs(&y.into_coeff())], [scaled.clone(), scaled]);
        let mut expected = a.clone();
        let mut constant = vec![0; n];
        constant[0] = scalar;
        expected.add_assign(&Poly::<Coeff>::from_signed(&basis, &constant));
        let mut y = ea.clone();
        y.add_integer_assign(scalar);
        assert_eq!(limbs(&y.into_coeff()), limbs(&expected));
    }

    let product = naive_product(&a, &b);
    let mut y = ea.clone();
    y.mul_assign(&eb);
    assert_eq!(limbs(&y.into_coeff()), product);
    let expected: Vec<Vec<u64>> = (product.iter().enumerate())
        .map(|(i, limb)| limb.iter().zip(c.limb(i)).map(|(&p, &c)| basis.modulus(i).add(p, c)).collect())
        .collect();
    let mut y = ec.clone();
    y.mul_add_assign(&ea, &eb);
    assert_eq!(limbs(&y.into_coeff()), expected);

    for g in [1, 3, 2 * n - 1, n + 1, (prng.next_u64() as usize % n) * 2 + 1] {
        let turned = zip_limbs(&a, &a, |q, a, _| naive_automorphism(q, a, g));
        assert_eq!(limbs(&a.automorphism(g)), turned);
        assert_eq!(limbs(&ea.automorphism(g).into_coeff()), turned);
    }
}

/// Sums of products, over a shorter basis than that of the factors.
fn check_dot(log_n: u32, seed: u64, terms: usize) {
    let (long, mut prng) = (basis(log_n, &SIZES), prng(seed));
    let short = long.select(0..2);
    let polys: Vec<_> = (0..2 * terms).map(|_| poly(&mut prng, &long)).collect();
    let evals: Vec<_> = polys.iter().map(|p| p.clone().into_eval()).collect();
    let mut expected = Poly::<Coeff>::zero(&short);
    for pair in polys.chunks(2) {
        let words: Vec<u64> = naive_product(&pair[0], &pair[1])[..2].concat();
        expected.add_assign(&Poly::from_words(&short, &words));
    }
    let pairs: Vec<_> = evals.chunks(2).map(|pair| (&pair[0], &pair[1])).collect();
    let dot = Poly::dot(&short, &pairs);
    assert!(dot.basis().same(&short));
    assert_eq!(limbs(&dot.into_coeff()), limbs(&expected));
    if let Some((a, b)) = pairs.first() {
        let (mut product, mut sum) = (a.truncated(2), Poly::zero(&short));
        product.mul_assign(b);
        sum.mul_add_assign(a, b);
        assert_eq!(product.words(), sum.words());
        assert_eq!(product.words(), Poly::dot(&short, &pairs[..1]).words());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn operations_equal_their_definition(log_n in 3u32..9, seed: u64) {
        check(log_n, seed);
    }

    #[test]
    fn sums_of_products_equal_their_definition(log_n in 3u32..7, terms in 0usize..20, seed: u64) {
        check_dot(log_n, seed, terms);
    }
}

#[test]
fn operations_equal_their_definition_at_larger_sizes() {
    check(10, 1);
    check(12, 2);
    check_dot(11, 3, 3);
}

#[test]
fn many_extreme_terms_are_summed_exactly() {
    let basis = basis(3, &SIZES);
    let words: Vec<u64> = basis.moduli().flat_map(|q| vec![q.value() - 1; 8]).collect();
    let minus_one = Poly::from_words(&basis, &words);
    for terms in [1, 7, 8, 9, 64, 1000] {
        let dot = Poly::dot(&basis, &vec![(&minus_one, &minus_one); terms]);
        assert!(dot.words().iter().all(|&w| w == terms as u64));
    }
}

#[test]
fn signed_coefficients_are_reduced() {
    let basis = basis(3, &SIZES);
    let values = [0, 1, -1, i64::MAX, i64::MIN, 1 << 50, -(1 << 50), 12345];
    let p = Poly::<Coeff>::from_signed(&basis, &values);
    for (i, q) in basis.moduli().enumerate() {
        for (&word, &value) in p.limb(i).iter().zip(&values) {
            assert_eq!(i128::from(word), i128::from(value).rem_euclid(i128::from(q.value())));
        }
    }
}

#[test]
fn a_shorter_uniform_polynomial_is_a_prefix() {
    let long = basis(6, &SIZES);
    let seed = [7; 32];
    let whole = Poly::<Coeff>::uniform(&long, &seed, &[3, 4, 5, 6]);
    for k in 1..=3 {
        let short = Poly::<Coeff>::uniform(&long.select(0..k), &seed, &[3, 4, 5][..k]);
        assert_eq!(short.words(), &whole.words()[..64 * k]);
        assert_eq!(whole.truncated(k).words(), short.words());
    }
    let single = Poly::<Coeff>::uniform(&long.select([2]), &seed, &[5]);
    assert_eq!(single.words(), whole.limb(2));
    assert_ne!(Poly::<Coeff>::uniform(&long, &[8; 32], &[3, 4, 5, 6]).words(), whole.words());
}

#[test]
fn results_do_not_depend_on_threads() {
    let basis = basis(13, &[50, 47, 41, 30, 49, 48]);
    let work = || {
        let mut prng = prng(9);
        let (mut a, b) = (poly(&mut prng, &basis).into_eval(), poly(&mut prng, &basis).into_eval());
        a.mul_add_assign(&b, &b);
        a.automorphism(5).into_coeff().words().to_vec()
    };
    let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    assert_eq!(pool(1).install(work), pool(3).install(work));
}

fn panics(work: impl FnOnce() + std::panic::UnwindSafe) {
    std::panic::catch_unwind(work).expect_err("must panic");
}

#[test]
fn misuse_panics() {
    let (one, other) = (basis(3, &[30, 41]), basis(3, &[30, 47]));
    let q = one.modulus(0).value();
    panics(|| drop(Poly::<Coeff>::from_words(&one, &[0; 15])));
    panics(|| drop(Poly::<Coeff>::from_words(&one, &[q; 16])));
    panics(|| drop(Poly::<Coeff>::from_signed(&one, &[0; 7])));
    panics(|| Poly::<Coeff>::zero(&one).add_assign(&Poly::zero(&other)));
    panics(|| Poly::<Coeff>::zero(&one).into_eval().mul_assign(&Poly::<Coeff>::zero(&other).into_eval()));
    panics(|| {
        let short = Poly::<Coeff>::zero(&one.select(0..1)).into_eval();
        Poly::<Coeff>::zero(&one).into_eval().mul_assign(&short);
    });
    assert!(residues(&mut prng(0), 8, one.modulus(0)).iter().all(|&w| w < q));
}
