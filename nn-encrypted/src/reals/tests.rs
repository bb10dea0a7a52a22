//! A step over slots, in the clear and encrypted, against matrices.

use std::sync::Arc;

use ndarray::{Array1, Array2, Axis};

use super::*;
use crate::recipe::RealRecipe;

/// A dense network by its widths, with activations between.
fn dense(widths: &[usize], activation: &[f64]) -> (RealNetwork, RealModel) {
    let last = widths.len() - 2;
    let mut random = 0.5f64;
    let mut draw = || {
        random = (random * 997.13 + 0.377).fract();
        random - 0.5
    };
    let (mut layers, mut states) = (Vec::new(), Vec::new());
    for (l, pair) in widths.windows(2).enumerate() {
        let (inputs, outputs) = (pair[0], pair[1]);
        layers.push(MatrixLayer {
            name: format!("linear {}", l + 1),
            entries: Array2::from_shape_fn((inputs, outputs), |(i, o)| {
                Some(Entry { weight: i * outputs + o, factor: 1.0 })
            }),
            bias: (0..outputs).collect(),
            weights: inputs * outputs,
            biases: outputs,
            activation: (l < last).then(|| activation.to_vec()),
        });
        let scale = 1.6 / (inputs as f64).sqrt();
        states.push(RealLayerState {
            shape: vec![inputs, outputs],
            weight: (0..inputs * outputs).map(|_| draw() * scale).collect(),
            bias: (0..outputs).map(|_| draw() * 0.2).collect(),
            weight_momentum: (0..inputs * outputs).map(|_| draw() * 0.1).collect(),
            bias_momentum: (0..outputs).map(|_| draw() * 0.1).collect(),
        });
    }
    (RealNetwork { layers, output: None }, RealModel { layers: states })
}

fn recipe(batch: usize) -> RealRecipe {
    let text = format!(
        r#"
        name = "test"
        kind = "reals"
        layers = [{{ kind = "Linear", scheme = "ckks" }}]
        data = {{ set = "digits", test = 10, normalize = {{ method = "min_max", limit = 1.0 }} }}
        optimizer = {{ learning_rate = 0.25, momentum = 0.875, batch_size = {batch}, epochs = 1, init_gain = 1.0 }}
        "#
    );
    toml::from_str(&text).unwrap()
}

fn value(c: &[f64], z: f64) -> f64 {
    c.iter().rev().fold(0.0, |sum, c| sum * z + c)
}

fn derivative(c: &[f64], z: f64) -> f64 {
    c.iter().enumerate().skip(1).rev().fold(0.0, |sum, (i, c)| sum * z + i as f64 * c)
}

/// One step on matrices.
fn plain(
    recipe: &RealRecipe,
    network: &RealNetwork,
    model: &mut RealModel,
    x: &Array2<f64>,
    y: &Array2<f64>,
) {
    let matrices: Vec<(Array2<f64>, Array1<f64>)> = network
        .layers
        .iter()
        .zip(&model.layers)
        .map(|(layer, state)| {
            let entry = |e: &Option<Entry>| e.map_or(0.0, |e| e.factor * state.weight[e.weight]);
            (layer.entries.map(entry), layer.bias.iter().map(|&b| state.bias[b]).collect())
        })
        .collect();
    let (mut inputs, mut sums) = (vec![x.clone()], Vec::new());
    for (layer, (w, b)) in network.layers.iter().zip(&matrices) {
        let z = inputs.last().unwrap().dot(w) + b;
        if let Some(c) = &layer.activation {
            inputs.push(z.mapv(|z| value(c, z)));
        }
        sums.push(z);
    }
    let last = sums.last().unwrap();
    let mut error = match &network.output {
        None => last - y,
        Some(c) => last.mapv(|z| value(c, z)) - y,
    };
    for l in (0..sums.len()).rev() {
        let (g, gb) = (inputs[l].t().dot(&error), error.sum_axis(Axis(0)));
        if l > 0 {
            let c = network.layers[l - 1].activation.as_ref().unwrap();
            error = error.dot(&matrices[l].0.t()) * sums[l - 1].mapv(|z| derivative(c, z));
        }
        let (layer, state) = (&network.layers[l], &mut model.layers[l]);
        let (mut of_weight, mut of_bias) = (vec![0.0; layer.weights], vec![0.0; layer.biases]);
        for (e, g) in layer.entries.iter().zip(&g) {
            if let Some(e) = e {
                of_weight[e.weight] += e.factor * g;
            }
        }
        layer.bias.iter().zip(&gb).for_each(|(&b, g)| of_bias[b] += g);
        let (rate, mu) =
            (recipe.optimizer.learning_rate / recipe.optimizer.batch_size as f64, recipe.optimizer.momentum);
        let update = |w: &mut Vec<f64>, v: &mut Vec<f64>, g: &[f64]| {
            for ((w, v), g) in w.iter_mut().zip(v).zip(g) {
                *v = mu * *v - rate * g;
                *w += mu * *v - rate * g;
            }
        };
        update(&mut state.weight, &mut state.weight_momentum, &of_weight);
        update(&mut state.bias, &mut state.bias_momentum, &of_bias);
    }
}

fn samples(batch: usize, features: usize, outputs: usize) -> (Array2<f64>, Array2<f64>) {
    let x = Array2::from_shape_fn((batch, features), |(i, k)| ((i * 37 + k * 101) % 64) as f64 / 64.0 - 0.5);
    let y = Array2::from_shape_fn((batch, outputs), |(i, o)| f64::from(u8::from(i % outputs == o)));
    (x, y)
}

fn distance(a: &RealModel, b: &RealModel) -> f64 {
    let all = |m: &RealModel| -> Vec<f64> {
        m.layers
            .iter()
            .flat_map(|l| [&l.weight, &l.bias, &l.weight_momentum, &l.bias_momentum])
            .flatten()
            .copied()
            .collect()
    };
    all(a).iter().zip(&all(b)).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

/// Two encrypted steps in a small ring against two on matrices.
fn check(widths: &[usize], activation: &[f64], batch: usize, log_n: u32) {
    let recipe = recipe(batch);
    let (network, start) = dense(widths, activation);
    let plan = Arc::new(RealPlan::insecure(&recipe, &network, &start, 0.5, log_n).unwrap());
    println!("{plan}");
    let (x, y) = samples(batch, widths[0], widths[widths.len() - 1]);
    let client = RealClient::new(&plan).unwrap();
    let model = client.encrypt_model(0, &start).unwrap();
    let mut server = RealServer::new(&plan, &client.evaluation_keys().unwrap(), 0, &model).unwrap();
    assert!(distance(&client.decrypt_model(0, &server.model(0).unwrap()).unwrap(), &start) < 1e-6);
    // The last mini-batch is a shorter one.
    let short = batch - batch / 4;
    let mut twin = start.clone();
    for (index, rows) in [batch, short].into_iter().enumerate() {
        let part = |m: &Array2<f64>| m.slice_axis(Axis(0), ndarray::Slice::from(..rows)).to_owned();
        let sent = client.encrypt_batch(index, part(&x).view(), part(&y).view()).unwrap();
        server.receive_batch(index, rows, sent).unwrap();
        server.train(index).unwrap();
        plain(&recipe, &network, &mut twin, &part(&x), &part(&y));
        let found = client.decrypt_model(1, &server.model(1).unwrap()).unwrap();
        println!(
            "after {}: {:.2e}, moved {:.2e}",
            index + 1,
            distance(&found, &twin),
            distance(&twin, &start)
        );
        assert!(distance(&found, &twin) < 1e-4);
    }
    assert!(distance(&twin, &start) > 0.01);
}

#[test]
fn one_hidden_layer() {
    check(&[10, 6, 3], &[0.0, 0.0, 1.0], 12, 11);
    // Several tiles of everything, and a cubic with all terms.
    check(&[20, 18, 5], &[0.1, 0.8, 0.125, -0.125], 40, 11);
}

#[test]
fn two_hidden_layers() {
    check(&[12, 9, 5, 4], &[0.0, 0.5, 0.25], 24, 11);
}

#[test]
fn no_hidden_layer() {
    check(&[12, 3], &[], 24, 11);
}
