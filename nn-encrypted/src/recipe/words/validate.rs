//! The checks of a recipe of words.

use super::super::validate::{MOST_EPOCHS, MOST_LAYERS, count, name, normalization, number, seed};
use super::{Coding, Descent, RecipeError, Sigmoid, WordRecipe};

/// Width of a hidden layer.
const WIDEST: usize = 1 << 12;
/// Weights of all layers.
const MOST_WEIGHTS: usize = 1 << 20;

pub(super) fn validate(recipe: &WordRecipe) -> Result<(), RecipeError> {
    name(&recipe.name)?;
    seed(recipe.seed)?;
    normalization(&recipe.data.normalize)?;
    words(recipe)?;
    if recipe.hidden.len() > MOST_LAYERS {
        let what = format!("{} layers; at most {MOST_LAYERS} are needed", recipe.hidden.len());
        return Err(RecipeError::field("hidden", what));
    }
    for (layer, &width) in recipe.hidden.iter().enumerate() {
        count(&format!("hidden.{layer}"), width, 1, WIDEST)?;
    }
    descent(&recipe.optimizer, recipe.word_bits - 1)
}

/// Word and point, and what must fit into the word.
fn words(recipe: &WordRecipe) -> Result<(), RecipeError> {
    let (word, fraction) = (recipe.word_bits, recipe.fraction_bits());
    if ![8, 16, 32].contains(&word) {
        return Err(RecipeError::field("word_bits", format!("{word}; 8, 16 or 32 is needed")));
    }
    count("fraction_bits", fraction as usize, 1, word as usize - 2)?;
    if recipe.activation == Sigmoid::Table && fraction % 2 == 1 {
        let what = format!("{fraction}; an even number is needed with activation = \"table\"");
        return Err(RecipeError::field("fraction_bits", what));
    }
    let (limit, most) = (recipe.data.normalize.limit(), f64::from(word - 1 - fraction).exp2());
    if limit >= most {
        let what = format!(
            "{limit}; words of {word} bits, {fraction} of them behind the point, hold less than {most}"
        );
        return Err(RecipeError::field("data.normalize.limit", what));
    }
    Ok(())
}

/// A learning rate of at least `2^-least`.
pub(in super::super) fn descent(optimizer: &Descent, least: u32) -> Result<(), RecipeError> {
    if optimizer.shift().is_none_or(|shift| shift > least) {
        let found = optimizer.learning_rate;
        let what = format!("{found}; a power of two from 2^-{least} to 1 is needed");
        return Err(RecipeError::field("optimizer.learning_rate", what));
    }
    count("optimizer.batch_size", optimizer.batch_size, 1, 1 << 16)?;
    count("optimizer.epochs", optimizer.epochs, 1, MOST_EPOCHS)?;
    number("optimizer.init_gain", optimizer.init_gain, 0.0, 16.0)
}

pub(super) fn widths(
    recipe: &WordRecipe,
    features: usize,
    classes: usize,
) -> Result<Vec<usize>, RecipeError> {
    let outputs = match recipe.outputs {
        Coding::OneHot => classes,
        Coding::Single if classes == 2 => 1,
        Coding::Single => {
            let what = format!("\"single\"; the data has {classes} classes, 2 are needed: see data.positive");
            return Err(RecipeError::field("outputs", what));
        }
    };
    let widths: Vec<usize> = [&[features][..], &recipe.hidden, &[outputs]].concat();
    let mut weights = 0_usize;
    for (layer, pair) in widths.windows(2).enumerate() {
        weights = weights.saturating_add(pair[0].saturating_mul(pair[1]));
        if weights > MOST_WEIGHTS {
            let what = format!(
                "layer {} with {} inputs and {} outputs makes {weights} weights up to there; at most {MOST_WEIGHTS} are possible",
                layer + 1,
                pair[0],
                pair[1]
            );
            return Err(RecipeError::field("hidden", what));
        }
    }
    Ok(widths)
}
