//! Bodies and headers of requests, as both sides write them.

use serde::{Deserialize, Serialize};

/// The version of the protocol, which every request names in [`PROTOCOL_HEADER`].
pub(super) const PROTOCOL: &str = "1";
/// Which version a request is of.
pub(super) const PROTOCOL_HEADER: &str = "nn-protocol";
/// Bytes of an object that are there, or at which a piece begins.
pub(super) const OFFSET: &str = "upload-offset";
/// Bytes of an object in all.
pub(super) const LENGTH: &str = "upload-length";
/// BLAKE3 digest of a whole object, in hexadecimal digits.
pub(super) const DIGEST: &str = "upload-digest";
/// `?1` of an object that is there in whole.
pub(super) const COMPLETE: &str = "upload-complete";
/// The state of a run: see [`Event`].
pub(super) const EVENT: &str = "nn-event";
/// The round of a refresh request, from 0 within a task.
pub(super) const ROUND: &str = "nn-round";

/// Bytes of a piece of an object, at most.
pub(super) const PIECE: usize = 8 << 20;
/// Seconds that a request for what is next waits, at most.
pub(super) const LONGEST_WAIT: u64 = 25;

/// A task of a run, one after the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "task", rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum Task {
    /// Take the uploaded weights, those after so many steps.
    Take {
        /// Steps done.
        step: u64,
    },
    /// One training step.
    Train {
        /// Its number, from 0.
        step: u64,
        /// The uploaded mini-batch.
        batch: usize,
    },
    /// Classify the uploaded query.
    Classify {
        /// The number that query and outputs carry.
        number: u64,
    },
    /// Give weights and momentum, encrypted.
    Give {
        /// Steps done.
        step: u64,
    },
    /// Write a checkpoint, and tell its digest.
    Keep {
        /// Steps done.
        step: u64,
    },
    /// Go on from a checkpoint; later ones are removed.
    Restore {
        /// Steps done.
        step: u64,
        /// Its digest, in hexadecimal digits.
        digest: String,
    },
}

/// The state of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// A refresh request is the body.
    Request,
    /// The task is done; its outcome is the body.
    Done,
    /// The task was stopped, as its client asked; nothing changed.
    Stopped,
    /// The task failed; why is the body.
    Failed,
}

impl Event {
    const ALL: [(Self, &'static str); 4] = [
        (Self::Request, "request"),
        (Self::Done, "done"),
        (Self::Stopped, "stopped"),
        (Self::Failed, "failed"),
    ];

    pub(super) fn name(self) -> &'static str {
        Self::ALL.iter().find(|(event, _)| *event == self).map_or("", |(_, name)| name)
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(event, _)| *event)
    }
}

/// A job as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct JobState {
    /// Its name.
    pub(super) job: String,
    /// The name of its recipe.
    pub(super) recipe: String,
    /// `idle`, `loading`, `waiting`, `queued`, `computing`, `parked: reason`.
    pub(super) state: String,
    /// Bytes of its objects on the server's disk.
    pub(super) bytes: u64,
    /// Steps of its newest checkpoint.
    pub(super) checkpoint: Option<u64>,
}
