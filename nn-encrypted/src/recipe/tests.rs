use super::*;

fn load(settings: &[&str]) -> Result<Recipe, RecipeError> {
    let settings: Vec<String> = settings.iter().map(|&s| s.to_owned()).collect();
    Recipe::load("hesamifard2017", &settings)
}

fn message(settings: &[&str]) -> String {
    load(settings).unwrap_err().to_string()
}

#[test]
fn the_default_is_64_32_16_10_on_digits() {
    let recipe = Recipe::builtin("hesamifard2017").unwrap();
    assert_eq!(recipe.data.set, "digits");
    assert_eq!(recipe.quantization, Quantization::default());
    assert_eq!(recipe.refresh, Refresh::default());
    let network = recipe.network(64, 10).unwrap();
    assert_eq!(network.widths(), [64, 32, 16, 10]);
    let scales: Vec<_> = network
        .layers
        .iter()
        .map(|l| {
            [l.input_bits, l.sum_bits, l.preactivation_bits, l.error_sum_bits, l.error_bits, l.gradient_bits]
        })
        .collect();
    assert_eq!(scales, [[4, 10, 4, 15, 6, 10], [8, 14, 4, 15, 6, 14], [8, 14, 6, 6, 6, 14]]);
    let updates: Vec<_> = network.layers.iter().map(|l| [l.momentum_sum_bits, l.weight_sum_bits]).collect();
    assert_eq!(updates, [[16, 19], [20, 23], [20, 23]]);
}

#[test]
fn variants_follow_the_data() {
    let mnist = load(&["data.set=mnist"]).unwrap();
    assert_eq!(mnist.network(784, 10).unwrap().widths(), [784, 128, 32, 10]);
    assert_eq!(mnist.optimizer.batch_size, 60);
    assert_eq!(load(&["data.set=iris", "optimizer.epochs=3"]).unwrap().optimizer.epochs, 3);
    let csv = load(&["data.set=a/b.csv", "data.label=y"]).unwrap();
    assert_eq!(csv.data.label.as_deref(), Some("y"));
    assert!(matches!(csv.data.normalize, crate::data::Normalization::Standardize { .. }));
}

#[test]
fn settings_reach_every_field() {
    let recipe = load(&[
        "layers.1.kind=Tanh",
        "layers.0.scheme=ckks",
        "layers.1.polynomial.degree=5",
        "optimizer.momentum=0",
        "optimizer.learning_rate=2^-4",
        "quantization.bounds.error=2.0",
        "parameters.ring_dimension=16384",
        "seed=7",
    ])
    .unwrap();
    assert_eq!((recipe.layers[1].kind, recipe.layers[0].scheme), (LayerKind::Tanh, Scheme::Ckks));
    assert_eq!(recipe.layers[1].polynomial.unwrap().degree, 5);
    assert_eq!(recipe.optimizer.learning_rate.to_f64(), 0.0625);
    assert_eq!(recipe.parameters.ring_dimension.value(), Some(16384));
    assert_eq!(recipe.network(64, 10).unwrap().layers[1].input_bits, 4 * 5 + 6);
    let again = Recipe::from_toml(&recipe.to_toml().unwrap(), "copy", &[]).unwrap();
    assert_eq!(again, recipe);
}

#[test]
fn gain_follows_the_activations() {
    assert_eq!(load(&[]).unwrap().init_gain(), 0.7);
    assert_eq!(load(&["layers.1.kind=Cubic", "layers.3.kind=Cubic"]).unwrap().init_gain(), 1.0);
}

#[test]
fn errors_name_the_field_or_layer() {
    let table = [
        (vec!["optimizer.momentum=1"], "recipe field `optimizer.momentum`: 1; 0 or more, below 1 is needed"),
        (vec!["optimizer.learning_rate=0.1"], "0.1 is not a dyadic number"),
        (
            vec!["optimizer.learning_rate=-1/8"],
            "recipe field `optimizer.learning_rate`: -0.125; a number above 0",
        ),
        (vec!["optimizer.batch_size=0"], "recipe field `optimizer.batch_size`: 0; 1 to 65536 is needed"),
        (vec!["optimizer.speed=3"], "unknown field `speed`"),
        (vec!["quantization.input_bits=99"], "recipe field `quantization.input_bits`: 99; 1 to 16 is needed"),
        (vec!["quantization.product_weight_bits=15"], "15; at most weight_bits = 14 is needed"),
        (vec!["quantization.bounds.error=6.001"], "6.001; a multiple of 2^-6 is needed"),
        (vec!["quantization.bounds.error=nan"], "recipe field `quantization.bounds.error`: NaN"),
        (vec!["refresh.tensors=[\"weight\"]"], "recipe field `refresh.tensors`: Momentum is missing"),
        (vec!["parameters.security=80"], "recipe field `parameters.security`: 80; 128 is needed"),
        (
            vec!["parameters.ring_dimension=1000"],
            "recipe field `parameters.ring_dimension`: 1000; \"auto\" or a power",
        ),
        (vec!["data.normalize.limit=0"], "recipe field `data.normalize.limit`: 0; a number above 0"),
        (vec!["layers.1.kind=Swish"], "unknown variant `Swish`"),
        (vec!["layers.1.scheme=rsa"], "unknown variant `rsa`"),
        (vec!["layers.1.kind=Linear"], "layers[1] (Linear): follows another Linear"),
        (vec!["layers.0.kind=Square"], "layers[0] (Square): `out_features` is a field of Linear"),
        (vec!["layers.1.out_features=3"], "layers[1] (Square): `out_features` is a field of Linear"),
        (
            vec!["layers.1.kind=Polynomial"],
            "layers[1] (Polynomial): `coefficients` is the field of Polynomial",
        ),
        (vec!["layers.1.polynomial.degree=3"], "layers[1] (Square): `polynomial` is a field of Sigmoid"),
        (
            vec!["layers.1.kind=ReLU", "layers.1.polynomial.degree=9"],
            "layers[1] (ReLU): `polynomial.degree` = 9",
        ),
        (
            vec!["layers.9.kind=ReLU"],
            "--set layers.9.kind=ReLU: `9` is not one of the 5 items, counted from 0",
        ),
        (vec!["layers=[]"], "recipe field `layers`: none"),
        (vec!["name.first=x"], "--set name.first=x: `first` is inside a plain value"),
        (vec!["seed"], "--set seed: key.path=value is needed"),
        (vec!["a..b=1"], "--set a..b=1: an empty name in the path"),
    ];
    for (settings, expected) in table {
        let found = message(&settings);
        assert!(found.contains(expected), "{settings:?}\n  found    {found}\n  expected {expected}");
    }
    let unknown = Recipe::load("glyph", &[]).unwrap_err().to_string();
    assert_eq!(
        unknown,
        "no recipe `glyph`: built in are ckks_sgd, glyph2020, hesamifard2017, onoufriou2021, tbmpnet2021; or give the path of a TOML file"
    );
    assert!(Recipe::load("/nowhere.toml", &[]).unwrap_err().to_string().starts_with("/nowhere.toml: "));
    let text = "name = \"x\"\nepochz = 3\n";
    assert!(Recipe::from_toml(text, "x.toml", &[]).unwrap_err().to_string().contains("line 2"));
    let recipe = load(&["layers.4.out_features=7"]).unwrap();
    let error = recipe.network(64, 10).unwrap_err().to_string();
    assert_eq!(error, "layers[4] (Linear): `out_features` = 7; the data has 10 classes");
}

#[test]
fn initial_weights_have_the_deviation_asked_for_and_are_pinned() {
    let recipe = Recipe::builtin("hesamifard2017").unwrap();
    let network = recipe.network(64, 10).unwrap();
    let model = Model::initial(&recipe, &network, 1);
    let weight = &model.layers[0].weight;
    let square: f64 = weight.iter().map(|&w| (w as f64 / 16384.0).powi(2)).sum::<f64>() / weight.len() as f64;
    assert!((square.sqrt() / (0.7 / 8.0) - 1.0).abs() < 0.05, "{}", square.sqrt());
    assert_eq!(weight.row(0).to_vec()[..4], [497, -493, -1589, -1444]);
    assert_eq!(model, Model::initial(&recipe, &network, 1));
    assert_ne!(model, Model::initial(&recipe, &network, 2));
}
