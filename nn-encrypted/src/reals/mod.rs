//! Training on encrypted real numbers, in CKKS.

mod axes;
mod ckks;
mod clear;
mod clear_pass;
mod client;
mod cost;
mod initial;
mod message;
mod model;
mod plan;
mod rehearsal;
mod server;
mod shape;
mod slots;
mod step;
pub mod twin;

#[cfg(test)]
mod tests;

pub use self::ckks::{CkksSlots, Keys};
pub use self::clear::RealClear;
pub use self::clear_pass::{Passed, pass};
pub use self::client::RealClient;
pub use self::model::{Entry, MatrixLayer, RealLayerState, RealModel, RealNetwork};
pub use self::plan::{RealPlan, RealPlanError};
pub use self::server::RealServer;
pub use self::shape::{Middle, Monic, Shape};
pub use self::slots::{Mask, RealError, Rows, Slots};
pub use self::step::{Samples, Step};
pub use self::twin::{RealTwin, one_hot, targets};
