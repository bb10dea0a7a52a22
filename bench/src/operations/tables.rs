//! TFHE.

use std::sync::Arc;

use he_tfhe::{Encryptor, Evaluator, Gate, GateJob, LookupTable, LweCiphertext, SecretKey, Spec};

use super::operation::Operation;
use crate::pages::Failure;

/// Bootstraps alone and in a batch, gates in a batch, packing.
pub(crate) fn tfhe(batch: usize) -> Result<Vec<Operation>, Failure> {
    let params = Spec::message_2_carry_2_wide_failure_64().build()?;
    let (log_n, key) = (params.n().ilog2(), SecretKey::generate(&params)?);
    let e = Arc::new(Evaluator::new(key.evaluation_keys()?));
    let table = Arc::new(LookupTable::new(&params, |m| m)?);
    let messages: Vec<u64> = (0..batch as u64).map(|i| i % 4).collect();
    let inputs: Arc<Vec<LweCiphertext>> = Arc::new(Encryptor::with_secret(&key).encrypt_all(&messages)?);
    let all = || (Arc::clone(&e), Arc::clone(&inputs), Arc::clone(&table));
    let (alone, many, pack) = (all(), all(), all());
    Ok(vec![
        Operation::new("TFHE: bootstrap of 2+2 bits", log_n, move || {
            alone.0.bootstrap(&alone.1[0], &alone.2)
        }),
        Operation::new(format!("TFHE: batch of {batch} bootstraps"), log_n, move || {
            many.0.bootstrap_batch(&many.1, &many.2)
        }),
        Operation::new(format!("TFHE: packing of {batch}"), log_n, move || pack.0.pack(&pack.1)),
        gates(batch)?,
    ])
}

fn gates(batch: usize) -> Result<Operation, Failure> {
    let params = Spec::gate_failure_64().build()?;
    let (log_n, key) = (params.n().ilog2(), SecretKey::generate(&params)?);
    let e = Evaluator::new(key.evaluation_keys()?);
    let bits: Vec<bool> = (0..2 * batch).map(|i| i % 3 == 0).collect();
    let inputs = Encryptor::with_secret(&key).encrypt_bits(&bits)?;
    Ok(Operation::new(format!("TFHE: batch of {batch} NAND gates"), log_n, move || {
        let pairs = inputs.as_chunks::<2>().0.iter();
        e.gates(&pairs.map(|[a, b]| GateJob::two(Gate::Nand, a, b)).collect::<Vec<_>>())
    }))
}
