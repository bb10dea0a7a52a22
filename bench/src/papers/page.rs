//! The table, and its page.

use std::collections::BTreeMap;

use super::cells::{Line, Source};
use super::measure::Measured;
use crate::pages;

/// Where the table stands in the README.
pub(super) const MARKS: [&str; 2] = ["<!-- papers -->", "<!-- end of papers -->"];

const HEAD: [&str; 10] = [
    "system, or **recipe**",
    "network and data",
    "mini-batch",
    "bits of security",
    "CPU s of a step, an image",
    "memory",
    "accuracy of an encrypted training",
    "of the twin, or in the clear",
    "client in a step",
    "extrapolated",
];

const TEXT: &str = "\
# Published systems, and the recipes that rebuild them

Made by `cargo run --release -p bench -- papers`, which trains some steps of every recipe on ciphertexts, each in a process of its own, checks
that they are those of the twin, trains the same networks whole by the twin, and reads what docs/runs has of larger networks and of whole
trainings on ciphertexts. The same in numbers: [papers.json](papers.json), with the reports.

";

const REMARKS: &str = "\
Where a client takes part, and where none does, are not the same achievement: a client refreshes in no time what costs a server a bootstrap.
Parameters at 80 bits and less make every operation several times cheaper than those at 128. A step of a recipe says nothing of how well it
trains: accuracies are of whole trainings, by the twin where no whole training on ciphertexts was run; single steps on
ciphertexts equal those of the twin bit for bit, or in CKKS within the tolerance that a report says.
";

/// The legend and the table; `runs` is the way to docs/runs.
pub(super) fn table(lines: &[Line], runs: &str) -> String {
    let legend: Vec<String> =
        Source::ALL.iter().map(|(_, letter, meaning)| format!("({letter}) {meaning}")).collect();
    let rows = lines.iter().map(|line| {
        [
            line.name.clone(),
            line.network.shown(),
            line.batch.shown(),
            line.bits.shown(),
            line.seconds.shown(),
            line.memory.shown(),
            line.accuracy.shown(),
            line.twin.shown(),
            line.client.shown(),
            if line.extrapolated.is_empty() { "-".into() } else { line.extrapolated.clone() },
        ]
    });
    let legend = format!("{}; `-` is not known, or was not run.", legend.join(", "));
    let legend = legend.replace("docs/runs", &format!("[docs/runs]({runs})"));
    format!("{}\n{legend}\n", pages::table(&HEAD, rows))
}

/// The page.
pub(super) fn markdown(lines: &[Line], measured: &BTreeMap<String, Measured>) -> String {
    let head = ["recipe", "machine", "other work on it at the end", "steps", "equal to the twin"];
    let rows = measured.iter().map(|(recipe, measured)| {
        let twin = &measured.encrypted.twin;
        let equal = twin.tolerance.map_or_else(|| "bit for bit".into(), |most| format!("to {most:.1e}"));
        let threads = measured.encrypted.threads;
        [
            format!("`{recipe}`"),
            format!("{}, {threads} threads used", measured.machine),
            measured.load.clone(),
            measured.encrypted.steps.to_string(),
            equal,
        ]
    });
    format!("{TEXT}{}\n{REMARKS}\n## Measured on\n\n{}", table(lines, "../runs"), pages::table(&head, rows))
}
