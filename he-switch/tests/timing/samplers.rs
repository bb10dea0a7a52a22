//! Samplers of secrets and errors.

use he_core::ring::sample::{Gaussian, Prng, Seed};

use crate::welch::largest_t;
use crate::{RUNS, check};

/// Values in a sample: few, so that an extreme one is extreme.
const VALUES: usize = 64;
/// Seeds of which the most extreme is taken.
const SEEDS: u64 = 2_000;

fn seed(number: u64) -> Seed {
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&number.to_le_bytes());
    seed
}

/// Times a sampler with the seed whose sample is the most extreme, against random seeds.
fn extreme<T: Copy + Default>(sample: impl Fn(&mut Prng, &mut [T]), size: impl Fn(T) -> f64) -> f64 {
    let draw = |number: u64| {
        let mut out = [T::default(); VALUES];
        sample(&mut Prng::from_seed(&seed(number)), &mut out);
        out.iter().map(|&x| size(x)).sum::<f64>()
    };
    let most = (0..SEEDS).max_by(|&a, &b| draw(a).total_cmp(&draw(b))).unwrap();
    largest_t(
        RUNS,
        |class, i| seed(if class == 0 { most } else { SEEDS + i as u64 }),
        Clone::clone,
        |seed| {
            let mut out = [T::default(); VALUES];
            sample(&mut Prng::from_seed(seed), &mut out);
            out
        },
    )
}

pub(crate) fn leaks() -> Vec<String> {
    let [narrow, wide] = [3.19, 1e6].map(|sigma| Gaussian::new(sigma).unwrap());
    let magnitude = |x: i8| f64::from(x).abs();
    let parts = [
        check("ternary, most entries not 0 or random", || {
            extreme(|p, out: &mut [i8]| p.ternary(out), magnitude)
        }),
        check("ternary, most entries -1 or random", || extreme(Prng::ternary, |x: i8| -f64::from(x))),
        check("binary, most entries 1 or random", || extreme(|p, out: &mut [i8]| p.binary(out), magnitude)),
        check("fixed weight, entries at the front or random", || {
            // Weighed by their places.
            extreme(
                |p, out: &mut [i64]| {
                    let mut places = [0_i8; VALUES];
                    p.fixed_weight(&mut places, 8).unwrap();
                    out.iter_mut().zip(places).enumerate().for_each(|(i, (out, x))| {
                        *out = i64::from(x).abs() * (VALUES - i) as i64;
                    });
                },
                |x| x as f64,
            )
        }),
        check("Gaussian of deviation 3.19, large values or random", || {
            extreme(|p, out: &mut [i64]| narrow.sample(p, out), |x| (x as f64).powi(2))
        }),
        check("Gaussian of deviation 10^6, large values or random", || {
            extreme(|p, out: &mut [i64]| wide.sample(p, out), |x| (x as f64).powi(2))
        }),
    ];
    parts.into_iter().flatten().collect()
}
