//! Number formats: what integers stand for, and what lookup tables hold. Known before training, from recipe and network alone.
//!
//! - [`fixed`]: exact schemes that round where the client refreshes;
//! - [`tables`]: exact schemes that round in lookup tables;
//! - [`words`]: fixed-point integers in two's complement that round at every product.
//!
//! Twins, planners and engines share these formats, and nothing else.

pub(crate) mod fixed;
pub(crate) mod tables;
pub(crate) mod words;

use crate::model::Grid;
use crate::network::Layer;
use crate::recipe::{Arithmetic, Recipe, RefreshStrategy};

/// How the first weights of a layer are rounded and bounded: as its scheme keeps weights.
pub(crate) fn weight_grid(recipe: &Recipe, layer: &Layer) -> Grid {
    let numbers = &recipe.numbers;
    match (layer.scheme.arithmetic(), recipe.refresh.strategy) {
        (Arithmetic::Words, _) => {
            let format = words::Format::of(numbers);
            Grid { bits: Some(format.fraction_bits), bound: format.real(format.largest()) }
        }
        // Integers modulo the plaintext modulus, whatever scheme multiplies them.
        (_, RefreshStrategy::Clean) => {
            let bits = tables::weight_bits(recipe).unwrap_or(0);
            let largest = (f64::from(tables::log_modulus(numbers)) - 1.0).exp2() - 1.0;
            Grid { bits: Some(bits), bound: largest / f64::from(bits).exp2() }
        }
        (Arithmetic::Integers, _) => Grid { bits: Some(numbers.weight_bits), bound: numbers.bounds.weight },
        (Arithmetic::Reals, _) => Grid { bits: None, bound: numbers.bounds.weight },
    }
}

/// The numbers that a layer may hold in training, which may be larger than [first ones](weight_grid): weights and biases, momenta.
pub(crate) fn model_grids(recipe: &Recipe, layer: &Layer) -> [Grid; 2] {
    let numbers = &recipe.numbers;
    let first = weight_grid(recipe, layer);
    if recipe.refresh.strategy == RefreshStrategy::None {
        // Nothing is rounded and nothing bounded.
        return [Grid { bits: None, bound: f64::INFINITY }; 2];
    }
    let wraps =
        layer.scheme.arithmetic() == Arithmetic::Words || recipe.refresh.strategy == RefreshStrategy::Clean;
    if wraps {
        // Two's complement has one number more below zero; there is no momentum.
        let unit = first.bits.map_or(0.0, |bits| f64::from(bits).exp2().recip());
        // What approximate products move is decrypted with their errors.
        let bits = first.bits.filter(|_| layer.scheme.arithmetic() != Arithmetic::Reals);
        return [Grid { bits, bound: first.bound + unit }, Grid { bits: Some(0), bound: 0.0 }];
    }
    let bits = first.bits.map(|_| numbers.momentum_bits);
    [first, Grid { bits, bound: numbers.bounds.momentum }]
}

#[cfg(test)]
mod tests;
