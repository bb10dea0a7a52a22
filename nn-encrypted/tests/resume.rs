//! An encrypted run survives: killed at random moments, interrupted, with damaged checkpoints and on a full disk. What
//! it ends with is what an uninterrupted run ends with, to the last bit.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use nn_encrypted::run::{Report, RunFolder};

/// A short run, with a checkpoint after each step.
const TRAIN: [&str; 10] = [
    "train",
    "hesamifard2017",
    "--data",
    "iris",
    "--set",
    "parameters.ring_dimension=8192",
    "--checkpoint-seconds",
    "0",
    "--steps",
    "14",
];

/// A folder of its own for a test, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("nn-encrypted-resume-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// The short run in `out`, with further arguments.
    fn command(&self, out: &str, more: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nn-encrypted"));
        command.current_dir(&self.0).args(TRAIN).args(["--out", out]).args(more);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run(&self, out: &str, more: &[&str]) -> Output {
        self.command(out, more).output().unwrap()
    }

    /// As [`run`](Self::run), to the end.
    fn finish(&self, out: &str, more: &[&str]) -> String {
        let output = self.run(out, more);
        let said = message(&output);
        assert!(output.status.success(), "{said}");
        assert!(String::from_utf8_lossy(&output.stdout).contains("twin equal: true"));
        said
    }

    fn refused(&self, out: &str, more: &[&str], words: &[&str]) {
        let output = self.run(out, more);
        let said = message(&output);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(words.iter().all(|word| said.contains(word)), "{said}\n  {words:?} were expected");
        assert!(!said.contains("panicked"), "{said}");
    }

    /// What a run ended with: model, curve and the figures that do not depend on time.
    fn results(&self, out: &str) -> (Vec<u8>, Vec<u8>, String) {
        let path = self.0.join(out);
        let Report { steps, accuracy, twin, traffic, .. } = RunFolder::new(&path).read_report().unwrap();
        assert_eq!(twin.equal, Some(true));
        let moved = (traffic.to_server_bytes, traffic.to_client_bytes, traffic.rounds, traffic.refreshes);
        let figures = format!("{steps} {accuracy:?} {moved:?} {}", traffic.saturations);
        let read = |name: &str| fs::read(path.join(name)).unwrap();
        let timings = String::from_utf8(read("timings.csv")).unwrap();
        assert_eq!(timings.lines().count() as u64, 1 + steps, "a line for each step, whatever ran it");
        (read("client/model.private.safetensors"), read("learning-curve.svg"), figures)
    }

    /// Waits for a file to be there, by the end of its name.
    fn wait_for(&self, out: &str, half: &str, ending: &str, child: &mut Child) -> bool {
        while child.try_wait().unwrap().is_none() {
            if self.checkpoints(out, half).iter().any(|name| name.ends_with(ending)) {
                return true;
            }
            std::thread::sleep(Duration::from_micros(50));
        }
        false
    }

    fn checkpoints(&self, out: &str, half: &str) -> Vec<String> {
        let entries = fs::read_dir(self.0.join(out).join(half)).into_iter().flatten().flatten();
        let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
        names.filter(|name| name.starts_with("checkpoint-")).collect()
    }

    /// Steps of the server's checkpoints, in order.
    fn steps(&self, out: &str) -> Vec<u64> {
        let number = |name: &String| name.strip_prefix("checkpoint-")?.strip_suffix(".state")?.parse().ok();
        let mut steps: Vec<u64> = self.checkpoints(out, "server").iter().filter_map(number).collect();
        steps.sort_unstable();
        steps
    }

    /// A copy of a run folder.
    fn copy(&self, from: &str, to: &str) -> PathBuf {
        let status = Command::new("cp").current_dir(&self.0).args(["-r", from, to]).status().unwrap();
        assert!(status.success());
        self.0.join(to)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn message(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args([format!("-{name}"), child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

/// Flips a bit in the middle of a file.
fn flip(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
}

/// Numbers in [0, 1) from a seed (splitmix64).
fn random(state: &mut u64) -> f64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
}

#[test]
fn killed_at_ten_random_moments_it_ends_with_the_same_model() {
    let folder = Folder::new("kill");
    let start = Instant::now();
    folder.finish("whole", &[]);
    let whole = start.elapsed();
    let expected = folder.results("whole");
    assert!(folder.steps("whole").is_empty(), "checkpoints of a finished run");

    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    let seed = std::env::var("RESUME_SEED").map_or(now, |seed| seed.parse().unwrap());
    println!("RESUME_SEED={seed}, a whole run takes {whole:?}");
    let mut state = seed;
    let (mut kills, mut runs) = (0, 0);
    while kills < 10 {
        let out = format!("killed-{runs}");
        let mut child = folder.command(&out, &["--resume"]).stderr(Stdio::null()).spawn().unwrap();
        if kills % 3 == 2 {
            // While a file is being written.
            let half = if kills % 2 == 0 { "server" } else { "client" };
            folder.wait_for(&out, half, ".draft", &mut child);
            std::thread::sleep(Duration::from_micros((random(&mut state) * 2000.0) as u64));
        } else {
            std::thread::sleep(whole.mul_f64(random(&mut state)));
        }
        let ended = child.try_wait().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        match ended {
            Some(status) => {
                assert!(status.success());
                runs += 1;
            }
            None => {
                kills += 1;
                println!("killed number {kills} in {out}, checkpoints {:?}", folder.steps(&out));
            }
        }
    }
    let last = folder.run(&format!("killed-{runs}"), &["--resume"]);
    assert!(last.status.success(), "{}", message(&last));
    (0..=runs).for_each(|run| assert_eq!(folder.results(&format!("killed-{run}")), expected, "run {run}"));
}

#[test]
fn interrupted_it_says_how_to_go_on_and_does() {
    let folder = Folder::new("interrupt");
    for name in ["INT", "TERM"] {
        let mut child = folder.command("run", &["--resume"]).spawn().unwrap();
        let step = if name == "INT" { "checkpoint-2.state" } else { "checkpoint-5.state" };
        assert!(folder.wait_for("run", "client", step, &mut child));
        signal(&child, name);
        let output = child.wait_with_output().unwrap();
        let said = message(&output);
        assert_eq!(output.status.code(), Some(130), "{said}");
        assert!(said.contains("train --resume --out run"), "{said}");
        assert!(folder.steps("run").len() == 2 && !folder.0.join("run/report.json").exists());
    }
    folder.refused("run", &[], &["run", "unfinished", "--resume"]);
    folder.refused("run", &["--resume", "--seed", "2"], &["run/recipe.toml", "seed is 1", "2 is asked for"]);
    folder.refused("run", &["--resume", "--mode", "simulate"], &["simulate is asked for"]);

    // Recipe, data and steps are taken from the folder.
    let mut bare = Command::new(env!("CARGO_BIN_EXE_nn-encrypted"));
    let output = bare.current_dir(&folder.0).args(["train", "--resume", "--out", "run"]).output().unwrap();
    assert!(output.status.success(), "{}", message(&output));
    assert!(message(&output).contains("resumed after step"));
    assert_eq!(RunFolder::new(folder.0.join("run")).read_report().unwrap().steps, 14);
    let again = folder.run("run", &["--resume"]);
    assert!(again.status.success());
    assert!(String::from_utf8_lossy(&again.stdout).contains("this run is finished, with 14 steps"));

    // What was found of the server says that the key is spent.
    let run = RunFolder::new(folder.0.join("run"));
    let mut report = run.read_report().unwrap();
    report.traffic.deviations = 3;
    run.write_report(&report).unwrap();
    folder.refused("run", &["--resume"], &["run: 3 decrypted values", "which is spent", "with new keys"]);
    for args in [&["predict", "--run", "run"][..], &["export", "run", "--out", "shown.safetensors"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nn-encrypted"));
        let output = command.current_dir(&folder.0).args(args).output().unwrap();
        let said = message(&output);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("which is spent") && !folder.0.join("shown.safetensors").exists(), "{said}");
    }
}

#[test]
fn damage_is_named_and_a_full_disk_keeps_the_last_checkpoint() {
    let folder = Folder::new("damage");
    let mut child = folder.command("run", &[]).spawn().unwrap();
    assert!(folder.wait_for("run", "client", "checkpoint-4.state", &mut child));
    // Halted, so that it does not end before the others have looked.
    signal(&child, "STOP");
    folder.refused("run", &["--resume"], &["run/client/lock", "another process"]);
    folder.refused("run", &["--mode", "simulate"], &["run"]);
    assert!(!folder.0.join("run/report.json").exists(), "results among those of a running process");
    child.kill().unwrap();
    child.wait().unwrap();
    let newest = *folder.steps("run").last().unwrap();
    let state = |step: u64| format!("checkpoint-{step}.state");

    // No file may grow beyond 64 kB: a checkpoint of the server breaks off in the middle.
    let limited = "trap '' XFSZ; ulimit -f 128; exec \"$0\" \"$@\"";
    let mut full = Command::new("sh");
    full.current_dir(&folder.0).args(["-c", limited, env!("CARGO_BIN_EXE_nn-encrypted")]);
    let output = full.args(TRAIN).args(["--out", "run", "--resume"]).output().unwrap();
    let said = message(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("error: run/server/checkpoint-") && said.contains("File too large"), "{said}");
    assert!(folder.steps("run").last().is_some_and(|last| *last >= newest - 1));
    assert!(folder.checkpoints("run", "server").iter().all(|name| !name.ends_with(".draft")));

    let newest = *folder.steps("run").last().unwrap();
    let both = folder.copy("run", "both");
    flip(&both.join("client").join(state(newest)));
    for step in folder.steps("both").into_iter().filter(|step| *step != newest) {
        fs::write(both.join("server").join(state(step)), b"HEW1").unwrap();
    }
    folder.refused("both", &["--resume"], &[&format!("both/client/{}", state(newest)), "damaged"]);

    let keys = folder.copy("run", "keys");
    flip(&keys.join("server/evaluation-0.keys"));
    folder.refused("keys", &["--resume"], &["keys/server/evaluation-0.keys", "damaged"]);
    fs::remove_file(keys.join("server/evaluation-0.keys")).unwrap();
    folder.refused("keys", &["--resume"], &["keys/server/evaluation-0.keys"]);

    let short = folder.copy("run", "short");
    let asked = fs::read_to_string(short.join("client/options.toml")).unwrap();
    fs::write(short.join("client/options.toml"), asked.replace("steps = 14", "steps = 1")).unwrap();
    let mut bare = Command::new(env!("CARGO_BIN_EXE_nn-encrypted"));
    let output = bare.current_dir(&folder.0).args(["train", "--resume", "--out", "short"]).output().unwrap();
    let said = message(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("short/client/options.toml") && said.contains("was altered"), "{said}");

    let mut other = folder.command("other", &[]).spawn().unwrap();
    assert!(folder.wait_for("other", "client", "checkpoint-0.state", &mut other));
    other.kill().unwrap();
    other.wait().unwrap();
    let foreign = folder.copy("run", "foreign");
    fs::copy(folder.0.join("other/client/secret.key"), foreign.join("client/secret.key")).unwrap();
    folder.refused(
        "foreign",
        &["--resume"],
        &["foreign/client/secret.key", "not the secret key of this run"],
    );
    for entry in fs::read_dir(foreign.join("client")).unwrap().flatten() {
        let mode = std::os::unix::fs::PermissionsExt::mode(&entry.metadata().unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600, "{:?}", entry.path());
    }

    // One half of the newest generation is gone: the older one is used, and both halves are of its step.
    fs::remove_file(folder.0.join("run/client").join(state(newest))).unwrap();
    let said = folder.finish("run", &["--resume"]);
    assert!(said.contains(&format!("not used: run/client/{}", state(newest))), "{said}");
    assert!(said.contains(&format!("resumed after step {} of 14", newest - 1)), "{said}");
}
