//! Files of other programs: networks that were trained elsewhere, and those that go there.
//!
//! A network from elsewhere is a [`FloatNetwork`], whatever file it comes from: a chain of layers in floating point.

mod error;
mod float;
pub(crate) mod onnx;
pub(crate) mod tensors;

pub use self::error::ExchangeError;
pub(crate) use self::float::{FloatLayer, FloatNetwork, Weights};

/// The number of layers with weights of the network in an ONNX file.
///
/// # Errors
/// If the file is damaged, or its network is no chain of layers.
pub fn onnx_layers(bytes: &[u8]) -> Result<usize, ExchangeError> {
    onnx::read(bytes).map(|network| network.layers.len())
}
