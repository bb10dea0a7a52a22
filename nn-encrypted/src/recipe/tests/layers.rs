//! Errors that name a layer.

use super::*;

const LINEAR: &str = "{ kind = \"Linear\", out_features = 4, scheme = \"ckks\" }";
const SQUARE: &str = "{ kind = \"Square\", scheme = \"ckks\" }";
const SIGMOID: &str = "{ kind = \"Sigmoid\", scheme = \"ckks\" }";
const CONV: &str = "{ kind = \"Conv1d\", channels = 2, kernel = 3, scheme = \"ckks\" }";
const POOL: &str = "{ kind = \"AvgPool1d\", kernel = 2, scheme = \"ckks\" }";

/// The setting of a list of layers.
fn layers(list: &[&str]) -> String {
    format!("layers=[{}]", list.join(", "))
}

#[test]
fn layers_stand_in_their_order() {
    let first = "the first layer must have weights: Linear, Conv1d or Conv2d";
    let table: [(&[&str], &str); 11] = [
        (&[], "recipe field `layers`: none; at least one Linear is needed"),
        (&[SQUARE], &format!("layer 1 (Square): {first}")),
        (&[SQUARE, LINEAR], &format!("layer 1 (Square): {first}")),
        (&[POOL, LINEAR], &format!("layer 1 (AvgPool1d): {first}")),
        (
            &[LINEAR, LINEAR],
            "layer 2 (Linear): follows another layer with weights; put an activation between",
        ),
        (&[LINEAR, POOL, LINEAR], "layer 2 (AvgPool1d): an activation must stand before it"),
        (&[LINEAR, SQUARE, SQUARE], "layer 3 (Square): a layer with weights must stand before it"),
        (&[LINEAR, SQUARE, POOL, POOL], "layer 4 (AvgPool1d): an activation must stand before it"),
        (&[LINEAR, SQUARE], "layer 2 (Square): behind the last layer with weights nothing but a Sigmoid"),
        (&[LINEAR, SIGMOID, POOL], "layer 3 (AvgPool1d): behind the last layer with weights nothing but"),
        (&[LINEAR, SQUARE, CONV], "layer 3 (Conv1d): the last layer with weights must be Linear"),
    ];
    for (list, expected) in table {
        refuses("ckks_sgd", &[(&layers(list), expected)]);
    }
    for list in [
        &[LINEAR][..],
        &[LINEAR, SIGMOID],
        &[CONV, SQUARE, POOL, LINEAR],
        &[CONV, SQUARE, CONV, SQUARE, LINEAR],
    ] {
        load("ckks_sgd", &[&layers(list)]).unwrap();
    }
    let many = [LINEAR, SQUARE].repeat(16);
    let many = [&many[..], &[LINEAR]].concat();
    refuses("ckks_sgd", &[(&layers(&many), "recipe field `layers`: 33; at most 32 are needed")]);
    let error = load("ckks_sgd", &["loss=cross_entropy"]).unwrap_err().to_string();
    assert_eq!(error, "layer 3 (Linear): loss = \"cross_entropy\" needs a Sigmoid behind it");
}

#[test]
fn layers_have_the_fields_of_their_kind() {
    let table = [
        ("layers.2.kind=Swish", "unknown variant `Swish`"),
        ("layers.2.scheme=rsa", "unknown variant `rsa`"),
        ("layers.9.kind=ReLU", "--set layers.9.kind=ReLU: `9` is not one of the 3 items, counted from 1"),
        ("layers.0.kind=ReLU", "--set layers.0.kind=ReLU: `0` is not one of the 3 items, counted from 1"),
        ("layers.2.out_features=3", "layer 2 (Square): `out_features` is a field of Linear"),
        ("layers.1.channels=3", "layer 1 (Linear): `channels` is a field of Conv1d, Conv2d"),
        (
            "layers.1.kernel=3",
            "layer 1 (Linear): `kernel` is a field of Conv1d, Conv2d, AvgPool1d, AvgPool2d",
        ),
        ("layers.2.coefficients=[1.0]", "layer 2 (Square): `coefficients` is a field of Polynomial"),
        (
            "layers.2.polynomial.degree=3",
            "layer 2 (Square): `polynomial` is a field of activations that are no polynomials themselves",
        ),
        ("layers.2.kind=Polynomial", "layer 2 (Polynomial): `coefficients` is missing"),
        ("layers.1={ kind = \"Linear\", scheme = \"ckks\" }", "layer 1 (Linear): `out_features` is missing"),
        ("layers.1.out_features=65537", "layer 1 (Linear): `out_features` = 65537; 1 to 65536 is needed"),
        (
            "layers.1={ kind = \"Conv1d\", kernel = 3, scheme = \"ckks\" }",
            "layer 1 (Conv1d): `channels` is missing",
        ),
        (
            "layers.1={ kind = \"Conv2d\", channels = 3, scheme = \"ckks\" }",
            "layer 1 (Conv2d): `kernel` is missing",
        ),
        (
            "layers.1={ kind = \"Conv1d\", kernel = 0, channels = 2, scheme = \"ckks\" }",
            "layer 1 (Conv1d): `kernel` = 0; 1 to 65536",
        ),
        (
            "layers.1={ kind = \"Conv1d\", kernel = [1, 3], channels = 2, scheme = \"ckks\" }",
            "layer 1 (Conv1d): `kernel` = [1, 3]; one number is needed along one direction",
        ),
        (
            "layers.1={ kind = \"Conv2d\", kernel = [3, 0], channels = 2, scheme = \"ckks\" }",
            "layer 1 (Conv2d): `kernel` = 0; 1 to 65536",
        ),
    ];
    refuses("ckks_sgd", &table);
    let conv = "layers.1={ kind = \"Conv2d\", kernel = [3, 2], channels = 2, scheme = \"ckks\" }";
    assert_eq!(load("ckks_sgd", &[conv]).unwrap().layers[0].kernel, Some(Kernel::Rectangle([3, 2])));
}

#[test]
fn polynomials_have_coefficients_that_count() {
    let given =
        |c: &str| format!("layers.2={{ kind = \"Polynomial\", coefficients = [{c}], scheme = \"ckks\" }}");
    let fitted = |kind: &str, fit: &str| {
        format!("layers.2={{ kind = \"{kind}\", scheme = \"ckks\", polynomial = {{ degree = {fit} }} }}")
    };
    let table = [
        (given("1.0"), "layer 2 (Polynomial): `coefficients` has 1 numbers; 2 to 8 are needed"),
        (given("0, 1, 2, 3, 4, 5, 6, 7, 8"), "layer 2 (Polynomial): `coefficients` has 9 numbers"),
        (given("0, nan"), "NaN is not a finite number"),
        (given("0, 65537"), "layer 2 (Polynomial): `coefficients` has 65537; magnitudes up to 65536"),
        (given("1, 1, 0"), "layer 2 (Polynomial): `coefficients` ends with 0"),
        (fitted("ReLU", "9"), "layer 2 (ReLU): `polynomial.degree` = 9; 1 to 7 is needed"),
        (fitted("Tanh", "2"), "layer 2 (Tanh): `polynomial.degree` = 2: what fits on [-4, 4] is of degree 1"),
        (fitted("CentredSigmoid", "6"), "layer 2 (CentredSigmoid): `polynomial.degree` = 6: what fits"),
        (
            fitted("Tanh", "3, interval = [1, 1]"),
            "layer 2 (Tanh): `polynomial.interval` = [1, 1]; [low, high]",
        ),
        (fitted("Tanh", "3, interval = [nan, 1]"), "layer 2 (Tanh): `polynomial.interval` = [NaN, 1]; [low"),
        (fitted("Tanh", "3, coefficient_bits = 21"), "layer 2 (Tanh): `polynomial.coefficient_bits` = 21; 0"),
    ];
    for (setting, expected) in &table {
        refuses("ckks_sgd", &[(setting, expected)]);
    }
    for setting in [
        fitted("Tanh", "7, interval = [-64, 64]"),
        fitted("Sigmoid", "2, interval = [0, 4]"),
        given("0, 0.1"),
    ] {
        load("ckks_sgd", &[&setting]).unwrap();
    }
    load("ckks_sgd", &["layers.2.kind=ReLU"]).unwrap();
    let exact = given("0, 0.1").replace("ckks", "bgv");
    refuses(
        "ckks_sgd",
        &[(&exact, "layer 2 (Polynomial): `coefficients` has 0.1; n/2^k with k up to 30 is needed")],
    );
}

#[test]
fn fits_are_close_and_without_leading_zeros() {
    for (degree, error) in [(3, 0.12), (5, 0.07), (7, 0.04)] {
        let setting = format!("layers.4.polynomial.degree={degree}");
        let recipe = load("ckks_sgd", &["variant=cross_entropy", &setting]).unwrap();
        let fitted = recipe.layers[3].fitted(1.0).unwrap();
        assert_eq!(fitted.len(), degree + 1);
        assert!(fitted.iter().skip(2).step_by(2).all(|even| *even == 0.0), "{fitted:?}");
        for i in -80..=80 {
            let z = f64::from(i) / 10.0;
            let value = fitted.iter().rev().fold(0.0, |sum, c| sum * z + c);
            assert!((value - crate::activation::sigmoid(z)).abs() < error, "degree {degree}, {z}: {value}");
        }
    }
    let relu = load("ckks_sgd", &["layers.2.kind=ReLU"]).unwrap().layers[1].fitted(4.0).unwrap();
    assert_eq!(relu.len(), 3, "of a degree of 3 the square is the last that counts: {relu:?}");
    let gelu = load(
        "ckks_sgd",
        &[
            "layers.2={ kind = \"GELU\", scheme = \"ckks\", polynomial = { degree = 4, interval = [-3.0, 3.0] } }",
        ],
    );
    let fitted = gelu.unwrap().layers[1].fitted(4.0).unwrap();
    for i in -30..=30 {
        let z = f64::from(i) / 10.0;
        let value = fitted.iter().rev().fold(0.0, |sum, c| sum * z + c);
        let exact = crate::activation::Function::Gelu.value(z);
        assert!((value - exact).abs() < 0.08, "{z}: {value} for {exact}");
    }
}
