//! Sums and products of encrypted numbers, what they cost, and how close the results are.
//!
//! `cargo run --release -p he-ckks --example 01_arithmetic`

use he_ckks::{
    Decryptor, Encoder, Encryptor, Error, Evaluator, KeyRequest, OperandError, Precision, SecretKey, Spec,
};

fn main() -> Result<(), Error> {
    // Parameters first: a ring of dimension 16384, seven levels of 40 bits; `build` checks that the whole gives 128 bits of
    // security.
    let params = Spec::n16384().build()?;
    println!("N = {}, {} slots, {} levels", params.n(), params.slots(), params.max_level());

    // The client makes a secret key, and from it a public key for others and evaluation keys for the server.
    let key = SecretKey::generate(&params)?;
    let public = key.public_key()?;
    let request = KeyRequest::default().relinearization(params.max_level());
    let keys = key.evaluation_keys(&request.rotations(&params, &[1, 2], params.max_level()))?;

    // Anyone with the public key encrypts: a number in each slot. The bound of the values is part of the ciphertext and seen by
    // everybody, so it is stated, not taken from the data.
    let (encoder, encryptor) = (Encoder::new(&params).with_bound(10.0), Encryptor::with_public(&public));
    let (x, y) = ([1.5, -2.25, 0.125, 4.0], [0.5, 3.0, -8.0, 0.75]);
    let [a, b] = [x, y].map(|v| encryptor.encrypt(&encoder.encode_in(&v, 4)?));
    let (a, b) = (a?, b?);
    println!("fresh: values up to {}, about {:.1} bits right", a.estimate().bound, a.estimate().bits());

    // The server computes x·y + (x − 1)/3, and the sum over all four slots. Levels and scales look after themselves.
    let evaluator = Evaluator::new(&params, keys)?;
    let third = evaluator.mul_const(&evaluator.add_const(&a, -1.0)?, 1.0 / 3.0)?;
    let result = evaluator.add(&evaluator.mul(&a, &b)?, &third)?;
    let total = evaluator.inner_sum(&result, 1, 4)?;
    println!("result: {} levels left, about {:.1} bits right", result.level(), result.estimate().bits());

    // The client decrypts.
    let decryptor = Decryptor::new(&key);
    let expected: Vec<f64> = x.iter().zip(y).map(|(x, y)| x * y + (x - 1.0) / 3.0).collect();
    let found = decryptor.decrypt(&result)?;
    println!("found {found:.6?}, expected {expected:.6?}");
    println!("precision: {:.1} bits", Precision::of_real(&found, &expected).worst);
    assert!(Precision::of_real(&found, &expected).worst > 20.0);
    let sum: f64 = expected.iter().sum();
    assert!((decryptor.decrypt(&total)?[2] - sum).abs() < 1e-5);

    // Products can go on until the levels are used up; the evaluator then says so.
    let mut power = evaluator.mul_const(&a, 0.1)?.with_bound(1.0)?;
    let refusal = loop {
        match evaluator.square(&power) {
            Ok(square) => power = square,
            Err(refusal) => break refusal,
        }
    };
    println!("and at last: {refusal}");
    assert!(matches!(refusal, Error::Operand(OperandError::LevelsUsedUp { .. })));
    Ok(())
}

#[test]
fn the_example_is_right() {
    main().expect("every step of the example");
}
