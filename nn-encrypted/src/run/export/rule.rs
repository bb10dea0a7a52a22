//! Which rule a run's model is shown by.

use crate::plan::{Disclosure, Plan};
use crate::run::Report;

/// How a model may be shown.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Rule {
    /// As it is; why it tells nothing of the key.
    Exact(&'static str),
    /// With noise that hides errors of this root mean square.
    Noise {
        /// The error of a weight or bias.
        error: f64,
    },
    /// As it is; but for failures of so many bootstraps.
    Failures {
        /// Their number.
        bootstraps: u64,
        /// `log2` of the probability of each.
        log2: f64,
    },
    /// Not at all: why.
    Refused(String),
}

const NO_KEY: &str = "No key had a part in this run: the model was computed in the clear.";
const BY_CLIENT: &str = "The client computed these weights in the clear, from its own data alone; no decrypted number entered them, so they tell nothing of the key.";
const EXACT: &str = "Every weight is an integer over a power of two, and was decrypted exactly: decryption is right whatever the noise was, as long as it fits, and every operation checked that nine standard deviations fit. The file depends on the data and on the recipe, and tells nothing of the key.";
const MIXED: &str = "layers in several schemes pass errors of one on to the other through roundings, and no rule is known that bounds what the weights then tell of the keys";
const UNKNOWN: &str = "no rule is known that bounds what its weights tell of the key";

impl Rule {
    /// The rule for the run of a report.
    pub(super) fn of(plan: &Plan, report: &Report) -> Self {
        if report.mode != "encrypted" {
            return Self::Exact(NO_KEY);
        }
        if plan.program.has_client_backward() {
            return Self::Exact(BY_CLIENT);
        }
        let all: Vec<Disclosure> = plan.engines.iter().map(|engine| engine.disclosure()).collect();
        match all[..] {
            _ if !all.is_empty() && all.iter().all(|of| *of == Disclosure::Exact) => Self::Exact(EXACT),
            [Disclosure::Errors { step }] => {
                // Errors of different steps are independent, and training passes them on.
                Self::Noise { error: step * (report.steps.max(1) as f64).sqrt() }
            }
            [Disclosure::Failures { log2 }] => Self::Failures { bootstraps: report.bootstraps.tfhe, log2 },
            [Disclosure::Phases { deviation, lookups }] => Self::Refused(format!(
                "every lookup of a table is by a phase that is off by {deviation:.2} boxes of the table (standard deviation), and how far is a function of the key; {} lookups decided the weights, which are integers without any noise: with another key others would stand there, and who has the server's ciphertexts can tell which keys lead to these. No noise on weights bounds that. Show a model that was trained in the clear (--mode clear or simulate)",
                lookups as u64 * report.steps
            )),
            [_] | [] => Self::Refused(UNKNOWN.to_owned()),
            _ => Self::Refused(MIXED.to_owned()),
        }
    }
}
