//! The two roles: a client that holds the secret key, and a server that computes.
//!
//! They share a [`Plan`](crate::plan::Plan) and exchange bytes. The client encrypts the data and the first weights,
//! refreshes what the server sends (decrypts, rounds, saturates, encrypts) and does nothing else: no product, no
//! activation, no gradient. What is refreshed, when, and how it is rounded is fixed by the plan and never depends on
//! what was decrypted.

mod client;
mod message;
mod server;

pub use client::{Client, ClientError, RefreshCounts};
pub use message::{MessageError, Received};
pub use server::{Link, LinkError, Server, ServerError};
