//! The client's side of layers in BGV.

mod crt;
mod packing;

use std::sync::Arc;

use he_bgv::{Ciphertext, Decryptor, Encryptor, Error, Evaluator, KeyRequest, PublicKey, SecretKey};
use ndarray::ArrayView2;
use rayon::prelude::*;
use zeroize::Zeroizing;

use self::packing::Packing;
use super::{
    Cipher, CipherError, Decryption, Opened, Plain, PublicCipher, Result, Values, check_secrets, side_by_side,
};
use crate::engine::Pieces;
use crate::engine::integers::residue_encoder;
use crate::engine::slots::bgv::{Agreement, Instance};
use crate::layout::Tiles;
use crate::program::Tensor;

/// Secret keys, one for each plaintext prime, and the layout of tensors.
pub struct BgvCipher {
    packing: Packing,
    keys: Vec<SecretKey>,
}

impl BgvCipher {
    /// A client's side with new keys.
    pub fn generate(agreement: &Arc<Agreement>) -> Result<Self> {
        let keys = agreement.instances.iter().map(|instance| SecretKey::generate(&instance.params));
        Ok(Self::new(agreement, keys.collect::<Result<Vec<_>, _>>()?))
    }

    /// A client's side with keys of before.
    ///
    /// # Errors
    /// If one is missing, damaged or of other parameters.
    pub fn with_secret(agreement: &Arc<Agreement>, keys: &[Zeroizing<Vec<u8>>]) -> Result<Self> {
        let needed = agreement.instances.len();
        if keys.len() != needed {
            return Err(CipherError::data("secret keys", keys.len(), needed));
        }
        let read = agreement.instances.iter().zip(keys).enumerate().map(|(number, (instance, bytes))| {
            let key = SecretKey::from_secret_bytes(&instance.params, bytes);
            key.map_err(|source| CipherError::Secret { number, source })
        });
        Ok(Self::new(agreement, read.collect::<Result<Vec<_>, _>>()?))
    }

    fn new(agreement: &Arc<Agreement>, keys: Vec<SecretKey>) -> Self {
        Self { packing: Packing::new(agreement), keys }
    }

    fn decrypt_tile(&self, tile: &[Ciphertext]) -> Result<Vec<i128>, Error> {
        let slots = tile.iter().enumerate().map(|(c, ciphertext)| {
            self.packing.encoders[c].decode(&Decryptor::new(&self.keys[c]).decrypt(ciphertext)?)
        });
        Ok(self.packing.plaintext.combine(&slots.collect::<Result<Vec<_>, _>>()?))
    }
}

/// CPU seconds of a rotation over all primes, alone on a thread.
pub(super) fn time_rotation(key: &SecretKey) -> Result<f64> {
    let params = key.params();
    let request = KeyRequest::default().rotations(params, &[1], params.max_level());
    let evaluator = Evaluator::new(params, key.evaluation_keys(&request)?)?;
    let operand = Encryptor::with_secret(key).encrypt(&residue_encoder(params).encode(&[])?)?;
    side_by_side(|| evaluator.rotate_rows(&operand, 1).map(drop).map_err(Into::into))
}

impl Cipher for BgvCipher {
    fn secret_bytes(&self) -> Vec<Zeroizing<Vec<u8>>> {
        self.keys.iter().map(SecretKey::to_secret_bytes).collect()
    }

    fn evaluation_keys(&self) -> Result<Vec<Vec<u8>>> {
        let all = self.keys.iter().zip(&self.packing.agreement.instances);
        let make = |(key, instance): (&SecretKey, &Instance)| {
            instance.form.evaluation_keys(key, &self.packing.agreement.keys(key.params()))
        };
        Ok(all.map(make).collect::<Result<Vec<_>, Error>>()?)
    }

    fn time_units(&self) -> Result<Vec<f64>> {
        self.keys.first().map_or(Ok(vec![0.0]), |key| Ok(vec![time_rotation(key)?]))
    }

    fn encrypt(&self, tensor: Tensor, values: Plain<'_>) -> Result<Vec<Vec<Vec<u8>>>> {
        let agreement = &self.packing.agreement;
        let whole = agreement.is_whole(tensor);
        self.packing.encrypt(tensor, values, |c, plaintext, level, out| {
            let (form, key) = (&agreement.instances[c].form, &self.keys[c]);
            if whole {
                return Ok(form.write(&Encryptor::with_secret(key).encrypt_at(plaintext, level)?, out)?);
            }
            form.encrypt(key, plaintext, level, out)
        })
    }

    fn public_keys(&self) -> Result<Vec<Vec<u8>>> {
        let keys = self.keys.iter().map(|key| Ok(key.public_key()?.to_bytes()?));
        Ok(keys.collect::<Result<_, Error>>()?)
    }

    fn open(&self, tensor: Tensor, rows: usize, parts: &[Pieces]) -> Result<Decryption<'_>> {
        let fresh = matches!(tensor, Tensor::Weights | Tensor::LowWeights | Tensor::Momentum);
        let opened = self.packing.agreement.open(tensor, fresh, parts);
        let opened = opened.map_err(|source| CipherError::Message { tensor, source })?;
        let keys = self.keys.iter().map(SecretKey::secret_id);
        let secrets = opened.iter().flat_map(|tile| tile.iter().map(Ciphertext::secret_id).zip(keys.clone()));
        check_secrets(tensor, secrets.map(<[_; 2]>::from))?;
        let bits = self.packing.agreement.fraction_bits(tensor);
        let tiles = match tensor.is_of_model() || tensor == Tensor::Gradient {
            true => None,
            false => Some(self.packing.tiles(tensor)?),
        };
        Ok(Box::new(move || {
            let slots = opened.par_iter().map(|tile| self.decrypt_tile(tile));
            let slots = slots.collect::<Result<Vec<_>, _>>()?;
            let Some(tiles) = tiles else { return Ok(self.packing.unpack_model(&slots, bits).into()) };
            // Rows beyond the mini-batch are not read, hence sent back as zeros: their errors vanish.
            let tiles = Tiles { rows: rows.min(tiles.rows), ..tiles };
            let values = tiles.unpack(&self.packing.agreement.geometry.cube, &slots);
            Ok(Opened::Rows(Values::Exact(values, bits)).into())
        }))
    }
}

/// The public keys, one for each plaintext prime, and the layout of tensors.
pub(crate) struct BgvPublic {
    packing: Packing,
    keys: Vec<PublicKey>,
}

impl BgvPublic {
    /// A data owner's side with keys of a client.
    ///
    /// # Errors
    /// If one is missing, damaged or of other parameters.
    pub(crate) fn new(agreement: &Arc<Agreement>, keys: &[Vec<u8>]) -> Result<Self> {
        let needed = agreement.instances.len();
        if keys.len() != needed {
            return Err(CipherError::data("public keys", keys.len(), needed));
        }
        let read = agreement.instances.iter().zip(keys).map(|(instance, bytes)| {
            let key = PublicKey::from_bytes(&instance.params, bytes);
            key.map_err(|source| CipherError::Keys { what: "public key", source })
        });
        Ok(Self { packing: Packing::new(agreement), keys: read.collect::<Result<_>>()? })
    }
}

impl PublicCipher for BgvPublic {
    fn encrypt(&self, tensor: Tensor, rows: ArrayView2<'_, f64>) -> Result<Vec<Vec<Vec<u8>>>> {
        self.packing.encrypt(tensor, Plain::Rows(rows), |c, plaintext, level, out| {
            let sealed = Encryptor::with_public(&self.keys[c]).encrypt_at(plaintext, level)?;
            Ok(self.packing.agreement.instances[c].form.write(&sealed, out)?)
        })
    }
}
