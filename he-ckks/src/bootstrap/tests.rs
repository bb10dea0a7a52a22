//! Each step of bootstrapping against what it should do, and its error against the estimate.

use num_complex::Complex64;

use super::*;
use crate::{Decryptor, Encoder, Encryptor, KeyRequest, Precision, SecretKey, Spec};

/// Complex numbers with parts in `[−1, 1]`, from a seed.
fn values(n: usize, seed: u64) -> Vec<Complex64> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    };
    (0..n).map(|_| Complex64::new(next(), next()) * 0.7).collect()
}

/// Values at the places of a transform that has not undone its bit reversal.
fn reversed(values: &[Complex64]) -> Vec<Complex64> {
    let bits = values.len().trailing_zeros();
    (0..values.len()).map(|i| values[i.reverse_bits() >> (usize::BITS - bits)]).collect()
}

/// Sums of squared errors, and of their estimates: one figure for many runs.
#[derive(Default)]
struct Tally {
    measured: f64,
    estimated: f64,
}

impl Tally {
    fn add(&mut self, bits: f64, estimated: f64) {
        self.measured += (-2.0 * bits).exp2();
        self.estimated += estimated * estimated;
    }

    /// Asserts that the variance is its estimate up to a quarter.
    fn check(&self, what: &str) {
        let ratio = self.measured / self.estimated;
        println!("{what}: measured variance {ratio:.3} of the estimate");
        assert!((0.75..1.25).contains(&ratio), "{what}: measured variance {ratio:.3} of the estimate");
    }
}

fn steps(spec: &Spec, log_n: u32, slots: usize, runs: u64) {
    let params = Spec { log_n, ..spec.clone() }.build_insecure("a test").unwrap();
    let key = SecretKey::generate(&params).unwrap();
    let bootstrapper = Bootstrapper::new(key.bootstrap_keys(slots, &KeyRequest::default()).unwrap()).unwrap();
    let (decryptor, low) = (Decryptor::new(&key), spec.bootstrap.as_ref().unwrap().slots_to_coefficients);
    let [mut flat, mut turned, mut reduced, mut whole] = [(); 4].map(|()| Tally::default());
    for run in 0..runs {
        let x = values(slots, run);
        let plaintext = Encoder::new(&params).encode_complex_in(&x, slots).unwrap();
        let c = Encryptor::with_secret(&key).encrypt_at(&plaintext, low).unwrap();

        // The coefficients are the values in the reversed order, up to the rotation that the other factors undo.
        let low = bootstrapper.to_coefficients(&c).unwrap();
        assert_eq!(low.level(), 0);
        let layout = Layout::new(&params, slots).unwrap();
        let coefficients = |c: &Ciphertext| {
            let mut slots_of = decryptor.decrypt_complex(c).unwrap();
            slots_of.rotate_right(layout.to_slots[0].before);
            params.embedding(slots).unwrap().to_coefficients(&mut slots_of);
            reversed(&slots_of)
        };
        flat.add(Precision::of(&coefficients(&low), &x).rms, low.estimate().error / (slots as f64).sqrt());

        let raised = bootstrapper.raise(&low).unwrap();
        assert_eq!(raised.level(), params.raised_level());
        let [real, imaginary] = bootstrapper.to_slots(&raised).unwrap();
        let [re, im] = [&real, &imaginary].map(|c| decryptor.decrypt(c).unwrap());
        let found: Vec<Complex64> = re.iter().zip(&im).map(|(&re, &im)| Complex64::new(re, im)).collect();
        let error = real.estimate().error;
        turned.add(Precision::of(&found, &coefficients(&raised)).rms, error);

        let ideal: Vec<Complex64> = found.iter().map(|y| bootstrapper.modular.in_the_clear(*y)).collect();
        let out = bootstrapper.modular.reduce(bootstrapper.evaluator(), &real, &imaginary).unwrap();
        assert_eq!((out.level(), out.scale()), (params.max_level(), params.scale(params.max_level())));
        let result = decryptor.decrypt_complex(&out).unwrap();
        reduced.add(Precision::of(&result, &ideal).rms, bootstrapper.modular.own_error());
        whole.add(Precision::of(&result, &x).rms, out.estimate().error);
    }
    println!("N = 2^{log_n}, {slots} slots: {:.2} bits", -0.5 * (whole.measured / runs as f64).log2());
    flat.check("slots to coefficients");
    turned.check("coefficients to slots");
    reduced.check("modular reduction");
    whole.check("bootstrap");
}

#[test]
fn errors_are_those_of_the_formulas() {
    let [sparse, uniform] = [Spec::bootstrap_sparse(), Spec::bootstrap_uniform()];
    steps(&sparse, 10, 512, 6);
    steps(&sparse, 12, 2048, 2);
    steps(&sparse, 11, 64, 24);
    steps(&uniform, 10, 512, 6);
    steps(&uniform, 12, 2048, 2);
}
