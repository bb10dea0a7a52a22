//! The model of a run that leaves, and files that are not those of the run.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use nn_encrypted::model::Model;
use nn_encrypted::recipe::Recipe;
use nn_encrypted::run::{ExportOptions, RunFolder, Session, export};

/// A folder of its own for a test, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("nn-encrypted-export-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nn-encrypted"));
        command.current_dir(&self.0).args(args).output().unwrap()
    }

    fn finish(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn refused(&self, args: &[&str], words: &[&str]) {
        let output = self.run(args);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(words.iter().all(|word| said.contains(word)), "{said}: {words:?} were expected");
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const TRAIN: [&str; 7] =
    ["train", "--data", "iris", "--set", "parameters.ring_dimension=8192", "--steps", "2"];
const EXPORT: [&str; 4] = ["export", "run", "--out", "shown.safetensors"];

#[test]
fn exact_weights_leave_as_they_are_without_momenta() {
    let folder = Folder::new("exact");
    folder.finish(&[&TRAIN[..], &["--out", "run"]].concat());
    let said = folder.finish(&EXPORT);
    for word in ["67 weights and biases; momenta are left out", "decrypted exactly", "exported to shown"] {
        assert!(said.contains(word), "{word}: {said}");
    }
    let run = RunFolder::new(folder.0.join("run"));
    let session = Session::new(run.read_recipe().unwrap(), None).unwrap();
    let private = run.read_model(&session.recipe, &session.network).unwrap();
    let bytes = fs::read(folder.0.join("shown.safetensors")).unwrap();
    let shown = Model::from_bytes(&session.network, &bytes).unwrap();
    for (a, b) in private.layers.iter().zip(&shown.layers) {
        assert_eq!((&a.weight, &a.bias), (&b.weight, &b.bias));
        assert!(a.weight_momentum.iter().any(|v| *v != 0.0) && b.weight_momentum.iter().all(|v| *v == 0.0));
    }
    assert!(!String::from_utf8_lossy(&bytes).contains("momentum"));
    folder.refused(&[&EXPORT[..], &["--bits", "3"]].concat(), &["run: ", "cannot be chosen"]);
    let unreadable = folder.run(&[&EXPORT[..], &["--accept-distance", "2^3"]].concat());
    assert!(String::from_utf8_lossy(&unreadable.stderr).contains("a distance such as 2^-6"));
    // The same by the library.
    let again = folder.0.join("again.safetensors");
    let exported = export(&folder.0.join("run"), &again, &ExportOptions::default()).unwrap();
    assert_eq!((exported.model, fs::read(again).unwrap()), (shown, bytes));
}

#[test]
fn a_file_that_was_altered_or_is_of_another_run_is_named() {
    let folder = Folder::new("swapped");
    folder.finish(&[&TRAIN[..], &["--out", "run"]].concat());
    folder.finish(&[&TRAIN[..], &["--seed", "2", "--out", "other"]].concat());
    let here = |name: &str| folder.0.join("run").join(name);
    for name in ["client/model.private.safetensors", "client/options.toml", "recipe.toml"] {
        let whole = fs::read(here(name)).unwrap();
        let mut altered = whole.clone();
        altered.extend(b" ");
        // Options of both runs are the same.
        let swapped = fs::read(folder.0.join("other").join(name)).unwrap();
        for bytes in [altered, swapped].into_iter().filter(|bytes| *bytes != whole) {
            fs::write(here(name), &bytes).unwrap();
            let words = [&*format!("run/{name}"), "is not the file that this run wrote"];
            folder.refused(&EXPORT, &words);
            folder.refused(&["predict", "--run", "run"], &words);
            folder.refused(&["train", "--resume", "--out", "run"], &[words[0]]);
        }
        fs::remove_file(here(name)).unwrap();
        folder.refused(&EXPORT, &[&format!("run/{name}")]);
        fs::write(here(name), whole).unwrap();
    }
    folder.finish(&EXPORT);
    assert!(folder.finish(&["predict", "--run", "run"]).contains("twin equal: true"));
}

#[test]
fn a_simulation_has_no_key_to_tell_of() {
    let folder = Folder::new("simulate");
    let train =
        ["train", "glyph2020", "--variant", "tiny", "--mode", "simulate", "--steps", "2", "--out", "run"];
    folder.finish(&train);
    assert!(folder.finish(&EXPORT).contains("No key had a part in this run"));
    let recipe = Recipe::load("glyph2020", &["variant=tiny".to_owned()]).unwrap();
    let session = Session::new(recipe, None).unwrap();
    let bytes = fs::read(folder.0.join("shown.safetensors")).unwrap();
    assert_ne!(Model::from_bytes(&session.network, &bytes).unwrap(), session.first);
}
