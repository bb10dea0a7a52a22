//! A sum in BGV, a rectifier in TFHE, and a product in BGV again: three schemes, one computation, nothing decrypted between.
//!
//! `cargo run --release -p he-switch --example 01_round_trip`; takes 5 GB of memory and about 40 seconds on two cores.

use he_switch::he_tfhe::{GlweCiphertext, LookupTable};
use he_switch::{Error, KeyRequest, Parameters, SecretKeys, Spec, Switcher, he_bgv};

/// Values in use. BGV holds thousands in a ciphertext, at the price of one.
const COUNT: usize = 256;

/// Results of tables are multiples of `2^-12` on the torus.
const LOG_SMALL: u32 = 11;

fn main() -> Result<(), Error> {
    // The primes of BGV are the first ones of CKKS; every scheme by itself has 128 bits of security.
    run(&Spec::glyph().build()?)
}

fn run(params: &Parameters) -> Result<(), Error> {
    // The client draws a secret key for each scheme. BGV computes, TFHE looks up, CKKS refreshes and holds no values of its own.
    let secret = SecretKeys::generate(params)?;

    // The server gets a key for each bridge, each secret encrypted under another, and the evaluation keys of the schemes.
    let products = he_bgv::KeyRequest::default().relinearization(params.bgv().max_level());
    let server = Switcher::new(secret.evaluation_keys(&KeyRequest::bgv_and_tfhe().bgv(products))?)?;
    let (sums, tables) = (server.bgv(), server.tfhe()?);

    // The client encrypts two vectors, one number a coefficient. A table will read the upper 5 bits of the plaintext modulus t,
    // one of them padding: so the numbers are multiples of t/32.
    let (n, unit) = (params.bgv().n(), (1_i64 << params.log_t()) / 32);
    let x: Vec<i64> = (0..COUNT as i64).map(|i| i % 8 - 4).collect();
    let y: Vec<i64> = (0..COUNT as i64).map(|i| i / 8 % 8 - 4).collect();
    let (encoder, encryptor) =
        (he_bgv::Encoder::new(params.bgv()), he_bgv::Encryptor::with_secret(secret.bgv()));
    // They are 4 at most, which is public: sums of them stay below t/2.
    let encrypt = |v: &[i64], unit: i64| -> Result<he_bgv::Ciphertext, Error> {
        let scaled: Vec<i64> = v.iter().map(|v| v * unit).collect();
        let encoder = encoder.clone().with_bound(4 * unit.unsigned_abs());
        Ok(encryptor.encrypt(&encoder.encode_coefficients(&scaled)?)?)
    };
    let (a, b) = (encrypt(&x, unit)?, encrypt(&y, unit)?);

    // In BGV a sum is exact. Down to TFHE all coefficients go at once, each becomes a ciphertext of its own.
    let sum = sums.add(&a, &b)?;
    let mut samples = server.bgv_to_tfhe(&sum, &(0..COUNT).collect::<Vec<_>>())?;

    // Phases are −8/32 to 7/32 now. A quarter turn brings them to the half torus, where a table is free to say what it likes;
    // on the other half it is its own negative.
    samples.iter_mut().for_each(|s| s.add_constant_assign(1 << 30));
    let rectifier: Vec<u32> = (0..16_u32).map(|v| v.saturating_sub(8) << (32 - LOG_SMALL)).collect();
    let table = LookupTable::on_half_torus(params.tfhe(), &[&rectifier])?;
    let positive = tables.bootstrap_batch(&samples, &table)?;

    // Packing makes one ring ciphertext of them, with the i-th at coefficient i·n'/COUNT.
    let packed = tables.pack(&positive)?;
    println!("packed: an error of 2^{:.1}, 1 being the distance of two integers", error(&packed));

    // Up again. CKKS lifts the integers to a large modulus and cleans them, until a product in BGV can follow.
    let back = server.tfhe_to_bgv(std::slice::from_ref(&packed), LOG_SMALL, (-46_f64).exp2())?;
    println!("in BGV again: noise budget {:.1}", back[0].noise_budget());

    // The same integers without a unit, at coefficient i·n/COUNT of the first ciphertext: now times a weight.
    let weight = encrypt(&[3], 1)?;
    let product = sums.mul(&back[0], &weight)?;
    println!("after a product: noise budget {:.1}", product.noise_budget());

    // The noise budget that products used up is refreshed, for as many ciphertexts at once as CKKS has room for.
    let fresh = server.refresh(std::slice::from_ref(&product), (-46_f64).exp2())?;
    println!("refreshed: noise budget {:.1}", fresh[0].noise_budget());

    // The client decrypts, and finds integers, not approximations.
    let found = encoder.decode_coefficients(&he_bgv::Decryptor::new(secret.bgv()).decrypt(&fresh[0])?);
    for i in 0..COUNT {
        assert_eq!(found[i * (n / COUNT)], 3 * (x[i] + y[i]).max(0), "value {i}");
    }
    println!("{COUNT} values right");
    Ok(())
}

/// Base-two logarithm of the error of packed integers.
fn error(packed: &GlweCiphertext) -> f64 {
    0.5 * packed.variance().log2() + f64::from(LOG_SMALL)
}

#[test]
fn the_example_is_right_in_small_rings() {
    let params =
        Spec::insecure_small().build_insecure("the same circuit, tested quickly").expect("parameters");
    run(&params).expect("every step");
}
