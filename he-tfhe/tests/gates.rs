//! Every gate on every input.
use he_tfhe::{Decryptor, Encryptor, Evaluator, Gate, GateJob, SecretKey, presets};

#[test]
fn every_gate_on_every_input() {
    let params = presets::GATE_FAILURE_64.build().unwrap();
    let key = SecretKey::generate(&params).unwrap();
    let evaluator = Evaluator::new(key.evaluation_keys().unwrap().expand());
    let (encryptor, decryptor) = (Encryptor::new(&key), Decryptor::new(&key));
    let cases: Vec<[bool; 3]> = (0..8).map(|i| [i & 1 == 1, i & 2 == 2, i & 4 == 4]).collect();
    let inputs: Vec<_> = cases.iter().map(|bits| encryptor.encrypt_bits(bits).unwrap()).collect();
    let pairs = Gate::ALL.iter().flat_map(|&gate| cases.iter().zip(&inputs).map(move |case| (gate, case)));
    let (expected, jobs): (Vec<bool>, Vec<GateJob<'_>>) = pairs
        .map(|(gate, (bits, inputs))| {
            (gate.evaluate(*bits), GateJob { gate, inputs: [&inputs[0], &inputs[1], &inputs[2]] })
        })
        .unzip();
    let t = std::time::Instant::now();
    let outputs = evaluator.gates(&jobs).unwrap();
    println!("{:.3} ms", t.elapsed().as_secs_f64() * 1e3 / jobs.len() as f64);
    for (output, expected) in outputs.iter().zip(expected) {
        assert_eq!(decryptor.decrypt_bit(output).unwrap(), expected);
    }
    let triples: Vec<_> = inputs.iter().map(|inputs| [&inputs[0], &inputs[1], &inputs[2]]).collect();
    for (output, [c, a, b]) in evaluator.mux(&triples).unwrap().iter().zip(&cases) {
        assert_eq!(decryptor.decrypt_bit(output).unwrap(), if *c { *a } else { *b });
    }
}
