//! Places of values.

use crate::program::Tensor;

/// A tensor of images by columns; layers with weights are numbered from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rows {
    /// Inputs of a layer.
    Inputs(usize),
    /// Pre-activations of a layer.
    Sums(usize),
    /// Errors of a layer, and targets of the last.
    Errors(usize),
    /// The gradient with respect to the inputs of a layer.
    InputGradients(usize),
}

impl Rows {
    /// Of a tensor of images that is sent, in a network of so many layers with weights; none of others.
    pub(crate) fn of(tensor: Tensor, depth: usize) -> Option<Self> {
        match tensor {
            Tensor::Features => Some(Self::Inputs(0)),
            Tensor::Targets => Some(Self::Errors(depth.checked_sub(1)?)),
            Tensor::Sum(l) | Tensor::Preactivation(l) => Some(Self::Sums(l)),
            Tensor::RawError(l) | Tensor::Error(l) => Some(Self::Errors(l)),
            Tensor::Activation(l) if l + 1 == depth => Some(Self::Errors(l)),
            _ => None,
        }
    }
}

/// A place: ciphertext, coefficient or slot, and whether the value is negated there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct At {
    pub piece: usize,
    /// The coefficient or slot.
    pub index: usize,
    /// Whether it holds the negated value.
    pub negated: bool,
}

/// A layout of dense layers: where each value of their tensors stands.
pub(crate) trait Places: Send + Sync {
    /// Features, then outputs of each layer with weights.
    fn widths(&self) -> Vec<usize>;

    /// Values of a ciphertext.
    fn size(&self) -> usize;

    /// Ciphertexts of a tensor of so many images.
    fn pieces(&self, rows: Rows, images: usize) -> usize;

    /// The places of a value, most often one; where values are repeated they are all right.
    fn places(&self, rows: Rows, image: usize, column: usize) -> Vec<At>;

    /// Ciphertexts of the weights of all layers.
    fn weight_pieces(&self) -> usize;

    /// The places of a weight; input number `inputs` is that of the bias.
    fn weight(&self, l: usize, input: usize, output: usize) -> Vec<At>;

    /// Ciphertexts of a tensor of so many images as it is sent; none of one that is not.
    fn sent(&self, tensor: Tensor, images: usize) -> Option<usize> {
        if matches!(tensor, Tensor::Weights | Tensor::NewWeights) {
            return Some(self.weight_pieces());
        }
        Rows::of(tensor, self.widths().len() - 1).map(|rows| self.pieces(rows, images))
    }

    fn columns(&self, rows: Rows) -> usize {
        let widths = self.widths();
        match rows {
            Rows::Inputs(l) | Rows::InputGradients(l) => widths[l],
            Rows::Sums(l) | Rows::Errors(l) => widths[l + 1],
        }
    }

    /// The place of each value of a tensor, image after image; where values are repeated the first.
    fn each(&self, rows: Rows, images: usize) -> Vec<At> {
        let columns = self.columns(rows);
        let all = (0..images * columns).map(|i| self.places(rows, i / columns, i % columns));
        all.filter_map(|places| places.first().copied()).collect()
    }
}
