//! The client's side of layers in BGV.

mod crt;

use std::sync::Arc;

use he_bgv::{Ciphertext, Decryptor, Encoder, Encryptor, Error, Evaluator, KeyRequest, SecretKey};
use he_core::wire::Writer;
use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;
use zeroize::Zeroizing;

use self::crt::Crt;
use super::{
    Cipher, CipherError, Decryption, Opened, Plain, Result, Values, check_secrets, check_shape, round_shift,
    row, side_by_side, states,
};
use crate::engine::Pieces;
use crate::engine::integers::residue_encoder;
use crate::engine::slots::LossFormula;
use crate::engine::slots::bgv::{Agreement, Instance};
use crate::layout::Tiles;
use crate::model::{LayerState, Model};
use crate::program::Tensor;

/// Secret keys, one for each plaintext prime, and the layout of tensors.
pub struct BgvCipher {
    agreement: Arc<Agreement>,
    keys: Vec<SecretKey>,
    encoders: Vec<Encoder>,
    plaintext: Crt,
}

/// Slot vectors of one tile.
type Slots = Vec<i64>;

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
        let encoders = agreement.instances.iter().map(|instance| residue_encoder(&instance.params)).collect();
        let moduli: Vec<_> = agreement.instances.iter().map(|instance| *instance.params.t()).collect();
        Self { agreement: Arc::clone(agreement), keys, encoders, plaintext: Crt::new(&moduli) }
    }

    /// Real numbers as integers of a tensor's scale, within its bound.
    fn integers(&self, tensor: Tensor, values: ArrayView2<'_, f64>) -> Result<Array2<i64>> {
        let bound = self.agreement.bounds.get(&tensor).copied().unwrap_or(0);
        let bits = self.agreement.fraction_bits(tensor);
        let to = Integers::new("number to be encrypted", bits, bound);
        let mut out = Array2::zeros(values.dim());
        for (out, &value) in out.iter_mut().zip(values) {
            // Targets are rounded, halves away from zero; all else is exact already.
            let value = if tensor == Tensor::Targets { (value * to.unit).round() / to.unit } else { value };
            *out = to.integer(value)?;
        }
        Ok(out)
    }

    /// Slot vectors of images by columns.
    fn pack_rows(&self, tensor: Tensor, values: ArrayView2<'_, f64>) -> Result<Vec<Slots>> {
        let tiles = self.tiles(tensor)?;
        check_shape(&tiles, values.dim())?;
        let values = self.integers(tensor, values)?;
        Ok(tiles.pack(&self.agreement.geometry.cube, values.view(), self.rest(tensor)))
    }

    /// The integer of images that are not there: 0, and for targets the output of such an image, whose error is 0 then.
    fn rest(&self, tensor: Tensor) -> i64 {
        let formulas = &self.agreement.formulas;
        let behind = formulas.layers.last().and_then(|layer| layer.activation.as_ref());
        match (tensor, formulas.loss) {
            (Tensor::Targets, LossFormula::Activation | LossFormula::ActivationTimesDerivative) => {
                behind.and_then(|[value, _]| value.first()).copied().unwrap_or(0)
            }
            _ => 0,
        }
    }

    fn tiles(&self, tensor: Tensor) -> Result<Tiles> {
        self.agreement.geometry.tiles(tensor).ok_or_else(|| CipherError::foreign(tensor, "images by columns"))
    }

    /// Compact slots of a part of a model.
    fn pack_model(&self, tensor: Tensor, model: &Model) -> Result<Vec<Slots>> {
        let geometry = &self.agreement.geometry;
        let (cube, compact) = (&geometry.cube, &geometry.compact);
        let mut out = vec![vec![0; cube.slots()]; compact.ciphertexts()];
        for (layout, matrix, state) in states(geometry, &self.agreement.matrices, model)? {
            let (weight, bias) = self.part(tensor, state)?;
            layout.pack(cube, compact, matrix, (&weight, &bias), &mut out);
        }
        Ok(out)
    }

    /// The integers of a tensor of a layer: weights or momenta, and biases or their momenta.
    fn part(&self, tensor: Tensor, state: &LayerState) -> Result<(Vec<i64>, Vec<i64>)> {
        let scales = &self.agreement.scales;
        let low_bits = scales.weight - scales.product_weight;
        let all = |what, values: &[f64], bits, bound| {
            let to = Integers::new(what, bits, bound);
            values.iter().map(|v| to.integer(*v)).collect::<Result<Vec<i64>, _>>()
        };
        let high = |w: i64| round_shift(w.into(), low_bits) as i64;
        if tensor == Tensor::Momentum {
            let bound = self.agreement.bounds.get(&tensor).copied().unwrap_or(0);
            let of = |values: &[f64]| all("momentum", values, scales.momentum, bound);
            return Ok((of(&state.weight_momentum)?, of(&state.bias_momentum)?));
        }
        let most = self.agreement.bounds.get(&Tensor::Weights).copied().unwrap_or(0) << low_bits;
        let part = |w: i64| match tensor {
            Tensor::LowWeights => w - (high(w) << low_bits),
            _ => high(w),
        };
        let of = |values: &[f64]| {
            let all = all("weight", values, scales.weight, most + (1 << low_bits >> 1));
            Ok::<Vec<i64>, CipherError>(all?.into_iter().map(part).collect())
        };
        match tensor {
            Tensor::Weights | Tensor::LowWeights => Ok((of(&state.weight)?, of(&state.bias)?)),
            _ => Err(CipherError::foreign(tensor, "part of a model that is encrypted")),
        }
    }

    /// Encrypts slot vectors over the primes that the plan says; one piece for each tile and plaintext prime.
    fn encrypt_slots(&self, primes: usize, tiles: &[Slots]) -> Result<Vec<Vec<u8>>, Error> {
        let count = self.keys.len();
        (0..tiles.len() * count)
            .into_par_iter()
            .map(|i| {
                let (tile, c) = (&tiles[i / count], i % count);
                let residues = Zeroizing::new(self.plaintext.residues(tile, c));
                let plaintext = self.encoders[c].encode(&residues)?;
                let mut piece = Writer::new();
                let form = &self.agreement.instances[c].form;
                form.encrypt(&self.keys[c], &plaintext, primes - 1, &mut piece)?;
                Ok(piece.finish())
            })
            .collect()
    }

    fn decrypt_tile(&self, tile: &[Ciphertext]) -> Result<Vec<i128>, Error> {
        let slots = tile.iter().enumerate().map(|(c, ciphertext)| {
            self.encoders[c].decode(&Decryptor::new(&self.keys[c]).decrypt(ciphertext)?)
        });
        Ok(self.plaintext.combine(&slots.collect::<Result<Vec<_>, _>>()?))
    }

    /// Weights and biases of every layer out of compact slot vectors.
    fn unpack_model(&self, slots: &[Vec<i128>], bits: u32) -> Opened {
        let geometry = &self.agreement.geometry;
        let layers = geometry.layers.iter().zip(&self.agreement.matrices).map(|(layout, matrix)| {
            let first = |places: &Vec<(usize, usize)>| places.first().map_or(0, |&(c, slot)| slots[c][slot]);
            let values = |places: Vec<_>| Values::Exact(row(places.iter().map(first).collect()), bits);
            let [weights, biases] = layout.places(&geometry.cube, &geometry.compact, matrix);
            (values(weights), values(biases))
        });
        Opened::Layers(layers.collect())
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
        let all = self.keys.iter().zip(&self.agreement.instances);
        let make = |(key, instance): (&SecretKey, &Instance)| {
            instance.form.evaluation_keys(key, &self.agreement.keys(key.params()))
        };
        Ok(all.map(make).collect::<Result<Vec<_>, Error>>()?)
    }

    fn time_units(&self) -> Result<Vec<f64>> {
        self.keys.first().map_or(Ok(vec![0.0]), |key| Ok(vec![time_rotation(key)?]))
    }

    fn encrypt(&self, tensor: Tensor, values: Plain<'_>) -> Result<Vec<Vec<Vec<u8>>>> {
        let primes = self.agreement.fresh.get(&tensor).copied();
        let primes = primes.ok_or_else(|| CipherError::foreign(tensor, "tensor that is encrypted"))?;
        let slots = match values {
            Plain::Rows(rows) => self.pack_rows(tensor, rows)?,
            Plain::Model(model) => self.pack_model(tensor, model)?,
        };
        Ok(vec![self.encrypt_slots(primes, &slots)?])
    }

    fn open(&self, tensor: Tensor, rows: usize, parts: &[Pieces]) -> Result<Decryption<'_>> {
        let fresh = matches!(tensor, Tensor::Weights | Tensor::LowWeights | Tensor::Momentum);
        let opened = self.agreement.open(tensor, fresh, parts);
        let opened = opened.map_err(|source| CipherError::Message { tensor, source })?;
        let keys = self.keys.iter().map(SecretKey::secret_id);
        let secrets = opened.iter().flat_map(|tile| tile.iter().map(Ciphertext::secret_id).zip(keys.clone()));
        check_secrets(tensor, secrets.map(<[_; 2]>::from))?;
        let bits = self.agreement.fraction_bits(tensor);
        let tiles = match tensor.is_of_model() || tensor == Tensor::Gradient {
            true => None,
            false => Some(self.tiles(tensor)?),
        };
        Ok(Box::new(move || {
            let slots = opened.par_iter().map(|tile| self.decrypt_tile(tile));
            let slots = slots.collect::<Result<Vec<_>, _>>()?;
            let Some(tiles) = tiles else { return Ok(self.unpack_model(&slots, bits).into()) };
            // Rows beyond the mini-batch are not read, hence sent back as zeros: their errors vanish.
            let tiles = Tiles { rows: rows.min(tiles.rows), ..tiles };
            let values = tiles.unpack(&self.agreement.geometry.cube, &slots);
            Ok(Opened::Rows(Values::Exact(values, bits)).into())
        }))
    }
}

/// Numbers as integers with so many fractional bits: exactly, and of magnitude up to `bound`.
struct Integers {
    what: &'static str,
    bits: u32,
    unit: f64,
    bound: f64,
}

impl Integers {
    fn new(what: &'static str, bits: u32, bound: i128) -> Self {
        Self { what, bits, unit: f64::from(bits).exp2(), bound: bound as f64 }
    }

    fn integer(&self, value: f64) -> Result<i64> {
        let scaled = value * self.unit;
        if scaled.fract() == 0.0 && scaled.abs() <= self.bound {
            return Ok(scaled as i64);
        }
        let Self { what, bits, unit, bound } = self;
        let needed = format!("a multiple of 2^-{bits} of magnitude up to {}", bound / unit);
        // The number itself is not told: what is encrypted may have been decrypted before.
        Err(CipherError::Data { what, found: "another".into(), needed })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_between_two_integers_or_beyond_the_bound_are_refused() {
        let to = Integers::new("x", 2, 5);
        assert_eq!(to.integer(-1.25).ok(), Some(-5));
        for value in [-1.5, 0.125, f64::NAN, f64::INFINITY] {
            assert!(to.integer(value).is_err(), "{value}");
        }
    }
}
