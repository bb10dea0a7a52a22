//! BGV → TFHE → BGV, and a product after it.

use he_core::rlwe::Bound;
use he_switch::{KeyRequest, SecretKeys, Spec, Switcher};
use he_tfhe::LookupTable;

/// Integers of 4 bits through all three schemes, and squared afterwards.
#[test]
fn values_come_back_and_can_be_multiplied() {
    let params = Spec::insecure_small().build_insecure("a test of the bridges").unwrap();
    let n = params.bgv().n();
    let secret = SecretKeys::generate(&params).unwrap();
    let products = he_bgv::KeyRequest::default().relinearization(params.bgv().max_level());
    // Slots for one BGV ciphertext; the ring has twice as many.
    let request = KeyRequest::bgv_and_tfhe().bgv(products).slots(512);
    let switcher = Switcher::new(secret.evaluation_keys(&request).unwrap()).unwrap();
    let tables = switcher.tfhe().unwrap();
    let t = 1_i64 << params.log_t();
    let encoder = he_bgv::Encoder::new(params.bgv());
    let values: Vec<i64> = (0..n as i64).map(|i| i % 16 - 8).collect();
    // In units of t/32: 4 bits behind a padding bit, with something below.
    let scaled: Vec<i64> =
        values.iter().enumerate().map(|(i, v)| v * (t / 32) + (i as i64 * 37 % 1001) - 500).collect();
    let c = he_bgv::Encryptor::with_secret(secret.bgv())
        .encrypt(&encoder.encode_coefficients(&scaled).unwrap())
        .unwrap();
    let mut samples = switcher.bgv_to_tfhe(&c, &(0..n).collect::<Vec<_>>()).unwrap();
    samples.iter_mut().for_each(|s| s.add_constant_assign(1 << 30));
    // What is read is v + 8; what is given v in units of 2^-12.
    let boxes: Vec<u32> = (0..16).map(|i: i64| ((i - 8) << 20) as u32).collect();
    let table = LookupTable::on_half_torus(params.tfhe(), &[&boxes]).unwrap();
    let looked_up = tables.bootstrap_batch(&samples, &table).unwrap();
    let m = params.tfhe().n();
    let packed: Vec<_> = looked_up.chunks(m).map(|chunk| tables.pack(chunk).unwrap()).collect();
    println!("packed: 2^{:.1} in units", 0.5 * packed[0].variance().log2() + 12.0);
    let back = switcher.tfhe_to_bgv(&packed, 12, (-46_f64).exp2()).unwrap();
    let p = n / m;
    let mut expected = vec![vec![0; n]];
    for (index, &value) in values.iter().enumerate() {
        expected[0][index % m * p + index / m] = value;
    }
    assert_eq!(back.len(), expected.len());
    let decryptor = he_bgv::Decryptor::new(secret.bgv());
    for (c, expected) in back.iter().zip(&expected) {
        println!("noise budget {:.1}, estimated {:.1}", decryptor.noise_budget(c).unwrap(), c.noise_budget());
        assert_eq!(encoder.decode_coefficients(&decryptor.decrypt(c).unwrap()), *expected);
    }
    // A table gives what a table may: known to be 2^11 at most. That this one gives 8 is for its user to say.
    assert_eq!(back[0].bound(), Bound::Coefficients { most: 1 << 11, count: n as u32 });
    let error = switcher.bgv().square(&back[0]).err().unwrap().to_string();
    assert!(error.contains(&(n << 22).to_string()) && error.contains(&(t / 2).to_string()), "{error}");
    let stated = back[0].clone().with_bound(Bound::Coefficients { most: 8, count: n as u32 }).unwrap();
    let square = switcher.bgv().square(&stated).unwrap();
    println!(
        "after a product {:.1}, estimated {:.1}",
        decryptor.noise_budget(&square).unwrap(),
        square.noise_budget()
    );
    let mut product = vec![0; n];
    for (i, a) in expected[0].iter().enumerate() {
        for (j, b) in expected[0].iter().enumerate() {
            let sign = if i + j < n { 1 } else { -1 };
            product[(i + j) % n] += sign * a * b;
        }
    }
    assert_eq!(encoder.decode_coefficients(&decryptor.decrypt(&square).unwrap()), product);
    // The noise budget that the product used up comes back.
    let fresh = switcher.refresh(&[square], (-46_f64).exp2()).unwrap();
    println!(
        "refreshed {:.1}, estimated {:.1}",
        decryptor.noise_budget(&fresh[0]).unwrap(),
        fresh[0].noise_budget()
    );
    assert_eq!(encoder.decode_coefficients(&decryptor.decrypt(&fresh[0]).unwrap()), product);
}
