//! Times of the costly operations on one thread, next to a forward transform of the `tfhe-ntt` library at 50 bits and the
//! same length: the unit the project measures in. The table at the end is what to quote, ratios of one run.
//!
//! A key switch of `l` limbs with one prime a digit takes `l` inverse transforms, `l·l` forward ones, and
//! `2·(1 + l)` to divide by the special prime.

use std::cell::RefCell;
use std::hint::black_box;
use std::time::Instant;

use concrete_ntt::prime64::Plan;
use criterion::Criterion;
use he_bgv::rotation::row_element;
use he_bgv::transform::{Direction, SlotTransform};
use he_bgv::{Encoder, Encryptor, Evaluator, KeyRequest, Parameters, PreparedPlaintext, SecretKey, Spec};
use he_core::prime::primes_below;

/// Rows of the table: name, median seconds.
#[derive(Default)]
struct Table(RefCell<Vec<(String, f64)>>);

impl Table {
    fn time<O>(&self, c: &mut Criterion, name: String, mut work: impl FnMut() -> O) -> f64 {
        let mut samples = Vec::new();
        c.bench_function(&name, |b| {
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
        self.0.borrow_mut().push((name, median));
        median
    }

    fn print(&self, title: &str, unit: f64, targets: &[(&str, f64)]) {
        println!("\n{title}; one unit is {:.1} us", unit * 1e6);
        println!("{:<28} {:>12} {:>8} {:>8}", "", "us", "units", "target");
        for (name, seconds) in self.0.borrow().iter() {
            let target = targets.iter().find(|(n, _)| name.ends_with(n));
            let target = target.map_or(String::new(), |(_, t)| format!("{t}"));
            println!("{name:<28} {:>12.1} {:>8.2} {target:>8}", seconds * 1e6, seconds / unit);
        }
    }
}

/// The operations at one set of parameters.
fn operations(c: &mut Criterion, title: &str, params: &Parameters, targets: &[(&str, f64)]) {
    let (table, n, top) = (Table::default(), params.n(), params.max_level());
    let name = |what: &str| format!("{n}/{what}");
    let prime = primes_below(1 << 50, 2 * n as u64, 1).expect("there are such primes")[0];
    let plan = Plan::try_new(n, prime).expect("the library has a transform for this prime");
    let mut words: Vec<u64> = (0..n as u64).map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15) % prime).collect();
    let unit = table.time(c, name("library transform"), || plan.fwd(black_box(&mut words)));
    let ntt = params.rlwe().basis(1).ntt(0);
    let mut words: Vec<u64> = words.iter().map(|w| w % ntt.modulus().value()).collect();
    table.time(c, name("forward transform"), || ntt.forward(black_box(&mut words)));
    table.time(c, name("inverse transform"), || ntt.inverse(black_box(&mut words)));

    let key = SecretKey::generate(params).expect("randomness");
    let request = KeyRequest::default().relinearization(top).rotations(params, &[1, 2, 3, 4], top);
    let evaluator =
        Evaluator::new(params, key.evaluation_keys(&request).expect("randomness")).expect("own keys");
    let encoder = Encoder::new(params).modular();
    let plaintext = encoder.encode(&(0..n as i64).map(|i| i % 1000).collect::<Vec<_>>()).expect("slots");
    let encryptor = Encryptor::with_secret(&key);
    let [a, b] = [(); 2].map(|()| encryptor.encrypt(&plaintext).expect("randomness"));
    let operand = PreparedPlaintext::new(params, &plaintext, top).expect("fits");
    let product = evaluator.mul_lazy(&a, &b).expect("fits");
    assert_eq!(product.level(), top, "a fresh product keeps the whole chain");
    table.time(c, name("multiply"), || evaluator.mul_lazy(&a, &b).expect("fits"));
    table.time(c, name("relinearize"), || evaluator.relinearize(&product).expect("fits"));
    table.time(c, name("rotate"), || evaluator.rotate_rows(&a, 1).expect("fits"));
    let elements = [1, 2, 3, 4].map(|k| row_element(params, k));
    table.time(c, name("rotate, 4 hoisted"), || evaluator.automorphism_many(&a, &elements).expect("fits"));
    table.time(c, name("switch modulus"), || evaluator.mod_switch(&product).expect("fits"));
    table.time(c, name("multiply by plaintext"), || evaluator.mul_prepared(&a, &operand).expect("fits"));
    table.time(c, name("add"), || evaluator.add(&a, &b).expect("fits"));
    table.time(c, name("encrypt"), || encryptor.encrypt(&plaintext).expect("randomness"));
    table.print(title, unit, targets);
}

/// Slots to coefficients in two to four factors, `t` of 20 bits: time on one thread, rotations, levels, bits of budget.
fn slot_transforms(c: &mut Criterion, log_n: u32, q_bits: &[u32], p_bits: u32) {
    let (table, n) = (Table::default(), 1 << log_n);
    for factors in 2..=4 {
        let spec = Spec {
            log_n,
            plaintext_modulus: Spec::slot_modulus(log_n, 20).expect("there is one"),
            q_bits: q_bits.to_vec(),
            p_bits: vec![p_bits],
            digit: 1,
        };
        let params = spec.build().expect("128 bits of security");
        let direction = Direction::SlotsToCoefficients;
        let transform =
            SlotTransform::new(&params, factors, params.max_level(), direction).expect("there are slots");
        let key = SecretKey::generate(&params).expect("randomness");
        let keys = key.evaluation_keys(&transform.key_request(KeyRequest::default())).expect("randomness");
        let evaluator = Evaluator::new(&params, keys).expect("own keys");
        let plaintext = Encoder::new(&params).modular().encode(&[1, 2, 3]).expect("slots");
        let a = Encryptor::with_secret(&key).encrypt(&plaintext).expect("randomness");
        let out = evaluator.slots_to_coefficients(&transform, &a).expect("fits");
        let seconds = table.time(c, format!("{n}/slots to coefficients, {factors} factors"), || {
            evaluator.slots_to_coefficients(&transform, &a).expect("fits")
        });
        println!(
            "N = {n}, {factors} factors: {seconds:.3} s, {} rotations, {} diagonals; level {} to {}, budget {:.1} to {:.1}",
            transform.rotations(),
            transform.diagonals(),
            a.level(),
            out.level(),
            a.noise_budget(),
            out.noise_budget(),
        );
    }
}

fn main() {
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global().expect("no pool was built before");
    let mut c = Criterion::default().sample_size(20).configure_from_args();
    let preset = Spec::n16384().build().expect("a preset");
    operations(
        &mut c,
        "N = 16384, 8 primes of 47 bits, special prime of 48 bits",
        &preset,
        &[("multiply", 6.0), ("relinearize", 150.0), ("rotate", 150.0)],
    );
    let large = Spec {
        log_n: 15,
        plaintext_modulus: Spec::slot_modulus(15, 24).expect("there is one"),
        q_bits: vec![50; 16],
        p_bits: vec![50],
        digit: 1,
    };
    let large = large.build().expect("850 bits of 868");
    operations(
        &mut c,
        "N = 32768, 16 primes of 50 bits, special prime of 50 bits",
        &large,
        &[("relinearize", 420.0), ("rotate", 420.0)],
    );
    slot_transforms(&mut c, 13, &[28; 6], 45);
    slot_transforms(&mut c, 14, &[30; 12], 50);
    c.final_summary();
}
