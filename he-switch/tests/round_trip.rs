//! BGV → TFHE → BGV, and a product after it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use he_bgv::KeyRequest;
use he_switch::bgv_ckks::{self, Refresher};
use he_switch::bgv_to_tfhe::{BgvToTfhe, SeededKey};
use he_switch::tfhe_to_bgv::{self, TfheToBgv};
use he_switch::{Parameters, Spec};
use he_tfhe::LookupTable;

struct World {
    params: Parameters,
    bgv: he_bgv::SecretKey,
    down: BgvToTfhe,
    up: TfheToBgv,
    refresher: Refresher,
    evaluator: he_tfhe::Evaluator,
    products: he_bgv::Evaluator,
}

fn world(params: Parameters, slots: usize) -> World {
    let bgv = he_bgv::SecretKey::generate(params.bgv()).unwrap();
    let ckks = he_ckks::SecretKey::generate(params.ckks()).unwrap();
    let tfhe = he_tfhe::SecretKey::generate(params.tfhe()).unwrap();
    let down = SeededKey::generate(&params, &bgv, &tfhe).unwrap().expand().unwrap();
    let up = TfheToBgv::new(tfhe_to_bgv::Key::generate(&params, &tfhe, &ckks).unwrap());
    let keys = ckks.bootstrap_keys(slots, &he_ckks::KeyRequest::default()).unwrap();
    let bootstrapper = he_ckks::bootstrap::Bootstrapper::new(keys).unwrap();
    let refresher =
        Refresher::new(bgv_ckks::Keys::generate(&params, &bgv, &ckks).unwrap(), bootstrapper).unwrap();
    let evaluator = he_tfhe::Evaluator::new(tfhe.evaluation_keys().unwrap().expand());
    let level = params.bgv().max_level();
    let keys = bgv.evaluation_keys(&KeyRequest::default().relinearization(level)).unwrap();
    let products = he_bgv::Evaluator::new(params.bgv(), keys).unwrap();
    World { params, bgv, down, up, refresher, evaluator, products }
}

/// Integers of 4 bits through all three schemes, and squared afterwards.
#[test]
fn values_come_back_and_can_be_multiplied() {
    let params = Spec::insecure_small().build_insecure("a test of the bridges").unwrap();
    let n = params.bgv().n();
    // Slots for one BGV ciphertext; the ring has twice as many.
    let w = world(params, 512);
    let t = 1_i64 << w.params.log_t();
    let encoder = he_bgv::Encoder::new(w.params.bgv());
    let values: Vec<i64> = (0..n as i64).map(|i| i % 16 - 8).collect();
    // In units of t/32: 4 bits behind a padding bit, with something below.
    let scaled: Vec<i64> =
        values.iter().enumerate().map(|(i, v)| v * (t / 32) + (i as i64 * 37 % 1001) - 500).collect();
    let c = he_bgv::Encryptor::with_secret(&w.bgv)
        .encrypt(&encoder.encode_coefficients(&scaled).unwrap())
        .unwrap();
    let mut samples = w.down.extract(&c, &(0..n).collect::<Vec<_>>()).unwrap();
    samples.iter_mut().for_each(|s| s.add_constant_assign(1 << 30));
    // What is read is v + 8; what is given v in units of 2^-12.
    let boxes: Vec<u32> = (0..16).map(|i: i64| ((i - 8) << 20) as u32).collect();
    let table = LookupTable::on_half_torus(w.params.tfhe(), &[&boxes]).unwrap();
    let looked_up = w.evaluator.bootstrap_batch(&samples, &table).unwrap();
    let m = w.params.tfhe().n();
    let packed: Vec<_> = looked_up.chunks(m).map(|chunk| w.evaluator.pack(chunk).unwrap()).collect();
    println!("packed: 2^{:.1} in units", 0.5 * packed[0].variance().log2() + 12.0);
    let back = w.up.convert(&w.refresher, &packed, 12, (-46_f64).exp2()).unwrap();
    let p = n / m;
    let mut expected = vec![vec![0; n]];
    for (index, &value) in values.iter().enumerate() {
        expected[0][index % m * p + index / m] = value;
    }
    assert_eq!(back.len(), expected.len());
    let decryptor = he_bgv::Decryptor::new(&w.bgv);
    for (c, expected) in back.iter().zip(&expected) {
        println!("noise budget {:.1}, estimated {:.1}", decryptor.noise_budget(c).unwrap(), c.noise_budget());
        assert_eq!(encoder.decode_coefficients(&decryptor.decrypt(c).unwrap()), *expected);
    }
    let square = w.products.square(&back[0]).unwrap();
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
    // Worn out by a product, and as new.
    let fresh = w.refresher.refresh(&[square], (-46_f64).exp2()).unwrap();
    println!(
        "refreshed {:.1}, estimated {:.1}",
        decryptor.noise_budget(&fresh[0]).unwrap(),
        fresh[0].noise_budget()
    );
    assert_eq!(encoder.decode_coefficients(&decryptor.decrypt(&fresh[0]).unwrap()), product);
}
