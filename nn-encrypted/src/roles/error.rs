//! Why a role cannot go on.

use he_core::wire::WireError;

use super::cipher::CipherError;
use super::{LinkError, Purpose};
use crate::engine::EngineError;
use crate::program::Tensor;

/// A message that cannot be used.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum MessageError {
    /// The bytes are truncated, altered, of another purpose, or of another plan.
    #[error("{purpose}: {source}")]
    Wire {
        /// The message expected.
        purpose: Purpose,
        /// The cause.
        source: WireError,
    },
    /// The message is for another step or round.
    #[error("{purpose} is for step {found_step}, round {found_round}: expected step {step}, round {round}")]
    Moment {
        /// The message expected.
        purpose: Purpose,
        /// Step it is for.
        found_step: u64,
        /// Round it is for.
        found_round: u16,
        /// Step expected.
        step: u64,
        /// Round expected.
        round: u16,
    },
    /// The message has another number of images.
    #[error("{purpose} is for {found} images: expected {expected}")]
    Rows {
        /// The message expected.
        purpose: Purpose,
        /// Images it is for.
        found: usize,
        /// Images expected.
        expected: String,
    },
    /// The message has other tensors, or another number of ciphertexts of one.
    #[error("{purpose}: {found}, expected {expected}")]
    Content {
        /// The message expected.
        purpose: Purpose,
        /// The content found.
        found: String,
        /// The content of the plan.
        expected: String,
    },
    /// A message that nobody waits for.
    #[error("a message of {found} came where {expected} was due")]
    Unexpected {
        /// The message that came.
        found: Purpose,
        /// The message due.
        expected: String,
    },
}

/// A client that cannot answer.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The request is damaged or not the one expected.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// Keys refused.
    #[error(transparent)]
    Cipher(#[from] CipherError),
    /// A tensor of a mini-batch that is encrypted under the secret key alone.
    #[error("{0}: encrypted under the secret key alone; the recipe needs encryption = \"public\"")]
    NoPublicKey(Tensor),
    /// Data of another shape than the plan's.
    #[error("{what}: {found}, needed {needed}")]
    Data {
        /// The thing given.
        what: &'static str,
        /// Its size or value.
        found: usize,
        /// The size or value of the plan.
        needed: String,
    },
}

/// Why the server stopped.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// A message is damaged or refused.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// Evaluation keys of another number of kinds than the plan has.
    #[error("evaluation keys of {found} kinds, needed {needed}")]
    Keys {
        /// Kinds that are there.
        found: usize,
        /// Kinds there must be.
        needed: usize,
    },
    /// Evaluation keys or tensors are damaged or of another plan.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A step failed.
    #[error("step {number}, {step}: {source}")]
    Step {
        /// Number of the training step or query.
        number: u64,
        /// The step.
        step: String,
        /// Why it failed.
        source: EngineError,
    },
    /// Stopped from outside; weights and momentum are what they were.
    #[error("stopped within a step")]
    Stopped,
    /// A tensor of a round that no engine has.
    #[error("{0}: no engine of the plan has it")]
    Unplanned(Tensor),
    /// The client did not answer.
    #[error("refresh: {0}")]
    Link(LinkError),
    /// A mini-batch that was never sent.
    #[error("mini-batch {0} was not sent")]
    MissingBatch(usize),
    /// A server elsewhere that cannot be reached, or refuses a request.
    #[error("server: {0}")]
    Remote(LinkError),
    /// A server elsewhere that no longer has the state of this run in memory: what was kept is to be restored.
    #[error("the server does not hold this run any more: {0}")]
    Gone(String),
    /// Weights that were never sent.
    #[error("the weights to start from were not sent")]
    MissingModel,
}

he_core::debug_as_displayed!(MessageError);
he_core::debug_as_displayed!(ClientError);
he_core::debug_as_displayed!(ServerError);
