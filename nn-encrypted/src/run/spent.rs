//! Whether a key may go on being used: not if the server was found to deviate.

use super::{Report, RunError, RunFolder};

impl Report {
    /// What says that the server of an encrypted run did not compute what was planned.
    #[must_use]
    pub fn deviation(&self) -> Option<String> {
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
