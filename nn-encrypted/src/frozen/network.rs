//! A list of layers whose shapes fit.

use ndarray::{Array2, ArrayRef2};
use rayon::prelude::*;

use super::{AvgPool2d, BatchNorm2d, Conv2d, FrozenError, Relu, Result, Shape};

/// Layers of a network.
const MOST_LAYERS: usize = 64;

/// A layer.
#[derive(Debug, Clone, PartialEq)]
pub enum Layer {
    /// A convolution.
    Conv2d(Conv2d),
    /// A normalization of each channel.
    BatchNorm2d(BatchNorm2d),
    /// The rectifier.
    Relu(Relu),
    /// Average pooling.
    AvgPool2d(AvgPool2d),
}

impl Layer {
    /// The shape of the result.
    ///
    /// # Errors
    /// If the layer cannot take images of this shape.
    pub(crate) fn output(&self, from: Shape) -> Result<Shape> {
        match self {
            Self::Conv2d(layer) => layer.output(from),
            Self::BatchNorm2d(layer) => layer.output(from),
            Self::Relu(_) => Ok(from),
            Self::AvgPool2d(layer) => layer.output(from),
        }
    }

    /// One image of a shape that fits, into one of the shape of the result.
    pub(super) fn forward(&self, x: &[f32], from: Shape, y: &mut [f32]) {
        match self {
            Self::Conv2d(layer) => layer.forward(x, from, y),
            Self::BatchNorm2d(layer) => layer.forward(x, from, y),
            Self::Relu(_) => Relu::forward(x, y),
            Self::AvgPool2d(layer) => layer.forward(x, from, y),
        }
    }

    /// The numbers that training changes.
    pub(super) fn parameters_mut(&mut self) -> Vec<&mut Vec<f32>> {
        match self {
            Self::Conv2d(layer) => layer.parameters_mut(),
            Self::BatchNorm2d(layer) => layer.parameters_mut(),
            Self::Relu(_) | Self::AvgPool2d(_) => vec![],
        }
    }
}

/// Layers that are no longer trained.
///
/// ```
/// use nn_encrypted::frozen::Frozen;
///
/// let network = Frozen::find("digits-cnn")?;
/// assert_eq!(Frozen::from_bytes(&network.to_bytes()?, "again")?, network);
/// # Ok::<(), nn_encrypted::frozen::FrozenError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Frozen {
    /// Before the first layer and behind each.
    shapes: Vec<Shape>,
    layers: Vec<Layer>,
}

impl Frozen {
    /// A network for images of the shape `input`.
    ///
    /// # Errors
    /// If there are no or more than 64 layers, or a layer does not fit the one before it.
    pub fn new(input: Shape, layers: Vec<Layer>) -> Result<Self> {
        if !(1..=MOST_LAYERS).contains(&layers.len()) {
            let what = format!("{} layers; 1 to {MOST_LAYERS} are needed", layers.len());
            return Err(FrozenError::Numbers(what));
        }
        let mut shapes = vec![input];
        let mut shape = input;
        for (index, layer) in layers.iter().enumerate() {
            shape = layer.output(shape).map_err(|error| error.at(index))?;
            shapes.push(shape);
        }
        Ok(Self { shapes, layers })
    }

    /// The layers, the first one first.
    pub(crate) fn layers(&self) -> &[Layer] {
        &self.layers
    }

    pub(super) fn layers_mut(&mut self) -> &mut [Layer] {
        &mut self.layers
    }

    /// The shape of an image before the first layer, and behind each.
    pub(crate) fn shapes(&self) -> &[Shape] {
        &self.shapes
    }

    /// The shape of the images it takes.
    pub(crate) fn input(&self) -> Shape {
        self.shapes[0]
    }

    /// The shape of their features.
    pub(crate) fn output(&self) -> Shape {
        self.shapes[self.layers.len()]
    }

    /// The features of images, one row an image: `n x input().size()` becomes `n x output().size()`. The
    /// images are shared among the threads.
    ///
    /// # Errors
    /// If the images have another size.
    pub(crate) fn features(&self, images: &ArrayRef2<f32>) -> Result<Array2<f32>> {
        if images.ncols() != self.input().size() {
            let what = format!("images of {} values; {} are needed", images.ncols(), self.input());
            return Err(FrozenError::Numbers(what));
        }
        let x: Vec<f32> = images.iter().copied().collect();
        let mut y = vec![0.0; images.nrows() * self.output().size()];
        (y.par_chunks_exact_mut(self.output().size()).zip(x.par_chunks_exact(self.input().size())))
            .for_each(|(y, x)| self.image(x, y));
        Array2::from_shape_vec((images.nrows(), self.output().size()), y)
            .map_err(|error| FrozenError::Numbers(error.to_string()))
    }

    pub(super) fn image(&self, x: &[f32], features: &mut [f32]) {
        let mut values = x.to_vec();
        for (layer, shapes) in self.layers.iter().zip(self.shapes.windows(2)) {
            let mut next = vec![0.0; shapes[1].size()];
            layer.forward(&values, shapes[0], &mut next);
            values = next;
        }
        features.copy_from_slice(&values);
    }
}
