//! Encrypted steps against the twin, bit for bit.

use std::sync::Arc;

use ndarray::Array2;

use crate::data::{Batches, Prepared};
use crate::model::Model;
use crate::network::Network;
use crate::numbers::weight_grid;
use crate::plan::{DataShape, Plan};
use crate::recipe::Recipe;
use crate::roles::{Client, LocalLink, Server, Traffic};
use crate::twin::{Twin, targets};

/// A training of both.
struct Run {
    recipe: Recipe,
    data: Prepared,
    batches: Batches,
    twin: Twin,
    client: Client,
    server: Server,
}

impl Run {
    fn new(all: &[&str]) -> Self {
        let all: Vec<String> = all.iter().map(|setting| (*setting).to_owned()).collect();
        let recipe = Recipe::load("hesamifard2017", &all).unwrap();
        let bits = recipe.numbers.input_bits;
        let data = crate::frozen::prepare(&recipe.data, recipe.seed, bits, None).unwrap();
        let network = Network::new(&recipe, data.features.len(), data.sides, data.outputs).unwrap();
        let grid = |l: usize| weight_grid(&recipe, &network.layers[l]);
        let model = Model::initial(&network, recipe.init_gain(), recipe.seed, grid);
        let bound = f64::from(data.bound) / f64::from(bits).exp2();
        let shape = DataShape { bound, rows: data.train.labels.len() };
        let plan = Arc::new(Plan::choose(&recipe, &network, shape).unwrap());
        let client = Client::new(&plan, model.clone()).unwrap();
        let mut server = Server::new(&plan, &client.evaluation_keys().unwrap(), false).unwrap();
        server.receive_model(0, client.encrypt_model(0).unwrap()).unwrap();
        let twin = Twin::new(&recipe, &network, model, None).unwrap();
        let size = recipe.optimizer.batch_size;
        let batches = Batches::balanced(recipe.data.balance, &data.train.labels, size, recipe.seed);
        Self { recipe, data, batches, twin, client, server }
    }

    fn features(&self, x: &Array2<i32>) -> Array2<f64> {
        x.mapv(|x| f64::from(x) / f64::from(self.data.fraction_bits).exp2())
    }

    fn step(&mut self, step: u64, batch: usize) {
        let (x, labels) = self.data.train.select(self.batches.rows(batch));
        let (x, outputs) = (self.features(&x), self.data.outputs);
        let targets = targets(&self.recipe, &labels, outputs).unwrap();
        let bytes = self.client.encrypt_batch(batch, x.view(), targets.view()).unwrap();
        self.server.receive_batch(batch, bytes).unwrap();
        self.client.begin(step, x.view(), targets.view()).unwrap();
        let mut traffic = Traffic::default();
        let mut link = LocalLink { client: &mut self.client, traffic: &mut traffic };
        self.server.train(step, batch, &mut link, &Arc::default()).unwrap();
        self.twin.step(&x, &targets).unwrap();
        assert_eq!(self.client.model(), self.twin.model(), "step {step}");
    }

    fn predict(&mut self) {
        let rows: Vec<usize> = (0..self.recipe.optimizer.batch_size.min(10)).collect();
        let x = self.features(&self.data.test.select(&rows).0);
        let query = self.client.encrypt_query(0, x.view()).unwrap();
        let mut traffic = Traffic::default();
        let mut link = LocalLink { client: &mut self.client, traffic: &mut traffic };
        let outputs = self.server.predict(0, query, &mut link).unwrap();
        let found = self.client.read_outputs(outputs).unwrap();
        assert_eq!(found, self.twin.outputs(&x).unwrap());
    }
}

fn check(all: &[&str], steps: usize) {
    let mut run = Run::new(all);
    let schedule: Vec<usize> = run.batches.schedule(0).take(steps).collect();
    for (step, batch) in schedule.into_iter().enumerate() {
        run.step(step as u64, batch);
    }
    run.predict();
    let counts = run.client.counts();
    assert_eq!((counts.out_of_bounds, counts.saturations), (0, run.twin.out_of_range()));
    assert!(counts.refreshed > 0);
}

#[test]
fn convolutions_and_means_of_a_power_of_two() {
    let layers = "layers=[{kind='Conv2d',channels=2,kernel=3,scheme='bgv'},{kind='Square',scheme='bgv'},\
                  {kind='AvgPool2d',kernel=2,scheme='bgv'},{kind='Linear',scheme='bgv'}]";
    check(&[layers], 2);
}

#[test]
fn convolutions_along_one_direction_and_means_of_three() {
    let layers = "layers=[{kind='Conv1d',channels=2,kernel=2,scheme='bgv'},{kind='Quadratic',scheme='bgv'},\
                  {kind='AvgPool1d',kernel=3,scheme='bgv'},{kind='Linear',scheme='bgv'}]";
    check(&["data.set=iris", layers], 2);
}

#[test]
fn nesterov_and_a_derivative_that_is_constant() {
    let layers = "layers=[{kind='Linear',out_features=6,scheme='bgv'},{kind='Identity',scheme='bgv'},\
                  {kind='Linear',scheme='bgv'}]";
    check(&["data.set=iris", layers, "optimizer.nesterov=true"], 3);
}

#[test]
fn cross_entropy_of_a_polynomial_for_the_sigmoid() {
    let layers = "layers=[{kind='Linear',out_features=6,scheme='bgv'},{kind='Square',scheme='bgv'},\
                  {kind='Linear',scheme='bgv'},{kind='Sigmoid',scheme='bgv',polynomial={degree=3,interval=[-4.0,4.0]}}]";
    check(
        &["data.set=iris", layers, "loss=cross_entropy", "target_smoothing=0.1", "numbers.output_bits=4"],
        2,
    );
}

#[test]
fn quadratic_loss_of_a_polynomial_behind_the_outputs() {
    let layers = "layers=[{kind='Linear',out_features=6,scheme='bgv'},{kind='Square',scheme='bgv'},\
                  {kind='Linear',scheme='bgv'},{kind='Sigmoid',scheme='bgv',polynomial={degree=3,interval=[-4.0,4.0]}}]";
    check(&["data.set=iris", layers, "numbers.output_bits=3"], 2);
}

#[test]
fn gelu_by_a_polynomial() {
    let layers = "layers=[{kind='Linear',out_features=6,scheme='bgv'},\
                  {kind='GELU',scheme='bgv',polynomial={degree=2,interval=[-3.0,3.0]}},{kind='Linear',scheme='bgv'}]";
    check(&["data.set=iris", layers], 2);
}

#[test]
fn integers_that_travel_at_the_top() {
    let layers = "layers=[{kind='Linear',out_features=6,scheme='bfv'},{kind='Square',scheme='bfv'},{kind='Linear',scheme='bfv'}]";
    check(&["data.set=iris", layers], 3);
}
