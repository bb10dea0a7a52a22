//! Sums of products through truncation and a table, as a training does it: compared exactly, with the errors of what goes in held
//! against their formula, and a wrong entry of a table planted to see that the comparison finds it.

use he_ckks::bootstrap::{Integers, Table};
use he_ckks::{
    Bootstrapper, Complex64, Decryptor, Encoder, Encryptor, KeyRequest, Parameters, SecretKey, SlotIntegers,
    Spec,
};
use he_core::ring::rns::to_integers;
use he_core::ring::sample::Prng;

/// Products in a sum, the largest of their factors, and the deviation of the errors of these: what tables leave.
const TERMS: usize = 8;
const LARGEST: [i64; 2] = [127, 31];
const DEVIATION: f64 = 1e-5;
/// `log2` of the modulus that the sums fit, and bits to truncate.
const WIDTH: u32 = 16;
const BITS: u32 = 8;

struct Run {
    params: Parameters,
    key: SecretKey,
    b: Bootstrapper,
    prng: Prng,
}

/// Counts over a number of ciphertexts.
#[derive(Default)]
struct Seen {
    integers: usize,
    wrong: usize,
    found: usize,
    measured: f64,
    stated: f64,
    largest: f64,
    off: f64,
}

impl Run {
    fn new(params: Parameters) -> Self {
        let key = SecretKey::generate(&params).unwrap();
        let keys = key.bootstrap_keys(params.slots(), &KeyRequest::default()).unwrap();
        let b = Bootstrapper::new(keys).unwrap();
        Self { params, key, b, prng: Prng::from_seed(&[7; 32]) }
    }

    fn uniform(&mut self) -> f64 {
        (self.prng.next_u64() >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }

    /// Integers up to the largest, one in each real part or in each imaginary part too, encrypted with errors.
    fn factor(&mut self, largest: i64, complex: bool) -> (Vec<[i64; 2]>, SlotIntegers) {
        let draw = |run: &mut Self| (run.uniform() * (largest as f64 + 0.999)) as i64;
        let slots = self.params.slots();
        let m: Vec<[i64; 2]> =
            (0..slots).map(|_| [draw(self), if complex { draw(self) } else { 0 }]).collect();
        // Uniform errors, of a variance of a third before they are scaled.
        let mut error = || self.uniform() * DEVIATION * 3f64.sqrt();
        let values: Vec<_> =
            m.iter().map(|[a, b]| Complex64::new(*a as f64 + error(), *b as f64 + error())).collect();
        let bound = 1.5 * largest as f64 + 1.0;
        let plaintext = Encoder::new(&self.params).with_bound(bound).encode_complex(&values).unwrap();
        // A level for the product, one for the scale of integers, and those of slots-to-coefficients.
        let level = self.params.reserved_levels() + 2;
        let c = Encryptor::with_secret(&self.key).encrypt_at(&plaintext, level).unwrap();
        let error = c.estimate().error.hypot(DEVIATION * 2f64.sqrt());
        let square = m.iter().flatten().map(|x| (x * x) as f64).sum::<f64>() / slots as f64;
        (m, SlotIntegers::new(c.with_error_at_least(error).unwrap(), square).unwrap())
    }

    /// A ciphertext of sums of products, and the sums.
    fn sums(&mut self) -> (Vec<[i64; 2]>, SlotIntegers) {
        let mut exact = vec![[0i64; 2]; self.params.slots()];
        let mut pairs = Vec::new();
        for _ in 0..TERMS {
            let ((a, x), (w, y)) = (self.factor(LARGEST[0], true), self.factor(LARGEST[1], false));
            for (sum, (a, w)) in exact.iter_mut().zip(a.iter().zip(&w)) {
                (0..2).for_each(|part| sum[part] += a[part] * w[0]);
            }
            pairs.push((x, y));
        }
        let borrowed: Vec<_> = pairs.iter().map(|(x, y)| (x, y)).collect();
        (exact, SlotIntegers::dot(self.b.evaluator(), &borrowed).unwrap())
    }

    /// Errors where they go in: of the coefficients, in units of the sums.
    fn measure(&self, wide: &Integers, exact: &[[i64; 2]], seen: &mut Seen) {
        let (slots, unit) = (exact.len(), f64::from(WIDTH).exp2());
        let q = self.params.rlwe().spec().q[0] as f64;
        let phase = to_integers(&self.key.inner().phase(&self.b.export(wide).unwrap()));
        for (j, sums) in exact.iter().enumerate() {
            let r = j.reverse_bits() >> (usize::BITS - slots.trailing_zeros());
            for (part, &sum) in sums.iter().enumerate() {
                let x = i64::try_from(&phase[r + part * slots]).unwrap() as f64 / q * unit - sum as f64;
                let error = x - (x / unit).round() * unit;
                seen.measured += error * error;
                seen.stated += wide.error().powi(2);
                seen.largest = seen.largest.max(error.abs() / wide.error());
            }
        }
    }

    /// Sums through truncation and two tables, of which the second has a wrong entry.
    fn ciphertext(&mut self, seen: &mut Seen) {
        let (exact, sum) = self.sums();
        let wide = self.b.to_integers(&sum.into_ciphertext(), 1 << WIDTH).unwrap();
        let failure = self.b.truncation_failure(&wide).unwrap();
        assert!(failure < -90.0, "2^{failure}");
        self.measure(&wide, &exact, seen);
        let high = self.b.truncate(&wide, BITS).unwrap();
        let mut values: Vec<f64> = (0..256).map(table).collect();
        let right = Table::new(&values).unwrap();
        values[PLANTED] += 1.0;
        let found = self.b.look_up(&high, &[&right, &Table::new(&values).unwrap()]).unwrap();
        let [results, planted] =
            [0, 1].map(|i| Decryptor::new(&self.key).decrypt_complex(&found[i]).unwrap());
        for ((sums, z), y) in exact.iter().zip(&results).zip(&planted) {
            for (sum, z, y) in [(sums[0], z.re, y.re), (sums[1], z.im, y.im)] {
                let m = ((sum + (1 << (BITS - 1))) >> BITS).rem_euclid(256) as usize;
                let differs = y.round() != table(m);
                assert_eq!(differs, m == PLANTED, "the wrong entry is seen where it is, and nowhere else");
                seen.integers += 1;
                seen.wrong += usize::from(z.round() != table(m));
                seen.found += usize::from(differs);
                seen.off = seen.off.max((z - table(m)).abs());
            }
        }
    }
}

/// The table, and the entry of it that is wrong in its copy.
fn table(m: usize) -> f64 {
    (m * m % 256) as f64
}

const PLANTED: usize = 3;

fn through_truncation_and_table(params: Parameters, ciphertexts: usize) {
    let mut run = Run::new(params);
    let mut seen = Seen::default();
    for i in 1..=ciphertexts {
        run.ciphertext(&mut seen);
        let ratio = seen.measured / seen.stated;
        println!(
            "{i} ciphertexts, {} integers: {} wrong, off by {:.1e} at most; input error {ratio:.3} of its variance, {:.2} deviations at most; planted entry seen {} times",
            seen.integers, seen.wrong, seen.off, seen.largest, seen.found
        );
        assert_eq!(seen.wrong, 0);
    }
    let ratio = seen.measured / seen.stated;
    assert!((0.75..1.25).contains(&ratio), "input error: {ratio:.3} of its variance");
    assert!(seen.largest < 8.0 && seen.found > 0 && seen.off < 0.05);
}

#[test]
fn sums_of_products_are_exact() {
    let params = Spec { log_n: 9, ..Spec::bootstrap_uniform() }.build_insecure("a test").unwrap();
    through_truncation_and_table(params, 3);
}

/// `cargo test --release -p he-ckks --test scheme -- --ignored --nocapture ten_million`; `CIPHERTEXTS=n` for fewer.
#[test]
#[ignore = "takes half an hour, and 7 GB of memory"]
fn ten_million_sums_of_products_are_exact() {
    let count = std::env::var("CIPHERTEXTS").ok().and_then(|count| count.parse().ok());
    // Of 65,536 integers each.
    through_truncation_and_table(Spec::bootstrap_uniform().build().unwrap(), count.unwrap_or(153));
}
