//! Lines of the table: every cell says where it is from.

use serde::{Deserialize, Serialize};

/// Where a figure is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Source {
    /// Published by the authors of the system.
    Published,
    /// Measured by later papers.
    Others,
    /// Derived from published figures by us.
    Derived,
    /// Measured by this command, or counted by the plan of what it measured.
    Measured,
    /// Read from a page of docs/runs, or of the README.
    Runs,
}

impl Source {
    /// All, with the letter that marks a cell and its meaning.
    pub(super) const ALL: [(Self, char, &'static str); 5] = [
        (Self::Published, 'p', "published by its authors"),
        (Self::Others, 'o', "published by others, who measured it"),
        (Self::Derived, 'd', "derived from published figures by us"),
        (Self::Measured, 'm', "measured by the command"),
        (Self::Runs, 'r', "read from docs/runs or, of the digits, from the first table of the README"),
    ];

    fn letter(self) -> char {
        Self::ALL.iter().find(|(source, ..)| *source == self).map_or('?', |(_, letter, _)| *letter)
    }
}

/// A figure and where it is from; a dash without a source is not known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Cell {
    pub(super) text: String,
    pub(super) from: Option<Source>,
}

impl Cell {
    pub(super) fn new(text: impl Into<String>, from: Source) -> Self {
        Self { text: text.into(), from: Some(from) }
    }

    pub(super) fn none() -> Self {
        Self { text: "-".into(), from: None }
    }

    pub(super) fn shown(&self) -> String {
        match self.from {
            Some(source) => format!("{} ({})", self.text, source.letter()),
            None => self.text.clone(),
        }
    }
}

/// A system, or a recipe beside it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Line {
    /// Whether it is a recipe of this workspace.
    pub(super) ours: bool,
    /// The system or the recipe.
    pub(super) name: String,
    /// Network and data.
    pub(super) network: Cell,
    /// Samples of a mini-batch.
    pub(super) batch: Cell,
    /// Bits of security.
    pub(super) bits: Cell,
    /// CPU seconds of a step for one of its samples.
    pub(super) seconds: Cell,
    /// Memory at its peak.
    pub(super) memory: Cell,
    /// Accuracy of a whole training on ciphertexts.
    pub(super) accuracy: Cell,
    /// Accuracy of a whole training in the clear: by the twin, or by the authors.
    pub(super) twin: Cell,
    /// Whether a client takes part in a step.
    pub(super) client: Cell,
    /// What was not run, and is a product of other figures.
    pub(super) extrapolated: String,
}
