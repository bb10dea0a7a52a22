//! A study as a Markdown page.

use std::fmt::Write;
use std::path::Path;
use std::time::SystemTime;

use super::RunError;
use super::study::{Cell, Scope};
use crate::meter::host;

/// The page of a study: the table, and the command, machine and day it is from.
pub fn study_page(scope: &Scope, cells: &[Cell], command: &str) -> String {
    let date = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    let day = date.split('T').next().unwrap_or_default();
    let threads = rayon::current_num_threads();
    let mut page = format!(
        "# Study: {}\n\nMade by `{command}` on {day}, on a machine with {}, {threads} threads used.\n\n",
        scope.recipe,
        host()
    );
    page.push_str(&explanation(scope));
    let columns = [
        "data",
        "hidden",
        "network",
        "majority class",
        "logistic, balanced",
        "float, balanced",
        "twin, balanced",
        "float",
        "twin",
        &format!("{} encrypted steps", scope.steps),
        "refreshes",
        "bytes",
        "equal to the twin",
    ];
    page.push_str(&format!("\n| {} |\n|{}\n", columns.join(" | "), "---|".repeat(columns.len())));
    for cell in cells {
        let _ = writeln!(page, "{}", line(cell));
    }
    page
}

/// Writes a page whole or not at all.
///
/// # Errors
/// If it cannot be written.
pub(crate) fn write_page(path: &Path, page: &str) -> Result<(), RunError> {
    let draft = path.with_extension("draft");
    let written = std::fs::write(&draft, page).and_then(|()| std::fs::rename(&draft, path));
    written.map_err(|source| RunError::Io { path: path.to_owned(), source })
}

fn explanation(scope: &Scope) -> String {
    let part = if scope.validate { "a quarter of the training part" } else { "the test part" };
    format!(
        "Accuracies are means over {} seeds, in percent of {part}; a seed decides split, mini-batches and initial\n\
         weights. *Balanced* is the mean over classes. *Majority class* is what always guessing the most frequent\n\
         class gets. *Logistic* is logistic regression in floating point on the same rows, repeated like those of the\n\
         network; *float* the network in floating point; *twin* the network on the integers that the encrypted run\n\
         computes, all of its training. Seconds, refreshed ciphertexts and bytes (both directions, without keys and\n\
         data) are those of {} training steps on ciphertexts, all together.\n",
        scope.seeds, scope.steps
    )
}

fn line(cell: &Cell) -> String {
    let percent = |value: f64| format!("{:.1}", 100.0 * value);
    let widths: Vec<String> = cell.widths.iter().map(ToString::to_string).collect();
    let mut columns = vec![
        cell.set.clone(),
        cell.hidden.to_string(),
        widths.join("-"),
        percent(cell.majority),
        percent(cell.logistic.balanced),
        percent(cell.clear.balanced),
        percent(cell.twin.balanced),
        percent(cell.clear.accuracy),
        percent(cell.twin.accuracy),
    ];
    columns.extend(cell.encrypted.map_or([(); 4].map(|()| String::new()), |steps| {
        [
            format!("{:.2} s", steps.seconds),
            steps.refreshes.to_string(),
            format!("{:.1} MB", steps.bytes as f64 / 1e6),
            steps.equal.to_string(),
        ]
    }));
    format!("| {} |", columns.join(" | "))
}
