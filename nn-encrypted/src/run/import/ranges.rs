//! Ranges of features and of pre-activations on calibration rows.

use ndarray::{Array2, ArrayRef2, ArrayView1};

use crate::activation::Function;
use crate::exchange::{FloatLayer, FloatNetwork, Weights};
use crate::network::{Layer, Network};

/// The factor by which a range is wider than what calibration rows have: a quarter on top.
pub(super) const WIDER: f64 = 1.25;

/// How features become numbers within ±1: `(raw − offset)/divisor`.
pub(super) struct FeatureMaps {
    pub(super) maps: Vec<(f64, f64, f64)>,
    /// Least and largest value of each feature.
    pub(super) ranges: Vec<[f64; 2]>,
}

impl FeatureMaps {
    /// Of features within their ranges on calibration rows, widened; with one map for all pixels of images. Whole numbers keep their
    /// distance of a power of two where that many fractional bits hold it: they are not rounded then.
    pub(super) fn new(network: &FloatNetwork, x: &ArrayRef2<f64>, bits: u32) -> Self {
        let none = [f64::INFINITY, f64::NEG_INFINITY];
        let joined = |range: [f64; 2], value: &f64| [range[0].min(*value), range[1].max(*value)];
        let ranges: Vec<[f64; 2]> =
            x.columns().into_iter().map(|column| column.iter().fold(none, joined)).collect();
        let whole = |values: ArrayView1<'_, f64>| values.iter().all(|value| value.fract() == 0.0);
        let maps = if network.extent.height > 1 {
            let range = ranges.iter().flatten().fold(none, joined);
            vec![map(range, x.iter().all(|value| value.fract() == 0.0), bits); ranges.len()]
        } else {
            let columns = x.columns().into_iter().zip(&ranges);
            columns.map(|(column, range)| map(*range, whole(column), bits)).collect()
        };
        Self { maps, ranges }
    }

    /// Features as the first layer takes them, before they are rounded.
    pub(super) fn applied(&self, x: &ArrayRef2<f64>) -> Array2<f64> {
        let mut mapped = x.to_owned();
        for (mut column, (offset, divisor, _)) in mapped.columns_mut().into_iter().zip(&self.maps) {
            column.mapv_inplace(|value| (value - offset) / divisor);
        }
        mapped
    }

    /// The network for features that are mapped so: its own preprocessing, and the way back, become part of the first layer.
    ///
    /// # Errors
    /// If the first layer is a convolution and the preprocessing differs from pixel to pixel.
    pub(super) fn folded(&self, network: &FloatNetwork) -> Result<FloatNetwork, String> {
        let (mut made, count) = (network.clone(), self.maps.len());
        let own = made.input.take().unwrap_or_else(|| [vec![1.0; count], vec![0.0; count]]);
        let all = self.maps.iter().zip(own[0].iter().zip(&own[1]));
        let (factors, summands): (Vec<f64>, Vec<f64>) =
            all.map(|((offset, divisor, _), (f, s))| (f * divisor, f * offset + s)).unzip();
        let Some(first) = made.layers.first_mut() else { return Ok(made) };
        match &first.weights {
            Weights::Linear(_) => first.after(&factors, &summands),
            Weights::Conv(..) => {
                let one =
                    |all: &[f64]| all.iter().all(|value| (value - all[0]).abs() <= 1e-12 * all[0].abs());
                if !one(&factors) || !one(&summands) || network.extent.channels != 1 {
                    return Err(
                        "features of a convolution are scaled each in its own way, or in several channels; one scale for all pixels of one channel is needed"
                            .to_owned(),
                    );
                }
                first.after(&factors[..1], &summands[..1]);
            }
        }
        Ok(made)
    }
}

/// The map of a range to within ±1.
fn map([low, high]: [f64; 2], whole: bool, bits: u32) -> (f64, f64, f64) {
    let (middle, half) = (low / 2.0 + high / 2.0, high / 2.0 - low / 2.0);
    if half <= 0.0 {
        return (low, 1.0, 0.0);
    }
    let offset = middle.round();
    let divisor = (half * WIDER).max((high - offset).max(offset - low)).log2().ceil().exp2();
    if whole && divisor <= f64::from(bits).exp2() {
        return (offset, divisor, 0.0);
    }
    (middle, half * WIDER, 0.0)
}

/// Layers as matrices of floating point.
pub(super) struct Reference {
    matrices: Vec<(Array2<f64>, Vec<f64>)>,
    /// Functions, and the factors by which they take sums.
    activations: Vec<(Option<Function>, f64)>,
}

/// Pre-activations of a layer, and what its activation makes of them.
pub(super) type Trace = Vec<[Array2<f64>; 2]>;

impl Reference {
    pub(super) fn new(network: &Network, float: &FloatNetwork) -> Self {
        let matrices =
            network.layers.iter().zip(&float.layers).map(|(layer, own)| dense(layer, own)).collect();
        Self {
            matrices,
            activations: float.layers.iter().map(|layer| (layer.activation.clone(), layer.gain)).collect(),
        }
    }

    /// Pre-activations of a layer for its inputs.
    pub(super) fn sums(&self, layer: usize, inputs: &ArrayRef2<f64>) -> Array2<f64> {
        let (matrix, bias) = &self.matrices[layer];
        let mut sums = inputs.dot(matrix);
        sums.rows_mut().into_iter().for_each(|mut row| {
            row.iter_mut().zip(bias).for_each(|(sum, bias)| *sum += bias);
        });
        sums
    }

    /// The activation of a layer.
    pub(super) fn activated(&self, layer: usize, sums: &ArrayRef2<f64>) -> Array2<f64> {
        match &self.activations[layer] {
            (Some(function), gain) => sums.mapv(|z| function.value(gain * z)),
            (None, _) => sums.to_owned(),
        }
    }

    /// All layers, from the inputs of one on.
    pub(super) fn trace(&self, first: usize, inputs: &ArrayRef2<f64>) -> Trace {
        let (mut values, mut trace) = (inputs.to_owned(), Trace::new());
        for layer in first..self.matrices.len() {
            let sums = self.sums(layer, &values);
            values = self.activated(layer, &sums);
            trace.push([sums, values.clone()]);
        }
        trace
    }
}

/// The matrix of a layer, its pooling in it, and a bias for each output.
fn dense(layer: &Layer, own: &FloatLayer) -> (Array2<f64>, Vec<f64>) {
    let (Weights::Linear(weight) | Weights::Conv(weight, _)) = &own.weights;
    let entry =
        |entry: &Option<crate::network::Entry>| entry.as_ref().map_or(0.0, |e| weight[e.weight] * e.factor);
    let bias = layer.matrix.bias.iter().map(|&place| own.bias[place]).collect();
    (layer.matrix.entries.map(entry), bias)
}
