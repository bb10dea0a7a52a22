//! Layers on their own: their fields, and the polynomials of activations.

use super::super::Scheme;
use super::{RealFit, RealLayer, RealLayerKind, RecipeError};
use crate::activation::{fit, sigmoid, tanh};

/// Magnitude of a coefficient.
const LARGEST_COEFFICIENT: f64 = 65536.0;
/// A leading coefficient below it is rounding of a fit, not a power.
const SMALLEST_LEADING: f64 = 1e-9;

impl std::fmt::Display for RealLayerKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(self, f)
    }
}

impl RealLayerKind {
    /// Whether it has weights.
    #[must_use]
    pub fn has_weights(self) -> bool {
        matches!(self, Self::Linear | Self::Conv1d)
    }

    /// Whether it is a function of each number.
    #[must_use]
    pub fn is_activation(self) -> bool {
        !self.has_weights() && self != Self::AvgPool1d
    }
}

impl RealLayer {
    /// The polynomial an activation computes, constant first; `None` for other layers.
    #[must_use]
    pub fn activation(&self) -> Option<Vec<f64>> {
        Some(match self.kind {
            RealLayerKind::Linear | RealLayerKind::Conv1d | RealLayerKind::AvgPool1d => return None,
            RealLayerKind::Identity => vec![0.0, 1.0],
            RealLayerKind::Square => vec![0.0, 0.0, 1.0],
            RealLayerKind::Quadratic => vec![0.0, 0.5, 0.25],
            RealLayerKind::Cubic => vec![0.0, 1.0, 0.0, -0.125],
            RealLayerKind::Polynomial => self.coefficients.clone().unwrap_or_default(),
            RealLayerKind::Sigmoid => self.fitted(sigmoid),
            RealLayerKind::Tanh => self.fitted(tanh),
        })
    }

    fn fitted(&self, function: fn(f64) -> f64) -> Vec<f64> {
        let RealFit { method, degree, interval } = self.polynomial.unwrap_or_default();
        let mut coefficients = fit(function, degree, interval, method);
        for coefficient in &mut coefficients {
            if coefficient.abs() < SMALLEST_LEADING {
                *coefficient = 0.0; // of an odd function, but for rounding
            }
        }
        coefficients
    }

    pub(super) fn wrong(&self, index: usize, what: impl Into<String>) -> RecipeError {
        RecipeError::Layer { index, kind: self.kind.to_string(), what: what.into() }
    }

    /// Checks the fields that do not depend on other layers.
    pub(super) fn validate(&self, index: usize) -> Result<(), RecipeError> {
        if self.scheme != Scheme::Ckks {
            let what = format!("`scheme` = \"{}\"; \"ckks\" is needed for real numbers", self.scheme);
            return Err(self.wrong(index, what));
        }
        self.belonging(index)?;
        let counts =
            [("out_features", self.out_features), ("channels", self.channels), ("kernel", self.kernel)];
        for (field, value) in counts {
            if let Some(n) = value.filter(|n| !(1..=1 << 16).contains(n)) {
                return Err(self.wrong(index, format!("`{field}` = {n}; 1 to 65536 is needed")));
            }
        }
        self.polynomials(index)
    }

    /// Refuses fields of other kinds, and misses those of its own.
    fn belonging(&self, index: usize) -> Result<(), RecipeError> {
        use RealLayerKind::{AvgPool1d, Conv1d, Linear, Polynomial, Sigmoid, Tanh};
        let fields: [(&str, bool, &[RealLayerKind], &str); 5] = [
            ("out_features", self.out_features.is_some(), &[Linear], "Linear"),
            ("channels", self.channels.is_some(), &[Conv1d], "Conv1d"),
            ("kernel", self.kernel.is_some(), &[Conv1d, AvgPool1d], "Conv1d and AvgPool1d"),
            ("coefficients", self.coefficients.is_some(), &[Polynomial], "Polynomial"),
            ("polynomial", self.polynomial.is_some(), &[Sigmoid, Tanh], "Sigmoid and Tanh"),
        ];
        for (field, given, kinds, names) in fields {
            let own = kinds.contains(&self.kind);
            if given && !own {
                return Err(self.wrong(index, format!("`{field}` is a field of {names}")));
            }
            if own && !given && !["out_features", "polynomial"].contains(&field) {
                return Err(self.wrong(index, format!("`{field}` is missing")));
            }
        }
        Ok(())
    }

    fn polynomials(&self, index: usize) -> Result<(), RecipeError> {
        let wrong = |what: String| Err(self.wrong(index, what));
        if let Some(coefficients) = &self.coefficients {
            let n = coefficients.len();
            if !(2..=4).contains(&n) {
                return wrong(format!("`coefficients` has {n} numbers; 2 to 4 are needed"));
            }
            let large = |c: &&f64| !c.is_finite() || c.abs() > LARGEST_COEFFICIENT;
            if let Some(c) = coefficients.iter().find(large) {
                let most = LARGEST_COEFFICIENT;
                return wrong(format!("`coefficients` has {c}; magnitudes up to {most} are needed"));
            }
            if coefficients[n - 1] == 0.0 {
                return wrong("`coefficients` ends with 0; the last must be another number".into());
            }
        }
        let Some(RealFit { degree, interval: [low, high], .. }) = self.polynomial else { return Ok(()) };
        if !(2..=3).contains(&degree) {
            return wrong(format!("`polynomial.degree` = {degree}; 2 or 3 is needed"));
        }
        if !(low < high && low.abs() <= 1000.0 && high.abs() <= 1000.0) {
            return wrong(format!(
                "`polynomial.interval` = [{low}, {high}]; [low, high] with low < high is needed"
            ));
        }
        match self.activation().and_then(|fitted| fitted.last().copied()) {
            Some(0.0) => wrong(format!(
                "`polynomial.degree` = {degree}: what fits on [{low}, {high}] is of lower degree; another is needed"
            )),
            _ => Ok(()),
        }
    }
}
