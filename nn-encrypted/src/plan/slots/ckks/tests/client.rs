//! Steps that the client refreshes, and layers that are matrices, in small rings against the twin.

use super::world::{World, apart, samples};
use super::{planned, recipe, settings};
use crate::network::Network;
use crate::program::Tensor;
use crate::recipe::Recipe;
use crate::twin::{Twin, targets};

/// Steps against the twin, the last on a shorter mini-batch, and a classification; the world after them.
fn check(recipe: &Recipe, network: &Network, log_n: u32, steps: u64) -> (World, Twin) {
    let mut world = World::new(recipe, network, log_n);
    let start = world.client.model().clone();
    let mut twin = Twin::new(recipe, network, start.clone(), None).unwrap();
    assert!(apart(&world.server_model(0), &start) < 1e-6);
    let widths = network.widths();
    let (features, outputs, batch) = (widths[0], widths[widths.len() - 1], recipe.optimizer.batch_size);
    for step in 0..steps {
        let rows = if step + 1 == steps { batch - batch / 4 } else { batch };
        let (x, labels) = samples(rows, features, outputs);
        let y = targets(recipe, &labels, outputs).unwrap();
        world.train(step, &x, &y).unwrap();
        twin.step(&x, &y).unwrap();
        let distance = apart(&world.server_model(step + 1), twin.model());
        let moved = apart(twin.model(), &start);
        println!("after {}: {distance:.2e}, moved {moved:.2e}", step + 1);
        assert!(distance < 1e-5 && moved > 1e-3, "{distance} {moved}");
    }
    let (x, _) = samples(batch - 1, features, outputs);
    let found = world.predict(9, &x);
    let expected = twin.outputs(&x).unwrap();
    let error = (&found - &expected).iter().fold(0.0, |most: f64, e| most.max(e.abs()));
    assert!(error < 1e-4, "outputs {error}");
    (world, twin)
}

/// The network of hesamifard2017 in `ckks`, smaller.
pub(super) const CKKS: [&str; 9] = [
    "layers.1.scheme=ckks",
    "layers.2.scheme=ckks",
    "layers.3.scheme=ckks",
    "layers.4.scheme=ckks",
    "layers.5.scheme=ckks",
    "layers.1.out_features=6",
    "layers.3.out_features=5",
    "optimizer.batch_size=12",
    "data.test=360",
];

#[test]
fn the_client_refreshes_real_numbers() {
    let (recipe, network) = recipe("hesamifard2017", &CKKS, 10, 3);
    let (world, twin) = check(&recipe, &network, 11, 3);
    // Two pre-activations, outputs, two errors, and the model, three times; of a classification two pre-activations.
    assert_eq!(world.traffic.rounds, 3 * 6 + 2);
    assert_eq!((world.client.counts().saturations, world.client.counts().out_of_bounds), (0, 0));
    assert_eq!(twin.out_of_range(), 0);
}

#[test]
fn a_tensor_is_sent_over_as_many_primes_as_its_bound_needs() {
    // A prime has 8 bits above the scale, of which a sign and errors take one and a half: room up to 2^6.5.
    for (bound, primes) in [(90.0, 1), (91.0, 2), (1024.0, 2)] {
        let bounds = format!(
            "numbers.bounds={{ preactivation = {bound:?}, output = {bound:?}, error = 1.0, weight = 1.0, momentum = 1.0 }}"
        );
        let (recipe, network) = recipe("hesamifard2017", &[&CKKS[..], &[&bounds]].concat(), 10, 3);
        let plan = planned(&recipe, &network, 0.5, Some(11)).unwrap();
        // Ten features of at most 1/2, and weights of at most 1: the first sums are small whatever is allowed.
        let sums = [0, 1, 2].map(Tensor::Sum);
        assert_eq!(sums.map(|sum| plan.agreement().primes_sent(sum)), [1, primes, primes], "{bound}");
        // Errors are multiplied with derivatives as large as pre-activations.
        assert_eq!(plan.agreement().primes_sent(Tensor::RawError(0)), primes, "{bound}");
        assert_eq!(plan.agreement().primes_sent(Tensor::NewWeights), 1);
        let largest = plan.proven().into_iter().find(|(tensor, _)| *tensor == sums[1]).unwrap().1;
        assert_eq!(largest, if primes == 1 { 128.0 } else { 140_737_488_355_328.0 });
        let (world, _) = check(&recipe, &network, 11, 2);
        assert_eq!(world.client.counts().out_of_bounds, 0);
    }
}

#[test]
fn outputs_without_a_refresh_are_sent_over_as_many_primes_as_their_bound_needs() {
    let all = ["optimizer.batch_size=20", "numbers.bounds.output=200"];
    let (recipe, network) = recipe("onoufriou2021", &all, 12, 1);
    let plan = planned(&recipe, &network, 0.5, Some(12)).unwrap();
    assert_eq!(plan.agreement().primes_sent(Tensor::Sum(1)), 2);
    let mut world = World::new(&recipe, &network, 12);
    let mut twin = Twin::new(&recipe, &network, world.client.model().clone(), None).unwrap();
    let (x, _) = samples(20, 12, 1);
    let y = ndarray::Array2::from_elem((20, 1), 0.5);
    world.train(0, &x, &y).unwrap();
    twin.step(&x, &y).unwrap();
    assert!(apart(world.client.model(), twin.model()) < 1e-6);
    let found = world.predict(1, &x) - twin.outputs(&x).unwrap();
    assert!(found.iter().all(|error| error.abs() < 1e-5));
}

#[test]
fn the_client_saturates_and_counts() {
    let bounds =
        "numbers.bounds={ preactivation = 0.3, output = 0.2, error = 0.25, weight = 0.6, momentum = 1.0 }";
    let all = [&CKKS[..], &[bounds]].concat();
    let (recipe, network) = recipe("hesamifard2017", &all, 10, 3);
    let (world, twin) = check(&recipe, &network, 11, 2);
    assert!(world.client.counts().saturations > 10, "{:?}", world.client.counts());
    assert_eq!(world.client.counts().out_of_bounds, 0);
    assert!(twin.out_of_range() > 0);
}

#[test]
fn tensors_without_a_refresh_are_spread_by_the_server() {
    let tensors = r#"refresh.tensors=["weight", "momentum"]"#;
    let all = [&CKKS[..], &[tensors]].concat();
    let (recipe, network) = recipe("hesamifard2017", &all, 10, 3);
    let (world, _) = check(&recipe, &network, 11, 2);
    assert_eq!(world.traffic.rounds, 2);
}

/// A network for images of 6 x 6: a convolution, squares, means, and 3 outputs.
fn images(rest: &[&str]) -> (Recipe, Network) {
    let layers = r#"layers=[
        { kind = "Conv2d", channels = 2, kernel = 3, scheme = "ckks" }, { kind = "Square", scheme = "ckks" },
        { kind = "AvgPool2d", kernel = 2, scheme = "ckks" }, { kind = "Linear", scheme = "ckks" }]"#
        .replace('\n', " ");
    let all = [&[&*layers, "optimizer.batch_size=8"], rest].concat();
    let recipe = Recipe::load("ckks_sgd", &settings(&all)).unwrap();
    let network = Network::new(&recipe, 36, Some([6, 6]), 3).unwrap();
    assert_eq!(network.layers[0].shape(), [2, 1, 3, 3]);
    (recipe, network)
}

#[test]
fn a_convolution_of_images_with_a_client() {
    let (recipe, network) = images(&["refresh.strategy=client", "numbers.bounds.momentum=0.5"]);
    let (world, _) = check(&recipe, &network, 13, 2);
    // Shared weights are equal in all their entries: gradients were summed over these.
    assert!(world.client.counts().saturations == 0);
}

#[test]
fn a_convolution_of_images_with_bootstrapping() {
    let (recipe, network) = images(&[]);
    check(&recipe, &network, 13, 2);
}

#[test]
fn a_convolution_and_means_before_dense_layers() {
    for rest in [&["refresh.strategy=client", "numbers.bounds.momentum=0.5"][..], &[]] {
        let small =
            ["variant=cnn", "layers.1.channels=2", "layers.4.out_features=4", "optimizer.batch_size=8"];
        let recipe = Recipe::load("ckks_sgd", &settings(&[&small, rest].concat())).unwrap();
        let network = Network::new(&recipe, 36, Some([6, 6]), 3).unwrap();
        assert_eq!(network.widths(), [36, 32, 4, 3]);
        check(&recipe, &network, 13, 3);
    }
}

#[test]
fn a_sigmoid_behind_the_outputs_with_quadratic_loss() {
    let layers = r#"layers=[{ kind = "Linear", out_features = 6, scheme = "ckks" }, { kind = "Square", scheme = "ckks" }, { kind = "Linear", scheme = "ckks" }, { kind = "Sigmoid", scheme = "ckks", polynomial = { degree = 3, interval = [-4.0, 4.0] } }]"#;
    for strategy in ["refresh.strategy=client", "refresh.strategy=bootstrap"] {
        let (recipe, network) = recipe("ckks_sgd", &[layers, "optimizer.batch_size=12", strategy], 10, 3);
        check(&recipe, &network, 11, 2);
    }
}

#[test]
fn an_activation_of_degree_five_and_even_terms_behind_the_outputs() {
    let layers = r#"layers=[{ kind = "Linear", out_features = 6, scheme = "ckks" }, { kind = "Tanh", scheme = "ckks", polynomial = { degree = 5, interval = [-3.0, 3.0] } }, { kind = "Linear", scheme = "ckks" }, { kind = "Sigmoid", scheme = "ckks", polynomial = { degree = 4, interval = [-2.0, 5.0] } }]"#;
    for loss in ["loss=quadratic", "loss=cross_entropy"] {
        let all = [layers, "optimizer.batch_size=12", "refresh.strategy=client", loss];
        let (recipe, network) = recipe("ckks_sgd", &all, 10, 3);
        check(&recipe, &network, 11, 2);
    }
}

#[test]
fn gelu_by_a_polynomial_with_a_client_and_with_bootstrapping() {
    for degree in [2, 4] {
        let gelu = format!(
            r#"layers.2={{ kind = "GELU", scheme = "ckks", polynomial = {{ degree = {degree}, interval = [-3.0, 3.0] }} }}"#
        );
        for strategy in ["refresh.strategy=client", "refresh.strategy=bootstrap"] {
            let all = [&gelu, "layers.1.out_features=6", "optimizer.batch_size=12", strategy];
            let (recipe, network) = recipe("ckks_sgd", &all, 10, 3);
            check(&recipe, &network, 11, 2);
        }
    }
}
