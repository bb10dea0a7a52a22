//! Integers on encrypted bits: `cargo run --release -p he-tfhe --example 03_integers_on_bits`.

use he_tfhe::bits::{BitEvaluator, Bits, Carry, Circuit, clear, decrypt, encrypt};
use he_tfhe::{Decryptor, Encryptor, Error, Evaluator, SecretKey, Spec};

fn main() -> Result<(), Error> {
    // The client makes keys; the server gets the evaluation keys only.
    let key = SecretKey::generate(&Spec::gate_failure_64().build()?)?;
    let server = Evaluator::new(key.evaluation_keys()?);
    let (encryptor, decryptor) = (Encryptor::with_secret(&key), Decryptor::new(&key));

    // Integers of 8 bits with sign, a slice of them at a time: one batch of bootstraps serves all integers.
    let a = encrypt(&encryptor, &[100, -7, 3], 8)?;
    let b = encrypt(&encryptor, &[50, 2, -3], 8)?;
    let bits = BitEvaluator::new(&server);

    // Sums wrap: 150 is −106 modulo 256. With a ninth bit, which is free, it does not.
    assert_eq!(decrypt(&decryptor, &bits.add(&a, &b)?)?, [-106, -5, 0]);
    let wide =
        |integers: &[Bits]| integers.iter().map(|integer| integer.resize(9)).collect::<Result<Vec<_>, _>>();
    assert_eq!(decrypt(&decryptor, &bits.add(&wide(&a)?, &wide(&b)?)?)?, [150, -5, 0]);

    // A choice takes an encrypted condition: here the greater of two, by hand and as an operation.
    let less = bits.less(&a, &b)?;
    assert_eq!(decrypt(&decryptor, &bits.select(&less, &b, &a)?)?, [100, 2, 3]);
    assert_eq!(decrypt(&decryptor, &bits.max(&a, &b)?)?, [100, 2, 3]);

    // Every operation is a circuit, which tells its price and can be tried in the clear.
    let multiply = Circuit::mul(8, Carry::Ripple)?;
    println!("8-bit product: {} gates, {} levels", multiply.gates(), multiply.depth());
    assert_eq!(multiply.evaluate(&[12, 11])?, [132]);

    // A constant operand folds away: a product with 10 = 8 + 2 is one sum.
    let by_ten = multiply.bind(1, 10)?;
    println!("product with 10: {} gates", by_ten.gates());
    assert!(by_ten.gates() < multiply.gates() / 3);
    assert_eq!(decrypt(&decryptor, &bits.run(&by_ten, &[&b])?[0])?, [-12, 20, -30]);

    // The sigmoid of numbers with 4 bits behind the point: 1.5 is 24.
    let x = encrypt(&encryptor, &[24, -40, 0], 8)?;
    let y = decrypt(&decryptor, &bits.sigmoid(&x, 4)?)?;
    assert_eq!(y, [24, -40, 0].map(|x| clear::sigmoid(x, 8, 4).map_or(-1, |y| y as i64)));
    println!("sigmoid of 1.5, -2.5, 0: {:?}", y.iter().map(|&y| y as f64 / 16.0).collect::<Vec<_>>());

    println!("{} bootstraps in all", server.bootstraps());
    Ok(())
}
