//! Fixed point: exact integers, rounded and saturated at refreshes by a client, and nowhere else.
//!
//! A real v is the integer `v·2^f`; f, its fractional bits, grows as products and sums need it. `r(n, s)` is `n / 2^s` rounded
//! half away from zero, `sat(n, B)` is n clamped to ±B. A *refresh* to f' bits and bound B is `sat(r(n, f − f'), B·2^f')`. With
//! the bits of the recipe's `[numbers]`:
//!
//! - Weights and biases are kept with 14 bits; `r(W, 8)` with 6 bits enters products, all 14 the update.
//! - Pre-activations are refreshed to 4 bits, those of the last layer to 6; errors of hidden layers to 6, momenta to 12.
//! - Activations and their derivatives are exact polynomials, gradients of a mini-batch exact sums, divided by the smallest power
//!   `2^k` not below `batch_size`.
//! - New weights are computed from the new momentum before its refresh.
//!
//! A tensor left out of `refresh.tensors` keeps its scale and is not saturated. Where nothing is refreshed at all, integers are as wide
//! as they become, from one step to the next.

use ndarray::{Array2, ArrayRef2};

use super::error::{Result, TwinError};
use super::numbers::{Numbers, Pass, without_momentum};
use super::tensor::Tensor;
use crate::activation::{Dyadic, DyadicPolynomial, Function};
use crate::network::Activation;
use crate::recipe::{self, Recipe, RecipeError, RefreshTensor};

/// Exact integers that a client refreshes.
#[derive(Debug)]
pub(super) struct Fixed {
    numbers: recipe::Numbers,
    refreshed: Vec<RefreshTensor>,
    learning_rate: Dyadic,
    momentum: Dyadic,
    nesterov: bool,
    batch_shift: u32,
    /// Fractional bits of targets, where nothing is refreshed: those of the outputs of the first step. Integers are as wide as they
    /// become then, and no momentum is kept; outputs of trained weights are real numbers.
    unrefreshed: Option<u32>,
}

/// The polynomial of every value; `None` on overflow.
fn evaluate(polynomial: &DyadicPolynomial, z: &Array2<i64>) -> Option<Tensor> {
    let values: Option<Vec<i64>> = z.iter().map(|&z| polynomial.value(z)).collect();
    let values = Array2::from_shape_vec(z.dim(), values?).ok()?;
    Some(Tensor::Exact(values, polynomial.fraction_bits))
}

impl Fixed {
    /// Rounded and saturated where the recipe says.
    pub(super) fn new(recipe: &Recipe) -> Result<Self> {
        let always = [RefreshTensor::Weight, RefreshTensor::Momentum];
        let refreshed = always.into_iter().chain(recipe.refresh.tensors.iter().copied()).collect();
        Self::with(recipe, recipe.numbers.clone(), refreshed)
    }

    /// Rounded nowhere; weights of so many bits enter products whole.
    pub(super) fn unrounded(recipe: &Recipe, weight_bits: u32) -> Result<Self> {
        let numbers = &recipe.numbers;
        let numbers = recipe::Numbers { weight_bits, product_weight_bits: weight_bits, ..numbers.clone() };
        Self::with(recipe, numbers, vec![])
    }

    /// Rounded nowhere, and refreshed by nobody.
    pub(super) fn unrefreshed(recipe: &Recipe) -> Result<Self> {
        without_momentum(recipe, "strategy = \"none\"")?;
        let (numbers, layers) = (&recipe.numbers, &recipe.layers);
        let depth = layers.iter().filter(|layer| layer.kind.has_weights()).count() as u32;
        let targets = numbers.input_bits + depth * numbers.weight_bits;
        Ok(Self { unrefreshed: Some(targets), ..Self::unrounded(recipe, numbers.weight_bits)? })
    }

    fn with(recipe: &Recipe, numbers: recipe::Numbers, refreshed: Vec<RefreshTensor>) -> Result<Self> {
        let optimizer = &recipe.optimizer;
        let dyadic = |field, value: recipe::Scalar| {
            let what = || format!("{value}; n/2^k is needed where a layer's scheme is exact");
            value.dyadic().ok_or_else(|| TwinError::from(RecipeError::field(field, what())))
        };
        Ok(Self {
            numbers,
            refreshed,
            learning_rate: dyadic("optimizer.learning_rate", optimizer.learning_rate)?,
            momentum: dyadic("optimizer.momentum", optimizer.momentum)?,
            nesterov: optimizer.nesterov,
            batch_shift: optimizer.batch_shift(),
            unrefreshed: None,
        })
    }

    /// `V ← μV + G/2^k`, `W ← W − ηV`; by Nesterov's rule `U ← μU − ηG/2^k`, `W ← W + μU − ηG/2^k`.
    fn moved(&self, [w, v]: &[Tensor; 2], g: &Tensor) -> Option<[Tensor; 2]> {
        let (one, rate, momentum) = (Dyadic::new(1, 0), self.learning_rate, self.momentum);
        if !self.nesterov {
            let v = v.combine(momentum, g, Dyadic::new(1, self.batch_shift))?;
            return Some([w.combine(one, &v, Dyadic::new(-rate.numerator(), rate.bits()))?, v]);
        }
        let step = Dyadic::new(-rate.numerator(), rate.bits() + self.batch_shift);
        let v = v.combine(momentum, g, step)?;
        Some([w.combine(one, &v, momentum)?.combine(one, g, step)?, v])
    }
}

impl Numbers for Fixed {
    fn features(&self, x: &ArrayRef2<f64>) -> Result<Tensor> {
        Tensor::exact(x, self.numbers.input_bits, "features")
    }

    fn kept(&self, weights: &ArrayRef2<f64>, momenta: &ArrayRef2<f64>) -> Result<[Tensor; 2]> {
        let exact = Tensor::exact(weights, self.numbers.weight_bits, "weights");
        if let (Some(_), Err(_)) = (self.unrefreshed, &exact) {
            return Ok([weights, momenta].map(|values| Tensor::Real(values.to_owned())));
        }
        let both = [exact?, Tensor::exact(momenta, self.numbers.momentum_bits, "momenta")?];
        Ok(if self.unrefreshed.is_some() { both.map(Tensor::widened) } else { both })
    }

    fn targets(&self, targets: &ArrayRef2<f64>) -> Array2<f64> {
        let Some(bits) = self.unrefreshed else { return targets.to_owned() };
        let unit = f64::from(bits).exp2();
        targets.mapv(|target| (target * unit).round() / unit)
    }

    fn in_products(&self, weights: &Tensor) -> Tensor {
        if self.unrefreshed.is_some() {
            return weights.clone();
        }
        let bits = self.numbers.product_weight_bits.min(self.numbers.weight_bits);
        weights.integers(bits).map_or_else(|| weights.clone(), |high| Tensor::Exact(high, bits))
    }

    fn activate(&self, activation: &Activation, z: &Tensor, pass: &mut Pass<'_>) -> Result<[Tensor; 2]> {
        if let (Some(_), Some(polynomial), Tensor::Real(z)) = (self.unrefreshed, &activation.polynomial, z) {
            let function = Function::Real(polynomial.clone());
            let both = [z.mapv(|z| function.value(z)), z.mapv(|z| function.derivative(z))];
            return Ok(both.map(Tensor::Real));
        }
        let identity = activation.polynomial.as_deref() == Some(&[0.0, 1.0]);
        if let (true, Tensor::Wide(values, _)) = (identity, z) {
            let one = Tensor::Exact(Array2::ones(values.dim()), 0);
            return Ok([z.clone(), one.widened()]);
        }
        let (Some(polynomial), Tensor::Exact(z, bits)) = (&activation.dyadic, z) else {
            let what = "a polynomial whose coefficients are n/2^k is needed where its scheme is exact";
            return Err(TwinError::layer(activation.index, activation.kind, what));
        };
        let both = || {
            let value = polynomial.on_fixed_point(*bits)?;
            let derivative = value.derivative(*bits)?;
            Some([evaluate(&value, z)?, evaluate(&derivative, z)?])
        };
        pass.fits(both())
    }

    fn refresh(&self, tensor: Tensor, pass: &mut Pass<'_>) -> Result<Tensor> {
        if self.refreshed.contains(&pass.tensor) {
            return pass.by_client(&tensor, &self.numbers);
        }
        pass.observe(tensor.largest(), None, 0, None)?;
        let exact = matches!(tensor, Tensor::Exact(..));
        let what = "real numbers go on as exact ones; a refresh by the client is needed";
        if exact || self.unrefreshed.is_some() { Ok(tensor) } else { Err(pass.refused(what)) }
    }

    fn update(&self, kept: &[Tensor; 2], gradient: &Tensor, pass: &mut Pass<'_>) -> Result<[Tensor; 2]> {
        let [weights, momenta] = pass.fits(self.moved(kept, gradient))?;
        if self.unrefreshed.is_some() {
            return Ok([weights, Tensor::Exact(Array2::zeros(momenta.dim()), 0).widened()]);
        }
        Ok([weights, momenta])
    }
}
