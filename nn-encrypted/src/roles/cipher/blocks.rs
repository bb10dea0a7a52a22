//! The client's side of layers in blocks: real numbers in slots of CKKS.

use he_ckks::{Ciphertext, Decryptor, Encoder};
use he_core::rlwe::SecretId;
use he_core::wire::{Reader, WireError};

use super::tables::{Coding, Switched};
use super::{Result, written};
use crate::engine::blocks::{self, BlockScales};
use crate::layout::Rows;

/// Real numbers in slots.
pub(crate) struct Reals {
    pub(crate) scales: BlockScales,
}

impl Coding for Reals {
    type Ciphertext = Ciphertext;
    type Keys = Switched;

    const EXACT: bool = false;

    fn factor(&self, rows: Option<Rows>) -> f64 {
        match rows {
            None => self.scales.weight,
            Some(Rows::Inputs(_) | Rows::Errors(_)) => self.scales.factor,
            Some(Rows::Sums(_) | Rows::InputGradients(_)) => self.scales.factor * self.scales.weight,
        }
    }

    fn encrypt(&self, keys: &Switched, values: &[f64]) -> Result<Vec<u8>> {
        let ckks = keys.keys.params().ckks();
        let plain = Encoder::new(ckks).encode_in(values, values.len())?;
        let sealed = keys.keys.ckks().encrypt_seeded(&plain, ckks.max_level())?;
        written(|out| sealed.write(out))
    }

    fn read(
        &self,
        keys: &Switched,
        from: &mut Reader<'_>,
        size: usize,
        kept: bool,
    ) -> Result<Ciphertext, WireError> {
        blocks::read(from, keys.keys.params().ckks(), size, kept)
    }

    fn secrets(&self, keys: &Switched, ciphertext: &Ciphertext) -> [SecretId; 2] {
        [ciphertext.secret_id(), keys.keys.ckks().secret_id()]
    }

    fn decrypt(&self, keys: &Switched, ciphertext: &Ciphertext) -> Result<Vec<f64>> {
        Ok(Decryptor::new(keys.keys.ckks()).decrypt(ciphertext)?)
    }
}
