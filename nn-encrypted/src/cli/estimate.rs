//! Estimates of trainings.

use std::process::ExitCode;
use std::time::Instant;

use clap::Args;

use super::task::TaskArgs;
use crate::run::{self, LinkSpeed, RunError, RunEstimate, Session};

#[derive(Args)]
pub(super) struct EstimateArgs {
    #[command(flatten)]
    pub(super) task: TaskArgs,
    /// Speed of the line between client and server, such as 100Mbit or 1Gbit.
    #[arg(long, default_value_t)]
    link: LinkSpeed,
    /// Prints it as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn estimate(args: &EstimateArgs) -> Result<ExitCode, RunError> {
    let begun = Instant::now();
    let loaded = args.task.load()?;
    let calibrates = args.task.calibrates(&loaded);
    loaded.words.iter().for_each(|word| eprintln!("{word}"));
    let mut session = Session::new(loaded.recipe, args.task.data_dir.as_deref())?;
    session.data.notes.iter().for_each(|note| eprintln!("{note}"));
    if calibrates {
        let (calibrated, word) = run::calibrated(&session)?;
        eprintln!("{word}");
        session = calibrated;
    }
    let estimate = RunEstimate::new(&session, args.task.steps)?.with_savings(&session, args.link, begun)?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&estimate).unwrap_or_default());
    } else {
        println!("{}", estimate.text(args.link));
    }
    Ok(ExitCode::SUCCESS)
}
