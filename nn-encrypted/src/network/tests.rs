//! Layers as matrices against layers as loops.

use super::*;
use crate::recipe::{Recipe, RecipeError};

fn recipe(layers: &str) -> Recipe {
    Recipe::load("ckks_sgd", &[format!("layers=[{layers}]")]).unwrap()
}

fn network(
    layers: &str,
    features: usize,
    sides: Option<[usize; 2]>,
    outputs: usize,
) -> Result<Network, RecipeError> {
    Network::new(&recipe(layers), features, sides, outputs)
}

const SQUARE: &str = "{ kind = 'Square', scheme = 'ckks' }";
const LINEAR: &str = "{ kind = 'Linear', scheme = 'ckks' }";

fn conv2(channels: usize, kernel: &str) -> String {
    format!("{{ kind = 'Conv2d', channels = {channels}, kernel = {kernel}, scheme = 'ckks' }}")
}

/// Numbers that differ from each other.
fn values(count: usize, step: f64) -> Vec<f64> {
    (0..count).map(|i| ((i * 37 + 11) % 101) as f64 * step - 3.0).collect()
}

/// The pre-activations of a layer by its matrix.
fn by_matrix(layer: &Layer, x: &[f64], weight: &[f64], bias: &[f64]) -> Vec<f64> {
    let column = |output: usize| {
        let entries = layer.matrix.entries.column(output);
        let terms =
            entries.iter().zip(x).filter_map(|(entry, x)| entry.map(|e| weight[e.weight] * e.factor * x));
        terms.sum::<f64>() + bias[layer.matrix.bias[output]]
    };
    (0..layer.outputs()).map(column).collect()
}

/// Means of the positions that a pooling makes one.
fn pooled(x: &[f64], input: Extent, pool: [usize; 2]) -> Vec<f64> {
    let (height, width) = (input.height / pool[0], input.width / pool[1]);
    let mut means = vec![];
    for channel in 0..input.channels {
        for row in 0..height {
            for column in 0..width {
                let mut sum = 0.0;
                for down in 0..pool[0] {
                    for right in 0..pool[1] {
                        let place = (channel * input.height + row * pool[0] + down) * input.width;
                        sum += x[place + column * pool[1] + right];
                    }
                }
                means.push(sum / (pool[0] * pool[1]) as f64);
            }
        }
    }
    means
}

/// A convolution by its definition.
fn convolved(x: &[f64], seen: Extent, layer: &Layer, weight: &[f64], bias: &[f64]) -> Vec<f64> {
    let [rows, columns] = layer.kernel;
    let mut sums = vec![];
    for (out, bias) in bias.iter().enumerate() {
        for row in 0..=seen.height - rows {
            for column in 0..=seen.width - columns {
                let mut sum = *bias;
                for channel in 0..seen.channels {
                    for down in 0..rows {
                        for right in 0..columns {
                            let tap = ((out * seen.channels + channel) * rows + down) * columns + right;
                            let place = (channel * seen.height + row + down) * seen.width + column + right;
                            sum += weight[tap] * x[place];
                        }
                    }
                }
                sums.push(sum);
            }
        }
    }
    sums
}

/// Each layer of a network by its matrix and by loops.
fn compare(network: &Network) {
    for layer in &network.layers {
        let x = values(layer.inputs(), 0.25);
        let (weight, bias) = (values(layer.shape().iter().product(), 0.5), values(layer.biases(), 1.5));
        let found = by_matrix(layer, &x, &weight, &bias);
        let (x, seen) = (pooled(&x, layer.input, layer.pool), layer.pooled());
        let expected = if layer.kind == LayerKind::Linear {
            let sum = |output: usize| {
                let terms =
                    x.iter().enumerate().map(|(input, x)| x * weight[input * layer.outputs() + output]);
                terms.sum::<f64>() + bias[output]
            };
            (0..layer.outputs()).map(sum).collect()
        } else {
            convolved(&x, seen, layer, &weight, &bias)
        };
        assert_eq!(found.len(), expected.len(), "{}", layer.name);
        for (found, expected) in found.iter().zip(&expected) {
            assert!((found - expected).abs() < 1e-9, "{}: {found} is not {expected}", layer.name);
        }
    }
}

#[test]
fn convolutions_and_poolings_of_images_are_matrices() {
    let layers = [
        &conv2(3, "3"),
        SQUARE,
        "{ kind = 'AvgPool2d', kernel = [2, 3], scheme = 'ckks' }",
        &conv2(2, "[2, 1]"),
        SQUARE,
        "{ kind = 'AvgPool2d', kernel = 2, scheme = 'ckks' }",
        LINEAR,
    ];
    // 8x8 → 6x6 → 3x2 → 2x2 → 1x1
    let network = network(&layers.join(", "), 64, Some([8, 8]), 10).unwrap();
    assert_eq!(network.widths(), [64, 108, 8, 10]);
    let names: Vec<&str> = network.layers.iter().map(|layer| layer.name.as_str()).collect();
    assert_eq!(names, ["conv1", "conv2", "linear3"]);
    assert_eq!(network.layers.iter().map(|layer| layer.index).collect::<Vec<_>>(), [1, 4, 7]);
    let shapes: Vec<Vec<usize>> = network.layers.iter().map(Layer::shape).collect();
    assert_eq!(shapes, [vec![3, 1, 3, 3], vec![2, 3, 2, 1], vec![2, 10]]);
    assert_eq!([9, 6, 2], [0, 1, 2].map(|l| network.layers[l].fan_in()));
    assert!(network.layers.iter().all(|layer| !layer.is_dense()));
    compare(&network);
}

#[test]
fn convolutions_and_poolings_of_series_are_matrices() {
    let recipe = Recipe::load("onoufriou2021", &[]).unwrap();
    let network = Network::new(&recipe, 12, None, 1).unwrap();
    assert_eq!((network.widths(), network.depth()), (vec![12, 24, 1], 2));
    assert_eq!(network.layers[0].shape(), [4, 1, 7]);
    let polynomial = network.layers[0].activation.as_ref().unwrap().polynomial.as_deref();
    assert_eq!(polynomial, Some(&[0.5, 0.197, 0.0, -0.004][..]));
    assert!(network.output_activation().is_none());
    // Position 2 of channel 3 sees months 2 to 8.
    let column: Vec<Option<usize>> = network.layers[0]
        .matrix
        .entries
        .column(20)
        .iter()
        .map(|entry| entry.map(|entry| entry.weight))
        .collect();
    let expected: Vec<Option<usize>> =
        (0..12_usize).map(|month| month.checked_sub(2).filter(|tap| *tap < 7).map(|tap| 21 + tap)).collect();
    assert_eq!(column, expected);
    compare(&network);
    // The rows of images are series one after another for a convolution in one direction.
    let conv = "{ kind = 'Conv1d', channels = 2, kernel = 3, scheme = 'ckks' }";
    let pool = "{ kind = 'AvgPool1d', kernel = 3, scheme = 'ckks' }";
    compare(&self::network(&[conv, SQUARE, pool, LINEAR].join(", "), 20, Some([4, 5]), 3).unwrap());
}

#[test]
fn the_networks_of_the_recipes() {
    let widths = |name: &str, settings: &[&str], features, outputs| {
        let settings: Vec<String> = settings.iter().map(|&setting| setting.to_owned()).collect();
        Network::new(&Recipe::load(name, &settings).unwrap(), features, None, outputs).unwrap().widths()
    };
    assert_eq!(widths("hesamifard2017", &[], 64, 10), [64, 32, 16, 10]);
    assert_eq!(widths("hesamifard2017", &["data.set=mnist"], 784, 10), [784, 128, 32, 10]);
    assert_eq!(widths("ckks_sgd", &["data.set=iris"], 4, 3), [4, 8, 3]);
    assert_eq!(widths("onoufriou2021", &["variant=unpooled"], 12, 1), [12, 24, 1]);
    assert_eq!(widths("glyph2020", &["variant=transfer"], 400, 10), [400, 84, 10]);
    assert_eq!(widths("tbmpnet2021", &[], 4, 3), [4, 4, 3]);
    assert_eq!(widths("tbmpnet2021", &["variant=tiny"], 1, 1), [1, 1, 1]);
}

#[test]
fn activations_are_functions_and_polynomials() {
    let polynomial = |layers: &str| {
        let network = network(layers, 5, None, 2).unwrap();
        let activation = network.layers[0].activation.clone().unwrap();
        (activation.polynomial, activation.dyadic.map(|dyadic| dyadic.to_real()))
    };
    let hidden = |kind: &str| {
        polynomial(&format!("{{ kind = 'Linear', out_features = 2, scheme = 'ckks' }}, {kind}, {LINEAR}"))
    };
    let known = |real: &[f64]| (Some(real.to_vec()), Some(real.to_vec()));
    assert_eq!(hidden("{ kind = 'Identity', scheme = 'bgv' }"), known(&[0.0, 1.0]));
    assert_eq!(hidden("{ kind = 'Quadratic', scheme = 'ckks' }"), known(&[0.0, 0.5, 0.25]));
    assert_eq!(hidden("{ kind = 'Cubic', scheme = 'ckks' }"), known(&[0.0, 1.0, 0.0, -0.125]));
    assert_eq!(hidden("{ kind = 'Polynomial', coefficients = [0.1, 0.5], scheme = 'ckks' }").1, None);
    assert_eq!(hidden("{ kind = 'ReLU', scheme = 'tfhe' }"), (None, None));
    let (tanh, dyadic) =
        hidden("{ kind = 'Tanh', scheme = 'bgv', polynomial = { degree = 3, coefficient_bits = 4 } }");
    let (tanh, dyadic) = (tanh.unwrap(), dyadic.unwrap());
    assert_eq!((tanh.len(), tanh[0], tanh[2]), (4, 0.0, 0.0));
    assert!(dyadic.iter().zip(&tanh).all(|(dyadic, real)| (dyadic - real).abs() <= 1.0 / 32.0));
    // Logits have a bound of their own.
    let last = format!("{LINEAR}, {{ kind = 'Sigmoid', scheme = 'ckks' }}");
    let fitted = |bounds: &str| {
        let settings = [format!("layers=[{last}]"), bounds.to_owned()];
        let recipe = Recipe::load("ckks_sgd", &settings).unwrap();
        Network::new(&recipe, 5, None, 2).unwrap().output_activation().unwrap().polynomial.clone()
    };
    assert_ne!(fitted("numbers.bounds.output=2"), fitted("numbers.bounds.output=6"));
    assert_eq!(fitted("numbers.bounds.preactivation=2"), fitted("numbers.bounds.preactivation=6"));
}

#[test]
fn shapes_that_do_not_fit_are_refused() {
    let message = |name: &str, settings: &[&str], features, outputs| {
        let settings: Vec<String> = settings.iter().map(|&setting| setting.to_owned()).collect();
        let recipe = Recipe::load(name, &settings).unwrap();
        Network::new(&recipe, features, None, outputs).unwrap_err().to_string()
    };
    let table = [
        (
            message("onoufriou2021", &[], 13, 1),
            "layer 3 (AvgPool1d): `kernel` = 1 x 2; divisors of the 1 x 7 positions",
        ),
        (
            message("onoufriou2021", &[], 6, 1),
            "layer 1 (Conv1d): `kernel` = 1 x 7; at most the 1 x 6 positions",
        ),
        (
            message("ckks_sgd", &["layers.3.out_features=9"], 64, 10),
            "layer 3 (Linear): `out_features` = 9; the data needs 10",
        ),
        (
            message("ckks_sgd", &["layers.1.out_features=65536"], 784, 10),
            "layer 1 (Linear): 784 inputs and 65536 outputs make 51380224 entries up to here; at most 16777216",
        ),
        (
            message(
                "hesamifard2017",
                &[
                    "layers.2={kind='Tanh',scheme='bgv',polynomial={coefficient_bits=0,degree=3,interval=[-1000,1000]}}",
                ],
                64,
                10,
            ),
            "layer 2 (Tanh): its polynomial is constant; nothing before it could learn",
        ),
    ];
    for (found, expected) in table {
        assert!(found.starts_with(expected), "\n  found    {found}\n  expected {expected}");
    }
    let flat = network(&[&conv2(2, "3"), SQUARE, LINEAR].join(", "), 64, None, 10).unwrap_err().to_string();
    assert!(flat.starts_with("layer 1 (Conv2d): `kernel` = 3 x 3; at most the 1 x 64 positions"), "{flat}");
}
