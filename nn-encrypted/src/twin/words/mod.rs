//! Fixed-point integers of a few bits in two's complement, rounded at every product; what does not fit wraps, and is counted.
//!
//! With `mul(a, b)` about `⌊a·b / 2^f⌋`, exactly so where integers are encrypted bit by bit; digit by digit the lowest products of
//! digits are left out:
//!
//! - Forward: `z_i = Σ_j mul(w_ij, a_j) + b_i`, `a' = σ(z)`.
//! - Errors: `δ_i = mul(a_i − t_i, σ'(z_i))` at the outputs, `δ_i = mul(Σ_k mul(w_ki, δ_k), σ'(z_i))` before.
//! - Update after a mini-batch: `w_ij ← w_ij − ⌊Σ mul(δ_i, a_j) / 2^κ⌋` and `b_i ← b_i − ⌊Σ δ_i / 2^κ⌋`, the sums over its
//!   samples; `2^−κ` is the learning rate over the smallest power of two not below `batch_size`.
//! - A mean of `n` positions is `⌊Σ a / n⌋` where `n` is a power of two, and `mul(Σ a, 1/n)` otherwise.
//!
//! Where a client refreshes, it rounds and saturates as in `fixed`.
//!
//! The arithmetic is not that of the engines: an encrypted training is compared with it.

mod arithmetic;
mod exponential;

use ndarray::{Array2, ArrayRef2};

use self::arithmetic::Arithmetic;
use super::error::{Result, TwinError};
use super::numbers::{Numbers, Pass, without_momentum};
use super::tensor::Tensor;
use crate::activation::{Dyadic, Function};
use crate::network::Activation;
use crate::numbers::words::Format;
use crate::recipe::{self, Backward, Recipe, RecipeError, RefreshStrategy, RefreshTensor};

/// Integers of a few bits.
#[derive(Debug)]
pub(super) struct Words {
    arithmetic: Arithmetic,
    update_shift: u32,
    numbers: recipe::Numbers,
    /// By the client.
    refreshed: Vec<RefreshTensor>,
}

impl Words {
    pub(super) fn new(recipe: &Recipe) -> Result<Self> {
        let rate = recipe.optimizer.learning_rate;
        let what = || format!("{rate}; a power of two is needed with layers with weights in tfhe");
        let shift = recipe.optimizer.update_shift();
        let update_shift = shift.ok_or_else(|| RecipeError::field("optimizer.learning_rate", what()))?;
        without_momentum(recipe, "layers with weights in tfhe")?;
        let (numbers, refresh) = (recipe.numbers.clone(), &recipe.refresh);
        let arithmetic = Arithmetic::new(Format::of(&numbers));
        let client = refresh.strategy == RefreshStrategy::Client && refresh.backward == Backward::Encrypted;
        let refreshed = [RefreshTensor::Weight].iter().chain(&refresh.tensors).filter(|_| client);
        let refreshed = refreshed.copied().collect();
        Ok(Self { arithmetic, update_shift, numbers, refreshed })
    }

    /// Notes the largest magnitude of the tensor that a walk is on its way to, and how many integers became others.
    fn note(&self, largest: f64, wraps: u64, pass: &mut Pass<'_>) -> Result<()> {
        let bound = 2_f64.powi(self.arithmetic.bits as i32 - 1 - self.arithmetic.fraction as i32);
        pass.observe(largest, Some(bound), wraps, Some("numbers.word_bits"))
    }

    /// A tensor modulo `2^bits`.
    fn wrapped(&self, tensor: &Tensor, largest: f64, pass: &mut Pass<'_>) -> Result<Array2<i64>> {
        let mut wraps = 0;
        let words = values(tensor, pass)?.mapv(|n| self.arithmetic.wrapped(n.into(), &mut wraps));
        self.note(largest, wraps, pass)?;
        Ok(words)
    }

    fn tensor(&self, values: Array2<i64>) -> Tensor {
        Tensor::Exact(values, self.arithmetic.fraction)
    }
}

fn values<'t>(tensor: &'t Tensor, pass: &Pass<'_>) -> Result<&'t Array2<i64>> {
    match tensor {
        Tensor::Exact(values, _) => Ok(values),
        Tensor::Wide(..) | Tensor::Real(_) => {
            Err(pass.refused("real numbers go on as integers of a few bits"))
        }
    }
}

impl Numbers for Words {
    fn features(&self, x: &ArrayRef2<f64>) -> Result<Tensor> {
        Tensor::exact(x, self.arithmetic.fraction, "features")
    }

    fn kept(&self, weights: &ArrayRef2<f64>, momenta: &ArrayRef2<f64>) -> Result<[Tensor; 2]> {
        let bits = self.arithmetic.fraction;
        Ok([Tensor::exact(weights, bits, "weights")?, Tensor::exact(momenta, bits, "momenta")?])
    }

    fn product(&self, a: &Tensor, b: &Tensor, pass: &mut Pass<'_>) -> Result<Tensor> {
        let (a, b, mut wraps) = (values(a, pass)?, values(b, pass)?, 0);
        let mut mul = |(&a, &b): (&i64, &i64)| self.arithmetic.mul(a, b, &mut wraps);
        let sums = Array2::from_shape_fn((a.nrows(), b.ncols()), |(row, column)| {
            a.row(row).iter().zip(b.column(column)).map(&mut mul).sum()
        });
        self.note(0.0, wraps, pass)?;
        Ok(self.tensor(sums))
    }

    fn activate(&self, activation: &Activation, z: &Tensor, pass: &mut Pass<'_>) -> Result<[Tensor; 2]> {
        let function = activation.looked_up();
        let both = if function == Function::Sigmoid {
            values(z, pass)?.mapv(|z| self.arithmetic.sigmoid(z))
        } else if self.numbers.words == recipe::WordCoding::Digits {
            values(z, pass)?.mapv(|z| self.arithmetic.looked_up(&function, z))
        } else {
            let what =
                "bit by bit there is a circuit of Sigmoid alone; `numbers.words` = \"digits\" is needed";
            return Err(TwinError::layer(activation.index, activation.kind, what));
        };
        Ok([both.mapv(|(value, _)| value), both.mapv(|(_, derivative)| derivative)].map(|n| self.tensor(n)))
    }

    fn derive(
        &self,
        _: &Activation,
        gradient: &Tensor,
        derivative: &Tensor,
        pass: &mut Pass<'_>,
    ) -> Result<Tensor> {
        let (mut products, mut wraps) = (self.wrapped(gradient, gradient.largest(), pass)?, 0);
        products.zip_mut_with(values(derivative, pass)?, |g, &d| *g = self.arithmetic.mul(*g, d, &mut wraps));
        self.note(0.0, wraps, pass)?;
        Ok(self.tensor(products))
    }

    fn refresh(&self, tensor: Tensor, pass: &mut Pass<'_>) -> Result<Tensor> {
        if pass.tensor == RefreshTensor::Momentum {
            return Ok(tensor); // there is none
        }
        if !self.refreshed.contains(&pass.tensor) {
            return self.wrapped(&tensor, tensor.largest(), pass).map(|words| self.tensor(words));
        }
        // Weights are those of this layer; others may come from one whose numbers do not wrap.
        let tensor = if pass.tensor == RefreshTensor::Weight { self.computed(tensor, pass)? } else { tensor };
        let settled = pass.by_client(&tensor, &self.numbers)?;
        Ok(self.tensor(pass.fits(settled.integers(self.arithmetic.fraction))?))
    }

    fn computed(&self, sums: Tensor, pass: &mut Pass<'_>) -> Result<Tensor> {
        let mut wraps = 0;
        let words = values(&sums, pass)?.mapv(|n| self.arithmetic.wrapped(n.into(), &mut wraps));
        // Where a client refreshes, what is observed is held to its bound.
        if wraps > 0 && !self.refreshed.is_empty() {
            self.note(sums.largest(), wraps, pass)?;
        }
        Ok(if self.refreshed.is_empty() { sums } else { self.tensor(words) })
    }

    fn mean(&self, sums: Tensor, count: usize, pass: &mut Pass<'_>) -> Result<Tensor> {
        let (words, mut wraps) = (self.wrapped(&sums, 0.0, pass)?, 0);
        let part = ((1_i64 << self.arithmetic.fraction) as f64 / count as f64).round() as i64;
        let words = words.mapv(|sum| match count.is_power_of_two() {
            true => sum.div_euclid(count as i64),
            false => self.arithmetic.mul(sum, part, &mut wraps),
        });
        self.note(0.0, wraps, pass)?;
        Ok(self.tensor(words))
    }

    fn update(&self, kept: &[Tensor; 2], gradient: &Tensor, pass: &mut Pass<'_>) -> Result<[Tensor; 2]> {
        let gradient = self.wrapped(gradient, 0.0, pass)?;
        let step = self.tensor(gradient.mapv(|g| g.div_euclid(1 << self.update_shift)));
        let moved = kept[0].combine(Dyadic::new(1, 0), &step, Dyadic::new(-1, 0));
        Ok([pass.fits(moved)?, kept[1].clone()])
    }
}
