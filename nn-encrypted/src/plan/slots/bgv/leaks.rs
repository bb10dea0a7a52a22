//! What a server sees of a client that decrypts integers, and what neither takes.

use std::collections::BTreeSet;
use std::sync::Arc;

use ndarray::Array2;

use super::PlannedBgv;
use crate::model::Model;
use crate::network::Network;
use crate::numbers::weight_grid;
use crate::plan::Plan;
use crate::program::lower_with;
use crate::recipe::Recipe;
use crate::roles::Client;
use crate::roles::forge::{BGV_FIELDS, Forger, ciphertexts, sees_the_same, with_last};
use crate::twin::targets;

/// A plan, weights to start from, a mini-batch, and who forges ciphertexts of each plaintext prime.
fn world(scheme: &str) -> (Arc<Plan>, Model, [Array2<f64>; 2], Vec<Forger>) {
    let settings =
        ["data.set=iris", "optimizer.batch_size=4", "layers.1.out_features=3", "layers.3.out_features=3"];
    let schemes = (1..=3).map(|layer| format!("layers.{layer}.scheme={scheme}"));
    let settings: Vec<String> = settings.map(String::from).into_iter().chain(schemes).collect();
    let recipe = Recipe::load("hesamifard2017", &settings).unwrap();
    let network = Network::new(&recipe, 4, None, 3).unwrap();
    let layers: Vec<usize> = (0..network.depth()).collect();
    let mut program = lower_with(&recipe, &network, &BTreeSet::new());
    let planned = PlannedBgv::new(&recipe, &network, &program, &layers, 1.0).unwrap();
    let tensors: Vec<_> = program.rounds.iter().flatten().map(|refresh| refresh.from).collect();
    for tensor in tensors {
        planned.proven(tensor).into_iter().for_each(|bound| program.prove(tensor, bound));
    }
    let instances = planned.agreement().instances.iter();
    let forger = |params: &he_bgv::Parameters| Forger { fields: BGV_FIELDS, params: params.rlwe().clone() };
    let forgers = instances.map(|instance| forger(&instance.params)).collect();
    let grid = |l: usize| weight_grid(&recipe, &network.layers[l]);
    let model = Model::initial(&network, recipe.init_gain(), recipe.seed, grid);
    let x = Array2::from_shape_fn((3, 4), |(i, k)| ((i * 5 + k * 3) % 8) as f64 / 8.0);
    let y = targets(&recipe, &[0, 1, 2], 3).unwrap();
    let plan = Plan {
        optimizer: recipe.optimizer.clone(),
        program,
        engine_of: vec![0; network.depth()],
        engines: vec![Arc::new(planned)],
        network,
    };
    (Arc::new(plan), model, [x, y], forgers)
}

#[test]
fn a_server_sees_nothing_of_what_a_client_decrypts() {
    for scheme in ["bgv", "bfv"] {
        let (plan, model, [x, y], forgers) = world(scheme);
        sees_the_same(&plan, &model, (&x, &y), &forgers);
    }
}

#[test]
fn ciphertexts_that_no_plan_has_are_refused() {
    ["bgv", "bfv"].into_iter().for_each(refuses);
}

/// What neither side takes of a scheme.
fn refuses(scheme: &str) {
    let (plan, model, [x, y], forgers) = world(scheme);
    let mut client = Client::new(&plan, model).unwrap();
    let mut server = crate::roles::Server::new(&plan, &client.evaluation_keys().unwrap(), false).unwrap();
    server.receive_model(0, client.encrypt_model(0).unwrap()).unwrap();
    let forger = &forgers[forgers.len() - 1];
    let factor = |piece: &[u8]| [&3_u64.to_le_bytes(), &piece[8..]].concat();
    let wrong = |message: &[u8]| {
        let piece = ciphertexts(message).pop().unwrap();
        let mut all = forger.wrong(&piece);
        all.push(("correction factor", factor(&piece)));
        all
    };
    let batch = client.encrypt_batch(0, x.view(), y.view()).unwrap();
    for (what, piece) in wrong(&batch) {
        assert!(server.receive_batch(0, with_last(&batch, &piece)).is_err(), "{what}");
    }
    let kept = server.model(0).unwrap();
    for (what, piece) in wrong(&kept) {
        assert!(server.receive_model(0, with_last(&kept, &piece)).is_err(), "{what}");
        assert!(client.decrypt_model(0, with_last(&kept, &piece)).is_err(), "{what}");
    }
    client.decrypt_model(0, kept).unwrap();
}
