//! Operations beside those of BGV at equal parameters, on one thread, in alternation. The ratios are what to quote.

use std::hint::black_box;
use std::time::Instant;

use criterion::Criterion;
use he_bfv::{Encoder, Encryptor, Evaluator, KeyRequest, SecretKey, Spec};

/// Rounds of each comparison.
const ROUNDS: usize = 201;

/// Median seconds of two pieces of work that take turns.
fn alternate<A, B>(mut ours: impl FnMut() -> A, mut theirs: impl FnMut() -> B) -> [f64; 2] {
    let mut times = [vec![], vec![]];
    for _ in 0..ROUNDS {
        let start = Instant::now();
        black_box(ours());
        let middle = Instant::now();
        black_box(theirs());
        times[0].push((middle - start).as_secs_f64());
        times[1].push(middle.elapsed().as_secs_f64());
    }
    times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times[ROUNDS / 2]
    })
}

fn show(what: &str, [ours, theirs]: [f64; 2]) {
    println!("{what:<24} {:>10.1} us {:>10.1} us of BGV {:>6.2}", ours * 1e6, theirs * 1e6, ours / theirs);
}

fn main() {
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global().expect("no pool was built before");
    let params = Spec::n16384().build().expect("a preset");
    let (key, top) = (SecretKey::generate(&params).expect("randomness"), params.max_level());
    let request = KeyRequest::default().relinearization(top).rotations(&params, &[1], top);
    let evaluator =
        Evaluator::new(&params, key.evaluation_keys(&request).expect("randomness")).expect("own keys");
    let bgv = evaluator.bgv();
    let plaintext = Encoder::new(&params).modular().encode(&(0..1000).collect::<Vec<_>>()).expect("slots");
    let encryptor = Encryptor::with_secret(&key);
    let [a, b] = [(); 2].map(|()| encryptor.encrypt(&plaintext).expect("randomness"));
    let (a1, b1) = (a.to_bgv(), b.to_bgv());
    let product = evaluator.mul_lazy(&a, &b).expect("fits");
    assert_eq!(product.level(), top, "a fresh product keeps the whole chain");
    let product1 = product.to_bgv();
    println!("N = 16384, 8 primes of 47 bits, one thread, medians of {ROUNDS} rounds in alternation");
    show("multiply", alternate(|| evaluator.mul_lazy(&a, &b), || bgv.mul_lazy(&a1, &b1)));
    show("relinearize", alternate(|| evaluator.relinearize(&product), || bgv.relinearize(&product1)));
    show("multiply, relinearize", alternate(|| evaluator.mul(&a, &b), || bgv.mul(&a1, &b1)));
    show("rotate", alternate(|| evaluator.rotate_rows(&a, 1), || bgv.rotate_rows(&a1, 1)));
    show("add", alternate(|| evaluator.add(&a, &b), || bgv.add(&a1, &b1)));
    show("switch modulus", alternate(|| evaluator.mod_switch(&a), || bgv.mod_switch(&a1)));

    let mut c = Criterion::default().sample_size(20).configure_from_args();
    c.bench_function("16384/multiply", |bench| bench.iter(|| evaluator.mul_lazy(&a, &b).expect("fits")));
    c.bench_function("16384/multiply, relinearize", |bench| {
        bench.iter(|| evaluator.mul(&a, &b).expect("fits"));
    });
    c.bench_function("16384/to BGV", |bench| bench.iter(|| a.to_bgv()));
    c.final_summary();
}
