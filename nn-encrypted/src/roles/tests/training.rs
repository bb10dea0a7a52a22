//! Rounds, refreshes, and the client as a bridge, over engines without encryption.

use std::sync::Arc;

use ndarray::{Array2, array};

use super::clear::{model, plan};
use crate::model::Model;
use crate::plan::Plan;
use crate::program::Tensor;
use crate::recipe::Recipe;
use crate::roles::{Client, LocalLink, Server, Traffic};

/// A recipe of two layers for 3 features and 2 outputs, without momentum's rounding.
pub(super) fn recipe(rest: &str) -> Recipe {
    let text = format!(
        "name = 'test'
        layers = [
            {{ kind = 'Linear', out_features = 4, scheme = 'ckks' }},
            {{ kind = 'Square', scheme = 'ckks' }},
            {{ kind = 'Linear', scheme = 'ckks' }}
        ]
        {rest}
        [data]
        set = 'iris'
        test = 30
        normalize = {{ method = 'min_max', limit = 1.0 }}
        [optimizer]
        learning_rate = 0.125
        momentum = 0.5
        nesterov = true
        batch_size = 2
        epochs = 1
        [numbers.bounds]
        preactivation = 8.0
        output = 8.0
        error = 8.0
        weight = 4.0
        momentum = 4.0"
    );
    Recipe::from_toml(&text, "test", &[]).unwrap()
}

pub(super) fn x() -> Array2<f64> {
    array![[0.5, -0.25, 0.75], [-1.0, 0.125, 0.5]]
}

pub(super) fn targets() -> Array2<f64> {
    array![[1.0, 0.0], [0.0, 1.0]]
}

/// A client, and a server that has its model.
pub(super) fn roles(plan: &Arc<Plan>) -> (Client, Server) {
    let client = Client::new(plan, model(&plan.network)).unwrap();
    let mut server = Server::new(plan, &client.evaluation_keys().unwrap(), false).unwrap();
    server.receive_model(0, client.encrypt_model(0).unwrap()).unwrap();
    (client, server)
}

/// Two steps; the model that the server ends with.
fn trained(plan: &Arc<Plan>) -> (Model, Traffic, Client) {
    let (mut client, mut server) = roles(plan);
    let mut traffic = Traffic::default();
    server.receive_batch(5, client.encrypt_batch(5, x().view(), targets().view()).unwrap()).unwrap();
    for step in 0..2 {
        client.begin(step, x().view(), targets().view()).unwrap();
        let mut link = LocalLink { client: &mut client, traffic: &mut traffic };
        server.train(step, 5, &mut link, &Arc::default()).unwrap();
    }
    let bytes = server.model(2).unwrap();
    let model = client.decrypt_model(2, bytes).unwrap().clone();
    (model, traffic, client)
}

fn distance(a: &Model, b: &Model) -> f64 {
    let all = |model: &Model| -> Vec<f64> {
        let layers = model.layers.iter();
        layers.flat_map(|l| [&l.weight[..], &l.bias, &l.weight_momentum, &l.bias_momentum].concat()).collect()
    };
    let (a, b) = (all(a), all(b));
    a.iter().zip(&b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

#[test]
fn a_server_a_client_in_between_and_a_backward_pass_by_the_client_train_alike() {
    let alone = recipe("refresh.strategy = 'bootstrap'");
    let mut alone = (*plan(&alone, 3, 2, &[vec![0, 1]])).clone();
    // The engine of the test does not bootstrap.
    alone.program.training.remove(0);
    alone.program.prediction.remove(0);
    alone.program.rounds.clear();
    let (alone, traffic, _) = trained(&Arc::new(alone));
    assert_eq!(traffic.rounds, 0);
    let (refreshed, traffic, client) = trained(&plan(&recipe(""), 3, 2, &[vec![0, 1]]));
    assert_eq!((traffic.rounds, client.counts().saturations), (8, 0));
    // Of each step pre-activations, outputs and errors of 2 rows, and 2 layers twice.
    assert_eq!(client.counts().refreshed, 2 * (3 * 2 + 4));
    let backward = recipe("refresh = { strategy = 'client', backward = 'client', tensors = [] }");
    let (backward, traffic, client) = trained(&plan(&backward, 3, 2, &[vec![0, 1]]));
    assert_eq!(traffic.rounds, 2);
    assert!(client.output_error() < 1e-12);
    assert!(distance(&alone, &refreshed) < 1e-12, "{alone:?}\n{refreshed:?}");
    assert!(distance(&alone, &backward) < 1e-12, "{alone:?}\n{backward:?}");
    assert_ne!(alone, model(&plan(&recipe(""), 3, 2, &[vec![0, 1]]).network));
}

#[test]
fn the_client_is_the_bridge_between_two_engines() {
    let (one, ..) = trained(&plan(&recipe(""), 3, 2, &[vec![0, 1]]));
    let (two, ..) = trained(&plan(&recipe(""), 3, 2, &[vec![0], vec![1]]));
    let (turned, ..) = trained(&plan(&recipe(""), 3, 2, &[vec![1], vec![0]]));
    assert_eq!((&one, &one), (&two, &turned));
}

#[test]
fn what_exceeds_its_bound_is_saturated_and_counted() {
    let small = recipe("").to_toml().unwrap().replace("preactivation = 8.0", "preactivation = 0.25");
    let plan = plan(&Recipe::from_toml(&small, "small", &[]).unwrap(), 3, 2, &[vec![0, 1]]);
    let mut proven = (*plan).clone();
    proven.program.prove(Tensor::Sum(0), 0.5);
    let (_, _, client) = trained(&Arc::new(proven));
    let counts = client.counts();
    assert!(counts.saturations > counts.out_of_bounds && counts.out_of_bounds > 0, "{counts:?}");
}

#[test]
fn a_classification_is_that_of_the_model() {
    let plan = plan(&recipe(""), 3, 2, &[vec![0], vec![1]]);
    let (mut client, mut server) = roles(&plan);
    let mut traffic = Traffic::default();
    let query = client.encrypt_query(3, x().view()).unwrap();
    let mut link = LocalLink { client: &mut client, traffic: &mut traffic };
    let outputs = server.predict(3, query, &mut link).unwrap();
    let found = client.read_outputs(outputs).unwrap();
    let layers = &client.model().layers;
    for (row, x) in x().rows().into_iter().enumerate() {
        let hidden: Vec<f64> = (0..4)
            .map(|o| (0..3).map(|i| x[i] * layers[0].weight[4 * i + o]).sum::<f64>() + layers[0].bias[o])
            .map(|z| z * z)
            .collect();
        for o in 0..2 {
            let z: f64 = (0..4).map(|i| hidden[i] * layers[1].weight[2 * i + o]).sum();
            assert!((found[(row, o)] - z - layers[1].bias[o]).abs() < 1e-12);
        }
    }
    assert_eq!(traffic.rounds, 1);
}
