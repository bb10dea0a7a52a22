//! Training in small rings, compared with the twin bit for bit.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use he_switch::KeyKind;
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
    let few = few.err().unwrap().to_string();
    assert_eq!(few, "the number of messages with evaluation keys is 6, needed 7");
    let mut swapped = keys;
    swapped.swap(3, 4);
    assert!(matches!(
        MixedServer::new(&w.plan, &swapped, 0, &before, false),
        Err(MixedError::Switch(he_switch::Error::Key { kind: KeyKind::BgvToTfhe, .. }))
    ));
}

/// Layers with the scheme of those with weights.
fn layers(scheme: &str, hidden: Option<usize>) -> String {
    let hidden = hidden.map_or_else(String::new, |width| {
        format!(
            "{{kind=\"Linear\",out_features={width},scheme=\"{scheme}\"}},{{kind=\"ReLU\",scheme=\"tfhe\"}},"
        )
    });
    format!("layers=[{hidden}{{kind=\"Linear\",scheme=\"{scheme}\"}},{{kind=\"Sigmoid\",scheme=\"tfhe\"}}]")
}

/// The largest difference of two models, as a real number.
fn difference(a: &WordModel, b: &WordModel, bits: u32) -> f64 {
    let largest = a.layers.iter().zip(&b.layers).flat_map(|(a, b)| {
        let weights = a.weight.iter().zip(&b.weight).chain(a.bias.iter().zip(&b.bias));
        weights.map(|(a, b)| a.abs_diff(*b))
    });
    largest.max().unwrap_or(0) as f64 / f64::from(bits).exp2()
}

#[test]
fn training_in_ckks_equals_the_twin_under_replay_but_for_errors() {
    for (hidden, widths) in [(None, &[4, 3][..]), (Some(5), &[4, 5, 3])] {
        let recipe = recipe(&[&layers("ckks", hidden), "optimizer.batch_size=6"]);
        let mut w = world(&recipe, widths);
        let start = w.twin.model().clone();
        let (limbs, _) = w.server.health();
        let mut worst = 0f64;
        for number in 0..2 {
            step(&mut w, number, 6 - number);
            let bytes = w.server.model(number as u64 + 1).unwrap();
            let found = w.client.decrypt_model(number as u64 + 1, &bytes).unwrap();
            worst = worst.max(difference(&found, w.twin.model(), recipe.weight_bits()));
            assert_eq!(w.server.health().0, limbs);
        }
        let moved = difference(&start, w.twin.model(), recipe.weight_bits());
        println!("{widths:?}: moved {moved}, error 2^{:.2}", worst.log2());
        // A thirtieth of what two steps change, and less.
        assert!(worst < 1.0 / 4096.0 && moved > 30.0 * worst, "{worst} of {moved}");
        let (x, _) = batch(widths, 4, 9);
        let query = w.client.encrypt_query(0, &x).unwrap();
        let answer = w.server.predict(0, 4, &query).unwrap();
        let places = w.client.places(&w.server.take_readings()).unwrap();
        w.twin.replay(places);
        let found = w.client.read_outputs(0, 4, &answer).unwrap();
        let unit = f64::from(w.plan.numbers.sum_bits()).exp2();
        let expected = w.twin.outputs(&x);
        let off = found.iter().zip(&expected).map(|(a, b)| a.abs_diff(*b) as f64 / unit);
        let off = off.fold(0.0, f64::max);
        println!("{widths:?}: outputs 2^{:.2}", off.log2());
        assert!(off < 1.0 / 256.0, "{off}");
    }
}

#[test]
fn layers_that_do_not_fit_slots_are_refused_by_name() {
    let large = recipe(&[&layers("ckks", Some(30)), "optimizer.batch_size=30"]);
    let refused = MixedPlan::insecure(&large, &[1, 30, 3]).err().unwrap().to_string();
    assert!(refused.starts_with("layer 1 (Linear): layout: a mini-batch takes 2048 slots"), "{refused}");
    let mixed = "layers=[{kind=\"Linear\",out_features=2,scheme=\"ckks\"},{kind=\"ReLU\",scheme=\"tfhe\"},{kind=\"Linear\",scheme=\"bgv\"},{kind=\"Sigmoid\",scheme=\"tfhe\"}]";
    let refused = MixedPlan::insecure(&recipe(&[mixed]), &[4, 2, 3]).err().unwrap().to_string();
    assert!(refused.starts_with("layer 3 (Linear): layout"), "{refused}");
}
