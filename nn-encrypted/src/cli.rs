//! Arguments, and what they start. Exit status 0; 1 if the run failed or the twin differs; 2 for bad input or usage;
//! 130 if it was interrupted.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use nn_encrypted::data::{DATA_DIR, KNOWN, Known};
use nn_encrypted::fetch;
use nn_encrypted::frozen;
use nn_encrypted::recipe::{AnyRecipe, Recipe};
use nn_encrypted::run::{self, Mode, Options, Outcome, Report, Resumption, RunError, RunFolder, Scope};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// Trains neural networks on encrypted data, and classifies with them.
///
/// Without a command: trains the recipe `hesamifard2017` on the embedded digits, encrypted.
#[derive(Parser)]
#[command(version, about)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Trains a recipe and writes its run folder.
    Train(TrainArgs),
    /// Classifies the test part with the trained model of a run folder, encrypted.
    Predict(PredictArgs),
    /// Trains convolutions on the embedded digits in the clear, and writes them to be frozen: a network for data.frozen.
    Pretrain(PretrainArgs),
    /// Lists the recipes inside the program.
    Recipes,
    /// Lists the data sets known by name, or downloads one.
    Data(DataArgs),
    /// Prints the reports of run folders as a Markdown table.
    Report(ReportArgs),
    /// Trains a recipe on several data sets at several depths, and prints the figures as a Markdown page.
    Study(StudyArgs),
    /// Prints how well floating-point training with the exact centred sigmoid does, over a grid of settings.
    Sweep(SweepArgs),
}

#[derive(Args, Default)]
struct TrainArgs {
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
    threads: Option<u16>,
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
struct PredictArgs {
    /// Folder of a finished training.
    #[arg(long)]
    run: PathBuf,
    /// Folder of the data sets that are not inside the program.
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// Threads; all cores without it.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
}

#[derive(Args)]
struct PretrainArgs {
    /// File of the network, as safetensors.
    #[arg(long)]
    out: PathBuf,
    /// Passes over the digits.
    #[arg(long, default_value_t = frozen::EPOCHS, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    epochs: u16,
    /// Decides split, batches, changes of images and initial weights.
    #[arg(long, default_value_t = frozen::SEED)]
    seed: u64,
}

#[derive(Args)]
struct DataArgs {
    #[command(subcommand)]
    command: DataCommand,
}

#[derive(Subcommand)]
enum DataCommand {
    /// Name, size and licence of each set, and where its files are looked for.
    List {
        /// Folder of the data sets that are not inside the program.
        #[arg(long, default_value = DATA_DIR)]
        data_dir: PathBuf,
    },
    /// Downloads the files of a set, and checks them.
    Fetch {
        /// Name of the set.
        name: String,
        /// Folder that the set gets a folder in.
        #[arg(long, default_value = DATA_DIR)]
        data_dir: PathBuf,
    },
}

#[derive(Args)]
struct ReportArgs {
    /// Folder of a finished training; several stand side by side.
    #[arg(long, required = true)]
    run: Vec<PathBuf>,
}

#[derive(Args)]
struct StudyArgs {
    /// Name of a recipe, or path of a TOML file, with variants hidden1, hidden2, ...
    recipe: String,
    /// Data sets; may be repeated.
    #[arg(long = "data", default_values = ["crabs", "crabs-species", "fertility", "climate"])]
    sets: Vec<String>,
    /// Folder of the data sets that are not inside the program.
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// Numbers of hidden layers; may be repeated.
    #[arg(long, default_values_t = [1, 2, 3, 4, 5])]
    hidden: Vec<usize>,
    /// Splits and initial weights to average over.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=1000))]
    seeds: u64,
    /// Training steps on ciphertexts; 0 for none.
    #[arg(long, default_value_t = 3)]
    steps: usize,
    /// Scores on a quarter of the training part, left out of training, instead of the test part.
    #[arg(long)]
    validate: bool,
    /// Overrides a field of the recipe.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<String>,
    /// File the page is written to; standard output without it.
    #[arg(long)]
    out: Option<PathBuf>,
}

#[derive(Args)]
struct SweepArgs {
    /// Name of a recipe, or path of a TOML file.
    #[arg(default_value = DEFAULT_RECIPE)]
    recipe: String,
    /// Folder of the data sets that are not inside the program.
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// Overrides a field of the recipe.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<String>,
}

#[derive(Clone, Copy, Default, ValueEnum)]
enum ModeArg {
    /// Floating point.
    Clear,
    /// The same integers in the clear.
    Simulate,
    /// On ciphertexts.
    #[default]
    Encrypted,
}

const DEFAULT_RECIPE: &str = "hesamifard2017";

impl From<ModeArg> for Mode {
    fn from(mode: ModeArg) -> Self {
        match mode {
            ModeArg::Clear => Self::Clear,
            ModeArg::Simulate => Self::Simulate,
            ModeArg::Encrypted => Self::Encrypted,
        }
    }
}

pub(crate) fn run() -> ExitCode {
    let cli = Cli::parse();
    let default = || Command::Train(TrainArgs { checkpoint_seconds: 60, ..TrainArgs::default() });
    let command = cli.command.unwrap_or_else(default);
    if let Err(error) = command.threads() {
        eprintln!("error: {error}");
        return ExitCode::from(2);
    }
    let result = match command {
        Command::Train(args) => train(args),
        Command::Predict(args) => predict(&args),
        Command::Pretrain(args) => pretrain(&args),
        Command::Recipes => recipes(),
        Command::Data(args) => data(&args),
        Command::Report(args) => report(&args),
        Command::Study(args) => study(&args),
        Command::Sweep(args) => sweep(&args),
    };
    result.unwrap_or_else(|error| {
        if matches!(error, RunError::Interrupted { .. }) {
            eprintln!("{error}");
            return ExitCode::from(INTERRUPTED);
        }
        eprintln!("error: {error}");
        ExitCode::from(if error.is_input() { 2 } else { 1 })
    })
}

/// What shells report after a Ctrl-C.
const INTERRUPTED: u8 = 130;

/// Sets `stop` at the first SIGINT or SIGTERM, and ends the process at the second.
fn stop_on_signals(stop: &Arc<AtomicBool>) -> std::io::Result<()> {
    for signal in [SIGINT, SIGTERM] {
        // In this order: the first signal finds the flag not set.
        flag::register_conditional_shutdown(signal, i32::from(INTERRUPTED), Arc::clone(stop))?;
        flag::register(signal, Arc::clone(stop))?;
    }
    Ok(())
}

impl Command {
    /// Starts the threads asked for.
    fn threads(&self) -> Result<(), String> {
        let (Self::Train(TrainArgs { threads, .. }) | Self::Predict(PredictArgs { threads, .. })) = self
        else {
            return Ok(());
        };
        let Some(count) = threads else { return Ok(()) };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(usize::from(*count)).build_global();
        pool.map_err(|error| format!("--threads {count}: {error}"))
    }
}

impl TrainArgs {
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

fn train(args: TrainArgs) -> Result<ExitCode, RunError> {
    let (name, settings) = (args.recipe.as_deref(), args.settings());
    let fresh = || AnyRecipe::load(name.unwrap_or(DEFAULT_RECIPE), &settings);
    let out = match &args.out {
        Some(out) => out.clone(),
        None => PathBuf::from("runs").join(fresh()?.name()),
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

fn summary(outcome: &Outcome, out: &std::path::Path) -> ExitCode {
    let report = &outcome.report;
    let percent = |name: &str, value: Option<f64>| {
        if let Some(value) = value {
            println!("{name}: {:.2} %", value * 100.0);
        }
    };
    percent("test accuracy", report.accuracy.test);
    percent("balanced test accuracy", report.accuracy.balanced_test);
    percent("twin's test accuracy", report.accuracy.twin_test);
    percent("floating point's test accuracy", report.accuracy.clear_test);
    forecasts(report);
    if let (Some(median), Some(image)) = (report.seconds.step_median, report.core_seconds_per_image) {
        let traffic = &report.traffic;
        let steps = report.steps.max(1);
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
                100.0 * report.core_seconds.client
                    / (report.core_seconds.client + report.core_seconds.server)
            );
        }
        if report.bootstraps.tfhe > 0 {
            println!("a step: {} bootstraps", report.bootstraps.tfhe / steps);
        }
        if let Some(stages) = report.stages_of_a_step() {
            println!("a step's core-seconds: {stages}");
        }
    }
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
    let traffic = &report.traffic;
    if report.mode != "clear" {
        println!("saturated values: {}", traffic.saturations);
    }
    if traffic.out_of_bounds > 0 {
        println!(
            "out of bounds: {} values; the server did not compute what was planned",
            traffic.out_of_bounds
        );
    }
    if let Some(range) = report.closest() {
        println!("closest to its bound: {} {:.3} of {}", range.tensor, range.largest, range.bound);
    }
    let predicted = report.prediction.is_none_or(|prediction| prediction.twin_equal);
    let equal = report.twin.equal.map(|equal| equal && predicted);
    if let Some(equal) = equal {
        println!("twin equal: {equal}");
    }
    ExitCode::from(u8::from(equal == Some(false) || traffic.out_of_bounds > 0))
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

fn predict(args: &PredictArgs) -> Result<ExitCode, RunError> {
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

fn pretrain(args: &PretrainArgs) -> Result<ExitCode, RunError> {
    let folder = args.out.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder {
        // Now, not after minutes of training.
        std::fs::create_dir_all(folder).map_err(|source| RunError::Io { path: folder.into(), source })?;
    }
    let trained = frozen::pretrain(args.epochs.into(), args.seed, |at| {
        let percent = 100.0 * at.training;
        println!("epoch {} of {}: loss {:.4}, training {percent:.2} %", at.epoch, at.epochs, at.loss);
    })?;
    trained.network.write(&args.out)?;
    println!("digits held out: {:.2} % of {} right", 100.0 * trained.accuracy, trained.held_out);
    let (from, to) = (trained.network.input(), trained.network.output());
    println!("{}: images of {from} become {to} = {} features", args.out.display(), to.size());
    Ok(ExitCode::SUCCESS)
}

fn recipes() -> Result<ExitCode, RunError> {
    for name in Recipe::builtin_names() {
        println!("{name}: {}", AnyRecipe::load(name, &[])?.description());
    }
    Ok(ExitCode::SUCCESS)
}

fn data(args: &DataArgs) -> Result<ExitCode, RunError> {
    match &args.command {
        DataCommand::List { data_dir } => KNOWN.iter().for_each(|set| list(set, data_dir)),
        DataCommand::Fetch { name, data_dir } => {
            let set = Known::find(name)?;
            if set.files.is_empty() {
                println!("{name} is inside the program");
            }
            fetch::fetch(set, data_dir, |text| println!("{text}"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn list(set: &Known, data_dir: &std::path::Path) {
    let place = if set.files.is_empty() {
        "inside the program".to_owned()
    } else {
        let folders = set.folders(data_dir).map(|folder| folder.display().to_string());
        let state = if set.is_there(data_dir) { "there" } else { "not there" };
        format!("{state}, in {}", folders.join(" or "))
    };
    let classes = if set.classes == 0 { "a series".to_owned() } else { format!("{} classes", set.classes) };
    println!(
        "{}: {} rows, {} features, {classes}; {}; {place}",
        set.name, set.rows, set.features, set.licence
    );
}

fn report(args: &ReportArgs) -> Result<ExitCode, RunError> {
    let reports =
        args.run.iter().map(|run| RunFolder::new(run).read_report()).collect::<Result<Vec<_>, _>>()?;
    print!("{}", run::markdown(&reports));
    Ok(ExitCode::SUCCESS)
}

fn study(args: &StudyArgs) -> Result<ExitCode, RunError> {
    let scope = Scope {
        recipe: args.recipe.clone(),
        sets: args.sets.clone(),
        hidden: args.hidden.clone(),
        seeds: args.seeds,
        steps: args.steps,
        validate: args.validate,
        settings: args.settings.clone(),
    };
    let cells = run::study(&scope, args.data_dir.as_deref(), |text| eprintln!("{text}"))?;
    let words: Vec<String> = std::env::args().skip(1).collect();
    let page = run::study_page(&scope, &cells, &format!("nn-encrypted {}", words.join(" ")));
    match &args.out {
        Some(path) => run::write_page(path, &page)?,
        None => print!("{page}"),
    }
    let equal = cells.iter().filter_map(|cell| cell.encrypted).all(|steps| steps.equal);
    Ok(ExitCode::from(u8::from(!equal)))
}

fn sweep(args: &SweepArgs) -> Result<ExitCode, RunError> {
    let recipe = Recipe::load(&args.recipe, &args.settings)?;
    println!("{}", run::sweep(recipe, args.data_dir.as_deref())?);
    Ok(ExitCode::SUCCESS)
}
