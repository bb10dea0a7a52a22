//! BGV, BFV and YASHE.

use std::sync::Arc;

use super::operation::Operation;
use crate::pages::Failure;

/// Products, key switches and modulus switching of BGV.
pub(crate) fn bgv(params: &he_bgv::Parameters) -> Result<Vec<Operation>, Failure> {
    use he_bgv::{Encoder, Encryptor, Evaluator, KeyRequest, SecretKey};
    let (log_n, top) = (params.n().ilog2(), params.max_level());
    let key = SecretKey::generate(params)?;
    let request = KeyRequest::default().relinearization(top).rotations(params, &[1], top);
    let e = Arc::new(Evaluator::new(params, key.evaluation_keys(&request)?)?);
    let plaintext = Encoder::new(params).modular().encode(&(0..1000).collect::<Vec<_>>())?;
    let encryptor = Encryptor::with_secret(&key);
    let (a, b) = (Arc::new(encryptor.encrypt(&plaintext)?), encryptor.encrypt(&plaintext)?);
    let product = Arc::new(e.mul_lazy(&a, &b)?);
    let all = || (Arc::clone(&e), Arc::clone(&a), Arc::clone(&product));
    let (multiply, relinearize, rotate, switch) = (all(), all(), all(), all());
    Ok(vec![
        Operation::new("BGV: multiply", log_n, move || multiply.0.mul_lazy(&multiply.1, &b)),
        Operation::new("BGV: relinearize", log_n, move || relinearize.0.relinearize(&relinearize.2)),
        Operation::new("BGV: rotate", log_n, move || rotate.0.rotate_rows(&rotate.1, 1)),
        Operation::new("BGV: switch modulus", log_n, move || switch.0.mod_switch(&switch.2)),
    ])
}

/// A product of BFV.
pub(crate) fn bfv(params: &he_bfv::Parameters) -> Result<Vec<Operation>, Failure> {
    use he_bfv::{Encoder, Encryptor, Evaluator, KeyRequest, SecretKey};
    let (log_n, top) = (params.n().ilog2(), params.max_level());
    let key = SecretKey::generate(params)?;
    let e = Evaluator::new(params, key.evaluation_keys(&KeyRequest::default().relinearization(top))?)?;
    let plaintext = Encoder::new(params).modular().encode(&(0..1000).collect::<Vec<_>>())?;
    let encryptor = Encryptor::with_secret(&key);
    let (a, b) = (encryptor.encrypt(&plaintext)?, encryptor.encrypt(&plaintext)?);
    Ok(vec![Operation::new("BFV: multiply and relinearize", log_n, move || e.mul(&a, &b))])
}

/// A product of YASHE, which is broken and here for comparison.
pub(crate) fn yashe(params: &he_yashe::Parameters) -> Result<Vec<Operation>, Failure> {
    use he_yashe::{Encoder, Encryptor, Evaluator, KeyRequest, SecretKey};
    let (log_n, key) = (params.n().ilog2(), SecretKey::generate(params)?);
    let e = Evaluator::new(params, key.evaluation_keys(&KeyRequest::default().products())?)?;
    let plaintext = Encoder::new(params).modular().encode_coefficients(&(0..100).collect::<Vec<_>>())?;
    let public = key.public_key();
    let encryptor = Encryptor::new(&public);
    let (a, b) = (encryptor.encrypt(&plaintext)?, encryptor.encrypt(&plaintext)?);
    Ok(vec![Operation::new("YASHE: multiply and relinearize", log_n, move || e.mul(&a, &b))])
}
