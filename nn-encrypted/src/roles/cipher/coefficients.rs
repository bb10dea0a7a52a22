//! The client's side of layers in coefficients: exact integers in BGV.

use he_bgv::{Ciphertext, Decryptor, Encoder};
use he_core::wire::{Reader, WireError};
use he_switch::SecretKeys;

use super::tables::Coding;
use super::{Result, written};
use crate::engine::coefficients;
use crate::layout::Rows;

/// Integers as coefficients.
pub(crate) struct Integers;

impl Coding for Integers {
    type Ciphertext = Ciphertext;

    const EXACT: bool = true;

    fn factor(&self, _: Option<Rows>) -> f64 {
        1.0
    }

    fn encrypt(&self, keys: &SecretKeys, values: &[f64]) -> Result<Vec<u8>> {
        let bgv = keys.params().bgv();
        let values: Vec<i64> = values.iter().map(|&value| value as i64).collect();
        let plain = Encoder::new(bgv).encode_coefficients(&values)?;
        let sealed = keys.bgv().encrypt_seeded(&plain, bgv.max_level())?;
        written(|out| sealed.write(out))
    }

    fn read(
        &self,
        keys: &SecretKeys,
        from: &mut Reader<'_>,
        _: usize,
        kept: bool,
    ) -> Result<Ciphertext, WireError> {
        coefficients::read(from, keys.params().bgv(), kept)
    }

    fn decrypt(&self, keys: &SecretKeys, ciphertext: &Ciphertext) -> Result<Vec<f64>> {
        let plain = Decryptor::new(keys.bgv()).decrypt(ciphertext)?;
        let values = Encoder::new(keys.params().bgv()).decode_coefficients(&plain);
        Ok(values.into_iter().map(|value| value as f64).collect())
    }
}
