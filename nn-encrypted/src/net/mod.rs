//! Client and server in processes of their own: HTTP/1.1 over TLS 1.3, with sealed messages as bodies.
//!
//! The client dials, always; the server never opens a connection, and opens no message before its job's thread does. A *job* is a plan
//! and its uploaded objects, which stay on the server's disk. A *run* is the state of a job in memory: engines, keys, weights. A client
//! begins one, gives it *tasks* by number (take weights, train a step, classify, keep or restore a checkpoint), and asks what is next:
//! nothing yet, a refresh request, which it answers once, or the end of the task. A run that ended (server restarted, client silent,
//! another process of the same owner) is gone; the client begins another and restores the newest checkpoint that both have.
//!
//! Every request can be repeated: names, numbers and offsets in it say which one it is, and what was done is not done again.

mod api;
mod body;
mod caller;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod certificates;
mod clients;
mod files;
mod gate;
mod identity;
mod jobs;
mod journal;
mod limits;
mod listen;
mod mailbox;
mod measures;
mod names;
mod objects;
mod operate;
mod outcome;
mod pin;
mod plans;
mod remote;
mod reread;
mod routes;
mod service;
mod store;
#[cfg(test)]
mod tests;
mod tokens;
mod upload;
mod work;

pub(crate) use self::caller::Place;
pub(crate) use self::identity::{fingerprint_of, init};
pub(crate) use self::journal::{Form, Journal};
pub(crate) use self::listen::Listener;
pub(crate) use self::remote::Elsewhere;
pub use self::reread::read_again;
pub(crate) use self::tokens::Tokens;
