//! Errors that name the operation, what was there, what was needed and the remedy.

use he_tfhe::{
    CircuitGadgets, Decryptor, Encryptor, Error, Evaluator, FullTable, Gate, Job, LookupTable,
    SeededEvaluationKeys, Spec, WideTable,
};

use crate::world::{World, insecure, insecure_spec};

fn message<T>(result: Result<T, Error>) -> String {
    result.err().map_or_else(String::new, |error| error.to_string())
}

#[track_caller]
fn says<T>(result: Result<T, Error>, parts: &[&str]) {
    let text = message(result);
    assert!(parts.iter().all(|part| text.contains(part)), "{text:?} lacks one of {parts:?}");
}

#[test]
fn weak_and_unreliable_specifications_are_refused() {
    let spec = Spec::message_2_carry_2_failure_128();
    says(
        Spec { lwe_noise: -20.0, ..spec }.build().map(drop),
        &["key-switching", "2^-20.00", "844", "2^-18.36"],
    );
    says(
        Spec { glwe_noise: -47.0, ..spec }.build().map(drop),
        &["bootstrapping", "2^-47.00", "2048", "2^-46.33"],
    );
    says(Spec { lwe_dimension: 400, ..spec }.build().map(drop), &["400", "450"]);
    says(Spec { squared_norm: 50.0, ..spec }.build().map(drop), &["2^-128.0", "promises"]);
    says(Spec { failure: -140.0, ..spec }.build().map(drop), &["2^-140.0", "2^-128.1"]);
    says(spec.build_insecure(" ").map(drop), &["reason"]);
    assert!(Spec { lwe_noise: -20.0, ..spec }.build_insecure("compared with").is_ok());
}

#[test]
fn fields_out_of_range_are_named() {
    let spec = insecure_spec();
    let build = |spec: Spec| spec.build_insecure("bad on purpose").map(drop);
    says(build(Spec { glwe_dimension: 5, ..spec }), &["GLWE dimension", "5", "1 to 4"]);
    says(build(Spec { polynomial_size: 1000, ..spec }), &["polynomial size", "1000", "power of two"]);
    says(build(Spec { modulus_bits: 50, ..spec }), &["modulus", "50", "20 to 48"]);
    says(build(Spec { unroll: 4, ..spec }), &["unrolled", "4", "1 to 3"]);
    says(build(Spec { lwe_dimension: 61, ..spec }), &["LWE dimension", "61", "multiple"]);
    says(build(Spec { message_bits: 5, carry_bits: 5, ..spec }), &["10", "1 to 8"]);
    says(build(Spec { message_bits: u32::MAX, carry_bits: 5, ..spec }), &["1 to 8"]);
    says(build(Spec { squared_norm: f64::NAN, ..spec }), &["squared norm", "NaN"]);
    says(build(Spec { lwe_noise: f64::NAN, ..spec }), &["deviation", "NaN"]);
    let mut key_switch = spec.key_switch;
    key_switch.levels = 16;
    says(build(Spec { key_switch, ..spec }), &["key switch", "16 levels of 2 bits", "31 bits"]);
    let mut rotation = spec.rotation;
    rotation.base_log = 0;
    says(build(Spec { rotation, ..spec }), &["gadget", "1 levels of 0 bits"]);
    rotation.base_log = u32::MAX;
    says(build(Spec { rotation, ..spec }), &["gadget", "4294967295 bits"]);
    rotation.base_log = 24;
    rotation.levels = 2;
    says(build(Spec { rotation, ..spec }), &["gadget", "2 levels of 24 bits", "fewer bits"]);
    let circuit = spec.circuit.map(|circuit| CircuitGadgets { table_bits: 17, ..circuit });
    says(build(Spec { circuit, ..spec }), &["widest table", "17", "1 to 16"]);
    says(build(Spec { packing: None, ..spec }), &["gadget of packing", "none", "circuit part"]);
}

#[test]
fn tables_and_messages_out_of_range_are_refused() {
    let world = World::small();
    let (params, encryptor) = (&world.params, Encryptor::with_secret(&world.key));
    says(encryptor.encrypt_all(&[1, 16]).map(drop), &["place 1", "less than 16"]);
    says(LookupTable::from_values(params, &[0; 15]).map(drop), &["15 values", "needed 16"]);
    says(LookupTable::new(params, |m| m + 1).map(drop), &["value 16 at 15", "less than 16"]);
    says(LookupTable::on_half_torus(params, &[]).map(drop), &["0 values"]);
    says(LookupTable::on_half_torus(params, &[&[1; 3]]).map(drop), &["3 values", "power of two"]);
    says(LookupTable::on_half_torus(params, &[&[1; 2], &[1; 4]]).map(drop), &["power of two"]);
    says(LookupTable::on_half_torus(params, &[&[1; 1024]]).map(drop), &["1024 values", "512"]);
    says(FullTable::new(params, &[1; 6]).map(drop), &["6 values", "power of two"]);
    says(WideTable::new(params, 13, 1, |_| vec![0]).map(drop), &["8192 values", "4096"]);
    says(WideTable::new(params, 4, 2, |_| vec![0]).map(drop), &["1 operands", "needed 2"]);
    says(WideTable::new(params, 4, 1, |t| vec![t + 1]).map(drop), &["value 16 at 15"]);
    says(WideTable::new(params, 4, 0, |_| vec![]).map(drop), &["0 operands"]);
}

#[test]
fn objects_of_other_parameters_are_refused() {
    let (here, there) = (World::small(), World::new(insecure(Spec { failure: -60.0, ..insecure_spec() })));
    let (a, b) = (&here.encrypt(&[1])[0], &there.encrypt(&[1])[0]);
    let table = LookupTable::new(&here.params, |m| m).unwrap();
    let foreign = LookupTable::new(&there.params, |m| m).unwrap();
    let e = &here.evaluator;
    says(e.add(a, b), &["linear combination", "other parameters"]);
    says(e.bootstrap(b, &table), &["bootstrap", "operand", "other parameters"]);
    says(e.bootstrap(a, &foreign), &["bootstrap", "table", "other parameters"]);
    says(e.bootstrap_jobs(&[Job { input: a, table: &table }, Job { input: b, table: &table }]), &["operand"]);
    says(e.gate(Gate::And, a, b), &["other parameters"]);
    says(e.pack(std::slice::from_ref(b)).map(drop), &["packing", "other parameters"]);
    says(e.circuit_bootstrap(&[b]).map(drop), &["circuit bootstrap", "other parameters"]);
    says(Decryptor::new(&here.key).decrypt(b), &["decryption", "other parameters"]);
    let wide = WideTable::new(&there.params, 2, 1, |t| vec![t]).unwrap();
    says(e.look_up(&[std::slice::from_ref(a)], &[&wide]), &["wide table", "other parameters"]);
}

#[test]
fn operands_that_are_too_noisy_are_refused_with_both_sides() {
    // Bootstraps that leave as much noise as is promised for.
    let spec = Spec { glwe_noise: -41.0, packing: None, circuit: None, failure: -40.0, ..insecure_spec() };
    let world = World::new(insecure(spec));
    let table = LookupTable::new(&world.params, |m| m).unwrap();
    let fresh = world.encrypt(&[1]);
    let x = world.evaluator.bootstrap(&fresh[0], &table).unwrap();
    assert!(world.evaluator.bootstrap(&world.evaluator.mul_const(&x, 5).unwrap(), &table).is_ok());
    says(
        world.evaluator.bootstrap(&world.evaluator.mul_const(&x, 40).unwrap(), &table),
        &["bootstrap", "deviation 2^-", "allow 2^-", "squared norm"],
    );
}

#[test]
fn missing_keys_and_wrong_counts_are_named() {
    let packs = World::new(insecure(Spec { circuit: None, ..insecure_spec() }));
    let x = packs.encrypt(&[1]);
    assert!(packs.evaluator.pack(&x).is_ok());
    let bytes = packs.key.seeded_evaluation_keys().unwrap().to_bytes().unwrap();
    let keys = SeededEvaluationKeys::from_bytes(&packs.params, &bytes).unwrap();
    assert_eq!(keys.to_bytes().unwrap(), bytes);
    assert!(Evaluator::new(keys.expand()).pack(&x).is_ok());
    says(packs.evaluator.circuit_bootstrap(&[&x[0]]).map(drop), &["circuit bootstrap", "circuit part"]);
    let plain = World::new(insecure(Spec { packing: None, circuit: None, ..insecure_spec() }));
    let x = plain.encrypt(&[1]);
    says(plain.evaluator.pack(&x).map(drop), &["packing", "gadget of packing"]);
    says(plain.evaluator.circuit_bootstrap(&[&x[0]]).map(drop), &["circuit bootstrap", "circuit part"]);
    says(
        WideTable::new(&plain.params, 2, 1, |t| vec![t]).map(drop),
        &["circuit part", "message_2_carry_2_wide_failure_64"],
    );
    let world = World::small();
    let x = world.encrypt(&[1, 2]);
    says(world.evaluator.pack(&[]).map(drop), &["packing", "0 operands", "1 to 1024"]);
    let packed = world.evaluator.pack(&x).unwrap();
    says(packed.extract(1024), &["1024", "less than 1024"]);
    let table = WideTable::new(&world.params, 6, 1, |t| vec![t % 4]).unwrap();
    says(world.evaluator.look_up(&[&x], &[&table]), &["wide table", "2 operands", "6 bits in digits of 2"]);
}
