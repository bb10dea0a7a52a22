//! Steps whose every number is reckoned by hand, and errors.

use ndarray::arr2;

use super::*;
use crate::model::LayerState;
use crate::recipe::LayerKind;

const TINY: &str = r#"
    name = "tiny"
    data = { set = "iris", test = 30, normalize = { method = "min_max", limit = 1.0 } }
    layers = [
        { kind = "Linear", out_features = 1, scheme = "bgv" },
        { kind = "Square", scheme = "bgv" },
        { kind = "Linear", scheme = "bgv" },
    ]
    optimizer = { learning_rate = "1/2", momentum = "1/2", batch_size = 2, epochs = 1 }
"#;

fn tiny(changes: &[&str]) -> (Recipe, Network) {
    let recipe = Recipe::from_toml(TINY, "tiny", &strings(changes)).unwrap();
    let network = Network::new(&recipe, 2, None, 2).unwrap();
    (recipe, network)
}

/// A layer without momentum, from integers over `2^bits`.
fn state(shape: [usize; 2], weight: &[i64], bias: &[i64], bits: i32) -> LayerState {
    let real = |values: &[i64]| values.iter().map(|n| *n as f64 / 2_f64.powi(bits)).collect::<Vec<_>>();
    LayerState {
        shape: shape.to_vec(),
        weight: real(weight),
        bias: real(bias),
        weight_momentum: vec![0.0; weight.len()],
        bias_momentum: vec![0.0; bias.len()],
    }
}

/// Real numbers as integers over `2^bits`.
fn over(values: &[f64], bits: i32) -> Vec<i64> {
    values
        .iter()
        .map(|x| x * 2_f64.powi(bits))
        .inspect(|x| assert_eq!(x.fract(), 0.0))
        .map(|x| x as i64)
        .collect()
}

/// A step of a 2-1-2 network.
#[test]
fn a_step_in_fixed_point() {
    let (recipe, network) = tiny(&[]);
    // weights 1/2, -1/4 (and a remainder of 100 that products do not see), bias 1/8; outputs 1/2, -1/2
    let first = state([2, 1], &[8192, -4096 + 100], &[2048], 14);
    let second = state([1, 2], &[8192, -8192], &[0, 4096], 14);
    let model = Model { layers: vec![first, second] };
    let mut twin = Twin::new(&recipe, &network, model, None).unwrap();
    // x = (1, -1/2), label 1
    let (x, y) = (arr2(&[[1.0, -0.5]]), arr2(&[[0.0, 1.0]]));
    let trace = twin.walk.traced(&x, &y).unwrap();
    let exact = |values, bits| tensor::Tensor::Exact(values, bits);
    // Z1 = 16·32 - 8·(-16) + 16·8 = 768 at 10 bits = 12 at 4 bits (0.75); A1 = 144 at 8 bits
    assert_eq!(trace.preactivations[0], exact(arr2(&[[12]]), 4));
    // Z2 = 144·32 = 4608 and 144·(-32) + 256·16 = -512 at 14 bits: 18 and -2 at 6 bits
    assert_eq!(trace.preactivations[1], exact(arr2(&[[18, -2]]), 6));
    // D2 = (18, -2 - 64)
    assert_eq!(trace.errors[1], exact(arr2(&[[18, -66]]), 6));
    // E = 18·32 + 66·32 = 2688 at 12 bits, times Z (12 at 3 bits) = 32256 at 15 bits = 63 at 6 bits
    assert_eq!(trace.errors[0], exact(arr2(&[[63]]), 6));
    assert_eq!(trace.gradients[0], [exact(arr2(&[[1008], [-504]]), 10), exact(arr2(&[[63]]), 6)]);
    assert_eq!(trace.gradients[1], [exact(arr2(&[[2592, -9504]]), 14), exact(arr2(&[[18, -66]]), 6)]);
    twin.step(&x, &y).unwrap();
    // G1/2 at 11 bits, V at 13: V' = 4·1008 at 13 bits = 2016 at 12; W' = 8192 - 4032 at 14 bits
    let layer = &twin.model().layers[0];
    assert_eq!(over(&layer.weight_momentum, 12), [2016, -1008]);
    assert_eq!(over(&layer.weight, 14), [8192 - 4032, -3996 + 2016]);
    assert_eq!((over(&layer.bias, 14), over(&layer.bias_momentum, 12)), (vec![2048 - 4032], vec![2016]));
    // G2/2 at 15 bits: 2592 / 2^3 = 324 and -9504 / 2^3 = -1188 at 12 bits; W' = W - V'/2 at 16 bits
    let layer = &twin.model().layers[1];
    assert_eq!(over(&layer.weight_momentum, 12), [324, -1188]);
    assert_eq!(over(&layer.weight, 14), [8192 - 648, -8192 + 2376]);
    assert_eq!(over(&layer.bias_momentum, 12), [576, -2112]);
    assert_eq!(over(&layer.bias, 14), [-1152, 4096 + 4224]);
    assert_eq!(twin.out_of_range(), 0);
    // the second step keeps half of the momentum
    twin.step(&arr2(&[[0.0, 0.0]]), &arr2(&[[1.0, 0.0]])).unwrap();
    let layer = &twin.model().layers[0];
    assert_eq!(over(&layer.weight_momentum, 12), [1008, -504]);
    assert_eq!(over(&layer.weight, 14), [8192 - 4032 - 2016, -3996 + 2016 + 1008]);
}

/// `U' = μU − ηG/2^k`, `W' = W + μU' − ηG/2^k`, with `U'` before its refresh.
#[test]
fn a_step_in_fixed_point_by_nesterovs_rule() {
    let (recipe, network) = tiny(&["optimizer.nesterov=true", "numbers.momentum_bits=4"]);
    let mut first = state([2, 1], &[8192, -4096], &[2048], 14);
    first.weight_momentum = vec![0.5, 0.0];
    let model = Model { layers: vec![first, state([1, 2], &[8192, -8192], &[0, 4096], 14)] };
    let mut twin = Twin::new(&recipe, &network, model, None).unwrap();
    twin.step(&arr2(&[[1.0, -0.5]]), &arr2(&[[0.0, 1.0]])).unwrap();
    // G1 = (1008, -504) at 10 bits, so ηG1/2 = (1008, -504) at 12 bits and U' = (1024 - 1008, 504) at 12 bits, 0.06 and 1.97 at
    // 4 bits; W' = (8192 + 2·16 - 4·1008, -4096 + 2·504 + 4·504) at 14 bits
    let layer = &twin.model().layers[0];
    assert_eq!(over(&layer.weight_momentum, 4), [0, 2]);
    assert_eq!(over(&layer.weight, 14), [8192 + 32 - 4032, -4096 + 1008 + 2016]);
}

#[test]
fn large_numbers_are_saturated_and_counted() {
    let small = ["numbers.bounds.preactivation=0.5", "numbers.bounds.weight=0.125"];
    let model =
        || Model { layers: vec![state([2, 1], &[2048, 0], &[0], 14), state([1, 2], &[0, 0], &[0, 0], 14)] };
    let (recipe, network) = tiny(&small);
    let mut twin = Twin::new(&recipe, &network, model(), None).unwrap();
    let (x, y) = (arr2(&[[-8.0, 0.0]]), arr2(&[[0.0, 1.0]]));
    let trace = twin.walk.traced(&x, &y).unwrap();
    assert_eq!(trace.preactivations[0], tensor::Tensor::Exact(arr2(&[[-8]]), 4)); // -1 became -1/2
    twin.step(&x, &y).unwrap();
    let find =
        |twin: &Twin, name: &str| twin.ranges().iter().find(|range| range.tensor == name).unwrap().clone();
    let range = find(&twin, "linear1.preactivation");
    assert_eq!((range.layer, range.beyond, range.largest, range.bound), (1, 1, 1.0, Some(0.5)));
    assert_eq!(
        range.to_string(),
        "layer 1: linear1.preactivation reaches 1.0000, 1 times beyond 0.5000: change `numbers.bounds.preactivation`"
    );
    assert_eq!(find(&twin, "linear2.weight").beyond, 1);
    assert_eq!(twin.model().layers[1].bias, [0.0, 0.125]); // a quarter of the target, saturated
    // without refresh nothing is
    let keep = r#"refresh.tensors=["output", "error", "weight", "momentum"]"#;
    let (recipe, network) = tiny(&["numbers.bounds.preactivation=0.5", keep]);
    let twin = Twin::new(&recipe, &network, model(), None).unwrap();
    let trace = twin.walk.traced(&x, &y).unwrap();
    assert_eq!(trace.preactivations[0], tensor::Tensor::Exact(arr2(&[[-1024]]), 10));
}

/// One step of a 1-1-1 network.
#[test]
fn a_step_on_words() {
    let recipe = recipe("tbmpnet2021", &["variant=tiny", "optimizer.learning_rate=4"]); // of means over 8
    let network = Network::new(&recipe, 1, None, 1).unwrap();
    let model = Model { layers: vec![state([1, 1], &[2048], &[512], 10), state([1, 1], &[-1024], &[0], 10)] };
    let mut twin = Twin::new(&recipe, &network, model, None).unwrap();
    // x = 1/2: z = 1.5 and the table has 1.5 + 8/1024; σ = 838, σ' = 152. Then z = -838 and the table has ⌊-838/16⌋·16 + 8 = -840
    let x = arr2(&[[0.5]]);
    assert_eq!(twin.outputs(&x).unwrap(), arr2(&[[313.0 / 1024.0]]));
    let out = ((313 - 1024) * 217_i64).div_euclid(1024); // exact: products of digits below 4^3 may take one more off
    twin.step(&x, &arr2(&[[1.0]])).unwrap();
    let bias = |l: usize| over(&twin.model().layers[l].bias, 10)[0];
    assert!((bias(1) + out.div_euclid(2)).abs() <= 1, "{:?}", twin.model());
    let back = (-1024 * out).div_euclid(1024) * 152 / 1024;
    assert!((bias(0) - 512 + back / 2).abs() <= 2, "{:?}", twin.model());
    assert_eq!(twin.out_of_range(), 0);
}

#[test]
fn words_that_wrap_are_counted_by_layer() {
    let recipe = recipe("tbmpnet2021", &[]);
    let network = Network::new(&recipe, 4, None, 3).unwrap();
    let mut model = initial(&recipe, &network);
    model.layers[0].weight.fill(30_000.0 / 1024.0);
    let mut twin = Twin::new(&recipe, &network, model, None).unwrap();
    twin.step(&Array2::from_elem((1, 4), 1.0), &arr2(&[[1.0, 0.0, 0.0]])).unwrap();
    let found: Vec<_> = twin.ranges().into_iter().filter(|range| range.beyond > 0).collect();
    assert_eq!(found.len(), 1);
    let range = &found[0];
    assert_eq!((range.tensor.as_str(), range.beyond, range.bound), ("linear1.preactivation", 4, Some(32.0)));
    assert!((range.largest - 4.0 * 30_000.0 / 1024.0).abs() < 1.5, "{range}");
    assert!(range.to_string().ends_with("change `numbers.word_bits`"), "{range}");
}

/// Phases of ReLU, sigmoid and error by hand: with exact phases a table is its function up to a box.
#[test]
fn a_step_with_tables() {
    let recipe =
        recipe("glyph2020", &["layers.1.out_features=1", "layers.3.out_features=1", "numbers.phases=exact"]);
    let network = Network::new(&recipe, 2, None, 2).unwrap();
    let bits = 3 + 5 + 8; // α + β + κ, κ = 6 + 2
    let unit = 1 << bits;
    let layers = vec![
        state([2, 1], &[unit, -unit], &[unit / 2], bits),
        state([1, 1], &[unit], &[0], bits),
        state([1, 2], &[unit, -unit], &[0, 0], bits),
    ];
    let mut twin =
        Twin::new(&recipe, &network, Model { layers }, Some(TableReader { log: 12, deviations: [0.0; 2] }))
            .unwrap();
    // Z1 = 1 - 1/4 + 1/2 = 5/4 and so on; Z3 = ±5/4, σ = 0.777 and 0.223: 25/32 and 7/32
    let x = arr2(&[[1.0, 0.25]]);
    assert_eq!(twin.outputs(&x).unwrap(), arr2(&[[1.25, -1.25]]));
    twin.step(&x, &arr2(&[[1.0, 0.0]])).unwrap();
    // D3 = (-7/32, 7/32); D2 = D1 = -14/32; steps are G/256
    let layer = &twin.model().layers[2];
    assert_eq!(over(&layer.weight, bits), [unit + 5 * 7 * 2, -unit - 5 * 7 * 2]); // 5/4·7/32 = 35/128
    assert_eq!(over(&layer.bias, bits), [7 * 8, -7 * 8]);
    let layer = &twin.model().layers[0];
    assert_eq!(over(&layer.bias, bits), [unit / 2 + 14 * 8]);
    assert_eq!(over(&layer.weight, bits), [unit + 14 * 8, -unit + 14 * 2]);
    assert_eq!(twin.out_of_range(), 0);
    // other phases than a step looks up are refused, and change nothing
    let before = twin.model().clone();
    for count in [3, 4, 5, 7] {
        twin.replay(vec![2048; count]);
        let error = twin.step(&x, &arr2(&[[1.0, 0.0]])).unwrap_err().to_string();
        assert!(error.starts_with("recorded phases that"), "{count}: {error}");
        assert_eq!(*twin.model(), before);
    }
    twin.replay(vec![2048; 6]);
    twin.step(&x, &arr2(&[[1.0, 0.0]])).unwrap();
}

#[test]
fn errors_name_what_is_wrong() {
    let (recipe, network) = tiny(&[]);
    let model = initial(&recipe, &network);
    let mut twin = Twin::new(&recipe, &network, model.clone(), None).unwrap();
    let (x, y) = (arr2(&[[1.0, 0.5]]), arr2(&[[1.0, 0.0]]));
    let mut refused = |x: &Array2<f64>, y: &Array2<f64>| twin.step(x, y).unwrap_err().to_string();
    assert_eq!(refused(&arr2(&[[1.0, 2.0, 3.0]]), &y), "features: 3 given, 2 needed");
    assert_eq!(refused(&x, &arr2(&[[1.0]])), "targets of a sample: 1 given, 2 needed");
    assert_eq!(refused(&x, &arr2(&[[1.0, 0.0], [0.0, 1.0]])), "samples with targets: 2 given, 1 needed");
    assert_eq!(refused(&arr2(&[[1.0, 0.3]]), &y), "features: 0.3 given; multiples of 2^-4 are needed");
    let label = targets(&recipe, &[2], 2).unwrap_err().to_string();
    assert_eq!(label, "class of a label: 2 given, 2 needed");
    let with = |change: &dyn Fn(&mut Model)| {
        let mut model = model.clone();
        change(&mut model);
        Twin::new(&recipe, &network, model, None).unwrap_err().to_string()
    };
    assert_eq!(with(&|model| model.layers[1].bias = vec![0.0]), "linear2 biases: 1 given, 2 needed");
    assert_eq!(
        with(&|model| model.layers[0].shape = vec![1, 2]),
        "layer 1 (Linear): weights of shape [1, 2] given; [2, 1] needed"
    );
    let found = with(&|model| model.layers[0].weight[0] = 0.1);
    assert_eq!(found, "weights: 0.1 given; multiples of 2^-14 are needed");
    assert_eq!(with(&|model| _ = model.layers.pop()), "layers of a model: 1 given, 2 needed");
    let large = arr2(&[[2e17, 2e17]]);
    assert!(refused(&large, &y).starts_with("linear1.preactivation: a value does not fit 63 bits"));
}

#[test]
fn what_a_scheme_cannot_compute_is_refused_by_layer() {
    let scalar = |value: f64| crate::recipe::Scalar::new(value).unwrap();
    let refused = |name: &str, change: &dyn Fn(&mut Recipe)| {
        let mut recipe = recipe(name, &[]);
        change(&mut recipe);
        let network = Network::new(&recipe, 4, None, 3).unwrap();
        let reader = TableReader { log: 12, deviations: [0.0; 2] };
        let made = Twin::new(&recipe, &network, initial(&recipe, &network), Some(reader));
        let stepped = made.and_then(|mut twin| twin.step(&Array2::zeros((1, 4)), &Array2::zeros((1, 3))));
        stepped.unwrap_err().to_string()
    };
    let found = refused("hesamifard2017", &|recipe| recipe.optimizer.learning_rate = scalar(0.2));
    assert!(found.starts_with("recipe field `optimizer.learning_rate`: 0.2; n/2^k"), "{found}");
    let found = refused("hesamifard2017", &|recipe| recipe.refresh.strategy = RefreshStrategy::Bootstrap);
    assert!(found.starts_with("layer 1 (Linear): no bootstrapping of integers"), "{found}");
    let found = refused("hesamifard2017", &|recipe| recipe.layers[2].scheme = Scheme::Tfhe);
    assert!(found.starts_with("recipe field `optimizer.momentum`: 7/8; 0 is needed with layers"), "{found}");
    let found = refused("hesamifard2017", &|recipe| {
        recipe.layers[1].kind = LayerKind::ReLU;
        recipe.layers[1].scheme = Scheme::Tfhe;
    });
    assert!(found.starts_with("layer 2 (ReLU): it is looked up in tables"), "{found}");
    let found = refused("tbmpnet2021", &|recipe| {
        recipe.layers[1].kind = LayerKind::ReLU;
        recipe.numbers.words = crate::recipe::WordCoding::Bits;
    });
    assert!(found.starts_with("layer 2 (ReLU): bit by bit there is a circuit of Sigmoid alone"), "{found}");
    let found = refused("tbmpnet2021", &|recipe| recipe.optimizer.learning_rate = scalar(0.3));
    assert!(found.starts_with("recipe field `optimizer.learning_rate`: 0.3; a power of two from"), "{found}");
    let found = refused("glyph2020", &|recipe| recipe.optimizer.momentum = scalar(0.5));
    assert!(found.starts_with("recipe field `optimizer.momentum`: 1/2; 0 is needed"), "{found}");
    let found = refused("glyph2020", &|recipe| recipe.layers[1].kind = LayerKind::Tanh);
    assert!(found.starts_with("layer 2 (Tanh): range: errors up to 4 are multiplied"), "{found}");
}

#[test]
fn numbers_that_are_none_are_errors() {
    let recipe = recipe("ckks_sgd", &["optimizer.learning_rate=64"]);
    let network = Network::new(&recipe, 4, None, 3).unwrap();
    let mut model = initial(&recipe, &network);
    let mut twin = Twin::new(&recipe, &network, model.clone(), None).unwrap();
    let (x, y) = (wave(5, 4), wave(5, 3));
    let error = (0..64).find_map(|_| twin.step(&x, &y).err()).unwrap().to_string();
    assert!(error.contains("a value is not finite"), "{error}");
    assert!(twin.model().layers[0].weight.iter().all(|w| w.is_finite()));
    assert!(twin.out_of_range() > 0);
    model.layers[1].bias[0] = f64::NAN;
    let error = Twin::new(&recipe, &network, model, None).unwrap_err().to_string();
    assert!(error.starts_with("linear2.weight: a value is not finite"), "{error}");
}

#[test]
fn targets_of_all_kinds() {
    let smoothed = recipe("ckks_sgd", &["variant=cross_entropy"]);
    assert_eq!(targets(&smoothed, &[1], 3).unwrap(), arr2(&[[0.1, 0.9, 0.1]]));
    assert_eq!(hard_targets(&smoothed, &[1], 3).unwrap(), arr2(&[[0.0, 1.0, 0.0]]));
    let single = recipe("tbmpnet2021", &["variant=tiny"]);
    assert_eq!(targets(&single, &[1, 0], 1).unwrap(), arr2(&[[1.0], [0.0]]));
    assert_eq!(classes(&single, &arr2(&[[0.5], [0.75]])), [0, 1]);
    assert_eq!(classes(&smoothed, &arr2(&[[0.5, 2.0, 2.0], [3.0, 2.0, 1.0]])), [1, 0]);
}
