//! Ends of epochs.

use super::RunError;
use super::progress::Progress;
use super::session::Session;
use crate::twin::Twin;

/// After an epoch, and after the very last step: the score of the test part.
pub(super) fn after_epoch(
    session: &Session,
    twin: &mut Twin,
    done: usize,
    curve: &mut Vec<f64>,
    progress: &Progress,
    quiet: bool,
) -> Result<(), RunError> {
    let score = session.score(twin, &session.data.test)?;
    curve.push(score);
    if !quiet {
        let (number, measure) = (done.div_ceil(session.batches.count()), session.measure());
        progress.note(&format!("epoch {number}: test {} {}", measure.name(), measure.text(score)));
    }
    Ok(())
}
