use ndarray::{Array2, ArrayRef2};

use super::*;
use crate::data::{Batches, prepare_set};
use crate::metrics;
use crate::reals::RealClear;
use crate::recipe::AnyRecipe;
use crate::recipe::RealNetwork;

const CONVOLUTIONS: &str = "layers=[
    { kind = \"Conv1d\", channels = 3, kernel = 4, scheme = \"ckks\" }, { kind = \"Cubic\", scheme = \"ckks\" },
    { kind = \"AvgPool1d\", kernel = 3, scheme = \"ckks\" },
    { kind = \"Conv1d\", channels = 2, kernel = 2, scheme = \"ckks\" }, { kind = \"Quadratic\", scheme = \"ckks\" },
    { kind = \"Linear\", scheme = \"ckks\" }]";

fn recipe(settings: &[&str]) -> RealRecipe {
    let settings: Vec<String> = settings.iter().map(|s| s.replace('\n', " ")).collect();
    let AnyRecipe::Reals(recipe) = AnyRecipe::load("ckks_sgd", &settings).unwrap() else { panic!("kind") };
    recipe
}

/// A twin whose biases and momenta are not 0, and samples with targets.
fn fixture(recipe: &RealRecipe, features: usize, outputs: usize) -> (RealTwin, Array2<f64>, Array2<f64>) {
    let mut model = RealModel::initial(recipe, features, outputs).unwrap();
    for layer in &mut model.layers {
        layer.bias.iter_mut().enumerate().for_each(|(i, bias)| *bias = 0.1 * i as f64 - 0.15);
    }
    let wave = |a: usize, b: usize| ((a * 7 + b * 13) % 19) as f64 / 10.0 - 0.9;
    let x = Array2::from_shape_fn((5, features), |(row, column)| wave(row, column));
    let targets = Array2::from_shape_fn((5, outputs), |(row, output)| wave(output + 3, row).abs());
    (RealTwin::new(recipe, features, outputs, model).unwrap(), x, targets)
}

/// The loss whose derivative by an output is its error.
fn loss(recipe: &RealRecipe, outputs: &ArrayRef2<f64>, targets: &ArrayRef2<f64>) -> f64 {
    let antiderivative = recipe.output_polynomial().unwrap_or_else(|| vec![0.0, 1.0]);
    let terms = outputs.iter().zip(targets).map(|(z, y)| {
        let powers = antiderivative.iter().enumerate();
        powers.map(|(i, c)| c * z.powi(i as i32 + 1) / (i + 1) as f64).sum::<f64>() - y * z
    });
    terms.sum()
}

fn gradients_equal_finite_differences(settings: &[&str], features: usize, outputs: usize) {
    let recipe = recipe(settings);
    let (twin, x, y) = fixture(&recipe, features, outputs);
    let gradients = twin.net.trace(&x, &y).gradients;
    let slope = |change: &dyn Fn(&mut RealModel, f64)| {
        let shifted = |h: f64| {
            let mut twin = twin.clone();
            change(&mut twin.net.model, h);
            loss(&recipe, &twin.outputs(&x), &y)
        };
        (shifted(1e-5) - shifted(-1e-5)) / 2e-5
    };
    for (l, gradient) in gradients.iter().enumerate() {
        for (i, &found) in gradient.weight.iter().enumerate() {
            let slope = slope(&|model, h| model.layers[l].weight[i] += h);
            assert!((slope - found).abs() < 1e-7, "layer {l} weight {i}: {found}, {slope}");
        }
        for (i, &found) in gradient.bias.iter().enumerate() {
            let slope = slope(&|model, h| model.layers[l].bias[i] += h);
            assert!((slope - found).abs() < 1e-7, "layer {l} bias {i}: {found}, {slope}");
        }
        assert!(gradient.weight.iter().any(|g| g.abs() > 1e-3), "layer {l} learns nothing");
    }
}

#[test]
fn gradients_of_the_square_network() {
    gradients_equal_finite_differences(&[], 6, 4);
}

#[test]
fn gradients_of_convolutions_and_poolings() {
    gradients_equal_finite_differences(&[CONVOLUTIONS], 12, 2);
}

#[test]
fn gradients_of_cross_entropy() {
    gradients_equal_finite_differences(&["variant=cross_entropy"], 6, 4);
    gradients_equal_finite_differences(&["variant=cross_entropy", "cross_entropy.degree=3"], 6, 4);
}

#[test]
fn a_step_moves_by_mean_gradients_with_nesterovs_momentum() {
    let recipe =
        recipe(&["optimizer.batch_size=8", "optimizer.momentum=0.5", "optimizer.learning_rate=0.25"]);
    let (mut twin, x, y) = fixture(&recipe, 6, 4);
    twin.net.model.layers[1].bias_momentum[2] = 0.5;
    let (before, g) = (twin.model().layers[1].bias[2], twin.net.trace(&x, &y).gradients[1].bias[2] / 8.0);
    twin.step(&x, &y);
    let momentum = 0.5 * 0.5 - 0.25 * g;
    assert_eq!(twin.model().layers[1].bias_momentum[2], momentum);
    let expected = before - 0.25 * g + 0.5 * momentum;
    assert!((twin.model().layers[1].bias[2] - expected).abs() < 1e-15);
}

/// Outputs by the matrices of the network.
fn by_matrices(network: &RealNetwork, model: &RealModel, x: &ArrayRef2<f64>) -> Array2<f64> {
    let mut values = x.to_owned();
    for (layer, state) in network.layers.iter().zip(&model.layers) {
        let matrix = layer.entries.mapv(|e| e.map_or(0.0, |e| e.factor * state.weight[e.weight]));
        let bias: ndarray::Array1<f64> = layer.bias.iter().map(|&bias| state.bias[bias]).collect();
        values = values.dot(&matrix) + &bias;
        if let Some(p) = &layer.activation {
            values.mapv_inplace(|z| p.iter().enumerate().map(|(i, c)| c * z.powi(i as i32)).sum());
        }
    }
    values
}

#[test]
fn the_matrices_give_the_outputs_of_the_twin() {
    for (settings, features, outputs) in [(&[CONVOLUTIONS][..], 12, 2), (&["variant=cross_entropy"], 6, 4)] {
        let recipe = recipe(settings);
        let (mut twin, x, y) = fixture(&recipe, features, outputs);
        let network = recipe.network(features, outputs).unwrap();
        for _ in 0..3 {
            let (one, other) = (twin.outputs(&x), by_matrices(&network, twin.model(), &x));
            assert!((&one - &other).iter().all(|d| d.abs() < 1e-12), "{one}\n{other}");
            twin.step(&x, &y);
        }
    }
}

#[test]
fn ranges_hold_all_steps() {
    let recipe = recipe(&[CONVOLUTIONS]);
    let (mut twin, x, y) = fixture(&recipe, 12, 2);
    let output = twin.outputs(&x).iter().fold(0.0, |a: f64, z| a.max(z.abs()));
    twin.step(&x, &y);
    let tensors: Vec<String> = twin.ranges().into_iter().map(|range| range.tensor).collect();
    assert_eq!(
        tensors[..5],
        [
            "conv1d 1 preactivation",
            "conv1d 1 error",
            "conv1d 1 weight",
            "conv1d 1 momentum",
            "conv1d 2 preactivation"
        ]
    );
    assert_eq!(tensors[8..], ["linear 3 output", "linear 3 weight", "linear 3 momentum"]);
    assert_eq!((twin.ranges()[8].largest, twin.ranges()[8].bound), (output, recipe.bounds.output));
    twin.step(&(&x * f64::NAN), &y);
    twin.step(&x, &y);
    assert!(twin.ranges()[8].largest.is_nan());
}

#[test]
fn targets_are_smoothed_under_cross_entropy() {
    assert_eq!(targets(&recipe(&[]), &[1, 0], 2), ndarray::arr2(&[[0.0, 1.0], [1.0, 0.0]]));
    let smoothed = targets(&recipe(&["variant=cross_entropy"]), &[1], 3);
    assert_eq!(smoothed, ndarray::arr2(&[[0.1, 0.9, 0.1]]));
}

#[test]
fn a_model_of_another_network_is_refused() {
    let recipe = recipe(&[]);
    let model = RealModel::initial(&recipe, 7, 4).unwrap();
    let error = RealTwin::new(&recipe, 6, 4, model).unwrap_err().to_string();
    assert!(error.contains("weights [7, 32] is given; [6, 32]"), "{error}");
    let error = RealClear::new(&recipe, 6, 4, RealModel { layers: vec![] }).unwrap_err().to_string();
    assert!(error.contains("a model of 0 layers is given; 2 are needed"), "{error}");
}

#[test]
fn initial_weights_are_pinned() {
    let recipe = recipe(&[]);
    let model = RealModel::initial(&recipe, 64, 10).unwrap();
    let weight = &model.layers[0].weight;
    let square: f64 = weight.iter().map(|w| w * w).sum::<f64>() / weight.len() as f64;
    assert!((square.sqrt() / (0.7 / 8.0) - 1.0).abs() < 0.05, "{}", square.sqrt());
    let first: Vec<i64> = weight[..4].iter().map(|w| (w * 16384.0).round() as i64).collect();
    assert_eq!(first, [497, -493, -1589, -1444]);
    assert!(model.layers.iter().all(|l| l.bias.iter().chain(&l.weight_momentum).all(|&v| v == 0.0)));
    assert_ne!(model, RealModel::initial(&RealRecipe { seed: 9, ..recipe }, 64, 10).unwrap());
}

/// Accuracies of the twin and in floating point on the held-out digits after so many steps, and the twin.
fn digits(settings: &[&str], steps: usize) -> (f64, f64, RealTwin) {
    let recipe = recipe(settings);
    let data = prepare_set(&recipe.data, recipe.seed, 16, None).unwrap();
    let real = |x: &Array2<i32>| x.mapv(|x| f64::from(x) / 65536.0);
    let model = RealModel::initial(&recipe, 64, 10).unwrap();
    let mut clear = RealClear::new(&recipe, 64, 10, model.clone()).unwrap();
    let mut twin = RealTwin::new(&recipe, 64, 10, model).unwrap();
    let batches = Batches::new(data.train.labels.len(), recipe.optimizer.batch_size, recipe.seed);
    for batch in batches.schedule(0).take(steps) {
        let (x, labels) = data.train.select(batches.rows(batch));
        twin.step(&real(&x), &targets(&recipe, &labels, 10));
        clear.step(&real(&x), &one_hot(&labels, 10));
    }
    let accuracy = |outputs: Array2<f64>| {
        let classes: Vec<usize> = outputs.rows().into_iter().map(metrics::argmax).collect();
        metrics::accuracy(&classes, &data.test.labels)
    };
    let x = real(&data.test.x);
    (accuracy(twin.outputs(&x)), accuracy(clear.outputs(&x)), twin)
}

#[test]
fn the_digits_are_learnt_within_the_bounds() {
    let (early, same, _) = digits(&[], 50);
    assert!(early > 0.93, "{early}");
    assert_eq!(early, same); // a square is exact
    let (accuracy, _, twin) = digits(&[], 120);
    assert!(accuracy >= 0.97, "{accuracy}");
    for range in twin.ranges() {
        assert!(range.largest <= range.bound / 1.5, "{range:?}");
        assert!(range.largest > range.bound / 10.0, "{range:?}");
    }
}

#[test]
fn the_digits_are_learnt_by_cross_entropy() {
    let (accuracy, exact, twin) = digits(&["variant=cross_entropy"], 150);
    assert!(accuracy >= 0.96 && exact >= 0.96, "{accuracy} {exact}");
    assert!(twin.ranges().iter().all(|range| range.largest <= range.bound / 1.5), "{:?}", twin.ranges());
}
