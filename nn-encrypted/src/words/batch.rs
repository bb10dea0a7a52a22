//! A mini-batch as words.

use ndarray::ArrayRef2;

use crate::recipe::Coding;

/// The words of a mini-batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch<W> {
    /// Samples.
    pub samples: usize,
    /// Features, sample after sample.
    pub x: Vec<W>,
    /// What the outputs should be, sample after sample.
    pub targets: Vec<W>,
}

impl Batch<i64> {
    /// The integers of rows of fixed-point features and their labels; `one` is the word of 1.
    #[must_use]
    pub fn new(x: &ArrayRef2<i32>, labels: &[usize], coding: Coding, classes: usize, one: i64) -> Self {
        let target = |label: usize, class: usize| if label == class { one } else { 0 };
        let targets = match coding {
            Coding::OneHot => {
                labels.iter().flat_map(|&label| (0..classes).map(move |class| target(label, class))).collect()
            }
            Coding::Single => labels.iter().map(|&label| target(label, 1)).collect(),
        };
        Self { samples: labels.len(), x: x.iter().copied().map(i64::from).collect(), targets }
    }
}
