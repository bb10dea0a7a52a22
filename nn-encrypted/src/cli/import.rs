//! Networks that were trained elsewhere.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::DEFAULT_RECIPE;
use crate::run::{self, ImportOptions, RunError};

#[derive(Args)]
pub(super) struct ImportArgs {
    /// The network, as ONNX, or as safetensors with a recipe for its layers.
    model: PathBuf,
    /// Name of a recipe, or path of a TOML file: its schemes and numbers, and of safetensors its layers.
    #[arg(long, default_value = DEFAULT_RECIPE)]
    recipe: String,
    /// Table of rows by which ranges are found, a hundred or more: labels are not needed.
    #[arg(long, value_name = "FILE")]
    calibrate: PathBuf,
    /// Column of the label, if the table has one: it is no feature.
    #[arg(long)]
    label: Option<String>,
    /// The table has no header row; columns are given by their numbers.
    #[arg(long)]
    no_header: bool,
    /// Degree of the polynomials in place of activations that are none, where no table holds them.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=7))]
    degree: u8,
    /// Applies a further variant of the recipe; may be repeated.
    #[arg(long = "variant", value_name = "NAME")]
    variants: Vec<String>,
    /// Overrides a field of the recipe, such as numbers.product_weight_bits=8.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<String>,
    /// Folder of the model that `predict --model` classifies with; without it only the table is printed.
    #[arg(long)]
    out: Option<PathBuf>,
}

pub(super) fn import(args: &ImportArgs) -> Result<ExitCode, RunError> {
    let variants = args.variants.iter().map(|name| format!("variant={name}"));
    let header = args.no_header.then(|| "data.no_header=true".to_owned());
    let options = ImportOptions {
        settings: variants.chain(args.settings.iter().cloned()).chain(header).collect(),
        degree: usize::from(args.degree),
        label: args.label.clone(),
        ..ImportOptions::of(&args.recipe)
    };
    let import = run::import(&args.model, &args.calibrate, &options)?;
    print!("{}", import.summary);
    if let Some(out) = &args.out {
        let path = run::write_import(out, &import)?;
        println!("classify with it: nn-encrypted predict --model {} --data FILE", path.display());
    }
    Ok(ExitCode::SUCCESS)
}
