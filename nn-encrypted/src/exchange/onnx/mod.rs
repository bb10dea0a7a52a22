//! ONNX files, by protocol buffers of the published format: graphs that are written and read, and never run.
//!
//! - [`proto`]: the messages; [`scan`]: how many there are, before memory is taken;
//! - [`write`]: a graph node by node;
//! - [`read`]: a graph as a [`chain`] of layers, by [`operators`] on [`value`]s and [`constant`]s.

mod chain;
mod constant;
#[cfg(test)]
pub(crate) mod evaluate;
mod node;
mod operators;
mod proto;
mod read;
mod reading;
mod scan;
#[cfg(test)]
mod tests;
mod value;
mod write;

pub(crate) use self::read::read;
pub(crate) use self::write::{Graph, Output};
