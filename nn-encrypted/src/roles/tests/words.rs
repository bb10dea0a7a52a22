//! Words in TFHE, at 128 bits: the smallest network in the shortest words.

use std::sync::Arc;

use ndarray::{Array2, array};

use crate::model::Model;
use crate::network::Network;
use crate::numbers::weight_grid;
use crate::plan::{DataShape, Plan};
use crate::recipe::Recipe;
use crate::roles::{Client, LocalLink, Server, Traffic};
use crate::twin::Twin;

pub(super) fn recipe(settings: &[&str]) -> Recipe {
    let tiny = ["variant=tiny", "numbers.word_bits=8", "optimizer.batch_size=1", "optimizer.learning_rate=1"];
    let settings: Vec<String> = tiny.iter().chain(settings).map(ToString::to_string).collect();
    Recipe::load("tbmpnet2021", &settings).unwrap()
}

pub(super) fn planned(recipe: &Recipe) -> (Arc<Plan>, Model) {
    let network = Network::new(recipe, 1, None, 1).unwrap();
    let grid = |l: usize| weight_grid(recipe, &network.layers[l]);
    let model = Model::initial(&network, recipe.init_gain(), recipe.seed, grid);
    let plan = Plan::choose(recipe, &network, DataShape { bound: 1.0, rows: 120 }).unwrap();
    (Arc::new(plan), model)
}

pub(super) fn x() -> Array2<f64> {
    array![[0.8125]]
}

/// The twin after so many steps.
fn twin(settings: &[&str], steps: u64) -> Twin {
    let recipe = recipe(settings);
    let (plan, model) = planned(&recipe);
    let mut twin = Twin::new(&recipe, &plan.network, model, None).unwrap();
    for _ in 0..steps {
        twin.step(&x(), &array![[1.0]]).unwrap();
    }
    twin
}

/// Steps, each by a server that is restored from what the last left; then a classification.
fn train(settings: &[&str], steps: u64) {
    let (plan, first) = planned(&recipe(settings));
    let mut client = Client::new(&plan, first.clone()).unwrap();
    let keys = client.evaluation_keys().unwrap();
    let (mut traffic, target) = (Traffic::default(), array![[1.0]]);
    let mut state = client.encrypt_model(0).unwrap();
    let batch = client.encrypt_batch(0, x().view(), target.view()).unwrap();
    for step in 0..steps {
        let mut server = Server::new(&plan, &keys, false).unwrap();
        server.restore(step, state).unwrap();
        server.receive_batch(0, batch.clone()).unwrap();
        client.begin(step, x().view(), target.view()).unwrap();
        let mut link = LocalLink { client: &mut client, traffic: &mut traffic };
        server.train(step, 0, &mut link, &Arc::default()).unwrap();
        assert!(server.usage()[0].tables > 0);
        state = server.model(step + 1).unwrap();
    }
    // A client that comes back with its keys alone.
    let secrets = client.secret_bytes();
    let mut client = Client::with_secrets(&plan, first, &secrets).unwrap();
    let mut twin = twin(settings, steps);
    assert_eq!(client.decrypt_model(steps, state.clone()).unwrap(), twin.model());
    let mut server = Server::new(&plan, &keys, false).unwrap();
    server.restore(steps, state).unwrap();
    let query = client.encrypt_query(9, x().view()).unwrap();
    let mut link = LocalLink { client: &mut client, traffic: &mut traffic };
    let answer = server.predict(9, query, &mut link).unwrap();
    let found = client.read_outputs(answer).unwrap();
    assert_eq!(found, twin.outputs(&x()).unwrap());
    assert_eq!(traffic.rounds, 0);
}

#[test]
fn digits_train_through_messages_as_the_twin() {
    train(&[], 2);
}

#[test]
fn bits_train_through_messages_as_the_twin() {
    train(&["numbers.words=bits"], 1);
}

#[test]
fn numbers_that_are_no_words_are_refused() {
    let (plan, model) = planned(&recipe(&[]));
    let mut client = Client::new(&plan, model).unwrap();
    for value in [0.03, 8.0, f64::NAN] {
        assert!(client.encrypt_query(0, array![[value]].view()).is_err(), "{value}");
    }
    client.encrypt_query(0, array![[-7.9375]].view()).unwrap();
}

#[test]
fn plans_of_words_are_refused_by_number() {
    use crate::plan::{PlanError, Reason};
    let choose = |settings: &[&str], bound: f64| {
        let recipe = recipe(settings);
        let network = Network::new(&recipe, 1, None, 1).unwrap();
        Plan::choose(&recipe, &network, DataShape { bound, rows: 120 }).map(drop)
    };
    choose(&[], 1.0).unwrap();
    let refused = choose(&["optimizer.init_gain=16"], 100.0).unwrap_err();
    let PlanError::Refused { layer: 1, reason: Reason::Range, needed, available, .. } = refused else {
        panic!("{refused}")
    };
    assert!(available == 8.0 && needed >= 8.0, "{needed} {available}");
}
