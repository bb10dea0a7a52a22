//! Kinds of messages.

use std::fmt;

/// The purpose of a message.
///
/// ```
/// use nn_encrypted::roles::Purpose;
///
/// assert_eq!(Purpose::Request.to_string(), "refresh request");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Purpose {
    /// Weights and momentum after so many steps.
    Model = 1,
    /// A mini-batch: features and targets.
    Batch = 2,
    /// Features to be classified.
    Query = 3,
    /// Tensors of a training step for the client.
    Request = 4,
    /// Tensors that the client makes of them.
    Response = 5,
    /// Tensors for the client on the way to a classification.
    QueryRequest = 6,
    /// Tensors that the client makes of them.
    QueryResponse = 7,
    /// The outputs of a classification.
    Outputs = 8,
    /// Public keys, under which mini-batches are encrypted.
    PublicKeys = 9,
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Model => "model",
            Self::Batch => "mini-batch",
            Self::Query => "query",
            Self::Request => "refresh request",
            Self::Response => "refresh response",
            Self::QueryRequest => "refresh request of a classification",
            Self::QueryResponse => "refresh response of a classification",
            Self::Outputs => "outputs",
            Self::PublicKeys => "public keys",
        })
    }
}
