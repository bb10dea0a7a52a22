//! Client and server of an encrypted training, of whatever kind.

use std::fmt::Display;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use ndarray::{Array2, ArrayView2};

use super::checkpoint::Generation;
use super::meter::Spent;
use super::report::Report;
use super::state::Ledger;
use super::task::{Exact, Task};
use super::{Options, RunError, RunFolder};

/// The model of a task.
pub(super) type ModelOf<S> = <<S as Sides>::Task as Task>::Model;

/// Client and server side by side.
pub(super) trait Sides: Sized {
    /// What they train.
    type Task: Task;
    /// The plan they share.
    type Plan: Display;
    /// Whether steps are so long that each ends with a checkpoint.
    const LONG_STEPS: bool;
    /// Test images that are classified at the end of a training.
    const AFTER_TRAINING: usize;

    /// The plan.
    fn plan(task: &Self::Task) -> Result<Arc<Self::Plan>, RunError>;

    /// What a simulation must find possible, too.
    fn check(_: &Self::Task, _: &Options) -> Result<(), RunError> {
        Ok(())
    }

    /// Digest of a plan.
    fn hash(plan: &Self::Plan) -> [u8; 32];

    /// Makes keys; sends them and the first weights. The evaluation keys are returned as they were sent.
    fn begin(task: &Self::Task, plan: &Arc<Self::Plan>) -> Result<(Self, Vec<Vec<u8>>), RunError>;

    /// Writes the secret keys.
    fn write_secret(&self, folder: &RunFolder) -> Result<(), RunError>;

    /// Digest of the secret keys.
    fn secret_digest(&self) -> String;

    /// Reads the evaluation keys, still sealed.
    fn read_keys(folder: &RunFolder, plan: &Self::Plan) -> Result<Vec<Vec<u8>>, RunError>;

    /// Both sides as they were, but for the server's state.
    fn read(
        plan: &Arc<Self::Plan>,
        folder: &RunFolder,
        keys: &[Vec<u8>],
        model: ModelOf<Self>,
        generation: &Generation,
    ) -> Result<Self, RunError>;

    /// The server's state, from a checkpoint, and what the ledger has counted.
    fn go_on(&mut self, folder: &RunFolder, generation: &Generation, ledger: &Ledger)
    -> Result<(), RunError>;

    /// Encrypts and sends a mini-batch, unless the server has it.
    fn supply(&mut self, task: &Self::Task, batch: usize) -> Result<(), RunError>;

    /// One training step; false if `stop` ended it before it had changed anything.
    fn advance(
        &mut self,
        task: &Self::Task,
        step: u64,
        batch: usize,
        stop: &Arc<AtomicBool>,
    ) -> Result<bool, RunError>;

    /// Tells the twin what its next step needs to know of the encrypted one.
    fn tell(&self, _: &mut <Self::Task as Task>::Twin) -> Result<(), RunError> {
        Ok(())
    }

    /// What the twin has as outputs of the last query.
    fn expected(
        &self,
        twin: &<Self::Task as Task>::Twin,
        x: ArrayView2<'_, i32>,
    ) -> Result<Array2<i64>, RunError> {
        twin.exact_outputs(&x)
    }

    /// The server's state after `step` steps.
    fn server_state(&self, step: u64) -> Result<Vec<u8>, RunError>;

    /// The model after `step` steps, decrypted.
    fn model(&self, step: u64) -> Result<ModelOf<Self>, RunError>;

    /// Writes what the server ends with.
    fn write_server(&self, folder: &RunFolder, step: u64) -> Result<(), RunError>;

    /// The outputs for samples, classified under encryption, and the bytes that crossed before and after. What it takes,
    /// but for the encryption of the samples, is added to `spent`.
    fn query(
        &mut self,
        number: u64,
        x: ArrayView2<'_, i32>,
        spent: &mut Spent,
    ) -> Result<(Array2<i64>, u64), RunError>;

    /// Adds counts to the ledger.
    fn note(&self, ledger: &mut Ledger);

    /// Adds schemes and counts to the report.
    fn complete(&self, report: &mut Report);
}
