//! The scheme of the layers with weights, and where their values stand.

use std::fmt;

use super::layout::{Dense, Layout};
use super::linear::Place;
use super::packing::Packing;

/// The scheme of the layers with weights, and their layout.
#[derive(Clone, Debug, PartialEq)]
pub enum Arrangement {
    /// Exact integers in coefficients.
    Bgv(Layout),
    /// Approximate numbers in slots.
    Ckks(Packing),
}

/// A tensor of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tensor {
    Features(usize),
    Labels(usize),
    Weights,
    Outputs(usize),
}

/// Where a value stands: ciphertext, coefficient or slot, and whether it is negated there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct At {
    pub(super) piece: usize,
    pub(super) index: usize,
    pub(super) negated: bool,
}

fn dense(tensor: Dense, part: usize, place: Place) -> Vec<At> {
    let (piece, index) = tensor.at(part, place);
    vec![At { piece, index, negated: place.negated }]
}

fn slots(all: impl Iterator<Item = usize>) -> Vec<At> {
    all.map(|index| At { piece: 0, index, negated: false }).collect()
}

/// The layout for so many images.
pub(super) fn of_images(layout: &Layout, images: usize) -> Layout {
    Layout { batch: images, ..layout.clone() }
}

impl Arrangement {
    /// Values of a ciphertext.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Bgv(layout) => layout.n,
            Self::Ckks(packing) => packing.slots,
        }
    }

    /// Ciphertexts of a tensor.
    pub(super) fn pieces(&self, tensor: Tensor) -> usize {
        match (self, tensor) {
            (Self::Bgv(layout), Tensor::Features(images)) => of_images(layout, images).inputs(0).pieces(),
            (Self::Bgv(layout), Tensor::Weights) => layout.weights().pieces(),
            (Self::Bgv(layout), Tensor::Labels(images) | Tensor::Outputs(images)) => {
                of_images(layout, images).errors().pieces()
            }
            (Self::Ckks(packing), Tensor::Weights) => packing.layers.len(),
            (Self::Ckks(_), _) => 1,
        }
    }

    /// What integers of a tensor are multiplied by.
    pub(super) fn factor(&self, tensor: Tensor) -> f64 {
        match (self, tensor) {
            (Self::Bgv(_), _) => 1.0,
            (Self::Ckks(packing), Tensor::Features(_) | Tensor::Labels(_)) => packing.factor,
            (Self::Ckks(packing), Tensor::Weights) => packing.weight,
            (Self::Ckks(packing), Tensor::Outputs(_)) => packing.factor * packing.weight,
        }
    }

    /// Places of a feature.
    pub(super) fn feature(&self, images: usize, image: usize, k: usize) -> Vec<At> {
        match self {
            Self::Bgv(layout) => {
                let (layout, (tile, place)) = (of_images(layout, images), layout.layers[0].input(k));
                dense(layout.inputs(0), image * layout.input_tiles(0) + tile, place)
            }
            Self::Ckks(packing) => slots(packing.layers[0].input(image, k)),
        }
    }

    /// Places of a label.
    pub(super) fn label(&self, images: usize, image: usize, o: usize) -> Vec<At> {
        match self {
            Self::Bgv(layout) => {
                let place = layout.layers[layout.layers.len() - 1].error(o);
                dense(of_images(layout, images).errors(), image, place)
            }
            Self::Ckks(packing) => slots(packing.layers[packing.layers.len() - 1].error(image, o)),
        }
    }

    /// Places of a weight; input `k` after the last is that of the bias.
    pub(super) fn weight(&self, l: usize, k: usize, o: usize) -> Vec<At> {
        match self {
            Self::Bgv(layout) => {
                let (tile, place) = layout.layers[l].weight(k, o);
                dense(layout.weights(), layout.first_tile(l) + tile, place)
            }
            Self::Ckks(packing) => {
                let block = packing.layers[l];
                let all = (0..packing.slots / block.size()).map(|image| block.slot(image, k, o));
                all.map(|index| At { piece: l, index, negated: false }).collect()
            }
        }
    }

    /// Places of a weighted sum of the outputs.
    pub(super) fn output(&self, images: usize, image: usize, o: usize) -> Vec<At> {
        match self {
            Self::Bgv(layout) => {
                let place = layout.layers[layout.layers.len() - 1].output(o);
                dense(of_images(layout, images).errors(), image, place)
            }
            Self::Ckks(packing) => {
                let block = packing.layers[packing.layers.len() - 1];
                slots(std::iter::once(block.slot(image, 0, o)))
            }
        }
    }
}

impl fmt::Display for Arrangement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bgv(layout) => layout.layers.iter().enumerate().try_for_each(|(l, layer)| {
                let (inputs, tiles, dimension) = (layer.inputs - 1, layer.tiles(), layout.dimension);
                let layer = (2 * l + 1, layer.outputs);
                writeln!(
                    f,
                    "layer {}: {inputs} to {}, weights in {tiles} tiles of {dimension} coefficients",
                    layer.0, layer.1
                )
            }),
            Self::Ckks(packing) => packing.layers.iter().enumerate().try_for_each(|(l, block)| {
                let (inputs, outputs, slots) = (block.inputs, block.outputs, block.size());
                writeln!(f, "layer {}: {inputs} to {outputs}, {slots} slots an image", 2 * l + 1)
            }),
        }
    }
}
