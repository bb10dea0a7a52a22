//! Exact integers modulo `t` with tables over slots, in the formats of [`crate::numbers::tables`]: floors and tables, and nothing else.
//!
//! - Forward: `Z = A·W + 2^α·b`; activations and derivatives by the index of `Z`.
//! - Error: at the outputs by the index of `(Z, y)`; before, by the index of `D·Wᵀ`, times the derivative.
//! - Update: `W ← W − 2^−κ·Σ A·D`, and no momentum.
//!
//! An encrypted run has the very same numbers: nothing is replayed. What leaves the range of its table wraps, and is counted.

use ndarray::{Array2, ArrayRef2};

use super::error::Result;
use super::fixed::Fixed;
use super::numbers::{Numbers, Pass, without_momentum};
use super::tensor::Tensor;
use crate::network::{Activation, Network};
use crate::numbers::tables::{Index, Looked, TableNumbers, is_masked};
use crate::recipe::{Loss, Recipe, RefreshTensor, Scheme};

/// Integers and tables over slots.
#[derive(Debug)]
pub(super) struct ExactTables {
    /// The arithmetic between tables.
    base: Fixed,
    numbers: TableNumbers,
}

impl ExactTables {
    pub(super) fn new(recipe: &Recipe, network: &Network) -> Result<Self> {
        without_momentum(recipe, "strategy = \"clean\"")?;
        let numbers = TableNumbers::new(recipe, network)?;
        Ok(Self { base: Fixed::unrounded(recipe, numbers.weight_bits())?, numbers })
    }

    /// The integers of values that are looked up, with their fractional bits; those that leave the range of a table are counted.
    fn looked_up(
        &self,
        values: &Tensor,
        place: usize,
        bits: u32,
        pass: &mut Pass<'_>,
    ) -> Result<Array2<i64>> {
        let values = Tensor::Exact(pass.fits(values.integers(bits))?, bits);
        let (limit, unit) = (self.numbers.limits()[place] as f64, 2_f64.powi(bits as i32));
        pass.observe(values.largest(), Some(limit / unit), values.beyond((limit - 1.0) / unit), None)?;
        pass.fits(values.integers(bits))
    }

    fn entries(values: &Array2<i64>, index: &Index, table: &[i64], bits: u32) -> Tensor {
        let entry = |&value: &i64| table[index.of(value).rem_euclid(table.len() as i64) as usize];
        Tensor::Exact(values.map(entry), bits)
    }
}

/// Refuses an activation in another scheme.
fn check(activation: &Activation, pass: &Pass<'_>) -> Result<()> {
    if activation.scheme == Scheme::Tables {
        return Ok(());
    }
    Err(pass.refused("beside tables over slots every activation is in `tables`"))
}

impl Numbers for ExactTables {
    fn features(&self, x: &ArrayRef2<f64>) -> Result<Tensor> {
        self.base.features(x)
    }

    fn kept(&self, weights: &ArrayRef2<f64>, momenta: &ArrayRef2<f64>) -> Result<[Tensor; 2]> {
        self.base.kept(weights, momenta)
    }

    fn activate(&self, activation: &Activation, z: &Tensor, pass: &mut Pass<'_>) -> Result<[Tensor; 2]> {
        check(activation, pass)?;
        let (numbers, function) = (&self.numbers, &activation.function);
        let values = pass.fits(z.integers(numbers.sum_bits()))?;
        if pass.tensor != RefreshTensor::Preactivation {
            let (index, table) = (numbers.index(Looked::Output), numbers.exact_output(function));
            let value = Self::entries(&values, &index, &table, numbers.error_bits);
            // Errors at the outputs are looked up from pre-activations: no derivative is asked for.
            return Ok([value.clone(), value]);
        }
        let (index, [value, slope]) =
            (numbers.index(Looked::Preactivation), numbers.exact_activation(function));
        let slope_bits = numbers.exact_derivative_bits(function);
        Ok([
            Self::entries(&values, &index, &value, numbers.activation_bits),
            Self::entries(&values, &index, &slope, slope_bits),
        ])
    }

    fn loss(
        &self,
        activation: &Activation,
        z: &Tensor,
        targets: &ArrayRef2<f64>,
        pass: &mut Pass<'_>,
    ) -> Result<Option<Tensor>> {
        let (numbers, loss): (_, Loss) = (&self.numbers, pass.network.loss);
        let mut values = pass.fits(z.integers(numbers.sum_bits()))?;
        values.zip_mut_with(targets, |value, &y| *value += numbers.target_unit() * i64::from(y > 0.5));
        let (index, table) = (numbers.index(Looked::Output), numbers.exact_loss(&activation.function, loss));
        Ok(Some(Self::entries(&values, &index, &table, numbers.error_bits)))
    }

    fn derive(
        &self,
        activation: &Activation,
        gradient: &Tensor,
        derivative: &Tensor,
        pass: &mut Pass<'_>,
    ) -> Result<Tensor> {
        check(activation, pass)?;
        let (numbers, function) = (&self.numbers, &activation.function);
        let (index, masked) = (numbers.index(Looked::Error), is_masked(function));
        let values = self.looked_up(gradient, 2, numbers.back_bits(), pass)?;
        let Tensor::Exact(errors, _) = Self::entries(&values, &index, &numbers.exact_error(masked), 0) else {
            return Err(pass.refused("errors are no integers"));
        };
        let derivatives = pass.fits(derivative.integers(numbers.exact_derivative_bits(function)))?;
        let products = errors * derivatives;
        if masked {
            return Ok(Tensor::Exact(products, numbers.error_bits));
        }
        let (index, table) = (numbers.product_index(function), numbers.exact_product(function));
        Ok(Self::entries(&products, &index, &table, numbers.error_bits))
    }

    fn refresh(&self, tensor: Tensor, pass: &mut Pass<'_>) -> Result<Tensor> {
        let numbers = &self.numbers;
        match pass.tensor {
            RefreshTensor::Momentum => Ok(Tensor::Real(Array2::zeros(tensor.dim()))), // there is none
            RefreshTensor::Weight => {
                numbers.observe_weights(&tensor, pass)?;
                Ok(tensor)
            }
            RefreshTensor::Error => Ok(tensor), // observed before its lookup
            of => {
                let place = usize::from(of == RefreshTensor::Output);
                self.looked_up(&tensor, place, numbers.sum_bits(), pass).map(|_| tensor)
            }
        }
    }

    fn update(&self, kept: &[Tensor; 2], gradient: &Tensor, pass: &mut Pass<'_>) -> Result<[Tensor; 2]> {
        self.base.update(kept, gradient, pass)
    }
}
