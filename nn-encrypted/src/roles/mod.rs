//! The two roles: a client that holds the secret keys, and a server that computes.
//!
//! They share a [`Plan`](crate::plan::Plan) and exchange bytes. What is refreshed, when, and how it is rounded is fixed by the plan
//! and never depends on what was decrypted.

mod backward;
mod channel;
pub(crate) mod cipher;
mod client;
mod error;
#[cfg(test)]
pub(crate) mod forge;
mod link;
mod local;
mod message;
mod owner;
mod purpose;
mod samples;
mod server;
pub(crate) mod traffic;

pub(crate) use self::channel::Channel;
pub(crate) use self::client::Kept;
pub use self::client::{Client, RefreshCounts};
pub use self::error::{ClientError, MessageError, ServerError};
pub use self::link::{Link, LinkError, Traffic};
pub use self::local::LocalLink;
pub use self::owner::DataOwner;
#[cfg(feature = "serve")]
pub(crate) use self::owner::public_keys_again;
pub use self::purpose::Purpose;
pub use self::server::Server;
pub use crate::engine::Pieces;

#[cfg(test)]
pub(crate) mod tests;
