//! Layers as matrices whose entries are weights times constants.

use super::Entries;

/// The matrix of a layer.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    /// Inputs x outputs.
    pub entries: Entries,
    /// The bias of each output.
    pub bias: Vec<usize>,
}

impl Matrix {
    /// Number of weights.
    #[must_use]
    pub fn weights(&self) -> usize {
        self.entries.iter().flatten().map(|entry| entry.weight + 1).max().unwrap_or(0)
    }

    /// Number of biases.
    #[must_use]
    pub fn biases(&self) -> usize {
        self.bias.iter().map(|bias| bias + 1).max().unwrap_or(0)
    }

    /// Whether a weight stands in several entries, or a bias behind several outputs.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.weights() < self.entries.iter().flatten().count() || self.biases() < self.bias.len()
    }
}

/// An entry of a matrix: a weight times a constant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Entry {
    /// Which weight, in the order of the layer's shape.
    pub weight: usize,
    /// The constant; 1, or one over the positions of a pooling.
    pub factor: f64,
}
