//! The agreement of client and server.

use std::ops::Range;

use he_core::wire::Writer;

use super::Ladder;
use crate::engine::integers::IntegerForm;
use crate::layout::Rotation;
use crate::layout::columns::Columns;
use crate::model::Model;
use crate::program::Tensor;

/// The parameters of one plaintext prime.
#[derive(Clone)]
pub(crate) enum Channel {
    Integers(IntegerForm),
    Yashe(he_yashe::Parameters),
}

impl Channel {
    /// The plaintext prime.
    pub(crate) fn t(&self) -> he_core::Modulus {
        match self {
            Self::Integers(form) => *form.params().t(),
            Self::Yashe(params) => *params.t(),
        }
    }

    /// The ring dimension, and limbs, digits and special primes of a key switch of a fresh ciphertext.
    pub(crate) fn sizes(&self) -> (usize, usize, usize, usize) {
        match self {
            Self::Integers(form) => {
                let (primes, spec) = (form.params().max_level() + 1, form.params().rlwe().spec());
                (form.params().n(), primes, primes.div_ceil(spec.digit), spec.p.len())
            }
            Self::Yashe(params) => {
                let (primes, bits) = (params.max_level() + 1, params.spec().digit_bits);
                let digits = params.spec().q_bits.iter().map(|q| q.div_ceil(bits) as usize).sum();
                (params.n(), primes, digits, 0)
            }
        }
    }

    /// Bytes of a ciphertext of the client's as it is sent.
    pub(crate) fn fresh_bytes(&self) -> usize {
        match self {
            Self::Integers(form) => {
                1 + he_bgv::SeededCiphertext::wire_bytes(form.params(), form.params().max_level())
            }
            Self::Yashe(params) => 1 + he_yashe::Ciphertext::wire_bytes(params, params.max_level()),
        }
    }

    /// Bytes of a ciphertext as it is sent, at most.
    pub(crate) fn piece_bytes(&self) -> usize {
        match self {
            Self::Integers(form) => he_core::rlwe::serial::body_limit(form.params().rlwe(), 2) + 64,
            Self::Yashe(params) => params.n() * (params.max_level() + 1) * 8 + 512,
        }
    }
}

/// A layer: its size, and its first weights as integers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LayerNumbers {
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    /// The first weights, input after input.
    pub(crate) weights: Vec<i64>,
}

/// The agreement of client and server: columns, numbers and parameters.
pub(crate) struct Agreement {
    pub(crate) columns: Columns,
    pub(crate) batch: usize,
    pub(crate) layers: Vec<LayerNumbers>,
    /// Fractional bits from step to step, and how many steps there are.
    pub(crate) ladder: Ladder,
    /// The first weights, which are public.
    pub(crate) first: Model,
    pub(crate) channels: Vec<Channel>,
    /// Bytes of a ciphertext as it is sent, at most.
    pub(crate) piece_bytes: usize,
}

impl Agreement {
    /// Ciphertexts of a tensor, of each plaintext prime; none of one that is not sent.
    pub(crate) fn ciphertexts(&self, tensor: Tensor) -> Option<usize> {
        let last = self.layers.last()?;
        match tensor {
            Tensor::Features => Some(self.columns.tiles(self.layers.first()?.inputs)),
            Tensor::Targets => Some(last.outputs),
            Tensor::Sum(l) if l + 1 == self.layers.len() => Some(last.outputs),
            Tensor::Weights => Some((0..self.layers.len()).map(|l| self.of_weights(l).len()).sum()),
            _ => None,
        }
    }

    /// Whether new weights are packed: a step is to follow on them, or has gone before.
    pub(crate) fn is_packed(&self) -> bool {
        self.ladder.steps() > 1
    }

    /// The places of the ciphertexts of a layer among those of all weights, as they are sent.
    pub(crate) fn of_weights(&self, l: usize) -> Range<usize> {
        let count = |layer: &LayerNumbers| match self.weight_tiles(layer) {
            tiles if self.is_packed() => tiles.div_ceil(self.columns.images),
            tiles => tiles,
        };
        let start = self.layers[..l].iter().map(count).sum();
        start..start + count(&self.layers[l])
    }

    /// Ciphertexts of new weights of a layer, output after output, and of its biases.
    pub(crate) fn weight_tiles(&self, layer: &LayerNumbers) -> usize {
        layer.outputs * self.columns.tiles(layer.inputs) + self.columns.tiles(layer.outputs)
    }

    /// The rotations of a step.
    pub(crate) fn rotations(&self) -> Vec<Rotation> {
        let mut all = self.columns.group_sum();
        all.extend(self.columns.image_sum());
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Writes everything that both must agree on, canonically.
    pub(crate) fn encode(&self, out: &mut Writer) {
        [self.columns.groups, self.columns.images, self.batch].into_iter().for_each(|size| out.length(size));
        self.ladder.encode(out);
        out.length(self.layers.len());
        for layer in &self.layers {
            out.length(layer.inputs);
            out.length(layer.outputs);
            layer.weights.iter().for_each(|&number| out.i64(number));
        }
        out.length(self.channels.len());
        for channel in &self.channels {
            match channel {
                Channel::Integers(form) => {
                    out.u8(form.scheme() as u8);
                    out.bytes(form.params().rlwe().hash());
                }
                Channel::Yashe(params) => {
                    out.u8(u8::MAX);
                    out.bytes(params.hash());
                }
            }
        }
    }
}
