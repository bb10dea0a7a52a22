//! Layers with weights in BGV: exact products of polynomials, and the ways to TFHE and back.
//!
//! Layouts are those of [`crate::layout::coefficients`]: an image, or a tile of weights, is a polynomial while it is multiplied, and
//! dense in ciphertexts otherwise.

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
use super::tables::{Beside, Layers, Lookup, Raised, by_piece};
use super::{EngineError, Result};
use crate::layout::coefficients::{CoefficientLayout, Dense};
use crate::layout::{At, Places, Rows};
use crate::numbers::tables::RESULT_BITS;

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

    fn weights<'w>(&self, l: usize, weights: &'w [Ciphertext]) -> &'w [Ciphertext] {
        let first = self.layout.first_tile(l);
        &weights[first..first + self.layout.layers[l].tiles()]
    }

    fn level(&self, all: &[Ciphertext]) -> Result<Vec<Ciphertext>> {
        let level = all.iter().map(Ciphertext::level).min().unwrap_or(0);
        all.iter().map(|c| Ok(self.evaluator.mod_switch_to(c, level)?)).collect()
    }

    /// The error that errors may have, in units of their integers, if sums over images of products of them with these inputs are to
    /// be refreshed, all tiles of a ciphertext of weights at once. Two operands with errors `y` and `y'`, relative to their modulus,
    /// have a product with an error of `y·y'·q·√n` at the second modulus `q`, and `√` of their number is that of the sum.
    fn error_beside(&self, Beside { inputs, images }: &Beside<'_, Ciphertext>) -> f64 {
        let bgv = self.parameters.bgv();
        let relative = |c: &Ciphertext| c.noise().log2() - bgv.noise().log_q(c.level());
        let worst = inputs.iter().map(relative).fold(f64::MIN, f64::max);
        let weights = self.layout.weights();
        let terms = (bgv.n() * images * weights.parts.min(1 << weights.levels)) as f64;
        let needed = LOG_WORN - worst - bgv.noise().log_q(1.min(bgv.max_level())) - 0.5 * terms.log2();
        needed.min(LOG_CLEAN).exp2()
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
        let tiles: Vec<_> = self.weights(l, weights).iter().collect();
        let inputs: Vec<_> = inputs.iter().collect();
        let products = self.evaluator.matrix_product_lazy(tiles.len(), &inputs, &tiles, usize::MAX)?;
        self.dense(&products, self.layout.errors(0).levels)
    }

    fn backward(&self, l: usize, errors: &[Ciphertext], weights: &[Ciphertext]) -> Result<Vec<Ciphertext>> {
        let tiles = self.layout.input_tiles(l);
        let (errors, weights): (Vec<_>, Vec<_>) =
            (errors.iter().collect(), self.weights(l, weights)[..tiles].iter().collect());
        let products = self.evaluator.matrix_product_lazy(1, &errors, &weights, usize::MAX)?;
        self.dense(&products, self.layout.input_gradients(l, 0).levels)
    }

    fn gradient(
        &self,
        l: usize,
        images: usize,
        inputs: &[Ciphertext],
        errors: &[Ciphertext],
    ) -> Result<Vec<Ciphertext>> {
        let tiles = self.layout.layers[l].tiles();
        let rows: Vec<&Ciphertext> =
            (0..tiles).flat_map(|tile| inputs[tile..].iter().step_by(tiles)).collect();
        let errors: Vec<&Ciphertext> = errors.iter().collect();
        let products = self.evaluator.matrix_product_lazy(images, &rows, &errors, usize::MAX)?;
        let gradient = |product: &Ciphertext| {
            let product = self.evaluator.relinearize(product)?;
            Ok(self.evaluator.automorphism(&product, 2 * self.layout.n - 1)?)
        };
        products.par_iter().map(gradient).collect()
    }

    fn update(&self, weights: &[Ciphertext], gradients: &[Ciphertext]) -> Result<Vec<Ciphertext>> {
        let changed = self.subtract(weights, gradients)?;
        self.dense(&self.level(&changed)?, self.layout.weights().levels)
    }

    fn refresh(&self, lookup: &Lookup, weights: &[Ciphertext]) -> Result<Vec<Ciphertext>> {
        let mut out = Vec::with_capacity(weights.len());
        for group in weights.chunks(self.parameters.bgv_capacity()) {
            out.extend(lookup.refresh(|| self.switcher.refresh(group, LOG_CLEAN.exp2()))??);
        }
        Ok(out)
    }

    fn subtract(&self, a: &[Ciphertext], b: &[Ciphertext]) -> Result<Vec<Ciphertext>> {
        a.iter().zip(b).map(|(a, b)| Ok(self.evaluator.sub(a, b)?)).collect()
    }

    fn scale_errors(&self, errors: &[Ciphertext], shift: u32) -> Result<Vec<Ciphertext>> {
        errors.iter().map(|error| Ok(self.evaluator.mul_const(error, 1 << shift)?)).collect()
    }

    fn lower(&self, pieces: &[Ciphertext], places: &[At], shift: u32) -> Result<Vec<LweCiphertext>> {
        let mut values = by_piece(pieces, places, |piece, coefficients| {
            Ok(self.switcher.bgv_to_tfhe(piece, coefficients)?)
        })?;
        let factor = 1 << shift;
        for (value, place) in values.iter_mut().zip(places) {
            value.scale_assign(if place.negated { -factor } else { factor });
        }
        Ok(values)
    }

    fn raise(
        &self,
        lookup: &Lookup,
        values: Vec<Raised>,
        pieces: usize,
        beside: Option<Beside<'_, Ciphertext>>,
    ) -> Result<Vec<Ciphertext>> {
        let error = beside.map_or(LOG_CLEAN.exp2(), |beside| self.error_beside(&beside));
        let (parameters, most) = (&self.parameters, self.parameters.bgv_capacity());
        let (small, large) = (parameters.tfhe().n(), parameters.bgv().n());
        let mut groups: Vec<Vec<Vec<LweCiphertext>>> = (0..pieces.div_ceil(most))
            .map(|group| {
                let count = (pieces - group * most).min(most).next_power_of_two();
                let zero = LweCiphertext::trivial(parameters.tfhe(), 0);
                vec![vec![zero; small]; count * large / small]
            })
            .collect();
        for Raised { places, value } in values {
            for At { piece, index, negated } in places {
                let group = &mut groups[piece / most];
                let packs = group.len();
                let place = index * (packs * small / large) + piece % most;
                let slot = &mut group[place % packs][place / packs];
                slot.clone_from(&value);
                if negated {
                    slot.scale_assign(-1);
                }
            }
        }
        let mut out = Vec::with_capacity(pieces);
        for group in groups {
            let packed = lookup.pack(&group)?;
            out.extend(lookup.refresh(|| self.switcher.tfhe_to_bgv(&packed, RESULT_BITS, error))??);
        }
        out.truncate(pieces);
        Ok(out)
    }
}
