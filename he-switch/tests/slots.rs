//! Slots of BGV through tables and back into slots, with a prime plaintext modulus.

use he_bgv::transform::{Direction, SlotTransform, coefficient_order};
use he_switch::{Bridge, KeyRequest, SecretKeys, Spec, Switcher};
use he_tfhe::LookupTable;

/// With the largest prime of 20 bits that has slots.
fn slotted(spec: Spec) -> Spec {
    let t = he_bgv::Spec::slot_modulus(spec.bgv.log_n, 20).expect("a prime");
    spec.with_modulus(t)
}

#[test]
fn slots_go_through_tables_and_come_back_in_slots() {
    let spec = slotted(Spec::insecure_small());
    let params = spec.build_insecure("a test of the bridges").unwrap();
    let (n, t) = (params.bgv().n(), params.t() as i64);
    assert!(t % (2 * n as i64) == 1 && t < 1 << 20);
    let level = params.bgv().max_level();
    let [to_coefficients, to_slots] = [Direction::SlotsToCoefficients, Direction::CoefficientsToSlots]
        .map(|direction| SlotTransform::new(params.bgv(), 1, level, direction).unwrap());
    let request = to_slots.key_request(to_coefficients.key_request(he_bgv::KeyRequest::default()));
    let secret = SecretKeys::generate(&params).unwrap();
    let keys = secret.evaluation_keys(&KeyRequest::bgv_and_tfhe().bgv(request)).unwrap();
    let switcher = Switcher::new(keys).unwrap();
    let (evaluator, tables) = (switcher.bgv(), switcher.tfhe().unwrap());

    // Squares modulo 16 of values of 4 bits, in every slot.
    let values: Vec<i64> = (0..n as i64).map(|i| i * 7 % 16 - 8).collect();
    let square = |v: i64| (v * v) % 16 - 8;
    let encoder = he_bgv::Encoder::new(params.bgv());
    let c = he_bgv::Encryptor::with_secret(secret.bgv())
        .encrypt(&encoder.encode(&values.iter().map(|v| v * t / 32).collect::<Vec<_>>()).unwrap())
        .unwrap();
    let slots: Vec<usize> = (0..n).collect();
    let mut samples = switcher.bgv_slots_to_tfhe(&to_coefficients, &c, &slots).unwrap();
    println!("samples: 2^{:.1}", 0.5 * samples[0].variance().log2());
    samples.iter_mut().for_each(|sample| sample.add_constant_assign(1 << 30));
    let boxes: Vec<u32> = (0..16).map(|i: i64| (square(i - 8) << 20) as u32).collect();
    let table = LookupTable::on_half_torus(params.tfhe(), &[&boxes]).unwrap();
    let read = tables.bootstrap_batch(&samples, &table).unwrap();

    // Slot i of the first ciphertext that comes back is to have value i: each to the coefficient that becomes slot i.
    let (m, k, l) = (params.tfhe().n(), params.tfhe_capacity(), params.bgv_capacity());
    let mut pieces = vec![vec![he_tfhe::LweCiphertext::trivial(params.tfhe(), 0); m]; k];
    for (sample, coefficient) in read.into_iter().zip(coefficient_order(n)) {
        // The coefficient of the first of l ciphertexts in the large ring.
        let place = coefficient * l;
        pieces[place % k][place / k] = sample;
    }
    let packed: Vec<_> = pieces.iter().map(|piece| tables.pack(piece).unwrap()).collect();
    let back = switcher.tfhe_to_bgv(&packed, 12, (-70_f64).exp2()).unwrap();
    let decryptor = he_bgv::Decryptor::new(secret.bgv());
    let measured = decryptor.noise_budget(&back[0]).unwrap();
    println!("budget {measured:.1}, estimated {:.1}", back[0].noise_budget());
    assert!(back[0].noise_budget() <= measured && measured < back[0].noise_budget() + 10.0);
    let slotted = evaluator.coefficients_to_slots(&to_slots, &back[0]).unwrap();
    let found = encoder.decode(&decryptor.decrypt(&slotted).unwrap()).unwrap();
    assert_eq!(found, values.iter().map(|&v| square(v)).collect::<Vec<_>>());

    // Refreshed as any ciphertext is, with a correction factor or without.
    let switched = evaluator.mod_switch(&slotted).unwrap();
    assert_ne!(switched.correction_factor(), 1);
    for c in [&slotted, &switched] {
        let fresh = switcher.refresh(std::slice::from_ref(c), (-70_f64).exp2()).unwrap();
        assert_eq!(encoder.decode(&decryptor.decrypt(&fresh[0]).unwrap()).unwrap(), found);
    }

    let error = switcher.bgv_slots_to_tfhe(&to_coefficients, &c, &[n]).err().unwrap().to_string();
    assert_eq!(error, "the slot is 1024, needed less than 1024");
    assert!(switcher.bgv_slots_to_tfhe(&to_slots, &c, &[0]).is_err());
}

#[test]
fn the_preset_takes_a_prime_at_128_bits() {
    let params = slotted(Spec::glyph()).build().unwrap();
    assert_eq!((params.t() % (2 * params.bgv().n() as u64), params.log_t()), (1, 20));
}

/// The way down at 128 bits: a transform in two factors, and the samples of all slots with the noise they say.
#[test]
fn slots_reach_tfhe_at_128_bits() {
    let params = slotted(Spec::glyph()).build().unwrap();
    let (n, t) = (params.bgv().n(), params.t() as f64);
    let secret = SecretKeys::generate(&params).unwrap();
    let (level, way) = (params.bgv().max_level(), Direction::SlotsToCoefficients);
    let transform = SlotTransform::new(params.bgv(), 2, level, way).unwrap();
    let request = transform.key_request(he_bgv::KeyRequest::default());
    let request = KeyRequest::default().bridge(Bridge::BgvToTfhe).bgv(request);
    let switcher = Switcher::new(secret.evaluation_keys(&request).unwrap()).unwrap();
    let values: Vec<i64> = (0..n as i64).map(|i| i * 7919 % 1_000_003 - 500_001).collect();
    let plain = he_bgv::Encoder::new(params.bgv()).encode(&values).unwrap();
    let c = he_bgv::Encryptor::with_secret(secret.bgv()).encrypt(&plain).unwrap();
    let start = std::time::Instant::now();
    let slots: Vec<usize> = (0..n).collect();
    let samples = switcher.bgv_slots_to_tfhe(&transform, &c, &slots).unwrap();
    println!("{} slots: {:.2} s", n, start.elapsed().as_secs_f64());
    let decryptor = he_tfhe::Decryptor::new(secret.tfhe());
    let error = |(sample, &v): (&he_tfhe::LweCiphertext, &i64)| {
        let x = f64::from(decryptor.phase(sample).unwrap()) / 32_f64.exp2() - v as f64 / t;
        (x - x.round()).powi(2)
    };
    let found = samples.iter().zip(&values).map(error).sum::<f64>() / n as f64;
    let ratio = found / samples[0].variance();
    println!("2^{:.2}, {ratio:.3} of the variance they say", 0.5 * found.log2());
    assert!((0.75..1.25).contains(&ratio), "{ratio:.3} of the variance they say");
}
