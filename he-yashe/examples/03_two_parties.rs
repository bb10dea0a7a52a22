//! Two parties that see bytes alone: a weighted sum of squares on a server, from keys and ciphertexts as they are sent.
//!
//! `cargo run --release -p he-yashe --example 03_two_parties`

use he_yashe::{
    Ciphertext, Decryptor, Encoder, Encryptor, Error, EvaluationKeys, Evaluator, KeyRequest, PublicKey,
    SecretKey, Spec,
};

const COUNT: usize = 16;

fn main() -> Result<(), Error> {
    let params = Spec::legacy_n65536().build_legacy("an example of two parties")?;
    // Values of up to 25, which is public: weighted sums of their squares stay below t/2.
    let encoder = Encoder::new(&params).with_bound(25);

    // --- The client: a key, what others need of it, and numbers that somebody else encrypts.
    let key = SecretKey::generate(&params)?;
    let steps: Vec<usize> = (0..COUNT.ilog2()).map(|i| 1 << i).collect();
    let keys =
        key.evaluation_keys(&KeyRequest::default().products().rotations(&params, &steps))?.to_bytes()?;
    let public = key.public_key().to_bytes()?;
    println!("keys: {:.1} MB, public {:.1} MB", keys.len() as f64 / 1e6, public.len() as f64 / 1e6);

    // --- Whoever has the public key.
    let values: Vec<i64> = (0..COUNT as i64).map(|i| 3 * i - 20).collect();
    let theirs = PublicKey::from_bytes(&params, &public)?;
    let sent = Encryptor::new(&theirs).encrypt(&encoder.encode(&values)?)?.to_bytes()?;

    // --- The server: Σ w·x², a product, a plaintext and rotations.
    let weights: Vec<i64> = (0..COUNT as i64).map(|i| i % 4 + 1).collect();
    let evaluator = Evaluator::new(&params, EvaluationKeys::from_bytes(&params, &keys)?)?;
    let x = Ciphertext::from_bytes(&params, &sent)?;
    let mut sum = evaluator
        .mul_plain(&evaluator.mul(&x, &x)?, &Encoder::new(&params).with_bound(4).encode(&weights)?)?;
    for step in steps {
        sum = evaluator.add(&sum, &evaluator.rotate_rows(&sum, step)?)?;
    }
    let lowest = (0..=sum.level()).find_map(|level| evaluator.mod_switch_to(&sum, level).ok());
    let answer = lowest.unwrap_or(sum).to_bytes()?;
    println!("to the server {:.1} MB, back {:.1} MB", sent.len() as f64 / 1e6, answer.len() as f64 / 1e6);

    // --- The client.
    let answer = Decryptor::new(&key).decrypt(&Ciphertext::from_bytes(&params, &answer)?)?;
    let expected: i64 = values.iter().zip(&weights).map(|(x, w)| w * x * x).sum();
    assert_eq!(encoder.decode(&answer)?[0], expected);
    println!("weighted sum of squares: {expected}");
    Ok(())
}

#[test]
fn the_example_is_right() {
    main().expect("every step of the example");
}
