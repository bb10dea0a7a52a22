//! Training in small rings, compared with the twin, bit for bit and with nothing to replay.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use ndarray::Array2;

use super::*;
use crate::model::Model;
use crate::plan::Plan;
use crate::program;
use crate::roles::{Client, LocalLink, Server, Traffic};
use crate::twin::Twin;

/// A recipe with settings, and its network of these widths.
fn recipe(name: &str, settings: &[&str], widths: &[usize]) -> (Recipe, Network) {
    let settings: Vec<String> = settings.iter().map(ToString::to_string).collect();
    let recipe = Recipe::load(name, &settings).unwrap();
    let network = Network::new(&recipe, widths[0], None, widths[widths.len() - 1]).unwrap();
    assert_eq!(network.widths(), widths);
    (recipe, network)
}

fn planned(recipe: &Recipe, network: &Network) -> Result<PlannedSlotTables> {
    PlannedSlotTables::with_security(recipe, network, Security::InsecureSmall("a test of training"))
}

struct World {
    client: Client,
    server: Server,
    twin: Twin,
    outputs: usize,
    step: u64,
}

impl World {
    fn new(recipe: &Recipe, network: &Network, engine: Arc<dyn PlannedEngine>) -> Self {
        let plan = Arc::new(Plan {
            network: network.clone(),
            optimizer: recipe.optimizer.clone(),
            program: program::lower::lower(recipe, network),
            engine_of: vec![0; network.depth()],
            engines: vec![engine],
        });
        let model = first(recipe, network);
        let client = Client::new(&plan, model.clone()).unwrap();
        let mut server = Server::new(&plan, &client.evaluation_keys().unwrap(), true).unwrap();
        server.receive_model(0, client.encrypt_model(0).unwrap()).unwrap();
        let twin = Twin::new(recipe, network, model, None).unwrap();
        let outputs = network.widths()[network.depth()];
        Self { client, server, twin, outputs, step: 0 }
    }

    /// Weights of the server and of the twin after a step.
    fn step(&mut self, images: usize) -> (Model, Model) {
        let number = self.step as usize;
        let (x, y) = batch(&self.client, images, self.outputs, number);
        let sent = self.client.encrypt_batch(number, x.view(), y.view()).unwrap();
        self.server.receive_batch(number, sent).unwrap();
        let mut traffic = Traffic::default();
        let mut link = LocalLink { client: &mut self.client, traffic: &mut traffic };
        let stop = Arc::new(AtomicBool::new(false));
        self.server.train(self.step, number, &mut link, &stop).unwrap();
        assert_eq!((traffic.rounds, self.server.take_records().iter().map(Vec::len).sum::<usize>()), (0, 0));
        self.twin.step(&x, &y).unwrap();
        self.step += 1;
        let bytes = self.server.model(self.step).unwrap();
        (self.client.decrypt_model(self.step, bytes).unwrap().clone(), self.twin.model().clone())
    }

    /// Outputs of the server and of the twin.
    fn predict(&mut self, images: usize) -> (Array2<f64>, Array2<f64>) {
        let (x, _) = batch(&self.client, images, self.outputs, 9);
        let query = self.client.encrypt_query(0, x.view()).unwrap();
        let mut traffic = Traffic::default();
        let mut link = LocalLink { client: &mut self.client, traffic: &mut traffic };
        let answer = self.server.predict(0, query, &mut link).unwrap();
        (self.client.read_outputs(answer).unwrap(), self.twin.outputs(&x).unwrap())
    }
}

fn first(recipe: &Recipe, network: &Network) -> Model {
    let grid = |l: usize| crate::numbers::weight_grid(recipe, &network.layers[l]);
    Model::initial(network, recipe.init_gain(), 3, grid)
}

/// Features and targets of a mini-batch.
fn batch(client: &Client, images: usize, outputs: usize, number: usize) -> (Array2<f64>, Array2<f64>) {
    let inputs = client.model().layers[0].shape[0];
    let x = |(image, k)| ((image * 7 + k * 5 + number * 3) % 9) as f64 / 8.0;
    let hit = |(image, o)| f64::from(u8::from((image + number) % outputs == o));
    (Array2::from_shape_fn((images, inputs), x), Array2::from_shape_fn((images, outputs), hit))
}

/// Two steps, the second of a smaller mini-batch, and a classification, as the twin.
fn trains_as_the_twin(recipe: &Recipe, network: &Network) {
    let mut world = World::new(recipe, network, Arc::new(planned(recipe, network).unwrap()));
    let (mut before, size) = (first(recipe, network), recipe.optimizer.batch_size);
    for images in [size, size - 1] {
        let (found, expected) = world.step(images);
        assert_eq!(found, expected, "{images} images");
        assert!(found != before, "nothing moved");
        before = found;
    }
    assert_eq!(world.twin.out_of_range(), 0);
    let (found, expected) = world.predict(3);
    assert_eq!(found, expected);
    let failure = world.server.usage()[0].failure;
    assert!(failure > 0.0 && failure.log2() < -30.0, "2^{:.1}", failure.log2());
}

const SMALL: &str = "optimizer.batch_size=5";

/// A hidden layer, and the scheme of activations.
fn layers(hidden: &str, width: usize, scheme: &str) -> String {
    format!(
        "layers=[{{kind='Linear',out_features={width},scheme='bgv'}},{{kind='{hidden}',scheme='{scheme}'}},{{kind='Linear',scheme='bgv'}},{{kind='Sigmoid',scheme='{scheme}'}}]"
    )
}

#[test]
fn an_encrypted_step_of_nandakumar2019_equals_the_twin_bit_for_bit() {
    // The same factor of summed gradients as for mini-batches of 60.
    let rate = "optimizer.learning_rate=1/2";
    let settings = [SMALL, rate, "layers.1.out_features=6", "layers.3.out_features=4"];
    let (recipe, network) = recipe("nandakumar2019", &settings, &[5, 6, 4, 3]);
    trains_as_the_twin(&recipe, &network);
}

#[test]
fn relu_has_a_mask_and_one_word_swaps_the_tables_of_glyph2020() {
    for (hidden, width) in [("ReLU", 9), ("Tanh", 2)] {
        let layers = layers(hidden, width, "tables");
        let (recipe, network) =
            recipe("glyph2020", &[SMALL, "optimizer.learning_rate=1/32", &layers], &[4, width, 3]);
        trains_as_the_twin(&recipe, &network);
    }
}

/// A plan whose server has a wrong entry in the table of the first activation.
struct Wrong {
    planned: PlannedSlotTables,
    entry: i64,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.planned.fmt(f)
    }
}

impl PlannedEngine for Wrong {
    fn encode(&self, out: &mut Writer) {
        self.planned.encode(out);
    }

    fn key_names(&self) -> Vec<String> {
        self.planned.key_names()
    }

    fn sent(&self, tensor: Tensor, rows: usize) -> WireSize {
        self.planned.sent(tensor, rows)
    }

    fn generate(&self) -> Result<Box<dyn Cipher>, CipherError> {
        self.planned.generate()
    }

    fn with_secret(&self, keys: &[Zeroizing<Vec<u8>>]) -> Result<Box<dyn Cipher>, CipherError> {
        self.planned.with_secret(keys)
    }

    fn engine(&self, keys: Vec<KeyStream<'_>>, _: bool) -> Result<Box<dyn Engine>, EngineError> {
        let mut values = self.planned.values();
        values.hidden[0].value[self.entry.rem_euclid(256) as usize] += 1;
        self.planned.engine_with(keys, &values)
    }

    fn key_bytes(&self) -> Result<Vec<usize>> {
        self.planned.key_bytes()
    }

    fn work(&self) -> Workload {
        self.planned.work()
    }

    fn schemes(&self) -> Vec<SchemeUse> {
        self.planned.schemes()
    }
}

#[test]
fn one_wrong_entry_of_a_table_is_found() {
    let (recipe, network) = recipe(
        "nandakumar2019",
        &[SMALL, "optimizer.learning_rate=1/2", &layers("Sigmoid", 3, "tables")],
        &[4, 3, 2],
    );
    let planned = planned(&recipe, &network).unwrap();
    // The entry that the first image reads for the first output.
    let model = first(&recipe, &network);
    let x = |k: usize| ((k * 5) % 9) as f64 / 8.0;
    let z = model.layers[0].bias[0] + (0..4).map(|k| x(k) * model.layers[0].weight[3 * k]).sum::<f64>();
    let sum = z * f64::from(planned.numbers.sum_bits()).exp2();
    assert_eq!(sum.fract(), 0.0);
    let entry = planned.numbers.index(Looked::Preactivation).of(sum as i64);
    for (entry, same) in [(entry, false), (entry - 100, true)] {
        let planned = self::planned(&recipe, &network).unwrap();
        let mut world = World::new(&recipe, &network, Arc::new(Wrong { planned, entry }));
        let (found, expected) = world.step(5);
        assert_eq!(found == expected, same, "entry {entry}");
    }
}

#[test]
fn what_tables_over_slots_do_not_take_is_refused_by_number() {
    let found = |name: &str, settings: &[&str], widths: &[usize]| {
        let (recipe, network) = recipe(name, settings, widths);
        match planned(&recipe, &network).err() {
            Some(PlanError::Refused { layer, reason, needed, available, .. }) => {
                (layer, reason, needed, available)
            }
            other => panic!("{settings:?}: {:?}", other.map(|error| error.to_string())),
        }
    };
    let mixed = layers("ReLU", 3, "tables").replacen("'tables'", "'tfhe'", 1);
    assert_eq!(
        found("nandakumar2019", &[SMALL, "optimizer.learning_rate=1/2", &mixed], &[4, 3, 2]),
        (2, Reason::Layout, 1.0, 0.0)
    );
    let ckks = layers("ReLU", 3, "tables").replace("'bgv'", "'ckks'");
    assert_eq!(
        found("nandakumar2019", &[SMALL, "optimizer.learning_rate=1/2", &ckks], &[4, 3, 2]),
        (1, Reason::Layout, 1.0, 0.0)
    );
    let wide = layers("ReLU", 513, "tables");
    assert_eq!(
        found("nandakumar2019", &[SMALL, "optimizer.learning_rate=1/2", &wide], &[4, 513, 2]),
        (1, Reason::Layout, 513.0, 512.0)
    );
    // A bit is left to the target.
    let small = ["numbers.plaintext_bits=25", "optimizer.learning_rate=1/2", SMALL];
    let settings = ["layers.1.out_features=6", "layers.3.out_features=4", small[0], small[1], small[2]];
    assert_eq!(found("nandakumar2019", &settings, &[5, 6, 4, 3]), (6, Reason::Range, 16.0, 8.0));
    let (recipe, network) = recipe(
        "glyph2020",
        &[SMALL, "optimizer.learning_rate=1/32", "target_smoothing=0.125", &layers("ReLU", 3, "tables")],
        &[4, 3, 2],
    );
    let smoothed = planned(&recipe, &network).err().unwrap().to_string();
    assert!(smoothed.contains("target_smoothing"), "{smoothed}");
}

#[test]
fn plans_are_at_128_bits() {
    for (settings, widths, tables) in
        [(&[][..], &[64, 32, 16, 10][..], 19), (&["variant=mnist"], &[784, 128, 32, 10], 19)]
    {
        let (recipe, network) = recipe("nandakumar2019", settings, widths);
        let planned = PlannedSlotTables::with_security(&recipe, &network, Security::Standard).unwrap();
        assert_eq!(planned.bootstraps()[0], tables);
        assert!(planned.schemes().iter().all(|scheme| scheme.security_bits == Some(128)));
    }
}
