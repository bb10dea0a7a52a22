//! Training in small rings, compared with the twin bit for bit.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use ndarray::Array2;

use super::twin::MixedTwin;
use super::{LOG_CLEAN, MixedClient, MixedError, MixedPlan, MixedServer};
use crate::recipe::{AnyRecipe, MixedRecipe, WordModel};

fn recipe(settings: &[&str]) -> MixedRecipe {
    let settings: Vec<String> = settings.iter().map(ToString::to_string).collect();
    match AnyRecipe::load("glyph2020", &settings).unwrap() {
        AnyRecipe::Mixed(recipe) => recipe,
        _ => panic!("kind"),
    }
}

struct World {
    plan: Arc<MixedPlan>,
    client: MixedClient,
    server: MixedServer,
    twin: MixedTwin,
}

fn world(recipe: &MixedRecipe, widths: &[usize]) -> World {
    let plan = Arc::new(MixedPlan::insecure(recipe, widths).unwrap());
    let client = MixedClient::new(&plan).unwrap();
    let model = WordModel::normal(3, widths, 1.0, recipe.weight_bits(), 1 << 25);
    let keys = client.evaluation_keys().unwrap();
    let first = client.encrypt_model(&model).unwrap();
    assert_eq!(client.decrypt_model(0, &first).unwrap(), model);
    let server = MixedServer::new(&plan, &keys, 0, &first, true).unwrap();
    let twin = MixedTwin::new(recipe, plan.numbers, plan.reader, model);
    World { plan, client, server, twin }
}

fn batch(widths: &[usize], images: usize, number: usize) -> (Array2<i32>, Vec<usize>) {
    let x = |(image, k)| ((image * 7 + k * 5 + number * 3) % 9) as i32;
    let labels = (0..images).map(|image| (image + number) % widths[widths.len() - 1]).collect();
    (Array2::from_shape_fn((images, widths[0]), x), labels)
}

/// A step of the server, and the same of the twin under replay.
fn step(w: &mut World, number: usize, images: usize) {
    let (x, labels) = batch(&w.plan.widths, images, number);
    let sent = w.client.encrypt_batch(number, &x, &labels).unwrap();
    w.server.receive_batch(number, sent).unwrap();
    w.server.train(number, images, &AtomicBool::new(false)).unwrap();
    let places = w.client.places(&w.server.take_readings()).unwrap();
    w.twin.replay(places);
    w.twin.step(&x, &labels);
}

#[test]
fn encrypted_training_equals_the_twin_under_replay() {
    for (layers, widths, size) in [
        ("", &[5, 4, 6, 3][..], 6),
        ("layers=[{kind=\"Linear\",scheme=\"bgv\"},{kind=\"Sigmoid\",scheme=\"tfhe\"}]", &[9, 2], 5),
    ] {
        let size = format!("optimizer.batch_size={size}");
        let settings: Vec<&str> = [layers, &size].into_iter().filter(|s| !s.is_empty()).collect();
        let recipe = recipe(&settings);
        let mut w = world(&recipe, widths);
        let (limbs, _) = w.server.health();
        for number in 0..3 {
            // The last mini-batch of an epoch is a smaller one.
            step(&mut w, number, recipe.optimizer.batch_size - usize::from(number == 2));
            let bytes = w.server.model(number as u64 + 1).unwrap();
            let found = w.client.decrypt_model(number as u64 + 1, &bytes).unwrap();
            assert_eq!(found, *w.twin.model(), "step {number}");
            let (now, left) = w.server.health();
            // All levels are back, and as clean as the next step needs them.
            assert!(now == limbs && left > -LOG_CLEAN - 3.5, "{now} of {limbs} limbs, {left:.1} bits");
        }
        assert_eq!(w.twin.wraps(), 0);
        let (x, _) = batch(widths, 4, 9);
        let query = w.client.encrypt_query(0, &x).unwrap();
        let answer = w.server.predict(0, 4, &query).unwrap();
        let places = w.client.places(&w.server.take_readings()).unwrap();
        w.twin.replay(places);
        assert_eq!(w.client.read_outputs(0, 4, &answer).unwrap(), w.twin.outputs(&x));
    }
}

#[test]
fn what_was_altered_or_stopped_changes_nothing() {
    let recipe = recipe(&["optimizer.batch_size=4"]);
    let mut w = world(&recipe, &[3, 2, 3, 2]);
    let before = w.server.model(0).unwrap();
    let (x, labels) = batch(&w.plan.widths, 4, 0);
    let sent = w.client.encrypt_batch(0, &x, &labels).unwrap();
    let mut altered = sent.clone();
    altered[sent.len() / 2] ^= 1;
    assert!(matches!(w.server.receive_batch(0, altered), Err(MixedError::Message { what: "batch", .. })));
    assert!(matches!(w.server.train(0, 4, &AtomicBool::new(false)), Err(MixedError::MissingBatch(0))));
    assert!(w.server.receive_batch(1, sent.clone()).is_err(), "of another number");
    w.server.receive_batch(0, sent).unwrap();
    assert!(matches!(w.server.train(0, 4, &AtomicBool::new(true)), Err(MixedError::Stopped)));
    assert_eq!(w.client.decrypt_model(0, &before).unwrap(), *w.twin.model());
    let keys = w.client.evaluation_keys().unwrap();
    let few = MixedServer::new(&w.plan, &keys[1..], 0, &before, false);
    assert!(matches!(few, Err(MixedError::KeyCount { found: 6, needed: 7 })));
    let mut swapped = keys;
    swapped.swap(3, 4);
    assert!(matches!(
        MixedServer::new(&w.plan, &swapped, 0, &before, false),
        Err(MixedError::Message { .. })
    ));
}
