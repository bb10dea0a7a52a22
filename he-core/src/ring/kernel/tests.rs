//! Every kernel against [`Modulus`], word by word, at lengths with and without a remainder.

use proptest::prelude::*;

use super::*;

/// Moduli around every bound of the kernels; they need not be prime.
const MODULI: [u64; 16] = [
    2,
    3,
    97,
    1_048_573,
    (1 << 31) - 1,
    (1 << 41) - 21,
    (1 << 47) - 115,
    (1 << 48) - 59,
    (1 << 48) + 1,
    (1 << 49) - 81,
    (1 << 50) - 27,
    (1 << 50) - 1,
    1 << 50,
    (1 << 58) - 27,
    (1 << 61) - 1,
    (1 << 62) - 57,
];

/// Words in `[0, q)`: extreme ones, their alternation, or noise.
fn words(m: &Modulus, length: usize, shape: usize, seed: u64) -> Vec<u64> {
    let (q, mut state) = (m.value(), seed | 1);
    (0..length)
        .map(|i| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let noise = m.reduce_u128((u128::from(state) << 64) | u128::from(state >> 7));
            match shape % 5 {
                0 => q - 1,
                1 => 0,
                2 => [q - 1, 0][i % 2],
                3 => [q / 2, (q / 2 + 1) % q][i % 2],
                _ => noise,
            }
        })
        .collect()
}

fn zip(a: &[u64], b: &[u64], op: impl Fn(u64, u64) -> u64) -> Vec<u64> {
    a.iter().zip(b).map(|(&a, &b)| op(a, b)).collect()
}

fn after(a: &[u64], op: impl FnOnce(&mut [u64])) -> Vec<u64> {
    let mut a = a.to_vec();
    op(&mut a);
    a
}

fn views(matrix: &[[Vec<u64>; 2]]) -> Vec<Pair<'_>> {
    matrix.iter().map(|parts| parts.each_ref().map(Vec::as_slice)).collect()
}

fn modulus() -> impl Strategy<Value = Modulus> {
    (0..MODULI.len()).prop_map(|i| Modulus::new(MODULI[i]).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn binary_kernels(m in modulus(), length in 0_usize..70, shapes: [usize; 3], seeds: [u64; 3]) {
        let [a, b, c] = std::array::from_fn(|i| words(&m, length, shapes[i], seeds[i]));
        prop_assert_eq!(after(&a, |a| add_assign(&m, a, &b)), zip(&a, &b, |a, b| m.add(a, b)));
        prop_assert_eq!(after(&a, |a| sub_assign(&m, a, &b)), zip(&a, &b, |a, b| m.sub(a, b)));
        prop_assert_eq!(after(&a, |a| neg_assign(&m, a)), zip(&a, &a, |a, _| m.neg(a)));
        let products = zip(&a, &b, |a, b| m.mul(a, b));
        prop_assert_eq!(after(&c, |c| mul_add_assign(&m, c, &a, &b)), zip(&c, &products, |c, p| m.add(c, p)));
        prop_assert_eq!(after(&a, |a| mul_assign(&m, a, &b)), products);
    }

    #[test]
    fn scalar_kernels(m in modulus(), length in 0_usize..70, shapes: [usize; 3], seeds: [u64; 3]) {
        let [a, b] = std::array::from_fn(|i| words(&m, length, shapes[i], seeds[i]));
        let s = words(&m, 2, shapes[2], seeds[2])[1];
        prop_assert_eq!(after(&a, |a| mul_scalar_assign(&m, a, s)), zip(&a, &a, |a, _| m.mul(a, s)));
        prop_assert_eq!(
            after(&a, |a| mul_scalar_add_assign(&m, a, &b, s)),
            zip(&a, &b, |a, b| m.add(a, m.mul(b, s)))
        );
        prop_assert_eq!(
            after(&a, |a| sub_mul_scalar_assign(&m, a, &b, s)),
            zip(&a, &b, |a, b| m.mul(m.sub(a, b), s))
        );
    }

    #[test]
    fn sums_of_products(
        m in modulus(), length in 0_usize..70, terms in 0_usize..40, shape: usize, seed: u64,
    ) {
        let make = |i: usize| words(&m, length, shape, seed.wrapping_add(i as u64));
        let a: Vec<Vec<u64>> = (0..terms).map(make).collect();
        let b: Vec<Vec<u64>> = (100..100 + terms).map(make).collect();
        let a: Vec<&[u64]> = a.iter().map(Vec::as_slice).collect();
        let b: Vec<&[u64]> = b.iter().map(Vec::as_slice).collect();
        let mut out = words(&m, length, 4, seed);
        let there = out.clone();
        dot(&m, &mut out, &a, &b);
        let expected: Vec<u64> = (0..length)
            .map(|j| (0..terms).fold(0, |sum, i| m.add(sum, m.mul(a[i][j], b[i][j]))))
            .collect();
        prop_assert_eq!(&out, &expected);
        // Two columns at once, added to what is there: the second is of squares.
        let squares = (0..length).map(|j| (0..terms).fold(0, |sum, i| m.add(sum, m.mul(a[i][j], a[i][j]))));
        let expected = [zip(&there, &expected, |x, y| m.add(x, y)), zip(&there, &squares.collect::<Vec<_>>(), |x, y| m.add(x, y))];
        let mut both = [there.clone(), there];
        let mut portable = both.clone();
        dot_add_assign(&m, both.each_mut().map(|out| &mut out[..]), &a, [&b, &a]);
        prop_assert_eq!(&both, &expected);
        dot::portable(&m, portable.each_mut().map(|out| &mut out[..]), &a, [&b[..], &a[..]]);
        prop_assert_eq!(&portable, &expected);
    }

    #[test]
    fn linear_combinations(
        m in modulus(), from in 0..MODULI.len(),
        length in 0_usize..70, terms in 0_usize..40, shape: usize, seed: u64,
    ) {
        // Words of other moduli, up to 2^50 where the contract says so.
        let limit = if m.value() < 1 << 50 { 1 << 50 } else { u64::MAX };
        let from = Modulus::new(MODULI[from].min(limit)).unwrap();
        let a: Vec<Vec<u64>> = (0..terms).map(|i| words(&from, length, shape, seed ^ i as u64)).collect();
        let a: Vec<&[u64]> = a.iter().map(Vec::as_slice).collect();
        let s = words(&m, terms, shape / 5, !seed);
        let mut out = words(&m, length, 4, seed);
        dot_scalars(&m, &mut out, &a, &s);
        let expected: Vec<u64> = (0..length)
            .map(|j| (0..terms).fold(0, |sum, i| m.add(sum, m.mul(m.reduce(a[i][j]), s[i]))))
            .collect();
        prop_assert_eq!(out, expected);
    }

    #[test]
    fn centred_reduction(m in modulus(), from in modulus(), length in 0_usize..70, shape: usize, seed: u64) {
        let src = words(&from, length, shape, seed);
        let mut dst = vec![0; length];
        center_reduce(&m, &mut dst, &src, &from);
        prop_assert_eq!(dst, zip(&src, &src, |x, _| m.reduce_i64(from.center(x))));
    }

    #[test]
    fn gathering(length in 1_usize..70, seed: u64) {
        let m = Modulus::new(1 << 40).unwrap();
        let src = words(&m, length, 4, seed);
        let index: Vec<u32> = src.iter().map(|x| (x % length as u64) as u32).collect();
        let mut dst = vec![0; length];
        gather(&mut dst, &src, &index);
        prop_assert!(dst.iter().zip(&index).all(|(&x, &i)| x == src[i as usize]));
    }
}

#[test]
#[should_panic(expected = "one length")]
fn lengths_must_agree() {
    add_assign(&Modulus::new(97).unwrap(), &mut [1, 2], &[1]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn tensor_kernel(
        m in modulus(), length in 0_usize..300, shape in (1_usize..4, 1_usize..18, 1_usize..4), seed: u64, kind: usize,
    ) {
        let (rows, inner, columns) = shape;
        let matrix = |count: usize, salt: u64| -> Vec<[Vec<u64>; 2]> {
            (0..count as u64)
                .map(|i| [0, 1].map(|part| words(&m, length, kind, seed ^ ((2 * i + part) * 8 + salt))))
                .collect()
        };
        let (a, b) = (matrix(rows * inner, 2), matrix(inner * columns, 4));
        let mut out = vec![[(); 3].map(|()| vec![7; length]); rows * columns];
        let mut slices: Vec<Triple<'_>> = out.iter_mut().map(|parts| parts.each_mut().map(|p| &mut p[..])).collect();
        tensor(&m, &mut slices, &views(&a), &views(&b), inner);
        for (at, out) in out.iter().enumerate() {
            let (i, j) = (at / columns, at % columns);
            for (part, out) in out.iter().enumerate() {
                let mut sum = vec![0; length];
                for k in 0..inner {
                    let (a, b) = (&a[i * inner + k], &b[k * columns + j]);
                    for (x, y) in [(0, 0), (0, 1), (1, 0), (1, 1)].into_iter().filter(|(x, y)| x + y == part) {
                        mul_add_assign(&m, &mut sum, &a[x], &b[y]);
                    }
                }
                prop_assert_eq!(&sum, out);
            }
        }
    }
}
