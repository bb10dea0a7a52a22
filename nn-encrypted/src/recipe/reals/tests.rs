use super::super::{AnyRecipe, Recipe};
use super::*;

fn load(name: &str, settings: &[&str]) -> Result<RealRecipe, RecipeError> {
    let settings: Vec<String> = settings.iter().map(|&s| s.to_owned()).collect();
    match AnyRecipe::load(name, &settings)? {
        AnyRecipe::Reals(recipe) => Ok(recipe),
        other => panic!("{} is of another kind", other.name()),
    }
}

#[test]
fn the_default_is_64_32_10_and_is_written_as_it_is_read() {
    let recipe = load("ckks_sgd", &[]).unwrap();
    assert_eq!(recipe.widths(64, 10).unwrap(), [64, 32, 10]);
    let again = AnyRecipe::from_toml(&recipe.to_toml().unwrap(), "copy", &[]).unwrap();
    assert_eq!(again, AnyRecipe::Reals(recipe));
    let other = Recipe::load("ckks_sgd", &[]).unwrap_err().to_string();
    assert_eq!(other, "recipe field `kind`: \"reals\"; a recipe with client refreshes is needed here");
}

#[test]
fn variants_follow_the_data() {
    let mnist = load("ckks_sgd", &["data.set=mnist"]).unwrap();
    assert_eq!(mnist.widths(784, 10).unwrap(), [784, 128, 32, 10]);
    assert_eq!(load("ckks_sgd", &["data.set=iris"]).unwrap().widths(4, 3).unwrap(), [4, 8, 3]);
    let unpooled = load("onoufriou2021", &["variant=unpooled"]).unwrap();
    assert_eq!((unpooled.widths(12, 1).unwrap(), unpooled.backward), (vec![12, 24, 1], Backward::Client));
    let encrypted = load("onoufriou2021", &["backward=encrypted"]).unwrap();
    assert_eq!(encrypted.backward, Backward::Encrypted);
    let recipe = load("ckks_sgd", &["variant=cross_entropy"]).unwrap();
    assert_eq!((recipe.loss, recipe.layers[1].kind), (RealLoss::CrossEntropy, RealLayerKind::Tanh));
}

#[test]
fn a_convolution_and_a_pooling_become_matrices() {
    let network = load("onoufriou2021", &[]).unwrap().network(12, 1).unwrap();
    let [first, second] = &network.layers[..] else { panic!("two layers") };
    assert_eq!((first.name.as_str(), second.name.as_str()), ("conv1d 1", "linear 2"));
    assert_eq!((first.entries.dim(), second.entries.dim()), ((12, 24), (24, 1)));
    assert_eq!((first.weights, first.biases, second.weights, second.biases), (28, 4, 12, 1));
    assert_eq!(first.activation.as_deref(), Some(&[0.5, 0.197, 0.0, -0.004][..]));
    assert_eq!((second.activation.as_deref(), &network.output), (None, &None));
    // position 2 of channel 3 sees months 2 to 8
    let column: Vec<Option<usize>> =
        first.entries.column(20).iter().map(|entry| entry.map(|entry| entry.weight)).collect();
    let expected: Vec<Option<usize>> =
        (0..12_usize).map(|month| month.checked_sub(2).filter(|tap| *tap < 7).map(|tap| 21 + tap)).collect();
    assert_eq!(column, expected);
    assert_eq!(first.bias[18..], [3; 6]);
    // positions 2 and 3 of channel 1 are the second of three pooled ones
    for place in [8, 9] {
        assert_eq!(second.entries[(place, 0)].map(|entry| (entry.weight, entry.factor)), Some((4, 0.5)));
    }
}

#[test]
fn widths_that_do_not_fit_the_data_are_refused() {
    let message = |name, settings: &[&str], features, outputs| {
        load(name, settings).unwrap().network(features, outputs).unwrap_err().to_string()
    };
    let table = [
        (
            message("onoufriou2021", &[], 13, 1),
            "layers[2] (AvgPool1d): `kernel` = 2; a divisor of the 7 positions",
        ),
        (message("onoufriou2021", &[], 6, 1), "layers[0] (Conv1d): `kernel` = 7; at most the 6 positions"),
        (
            message("ckks_sgd", &["layers.2.out_features=9"], 64, 10),
            "layers[2] (Linear): `out_features` = 9; the data needs 10",
        ),
        (
            message("ckks_sgd", &["layers.0.out_features=65536"], 784, 10),
            "layers[0] (Linear): 784 inputs and 65536",
        ),
    ];
    for (found, expected) in table {
        assert!(found.starts_with(expected), "\n  found    {found}\n  expected {expected}");
    }
}

#[test]
fn the_polynomial_of_the_outputs_is_close_to_the_sigmoid() {
    assert_eq!(load("ckks_sgd", &[]).unwrap().output_polynomial(), None);
    for (degree, error) in [("3", 0.12), ("5", 0.07), ("7", 0.04)] {
        let setting = format!("cross_entropy.degree={degree}");
        let recipe = load("ckks_sgd", &["variant=cross_entropy", &setting]).unwrap();
        let polynomial = recipe.output_polynomial().unwrap();
        for i in -80..=80 {
            let z = f64::from(i) / 10.0;
            let value = polynomial.iter().rev().fold(0.0, |sum, c| sum * z + c);
            let miss = value - crate::activation::sigmoid(z);
            assert!(miss.abs() < error, "degree {degree}: {miss} at {z}");
        }
    }
}

const TANH: &str = "layers.1={ kind = \"Tanh\", scheme = \"ckks\", polynomial = { degree = DEGREE } }";

#[test]
fn errors_name_the_field_or_layer() {
    let tanh = |degree: &str| TANH.replace("DEGREE", degree);
    let linear = "{ kind = \"Linear\", out_features = 4, scheme = \"ckks\" }";
    let (square, pool) = (
        "{ kind = \"Square\", scheme = \"ckks\" }",
        "{ kind = \"AvgPool1d\", kernel = 2, scheme = \"ckks\" }",
    );
    let layers = |list: &[&str]| format!("layers=[{}]", list.join(", "));
    let polynomial =
        |c: &str| format!("layers.1={{ kind = \"Polynomial\", coefficients = [{c}], scheme = \"ckks\" }}");
    let field = |name: &str, what: &str| format!("recipe field `{name}`: {what}");
    let table: Vec<(String, String)> = vec![
        ("kind=images".into(), field("kind", "\"images\"; \"words\", \"reals\" or \"mixed\" is needed")),
        ("kind=3".into(), field("kind", "\"\"; \"words\", \"reals\" or")),
        ("hidden=[3]".into(), "unknown field `hidden`".into()),
        ("name=''".into(), field("name", "\"\"; 1 to 64")),
        ("layers.1.scheme=tfhe".into(), "layers[1] (Square): `scheme` = \"tfhe\"; \"ckks\" is needed".into()),
        ("layers.1.out_features=3".into(), "layers[1] (Square): `out_features` is a field of Linear".into()),
        ("layers.0.channels=3".into(), "layers[0] (Linear): `channels` is a field of Conv1d".into()),
        (
            "layers.0.kernel=3".into(),
            "layers[0] (Linear): `kernel` is a field of Conv1d and AvgPool1d".into(),
        ),
        ("layers.1.coefficients=[1.0]".into(), "layers[1] (Square): `coefficients` is a field of".into()),
        ("layers.1.polynomial.degree=3".into(), "layers[1] (Square): `polynomial` is a field of Sigm".into()),
        ("layers.1.kind=Polynomial".into(), "layers[1] (Polynomial): `coefficients` is missing".into()),
        (polynomial("1.0"), "layers[1] (Polynomial): `coefficients` has 1 numbers; 2 to 4".into()),
        (polynomial("0, 1, 2, 3, 4"), "layers[1] (Polynomial): `coefficients` has 5 numbers".into()),
        (polynomial("0, nan"), "layers[1] (Polynomial): `coefficients` has NaN".into()),
        (polynomial("1, 1, 0"), "layers[1] (Polynomial): `coefficients` ends with 0".into()),
        (tanh("4"), "layers[1] (Tanh): `polynomial.degree` = 4; 2 or 3 is needed".into()),
        (tanh("2"), "layers[1] (Tanh): `polynomial.degree` = 2: what fits".into()),
        (tanh("3, interval = [1, 1]"), "layers[1] (Tanh): `polynomial.interval` = [1, 1]".into()),
        ("layers=[]".into(), field("layers", "none; at least one Linear")),
        (layers(&[square, linear]), "layers[0] (Square): the first layer must be Linear or Conv1d".into()),
        (layers(&[linear, linear]), "layers[1] (Linear): follows another layer with weights".into()),
        (layers(&[linear, pool, linear]), "layers[1] (AvgPool1d): an activation must stand".into()),
        (layers(&[linear, square, square]), "layers[2] (Square): a layer with weights must".into()),
        (layers(&[linear, square, pool, pool]), "layers[3] (AvgPool1d): an activation must".into()),
        (layers(&[linear, square]), "layers[1] (Square): the last layer must be Linear".into()),
        (
            "layers.0={ kind = \"Linear\", scheme = \"ckks\" }".into(),
            "layers[0] (Linear): `out_features` is missing".into(),
        ),
        (
            "layers.0={ kind = \"Conv1d\", kernel = 3, scheme = \"ckks\" }".into(),
            "layers[0] (Conv1d): `channels` is missing".into(),
        ),
        (
            "layers.0={ kind = \"Conv1d\", kernel = 0, channels = 2, scheme = \"ckks\" }".into(),
            "layers[0] (Conv1d): `kernel` = 0; 1 to 65536".into(),
        ),
        ("optimizer.learning_rate=0.0".into(), field("optimizer.learning_rate", "0; a number above 0")),
        ("optimizer.learning_rate=65.0".into(), field("optimizer.learning_rate", "65; a number above")),
        ("optimizer.momentum=1.0".into(), field("optimizer.momentum", "1; 0 or more, below 1")),
        ("optimizer.momentum=nan".into(), field("optimizer.momentum", "NaN; 0 or more")),
        ("optimizer.batch_size=0".into(), field("optimizer.batch_size", "0; 1 to 65536")),
        ("optimizer.epochs=0".into(), field("optimizer.epochs", "0; 1 to 100000")),
        ("optimizer.init_gain=17.0".into(), field("optimizer.init_gain", "17; a number above 0")),
        ("bounds.preactivation=0.0".into(), field("bounds.preactivation", "0; a number above 0")),
        ("bounds.output=inf".into(), field("bounds.output", "inf; a number above 0")),
        ("bounds.error=1025.0".into(), field("bounds.error", "1025; a number above 0")),
        ("bounds.weight=nan".into(), field("bounds.weight", "NaN; a number above 0")),
        ("bounds.momentum=-1.0".into(), field("bounds.momentum", "-1; a number above 0")),
        ("cross_entropy.degree=4".into(), field("cross_entropy.degree", "4; 3, 5 or 7 is needed")),
        ("cross_entropy.limit=0.0".into(), field("cross_entropy.limit", "0; a number above 0")),
        ("cross_entropy.smoothing=0.5".into(), field("cross_entropy.smoothing", "0.5; 0 or more, below 0.5")),
        ("parameters.security=80".into(), field("parameters.security", "80; 128 is needed")),
        ("data.normalize.limit=0.0".into(), field("data.normalize.limit", "0; a number above 0")),
    ];
    for (setting, expected) in table {
        let found = load("ckks_sgd", &[&setting]).unwrap_err().to_string();
        assert!(found.contains(&expected), "{setting}\n  found    {found}\n  expected {expected}");
    }
    for client in
        [["backward=client", "variant=cross_entropy"], ["backward=client", "optimizer.momentum=0.5"]]
    {
        assert!(load("ckks_sgd", &client).is_ok());
    }
}
