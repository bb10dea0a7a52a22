//! A measured step of every recipe beside what was published of its system.

mod cells;
mod measure;
mod page;
mod published;
mod rows;
mod runs;

use std::collections::BTreeMap;

use clap::Args;
use serde::{Deserialize, Serialize};

use self::cells::Line;
use self::measure::{MEASURED, Measured};
use crate::pages::{self, Failure};

/// What was measured, and the lines that were made of it.
const FILE: &str = "docs/bench/papers.json";

#[derive(Args)]
pub(crate) struct PapersArgs {
    /// Measures the named recipes alone, and keeps what the file has of the others.
    #[arg(long, value_name = "RECIPE")]
    only: Vec<String>,
    /// Measures nothing: makes the tables from the file and docs/runs anew.
    #[arg(long, conflicts_with = "only")]
    tables: bool,
    /// Measures one recipe in this process and prints what it found: how this command calls itself.
    #[arg(long, hide = true)]
    measure: Option<String>,
}

/// The file.
#[derive(Default, Serialize, Deserialize)]
struct Papers {
    /// What was measured, by recipe.
    measured: BTreeMap<String, Measured>,
    /// The lines of the table.
    lines: Vec<Line>,
}

/// Measures, and writes page, file and the table of the README.
pub(crate) fn run(args: &PapersArgs) -> Result<bool, Failure> {
    if let Some(recipe) = &args.measure {
        println!("{}", serde_json::to_string(&measure::here(recipe)?)?);
        return Ok(true);
    }
    let known = pages::read(FILE).ok();
    let known = known.map(|text| serde_json::from_str::<Papers>(&text)).transpose();
    let mut measured = known.map_err(|error| format!("{FILE}: {error}"))?.unwrap_or_default().measured;
    let unknown = args.only.iter().find(|name| MEASURED.iter().all(|task| task.recipe != name.as_str()));
    if let Some(name) = unknown {
        return Err(format!("`{name}` is no recipe that is measured").into());
    }
    for task in MEASURED.iter().filter(|_| !args.tables) {
        if args.only.is_empty() || args.only.iter().any(|name| name == task.recipe) {
            eprintln!("{}: {} step(s), {}", task.recipe, task.steps, pages::load());
            measured.insert(task.recipe.to_owned(), measure::elsewhere(task.recipe)?);
        }
    }
    let lines = rows::lines(&measured)?;
    pages::write("docs/bench/papers.md", &page::markdown(&lines, &measured))?;
    pages::replace("README.md", page::MARKS, &page::table(&lines, "docs/runs"))?;
    pages::write(FILE, &(serde_json::to_string_pretty(&Papers { measured, lines })? + "\n"))?;
    Ok(true)
}

#[cfg(test)]
mod tests;
