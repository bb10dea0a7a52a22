//! A step in the clear, for a client that takes the backward pass and the update: from its own sums, so that nothing that a server
//! sent enters the next weights.

use ndarray::{Array1, Array2, ArrayView2, Axis};

use crate::model::{LayerState, Model};
use crate::network::{Activation, Layer, Network};
use crate::recipe::{Arithmetic, Loss, Optimizer};

/// The results of a pass.
pub(super) struct Passed {
    /// The next model.
    pub(super) model: Model,
    /// The pre-activations of the last layer: images by outputs.
    pub(super) outputs: Array2<f64>,
}

/// Matrix and biases of a layer.
fn matrix(layer: &Layer, state: &LayerState) -> (Array2<f64>, Array1<f64>) {
    let entry = |entry: &Option<crate::network::Entry>| {
        entry.as_ref().map_or(0.0, |entry| entry.factor * state.weight[entry.weight])
    };
    let bias = layer.matrix.bias.iter().map(|&bias| state.bias[bias]).collect();
    (layer.matrix.entries.map(entry), bias)
}

/// One step from a model.
pub(super) fn pass(
    network: &Network,
    optimizer: &Optimizer,
    model: &Model,
    x: ArrayView2<'_, f64>,
    targets: ArrayView2<'_, f64>,
) -> Passed {
    let layers = &network.layers;
    let matrices: Vec<_> = layers.iter().zip(&model.layers).map(|(l, state)| matrix(l, state)).collect();
    let (mut inputs, mut sums): (Vec<Array2<f64>>, Vec<Array2<f64>>) = (vec![x.to_owned()], Vec::new());
    for (layer, (weight, bias)) in layers.iter().zip(&matrices) {
        let z = inputs[sums.len()].dot(weight) + bias;
        let function = layer.activation.as_ref().map(Activation::computed);
        inputs.push(function.map_or_else(|| z.clone(), |function| z.mapv(|z| function.value(z))));
        sums.push(z);
    }
    let outputs = sums.last().cloned().unwrap_or_default();
    let mut error = loss(network, outputs.view(), targets);
    let mut next = model.clone();
    for (l, layer) in layers.iter().enumerate().rev() {
        let gradient = (inputs[l].t().dot(&error), error.sum_axis(Axis(0)));
        if l > 0 {
            error = error.dot(&matrices[l].0.t());
            if let Some(function) = layers[l - 1].activation.as_ref().map(Activation::computed) {
                error *= &sums[l - 1].mapv(|z| function.derivative(z));
            }
        }
        update(layer, optimizer, &gradient, &mut next.layers[l]);
    }
    Passed { model: next, outputs }
}

/// The error at the pre-activations of the last layer.
fn loss(network: &Network, outputs: ArrayView2<'_, f64>, targets: ArrayView2<'_, f64>) -> Array2<f64> {
    let Some(function) = network.output_activation().map(Activation::computed) else {
        return &outputs - &targets;
    };
    let misses = outputs.mapv(|z| function.value(z)) - targets;
    match network.loss {
        Loss::CrossEntropy => misses,
        Loss::Quadratic => misses * outputs.mapv(|z| function.derivative(z)),
    }
}

/// The optimizer's rule for the weights of a layer, each of which may stand in several entries.
fn update(
    layer: &Layer,
    optimizer: &Optimizer,
    gradient: &(Array2<f64>, Array1<f64>),
    state: &mut LayerState,
) {
    let (mut weights, mut biases) = (vec![0.0; state.weight.len()], vec![0.0; state.bias.len()]);
    for (entry, g) in layer.matrix.entries.iter().zip(&gradient.0) {
        if let Some(entry) = entry {
            weights[entry.weight] += entry.factor * g;
        }
    }
    layer.matrix.bias.iter().zip(&gradient.1).for_each(|(&bias, g)| biases[bias] += g);
    let divisor = match layer.scheme.arithmetic() {
        Arithmetic::Reals => optimizer.batch_size as f64,
        Arithmetic::Integers | Arithmetic::Words => f64::from(optimizer.batch_shift()).exp2(),
    };
    let (rate, mu) = (optimizer.learning_rate.value(), optimizer.momentum.value());
    for (w, v, g) in [
        (&mut state.weight, &mut state.weight_momentum, weights),
        (&mut state.bias, &mut state.bias_momentum, biases),
    ] {
        for ((w, v), g) in w.iter_mut().zip(v).zip(g) {
            if optimizer.nesterov {
                // `U = −η·V` is kept.
                let step = rate / divisor * g;
                *v = mu * *v - step;
                *w += mu * *v - step;
            } else {
                *v = mu * *v + g / divisor;
                *w -= rate * *v;
            }
        }
    }
}
