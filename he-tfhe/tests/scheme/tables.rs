//! Tables of every kind against their functions in the clear.

use he_tfhe::{Decryptor, Encryptor, FullTable, Job, LookupTable, LweCiphertext, Spec, WideTable, noise};

use crate::world::{World, insecure, insecure_spec};

#[test]
fn a_table_is_read_at_every_message_at_128_bits() {
    let world = World::new(Spec::message_2_carry_2_failure_128().build().unwrap());
    let messages: Vec<u64> = (0..16).collect();
    let inputs = world.encrypt(&messages);
    let table = LookupTable::new(&world.params, |m| m * m % 16).unwrap();
    let outputs = world.evaluator.bootstrap_batch(&inputs, &table).unwrap();
    assert_eq!(world.decrypt(&outputs), messages.iter().map(|m| m * m % 16).collect::<Vec<_>>());
    // A sum of squared norm 25, the most that these parameters allow.
    let sum = world.evaluator.linear_combination(&[(4, &outputs[3]), (3, &outputs[1])]).unwrap();
    let low = LookupTable::new(&world.params, |m| m % 4).unwrap();
    assert!(world.evaluator.bootstrap(&sum, &low).is_ok());
    let small = world.evaluator.linear_combination(&[(4, &outputs[1]), (3, &outputs[1])]).unwrap();
    assert_eq!(world.decrypt(&[world.evaluator.bootstrap(&small, &low).unwrap()]), [7 % 4]);
}

#[test]
fn every_preset_builds_and_keeps_its_promise() {
    for (name, spec, _) in Spec::PRESETS {
        let params = spec.build().unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(params.prediction().failure <= spec.failure && params.security_bits() == Some(128), "{name}");
    }
}

#[test]
fn single_calls_and_batches_of_all_sizes_agree() {
    let world = World::small();
    let messages: Vec<u64> = (0..300).map(|i| i * i % 16).collect();
    let inputs = world.encrypt(&messages);
    let tables: Vec<LookupTable> =
        (0..3).map(|k| LookupTable::new(&world.params, move |m| (m + k) % 16).unwrap()).collect();
    for count in [1, 2, 7, 8, 17, 40, 129, 300] {
        let jobs: Vec<Job<'_>> = inputs[..count]
            .iter()
            .enumerate()
            .map(|(i, input)| Job { input, table: &tables[i % 3] })
            .collect();
        let outputs = world.evaluator.bootstrap_jobs(&jobs).unwrap();
        let expected: Vec<u64> =
            messages[..count].iter().enumerate().map(|(i, m)| (m + i as u64 % 3) % 16).collect();
        assert_eq!(world.decrypt(&outputs), expected, "{count}");
    }
    assert!(world.evaluator.bootstrap_batch(&[], &tables[0]).unwrap().is_empty());
}

#[test]
fn several_functions_come_out_of_one_rotation() {
    // The coarser modulus switch needs boxes that are wider.
    let world = World::new(insecure(Spec { carry_bits: 0, ..insecure_spec() }));
    let messages: Vec<u64> = (0..32).map(|i| i % 4).collect();
    let functions: [&dyn Fn(u64) -> u64; 4] = [&|m| m, &|m| 3 - m, &|m| m * m % 4, &|_| 2];
    let table = LookupTable::many(&world.params, &functions).unwrap();
    assert_eq!(table.outputs(), 4);
    let outputs = world.evaluator.bootstrap_batch(&world.encrypt(&messages), &table).unwrap();
    assert_eq!(world.evaluator.bootstraps(), 32);
    let expected: Vec<u64> = messages.iter().flat_map(|&m| functions.map(|f| f(m))).collect();
    assert_eq!(world.decrypt(&outputs), expected);
}

#[test]
fn tables_of_torus_points_are_negacyclic_or_cover_the_whole_torus() {
    let world = World::small();
    let step = 1_u32 << 28;
    // Sixteen boxes without a padding bit.
    let phases: Vec<u32> = (0..16).map(|m| m * step).collect();
    let inputs = Encryptor::with_secret(&world.key).encrypt_phases(&phases).unwrap();
    let decryptor = Decryptor::new(&world.key);
    let close = |ciphertext: &LweCiphertext, expected: u32| {
        (decryptor.phase(ciphertext).unwrap().wrapping_sub(expected) as i32).unsigned_abs() < step / 8
    };
    let half: Vec<u32> = (0..8).map(|m| m * m * step / 4).collect();
    let table = LookupTable::on_half_torus(&world.params, &[&half]).unwrap();
    for (m, output) in world.evaluator.bootstrap_batch(&inputs, &table).unwrap().iter().enumerate() {
        let value = half[m % 8];
        assert!(close(output, if m < 8 { value } else { value.wrapping_neg() }), "{m}");
    }
    let values: Vec<u32> = (0..16_u32).map(|m| (m * m * 5 + 3) % 16 * step).collect();
    let table = FullTable::new(&world.params, &values).unwrap();
    let outputs = world.evaluator.bootstrap_full(&inputs, &table).unwrap();
    assert!(outputs.iter().zip(values).all(|(output, value)| close(output, value)));
    assert_eq!(world.evaluator.bootstraps(), 16 + 48);
}

#[test]
fn a_table_with_tolerance_one_box_is_off_as_often_as_predicted() {
    let params = Spec::table_5_failure_40().build().unwrap();
    let world = World::new(params);
    let (spec, boxes, bits) = (world.params.spec(), 128_u64, 7);
    // Inputs anywhere between boxes; the table counts boxes, in steps of 1/256 of the torus.
    let phases: Vec<u32> = (0..600_u32).map(|i| i.wrapping_mul(2_654_435_761) >> 1).collect();
    let inputs = Encryptor::with_secret(&world.key).encrypt_phases(&phases).unwrap();
    let values: Vec<u32> = (0..boxes as u32).map(|m| m << (31 - bits)).collect();
    let exact = LookupTable::on_half_torus(&world.params, &[&values]).unwrap();
    assert!(world.evaluator.bootstrap(&inputs[0], &exact).is_err(), "too fine to be read exactly");
    let table = exact.with_tolerance(1);
    assert!(world.evaluator.bootstrap(&inputs[0], &table).is_err(), "and within one box");
    let table = table.with_tolerance(3);
    let outputs = world.evaluator.bootstrap_batch(&inputs, &table).unwrap();
    let decryptor = Decryptor::new(&world.key);
    let mut off = [0; 4];
    for (output, phase) in outputs.iter().zip(&phases) {
        let round = |x: u32| (x.wrapping_add(1 << (30 - bits))) >> (31 - bits);
        let distance = round(decryptor.phase(output).unwrap()).wrapping_sub(round(*phase)) as i32;
        // A box beyond the last wraps with a sign.
        let folded = ((distance << 24) >> 24).unsigned_abs().min(3) as usize;
        off[folded] += usize::from(*phase >> (31 - bits) != boxes as u32 - 1);
    }
    let variance = world.params.prediction().total;
    assert!(spec.squared_norm <= 1.0);
    for (distance, probability) in noise::lookup_errors(variance, boxes, 3).iter().enumerate() {
        let expected = probability * phases.len() as f64;
        let found = off[distance] as f64;
        assert!(
            (found - expected).abs() < 4.0 * expected.sqrt() + 8.0,
            "{distance} boxes off: {found}, expected {expected:.1}"
        );
    }
}

#[test]
fn wide_tables_are_exact_for_every_size_of_tree() {
    let world = World::small();
    // One polynomial for many entries, one exactly full, and a tree of eight.
    for (bits, outputs) in [(4_u32, 1_usize), (6, 3), (10, 1), (10, 8), (12, 2)] {
        let function =
            move |t: u64| (0..outputs as u64).map(|o| (t * t + o * t + (t >> 7)) % 16).collect::<Vec<_>>();
        let table = WideTable::new(&world.params, bits, outputs, function).unwrap();
        let second = WideTable::new(&world.params, bits, 1, |t| vec![t & 3]).unwrap();
        let inputs = [0, (1 << bits) - 1, 0x5a5 % (1 << bits), 1, 1 << (bits - 1)];
        let integers: Vec<_> = inputs
            .iter()
            .map(|t| world.encrypt(&(0..bits / 2).map(|i| t >> (2 * i) & 3).collect::<Vec<_>>()))
            .collect();
        let views: Vec<&[LweCiphertext]> = integers.iter().map(Vec::as_slice).collect();
        for (found, &t) in world.evaluator.look_up(&views, &[&table, &second]).unwrap().iter().zip(&inputs) {
            assert_eq!(world.decrypt(&found[0]), function(t), "{bits} bits, entry {t}");
            assert_eq!(world.decrypt(&found[1]), [t & 3]);
        }
    }
}

#[test]
fn packed_ciphertexts_come_out_where_they_should() {
    let world = World::small();
    for count in [1, 2, 3, 100, 1024] {
        let messages: Vec<u64> = (0..count).map(|i| i * 3 % 16).collect();
        let packed = world.evaluator.pack(&world.encrypt(&messages)).unwrap();
        let stride = 1024 / messages.len().next_power_of_two();
        for (i, &m) in messages.iter().enumerate() {
            assert_eq!(world.decrypt(&[packed.extract(i * stride).unwrap()]), [m]);
        }
        // What is in between is zero.
        if stride > 1 {
            assert_eq!(world.decrypt(&[packed.extract(stride / 2).unwrap()]), [0]);
        }
    }
}
