//! The network of a recipe for given data: extents, matrices, activations.
//!
//! A layer with weights, with the pooling before and the activation behind it, is one [`Layer`]: `A_(l+1) = a(A_l·M + b)` with a
//! matrix `M` whose entries are weights times constants. Linear, Conv1d and Conv2d with AvgPool1d or AvgPool2d before them all
//! have that form, so that an engine which multiplies by such matrices computes all of them.

mod build;
mod matrix;

use ndarray::Array2;

pub(crate) use self::matrix::{Entry, Matrix};
use crate::activation::{Function, Polynomial};
use crate::recipe::{LayerKind, Loss, Scheme};

/// A network.
///
/// ```
/// # use nn_encrypted::recipe::Recipe;
/// # use nn_encrypted::run::Session;
/// #
/// # let recipe = Recipe::load("hesamifard2017", &["data.set=iris".to_owned()])?;
/// # let session = Session::new(recipe, None)?;
/// let network = &session.network;
/// assert_eq!((network.depth(), network.layers[0].name.as_str()), (2, "linear1"));
/// # Ok::<(), nn_encrypted::run::RunError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    /// Layers with weights, input first.
    pub layers: Vec<Layer>,
    /// The loss that is minimized.
    pub loss: Loss,
}

/// Numbers in rows: so many channels of so many rows and columns, channel after channel, row after row.
///
/// ```
/// use nn_encrypted::network::Extent;
///
/// let image = Extent { channels: 1, height: 28, width: 28 };
/// assert_eq!(image.channels * image.height * image.width, 784);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Channels.
    pub channels: usize,
    /// Rows of each; 1 of what has one direction.
    pub height: usize,
    /// Positions of a row.
    pub width: usize,
}

/// A layer with weights, the pooling before it and the activation behind it.
///
/// ```
/// # use nn_encrypted::recipe::Recipe;
/// # use nn_encrypted::run::Session;
/// #
/// # let recipe = Recipe::load("hesamifard2017", &["data.set=iris".to_owned()])?;
/// # let session = Session::new(recipe, None)?;
/// let layer = &session.network.layers[1];
/// assert_eq!((layer.name.as_str(), layer.index, layer.output.width), ("linear2", 3, 3));
/// # Ok::<(), nn_encrypted::run::RunError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// Its name in messages and in files of weights: `linear1`, `conv2`, counted from 1 among layers with weights.
    pub name: String,
    /// Its place among the layers of the recipe, from 1.
    pub index: usize,
    /// Linear, Conv1d or Conv2d.
    pub kind: LayerKind,
    /// The scheme it runs in.
    pub scheme: Scheme,
    /// The extent of its inputs, before the pooling.
    pub input: Extent,
    /// Rows and columns that the pooling makes one; `[1, 1]` without pooling.
    pub pool: [usize; 2],
    /// Taps of a convolution; `[1, 1]` otherwise.
    pub kernel: [usize; 2],
    /// The extent of its outputs.
    pub output: Extent,
    /// Weights and biases at their places.
    pub matrix: Matrix,
    /// The activation behind it; none where the outputs are the pre-activations.
    pub activation: Option<Activation>,
}

/// A function of each number.
///
/// ```
/// # use nn_encrypted::recipe::Recipe;
/// # use nn_encrypted::run::Session;
/// #
/// # let recipe = Recipe::load("hesamifard2017", &["data.set=iris".to_owned()])?;
/// # let session = Session::new(recipe, None)?;
/// let activation = session.network.layers[0].activation.as_ref();
/// assert_eq!(activation.map(|activation| activation.index), Some(2));
/// # Ok::<(), nn_encrypted::run::RunError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Activation {
    /// Its place among the layers of the recipe, from 1.
    pub index: usize,
    /// Its kind.
    pub kind: LayerKind,
    /// The scheme it runs in.
    pub scheme: Scheme,
    /// The function, exactly.
    pub function: Function,
    /// Real coefficients of the polynomial that is computed in its place, constant first; none of a table.
    pub polynomial: Option<Vec<f64>>,
    /// Its polynomial with coefficients that are dyadic, as exact schemes compute it.
    pub dyadic: Option<Polynomial>,
}

impl Activation {
    /// Its place in the recipe and its kind, as refusals name it.
    pub(crate) fn place(&self) -> (usize, String) {
        (self.index, self.kind.to_string())
    }

    /// The function as it is computed: the polynomial in its place, if there is one.
    pub(crate) fn computed(&self) -> Function {
        self.polynomial.clone().map_or_else(|| self.function.clone(), Function::Real)
    }

    /// The function that a lookup table holds: the polynomial that is computed in place of the function in other schemes, where the
    /// scheme is one of these.
    pub(crate) fn looked_up(&self) -> Function {
        if self.scheme.looks_up() { self.function.clone() } else { self.computed() }
    }
}

impl Extent {
    /// So many numbers in one row.
    pub(crate) fn row(width: usize) -> Self {
        Self { channels: 1, height: 1, width }
    }

    /// How many numbers there are.
    pub(crate) fn size(self) -> usize {
        self.channels.saturating_mul(self.height).saturating_mul(self.width)
    }
}

impl Layer {
    /// Its place in the recipe and its kind, as refusals name it.
    pub(crate) fn place(&self) -> (usize, String) {
        (self.index, self.kind.to_string())
    }

    /// The extent of the inputs of the weights, after the pooling.
    pub(crate) fn pooled(&self) -> Extent {
        let Extent { channels, height, width } = self.input;
        Extent { channels, height: height / self.pool[0], width: width / self.pool[1] }
    }

    /// Shape of the weights: Linear `[inputs, outputs]`; Conv1d `[out channels, in channels, taps]`; Conv2d
    /// `[out channels, in channels, rows, columns]`. The last index is fastest.
    pub(crate) fn shape(&self) -> Vec<usize> {
        let (out, channels, [rows, columns]) = (self.output.channels, self.input.channels, self.kernel);
        match self.kind {
            LayerKind::Conv1d => vec![out, channels, columns],
            LayerKind::Conv2d => vec![out, channels, rows, columns],
            _ => vec![self.pooled().size(), self.output.size()],
        }
    }

    /// Number of inputs of a pre-activation.
    pub(crate) fn fan_in(&self) -> usize {
        match self.kind {
            LayerKind::Conv1d | LayerKind::Conv2d => self.input.channels * self.kernel[0] * self.kernel[1],
            _ => self.pooled().size(),
        }
    }

    /// Number of biases: one for each output of Linear, one for each out channel of a convolution.
    pub(crate) fn biases(&self) -> usize {
        match self.kind {
            LayerKind::Conv1d | LayerKind::Conv2d => self.output.channels,
            _ => self.output.size(),
        }
    }

    /// Inputs, before the pooling.
    pub(crate) fn inputs(&self) -> usize {
        self.input.size()
    }

    /// Outputs.
    pub(crate) fn outputs(&self) -> usize {
        self.output.size()
    }

    /// Whether it is fully connected: every entry of its matrix is a weight of its own, times 1.
    pub(crate) fn is_dense(&self) -> bool {
        self.kind == LayerKind::Linear && self.pool == [1, 1]
    }
}

impl Network {
    /// The features, then the width of each layer with weights.
    pub(crate) fn widths(&self) -> Vec<usize> {
        let first = self.layers.first().map(Layer::inputs);
        first.into_iter().chain(self.layers.iter().map(Layer::outputs)).collect()
    }

    /// Number of layers with weights.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.layers.len()
    }

    /// The activation behind the last layer with weights.
    pub(crate) fn output_activation(&self) -> Option<&Activation> {
        self.layers.last().and_then(|layer| layer.activation.as_ref())
    }
}

/// Entries of a matrix.
pub(crate) type Entries = Array2<Option<Entry>>;

#[cfg(test)]
mod tests;
