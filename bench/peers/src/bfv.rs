//! Products in BFV: this project against the `fhe` crate, in one run, one thread, outputs checked.
//!
//! `cargo run --release --no-default-features --features bfv --bin bfv` in this folder. Both take turns; medians are printed.

use std::hint::black_box;
use std::time::Instant;

use fhe::bfv;
use fhe_traits::{FheDecoder, FheDecrypter, FheEncoder, FheEncrypter};
use he_bfv::{Decryptor, Encoder, Encryptor, Evaluator, KeyRequest, SecretKey, Spec};

/// Rounds of each measurement.
const ROUNDS: usize = 31;
/// Values in the slots.
const VALUES: usize = 1000;

/// Median milliseconds of two pieces of work that take turns.
fn alternate<A, B>(mut peer: impl FnMut() -> A, mut ours: impl FnMut() -> B) -> [f64; 2] {
    let mut times = [vec![], vec![]];
    for _ in 0..ROUNDS {
        let start = Instant::now();
        black_box(peer());
        let middle = Instant::now();
        black_box(ours());
        times[0].push((middle - start).as_secs_f64() * 1e3);
        times[1].push(middle.elapsed().as_secs_f64() * 1e3);
    }
    times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times[ROUNDS / 2]
    })
}

fn show(what: &str, [peer, ours]: [f64; 2]) {
    println!("{what:<28} {peer:>9.3} {ours:>9.3} {:>7.3}", ours / peer);
}

fn main() {
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global().expect("no pool was built before");
    let params = Spec::n16384().build().expect("a preset");
    let (t, bits) = (params.t().value(), [47usize; 8]);

    let their_params = bfv::BfvParametersBuilder::new()
        .set_degree(params.n())
        .set_plaintext_modulus(t)
        .set_moduli_sizes(&bits)
        .build_arc()
        .expect("parameters");
    let mut random = rand::rng();
    let their_key = bfv::SecretKey::random(&their_params, &mut random);
    let their_relinearization = bfv::RelinearizationKey::new(&their_key, &mut random).expect("a key");
    let values: Vec<u64> = (1..=VALUES as u64).collect();
    let plaintext =
        bfv::Plaintext::try_encode(&values, bfv::Encoding::simd(), &their_params).expect("a plaintext");
    let mut encrypt =
        || -> bfv::Ciphertext { their_key.try_encrypt(&plaintext, &mut random).expect("encrypted") };
    let (x, y) = (encrypt(), encrypt());
    let theirs = || &x * &y;
    let theirs_relinearized = || {
        let mut product = theirs();
        their_relinearization.relinearizes(&mut product).expect("a key");
        product
    };

    let key = SecretKey::generate(&params).expect("randomness");
    let request = KeyRequest::default().relinearization(params.max_level());
    let evaluator =
        Evaluator::new(&params, key.evaluation_keys(&request).expect("randomness")).expect("own keys");
    let (encoder, encryptor) = (Encoder::new(&params).modular(), Encryptor::with_secret(&key));
    let signed: Vec<i64> = (1..=VALUES as i64).collect();
    let encrypt = || encryptor.encrypt(&encoder.encode(&signed).expect("slots")).expect("randomness");
    let (a, b) = (encrypt(), encrypt());

    let found: Vec<u64> = Vec::try_decode(
        &their_key.try_decrypt(&theirs_relinearized()).expect("decrypted"),
        bfv::Encoding::simd(),
    )
    .expect("slots");
    let ours = Decryptor::new(&key).and_then(|d| d.decrypt(&evaluator.mul(&a, &b)?)).expect("decrypted");
    let ours = encoder.decode(&ours).expect("slots");
    for i in 0..VALUES {
        assert_eq!((found[i], ours[i]), (values[i] * values[i], signed[i] * signed[i]));
    }

    println!(
        "N = 16384, 8 primes of 47 bits, t of 24 bits, one thread: milliseconds, medians of {ROUNDS} rounds"
    );
    println!("{:<28} {:>9} {:>9} {:>7}", "", "fhe", "he-bfv", "ratio");
    show("multiply", alternate(theirs, || evaluator.mul_lazy(&a, &b).expect("fits")));
    show("multiply and relinearize", alternate(theirs_relinearized, || evaluator.mul(&a, &b).expect("fits")));
}
