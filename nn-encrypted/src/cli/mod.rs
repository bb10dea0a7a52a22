//! Arguments, and what they start. Exit status 0; 1 if the run failed or the twin differs; 2 for bad input or usage;
//! 130 if it was interrupted.

mod estimate;
mod export;
mod import;
mod owner;
mod passphrase;
mod predict;
mod serve;
mod signals;
mod task;
mod tools;
mod train;

use std::process::ExitCode;

use crate::run::RunError;
use clap::{Parser, Subcommand};

use self::estimate::{EstimateArgs, estimate};
use self::export::{ExportArgs, export};
use self::import::{ImportArgs, import};
use self::owner::{KeygenArgs, UploadArgs, keygen, upload};
use self::predict::{PredictArgs, predict};
use self::serve::{JobsArgs, ServeArgs, jobs, serve};
use self::signals::INTERRUPTED;
use self::tools::{
    DataArgs, PretrainArgs, RecipesArgs, ReportArgs, StudyArgs, SweepArgs, backends, data, pretrain, recipes,
    report, study, sweep,
};
use self::train::{TrainArgs, train};

const DEFAULT_RECIPE: &str = "hesamifard2017";

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
    /// Says what a training takes before anything is made: who is needed, security, time, memory, disk, network.
    Estimate(EstimateArgs),
    /// Makes the keys of a training before it, and what owners of data need.
    Keygen(KeygenArgs),
    /// Trains a recipe and writes its run folder.
    Train(TrainArgs),
    /// Classifies new rows with a trained model, encrypted; without a table, the test part of the training.
    Predict(PredictArgs),
    /// Computes for clients elsewhere, on ciphertexts: a server in a process of its own.
    Serve(ServeArgs),
    /// Encrypts rows under somebody else's public key, and uploads them to a job: needs no secret, and sees no model.
    Upload(UploadArgs),
    /// Lists the jobs of a client on a server, makes one of a folder of keys, or deletes one.
    Jobs(JobsArgs),
    /// Writes the only file of a run that is meant to leave the owner of the keys, and says what it tells of them.
    Export(ExportArgs),
    /// Takes over a network that was trained elsewhere, from an ONNX or a safetensors file: what it is worth in a recipe is printed.
    Import(ImportArgs),
    /// Trains convolutions on the embedded digits in the clear: the first layers of transfer learning, for data.frozen.
    Pretrain(PretrainArgs),
    /// Lists the recipes inside the program, or shows one: to be copied, changed and trained by its path.
    Recipes(RecipesArgs),
    /// Lists the data sets known by name, or downloads one.
    Data(DataArgs),
    /// Prints the reports of run folders as a Markdown table.
    Report(ReportArgs),
    /// Experiment: trains a recipe on several data sets at several depths, and prints the figures as a Markdown page.
    Study(StudyArgs),
    /// Prints which layers every recipe may have in which schemes as a Markdown page: docs/backends.md.
    #[command(hide = true)]
    Backends,
    /// Experiment: compares with floating-point training with the exact centred sigmoid over a grid of settings.
    Sweep(SweepArgs),
}

/// Runs the command that the arguments of the process name.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let command = cli.command.unwrap_or_else(|| Command::Train(TrainArgs::standard()));
    if let Err(error) = command.threads() {
        eprintln!("error: {error}");
        return ExitCode::from(2);
    }
    let result = match command {
        Command::Estimate(args) => estimate(&args),
        Command::Keygen(args) => keygen(&args),
        Command::Train(args) => train(args),
        Command::Predict(args) => predict(&args),
        Command::Serve(args) => serve(&args),
        Command::Upload(args) => upload(&args),
        Command::Jobs(args) => jobs(&args),
        Command::Export(args) => export(&args),
        Command::Import(args) => import(&args),
        Command::Pretrain(args) => pretrain(&args),
        Command::Recipes(args) => recipes(&args),
        Command::Data(args) => data(&args),
        Command::Report(args) => report(&args),
        Command::Study(args) => study(&args),
        Command::Backends => backends(),
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

impl Command {
    /// Starts the threads asked for.
    fn threads(&self) -> Result<(), String> {
        let threads = match self {
            Self::Train(TrainArgs { task, .. }) | Self::Estimate(EstimateArgs { task, .. }) => task.threads,
            Self::Keygen(KeygenArgs { task, .. }) => task.threads,
            Self::Predict(PredictArgs { threads, .. }) | Self::Upload(UploadArgs { threads, .. }) => *threads,
            _ => None,
        };
        let Some(count) = threads else { return Ok(()) };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(usize::from(count)).build_global();
        pool.map_err(|error| format!("--threads {count}: {error}"))
    }
}
