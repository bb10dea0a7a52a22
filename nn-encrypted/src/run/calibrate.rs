//! Bounds from the data: twice the largest magnitudes of the same training in floating point.

use super::RunError;
use super::session::Session;
use crate::recipe::{Bounds, Numbers, Recipe, RefreshTensor, Scheme};

/// How many times the largest magnitude of a training in the clear a bound is.
const MARGIN: f64 = 2.0;
/// Products that the training in the clear may take: steps beyond are left out. A count, so that every machine finds the same bounds.
const PRODUCTS: usize = 2_000_000_000;

/// Whether bounds of a recipe mean anything: layers with weights on words have none.
pub(crate) fn is_bounded(recipe: &Recipe) -> bool {
    recipe.layers.iter().any(|layer| layer.kind.has_weights() && layer.scheme != Scheme::Tfhe)
}

/// A session with bounds found from its data, and a word on them.
///
/// # Errors
/// If the data do not fit the recipe with these bounds, or the training in the clear diverges.
pub(crate) fn calibrated(session: &Session) -> Result<(Session, String), RunError> {
    let mut net = session.clear()?;
    let weights: usize = session.network.layers.iter().map(|layer| layer.inputs() * layer.outputs()).sum();
    let each = session.recipe.optimizer.batch_size * weights.max(1);
    let steps = session.steps(Some((PRODUCTS / each.max(1)).max(1)));
    for batch in session.batches.schedule(0).take(steps) {
        let (x, targets) = session.hard_batch(batch)?;
        net.step(&x, &targets)?;
    }
    let found = |tensor: RefreshTensor| net.largest(tensor);
    let mut recipe = session.recipe.clone();
    recipe.numbers.bounds = widened(&recipe.numbers, found);
    let Bounds { preactivation, output, error, weight, momentum } = recipe.numbers.bounds;
    let word = format!(
        "bounds from {steps} steps in the clear, {MARGIN} times the largest values there: preactivation = {preactivation}, output = {output}, error = {error}, weight = {weight}, momentum = {momentum}"
    );
    Ok((session.with_recipe(recipe)?, word))
}

fn widened(numbers: &Numbers, found: impl Fn(RefreshTensor) -> f64) -> Bounds {
    use RefreshTensor as T;
    let bound = |tensor: T, bits: u32| rounded(MARGIN * found(tensor), bits);
    Bounds {
        preactivation: bound(T::Preactivation, numbers.preactivation_bits),
        output: bound(T::Output, numbers.output_bits),
        error: bound(T::Error, numbers.error_bits),
        weight: bound(T::Weight, numbers.product_weight_bits),
        momentum: bound(T::Momentum, numbers.momentum_bits),
    }
}

/// The next number above with two significant decimal digits' worth of bits, a multiple of `2^-bits`.
fn rounded(value: f64, bits: u32) -> f64 {
    let least = f64::from(bits).exp2().recip();
    let unit = (value.max(least).log2().floor() - 3.0).exp2().max(least);
    ((value / unit).ceil() * unit).clamp(least, 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{Mode, Options, train_session};

    #[test]
    fn bounds_are_multiples_of_what_formats_hold() {
        assert_eq!(
            [rounded(2.3, 4), rounded(0.0, 4), rounded(0.3, 2), rounded(1e9, 4)],
            [2.5, 0.0625, 0.5, 1024.0]
        );
    }

    #[test]
    fn a_training_with_bounds_from_its_data_keeps_within_them() {
        let settings = ["data.set=iris", "optimizer.epochs=3"].map(String::from);
        for name in ["hesamifard2017", "ckks_sgd"] {
            let session = Session::new(Recipe::load(name, &settings).unwrap(), None).unwrap();
            let (session, word) = calibrated(&session).unwrap();
            assert!(
                word.starts_with("bounds from 12 steps") || word.starts_with("bounds from 9 steps"),
                "{word}"
            );
            let options = Options { mode: Mode::Simulate, quiet: true, ..Options::default() };
            let outcome = train_session(&session, &options, std::time::Instant::now()).unwrap();
            assert_eq!(
                outcome.report.traffic.saturations + outcome.report.traffic.out_of_bounds,
                0,
                "{name}"
            );
            assert!(outcome.report.ranges.iter().all(|range| range.largest < 0.8 * range.bound), "{name}");
        }
    }
}
