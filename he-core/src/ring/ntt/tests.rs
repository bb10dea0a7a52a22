//! Every engine against the definition, each other and itself.

use proptest::prelude::*;

use super::*;
use crate::prime::primes_below;
use crate::ring::naive;

/// Unoptimised vector code is a hundred times slower, and the longest transforms add no new pass.
const LONGEST: u32 = if cfg!(debug_assertions) { 13 } else { 17 };

/// Primes for length `n` at the ends of the regimes of the float kernels, and beyond.
fn primes(n: usize) -> Vec<Modulus> {
    [20, 31, 41, 47, 48, 49, 50, 58, 61]
        .iter()
        .flat_map(|&bits| primes_below(1 << bits, 2 * n as u64, 1).unwrap_or_default())
        .chain(primes_below((1 << 48) + (1 << 24), 2 * n as u64, 1).unwrap())
        .map(|q| Modulus::new(q).unwrap())
        .collect()
}

fn backends(n: usize, q: Modulus) -> Vec<Ntt> {
    let ifma = (q.value() < IFMA_LIMIT && has_ifma()).then_some(Backend::Ifma);
    let fma = (q.value() < FMA_LIMIT).then_some(Backend::Fma);
    #[cfg(feature = "tfhe-ntt")]
    let library = Some(Backend::Library);
    #[cfg(not(feature = "tfhe-ntt"))]
    let library = None;
    let all = [ifma, fma, library, Some(Backend::Words)].into_iter().flatten();
    all.map(|b| Ntt::with_backend(n, q, b).unwrap()).collect()
}

fn noise(n: usize, q: &Modulus, seed: u64) -> Vec<u64> {
    let mut state = seed;
    (0..n)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            q.reduce(state)
        })
        .collect()
}

/// Inputs that drive sums to their bounds, and random ones.
fn inputs(n: usize, q: &Modulus) -> Vec<Vec<u64>> {
    let top = q.value() - 1;
    let half = q.value() / 2;
    vec![
        vec![0; n],
        vec![top; n],
        vec![half; n],
        (0..n).map(|i| if i % 2 == 0 { top } else { 0 }).collect(),
        (0..n).map(|i| if i < n / 2 { top } else { 0 }).collect(),
        (0..n).map(|i| if i.count_ones() % 2 == 0 { half } else { half + 1 }).collect(),
        noise(n, q, 0x1234_5678_9abc_def1),
    ]
}

#[test]
fn forward_is_the_definition() {
    for log_n in 3..=10 {
        let n = 1 << log_n;
        for q in primes(n) {
            for ntt in backends(n, q) {
                for input in inputs(n, &q).into_iter().skip(if log_n > 8 { 5 } else { 0 }) {
                    let mut data = input.clone();
                    ntt.forward(&mut data);
                    assert!(
                        data == naive::ntt_naive(&input, ntt.root(), &q),
                        "n {n} q {q:?} {:?}",
                        ntt.backend()
                    );
                    ntt.inverse(&mut data);
                    assert!(data == input, "inverse, n {n} q {q:?} {:?}", ntt.backend());
                }
            }
        }
    }
}

#[test]
fn long_transforms_are_right_at_sampled_points() {
    for log_n in 11..=LONGEST {
        let n = 1 << log_n;
        for q in primes(n) {
            let ifma = Ntt::with_backend(n, q, Backend::Ifma).ok();
            let words = Ntt::with_backend(n, q, Backend::Words).unwrap();
            for ntt in ifma.into_iter().chain([Ntt::new(n, q).unwrap(), words]) {
                for input in inputs(n, &q) {
                    right_at_sampled_points(&ntt, &input);
                }
            }
        }
    }
}

fn right_at_sampled_points(ntt: &Ntt, input: &[u64]) {
    let (n, q) = (ntt.n(), ntt.modulus());
    let mut data = input.to_vec();
    ntt.forward(&mut data);
    for at in [0, 1, 13, n / 2 + 7, n - 1] {
        let x = q.pow(ntt.root(), u64::from(ntt.evaluation_exponents()[at]));
        assert_eq!(data[at], naive::evaluate(input, x, q), "n {n} q {q:?} at {at} {:?}", ntt.backend());
    }
    assert!(data.iter().all(|&x| x < q.value()));
    ntt.inverse(&mut data);
    assert!(data == input, "inverse, n {n} q {q:?} {:?}", ntt.backend());
}

#[test]
fn backends_agree() {
    for log_n in 3..=LONGEST.min(15) {
        let n = 1 << log_n;
        for q in primes(n) {
            let (words, others) = (backends(n, q).pop().unwrap(), backends(n, q));
            for input in inputs(n, &q) {
                let (mut forward, mut inverse) = (input.clone(), input.clone());
                words.forward(&mut forward);
                // The extreme words as values, too: the inverse has bounds of its own.
                words.inverse(&mut inverse);
                for ntt in &others {
                    let mut data = input.clone();
                    ntt.forward(&mut data);
                    assert!(data == forward, "forward, n {n} q {q:?} {:?}", ntt.backend());
                    data.copy_from_slice(&input);
                    ntt.inverse(&mut data);
                    assert!(data == inverse, "inverse, n {n} q {q:?} {:?}", ntt.backend());
                }
            }
        }
    }
}

#[test]
fn backends_end_divisions_alike() {
    for n in [16, 128, 256, 512, 2048, 4096, 1 << 14] {
        for q in primes(n) {
            for ntt in backends(n, q) {
                for (input, subtrahend) in inputs(n, &q).iter().zip(inputs(n, &q).iter().rev()) {
                    let mut values = input.clone();
                    ntt.forward(&mut values);
                    for factor in [1, q.value() / 2, q.value() - 1] {
                        let mut data = input.clone();
                        ntt.forward_sub_mul(&mut data, subtrahend, factor);
                        let expected = |(&v, &s): (&u64, &u64)| q.mul(q.sub(v, s), factor);
                        assert!(data.iter().copied().eq(values.iter().zip(subtrahend).map(expected)));
                    }
                }
            }
        }
    }
}

#[test]
fn backends_lift_centred_representatives_alike() {
    for n in [16, 128, 256, 2048, 1 << 13] {
        for (q, from) in primes(n).into_iter().flat_map(|q| primes(n).into_iter().map(move |from| (q, from)))
        {
            for source in inputs(n, &from) {
                let mut expected = vec![0; n];
                kernel::center_reduce(&q, &mut expected, &source, &from);
                for ntt in backends(n, q) {
                    let (mut values, mut out) = (expected.clone(), vec![q.value() - 1; n]);
                    ntt.forward(&mut values);
                    ntt.forward_centered(&mut out, &source, &from);
                    assert!(out == values, "n {n} q {q:?} from {from:?} {:?}", ntt.backend());
                }
            }
        }
    }
}

#[test]
fn the_fastest_backend_is_chosen() {
    let backend = |n: usize, limit| {
        let q = Modulus::new(primes_below(limit, 2 * n as u64, 1).unwrap()[0]).unwrap();
        Ntt::new(n, q).unwrap().backend()
    };
    if has_fma() {
        assert_eq!([64, 1 << 15].map(|n| backend(n, 1 << 48)), [Backend::Fma; 2]);
        assert_eq!(backend(2048, 1 << 50), Backend::Fma);
    }
    if has_ifma() {
        assert_eq!([128, 2048, 1 << 14].map(|n| backend(n, 1 << 48)), [Backend::Ifma; 3]);
    }
    #[cfg(feature = "tfhe-ntt")]
    assert_eq!(backend(2048, 1 << 58), Backend::Library);
    #[cfg(not(feature = "tfhe-ntt"))]
    assert_eq!(backend(2048, 1 << 58), Backend::Words);
}

#[test]
fn refusals_name_the_cause() {
    let q = Modulus::new(97).unwrap();
    assert_eq!(Ntt::new(24, q).err(), Some(NttError::Length(24)));
    assert_eq!(Ntt::new(4, q).err(), Some(NttError::Length(4)));
    assert_eq!(Ntt::new(1 << 18, q).err(), Some(NttError::Length(1 << 18)));
    assert_eq!(Ntt::new(64, q).err(), Some(NttError::NoRoot { q: 97, order: 128 }));
    assert_eq!(Ntt::new(8, Modulus::new(33).unwrap()).err(), Some(NttError::NotPrime(33)));
    let large = Modulus::new(primes_below(1 << 58, 16, 1).unwrap()[0]).unwrap();
    let refused = Ntt::with_backend(8, large, Backend::Fma).err();
    assert_eq!(refused, Some(NttError::TooLargeForFma(large.value())));
    let refused = Ntt::with_backend(8, large, Backend::Ifma).err();
    assert_eq!(refused, Some(NttError::TooLargeForIfma(large.value())));
}

/// Primes for which the library is wrong among them: its transforms are refused, and those on words taken.
#[test]
fn primes_the_library_gets_wrong_have_a_transform() {
    for n in [16, 1024] {
        for limit in [1 << 51, (1 << 51) - (1 << 49), (1 << 50) + (1 << 48), 1 << 52] {
            for q in primes_below(limit, 2 * n as u64, 3).unwrap() {
                let q = Modulus::new(q).unwrap();
                let ntt = Ntt::new(n, q).unwrap();
                for input in inputs(n, &q) {
                    let mut data = input.clone();
                    ntt.forward(&mut data);
                    assert!(data == naive::ntt_naive(&input, ntt.root(), &q));
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn products_of_values_are_negacyclic_products(log_n in 3_u32..=9, pick: usize, s: u64, t: u64) {
        let n = 1 << log_n;
        let moduli = primes(n);
        let q = moduli[pick % moduli.len()];
        for ntt in backends(n, q) {
            let (a, b) = (noise(n, &q, s | 1), noise(n, &q, t | 1));
            let (mut x, mut y) = (a.clone(), b.clone());
            ntt.forward(&mut x);
            ntt.forward(&mut y);
            crate::ring::kernel::mul_assign(&q, &mut x, &y);
            ntt.inverse(&mut x);
            prop_assert_eq!(x, naive::negacyclic_mul(&a, &b, &q));
        }
    }
}
