//! Training on encrypted real numbers, in CKKS.

mod axes;
mod ckks;
mod client;
mod cost;
mod message;
mod model;
mod plan;
mod rehearsal;
mod server;
mod shape;
mod slots;
mod step;

#[cfg(test)]
mod tests;

pub use self::ckks::{CkksSlots, Keys};
pub use self::client::RealClient;
pub use self::model::{Entry, MatrixLayer, RealLayerState, RealModel, RealNetwork};
pub use self::plan::{RealPlan, RealPlanError};
pub use self::server::RealServer;
pub use self::shape::{Middle, Monic, Shape};
pub use self::slots::{Mask, RealError, Rows, Slots};
pub use self::step::{Samples, Step};
