//! Passing between residue bases, against integers of any size.

use crate::common::{SIZES, basis, below, centred, from_integers, modulo, poly, prng, product, residues};
use he_core::Modulus;
use he_core::ring::rns::{BaseConverter, ExactDivider, scale_and_round, to_floats, to_integers, to_words};
use he_core::ring::sample::Prng;
use he_core::ring::{Basis, Coeff, Poly};
use num_bigint::BigInt;
use proptest::prelude::*;

/// Factors: none, small, powers of two, up to 49 bits.
const FACTORS: [u64; 7] = [1, 2, 3, 65_537, 1 << 20, (1 << 49) - 1, 1 << 49];

fn word(x: &BigInt) -> u64 {
    x.to_u64_digits().1.first().copied().unwrap_or(0)
}

fn inverse(x: &BigInt, q: &BigInt) -> BigInt {
    x.modinv(q).unwrap()
}

/// Integers of all magnitudes below `all`, away from the ties at `±all/2`; the ends are set explicitly.
fn integers(prng: &mut Prng, n: usize, all: &BigInt) -> Vec<BigInt> {
    let bits = all.bits();
    (0..n)
        .map(|i| {
            let value = below(prng, all);
            match i {
                0 => BigInt::ZERO,
                1 => BigInt::from(1),
                2 => BigInt::from(-1),
                // Up to A·(1/2 − 2^-40): the quotient is a float.
                3 => (all >> 1u32) - (all >> 40u32),
                4 => (all >> 40u32) - (all >> 1u32),
                _ => centred(&(value >> (prng.next_u64() % bits)), all),
            }
        })
        .collect()
}

fn limb_slices(x: &Poly<Coeff>) -> Vec<&[u64]> {
    (0..x.basis().len()).map(|i| x.limb(i)).collect()
}

fn check_converter(from: &Basis, to: &[Modulus], factor: u64, seed: u64) {
    let mut prng = prng(seed);
    let all = product(from.moduli());
    let f = BigInt::from(factor);
    // The representative that is converted is that of x/f: choose it, and let x follow.
    let hidden = integers(&mut prng, from.n(), &all);
    let x = from_integers(from, &hidden.iter().map(|r| modulo(&(r * &f), &all)).collect::<Vec<_>>());
    let converter = BaseConverter::new(from, to, factor);
    let prepared = converter.prepare(&limb_slices(&x));
    for (j, b) in to.iter().enumerate() {
        let modulus = BigInt::from(b.value());
        let mut out = vec![0; from.n()];
        converter.limb(&prepared, j, &mut out);
        for (&found, r) in out.iter().zip(&hidden) {
            assert_eq!(found, word(&modulo(&(r * &f), &modulus)), "{r} times {factor} modulo {b:?}");
        }
        converter.limb_approximate(&prepared, j, &mut out);
        for (&found, r) in out.iter().zip(&hidden) {
            let least = modulo(r, &all);
            let near = (0..from.len()).any(|u| found == word(&modulo(&((&least + &all * u) * &f), &modulus)));
            assert!(near, "{r} times {factor} modulo {b:?}: {found}");
        }
    }
}

fn check_divider(keep: &Basis, drop: &Basis, all: &Basis, factor: u64, seed: u64) {
    let mut prng = prng(seed);
    let (divisor, kept, f) = (product(drop.moduli()), product(keep.moduli()), BigInt::from(factor));
    let x = poly(&mut prng, all);
    let (divider, values) = (ExactDivider::new(keep, drop, factor), x.clone().into_eval());
    let quotient = divider.divide(&values);
    let mut sum = quotient.clone();
    sum.add_assign(&quotient);
    let pair = divider.divide_pair_onto([&values; 2], [None, Some(&quotient)]);
    assert!(pair[0].words() == quotient.words() && pair[1].words() == sum.words());
    let quotient = quotient.into_coeff();
    assert!(quotient.basis().same(keep));
    for (value, found) in to_integers(&x).iter().zip(to_integers(&quotient)) {
        let rounded = centred(&(value * inverse(&f, &divisor)), &divisor);
        let rest: BigInt = value - &rounded * &f;
        assert_eq!(&rest % &divisor, BigInt::ZERO);
        let exact = centred(&(rest / &divisor), &kept);
        // At a tie of several primes, known to 45 bits, the quotient may be the one on the other side.
        let tie = drop.len() > 1
            && (rounded.magnitude() << 1u32) > (divisor.magnitude() - (divisor.magnitude() >> 45u32));
        let near = tie && modulo(&(&found - &exact), &kept).min(modulo(&(&exact - &found), &kept)) == f;
        assert!(found == exact || near, "{value} by {divisor}: {found}, not {exact}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn conversion_is_exact(
        log_n in 3u32..8,
        from in prop::collection::vec(prop::sample::select(&SIZES[..]), 1..7),
        to in prop::collection::vec(prop::sample::select(&SIZES[..]), 1..3),
        factor in prop::sample::select(&FACTORS[..]),
        seed: u64,
    ) {
        let whole = basis(log_n, &[from.clone(), to].concat());
        let source = whole.select(0..from.len());
        let mut targets: Vec<Modulus> = whole.moduli().skip(from.len()).copied().collect();
        // Plaintext moduli too: any number.
        targets.extend([2, 3, 257, 65_536, (1 << 49) - 1, 1 << 49].map(|t| Modulus::new(t).unwrap()));
        check_converter(&source, &targets, factor, seed);
    }

    #[test]
    fn division_is_exact(
        log_n in 3u32..8,
        keep in prop::collection::vec(prop::sample::select(&SIZES[..]), 1..5),
        drop in prop::collection::vec(prop::sample::select(&SIZES[..]), 1..4),
        factor in prop::sample::select(&FACTORS[..]),
        seed: u64,
    ) {
        let all = basis(log_n, &[keep.clone(), drop].concat());
        check_divider(&all.select(0..keep.len()), &all.select(keep.len()..all.len()), &all, factor, seed);
    }

    #[test]
    fn integers_are_centred_and_scaled(
        bits in prop::collection::vec(prop::sample::select(&SIZES[..]), 1..7),
        p in prop::sample::select(&[2u64, 3, 256, 65_537, 1 << 32, (1 << 61) - 1][..]),
        seed: u64,
    ) {
        let (basis, mut prng) = (basis(5, &bits), prng(seed));
        let all = product(basis.moduli());
        let values = integers(&mut prng, 32, &all);
        let x = from_integers(&basis, &values);
        prop_assert_eq!(&to_integers(&x), &values);
        let modulus = Modulus::new(p).unwrap();
        for (value, found) in values.iter().zip(scale_and_round(&x, &modulus)) {
            // p·x/Q is never near a tie but by chance of 2^-60: allow the neighbour there.
            let numerator: BigInt = modulo(value, &all) * p * 2 + &all;
            let (exact, double) = (&numerator / (&all * 2), &all * 2);
            let fraction = modulo(&numerator, &double);
            let expected = word(&modulo(&exact, &BigInt::from(p)));
            let tie = (&double >> 55u32) + 1u32;
            if fraction > tie && &double - &fraction > tie {
                prop_assert_eq!(found, expected);
            } else {
                prop_assert!(modulus.sub(found, expected) <= 1 || modulus.sub(expected, found) <= 1);
            }
        }
    }
}

#[test]
fn conversion_and_division_at_larger_sizes() {
    // More words than a section, and limbs enough for groups on two threads.
    let all = basis(13, &[47, 47, 47, 47, 47, 47, 47, 47, 47, 50, 50]);
    let (keep, drop) = (all.select(0..9), all.select(9..11));
    check_divider(&keep, &drop, &all, 65_537, 1);
    check_divider(&keep, &drop, &all, 1, 2);
    let targets: Vec<Modulus> = drop.moduli().copied().collect();
    check_converter(&keep, &targets, 1, 3);
}

/// The centred representative is `x` for every `|x| < a/2` of a single prime, the ends included.
#[test]
fn single_primes_are_centred_to_the_last_unit() {
    for bits in SIZES {
        let basis = basis(3, &[bits]);
        let q = basis.modulus(0).value();
        let half = (q / 2) as i64;
        let values = [half, -half, half - 1, 1 - half, 0, 1, -1, 2];
        let x = Poly::<Coeff>::from_signed(&basis, &values);
        for b in [2, 3, 97, 1 << 20, (1 << 49) + 9] {
            let b = Modulus::new(b).unwrap();
            let converter = BaseConverter::new(&basis, &[b], 1);
            let mut out = vec![0; 8];
            converter.limb(&converter.prepare(&[x.limb(0)]), 0, &mut out);
            assert_eq!(out, values.map(|v| b.reduce_i64(v)));
        }
    }
    assert_eq!(residues(&mut prng(1), 3, &Modulus::new(5).unwrap()).len(), 3);
}

#[test]
fn scaling_by_hand() {
    let basis = basis(3, &[30]);
    let q = basis.modulus(0).value();
    // q/4 is no integer: a quarter of 4 is 1 from just below q/8·… on.
    let x = Poly::<Coeff>::from_words(
        &basis,
        &[0, q / 8, q / 8 + 1, q / 4, q / 2, q - q / 8 - 1, q - q / 8, q - 1],
    );
    let four = Modulus::new(4).unwrap();
    assert_eq!(scale_and_round(&x, &four), [0, 0, 1, 1, 2, 3, 0, 0]);
}

#[test]
fn floats_and_words_are_the_integers() {
    for count in [1, 2, 3, 7] {
        let basis = basis(4, &[50, 41, 47, 30, 50, 50, 47][..count]);
        let all = product(basis.moduli());
        let exact = integers(&mut prng(count as u64), 16, &all);
        let x = from_integers(&basis, &exact);
        assert_eq!(to_integers(&x), exact);
        for (float, exact) in to_floats(&x).iter().zip(&exact) {
            let shift = exact.bits().saturating_sub(60);
            let nearest = i64::try_from(exact >> shift).unwrap() as f64 * (shift as f64).exp2();
            assert!((float - nearest).abs() <= nearest.abs() * 1e-15, "{float}, exactly {exact}");
        }
        if count <= 2 {
            assert!(to_words(&x).iter().zip(&exact).all(|(word, exact)| BigInt::from(*word) == *exact));
        }
    }
}
