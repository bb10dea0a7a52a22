//! Whether a key may go on being used: not if the server was found to deviate.

use super::findings::Findings;
use super::{Report, RunError, RunFolder};

impl Report {
    /// The sign that the server of an encrypted run did not compute what was planned.
    #[must_use]
    pub(crate) fn deviation(&self) -> Option<String> {
        if let Some(found) = self.audit.as_ref().and_then(Findings::refusal) {
            return Some(found);
        }
        let deviations = self.traffic.deviations;
        if deviations > 0 {
            return Some(format!("{deviations} decrypted values are beyond what the plan proved possible"));
        }
        if self.mode != "encrypted" {
            return None;
        }
        let predicted = self.prediction.is_none_or(|prediction| prediction.twin_equal);
        match (self.twin.equal, predicted) {
            (Some(false), _) => Some("the decrypted model is not the twin's".into()),
            (_, false) => Some("decrypted outputs of a classification are not the twin's".into()),
            _ => None,
        }
    }
}

impl RunFolder {
    /// Refuses a run whose key is spent.
    pub(super) fn refuse_spent(&self, report: &Report) -> Result<(), RunError> {
        match report.deviation() {
            Some(what) => Err(RunError::Spent { out: self.root().to_owned(), what }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::report::TwinSummary;
    use crate::run::summary::PredictionSummary;

    /// The report of a finished run.
    fn report(mode: &str) -> Report {
        let text = include_str!("../../tests/golden/v2/report.json");
        let mut report: Report = serde_json::from_str(text).unwrap();
        report.mode = mode.to_owned();
        report.twin = TwinSummary { equal: Some(true), ..TwinSummary::default() };
        report
    }

    fn prediction(twin_equal: bool) -> Option<PredictionSummary> {
        let (seconds, core_seconds_per_image, bytes_per_image) = (0.0, 0.0, 0.0);
        let (images, accuracy, mape, r_squared) = (1, None, None, None);
        let summary = PredictionSummary {
            images,
            accuracy,
            mape,
            r_squared,
            twin_equal,
            seconds,
            core_seconds_per_image,
            bytes_per_image,
        };
        Some(summary)
    }

    #[test]
    fn a_key_is_spent_by_whatever_was_found_and_by_nothing_else() {
        let refused = |report: &Report| {
            RunFolder::new("runs/x").refuse_spent(report).map_err(|error| {
                assert!(error.is_input());
                error.to_string()
            })
        };
        let mut honest = report("encrypted");
        honest.prediction = prediction(true);
        refused(&honest).unwrap();
        // Bounds of the recipe that values left are no deviation of the server.
        honest.traffic.out_of_bounds = 2;
        honest.traffic.saturations = 9;
        refused(&honest).unwrap();
        let mut counted = honest.clone();
        counted.traffic.deviations = 3;
        let mut other = honest.clone();
        other.twin.equal = Some(false);
        let mut predicted = honest.clone();
        predicted.prediction = prediction(false);
        for (report, what) in [
            (counted, "3 decrypted values"),
            (other, "the decrypted model is not the twin's"),
            (predicted, "outputs of a classification"),
        ] {
            let said = refused(&report).unwrap_err();
            for word in ["runs/x: ", what, "which is spent", "train anew with new keys"] {
                assert!(said.contains(word), "{said}: {word}");
            }
        }
        // A simulation has no key.
        let mut simulated = report("simulate");
        simulated.twin.equal = None;
        refused(&simulated).unwrap();
    }
}
