//! The agreement of client and server on layers in BGV.

use std::collections::BTreeMap;

use he_bgv::{Ciphertext, Error, Parameters, SeededCiphertext, Spec};
use he_core::wire::{Reader, WireError, Writer};

use super::Operations;
use crate::engine::Pieces;
use crate::engine::form::{BgvForm, PUBLIC, number};
use crate::engine::integers::{IntegerForm, KeyLevels};
use crate::engine::slots::{Formulas, Level};
use crate::layout::{Geometry, Rotation};
use crate::network::Matrix;
use crate::numbers::fixed::Scales;
use crate::program::Tensor;

/// A BGV instance, its parameters, and the scheme of its messages.
#[derive(Clone)]
pub struct Instance {
    /// As written.
    pub spec: Spec,
    /// As built.
    pub params: Parameters,
    /// How its ciphertexts travel.
    pub(crate) form: IntegerForm,
}

impl Instance {
    /// An instance of BGV.
    #[must_use]
    pub fn bgv(spec: Spec, params: Parameters) -> Self {
        let form = IntegerForm::Bgv(params.clone());
        Self { spec, params, form }
    }
}

/// Layout, numbers, parameters, levels and keys of some layers.
pub struct Agreement {
    /// Layout.
    pub geometry: Geometry,
    /// The matrices of its layers.
    pub matrices: Vec<Matrix>,
    /// Fractional bits of all tensors.
    pub scales: Scales,
    /// Fractional bits of the gradient of all layers.
    pub gradient_bits: u32,
    /// The constants of steps.
    pub formulas: Formulas<i64>,
    /// Largest magnitude of every tensor, proven.
    pub bounds: BTreeMap<Tensor, i128>,
    /// One BGV instance for each plaintext prime.
    pub instances: Vec<Instance>,
    /// Number of primes over which each tensor is encrypted afresh.
    #[doc(alias = "fresh_limbs")]
    pub fresh: BTreeMap<Tensor, usize>,
    /// Number of primes over which each tensor is sent to the client.
    #[doc(alias = "sent_limbs")]
    pub sent: BTreeMap<Tensor, usize>,
    /// Numbers of primes over which products are computed, fewer than what leaves most room for noise.
    pub levels: BTreeMap<Tensor, Level>,
    /// Operations of a training step, on one plaintext prime or on all.
    pub operations: Operations,
    /// Whether mini-batches may be encrypted under the public key.
    pub public: bool,
}

/// Tiles of a tensor, each one ciphertext for every plaintext prime.
pub(crate) type Opened = Vec<Vec<Ciphertext>>;

impl Agreement {
    /// The evaluation keys that are needed.
    pub(crate) fn keys(&self, params: &Parameters) -> KeyLevels {
        let element = |(rotation, primes): (&Rotation, &usize)| match rotation {
            Rotation::Rows(k) => (he_bgv::rotation::row_element(params, *k), primes - 1),
            Rotation::Swap => (2 * params.n() - 1, primes - 1),
        };
        let galois = self.operations.rotations.iter().map(element).collect();
        KeyLevels { relinearization: self.operations.relinearize.checked_sub(1), galois }
    }

    /// Fractional bits of the integers of a tensor.
    pub(crate) fn fraction_bits(&self, tensor: Tensor) -> u32 {
        let scales = &self.scales;
        let layer = |l: usize| scales.layers.get(l);
        let activation = |l: usize, order: usize| {
            layer(l).and_then(|layer| layer.activation.as_ref()).map(|both| both[order].fraction_bits)
        };
        let bits = match tensor {
            Tensor::Features => layer(0).map(|layer| layer.input),
            Tensor::Targets => Some(scales.targets),
            Tensor::Weights | Tensor::Expanded => Some(scales.product_weight),
            Tensor::LowWeights => Some(scales.weight),
            Tensor::Momentum => Some(scales.momentum),
            Tensor::Sum(l) => layer(l).map(|layer| layer.sum),
            Tensor::Preactivation(l) => layer(l).map(|layer| layer.preactivation),
            Tensor::Activation(l) => activation(l, 0),
            Tensor::Derivative(l) => activation(l, 1),
            Tensor::InputGradient(l) => {
                activation(l, 1).and_then(|bits| Some(layer(l)?.error_sum.saturating_sub(bits)))
            }
            Tensor::RawError(l) => layer(l).map(|layer| layer.error_sum),
            Tensor::Error(l) => layer(l).map(|layer| layer.error),
            Tensor::Products(l) => layer(l).map(|layer| layer.gradient),
            Tensor::Gradient => Some(self.gradient_bits),
            Tensor::NewMomentum => Some(scales.momentum_sum()),
            Tensor::NewWeights => Some(scales.weight_sum()),
        };
        bits.unwrap_or(0)
    }

    /// Ciphertexts of a tensor as they are sent: for each tile one for every plaintext prime.
    pub fn pieces(&self, tensor: Tensor) -> usize {
        self.geometry.ciphertexts(tensor) * self.instances.len()
    }

    /// Bytes of a ciphertext of a tensor as the client sends it, and as the server does.
    pub fn piece_bytes(&self, tensor: Tensor) -> [usize; 2] {
        let Some(Instance { params, .. }) = self.instances.first() else { return [0; 2] };
        let level = |primes: Option<&usize>| primes.map(|primes| primes.saturating_sub(1));
        let fresh = level(self.fresh.get(&tensor));
        // A server sends back the tensors of a model as it has them.
        let sent = level(self.sent.get(&tensor)).or(fresh);
        let whole = self.is_whole(tensor);
        let written = |level| match whole {
            true => Ciphertext::wire_bytes(params, level),
            false => SeededCiphertext::wire_bytes(params, level),
        };
        [fresh.map_or(0, written), sent.map_or(0, |level| Ciphertext::wire_bytes(params, level))]
    }

    /// Whether a tensor is sent without a seed, as the public key leaves none.
    pub(crate) fn is_whole(&self, tensor: Tensor) -> bool {
        self.public && matches!(tensor, Tensor::Features | Tensor::Targets)
    }

    /// Bytes of the evaluation keys of each plaintext prime, sealed.
    ///
    /// # Errors
    /// If there are no such keys.
    pub(crate) fn key_bytes(&self) -> Result<Vec<usize>, Error> {
        let of = |Instance { params, .. }: &Instance| self.keys(params).sealed_bytes(params);
        self.instances.iter().map(of).collect()
    }

    /// Opens the ciphertexts of a tensor: `fresh` ones of the client, or computed ones of the server.
    ///
    /// # Errors
    /// If one is damaged, transparent, or not of the plan.
    pub(crate) fn open(&self, tensor: Tensor, fresh: bool, parts: &[Pieces]) -> Result<Opened, WireError> {
        let primes = if fresh { self.fresh.get(&tensor) } else { self.sent.get(&tensor) };
        let Some(&primes) = primes else {
            return Err(WireError::Invalid { what: "tensor", why: format!("the {tensor} is not sent") });
        };
        let (form, count) = (BgvForm { primes, fresh }, self.instances.len());
        let read = |index: usize, reader: &mut Reader<'_>| {
            let ciphertext = self.instances[index % count].form.read(reader)?;
            form.check(&ciphertext).map_err(|error| number(index, error))?;
            Ok(ciphertext)
        };
        let all = Pieces::read(parts, self.pieces(tensor), ["number of ciphertexts", "ciphertext"], read)?;
        Ok(all.chunks(count).map(<[Ciphertext]>::to_vec).collect())
    }

    /// Writes everything that both must agree on, canonically.
    pub(crate) fn encode(&self, out: &mut Writer) {
        let cube = &self.geometry.cube;
        for number in [cube.b, cube.p, cube.q, self.geometry.batch] {
            out.length(number);
        }
        out.length(self.geometry.layers.len());
        for (&number, layer) in self.geometry.numbers.iter().zip(&self.geometry.layers) {
            out.length(number);
            out.length(layer.inputs);
            out.length(layer.outputs);
        }
        self.matrices.iter().for_each(|matrix| encode_matrix(matrix, out));
        self.encode_formulas(out);
        out.length(self.bounds.len());
        for (&tensor, bound) in &self.bounds {
            tensor.encode(out);
            out.u32(self.fraction_bits(tensor));
            out.bytes(&bound.to_le_bytes());
        }
        for primes in [&self.fresh, &self.sent] {
            out.length(primes.len());
            for (&tensor, &primes) in primes {
                tensor.encode(out);
                out.length(primes);
            }
        }
        out.length(self.levels.len());
        for (&tensor, level) in &self.levels {
            tensor.encode(out);
            [level.product, level.result].iter().for_each(|primes| out.length(primes.unwrap_or(0)));
        }
        out.length(self.instances.len());
        for instance in &self.instances {
            out.u8(instance.form.scheme() as u8);
            out.bytes(instance.params.rlwe().hash());
        }
        if self.public {
            out.u8(PUBLIC);
        }
    }

    fn encode_formulas(&self, out: &mut Writer) {
        out.length(self.formulas.layers.len());
        for layer in &self.formulas.layers {
            for constant in [layer.one, layer.constant, layer.gradient.0, layer.gradient.1] {
                out.i64(constant);
            }
            let polynomials = layer.activation.iter().flatten();
            out.length(polynomials.clone().count());
            for polynomial in polynomials {
                out.length(polynomial.len());
                polynomial.iter().for_each(|c| out.i64(*c));
            }
        }
        for terms in [&self.formulas.momentum, &self.formulas.weights] {
            out.length(terms.len());
            for &(constant, tensor) in terms {
                out.i64(constant);
                tensor.encode(out);
            }
        }
        out.u8(self.formulas.loss as u8);
    }
}

/// Entries of a matrix: of each the number of its weight from 1, or 0 where there is none.
fn encode_matrix(matrix: &Matrix, out: &mut Writer) {
    for entry in &matrix.entries {
        out.length(entry.map_or(0, |entry| entry.weight + 1));
    }
    matrix.bias.iter().for_each(|bias| out.length(*bias));
}
