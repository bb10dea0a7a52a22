//! A training step and a classification, said once over [`Slots`].
//!
//! Tensors lie in the cube `[P | b | Q]` of [`crate::packing`]; with `κ_l` the constant of the activation behind layer `l` (see
//! [`Monic`](super::shape::Monic)), `Z_l` stands for `κ_l·z_l` and the expanded weights for `κ_l·W_l`. Levels of one step with one
//! hidden layer of degree 2: expand 1, product 1, activation 1, product 1, mask of the outputs 1, error 1, slope 1, gradient 1,
//! collect 1.

use he_ckks::Complex64;
use rayon::prelude::*;

use super::axes::Axes;
use super::shape::{Middle, Shape};
use super::slots::{Mask, RealError, Rows, Slots};
use crate::packing::Side;

type Result<T> = std::result::Result<T, RealError>;

const ONE: Complex64 = Complex64::new(1.0, 0.0);

/// A mini-batch, tile of images by tile.
pub trait Samples<C>: Sync {
    /// Features of tile `t` of images, by tiles of features.
    ///
    /// # Errors
    /// If they cannot be read.
    fn features(&self, t: usize) -> Result<Vec<C>>;

    /// Targets of tile `t`, by tiles of outputs.
    ///
    /// # Errors
    /// If they cannot be read.
    fn targets(&self, t: usize) -> Result<Vec<C>>;

    /// Images there are.
    fn rows(&self) -> usize;
}

/// A training step of a shape on an engine.
pub struct Step<'a, S: Slots> {
    /// The engine.
    pub slots: &'a S,
    /// What is trained.
    pub shape: &'a Shape,
}

/// Tiles of a tensor of images by features, tile of images by tile of images.
type Tiles<C> = Vec<C>;

/// Tiles of images whose features are in memory at once.
const TOGETHER: usize = 4;

/// Tiles of weights and biases, layer after layer.
type Weights<C> = Vec<Vec<C>>;

/// What the backward pass needs of a layer.
struct Forward<C> {
    /// Inputs of the layer; none for the first, whose inputs are read again.
    input: Option<Tiles<C>>,
    /// The slope of the activation behind it; none where it is a constant.
    slope: Option<Tiles<C>>,
}

impl<'a, S: Slots> Step<'a, S> {
    fn axes(&self) -> Axes<'a, S> {
        Axes { slots: self.slots, cube: self.shape.cube(), compact: &self.shape.geometry.compact }
    }

    /// `f` of each, on all threads.
    fn each<T: Sync>(
        items: &[T],
        f: impl Fn(&T) -> Result<S::Ciphertext> + Sync + Send,
    ) -> Result<Tiles<S::Ciphertext>> {
        items.par_iter().map(f).collect()
    }

    /// The weights of all layers as tiles, out of the compact state.
    fn expanded(&self, state: &[S::Ciphertext]) -> Result<Weights<S::Ciphertext>> {
        let (shape, compact) = (self.shape, self.shape.geometry.compact);
        let factors = shape.has_factors();
        let mut layers: Weights<S::Ciphertext> = vec![Vec::new(); shape.network.layers.len()];
        for (g, state) in state.iter().enumerate() {
            // Twice the real part.
            let real = self.slots.add(state, &self.slots.conjugate(state)?)?;
            let first = g * compact.group;
            let value = |m: usize| {
                let scale = shape.weight_scale(shape.tile_layer(first + m));
                let value = scale * shape.bounds.weight * std::f64::consts::FRAC_1_SQRT_2;
                Mask { tile: factors.then_some(first + m), ..Mask::on(Rows::All, value * ONE) }
            };
            let expanded = self.axes().expand(&real, compact.tiles_in(g), value)?;
            for (m, tile) in expanded.into_iter().enumerate() {
                let l = shape.tile_layer(first + m);
                layers[l].push(self.slots.within(tile, shape.bounds.weight * shape.weight_scale(l))?);
            }
        }
        Ok(layers)
    }

    /// `A·W + b` of one tile of images, summed along the inputs; along `Q` right at index 0. `weights` are those of the layer.
    fn weighted(
        &self,
        l: usize,
        input: &[S::Ciphertext],
        weights: &[S::Ciphertext],
    ) -> Result<Tiles<S::Ciphertext>> {
        let (cube, layer) = (self.shape.cube(), &self.shape.geometry.layers[l]);
        let outputs: Vec<usize> = (0..layer.counts(cube).1).collect();
        Self::each(&outputs, |&o| {
            let pairs: Vec<_> = input
                .iter()
                .enumerate()
                .map(|(k, a)| (a, &weights[layer.weight(cube, k, o) - layer.first]))
                .collect();
            let sum = self.slots.settle(&self.slots.dot(&pairs)?)?;
            let sum = self.slots.add(&sum, &weights[layer.bias(cube, o) - layer.first])?;
            self.axes().sum(sum, layer.side, layer.inputs, Some(self.shape.sum_bound(l)))
        })
    }

    /// Images of tile `t` that there are.
    fn rows(&self, rows: usize, t: usize) -> Rows {
        let b = self.shape.cube().b;
        let here = rows.saturating_sub(t * b).min(b);
        if here == b { Rows::All } else { Rows::First(here) }
    }

    /// Weighted sums that are right everywhere, after a mask or a bootstrap where they take one.
    fn settled_sums(
        &self,
        l: usize,
        sums: Tiles<S::Ciphertext>,
        rows: usize,
    ) -> Result<Tiles<S::Ciphertext>> {
        let side = self.shape.geometry.layers[l].side;
        let (last, bound) = (l == self.shape.last(), self.shape.sum_bound(l));
        let each = sums.len() / self.shape.image_tiles().max(1);
        let rows_of = |tile: usize| if last { self.rows(rows, tile / each.max(1)) } else { Rows::All };
        if self.shape.middle.contains(&Middle::Sums(l)) {
            return self.bootstrapped(&sums, rows_of, side, bound);
        }
        if side == Side::P && !last {
            return Ok(sums);
        }
        let settled = sums.par_iter().enumerate().map(|(tile, sum)| {
            let sum = self.axes().settle_sum(sum, side, rows_of(tile))?;
            self.slots.within(sum, bound)
        });
        settled.collect()
    }

    /// Tiles packed, bootstrapped and unpacked.
    fn bootstrapped(
        &self,
        tiles: &[S::Ciphertext],
        rows: impl Fn(usize) -> Rows + Sync,
        idle: Side,
        bound: f64,
    ) -> Result<Tiles<S::Ciphertext>> {
        let packed = self.axes().pack(tiles, rows, idle, 1.0 / bound)?;
        let fresh = packed.iter().map(|c| self.slots.bootstrap(&self.slots.within(c.clone(), 1.0)?));
        let fresh = fresh.collect::<Result<Vec<_>>>()?;
        let tiles = self.axes().unpack(&fresh, tiles.len(), idle, bound)?;
        tiles.into_iter().map(|tile| self.slots.within(tile, bound)).collect()
    }

    /// The activation of one ciphertext, and its slope.
    fn activation(&self, l: usize, y: &S::Ciphertext) -> Result<(S::Ciphertext, Option<S::Ciphertext>)> {
        let (e, a) = (self.slots, &self.shape.activations[l]);
        let linear = |c: f64| e.combine(&[(c * ONE, y)]);
        let with = |sum: S::Ciphertext, c: f64| if c == 0.0 { Ok(sum) } else { e.add_const(&sum, c) };
        let signed = |sum: S::Ciphertext| if a.negative { e.negate(&sum) } else { Ok(sum) };
        let plus = |sum: S::Ciphertext, c: f64| if c == 0.0 { Ok(sum) } else { e.add(&sum, &linear(c)?) };
        if a.degree == 1 {
            return Ok((with(signed(y.clone())?, a.constant)?, None));
        }
        let square = e.settle(&e.dot(&[(y, y)])?)?;
        let (value, slope) = if a.degree == 2 {
            (plus(signed(square)?, a.linear)?, with(y.clone(), a.slope_constant)?)
        } else {
            let inner = with(plus(square.clone(), a.linear)?, a.inner)?;
            let slope = with(plus(square, a.slope_linear)?, a.slope_constant)?;
            (signed(e.settle(&e.dot(&[(y, &inner)])?)?)?, slope)
        };
        let value = e.within(with(value, a.constant)?, self.shape.activation_bound(l + 1))?;
        Ok((value, Some(slope)))
    }

    /// The polynomial of the outputs with which the error begins.
    fn output_function(&self, z: &S::Ciphertext, coefficients: &[f64]) -> Result<S::Ciphertext> {
        let e = self.slots;
        let c = |i: usize| coefficients.get(i).copied().unwrap_or(0.0);
        let product = |a: &S::Ciphertext, b: &S::Ciphertext| e.settle(&e.dot(&[(a, b)])?);
        let linear = |i: usize| e.combine(&[(c(i) * ONE, z)]);
        // c_1·z + c_3·z·z² + (c_5·z + c_7·z·z²)·z⁴
        let square = product(z, z)?;
        let part = |low: usize| -> Result<S::Ciphertext> {
            let first = linear(low)?;
            if c(low + 2) == 0.0 {
                return Ok(first);
            }
            e.add(&product(&linear(low + 2)?, &square)?, &first)
        };
        let mut sum = part(1)?;
        if c(5) != 0.0 || c(7) != 0.0 {
            sum = e.add(&product(&part(5)?, &product(&square, &square)?)?, &sum)?;
        }
        e.within(e.add_const(&sum, c(0))?, 2.0)
    }

    /// The weighted sums of the last layer, not settled yet, and what the backward pass needs.
    #[expect(clippy::type_complexity, reason = "one use")]
    fn forward(
        &self,
        weights: &[Vec<S::Ciphertext>],
        samples: &impl Samples<S::Ciphertext>,
    ) -> Result<(Tiles<S::Ciphertext>, Vec<Forward<S::Ciphertext>>)> {
        let (shape, images) = (self.shape, self.shape.image_tiles());
        let mut kept = Vec::new();
        let mut input: Option<Tiles<S::Ciphertext>> = None;
        for (l, weights) in weights.iter().enumerate() {
            self.slots.enter("forward")?;
            let mut sums = Vec::new();
            match &input {
                None => {
                    for t in 0..images {
                        self.slots.enter("forward")?;
                        sums.extend(self.weighted(l, &samples.features(t)?, weights)?);
                    }
                }
                Some(input) => {
                    let own = Self::each(weights, |w| self.slots.lowered(w, &input[0]))?;
                    for tile in input.chunks(input.len() / images) {
                        sums.extend(self.weighted(l, tile, &own)?);
                    }
                }
            }
            if l == shape.last() {
                kept.push(Forward { input, slope: None });
                return Ok((sums, kept));
            }
            let sums = self.settled_sums(l, sums, samples.rows())?;
            self.slots.enter("activations")?;
            let found: Vec<_> = sums.par_iter().map(|y| self.activation(l, y)).collect::<Result<_>>()?;
            let (values, slopes): (Vec<_>, Vec<_>) = found.into_iter().unzip();
            kept.push(Forward { input: input.replace(values), slope: slopes.into_iter().collect() });
        }
        Err(RealError::Empty)
    }

    /// Weighted sums of the last layer, as they are read: along `Q` right at index 0.
    pub fn outputs(
        &self,
        state: &[S::Ciphertext],
        samples: &impl Samples<S::Ciphertext>,
    ) -> Result<Tiles<S::Ciphertext>> {
        self.slots.enter("expand")?;
        let weights = self.expanded(state)?;
        Ok(self.forward(&weights, samples)?.0)
    }

    /// The state after a step.
    ///
    /// # Errors
    /// If the engine refuses, or the samples cannot be read.
    pub fn train(
        &self,
        state: &[S::Ciphertext],
        samples: &impl Samples<S::Ciphertext>,
    ) -> Result<Vec<S::Ciphertext>> {
        self.slots.enter("bootstrap")?;
        let state: Vec<_> = state.iter().map(|c| self.slots.bootstrap(c)).collect::<Result<_>>()?;
        self.slots.enter("expand")?;
        let mut weights = self.expanded(&state)?;
        let (sums, kept) = self.forward(&weights, samples)?;
        // Of no further use, and the largest.
        weights[0].clear();
        let sums = self.settled_sums(self.shape.last(), sums, samples.rows())?;
        let error = self.output_error(sums, samples)?;
        let gradient = self.backward(&weights, kept, error, samples)?;
        self.slots.enter("update")?;
        drop(weights);
        let gradients = self.gather(&gradient)?;
        state.iter().zip(&gradients).map(|(state, gradient)| self.updated(state, gradient)).collect()
    }

    fn output_error(
        &self,
        sums: Tiles<S::Ciphertext>,
        samples: &impl Samples<S::Ciphertext>,
    ) -> Result<Tiles<S::Ciphertext>> {
        let images = self.shape.image_tiles();
        let sums = match &self.shape.network.output {
            None => sums,
            Some(coefficients) => Self::each(&sums, |z| self.output_function(z, coefficients))?,
        };
        let each = sums.len() / images;
        let targets = (0..images).map(|t| samples.targets(t)).collect::<Result<Vec<_>>>()?;
        (sums.par_iter().enumerate())
            .map(|(tile, sum)| self.slots.sub(sum, &targets[tile / each][tile % each]))
            .collect()
    }

    /// The gradient in every weight and bias tile, one term of it for each image.
    fn backward(
        &self,
        weights: &[Vec<S::Ciphertext>],
        mut kept: Vec<Forward<S::Ciphertext>>,
        mut error: Tiles<S::Ciphertext>,
        samples: &impl Samples<S::Ciphertext>,
    ) -> Result<Vec<S::Ciphertext>> {
        let mut layers = Vec::new();
        for l in (0..=self.shape.last()).rev() {
            let Some(Forward { input, .. }) = kept.pop() else { return Err(RealError::Empty) };
            self.slots.enter("gradients")?;
            let mut gradient = match input {
                Some(input) => self.outer(l, &input, &error)?,
                None => self.outer_of_samples(l, samples, &error)?,
            };
            gradient.extend(self.bias_gradient(l, &error)?);
            layers.push(gradient);
            if let Some(below) = kept.last() {
                self.slots.enter("errors")?;
                let sums = self.weighted_errors(l, &error, &weights[l])?;
                error = match &below.slope {
                    None => sums,
                    Some(slope) => (sums.par_iter().zip(slope))
                        .map(|(e, s)| self.slots.settle(&self.slots.dot(&[(e, s)])?))
                        .collect::<Result<_>>()?,
                };
            }
        }
        Ok(layers.into_iter().rev().flatten().collect())
    }

    /// `D·Wᵀ`, settled.
    fn weighted_errors(
        &self,
        l: usize,
        error: &[S::Ciphertext],
        weights: &[S::Ciphertext],
    ) -> Result<Tiles<S::Ciphertext>> {
        let (shape, cube, layer) = (self.shape, self.shape.cube(), &self.shape.geometry.layers[l]);
        let (blocks, outputs) = layer.counts(cube);
        let side = layer.side.other();
        let own = Self::each(weights, |w| self.slots.lowered(w, &error[0]))?;
        let places: Vec<(usize, usize)> =
            (0..shape.image_tiles()).flat_map(|t| (0..blocks).map(move |k| (t, k))).collect();
        let sums = Self::each(&places, |&(t, k)| {
            let pairs: Vec<_> = (0..outputs)
                .map(|o| (&error[t * outputs + o], &own[layer.weight(cube, k, o) - layer.first]))
                .collect();
            let sum = self.slots.settle(&self.slots.dot(&pairs)?)?;
            self.axes().sum(sum, side, layer.outputs, None)
        })?;
        if shape.middle.contains(&Middle::Errors(l)) {
            return self.bootstrapped(&sums, |_| Rows::All, side, shape.error_bound(l));
        }
        match side {
            Side::P => Ok(sums),
            Side::Q => Self::each(&sums, |sum| self.axes().settle_sum(sum, side, Rows::All)),
        }
    }

    /// `Aᵀ·D` of every image.
    fn outer(
        &self,
        l: usize,
        input: &[S::Ciphertext],
        error: &[S::Ciphertext],
    ) -> Result<Vec<S::Ciphertext>> {
        let (blocks, outputs) = self.shape.geometry.layers[l].counts(self.shape.cube());
        let input = Self::each(input, |a| self.slots.lowered(a, &error[0]))?;
        let places: Vec<(usize, usize)> =
            (0..blocks).flat_map(|k| (0..outputs).map(move |o| (k, o))).collect();
        Self::each(&places, |&(k, o)| {
            let pairs: Vec<_> = (0..self.shape.image_tiles())
                .map(|t| (&input[t * blocks + k], &error[t * outputs + o]))
                .collect();
            self.slots.settle(&self.slots.dot(&pairs)?)
        })
    }

    /// The same for features, which are read tile by tile.
    fn outer_of_samples(
        &self,
        l: usize,
        samples: &impl Samples<S::Ciphertext>,
        error: &[S::Ciphertext],
    ) -> Result<Vec<S::Ciphertext>> {
        let outputs = self.shape.geometry.layers[l].counts(self.shape.cube()).1;
        let mut sums: Vec<S::Ciphertext> = Vec::new();
        let tiles: Vec<usize> = (0..self.shape.image_tiles()).collect();
        for tiles in tiles.chunks(TOGETHER) {
            self.slots.enter("gradients")?;
            let mut inputs = Vec::new();
            for &t in tiles {
                inputs.push(Self::each(&samples.features(t)?, |a| self.slots.lowered(a, &error[0]))?);
            }
            let places: Vec<(usize, usize)> =
                (0..inputs[0].len()).flat_map(|k| (0..outputs).map(move |o| (k, o))).collect();
            let products = Self::each(&places, |&(k, o)| {
                let pairs = inputs.iter().zip(tiles).map(|(input, t)| (&input[k], &error[t * outputs + o]));
                self.slots.dot(&pairs.collect::<Vec<_>>())
            })?;
            sums = if sums.is_empty() {
                products
            } else {
                let pairs: Vec<_> = sums.into_iter().zip(products).collect();
                Self::each(&pairs, |(sum, product)| self.slots.add(sum, product))?
            };
        }
        Self::each(&sums, |sum| self.slots.settle(sum))
    }

    /// The errors of every output, summed over tiles of images.
    fn bias_gradient(&self, l: usize, error: &[S::Ciphertext]) -> Result<Vec<S::Ciphertext>> {
        let outputs = self.shape.geometry.layers[l].counts(self.shape.cube()).1;
        let column = |o: usize| {
            let tiles: Vec<_> = error.iter().skip(o).step_by(outputs).cloned().collect();
            self.axes().total(&tiles)
        };
        (0..outputs).map(column).collect()
    }

    /// What is added to the state: the gradients, compact, times minus the step width and for weights and momentum.
    fn gather(&self, gradient: &[S::Ciphertext]) -> Result<Vec<S::Ciphertext>> {
        let (shape, cube, compact) = (self.shape, self.shape.cube(), self.shape.geometry.compact);
        let units = shape.error_units();
        let bounds = &shape.bounds;
        let partial: Vec<bool> = (0..compact.tiles).map(|tile| shape.is_partial(tile)).collect();
        let direction = Complex64::new((1.0 + shape.momentum) / bounds.weight, 1.0 / bounds.momentum);
        let step = direction * -shape.learning_rate / shape.batch as f64 * std::f64::consts::FRAC_1_SQRT_2;
        let value = |tile: usize| {
            let l = shape.tile_layer(tile);
            let layer = &shape.geometry.layers[l];
            let mask = Mask::on(Rows::All, step * units[l]);
            let (blocks, outputs) = layer.counts(cube);
            match (tile - layer.first >= blocks * outputs, layer.side) {
                (true, Side::P) => Mask { x: Some(0), ..mask },
                (true, Side::Q) => Mask { z: Some(0), ..mask },
                (false, _) => Mask { tile: partial[tile].then_some(tile), ..mask },
            }
        };
        let groups = gradient.chunks(compact.group).enumerate().map(|(g, tiles)| {
            let sum = self.axes().collect(tiles, |m| value(g * compact.group + m))?;
            if shape.is_tied() { self.slots.tie(&sum) } else { Ok(sum) }
        });
        groups.collect()
    }

    /// `W + μ²·V − (1 + μ)·ηG` and `μ·V − ηG` in real and imaginary parts, scaled by their bounds.
    fn updated(&self, state: &S::Ciphertext, gradient: &S::Ciphertext) -> Result<S::Ciphertext> {
        let (shape, mu) = (self.shape, self.shape.momentum);
        let across = mu * mu * shape.bounds.momentum / shape.bounds.weight;
        // w + across·v + i·μ·v for w + i·v = t.
        let half = Complex64::new(0.5, 0.0);
        let turn = Complex64::new(mu / 2.0, -across / 2.0);
        let conjugate = self.slots.conjugate(state)?;
        let kept = self.slots.combine(&[(half + turn, state), (half - turn, &conjugate)])?;
        self.slots.within(self.slots.add(&kept, gradient)?, 1.0)
    }
}
