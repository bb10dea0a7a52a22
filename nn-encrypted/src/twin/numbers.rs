//! The numbers of a scheme at each step of the walk.

use std::collections::VecDeque;
use std::fmt::Debug;

use ndarray::{Array2, ArrayRef2, Zip};
use rand_chacha::ChaCha20Rng;

use super::computed::Computed;
use super::error::{Result, TwinError};
use super::range::{Ranges, TensorRange, name};
use super::tensor::Tensor;
use crate::network::{Activation, Layer, Network};
use crate::recipe::{self, Bounds, Recipe, RecipeError, RefreshTensor};

/// The numbers of a layer with weights: how they are kept, and where they are rounded. What is not said here is exact, or as
/// exact as floating point.
pub(super) trait Numbers: Debug + Send + Sync {
    /// Features, if this is the first layer.
    fn features(&self, x: &ArrayRef2<f64>) -> Result<Tensor>;

    /// Weights and momenta, or biases and theirs, from a model.
    fn kept(&self, weights: &ArrayRef2<f64>, momenta: &ArrayRef2<f64>) -> Result<[Tensor; 2]>;

    /// Targets as they are encrypted.
    fn targets(&self, targets: &ArrayRef2<f64>) -> Array2<f64> {
        targets.to_owned()
    }

    /// Weights as they enter products.
    fn in_products(&self, weights: &Tensor) -> Tensor {
        weights.clone()
    }

    /// Sums of so many numbers, divided by that.
    fn mean(&self, sums: Tensor, count: usize, pass: &mut Pass<'_>) -> Result<Tensor> {
        pass.fits(sums.divided(count))
    }

    /// Pre-activations of this layer as they leave it, before a refresh.
    fn computed(&self, sums: Tensor, _pass: &mut Pass<'_>) -> Result<Tensor> {
        Ok(sums)
    }

    /// `a·b`.
    fn product(&self, a: &Tensor, b: &Tensor, pass: &mut Pass<'_>) -> Result<Tensor> {
        pass.fits(a.product(b))
    }

    /// An activation and its derivative at pre-activations.
    fn activate(&self, activation: &Activation, z: &Tensor, pass: &mut Pass<'_>) -> Result<[Tensor; 2]>;

    /// The error at the last pre-activations, from these and targets, if they are looked up together.
    fn loss(
        &self,
        _activation: &Activation,
        _z: &Tensor,
        _targets: &ArrayRef2<f64>,
        _pass: &mut Pass<'_>,
    ) -> Result<Option<Tensor>> {
        Ok(None)
    }

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

/// Whether the activation behind a layer with weights is looked up in tables.
pub(super) fn by_table(layer: &Layer) -> bool {
    layer.activation.as_ref().is_some_and(|activation| activation.scheme.looks_up())
}

/// Refuses momentum, of which no refresh takes the bits away that it adds.
pub(super) fn without_momentum(recipe: &Recipe, with: &str) -> Result<()> {
    let momentum = recipe.optimizer.momentum;
    if momentum.value() == 0.0 {
        return Ok(());
    }
    Err(RecipeError::field("optimizer.momentum", format!("{momentum}; 0 is needed with {with}")).into())
}

pub(super) fn bound(bounds: &Bounds, tensor: RefreshTensor) -> f64 {
    match tensor {
        RefreshTensor::Preactivation => bounds.preactivation,
        RefreshTensor::Output => bounds.output,
        RefreshTensor::Error => bounds.error,
        RefreshTensor::Weight => bounds.weight,
        RefreshTensor::Momentum => bounds.momentum,
    }
}

/// Fractional bits of a tensor after its refresh.
fn bits(numbers: &recipe::Numbers, tensor: RefreshTensor) -> u32 {
    match tensor {
        RefreshTensor::Preactivation => numbers.preactivation_bits,
        RefreshTensor::Output => numbers.output_bits,
        RefreshTensor::Error => numbers.error_bits,
        RefreshTensor::Weight => numbers.weight_bits,
        RefreshTensor::Momentum => numbers.momentum_bits,
    }
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

/// How far, beyond half a unit, approximate numbers may be from what the client of an encrypted run rounded them to.
const SLACK: f64 = 1.0 / 1024.0;

/// A walk through the network: the tensor it is on its way to, what it observed, and what it draws on.
#[derive(Debug)]
pub(super) struct Pass<'n> {
    pub(super) network: &'n Network,
    pub(super) layer: usize,
    pub(super) tensor: RefreshTensor,
    pub(super) ranges: Ranges,
    pub(super) phases: Phases,
    /// Approximate tensors as a client rounded them, in their order.
    pub(super) rounded: VecDeque<Array2<f64>>,
    /// Tensors before their refresh, if they are recorded.
    pub(super) computed: Option<Vec<Computed>>,
}

impl<'n> Pass<'n> {
    pub(super) fn new(network: &'n Network, ranges: Ranges, phases: Phases) -> Self {
        let (tensor, rounded) = (RefreshTensor::Preactivation, VecDeque::new());
        Self { network, layer: 0, tensor, ranges, phases, rounded, computed: None }
    }

    /// The integers with `bits` fractional bits that a client makes of a tensor. Of approximate numbers near the middle between two
    /// integers it may have found the other one: what an encrypted run recorded is taken, if the numbers allow it.
    pub(super) fn rounded(&mut self, tensor: &Tensor, bits: u32) -> Result<Array2<i64>> {
        let mut own = self.fits(tensor.integers(bits))?;
        let Tensor::Real(numbers) = tensor else { return Ok(own) };
        let Some(recorded) = self.rounded.pop_front().filter(|recorded| recorded.dim() == own.dim()) else {
            return Ok(own);
        };
        let unit = 2_f64.powi(bits as i32);
        Zip::from(&mut own).and(numbers).and(&recorded).for_each(|own, &number, &recorded| {
            let scaled = recorded * unit;
            if scaled.fract() == 0.0 && (recorded - number).abs() <= 0.5 / unit + SLACK {
                *own = scaled as i64;
            }
        });
        Ok(own)
    }

    /// The tensor as a client sends it back: rounded, saturated and noted.
    pub(super) fn by_client(&mut self, tensor: &Tensor, numbers: &recipe::Numbers) -> Result<Tensor> {
        let (bits, bound) = (bits(numbers, self.tensor), bound(&numbers.bounds, self.tensor));
        let rounded = Tensor::Exact(self.rounded(tensor, bits)?, bits);
        let beyond = rounded.beyond(bound);
        self.observe(tensor.largest(), Some(bound), beyond, None)?;
        Ok(if beyond > 0 { rounded.saturated(bound) } else { rounded })
    }

    /// Records the tensor that this walk is on its way to, before its refresh.
    pub(super) fn record(&mut self, values: impl FnOnce() -> Tensor) {
        let (layer, tensor) = (self.layer, self.tensor);
        if let Some(computed) = &mut self.computed {
            computed.push(Computed { layer, tensor, values: values() });
        }
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

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;
    use crate::recipe::Loss;

    #[test]
    fn a_recorded_rounding_is_taken_where_the_number_allows_it() {
        let network = Network { layers: vec![], loss: Loss::Quadratic };
        let mut pass = Pass::new(&network, Ranges::default(), Phases::Exact);
        // With two fractional bits: next to the middle, far from it, and no multiple of a quarter.
        let numbers = Tensor::Real(array![[0.374_999, 0.374_999, 0.3, 0.3]]);
        assert_eq!(pass.rounded(&numbers, 2).unwrap(), array![[1, 1, 1, 1]]);
        pass.rounded.push_back(array![[0.5, 0.25, 0.5, 0.3]]);
        assert_eq!(pass.rounded(&numbers, 2).unwrap(), array![[2, 1, 1, 1]]);
        assert!(pass.rounded.is_empty());
        // Exact numbers use no record, and one of another shape is none.
        pass.rounded.push_back(array![[0.5]]);
        assert_eq!(pass.rounded(&Tensor::Exact(array![[3]], 4), 2).unwrap(), array![[1]]);
        assert_eq!(pass.rounded(&numbers, 2).unwrap(), array![[1, 1, 1, 1]]);
    }
}
