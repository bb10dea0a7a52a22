//! The functions of he-tfhe.

use std::sync::LazyLock;

use he_tfhe::bits::{self, BitEvaluator, Bits, Circuit};
use he_tfhe::digits::{self, Backend, DigitEvaluator, Digits, IntegerTable, Plain, Simulation};
use he_tfhe::{
    Decomposition, Encryptor, Evaluator, FullTable, GlweCiphertext, LookupTable, LweCiphertext, Parameters,
    PhaseErrors, PhaseModel, SecretKey, SeededCiphertexts, Spec, WideTable, noise, softmax,
};

use crate::numbers::Numbers;
use crate::run::Call;

struct World {
    params: Parameters,
    key: SecretKey,
    server: Evaluator,
    c: LweCiphertext,
    packed: GlweCiphertext,
    bits: Vec<Bits>,
    /// Integers of digits in the clear, and what computes with them.
    simulation: DigitEvaluator<Simulation>,
    integers: Vec<Digits<Plain>>,
    table: IntegerTable,
}

static W: LazyLock<World> = LazyLock::new(|| {
    let params = Spec::insecure_small().build_insecure("hostile numbers").unwrap();
    let key = SecretKey::generate(&params).unwrap();
    let server = Evaluator::new(key.evaluation_keys().unwrap());
    let encryptor = Encryptor::with_secret(&key);
    let c = encryptor.encrypt(3).unwrap();
    let packed = server.pack(std::slice::from_ref(&c)).unwrap();
    let bits = bits::encrypt(&encryptor, &[-3], 4).unwrap();
    let simulation = DigitEvaluator::over(Simulation::new(2, 25.0, 2)).unwrap();
    let digits = [1, 2, 3, 0].map(|digit| simulation.backend().digit(digit)).to_vec();
    let integers = vec![Digits::new(digits, 2).unwrap()];
    let table = IntegerTable::sigmoid(&params, [8, 4], 4).unwrap();
    World { params, key, server, c, packed, bits, simulation, integers, table }
});

pub(crate) fn prepare() {
    LazyLock::force(&W);
}

fn encryptor() -> Encryptor<'static> {
    Encryptor::with_secret(&W.key)
}

/// A preset with a field or two replaced.
fn spec(n: &mut Numbers) -> Spec {
    let mut spec = Spec::insecure_small();
    let gadget = Decomposition { base_log: n.u32(), levels: n.usize() };
    for _ in 0..2 {
        match n.u16() % 11 {
            0 => spec.lwe_dimension = n.usize(),
            1 => spec.glwe_dimension = n.usize(),
            2 => spec.polynomial_size = n.usize(),
            3 => spec.modulus_bits = n.u32(),
            4 => spec.unroll = n.usize(),
            5 => spec.rotation = gadget,
            6 => spec.key_switch = gadget,
            7 => spec.packing = Some(gadget),
            8 => (spec.message_bits, spec.carry_bits) = (n.u32(), n.u32()),
            9 => (spec.squared_norm, spec.failure) = (n.f64(), n.f64()),
            _ => (spec.lwe_noise, spec.glwe_noise) = (n.f64(), n.f64()),
        }
    }
    spec
}

pub(crate) const CALLS: &[Call] = &[
    ("BitEvaluator::fastest", |n| {
        let _ = BitEvaluator::new(&W.server).fastest(n.usize(), |carry| Circuit::add(4, carry));
    }),
    ("Bits::of_each", |n| {
        let _ = Bits::of_each(W.bits[0].bits().to_vec(), n.usize());
    }),
    ("Bits::constant", |n| {
        let _ = Bits::constant(&W.params, n.i64(), n.usize());
    }),
    ("Bits::resize", |n| {
        let _ = W.bits[0].resize(n.usize());
    }),
    ("Bits::resize_unsigned", |n| {
        let _ = W.bits[0].resize_unsigned(n.usize());
    }),
    ("Bits::shift_left", |n| {
        let _ = W.bits[0].shift_left(n.usize());
    }),
    ("Bits::shift_right", |n| {
        let _ = W.bits[0].shift_right(n.usize());
    }),
    ("Bits::shift_right_arithmetic", |n| {
        let _ = W.bits[0].shift_right_arithmetic(n.usize());
    }),
    ("Bits::rotate_left", |n| {
        let _ = W.bits[0].rotate_left(n.usize());
    }),
    ("Bits::rotate_right", |n| {
        let _ = W.bits[0].rotate_right(n.usize());
    }),
    ("bits/integer::encrypt", |n| {
        let _ = bits::encrypt(&encryptor(), &n.many(Numbers::i64), n.usize());
    }),
    ("bits/integer::encrypt_unsigned", |n| {
        let _ = bits::encrypt_unsigned(&encryptor(), &n.many(Numbers::u64), n.usize());
    }),
    ("bits/integer::encrypt_seeded", |n| {
        let _ = bits::encrypt_seeded(&W.key, &n.many(Numbers::i64), n.usize());
    }),
    ("BitEvaluator::mul_fixed", |n| {
        let _ = BitEvaluator::new(&W.server).mul_fixed(&W.bits, &W.bits, n.usize());
    }),
    ("BitEvaluator::exp_neg", |n| {
        let _ = BitEvaluator::new(&W.server).exp_neg(&W.bits, n.usize());
    }),
    ("BitEvaluator::reciprocal", |n| {
        let _ = BitEvaluator::new(&W.server).reciprocal(&W.bits, n.usize());
    }),
    ("BitEvaluator::sigmoid", |n| {
        let _ = BitEvaluator::new(&W.server).sigmoid(&W.bits, n.usize());
    }),
    ("Table::new", |n| {
        let _ = digits::Table::new(n.u16(), |m| m);
    }),
    ("DigitEvaluator::resize", |n| {
        let _ = W.simulation.resize(&W.integers, n.u32());
    }),
    ("digits/clear::unsigned", |n| {
        let _ = digits::clear::unsigned(n.i64(), n.u32());
    }),
    ("digits/clear::signed", |n| {
        let _ = digits::clear::signed(n.i128(), n.u32());
    }),
    ("digits/clear::add", |n| {
        let _ = digits::clear::add(n.i64(), n.i64(), n.u32());
    }),
    ("digits/clear::sub", |n| {
        let _ = digits::clear::sub(n.i64(), n.i64(), n.u32());
    }),
    ("digits/clear::negate", |n| {
        let _ = digits::clear::negate(n.i64(), n.u32());
    }),
    ("digits/clear::mul", |n| {
        let _ = digits::clear::mul(n.i64(), n.i64(), n.u32());
    }),
    ("digits/clear::fixed_mul", |n| {
        let _ = digits::clear::fixed_mul(n.i64(), n.i64(), n.u32(), n.u32(), n.u32());
    }),
    ("digits/clear::lt", |n| {
        let _ = digits::clear::lt(n.i64(), n.i64(), n.u32());
    }),
    ("digits/clear::lt_unsigned", |n| {
        let _ = digits::clear::lt_unsigned(n.i64(), n.i64(), n.u32());
    }),
    ("digits/clear::relu", |n| {
        let _ = digits::clear::relu(n.i64(), n.u32());
    }),
    ("digits/clear::shift_left", |n| {
        let _ = digits::clear::shift_left(n.i64(), n.u32(), n.u32());
    }),
    ("digits/clear::shift_right", |n| {
        let _ = digits::clear::shift_right(n.i64(), n.u32(), n.u32());
    }),
    ("digits/clear::shift_right_unsigned", |n| {
        let _ = digits::clear::shift_right_unsigned(n.i64(), n.u32(), n.u32());
    }),
    ("digits/clear::div_rem_unsigned", |n| {
        let _ = digits::clear::div_rem_unsigned(n.i64(), n.i64(), n.u32());
    }),
    ("digits/clear::div_rem", |n| {
        let _ = digits::clear::div_rem(n.i64(), n.i64(), n.u32());
    }),
    ("DigitEvaluator::constant", |n| {
        let _ = W.simulation.constant(n.i64(), n.u32());
    }),
    ("IntegerTable::new", |n| {
        let _ = IntegerTable::new(&W.params, n.u32(), n.u32(), |x| x);
    }),
    ("IntegerTable::fixed", |n| {
        let _ = IntegerTable::fixed(&W.params, [n.u32(), n.u32()], n.u32(), f64::sqrt);
        let _ = IntegerTable::fixed(&W.params, [8, n.u32()], n.u32() % 9, f64::sqrt);
    }),
    ("IntegerTable::sigmoid", |n| {
        let _ = IntegerTable::sigmoid(&W.params, [n.u32(), n.u32()], n.u32());
    }),
    ("IntegerTable::exp", |n| {
        let _ = IntegerTable::exp(&W.params, [n.u32(), n.u32()], n.u32());
    }),
    ("IntegerTable::reciprocal", |n| {
        let _ = IntegerTable::reciprocal(&W.params, [n.u32(), n.u32()], n.u32());
    }),
    ("IntegerTable::evaluate", |n| {
        let _ = W.table.evaluate(n.i64());
    }),
    ("Digits::new", |n| {
        let _ = Digits::new(W.integers[0].digits().to_vec(), n.u32());
    }),
    ("Digits::of_each", |n| {
        let _ = Digits::of_each(W.integers[0].digits().to_vec(), n.u32(), n.u32());
    }),
    ("digits/integer::encrypt", |n| {
        let _ = digits::encrypt(&encryptor(), &n.many(Numbers::i64), n.u32());
    }),
    ("digits/integer::encrypt_unsigned", |n| {
        let _ = digits::encrypt_unsigned(&encryptor(), &n.many(Numbers::u64), n.u32());
    }),
    ("digits/integer::encrypt_seeded", |n| {
        let _ = digits::encrypt_seeded(&W.key, &n.many(Numbers::i64), n.u32());
    }),
    ("DigitEvaluator::fixed_mul", |n| {
        let _ = W.simulation.fixed_mul(&W.integers, &W.integers, n.u32());
        let _ = W.simulation.fixed_mul(&[], &[], n.u32());
    }),
    ("DigitEvaluator::fixed_mul_add", |n| {
        let _ = W.simulation.fixed_mul_add(&W.integers, &W.integers, &W.integers, n.u32());
    }),
    ("DigitEvaluator::shift_left", |n| {
        let _ = W.simulation.shift_left(&W.integers, n.u32());
        let _ = W.simulation.shift_left(&[], n.u32());
    }),
    ("DigitEvaluator::shift_right_unsigned", |n| {
        let _ = W.simulation.shift_right_unsigned(&W.integers, n.u32());
        let _ = W.simulation.shift_right_unsigned(&[], n.u32());
    }),
    ("DigitEvaluator::shift_right", |n| {
        let _ = W.simulation.shift_right(&W.integers, n.u32());
        let _ = W.simulation.shift_right(&[], n.u32());
    }),
    ("DigitEvaluator::rotate_left", |n| {
        let _ = W.simulation.rotate_left(&W.integers, n.u32());
        let _ = W.simulation.rotate_left(&[], n.u32());
    }),
    ("DigitEvaluator::rotate_right", |n| {
        let _ = W.simulation.rotate_right(&W.integers, n.u32());
        let _ = W.simulation.rotate_right(&[], n.u32());
    }),
    ("Simulation::new", |n| {
        let simulation = Simulation::new(n.u32(), n.f64(), n.usize());
        let _ = simulation.apply(&[(&simulation.digit(n.i64()), &digits::Table::new(4, |m| m))]);
        let _ = DigitEvaluator::over(simulation);
    }),
    ("Simulation::digit", |n| {
        let simulation = Simulation::new(2, 25.0, 2).correlated();
        let mut sum = simulation.digit(n.i64());
        let _ = simulation.add_scaled(&mut sum, &simulation.digit(n.i64()), n.i32());
        let _ = simulation.add_scaled(&mut sum.clone(), &sum, n.i32());
    }),
    ("Encryptor::encrypt", |n| {
        let _ = encryptor().encrypt(n.u64());
    }),
    ("Encryptor::encrypt_all", |n| {
        let _ = encryptor().encrypt_all(&n.many(Numbers::u64));
    }),
    ("Encryptor::encrypt_phases", |n| {
        let _ = encryptor().encrypt_phases(&n.many(Numbers::u32));
    }),
    ("FullTable::new", |n| {
        let _ = FullTable::new(&W.params, &n.many(Numbers::u32));
    }),
    ("LweCiphertext::trivial", |n| {
        let _ = LweCiphertext::trivial(&W.params, n.u32());
    }),
    ("LweCiphertext::from_mask_and_body", |n| {
        let words = vec![n.u32(); if n.u16().is_multiple_of(2) { 257 } else { n.usize() % 600 }];
        if let Ok(mut c) = LweCiphertext::from_mask_and_body(&W.params, W.key.secret_id(), words, n.f64()) {
            c.scale_assign(n.i32());
            let _ = LweCiphertext::to_bytes(&W.params, &[c]);
        }
    }),
    ("noise::selections", |n| {
        let _ = noise::selections(&spec(n), n.u32());
    }),
    ("noise::modulus_switch", |n| {
        let _ = noise::modulus_switch(&spec(n), n.u32());
        let spec = spec(n);
        let _ =
            (spec.messages(), spec.matrices(), spec.rows(), noise::predict(&spec), spec.margins().is_ok());
        let _ = spec.build_insecure("hostile numbers");
    }),
    ("noise::failure", |n| {
        let _ = noise::failure(n.f64(), n.u64());
    }),
    ("noise::allowed_variance", |n| {
        let _ = noise::allowed_variance(n.f64(), n.u64(), n.f64());
    }),
    ("noise::lookup_errors", |n| {
        let _ = noise::lookup_errors(n.f64(), n.u64(), n.usize());
    }),
    ("noise::log2_erfc", |n| {
        let _ = noise::log2_erfc(n.f64());
    }),
    ("GlweCiphertext::extract", |n| {
        let _ = W.packed.extract(n.usize());
    }),
    ("PhaseModel::boxes", |n| {
        let _ = PhaseModel { log: n.u32(), deviations: [n.f64(), n.f64()] }.boxes(n.usize());
    }),
    ("PhaseModel::position", |n| {
        let model = PhaseModel { log: n.u32(), deviations: [n.f64(), n.f64()] };
        let _ = model.position(n.u32(), n.u32(), &mut PhaseErrors::Exact);
    }),
    ("PhaseModel::entry", |n| {
        let _ = PhaseModel { log: n.u32(), deviations: [0.0; 2] }.entry(n.u32(), n.usize());
    }),
    ("Evaluator::switched_phases", |n| {
        let _ = W.server.switched_phases(&[&W.c], n.u32(), n.u32());
    }),
    ("SecretKey::encrypt_seeded", |n| {
        let _ = W.key.encrypt_seeded(&n.many(Numbers::u64));
    }),
    ("softmax/circuit::bootstraps", |n| {
        let _ = softmax::bootstraps(n.usize());
    }),
    ("softmax/exact::exact", |n| {
        let _ = softmax::exact(&n.many(Numbers::f64));
    }),
    ("LweCiphertext::add_scaled_assign", |n| {
        let _ = W.c.clone().add_scaled_assign(&W.c, n.i32());
    }),
    ("LweCiphertext::scale_assign", |n| {
        W.c.clone().scale_assign(n.i32());
    }),
    ("LweCiphertext::add_constant_assign", |n| {
        W.c.clone().add_constant_assign(n.u32());
    }),
    ("Evaluator::add_const", |n| {
        let _ = W.server.add_const(&W.c, n.u32());
    }),
    ("Evaluator::mul_const", |n| {
        let _ = W.server.mul_const(&W.c, n.i32());
    }),
    ("Evaluator::linear_combination", |n| {
        let _ = W.server.linear_combination(&[(n.i32(), &W.c), (n.i32(), &W.c)]);
    }),
    ("LookupTable::from_values", |n| {
        let _ = LookupTable::from_values(&W.params, &n.many(Numbers::u64));
        let value = n.u64();
        let _ = LookupTable::new(&W.params, |_| value);
        let _ = LookupTable::many(&W.params, &[&|_| value, &|m| m]);
    }),
    ("LookupTable::on_half_torus", |n| {
        let values = n.many(|n| n.many(Numbers::u32));
        let _ = LookupTable::on_half_torus(&W.params, &values.iter().map(Vec::as_slice).collect::<Vec<_>>());
    }),
    ("LookupTable::with_tolerance", |n| {
        let table = LookupTable::new(&W.params, |m| m).unwrap().with_tolerance(n.u32());
        let _ = W.server.bootstrap(&W.c, &table);
    }),
    ("WideTable::new", |n| {
        let outputs = n.usize();
        let _ = WideTable::new(&W.params, n.u32(), outputs, |t| vec![t; outputs.min(9)]);
    }),
    ("SeededCiphertexts::wire_bytes", |n| {
        let _ = SeededCiphertexts::wire_bytes(n.usize());
    }),
];
