//! What this workspace claims of itself, measured: commands that write the pages of `docs/bench`.
//!
//! ```sh
//! cargo run --release -p bench -- security    # presets and plans beside the bounds for 128 bits
//! cargo run --release -p bench -- regress     # twenty operations beside what they took before
//! cargo run --release -p bench -- papers      # a step of every recipe beside the published system
//! cargo run --release -p bench -- scaling     # cost against ring, depth, batch, width and threads
//! ```
//!
//! Exit status 0; 1 if something is beyond a bound or slower than it was; 2 for bad usage or files.

mod operations;
mod pages;
mod papers;
mod regress;
mod scaling;
mod security;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::papers::PapersArgs;
use crate::regress::RegressArgs;
use crate::scaling::ScalingArgs;
use crate::security::SecurityArgs;

/// Measures this workspace, and writes the pages of docs/bench.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Every preset and every key of the plan of every recipe, beside the bounds for 128 bits.
    Security(SecurityArgs),
    /// Twenty operations in units beside the committed figures of this machine: what got more than a tenth slower is named.
    Regress(RegressArgs),
    /// Some steps of every recipe beside what was published of its system; writes docs/bench/papers and the table of the README.
    Papers(PapersArgs),
    /// Cost against ring, depth, batch, width and threads; writes docs/bench/scaling.
    Scaling(ScalingArgs),
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Security(args) => security::run(&args),
        Command::Regress(args) => regress::run(&args),
        Command::Papers(args) => papers::run(&args),
        Command::Scaling(args) => scaling::run(&args),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}
