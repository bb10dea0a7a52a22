//! Files of a run folder, and messages, that were damaged on the way: each is refused by an error that names it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use he_core::wire::{self, Header};
use nn_encrypted::plan::Plan;
use nn_encrypted::recipe::Recipe;
use nn_encrypted::roles::{Client, Server, ServerError};
use nn_encrypted::run::{RunError, RunFolder, Session};

/// A small network, keys for it, and their folder.
struct World {
    session: Session,
    plan: Arc<Plan>,
    client: Client,
    root: PathBuf,
}

const LAYERS: &str = "layers=[{kind='Linear',scheme='bgv'}]";

fn session(settings: &[&str]) -> Session {
    let settings: Vec<String> = settings.iter().map(ToString::to_string).collect();
    Session::new(Recipe::load("hesamifard2017", &settings).unwrap(), None).unwrap()
}

impl World {
    fn new(name: &str) -> Self {
        let root = std::env::temp_dir().join(format!("nn-encrypted-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        let session = session(&["data.set=iris", LAYERS, "optimizer.batch_size=8"]);
        let plan = session.plan().unwrap();
        let client = Client::new(&plan, session.first.clone()).unwrap();
        Self { session, plan, client, root }
    }

    fn folder(&self) -> RunFolder {
        RunFolder::new(&self.root)
    }

    fn write(&self) {
        let folder = self.folder();
        let Session { recipe, first, .. } = &self.session;
        folder.begin(recipe).unwrap();
        folder.write_model(&self.session, first).unwrap();
        folder.write_secret_keys(&self.client.secret_bytes()).unwrap();
        folder.write_evaluation_keys(&self.client.evaluation_keys().unwrap()).unwrap();
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/v2");
        let mut report = RunFolder::new(golden).read_report().unwrap();
        folder.seal(&mut report).unwrap();
        folder.write_report(&report).unwrap();
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

/// An object whose header was changed, sealed again.
fn resealed(bytes: &[u8], change: impl Fn(Header) -> Header) -> Vec<u8> {
    let (header, _) = wire::peek(bytes).unwrap();
    wire::seal(&change(header), wire::open(bytes, &header, bytes.len()).unwrap())
}

/// What can happen to any file.
fn damaged(bytes: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let flipped = |at: usize| {
        let mut bytes = bytes.to_vec();
        bytes[at] ^= 0x10;
        bytes
    };
    let random = |i: usize| ((i as u32).wrapping_mul(2_654_435_761) >> 13) as u8;
    vec![
        ("empty", vec![]),
        ("one byte", bytes[..1].to_vec()),
        ("half", bytes[..bytes.len() / 2].to_vec()),
        ("all but a byte", bytes[..bytes.len() - 1].to_vec()),
        ("a byte more", [bytes, &[0]].concat()),
        ("first byte", flipped(0)),
        ("random", (0..bytes.len().min(5000)).map(random).collect()),
    ]
}

/// What can happen to a sealed object besides, by a word of the message.
fn mislabelled(bytes: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let mut inside = bytes.to_vec();
    inside[bytes.len() / 2] ^= 1;
    let mut version = bytes.to_vec();
    version[4] = 3;
    vec![
        ("digest", inside),
        ("format version 3", version),
        ("tag 2", resealed(bytes, |header| Header { tag: he_ckks::TAG, ..header })),
        ("kind 99", resealed(bytes, |header| Header { kind: 99, ..header })),
        ("parameters abababab", resealed(bytes, |header| Header { params: [0xab; 32], ..header })),
    ]
}

/// That a reading is refused as bad input, with the name of the file and the word.
fn refused<T>(read: Result<T, RunError>, file: &str, what: &str, word: &str) {
    let error = read.err().unwrap_or_else(|| panic!("{file}, {what}: was read"));
    let message = error.to_string();
    assert!(error.is_input(), "{file}, {what}: {message}");
    assert!(message.contains(file) && message.contains(word), "{file}, {what}: {message}");
}

/// A file that claims to be larger than anything of its kind, without taking the room.
fn enlarge(path: &Path) {
    fs::File::options().write(true).open(path).unwrap().set_len((1 << 32) + 1).unwrap();
}

#[test]
fn every_file_of_a_run_folder_is_checked() {
    let world = World::new("damaged");
    world.write();
    let folder = world.folder();
    let (network, recipe) = (&world.session.network, &world.session.recipe);
    type Reading<'a> = (&'a str, bool, &'a dyn Fn() -> Result<(), RunError>);
    let readings: [Reading<'_>; 4] = [
        ("client/secret.key", true, &|| {
            folder.client_with(&world.plan, world.session.first.clone()).map(drop)
        }),
        ("server/evaluation-0.keys", true, &|| {
            let keys = folder.read_evaluation_keys(&world.plan)?;
            folder.server_with(&world.plan, &keys).map(drop)
        }),
        ("client/model.private.safetensors", false, &|| folder.read_model(recipe, network).map(drop)),
        ("recipe.toml", false, &|| folder.read_recipe().map(drop)),
    ];
    for (file, sealed, read) in readings {
        let path = world.root.join(file);
        let whole = fs::read(&path).unwrap();
        read().unwrap();
        for (what, bytes) in damaged(&whole) {
            // Text is still text with a byte more or less at its end.
            if file == "recipe.toml" && ["a byte more", "all but a byte"].contains(&what) {
                continue;
            }
            fs::write(&path, bytes).unwrap();
            refused(read(), file, what, "");
        }
        for (word, bytes) in if sealed { mislabelled(&whole) } else { vec![] } {
            fs::write(&path, bytes).unwrap();
            refused(read(), file, word, word);
        }
        fs::write(&path, &whole).unwrap();
        enlarge(&path);
        refused(read(), file, "oversized", if file == "recipe.toml" { "more than" } else { "at most" });
        fs::remove_file(&path).unwrap();
        refused(read(), file, "absent", "");
        fs::write(&path, whole).unwrap();
        read().unwrap();
    }
}

#[test]
fn a_damaged_run_folder_ends_a_prediction_with_status_2_and_nothing_written() {
    let world = World::new("predicted");
    world.write();
    let predicted = world.root.join("client/predictions.csv");
    for file in
        ["recipe.toml", "client/model.private.safetensors", "client/secret.key", "server/evaluation-0.keys"]
    {
        let path = world.root.join(file);
        let whole = fs::read(&path).unwrap();
        fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_nn-encrypted"));
        let output = command.args(["predict", "--run"]).arg(&world.root).output().unwrap();
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{file}: {message}");
        assert!(message.contains(file) && !message.contains("panicked"), "{file}: {message}");
        assert!(!predicted.exists(), "{file}");
        fs::write(&path, whole).unwrap();
    }
}

#[test]
fn a_report_is_checked() {
    let world = World::new("reported");
    let folder = world.folder();
    fs::create_dir_all(&world.root).unwrap();
    let path = world.root.join("report.json");
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/v2/report.json");
    let whole = fs::read(golden).unwrap();
    fs::write(&path, &whole).unwrap();
    folder.read_report().unwrap();
    for (what, bytes) in damaged(&whole) {
        fs::write(&path, bytes).unwrap();
        refused(folder.read_report(), "report.json", what, "");
    }
    enlarge(&path);
    refused(folder.read_report(), "report.json", "oversized", "at most");
}

#[test]
fn a_message_that_was_damaged_or_is_another_is_refused() {
    let mut world = World::new("messages");
    let (x, targets) = world.session.batch(0).unwrap();
    let batch = world.client.encrypt_batch(5, x.view(), targets.view()).unwrap();
    let model = world.client.encrypt_model(0).unwrap();
    let mut server = Server::new(&world.plan, &world.client.evaluation_keys().unwrap(), false).unwrap();
    let error = |result: Result<(), ServerError>| result.err().map(|e| e.to_string());
    for (what, bytes) in damaged(&model).into_iter().chain(mislabelled(&model)) {
        let message =
            error(server.receive_model(0, bytes)).unwrap_or_else(|| panic!("model, {what}: was taken"));
        assert!(message.starts_with("model: "), "{what}: {message}");
    }
    for (what, bytes) in damaged(&batch).into_iter().chain(mislabelled(&batch)) {
        let message =
            error(server.receive_batch(5, bytes)).unwrap_or_else(|| panic!("batch, {what}: was taken"));
        assert!(message.starts_with("mini-batch: "), "{what}: {message}");
    }
    // Whole, but not what is due.
    let message = error(server.receive_batch(4, batch.clone())).unwrap();
    assert!(message.contains("step 5, round 0: expected step 4"), "{message}");
    assert!(error(server.receive_model(0, batch.clone())).unwrap().contains("kind 2, expected kind 1"));
    let other = session(&["data.set=iris", LAYERS, "optimizer.batch_size=16"]);
    let foreign = Client::new(&other.plan().unwrap(), other.first.clone()).unwrap();
    let message = error(server.receive_model(0, foreign.encrypt_model(0).unwrap())).unwrap();
    assert!(message.contains("made under parameters"), "{message}");
    for (what, bytes) in damaged(&batch).into_iter().chain(mislabelled(&batch)) {
        world.client.begin(0, x.view(), targets.view()).unwrap();
        assert!(world.client.answer(bytes.clone()).is_err(), "request, {what}");
        assert!(world.client.read_outputs(bytes).is_err(), "outputs, {what}");
    }
    assert!(server.receive_batch(5, batch).is_ok() && server.receive_model(0, model).is_ok());
}

#[test]
fn values_out_of_range_are_not_encrypted() {
    let world = World::new("ranges");
    let (mut x, targets) = world.session.batch(0).unwrap();
    let error = |x: &ndarray::Array2<f64>| {
        world.client.encrypt_batch(0, x.view(), targets.view()).unwrap_err().to_string()
    };
    let message = error(&x.select(ndarray::Axis(1), &[0, 1, 2]));
    assert_eq!(message, "features of an image: 3, needed 4");
    for value in [-134_217_728.0, f64::NAN] {
        x[(2, 1)] = value;
        let message = error(&x);
        assert!(message.starts_with("number to be encrypted: "), "{message}");
    }
}

/// A run as this version writes it: `train --data iris --mode simulate --steps 1 --batch 4 --set
/// "layers=[{kind='Linear',scheme='bgv'}]"`. Files of another version go into another folder, beside these: v2 has no digests, and
/// v2 and v3 other names for a model without columns and normalization.
#[test]
fn golden_files_are_read() {
    ["v2", "v3", "v4"].into_iter().for_each(golden);
}

fn golden(version: &str) {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(version);
    let folder = RunFolder::new(&golden);
    let report = folder.read_report().unwrap();
    assert_eq!((report.schema, report.steps, &report.network[..]), (1, 1, &[4, 3][..]));
    assert_eq!((report.data.train, report.data.test, report.mode.as_str()), (120, 30, "simulate"));
    let session = Session::new(folder.read_recipe().unwrap(), None).unwrap();
    let model = folder.read_model(&session.recipe, &session.network).unwrap();
    assert_ne!(model, session.first);
    let mut twin = session.twin(session.first.clone()).unwrap();
    for batch in session.batches.schedule(0).take(1) {
        let (x, targets) = session.batch(batch).unwrap();
        twin.step(&x, &targets).unwrap();
    }
    assert_eq!(&model, twin.model());
    let mut sealed = report.clone();
    folder.seal(&mut sealed).unwrap();
    let model =
        if version == "v4" { "client/model.private.safetensors" } else { "client/private-model.safetensors" };
    let digests = [model, "recipe.toml"];
    let of_this_version = sealed.digests == report.digests && sealed.digests.keys().eq(digests.iter());
    assert_eq!(of_this_version, version != "v2");
}
