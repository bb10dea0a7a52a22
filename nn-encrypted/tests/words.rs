//! Training on encrypted words against the twin, bit for bit, at 128-bit parameters.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use he_core::wire::{self, Header};
use nn_encrypted::model::Model;
use nn_encrypted::recipe::Recipe;
use nn_encrypted::roles::{Client, LocalLink, Server, Traffic};
use nn_encrypted::run::{RunFolder, Session};

/// The smallest network, in the shortest words, on one sample.
const TINY: [&str; 4] =
    ["variant=tiny", "optimizer.learning_rate=1", "numbers.word_bits=8", "optimizer.batch_size=1"];

fn session(more: &[&str]) -> Session {
    let settings: Vec<String> = TINY.iter().chain(more).map(ToString::to_string).collect();
    Session::new(Recipe::load("tbmpnet2021", &settings).unwrap(), None).unwrap()
}

/// The models after a step of the server, which starts from what `change` leaves of the encrypted weights, and of the twin.
fn step(session: &Session, change: impl Fn(Vec<u8>) -> Vec<u8>) -> (Model, Model) {
    let plan = session.plan().unwrap();
    let mut client = Client::new(&plan, session.first.clone()).unwrap();
    let mut server = Server::new(&plan, &client.evaluation_keys().unwrap(), false).unwrap();
    server.receive_model(0, change(client.encrypt_model(0).unwrap())).unwrap();
    let batch = session.batches.schedule(0).next().unwrap();
    let (x, targets) = session.batch(batch).unwrap();
    server.receive_batch(batch, client.encrypt_batch(batch, x.view(), targets.view()).unwrap()).unwrap();
    client.begin(0, x.view(), targets.view()).unwrap();
    let mut traffic = Traffic::default();
    let mut link = LocalLink { client: &mut client, traffic: &mut traffic };
    server.train(0, batch, &mut link, &Arc::default()).unwrap();
    assert!(server.usage()[0].tables > 0 && traffic.rounds == 0);
    let mut twin = session.twin(session.first.clone()).unwrap();
    twin.step(&x, &targets).unwrap();
    let model = server.model(1).unwrap();
    (client.decrypt_model(1, model).unwrap().clone(), twin.model().clone())
}

#[test]
fn digits_equal_the_twin() {
    let session = session(&[]);
    let (found, twin) = step(&session, |model| model);
    assert_eq!(found, twin);
    assert_ne!(found, session.first);
}

#[test]
fn bits_equal_the_twin() {
    let (found, twin) = step(&session(&["numbers.words=bits"]), |model| model);
    assert_eq!(found, twin);
}

#[test]
fn one_altered_coefficient_ends_in_another_model_than_the_twins() {
    // The last four bytes of the message: the body of the highest digit of the last bias.
    let alter = |sealed: Vec<u8>| {
        let (header, _) = wire::peek(&sealed).unwrap();
        let mut body = wire::open(&sealed, &header, sealed.len()).unwrap().to_vec();
        let last = body.len() - 4;
        let word = u32::from_le_bytes(body[last..].try_into().unwrap()).wrapping_add(1 << 27);
        body[last..].copy_from_slice(&word.to_le_bytes());
        wire::seal(&Header { ..header }, &body)
    };
    let (found, twin) = step(&session(&[]), alter);
    assert_ne!(found, twin);
}

/// A folder of its own for a test, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("nn-encrypted-words-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nn-encrypted"));
        command.current_dir(&self.0).args(args).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn said(output: &Output) -> String {
    [&output.stdout[..], &output.stderr].map(String::from_utf8_lossy).concat()
}

#[test]
fn an_interrupted_run_goes_on_and_the_server_holds_no_secret() {
    let folder = Folder::new("interrupted");
    let run = [
        "train",
        "tbmpnet2021",
        "--variant",
        "tiny",
        "--set",
        "numbers.word_bits=8",
        "--batch",
        "1",
        "--set",
        "optimizer.learning_rate=1",
    ];
    let args = [&run[..], &["--steps", "2", "--out", "run"]].concat();
    let mut child = folder.command(&args).spawn().unwrap();
    while !folder.0.join("run/client/checkpoint-1.state").exists() {
        assert!(child.try_wait().unwrap().is_none(), "ended before it was interrupted");
        std::thread::sleep(Duration::from_millis(5));
    }
    let status = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(status.success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", said(&output));
    assert!(said(&output).contains("interrupted after step 1 of 2"), "{}", said(&output));

    let output = folder.command(&["train", "--resume", "--out", "run"]).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    assert!(
        said(&output).contains("resumed after step 1 of 2") && said(&output).contains("twin equal: true")
    );
    let report = RunFolder::new(folder.0.join("run")).read_report().unwrap();
    assert_eq!((report.steps, &report.network[..]), (2, &[1, 1, 1][..]));
    assert_eq!((report.schemes[0].name.as_str(), report.schemes[0].security_bits), ("tfhe", Some(128)));
    assert!(report.bootstraps.tfhe > 0 && report.key_bytes > 0 && report.core_seconds_per_image.is_some());
    assert!(report.encrypted.data && report.encrypted.update && report.traffic.rounds == 0);
    let names = |half: &str| {
        let entries = fs::read_dir(folder.0.join("run").join(half)).unwrap().flatten();
        let mut names: Vec<String> =
            entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    };
    assert_eq!(names("server"), ["evaluation-0.keys", "model.ciphertext", "plan.txt"]);
    assert!(names("client").contains(&"secret.key".to_owned()));
}

#[test]
fn a_simulation_learns_and_bad_settings_are_refused_by_name() {
    let folder = Folder::new("simulate");
    let simulate = ["train", "tbmpnet2021", "--mode", "simulate"];
    let output = folder.command(&[&simulate[..], &["--out", "run"]].concat()).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let report = RunFolder::new(folder.0.join("run")).read_report().unwrap();
    assert!(report.accuracy.twin_test.unwrap() >= 0.93 && report.traffic.saturations == 0);
    for (setting, word) in [
        ("numbers.word_bits=12", "`numbers.word_bits`: 12"),
        ("numbers.fraction_bits=9", "`numbers.fraction_bits`: 9"),
        ("numbers.fraction_bits=14", "layer 1 (Linear): range: with the initial weights"),
        ("optimizer.learning_rate=128", "`optimizer.learning_rate`: 128"),
        ("data.outputs=single", "data.outputs = \"single\"; the data has 3 classes"),
        ("data.columns=['stem']", "no column `stem`"),
    ] {
        let args =
            [&simulate[..], &["--set", "optimizer.init_gain=6", "--set", setting, "--out", "bad"]].concat();
        let output = folder.command(&args).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{setting}: {}", said(&output));
        assert!(
            said(&output).contains(word) && !folder.0.join("bad").exists(),
            "{setting}: {}",
            said(&output)
        );
    }
}
