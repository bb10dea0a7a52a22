//! The trained model beside the twin's.

use super::report::TwinSummary;
use crate::model::{LayerState, Model};
use crate::plan::Tolerance;

/// Whether the models are equal, bit for bit or within a tolerance, and how large their differences are, as real numbers.
pub(super) fn compare(model: &Model, twin: &Model, tolerance: Option<Tolerance>) -> TwinSummary {
    let layers = model.layers.iter().zip(&twin.layers);
    let missing = if model.layers.len() == twin.layers.len() { 0.0 } else { f64::INFINITY };
    let largest = layers.map(|(a, b)| difference(a, b)).fold(missing, larger);
    let tolerance = tolerance.map(|tolerance| tolerance.weights);
    let equal = tolerance.map_or_else(|| model == twin, |tolerance| largest <= tolerance);
    let root_mean_square = Some(root_mean_square(model, twin));
    TwinSummary { equal: Some(equal), max_abs_error: Some(largest), tolerance, root_mean_square }
}

/// The largest difference of the numbers of a layer; infinite if they are not as many.
fn difference(a: &LayerState, b: &LayerState) -> f64 {
    let pairs = tensors(a).into_iter().zip(tensors(b));
    let one = |(a, b): (&Vec<f64>, &Vec<f64>)| {
        let missing = if a.len() == b.len() { 0.0 } else { f64::INFINITY };
        a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(missing, larger)
    };
    pairs.map(one).fold(0.0, larger)
}

/// The root mean square of the differences of weights and biases; what is no number is larger than any.
fn root_mean_square(a: &Model, b: &Model) -> f64 {
    let numbers = |model: &Model| -> Vec<f64> {
        model.layers.iter().flat_map(|layer| layer.weight.iter().chain(&layer.bias)).copied().collect()
    };
    let (a, b) = (numbers(a), numbers(b));
    let sum: f64 = a.iter().zip(&b).map(|(a, b)| (a - b) * (a - b)).sum();
    let missing = a.len() != b.len() || sum.is_nan();
    if missing { f64::INFINITY } else { (sum / a.len().max(1) as f64).sqrt() }
}

fn tensors(state: &LayerState) -> [&Vec<f64>; 4] {
    [&state.weight, &state.bias, &state.weight_momentum, &state.bias_momentum]
}

/// The larger of two; what is no number is larger than any.
fn larger(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::INFINITY } else { a.max(b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(weight: f64, momentum: &[f64]) -> Model {
        let layer = LayerState {
            shape: vec![1, 1],
            weight: vec![weight],
            bias: vec![0.0],
            weight_momentum: momentum.to_vec(),
            bias_momentum: vec![0.0],
        };
        Model { layers: vec![layer] }
    }

    #[test]
    fn models_are_equal_bit_for_bit_or_within_a_tolerance() {
        let tolerance = Some(Tolerance { weights: 0.25, outputs: 1.0 });
        let found = |b: &Model, tolerance| {
            let TwinSummary { equal, max_abs_error, .. } = compare(&model(1.0, &[0.5]), b, tolerance);
            (equal.unwrap(), max_abs_error.unwrap())
        };
        assert_eq!(found(&model(1.0, &[0.5]), None), (true, 0.0));
        assert_eq!(found(&model(1.0, &[0.75]), None), (false, 0.25));
        assert_eq!(found(&model(1.25, &[0.5]), tolerance), (true, 0.25));
        assert_eq!(found(&model(1.5, &[0.5]), tolerance), (false, 0.5));
        assert_eq!(found(&model(f64::NAN, &[0.5]), tolerance), (false, f64::INFINITY));
        assert_eq!(found(&model(1.0, &[]), tolerance), (false, f64::INFINITY));
        assert_eq!(found(&Model { layers: vec![] }, tolerance), (false, f64::INFINITY));
    }

    #[test]
    fn the_root_mean_square_is_of_weights_and_biases() {
        let found = |b: &Model| compare(&model(1.0, &[0.5]), b, None).root_mean_square.unwrap();
        assert_eq!((found(&model(1.0, &[9.0])), found(&model(f64::NAN, &[0.5]))), (0.0, f64::INFINITY));
        // Of a weight and a bias the weight is off by 4.
        assert_eq!(found(&model(5.0, &[0.5])), 8.0_f64.sqrt());
        assert_eq!(found(&Model { layers: vec![] }), f64::INFINITY);
    }
}
