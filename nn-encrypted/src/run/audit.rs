//! The audit: refreshed tensors beside those that the client computes by itself, from the weights that it had before the step.
//!
//! Each tensor that the client decrypts in a step is drawn with the probability of the owner's choice, from a generator that the operating
//! system seeds, and only when the step is over. A drawn one has to be the twin's: the same integers before they are rounded where the scheme
//! is exact, within the tolerance of the plan elsewhere. A server that alters `k` tensors is found with probability `1 − (1 − P)^k`.
//!
//! Nothing that leaves the client depends on it. The client's own step is computed in every step, whatever was drawn or found, and what was
//! found is told when the run is over, to the owner alone.

#[cfg(test)]
mod lying;
#[cfg(test)]
mod tests;

use he_core::ring::sample::Prng;
use ndarray::Array2;

use super::encrypted::Encrypted;
use super::findings::Findings;
use super::state::Ledger;
use super::{Mode, Options, RunError, Session};
use crate::model::Model;
use crate::plan::Plan;
use crate::program::{Refresh, Tensor};
use crate::recipe::{RefreshStrategy, RefreshTensor};
use crate::roles::Kept;
use crate::roles::cipher::{Opened, Values};
use crate::twin::Computed;

/// `log2` of the chance for a server that alters a tensor in each step to stay unnoticed, by which the number of steps is said.
const LOG2_CHANCE: f64 = -40.0;

/// Refuses an audit that no run of this kind can have.
pub(super) fn check_share(session: &Session, options: &Options) -> Result<(), RunError> {
    let Some(share) = options.audit else { return Ok(()) };
    let refused = |what: String| Err(RunError::Unaudited(what));
    if !(share > 0.0 && share <= 1.0) {
        return refused(format!("{share}; a probability above 0 and up to 1 is needed"));
    }
    if options.mode != Mode::Encrypted {
        return refused("only an encrypted run has a server to be audited".into());
    }
    if session.is_elsewhere() {
        return refused("without the rows the owner of the key cannot compute what a server should".into());
    }
    let recipe = &session.recipe;
    if recipe.refresh.strategy == RefreshStrategy::Client {
        return Ok(());
    }
    refused(format!(
        "in recipe `{}` no client refreshes: it decrypts nothing but the model at the end, which is compared with the twin in any case",
        recipe.name
    ))
}

/// The steps within which a server that alters a tensor in each is found, but for a chance of 2^-40.
fn most_steps(share: f64) -> u64 {
    if share >= 1.0 { 1 } else { (LOG2_CHANCE / (1.0 - share).log2()).ceil() as u64 }
}

/// A sentence for the owner on how surely an audit finds a server.
pub(super) fn described(share: f64) -> String {
    let steps = most_steps(share);
    format!(
        "audit: each refreshed tensor with probability {share}; a server that alters one in each step is found within {steps} steps, but for \
         a chance of 2^{LOG2_CHANCE}, and the run goes on unchanged to its end"
    )
}

/// An audit in a process of a run.
pub(super) struct Audit {
    share: f64,
    prng: Prng,
}

/// The client's own step.
type Own = Result<Vec<Computed>, RunError>;

impl Audit {
    /// Has the client keep what it decrypts.
    pub(super) fn begin(share: f64, both: &mut Encrypted, ledger: &mut Ledger) -> Result<Self, RunError> {
        let prng = Prng::from_os().map_err(|error| RunError::Unaudited(error.to_string()))?;
        both.client.keep_decrypted();
        ledger.audit.get_or_insert_with(Findings::default).share = share;
        Ok(Self { share, prng })
    }

    /// Audits step `step`, from 0, which began with the weights `first`.
    pub(super) fn check(
        &mut self,
        session: &Session,
        (step, first): (u64, Model),
        (x, targets): (&Array2<f64>, &Array2<f64>),
        both: &mut Encrypted,
        findings: &mut Findings,
    ) {
        let kept = both.client.take_decrypted();
        let own = || -> Own {
            let mut twin = session.twin(first)?;
            twin.replay_rounded(both.client.rounded().to_vec());
            Ok(twin.recorded_step(x, targets)?)
        };
        let own = own();
        for tensor in &kept {
            // Weights within their bounds lead to a step that can be computed.
            let numbers = match &own {
                Ok(own) => differing(&both.plan, own, tensor),
                Err(_) => Some(u64::MAX),
            };
            // What is too large to be sent comes out otherwise, and so may all that follows from it.
            let Some(numbers) = numbers else { break };
            if self.draws() {
                findings.note(step + 1, tensor.0, numbers);
            }
        }
    }

    fn draws(&mut self) -> bool {
        // 53 bits: a number below 1.
        ((self.prng.next_u64() >> 11) as f64) < self.share * 53_f64.exp2()
    }
}

/// How many numbers of a decrypted tensor are not those of the client's own step; none if its own do not fit the plan.
fn differing(plan: &Plan, own: &[Computed], (tensor, held): &Kept) -> Option<u64> {
    let mut refreshes = plan.program.rounds.iter().flatten();
    let proven = refreshes.find(|Refresh { from, .. }| from == tensor)?.rounding.proven;
    let last = plan.network.depth().saturating_sub(1);
    let of = |layer: usize, named: RefreshTensor| -> Option<Vec<&Computed>> {
        let all = own.iter().filter(|own| (own.layer, own.tensor) == (layer, named));
        let all: Vec<&Computed> = all.collect();
        all.iter().all(|own| own.largest() <= proven).then_some(all)
    };
    let mut sum = 0;
    for (engine, opened) in held {
        let tolerance = plan.engines[*engine].tolerance();
        match opened {
            Opened::Rows(found) => {
                let named = match tensor {
                    Tensor::RawError(_) => RefreshTensor::Error,
                    _ if tensor.layer() == Some(last) => RefreshTensor::Output,
                    _ => RefreshTensor::Preactivation,
                };
                let own = of(tensor.layer()?, named)?;
                sum += compare(found, own.first()?, tolerance.map_or(0.0, |of| of.outputs));
            }
            Opened::Layers(found) => {
                let momentum = *tensor == Tensor::NewMomentum;
                let named = if momentum { RefreshTensor::Momentum } else { RefreshTensor::Weight };
                for (l, (weights, biases)) in plan.layers(*engine).zip(found) {
                    let own = of(l, named)?;
                    for (found, own) in [weights, biases].into_iter().zip(own) {
                        sum += compare(found, own, tolerance.map_or(0.0, |of| of.weights));
                    }
                }
            }
        }
    }
    Some(sum)
}

/// How many numbers differ: by anything where both are exact, else by more than the tolerance.
fn compare(found: &Values, own: &Computed, tolerance: f64) -> u64 {
    let different = match (found, own.exact()) {
        (Values::Exact(found, f), Some((own, g))) if found.dim() == own.dim() => {
            // Both at the finer scale; what does not fit it is larger than any number of a plan.
            let scaled = |value: i128, from: u32| value.checked_mul(1_i128.checked_shl(f.max(&g) - from)?);
            let pairs = found.iter().zip(own);
            pairs.filter(|(a, b)| scaled(**a, *f) != scaled(i128::from(**b), g)).count()
        }
        _ => {
            let (own, found) = (own.real(), real(found));
            if found.is_empty() || found.dim() != own.dim() {
                // An engine without momentum sends none.
                found.len()
            } else {
                // Written so that what is no number differs.
                own.iter().zip(&found).filter(|(a, b)| !(0.0..=tolerance).contains(&(*a - *b).abs())).count()
            }
        }
    };
    different as u64
}

fn real(values: &Values) -> Array2<f64> {
    match values {
        Values::Real(values) => values.clone(),
        Values::Exact(values, bits) => values.mapv(|value| value as f64 * (-f64::from(*bits)).exp2()),
    }
}
