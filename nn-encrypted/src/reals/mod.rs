//! Training on encrypted real numbers, in CKKS.

mod axes;
mod ckks;
mod cost;
mod model;
mod plan;
mod rehearsal;
mod shape;
mod slots;
mod step;

pub use self::ckks::{CkksSlots, Keys};
pub use self::model::{Entry, MatrixLayer, RealLayerState, RealModel, RealNetwork};
pub use self::plan::{RealPlan, RealPlanError};
pub use self::shape::{Middle, Monic, Shape};
pub use self::slots::{Mask, RealError, Rows, Slots};
pub use self::step::{Samples, Step};
