//! Time of the parts of steps.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Seconds of each part, in the order in which parts were first entered.
#[derive(Debug, Default)]
pub(super) struct Clock(Mutex<Parts>);

#[derive(Debug, Default)]
struct Parts {
    seconds: Vec<(String, f64)>,
    /// The part that goes on, and since when.
    going: Option<(usize, Instant)>,
}

impl Clock {
    /// A part begins, and the one before it ends; none begins where there is no name.
    pub(super) fn enter(&self, part: Option<&str>) {
        let parts = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if let Some((place, since)) = parts.going.take() {
            parts.seconds[place].1 += (now - since).as_secs_f64();
        }
        let Some(part) = part else { return };
        let known = parts.seconds.iter().position(|(name, _)| name == part);
        let place = known.unwrap_or_else(|| {
            parts.seconds.push((part.to_owned(), 0.0));
            parts.seconds.len() - 1
        });
        parts.going = Some((place, now));
    }

    /// Seconds of all parts so far.
    pub(super) fn parts(&self) -> Vec<(String, f64)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).seconds.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_counted_where_they_go_on() {
        let clock = Clock::default();
        for part in [Some("a"), Some("b"), Some("a"), None, Some("b"), None] {
            clock.enter(part);
            if part.is_some() {
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
        }
        let parts = clock.parts();
        assert_eq!(parts.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert!(parts.iter().all(|(_, seconds)| *seconds >= 0.01));
    }
}
