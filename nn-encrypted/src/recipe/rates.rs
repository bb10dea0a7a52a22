//! Rates as decimals, rounded to what the schemes of the layers hold.

use super::{Arithmetic, Recipe, RefreshStrategy, Scalar};
use crate::activation::Dyadic;

/// How far a rate may be from what was asked for, relative to it; of momentum, relative to its distance from 1.
const NEAR: f64 = 0.02;
/// `log2` of the largest denominator.
const MOST_BITS: u32 = 16;

/// Rounds learning rate and momentum where layers with weights are exact, and says so.
pub(super) fn round(recipe: &mut Recipe) -> Vec<String> {
    let has = |arithmetic| {
        let mut layers = recipe.layers.iter().filter(|layer| layer.kind.has_weights());
        layers.any(|layer| layer.scheme.arithmetic() == arithmetic)
    };
    let clean = recipe.refresh.strategy == RefreshStrategy::Clean;
    let (shifted, fractions) = (clean || has(Arithmetic::Words), has(Arithmetic::Integers));
    let (rate, momentum) = (recipe.optimizer.learning_rate, recipe.optimizer.momentum);
    let held = match (shifted, fractions) {
        (true, _) => power(rate.value()),
        (false, true) => fraction(rate, NEAR * rate.value()),
        (false, false) => rate,
    };
    let mut words = Vec::new();
    let mut word = |name: &str, asked: f64, held: Scalar, kind: &str| {
        if held.value() != asked {
            words.push(format!("optimizer.{name}: {asked} becomes {held}, {kind} that these schemes hold"));
        }
    };
    word(
        "learning_rate",
        rate.value(),
        held,
        if shifted { "the nearest power of two" } else { "a fraction" },
    );
    recipe.optimizer.learning_rate = held;
    if fractions && !clean {
        let held = fraction(momentum, NEAR * (1.0 - momentum.value()));
        word("momentum", momentum.value(), held, "a fraction");
        recipe.optimizer.momentum = held;
    }
    words
}

/// The nearest power of two, by its logarithm; what has none stays, and is refused elsewhere.
fn power(value: f64) -> Scalar {
    let power = value.log2().round().exp2();
    let held = if power > 0.0 && power.is_finite() { power } else { value };
    Scalar::new(held).unwrap_or(Scalar::from(Dyadic::new(0, 0)))
}

/// The fraction with the smallest denominator that is near enough; the number itself if it is one.
fn fraction(value: Scalar, near: f64) -> Scalar {
    if value.dyadic().is_some_and(|dyadic| dyadic.bits() <= MOST_BITS) {
        return value;
    }
    let at = |bits: u32| {
        let unit = f64::from(bits).exp2();
        (value.value() * unit).round() / unit
    };
    let found =
        (0..=MOST_BITS).map(at).find(|held| (held - value.value()).abs() <= near.abs() && *held > 0.0);
    found.and_then(Scalar::new).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_rounded_to_what_schemes_hold_and_said() {
        let load = |name: &str, set: &[&str]| {
            let settings: Vec<String> = set.iter().map(ToString::to_string).collect();
            let loaded = Recipe::load_with_words(name, &settings).unwrap();
            let optimizer = loaded.recipe.optimizer;
            (optimizer.learning_rate.to_string(), optimizer.momentum.to_string(), loaded.words)
        };
        let (rate, momentum, words) =
            load("hesamifard2017", &["optimizer.learning_rate=0.1", "optimizer.momentum=0.9"]);
        assert_eq!((rate.as_str(), momentum.as_str()), ("13/128", "115/128"));
        assert_eq!(
            words[0],
            "optimizer.learning_rate: 0.1 becomes 13/128, a fraction that these schemes hold"
        );
        assert_eq!(words.len(), 2);
        let (rate, _, words) = load("glyph2020", &["optimizer.learning_rate=0.1"]);
        assert_eq!((rate.as_str(), words.len()), ("1/8", 1));
        let (rate, _, words) = load("ckks_sgd", &["optimizer.learning_rate=0.3"]);
        assert_eq!((rate.as_str(), words.len()), ("0.3", 0));
        assert_eq!(load("hesamifard2017", &[]).2, Vec::<String>::new());
    }
}
