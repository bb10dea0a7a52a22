//! Training in small rings, compared with the twin, bit for bit.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use ndarray::Array2;

use super::PlannedTables;
use crate::engine::{EngineError, streams};
use crate::model::Model;
use crate::network::Network;
use crate::plan::{Plan, PlanError, PlannedEngine, Reason};
use crate::program;
use crate::recipe::Recipe;
use crate::roles::{Client, LocalLink, Server, ServerError, Traffic};
use crate::twin::Twin;

/// The recipe with settings.
fn recipe(settings: &[&str]) -> Recipe {
    let settings: Vec<String> = settings.iter().map(ToString::to_string).collect();
    Recipe::load("glyph2020", &settings).unwrap()
}

/// 1/256 of summed gradients, as a learning rate of means over `batch`.
fn rate(batch: usize) -> String {
    format!("optimizer.learning_rate=\"{}/256\"", batch.next_power_of_two())
}

fn network(recipe: &Recipe, widths: &[usize]) -> Network {
    let network = Network::new(recipe, widths[0], None, widths[widths.len() - 1]).unwrap();
    assert_eq!(network.widths(), widths);
    network
}

/// A network of these widths with ReLU between layers, and Sigmoid last.
fn layers(scheme: &str, widths: &[usize]) -> String {
    let hidden = widths[1..widths.len() - 1].iter().map(|width| {
        format!("{{kind='Linear',out_features={width},scheme='{scheme}'}},{{kind='ReLU',scheme='tfhe'}},")
    });
    let hidden: String = hidden.collect();
    format!("layers=[{hidden}{{kind='Linear',scheme='{scheme}'}},{{kind='Sigmoid',scheme='tfhe'}}]")
}

fn plan(recipe: &Recipe, network: &Network) -> Result<Plan, PlanError> {
    Ok(Plan {
        network: network.clone(),
        optimizer: recipe.optimizer.clone(),
        program: program::lower::lower(recipe, network),
        engine_of: vec![0; network.depth()],
        engines: vec![Arc::new(PlannedTables::insecure(recipe, network)?)],
    })
}

struct World {
    client: Client,
    server: Server,
    twin: Twin,
    widths: Vec<usize>,
    step: u64,
}

impl World {
    fn new(recipe: &Recipe, widths: &[usize]) -> Self {
        let network = network(recipe, widths);
        let plan = Arc::new(plan(recipe, &network).unwrap());
        let grid = |l: usize| crate::numbers::weight_grid(recipe, &network.layers[l]);
        let model = Model::initial(&network, recipe.init_gain(), 3, grid);
        let client = Client::new(&plan, model.clone()).unwrap();
        let mut server = Server::new(&plan, &client.evaluation_keys().unwrap(), true).unwrap();
        server.receive_model(0, client.encrypt_model(0).unwrap()).unwrap();
        let reader = PlannedTables::insecure(recipe, &network).unwrap().shared.reader;
        let twin = Twin::new(recipe, &network, model, Some(reader)).unwrap();
        Self { client, server, twin, widths: widths.to_vec(), step: 0 }
    }

    /// Features and targets of a mini-batch.
    fn batch(&self, images: usize, number: usize) -> (Array2<f64>, Array2<f64>) {
        let x = |(image, k)| ((image * 7 + k * 5 + number * 3) % 9) as f64 / 8.0;
        let outputs = self.widths[self.widths.len() - 1];
        let hit = |(image, o)| f64::from(u8::from((image + number) % outputs == o));
        let x = Array2::from_shape_fn((images, self.widths[0]), x);
        (x, Array2::from_shape_fn((images, outputs), hit))
    }

    /// What lookups were by, as the client sees it afterwards.
    fn replay(&mut self) {
        let records = self.server.take_records();
        self.twin.replay(self.client.cipher(0).unwrap().open_records(&records[0]).unwrap());
    }

    /// A step of the server, and the same of the twin under replay.
    fn step(&mut self, images: usize) -> Model {
        let number = self.step as usize;
        let (x, targets) = self.batch(images, number);
        let sent = self.client.encrypt_batch(number, x.view(), targets.view()).unwrap();
        self.server.receive_batch(number, sent).unwrap();
        let mut traffic = Traffic::default();
        let mut link = LocalLink { client: &mut self.client, traffic: &mut traffic };
        self.server.train(self.step, number, &mut link, &Arc::default()).unwrap();
        assert_eq!(traffic.rounds, 0, "no client takes part");
        self.replay();
        self.twin.step(&x, &targets).unwrap();
        self.step += 1;
        let bytes = self.server.model(self.step).unwrap();
        self.client.decrypt_model(self.step, bytes).unwrap().clone()
    }

    /// Outputs of the server and of the twin.
    fn predict(&mut self, images: usize) -> (Array2<f64>, Array2<f64>) {
        let (x, _) = self.batch(images, 9);
        let query = self.client.encrypt_query(0, x.view()).unwrap();
        let mut traffic = Traffic::default();
        let mut link = LocalLink { client: &mut self.client, traffic: &mut traffic };
        let answer = self.server.predict(0, query, &mut link).unwrap();
        let found = self.client.read_outputs(answer).unwrap();
        self.replay();
        (found, self.twin.outputs(&x).unwrap())
    }
}

#[test]
fn plans_are_these() {
    for (variant, widths, lookups, refreshes) in
        [(None, &[64, 32, 16, 10][..], 6360, 6), (Some("variant=tiny"), &[4, 3], 24, 2)]
    {
        let settings: Vec<&str> = variant.into_iter().collect();
        let recipe = recipe(&settings);
        let plan = PlannedTables::new(&recipe, &network(&recipe, widths)).unwrap();
        assert_eq!((plan.lookups(), plan.refreshes()), (lookups, refreshes), "{variant:?}");
    }
}

#[test]
fn encrypted_training_equals_the_twin_under_replay() {
    for (widths, batch) in [(&[5, 4, 6, 3][..], 6), (&[9, 2], 5)] {
        let size = format!("optimizer.batch_size={batch}");
        let mut w = World::new(&recipe(&[&layers("bgv", widths), &size, &rate(batch)]), widths);
        for number in 0..3 {
            // The last mini-batch of an epoch is a smaller one.
            let found = w.step(batch - usize::from(number == 2));
            assert_eq!(&found, w.twin.model(), "step {number}");
        }
        assert_eq!(w.twin.out_of_range(), 0);
        let (found, expected) = w.predict(4);
        assert_eq!(found, expected);
    }
}

/// Three steps and a classification of the server, and of the twin under replay.
fn trains_as_the_twin(recipe: &Recipe, widths: &[usize]) {
    let mut w = World::new(recipe, widths);
    let first = w.client.model().clone();
    for number in 0..3 {
        let found = w.step(recipe.optimizer.batch_size - usize::from(number == 2));
        assert_eq!(&found, w.twin.model(), "step {number}");
    }
    assert!(difference(&first, w.twin.model()) > 1.0 / 64.0, "nothing moved");
    let (found, expected) = w.predict(4);
    assert_eq!(found, expected);
}

#[test]
fn any_function_is_looked_up_with_its_derivative() {
    let (size, rate) = ("optimizer.batch_size=5", "optimizer.learning_rate=1/2");
    for (hidden, output, loss) in [
        ("Sigmoid", "Sigmoid", "cross_entropy"),
        ("Tanh", "Sigmoid", "quadratic"),
        ("ReLU", "Sigmoid", "quadratic"),
        ("GELU", "Sigmoid", "cross_entropy"),
    ] {
        let layers = format!(
            "layers=[{{kind='Linear',out_features=4,scheme='bgv'}},{{kind='{hidden}',scheme='tfhe'}},{{kind='Linear',scheme='bgv'}},{{kind='{output}',scheme='tfhe'}}]"
        );
        let loss = format!("loss={loss}");
        // The derivative of GELU goes up to 1.13: its products with errors up to 2 leave the tables.
        let error = if hidden == "GELU" { "1" } else { "2" };
        let bounds = [&*format!("numbers.bounds.error={error}"), "numbers.bounds.output=1"];
        trains_as_the_twin(&recipe(&[&layers, &loss, size, rate, bounds[0], bounds[1]]), &[5, 4, 3]);
    }
}

#[test]
fn what_was_altered_or_stopped_changes_nothing() {
    let widths = [3, 2, 3, 2];
    let new = recipe(&["optimizer.batch_size=4", &layers("bgv", &widths), &rate(4)]);
    let mut w = World::new(&new, &widths);
    let before = w.server.model(0).unwrap();
    let (x, targets) = w.batch(4, 0);
    let sent = w.client.encrypt_batch(0, x.view(), targets.view()).unwrap();
    let mut altered = sent.clone();
    altered[sent.len() / 2] ^= 1;
    assert!(matches!(w.server.receive_batch(0, altered), Err(ServerError::Message(_))));
    let mut traffic = Traffic::default();
    let mut link = LocalLink { client: &mut w.client, traffic: &mut traffic };
    let stop = Arc::new(AtomicBool::new(true));
    assert!(matches!(w.server.train(0, 0, &mut link, &stop), Err(ServerError::MissingBatch(0))));
    assert!(w.server.receive_batch(1, sent.clone()).is_err(), "of another number");
    w.server.receive_batch(0, sent).unwrap();
    assert!(matches!(w.server.train(0, 0, &mut link, &stop), Err(ServerError::Stopped)));
    w.server.take_records();
    assert_eq!(w.server.model(0).unwrap(), before);
    // And the step that was stopped can be taken again.
    assert_eq!(&w.step(4), w.twin.model());
    let keys = w.client.evaluation_keys().unwrap();
    let planned = PlannedTables::insecure(&new, &network(&new, &widths)).unwrap();
    assert_eq!(planned.key_names().len(), keys[0].len());
    let few = planned.engine(streams(&keys[0][1..]), false).err().unwrap();
    assert!(matches!(few, EngineError::KeyCount { found: 6, needed: 7 }), "{few}");
    let mut swapped = keys[0].clone();
    swapped.swap(3, 4);
    let swapped = planned.engine(streams(&swapped), false).err().unwrap();
    assert!(
        matches!(&swapped, EngineError::Keys { what, .. } if what == "key from BGV to TFHE"),
        "{swapped}"
    );
}

/// The largest difference of two models.
fn difference(a: &Model, b: &Model) -> f64 {
    let layers = a.layers.iter().zip(&b.layers);
    let all = layers.flat_map(|(a, b)| {
        let weights = a.weight.iter().zip(&b.weight).chain(a.bias.iter().zip(&b.bias));
        weights.map(|(a, b)| (a - b).abs())
    });
    all.fold(0.0, f64::max)
}

#[test]
fn training_in_ckks_equals_the_twin_under_replay_but_for_errors() {
    // A mini-batch of the last in three ciphertexts of one layer, and in two of the other.
    for (widths, batch) in [(&[4, 3][..], 6), (&[4, 5, 3], 6), (&[4, 30, 8], 10)] {
        let size = format!("optimizer.batch_size={batch}");
        let mut w = World::new(&recipe(&[&layers("ckks", widths), &size, &rate(batch)]), widths);
        let start = w.client.model().clone();
        let mut worst = 0f64;
        for number in 0..2 {
            let found = w.step(batch - number);
            worst = worst.max(difference(&found, w.twin.model()));
        }
        let moved = difference(&start, w.twin.model());
        println!("{widths:?}: moved {moved}, error 2^{:.2}", worst.log2());
        // A thirtieth of what two steps change, and less.
        assert!(worst < 1.0 / 4096.0 && moved > 30.0 * worst, "{worst} of {moved}");
        let (found, expected) = w.predict(4);
        let off = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        println!("{widths:?}: outputs 2^{:.2}", off.log2());
        assert!(off < 1.0 / 256.0, "{off}");
    }
}

#[test]
fn layers_that_cannot_be_are_refused_by_number() {
    let words = |schemes: [&str; 4]| {
        let [a, b, c, d] = schemes;
        format!(
            "layers=[{{kind='Linear',out_features=3,scheme='{a}'}},{{kind='ReLU',scheme='{b}'}},{{kind='Linear',scheme='{c}'}},{{kind='Sigmoid',scheme='{d}'}}]"
        )
    };
    let refusal = |settings: &[&str], widths: &[usize]| {
        let recipe = recipe(settings);
        let network = network(&recipe, widths);
        match PlannedTables::insecure(&recipe, &network).err() {
            Some(PlanError::Refused { layer, kind, reason, needed, available, .. }) => {
                (layer, kind, reason, needed, available)
            }
            other => panic!("{settings:?}: {:?}", other.map(|error| error.to_string())),
        }
    };
    let small = ["optimizer.batch_size=4", &rate(4)];
    let found = |schemes, rest: &[&str]| {
        let layers = words(schemes);
        let settings: Vec<&str> = [&layers[..]].iter().chain(&small).chain(rest).copied().collect();
        let (layer, kind, reason, needed, available) = refusal(&settings, &[4, 3, 2]);
        (layer, kind, reason, (needed * 1000.0).round() / 1000.0, (available * 1000.0).round() / 1000.0)
    };
    let tables = ["bgv", "tfhe", "bgv", "tfhe"];
    let ok = recipe(&[&words(tables), small[0], small[1]]);
    assert!(PlannedTables::insecure(&ok, &network(&ok, &[4, 3, 2])).is_ok());
    let (relu, sigmoid) = ("ReLU".to_owned(), "Sigmoid".to_owned());
    // The default fit of ReLU is of degree 2: three products one after another, and 12 values that two outputs take twice.
    assert_eq!(found(["bgv", "ckks", "bgv", "tfhe"], &[]), (2, relu.clone(), Reason::Layout, 24.0, 12.0));
    assert_eq!(found(["bgv", "tfhe", "bgv", "bgv"], &[]), (4, sigmoid.clone(), Reason::Levels, 4.0, 3.0));
    assert_eq!(
        found(["bgv", "tfhe", "ckks", "tfhe"], &[]),
        (3, "Linear".to_owned(), Reason::Layout, 2.0, 1.0)
    );
    assert_eq!(found(tables, &["numbers.plaintext_bits=22"]), (4, sigmoid, Reason::Range, 32.0, 2.0));
    // Nothing rounds the bit that half of the momentum adds to 3 + 5 + 8 bits of weights.
    let momentum = found(tables, &["optimizer.momentum=1/2"]);
    assert_eq!(momentum, (3, "Linear".to_owned(), Reason::Range, 17.0, 16.0));
    // Weights and momentum are two of the tensors; with a client also two sums and an error.
    for (strategy, tensors) in [("bootstrap", 2.0), ("client", 5.0)] {
        let other = found(tables, &[&format!("refresh.strategy={strategy}")]);
        assert_eq!(other, (2, relu.clone(), Reason::Layout, tensors, 0.0));
    }
    let tanh = words(tables).replace("ReLU", "Tanh");
    let large = refusal(&[&tanh, small[0], small[1]], &[4, 3, 2]);
    assert_eq!(large, (2, "Tanh".to_owned(), Reason::Range, 4.0, 2.0));
    assert_eq!(found(tables, &["numbers.bounds.error=9"]), (2, relu, Reason::Range, 9.0, 4.0));
    let wide = refusal(&[&layers("ckks", &[60, 30, 3]), small[0], small[1]], &[60, 30, 3]);
    assert_eq!(wide, (1, "Linear".to_owned(), Reason::Layout, 2048.0, 1024.0));
    let wide = refusal(&[&layers("bgv", &[4, 2000, 3]), small[0], small[1]], &[4, 2000, 3]);
    assert_eq!(wide, (1, "Linear".to_owned(), Reason::Layout, 2000.0, 1024.0));
}
