//! Steps on ciphertexts, and whole trainings by the twin, each recipe in a process of its own: memory at its peak is a process's.

use std::process::{Command, Stdio};

use nn_encrypted::recipe::Recipe;
use nn_encrypted::run::{Mode, Options, Report, train};
use serde::{Deserialize, Serialize};

use crate::pages::{self, Failure};

/// A recipe, how it is set, and the steps that are measured.
pub(super) struct Task {
    pub(super) recipe: &'static str,
    /// Of both trainings.
    settings: &'static [&'static str],
    /// Of the steps on ciphertexts alone: fewer rows to classify at the end.
    few: &'static [&'static str],
    pub(super) steps: usize,
}

/// All recipes, with data that are inside the program.
pub(super) const MEASURED: [Task; 7] = [
    Task { recipe: "hesamifard2017", settings: &[], few: &[], steps: 20 },
    // Its one step takes all rows, so that none may leave the test part.
    Task { recipe: "ghimes2018", settings: &[], few: &[], steps: 1 },
    Task { recipe: "nandakumar2019", settings: &[], few: &["data.test=60"], steps: 1 },
    Task { recipe: "glyph2020", settings: &[], few: &["data.test=60"], steps: 1 },
    Task { recipe: "onoufriou2021", settings: &[], few: &[], steps: 20 },
    Task {
        recipe: "tbmpnet2021",
        settings: &[
            "variant=tiny",
            "optimizer.batch_size=1",
            "optimizer.learning_rate=1",
            "numbers.word_bits=16",
        ],
        few: &[],
        steps: 2,
    },
    Task { recipe: "ckks_sgd", settings: &[], few: &["data.test=60"], steps: 2 },
];

/// Two reports of a recipe.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Measured {
    /// The machine, with its kernels.
    pub(super) machine: String,
    /// Other work on it, at the end.
    pub(super) load: String,
    /// Samples of a mini-batch.
    pub(super) batch: usize,
    /// Steps on ciphertexts.
    pub(super) encrypted: Report,
    /// The whole training by the twin.
    pub(super) simulated: Report,
}

impl Measured {
    /// CPU seconds of a sample of a step, client included.
    pub(super) fn seconds(&self) -> Option<f64> {
        self.encrypted.core_seconds_per_image
    }
}

fn recipe(task: &Task, further: &[&str]) -> Result<Recipe, Failure> {
    let settings: Vec<String> = [task.settings, further].concat().iter().map(ToString::to_string).collect();
    Ok(Recipe::load(task.recipe, &settings)?)
}

/// Measures a recipe in this process.
pub(super) fn here(name: &str) -> Result<Measured, Failure> {
    let task = MEASURED.iter().find(|task| task.recipe == name).ok_or("no such recipe")?;
    let options = Options { steps: Some(task.steps), quiet: true, ..Options::default() };
    let encrypted = train(recipe(task, task.few)?, &options)?.report;
    if encrypted.twin.equal != Some(true) {
        return Err(format!("{name}: the step is not that of the twin").into());
    }
    let whole = recipe(task, &[])?;
    let batch = whole.optimizer.batch_size;
    let options = Options { mode: Mode::Simulate, quiet: true, ..Options::default() };
    let simulated = train(whole, &options)?.report;
    Ok(Measured { machine: pages::machine(), load: pages::load(), batch, encrypted, simulated })
}

/// Measures a recipe in a process of its own.
pub(super) fn elsewhere(name: &str) -> Result<Measured, Failure> {
    let program = std::env::current_exe()?;
    let output =
        Command::new(program).args(["papers", "--measure", name]).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("{name} could not be measured: {}", output.status).into());
    }
    serde_json::from_slice(&output.stdout).map_err(|error| format!("{name}: {error}").into())
}
