//! The findings of an audit.

use serde::{Deserialize, Serialize};

/// Findings that are kept one by one.
const MOST: usize = 100;

/// The findings of an audit over all processes of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Findings {
    /// The probability with which a refreshed tensor was audited.
    pub share: f64,
    /// Audited tensors.
    pub audited: u64,
    /// Those of them that were not as planned.
    pub altered: u64,
    /// The first of these.
    pub first: Vec<Finding>,
}

/// A tensor that was not as planned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// The training step, from 1.
    pub step: u64,
    /// The tensor.
    pub tensor: String,
    /// How many of its numbers differ.
    pub numbers: u64,
}

impl Findings {
    /// Notes an audited tensor, of which so many numbers differ.
    pub(super) fn note(&mut self, step: u64, tensor: impl ToString, numbers: u64) {
        self.audited += 1;
        if numbers == 0 {
            return;
        }
        self.altered += 1;
        if self.first.len() < MOST {
            self.first.push(Finding { step, tensor: tensor.to_string(), numbers });
        }
    }

    /// Why the model is refused; none if nothing was found.
    pub(super) fn refusal(&self) -> Option<String> {
        let Self { audited, altered, first, .. } = self;
        let Finding { step, tensor, numbers } = first.first().filter(|_| *altered > 0)?;
        Some(format!(
            "audit: {altered} of {audited} tensors are not what was to be computed, the first in step {step}: {tensor}, {numbers} numbers"
        ))
    }
}
