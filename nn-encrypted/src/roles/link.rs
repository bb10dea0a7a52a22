//! The way from a server to its client.

use serde::{Deserialize, Serialize};

use crate::meter::Spent;

/// The way to the client: sends a request, returns the answer.
pub trait Link {
    /// Passes on a request.
    ///
    /// # Errors
    /// If the client cannot be reached or cannot answer.
    fn exchange(&mut self, request: Vec<u8>) -> Result<Vec<u8>, LinkError>;
}

/// A client that did not answer.
pub type LinkError = Box<dyn std::error::Error + Send + Sync>;

/// What crossed, and what the client took.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Traffic {
    /// Bytes to the server.
    pub to_server: u64,
    /// Bytes to the client.
    pub to_client: u64,
    /// Rounds.
    pub rounds: u64,
    /// Time of the client.
    pub client: Spent,
}
