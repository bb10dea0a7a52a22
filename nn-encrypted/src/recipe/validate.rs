//! The checks of a recipe that need no data.
//!
//! They say what a recipe can mean. Which layers a scheme can compute, with what levels, range and layout, is the planner's.

mod layers;

use super::{
    Arithmetic, Backward, Bounds, Loss, Numbers, Optimizer, Parameters, Recipe, RecipeError, Refresh,
    RefreshStrategy, RefreshTensor, Scalar, Scheme, WordCoding,
};
use crate::data::Normalization;

/// Characters of a name.
const LONGEST_NAME: usize = 64;
/// Passes over the training part.
const MOST_EPOCHS: usize = 100_000;
/// Magnitude of a bound.
const LARGEST_BOUND: f64 = 1024.0;
/// `log2` of the largest denominator of a rate where updates are rounded by refreshes.
const RATE_BITS: u32 = 16;
/// The most bits by which summed gradients are shifted where updates are exact.
const CLEAN_SHIFT: u32 = 24;

pub(super) fn validate(recipe: &Recipe) -> Result<(), RecipeError> {
    name(&recipe.name)?;
    seed(recipe.seed)?;
    normalization(&recipe.data.normalize)?;
    numbers(&recipe.numbers)?;
    let exactness = Exactness::of(recipe);
    layers::validate(recipe)?;
    loss(recipe)?;
    optimizer(recipe, exactness)?;
    formats(recipe, exactness)?;
    refresh(&recipe.refresh)?;
    parameters(&recipe.parameters)
}

/// Which layers with weights have exact numbers, of what kind.
#[derive(Clone, Copy)]
struct Exactness {
    /// Some have integers that are rounded by refreshes.
    refreshed: bool,
    /// All have integers that lookup tables round.
    clean: bool,
    /// Some have words.
    words: bool,
}

impl Exactness {
    fn of(recipe: &Recipe) -> Self {
        let any = |of| {
            recipe.layers.iter().any(|layer| layer.kind.has_weights() && layer.scheme.arithmetic() == of)
        };
        let clean = recipe.refresh.strategy == RefreshStrategy::Clean;
        Self { refreshed: any(Arithmetic::Integers) && !clean, clean, words: any(Arithmetic::Words) }
    }
}

/// The name is that of a folder too.
fn name(name: &str) -> Result<(), RecipeError> {
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
fn seed(seed: u64) -> Result<(), RecipeError> {
    if i64::try_from(seed).is_ok() {
        return Ok(());
    }
    Err(RecipeError::field("seed", format!("{seed}; at most 2^63 - 1 is needed")))
}

/// A finite number within (low, high].
fn number(field: &str, value: f64, low: f64, high: f64) -> Result<(), RecipeError> {
    if value > low && value <= high {
        return Ok(());
    }
    Err(RecipeError::field(field, format!("{value}; a number above {low} and up to {high} is needed")))
}

/// A number from 0 to less than `high`.
fn below(field: &str, value: f64, high: f64) -> Result<(), RecipeError> {
    if (0.0..high).contains(&value) {
        return Ok(());
    }
    Err(RecipeError::field(field, format!("{value}; 0 or more, below {high} is needed")))
}

fn count(field: &str, value: usize, low: usize, high: usize) -> Result<(), RecipeError> {
    if (low..=high).contains(&value) {
        return Ok(());
    }
    Err(RecipeError::field(field, format!("{value}; {low} to {high} is needed")))
}

fn normalization(normalize: &Normalization) -> Result<(), RecipeError> {
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

/// Bits in range and bounds finite, whatever the schemes.
fn numbers(numbers: &Numbers) -> Result<(), RecipeError> {
    let bits = [
        ("input_bits", numbers.input_bits, 16),
        ("weight_bits", numbers.weight_bits, 24),
        ("product_weight_bits", numbers.product_weight_bits, 24),
        ("preactivation_bits", numbers.preactivation_bits, 16),
        ("output_bits", numbers.output_bits, 16),
        ("error_bits", numbers.error_bits, 16),
        ("momentum_bits", numbers.momentum_bits, 24),
    ];
    for (name, value, most) in bits {
        count(&format!("numbers.{name}"), value as usize, 1, most)?;
    }
    if numbers.product_weight_bits > numbers.weight_bits {
        let (found, most) = (numbers.product_weight_bits, numbers.weight_bits);
        let what = format!("{found}; at most weight_bits = {most} is needed");
        return Err(RecipeError::field("numbers.product_weight_bits", what));
    }
    if let Some(bits) = numbers.plaintext_bits.value() {
        count("numbers.plaintext_bits", bits, 2, 60)?;
    }
    for (name, value, _) in bounds(numbers) {
        number(&format!("numbers.bounds.{name}"), value, 0.0, LARGEST_BOUND)?;
    }
    words(numbers)
}

/// Name and value of each bound, and the fractional bits of what is held to it.
fn bounds(numbers: &Numbers) -> [(&'static str, f64, u32); 5] {
    let Bounds { preactivation, output, error, weight, momentum } = numbers.bounds;
    [
        ("preactivation", preactivation, numbers.preactivation_bits),
        ("output", output, numbers.output_bits),
        ("error", error, numbers.error_bits),
        ("weight", weight, numbers.product_weight_bits),
        ("momentum", momentum, numbers.momentum_bits),
    ]
}

/// Word and point.
fn words(numbers: &Numbers) -> Result<(), RecipeError> {
    let (word, fraction) = (numbers.word_bits, numbers.word_fraction_bits());
    if ![8, 16, 32].contains(&word) {
        return Err(RecipeError::field("numbers.word_bits", format!("{word}; 8, 16 or 32 is needed")));
    }
    count("numbers.fraction_bits", fraction as usize, 1, word as usize - 2)?;
    if numbers.words == WordCoding::Digits && fraction % 2 == 1 {
        let what = format!("{fraction}; an even number is needed with words = \"digits\"");
        return Err(RecipeError::field("numbers.fraction_bits", what));
    }
    Ok(())
}

/// Checks the fields of the formats that the schemes make matter.
fn formats(recipe: &Recipe, exactness: Exactness) -> Result<(), RecipeError> {
    let numbers = &recipe.numbers;
    if exactness.refreshed {
        for (name, value, bits) in bounds(numbers) {
            if (value * f64::from(1_u32 << bits)).fract() != 0.0 {
                let what = format!("{value}; a multiple of 2^-{bits} is needed");
                return Err(RecipeError::field(&format!("numbers.bounds.{name}"), what));
            }
        }
    }
    if exactness.clean {
        let with = |field: &str, value: usize, low, high| {
            count(field, value, low, high).map_err(|_| {
                let what = format!("{value}; {low} to {high} is needed with strategy = \"clean\"");
                RecipeError::field(field, what)
            })
        };
        with("numbers.input_bits", numbers.input_bits as usize, 1, 7)?;
        // A table in TFHE holds six bits with their sign.
        let over_slots = recipe.layers.iter().any(|layer| layer.scheme == Scheme::Tables);
        let most = if over_slots { 12 } else { 6 };
        with("numbers.error_bits", numbers.error_bits as usize, 1, most)?;
        if let Some(bits) = numbers.plaintext_bits.value() {
            with("numbers.plaintext_bits", bits, 8, 36)?;
        }
    }
    if exactness.words {
        let (word, fraction) = (numbers.word_bits, numbers.word_fraction_bits());
        let (limit, most) = (recipe.data.normalize.limit(), f64::from(word - 1 - fraction).exp2());
        if limit >= most {
            let what = format!(
                "{limit}; words of {word} bits, {fraction} of them behind the point, hold less than {most}"
            );
            return Err(RecipeError::field("data.normalize.limit", what));
        }
    }
    Ok(())
}

fn loss(recipe: &Recipe) -> Result<(), RecipeError> {
    below("target_smoothing", recipe.target_smoothing, 0.5)?;
    if recipe.target_smoothing > 0.0 && recipe.loss != Loss::CrossEntropy {
        let what = format!("{}; loss = \"cross_entropy\" is needed with it", recipe.target_smoothing);
        return Err(RecipeError::field("target_smoothing", what));
    }
    Ok(())
}

fn optimizer(recipe: &Recipe, exactness: Exactness) -> Result<(), RecipeError> {
    let optimizer = &recipe.optimizer;
    number("optimizer.learning_rate", optimizer.learning_rate.value(), 0.0, 64.0)?;
    below("optimizer.momentum", optimizer.momentum.value(), 1.0)?;
    count("optimizer.batch_size", optimizer.batch_size, 1, 1 << 16)?;
    count("optimizer.epochs", optimizer.epochs, 1, MOST_EPOCHS)?;
    number("optimizer.init_gain", recipe.init_gain(), 0.0, 16.0)?;
    if exactness.refreshed {
        dyadic("optimizer.learning_rate", optimizer.learning_rate)?;
        dyadic("optimizer.momentum", optimizer.momentum)?;
    }
    if exactness.clean {
        shifted(optimizer, CLEAN_SHIFT, "strategy = \"clean\"")?;
    }
    if exactness.words {
        shifted(optimizer, recipe.numbers.word_bits - 1, "layers with weights in tfhe")?;
    }
    Ok(())
}

/// A rate of a denominator that exact integers can afford.
fn dyadic(field: &str, value: Scalar) -> Result<(), RecipeError> {
    if value.dyadic().is_some_and(|value| value.bits() <= RATE_BITS) {
        return Ok(());
    }
    let what = format!(
        "{value}; n/2^k with a denominator up to 2^{RATE_BITS} is needed with layers with weights in bgv or bfv"
    );
    Err(RecipeError::field(field, what))
}

/// A learning rate by which summed gradients are shifted by at most `most` bits.
fn shifted(optimizer: &Optimizer, most: u32, with: &str) -> Result<(), RecipeError> {
    if optimizer.update_shift().is_none_or(|shift| shift > most) {
        let (found, high) = (optimizer.learning_rate, i64::from(optimizer.batch_shift()));
        let (low, batch) = (high - i64::from(most), optimizer.batch_size);
        let what = format!(
            "{found}; a power of two from 2^{low} to 2^{high} is needed with {with} and {batch} samples a step"
        );
        return Err(RecipeError::field("optimizer.learning_rate", what));
    }
    Ok(())
}

fn refresh(refresh: &Refresh) -> Result<(), RecipeError> {
    if refresh.strategy == RefreshStrategy::None && !refresh.tensors.is_empty() {
        let what = format!("{} of them; [] is needed with strategy = \"none\"", refresh.tensors.len());
        return Err(RecipeError::field("refresh.tensors", what));
    }
    if refresh.strategy != RefreshStrategy::Client || refresh.backward == Backward::Client {
        return Ok(());
    }
    for needed in [RefreshTensor::Weight, RefreshTensor::Momentum] {
        if !refresh.tensors.contains(&needed) {
            let what = format!("{needed:?} is missing; its scale would grow at every step");
            return Err(RecipeError::field("refresh.tensors", what));
        }
    }
    Ok(())
}

fn parameters(parameters: &Parameters) -> Result<(), RecipeError> {
    if parameters.security != 128 {
        let what = format!("{}; 128 is needed", parameters.security);
        return Err(RecipeError::field("parameters.security", what));
    }
    let unusual = |n: &usize| !n.is_power_of_two() || !(1024..=131_072).contains(n);
    match parameters.ring_dimension.value().filter(unusual) {
        Some(n) => {
            let what = format!("{n}; \"auto\" or a power of two from 1024 to 131072 is needed");
            Err(RecipeError::field("parameters.ring_dimension", what))
        }
        None => Ok(()),
    }
}
