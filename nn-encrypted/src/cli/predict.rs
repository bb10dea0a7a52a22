//! Classification with a trained model.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::passphrase::PassphraseArgs;
use super::serve::ServerArgs;
use crate::run::{self, Query, RunError};

#[derive(Args)]
pub(super) struct PredictArgs {
    /// Folder of a finished training, with its keys.
    #[arg(long, required_unless_present = "model")]
    run: Option<PathBuf>,
    /// File of a model, client/model.private.safetensors of a training; keys are made for this one time.
    #[arg(long, conflicts_with = "run", requires = "data")]
    model: Option<PathBuf>,
    /// Table of rows to be classified, with labels or without; its columns are found by their names.
    #[arg(long)]
    data: Option<PathBuf>,
    /// Column of the table that names its rows.
    #[arg(long, value_name = "COLUMN", requires = "data")]
    id: Option<String>,
    /// File of the predictions; beside the model without it.
    #[arg(long)]
    out: Option<PathBuf>,
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    passphrase: PassphraseArgs,
    /// Folder of the data sets that are not inside the program.
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// Threads; all cores without it.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) threads: Option<u16>,
}

pub(super) fn predict(args: &PredictArgs) -> Result<ExitCode, RunError> {
    let query = Query {
        run: args.run.clone(),
        model: args.model.clone(),
        data: args.data.clone(),
        id: args.id.clone(),
        out: args.out.clone(),
        data_dir: args.data_dir.clone(),
        unlock: args.passphrase.unlock(),
    };
    let prediction = run::predict_with(&query, &*args.server.connect(false)?)?;
    prediction.notes.iter().for_each(|note| eprintln!("warning: {note}"));
    let summary = &prediction.summary;
    println!("{}", summary.described());
    if let Some(quality) = &prediction.quality {
        println!("{quality}");
    }
    println!(
        "CPU time a row: {:.2} ms; {:.0} kB",
        summary.core_seconds_per_image * 1e3,
        summary.bytes_per_image / 1e3
    );
    if let Some(out) = &prediction.out {
        println!("predictions in {}; scores are not calibrated", out.display());
    }
    println!("twin equal: {}", summary.twin_equal);
    Ok(ExitCode::from(u8::from(!summary.twin_equal)))
}
