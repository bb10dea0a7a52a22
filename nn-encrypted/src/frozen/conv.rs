//! Two-dimensional convolution without padding, in steps of 1 (a correlation, as everywhere in machine
//! learning): `y[o,r,c] = bias[o] + Σ weight[o,i,a,b] · x[i, r+a, c+b]`.

use super::{FrozenError, Result, Shape};

/// A convolution with square kernels.
#[derive(Debug, Clone, PartialEq)]
pub struct Conv2d {
    outputs: usize,
    inputs: usize,
    side: usize,
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl Conv2d {
    /// A convolution of the shape `[outputs, inputs, side, side]` with weights in this order, the last index
    /// fastest, and one bias an output.
    ///
    /// # Errors
    /// If the kernels are not square, the shape has a 0 or is not that of the numbers, or a number is not
    /// finite.
    pub fn new(shape: [usize; 4], weight: Vec<f32>, bias: Vec<f32>) -> Result<Self> {
        let [outputs, inputs, side, across] = shape;
        let fault = |what: String| Err(FrozenError::Numbers(what));
        let size = shape.iter().try_fold(1_usize, |size, &n| size.checked_mul(n));
        if shape.contains(&0) || side != across {
            return fault(format!("weight of shape {shape:?}; square kernels and no 0 are needed"));
        }
        if size != Some(weight.len()) || bias.len() != outputs {
            let found = (weight.len(), bias.len());
            return fault(format!("(weights, biases) = {found:?} of shape {shape:?}"));
        }
        if weight.iter().chain(&bias).any(|value| !value.is_finite()) {
            return fault("a weight or bias is not finite".to_owned());
        }
        Ok(Self { outputs, inputs, side, weight, bias })
    }

    /// `[outputs, inputs, side, side]`.
    #[must_use]
    pub fn shape(&self) -> [usize; 4] {
        [self.outputs, self.inputs, self.side, self.side]
    }

    /// The weights, the last index fastest.
    #[must_use]
    pub fn weight(&self) -> &[f32] {
        &self.weight
    }

    /// One number an output.
    #[must_use]
    pub fn bias(&self) -> &[f32] {
        &self.bias
    }

    pub(super) fn parameters_mut(&mut self) -> Vec<&mut Vec<f32>> {
        vec![&mut self.weight, &mut self.bias]
    }

    pub(super) fn output(&self, from: Shape) -> Result<Shape> {
        if from.channels() != self.inputs {
            let what = format!("{} channels come in; {} are needed", from.channels(), self.inputs);
            return Err(FrozenError::Numbers(what));
        }
        let less = self.side - 1;
        Shape::new(self.outputs, from.rows().saturating_sub(less), from.columns().saturating_sub(less))
    }

    /// Every weight with its output channel, and the place in `x` of the value that it weighs for the first
    /// output value.
    fn taps(&self, from: Shape) -> impl Iterator<Item = (usize, usize)> {
        let (inputs, side, plane, width) = (self.inputs, self.side, from.plane(), from.columns());
        (0..self.outputs).flat_map(move |output| {
            (0..inputs * side * side).map(move |tap| {
                let (input, row, column) = (tap / (side * side), tap / side % side, tap % side);
                (output, input * plane + row * width + column)
            })
        })
    }

    pub(super) fn forward(&self, x: &[f32], from: Shape, y: &mut [f32]) {
        let (width, columns) = (from.columns(), from.columns() + 1 - self.side);
        let plane = (from.rows() + 1 - self.side) * columns;
        for (y, &bias) in y.chunks_exact_mut(plane).zip(&self.bias) {
            y.fill(bias);
        }
        for (&weight, (output, start)) in self.weight.iter().zip(self.taps(from)) {
            let rows = y[output * plane..][..plane].chunks_exact_mut(columns);
            for (y, x) in rows.zip(x[start..].chunks(width)) {
                add(y, weight, x);
            }
        }
    }

    /// The gradient by `x`, and those by weight and bias, of one image from that by `y`.
    pub(super) fn backward(&self, x: &[f32], from: Shape, gradient: &[f32]) -> (Vec<f32>, Vec<Vec<f32>>) {
        let (width, columns) = (from.columns(), from.columns() + 1 - self.side);
        let plane = (from.rows() + 1 - self.side) * columns;
        let (mut by_x, mut by_weight) = (vec![0.0; from.size()], Vec::with_capacity(self.weight.len()));
        for (&weight, (output, start)) in self.weight.iter().zip(self.taps(from)) {
            let mut sums = vec![0.0; columns];
            let rows = gradient[output * plane..][..plane].chunks_exact(columns);
            let places = x[start..].chunks(width).zip(by_x[start..].chunks_mut(width));
            for (g, (x, by_x)) in rows.zip(places) {
                add(&mut by_x[..columns], weight, g);
                sums.iter_mut().zip(x.iter().zip(g)).for_each(|(sum, (x, g))| *sum += x * g);
            }
            by_weight.push(sums.iter().sum());
        }
        let by_bias = gradient.chunks_exact(plane).map(|plane| plane.iter().sum()).collect();
        (by_x, vec![by_weight, by_bias])
    }
}

/// `y ← y + factor·x`, as far as `y` goes.
fn add(y: &mut [f32], factor: f32, x: &[f32]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += factor * x;
    }
}
