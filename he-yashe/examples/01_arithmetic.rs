//! A gradient of linear regression on encrypted data, as systems of the years before 2016 computed it: full batch, no refresh.
//!
//! `cargo run --release -p he-yashe --example 01_arithmetic`

use he_yashe::{Ciphertext, Decryptor, Encoder, Encryptor, Error, Evaluator, KeyRequest, SecretKey, Spec};

fn main() -> Result<(), Error> {
    // What cannot be had without saying why, and what has to be said about it.
    let params = Spec::legacy_n65536().build_legacy("an example of a published strategy")?;
    let margin = params.margin().map_or(f64::NAN, |margin| margin.bits());
    println!(
        "N = {}, t = {}, log2(q/t) = {:.1}, {margin:.1} below the bound; overstretched: {}",
        params.n(),
        params.t().value(),
        params.log_ratio(),
        params.is_overstretched(),
    );

    // 64 samples y = 3x + 2 in slots.
    let (x, y): (Vec<i64>, Vec<i64>) = (0..64).map(|i| (i % 9 - 4, 3 * (i % 9 - 4) + 2)).unzip();
    // They are 14 at most, which is public: a sum of 64 products stays below t/2.
    let (key, encoder) = (SecretKey::generate(&params)?, Encoder::new(&params).with_bound(14));
    let public = key.public_key();
    let encrypt = |values: &[i64]| Encryptor::new(&public).encrypt(&encoder.encode(values)?);
    let (cx, cy) = (encrypt(&x)?, encrypt(&y)?);
    println!(
        "a ciphertext: {:.1} MB, {:.0} bits of budget",
        cx.to_bytes()?.len() as f64 / 1e6,
        cx.noise_budget()
    );

    // The server: the error of the weight 1 is x − y, the gradient Σ (x − y)·x, one product and six rotations.
    let steps: Vec<usize> = (0..6).map(|i| 1 << i).collect();
    let request = KeyRequest::default().products().rotations(&params, &steps);
    let evaluator = Evaluator::new(&params, key.evaluation_keys(&request)?)?;
    let error = evaluator.sub(&cx, &cy)?;
    let mut gradient = evaluator.mul(&error, &cx)?;
    for step in steps {
        gradient = evaluator.add(&gradient, &evaluator.rotate_rows(&gradient, step)?)?;
    }
    println!("after a product and a sum over 64 slots: {:.0} bits of budget", gradient.noise_budget());

    // The client.
    let decrypt = |c: &Ciphertext| encoder.decode(&Decryptor::new(&key).decrypt(c)?);
    let expected: i64 = x.iter().zip(&y).map(|(x, y)| (x - y) * x).sum();
    assert_eq!(decrypt(&gradient)?[0], expected);
    println!("gradient: {expected}");
    Ok(())
}

#[test]
fn the_example_is_right() {
    main().expect("every step of the example");
}
