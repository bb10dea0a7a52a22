//! CKKS → TFHE → CKKS.

use he_ckks::{Decryptor, Encoder, Encryptor};
use he_switch::ckks_to_tfhe::coefficients_of;
use he_switch::{KeyRequest, SecretKeys, Spec, Switcher};
use he_tfhe::{LookupTable, LweCiphertext};

/// The rectifier of 512 slots by tables: no polynomial comes near it at 0.
#[test]
fn slots_go_through_tables_and_come_back_with_levels() {
    let params = Spec::insecure_small().for_slots().build_insecure("a test of the bridges").unwrap();
    let slots = 512;
    let secret = SecretKeys::generate(&params).unwrap();
    let keys = secret.evaluation_keys(&KeyRequest::ckks_and_tfhe().slots(slots)).unwrap();
    let switcher = Switcher::new(keys).unwrap();
    let tables = switcher.tfhe().unwrap();

    let values: Vec<f64> =
        (0..slots).map(|j| ((j * 37 % slots) as f64 + 0.5) / (slots / 2) as f64 - 1.0).collect();
    let x = Encryptor::with_secret(secret.ckks())
        .encrypt(&Encoder::new(params.ckks()).encode_in(&values, slots).unwrap());
    let (mut samples, unit) = switcher.ckks_to_tfhe(&x.unwrap(), slots).unwrap();
    assert!((0.1..=0.25).contains(&unit), "{unit}");
    samples.iter_mut().for_each(|s| s.add_constant_assign(1 << 30));
    // 64 intervals over the values −1/(4·unit) … 1/(4·unit), in units of 2^-12.
    let width = 0.5 / unit / 64.0;
    let out = |i: i32| ((f64::from(i - 32) * width).max(0.0) * 64.0).round();
    let boxes: Vec<u32> = (0..64).map(|i| (out(i) as u32) << 20).collect();
    let table = LookupTable::on_half_torus(params.tfhe(), &[&boxes]).unwrap().with_tolerance(1);
    let looked_up = tables.bootstrap_batch(&samples, &table).unwrap();

    // Each value to the coefficient that is the real part of its slot.
    let (n, k) = (params.tfhe().n(), params.tfhe_capacity());
    let mut pieces = vec![vec![LweCiphertext::trivial(params.tfhe(), 0); n]; k];
    for (j, value) in looked_up.into_iter().enumerate() {
        let [place, _] = coefficients_of(j, slots, params.ckks().n());
        pieces[place % k][place / k] = value;
    }
    let packed: Vec<_> = pieces.iter().map(|piece| tables.pack(piece).unwrap()).collect();
    let (back, factor) = switcher.tfhe_to_ckks(&packed, 12).unwrap();
    assert_eq!(back.level(), params.ckks().max_level());
    let found = Decryptor::new(secret.ckks()).decrypt(&back).unwrap();
    let error = |j: usize| (found[j] / factor / 64.0 - values[j].max(0.0)).abs();
    let worst = (0..slots).map(error).fold(0.0, f64::max);
    // Half an interval of rounding, one of a reading, and the rounding of the outputs.
    assert!(worst <= 1.5 * width + 1.0 / 128.0 + 1e-3, "{worst} against {width}");
}
