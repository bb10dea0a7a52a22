//! How good predictions are.

use std::collections::BTreeMap;

/// The part of predictions that are right; 0 of none.
#[must_use]
pub fn accuracy(predicted: &[usize], labels: &[usize]) -> f64 {
    let right = predicted.iter().zip(labels).filter(|(p, l)| p == l).count();
    ratio(right, labels.len())
}

/// The mean over classes of the part of their samples that are right; classes without samples do not count.
pub(crate) fn balanced_accuracy(predicted: &[usize], labels: &[usize], classes: usize) -> f64 {
    let (mut sizes, mut hits) = (vec![0; classes], vec![0; classes]);
    for (predicted, &label) in predicted.iter().zip(labels).filter(|(_, label)| **label < classes) {
        sizes[label] += 1;
        hits[label] += usize::from(*predicted == label);
    }
    let there = sizes.iter().zip(&hits).filter(|(size, _)| **size > 0);
    let recalls: Vec<f64> = there.map(|(&size, &hits)| ratio(hits, size)).collect();
    if recalls.is_empty() { 0.0 } else { recalls.iter().sum::<f64>() / recalls.len() as f64 }
}

/// The part of the most frequent class: the accuracy of always predicting it.
pub(crate) fn majority_share(labels: &[usize]) -> f64 {
    let mut sizes = BTreeMap::<usize, usize>::new();
    labels.iter().for_each(|label| *sizes.entry(*label).or_default() += 1);
    ratio(sizes.into_values().max().unwrap_or(0), labels.len())
}

/// Mean absolute percentage error; targets of 0 do not count.
pub(crate) fn mape(predicted: &[f64], targets: &[f64]) -> f64 {
    let errors: Vec<f64> = predicted
        .iter()
        .zip(targets)
        .filter(|(_, target)| **target != 0.0)
        .map(|(predicted, target)| 100.0 * ((predicted - target) / target).abs())
        .collect();
    if errors.is_empty() { 0.0 } else { errors.iter().sum::<f64>() / errors.len() as f64 }
}

/// Mean absolute error, and the root of the mean square of errors; 0 of none.
#[must_use]
pub(crate) fn errors(predicted: &[f64], targets: &[f64]) -> [f64; 2] {
    let n = targets.len().max(1) as f64;
    let all = || predicted.iter().zip(targets).map(|(predicted, target)| predicted - target);
    [all().map(f64::abs).sum::<f64>() / n, (all().map(|error| error * error).sum::<f64>() / n).sqrt()]
}

/// The part of the variance of targets that predictions explain: 1 if they are right, 0 as good as the mean; 0 of equal targets.
#[must_use]
pub(crate) fn r_squared(predicted: &[f64], targets: &[f64]) -> f64 {
    let mean = targets.iter().sum::<f64>() / targets.len().max(1) as f64;
    let square = |value: f64| value * value;
    let all: f64 = targets.iter().map(|target| square(target - mean)).sum();
    let left: f64 = predicted.iter().zip(targets).map(|(predicted, target)| square(predicted - target)).sum();
    if all > 0.0 { 1.0 - left / all } else { 0.0 }
}

/// The area under the curve of true against false positives: how often a sample of the second class has the higher score, ties as a
/// half; none if one of the classes has no sample.
#[must_use]
pub(crate) fn area_under_curve(scores: &[f64], second: &[bool]) -> Option<f64> {
    let mut order: Vec<(f64, bool)> = scores.iter().copied().zip(second.iter().copied()).collect();
    order.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let (mut below, mut wins, mut start) = (0.0, 0.0, 0);
    while start < order.len() {
        let tied = order[start..].iter().take_while(|(score, _)| *score == order[start].0).count().max(1);
        let hits = order[start..start + tied].iter().filter(|(_, second)| *second).count() as f64;
        let misses = tied as f64 - hits;
        wins += hits * (below + misses / 2.0);
        below += misses;
        start += tied;
    }
    let pairs = below * (order.len() as f64 - below);
    (pairs > 0.0).then(|| wins / pairs)
}

/// The index of the largest value, the first of equals; 0 of none.
pub(crate) fn argmax<T: PartialOrd>(values: impl IntoIterator<Item = T>) -> usize {
    let mut best: Option<(usize, T)> = None;
    for (index, value) in values.into_iter().enumerate() {
        if best.as_ref().is_none_or(|(_, largest)| value > *largest) {
            best = Some((index, value));
        }
    }
    best.map_or(0, |(index, _)| index)
}

fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers() {
        let (predicted, labels) = ([0, 1, 1, 0, 2], [0, 1, 0, 0, 2]);
        assert_eq!(accuracy(&predicted, &labels), 0.8);
        assert!((balanced_accuracy(&predicted, &labels, 4) - (2.0 / 3.0 + 2.0) / 3.0).abs() < 1e-12);
        assert_eq!(majority_share(&labels), 0.6);
        assert_eq!(mape(&[90.0, 5.0, 110.0], &[100.0, 0.0, 100.0]), 10.0);
        assert_eq!(argmax([3, 7, 7, 1]), 1);
        assert_eq!(errors(&[1.0, 5.0], &[4.0, 1.0]), [3.5, 12.5_f64.sqrt()]);
        assert_eq!((r_squared(&[1.0, 3.0], &[1.0, 3.0]), r_squared(&[2.0, 2.0], &[1.0, 3.0])), (1.0, 0.0));
        // Of the four pairs two are in order and one is tied.
        assert_eq!(area_under_curve(&[0.1, 0.8, 0.8, 0.4], &[false, true, false, true]), Some(0.625));
        assert_eq!(area_under_curve(&[0.2, 0.7], &[false, true]), Some(1.0));
    }

    #[test]
    fn of_nothing() {
        assert_eq!(
            (accuracy(&[], &[]), balanced_accuracy(&[], &[], 3), majority_share(&[])),
            (0.0, 0.0, 0.0)
        );
        assert_eq!((mape(&[], &[]), argmax::<i64>([])), (0.0, 0));
        assert_eq!(
            (errors(&[], &[]), r_squared(&[1.0], &[2.0]), area_under_curve(&[0.5], &[true])),
            ([0.0; 2], 0.0, None)
        );
    }
}
