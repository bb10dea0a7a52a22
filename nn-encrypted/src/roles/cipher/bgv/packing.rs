//! Tensors as slot vectors of BGV, and the plaintexts of these.

use std::sync::Arc;

use he_bgv::{Encoder, Error, Plaintext};
use he_core::wire::Writer;
use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;
use zeroize::Zeroizing;

use super::super::{CipherError, Opened, Plain, Result, Values, check_shape, round_shift, row, states};
use super::crt::Crt;
use crate::engine::integers::residue_encoder;
use crate::engine::slots::LossFormula;
use crate::engine::slots::bgv::Agreement;
use crate::layout::Tiles;
use crate::model::{LayerState, Model};
use crate::program::Tensor;

/// The layout of tensors, and the encoders of each plaintext prime.
pub(super) struct Packing {
    pub(super) agreement: Arc<Agreement>,
    pub(super) encoders: Vec<Encoder>,
    pub(super) plaintext: Crt,
}

/// Slot vectors of one tile.
type Slots = Vec<i64>;

impl Packing {
    pub(super) fn new(agreement: &Arc<Agreement>) -> Self {
        let encoders = agreement.instances.iter().map(|instance| residue_encoder(&instance.params)).collect();
        let moduli: Vec<_> = agreement.instances.iter().map(|instance| *instance.params.t()).collect();
        Self { agreement: Arc::clone(agreement), encoders, plaintext: Crt::new(&moduli) }
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

    pub(super) fn tiles(&self, tensor: Tensor) -> Result<Tiles> {
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

    /// Encrypts a tensor over the primes that the plan says: one piece for each tile and plaintext prime, which `seal` writes by the number
    /// of the prime, the plaintext and the level.
    pub(super) fn encrypt(
        &self,
        tensor: Tensor,
        values: Plain<'_>,
        seal: impl Fn(usize, &Plaintext, usize, &mut Writer) -> Result<(), Error> + Sync,
    ) -> Result<Vec<Vec<Vec<u8>>>> {
        let primes = self.agreement.fresh.get(&tensor).copied();
        let primes = primes.ok_or_else(|| CipherError::foreign(tensor, "tensor that is encrypted"))?;
        let tiles = match values {
            Plain::Rows(rows) => self.pack_rows(tensor, rows)?,
            Plain::Model(model) => self.pack_model(tensor, model)?,
        };
        let count = self.encoders.len();
        let encrypt = |i: usize| {
            let (tile, c) = (&tiles[i / count], i % count);
            let residues = Zeroizing::new(self.plaintext.residues(tile, c));
            let plaintext = self.encoders[c].encode(&residues)?;
            let mut piece = Writer::new();
            seal(c, &plaintext, primes - 1, &mut piece)?;
            Ok(piece.finish())
        };
        let pieces = (0..tiles.len() * count).into_par_iter().map(encrypt);
        Ok(vec![pieces.collect::<Result<_, Error>>()?])
    }

    /// Weights and biases of every layer out of compact slot vectors.
    pub(super) fn unpack_model(&self, slots: &[Vec<i128>], bits: u32) -> Opened {
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
