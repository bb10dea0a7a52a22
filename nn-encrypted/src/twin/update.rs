//! The update of weights, biases and momentum.

use ndarray::{Array, Array1, Array2, Dimension, Zip};

use super::fixed::power;
use super::matrix::max_abs;
use super::range::Ranges;
use super::refresh::Refresh;
use super::{Twin, TwinError, overflow};
use crate::recipe::{LayerState, Linear, Tensor};

/// The state of a layer after a step.
pub(super) fn update(
    twin: &Twin,
    layer: &Linear,
    state: &LayerState,
    (weight, bias): (&Array2<i64>, &Array1<i64>),
    ranges: &mut Ranges,
) -> Result<LayerState, TwinError> {
    let mut new = state.clone();
    advance(twin, layer, (&mut new.weight, &mut new.weight_momentum), weight, ranges)?;
    advance(twin, layer, (&mut new.bias, &mut new.bias_momentum), bias, ranges)?;
    Ok(new)
}

/// `V' = μV + G/2^k` and `W' = W - ηV'` at their exact scales, then refreshed.
fn advance<D: Dimension>(
    twin: &Twin,
    layer: &Linear,
    (w, v): (&mut Array<i64, D>, &mut Array<i64, D>),
    g: &Array<i64, D>,
    ranges: &mut Ranges,
) -> Result<(), TwinError> {
    let (q, optimizer) = (&twin.recipe.quantization, &twin.recipe.optimizer);
    let (rate, momentum) = (optimizer.learning_rate, optimizer.momentum);
    let (v_bits, w_bits) = (layer.momentum_sum_bits, layer.weight_sum_bits);
    let refresh_v = Refresh::new(&twin.recipe, Tensor::Momentum, &layer.name, (v_bits, q.momentum_bits));
    let refresh_w = Refresh::new(&twin.recipe, Tensor::Weight, &layer.name, (w_bits, q.weight_bits));
    let factor = |numerator: i64, bits: u32| numerator.checked_mul(power(bits)?);
    let of_v = factor(momentum.numerator(), v_bits - q.momentum_bits - momentum.bits());
    let of_g = factor(1, v_bits - layer.gradient_bits - optimizer.batch_shift());
    combine(v, of_v, g, of_g).ok_or_else(|| overflow(&refresh_v.name))?;
    let of_w = factor(1, w_bits - q.weight_bits);
    let of_step = factor(-rate.numerator(), w_bits - v_bits - rate.bits());
    combine(w, of_w, v, of_step).ok_or_else(|| overflow(&refresh_w.name))?;
    refresh_v.apply(v, ranges)?;
    refresh_w.apply(w, ranges)
}

/// `a ← a·factor_a + b·factor_b`; `None` if a factor is missing or the largest magnitudes could overflow.
fn combine<D: Dimension>(
    a: &mut Array<i64, D>,
    factor_a: Option<i64>,
    b: &Array<i64, D>,
    factor_b: Option<i64>,
) -> Option<()> {
    let (factor_a, factor_b) = (factor_a?, factor_b?);
    let of = |largest: u64, factor: i64| u128::from(largest) * u128::from(factor.unsigned_abs());
    let bound = of(max_abs(a.iter()), factor_a).checked_add(of(max_abs(b.iter()), factor_b))?;
    if bound > i64::MAX as u128 {
        return None;
    }
    Zip::from(a).and(b).for_each(|a, &b| *a = *a * factor_a + b * factor_b);
    Some(())
}
