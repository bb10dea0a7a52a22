//! The backward pass in the clear, for a client that gets the outputs from a server.

use ndarray::{Array1, Array2, ArrayRef2, Axis};

use super::{Entry, RealModel, Shape};

/// What came of a pass.
#[derive(Debug, Clone, PartialEq)]
pub struct Passed {
    /// The next model.
    pub model: RealModel,
    /// How far the outputs were from those computed in the clear, at most.
    pub output_error: f64,
}

fn value(c: &[f64], z: f64) -> f64 {
    c.iter().rev().fold(0.0, |sum, c| sum * z + c)
}

fn slope(c: &[f64], z: f64) -> f64 {
    c.iter().enumerate().skip(1).rev().fold(0.0, |sum, (i, c)| sum * z + i as f64 * c)
}

/// One step from a model, with the outputs as a server computed them; everything before the outputs is computed again.
///
/// # Panics
/// If the samples are not of this network.
#[must_use]
pub fn pass(
    shape: &Shape,
    model: &RealModel,
    x: &ArrayRef2<f64>,
    outputs: &ArrayRef2<f64>,
    targets: &ArrayRef2<f64>,
) -> Passed {
    let weight = |l: usize, entry: Entry| entry.factor * model.layers[l].weight[entry.weight];
    let matrices = shape.matrices(weight, |l, bias| model.layers[l].bias[bias]);
    let layers = &shape.network.layers;
    let (mut inputs, mut sums): (Vec<Array2<f64>>, Vec<Array2<f64>>) = (vec![x.to_owned()], Vec::new());
    for (layer, (weight, bias)) in layers.iter().zip(&matrices) {
        let z = inputs[sums.len()].dot(weight) + bias;
        inputs.extend(layer.activation.as_ref().map(|c| z.mapv(|z| value(c, z))));
        sums.push(z);
    }
    let distance = |z: &Array2<f64>| z.iter().zip(outputs).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    let output_error = sums.last().map_or(0.0, distance);
    let function = |z: f64| shape.network.output.as_ref().map_or(z, |c| value(c, z));
    let mut error = outputs.mapv(function) - targets;
    let mut next = model.clone();
    for l in (0..layers.len()).rev() {
        let gradient = (inputs[l].t().dot(&error), error.sum_axis(Axis(0)));
        if let Some(c) = l.checked_sub(1).and_then(|below| layers[below].activation.as_ref()) {
            error = error.dot(&matrices[l].0.t()) * sums[l - 1].mapv(|z| slope(c, z));
        }
        update(shape, l, &gradient, &mut next);
    }
    Passed { model: next, output_error }
}

/// Nesterov's rule for the weights of a layer, each of which may stand in several entries.
fn update(shape: &Shape, l: usize, gradient: &(Array2<f64>, Array1<f64>), model: &mut RealModel) {
    let (layer, state) = (&shape.network.layers[l], &mut model.layers[l]);
    let (mut weights, mut biases) = (vec![0.0; layer.weights], vec![0.0; layer.biases]);
    for (entry, g) in layer.entries.iter().zip(&gradient.0) {
        if let Some(entry) = entry {
            weights[entry.weight] += entry.factor * g;
        }
    }
    layer.bias.iter().zip(&gradient.1).for_each(|(&bias, g)| biases[bias] += g);
    let (rate, mu) = (shape.learning_rate / shape.batch as f64, shape.momentum);
    for (w, v, g) in [
        (&mut state.weight, &mut state.weight_momentum, weights),
        (&mut state.bias, &mut state.bias_momentum, biases),
    ] {
        for ((w, v), g) in w.iter_mut().zip(v).zip(g) {
            *v = mu * *v - rate * g;
            *w += mu * *v - rate * g;
        }
    }
}
