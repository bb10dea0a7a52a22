//! Layouts of all tensors of some layers in one cube.

use std::sync::Arc;

use super::{Compact, Cube, Mask, Sharing, Side, Tiles, WeightTiles};
use crate::network::Matrix;
use crate::program::Tensor;

/// The sizes that steps need of some layers with weights, in one cube.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Extents of the slots.
    pub cube: Cube,
    /// How expanded tiles share compact ciphertexts.
    pub compact: Compact,
    /// Numbers of the layers, counted from 0 among layers with weights, in their order.
    pub numbers: Vec<usize>,
    /// Weights of each of them.
    pub layers: Vec<WeightTiles>,
    /// Images of a mini-batch.
    pub batch: usize,
    /// Sums over the entries of weights that stand in several; none where there is no such weight, or before
    /// `with_sharing`.
    pub sharing: Option<Arc<Sharing>>,
}

/// The layout of a tensor in slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// Images by features: repeated along the other side, or as computed right where the index along it is 0.
    Images(Tiles),
    /// Tiles of all layers' weights, repeated for every image.
    Expanded,
    /// Tiles of one layer's weights, one term of the gradient for every image.
    PerImage(WeightTiles),
    /// Tiles of all layers' weights, in compact groups.
    Compact,
}

impl Geometry {
    /// The geometry of layers of given numbers, inputs and outputs.
    pub fn new(cube: Cube, shapes: impl IntoIterator<Item = (usize, (usize, usize))>, batch: usize) -> Self {
        let (mut numbers, mut layers) = (Vec::new(), Vec::new());
        let mut tile = 0;
        for (l, (inputs, outputs)) in shapes {
            let layer = WeightTiles { inputs, outputs, side: Side::of_layer(l), first: tile };
            tile += layer.count(&cube);
            numbers.push(l);
            layers.push(layer);
        }
        Self { cube, compact: Compact::new(&cube, tile), numbers, layers, batch, sharing: None }
    }

    /// This geometry with the sums over the entries of each weight in the matrices of its layers.
    pub(crate) fn with_sharing(mut self, matrices: &[Matrix]) -> Self {
        self.sharing = Sharing::new(&self.cube, &self.compact, &self.layers, matrices).map(Arc::new);
        self
    }

    pub(crate) fn slots<V: Copy + Default>(&self, mask: &Mask<V>) -> Vec<V> {
        match (mask.set, &self.sharing) {
            (Some(set), Some(sharing)) => sharing.slots(set, mask.value, self.cube.slots()),
            _ => mask.slots(&self.cube),
        }
    }

    /// The weights of layer `l`, if it is one of these.
    pub(crate) fn layer(&self, l: usize) -> Option<&WeightTiles> {
        self.layers.get(self.numbers.iter().position(|number| *number == l)?)
    }

    pub(crate) fn input(&self, layer: &WeightTiles) -> Tiles {
        Tiles { rows: self.batch, columns: layer.inputs, side: layer.side }
    }

    pub(crate) fn output(&self, layer: &WeightTiles) -> Tiles {
        Tiles { rows: self.batch, columns: layer.outputs, side: layer.side.other() }
    }

    /// Tiles of what lies between layer `l` and the one behind it, whichever of them is one of these.
    fn between(&self, l: usize) -> Option<Tiles> {
        let behind = || self.layer(l + 1).map(|layer| self.input(layer));
        self.layer(l).map(|layer| self.output(layer)).or_else(behind)
    }

    /// Layout of a tensor; none if it belongs to other layers.
    pub(crate) fn layout(&self, tensor: Tensor) -> Option<Layout> {
        Some(match tensor {
            Tensor::Features => Layout::Images(self.input(self.layer(0)?)),
            Tensor::Targets => Layout::Images(self.output(self.layers.last()?)),
            Tensor::Sum(l)
            | Tensor::InputGradient(l)
            | Tensor::RawError(l)
            | Tensor::Preactivation(l)
            | Tensor::Activation(l)
            | Tensor::Derivative(l)
            | Tensor::Error(l) => Layout::Images(self.between(l)?),
            Tensor::Expanded => Layout::Expanded,
            Tensor::Products(l) => Layout::PerImage(*self.layer(l)?),
            Tensor::Weights
            | Tensor::LowWeights
            | Tensor::Momentum
            | Tensor::Gradient
            | Tensor::NewMomentum
            | Tensor::NewWeights => Layout::Compact,
        })
    }

    /// Tiles of an images-by-features tensor.
    pub(crate) fn tiles(&self, tensor: Tensor) -> Option<Tiles> {
        match self.layout(tensor)? {
            Layout::Images(tiles) => Some(tiles),
            _ => None,
        }
    }

    /// Tiles of a tensor: ciphertexts of each plaintext modulus; 0 if it belongs to other layers.
    pub(crate) fn ciphertexts(&self, tensor: Tensor) -> usize {
        match self.layout(tensor) {
            None => 0,
            Some(Layout::Images(tiles)) => tiles.count(&self.cube),
            Some(Layout::Expanded) => self.compact.tiles,
            Some(Layout::Compact) => self.compact.ciphertexts(),
            Some(Layout::PerImage(layer)) => {
                let (k, o) = layer.counts(&self.cube);
                k * o
            }
        }
    }
}
