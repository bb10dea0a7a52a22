//! Real numbers in floating point.
//!
//! - Activations are polynomials, or the functions that these stand for; of cross-entropy then the softmax.
//! - Gradients are means over `batch_size` samples, of a shorter last mini-batch too; where floating point stands for a scheme
//!   that is exact, over the smallest power of two not below it.
//! - `V ← μV + G`, `W ← W − ηV`; by Nesterov's rule `U ← μU − ηG`, `W ← W + μU − ηG`.
//! - Nothing is rounded. A client that refreshes saturates; else a value beyond its bound stays as it is, and is counted.

use ndarray::{Array2, ArrayRef2, Zip};

use super::error::{Result, TwinError};
use super::numbers::{Numbers, Pass, bound};
use super::tensor::Tensor;
use crate::activation::{Function, exp};
use crate::network::{Activation, Layer};
use crate::recipe::{
    Arithmetic, Backward, Bounds, Loss, Optimizer, Recipe, RefreshStrategy, RefreshTensor, Scheme,
};

#[derive(Debug)]
pub(super) struct Reals {
    functions: Functions,
    /// Largest magnitudes; none in floating-point training.
    bounds: Option<Bounds>,
    saturated: Vec<RefreshTensor>,
    optimizer: Optimizer,
    /// The divisor of summed gradients.
    divisor: f64,
}

/// The functions computed for an activation.
#[derive(Debug)]
enum Functions {
    Polynomials,
    /// Its function; the polynomial of a layer in `bgv`. With cross-entropy the softmax for a polynomial last.
    Exact(Loss),
    One(Function),
}

impl Reals {
    /// The numbers of a layer in `ckks`.
    pub(super) fn new(recipe: &Recipe) -> Self {
        let (refresh, optimizer) = (&recipe.refresh, recipe.optimizer.clone());
        let client = refresh.strategy == RefreshStrategy::Client;
        let always = [RefreshTensor::Weight, RefreshTensor::Momentum].into_iter().filter(|_| client);
        let named =
            refresh.tensors.iter().copied().filter(|_| client && refresh.backward == Backward::Encrypted);
        let saturated = always.chain(named).collect();
        // Where lookup tables round, updates are those of exact schemes.
        let exact = refresh.strategy == RefreshStrategy::Clean;
        let power = 2_f64.powi(optimizer.batch_shift() as i32);
        let divisor = if exact { power } else { optimizer.batch_size as f64 };
        let bounds = Some(recipe.numbers.bounds.clone());
        Self { functions: Functions::Polynomials, bounds, saturated, optimizer, divisor }
    }

    /// The numbers of floating-point training in place of those of a layer; with one function for every activation, if it is given.
    pub(super) fn floating(recipe: &Recipe, layer: &Layer, function: Option<Function>) -> Self {
        let reals = Self::new(recipe);
        let power = 2_f64.powi(recipe.optimizer.batch_shift() as i32);
        Self {
            functions: function.map_or(Functions::Exact(recipe.loss), Functions::One),
            bounds: None,
            saturated: vec![],
            divisor: if layer.scheme.arithmetic() == Arithmetic::Reals { reals.divisor } else { power },
            ..reals
        }
    }

    fn function(&self, activation: &Activation) -> Option<Function> {
        let polynomial = || activation.polynomial.clone().map(Function::Real);
        match &self.functions {
            Functions::One(function) => Some(function.clone()),
            Functions::Exact(_) if activation.scheme.arithmetic() == Arithmetic::Integers => {
                activation.dyadic.clone().map(Function::Polynomial).or_else(polynomial)
            }
            Functions::Exact(_) => Some(activation.function.clone()),
            Functions::Polynomials => polynomial(),
        }
    }
}

/// `e^z` over the sum of all `e^z` of a row.
fn softmax(z: &ArrayRef2<f64>) -> Array2<f64> {
    let mut shares = z.to_owned();
    for mut row in shares.rows_mut() {
        let largest = row.fold(f64::NEG_INFINITY, |a: f64, &z| a.max(z));
        row.mapv_inplace(|z| exp(z - largest));
        let sum = row.sum();
        row.mapv_inplace(|share| share / sum);
    }
    shares
}

impl Numbers for Reals {
    fn features(&self, x: &ArrayRef2<f64>) -> Result<Tensor> {
        Ok(Tensor::Real(x.to_owned()))
    }

    fn kept(&self, weights: &ArrayRef2<f64>, momenta: &ArrayRef2<f64>) -> Result<[Tensor; 2]> {
        Ok([weights, momenta].map(|values| Tensor::Real(values.to_owned())))
    }

    fn activate(&self, activation: &Activation, z: &Tensor, pass: &mut Pass<'_>) -> Result<[Tensor; 2]> {
        let z = z.real();
        let crossed = matches!(self.functions, Functions::Exact(Loss::CrossEntropy));
        if crossed && pass.tensor == RefreshTensor::Output && activation.scheme == Scheme::Ckks {
            return Ok([softmax(&z), Array2::zeros((0, 0))].map(Tensor::Real)); // no derivative is asked for
        }
        let function = self.function(activation).ok_or_else(|| {
            let what = "it has no polynomial, which is needed in ckks";
            TwinError::layer(activation.index, activation.kind, what)
        })?;
        Ok([z.mapv(|z| function.value(z)), z.mapv(|z| function.derivative(z))].map(Tensor::Real))
    }

    fn refresh(&self, tensor: Tensor, pass: &mut Pass<'_>) -> Result<Tensor> {
        let bound = self.bounds.as_ref().map(|bounds| bound(bounds, pass.tensor));
        pass.observe(tensor.largest(), bound, bound.map_or(0, |bound| tensor.beyond(bound)), None)?;
        let tensor = Tensor::Real(tensor.real().into_owned());
        let saturated = bound.filter(|_| self.saturated.contains(&pass.tensor));
        Ok(if let Some(bound) = saturated { tensor.saturated(bound) } else { tensor })
    }

    fn update(&self, kept: &[Tensor; 2], gradient: &Tensor, _: &mut Pass<'_>) -> Result<[Tensor; 2]> {
        let (rate, momentum) = (self.optimizer.learning_rate.value(), self.optimizer.momentum.value());
        let [mut w, mut v] = [0, 1].map(|i: usize| kept[i].real().into_owned());
        Zip::from(&mut w).and(&mut v).and(&*gradient.real()).for_each(|w, v, sum| {
            if self.optimizer.nesterov {
                let step = rate * sum / self.divisor;
                *v = momentum * *v - step;
                *w += momentum * *v - step;
            } else {
                *v = momentum * *v + sum / self.divisor;
                *w -= rate * *v;
            }
        });
        Ok([w, v].map(Tensor::Real))
    }
}
