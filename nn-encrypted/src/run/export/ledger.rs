//! Knowledge of the key that exports of a run have given: their divergences, which add up. `client/exports.toml`, a table for each.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::run::{RunError, RunFolder};

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ledger {
    #[serde(default)]
    export: Vec<Entry>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// In nats.
    divergence: f64,
}

impl RunFolder {
    /// Path of the list.
    pub(in crate::run) fn exports(&self) -> PathBuf {
        self.client("exports.toml")
    }

    /// The divergences of all exports so far.
    pub(super) fn shown_before(&self) -> Result<Vec<f64>, RunError> {
        let path = self.exports();
        if !path.exists() {
            return Ok(Vec::new());
        }
        let wrong = |what: String| RunError::File { path: path.clone(), what };
        let text = String::from_utf8(self.read(&path)?).map_err(|error| wrong(error.to_string()))?;
        let ledger: Ledger = toml::from_str(&text).map_err(|error| wrong(error.message().to_owned()))?;
        let all: Vec<f64> = ledger.export.iter().map(|entry| entry.divergence).collect();
        match all.iter().find(|divergence| !(divergence.is_finite() && **divergence >= 0.0)) {
            Some(found) => Err(wrong(format!("divergence = {found}; a number from 0 is needed"))),
            None => Ok(all),
        }
    }

    /// Adds an export.
    pub(super) fn note_shown(&self, divergence: f64) -> Result<(), RunError> {
        let all = self.shown_before()?.into_iter().chain([divergence]);
        let ledger = Ledger { export: all.map(|divergence| Entry { divergence }).collect() };
        let path = self.exports();
        let text = toml::to_string(&ledger)
            .map_err(|error| RunError::File { path: path.clone(), what: error.to_string() })?;
        self.write(&path, text.as_bytes(), true)
    }
}
