//! Training on real numbers against the twin, at 128-bit parameters.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use ndarray::Array2;
use nn_encrypted::model::Model;
use nn_encrypted::recipe::Recipe;
use nn_encrypted::roles::Client;
use nn_encrypted::run::{Encrypted, RunFolder, Session};
use nn_encrypted::twin::Twin;

/// A folder of its own for a test, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("nn-encrypted-reals-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nn-encrypted"));
        command.current_dir(&self.0).args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let output = self.command(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        output
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Waits until there is a checkpoint of so many steps at least.
fn wait_for_step(folder: &Path, step: u64, child: &mut Child) {
    let reached = || {
        let names = fs::read_dir(folder.join("client")).into_iter().flatten().flatten();
        let steps = names.filter_map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            name.strip_prefix("checkpoint-")?.strip_suffix(".state")?.parse::<u64>().ok()
        });
        steps.max().is_some_and(|found| found >= step)
    };
    while !reached() {
        assert!(child.try_wait().unwrap().is_none(), "it ended before step {step}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The trained model of a run folder.
fn model(folder: &Path) -> Vec<f64> {
    let bytes = fs::read(folder.join("client/model.private.safetensors")).unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let mut tensors = tensors.tensors();
    tensors.sort_by(|a, b| a.0.cmp(&b.0));
    tensors.retain(|(name, _)| name.starts_with("reals."));
    let values = tensors.iter().flat_map(|(_, tensor)| tensor.data().chunks_exact(8));
    values.map(|word| f64::from_le_bytes(word.try_into().unwrap())).collect()
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

/// Kills a run once it has come to `step`, resumes it, and compares it with one that was left alone.
///
/// How far they are apart.
fn killed_and_resumed(name: &str, train: &[&str], step: u64, precision: f64) -> f64 {
    let folder = Folder::new(name);
    let arguments = |out: &'static str| [train, &["--checkpoint-seconds", "0", "--out", out]].concat();
    folder.run(&arguments("whole"));
    let mut child = folder.command(&arguments("parts")).spawn().unwrap();
    wait_for_step(&folder.path("parts"), step, &mut child);
    child.kill().unwrap();
    child.wait().unwrap();
    folder.run(&["train", "--resume", "--out", "parts"]);
    let [whole, parts] = ["whole", "parts"].map(|out| model(&folder.path(out)));
    let apart = distance(&whole, &parts);
    println!("apart by {apart:.2e}");
    assert!(apart <= precision, "{apart}");
    let report = |out| RunFolder::new(folder.path(out)).read_report().unwrap();
    assert_eq!(report("whole").steps, report("parts").steps);
    assert_eq!(report("parts").twin.equal, Some(true));
    apart
}

#[test]
fn a_forecast_survives_a_kill_and_predicts() {
    let train = ["train", "onoufriou2021", "--steps", "12"];
    // The weights come from the client's own sums: no noise enters them.
    assert_eq!(killed_and_resumed("milk", &train, 4, 1e-5), 0.0);
}

#[test]
fn a_run_tells_how_good_a_forecast_is_and_who_saw_what() {
    let folder = Folder::new("report");
    folder.run(&["train", "onoufriou2021", "--steps", "3", "--out", "run"]);
    let report = RunFolder::new(folder.path("run")).read_report().unwrap();
    let (accuracy, step) = (report.accuracy, report.step.unwrap());
    let baselines = accuracy.baselines.unwrap();
    assert!(accuracy.mape.unwrap() > baselines.season && (baselines.last - 4.8).abs() < 0.01);
    assert!(step.output_error.unwrap() < 1.0 / 1024.0 && step.bootstraps == 0);
    assert!(report.encrypted.weights && !report.encrypted.backward && !report.encrypted.update);
    assert_eq!((report.traffic.rounds, report.schemes[0].security_bits), (3, Some(128)));
    assert!(report.ranges.iter().all(|range| range.largest > 0.0 && range.largest < range.bound));
    let said = folder.run(&["predict", "--run", "run"]);
    assert!(String::from_utf8_lossy(&said.stdout).contains("twin equal: true"));
}

#[test]
fn a_simulation_tells_which_tensors_leave_their_bounds() {
    let folder = Folder::new("bounds");
    let train = ["train", "ckks_sgd", "--mode", "simulate", "--steps", "30", "--out"];
    folder.run(&[&train[..], &["fits"]].concat());
    let leaves = [&train[..], &["leaves", "--set", "numbers.bounds.preactivation=0.75"]].concat();
    let output = folder.command(&leaves).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    for word in
        ["layer 1", "linear1.preactivation reaches", "beyond 0.75", "change `numbers.bounds.preactivation`"]
    {
        assert!(said.contains(word), "{word}: {said}");
    }
    let [fits, leaves] =
        ["fits", "leaves"].map(|out| RunFolder::new(folder.path(out)).read_report().unwrap());
    assert_eq!((fits.traffic.out_of_bounds, leaves.traffic.out_of_bounds), (0, 1));
    assert!(fits.accuracy.twin_test == leaves.accuracy.twin_test && fits.accuracy.twin_test > Some(0.85));
}

#[test]
fn a_simulation_tells_which_tensors_the_modulus_does_not_hold() {
    let folder = Folder::new("modulus");
    let schemes: Vec<String> = (1..=3).map(|layer| format!("layers.{layer}.scheme=ckks")).collect();
    let mut train = vec!["train", "hesamifard2017", "--data", "iris", "--mode", "simulate", "--steps", "1"];
    train.extend(schemes.iter().flat_map(|setting| ["--set", setting]));
    folder.run(&[&train[..], &["--out", "fits"]].concat());
    // Features up to 1000 make sums that the client would saturate at 2.5, if the modulus held them.
    let large = "data.normalize={method='standardize',scale=500.0,limit=1000.0}";
    let wraps = [&train[..], &["--out", "wraps", "--set", large]].concat();
    let output = folder.command(&wraps).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    for word in
        ["layer 1", "linear1.preactivation reaches", "beyond 128", "change `numbers.bounds.preactivation`"]
    {
        assert!(said.contains(word), "{word}: {said}");
    }
}

/// Mean loss over a whole training part.
fn loss(twin: &Twin, x: &Array2<f64>, y: &Array2<f64>) -> f64 {
    (twin.clone().outputs(x).unwrap() - y).mapv(|e| e * e).sum() / (2.0 * x.nrows() as f64)
}

fn flat(model: &Model) -> Vec<f64> {
    model.layers.iter().flat_map(|layer| layer.weight.iter().chain(&layer.bias)).copied().collect()
}

/// Needs 8 GB of memory and about a minute.
#[test]
#[ignore = "full-size keys: cargo test --release -p nn-encrypted --test reals -- --ignored --nocapture"]
fn each_step_is_right_to_a_hundredth_of_what_it_changes() {
    three_steps(&[]);
}

/// Needs 10 GB of memory and several minutes.
#[test]
#[ignore = "full-size keys: cargo test --release -p nn-encrypted --test reals -- --ignored --nocapture"]
fn each_step_of_a_convolutional_network_is_right_to_a_hundredth_of_what_it_changes() {
    three_steps(&["variant=cnn".to_owned()]);
}

fn three_steps(settings: &[String]) {
    let session = Session::new(Recipe::load("ckks_sgd", settings).unwrap(), None).unwrap();
    let plan = session.plan().unwrap();
    println!("{plan}");
    let client = Client::new(&plan, session.first.clone()).unwrap();
    let (mut both, _) = Encrypted::start(&plan, client).unwrap();
    let twin_of = |model| session.twin(model).unwrap();
    let mut twin = twin_of(session.first.clone());
    let whole: Vec<_> = (0..session.batches.count()).map(|batch| session.batch(batch).unwrap()).collect();
    let all = |parts: Vec<_>| ndarray::concatenate(ndarray::Axis(0), &parts).unwrap();
    let x = all(whole.iter().map(|(x, _)| x.view()).collect());
    let y = all(whole.iter().map(|(_, y)| y.view()).collect());
    let mut before = loss(&twin, &x, &y);
    for (step, batch) in session.batches.schedule(0).take(3).enumerate() {
        let (x_batch, y_batch) = &whole[batch];
        let last = flat(twin.model());
        both.send(&session, batch).unwrap();
        both.step(&session, step as u64, batch, &Arc::default()).unwrap();
        twin.step(x_batch, y_batch).unwrap();
        let found = both.model(step as u64 + 1).unwrap();
        let (error, moved) =
            (distance(&flat(&found), &flat(twin.model())), distance(&flat(twin.model()), &last));
        let after = loss(&twin_of(found), &x, &y);
        println!(
            "step {}: error {error:.2e}, largest change {moved:.2e}, loss {before:.4} -> {after:.4}",
            step + 1
        );
        assert!(error <= 0.01 * moved && after < before);
        before = after;
    }
}

/// Needs 8 GB of memory and several minutes.
#[test]
#[ignore = "full-size keys: cargo test --release -p nn-encrypted --test reals -- --ignored --nocapture"]
fn training_survives_a_kill() {
    let apart = killed_and_resumed("digits", &["train", "ckks_sgd", "--steps", "5"], 2, 1e-5);
    assert!(apart > 0.0, "other keys, other noise");
}
