//! Layers with weights in BGV: exact products of polynomials, and the ways to TFHE and back.
//!
//! Layouts are those of [`crate::layout::coefficients`]: an image, or a tile of weights, is a polynomial while it is multiplied, and
//! dense in ciphertexts otherwise.

mod bridges;
mod linear;

use std::sync::Arc;

use he_bgv::{Ciphertext, Encoder, Plaintext};
use he_core::ring::poly::{Eval, Poly};
use he_core::rlwe;
use he_core::wire::{Reader, WireError, Writer};
use he_switch::expand::combine;
use he_switch::{Parameters, Switcher};
use he_tfhe::LweCiphertext;
use rayon::prelude::*;

use super::form::BgvForm;
use super::tables::{Beside, Layers, Lookup, Raised};
use super::{EngineError, Result};
use crate::layout::coefficients::{CoefficientLayout, Dense};
use crate::layout::{At, Places, Rows};

/// `log2` of the largest error of ciphertexts after a refresh, in units of their integers.
pub(crate) const LOG_CLEAN: f64 = -46.0;

/// `log2` of the largest error with which ciphertexts are refreshed: nine deviations of it are within what a bootstrap reduces.
const LOG_WORN: f64 = -9.6;

/// Reads a ciphertext as it is sent: over all primes if it is a client's or one that is kept, otherwise over the one that decrypts.
pub(crate) fn read(
    from: &mut Reader<'_>,
    bgv: &he_bgv::Parameters,
    kept: bool,
) -> Result<Ciphertext, WireError> {
    let c = Ciphertext::read(from, bgv)?;
    let form = BgvForm { primes: if kept { bgv.max_level() + 1 } else { 1 }, fresh: kept };
    form.check(&c).map(|()| c)
}

/// Layers in coefficients.
pub(crate) struct Coefficients {
    layout: CoefficientLayout,
    parameters: Parameters,
    switcher: Switcher,
    evaluator: Arc<he_bgv::Evaluator>,
    /// The constant one as an input.
    one: i64,
}

impl Coefficients {
    /// Layers in a layout, with the keys of their bridges; `activation_bits` are the fractional bits of inputs.
    pub(crate) fn new(layout: &CoefficientLayout, activation_bits: u32, switcher: Switcher) -> Self {
        Self {
            layout: layout.clone(),
            parameters: switcher.params().clone(),
            evaluator: Arc::clone(switcher.bgv()),
            switcher,
            one: 1 << activation_bits,
        }
    }

    /// The parts of a dense tensor.
    fn parts(&self, pieces: &[Ciphertext], dense: Dense) -> Result<Vec<Ciphertext>> {
        let mut parts = Vec::with_capacity(dense.parts);
        for piece in pieces {
            parts.extend(self.switcher.expand(piece, dense.levels)?);
        }
        parts.truncate(dense.parts);
        Ok(parts)
    }

    /// Parts side by side in ciphertexts of degree 1.
    fn dense(&self, parts: &[Ciphertext], levels: u32) -> Result<Vec<Ciphertext>> {
        let whole = |group: &[Ciphertext]| Ok(self.evaluator.relinearize(&combine(group)?)?);
        parts.par_chunks(1 << levels).map(whole).collect()
    }

    /// A constant at a place, the other coefficients zero, as a ciphertext that hides nothing.
    fn trivial(&self, constant: &Plaintext) -> Result<Ciphertext> {
        let bgv = self.parameters.bgv();
        let zero = Poly::<Eval>::zero(bgv.rlwe().basis(bgv.rlwe().max_limbs()));
        let inner = rlwe::Ciphertext::new(bgv.rlwe(), vec![zero.clone(), zero]);
        let zero = Ciphertext::from_rlwe(bgv, inner, 0.0)?;
        Ok(self.evaluator.add_plain(&zero, constant)?)
    }

    /// The tiles of inputs: taken apart, and the constant put in.
    fn inputs(&self, l: usize, images: usize, pieces: &[Ciphertext]) -> Result<Vec<Ciphertext>> {
        let (layer, tiles) = (&self.layout.layers[l], self.layout.input_tiles(l));
        let parts = self.parts(pieces, self.layout.inputs(l, images))?;
        let (tile, place) = layer.input(layer.inputs - 1);
        let mut coefficients = vec![0; self.layout.n];
        coefficients[place.coefficient] = if place.negated { -self.one } else { self.one };
        let constant = Encoder::new(self.parameters.bgv()).encode_coefficients(&coefficients)?;
        if tile >= tiles {
            let constant = self.trivial(&constant)?;
            let with = |image: &[Ciphertext]| [image, std::slice::from_ref(&constant)].concat();
            return Ok(parts.chunks(tiles).flat_map(with).collect());
        }
        let added = |(i, part): (usize, Ciphertext)| {
            if i % tiles == tile { Ok(self.evaluator.add_plain(&part, &constant)?) } else { Ok(part) }
        };
        parts.into_iter().enumerate().map(added).collect()
    }
}

impl Layers for Coefficients {
    type Cipher = Ciphertext;

    fn places(&self) -> &dyn Places {
        &self.layout
    }

    fn read(&self, from: &mut Reader<'_>) -> Result<Ciphertext, WireError> {
        read(from, self.parameters.bgv(), true)
    }

    fn write(&self, cipher: &Ciphertext, out: &mut Writer) -> Result<(), WireError> {
        cipher.write(out)
    }

    fn smallest(&self, cipher: &Ciphertext) -> Result<Ciphertext> {
        let small = self.evaluator.mod_switch_for_decryption(cipher, 2.0)?;
        match small.level() {
            0 => Ok(small),
            level => {
                Err(EngineError::Unplanned(format!("ciphertext that is sent over {} primes", level + 1)))
            }
        }
    }

    fn expand(&self, weights: &[Ciphertext]) -> Result<Vec<Ciphertext>> {
        self.parts(weights, self.layout.weights())
    }

    fn prepare(&self, rows: Rows, images: usize, pieces: Vec<Ciphertext>) -> Result<Vec<Ciphertext>> {
        match rows {
            Rows::Inputs(l) => self.inputs(l, images, &pieces),
            _ => self.parts(&pieces, self.layout.dense(rows, images)),
        }
    }

    fn forward(&self, l: usize, inputs: &[Ciphertext], weights: &[Ciphertext]) -> Result<Vec<Ciphertext>> {
        self.sums(l, inputs, weights)
    }

    fn backward(&self, l: usize, errors: &[Ciphertext], weights: &[Ciphertext]) -> Result<Vec<Ciphertext>> {
        self.input_gradients(l, errors, weights)
    }

    fn gradient(
        &self,
        l: usize,
        images: usize,
        inputs: &[Ciphertext],
        errors: &[Ciphertext],
    ) -> Result<Vec<Ciphertext>> {
        self.weight_gradients(l, images, inputs, errors)
    }

    fn update(&self, weights: &[Ciphertext], gradients: &[Ciphertext]) -> Result<Vec<Ciphertext>> {
        let changed = self.subtract(weights, gradients)?;
        self.dense(&self.level(&changed)?, self.layout.weights().levels)
    }

    fn refresh(&self, lookup: &Lookup, weights: &[Ciphertext]) -> Result<Vec<Ciphertext>> {
        self.clean(lookup, weights)
    }

    fn subtract(&self, a: &[Ciphertext], b: &[Ciphertext]) -> Result<Vec<Ciphertext>> {
        a.iter().zip(b).map(|(a, b)| Ok(self.evaluator.sub(a, b)?)).collect()
    }

    fn scale_errors(&self, errors: &[Ciphertext], shift: u32) -> Result<Vec<Ciphertext>> {
        errors.iter().map(|error| Ok(self.evaluator.mul_const(error, 1 << shift)?)).collect()
    }

    fn lower(&self, pieces: &[Ciphertext], places: &[At], shift: u32) -> Result<Vec<LweCiphertext>> {
        self.to_tables(pieces, places, shift)
    }

    fn raise(
        &self,
        lookup: &Lookup,
        values: Vec<Raised>,
        pieces: usize,
        beside: Option<Beside<'_, Ciphertext>>,
    ) -> Result<Vec<Ciphertext>> {
        let error = beside.map_or(LOG_CLEAN.exp2(), |beside| self.error_beside(&beside));
        self.collect_from_tables(lookup, values, pieces, error)
    }
}
