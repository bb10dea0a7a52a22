//! Batch normalization: `y = scale · (x - mean) / sqrt(variance + ε) + shift` with numbers of each channel.
//!
//! In training mean and variance are those of the batch, hence they too depend on `x`. With `z = (x - mean) /
//! deviation` and n values a channel the gradient by x is `scale/deviation · (g - Σg/n - z·Σ(g·z)/n)`.

use rayon::prelude::*;

use super::{FrozenError, Result, Shape};

/// ε, as usual elsewhere.
const LEAST_VARIANCE: f32 = 1e-5;
/// The share by which a step of training moves mean and variance towards those of its batch.
const FOLLOW: f32 = 0.1;

/// A normalization of each channel.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchNorm2d {
    scale: Vec<f32>,
    shift: Vec<f32>,
    mean: Vec<f32>,
    variance: Vec<f32>,
}

impl BatchNorm2d {
    /// One number of each kind a channel.
    ///
    /// # Errors
    /// If there are none or not equally many, one is not finite, or a variance is negative.
    pub fn new(scale: Vec<f32>, shift: Vec<f32>, mean: Vec<f32>, variance: Vec<f32>) -> Result<Self> {
        let fault = |what: String| Err(FrozenError::Numbers(what));
        let found = [scale.len(), shift.len(), mean.len(), variance.len()];
        if scale.is_empty() || found.iter().any(|&length| length != scale.len()) {
            return fault(format!(
                "(scales, shifts, means, variances) = {found:?}; as many of each are needed"
            ));
        }
        let values = || scale.iter().chain(&shift).chain(&mean).chain(&variance);
        if values().any(|value| !value.is_finite()) || variance.iter().any(|&value| value < 0.0) {
            return fault("finite numbers and no negative variance are needed".to_owned());
        }
        Ok(Self { scale, shift, mean, variance })
    }

    /// A normalization before training: scale and variance 1.
    pub(super) fn identity(channels: usize) -> Self {
        let (ones, zeros) = (vec![1.0; channels], vec![0.0; channels]);
        Self { scale: ones.clone(), shift: zeros.clone(), mean: zeros, variance: ones }
    }

    /// Scale, shift, mean and variance, one of each a channel.
    #[must_use]
    pub fn numbers(&self) -> [&[f32]; 4] {
        [&self.scale, &self.shift, &self.mean, &self.variance]
    }

    pub(super) fn parameters_mut(&mut self) -> Vec<&mut Vec<f32>> {
        vec![&mut self.scale, &mut self.shift]
    }

    pub(super) fn output(&self, from: Shape) -> Result<Shape> {
        if from.channels() != self.scale.len() {
            let what = format!("{} channels come in; {} are needed", from.channels(), self.scale.len());
            return Err(FrozenError::Numbers(what));
        }
        Ok(from)
    }

    pub(super) fn forward(&self, x: &[f32], from: Shape, y: &mut [f32]) {
        let planes = x.chunks_exact(from.plane()).zip(y.chunks_exact_mut(from.plane()));
        for (channel, (x, y)) in planes.enumerate() {
            let (factor, mean, shift) = (self.factor(channel), self.mean[channel], self.shift[channel]);
            for (y, x) in y.iter_mut().zip(x) {
                *y = factor * (x - mean) + shift;
            }
        }
    }

    /// Scale by deviation.
    fn factor(&self, channel: usize) -> f32 {
        self.scale[channel] / self.deviation(channel)
    }

    fn deviation(&self, channel: usize) -> f32 {
        (self.variance[channel] + LEAST_VARIANCE).sqrt()
    }

    /// This layer with mean and variance of a batch of images.
    pub(super) fn of_batch(&self, x: &[f32], from: Shape) -> Self {
        let n = (x.len() / from.channels()) as f64;
        let statistics = |channel: usize| {
            let values = || planes(x, from, channel).flatten().map(|&x| f64::from(x));
            let mean = values().sum::<f64>() / n;
            let variance = values().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n;
            (mean as f32, variance as f32)
        };
        let (mean, variance) = (0..from.channels()).into_par_iter().map(statistics).unzip();
        Self { mean, variance, ..self.clone() }
    }

    /// Moves mean and variance towards those of a batch.
    pub(super) fn follow(&mut self, batch: &Self) {
        let pairs =
            (self.mean.iter_mut().zip(&batch.mean)).chain(self.variance.iter_mut().zip(&batch.variance));
        pairs.for_each(|(kept, new)| *kept += FOLLOW * (new - *kept));
    }

    /// The gradient by `x`, and those by scale and shift, from that by `y`; of a normalization with mean and
    /// variance of the batch `x`.
    pub(super) fn backward(&self, x: &[f32], from: Shape, gradient: &[f32]) -> (Vec<f32>, Vec<Vec<f32>>) {
        let n = (x.len() / from.channels()) as f32;
        let sums = |channel: usize| {
            let (mean, deviation) = (self.mean[channel], self.deviation(channel));
            let values = planes(x, from, channel).flatten().zip(planes(gradient, from, channel).flatten());
            let add = |(by_scale, by_shift): (f64, f64), (x, g): (&f32, &f32)| {
                (by_scale + f64::from(g * ((x - mean) / deviation)), by_shift + f64::from(*g))
            };
            let (by_scale, by_shift) = values.fold((0.0, 0.0), add);
            (by_scale as f32, by_shift as f32)
        };
        let (by_scale, by_shift): (Vec<f32>, Vec<f32>) =
            (0..from.channels()).into_par_iter().map(sums).unzip();
        let mut by_x = vec![0.0; x.len()];
        let places = x.par_chunks(from.plane()).zip(gradient.par_chunks(from.plane()));
        by_x.par_chunks_mut(from.plane()).zip(places).enumerate().for_each(|(plane, (by_x, (x, g)))| {
            let channel = plane % from.channels();
            let (mean, deviation) = (self.mean[channel], self.deviation(channel));
            let (scale_part, shift_part) = (by_scale[channel] / n, by_shift[channel] / n);
            for (by_x, (x, g)) in by_x.iter_mut().zip(x.iter().zip(g)) {
                let z = (x - mean) / deviation;
                *by_x = self.factor(channel) * (g - shift_part - z * scale_part);
            }
        });
        (by_x, vec![by_scale, by_shift])
    }
}

/// A channel of each image of a batch.
fn planes(x: &[f32], from: Shape, channel: usize) -> impl Iterator<Item = &[f32]> {
    x.chunks_exact(from.plane()).skip(channel).step_by(from.channels())
}
