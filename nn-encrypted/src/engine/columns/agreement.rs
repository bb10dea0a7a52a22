//! The agreement of client and server.

use he_core::wire::Writer;

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

    /// The ring dimension, and limbs and digits of a key switch of a fresh ciphertext.
    pub(crate) fn sizes(&self) -> (usize, usize, usize) {
        match self {
            Self::Integers(form) => {
                let primes = form.params().max_level() + 1;
                (form.params().n(), primes, primes + 2)
            }
            Self::Yashe(params) => {
                let (primes, bits) = (params.max_level() + 1, params.spec().digit_bits);
                let digits = params.spec().q_bits.iter().map(|q| q.div_ceil(bits) as usize).sum();
                (params.n(), primes, digits)
            }
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

/// The constants of a layer, as integers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LayerNumbers {
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    /// The first weights, input after input.
    pub(crate) weights: Vec<i64>,
    /// The factors of the sums of the gradient in new weights and new biases.
    pub(crate) rates: [i64; 2],
}

/// The agreement of client and server: columns, numbers and parameters.
pub(crate) struct Agreement {
    pub(crate) columns: Columns,
    pub(crate) batch: usize,
    pub(crate) layers: Vec<LayerNumbers>,
    /// The factor of first weights in new ones.
    pub(crate) unit: i64,
    /// The first weights, which are public.
    pub(crate) first: Model,
    /// Fractional bits of features, targets, outputs, and of new weights.
    pub(crate) bits: [u32; 4],
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
            Tensor::Weights => Some(self.layers.iter().map(|layer| self.weight_tiles(layer)).sum()),
            _ => None,
        }
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
        self.bits.into_iter().for_each(|bits| out.u32(bits));
        out.i64(self.unit);
        out.length(self.layers.len());
        for layer in &self.layers {
            out.length(layer.inputs);
            out.length(layer.outputs);
            layer.weights.iter().chain(&layer.rates).for_each(|&number| out.i64(number));
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
