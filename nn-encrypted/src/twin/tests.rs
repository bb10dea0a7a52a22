use ndarray::{Array1, Array2, arr1, arr2};

use super::*;
use crate::data::prepare;
use crate::recipe::LayerState;

fn tiny(changes: &[&str]) -> (Recipe, Network) {
    let text = r#"
        name = "tiny"
        data = { set = "iris", test = 30, normalize = { method = "min_max", limit = 1.0 } }
        layers = [
            { kind = "Linear", out_features = 1, scheme = "bgv" },
            { kind = "Square", scheme = "bgv" },
            { kind = "Linear", scheme = "bgv" },
        ]
        optimizer = { learning_rate = "1/2", momentum = "1/2", batch_size = 2, epochs = 1 }
    "#;
    let settings: Vec<String> = changes.iter().map(|&change| change.to_owned()).collect();
    let recipe = Recipe::from_toml(text, "tiny", &settings).unwrap();
    let network = recipe.network(2, 2).unwrap();
    (recipe, network)
}

fn state(weight: Array2<i64>, bias: Array1<i64>) -> LayerState {
    let (weight_momentum, bias_momentum) = (Array2::zeros(weight.dim()), Array1::zeros(bias.dim()));
    LayerState { weight, bias, weight_momentum, bias_momentum }
}

/// A step of a 2-1-2 network, every number by hand.
#[test]
fn a_step_by_hand() {
    let (recipe, network) = tiny(&[]);
    // weights 1/2, -1/4 (and a remainder of 100 that products do not see), bias 1/8; outputs 1/2, -1/2
    let first = state(arr2(&[[8192], [-4096 + 100]]), arr1(&[2048]));
    let second = state(arr2(&[[8192, -8192]]), arr1(&[0, 4096]));
    let mut twin = Twin::with_model(&recipe, &network, Model { layers: vec![first, second] });
    // x = (1, -1/2), label 1
    let trace = twin.step(&arr2(&[[16, -8]]), &[1]).unwrap();
    // Z1 = 16·32 - 8·(-16) + 16·8 = 768 at 10 bits = 12 at 4 bits (0.75); A1 = 144 at 8 bits
    assert_eq!(trace.preactivations[0], arr2(&[[12]]));
    // Z2 = 144·32 = 4608 and 144·(-32) + 256·16 = -512 at 14 bits: 18 and -2 at 6 bits
    assert_eq!(trace.preactivations[1], arr2(&[[18, -2]]));
    // D2 = (18, -2 - 64)
    assert_eq!(trace.errors[1], arr2(&[[18, -66]]));
    // E = 18·32 + 66·32 = 2688 at 12 bits, times Z (12 at 3 bits) = 32256 at 15 bits = 63 at 6 bits
    assert_eq!(trace.errors[0], arr2(&[[63]]));
    assert_eq!(trace.weight_gradients[0], arr2(&[[1008], [-504]]));
    assert_eq!(trace.bias_gradients[0], arr1(&[1008]));
    assert_eq!(trace.weight_gradients[1], arr2(&[[2592, -9504]]));
    assert_eq!(trace.bias_gradients[1], arr1(&[4608, -16896]));
    // G1/2 at 11 bits, V at 13: V' = 4·1008 at 13 bits = 2016 at 12; W' = 8192 - 4032 at 14 bits
    let layer = &twin.model().layers[0];
    assert_eq!(layer.weight_momentum, arr2(&[[2016], [-1008]]));
    assert_eq!(layer.weight, arr2(&[[8192 - 4032], [-3996 + 2016]]));
    assert_eq!((layer.bias[0], layer.bias_momentum[0]), (2048 - 4032, 2016));
    // G2/2 at 15 bits: 2592 / 2^3 = 324 and -9504 / 2^3 = -1188 at 12 bits; W' = W - V'/2 at 16 bits
    let layer = &twin.model().layers[1];
    assert_eq!(layer.weight_momentum, arr2(&[[324, -1188]]));
    assert_eq!(layer.weight, arr2(&[[8192 - 648, -8192 + 2376]]));
    assert_eq!(layer.bias_momentum, arr1(&[576, -2112]));
    assert_eq!(layer.bias, arr1(&[-1152, 4096 + 4224]));
    assert_eq!(twin.saturations(), 0);
    // the second step keeps half of the momentum
    let trace = twin.step(&arr2(&[[0, 0]]), &[0]).unwrap();
    assert_eq!(trace.weight_gradients[0], arr2(&[[0], [0]]));
    let layer = &twin.model().layers[0];
    assert_eq!(layer.weight_momentum, arr2(&[[1008], [-504]]));
    assert_eq!(layer.weight, arr2(&[[8192 - 4032 - 2016], [-3996 + 2016 + 1008]]));
}

#[test]
fn what_is_too_large_is_saturated_and_counted() {
    let (recipe, network) =
        tiny(&["quantization.bounds.preactivation=0.5", "quantization.bounds.weight=0.25"]);
    let first = state(arr2(&[[8192], [0]]), arr1(&[0]));
    let second = state(arr2(&[[0, 0]]), arr1(&[0, 0]));
    let mut twin = Twin::with_model(&recipe, &network, Model { layers: vec![first, second] });
    let trace = twin.step(&arr2(&[[-32, 0]]), &[1]).unwrap();
    assert_eq!(trace.preactivations[0], arr2(&[[-8]])); // -1 became -1/2
    let ranges = twin.ranges();
    let find = |name: &str| ranges.iter().find(|range| range.tensor == name).unwrap().clone();
    let range = find("linear1.preactivation");
    assert_eq!((range.saturated, range.values, range.max_abs, range.fraction_bits), (1, 1, 1024, 10));
    assert_eq!(range.max_real(), 1.0);
    assert_eq!(find("linear1.weight").saturated, 1);
    assert_eq!(twin.model().layers[0].weight[(0, 0)], 4096);
    // without refresh nothing is
    let keep = r#"refresh.tensors=["output", "error", "weight", "momentum"]"#;
    let (recipe, network) = tiny(&["quantization.bounds.preactivation=0.5", keep]);
    let layers = vec![state(arr2(&[[8192], [0]]), arr1(&[0])), state(arr2(&[[0, 0]]), arr1(&[0, 0]))];
    let mut twin = Twin::with_model(&recipe, &network, Model { layers });
    assert_eq!(twin.step(&arr2(&[[-32, 0]]), &[1]).unwrap().preactivations[0], arr2(&[[-1024]]));
}

/// With no rounding between weights and gradient, the integers of the gradient are the derivative of the loss.
#[test]
fn gradients_equal_finite_differences() {
    for (one, two) in [("Square", "Quadratic"), ("Cubic", "Identity"), ("Sigmoid", "Identity")] {
        let settings = [
            r#"refresh.tensors=["weight", "momentum"]"#.to_owned(),
            format!("layers.1.kind={one}"),
            format!("layers.3.kind={two}"),
            "layers.0.out_features=5".to_owned(),
            "layers.2.out_features=4".to_owned(),
            "quantization.product_weight_bits=2".to_owned(),
            "optimizer.batch_size=2".to_owned(),
            "quantization.input_bits=1".to_owned(),
            "optimizer.init_gain=1.0".to_owned(),
        ];
        let recipe = Recipe::load("hesamifard2017", &settings).unwrap();
        let network = recipe.network(3, 2).unwrap();
        let x = arr2(&[[1, -1, 2], [0, 2, -1]]);
        let labels = [1, 0];
        let twin = Twin::new(&recipe, &network, 3);
        let trace = step::step(&twin, &x, &labels, &mut Ranges::default());
        let (trace, _) = trace.unwrap();
        // the weights as products see them
        let mut weights: Vec<(Array2<f64>, Array1<f64>)> = Vec::new();
        for layer in &twin.model.layers {
            let real = |w: i64| round_shift(w, 12) as f64 / 4.0;
            weights.push((layer.weight.mapv(real), layer.bias.mapv(real)));
        }
        let loss = |weights: &[(Array2<f64>, Array1<f64>)]| {
            let mut a = x.mapv(|x| f64::from(x) / 2.0);
            for (layer, (weight, bias)) in network.layers.iter().zip(weights) {
                a = a.dot(weight) + bias;
                if let Some(activation) = &layer.activation {
                    a.mapv_inplace(|z| activation.polynomial.value(z));
                }
            }
            let target = |r: usize, c: usize| f64::from(u8::from(labels[r] == c));
            a.indexed_iter().map(|((r, c), z)| (z - target(r, c)).powi(2)).sum::<f64>() / 2.0
        };
        let mut largest = 0.0_f64;
        for (l, layer) in network.layers.iter().enumerate() {
            let unit = 2_f64.powi(layer.gradient_bits as i32);
            for i in 0..layer.inputs {
                for o in 0..layer.outputs {
                    let at = |h: f64| {
                        let mut weights = weights.clone();
                        weights[l].0[(i, o)] += h;
                        loss(&weights)
                    };
                    let slope = (at(1e-5) - at(-1e-5)) / 2e-5;
                    let found = trace.weight_gradients[l][(i, o)] as f64 / unit;
                    assert!((slope - found).abs() < 1e-7, "{one} {two} layer {l}: {slope} {found}");
                    largest = largest.max(found.abs());
                }
            }
            for o in 0..layer.outputs {
                let at = |h: f64| {
                    let mut weights = weights.clone();
                    weights[l].1[o] += h;
                    loss(&weights)
                };
                let slope = (at(1e-5) - at(-1e-5)) / 2e-5;
                let found = trace.bias_gradients[l][o] as f64 / unit;
                assert!((slope - found).abs() < 1e-7, "{one} {two} bias {l}: {slope} {found}");
            }
        }
        assert!(largest > 0.1, "the test must see gradients");
    }
}

/// Pinned: other implementations, machines and versions must give these integers.
#[test]
fn the_default_run_is_pinned() {
    let recipe = Recipe::builtin("hesamifard2017").unwrap();
    let data = prepare(&recipe, None).unwrap();
    let network = recipe.network(data.features.len(), data.classes.len()).unwrap();
    let batches = Batches::new(data.train.labels.len(), recipe.optimizer.batch_size, recipe.seed);
    let mut twin = Twin::new(&recipe, &network, recipe.seed);
    let before = twin.model().layers.iter().map(|layer| layer.weight.sum()).collect::<Vec<_>>();
    twin.epoch(&data.train, &batches, 0).unwrap();
    twin.epoch(&data.train, &batches, 1).unwrap();
    let after = twin.model().layers.iter().map(|layer| layer.weight.sum()).collect::<Vec<_>>();
    assert_eq!((before, after), (vec![-44149, -42391, -87], vec![-57028, -75974, 5299]));
    (2..recipe.optimizer.epochs).for_each(|epoch| twin.epoch(&data.train, &batches, epoch).unwrap());
    assert!(twin.accuracy(&data.test).unwrap() >= 0.96);
    assert_eq!(twin.saturations(), 0);
}

#[test]
fn errors_name_what_is_wrong() {
    let (recipe, network) = tiny(&[]);
    let mut twin = Twin::new(&recipe, &network, 1);
    let message = |error: TwinError| error.to_string();
    assert_eq!(message(twin.step(&arr2(&[[1, 2, 3]]), &[0]).unwrap_err()), "features: 3 given, 2 needed");
    assert_eq!(
        message(twin.step(&arr2(&[[1, 2]]), &[0, 1]).unwrap_err()),
        "labels of a batch: 2 given, 1 needed"
    );
    assert_eq!(
        message(twin.step(&arr2(&[[1, 2]]), &[2]).unwrap_err()),
        "class of a label: 2 given, 2 needed"
    );
    let mut model = twin.model().clone();
    model.layers[1].bias = arr1(&[0]);
    let twin = Twin::with_model(&recipe, &network, model);
    assert_eq!(message(twin.outputs(&arr2(&[[1, 2]])).unwrap_err()), "extent of a bias: 1 given, 2 needed");
    let deep = r#"refresh.tensors=["weight", "momentum"]"#;
    let settings = [deep.to_owned(), "layers.1.kind=Cubic".to_owned(), "layers.3.kind=Cubic".to_owned()];
    let recipe = Recipe::load("hesamifard2017", &settings).unwrap();
    let overflow = recipe.network(64, 10).map(|network| Twin::new(&recipe, &network, 1));
    let x = Array2::from_elem((60, 64), 11);
    let text = match overflow {
        Ok(mut twin) => twin.step(&x, &[0; 60]).unwrap_err().to_string(),
        Err(error) => error.to_string(),
    };
    assert!(text.contains("62 bits") || text.contains("63 bits"), "{text}");
}
