//! Keys and messages of every recipe and kind of engine that were written once, `golden/messages-v2/`, in rings that protect nothing.
//!
//! `cargo test --release -p nn-encrypted --test golden -- --ignored` writes what is missing; `golden/README.md` says when that is right.

mod worlds;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use he_core::wire::{VERSION, WireError, peek};
use nn_encrypted::model::Model;
use nn_encrypted::roles::{Client, Link, LinkError, Server};
use zeroize::Zeroizing;

/// Worlds of which a mini-batch is kept: those of the others are large, and of the same ciphertexts.
const WITH_BATCH: [&str; 4] = ["bgv", "ckks", "coefficients", "digits"];

fn path(world: &str, name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join(format!("tests/golden/messages-v{VERSION}"))
        .join(world)
        .join(name)
}

fn golden(world: &str, name: &str) -> Vec<u8> {
    let path = path(world, name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn secret(engine: usize, number: usize) -> String {
    format!("secret-{engine}-{number}.key")
}

/// The largest distance of two numbers of two models.
fn apart(a: &Model, b: &Model) -> f64 {
    let numbers = |model: &Model| -> Vec<f64> {
        let all =
            model.layers.iter().flat_map(|l| [&l.weight, &l.bias, &l.weight_momentum, &l.bias_momentum]);
        all.flatten().copied().collect()
    };
    let (a, b) = (numbers(a), numbers(b));
    assert_eq!(a.len(), b.len());
    a.iter().zip(&b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

#[test]
fn keys_and_messages_of_every_recipe_are_read_and_written_alike() {
    for small in worlds::ALL {
        let (world, session) = (small.0, worlds::session(small));
        let plan = worlds::plan(&session);
        let hash: String = plan.hash().iter().map(|byte| format!("{byte:02x}")).collect();
        let written = String::from_utf8(golden(world, "plan.hash")).unwrap();
        assert_eq!(hash, written.trim(), "{world}: the plan is another one, see tests/golden/README.md");
        let keys = |(engine, planned): (usize, &Arc<dyn nn_encrypted::plan::PlannedEngine>)| {
            let all = 0..planned.secret_keys();
            all.map(|number| Zeroizing::new(golden(world, &secret(engine, number)))).collect::<Vec<_>>()
        };
        let secrets: Vec<_> = plan.engines.iter().enumerate().map(keys).collect();
        let mut client = Client::with_secrets(&plan, session.first.clone(), &secrets).unwrap();
        assert!(client.secret_bytes() == secrets, "{world}");
        let mut server = Server::new(&plan, &client.evaluation_keys().unwrap(), false).unwrap();
        let model = golden(world, "model.message");
        server.restore(0, model.clone()).unwrap();
        assert!(server.model(0).unwrap() == model, "{world}");
        let tolerance = plan.engines.iter().filter_map(|engine| engine.tolerance()).map(|t| t.weights);
        let far = apart(client.decrypt_model(0, model).unwrap(), &session.first);
        assert!(far <= tolerance.fold(0.0, f64::max), "{world}: {far}");
        // Seeds expand to what they did: a mini-batch computes only while they do.
        if WITH_BATCH.contains(&world) {
            server.receive_batch(0, golden(world, "batch.message")).unwrap();
        }
    }
}

/// For trainings in which no client takes part.
struct NoClient;

impl Link for NoClient {
    fn exchange(&mut self, _request: Vec<u8>) -> Result<Vec<u8>, LinkError> {
        unreachable!("no round is planned")
    }
}

/// Worlds whose first weights are public, so that nobody's key is in them.
const PUBLIC_WEIGHTS: [&str; 1] = ["columns"];

/// The two secrets that an error names.
fn names_two_secrets(world: &str, error: Option<String>) {
    let text = error.unwrap_or_else(|| panic!("{world}: another client's is taken"));
    let named: BTreeSet<&str> =
        text.split(|c: char| !c.is_ascii_hexdigit() && c != '.').filter(|word| word.len() == 10).collect();
    assert!(text.contains("of different clients do not go together") && named.len() == 2, "{world}: {text}");
}

#[test]
fn keys_and_messages_of_another_client_are_refused() {
    for small in worlds::ALL {
        let (world, session) = (small.0, worlds::session(small));
        let plan = worlds::plan(&session);
        let [mut own, mut other] = [(); 2].map(|()| Client::new(&plan, session.first.clone()).unwrap());
        let mut server = Server::new(&plan, &own.evaluation_keys().unwrap(), false).unwrap();
        // What the server is sent, and what it kept of another run.
        let theirs = other.encrypt_model(0).unwrap();
        let public = PUBLIC_WEIGHTS.contains(&world);
        assert_eq!(theirs == own.encrypt_model(0).unwrap(), public, "{world}");
        if !public {
            names_two_secrets(world, server.receive_model(0, theirs.clone()).err().map(|e| e.to_string()));
        }
        let (x, targets) = session.batch(0).unwrap();
        let batch = other.encrypt_batch(0, x.view(), targets.view()).unwrap();
        names_two_secrets(world, server.receive_batch(0, batch).err().map(|e| e.to_string()));
        server.receive_model(0, own.encrypt_model(0).unwrap()).unwrap();
        // And what a client is sent, with the secret keys of another run.
        if public {
            let batch = own.encrypt_batch(0, x.view(), targets.view()).unwrap();
            server.receive_batch(0, batch).unwrap();
            server.train(0, 0, &mut NoClient, &Arc::default()).unwrap();
        }
        let model = server.model(0).unwrap();
        names_two_secrets(world, other.decrypt_model(0, model.clone()).err().map(|e| e.to_string()));
        assert!(own.decrypt_model(0, model).is_ok(), "{world}");
        assert_eq!(server.restore(0, theirs).is_err(), !public, "{world}");
    }
}

#[test]
fn messages_of_version_1_are_refused_by_name() {
    let old = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/messages");
    let mut count = 0;
    for world in fs::read_dir(old).unwrap() {
        for file in fs::read_dir(world.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|extension| extension != "hash") {
                assert_eq!(peek(&fs::read(path).unwrap()).err(), Some(WireError::Version { found: 1 }));
                count += 1;
            }
        }
    }
    assert!(count > 14, "{count} files");
}

#[test]
#[ignore = "writes the golden files that are not there yet"]
fn write_golden_files() {
    for small in worlds::ALL.into_iter().filter(|small| !path(small.0, "plan.hash").exists()) {
        let (world, session) = (small.0, worlds::session(small));
        let plan = worlds::plan(&session);
        let client = Client::new(&plan, session.first.clone()).unwrap();
        let mut server = Server::new(&plan, &client.evaluation_keys().unwrap(), false).unwrap();
        server.receive_model(0, client.encrypt_model(0).unwrap()).unwrap();
        let (x, targets) = session.batch(0).unwrap();
        fs::create_dir_all(path(world, "")).unwrap();
        let hash: String = plan.hash().iter().map(|byte| format!("{byte:02x}")).collect();
        fs::write(path(world, "plan.hash"), hash + "\n").unwrap();
        for (engine, keys) in client.secret_bytes().iter().enumerate() {
            for (number, key) in keys.iter().enumerate() {
                fs::write(path(world, &secret(engine, number)), &**key).unwrap();
            }
        }
        fs::write(path(world, "model.message"), server.model(0).unwrap()).unwrap();
        if WITH_BATCH.contains(&world) {
            let batch = client.encrypt_batch(0, x.view(), targets.view()).unwrap();
            fs::write(path(world, "batch.message"), batch).unwrap();
        }
    }
}
