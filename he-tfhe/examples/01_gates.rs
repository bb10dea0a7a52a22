//! Bits and gates: a server adds two numbers that it cannot read.
//!
//! `cargo run --release -p he-tfhe --example 01_gates`

use he_tfhe::{Decryptor, Encryptor, Error, Evaluator, Gate, GateJob, LweCiphertext, SecretKey, Spec};

/// Adds numbers bit by bit: a full adder is two gates of three inputs.
fn add(server: &Evaluator, a: &[LweCiphertext], b: &[LweCiphertext]) -> Result<Vec<LweCiphertext>, Error> {
    let mut carry = server.constant_bit(false);
    let mut sum = Vec::new();
    for (a, b) in a.iter().zip(b) {
        // Both gates at once: gates in one call run in parallel and share the keys that are streamed.
        let jobs = [GateJob::three(Gate::Xor3, a, b, &carry), GateJob::three(Gate::Majority, a, b, &carry)];
        let [digit, next]: [LweCiphertext; 2] =
            server.gates(&jobs)?.try_into().map_err(|_| Error::NoReason)?;
        sum.push(digit);
        carry = next;
    }
    sum.push(carry);
    Ok(sum)
}

fn bits(number: u32, width: u32) -> Vec<bool> {
    (0..width).map(|i| number >> i & 1 == 1).collect()
}

fn run() -> Result<u32, Error> {
    // The parameters hold 128 bits of security, and a gate fails with probability 2^-64.
    let params = Spec::gate_failure_64().build()?;

    // The client draws its key, and keys for the server: these decrypt nothing.
    let key = SecretKey::generate(&params)?;
    let server = Evaluator::new(key.evaluation_keys()?);

    // It encrypts 11 and 14, bit by bit from the lowest.
    let client = Encryptor::with_secret(&key);
    let (a, b) = (client.encrypt_bits(&bits(11, 4))?, client.encrypt_bits(&bits(14, 4))?);

    // The server adds. Each gate is one bootstrap, so noise never grows: circuits may have any depth.
    let sum = add(&server, &a, &b)?;
    println!("{} bootstraps", server.bootstraps());

    // The client decrypts.
    let decryptor = Decryptor::new(&key);
    let bit = |(i, bit): (usize, &LweCiphertext)| Ok(u32::from(decryptor.decrypt_bit(bit)?) << i);
    let sum: Result<Vec<u32>, Error> = sum.iter().enumerate().map(bit).collect();
    Ok(sum?.iter().sum())
}

fn main() -> Result<(), Error> {
    let sum = run()?;
    println!("11 + 14 = {sum}");
    assert_eq!(sum, 25);
    Ok(())
}

#[test]
fn eleven_and_fourteen_are_twenty_five() {
    assert_eq!(run().ok(), Some(25));
}
