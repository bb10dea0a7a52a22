//! Training on encrypted real numbers, in CKKS.

mod model;

pub use self::model::{Entry, MatrixLayer, RealLayerState, RealModel, RealNetwork};
