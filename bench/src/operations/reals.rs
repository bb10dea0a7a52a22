//! CKKS.

use std::sync::Arc;

use he_ckks::{Encoder, Encryptor, Evaluator, KeyRequest, Parameters, SecretKey};

use super::operation::Operation;
use crate::pages::Failure;

/// Rotations that share a decomposition.
const HOISTED: [usize; 8] = [1, 2, 3, 4, 5, 6, 7, 8];

/// Products and rotations over the whole chain.
pub(crate) fn ckks(params: &Parameters) -> Result<Vec<Operation>, Failure> {
    let (log_n, top) = (params.n().ilog2(), params.max_level());
    let key = SecretKey::generate(params)?;
    let request = KeyRequest::default().relinearization(top).rotations(params, &HOISTED, top);
    let e = Arc::new(Evaluator::new(params, key.evaluation_keys(&request)?)?);
    let values: Vec<f64> = (0..params.slots()).map(|i| i as f64 / params.n() as f64).collect();
    let plaintext = Encoder::new(params).encode(&values)?;
    let encryptor = Encryptor::with_secret(&key);
    let (a, b) = (Arc::new(encryptor.encrypt(&plaintext)?), encryptor.encrypt(&plaintext)?);
    let all = || (Arc::clone(&e), Arc::clone(&a));
    let (multiply, rotate, hoisted) = (all(), all(), all());
    Ok(vec![
        Operation::new("CKKS: multiply, relinearize, rescale", log_n, move || {
            multiply.0.mul(&multiply.1, &b)
        }),
        Operation::new("CKKS: rotate", log_n, move || rotate.0.rotate(&rotate.1, 1)),
        Operation::new("CKKS: 8 rotations, hoisted", log_n, move || {
            hoisted.0.rotate_many(&hoisted.1, &HOISTED)
        }),
    ])
}
