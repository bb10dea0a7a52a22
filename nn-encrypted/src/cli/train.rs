//! Training.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use crate::recipe::Recipe;
use crate::run::{self, Mode, Options, Outcome, Report, Resumption, RunError};
use clap::{Args, ValueEnum};

use super::passphrase::PassphraseArgs;
use super::serve::ServerArgs;
use super::signals::stop_on_signals;
use super::task::TaskArgs;

#[derive(Args, Default)]
pub(super) struct TrainArgs {
    #[command(flatten)]
    pub(super) task: TaskArgs,
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    passphrase: PassphraseArgs,
    /// How to run.
    #[arg(long, value_enum, default_value_t = ModeArg::Encrypted)]
    mode: ModeArg,
    /// Folder of the results; runs/RECIPE-DATA-TIME without it.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Writes over a finished run in the folder of the results; its secret keys are put aside, never replaced.
    #[arg(long, conflicts_with = "resume")]
    overwrite: bool,
    /// Goes on with the unfinished encrypted run in the folder of the results; recipe and settings are taken from there.
    #[arg(long, requires = "out")]
    resume: bool,
    /// Says nothing on the way, only how the run ended.
    #[arg(long)]
    quiet: bool,
    /// Says more: the plan as cryptographers read it, which server/plan.txt keeps.
    #[arg(long, conflicts_with = "quiet")]
    verbose: bool,
    /// Encrypted: seconds between two checkpoints; there is one at the end of each epoch as well.
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    checkpoint_seconds: u32,
    /// Encrypted, with a refreshing client: the probability with which each refreshed tensor is compared with the client's own
    /// computation; the server learns nothing of it, and a model of a server that did not compute as planned is refused at the end.
    #[arg(long, value_name = "P")]
    audit: Option<f64>,
}

#[derive(Clone, Copy, Default, ValueEnum)]
enum ModeArg {
    /// Floating point.
    Clear,
    /// The integers of an encrypted run, without encryption.
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

impl TrainArgs {
    /// Those of the program without arguments.
    pub(super) fn standard() -> Self {
        Self { checkpoint_seconds: 60, ..Self::default() }
    }
}

pub(super) fn train(args: TrainArgs) -> Result<ExitCode, RunError> {
    let task = &args.task;
    if args.server.server.is_some() && Mode::from(args.mode) != Mode::Encrypted {
        return Err(RunError::Job("--server is for --mode encrypted: nothing else is computed there".into()));
    }
    let out = match &args.out {
        Some(out) => out.clone(),
        None => default_folder(&task.load()?.recipe),
    };
    let options = Options {
        mode: args.mode.into(),
        data_dir: task.data_dir.clone(),
        steps: task.steps,
        out: Some(out.clone()),
        overwrite: args.overwrite,
        quiet: args.quiet,
        verbose: args.verbose,
        audit: args.audit,
        checkpoint_every: Some(Duration::from_secs(args.checkpoint_seconds.into())),
        unlock: args.passphrase.unlock(),
        ..Options::default()
    };
    let (recipe, options) = if args.resume {
        match run::resume(task.recipe.as_deref(), &task.settings(), options)? {
            Resumption::Unfinished(recipe, options) => (*recipe, options),
            Resumption::Finished(report) => {
                println!("{}: this run is finished, with {} steps", out.display(), report.steps);
                return Ok(ExitCode::SUCCESS);
            }
        }
    } else {
        let loaded = task.load_for(&out)?;
        loaded.words.iter().for_each(|word| options.say(word));
        let calibrate = task.calibrates(&loaded);
        (loaded.recipe, Options { calibrate, ..options })
    };
    if options.mode == Mode::Encrypted {
        stop_on_signals(&options.stop).map_err(|source| RunError::Io { path: "signals".into(), source })?;
    }
    let connect = args.server.connect(options.quiet)?;
    Ok(summary(&run::train_with(recipe, &options, &*connect)?, &out))
}

/// `runs/RECIPE-DATA-TIME`, which nothing has been written to.
fn default_folder(recipe: &Recipe) -> PathBuf {
    let data = Path::new(&recipe.data.set)
        .file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let data = data.split('.').next().unwrap_or_default().to_owned();
    let time = humantime::format_rfc3339_seconds(std::time::SystemTime::now()).to_string();
    let name = format!("{}-{data}-{}", recipe.name, time.trim_end_matches('Z').replace(':', "-"));
    let places = (1..).map(|n| if n == 1 { name.clone() } else { format!("{name}-{n}") });
    let mut places = places.map(|name| Path::new("runs").join(name));
    places.find(|place| !place.exists()).unwrap_or_default()
}

/// Prints the end of a run in lines; exit status 1 if the twin differs or numbers left their bounds.
fn summary(outcome: &Outcome, out: &Path) -> ExitCode {
    let report = &outcome.report;
    accuracies(report);
    if let Some(classes) = &report.classes {
        println!("{classes}");
    }
    effort(report);
    if let Some(prediction) = &report.prediction {
        println!(
            "encrypted prediction: {}, equal to the twin: {}; CPU time a row: {:.2} ms, {:.0} kB",
            prediction.described(),
            prediction.twin_equal,
            prediction.core_seconds_per_image * 1e3,
            prediction.bytes_per_image / 1e3,
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
        "{} steps, median {median:.3} s; CPU time a training row: {:.1} ms, client included",
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
        println!("CPU time of a step: {stages}");
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
    let squared = [
        ("test R²", accuracy.r_squared),
        ("twin's test R²", accuracy.twin_r_squared),
        ("floating point's test R²", accuracy.clear_r_squared),
        ("mean absolute error", accuracy.mae),
        ("root mean square error", accuracy.rmse),
    ];
    for (name, value) in squared {
        if let Some(value) = value {
            println!("{name}: {value:.4}");
        }
    }
    if let Some(known) = &accuracy.baselines {
        println!(
            "without training: {:.2} % by the mean, {:.2} % by the value before, {:.2} % by that a season before",
            known.mean, known.last, known.season
        );
    }
}
