//! Layers as plain data.

use serde::{Deserialize, Serialize};

use super::RecipeError;
use crate::activation::{Dyadic, FitMethod, Function, Polynomial, fit};

/// One layer of a recipe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    /// What it computes.
    pub kind: LayerKind,
    /// The encryption scheme it runs in.
    pub scheme: Scheme,
    /// Linear: its width; the last may leave it out and gets one output a class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub out_features: Option<usize>,
    /// Polynomial: its coefficients, constant first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coefficients: Option<Vec<Dyadic>>,
    /// Sigmoid, ReLU, Tanh: the polynomial that stands for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub polynomial: Option<Fit>,
}

/// Magnitude of a coefficient.
const LARGEST_COEFFICIENT: f64 = 65536.0;

/// What a layer computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum LayerKind {
    /// Weighted sums and a bias.
    Linear,
    /// z
    Identity,
    /// z²
    Square,
    /// z/2 + z²/4
    Quadratic,
    /// z - z³/8
    Cubic,
    /// A polynomial with dyadic coefficients.
    Polynomial,
    /// A polynomial close to σ(z) - 1/2.
    Sigmoid,
    /// A polynomial close to max(z, 0).
    ReLU,
    /// A polynomial close to the hyperbolic tangent.
    Tanh,
}

/// An encryption scheme.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// Exact integers modulo t.
    Bgv,
    /// Approximate numbers.
    Ckks,
    /// Table lookups.
    Tfhe,
}

/// How a polynomial is fitted to a function.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Fit {
    /// What "close" means.
    pub method: FitMethod,
    /// 1 to 7.
    pub degree: usize,
    /// From where to where; without it, what the bound of pre-activations allows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<[f64; 2]>,
    /// Fractional bits of the coefficients.
    pub coefficient_bits: u32,
}

impl Default for Fit {
    fn default() -> Self {
        Self { method: FitMethod::LeastSquares, degree: 3, interval: None, coefficient_bits: 6 }
    }
}

impl std::fmt::Display for LayerKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(self, f)
    }
}

impl std::fmt::Display for Scheme {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Bgv => "bgv",
            Self::Ckks => "ckks",
            Self::Tfhe => "tfhe",
        })
    }
}

impl Layer {
    /// The function of an activation layer before any fit; `None` for Linear.
    #[must_use]
    pub fn function(&self) -> Option<Function> {
        let exact =
            |coefficients: &[i64], bits| Function::Polynomial(Polynomial::new(coefficients.to_vec(), bits));
        match self.kind {
            LayerKind::Linear => None,
            LayerKind::Identity => Some(exact(&[0, 1], 0)),
            LayerKind::Square => Some(exact(&[0, 0, 1], 0)),
            LayerKind::Quadratic => Some(exact(&[0, 2, 1], 2)),
            LayerKind::Cubic => Some(exact(&[0, 8, 0, -1], 3)),
            LayerKind::Polynomial => {
                let coefficients = self.coefficients.as_deref().unwrap_or_default();
                Some(Function::Polynomial(Polynomial::from_dyadic(coefficients)))
            }
            LayerKind::Sigmoid => Some(Function::Sigmoid),
            LayerKind::ReLU => Some(Function::Relu),
            LayerKind::Tanh => Some(Function::Tanh),
        }
    }

    /// The polynomial an activation layer computes, fitted within ±`bound` unless it says otherwise; `None` for Linear.
    #[must_use]
    pub fn polynomial(&self, bound: f64) -> Option<Polynomial> {
        Some(match self.function()? {
            Function::Polynomial(polynomial) => polynomial,
            function => {
                let Fit { method, degree, interval, coefficient_bits } = self.polynomial.unwrap_or_default();
                let interval = interval.unwrap_or([-bound, bound]);
                Polynomial::rounded(&fit(|z| function.value(z), degree, interval, method), coefficient_bits)
            }
        })
    }

    /// Checks the fields that do not depend on other layers.
    pub(super) fn validate(&self, index: usize) -> Result<(), RecipeError> {
        let wrong = |what: String| Err(RecipeError::Layer { index, kind: self.kind.to_string(), what });
        let fitted = matches!(self.kind, LayerKind::Sigmoid | LayerKind::ReLU | LayerKind::Tanh);
        if self.out_features.is_some() && self.kind != LayerKind::Linear {
            return wrong("`out_features` is a field of Linear".into());
        }
        if self.polynomial.is_some() && !fitted {
            return wrong("`polynomial` is a field of Sigmoid, ReLU and Tanh".into());
        }
        if self.coefficients.is_some() != (self.kind == LayerKind::Polynomial) {
            return wrong("`coefficients` is the field of Polynomial, and of no other".into());
        }
        if let Some(n) = self.out_features.filter(|n| !(1..=1 << 16).contains(n)) {
            return wrong(format!("`out_features` = {n}; 1 to 65536 is needed"));
        }
        if let Some(n) = self.coefficients.as_ref().map(Vec::len).filter(|n| !(2..=8).contains(n)) {
            return wrong(format!("`coefficients` has {n} numbers; 2 to 8 are needed"));
        }
        let large = |c: &&Dyadic| c.to_f64().abs() > LARGEST_COEFFICIENT;
        if let Some(c) = self.coefficients.iter().flatten().find(large) {
            return wrong(format!(
                "`coefficients` has {c}; magnitudes up to {LARGEST_COEFFICIENT} are needed"
            ));
        }
        let Some(fit) = self.polynomial else { return Ok(()) };
        if !(1..=7).contains(&fit.degree) {
            return wrong(format!("`polynomial.degree` = {}; 1 to 7 is needed", fit.degree));
        }
        if fit.coefficient_bits > 20 {
            return wrong(format!(
                "`polynomial.coefficient_bits` = {}; 0 to 20 is needed",
                fit.coefficient_bits
            ));
        }
        match fit.interval {
            Some([low, high]) if !(low < high && low.abs() <= 1000.0 && high.abs() <= 1000.0) => wrong(
                format!("`polynomial.interval` = [{low}, {high}]; [low, high] with low < high is needed"),
            ),
            _ => Ok(()),
        }
    }
}
