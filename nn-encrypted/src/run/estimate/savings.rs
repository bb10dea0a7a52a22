//! Changes that take less.

use std::time::{Duration, Instant};

use super::text::{bytes, duration};
use super::{LinkSpeed, RunEstimate};
use crate::run::{RunError, Session};

/// How long a plan may have taken for another to be tried.
const QUICK: Duration = Duration::from_secs(3);

impl RunEstimate {
    /// Notes what would take less: smaller mini-batches, or a recipe without a client over a slow line.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    pub(crate) fn with_savings(
        mut self,
        session: &Session,
        link: LinkSpeed,
        begun: Instant,
    ) -> Result<Self, RunError> {
        let traffic = &self.traffic;
        if traffic.rounds > 0 && link.seconds(traffic.to_server + traffic.to_client) > self.seconds.all {
            self.savings.push("most of the time goes to the line: a recipe whose server works alone sends nothing while it trains (glyph2020, ckks_sgd)".into());
        }
        let batch = self.batch / 2;
        if begun.elapsed() > QUICK || batch < 8 {
            return Ok(self);
        }
        let mut recipe = session.recipe.clone();
        recipe.optimizer.batch_size = batch;
        let Ok(other) = session.with_recipe(recipe) else { return Ok(self) };
        let Ok(other) = Self::new(&other, None) else { return Ok(self) };
        if other.memory.needed < self.memory.needed / 10 * 9 || other.seconds.step < 0.9 * self.seconds.step {
            self.savings.push(format!(
                "mini-batches of {batch}: memory {}, a step {}, twice as many steps",
                bytes(other.memory.needed),
                duration(other.seconds.step)
            ));
        }
        Ok(self)
    }
}
