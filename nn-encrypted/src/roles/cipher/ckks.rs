//! The client's side of layers in CKKS.

use std::sync::Arc;

use he_ckks::{
    Ciphertext, Complex64, Decryptor, Encoder, Encryptor, Evaluator, KeyRequest, Plaintext, PublicKey,
    SecretKey,
};
use ndarray::{Array2, ArrayView2, Axis, Slice};
use rayon::prelude::*;
use zeroize::{Zeroize, Zeroizing};

use super::{
    Cipher, CipherError, Decryption, Opened, Plain, PublicCipher, Result, Values, check_secrets, check_shape,
    only, row, states, written,
};
use crate::engine::Pieces;
use crate::engine::slots::ckks::{CkksAgreement, RealFormulas};
use crate::layout::Tiles;
use crate::meter;
use crate::model::Model;
use crate::program::Tensor;

/// The secret key, and the layout of tensors.
pub(crate) struct CkksCipher {
    agreement: Arc<CkksAgreement>,
    key: SecretKey,
}

/// Slots of a ciphertext in the clear, wiped on drop.
type Secret = Zeroizing<Vec<f64>>;

impl CkksCipher {
    /// A client's side with a new key.
    pub(crate) fn generate(agreement: &Arc<CkksAgreement>) -> Result<Self> {
        let key = SecretKey::generate(&agreement.params)?;
        Ok(Self { agreement: Arc::clone(agreement), key })
    }

    /// A client's side with a key of before.
    ///
    /// # Errors
    /// If it is missing, damaged or of other parameters.
    pub(crate) fn with_secret(agreement: &Arc<CkksAgreement>, keys: &[Zeroizing<Vec<u8>>]) -> Result<Self> {
        let key = SecretKey::from_secret_bytes(&agreement.params, only(keys)?);
        let key = key.map_err(|source| CipherError::Keys { what: "secret key", source })?;
        Ok(Self { agreement: Arc::clone(agreement), key })
    }

    fn formulas(&self) -> &RealFormulas {
        &self.agreement.formulas
    }

    fn write(&self, plaintext: &Plaintext, primes: usize) -> Result<Vec<u8>> {
        let sealed = self.key.encrypt_seeded(plaintext, primes - 1)?;
        written(|out| sealed.write(out))
    }

    fn tiles(&self, tensor: Tensor) -> Result<Tiles> {
        tiles(&self.agreement, tensor)
    }

    /// `(W/β_W + i·V/β_V)/√2`, compact.
    fn encrypt_model(&self, model: &Model, primes: usize) -> Result<Vec<Vec<u8>>> {
        let (formulas, geometry) = (self.formulas(), &self.formulas().geometry);
        let (cube, compact) = (&geometry.cube, &geometry.compact);
        let mut slots = vec![vec![Complex64::default(); cube.slots()]; compact.ciphertexts()];
        for (layer, matrix, state) in states(geometry, &formulas.matrices, model)? {
            let [w, v] = formulas.state_units();
            let both = |real: &[f64], imaginary: &[f64]| -> Vec<Complex64> {
                real.iter().zip(imaginary).map(|(&re, &im)| Complex64::new(re / w, im / v)).collect()
            };
            let weight = both(&state.weight, &state.weight_momentum);
            let bias = both(&state.bias, &state.bias_momentum);
            layer.pack(cube, compact, matrix, (&weight, &bias), &mut slots);
        }
        let encoder = Encoder::new(&self.agreement.params);
        let encrypted = slots.par_iter().map(|slots| self.write(&encoder.encode_complex(slots)?, primes));
        let encrypted = encrypted.collect();
        slots.iter_mut().flatten().for_each(|slot| {
            slot.re.zeroize();
            slot.im.zeroize();
        });
        encrypted
    }

    /// Weights and biases, or their momenta, of every layer out of compact slots. A number that stands in several entries is
    /// their mean.
    fn decrypt_model(&self, all: &[Ciphertext], momentum: bool) -> Result<Opened> {
        let formulas = self.formulas();
        let decryptor = Decryptor::new(&self.key);
        let slots = all.par_iter().map(|c| Ok(decryptor.decrypt_complex(c)?)).collect::<Result<Vec<_>>>()?;
        let [w, v] = formulas.state_units();
        let value = |&(ciphertext, slot): &(usize, usize)| {
            let number: Complex64 = slots[ciphertext][slot];
            if momentum { number.im * v } else { number.re * w }
        };
        let mean =
            |group: &Vec<(usize, usize)>| group.iter().map(value).sum::<f64>() / group.len().max(1) as f64;
        let geometry = &formulas.geometry;
        let layers = geometry.layers.iter().zip(&formulas.matrices).map(|(layer, matrix)| {
            let [weights, biases] = layer.places(&geometry.cube, &geometry.compact, matrix);
            let means = |places: &[Vec<(usize, usize)>]| Values::Real(row(places.iter().map(mean).collect()));
            (means(&weights), means(&biases))
        });
        Ok(Opened::Layers(layers.collect()))
    }
}

impl Cipher for CkksCipher {
    fn secret_bytes(&self) -> Vec<Zeroizing<Vec<u8>>> {
        vec![self.key.to_secret_bytes()]
    }

    fn evaluation_keys(&self) -> Result<Vec<Vec<u8>>> {
        let request = self.agreement.keys()?;
        let bytes = if self.agreement.bootstraps() {
            self.key.bootstrap_keys(self.agreement.params.slots(), &request)?.to_bytes()
        } else {
            self.key.evaluation_keys(&request)?.to_bytes()
        };
        Ok(vec![bytes.map_err(|source| CipherError::Keys { what: "evaluation keys", source })?])
    }

    fn public_keys(&self) -> Result<Vec<Vec<u8>>> {
        let bytes = self.key.public_key()?.to_bytes();
        Ok(vec![bytes.map_err(|source| CipherError::Keys { what: "public key", source })?])
    }

    /// A rotation at the highest level of steps.
    fn time_units(&self) -> Result<Vec<f64>> {
        Ok(vec![time_rotation(&self.key)?])
    }

    fn encrypt(&self, tensor: Tensor, values: Plain<'_>) -> Result<Vec<Vec<Vec<u8>>>> {
        let primes = fresh_primes(&self.agreement, tensor)?;
        match values {
            Plain::Rows(rows) if self.agreement.is_whole(tensor) => {
                let encryptor = Encryptor::with_secret(&self.key);
                encrypt_rows(&self.agreement, (tensor, primes), rows, &|plaintext, primes| {
                    whole(&encryptor, plaintext, primes)
                })
            }
            Plain::Rows(rows) => {
                encrypt_rows(&self.agreement, (tensor, primes), rows, &|plaintext, primes| {
                    self.write(plaintext, primes)
                })
            }
            Plain::Model(model) => Ok(vec![self.encrypt_model(model, primes)?]),
        }
    }

    fn open(&self, tensor: Tensor, rows: usize, parts: &[Pieces]) -> Result<Decryption<'_>> {
        // Momentum lies in the ciphertexts of the weights.
        let holder = match tensor {
            Tensor::Momentum => Tensor::Weights,
            Tensor::NewMomentum => Tensor::NewWeights,
            other => other,
        };
        let all = self.agreement.open_all(holder, parts);
        let all = all.map_err(|source| CipherError::Message { tensor, source })?;
        check_secrets(tensor, all.iter().map(|c| [c.secret_id(), self.key.secret_id()]))?;
        if tensor.is_of_model() {
            return Ok(Box::new(move || Ok(self.decrypt_model(&all, holder != tensor)?.into())));
        }
        let tiles = self.tiles(tensor)?;
        Ok(Box::new(move || {
            let decryptor = Decryptor::new(&self.key);
            let slots = all.par_iter().map(|c| Ok(decryptor.decrypt(c)?)).collect::<Result<Vec<_>>>()?;
            // Rows beyond the mini-batch are not read, hence sent back as zeros.
            let tiles = Tiles { rows: rows.min(tiles.rows), ..tiles };
            let (formulas, unit) = (self.formulas(), self.formulas().unit(tensor));
            let values = tiles.unpack(formulas.cube(), &slots).mapv(|value| value * unit);
            Ok(Opened::Rows(Values::Real(values)).into())
        }))
    }
}

/// The layout of a tensor of images by columns.
fn tiles(agreement: &CkksAgreement, tensor: Tensor) -> Result<Tiles> {
    let tiles = agreement.formulas.geometry.tiles(tensor);
    tiles.ok_or_else(|| CipherError::foreign(tensor, "images by columns"))
}

/// The primes over which a tensor is encrypted.
fn fresh_primes(agreement: &CkksAgreement, tensor: Tensor) -> Result<usize> {
    let primes = agreement.fresh.get(&tensor).copied();
    primes.ok_or_else(|| CipherError::foreign(tensor, "tensor that is encrypted"))
}

/// Encrypts a plaintext over so many primes.
type Write<'a> = &'a (dyn Fn(&Plaintext, usize) -> Result<Vec<u8>> + Sync);

/// Encrypts images by columns: features and targets tile of images by tile of images, everything else in one part.
fn encrypt_rows(
    agreement: &CkksAgreement,
    (tensor, primes): (Tensor, usize),
    values: ArrayView2<'_, f64>,
    write: Write<'_>,
) -> Result<Vec<Vec<Vec<u8>>>> {
    let (formulas, mut tiles) = (&agreement.formulas, tiles(agreement, tensor)?);
    let (cube, found) = (formulas.cube(), values.dim());
    check_shape(&tiles, found)?;
    let encoder = Encoder::new(&agreement.params).with_bound(formulas.fresh_bound(tensor));
    let encrypt_slots = |tiles: &[Secret]| -> Result<Vec<Vec<u8>>> {
        tiles.par_iter().map(|tile| write(&encoder.encode(tile)?, primes)).collect()
    };
    if !matches!(tensor, Tensor::Features | Tensor::Targets) {
        let unit = formulas.unit(tensor);
        let stored = values.mapv(|value| value / unit);
        return Ok(vec![encrypt_slots(&secret(tiles.pack(cube, stored.view(), 0.0)))?]);
    }
    tiles.rows = cube.b;
    if tensor == Tensor::Targets {
        // Where there is no output the error is zero too.
        tiles.columns = tiles.counts(cube).1 * cube.extent(tiles.side);
    }
    (0..formulas.image_tiles().max(1))
        .map(|t| {
            let from = (t * cube.b).min(found.0);
            let here = values.slice_axis(Axis(0), Slice::from(from..(from + cube.b).min(found.0)));
            let slots = if tensor == Tensor::Targets {
                let value = |at| here.get(at).copied().unwrap_or_else(|| formulas.no_target());
                tiles.pack(cube, Array2::from_shape_fn((cube.b, tiles.columns), value).view(), 0.0)
            } else {
                tiles.pack(cube, here, 0.0)
            };
            encrypt_slots(&secret(slots))
        })
        .collect()
}

/// A ciphertext without a seed, over so many primes.
fn whole(encryptor: &Encryptor<'_>, plaintext: &Plaintext, primes: usize) -> Result<Vec<u8>> {
    let sealed = encryptor.encrypt_at(plaintext, primes - 1)?;
    written(|out| sealed.write(out))
}

/// The public key, and the layout of tensors.
pub(crate) struct CkksPublic {
    agreement: Arc<CkksAgreement>,
    key: PublicKey,
}

impl CkksPublic {
    /// A data owner's side with the key of a client.
    ///
    /// # Errors
    /// If it is missing, damaged or of other parameters.
    pub(crate) fn new(agreement: &Arc<CkksAgreement>, keys: &[Vec<u8>]) -> Result<Self> {
        let [key] = keys else { return Err(CipherError::data("public keys", keys.len(), 1)) };
        let key = PublicKey::from_bytes(&agreement.params, key);
        let key = key.map_err(|source| CipherError::Keys { what: "public key", source })?;
        Ok(Self { agreement: Arc::clone(agreement), key })
    }
}

impl PublicCipher for CkksPublic {
    fn encrypt(&self, tensor: Tensor, rows: ArrayView2<'_, f64>) -> Result<Vec<Vec<Vec<u8>>>> {
        let (primes, encryptor) = (fresh_primes(&self.agreement, tensor)?, Encryptor::with_public(&self.key));
        encrypt_rows(&self.agreement, (tensor, primes), rows, &|plaintext, primes| {
            whole(&encryptor, plaintext, primes)
        })
    }
}

/// CPU seconds of a rotation at the highest level, on all threads: they share its primes.
pub(super) fn time_rotation(key: &SecretKey) -> Result<f64> {
    let params = key.params();
    let request = KeyRequest::default().rotations(params, &[1], params.max_level());
    let evaluator = Evaluator::new(params, key.evaluation_keys(&request)?)?;
    let operand = Encryptor::with_secret(key).encrypt(&Encoder::new(params).encode(&[])?)?;
    Ok(meter::time(|| evaluator.rotate(&operand, 1).map(drop))?)
}

fn secret(tiles: Vec<Vec<f64>>) -> Vec<Secret> {
    tiles.into_iter().map(Zeroizing::new).collect()
}
