//! Convolutions that were trained before, on other data and in the clear, and are applied to images before
//! these are encrypted; transfer learning as in Lou, Feng, Fox and Jiang, "Glyph", NeurIPS 2020.
//!
//! A [`Frozen`] network is plain and public: the owner of the images computes their features itself, and only
//! the layers behind them are trained on ciphertexts. [`pretrain`] makes one from the embedded digits.
//!
//! An image is a row of numbers, channel by channel and row by row. Everything is single precision by the
//! four basic operations and the square root, in one order whatever the number of threads: the same bits on
//! every machine.

mod apply;
mod augment;
mod batch_norm;
mod conv;
mod error;
pub(crate) mod file;
mod head;
pub(crate) mod network;
pub(crate) mod pool;
mod pretrain;
pub(crate) mod relu;
pub(crate) mod shape;
#[cfg(test)]
mod tests;
mod trainer;

pub(crate) use self::apply::{features, features_of, prepare, prepare_rows};
pub(crate) use self::batch_norm::BatchNorm2d;
pub(crate) use self::conv::Conv2d;
pub use self::error::FrozenError;
pub(crate) use self::error::Result;
pub use self::network::Frozen;
pub(crate) use self::network::Layer;
pub(crate) use self::pool::AvgPool2d;
pub use self::pretrain::{EPOCHS, Pretrained, Progress, SEED, pretrain};
pub(crate) use self::relu::Relu;
pub(crate) use self::shape::Shape;
