//! How a network lies in slots: sizes, constants beside the weights, and what is refreshed.

use std::collections::{BTreeMap, BTreeSet};

use he_ckks::Complex64;
use he_core::ring::embedding::Diagonals;
use ndarray::{Array1, Array2};

use super::{Entry, MatrixLayer, RealModel, RealNetwork};
use crate::engine::Geometry;
use crate::packing::{Cube, Side};
use crate::recipe::{RealBounds, RealRecipe};

/// A tensor that can be bootstrapped in the middle of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Middle {
    /// Weighted sums of a layer.
    Sums(usize),
    /// Errors at the inputs of a layer.
    Errors(usize),
}

/// Everything a training step depends on.
#[derive(Clone, Debug)]
pub struct Shape {
    /// The network.
    pub network: RealNetwork,
    /// Tiles and slots.
    pub geometry: Geometry,
    /// The activations as they are computed.
    pub activations: Vec<Monic>,
    /// The public bounds.
    pub bounds: RealBounds,
    /// The largest magnitude of features.
    pub input_bound: f64,
    /// Samples of a mini-batch by which gradients are divided.
    pub batch: usize,
    /// The step width.
    pub learning_rate: f64,
    /// How much of the last step is kept.
    pub momentum: f64,
    /// What is bootstrapped on the way.
    pub middle: BTreeSet<Middle>,
}

/// An activation of degree 1 to 3 of `κ·z` with leading coefficient `±1`: the constant `κ` rides in the mask that expands the
/// weights.
///
/// With `κ = |c_d|^(1/d)`, `s` the sign of `c_d` and `y = κz`:
/// `p = s·y² + (c_1/κ)·y + c_0`, or `p = s·y·(y² + s(c_2/κ²)·y + s·c_1/κ) + c_0`; `p' = slope_factor·slope(y)` with
/// `slope = y + s·c_1/(2κ)`, or `y² + s·2c_2/(3κ²)·y + s·c_1/(3κ)`, and `slope_factor = d·s·κ`.
#[derive(Clone, Debug, PartialEq)]
pub struct Monic {
    /// Degree, 1 to 3.
    pub degree: usize,
    /// Sign of the leading coefficient.
    pub negative: bool,
    /// `κ`.
    pub scale: f64,
    /// The constant term.
    pub constant: f64,
    /// Degree 2: the coefficient of `y`. Degree 3: that of `y` within the brackets.
    pub linear: f64,
    /// Degree 3: the constant within the brackets.
    pub inner: f64,
    /// Coefficient of `y` in the slope of degree 2.
    pub slope_linear: f64,
    /// The constant of the slope.
    pub slope_constant: f64,
    /// What the slope is multiplied with.
    pub slope_factor: f64,
}

impl Monic {
    /// The activation with these coefficients, constant first, the last not 0.
    pub fn new(coefficients: &[f64]) -> Self {
        let degree = coefficients.len().saturating_sub(1).clamp(1, 3);
        let c = |i: usize| coefficients.get(i).copied().unwrap_or(0.0);
        let scale = match degree {
            1 => c(1).abs(),
            2 => c(2).abs().sqrt(),
            _ => c(3).abs().cbrt(),
        };
        let sign = c(degree).signum();
        let (linear, inner) = match degree {
            2 => (c(1) / scale, 0.0),
            3 => (sign * c(2) / (scale * scale), sign * c(1) / scale),
            _ => (0.0, 0.0),
        };
        let (slope_linear, slope_constant) = match degree {
            2 => (0.0, sign * c(1) / (2.0 * scale)),
            3 => (sign * 2.0 * c(2) / (3.0 * scale * scale), sign * c(1) / (3.0 * scale)),
            _ => (0.0, 0.0),
        };
        Self {
            degree,
            negative: sign < 0.0,
            scale,
            constant: c(0),
            linear,
            inner,
            slope_linear,
            slope_constant,
            slope_factor: degree as f64 * sign * scale,
        }
    }

    /// A bound of the activation where its argument is at most `z` in magnitude.
    pub fn reach(coefficients: &[f64], z: f64) -> f64 {
        coefficients.iter().rev().fold(0.0, |sum, c| sum * z + c.abs())
    }
}

impl Shape {
    /// The shape of a recipe's network in a cube.
    pub fn new(recipe: &RealRecipe, network: &RealNetwork, cube: Cube, input_bound: f64) -> Self {
        let sizes = network.layers.iter().map(|layer| layer.entries.dim());
        let geometry = Geometry::new(cube, sizes, recipe.optimizer.batch_size);
        let monic = |layer: &MatrixLayer| Monic::new(layer.activation.as_deref().unwrap_or(&[0.0, 1.0]));
        Self {
            activations: network.layers.iter().map(monic).collect(),
            network: network.clone(),
            geometry,
            bounds: recipe.bounds.clone(),
            input_bound,
            batch: recipe.optimizer.batch_size,
            learning_rate: recipe.optimizer.learning_rate,
            momentum: recipe.optimizer.momentum,
            middle: BTreeSet::new(),
        }
    }

    /// The cube.
    pub fn cube(&self) -> &Cube {
        &self.geometry.cube
    }

    /// The last layer.
    pub fn last(&self) -> usize {
        self.network.layers.len().saturating_sub(1)
    }

    /// Tiles of images.
    pub fn image_tiles(&self) -> usize {
        self.batch.div_ceil(self.cube().b)
    }

    /// The constant beside the weights of layer `l` in products.
    pub fn weight_scale(&self, l: usize) -> f64 {
        self.activations[l].scale
    }

    /// What the stored errors of each layer are multiplied with to be the errors.
    pub fn error_units(&self) -> Vec<f64> {
        let mut units = vec![1.0; self.network.layers.len()];
        for l in (1..units.len()).rev() {
            units[l - 1] = units[l] * self.activations[l - 1].slope_factor / self.weight_scale(l);
        }
        units
    }

    /// The largest magnitude of weighted sums of layer `l`, as they are stored.
    pub fn sum_bound(&self, l: usize) -> f64 {
        let bound = if l == self.last() { self.bounds.output } else { self.bounds.preactivation };
        bound * self.weight_scale(l)
    }

    /// The largest magnitude of the inputs of layer `l`.
    pub fn activation_bound(&self, l: usize) -> f64 {
        match l.checked_sub(1).and_then(|below| self.network.layers[below].activation.as_deref()) {
            Some(coefficients) => Monic::reach(coefficients, self.bounds.preactivation),
            None => self.input_bound,
        }
    }

    /// The largest magnitude of the stored weighted errors at the inputs of layer `l`: before the slope.
    pub fn error_bound(&self, l: usize) -> f64 {
        self.bounds.error * self.weight_scale(l) / self.error_units()[l].abs()
    }

    /// Whether a weight stands in several entries.
    pub fn is_tied(&self) -> bool {
        self.network.layers.iter().any(|layer| {
            layer.weights < layer.entries.iter().flatten().count() || layer.biases < layer.bias.len()
        })
    }

    /// Whether entries have constants beside the weights, in any tile.
    pub fn has_factors(&self) -> bool {
        let plain = |layer: &MatrixLayer| layer.entries.iter().all(|e| e.is_some_and(|e| e.factor == 1.0));
        !self.network.layers.iter().all(plain)
    }

    /// Whether a tile of weights has slots without a weight, where gradients must not gather, or constants beside weights.
    pub fn is_partial(&self, tile: usize) -> bool {
        self.factors(tile).iter().flatten().any(|factor| *factor != 1.0)
    }

    /// The constants beside the weights of a tile as slots of one image, `[x][z]`, 0 where there is none.
    pub fn factors(&self, tile: usize) -> Vec<Vec<f64>> {
        let (cube, l) = (self.cube(), self.tile_layer(tile));
        let (layer, matrix) = (&self.geometry.layers[l], &self.network.layers[l]);
        let outputs = layer.counts(cube).1;
        let (block, column) = ((tile - layer.first) / outputs, (tile - layer.first) % outputs);
        let is_bias = block == layer.counts(cube).0;
        let factor = |x: usize, z: usize| {
            let (i, o) = if layer.side == Side::P { (x, z) } else { (z, x) };
            let output = column * cube.extent(layer.side.other()) + o;
            if is_bias {
                return f64::from(u8::from(i == 0 && output < layer.outputs));
            }
            let entry = matrix.entries.get((block * cube.extent(layer.side) + i, output));
            entry.copied().flatten().map_or(0.0, |entry| entry.factor)
        };
        (0..cube.p).map(|x| (0..cube.q).map(|z| factor(x, z)).collect()).collect()
    }

    /// The layer that a tile belongs to.
    pub fn tile_layer(&self, tile: usize) -> usize {
        self.geometry.layers.iter().rposition(|layer| layer.first <= tile).unwrap_or(0)
    }

    /// Groups of slots (ciphertext, slot) of the compact tensors that hold one weight or bias.
    pub fn groups(&self) -> Vec<Vec<(usize, usize)>> {
        let (cube, compact) = (self.cube(), &self.geometry.compact);
        let place = |(tile, x, z): (usize, usize, usize)| {
            let y = compact.rows(cube, tile % compact.group).next().unwrap_or(0);
            (tile / compact.group, cube.slot(y, x, z))
        };
        let mut groups: BTreeMap<(usize, bool, usize), Vec<(usize, usize)>> = BTreeMap::new();
        for (l, layer) in self.geometry.layers.iter().enumerate() {
            let matrix = &self.network.layers[l];
            for ((i, o), entry) in matrix.entries.indexed_iter() {
                if let Some(entry) = entry {
                    let slot = place(layer.weight_place(cube, i, o));
                    groups.entry((l, false, entry.weight)).or_default().push(slot);
                }
            }
            for (o, &bias) in matrix.bias.iter().enumerate() {
                groups.entry((l, true, bias)).or_default().push(place(layer.bias_place(cube, o)));
            }
        }
        groups.into_values().collect()
    }

    /// The matrix over the slots that sums all entries of one weight into each of them, by its diagonals.
    pub fn ties(&self) -> Diagonals {
        let slots = self.cube().slots();
        let mut diagonals = Diagonals::new();
        for group in self.groups() {
            for &(_, to) in &group {
                for &(_, from) in &group {
                    let diagonal = diagonals.entry((from + slots - to) % slots);
                    let diagonal = diagonal.or_insert_with(|| vec![Complex64::default(); slots]);
                    diagonal[to] = Complex64::new(1.0, 0.0);
                }
            }
        }
        diagonals
    }

    /// Values of the weights and biases as matrices, by layer.
    pub fn matrices(
        &self,
        weight: impl Fn(usize, Entry) -> f64,
        bias: impl Fn(usize, usize) -> f64,
    ) -> Vec<(Array2<f64>, Array1<f64>)> {
        let layers = self.network.layers.iter().enumerate().map(|(l, layer)| {
            let matrix = layer.entries.map(|entry| entry.map_or(0.0, |entry| weight(l, entry)));
            (matrix, layer.bias.iter().map(|&b| bias(l, b)).collect())
        });
        layers.collect()
    }

    /// `(W/β_W + i·V/β_V)/√2` of a model, as compact slot vectors of real and imaginary parts.
    pub fn pack_model(&self, model: &RealModel) -> Vec<(Vec<f64>, Vec<f64>)> {
        let half = std::f64::consts::FRAC_1_SQRT_2;
        let (w, v) = (half / self.bounds.weight, half / self.bounds.momentum);
        let layer = |l: usize| &model.layers[l];
        let real = self.matrices(|l, e| layer(l).weight[e.weight] * w, |l, i| layer(l).bias[i] * w);
        let imaginary = self
            .matrices(|l, e| layer(l).weight_momentum[e.weight] * v, |l, i| layer(l).bias_momentum[i] * v);
        self.pack(&real).into_iter().zip(self.pack(&imaginary)).collect()
    }

    fn pack(&self, layers: &[(Array2<f64>, Array1<f64>)]) -> Vec<Vec<f64>> {
        let (cube, compact) = (self.cube(), &self.geometry.compact);
        let mut out = vec![vec![0.0; cube.slots()]; compact.ciphertexts()];
        for (tiles, (weight, bias)) in self.geometry.layers.iter().zip(layers) {
            tiles.pack(cube, compact, weight.view(), bias.view(), &mut out);
        }
        out
    }

    /// The model in compact slot vectors of real and imaginary parts; `like` has its sizes. A weight that stands in several
    /// entries is their mean.
    pub fn unpack_model(&self, real: &[Vec<f64>], imaginary: &[Vec<f64>], like: &RealModel) -> RealModel {
        let half = std::f64::consts::FRAC_1_SQRT_2;
        let mut model = like.clone();
        for (l, tiles) in self.geometry.layers.iter().enumerate() {
            let (layer, state) = (&self.network.layers[l], &mut model.layers[l]);
            let parts = [
                (real, self.bounds.weight / half, &mut state.weight, &mut state.bias),
                (
                    imaginary,
                    self.bounds.momentum / half,
                    &mut state.weight_momentum,
                    &mut state.bias_momentum,
                ),
            ];
            for (slots, unit, weights, biases) in parts {
                let (matrix, bias) = tiles.unpack(self.cube(), &self.geometry.compact, slots);
                let found = layer.entries.iter().zip(&matrix).filter_map(|(e, v)| e.map(|e| (e.weight, *v)));
                means(weights, found, unit);
                means(biases, layer.bias.iter().copied().zip(bias.iter().copied()), unit);
            }
        }
        model
    }

    /// The side along which the outputs of layer `l` lie.
    pub fn output_side(&self, l: usize) -> Side {
        self.geometry.layers[l].side.other()
    }
}

/// Sets each value to the mean of those found for it, times a unit.
fn means(values: &mut [f64], found: impl Iterator<Item = (usize, f64)>, unit: f64) {
    let mut sums = vec![(0.0, 0_u32); values.len()];
    for (index, value) in found {
        sums[index].0 += value;
        sums[index].1 += 1;
    }
    for (value, (sum, count)) in values.iter_mut().zip(sums) {
        *value = sum * unit / f64::from(count.max(1));
    }
}
