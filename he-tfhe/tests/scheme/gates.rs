//! Every gate on every input, at 128 bits of security.

use he_tfhe::{Decryptor, Encryptor, Gate, GateJob, Spec};

use crate::world::World;

#[test]
fn every_gate_and_the_multiplexer_on_every_input() {
    let world = World::new(Spec::gate_failure_64().build().unwrap());
    let (encryptor, decryptor) = (Encryptor::with_secret(&world.key), Decryptor::new(&world.key));
    let cases: Vec<[bool; 3]> = (0..8).map(|i| [i & 1 == 1, i & 2 == 2, i & 4 == 4]).collect();
    let inputs: Vec<_> = cases.iter().map(|bits| encryptor.encrypt_bits(bits).unwrap()).collect();
    let pairs = Gate::ALL.iter().flat_map(|&gate| cases.iter().zip(&inputs).map(move |case| (gate, case)));
    let (expected, jobs): (Vec<bool>, Vec<GateJob<'_>>) = pairs
        .map(|(gate, (bits, x))| (gate.evaluate(*bits), GateJob { gate, inputs: [&x[0], &x[1], &x[2]] }))
        .unzip();
    let outputs = world.evaluator.gates(&jobs).unwrap();
    assert_eq!(world.evaluator.bootstraps(), 96);
    for (output, expected) in outputs.iter().zip(expected) {
        assert_eq!(decryptor.decrypt_bit(output).unwrap(), expected);
    }
    let triples: Vec<_> = inputs.iter().map(|inputs| [&inputs[0], &inputs[1], &inputs[2]]).collect();
    let chosen = world.evaluator.mux(&triples).unwrap();
    for (output, [c, a, b]) in chosen.iter().zip(&cases) {
        assert_eq!(decryptor.decrypt_bit(output).unwrap(), if *c { *a } else { *b });
        assert_eq!(
            decryptor.decrypt_bit(&world.evaluator.not(output).unwrap()).unwrap(),
            if *c { !*a } else { !*b }
        );
    }
    // Two results of the multiplexer may enter a gate, and constants any.
    let constant = world.evaluator.constant_bit(true);
    let [c, a, b] = cases[6];
    let first = if c { a } else { b };
    let last = cases[7].iter().all(|bit| *bit);
    let and = world.evaluator.gate(Gate::And, &chosen[6], &chosen[7]).unwrap();
    assert_eq!(decryptor.decrypt_bit(&and).unwrap(), first && last);
    let same = world.evaluator.gate(Gate::And, &chosen[7], &constant).unwrap();
    assert_eq!(decryptor.decrypt_bit(&same).unwrap(), last);
}

#[test]
fn gates_say_how_many_inputs_they_have() {
    let three = |gate: &&Gate| gate.inputs() == 3;
    assert_eq!(Gate::ALL.iter().filter(three).collect::<Vec<_>>(), [&Gate::Xor3, &Gate::Majority]);
}
