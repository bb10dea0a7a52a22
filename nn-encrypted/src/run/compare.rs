//! The trained model beside the twin's.

use super::report::TwinSummary;
use super::task::Task;
use super::weights::{Tensor, Tensors, Values};

/// Whether the models are equal, and their largest difference as a real number.
pub(super) fn compare<T: Task>(task: &T, model: &T::Model, twin: &T::Model) -> TwinSummary {
    let unit = f64::from(task.weight_bits()).exp2();
    let (a, b) = (model.tensors(), twin.tensors());
    let differences = a.iter().zip(&b).map(|(a, b)| difference(a, b, unit));
    let missing = if a.len() == b.len() { 0.0 } else { f64::INFINITY };
    let largest = differences.fold(missing, larger);
    let tolerance = task.tolerance();
    let equal = tolerance.map_or_else(|| model == twin, |tolerance| largest <= tolerance);
    TwinSummary { equal: Some(equal), max_abs_error: Some(largest), tolerance }
}

/// The largest difference of two tensors; infinite if they are not of the same kind and size.
fn difference(a: &Tensor, b: &Tensor, unit: f64) -> f64 {
    match (&a.values, &b.values) {
        (Values::Integers(a), Values::Integers(b)) if a.len() == b.len() => {
            let largest = a.iter().zip(b).map(|(a, b)| a.abs_diff(*b)).max();
            largest.unwrap_or(0) as f64 / unit
        }
        (Values::Reals(a), Values::Reals(b)) if a.len() == b.len() => {
            a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, larger)
        }
        _ => f64::INFINITY,
    }
}

/// The larger of two; what is no number is larger than any.
fn larger(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::INFINITY } else { a.max(b) }
}
