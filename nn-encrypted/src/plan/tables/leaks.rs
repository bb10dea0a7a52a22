//! What a server sees of a client beside tables, and what neither takes.

use std::sync::Arc;

use ndarray::Array2;

use super::PlannedTables;
use crate::model::Model;
use crate::network::Network;
use crate::plan::Plan;
use crate::program;
use crate::recipe::Recipe;
use crate::roles::forge::{BGV_FIELDS, CKKS_FIELDS, Forger, ciphertexts, sees_the_same, with_last};
use crate::roles::{Client, Server};

/// A plan, weights to start from, a mini-batch, and who forges ciphertexts.
fn world(scheme: &str) -> (Arc<Plan>, Model, [Array2<f64>; 2], Forger) {
    let layers = format!("layers=[{{kind='Linear',scheme='{scheme}'}},{{kind='Sigmoid',scheme='tfhe'}}]");
    let settings = [layers, "optimizer.batch_size=4".into(), "optimizer.learning_rate=\"4/256\"".into()];
    let recipe = Recipe::load("glyph2020", &settings).unwrap();
    let network = Network::new(&recipe, 4, None, 3).unwrap();
    let planned = PlannedTables::insecure(&recipe, &network).unwrap();
    let parameters = &planned.shared.parameters;
    let (fields, params) = match scheme {
        "bgv" | "bfv" => (BGV_FIELDS, parameters.bgv().rlwe().clone()),
        _ => (CKKS_FIELDS, parameters.ckks().rlwe().clone()),
    };
    let grid = |l: usize| crate::numbers::weight_grid(&recipe, &network.layers[l]);
    let model = Model::initial(&network, recipe.init_gain(), 3, grid);
    let plan = Plan {
        optimizer: recipe.optimizer.clone(),
        program: program::lower::lower(&recipe, &network),
        engine_of: vec![0; network.depth()],
        engines: vec![Arc::new(planned)],
        network,
    };
    let x = Array2::from_shape_fn((3, 4), |(i, k)| ((i * 5 + k * 3) % 4) as f64 / 4.0);
    let y = Array2::from_shape_fn((3, 3), |(i, k)| f64::from(u8::from(i == k)));
    (Arc::new(plan), model, [x, y], Forger { fields, params })
}

#[test]
fn a_server_sees_nothing_of_what_a_client_decrypts() {
    for scheme in ["bgv", "bfv", "ckks"] {
        let (plan, model, [x, y], forger) = world(scheme);
        sees_the_same(&plan, &model, (&x, &y), &[forger]);
    }
}

#[test]
fn ciphertexts_that_no_plan_has_are_refused() {
    for scheme in ["bgv", "bfv", "ckks"] {
        let (plan, model, [x, y], forger) = world(scheme);
        let mut client = Client::new(&plan, model).unwrap();
        let mut server = Server::new(&plan, &client.evaluation_keys().unwrap(), false).unwrap();
        server.receive_model(0, client.encrypt_model(0).unwrap()).unwrap();
        let wrong = |message: &[u8]| {
            let piece = ciphertexts(message).pop().unwrap();
            let mut all = forger.wrong(&piece);
            // The correction factor, or the scale; and the slots.
            all.push(("first field", [&5.0_f64.to_le_bytes(), &piece[8..]].concat()));
            if scheme == "ckks" {
                all.push(("slots", [&piece[..8], &1_u32.to_le_bytes(), &piece[12..]].concat()));
                all.push(("bound", [&piece[..12], &3.0_f64.to_le_bytes(), &piece[20..]].concat()));
            }
            all
        };
        let batch = client.encrypt_batch(0, x.view(), y.view()).unwrap();
        for (what, piece) in wrong(&batch) {
            assert!(server.receive_batch(0, with_last(&batch, &piece)).is_err(), "{scheme} {what}");
        }
        let kept = server.model(0).unwrap();
        for (what, piece) in wrong(&kept) {
            assert!(server.receive_model(0, with_last(&kept, &piece)).is_err(), "{scheme} {what}");
            assert!(client.decrypt_model(0, with_last(&kept, &piece)).is_err(), "{scheme} {what}");
        }
        client.decrypt_model(0, kept).unwrap();
    }
}

#[test]
fn outputs_decrypt_over_one_prime() {
    let recipe = Recipe::load("glyph2020", &[]).unwrap();
    let planned = PlannedTables::new(&recipe, &Network::new(&recipe, 64, None, 10).unwrap()).unwrap();
    let bgv = planned.shared.parameters.bgv();
    let noise = bgv.noise();
    let least = noise.reduce(noise.fresh_secret(), bgv.max_level(), 0).1;
    assert!(noise.budget(least, 0) >= 4.0, "{}", noise.budget(least, 0));
}
