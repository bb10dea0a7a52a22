//! Times of the costly operations on one thread, next to a forward transform of the `tfhe-ntt` library at 50 bits and the
//! same length: the unit the project measures in. The table at the end is what to quote, ratios of one run.
//!
//! A key switch of `l` limbs with `k` special primes in `d` digits takes `l` inverse transforms, `d·(l + k) − l` forward ones,
//! and `2·(k + l)` to divide by the special primes.

use std::cell::RefCell;
use std::hint::black_box;
use std::time::Instant;

use concrete_ntt::prime64::Plan;
use criterion::Criterion;
use he_ckks::{
    Encoder, Encryptor, Evaluator, KeyRequest, PreparedPlaintext, SecretDistribution, SecretKey, Spec,
};
use he_core::prime::primes_below;

/// Rows of the table: name, median seconds.
#[derive(Default)]
struct Table(RefCell<Vec<(String, f64)>>);

impl Table {
    fn time<O>(&self, c: &mut Criterion, name: &str, mut work: impl FnMut() -> O) -> f64 {
        let mut samples = Vec::new();
        c.bench_function(name, |b| {
            b.iter_custom(|iterations| {
                let start = Instant::now();
                for _ in 0..iterations {
                    black_box(work());
                }
                let elapsed = start.elapsed();
                samples.push(elapsed.as_secs_f64() / iterations as f64);
                elapsed
            });
        });
        samples.sort_by(f64::total_cmp);
        let median = samples.get(samples.len() / 2).copied().unwrap_or(f64::NAN);
        self.0.borrow_mut().push((name.to_owned(), median));
        median
    }

    fn print(&self, title: &str, unit: f64, targets: &[(&str, f64)]) {
        println!("\n{title}; one unit is {:.1} us", unit * 1e6);
        println!("{:<28} {:>12} {:>8} {:>8}", "", "us", "units", "target");
        for (name, seconds) in self.0.borrow().iter() {
            let target = targets.iter().find(|(n, _)| name == n);
            let target = target.map_or(String::new(), |(_, t)| format!("{t}"));
            println!("{name:<28} {:>12.1} {:>8.2} {target:>8}", seconds * 1e6, seconds / unit);
        }
    }
}

fn main() {
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global().expect("no pool was built before");
    let mut c = Criterion::default().sample_size(10).configure_from_args();
    let spec = Spec {
        log_n: 16,
        first_bits: 50,
        scale_bits: 48,
        levels: 25,
        special_bits: vec![50; 9],
        digit: 9,
        secret: SecretDistribution::UniformTernary,
        bootstrap: None,
        congruence: 1,
    };
    let params = spec.build().expect("1700 bits of 1747");
    let (table, n, top) = (Table::default(), params.n(), params.max_level());
    let prime = primes_below(1 << 50, 2 * n as u64, 1).expect("there are such primes")[0];
    let plan = Plan::try_new(n, prime).expect("the library has a transform for this prime");
    let mut words: Vec<u64> = (0..n as u64).map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15) % prime).collect();
    let unit = table.time(&mut c, "library transform", || plan.fwd(black_box(&mut words)));
    let ntt = params.rlwe().basis(1).ntt(0);
    let mut words: Vec<u64> = words.iter().map(|w| w % ntt.modulus().value()).collect();
    table.time(&mut c, "forward transform", || ntt.forward(black_box(&mut words)));

    let key = SecretKey::generate(&params).expect("randomness");
    let request = KeyRequest::default().relinearization(top).rotations(&params, &[1, 2, 3, 4], top);
    let evaluator =
        Evaluator::new(&params, key.evaluation_keys(&request).expect("randomness")).expect("own keys");
    let values: Vec<f64> = (0..params.slots()).map(|i| i as f64 / n as f64).collect();
    let encoder = Encoder::new(&params);
    table.time(&mut c, "encode", || encoder.encode(&values).expect("fits"));
    let plaintext = encoder.encode(&values).expect("fits");
    let encryptor = Encryptor::with_secret(&key);
    table.time(&mut c, "encrypt", || encryptor.encrypt(&plaintext).expect("randomness"));
    let [a, b] = [(); 2].map(|()| encryptor.encrypt(&plaintext).expect("randomness"));
    let operand = PreparedPlaintext::new(&params, &plaintext, top).expect("fits");
    let product = evaluator.mul_lazy(&a, &b).expect("fits");
    table.time(&mut c, "add", || evaluator.add(&a, &b).expect("fits"));
    table.time(&mut c, "multiply by plaintext", || evaluator.mul_prepared(&a, &operand).expect("fits"));
    table.time(&mut c, "multiply, lazily", || evaluator.mul_lazy(&a, &b).expect("fits"));
    table.time(&mut c, "relinearize", || evaluator.relinearize(&product).expect("fits"));
    table.time(&mut c, "relinearize and rescale", || {
        evaluator.relinearize_and_rescale(&product).expect("fits")
    });
    table.time(&mut c, "rotate", || evaluator.rotate(&a, 1).expect("fits"));
    table.time(&mut c, "rotate, 4 hoisted", || evaluator.rotate_many(&a, &[1, 2, 3, 4]).expect("fits"));
    table.time(&mut c, "rescale", || evaluator.rescale(&a).expect("fits"));
    table.print(
        &format!(
            "N = 65536, {} primes of {:.0} bits, 9 special primes of 450 bits, 3 digits",
            top + 1,
            params.rlwe().basis(top + 1).log2()
        ),
        unit,
        &[("relinearize", 570.0), ("rotate", 570.0), ("rescale", 570.0)],
    );
    c.final_summary();
}
