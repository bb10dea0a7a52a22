//! Layers: where they stand, and their fields.

use crate::recipe::{Arithmetic, Kernel, Layer, LayerKind, Loss, Recipe, RecipeError, Scalar, Scheme};

/// Layers of a network, activations and poolings included.
const MOST_LAYERS: usize = 32;
/// Width of a layer, its channels, or a side of a kernel.
const WIDEST: usize = 1 << 16;
/// Magnitude of a coefficient.
const LARGEST_COEFFICIENT: f64 = 65536.0;
/// Ends of an interval.
const LARGEST_END: f64 = 1000.0;

pub(super) fn validate(recipe: &Recipe) -> Result<(), RecipeError> {
    let layers = &recipe.layers;
    let Some(last) = layers.iter().rposition(|layer| layer.kind.has_weights()) else {
        let what = match layers.first() {
            Some(layer) => {
                return Err(wrong(0, layer, "the first layer must have weights: Linear, Conv1d or Conv2d"));
            }
            None => "none; at least one Linear is needed",
        };
        return Err(RecipeError::field("layers", what));
    };
    if layers.len() > MOST_LAYERS {
        return Err(RecipeError::field(
            "layers",
            format!("{}; at most {MOST_LAYERS} are needed", layers.len()),
        ));
    }
    for (at, layer) in layers.iter().enumerate() {
        fields(at, layer)?;
        if layer.scheme == Scheme::Tables && !layer.kind.is_activation() {
            let what = "scheme = \"tables\" is one of activations; \"bgv\" is needed, or another";
            return Err(wrong(at, layer, what));
        }
        let before = at.checked_sub(1).map(|before| layers[before].kind);
        if let Some(what) = misplaced(before, layer.kind) {
            return Err(wrong(at, layer, what));
        }
        if at < last && layer.kind == LayerKind::Linear && layer.out_features.is_none() {
            let what = "`out_features` is missing; only the last Linear may leave it out";
            return Err(wrong(at, layer, what));
        }
        polynomial(recipe, at, layer, at > last)?;
    }
    end(recipe, last)
}

/// An error about the layer at a place, counted from 0.
fn wrong(at: usize, layer: &Layer, what: impl Into<String>) -> RecipeError {
    RecipeError::Layer { index: at + 1, kind: layer.kind.to_string(), what: what.into() }
}

/// The fault of a layer of a kind behind one of another.
fn misplaced(before: Option<LayerKind>, kind: LayerKind) -> Option<&'static str> {
    let Some(before) = before else {
        return (!kind.has_weights())
            .then_some("the first layer must have weights: Linear, Conv1d or Conv2d");
    };
    if kind.has_weights() {
        return before.has_weights().then_some(
            "follows another layer with weights; put an activation between them (Identity changes nothing)",
        );
    }
    if kind.is_pooling() {
        return (!before.is_activation()).then_some("an activation must stand before it");
    }
    (!before.has_weights()).then_some("a layer with weights must stand before it")
}

/// How the network ends: with a Linear, and no activation but a Sigmoid behind it.
fn end(recipe: &Recipe, last: usize) -> Result<(), RecipeError> {
    let layers = &recipe.layers;
    if layers[last].kind != LayerKind::Linear {
        return Err(wrong(last, &layers[last], "the last layer with weights must be Linear"));
    }
    let behind = &layers[last + 1..];
    if let Some(place) = behind.iter().position(|layer| layer.kind != LayerKind::Sigmoid) {
        let what = "behind the last layer with weights nothing but a Sigmoid may stand";
        return Err(wrong(last + 1 + place, &behind[place], what));
    }
    if recipe.loss == Loss::CrossEntropy && behind.is_empty() {
        let what = "loss = \"cross_entropy\" needs a Sigmoid behind it";
        return Err(wrong(last, &layers[last], what));
    }
    Ok(())
}

/// Refuses fields of other kinds, misses those of its own, and checks their numbers.
fn fields(at: usize, layer: &Layer) -> Result<(), RecipeError> {
    use LayerKind::{AvgPool1d, AvgPool2d, Conv1d, Conv2d, Linear, Polynomial};
    let fields: [(&str, bool, &[LayerKind], bool); 4] = [
        ("out_features", layer.out_features.is_some(), &[Linear], false),
        ("channels", layer.channels.is_some(), &[Conv1d, Conv2d], true),
        ("kernel", layer.kernel.is_some(), &[Conv1d, Conv2d, AvgPool1d, AvgPool2d], true),
        ("coefficients", layer.coefficients.is_some(), &[Polynomial], true),
    ];
    for (field, given, kinds, needed) in fields {
        let own = kinds.contains(&layer.kind);
        if given && !own {
            let names: Vec<String> = kinds.iter().map(ToString::to_string).collect();
            return Err(wrong(at, layer, format!("`{field}` is a field of {}", names.join(", "))));
        }
        if own && needed && !given {
            return Err(wrong(at, layer, format!("`{field}` is missing")));
        }
    }
    if layer.polynomial.is_some() && !layer.is_fitted() {
        let what =
            "`polynomial` is a field of activations that are no polynomials themselves, such as Sigmoid";
        return Err(wrong(at, layer, what));
    }
    for (field, value) in [("out_features", layer.out_features), ("channels", layer.channels)] {
        if let Some(n) = value.filter(|n| !(1..=WIDEST).contains(n)) {
            return Err(wrong(at, layer, format!("`{field}` = {n}; 1 to {WIDEST} is needed")));
        }
    }
    kernel(at, layer)
}

fn kernel(at: usize, layer: &Layer) -> Result<(), RecipeError> {
    let Some(kernel) = layer.kernel else { return Ok(()) };
    if let (Kernel::Rectangle([rows, columns]), LayerKind::Conv1d | LayerKind::AvgPool1d) =
        (kernel, layer.kind)
    {
        let what = format!("`kernel` = [{rows}, {columns}]; one number is needed along one direction");
        return Err(wrong(at, layer, what));
    }
    match kernel.sides().into_iter().find(|side| !(1..=WIDEST).contains(side)) {
        Some(n) => Err(wrong(at, layer, format!("`kernel` = {n}; 1 to {WIDEST} is needed"))),
        None => Ok(()),
    }
}

fn coefficients(at: usize, layer: &Layer, all: &[Scalar]) -> Result<(), RecipeError> {
    let n = all.len();
    if !(2..=8).contains(&n) {
        return Err(wrong(at, layer, format!("`coefficients` has {n} numbers; 2 to 8 are needed")));
    }
    if let Some(c) = all.iter().find(|c| c.value().abs() > LARGEST_COEFFICIENT) {
        let what = format!("`coefficients` has {c}; magnitudes up to {LARGEST_COEFFICIENT} are needed");
        return Err(wrong(at, layer, what));
    }
    if all[n - 1].value() == 0.0 {
        return Err(wrong(at, layer, "`coefficients` ends with 0; the last must be another number"));
    }
    match all.iter().find(|c| layer.scheme.arithmetic() == Arithmetic::Integers && c.dyadic().is_none()) {
        Some(c) => {
            let what = format!(
                "`coefficients` has {c}; n/2^k with k up to 30 is needed in {}, such as 1/8",
                layer.scheme
            );
            Err(wrong(at, layer, what))
        }
        None => Ok(()),
    }
}

/// The polynomial of an activation, as given or as fitted.
fn polynomial(recipe: &Recipe, at: usize, layer: &Layer, last: bool) -> Result<(), RecipeError> {
    if let Some(all) = &layer.coefficients {
        return coefficients(at, layer, all);
    }
    let Some(fit) = layer.polynomial else { return Ok(()) };
    let wrong = |what: String| Err(wrong(at, layer, what));
    if !(1..=7).contains(&fit.degree) {
        return wrong(format!("`polynomial.degree` = {}; 1 to 7 is needed", fit.degree));
    }
    if fit.coefficient_bits > 20 {
        let found = fit.coefficient_bits;
        return wrong(format!("`polynomial.coefficient_bits` = {found}; 0 to 20 is needed"));
    }
    let wide = |[low, high]: &[f64; 2]| low < high && low.abs() <= LARGEST_END && high.abs() <= LARGEST_END;
    if let Some([low, high]) = fit.interval.filter(|interval| !wide(interval)) {
        return wrong(format!(
            "`polynomial.interval` = [{low}, {high}]; [low, high] with low < high within ±{LARGEST_END} is needed"
        ));
    }
    let bounds = &recipe.numbers.bounds;
    let bound = if last { bounds.output } else { bounds.preactivation };
    let (degree, [low, high]) = (fit.degree, fit.interval.unwrap_or([-bound, bound]));
    match layer.fitted(bound).map(|fitted| fitted.len()) {
        Some(found) if found <= degree => wrong(format!(
            "`polynomial.degree` = {degree}: what fits on [{low}, {high}] is of degree {}; another is needed",
            found.saturating_sub(1)
        )),
        _ => Ok(()),
    }
}
