//! The numbers of a scheme at each step of the walk.

use std::collections::VecDeque;
use std::fmt::Debug;

use ndarray::ArrayRef2;
use rand_chacha::ChaCha20Rng;

use super::error::{Result, TwinError};
use super::range::{Ranges, TensorRange, name};
use super::tensor::Tensor;
use crate::network::{Activation, Layer, Network};
use crate::recipe::{RefreshTensor, Scheme};

/// The numbers of a layer with weights: how they are kept, and where they are rounded. What is not said here is exact, or as
/// exact as floating point.
pub(super) trait Numbers: Debug + Send + Sync {
    /// Features, if this is the first layer.
    fn features(&self, x: &ArrayRef2<f64>) -> Result<Tensor>;

    /// Weights and momenta, or biases and theirs, from a model.
    fn kept(&self, weights: &ArrayRef2<f64>, momenta: &ArrayRef2<f64>) -> Result<[Tensor; 2]>;

    /// Weights as they enter products.
    fn in_products(&self, weights: &Tensor) -> Tensor {
        weights.clone()
    }

    /// `a·b`.
    fn product(&self, a: &Tensor, b: &Tensor, pass: &mut Pass<'_>) -> Result<Tensor> {
        pass.fits(a.product(b))
    }

    /// An activation and its derivative at pre-activations.
    fn activate(&self, activation: &Activation, z: &Tensor, pass: &mut Pass<'_>) -> Result<[Tensor; 2]>;

    /// The error at pre-activations, from the gradient with respect to the outputs of their activation and from its derivative.
    fn derive(
        &self,
        _activation: &Activation,
        gradient: &Tensor,
        derivative: &Tensor,
        pass: &mut Pass<'_>,
    ) -> Result<Tensor> {
        pass.fits(gradient.times(derivative))
    }

    /// A tensor as these numbers take it over, from these or from others; it is observed.
    fn refresh(&self, tensor: Tensor, pass: &mut Pass<'_>) -> Result<Tensor>;

    /// Weights and momenta after a step, as computed; the gradient is summed over the mini-batch.
    fn update(&self, kept: &[Tensor; 2], gradient: &Tensor, pass: &mut Pass<'_>) -> Result<[Tensor; 2]>;
}

/// Whether the activation behind a layer with weights is in `tfhe`.
pub(super) fn by_table(layer: &Layer) -> bool {
    layer.activation.as_ref().is_some_and(|activation| activation.scheme == Scheme::Tfhe)
}

/// Where the mod-switched phases come from by which tables are looked up.
#[derive(Debug, Clone, Default)]
pub(super) enum Phases {
    /// Without an error.
    #[default]
    Exact,
    /// With errors of the distribution of encrypted ones.
    Sampled(Box<ChaCha20Rng>),
    /// Of an encrypted run.
    Recorded(VecDeque<u32>),
}

/// A walk through the network: the tensor it is on its way to, what it observed, and what it draws on.
#[derive(Debug)]
pub(super) struct Pass<'n> {
    pub(super) network: &'n Network,
    pub(super) layer: usize,
    pub(super) tensor: RefreshTensor,
    pub(super) ranges: Ranges,
    pub(super) phases: Phases,
}

impl<'n> Pass<'n> {
    pub(super) fn new(network: &'n Network, ranges: Ranges, phases: Phases) -> Self {
        Self { network, layer: 0, tensor: RefreshTensor::Preactivation, ranges, phases }
    }

    /// This walk, on its way to a tensor of a layer with weights.
    pub(super) fn to(&mut self, layer: usize, tensor: RefreshTensor) -> &mut Self {
        (self.layer, self.tensor) = (layer, tensor);
        self
    }

    /// The name of the tensor, such as `linear1.preactivation`.
    fn name(&self) -> String {
        format!("{}.{}", self.network.layers[self.layer].name, name(self.tensor))
    }

    /// Refuses numbers that do not fit 63 bits.
    pub(super) fn fits<T>(&self, numbers: Option<T>) -> Result<T> {
        numbers.ok_or_else(|| TwinError::Overflow { tensor: self.name() })
    }

    /// Refuses the layer.
    pub(super) fn refused(&self, what: &str) -> TwinError {
        let layer = &self.network.layers[self.layer];
        TwinError::layer(layer.index, layer.kind, format!("{}: {what}", self.name()))
    }

    /// Notes the tensor, with the setting of its bound where that is not the bound of the recipe.
    pub(super) fn observe(
        &mut self,
        largest: f64,
        bound: Option<f64>,
        beyond: u64,
        setting: Option<&str>,
    ) -> Result<()> {
        if !largest.is_finite() {
            return Err(TwinError::NotFinite { tensor: self.name() });
        }
        let (network, layer, tensor) = (self.network, self.layer, self.tensor);
        let range = self.ranges.entry((layer, tensor)).or_insert_with(|| TensorRange {
            tensor: format!("{}.{}", network.layers[layer].name, name(tensor)),
            layer: network.layers[layer].index,
            largest: 0.0,
            bound,
            beyond: 0,
            setting: setting.map_or_else(|| format!("numbers.bounds.{}", name(tensor)), str::to_owned),
        });
        range.largest = range.largest.max(largest);
        range.beyond += beyond;
        Ok(())
    }
}
