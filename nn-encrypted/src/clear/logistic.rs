//! Logistic regression, the measure of what a network adds: one classifier for each class against the others.
//!
//! Minimizes `Σ log(1 + exp(-y·(w·x + b))) + |w|²/2` by gradient descent with the step 1/L, where L bounds the curvature.

use ndarray::{Array1, Array2, ArrayRef2, Axis};

use crate::metrics;

/// Steps of the descent.
const STEPS: usize = 3000;

/// A trained regression.
#[derive(Debug, Clone)]
pub(crate) struct Logistic {
    /// features x classes.
    weight: Array2<f64>,
    bias: Array1<f64>,
}

impl Logistic {
    /// Trains on rows of features of about size 1.
    ///
    /// # Panics
    /// If there is not one label for each row.
    pub(crate) fn fit(x: &ArrayRef2<f64>, labels: &[usize], classes: usize) -> Self {
        assert_eq!(x.nrows(), labels.len(), "one label a row");
        let target = Array2::from_shape_fn((labels.len(), classes), |(row, class)| {
            f64::from(u8::from(labels[row] == class))
        });
        let mut this = Self { weight: Array2::zeros((x.ncols(), classes)), bias: Array1::zeros(classes) };
        // The curvature of a sample is at most (|x|² + 1)/4, that of the penalty is 1.
        let curvature = x.iter().map(|v| v * v).sum::<f64>() / 4.0 + labels.len() as f64 / 4.0 + 1.0;
        for _ in 0..STEPS {
            let error = this.outputs(x).mapv(|z| 1.0 / (1.0 + (-z).exp())) - &target;
            let gradient = x.t().dot(&error) + &this.weight;
            this.weight.scaled_add(-1.0 / curvature, &gradient);
            this.bias.scaled_add(-1.0 / curvature, &error.sum_axis(Axis(0)));
        }
        this
    }

    fn outputs(&self, x: &ArrayRef2<f64>) -> Array2<f64> {
        x.dot(&self.weight) + &self.bias
    }

    /// The class of each row.
    ///
    /// # Panics
    /// If `x` has another number of columns than the rows trained on.
    pub(crate) fn predict(&self, x: &ArrayRef2<f64>) -> Vec<usize> {
        self.outputs(x).rows().into_iter().map(metrics::argmax).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gradient_vanishes_at_the_end() {
        let x = Array2::from_shape_fn((40, 2), |(row, column)| {
            ((row * (3 + 4 * column)) % 11) as f64 / 5.0 - 1.0
        });
        let labels: Vec<usize> =
            (0..40).map(|row| usize::from(x[(row, 0)] + 0.3 * x[(row, 1)] > 0.2)).collect();
        let model = Logistic::fit(&x, &labels, 2);
        let chance =
            |row: usize| 1.0 / (1.0 + (-(x.row(row).dot(&model.weight.column(1)) + model.bias[1])).exp());
        for feature in 0..2 {
            let error = |row: usize| (chance(row) - labels[row] as f64) * x[(row, feature)];
            let slope = (0..40).map(error).sum::<f64>() + model.weight[(feature, 1)];
            assert!(slope.abs() < 1e-6, "{slope}");
        }
        assert!(metrics::accuracy(&model.predict(&x), &labels) > 0.9);
    }
}
