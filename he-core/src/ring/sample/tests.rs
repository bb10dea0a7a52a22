//! Known answers, and statistics at fixed seeds. A statistic is compared with a bound that it would exceed with
//! probability below 1e-6 for a right sampler and a random seed; with the seeds fixed, no test can flake.

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

use super::table::Table;
use super::*;
use crate::modulus::Modulus;

const Q: u64 = 2_199_023_190_017;

fn prng(n: u8) -> Prng {
    Prng::from_seed(&[n; 32])
}

/// Pearson's statistic minus its mean, in standard deviations; bins expecting under 20 are merged.
fn chi_square(observed: &[f64], expected: &[f64]) -> f64 {
    let (mut o, mut e, mut chi, mut bins) = (0.0, 0.0, 0.0, -1.0);
    for (x, y) in observed.iter().zip(expected) {
        o += x;
        e += y;
        if e >= 20.0 {
            chi += (o - e) * (o - e) / e;
            bins += 1.0;
            (o, e) = (0.0, 0.0);
        }
    }
    (chi - bins) / (2.0f64 * bins).sqrt()
}

fn counts(values: impl Iterator<Item = i64>, from: i64, len: usize) -> Vec<f64> {
    let mut out = vec![0.0; len];
    for x in values {
        out[(x - from) as usize] += 1.0;
    }
    out
}

fn moments(values: &[i64], sigma: f64) -> [f64; 4] {
    let n = values.len() as f64;
    [1, 2, 3, 4].map(|k| values.iter().map(|&x| (x as f64 / sigma).powi(k)).sum::<f64>() / n)
}

#[test]
fn stream_is_chacha20() {
    // The key stream of the all-zero key and nonce, RFC 8439 appendix A.1, vector 1.
    let mut bytes = [0; 8];
    Prng::from_seed(&[0; 32]).fill_bytes(&mut bytes);
    assert_eq!(bytes, [0x76, 0xb8, 0xe0, 0xad, 0xa0, 0xf1, 0x3d, 0x90]);
    // Nonce 2 in the last word, appendix A.1, vector 5.
    Prng::from_seed_stream(&[0; 32], 2 << 56).fill_bytes(&mut bytes);
    assert_eq!(bytes, [0xc2, 0xc6, 0x4d, 0x37, 0x8c, 0xd5, 0x36, 0x37]);
}

#[test]
fn stream_does_not_depend_on_how_it_is_read() {
    let mut whole = [0; 1000];
    prng(1).fill_bytes(&mut whole);
    let mut parts = prng(1);
    let mut at = 0;
    for len in (0..).map(|i| i * 7 % 23) {
        let end = (at + len).min(whole.len());
        let mut part = vec![0; end - at];
        parts.fill_bytes(&mut part);
        assert_eq!(part, whole[at..end]);
        at = end;
        if at == whole.len() {
            break;
        }
    }
}

#[test]
fn streams_and_forks_differ() {
    let mut parent = prng(2);
    let mut child = parent.fork();
    let mut other = parent.fork();
    let mut stream = Prng::from_seed_stream(&[2; 32], 1);
    let mut words = vec![parent.next_u64(), child.next_u64(), other.next_u64(), stream.next_u64()];
    words.push(Prng::from_os().unwrap().next_u64());
    words.sort_unstable();
    words.dedup();
    assert_eq!(words.len(), 5);
}

/// The definition: one candidate after another.
fn uniform_by_definition(seed: &Seed, q: u64, len: usize) -> Vec<u64> {
    let mut stream = ChaCha20Rng::from_seed(*seed);
    let bits = 64 - (q - 1).leading_zeros();
    let mut bytes = vec![0; len * 32];
    stream.fill_bytes(&mut bytes);
    let candidate = |chunk: &[u8]| {
        let value = chunk.iter().rev().fold(0u128, |x, &b| (x << 8) | u128::from(b));
        (value & ((1 << bits) - 1)) as u64
    };
    bytes.chunks_exact(bits.div_ceil(8) as usize).map(candidate).filter(|&x| x < q).take(len).collect()
}

#[test]
fn uniform_meets_its_definition() {
    for q in [2, 3, 255, 256, 257, 65_537, Q, (1 << 50) - 27, (1 << 40) + 15, (1 << 62) - 57, u64::MAX - 58] {
        let mut out = vec![0; 3000];
        let mut p = prng(3);
        let (first, second) = out.split_at_mut(1234);
        p.uniform_below(q, first);
        p.uniform_below(q, second);
        assert_eq!(out, uniform_by_definition(&[3; 32], q, 3000), "q = {q}");
    }
}

#[test]
fn uniform_known_answers() {
    let mut out = [0; 4];
    Prng::from_seed_stream(&[7; 32], 5).uniform(&Modulus::new(65_537).unwrap(), &mut out);
    assert_eq!(out, [21_009, 9318, 25_723, 47_901]);
    Prng::from_seed(&[7; 32]).uniform_below(Q, &mut out);
    assert_eq!(out, [375_684_989_172, 420_723_573_238, 1_702_694_073_260, 1_835_932_114_081]);
}

#[test]
fn uniform_is_flat() {
    let mut out = vec![0; 1 << 18];
    prng(4).uniform_below(769, &mut out);
    let seen = counts(out.iter().map(|&x| x as i64), 0, 769);
    assert!(chi_square(&seen, &[f64::from(1 << 18) / 769.0; 769]).abs() < 5.0);
    prng(4).uniform_below(Q, &mut out);
    let seen = counts(out.iter().map(|&x| (u128::from(x) * 1000 / u128::from(Q)) as i64), 0, 1000);
    assert!(chi_square(&seen, &[262.144; 1000]).abs() < 5.0);
}

#[test]
fn ternary_and_binary_are_flat() {
    let mut out = vec![0; 300_000];
    prng(5).ternary(&mut out);
    let seen = counts(out.iter().map(|&x| i64::from(x)), -1, 3);
    assert!(chi_square(&seen, &[1e5; 3]) < 15.0, "{seen:?}");
    prng(5).binary(&mut out);
    let seen = counts(out.iter().map(|&x| i64::from(x)), 0, 2);
    assert!(chi_square(&seen, &[1.5e5; 2]) < 17.0, "{seen:?}");
}

#[test]
fn ternary_known_answer() {
    let mut out = [0; 12];
    prng(7).ternary(&mut out);
    let mut words = prng(7);
    assert_eq!(out, [0; 12].map(|_: i8| (u128::from(words.next_u64()) * 3 / (1 << 64)) as i8 - 1));
}

#[test]
fn weight_is_exact() {
    let mut p = prng(6);
    for len in [0, 1, 2, 255, 256, 257, 5000] {
        for weight in [0, 1, len / 2, len] {
            let weight = weight.min(len);
            let mut out = vec![9; len];
            p.fixed_weight(&mut out, weight).unwrap();
            assert_eq!(out.iter().filter(|&&x| x == 1 || x == -1).count(), weight);
            assert_eq!(out.iter().filter(|&&x| x == 0).count(), len - weight);
        }
        let refused = p.fixed_weight(&mut vec![0; len], len + 1);
        assert_eq!(refused, Err(SampleError::Weight { weight: len + 1, len }));
    }
}

#[test]
fn fixed_weight_is_flat_over_vectors() {
    // C(6, 3) 2^3 = 160 vectors, numbered in base 3.
    let mut p = prng(8);
    let mut seen = vec![0.0; 729];
    for _ in 0..40_000 {
        let mut out = [0; 6];
        p.fixed_weight(&mut out, 3).unwrap();
        seen[out.iter().fold(0, |n, &x| 3 * n + (x + 1) as usize)] += 1.0;
    }
    seen.retain(|&x| x > 0.0);
    assert_eq!(seen.len(), 160);
    assert!(chi_square(&seen, &[250.0; 160]).abs() < 5.0);
}

/// The exact law in floating point, on `-reach ..= reach`.
fn law(sigma: f64, reach: i64) -> Vec<f64> {
    let rho: Vec<f64> =
        (-reach..=reach).map(|x| (-(x as f64) * (x as f64) / (2.0 * sigma * sigma)).exp()).collect();
    let total: f64 = rho.iter().sum();
    rho.iter().map(|x| x / total).collect()
}

#[test]
fn tables_hold_the_gaussian() {
    for sigma in [0.3, 0.5, 1.0, 3.19, 6.4, 20.0, 64.0] {
        let table = Table::new(sigma);
        let reach = table.bound() as i64;
        assert!(
            reach as f64 >= 11.0 * sigma - 1.0 && (reach as f64) <= 11.4 * sigma + 2.0,
            "{sigma}: {reach}"
        );
        let exact = law(sigma, 40 * (sigma as i64 + 1));
        let middle = exact.len() / 2;
        for (k, p) in table.probabilities().iter().enumerate() {
            let want = exact[middle + k] * if k == 0 { 1.0 } else { 2.0 };
            // The float law is good to about 1e-13; an entry is rounded at 2^-93 = 1.0e-28.
            assert!((p - want).abs() <= 1e-12 * want + 1.1e-28, "{sigma}: {k}: {p:e} {want:e}");
        }
    }
}

#[test]
fn plans_convolve_to_the_gaussian() {
    for sigma in [25.0, 40.5, 300.0] {
        let gaussian = Gaussian::new(sigma).unwrap();
        let (table, factors) = gaussian.parts();
        assert!(factors.len() > 1);
        let half = table.probabilities();
        let reach = (8.0 * sigma) as i64;
        let mut sum = vec![0.0; 2 * reach as usize + 1];
        sum[reach as usize] = 1.0;
        for &factor in factors {
            let mut next = vec![0.0; sum.len()];
            for k in -(half.len() as i64 - 1)..half.len() as i64 {
                let p = half[k.unsigned_abs() as usize] * if k == 0 { 1.0 } else { 0.5 };
                for (i, x) in sum.iter().enumerate() {
                    let at = i as i64 + factor * k;
                    if (0..sum.len() as i64).contains(&at) && p > 0.0 {
                        next[at as usize] += p * x;
                    }
                }
            }
            sum = next;
        }
        for (x, (got, want)) in sum.iter().zip(law(sigma, reach)).enumerate() {
            let x = x as i64 - reach;
            if x.abs() < reach * 6 / 8 {
                assert!((got / want - 1.0).abs() < 1e-10, "{sigma}: {x}: {got:e} {want:e}");
            }
        }
    }
}

#[test]
fn gaussian_moments() {
    for sigma in [1.0, 3.19, 20.0, 1000.0, f64::from(1 << 26), (1u64 << 40) as f64] {
        // Wide samples are slow without optimization.
        let n = if sigma > 20.0 { 10_000 } else { 100_000 };
        let gaussian = Gaussian::new(sigma).unwrap();
        let mut out = vec![0; n];
        gaussian.sample(&mut prng(9), &mut out);
        let [m1, m2, m3, m4] = moments(&out, sigma);
        // Five standard errors; the variances of x, x^2, x^3, x^4 are 1, 2, 15, 96.
        let error = 5.0 / (n as f64).sqrt();
        assert!(m1.abs() < error, "{sigma}: {m1}");
        assert!((m2 - 1.0).abs() < error * 2f64.sqrt(), "{sigma}: {m2}");
        assert!(m3.abs() < error * 15f64.sqrt(), "{sigma}: {m3}");
        assert!((m4 - 3.0).abs() < error * 96f64.sqrt(), "{sigma}: {m4}");
        assert!(out.iter().all(|x| x.unsigned_abs() <= gaussian.bound() && gaussian.bound() < 1 << 46));
    }
}

#[test]
fn gaussian_chi_square() {
    let n = 1 << 15;
    for sigma in [0.3, 1.0, 3.19, 20.0, 1000.0] {
        let reach = (10.0 * sigma) as i64 + 5;
        let mut out = vec![0; n];
        Gaussian::new(sigma).unwrap().sample(&mut prng(10), &mut out);
        let seen = counts(out.iter().copied(), -reach, 2 * reach as usize + 1);
        let want: Vec<f64> = law(sigma, reach).iter().map(|p| p * n as f64).collect();
        assert!(chi_square(&seen, &want).abs() < 5.5, "{sigma}");
    }
}

#[test]
fn wide_gaussian_low_bits_are_flat() {
    // At 2^26 the low bits show a convolution that is not smooth.
    let n = 1 << 13;
    let mut out = vec![0; n];
    Gaussian::new(f64::from(1 << 26)).unwrap().sample(&mut prng(11), &mut out);
    for modulus in [2, 3, 7, 16, 60, 256] {
        let seen = counts(out.iter().map(|x| x.rem_euclid(modulus)), 0, modulus as usize);
        let want = vec![n as f64 / modulus as f64; modulus as usize];
        assert!(chi_square(&seen, &want) < 14.0, "{modulus}");
    }
}

#[test]
fn gaussian_length_need_not_fill_blocks() {
    for sigma in [3.19, 1000.0] {
        for len in [0, 1, 7, 8, 9, 511, 512, 513] {
            let mut out = vec![i64::MAX; len];
            let gaussian = Gaussian::new(sigma).unwrap();
            gaussian.sample(&mut prng(12), &mut out);
            assert!(out.iter().all(|x| x.unsigned_abs() <= gaussian.bound()));
        }
    }
}

#[test]
fn widths_outside_the_range_are_refused() {
    for sigma in [0.0, -1.0, 0.29, f64::NAN, f64::INFINITY, 2f64.powi(41)] {
        assert!(matches!(Gaussian::new(sigma), Err(SampleError::Sigma { .. })), "{sigma}");
    }
}

#[test]
fn all_widths_have_a_plan() {
    let mut sigma = 0.3;
    while sigma < 2f64.powi(40) {
        let gaussian = Gaussian::new(sigma).unwrap();
        assert!(gaussian.bound() as f64 >= 11.0 * sigma - 1.0);
        sigma *= 1.37;
    }
}
