//! A mini-batch, or a query, on its way through layers in BGV.

use std::sync::atomic::AtomicBool;

use he_bgv::Ciphertext;
use he_tfhe::LweCiphertext;
use rayon::prelude::*;

use super::MixedError;
use super::bgv::{Engine, Sent};
use super::layers::{How, Layers};
use super::layout::Layout;
use super::lookup::Lookup;
use super::plan::LOG_CLEAN;
use super::stages::Stage;

/// One mini-batch or query on its way.
pub(super) struct Pass<'a> {
    engine: &'a Engine,
    layout: Layout,
    /// Tiles of weights of all layers.
    weights: Vec<Ciphertext>,
    stop: &'a AtomicBool,
}

impl<'a> Pass<'a> {
    /// A pass in a layout for its images, over dense weights.
    pub(super) fn new(
        engine: &'a Engine,
        layout: Layout,
        weights: &[Ciphertext],
        stop: &'a AtomicBool,
    ) -> Result<Self, MixedError> {
        let weights = engine.parts(weights, layout.weights())?;
        Ok(Self { engine, layout, weights, stop })
    }

    fn weights(&self, l: usize) -> &[Ciphertext] {
        let first = self.layout.first_tile(l);
        &self.weights[first..first + self.layout.layers[l].tiles()]
    }

    /// Places of the weighted sums of a layer, image after image.
    fn places(&self, l: usize) -> Vec<((usize, usize), bool)> {
        let (layout, layer) = (&self.layout, &self.layout.layers[l]);
        let place = |image: usize, o: usize| {
            let place = layer.output(o);
            (layout.errors().at(image, place), place.negated)
        };
        (0..layout.batch)
            .flat_map(|image| (0..layer.outputs).map(move |o| (image, o)))
            .map(|(u, o)| place(u, o))
            .collect()
    }

    /// Gradients of the tiles of a layer.
    fn gradients(
        &self,
        l: usize,
        inputs: &[Ciphertext],
        errors: &[Ciphertext],
    ) -> Result<Vec<Ciphertext>, MixedError> {
        let (engine, layout) = (self.engine, &self.layout);
        let tiles = layout.layers[l].tiles();
        engine.lookup.stages.on(Stage::Products, || {
            let rows: Vec<&Ciphertext> =
                (0..tiles).flat_map(|tile| inputs[tile..].iter().step_by(tiles)).collect();
            let errors: Vec<&Ciphertext> = errors.iter().collect();
            let products = engine.products.matrix_product_lazy(layout.batch, &rows, &errors, usize::MAX)?;
            let gradient = |product: &Ciphertext| {
                let product = engine.products.relinearize(product)?;
                Ok(engine.products.automorphism(&product, 2 * layout.n - 1)?)
            };
            products.par_iter().map(gradient).collect()
        })
    }

    /// Ciphertexts at one level.
    fn level(&self, all: &[Ciphertext]) -> Result<Vec<Ciphertext>, MixedError> {
        let level = all.iter().map(Ciphertext::level).min().unwrap_or(0);
        all.iter().map(|c| Ok(self.engine.products.mod_switch_to(c, level)?)).collect()
    }
}

impl Layers for Pass<'_> {
    type Cipher = Ciphertext;
    type Inputs = Vec<Ciphertext>;
    type Errors = Vec<Ciphertext>;

    fn lookup(&self) -> &Lookup {
        &self.engine.lookup
    }

    fn stop(&self) -> &AtomicBool {
        self.stop
    }

    fn depth(&self) -> usize {
        self.layout.layers.len()
    }

    /// The tiles of inputs from dense ciphertexts: taken apart, and the constant put in.
    fn inputs(&self, l: usize, pieces: &[Ciphertext]) -> Result<Vec<Ciphertext>, MixedError> {
        let (engine, layer, tiles) = (self.engine, &self.layout.layers[l], self.layout.input_tiles(l));
        let parts = engine.parts(pieces, self.layout.inputs(l))?;
        let one = 1 << engine.lookup.plan.numbers.activation_bits;
        let (tile, place) = layer.input(layer.inputs - 1);
        if tile >= tiles {
            let constant = engine.trivial(place, one)?;
            let with = |image: &[Ciphertext]| [image, std::slice::from_ref(&constant)].concat();
            return Ok(parts.chunks(tiles).flat_map(with).collect());
        }
        let constant = engine.constant(place, one)?;
        let added = |(i, part): (usize, Ciphertext)| {
            if i % tiles == tile { Ok(engine.products.add_plain(&part, &constant)?) } else { Ok(part) }
        };
        parts.into_iter().enumerate().map(added).collect()
    }

    fn sums(&self, l: usize, inputs: &Vec<Ciphertext>) -> Result<Vec<Ciphertext>, MixedError> {
        let (engine, weights) = (self.engine, self.weights(l));
        engine.lookup.stages.on(Stage::Products, || {
            let (inputs, tiles): (Vec<_>, Vec<_>) = (inputs.iter().collect(), weights.iter().collect());
            let products = engine.products.matrix_product_lazy(weights.len(), &inputs, &tiles, usize::MAX)?;
            engine.dense(&products, self.layout.errors().levels)
        })
    }

    fn lower_sums(&self, l: usize, sums: &[Ciphertext], how: How) -> Result<Vec<LweCiphertext>, MixedError> {
        self.engine.lower(sums, &self.places(l), how)
    }

    fn raise_inputs(&self, l: usize, values: Vec<LweCiphertext>) -> Result<Vec<Ciphertext>, MixedError> {
        let (layout, units) = (&self.layout, self.layout.layers[l].inputs - 1);
        let sent = |(i, value)| Sent { to: layout.input_at(l, i / units, i % units), value };
        let sent: Vec<Sent> = values.into_iter().enumerate().map(sent).collect();
        self.engine.raise(sent, layout.inputs(l).pieces(), LOG_CLEAN.exp2(), self.stop)
    }

    fn raise_errors(
        &self,
        l: usize,
        values: Vec<LweCiphertext>,
        inputs: &Vec<Ciphertext>,
    ) -> Result<Vec<Ciphertext>, MixedError> {
        let (layout, layer) = (&self.layout, &self.layout.layers[l]);
        let sent = |(i, mut value): (usize, LweCiphertext)| {
            let place = layer.error(i % layer.outputs);
            if place.negated {
                value.scale_assign(-1);
            }
            Sent { to: layout.errors().at(i / layer.outputs, place), value }
        };
        let sent: Vec<Sent> = values.into_iter().enumerate().map(sent).collect();
        let weights = layout.weights();
        let error = self.engine.error_beside(inputs, layout.batch, weights.parts.min(1 << weights.levels));
        self.engine.raise(sent, layout.errors().pieces(), error, self.stop)
    }

    fn without(&self, outputs: &[Ciphertext], labels: &[Ciphertext]) -> Result<Vec<Ciphertext>, MixedError> {
        outputs
            .iter()
            .zip(labels)
            .map(|(output, label)| Ok(self.engine.products.sub(output, label)?))
            .collect()
    }

    fn errors(&self, pieces: &[Ciphertext]) -> Result<Vec<Ciphertext>, MixedError> {
        self.engine.parts(pieces, self.layout.errors())
    }

    fn back(&self, l: usize, errors: &Vec<Ciphertext>) -> Result<Vec<Ciphertext>, MixedError> {
        let (engine, layout) = (self.engine, &self.layout);
        let tiles = layout.input_tiles(l);
        engine.lookup.stages.on(Stage::Products, || {
            let (errors, weights): (Vec<_>, Vec<_>) =
                (errors.iter().collect(), self.weights(l)[..tiles].iter().collect());
            let products = engine.products.matrix_product_lazy(1, &errors, &weights, usize::MAX)?;
            engine.dense(&products, layout.handed_back(l).levels)
        })
    }

    fn lower_back(&self, l: usize, sums: &[Ciphertext], how: How) -> Result<Vec<LweCiphertext>, MixedError> {
        let (layout, layer) = (&self.layout, &self.layout.layers[l]);
        let (tiles, units) = (layout.input_tiles(l), layer.inputs - 1);
        let place = |i: usize| {
            let (tile, place) = layer.handed_back(i % units);
            (layout.handed_back(l).at(i / units * tiles + tile, place), place.negated)
        };
        let places: Vec<_> = (0..layout.batch * units).map(place).collect();
        self.engine.lower(sums, &places, how)
    }

    fn updated(
        &self,
        l: usize,
        inputs: &Vec<Ciphertext>,
        errors: &Vec<Ciphertext>,
    ) -> Result<Vec<Ciphertext>, MixedError> {
        let gradients = self.gradients(l, inputs, errors)?;
        let less = |(weight, gradient)| Ok(self.engine.products.sub(weight, gradient)?);
        self.weights(l).iter().zip(&gradients).map(less).collect()
    }

    fn refreshed(&self, changed: Vec<Vec<Ciphertext>>) -> Result<Vec<Ciphertext>, MixedError> {
        let (engine, levels) = (self.engine, self.layout.weights().levels);
        let tiles = self.level(&changed.concat())?;
        let dense = engine.lookup.stages.on(Stage::Products, || engine.dense(&tiles, levels))?;
        engine.refresh(&dense, self.stop)
    }
}
