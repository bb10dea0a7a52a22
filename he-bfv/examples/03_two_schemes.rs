//! One circuit through two schemes: a square in BFV, a product in BGV, a sum in BFV again, with one set of keys.
//!
//! `cargo run --release -p he-bfv --example 03_two_schemes`

use he_bfv::{Ciphertext, Decryptor, Encoder, Encryptor, Error, Evaluator, KeyRequest, SecretKey, Spec};

fn main() -> Result<(), Error> {
    let params = Spec::n16384().build()?;
    let key = SecretKey::generate(&params)?;
    let (encoder, encryptor) = (Encoder::new(&params).with_bound(5), Encryptor::with_secret(&key));
    let keys = key.evaluation_keys(&KeyRequest::default().relinearization(params.max_level()))?;
    let bfv = Evaluator::new(&params, keys)?;

    let x = encryptor.encrypt(&encoder.encode(&[2, -3, 5])?)?;
    let square = bfv.square(&x)?;
    println!(
        "x² in BFV: {:.0} bits of budget, correction factor {}",
        square.noise_budget(),
        square.correction_factor()
    );

    // The same ciphertext below: its words are multiplied by −t, nothing else changes.
    let (square_below, x_below) = (square.to_bgv(), x.to_bgv());
    let cube_below = bfv.bgv().mul(&square_below, &x_below)?;
    println!(
        "x³ in BGV: {:.0} bits, correction factor {}",
        cube_below.noise_budget(),
        cube_below.correction_factor()
    );

    // And up again: x³ + x.
    let cube = Ciphertext::from_bgv(&params, &cube_below)?;
    let sum = bfv.add(&cube, &x)?;
    let slots = encoder.decode(&Decryptor::new(&key)?.decrypt(&sum)?)?;
    assert_eq!(slots[..3], [10, -30, 130]);
    println!("x³ + x of 2, -3 and 5: {:?}", &slots[..3]);

    // The way there and back changes no word.
    let again = Ciphertext::from_bgv(&params, &cube.to_bgv())?;
    let parts = |c: &Ciphertext| c.inner().parts().iter().map(|p| p.words().to_vec()).collect::<Vec<_>>();
    assert_eq!(parts(&again), parts(&cube));
    Ok(())
}

#[test]
fn the_example_is_right() {
    main().expect("every step of the example");
}
