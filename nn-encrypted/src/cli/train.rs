//! Training and prediction.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::recipe::Recipe;
use crate::run::{self, Mode, Options, Outcome, Report, Resumption, RunError};
use clap::{Args, ValueEnum};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use super::{DEFAULT_RECIPE, INTERRUPTED};

#[derive(Args, Default)]
pub(super) struct TrainArgs {
    /// Name of a recipe, or path of a TOML file; hesamifard2017 without it.
    recipe: Option<String>,
    /// Data set: digits, iris, mnist, crabs, crabs-species, fertility, climate, milk, or the path of a CSV file.
    #[arg(long)]
    data: Option<String>,
    /// Applies a further variant of the recipe, such as hidden3; may be repeated.
    #[arg(long = "variant", value_name = "NAME")]
    variants: Vec<String>,
    /// CSV: the column of the class, by name or by number from 1.
    #[arg(long)]
    label: Option<String>,
    /// CSV: the first row is a sample; the label is given by its number.
    #[arg(long)]
    no_header: bool,
    /// Folder of the data sets that are not inside the program.
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// How to run.
    #[arg(long, value_enum, default_value_t = ModeArg::Encrypted)]
    mode: ModeArg,
    /// Stop after so many steps.
    #[arg(long)]
    steps: Option<usize>,
    /// Passes over the training part.
    #[arg(long)]
    epochs: Option<usize>,
    /// Samples a step.
    #[arg(long, allow_negative_numbers = true)]
    batch: Option<String>,
    /// Decides split, batches and initial weights; keys and encryption never depend on it.
    #[arg(long)]
    seed: Option<u64>,
    /// Threads; all cores without it.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) threads: Option<u16>,
    /// Overrides a field of the recipe, such as optimizer.momentum=3/4.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<String>,
    /// Folder of the results; runs/<recipe> without it.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Goes on with the unfinished encrypted run in the folder of the results; recipe and settings are taken from there.
    #[arg(long)]
    resume: bool,
    /// Encrypted: seconds between two checkpoints; there is one at the end of each epoch as well.
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    checkpoint_seconds: u32,
}

#[derive(Args)]
pub(super) struct PredictArgs {
    /// Folder of a finished training.
    #[arg(long)]
    run: PathBuf,
    /// Folder of the data sets that are not inside the program.
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// Threads; all cores without it.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) threads: Option<u16>,
}

#[derive(Clone, Copy, Default, ValueEnum)]
enum ModeArg {
    /// Floating point.
    Clear,
    /// Trains on the integers of an encrypted run, in the clear.
    Simulate,
    /// On ciphertexts.
    #[default]
    Encrypted,
}

impl From<ModeArg> for Mode {
    fn from(mode: ModeArg) -> Self {
        match mode {
            ModeArg::Clear => Self::Clear,
            ModeArg::Simulate => Self::Simulate,
            ModeArg::Encrypted => Self::Encrypted,
        }
    }
}

/// Sets `stop` at the first SIGINT or SIGTERM, and ends the process at the second.
fn stop_on_signals(stop: &Arc<AtomicBool>) -> std::io::Result<()> {
    for signal in [SIGINT, SIGTERM] {
        // In this order: the first signal finds the flag not set.
        flag::register_conditional_shutdown(signal, i32::from(INTERRUPTED), Arc::clone(stop))?;
        flag::register(signal, Arc::clone(stop))?;
    }
    Ok(())
}

impl TrainArgs {
    /// Those of the program without arguments.
    pub(super) fn standard() -> Self {
        Self { checkpoint_seconds: 60, ..Self::default() }
    }

    /// The settings of the flags, after those of `--set`.
    fn settings(&self) -> Vec<String> {
        let quoted = |key: &str, value: &Option<String>| {
            value.as_ref().map(|v| format!("{key}={}", toml::Value::String(v.clone())))
        };
        let plain = |key: &str, value: Option<String>| value.map(|v| format!("{key}={v}"));
        let flags = [
            quoted("data.set", &self.data),
            quoted("data.label", &self.label),
            plain("data.no_header", self.no_header.then(|| true.to_string())),
            plain("optimizer.epochs", self.epochs.map(|n| n.to_string())),
            plain("optimizer.batch_size", self.batch.clone()),
            plain("seed", self.seed.map(|n| n.to_string())),
        ];
        let variants = self.variants.iter().map(|name| format!("variant={name}"));
        variants.chain(self.settings.iter().cloned()).chain(flags.into_iter().flatten()).collect()
    }
}

pub(super) fn train(args: TrainArgs) -> Result<ExitCode, RunError> {
    let (name, settings) = (args.recipe.as_deref(), args.settings());
    let fresh = || Recipe::load(name.unwrap_or(DEFAULT_RECIPE), &settings);
    let out = match &args.out {
        Some(out) => out.clone(),
        None => PathBuf::from("runs").join(fresh()?.name),
    };
    let options = Options {
        mode: args.mode.into(),
        data_dir: args.data_dir.clone(),
        steps: args.steps,
        out: Some(out.clone()),
        checkpoint_every: Some(Duration::from_secs(args.checkpoint_seconds.into())),
        ..Options::default()
    };
    let (recipe, options) = if args.resume {
        match run::resume(name, &settings, options)? {
            Resumption::Unfinished(recipe, options) => (*recipe, options),
            Resumption::Finished(report) => {
                println!("{}: this run is finished, with {} steps", out.display(), report.steps);
                return Ok(ExitCode::SUCCESS);
            }
        }
    } else {
        (fresh()?, options)
    };
    if options.mode == Mode::Encrypted {
        stop_on_signals(&options.stop).map_err(|source| RunError::Io { path: "signals".into(), source })?;
    }
    Ok(summary(&run::train(recipe, &options)?, &out))
}

/// Prints the end of a run in lines; exit status 1 if the twin differs or numbers left their bounds.
fn summary(outcome: &Outcome, out: &Path) -> ExitCode {
    let report = &outcome.report;
    accuracies(report);
    effort(report);
    if let Some(prediction) = &report.prediction {
        println!(
            "encrypted prediction: {}, equal to the twin: {}, {:.2} core-milliseconds and {:.0} kB {}",
            prediction.described(),
            prediction.twin_equal,
            prediction.core_seconds_per_image * 1e3,
            prediction.bytes_per_image / 1e3,
            prediction.each()
        );
    }
    println!("total {:.1} s; results in {}", report.seconds.total, out.display());
    if report.mode != "clear" {
        println!("saturated values: {}", report.traffic.saturations);
    }
    let out_of_bounds = report.traffic.out_of_bounds;
    let unplanned = out_of_bounds.saturating_sub(outcome.beyond.len() as u64);
    if unplanned > 0 {
        println!("out of bounds: {unplanned} values; the server did not compute what was planned");
    }
    outcome.beyond.iter().for_each(|beyond| println!("out of bounds: {beyond}"));
    if let Some(range) = report.closest() {
        println!("closest to its bound: {} {:.3} of {}", range.tensor, range.largest, range.bound);
    }
    let predicted = report.prediction.is_none_or(|prediction| prediction.twin_equal);
    let equal = report.twin.equal.map(|equal| equal && predicted);
    if let Some(equal) = equal {
        println!("twin equal: {equal}");
    }
    ExitCode::from(u8::from(equal == Some(false) || out_of_bounds > 0))
}

fn accuracies(report: &Report) {
    let accuracy = &report.accuracy;
    let all = [
        ("test accuracy", accuracy.test),
        ("balanced test accuracy", accuracy.balanced_test),
        ("twin's test accuracy", accuracy.twin_test),
        ("floating point's test accuracy", accuracy.clear_test),
    ];
    for (name, value) in all {
        if let Some(value) = value {
            println!("{name}: {:.2} %", value * 100.0);
        }
    }
    forecasts(report);
}

/// Time and traffic of the steps.
fn effort(report: &Report) {
    let (Some(median), Some(image)) = (report.seconds.step_median, report.core_seconds_per_image) else {
        return;
    };
    let (traffic, steps) = (&report.traffic, report.steps.max(1));
    println!(
        "{} steps, median {median:.3} s; {:.1} core-milliseconds an image, client included",
        report.steps,
        image * 1e3
    );
    if traffic.rounds > 0 {
        println!(
            "a step: {} rounds, {:.2} MB to the server, {:.2} MB to the client; client {:.0} % of the time",
            traffic.rounds / steps,
            traffic.to_server_bytes as f64 / steps as f64 / 1e6,
            traffic.to_client_bytes as f64 / steps as f64 / 1e6,
            100.0 * report.core_seconds.client / (report.core_seconds.client + report.core_seconds.server)
        );
    }
    if report.bootstraps.tfhe > 0 {
        println!("a step: {} bootstraps", report.bootstraps.tfhe / steps);
    }
    if let Some(stages) = report.stages_of_a_step() {
        println!("a step's core-seconds: {stages}");
    }
}

/// The errors of forecasts, beside those of forecasts without training.
fn forecasts(report: &Report) {
    let accuracy = &report.accuracy;
    let models = [
        ("test", accuracy.mape),
        ("twin's test", accuracy.twin_mape),
        ("floating point's test", accuracy.clear_mape),
    ];
    for (name, mape) in models {
        if let Some(mape) = mape {
            println!("{name} MAPE: {mape:.2} %");
        }
    }
    if let Some(known) = &accuracy.baselines {
        println!(
            "without training: {:.2} % by the mean, {:.2} % by the value before, {:.2} % by that a season before",
            known.mean, known.last, known.season
        );
    }
}

pub(super) fn predict(args: &PredictArgs) -> Result<ExitCode, RunError> {
    let prediction = run::predict(&args.run, args.data_dir.as_deref())?;
    let summary = &prediction.summary;
    println!("{}", summary.described());
    println!(
        "{:.2} core-milliseconds and {:.0} kB {}",
        summary.core_seconds_per_image * 1e3,
        summary.bytes_per_image / 1e3,
        summary.each()
    );
    println!("predictions in {}", args.run.join("client/predictions.csv").display());
    println!("twin equal: {}", summary.twin_equal);
    Ok(ExitCode::from(u8::from(!summary.twin_equal)))
}
