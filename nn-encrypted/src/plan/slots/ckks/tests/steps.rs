//! Steps of client and server in small rings against the twin.

use ndarray::Array2;

use super::recipe;
use super::world::{World, apart, samples};
use crate::engine::EngineError;
use crate::recipe::Recipe;
use crate::roles::ServerError;
use crate::twin::{Twin, targets};

/// A recipe with settings, for data of a shape.
struct Case<'a> {
    name: &'a str,
    settings: &'a [&'a str],
    features: usize,
    outputs: usize,
}

impl Case<'_> {
    fn world(&self, log_n: u32) -> (World, Twin, Recipe) {
        let (recipe, network) = recipe(self.name, self.settings, self.features, self.outputs);
        let world = World::new(&recipe, &network, log_n);
        let twin = Twin::new(&recipe, &network, world.client.model().clone(), None).unwrap();
        (world, twin, recipe)
    }

    /// Two encrypted steps against the twin, the second on a shorter mini-batch, and a classification.
    fn check(&self, log_n: u32) {
        let (mut world, mut twin, recipe) = self.world(log_n);
        let (batch, start) = (recipe.optimizer.batch_size, world.client.model().clone());
        assert!(apart(&world.server_model(0), &start) < 1e-6);
        for (step, rows) in [batch, batch - batch / 4].into_iter().enumerate() {
            let (x, labels) = samples(rows, self.features, self.outputs);
            let y = aims(&recipe, &labels, self.outputs);
            world.train(step as u64, &x, &y).unwrap();
            twin.step(&x, &y).unwrap();
            let found = world.server_model(step as u64 + 1);
            let distance = apart(&found, twin.model());
            let moved = apart(twin.model(), &start);
            println!("after {}: {distance:.2e}, moved {moved:.2e}", step + 1);
            assert!(distance < 1e-5 && moved > 1e-3, "{distance} {moved}");
        }
        let (x, _) = samples(batch - 1, self.features, self.outputs);
        let apart = distance(&world.predict(9, &x), &twin.outputs(&x).unwrap());
        assert!(apart < 1e-4, "outputs {apart}");
    }
}

/// Targets as they are encrypted; of a series, where labels are no classes, these.
fn aims(recipe: &Recipe, labels: &[usize], outputs: usize) -> Array2<f64> {
    targets(recipe, labels, outputs).unwrap()
}

fn distance(a: &Array2<f64>, b: &Array2<f64>) -> f64 {
    (a - b).iter().fold(0.0, |most: f64, e| most.max(e.abs()))
}

#[test]
fn one_hidden_layer() {
    let all = ["optimizer.batch_size=12", "layers.1.out_features=6"];
    Case { name: "ckks_sgd", settings: &all, features: 10, outputs: 3 }.check(11);
}

#[test]
fn several_tiles_of_everything_and_a_cubic_with_all_terms() {
    let activation = |l: usize| {
        format!(
            r#"layers.{l}={{ kind = "Polynomial", coefficients = [0.1, 0.8, 0.125, -0.125], scheme = "ckks" }}"#
        )
    };
    let first = activation(2);
    let all = ["optimizer.batch_size=40", "layers.1.out_features=18", &first];
    Case { name: "ckks_sgd", settings: &all, features: 20, outputs: 5 }.check(11);
}

#[test]
fn two_hidden_layers() {
    let linear = |out| format!(r#"{{ kind = "Linear", out_features = {out}, scheme = "ckks" }}"#);
    let activation = |kind| format!(r#"{{ kind = "{kind}", scheme = "ckks" }}"#);
    let layers = [linear(9), activation("Square"), linear(5), activation("Quadratic"), linear(4)].join(", ");
    let all = ["optimizer.batch_size=24", &format!("layers=[{layers}]")];
    Case { name: "ckks_sgd", settings: &all, features: 12, outputs: 4 }.check(11);
}

#[test]
fn no_hidden_layer() {
    let layers = r#"layers=[{ kind = "Linear", scheme = "ckks" }]"#;
    let all = ["optimizer.batch_size=24", layers];
    Case { name: "ckks_sgd", settings: &all, features: 12, outputs: 3 }.check(11);
}

#[test]
fn cross_entropy_with_a_cubic() {
    let all = ["variant=cross_entropy", "optimizer.batch_size=12", "layers.1.out_features=6"];
    Case { name: "ckks_sgd", settings: &all, features: 10, outputs: 3 }.check(11);
}

#[test]
fn a_convolution_with_pooling() {
    let all = [
        "refresh.strategy=bootstrap",
        "refresh.backward=encrypted",
        "optimizer.batch_size=10",
        "layers.1.channels=2",
        "layers.1.kernel=5",
    ];
    Case { name: "onoufriou2021", settings: &all, features: 12, outputs: 1 }.check(11);
}

#[test]
fn a_client_takes_the_backward_pass() {
    let all = ["optimizer.batch_size=20"];
    let case = Case { name: "onoufriou2021", settings: &all, features: 12, outputs: 1 };
    let (mut world, mut twin, _) = case.world(12);
    let (x, _) = samples(20, 12, 1);
    let y = Array2::from_shape_fn((20, 1), |(row, _)| f64::from(row as u32 % 3) / 4.0);
    for step in 0..3 {
        world.train(step, &x, &y).unwrap();
        twin.step(&x, &y).unwrap();
        assert!(apart(world.client.model(), twin.model()) < 1e-6);
        assert!(apart(&world.server_model(step + 1), twin.model()) < 1e-6);
    }
    let error = world.client.output_error();
    assert!(error > 0.0 && error < 1e-5, "{error}");
    assert!(distance(&world.predict(7, &x), &twin.outputs(&x).unwrap()) < 1e-5);
}

#[test]
fn an_altered_weight_does_not_go_unseen() {
    let all = ["optimizer.batch_size=12", "layers.1.out_features=6"];
    let (mut world, mut twin, recipe) =
        Case { name: "ckks_sgd", settings: &all, features: 10, outputs: 3 }.world(11);
    let (x, labels) = samples(12, 10, 3);
    let y = aims(&recipe, &labels, 3);
    let mut model = world.client.model().clone();
    model.layers[0].weight[7] += 0.01;
    world.client.set_model(model);
    let altered = world.client.encrypt_model(0).unwrap();
    world.server.receive_model(0, altered).unwrap();
    world.train(0, &x, &y).unwrap();
    twin.step(&x, &y).unwrap();
    assert!(apart(&world.server_model(1), twin.model()) > 1e-3);
}

#[test]
fn a_step_that_is_stopped_changes_nothing() {
    let new = ["optimizer.batch_size=12", "layers.1.out_features=6"];
    let (recipe, network) = recipe("ckks_sgd", &new, 10, 3);
    let mut world = World::new(&recipe, &network, 10);
    let ((x, _), y) = (samples(12, 10, 3), Array2::from_elem((12, 3), 0.5));
    let before = world.server.model(0).unwrap();
    world.stop(true);
    assert!(matches!(world.train(0, &x, &y), Err(ServerError::Stopped)));
    assert!(world.server.model(0).unwrap() == before);
    world.stop(false);
    world.train(0, &x, &y).unwrap();
    assert!(world.server.model(0).unwrap() != before);
}

#[test]
fn a_damaged_ciphertext_of_a_mini_batch_is_found_when_it_comes() {
    let new = ["optimizer.batch_size=12", "layers.1.out_features=6"];
    let (recipe, network) = recipe("ckks_sgd", &new, 10, 3);
    let mut world = World::new(&recipe, &network, 10);
    let ((x, _), y) = (samples(12, 10, 3), Array2::from_elem((12, 3), 0.5));
    let model = world.server.model(0).unwrap();
    let sent = world.client.encrypt_batch(0, x.view(), y.view()).unwrap();
    // A ciphertext that was cut, in a message that is whole otherwise.
    let mut engine = world.engine();
    let parts = world.pieces(crate::program::Tensor::Features, &x);
    let short: Vec<_> =
        parts.iter().map(|part| part.iter().map(|p| p[..p.len() - 8].to_vec()).collect()).collect();
    let pieces =
        |parts: &[Vec<Vec<u8>>]| parts.iter().map(|p| crate::engine::Pieces::of(p)).collect::<Vec<_>>();
    let short: Vec<Vec<Vec<u8>>> = short;
    engine.receive(crate::program::Tensor::Weights, 0, pieces(&world.model_pieces())).unwrap();
    let error = engine.receive(crate::program::Tensor::Features, 12, pieces(&short)).unwrap_err();
    assert!(
        matches!(error, EngineError::Message { tensor: crate::program::Tensor::Features, .. }),
        "{error}"
    );
    assert!(engine.receive(crate::program::Tensor::Features, 12, pieces(&parts[..0])).is_err());
    assert!(engine.check(crate::program::Tensor::Weights, 0, &pieces(&parts)).is_err());
    // The server still has what it had.
    world.server.receive_batch(0, sent).unwrap();
    assert!(world.server.model(0).unwrap() == model);
}
