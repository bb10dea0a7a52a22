//! The scheme against a model in the clear.

mod circuits;
mod world;
