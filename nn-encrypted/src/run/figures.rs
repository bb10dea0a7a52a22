//! The figures of an estimate.

use serde::{Deserialize, Serialize};

use super::summary::{RangeSummary, SchemeSummary};

/// The estimate of a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunEstimate {
    /// Name of the recipe.
    pub recipe: String,
    /// Name of the data.
    pub data: String,
    /// Widths from the features to the outputs.
    pub network: Vec<usize>,
    /// Rows of the training part.
    pub rows: usize,
    /// Rows of a mini-batch.
    pub batch: usize,
    /// Training steps.
    pub steps: usize,
    /// Passes over the training part that were asked for.
    pub epochs: usize,
    /// Who is needed, and when.
    pub parties: String,
    /// Instances of encryption schemes, with their bits of security.
    pub schemes: Vec<SchemeSummary>,
    /// Seconds.
    pub seconds: EstimatedSeconds,
    /// Bytes of memory.
    pub memory: EstimatedMemory,
    /// Bytes of the files of a run.
    pub disk: EstimatedDisk,
    /// Bytes between client and server.
    pub traffic: EstimatedTraffic,
    /// Threads.
    pub threads: usize,
    /// The tensor that came closest to its bound in `simulated` steps on the same numbers in the clear; none where nothing is bounded.
    pub closest: Option<RangeSummary>,
    /// Steps that were simulated.
    pub simulated: usize,
    /// How far results may be from a simulation's; none where they are equal bit for bit.
    pub tolerance: Option<f64>,
    /// Changes that take less.
    pub savings: Vec<String>,
}

/// Estimated wall-clock seconds.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct EstimatedSeconds {
    /// Planning, and this estimate.
    #[serde(default)]
    pub plan: f64,
    /// Keys, made, sent and read.
    pub keys: f64,
    /// Mini-batches, encrypted and read, as often as they are sent.
    pub encrypt: f64,
    /// A training step.
    pub step: f64,
    /// The run, from the plan to the report.
    pub all: f64,
}

/// Bytes of memory.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct EstimatedMemory {
    /// That a run takes at its peak, client and server in one process.
    pub needed: u64,
    /// That this machine has; none where it does not tell.
    pub machine: Option<u64>,
}

impl EstimatedMemory {
    /// Whether the machine has it, as far as is known.
    #[must_use]
    pub fn fits(&self) -> bool {
        self.machine.is_none_or(|machine| self.needed <= machine)
    }
}

/// Bytes of the files of a run.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct EstimatedDisk {
    /// Evaluation keys.
    pub keys: u64,
    /// Checkpoints, two of each side.
    pub checkpoints: u64,
}

/// Bytes between client and server, exactly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EstimatedTraffic {
    /// Evaluation keys.
    pub keys: u64,
    /// First weights, and mini-batches as often as they are sent.
    pub data: u64,
    /// To the server in refreshes.
    pub to_server: u64,
    /// To the client in refreshes.
    pub to_client: u64,
    /// Rounds with the client.
    pub rounds: u64,
    /// Classification after the training, both ways.
    pub prediction: u64,
}

impl EstimatedTraffic {
    /// Bytes to the server while it trains.
    #[must_use]
    pub fn up(&self) -> u64 {
        self.keys + self.data + self.to_server
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_fits_where_the_machine_has_it_and_bytes_add_up() {
        let memory = |machine| EstimatedMemory { needed: 5, machine };
        assert_eq!([Some(4), Some(5), None].map(|machine| memory(machine).fits()), [false, true, true]);
        let traffic = EstimatedTraffic { keys: 1, data: 2, to_server: 3, to_client: 9, ..Default::default() };
        assert_eq!(traffic.up(), 6);
    }
}
