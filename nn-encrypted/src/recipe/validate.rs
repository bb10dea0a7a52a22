//! The checks of a recipe that need no data.

use super::{Layer, LayerKind, Quantization, Recipe, RecipeError, Tensor};
use crate::data::Normalization;

/// Characters of a name.
const LONGEST_NAME: usize = 64;
/// Layers of a network, activations included.
pub(super) const MOST_LAYERS: usize = 32;
/// Passes over the training part.
pub(super) const MOST_EPOCHS: usize = 100_000;

pub(super) fn validate(recipe: &Recipe) -> Result<(), RecipeError> {
    name(&recipe.name)?;
    seed(recipe.seed)?;
    normalization(&recipe.data.normalize)?;
    layers(&recipe.layers)?;
    optimizer(recipe)?;
    quantization(&recipe.quantization)?;
    for needed in [Tensor::Weight, Tensor::Momentum] {
        if !recipe.refresh.tensors.contains(&needed) {
            return Err(RecipeError::field(
                "refresh.tensors",
                format!("{needed:?} is missing; its scale would grow at every step"),
            ));
        }
    }
    parameters(recipe)
}

/// The name is that of a folder too.
pub(super) fn name(name: &str) -> Result<(), RecipeError> {
    let usual = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if (1..=LONGEST_NAME).contains(&name.len()) && !name.starts_with('.') && name.chars().all(usual) {
        return Ok(());
    }
    let shown: String = name.chars().take(LONGEST_NAME).collect();
    let what = format!(
        "{shown:?}; 1 to {LONGEST_NAME} of A-Z, a-z, 0-9, `.`, `_` and `-`, the first no `.`, are needed"
    );
    Err(RecipeError::field("name", what))
}

/// A number that TOML can hold.
pub(super) fn seed(seed: u64) -> Result<(), RecipeError> {
    if i64::try_from(seed).is_ok() {
        return Ok(());
    }
    Err(RecipeError::field("seed", format!("{seed}; at most 2^63 - 1 is needed")))
}

/// A finite number within (low, high].
pub(super) fn number(field: &str, value: f64, low: f64, high: f64) -> Result<(), RecipeError> {
    if value > low && value <= high {
        return Ok(());
    }
    Err(RecipeError::field(field, format!("{value}; a number above {low} and up to {high} is needed")))
}

pub(super) fn count(field: &str, value: usize, low: usize, high: usize) -> Result<(), RecipeError> {
    if (low..=high).contains(&value) {
        return Ok(());
    }
    Err(RecipeError::field(field, format!("{value}; {low} to {high} is needed")))
}

pub(super) fn normalization(normalize: &Normalization) -> Result<(), RecipeError> {
    number("data.normalize.limit", normalize.limit(), 0.0, 1024.0)?;
    match *normalize {
        Normalization::Affine { divisor, center, .. } => {
            number("data.normalize.divisor", divisor, 0.0, 1e12)?;
            number("data.normalize.center", center, -1e12, 1e12)
        }
        Normalization::MinMax { .. } => Ok(()),
        Normalization::Standardize { scale, .. } => number("data.normalize.scale", scale, 0.0, 1024.0),
        Normalization::Whiten { roots, scale, .. } => {
            count("data.normalize.roots", roots as usize, 0, 8)?;
            number("data.normalize.scale", scale, 0.0, 1024.0)
        }
    }
}

fn layers(layers: &[Layer]) -> Result<(), RecipeError> {
    let Some(last) = layers.len().checked_sub(1) else {
        return Err(RecipeError::field("layers", "none; at least one Linear is needed"));
    };
    if layers.len() > MOST_LAYERS {
        let what = format!("{}; at most {MOST_LAYERS} are needed", layers.len());
        return Err(RecipeError::field("layers", what));
    }
    for (index, layer) in layers.iter().enumerate() {
        let wrong = |what: &str| {
            Err(RecipeError::Layer { index, kind: layer.kind.to_string(), what: what.to_owned() })
        };
        layer.validate(index)?;
        let linear = layer.kind == LayerKind::Linear;
        if linear != (index % 2 == 0) {
            return wrong(match (linear, index) {
                (true, _) => {
                    "follows another Linear; put an activation between them (Identity changes nothing)"
                }
                (false, 0) => "the first layer must be Linear",
                (false, _) => "follows another activation; a Linear must stand between them",
            });
        }
        if index == last && !linear {
            return wrong("the last layer must be Linear");
        }
        if linear && index != last && layer.out_features.is_none() {
            return wrong("`out_features` is missing; only the last Linear may leave it out");
        }
    }
    Ok(())
}

fn optimizer(recipe: &Recipe) -> Result<(), RecipeError> {
    let optimizer = &recipe.optimizer;
    number("optimizer.learning_rate", optimizer.learning_rate.to_f64(), 0.0, 64.0)?;
    let momentum = optimizer.momentum.to_f64();
    if !(0.0..1.0).contains(&momentum) {
        return Err(RecipeError::field(
            "optimizer.momentum",
            format!("{momentum}; 0 or more, below 1 is needed"),
        ));
    }
    for (field, value) in
        [("optimizer.learning_rate", optimizer.learning_rate), ("optimizer.momentum", optimizer.momentum)]
    {
        if value.bits() > 16 {
            return Err(RecipeError::field(field, format!("{value}; a denominator up to 2^16 is needed")));
        }
    }
    count("optimizer.batch_size", optimizer.batch_size, 1, 1 << 16)?;
    count("optimizer.epochs", optimizer.epochs, 1, MOST_EPOCHS)?;
    number("optimizer.init_gain", recipe.init_gain(), 0.0, 16.0)
}

fn quantization(q: &Quantization) -> Result<(), RecipeError> {
    let bits = [
        ("input_bits", q.input_bits, 16),
        ("weight_bits", q.weight_bits, 24),
        ("product_weight_bits", q.product_weight_bits, 24),
        ("preactivation_bits", q.preactivation_bits, 16),
        ("output_bits", q.output_bits, 16),
        ("error_bits", q.error_bits, 16),
        ("momentum_bits", q.momentum_bits, 24),
    ];
    for (name, value, most) in bits {
        count(&format!("quantization.{name}"), value as usize, 1, most)?;
    }
    if q.product_weight_bits > q.weight_bits {
        let what = format!("{}; at most weight_bits = {} is needed", q.product_weight_bits, q.weight_bits);
        return Err(RecipeError::field("quantization.product_weight_bits", what));
    }
    let bounds = [
        ("preactivation", q.bounds.preactivation, q.preactivation_bits),
        ("output", q.bounds.output, q.output_bits),
        ("error", q.bounds.error, q.error_bits),
        ("weight", q.bounds.weight, q.product_weight_bits),
        ("momentum", q.bounds.momentum, q.momentum_bits),
    ];
    for (name, value, bits) in bounds {
        let field = format!("quantization.bounds.{name}");
        number(&field, value, 0.0, 1024.0)?;
        if (value * f64::from(1_u32 << bits)).fract() != 0.0 {
            return Err(RecipeError::field(&field, format!("{value}; a multiple of 2^-{bits} is needed")));
        }
    }
    Ok(())
}

fn parameters(recipe: &Recipe) -> Result<(), RecipeError> {
    let parameters = &recipe.parameters;
    if parameters.security != 128 {
        let what = format!("{}; 128 is needed", parameters.security);
        return Err(RecipeError::field("parameters.security", what));
    }
    if let Some(n) =
        parameters.ring_dimension.value().filter(|n| !n.is_power_of_two() || !(1024..=131_072).contains(n))
    {
        let what = format!("{n}; \"auto\" or a power of two from 1024 to 131072 is needed");
        return Err(RecipeError::field("parameters.ring_dimension", what));
    }
    match parameters.plaintext_bits.value() {
        Some(bits) => count("parameters.plaintext_bits", bits, 2, 60),
        None => Ok(()),
    }
}
