//! A matrix times a vector and a sigmoid of the result: one layer of a network, on encrypted data.
//!
//! `cargo run --release -p he-ckks --example 02_polynomial`

use he_ckks::approximation::{ChebyshevSeries, functions};
use he_ckks::{
    Complex64, Decryptor, Encoder, Encryptor, Error, Evaluator, KeyRequest, LinearTransform, Precision,
    SecretKey, Spec,
};

/// Entries of the matrix.
const SIZE: usize = 16;

fn main() -> Result<(), Error> {
    let params = Spec::n16384().build()?;
    let key = SecretKey::generate(&params)?;

    // The server's model: a matrix, encoded for ciphertexts of all levels, and an approximation of the sigmoid.
    let weight = |i: usize, j: usize| ((3 * i + 5 * j) % 7) as f64 / 7.0 - 0.5;
    let rows: Vec<Vec<Complex64>> =
        (0..SIZE).map(|i| (0..SIZE).map(|j| Complex64::new(weight(i, j), 0.0)).collect()).collect();
    let matrix = LinearTransform::from_rows(&params, &rows, params.max_level())?;
    let sigmoid = ChebyshevSeries::interpolate(functions::sigmoid, (-4.0, 4.0), 15)?;
    println!("sigmoid on [-4, 4]: error at most {:.1e}", sigmoid.max_error(functions::sigmoid, 1000));

    // In the clear first: does anything leave the interval?
    let x: Vec<f64> = (0..SIZE).map(|j| (j as f64 * 0.7).sin()).collect();
    let sums: Vec<f64> = (0..SIZE).map(|i| (0..SIZE).map(|j| weight(i, j) * x[j]).sum()).collect();
    let expected = sums.iter().map(|&z| sigmoid.simulate(z)).collect::<Result<Vec<_>, _>>()?;

    // The keys that the circuit needs: those of the matrix, and one for products.
    let request = matrix.key_request(&params).and(&KeyRequest::default().relinearization(params.max_level()));
    let evaluator = Evaluator::new(&params, key.evaluation_keys(&request)?)?;

    let plaintext = Encoder::new(&params).encode_in(&x, SIZE)?;
    let encrypted = Encryptor::with_secret(&key).encrypt(&plaintext)?;
    // The sums are known to stay below 4; of the ciphertext only the sum of all magnitudes is.
    let layer = evaluator.transform(&matrix, &encrypted)?;
    println!("bound by the magnitudes of the weights: {:.2}", layer.estimate().bound);
    let output = evaluator.evaluate_series(&layer.with_bound(4.0)?, &sigmoid)?;
    println!("{} of {} levels left", output.level(), encrypted.level());

    let found = Decryptor::new(&key).decrypt(&output)?;
    let precision = Precision::of_real(&found, &expected);
    println!("first outputs {:.4?}, precision {:.1} bits", &found[..4], precision.worst);
    assert!(precision.worst > 18.0);
    Ok(())
}

#[test]
fn the_example_is_right() {
    main().expect("every step of the example");
}
