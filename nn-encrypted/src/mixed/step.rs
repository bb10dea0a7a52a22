//! A training step, and a classification, on ciphertexts.

use std::sync::atomic::AtomicBool;

use he_bgv::Ciphertext;
use he_tfhe::LweCiphertext;
use rayon::prelude::*;

use super::MixedError;
use super::engine::{Engine, Sent};
use super::layout::Layout;
use super::plan::LOG_CLEAN;
use super::stages::Stage;

/// What the way forward leaves behind.
struct Passed {
    /// Of each layer: tiles of inputs, image after image, the constant input's among them.
    inputs: Vec<Vec<Ciphertext>>,
    /// Of each hidden layer: whether a unit lets pass, image after image.
    masks: Vec<Vec<LweCiphertext>>,
    /// The weighted sums of the outputs, dense.
    sums: Vec<Ciphertext>,
}

/// One mini-batch or query on its way.
pub(super) struct Pass<'a> {
    engine: &'a Engine,
    layout: Layout,
    /// Tiles of weights of all layers.
    weights: Vec<Ciphertext>,
    stop: &'a AtomicBool,
}

impl<'a> Pass<'a> {
    /// A pass of so many images over dense weights.
    pub(super) fn new(
        engine: &'a Engine,
        weights: &[Ciphertext],
        images: usize,
        stop: &'a AtomicBool,
    ) -> Result<Self, MixedError> {
        let layout = Layout { batch: images, ..engine.plan.layout.clone() };
        let weights = engine.parts(weights, layout.weights())?;
        Ok(Self { engine, layout, weights, stop })
    }

    fn weights(&self, l: usize) -> &[Ciphertext] {
        let first = self.layout.first_tile(l);
        &self.weights[first..first + self.layout.layers[l].tiles()]
    }

    /// The tiles of inputs of a layer from dense ciphertexts: taken apart, and the constant put in.
    fn inputs(&self, l: usize, pieces: &[Ciphertext]) -> Result<Vec<Ciphertext>, MixedError> {
        let (engine, layer, tiles) = (self.engine, &self.layout.layers[l], self.layout.input_tiles(l));
        let parts = engine.parts(pieces, self.layout.inputs(l))?;
        let one = 1 << engine.plan.numbers.activation_bits;
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

    /// Weighted sums, dense.
    fn sums(&self, l: usize, inputs: &[Ciphertext]) -> Result<Vec<Ciphertext>, MixedError> {
        let (engine, weights) = (self.engine, self.weights(l));
        engine.stages.on(Stage::Products, || {
            let (inputs, tiles): (Vec<_>, Vec<_>) = (inputs.iter().collect(), weights.iter().collect());
            let products = engine.products.matrix_product(weights.len(), &inputs, &tiles, usize::MAX)?;
            engine.dense(&products, self.layout.errors().levels)
        })
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

    fn forward(&self, features: &[Ciphertext]) -> Result<Passed, MixedError> {
        let (engine, layout) = (self.engine, &self.layout);
        let (mut inputs, mut masks) = (vec![self.inputs(0, features)?], vec![]);
        for l in 0.. {
            let sums = self.sums(l, &inputs[l])?;
            if l + 1 == layout.layers.len() {
                return Ok(Passed { inputs, masks, sums });
            }
            let how = (engine.plan.numbers.shifts[0], 1 << 30, 1);
            let samples = engine.lower(&sums, &self.places(l), how)?;
            let outputs = engine.look_up(&samples, &engine.tables.rectifier, self.stop)?;
            let (mut values, mut passes) = (Vec::new(), Vec::new());
            for (i, output) in outputs.into_iter().enumerate() {
                if i % 2 == 0 { values.push(output) } else { passes.push(output) }
            }
            let units = layout.layers[l].outputs;
            let sent = |(i, value)| Sent { to: layout.input_at(l + 1, i / units, i % units), value };
            let sent: Vec<Sent> = values.into_iter().enumerate().map(sent).collect();
            let pieces = engine.raise(sent, layout.inputs(l + 1).pieces(), LOG_CLEAN.exp2(), self.stop)?;
            inputs.push(self.inputs(l + 1, &pieces)?);
            masks.push(passes);
        }
        Err(MixedError::Place)
    }

    /// Values of errors, to where errors stand; `inputs` are those that they are multiplied with.
    fn send_errors(
        &self,
        l: usize,
        values: Vec<LweCiphertext>,
        inputs: &[Ciphertext],
    ) -> Result<Vec<Ciphertext>, MixedError> {
        let (layout, layer) = (&self.layout, &self.layout.layers[l]);
        let sent = |(i, value): (usize, LweCiphertext)| {
            let place = layer.error(i % layer.outputs);
            let value = if place.negated { value.negate() } else { value };
            Sent { to: layout.errors().at(i / layer.outputs, place), value }
        };
        let sent: Vec<Sent> = values.into_iter().enumerate().map(sent).collect();
        let weights = layout.weights();
        let error = self.engine.error_beside(inputs, layout.batch, weights.parts.min(1 << weights.levels));
        self.engine.raise(sent, layout.errors().pieces(), error, self.stop)
    }

    /// The errors of the outputs, dense: what their table gives, without the labels.
    fn output_errors(&self, passed: &Passed, labels: &[Ciphertext]) -> Result<Vec<Ciphertext>, MixedError> {
        let (engine, l) = (self.engine, self.layout.layers.len() - 1);
        let how = (engine.plan.numbers.shifts[1], 1 << 30, 0);
        let samples = engine.lower(&passed.sums, &self.places(l), how)?;
        let values = engine.look_up(&samples, &engine.tables.output, self.stop)?;
        let outputs = self.send_errors(l, values, &passed.inputs[l])?;
        let without = |(output, label)| Ok(engine.products.sub(output, label)?);
        outputs.iter().zip(labels).map(without).collect()
    }

    /// What the errors of layer `l` hand back to the layer before, dense.
    fn back(&self, l: usize, errors: &[Ciphertext], passed: &Passed) -> Result<Vec<Ciphertext>, MixedError> {
        let (engine, layout, layer) = (self.engine, &self.layout, &self.layout.layers[l]);
        let tiles = layout.input_tiles(l);
        let sums = engine.stages.on(Stage::Products, || {
            let (errors, weights): (Vec<_>, Vec<_>) =
                (errors.iter().collect(), self.weights(l)[..tiles].iter().collect());
            let products = engine.products.matrix_product(1, &errors, &weights, usize::MAX)?;
            engine.dense(&products, layout.handed_back(l).levels)
        })?;
        let units = layer.inputs - 1;
        let place = |i: usize| {
            let (tile, place) = layer.handed_back(i % units);
            (layout.handed_back(l).at(i / units * tiles + tile, place), place.negated)
        };
        let places: Vec<_> = (0..layout.batch * units).map(place).collect();
        let how = (engine.plan.numbers.shifts[2], 1 << 29, 0);
        let mut samples = engine.lower(&sums, &places, how)?;
        samples
            .iter_mut()
            .zip(&passed.masks[l - 1])
            .try_for_each(|(sample, mask)| sample.add_scaled_assign(mask, 1))?;
        let values = engine.look_up(&samples, &engine.tables.masked, self.stop)?;
        self.send_errors(l - 1, values, &passed.inputs[l - 1])
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
        engine.stages.on(Stage::Products, || {
            let rows: Vec<&Ciphertext> =
                (0..tiles).flat_map(|tile| inputs[tile..].iter().step_by(tiles)).collect();
            let errors: Vec<&Ciphertext> = errors.iter().collect();
            let products = engine.products.matrix_product(layout.batch, &rows, &errors, usize::MAX)?;
            let gradient = |product: &Ciphertext| {
                let product = engine.products.relinearize(product)?;
                Ok(engine.products.automorphism(&product, 2 * layout.n - 1)?)
            };
            products.par_iter().map(gradient).collect()
        })
    }

    /// The weights after a step, dense and as good as new.
    pub(super) fn train(
        &self,
        features: &[Ciphertext],
        labels: &[Ciphertext],
    ) -> Result<Vec<Ciphertext>, MixedError> {
        let (engine, layout) = (self.engine, &self.layout);
        let passed = self.forward(features)?;
        let mut dense = self.output_errors(&passed, labels)?;
        let mut changed = Vec::new();
        for l in (0..layout.layers.len()).rev() {
            let errors = engine.parts(&dense, layout.errors())?;
            let gradients = self.gradients(l, &passed.inputs[l], &errors)?;
            let less = |(weight, gradient)| Ok(engine.products.sub(weight, gradient)?);
            let layer: Vec<Ciphertext> =
                self.weights(l).iter().zip(&gradients).map(less).collect::<Result<_, MixedError>>()?;
            changed.push(layer);
            if l > 0 {
                dense = self.back(l, &errors, &passed)?;
            }
        }
        changed.reverse();
        let tiles = self.level(&changed.concat())?;
        let dense = engine.stages.on(Stage::Products, || engine.dense(&tiles, layout.weights().levels))?;
        engine.refresh(&dense, self.stop)
    }

    /// Ciphertexts over the same limbs.
    fn level(&self, all: &[Ciphertext]) -> Result<Vec<Ciphertext>, MixedError> {
        let limbs = all.iter().map(Ciphertext::limbs).min().unwrap_or(1);
        all.iter().map(|c| Ok(self.engine.products.reduce_to(c, limbs)?)).collect()
    }

    /// The weighted sums of the outputs, dense.
    pub(super) fn classify(&self, features: &[Ciphertext]) -> Result<Vec<Ciphertext>, MixedError> {
        Ok(self.forward(features)?.sums)
    }
}
