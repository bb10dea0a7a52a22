//! A logistic-regression score on encrypted features: 64 people at once, 64 features each.
//!
//! The server has the model, the client the data. The server learns no feature and no score, the client nothing of the
//! model but the scores.
//!
//! `cargo run --release -p he-bgv --example 03_logistic_regression_score`

use he_bgv::{Ciphertext, Decryptor, Encoder, Encryptor, Error, Evaluator, KeyRequest, SecretKey, Spec};

const FEATURES: usize = 64;
const PEOPLE: usize = 64;

/// Real numbers become integers by a fixed scale: here 6 fractional bits for features and 6 for weights, so that a score
/// has 12.
const SCALE: f64 = 64.0;

/// A small deterministic stand-in for data and model.
fn number(i: usize) -> f64 {
    ((i * 7919 + 104_729) % 2003) as f64 / 1001.0 - 1.0
}

fn main() -> Result<(), Error> {
    // Scores stay below 2^19: 64 products of 6-bit by 6-bit numbers, and a bias. The bound that is stated says so to the server.
    let params = Spec { plaintext_modulus: Spec::slot_modulus(13, 24)?, ..Spec::n8192() }.build()?;
    let level = params.max_level();
    let encoder = Encoder::new(&params).with_bound(SCALE as u64);

    // --- The client: one person's features lie in 64 neighbouring slots, the people one after another.
    let features: Vec<i64> = (0..PEOPLE * FEATURES).map(|i| (number(i) * SCALE).round() as i64).collect();
    let key = SecretKey::generate(&params)?;
    let steps: Vec<usize> = (0..FEATURES.ilog2()).map(|i| 1 << i).collect();
    let keys = key.evaluation_keys(&KeyRequest::default().rotations(&params, &steps, level))?;
    let encrypted = Encryptor::with_secret(&key).encrypt(&encoder.encode(&features)?)?;
    // What goes to the server, byte by byte; it is checked when it is opened.
    let (keys, encrypted) = (keys.to_bytes()?, encrypted.to_bytes()?);
    println!("to the server: {:.1} MB of keys, {:.2} MB of data", mega(&keys), mega(&encrypted));

    // --- The server: weights in the clear, repeated for every person. The multiplication costs no relinearization, since
    // one side is plain; the sum over 64 slots takes six rotations.
    let weights: Vec<i64> = (0..FEATURES).map(|j| (number(j + 5000) * SCALE).round() as i64).collect();
    let bias = (0.25 * SCALE * SCALE) as i64;
    let repeated: Vec<i64> = (0..PEOPLE * FEATURES).map(|i| weights[i % FEATURES]).collect();
    let evaluator = Evaluator::new(&params, he_bgv::EvaluationKeys::from_bytes(&params, &keys)?)?;
    let x = Ciphertext::from_bytes(&params, &encrypted)?;
    let products = evaluator.mul_plain(&x, &encoder.encode(&repeated)?)?;
    let sums = evaluator.inner_sum(&evaluator.mod_switch_for_product(&products)?, 1, FEATURES)?;
    let scores = evaluator.add_const(&sums, bias)?;
    // Before it is sent back, the ciphertext is cut to the fewest primes that still decrypt. Slots between the scores hold
    // partial sums; a server that must not show them multiplies by a mask first.
    let answer = evaluator.mod_switch_for_decryption(&scores, 2.0)?.to_bytes()?;
    println!("to the client: {:.2} MB", mega(&answer));

    // --- The client decrypts the logits and applies the sigmoid, which needs no secrecy any more.
    let answer = Ciphertext::from_bytes(&params, &answer)?;
    let slots = encoder.decode(&Decryptor::new(&key).decrypt(&answer)?)?;
    for person in 0..PEOPLE {
        let logit = slots[person * FEATURES];
        let mine = &features[person * FEATURES..(person + 1) * FEATURES];
        let expected: i64 = mine.iter().zip(&weights).map(|(x, w)| x * w).sum::<i64>() + bias;
        assert_eq!(logit, expected, "person {person}");
        if person < 3 {
            let z = logit as f64 / (SCALE * SCALE);
            println!("person {person}: logit {z:.3}, probability {:.3}", 1.0 / (1.0 + (-z).exp()));
        }
    }
    println!("all {PEOPLE} scores equal those computed in the clear");
    Ok(())
}

fn mega(bytes: &[u8]) -> f64 {
    bytes.len() as f64 / 1e6
}

#[test]
fn the_example_is_right() {
    main().expect("every step of the example");
}
