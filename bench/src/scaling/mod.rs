//! Cost against ring, depth, batch, width and threads: plots and fitted exponents.

mod fit;
mod page;
mod plot;
mod studies;
mod study;

use std::time::Instant;

use clap::Args;

use self::studies::STUDIES;
use crate::pages::{self, Failure};

#[derive(Args)]
pub(crate) struct ScalingArgs {
    /// Runs one study alone and prints its table: ring, depth, batch, width or threads.
    #[arg(long)]
    only: Option<String>,
}

/// Measures all, and writes page and plots; or one, and prints it.
pub(crate) fn run(args: &ScalingArgs) -> Result<bool, Failure> {
    let start = Instant::now();
    let known = |name: &String| STUDIES.iter().any(|study| study.name == name);
    if let Some(unknown) = args.only.as_ref().filter(|name| !known(name)) {
        return Err(format!("`{unknown}` is no study").into());
    }
    let mut page = String::new();
    for study in STUDIES.iter().filter(|study| args.only.as_ref().is_none_or(|only| only == study.name)) {
        eprintln!("{}: {}, {:.0} s so far", study.name, pages::load(), start.elapsed().as_secs_f64());
        let all = (study.measure)()?;
        let text = page::section(study, &all);
        if args.only.is_some() {
            println!("{text}");
        } else {
            pages::write(&format!("docs/bench/scaling-{}.svg", study.name), &plot::draw(study, &all)?)?;
        }
        page += &text;
    }
    if args.only.is_none() {
        let taken = start.elapsed().as_secs_f64();
        pages::write("docs/bench/scaling.md", &page::markdown(&page, taken))?;
    }
    Ok(true)
}
