//! Times of what handles secrets, by statistics: samplers, encoding, decryption, decoding.
//!
//! ```sh
//! cargo test --release -p he-switch --test timing -- --ignored --nocapture
//! ```
//!
//! What is compared: inputs whose secret is the same all over (zeros, or the seed with the most extreme sample), and random ones.
//! Above [`LEAK`] the times of the two differ; a function that is known to leak has to be found.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod samplers;
mod schemes;
mod welch;

/// Timed runs of each part.
const RUNS: usize = 40_000;
/// The least `|t|` that is taken for a leak; the method's authors have the same.
const LEAK: f64 = 10.0;
/// Times that a part is timed again before it counts as leaking: a machine that is busy disturbs it, a leak stays.
const TRIES: usize = 3;

/// The `|t|` of a part, of several tries the least.
fn check(name: &str, mut measure: impl FnMut() -> f64) -> Option<String> {
    let mut least = f64::INFINITY;
    for _ in 0..TRIES {
        least = least.min(measure());
        if least < LEAK {
            break;
        }
    }
    println!("{name:<60} |t| = {least:.1}");
    (least >= LEAK).then(|| format!("{name}: |t| = {least:.1}"))
}

/// On a pool of one thread, whose clock then sees all work.
#[test]
#[ignore = "statistics of times take minutes"]
fn times_do_not_depend_on_secrets() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let leaks = pool.install(|| [samplers::leaks(), schemes::leaks()].concat());
    assert!(leaks.is_empty(), "{leaks:#?}");
}

#[test]
#[ignore = "statistics of times take minutes"]
fn a_function_that_leaks_is_found() {
    use he_core::ring::{Basis, Coeff, Poly};
    let basis = Basis::new(4096, &[65_537]).unwrap();
    let t = welch::largest_t(
        RUNS / 4,
        |class, i| Poly::<Coeff>::from_signed(&basis, &vec![(class * (i + 1)) as i64; 4096]),
        Clone::clone,
        Poly::is_zero_vartime,
    );
    println!("a comparison that ends at the first difference: |t| = {t:.1}");
    assert!(t > LEAK);
}
