//! Ends of epochs.

use super::RunError;
use super::progress::Progress;
use super::session::Session;
use crate::twin::Twin;

/// After an epoch, and after the very last step: the score of the test part, which is no number if there is none.
pub(super) fn after_epoch(
    session: &Session,
    twin: &mut Twin,
    done: usize,
    curve: &mut Vec<f64>,
    progress: &Progress,
) -> Result<(), RunError> {
    let (score, measure) = (session.score(twin, &session.data.test)?, session.measure());
    curve.push(score);
    let text = match session.data.test.count() {
        0 => "none".to_owned(),
        _ => format!("{} {}", measure.name(), measure.text(score)),
    };
    progress.epoch(done.div_ceil(session.batches.count()), score, &text);
    Ok(())
}
