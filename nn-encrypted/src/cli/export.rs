//! The model that leaves.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::run::{self, Distance, ExportFormat, ExportOptions, Exported, RunError};
use clap::{Args, ValueEnum};

/// The form of the file.
#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// A graph from rows of a table to classes, for any program that runs ONNX.
    Onnx,
    /// Weights and biases.
    Safetensors,
}

#[derive(Args)]
pub(super) struct ExportArgs {
    /// Folder of a finished training.
    run: PathBuf,
    /// The file.
    #[arg(long)]
    out: PathBuf,
    /// The form of the file: weights and biases as safetensors, or a graph for any program that runs ONNX.
    #[arg(long, value_enum, default_value = "safetensors")]
    format: Format,
    /// Fractional bits of a weight; as many as the distance allows without it.
    #[arg(long)]
    bits: Option<u32>,
    /// The largest statistical distance from a file that tells nothing of the secret key; 2^-10 without it, and more only if it is given
    /// here, such as 2^-6.
    #[arg(long, value_name = "DISTANCE")]
    accept_distance: Option<Distance>,
    /// Folder of the data sets that are not inside the program.
    #[arg(long)]
    data_dir: Option<PathBuf>,
}

pub(super) fn export(args: &ExportArgs) -> Result<ExitCode, RunError> {
    let format = match args.format {
        Format::Onnx => ExportFormat::Onnx,
        Format::Safetensors => ExportFormat::Safetensors,
    };
    let options = ExportOptions {
        bits: args.bits,
        accepted: args.accept_distance,
        data_dir: args.data_dir.clone(),
        format,
    };
    let Exported { said, .. } = run::export(&args.run, &args.out, &options)?;
    said.iter().for_each(|sentence| println!("{sentence}"));
    println!("exported to {}", args.out.display());
    Ok(ExitCode::SUCCESS)
}
