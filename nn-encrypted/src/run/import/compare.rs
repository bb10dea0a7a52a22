//! The twin on calibration rows beside floating point, layer by layer.
//!
//! A layer's own error is the twin's result less that of floating point for the twin's inputs of the layer. Added to the numbers of
//! floating point there, and to nothing else, it shows how many classes the layer alone costs.

use ndarray::{Array2, ArrayRef2};

use super::ranges::{Reference, Trace};
use super::summary::{ImportSummary, ImportedLayer};
use crate::exchange::FloatNetwork;
use crate::metrics;
use crate::model::Model;
use crate::network::Layer;
use crate::recipe::{Arithmetic, RefreshStrategy};
use crate::run::{RunError, Session};

/// A network in floating point and its twin on the same rows.
pub(super) struct Comparison<'a> {
    session: &'a Session,
    reference: Reference,
    network: &'a FloatNetwork,
    x: Array2<f64>,
    /// Features as they are encrypted.
    rounded: Array2<f64>,
    float: Trace,
    twin: Trace,
}

/// The place of the largest number of each row.
fn classes(outputs: &ArrayRef2<f64>) -> Vec<usize> {
    outputs.rows().into_iter().map(metrics::argmax).collect()
}

fn differing(a: &[usize], b: &[usize]) -> usize {
    a.iter().zip(b).filter(|(a, b)| a != b).count()
}

/// The largest and the mean magnitude of differences.
fn distance(a: &ArrayRef2<f64>, b: &ArrayRef2<f64>) -> [f64; 2] {
    let all = || a.iter().zip(b).map(|(a, b)| (a - b).abs());
    [all().fold(0.0, f64::max), all().sum::<f64>() / a.len().max(1) as f64]
}

fn range(values: &ArrayRef2<f64>) -> [f64; 2] {
    values.iter().fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], z| [low.min(*z), high.max(*z)])
}

impl<'a> Comparison<'a> {
    /// Both on the features of calibration rows, which are not rounded yet.
    pub(super) fn new(
        session: &'a Session,
        model: &Model,
        float: &'a FloatNetwork,
        x: Array2<f64>,
    ) -> Result<Self, RunError> {
        let data = &session.data;
        let (unit, bound) = (f64::from(data.fraction_bits).exp2(), f64::from(data.bound));
        let rounded = x.mapv(|value| (value * unit).round().clamp(-bound, bound) / unit);
        let reference = Reference::new(&session.network, float);
        let twin = session.twin(model.clone())?.traced(&rounded)?;
        Ok(Self { session, float: reference.trace(0, &x), reference, network: float, x, rounded, twin })
    }

    /// The table of an import.
    pub(super) fn summary(&self) -> Result<ImportSummary, RunError> {
        let (network, depth) = (&self.session.network, self.session.network.depth());
        let outputs = |trace: &Trace| trace.last().map_or_else(Vec::new, |[sums, _]| classes(sums));
        let (expected, found) = (outputs(&self.float), outputs(&self.twin));
        let mut layers = vec![self.features(&expected)];
        for (l, layer) in network.layers.iter().enumerate() {
            layers.push(self.sums(l, layer, &expected));
            if l + 1 < depth && layer.activation.is_some() {
                layers.push(self.activation(l, layer, &expected));
            }
        }
        let rows = expected.len();
        Ok(ImportSummary {
            recipe: self.session.recipe.name.clone(),
            layers,
            rows,
            agreement: 1.0 - differing(&expected, &found) as f64 / rows.max(1) as f64,
            advice: None,
        })
    }

    /// Rows whose class changes if an error is added to the inputs of a layer in floating point.
    fn lost(
        &self,
        first: usize,
        inputs: &ArrayRef2<f64>,
        error: &ArrayRef2<f64>,
        expected: &[usize],
    ) -> usize {
        let moved = inputs + error;
        let found = match self.reference.trace(first, &moved).last() {
            Some([sums, _]) => classes(sums),
            None => classes(&moved),
        };
        differing(&found, expected)
    }

    fn features(&self, expected: &[usize]) -> ImportedLayer {
        let [largest, mean] = distance(&self.rounded, &self.x);
        ImportedLayer {
            layer: "features".to_owned(),
            kind: "input".to_owned(),
            range: range(&self.x),
            bound: Some(1.0),
            bits: self.session.data.fraction_bits.to_string(),
            largest,
            mean,
            lost: self.lost(0, &self.x, &(&self.rounded - &self.x), expected),
        }
    }

    fn sums(&self, l: usize, layer: &Layer, expected: &[usize]) -> ImportedLayer {
        let before = |trace: &Trace, first: &Array2<f64>| match l.checked_sub(1) {
            Some(before) => trace[before][1].clone(),
            None => first.clone(),
        };
        let own = &self.twin[l][0] - &self.reference.sums(l, &before(&self.twin, &self.rounded));
        let [largest, mean] = distance(&self.twin[l][0], &self.float[l][0]);
        let moved = self.reference.activated(l, &(&self.float[l][0] + &own));
        let zeros = Array2::zeros(moved.dim());
        let last = l + 1 == self.session.network.depth();
        let lost = if last {
            differing(&classes(&(&self.float[l][0] + &own)), expected)
        } else {
            self.lost(l + 1, &moved, &zeros, expected)
        };
        let (numbers, gain) = (&self.session.recipe.numbers, self.network.layers[l].gain);
        let bound = if last { numbers.bounds.output } else { numbers.bounds.preactivation };
        ImportedLayer {
            layer: format!("{} {}", layer.index, layer.name),
            kind: layer.kind.to_string(),
            range: range(&self.float[l][0]).map(|end| gain * end),
            bound: Some(gain * bound),
            bits: self.bits(layer, last),
            largest: gain * largest,
            mean: gain * mean,
            lost,
        }
    }

    /// Fractional bits of weights in products, and of pre-activations behind them where they are rounded.
    fn bits(&self, layer: &Layer, last: bool) -> String {
        let (recipe, arithmetic) = (&self.session.recipe, layer.scheme.arithmetic());
        match (arithmetic, recipe.refresh.strategy) {
            (Arithmetic::Integers, RefreshStrategy::Client) => {
                let numbers = &recipe.numbers;
                let weights = numbers.product_weight_bits.min(numbers.weight_bits);
                if last { weights.to_string() } else { format!("{weights}, {}", numbers.preactivation_bits) }
            }
            _ => crate::numbers::weight_grid(recipe, layer)
                .bits
                .map_or("real".to_owned(), |bits| bits.to_string()),
        }
    }

    fn activation(&self, l: usize, layer: &Layer, expected: &[usize]) -> ImportedLayer {
        let [sums, values] = &self.twin[l];
        let own = values - &self.reference.activated(l, sums);
        let [largest, mean] = distance(values, &self.float[l][1]);
        let (place, kind) =
            layer.activation.as_ref().map(|a| (a.index, a.kind.to_string())).unwrap_or_default();
        ImportedLayer {
            layer: format!("{place} {kind}"),
            kind: self.stand_in(l, layer),
            range: range(&self.float[l][1]),
            bound: None,
            bits: String::new(),
            largest,
            mean,
            lost: self.lost(l + 1, &self.float[l][1], &own, expected),
        }
    }

    /// The computation in the place of the activation of a layer.
    fn stand_in(&self, l: usize, layer: &Layer) -> String {
        let (own, Some(activation)) = (&self.network.layers[l], &layer.activation) else {
            return String::new();
        };
        let degree = activation.polynomial.as_ref().map_or(0, |all| all.len().saturating_sub(1));
        match (own.interval, &own.activation) {
            _ if activation.scheme.looks_up() => format!("table in {}", activation.scheme),
            (Some([low, high]), Some(function)) => {
                format!("{function:?} by degree {degree} on [{low:.2}, {high:.2}]")
            }
            _ => "exact".to_owned(),
        }
    }
}
