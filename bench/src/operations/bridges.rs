//! Bridges between schemes, and the bootstrap of CKKS that they stand on.

use std::sync::Arc;

use he_switch::{KeyRequest, SecretKeys, Spec, Switcher};

use super::operation::Operation;
use crate::pages::Failure;

/// Bits below the plaintexts of results of tables.
const LOG_SMALL: u32 = 11;
/// Error of refreshed integers relative to the modulus: a product can follow.
const ERROR: f64 = 1.0 / (1_u64 << 46) as f64;

/// Both ways between BGV and TFHE, a refresh of BGV, and a bootstrap of CKKS, at the preset of `glyph2020`: as many slots as a
/// ciphertext of BGV fills.
pub(crate) fn bridges() -> Result<Vec<Operation>, Failure> {
    let params = Spec::glyph().build()?;
    let secret = SecretKeys::generate(&params)?;
    let (bgv, ckks) = (params.bgv(), params.ckks());
    let (n, slots) = (bgv.n(), bgv.n() / 2);
    let products = he_bgv::KeyRequest::default().relinearization(bgv.max_level());
    let request = KeyRequest::bgv_and_tfhe().bgv(products).slots(slots);
    let server = Arc::new(Switcher::new(secret.evaluation_keys(&request)?)?);

    let unit = (1_i64 << params.log_t()) / 32;
    let values: Vec<i64> = (0..n as i64).map(|i| (i % 8 - 4) * unit).collect();
    // Plaintexts of products wrap: only times count here.
    let encoder = he_bgv::Encoder::new(bgv).modular();
    let c = he_bgv::Encryptor::with_secret(secret.bgv()).encrypt(&encoder.encode_coefficients(&values)?)?;
    // Results of a table, without the table: packing takes any ciphertexts.
    let few: Vec<usize> = (0..params.tfhe().n()).collect();
    let packed = server.tfhe()?.pack(&server.bgv_to_tfhe(&c, &few)?)?;
    let back = server.tfhe_to_bgv(std::slice::from_ref(&packed), LOG_SMALL, ERROR)?;
    let used = vec![server.bgv().square(&back[0])?];
    let numbers: Vec<f64> = (0..slots).map(|i| i as f64 / slots as f64).collect();
    let plaintext = he_ckks::Encoder::new(ckks).encode_in(&numbers, slots)?;
    let full = he_ckks::Encryptor::with_secret(secret.ckks()).encrypt(&plaintext)?;
    let bootstrapper = Arc::clone(server.ckks()?);
    let low = bootstrapper.evaluator().mod_switch_to(&full, ckks.reserved_levels())?;

    let (down, up, refresh) = (Arc::clone(&server), Arc::clone(&server), server);
    let (log_n, log_ckks) = (n.ilog2(), ckks.n().ilog2());
    let all: Vec<usize> = (0..n).collect();
    Ok(vec![
        Operation::new("BGV to TFHE: all coefficients", log_n, move || down.bgv_to_tfhe(&c, &all)),
        Operation::new("TFHE to BGV: a packed ciphertext", log_ckks, move || {
            up.tfhe_to_bgv(std::slice::from_ref(&packed), LOG_SMALL, ERROR)
        }),
        Operation::new("BGV: refresh of a ciphertext", log_ckks, move || refresh.refresh(&used, ERROR)),
        Operation::new("CKKS: bootstrap of 4,096 slots", log_ckks, move || bootstrapper.bootstrap(&low)),
    ])
}
