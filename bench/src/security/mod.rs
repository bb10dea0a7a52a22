//! Every named preset and every key of the plan of every recipe, beside the bounds for 128 bits.

mod instance;
mod instances;
mod page;

use std::path::PathBuf;

use clap::Args;

use self::instance::Instance;
use self::instances::instances;
use crate::pages::{self, Failure};

#[derive(Args)]
pub(crate) struct SecurityArgs {
    /// Prints comma-separated values instead of a table in Markdown.
    #[arg(long)]
    csv: bool,
    /// Writes docs/bench/security.md and docs/bench/security.csv.
    #[arg(long)]
    write: bool,
    /// Folder of the data sets that are not inside the program: with it the plans for MNIST are there too.
    #[arg(long)]
    data_dir: Option<PathBuf>,
}

/// Prints or writes all of them; whether all are within their bounds.
pub(crate) fn run(args: &SecurityArgs) -> Result<bool, Failure> {
    let all = instances(args.data_dir.as_deref())?;
    if args.write {
        pages::write("docs/bench/security.md", &page::markdown(&all))?;
        pages::write("docs/bench/security.csv", &page::csv(&all))?;
    } else if args.csv {
        print!("{}", page::csv(&all));
    } else {
        print!("{}", page::tables(&all));
    }
    let faults: Vec<String> = all.iter().filter_map(Instance::fault).collect();
    faults.iter().for_each(|fault| eprintln!("{fault}"));
    Ok(faults.is_empty())
}

#[cfg(test)]
mod tests;
