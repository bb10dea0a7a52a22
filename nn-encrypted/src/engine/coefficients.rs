//! Layers with weights in BGV or BFV: exact products of polynomials, and the ways to TFHE and back.
//!
//! Layouts are those of [`crate::layout::coefficients`]: an image, or a tile of weights, is a polynomial while it is multiplied, and
//! dense in ciphertexts otherwise.

use std::sync::Arc;

use he_bgv::{Ciphertext, Plaintext};
use he_core::ring::poly::{Eval, Poly};
use he_core::rlwe::{self, SecretId};
use he_core::wire::{Reader, WireError, Writer};
use he_switch::Switcher;
use he_switch::expand::{Expander, combine};
use he_tfhe::LweCiphertext;
use rayon::prelude::*;

use super::form::{BgvForm, check_secret};
use super::integers::{IntegerForm, RESIDUES, residue_encoder};
use super::tables::{Beside, Layers, Lookup, Lowering, Raised, by_piece};
use super::ways::Ways;
use super::{EngineError, Result};
use crate::layout::coefficients::{CoefficientLayout, Dense, Tiling};
use crate::layout::{At, Places, Rows};
use crate::numbers::tables::RESULT_BITS;
use crate::recipe::Scheme;

/// `log2` of the largest error of ciphertexts after a refresh, in units of their integers.
const LOG_CLEAN: f64 = -46.0;
const LOG_MODULUS: f64 = 26.0;

/// `log2` of the largest error with which ciphertexts are refreshed: nine deviations of it are within what a bootstrap reduces.
const LOG_WORN: f64 = -9.6;

/// `log2` of the largest error with which integers are truncated exactly, with a margin: they are at 2^-6.2.
const LOG_READ: f64 = -7.5;

/// Reads a ciphertext as it is sent: over all primes if it is a client's or one that is kept, otherwise over the one that decrypts.
pub(crate) fn read(
    from: &mut Reader<'_>,
    integers: &IntegerForm,
    kept: bool,
) -> Result<Ciphertext, WireError> {
    let c = integers.read(from)?;
    let form = BgvForm { primes: if kept { c.params().max_level() + 1 } else { 1 }, fresh: kept };
    form.check(&c).map(|()| c)
}

/// Layers in coefficients.
pub(crate) struct Coefficients<W> {
    layout: CoefficientLayout,
    form: IntegerForm,
    ways: W,
    evaluator: Arc<he_bgv::Evaluator>,
    expander: Arc<Expander>,
    /// The constant one as an input.
    one: i64,
}

impl<W: Ways> Coefficients<W> {
    /// Layers in a layout and a scheme, with the keys of their bridges; `activation_bits` are the fractional bits of inputs.
    pub(crate) fn new(
        layout: &CoefficientLayout,
        scheme: Scheme,
        activation_bits: u32,
        ways: W,
    ) -> Result<Self> {
        Ok(Self {
            layout: layout.clone(),
            form: IntegerForm::new(scheme, ways.evaluator().params()),
            evaluator: Arc::clone(ways.evaluator()),
            expander: Arc::clone(ways.expander()?),
            ways,
            one: 1 << activation_bits,
        })
    }

    fn bgv(&self) -> &he_bgv::Parameters {
        self.evaluator.params()
    }

    /// The largest error of ciphertexts after a refresh, in units of their integers; that of products grows with the modulus.
    pub(crate) fn clean(&self) -> f64 {
        let beyond = (self.bgv().t().value() as f64).log2() - LOG_MODULUS;
        (LOG_CLEAN - beyond.max(0.0)).exp2()
    }

    /// The parts of a dense tensor.
    fn parts(&self, pieces: &[Ciphertext], dense: Dense) -> Result<Vec<Ciphertext>> {
        let mut parts = Vec::with_capacity(dense.parts);
        for piece in pieces {
            parts.extend(self.expander.expand(piece, dense.levels)?);
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
    fn trivial(&self, secret: SecretId, constant: &Plaintext) -> Result<Ciphertext> {
        Ok(self.evaluator.add_plain(&self.zero(secret, self.bgv().max_level())?, constant)?)
    }

    /// Zero, as a ciphertext that hides nothing.
    fn zero(&self, secret: SecretId, level: usize) -> Result<Ciphertext> {
        let bgv = self.bgv();
        let zero = Poly::<Eval>::zero(bgv.rlwe().basis(level + 1));
        let inner = rlwe::Ciphertext::new(bgv.rlwe(), secret, vec![zero.clone(), zero]);
        Ok(Ciphertext::from_rlwe(bgv, inner, RESIDUES, 0.0)?)
    }

    /// The tiles of inputs that stand where pre-activations of the layer before do.
    fn tiles_in_place(&self, l: usize, images: usize, pieces: &[Ciphertext]) -> Result<Vec<Ciphertext>> {
        let (layout, tiles) = (&self.layout, self.layout.input_tiles(l));
        let (group, levels) = (1 << layout.gap(), layout.levels_in_place(l));
        let mut parts = Vec::with_capacity(images * tiles);
        for (piece, first) in pieces.iter().zip((0..images).step_by(group)) {
            let all = self.expander.expand(piece, levels)?;
            let own = group.min(images - first);
            parts.extend(
                (0..own)
                    .flat_map(|r| (0..tiles).map(move |tile| (tile, r)))
                    .map(|(tile, r)| all[group * tile + r].clone()),
            );
        }
        Ok(parts)
    }

    /// Gradients with respect to inputs that stand where pre-activations of the layer before do: `σ` turns them round, and packing leaves
    /// behind what stands between them.
    fn in_place(&self, l: usize, images: usize, products: &[Ciphertext]) -> Result<Vec<Ciphertext>> {
        let (layout, tiles) = (&self.layout, self.layout.input_tiles(l));
        let (group, levels) = (1 << layout.gap(), layout.levels_in_place(l));
        let turned = products.par_iter().map(|product| self.turned(&self.evaluator.relinearize(product)?));
        let turned: Vec<Ciphertext> = turned.collect::<Result<_>>()?;
        let Some((level, secret)) = turned.first().map(|c| (c.level(), c.secret_id())) else {
            return Ok(turned);
        };
        let piece = |first: usize| {
            let mut parts = vec![self.zero(secret, level)?; 1 << levels];
            for r in 0..group.min(images - first) {
                for tile in 0..tiles {
                    parts[group * tile + r].clone_from(&turned[(first + r) * tiles + tile]);
                }
            }
            Ok(self.expander.pack(&parts)?)
        };
        (0..images).step_by(group).map(piece).collect()
    }

    /// `a + b·factor`, at the level of what has fewer primes.
    pub(crate) fn add_scaled(
        &self,
        a: &[Ciphertext],
        b: &[Ciphertext],
        factor: i64,
    ) -> Result<Vec<Ciphertext>> {
        let sum = |(a, b): (&Ciphertext, &Ciphertext)| {
            let scaled = self.evaluator.mul_const(b, factor)?;
            let level = a.level().min(scaled.level());
            let [a, b] = [a, &scaled].map(|c| self.evaluator.mod_switch_to(c, level));
            Ok(self.evaluator.add(&a?, &b?)?)
        };
        a.iter().zip(b).map(sum).collect()
    }

    /// `σ: X → X^{−1}` of a ciphertext.
    fn turned(&self, c: &Ciphertext) -> Result<Ciphertext> {
        Ok(self.evaluator.automorphism(c, 2 * self.layout.n - 1)?)
    }

    /// The tiles of inputs: taken apart, and the constant put in.
    fn inputs(&self, l: usize, images: usize, pieces: &[Ciphertext]) -> Result<Vec<Ciphertext>> {
        let (layer, tiles) = (&self.layout.layers[l], self.layout.input_tiles(l));
        let parts = if self.layout.in_place(l) {
            self.tiles_in_place(l, images, pieces)?
        } else {
            self.parts(pieces, self.layout.inputs(l, images))?
        };
        let (tile, place) = layer.input(layer.inputs - 1);
        let mut coefficients = vec![0; self.layout.n];
        coefficients[place.coefficient] = if place.negated { -self.one } else { self.one };
        let constant = residue_encoder(self.bgv()).encode_coefficients(&coefficients)?;
        if tile >= tiles {
            let Some(secret) = parts.first().map(Ciphertext::secret_id) else { return Ok(parts) };
            let constant = self.trivial(secret, &constant)?;
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

    pub(crate) fn tiles(&self, l: usize) -> usize {
        self.layout.layers[l].tiles()
    }

    fn level(&self, all: &[Ciphertext]) -> Result<Vec<Ciphertext>> {
        let level = all.iter().map(Ciphertext::level).min().unwrap_or(0);
        all.iter().map(|c| Ok(self.evaluator.mod_switch_to(c, level)?)).collect()
    }

    /// The error that operands of the products with weights of a layer may have, in units of their integers, if sums of so many products are
    /// to be truncated exactly; see [`error_beside`](Self::error_beside).
    pub(crate) fn error_before(&self, l: usize, weights: &[Ciphertext], terms: usize) -> f64 {
        self.needed(LOG_READ, self.weights(l, weights), terms)
    }

    /// The error of an operand beside others, for an error of sums of so many products.
    fn needed(&self, log_error: f64, others: &[Ciphertext], terms: usize) -> f64 {
        let bgv = self.bgv();
        let relative = |c: &Ciphertext| c.noise().log2() - bgv.noise().log_q(c.level());
        let worst = others.iter().map(relative).fold(f64::MIN, f64::max);
        let terms = 0.5 * ((bgv.n() * terms) as f64).log2();
        (log_error - worst - bgv.noise().log_q(1.min(bgv.max_level())) - terms).exp2()
    }

    /// The error that errors may have, in units of their integers, if sums over images of products of them with these inputs are to
    /// be refreshed, all tiles of a ciphertext of weights at once. Two operands with errors `y` and `y'`, relative to their modulus,
    /// have a product with an error of `y·y'·q·√n` at the second modulus `q`, and `√` of their number is that of the sum.
    pub(crate) fn error_beside(&self, Beside { inputs, images }: &Beside<'_, Ciphertext>) -> f64 {
        let weights = self.layout.weights();
        let terms = images * weights.parts.min(1 << weights.levels);
        self.needed(LOG_WORN, inputs, terms).min(self.clean())
    }
}

impl<W: Ways> Layers for Coefficients<W> {
    type Cipher = Ciphertext;

    fn places(&self) -> &dyn Places {
        &self.layout
    }

    fn read(&self, from: &mut Reader<'_>) -> Result<Ciphertext, WireError> {
        let c = read(from, &self.form, true)?;
        check_secret(Some(c.secret_id()), self.evaluator.secret_id()).map(|()| c)
    }

    fn write(&self, cipher: &Ciphertext, out: &mut Writer) -> Result<(), WireError> {
        self.form.write(cipher, out)
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
            Rows::Errors(_) if self.layout.tiling == Tiling::Interleaved => {
                let parts = self.parts(&pieces, self.layout.errors(images))?;
                parts.par_iter().map(|part| self.turned(part)).collect()
            }
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
        if self.layout.in_place(l) {
            return self.in_place(l, errors.len(), &products);
        }
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
        let gradient = |product: &Ciphertext| self.turned(&self.evaluator.relinearize(product)?);
        products.par_iter().map(gradient).collect()
    }

    fn update(&self, weights: &[Ciphertext], gradients: &[Ciphertext]) -> Result<Vec<Ciphertext>> {
        let changed = self.subtract(weights, gradients)?;
        self.dense(&self.level(&changed)?, self.layout.weights().levels)
    }

    fn subtract(&self, a: &[Ciphertext], b: &[Ciphertext]) -> Result<Vec<Ciphertext>> {
        a.iter().zip(b).map(|(a, b)| Ok(self.evaluator.sub(a, b)?)).collect()
    }
}

impl Lowering for Coefficients<Switcher> {
    fn refresh(&self, lookup: &Lookup, weights: &[Ciphertext]) -> Result<Vec<Ciphertext>> {
        let mut out = Vec::with_capacity(weights.len());
        for group in weights.chunks(self.ways.params().bgv_capacity()) {
            out.extend(lookup.refresh(|| self.ways.refresh(group, self.clean()))??);
        }
        Ok(out)
    }

    fn scale_errors(&self, errors: &[Ciphertext], shift: u32) -> Result<Vec<Ciphertext>> {
        errors.iter().map(|error| Ok(self.evaluator.mul_const(error, 1 << shift)?)).collect()
    }

    fn lower(&self, pieces: &[Ciphertext], places: &[At], shift: u32) -> Result<Vec<LweCiphertext>> {
        let mut values = by_piece(pieces, places, |piece, coefficients| {
            Ok(self.ways.bgv_to_tfhe(piece, coefficients)?)
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
        let error = beside.map_or(self.clean(), |beside| self.error_beside(&beside));
        let parameters = self.ways.params();
        let most = parameters.bgv_capacity();
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
            out.extend(lookup.refresh(|| self.ways.tfhe_to_bgv(&packed, RESULT_BITS, error))??);
        }
        out.truncate(pieces);
        Ok(out.into_iter().map(|c| c.with_bound(RESIDUES)).collect::<Result<_, _>>()?)
    }
}
