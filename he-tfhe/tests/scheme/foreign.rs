//! Another client's keys and ciphertexts: every operation refuses them, and names both secrets.
//!
//! `he-switch/tests/foreign.rs` reads the names here, and fails for an operation that is not among them.

use he_core::rlwe::{ForeignSecret, SecretId};
use he_tfhe::bits::{self, BitEvaluator, Bits, Carry, Circuit};
use he_tfhe::digits::{self, Condition, DigitEvaluator, Digits, IntegerTable};
use he_tfhe::softmax::{Ciphertexts, softmax};
use he_tfhe::{
    Decryptor, Encryptor, Error, Evaluator, FullTable, Gate, GateJob, Job, LookupTable, LweCiphertext,
    Parameters, PublicKey, SecretKey, SeededCiphertexts, SeededEvaluationKeys, Spec, SwitchedPhase,
    WideTable,
};

/// A client, a server with its keys, and what both know.
struct World {
    key: SecretKey,
    server: Evaluator,
    c: LweCiphertext,
    phase: SwitchedPhase,
    bits: Vec<Bits>,
    one: Vec<Bits>,
    digits: Vec<Digits>,
    conditions: Vec<Condition>,
    table: LookupTable,
    full: FullTable,
    wide: WideTable,
    function: IntegerTable,
    circuit: Circuit,
}

impl World {
    fn new(params: &Parameters) -> Self {
        let key = SecretKey::generate(params).unwrap();
        let server = Evaluator::new(key.evaluation_keys().unwrap());
        let encryptor = Encryptor::with_secret(&key);
        let c = encryptor.encrypt(1).unwrap();
        let phase = server.switched_phases(&[&c], 9, 0).unwrap().remove(0);
        let digits = digits::encrypt(&encryptor, &[-3], 4).unwrap();
        Self {
            bits: bits::encrypt(&encryptor, &[-3], 4).unwrap(),
            one: bits::encrypt(&encryptor, &[-1], 1).unwrap(),
            conditions: digits::DigitEvaluator::new(&server).unwrap().eq(&digits, &digits).unwrap(),
            table: LookupTable::new(params, |m| m).unwrap(),
            full: FullTable::new(params, &[0, 1 << 30, 2 << 30, 3 << 30]).unwrap(),
            wide: WideTable::new(params, 4, 1, |t| vec![t % 4]).unwrap(),
            function: IntegerTable::sigmoid(params, [4, 2], 4).unwrap(),
            circuit: Circuit::add(4, Carry::Ripple).unwrap(),
            key,
            server,
            c,
            phase,
            digits,
        }
    }

    fn id(&self) -> SecretId {
        self.key.secret_id()
    }

    fn decryptor(&self) -> Decryptor<'_> {
        Decryptor::new(&self.key)
    }

    fn on_bits(&self) -> BitEvaluator<'_> {
        BitEvaluator::new(&self.server)
    }

    fn on_digits(&self) -> Result<DigitEvaluator<digits::Ciphertexts<'_>>, Error> {
        DigitEvaluator::new(&self.server)
    }
}

/// Operations of the first world's keys on ciphertexts of the second.
type One = fn(&World, &World) -> Result<(), Error>;

const ONE: &[(&str, One)] = &[
    ("Decryptor::decrypt", |k, w| k.decryptor().decrypt(&w.c).map(drop)),
    ("Decryptor::decrypt_reduced", |k, w| k.decryptor().decrypt_reduced(&w.c).map(drop)),
    ("Decryptor::phase", |k, w| k.decryptor().phase(&w.c).map(drop)),
    ("Decryptor::decrypt_bit", |k, w| k.decryptor().decrypt_bit(&w.bits[0].bits()[0]).map(drop)),
    ("SecretKey::decrypt_phase", |k, w| k.key.decrypt_phase(&w.phase).map(drop)),
    ("bits/integer::decrypt", |k, w| bits::decrypt(&k.decryptor(), &w.bits).map(drop)),
    ("bits/integer::decrypt_unsigned", |k, w| bits::decrypt_unsigned(&k.decryptor(), &w.bits).map(drop)),
    ("bits/integer::decrypt_reduced", |k, w| bits::decrypt_reduced(&k.decryptor(), &w.bits[0]).map(drop)),
    ("digits/integer::decrypt", |k, w| digits::decrypt(&k.decryptor(), &w.digits[0]).map(drop)),
    ("digits/integer::decrypt_unsigned", |k, w| {
        digits::decrypt_unsigned(&k.decryptor(), &w.digits[0]).map(drop)
    }),
    ("digits/integer::decrypt_reduced", |k, w| {
        digits::decrypt_reduced(&k.decryptor(), &w.digits[0]).map(drop)
    }),
    ("digits/condition::decrypt_conditions", |k, w| {
        digits::decrypt_conditions(&k.decryptor(), &w.conditions).map(drop)
    }),
    ("Evaluator::bootstrap", |k, w| k.server.bootstrap(&w.c, &k.table).map(drop)),
    ("Evaluator::bootstrap_batch", |k, w| {
        k.server.bootstrap_batch(std::slice::from_ref(&w.c), &k.table).map(drop)
    }),
    ("Evaluator::bootstrap_jobs", |k, w| {
        k.server.bootstrap_jobs(&[Job { input: &w.c, table: &k.table }]).map(drop)
    }),
    ("Evaluator::circuit_bootstrap", |k, w| k.server.circuit_bootstrap(&[&w.c]).map(drop)),
    ("Evaluator::bootstrap_full", |k, w| {
        k.server.bootstrap_full(std::slice::from_ref(&w.c), &k.full).map(drop)
    }),
    ("Evaluator::not", |k, w| k.server.not(&w.c).map(drop)),
    ("Evaluator::negate", |k, w| k.server.negate(&w.c).map(drop)),
    ("Evaluator::add_const", |k, w| k.server.add_const(&w.c, 1).map(drop)),
    ("Evaluator::mul_const", |k, w| k.server.mul_const(&w.c, 2).map(drop)),
    ("Evaluator::switched_phases", |k, w| k.server.switched_phases(&[&w.c], 9, 0).map(drop)),
    ("softmax/circuit::softmax", |k, w| {
        softmax(&Ciphertexts::new(&k.server), std::slice::from_ref(&w.c)).map(drop)
    }),
    ("BitEvaluator::negate", |k, w| k.on_bits().negate(&w.bits).map(drop)),
    ("BitEvaluator::abs", |k, w| k.on_bits().abs(&w.bits).map(drop)),
    ("BitEvaluator::bitnot", |k, w| k.on_bits().bitnot(&w.bits).map(drop)),
    ("BitEvaluator::exp_neg", |k, w| k.on_bits().exp_neg(&w.bits, 2).map(drop)),
    ("BitEvaluator::reciprocal", |k, w| k.on_bits().reciprocal(&w.bits, 2).map(drop)),
    ("BitEvaluator::sigmoid", |k, w| k.on_bits().sigmoid(&w.bits, 2).map(drop)),
    ("DigitEvaluator::not", |k, w| k.on_digits()?.not(&w.conditions).map(drop)),
    ("DigitEvaluator::bitnot", |k, w| k.on_digits()?.bitnot(&w.digits).map(drop)),
    ("DigitEvaluator::relu", |k, w| k.on_digits()?.relu(&w.digits).map(drop)),
    ("DigitEvaluator::negate", |k, w| k.on_digits()?.negate(&w.digits).map(drop)),
    ("DigitEvaluator::shift_left", |k, w| k.on_digits()?.shift_left(&w.digits, 1).map(drop)),
    ("DigitEvaluator::shift_right_unsigned", |k, w| {
        k.on_digits()?.shift_right_unsigned(&w.digits, 1).map(drop)
    }),
    ("DigitEvaluator::shift_right", |k, w| k.on_digits()?.shift_right(&w.digits, 1).map(drop)),
    ("DigitEvaluator::rotate_left", |k, w| k.on_digits()?.rotate_left(&w.digits, 1).map(drop)),
    ("DigitEvaluator::rotate_right", |k, w| k.on_digits()?.rotate_right(&w.digits, 1).map(drop)),
    ("DigitEvaluator::resize", |k, w| k.on_digits()?.resize(&w.digits, 8).map(drop)),
    ("DigitEvaluator::look_up", |k, w| k.on_digits()?.look_up(&w.digits, &[&k.function]).map(drop)),
];

/// Operations of the first world's keys on ciphertexts of the others.
type Two = fn(&World, &World, &World) -> Result<(), Error>;

const TWO: &[(&str, Two)] = &[
    ("LweCiphertext::add_scaled_assign", |_, a, b| a.c.clone().add_scaled_assign(&b.c, 1).map(drop)),
    ("Evaluator::add", |k, a, b| k.server.add(&a.c, &b.c).map(drop)),
    ("Evaluator::sub", |k, a, b| k.server.sub(&a.c, &b.c).map(drop)),
    ("Evaluator::linear_combination", |k, a, b| {
        k.server.linear_combination(&[(2, &a.c), (1, &b.c)]).map(drop)
    }),
    ("Evaluator::gate", |k, a, b| {
        k.server.gate(Gate::And, &a.bits[0].bits()[0], &b.bits[0].bits()[0]).map(drop)
    }),
    ("Evaluator::gates", |k, a, b| {
        k.server.gates(&[GateJob::two(Gate::Or, &a.bits[0].bits()[0], &b.bits[0].bits()[0])]).map(drop)
    }),
    ("Evaluator::mux", |k, a, b| {
        k.server.mux(&[[&a.bits[0].bits()[0], &a.bits[0].bits()[1], &b.bits[0].bits()[0]]]).map(drop)
    }),
    ("Evaluator::pack", |k, a, b| k.server.pack(&[a.c.clone(), b.c.clone()]).map(drop)),
    ("Evaluator::look_up", |k, a, b| k.server.look_up(&[&[a.c.clone(), b.c.clone()]], &[&k.wide]).map(drop)),
    ("BitEvaluator::add", |k, a, b| k.on_bits().add(&a.bits, &b.bits).map(drop)),
    ("BitEvaluator::sub", |k, a, b| k.on_bits().sub(&a.bits, &b.bits).map(drop)),
    ("BitEvaluator::mul", |k, a, b| k.on_bits().mul(&a.bits, &b.bits).map(drop)),
    ("BitEvaluator::mul_full", |k, a, b| k.on_bits().mul_full(&a.bits, &b.bits).map(drop)),
    ("BitEvaluator::equal", |k, a, b| k.on_bits().equal(&a.bits, &b.bits).map(drop)),
    ("BitEvaluator::not_equal", |k, a, b| k.on_bits().not_equal(&a.bits, &b.bits).map(drop)),
    ("BitEvaluator::less", |k, a, b| k.on_bits().less(&a.bits, &b.bits).map(drop)),
    ("BitEvaluator::less_or_equal", |k, a, b| k.on_bits().less_or_equal(&a.bits, &b.bits).map(drop)),
    ("BitEvaluator::greater", |k, a, b| k.on_bits().greater(&a.bits, &b.bits).map(drop)),
    ("BitEvaluator::greater_or_equal", |k, a, b| k.on_bits().greater_or_equal(&a.bits, &b.bits).map(drop)),
    ("BitEvaluator::less_unsigned", |k, a, b| k.on_bits().less_unsigned(&a.bits, &b.bits).map(drop)),
    ("BitEvaluator::less_or_equal_unsigned", |k, a, b| {
        k.on_bits().less_or_equal_unsigned(&a.bits, &b.bits).map(drop)
    }),
    ("BitEvaluator::greater_unsigned", |k, a, b| k.on_bits().greater_unsigned(&a.bits, &b.bits).map(drop)),
    ("BitEvaluator::greater_or_equal_unsigned", |k, a, b| {
        k.on_bits().greater_or_equal_unsigned(&a.bits, &b.bits).map(drop)
    }),
    ("BitEvaluator::bitand", |k, a, b| k.on_bits().bitand(&a.bits, &b.bits).map(drop)),
    ("BitEvaluator::bitor", |k, a, b| k.on_bits().bitor(&a.bits, &b.bits).map(drop)),
    ("BitEvaluator::bitxor", |k, a, b| k.on_bits().bitxor(&a.bits, &b.bits).map(drop)),
    ("BitEvaluator::min", |k, a, b| k.on_bits().min(&a.bits, &b.bits).map(drop)),
    ("BitEvaluator::max", |k, a, b| k.on_bits().max(&a.bits, &b.bits).map(drop)),
    ("BitEvaluator::shift_left", |k, a, b| k.on_bits().shift_left(&a.bits, &b.bits).map(drop)),
    ("BitEvaluator::shift_right", |k, a, b| k.on_bits().shift_right(&a.bits, &b.bits).map(drop)),
    ("BitEvaluator::shift_right_arithmetic", |k, a, b| {
        k.on_bits().shift_right_arithmetic(&a.bits, &b.bits).map(drop)
    }),
    ("BitEvaluator::rotate_left", |k, a, b| k.on_bits().rotate_left(&a.bits, &b.bits).map(drop)),
    ("BitEvaluator::rotate_right", |k, a, b| k.on_bits().rotate_right(&a.bits, &b.bits).map(drop)),
    ("BitEvaluator::div_rem", |k, a, b| k.on_bits().div_rem(&a.bits, &b.bits).map(drop)),
    ("BitEvaluator::div_rem_unsigned", |k, a, b| k.on_bits().div_rem_unsigned(&a.bits, &b.bits).map(drop)),
    ("BitEvaluator::div", |k, a, b| k.on_bits().div(&a.bits, &b.bits).map(drop)),
    ("BitEvaluator::div_unsigned", |k, a, b| k.on_bits().div_unsigned(&a.bits, &b.bits).map(drop)),
    ("BitEvaluator::mul_fixed", |k, a, b| k.on_bits().mul_fixed(&a.bits, &b.bits, 2).map(drop)),
    ("BitEvaluator::select", |k, a, b| k.on_bits().select(&a.one, &a.bits, &b.bits).map(drop)),
    ("BitEvaluator::select", |k, a, b| k.on_bits().select(&b.one, &a.bits, &a.bits).map(drop)),
    ("BitEvaluator::run", |k, a, b| k.on_bits().run(&k.circuit, &[&a.bits, &b.bits]).map(drop)),
    ("DigitEvaluator::and", |k, a, b| k.on_digits()?.and(&a.conditions, &b.conditions).map(drop)),
    ("DigitEvaluator::or", |k, a, b| k.on_digits()?.or(&a.conditions, &b.conditions).map(drop)),
    ("DigitEvaluator::xor", |k, a, b| k.on_digits()?.xor(&a.conditions, &b.conditions).map(drop)),
    ("DigitEvaluator::shift_left_by", |k, a, b| k.on_digits()?.shift_left_by(&a.digits, &b.digits).map(drop)),
    ("DigitEvaluator::shift_right_unsigned_by", |k, a, b| {
        k.on_digits()?.shift_right_unsigned_by(&a.digits, &b.digits).map(drop)
    }),
    ("DigitEvaluator::shift_right_by", |k, a, b| {
        k.on_digits()?.shift_right_by(&a.digits, &b.digits).map(drop)
    }),
    ("DigitEvaluator::rotate_left_by", |k, a, b| {
        k.on_digits()?.rotate_left_by(&a.digits, &b.digits).map(drop)
    }),
    ("DigitEvaluator::rotate_right_by", |k, a, b| {
        k.on_digits()?.rotate_right_by(&a.digits, &b.digits).map(drop)
    }),
    ("DigitEvaluator::bitand", |k, a, b| k.on_digits()?.bitand(&a.digits, &b.digits).map(drop)),
    ("DigitEvaluator::bitor", |k, a, b| k.on_digits()?.bitor(&a.digits, &b.digits).map(drop)),
    ("DigitEvaluator::bitxor", |k, a, b| k.on_digits()?.bitxor(&a.digits, &b.digits).map(drop)),
    ("DigitEvaluator::min", |k, a, b| k.on_digits()?.min(&a.digits, &b.digits).map(drop)),
    ("DigitEvaluator::max", |k, a, b| k.on_digits()?.max(&a.digits, &b.digits).map(drop)),
    ("DigitEvaluator::eq", |k, a, b| k.on_digits()?.eq(&a.digits, &b.digits).map(drop)),
    ("DigitEvaluator::lt_unsigned", |k, a, b| k.on_digits()?.lt_unsigned(&a.digits, &b.digits).map(drop)),
    ("DigitEvaluator::le_unsigned", |k, a, b| k.on_digits()?.le_unsigned(&a.digits, &b.digits).map(drop)),
    ("DigitEvaluator::lt", |k, a, b| k.on_digits()?.lt(&a.digits, &b.digits).map(drop)),
    ("DigitEvaluator::le", |k, a, b| k.on_digits()?.le(&a.digits, &b.digits).map(drop)),
    ("DigitEvaluator::ne", |k, a, b| k.on_digits()?.ne(&a.digits, &b.digits).map(drop)),
    ("DigitEvaluator::gt_unsigned", |k, a, b| k.on_digits()?.gt_unsigned(&a.digits, &b.digits).map(drop)),
    ("DigitEvaluator::ge_unsigned", |k, a, b| k.on_digits()?.ge_unsigned(&a.digits, &b.digits).map(drop)),
    ("DigitEvaluator::gt", |k, a, b| k.on_digits()?.gt(&a.digits, &b.digits).map(drop)),
    ("DigitEvaluator::ge", |k, a, b| k.on_digits()?.ge(&a.digits, &b.digits).map(drop)),
    ("DigitEvaluator::div_rem_unsigned", |k, a, b| {
        k.on_digits()?.div_rem_unsigned(&a.digits, &b.digits).map(drop)
    }),
    ("DigitEvaluator::div_rem", |k, a, b| k.on_digits()?.div_rem(&a.digits, &b.digits).map(drop)),
    ("DigitEvaluator::mul", |k, a, b| k.on_digits()?.mul(&a.digits, &b.digits).map(drop)),
    ("DigitEvaluator::add", |k, a, b| k.on_digits()?.add(&a.digits, &b.digits).map(drop)),
    ("DigitEvaluator::sub", |k, a, b| k.on_digits()?.sub(&a.digits, &b.digits).map(drop)),
    ("DigitEvaluator::select", |k, a, b| {
        k.on_digits()?.select(&a.conditions, &a.digits, &b.digits).map(drop)
    }),
    ("DigitEvaluator::select", |k, a, b| {
        k.on_digits()?.select(&b.conditions, &a.digits, &a.digits).map(drop)
    }),
    ("DigitEvaluator::fixed_mul", |k, a, b| k.on_digits()?.fixed_mul(&a.digits, &b.digits, 2).map(drop)),
    ("DigitEvaluator::fixed_mul_add", |k, a, b| {
        k.on_digits()?.fixed_mul_add(&a.digits, &a.digits, &b.digits, 2).map(drop)
    }),
];

/// That it is refused by the names of both secrets, whichever is which.
fn refused<T>(name: &str, result: Result<T, Error>, secrets: [SecretId; 2]) {
    let Err(error) = result else { panic!("{name} takes a ciphertext of another client") };
    let text = error.to_string();
    assert!(secrets.iter().all(|id| text.contains(&id.to_string())), "{name}: {text}");
    let Error::ForeignSecret(ForeignSecret { found, needed, .. }) = error else { panic!("{name}: {error}") };
    assert!(found != needed && secrets.contains(&found) && secrets.contains(&needed), "{name}");
}

fn worlds() -> (Parameters, [World; 2]) {
    let params = Spec::insecure_small().build_insecure("a test").unwrap();
    let worlds = [World::new(&params), World::new(&params)];
    (params, worlds)
}

/// What is its own is not refused for its secret; whether such small parameters take it is another question.
fn taken(name: &str, result: Result<(), Error>) {
    assert!(!matches!(result, Err(Error::ForeignSecret(_))), "{name}");
}

#[test]
fn keys_refuse_ciphertexts_of_another_client() {
    let (_, [here, there]) = worlds();
    let secrets = [here.id(), there.id()];
    for (name, operation) in ONE {
        taken(name, operation(&here, &here));
        refused(name, operation(&here, &there), secrets);
    }
    for (name, operation) in TWO {
        taken(name, operation(&here, &here, &here));
        let only_ciphertexts = *name == "LweCiphertext::add_scaled_assign";
        for (a, b) in [(&here, &there), (&there, &here), (&there, &there)] {
            if !only_ciphertexts || a.id() != b.id() {
                refused(name, operation(&here, a, b), secrets);
            }
        }
    }
}

/// However a ciphertext came about and by which way it came; a constant is under every secret.
#[test]
fn identifiers_outlast_encryption_and_bytes() {
    let (params, [here, there]) = worlds();
    let secrets = [here.id(), there.id()];
    let public =
        PublicKey::from_bytes(&params, &there.key.public_key().unwrap().to_bytes().unwrap()).unwrap();
    let key = SecretKey::from_secret_bytes(&params, &there.key.to_secret_bytes()).unwrap();
    let seeded = key.encrypt_seeded(&[1]).unwrap();
    let sealed = SeededCiphertexts::from_bytes(&params, &seeded.to_bytes()).unwrap();
    let list = LweCiphertext::to_bytes(&params, std::slice::from_ref(&there.c)).unwrap();
    let keys = there.key.seeded_evaluation_keys().unwrap().to_bytes().unwrap();
    let server = Evaluator::new(SeededEvaluationKeys::from_bytes(&params, &keys).unwrap().expand());
    let all = [
        seeded.expand().remove(0),
        sealed.expand().remove(0),
        Encryptor::with_public(&public).encrypt(1).unwrap(),
        LweCiphertext::from_bytes(&params, &list).unwrap().remove(0),
        server.bootstrap(&there.c, &there.table).unwrap(),
        server.pack(std::slice::from_ref(&there.c)).unwrap().extract(0).unwrap(),
    ];
    for c in &all {
        assert_eq!(c.secret_id(), Some(there.id()));
        refused("decrypt", here.decryptor().decrypt(c), secrets);
        assert_eq!(there.decryptor().decrypt(c).unwrap(), 1);
    }
    let constant = LweCiphertext::trivial(&params, 1 << 27);
    assert_eq!(constant.secret_id(), None);
    for world in [&here, &there] {
        let sum = world.server.add(&world.c, &constant).unwrap();
        assert_eq!((sum.secret_id(), world.decryptor().decrypt(&sum).unwrap()), (Some(world.id()), 2));
        assert_eq!(world.decryptor().decrypt(&constant).unwrap(), 1);
    }
    refused("add", there.server.add(&here.server.add(&constant, &here.c).unwrap(), &constant), secrets);
}

/// Bytes that say that a ciphertext with a mask is under no secret.
#[test]
fn masks_under_no_secret_are_refused() {
    let (params, [here, _]) = worlds();
    let mut out = he_core::wire::Writer::new();
    here.c.write(&mut out);
    let mut bytes = out.finish();
    assert_eq!(bytes[..16], here.id().to_bytes());
    bytes[..16].fill(0);
    let error = LweCiphertext::read(&mut he_core::wire::Reader::new(&bytes), &params).err().unwrap();
    assert!(error.to_string().contains("zero, which is that of none"), "{error}");
}
