//! Whose turn it is: one run computes at a time, with all threads, and those that hold keys fit the memory.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

#[derive(Default)]
struct Queue {
    /// Tickets and tenants of those that wait to compute, first come first.
    waiting: VecDeque<(u64, String)>,
    next: u64,
    computing: bool,
    /// Who computed last.
    last: String,
    /// Bytes and number of runs in memory.
    held: u64,
    runs: usize,
}

impl Queue {
    /// The ticket that is next: the first of another tenant than the last one, or the first.
    fn first(&self) -> Option<u64> {
        let other = self.waiting.iter().find(|(_, tenant)| *tenant != self.last);
        other.or(self.waiting.front()).map(|(ticket, _)| *ticket)
    }
}

/// The gate before memory and processors.
pub(super) struct Gate {
    queue: Mutex<Queue>,
    changed: Condvar,
    /// Bytes of memory for all runs.
    memory: u64,
}

/// A run that may compute, until this is dropped.
pub(super) struct Turn<'a>(&'a Gate);

/// A run that may be in memory, until this is dropped.
pub(super) struct Room<'a>(&'a Gate, u64);

impl Gate {
    pub(super) fn new(memory: u64) -> Self {
        Self { queue: Mutex::default(), changed: Condvar::new(), memory }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many runs wait to compute, and bytes of those in memory as planned.
    pub(super) fn load(&self) -> (usize, u64) {
        let queue = self.lock();
        (queue.waiting.len(), queue.held)
    }

    /// Waits for the turn of a tenant.
    pub(super) fn turn(&self, tenant: &str) -> Turn<'_> {
        let mut queue = self.lock();
        let ticket = queue.next;
        queue.next += 1;
        queue.waiting.push_back((ticket, tenant.to_owned()));
        while queue.computing || queue.first() != Some(ticket) {
            queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        queue.waiting.retain(|(waiting, _)| *waiting != ticket);
        queue.computing = true;
        tenant.clone_into(&mut queue.last);
        Turn(self)
    }

    /// Waits until there is memory for a run, or no other run is there. None if it is no longer wanted.
    pub(super) fn room(&self, bytes: u64, wanted: impl Fn() -> bool) -> Option<Room<'_>> {
        let mut queue = self.lock();
        while queue.runs > 0 && queue.held.saturating_add(bytes) > self.memory {
            if !wanted() {
                return None;
            }
            let second = std::time::Duration::from_secs(1);
            queue = self.changed.wait_timeout(queue, second).unwrap_or_else(PoisonError::into_inner).0;
        }
        queue.held += bytes;
        queue.runs += 1;
        Some(Room(self, bytes))
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.lock().computing = false;
        self.0.changed.notify_all();
    }
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        let mut queue = self.0.lock();
        queue.held -= self.1;
        queue.runs -= 1;
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    #[test]
    fn one_computes_at_a_time_and_tenants_take_turns() {
        let gate = Gate::new(100);
        let (told, order) = mpsc::channel();
        let first = gate.turn("a");
        std::thread::scope(|scope| {
            for (place, tenant) in ["a", "a", "b"].into_iter().enumerate() {
                let (told, gate) = (told.clone(), &gate);
                scope.spawn(move || {
                    let _turn = gate.turn(tenant);
                    told.send(tenant).unwrap();
                });
                // All wait, in this order, before the first one leaves.
                while gate.lock().waiting.len() <= place {
                    std::thread::yield_now();
                }
            }
            assert!(order.try_recv().is_err());
            drop(first);
            let all: Vec<&str> =
                (0..3).map(|_| order.recv_timeout(Duration::from_secs(9)).unwrap()).collect();
            assert_eq!(all, ["b", "a", "a"]);
        });
    }

    #[test]
    fn runs_wait_for_memory_and_a_large_one_has_it_alone() {
        let gate = Gate::new(100);
        let large = gate.room(1000, || false).unwrap();
        assert!(gate.room(1, || false).is_none());
        drop(large);
        let (a, b) = (gate.room(60, || false).unwrap(), gate.room(40, || false).unwrap());
        assert!(gate.room(1, || false).is_none());
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| gate.room(50, || true).is_some());
            drop(a);
            assert!(waiting.join().unwrap());
        });
        drop(b);
        let queue = gate.lock();
        assert_eq!((queue.held, queue.runs), (0, 0));
    }
}
