//! Formulas against those of the recipe, and refusals by number.

use super::formulas::Numbers;
use super::*;
use crate::plan::Reason;
use crate::program::lower::lower;

fn settings(all: &[&str]) -> (Recipe, Network) {
    let all: Vec<String> = all.iter().map(|setting| (*setting).to_owned()).collect();
    let recipe = Recipe::load("hesamifard2017", &all).unwrap();
    let network = Network::new(&recipe, 64, Some([8, 8]), 10).unwrap();
    (recipe, network)
}

fn plan(all: &[&str]) -> Result<PlannedBgv, PlanError> {
    let (recipe, network) = settings(all);
    let layers: Vec<usize> = (0..network.depth()).collect();
    PlannedBgv::new(&recipe, &network, &lower(&recipe, &network), &layers, 0.6875)
}

/// Momentum and weights as computed, out of gradient, momentum and weights as real numbers.
fn update(all: &[&str], gradient: f64, momentum: f64, weight: f64) -> (f64, f64) {
    let (recipe, network) = settings(all);
    let scales = Scales::new(&recipe, &network).unwrap();
    let numbers = Numbers::new(&recipe, &network, &scales).unwrap();
    let bits = |tensor| match tensor {
        Tensor::Gradient => gradient_bits(&recipe, &scales),
        Tensor::Momentum => scales.momentum,
        Tensor::Weights => scales.product_weight,
        _ => scales.weight,
    };
    let high = (weight * f64::from(scales.product_weight).exp2()).round();
    let high = high / f64::from(scales.product_weight).exp2();
    let value = |tensor| match tensor {
        Tensor::Gradient => gradient,
        Tensor::Momentum => momentum,
        Tensor::Weights => high,
        _ => weight - high,
    };
    let combined = |terms: &[(i64, Tensor)], to: u32| -> f64 {
        let term = |&(c, tensor): &(i64, Tensor)| c as f64 * value(tensor) * f64::from(bits(tensor)).exp2();
        terms.iter().map(term).sum::<f64>() / f64::from(to).exp2()
    };
    let formulas = &numbers.formulas;
    (combined(&formulas.momentum, scales.momentum_sum()), combined(&formulas.weights, scales.weight_sum()))
}

#[test]
fn updates_are_those_of_the_recipe() {
    let (g, v, w) = (0.375, -0.25, 0.640_625);
    for (rate, mu) in [("1/8", "7/8"), ("3/4", "1/2"), ("2", "0"), ("1/32", "15/16")] {
        let all = [format!("optimizer.learning_rate={rate}"), format!("optimizer.momentum={mu}")];
        let [rate, mu] = [rate, mu].map(|text| crate::activation::Dyadic::parse(text).unwrap().to_f64());
        let heavy = [&all[0][..], &all[1]];
        let (new_v, new_w) = update(&heavy, g, v, w);
        assert!((new_v - (mu * v + g)).abs() < 1e-12, "{all:?}: {new_v}");
        assert!((new_w - (w - rate * (mu * v + g))).abs() < 1e-12, "{all:?}: {new_w}");
        let nesterov = [&all[0][..], &all[1], "optimizer.nesterov=true"];
        let (new_u, new_w) = update(&nesterov, g, v, w);
        let expected = mu * v - rate * g;
        assert!((new_u - expected).abs() < 1e-12, "{all:?}: {new_u}");
        assert!((new_w - (w + mu * expected - rate * g)).abs() < 1e-12, "{all:?}: {new_w}");
    }
}

fn refusal(all: &[&str]) -> (usize, String, Reason, f64, f64) {
    match plan(all).map(|_| ()) {
        Err(PlanError::Refused { layer, kind, reason, needed, available, what }) => {
            assert!(needed > available, "{all:?}: {needed} of {available}: {what}");
            (layer, kind, reason, needed, available)
        }
        other => panic!("{all:?}: {other:?}"),
    }
}

#[test]
fn refusals_name_layer_reason_and_numbers() {
    let lacking = |tensors: &str| refusal(&[&format!("refresh.tensors=[{tensors},'weight','momentum']")]);
    let (layer, kind, reason, needed, available) = lacking("'output','error'");
    assert_eq!((layer, kind.as_str(), reason), (1, "Linear", Reason::Layout));
    assert_eq!((needed, available), (1.0, 0.0));
    let (layer, _, reason, ..) = lacking("'preactivation','output'");
    assert_eq!((layer, reason), (3, Reason::Layout), "the error of the second layer");
    let (_, _, reason, needed, available) = refusal(&["numbers.plaintext_bits=22"]);
    assert_eq!((reason, available), (Reason::Range, 22.0));
    assert!(needed > 26.0 && needed < 27.0, "{needed}");
    let wide = "variant=hidden5";
    let bits = ["numbers.input_bits=16", "numbers.preactivation_bits=16", "numbers.error_bits=16"];
    // Fractional bits of products come to their end before the bits of plaintext primes do.
    let (_, _, reason, _, available) = refusal(&[&[wide], &bits[..]].concat());
    assert_eq!((reason, available), (Reason::Range, 62.0));
    let (_, _, reason, needed, available) = refusal(&["parameters.ring_dimension=8192", "variant=hidden5"]);
    assert_eq!(reason, Reason::Levels);
    assert!(available < 214.0 && needed < 300.0, "{needed} of {available}");
}

#[test]
fn fields_without_parameters_are_named() {
    let cases = [
        ("numbers.plaintext_bits=41", "numbers.plaintext_bits"),
        ("numbers.error_bits=16", "numbers.error_bits"),
    ];
    for (setting, name) in cases {
        match plan(&[setting]).map(|_| ()) {
            Err(PlanError::Field { field, what }) => assert_eq!(field, name, "{setting}: {what}"),
            other => panic!("{setting}: {other:?}"),
        }
    }
}
