//! The client's side of layers in coefficients: exact integers in BGV or BFV.

use std::marker::PhantomData;

use he_bgv::{Ciphertext, Decryptor, Encoder};
use he_core::rlwe::SecretId;
use he_core::wire::{Reader, WireError, Writer};
use he_switch::tables::{EvaluationKeys, KeyRequest, Parameters};
use zeroize::Zeroizing;

use super::Result;
use super::ckks::time_rotation;
use super::tables::{Coding, Keys, Switched};
use crate::engine::coefficients;
use crate::engine::integers::{IntegerForm, residue_encoder};
use crate::layout::Rows;

/// Secret keys with one of BGV.
pub(crate) trait BgvKeys: Keys {
    fn bgv(&self) -> &he_bgv::SecretKey;
}

impl BgvKeys for Switched {
    fn bgv(&self) -> &he_bgv::SecretKey {
        self.keys.bgv()
    }
}

/// The secret key beside tables over slots, and the evaluation keys that a server needs: CKKS holds nothing of its own.
pub(crate) struct BesideSlots {
    pub(crate) parameters: Parameters,
    pub(crate) key: he_bgv::SecretKey,
    pub(crate) request: KeyRequest,
}

impl Keys for BesideSlots {
    fn secret_bytes(&self) -> Zeroizing<Vec<u8>> {
        self.key.to_secret_bytes()
    }

    fn evaluation_keys(&self) -> Result<Vec<Vec<u8>>> {
        Ok(EvaluationKeys::generate(&self.parameters, &self.key, &self.request)?.to_bytes()?)
    }

    /// A rotation in the ring of the tables, under a key of its own.
    fn time_units(&self) -> Result<Vec<f64>> {
        Ok(vec![time_rotation(&he_ckks::SecretKey::generate(self.parameters.tables())?)?])
    }

    /// There are none.
    fn open_records(&self, _: &[u8]) -> Result<Vec<u32>> {
        Ok(Vec::new())
    }
}

impl BgvKeys for BesideSlots {
    fn bgv(&self) -> &he_bgv::SecretKey {
        &self.key
    }
}

/// Integers as coefficients.
pub(crate) struct Integers<K> {
    form: IntegerForm,
    keys: PhantomData<K>,
}

impl<K> Integers<K> {
    /// As the scheme of a form writes them.
    pub(crate) fn new(form: IntegerForm) -> Self {
        Self { form, keys: PhantomData }
    }
}

impl<K: BgvKeys> Coding for Integers<K> {
    type Ciphertext = Ciphertext;
    type Keys = K;

    const EXACT: bool = true;

    fn factor(&self, _: Option<Rows>) -> f64 {
        1.0
    }

    fn encrypt(&self, keys: &K, values: &[f64]) -> Result<Vec<u8>> {
        let bgv = keys.bgv().params();
        let values: Vec<i64> = values.iter().map(|&value| value as i64).collect();
        let plain = residue_encoder(bgv).encode_coefficients(&values)?;
        let mut out = Writer::new();
        self.form.encrypt(keys.bgv(), &plain, bgv.max_level(), &mut out)?;
        Ok(out.finish())
    }

    fn read(&self, _: &K, from: &mut Reader<'_>, _: usize, kept: bool) -> Result<Ciphertext, WireError> {
        coefficients::read(from, &self.form, kept)
    }

    fn secrets(&self, keys: &K, ciphertext: &Ciphertext) -> [SecretId; 2] {
        [ciphertext.secret_id(), keys.bgv().secret_id()]
    }

    fn decrypt(&self, keys: &K, ciphertext: &Ciphertext) -> Result<Vec<f64>> {
        let plain = Decryptor::new(keys.bgv()).decrypt(ciphertext)?;
        let values = Encoder::new(keys.bgv().params()).decode_coefficients(&plain);
        Ok(values.into_iter().map(|value| value as f64).collect())
    }
}
