//! The numbers that training changes, and how weights stand in the matrices of the layers.

use ndarray::Array2;

/// Weights, biases and their momenta.
#[derive(Debug, Clone, PartialEq)]
pub struct RealModel {
    /// Layers with weights, input first.
    pub layers: Vec<RealLayerState>,
}

/// The numbers of a layer with weights.
///
/// Linear: weights `[inputs, outputs]`. Conv1d: `[out channels, in channels, taps]`. The last index is fastest; a bias for each
/// output, or out channel.
#[derive(Debug, Clone, PartialEq)]
pub struct RealLayerState {
    /// Shape of the weights.
    pub shape: Vec<usize>,
    /// Weights.
    pub weight: Vec<f64>,
    /// Biases.
    pub bias: Vec<f64>,
    /// Momenta of the weights.
    pub weight_momentum: Vec<f64>,
    /// Momenta of the biases.
    pub bias_momentum: Vec<f64>,
}

/// A network as a chain of matrices and polynomials: what the server computes.
#[derive(Debug, Clone, PartialEq)]
pub struct RealNetwork {
    /// Layers with weights, input first, each with the pooling before and the activation behind it.
    pub layers: Vec<MatrixLayer>,
    /// With cross-entropy: the polynomial of the outputs that the error begins with, constant first.
    pub output: Option<Vec<f64>>,
}

/// `a(A·M + b)` with a matrix `M` whose entries are weights times constants.
#[derive(Debug, Clone, PartialEq)]
pub struct MatrixLayer {
    /// For messages, such as `conv1d 1`, `linear 2`.
    pub name: String,
    /// Inputs x outputs.
    pub entries: Array2<Option<Entry>>,
    /// The bias of each output.
    pub bias: Vec<usize>,
    /// Number of weights.
    pub weights: usize,
    /// Number of biases.
    pub biases: usize,
    /// The activation, constant first; none for the last layer.
    pub activation: Option<Vec<f64>>,
}

/// An entry of a matrix: a weight times a constant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Entry {
    /// Which weight.
    pub weight: usize,
    /// The constant; 1, or one over the positions of a pooling.
    pub factor: f64,
}
