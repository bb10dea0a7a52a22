//! Client and server of a small ring.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ndarray::Array2;

use super::planned;
use crate::engine::Engine;
use crate::model::{Grid, Model};
use crate::network::Network;
use crate::plan::{Plan, PlannedEngine};
use crate::program::{Tensor, lower_with};
use crate::recipe::Recipe;
use crate::roles::cipher::Plain;
use crate::roles::{Client, LocalLink, Server, ServerError, Traffic};

/// Client and server of a plan.
pub(super) struct World {
    pub(super) plan: Arc<Plan>,
    pub(super) client: Client,
    pub(super) server: Server,
    pub(super) traffic: Traffic,
    stop: Arc<AtomicBool>,
}

/// Features within a half, and labels.
pub(super) fn samples(rows: usize, features: usize, outputs: usize) -> (Array2<f64>, Vec<usize>) {
    let x = Array2::from_shape_fn((rows, features), |(i, k)| ((i * 37 + k * 101) % 64) as f64 / 64.0 - 0.5);
    (x, (0..rows).map(|i| i * 7 % outputs).collect())
}

/// The largest distance of two numbers of two models.
pub(super) fn apart(a: &Model, b: &Model) -> f64 {
    let all = |m: &Model| -> Vec<f64> {
        let numbers =
            m.layers.iter().flat_map(|l| [&l.weight, &l.bias, &l.weight_momentum, &l.bias_momentum]);
        numbers.flatten().copied().collect()
    };
    let (a, b) = (all(a), all(b));
    assert_eq!(a.len(), b.len());
    let distances = a.iter().zip(&b).map(|(a, b)| (a - b).abs());
    distances.fold(0.0, |most, d| if d.is_nan() { f64::INFINITY } else { f64::max(most, d) })
}

/// The weights to start from.
pub(super) fn start(recipe: &Recipe, network: &Network) -> Model {
    let grid = Grid { bits: None, bound: recipe.numbers.bounds.weight };
    Model::initial(network, recipe.init_gain(), recipe.seed, |_| grid)
}

/// A plan of one engine.
pub(super) fn plan_of(
    recipe: &Recipe,
    network: &Network,
    engine: Arc<dyn PlannedEngine>,
    bootstrapped: &BTreeSet<Tensor>,
) -> Plan {
    Plan {
        network: network.clone(),
        optimizer: recipe.optimizer.clone(),
        program: lower_with(recipe, network, bootstrapped),
        engines: vec![engine],
        engine_of: vec![0; network.depth()],
    }
}

impl World {
    pub(super) fn new(recipe: &Recipe, network: &Network, log_n: u32) -> Self {
        let planned = planned(recipe, network, 0.5, Some(log_n)).unwrap();
        println!("{planned}");
        let (bootstrapped, proven) = (planned.bootstrapped().clone(), planned.proven());
        let mut plan = plan_of(recipe, network, Arc::new(planned), &bootstrapped);
        proven.into_iter().for_each(|(tensor, bound)| plan.program.prove(tensor, bound));
        Self::of(Arc::new(plan), start(recipe, network))
    }

    pub(super) fn of(plan: Arc<Plan>, start: Model) -> Self {
        let client = Client::new(&plan, start).unwrap();
        let mut server = Server::new(&plan, &client.evaluation_keys().unwrap(), false).unwrap();
        server.receive_model(0, client.encrypt_model(0).unwrap()).unwrap();
        Self { plan, client, server, traffic: Traffic::default(), stop: Arc::default() }
    }

    /// Whether steps are to stop.
    pub(super) fn stop(&self, stop: bool) {
        self.stop.store(stop, Ordering::SeqCst);
    }

    /// A training step.
    pub(super) fn train(&mut self, step: u64, x: &Array2<f64>, y: &Array2<f64>) -> Result<(), ServerError> {
        let sent = self.client.encrypt_batch(0, x.view(), y.view()).unwrap();
        self.server.receive_batch(0, sent)?;
        self.client.begin(step, x.view(), y.view()).unwrap();
        let mut link = LocalLink { client: &mut self.client, traffic: &mut self.traffic };
        self.server.train(step, 0, &mut link, &self.stop)
    }

    /// The model that the server holds after so many steps, decrypted.
    pub(super) fn server_model(&mut self, step: u64) -> Model {
        let bytes = self.server.model(step).unwrap();
        self.client.decrypt_model(step, bytes).unwrap().clone()
    }

    /// The outputs for some images.
    pub(super) fn predict(&mut self, number: u64, x: &Array2<f64>) -> Array2<f64> {
        let query = self.client.encrypt_query(number, x.view()).unwrap();
        let mut link = LocalLink { client: &mut self.client, traffic: &mut self.traffic };
        let outputs = self.server.predict(number, query, &mut link).unwrap();
        self.client.read_outputs(outputs).unwrap()
    }

    /// An engine of its own, with the client's keys.
    pub(super) fn engine(&self) -> Box<dyn Engine> {
        let keys = self.client.evaluation_keys().unwrap();
        self.plan.engines[0].engine(crate::engine::streams(&keys[0]), false).unwrap()
    }

    /// A tensor of images as the client encrypts it.
    pub(super) fn pieces(&self, tensor: Tensor, values: &Array2<f64>) -> Vec<Vec<Vec<u8>>> {
        self.client.cipher(0).unwrap().encrypt(tensor, Plain::Rows(values.view())).unwrap()
    }

    /// The weights as the client encrypts them.
    pub(super) fn model_pieces(&self) -> Vec<Vec<Vec<u8>>> {
        self.client.cipher(0).unwrap().encrypt(Tensor::Weights, Plain::Model(self.client.model())).unwrap()
    }
}
