//! The checks of a recipe on real numbers.

use super::super::validate::{MOST_EPOCHS, MOST_LAYERS, count, name, normalization, number, seed};
use super::{RealLayer, RealLayerKind, RealRecipe, RecipeError};

pub(super) fn validate(recipe: &RealRecipe) -> Result<(), RecipeError> {
    name(&recipe.name)?;
    seed(recipe.seed)?;
    normalization(&recipe.data.normalize)?;
    layers(&recipe.layers)?;
    optimizer(recipe)?;
    bounds(recipe)?;
    cross_entropy(recipe)?;
    match recipe.parameters.security {
        128 => Ok(()),
        bits => Err(RecipeError::field("parameters.security", format!("{bits}; 128 is needed"))),
    }
}

fn layers(layers: &[RealLayer]) -> Result<(), RecipeError> {
    let Some(last) = layers.last() else {
        return Err(RecipeError::field("layers", "none; at least one Linear is needed"));
    };
    if layers.len() > MOST_LAYERS {
        let what = format!("{}; at most {MOST_LAYERS} are needed", layers.len());
        return Err(RecipeError::field("layers", what));
    }
    let mut before = None;
    for (index, layer) in layers.iter().enumerate() {
        layer.validate(index)?;
        if let Some(what) = misplaced(before, layer.kind) {
            return Err(layer.wrong(index, what));
        }
        if index + 1 < layers.len() && layer.kind == RealLayerKind::Linear && layer.out_features.is_none() {
            let what = "`out_features` is missing; only the last Linear may leave it out";
            return Err(layer.wrong(index, what));
        }
        before = Some(layer.kind);
    }
    if last.kind == RealLayerKind::Linear {
        return Ok(());
    }
    Err(last.wrong(layers.len() - 1, "the last layer must be Linear"))
}

/// What is wrong with a layer of a kind behind one of another.
fn misplaced(before: Option<RealLayerKind>, kind: RealLayerKind) -> Option<&'static str> {
    let Some(before) = before else {
        return (!kind.has_weights()).then_some("the first layer must be Linear or Conv1d");
    };
    if kind.has_weights() {
        return before.has_weights().then_some(
            "follows another layer with weights; put an activation between them (Identity changes nothing)",
        );
    }
    if kind == RealLayerKind::AvgPool1d {
        return (!before.is_activation()).then_some("an activation must stand before it");
    }
    (!before.has_weights()).then_some("a layer with weights must stand before it")
}

fn optimizer(recipe: &RealRecipe) -> Result<(), RecipeError> {
    let optimizer = &recipe.optimizer;
    number("optimizer.learning_rate", optimizer.learning_rate, 0.0, 64.0)?;
    below("optimizer.momentum", optimizer.momentum, 1.0)?;
    count("optimizer.batch_size", optimizer.batch_size, 1, 1 << 16)?;
    count("optimizer.epochs", optimizer.epochs, 1, MOST_EPOCHS)?;
    number("optimizer.init_gain", optimizer.init_gain, 0.0, 16.0)
}

/// A number from 0 to less than `high`.
fn below(field: &str, value: f64, high: f64) -> Result<(), RecipeError> {
    if (0.0..high).contains(&value) {
        return Ok(());
    }
    Err(RecipeError::field(field, format!("{value}; 0 or more, below {high} is needed")))
}

fn bounds(recipe: &RealRecipe) -> Result<(), RecipeError> {
    let bounds = &recipe.bounds;
    number("bounds.preactivation", bounds.preactivation, 0.0, 1024.0)?;
    number("bounds.output", bounds.output, 0.0, 1024.0)?;
    number("bounds.error", bounds.error, 0.0, 1024.0)?;
    number("bounds.weight", bounds.weight, 0.0, 1024.0)?;
    number("bounds.momentum", bounds.momentum, 0.0, 1024.0)
}

fn cross_entropy(recipe: &RealRecipe) -> Result<(), RecipeError> {
    let settings = &recipe.cross_entropy;
    if ![3, 5, 7].contains(&settings.degree) {
        let what = format!("{}; 3, 5 or 7 is needed", settings.degree);
        return Err(RecipeError::field("cross_entropy.degree", what));
    }
    number("cross_entropy.limit", settings.limit, 0.0, 64.0)?;
    below("cross_entropy.smoothing", settings.smoothing, 0.5)
}
