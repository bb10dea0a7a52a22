//! Operations at the larger preset, on one thread.

use criterion::Criterion;
use he_yashe::{Decryptor, Encoder, Encryptor, Evaluator, KeyRequest, SecretKey, Spec};

fn main() {
    let params = Spec::legacy_n65536().build_legacy("a benchmark of a legacy scheme").expect("a preset");
    let (key, encoder) = (SecretKey::generate(&params).expect("randomness"), Encoder::new(&params).modular());
    let request = KeyRequest::default().products().rotations(&params, &[1]);
    let evaluator =
        Evaluator::new(&params, key.evaluation_keys(&request).expect("randomness")).expect("own keys");
    let public = key.public_key();
    let (encryptor, decryptor) = (Encryptor::new(&public), Decryptor::new(&key));
    let plaintext = encoder.encode(&(0..1000).collect::<Vec<_>>()).expect("slots");
    let [a, b] = [(); 2].map(|()| encryptor.encrypt(&plaintext).expect("randomness"));
    let product = evaluator.mul_lazy(&a, &b).expect("fits");

    let mut c = Criterion::default().sample_size(10).configure_from_args();
    c.bench_function("65536/encrypt", |bench| bench.iter(|| encryptor.encrypt(&plaintext)));
    c.bench_function("65536/decrypt", |bench| bench.iter(|| decryptor.decrypt(&a)));
    c.bench_function("65536/add", |bench| bench.iter(|| evaluator.add(&a, &b)));
    c.bench_function("65536/multiply by a plaintext", |bench| {
        bench.iter(|| evaluator.mul_plain(&a, &plaintext));
    });
    c.bench_function("65536/multiply", |bench| bench.iter(|| evaluator.mul_lazy(&a, &b)));
    c.bench_function("65536/relinearize", |bench| bench.iter(|| evaluator.relinearize(&product)));
    c.bench_function("65536/multiply, relinearize", |bench| bench.iter(|| evaluator.mul(&a, &b)));
    c.bench_function("65536/rotate", |bench| bench.iter(|| evaluator.rotate_rows(&a, 1)));
    c.final_summary();
}
