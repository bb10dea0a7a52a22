//! Sum and sum of squares of 4,096 encrypted numbers, from which the client has their mean and variance.
//!
//! `cargo run --release -p he-bfv --example 02_statistics`

use he_bfv::{Ciphertext, Decryptor, Encoder, Error, EvaluationKeys, Evaluator, KeyRequest, SecretKey, Spec};

const COUNT: usize = 4096;

fn main() -> Result<(), Error> {
    // Squares of numbers below 100, summed: below 2^26.
    let t = he_bgv::Spec::slot_modulus(13, 27)?;
    let params = Spec(he_bgv::Spec { plaintext_modulus: t, ..he_bgv::Spec::n8192() }).build()?;
    let (encoder, level) = (Encoder::new(&params).with_bound(100), params.max_level());

    // --- The client: numbers in one row of slots, sent as bytes with the keys for a product and for rotations.
    let values: Vec<i64> = (0..COUNT as i64).map(|i| (i * 7919 + 104) % 100).collect();
    let key = SecretKey::generate(&params)?;
    let steps: Vec<usize> = (0..COUNT.ilog2()).map(|i| 1 << i).collect();
    let request = KeyRequest::default().relinearization(level).rotations(&params, &steps, level);
    let keys = key.evaluation_keys(&request)?.to_bytes()?;
    let seeded = key.encrypt_seeded(&encoder.encode(&values)?, level)?.to_bytes()?;
    println!("to the server: {} kB of data, {} kB of keys", seeded.len() / 1000, keys.len() / 1000);

    // --- The server: one product and two times twelve rotations.
    let evaluator = Evaluator::new(&params, EvaluationKeys::from_bytes(&params, &keys)?)?;
    let x = Ciphertext::from_bytes(&params, &seeded)?;
    let sum = evaluator.inner_sum(&x, 1, COUNT)?;
    let squares = evaluator.inner_sum(&evaluator.square(&x)?, 1, COUNT)?;
    // One answer: the sum in even slots, the sum of squares in odd ones, cut to what decrypts.
    let masks: [Vec<i64>; 2] =
        [0, 1].map(|odd| (0..params.n() as i64).map(|i| i64::from(i % 2 == odd)).collect());
    let mask = Encoder::new(&params).with_bound(1);
    let answer = evaluator.add(
        &evaluator.mul_plain(&sum, &mask.encode(&masks[0])?)?,
        &evaluator.mul_plain(&squares, &mask.encode(&masks[1])?)?,
    )?;
    let answer = evaluator.mod_switch_for_decryption(&answer, 2.0)?.to_bytes()?;
    println!("to the client: {} kB", answer.len() / 1000);

    // --- The client.
    let answer = Ciphertext::from_bytes(&params, &answer)?;
    let slots = encoder.decode(&Decryptor::new(&key)?.decrypt(&answer)?)?;
    let (sum, squares) = (slots[0], slots[1]);
    assert_eq!(sum, values.iter().sum::<i64>());
    assert_eq!(squares, values.iter().map(|x| x * x).sum::<i64>());
    let mean = sum as f64 / COUNT as f64;
    println!("mean {mean:.3}, variance {:.3}", squares as f64 / COUNT as f64 - mean * mean);
    Ok(())
}

#[test]
fn the_example_is_right() {
    main().expect("every step of the example");
}
