//! Plans, and refusals by number.

use super::{planned, recipe};
use crate::plan::{PlanError, Reason};

/// Parameters, layout and operations of the plan of a recipe.
fn check(name: &str, all: &[&str], (features, outputs, bound): (usize, usize, f64), expected: [&str; 3]) {
    let (recipe, network) = recipe(name, all, features, outputs);
    let plan = planned(&recipe, &network, bound, None).unwrap().to_string();
    let lines: Vec<&str> = plan.lines().take(3).collect();
    assert_eq!(lines, expected, "{name} {all:?}");
}

#[test]
fn plans_are_these() {
    let digits = (64, 10, 0.6875);
    check(
        "ckks_sgd",
        &[],
        digits,
        [
            "ckks: N = 65536, log2 QP = 1740, security 128 bits, 9 levels of 45 bits",
            "slots: P x b x Q = 16 x 64 x 32; 4 tiles of images, 7 tiles of weights in 1 ciphertexts",
            "a step: 9 levels, 1 bootstraps; 52 products, 25 relinearizations, 135 rotations and 9 hoisted, 118 products with masks",
        ],
    );
    check(
        "ckks_sgd",
        &["variant=cross_entropy"],
        digits,
        [
            "ckks: N = 65536, log2 QP = 1695, security 128 bits, 8 levels of 45 bits",
            "slots: P x b x Q = 16 x 64 x 32; 4 tiles of images, 7 tiles of weights in 1 ciphertexts",
            "a step: 8 levels, 2 bootstraps, one set of them of the pre-activations of linear2; 72 products, 45 relinearizations, 141 rotations and 9 hoisted, 134 products with masks",
        ],
    );
    check(
        "onoufriou2021",
        &[],
        (12, 1, 1.25),
        [
            "ckks: N = 16384, log2 QP = 298, security 128 bits, 5 levels of 40 bits",
            "slots: P x b x Q = 4 x 64 x 32; 3 tiles of images, 6 tiles of weights in 1 ciphertexts",
            "a step: 5 levels between two refreshes by the client; 18 products, 12 relinearizations, 45 rotations and 8 hoisted, 48 products with masks",
        ],
    );
}

#[test]
fn too_deep_networks_are_refused_by_the_layer_that_is_too_deep() {
    let layer =
        r#"{ kind = "Linear", out_features = 8, scheme = "ckks" }, { kind = "Cubic", scheme = "ckks" }, "#;
    let layers = format!(r#"layers=[{}{{ kind = "Linear", scheme = "ckks" }}]"#, layer.repeat(6));
    let (recipe, network) = recipe("ckks_sgd", &[&layers], 64, 10);
    let error = planned(&recipe, &network, 0.7, None).err().unwrap();
    let PlanError::Refused { reason: Reason::Levels, needed, available, layer, .. } = &error else {
        panic!("{error}")
    };
    assert!(*needed > 11.0 && *available == 11.0 && *layer > 0, "{error}");
}

#[test]
fn a_plan_that_does_not_fit_in_memory_says_so() {
    let (recipe, network) = recipe("ckks_sgd", &["variant=mnist", "optimizer.batch_size=16384"], 784, 10);
    let error = planned(&recipe, &network, 0.9, None).err().unwrap();
    let PlanError::Refused { reason: Reason::Memory, needed, available, .. } = &error else {
        panic!("{error}")
    };
    assert!(needed > available && *available == 20.0, "{error}");
}
