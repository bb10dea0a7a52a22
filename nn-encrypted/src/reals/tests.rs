//! Steps of client and server in small rings against the twin.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ndarray::Array2;

use super::*;
use crate::recipe::{AnyRecipe, RealRecipe};

/// A built-in recipe with settings.
fn recipe(name: &str, settings: &[&str]) -> RealRecipe {
    let settings: Vec<String> = settings.iter().map(|&s| s.to_owned()).collect();
    match AnyRecipe::load(name, &settings).unwrap() {
        AnyRecipe::Reals(recipe) => recipe,
        other => panic!("{} is of another kind", other.name()),
    }
}

/// Features within a half, and targets of one output each.
fn samples(rows: usize, features: usize, outputs: usize, recipe: &RealRecipe) -> (Array2<f64>, Array2<f64>) {
    let x = Array2::from_shape_fn((rows, features), |(i, k)| ((i * 37 + k * 101) % 64) as f64 / 64.0 - 0.5);
    let labels: Vec<usize> = (0..rows).map(|i| i * 7 % outputs).collect();
    (x, targets(recipe, &labels, outputs))
}

fn distance(a: &RealModel, b: &RealModel) -> f64 {
    let all = |m: &RealModel| -> Vec<f64> {
        let layers = m.layers.iter();
        let numbers = layers.flat_map(|l| [&l.weight, &l.bias, &l.weight_momentum, &l.bias_momentum]);
        numbers.flatten().copied().collect()
    };
    all(a).iter().zip(&all(b)).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

/// Client and server of a small ring.
struct World {
    recipe: RealRecipe,
    plan: Arc<RealPlan>,
    client: RealClient,
    server: RealServer,
    twin: RealTwin,
    sizes: (usize, usize),
}

impl World {
    fn new(recipe: RealRecipe, features: usize, outputs: usize, log_n: u32) -> Self {
        let network = recipe.network(features, outputs).unwrap();
        let start = RealModel::initial(&recipe, features, outputs).unwrap();
        let plan = Arc::new(RealPlan::insecure(&recipe, &network, &start, 0.5, log_n).unwrap());
        println!("{plan}");
        let client = RealClient::new(&plan).unwrap();
        let model = client.encrypt_model(0, &start).unwrap();
        let server = RealServer::new(&plan, &client.evaluation_keys().unwrap(), 0, &model).unwrap();
        let twin = RealTwin::new(&recipe, features, outputs, start).unwrap();
        Self { recipe, plan, client, server, twin, sizes: (features, outputs) }
    }

    fn model(&self) -> RealModel {
        self.client.decrypt_model(1, &self.server.model(1).unwrap()).unwrap()
    }

    /// A step on mini-batch `index` of so many rows, on both sides; how far they are apart then.
    fn step(&mut self, index: usize, rows: usize) -> f64 {
        let (x, y) = samples(rows, self.sizes.0, self.sizes.1, &self.recipe);
        let sent = self.client.encrypt_batch(index, x.view(), y.view()).unwrap();
        self.server.receive_batch(index, rows, sent).unwrap();
        self.server.train(index, &Arc::default()).unwrap();
        self.twin.step(&x, &y);
        distance(&self.model(), self.twin.model())
    }
}

/// Two encrypted steps against the twin, the second on a shorter mini-batch, and a classification.
fn check(recipe: RealRecipe, features: usize, outputs: usize, log_n: u32) {
    let (batch, start) =
        (recipe.optimizer.batch_size, RealModel::initial(&recipe, features, outputs).unwrap());
    let mut world = World::new(recipe, features, outputs, log_n);
    assert!(distance(&world.model(), &start) < 1e-6);
    for (index, rows) in [batch, batch - batch / 4].into_iter().enumerate() {
        let apart = world.step(index, rows);
        let moved = distance(world.twin.model(), &start);
        println!("after {}: {apart:.2e}, moved {moved:.2e}", index + 1);
        assert!(apart < 1e-5 && moved > 1e-3, "{apart} {moved}");
    }
    let (x, _) = samples(batch - 1, features, outputs, &world.recipe);
    let query = world.client.encrypt_query(9, x.view()).unwrap();
    let answer = world.server.predict(9, batch - 1, &query).unwrap();
    let found = world.client.read_outputs(9, batch - 1, &answer).unwrap();
    let apart = (&found - &world.twin.outputs(&x)).iter().fold(0.0, |most: f64, e| most.max(e.abs()));
    assert!(apart < 1e-4, "outputs {apart}");
}

#[test]
fn one_hidden_layer() {
    check(recipe("ckks_sgd", &["optimizer.batch_size=12", "layers.0.out_features=6"]), 10, 3, 11);
}

#[test]
fn several_tiles_of_everything_and_a_cubic_with_all_terms() {
    let activation =
        r#"layers.1={ kind = "Polynomial", coefficients = [0.1, 0.8, 0.125, -0.125], scheme = "ckks" }"#;
    let settings = ["optimizer.batch_size=40", "layers.0.out_features=18", activation];
    check(recipe("ckks_sgd", &settings), 20, 5, 11);
}

#[test]
fn two_hidden_layers() {
    let linear = |out| format!(r#"{{ kind = "Linear", out_features = {out}, scheme = "ckks" }}"#);
    let activation = |kind| format!(r#"{{ kind = "{kind}", scheme = "ckks" }}"#);
    let layers = [linear(9), activation("Square"), linear(5), activation("Quadratic"), linear(4)].join(", ");
    check(recipe("ckks_sgd", &["optimizer.batch_size=24", &format!("layers=[{layers}]")]), 12, 4, 11);
}

#[test]
fn no_hidden_layer() {
    let layers = r#"layers=[{ kind = "Linear", scheme = "ckks" }]"#;
    check(recipe("ckks_sgd", &["optimizer.batch_size=24", layers]), 12, 3, 11);
}

#[test]
fn cross_entropy_with_a_cubic() {
    let settings = ["variant=cross_entropy", "optimizer.batch_size=12", "layers.0.out_features=6"];
    check(recipe("ckks_sgd", &settings), 10, 3, 11);
}

#[test]
fn a_convolution_with_pooling() {
    let settings =
        ["backward=encrypted", "optimizer.batch_size=10", "layers.0.channels=2", "layers.0.kernel=5"];
    check(recipe("onoufriou2021", &settings), 12, 1, 11);
}

#[test]
fn a_client_takes_the_backward_pass() {
    let mut world = World::new(recipe("onoufriou2021", &["optimizer.batch_size=20"]), 12, 1, 12);
    let mut model = RealModel::initial(&world.recipe, 12, 1).unwrap();
    let (x, y) = samples(20, 12, 1, &world.recipe);
    for step in 0..3 {
        let sent = world.client.encrypt_batch(0, x.view(), y.view()).unwrap();
        assert_eq!(sent.len(), world.plan.shape.image_tiles(), "targets stay with the client");
        world.server.receive_batch(0, 20, sent).unwrap();
        let outputs = world.server.forward(0).unwrap();
        let outputs = world.client.read_outputs(0, 20, &outputs).unwrap();
        let passed = pass(&world.plan.shape, &model, &x, &outputs, &y);
        assert!(passed.output_error < 1e-5, "{}", passed.output_error);
        world.twin.step(&x, &y);
        assert!(distance(&passed.model, world.twin.model()) < 1e-6);
        model = passed.model;
        let next = world.client.encrypt_model(step + 1, &model).unwrap();
        world.server.receive_model(step + 1, &next).unwrap();
    }
}

#[test]
fn an_altered_coefficient_does_not_go_unseen() {
    let mut world =
        World::new(recipe("ckks_sgd", &["optimizer.batch_size=12", "layers.0.out_features=6"]), 10, 3, 11);
    assert!(world.step(0, 12) < 1e-5);
    // The server's own model, with another sealed in its place.
    let mut other = world.twin.model().clone();
    other.layers[0].weight[7] += 0.01;
    let altered = world.client.encrypt_model(1, &other).unwrap();
    world.server.receive_model(1, &altered).unwrap();
    assert!(world.step(1, 12) > 1e-3);
}

#[test]
fn messages_of_others_are_refused() {
    let settings = ["optimizer.batch_size=12", "layers.0.out_features=6"];
    let mut world = World::new(recipe("ckks_sgd", &settings), 10, 3, 10);
    let (x, y) = samples(12, 10, 3, &world.recipe);
    let sent = world.client.encrypt_batch(0, x.view(), y.view()).unwrap();
    let mut refused = |messages: Vec<Vec<u8>>| {
        let taken =
            world.server.receive_batch(0, 12, messages).and_then(|()| world.server.train(0, &Arc::default()));
        taken.unwrap_err().to_string()
    };
    let mut damaged = sent.clone();
    let middle = damaged[0].len() / 2;
    damaged[0][middle] ^= 1;
    assert!(refused(damaged).starts_with("mini-batch: "), "a bit");
    let mut short = sent.clone();
    short[0].truncate(100);
    assert!(refused(short).starts_with("mini-batch: "), "a part");
    let model = world.client.encrypt_model(0, &RealModel::initial(&world.recipe, 10, 3).unwrap()).unwrap();
    assert!(refused(vec![model.clone(); sent.len()]).starts_with("mini-batch: "), "another kind");
    let error = refused(world.client.encrypt_batch(1, x.view(), y.view()).unwrap());
    assert!(error.contains("expected 0 part 0"), "{error}");
    assert!(refused(sent[..1].to_vec()).contains("tile 0 of a mini-batch was not sent"), "no targets");
    assert!(matches!(world.server.train(5, &Arc::default()), Err(RealError::MissingBatch(5))));
    let error = world.server.receive_model(1, &model).unwrap_err().to_string();
    assert!(error.contains("0 part 0, expected 1 part 0"), "{error}");
    let stranger = World::new(recipe("ckks_sgd", &["optimizer.batch_size=10"]), 10, 3, 10);
    assert!(stranger.client.decrypt_model(0, &model).is_err());
}

#[test]
fn too_deep_networks_are_refused_by_the_part_that_is_too_deep() {
    let layer =
        r#"{ kind = "Linear", out_features = 8, scheme = "ckks" }, { kind = "Cubic", scheme = "ckks" }, "#;
    let layers = format!(r#"layers=[{}{{ kind = "Linear", scheme = "ckks" }}]"#, layer.repeat(6));
    let recipe = recipe("ckks_sgd", &[&layers]);
    let (network, like) = (recipe.network(64, 10).unwrap(), RealModel::initial(&recipe, 64, 10).unwrap());
    let error = RealPlan::new(&recipe, &network, &like, 0.7).err().unwrap().to_string();
    assert!(error.contains("levels between two bootstraps, at most 11 are possible at 128 bits"), "{error}");
}

#[test]
fn plans_of_the_recipes() {
    let plan = |name, settings: &[&str], features, outputs| {
        let recipe = recipe(name, settings);
        let network = recipe.network(features, outputs).unwrap();
        let like = RealModel::initial(&recipe, features, outputs).unwrap();
        RealPlan::new(&recipe, &network, &like, 0.7).unwrap()
    };
    let digits = plan("ckks_sgd", &[], 64, 10);
    assert_eq!((digits.levels, digits.bootstraps(), digits.params.rlwe().security_bits()), (9, 1, Some(128)));
    let smooth = plan("ckks_sgd", &["variant=cross_entropy"], 64, 10);
    assert!(smooth.levels <= 11 && smooth.bootstraps() == 2 && smooth.params.spec().scale_bits >= 41);
    let sparse = plan("ckks_sgd", &["parameters.secret=sparse"], 64, 10);
    assert_eq!(sparse.params.rlwe().security_bits(), Some(128));
    let mnist = plan("ckks_sgd", &["variant=mnist"], 784, 10);
    assert!(mnist.shape.geometry.compact.ciphertexts() == 4 && mnist.bootstraps() <= 6);
    // Networks and mini-batches that fill no ciphertext.
    let small = plan("ckks_sgd", &["variant=iris"], 4, 3);
    assert!(small.shape.image_tiles() == 1 && small.bootstraps() == 1);
    assert_eq!(plan("ckks_sgd", &["optimizer.batch_size=1"], 64, 10).shape.image_tiles(), 1);
    let milk = plan("onoufriou2021", &[], 12, 1);
    assert_eq!((milk.bootstraps(), milk.params.n()), (0, 16384));
}

#[test]
fn a_plan_that_does_not_fit_in_memory_says_so() {
    let settings = ["variant=mnist", "optimizer.batch_size=16384"];
    let recipe = recipe("ckks_sgd", &settings);
    let (network, like) = (recipe.network(784, 10).unwrap(), RealModel::initial(&recipe, 784, 10).unwrap());
    let error = RealPlan::new(&recipe, &network, &like, 0.9).err().unwrap().to_string();
    assert!(
        error.ends_with("GiB of memory, at most 20 are planned with: a smaller optimizer.batch_size"),
        "{error}"
    );
}

#[test]
fn a_step_that_is_stopped_changes_nothing() {
    let mut world =
        World::new(recipe("ckks_sgd", &["optimizer.batch_size=12", "layers.0.out_features=6"]), 10, 3, 10);
    let (x, y) = samples(12, 10, 3, &world.recipe);
    let sent = world.client.encrypt_batch(0, x.view(), y.view()).unwrap();
    world.server.receive_batch(0, 12, sent).unwrap();
    let (before, stop) = (world.server.model(0).unwrap(), Arc::new(AtomicBool::new(true)));
    assert!(matches!(world.server.train(0, &stop), Err(RealError::Stopped)));
    assert!(world.server.model(0).unwrap() == before);
    stop.store(false, Ordering::SeqCst);
    world.server.train(0, &stop).unwrap();
    assert!(world.server.model(0).unwrap() != before);
}

#[test]
fn models_come_back_from_slots() {
    let recipe = recipe("onoufriou2021", &[]);
    let model = RealModel::initial(&recipe, 12, 1).unwrap();
    let network = recipe.network(12, 1).unwrap();
    let plan = RealPlan::insecure(&recipe, &network, &model, 1.0, 12).unwrap();
    let packed = plan.shape.pack_model(&model);
    let (real, imaginary): (Vec<_>, Vec<_>) = packed.into_iter().unzip();
    assert!(distance(&plan.shape.unpack_model(&real, &imaginary, &model), &model) < 1e-15);
}
