//! The checks of a mixed recipe.

use super::super::validate::{MOST_LAYERS, count, name, normalization, number, seed};
use super::super::words::descent;
use super::{MixedLayer, MixedLayerKind, MixedRecipe, RecipeError};

/// Width of a layer.
const WIDEST: usize = 1 << 12;
/// Weights of all layers.
const MOST_WEIGHTS: usize = 1 << 20;

pub(super) fn validate(recipe: &MixedRecipe) -> Result<(), RecipeError> {
    name(&recipe.name)?;
    seed(recipe.seed)?;
    normalization(&recipe.data.normalize)?;
    let layers = &recipe.layers;
    if layers.len() < 2 || layers.len() > MOST_LAYERS || layers.len() % 2 == 1 {
        let what =
            format!("{}; Linear and an activation in turn, 2 to {MOST_LAYERS}, are needed", layers.len());
        return Err(RecipeError::field("layers", what));
    }
    layers.iter().enumerate().try_for_each(|(index, layer)| place(layers, index, layer))?;
    descent(&recipe.optimizer, 24)?;
    quantization(recipe)
}

/// A layer where it stands.
fn place(layers: &[MixedLayer], index: usize, layer: &MixedLayer) -> Result<(), RecipeError> {
    let wrong =
        |what: &str| Err(RecipeError::Layer { index, kind: layer.kind.to_string(), what: what.to_owned() });
    let (linear, last) = (layer.kind == MixedLayerKind::Linear, index + 1 == layers.len());
    if linear != index.is_multiple_of(2) {
        return wrong("stands where another kind is needed: Linear and an activation in turn");
    }
    if !linear && last != (layer.kind != MixedLayerKind::ReLU) {
        return wrong("ReLU stands between layers; Sigmoid comes last");
    }
    if layer.out_features.is_some() && !linear {
        return wrong("`out_features` is a field of Linear");
    }
    if linear && index + 2 != layers.len() && layer.out_features.is_none() {
        return wrong("`out_features` is missing; only the last Linear may leave it out");
    }
    if layer.out_features.is_some_and(|n| !(1..=WIDEST).contains(&n)) {
        return wrong("`out_features` from 1 to 4096 is needed");
    }
    Ok(())
}

fn quantization(recipe: &MixedRecipe) -> Result<(), RecipeError> {
    let q = &recipe.quantization;
    count("quantization.plaintext_bits", q.plaintext_bits as usize, 8, 36)?;
    count("quantization.activation_bits", q.activation_bits as usize, 1, 7)?;
    count("quantization.error_bits", q.error_bits as usize, 1, 6)?;
    number("quantization.bounds.preactivation", q.bounds.preactivation, 0.0, 1024.0)?;
    number("quantization.bounds.output", q.bounds.output, 0.0, 1024.0)?;
    number("quantization.bounds.error", q.bounds.error, 0.0, 1024.0)
}

pub(super) fn widths(
    recipe: &MixedRecipe,
    features: usize,
    classes: usize,
) -> Result<Vec<usize>, RecipeError> {
    let linear = recipe.layers.iter().enumerate().filter(|(_, layer)| layer.kind == MixedLayerKind::Linear);
    let mut widths = vec![features];
    for (index, layer) in linear {
        let last = index + 2 == recipe.layers.len();
        let wrong = |what: String| Err(RecipeError::Layer { index, kind: "Linear".into(), what });
        let outputs = layer.out_features.unwrap_or(classes);
        if last && outputs != classes {
            return wrong(format!("`out_features` = {outputs}; the data has {classes} classes"));
        }
        widths.push(outputs);
        let weights: usize = widths.windows(2).map(|pair| pair[0].saturating_mul(pair[1])).sum();
        if weights > MOST_WEIGHTS {
            return wrong(format!("{weights} weights up to there; at most {MOST_WEIGHTS} are possible"));
        }
    }
    Ok(widths)
}
