//! Samples as integers.

use ndarray::{Array2, Axis};

/// Samples as integers.
///
/// ```
/// # use nn_encrypted::recipe::Recipe;
/// # use nn_encrypted::run::Session;
/// #
/// # let recipe = Recipe::load("hesamifard2017", &["data.set=iris".to_owned()])?;
/// # let session = Session::new(recipe, None)?;
/// let (x, labels) = session.data.train.select(&[0, 1, 2]);
/// assert_eq!((x.dim(), labels.len()), ((3, 4), 3));
/// # Ok::<(), nn_encrypted::run::RunError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Samples {
    /// One row a sample; fixed point with the fractional bits asked for.
    pub x: Array2<i32>,
    /// One class index a sample; none of measured values.
    pub labels: Vec<usize>,
    /// One measured value a sample; none of classes.
    pub values: Vec<f64>,
    /// The number of each sample among the rows of its table, from 1.
    pub rows: Vec<usize>,
    /// How many values of `x` were saturated to the bound.
    pub saturated: u64,
}

impl Samples {
    /// How many there are.
    #[must_use]
    pub(crate) fn count(&self) -> usize {
        self.x.nrows()
    }

    /// The first of them, at most so many.
    #[must_use]
    pub(crate) fn first(&self, most: usize) -> Self {
        let rows: Vec<usize> = (0..self.count().min(most)).collect();
        let values = self.values.iter().copied().take(most).collect();
        let x = self.x.select(Axis(0), &rows);
        let labels = self.labels.iter().copied().take(most).collect();
        let rows = self.rows.iter().copied().take(most).collect();
        Self { x, labels, values, rows, saturated: 0 }
    }

    /// Some of the rows.
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> (Array2<i32>, Vec<usize>) {
        let labels =
            if self.labels.is_empty() { vec![] } else { rows.iter().map(|&row| self.labels[row]).collect() };
        (self.x.select(Axis(0), rows), labels)
    }
}
