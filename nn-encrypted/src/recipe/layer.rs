//! Layers as plain data.

use serde::{Deserialize, Serialize};

use super::Scalar;
use crate::activation::{FitMethod, Function, Polynomial, fit};

/// One layer of a recipe.
///
/// ```
/// use nn_encrypted::recipe::{LayerKind, Recipe};
///
/// let recipe = Recipe::load("hesamifard2017", &[])?;
/// let first = &recipe.layers[0];
/// assert_eq!((first.kind, first.out_features), (LayerKind::Linear, Some(32)));
/// # Ok::<(), nn_encrypted::recipe::RecipeError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    /// Its kind.
    pub kind: LayerKind,
    /// The encryption scheme it runs in.
    pub scheme: Scheme,
    /// Linear: its width, 1 to 65536; the last may leave it out and gets one output a class, or one for a series.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub out_features: Option<usize>,
    /// Conv1d, Conv2d: channels of its output, 1 to 65536.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channels: Option<usize>,
    /// Conv1d, Conv2d: taps; AvgPool1d, AvgPool2d: positions that become one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel: Option<Kernel>,
    /// Polynomial: its coefficients, constant first, 2 to 8 of magnitudes up to 65536.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coefficients: Option<Vec<Scalar>>,
    /// Activations that are no polynomials, in `bgv`, `bfv` or `ckks`: the polynomial that stands for it. In `tfhe` and `tables` a table
    /// does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub polynomial: Option<Fit>,
}

/// A coefficient of a fit that adds less than this at the end of its interval is rounding, not a power.
const SMALLEST_TERM: f64 = 1e-9;

impl Layer {
    /// The function of an activation, exactly; none of layers with weights and poolings.
    #[must_use]
    pub(crate) fn function(&self) -> Option<Function> {
        let exact =
            |coefficients: &[i64], bits| Function::Polynomial(Polynomial::new(coefficients.to_vec(), bits));
        Some(match self.kind {
            LayerKind::Identity => exact(&[0, 1], 0),
            LayerKind::Square => exact(&[0, 0, 1], 0),
            LayerKind::Quadratic => exact(&[0, 2, 1], 2),
            LayerKind::Cubic => exact(&[0, 8, 0, -1], 3),
            LayerKind::Sigmoid => Function::Sigmoid,
            LayerKind::CentredSigmoid => Function::CentredSigmoid,
            LayerKind::ReLU => Function::Relu,
            LayerKind::Tanh => Function::Tanh,
            LayerKind::GELU => Function::Gelu,
            LayerKind::Polynomial => {
                let coefficients = self.coefficients.iter().flatten().map(|c| c.value());
                Function::Real(coefficients.collect())
            }
            _ => return None,
        })
    }

    /// Whether a polynomial or a table stands for its function.
    #[must_use]
    pub(crate) fn is_fitted(&self) -> bool {
        self.function().is_some_and(|function| !function.is_polynomial())
    }

    /// The polynomial that is fitted to the function of an activation, within ±`bound` unless the layer says otherwise, constant first
    /// and without leading zeros; none of layers whose function is a polynomial or nothing.
    #[must_use]
    pub(crate) fn fitted(&self, bound: f64) -> Option<Vec<f64>> {
        let function = self.function().filter(|function| !function.is_polynomial())?;
        let Fit { method, degree, interval, .. } = self.polynomial.unwrap_or_default();
        let interval = interval.unwrap_or([-bound, bound]);
        let mut found = fit(|z| function.value(z), degree, interval, method);
        let end = interval[0].abs().max(interval[1].abs());
        for (power, coefficient) in (0..).zip(&mut found) {
            if coefficient.abs() * end.powi(power) < SMALLEST_TERM {
                *coefficient = 0.0;
            }
        }
        found.truncate(found.iter().rposition(|c| *c != 0.0).map_or(1, |leading| leading + 1));
        Some(found)
    }
}

/// The kind of a layer. Features of several channels are counted channel after channel, rows of a channel after one another.
///
/// ```
/// use nn_encrypted::recipe::LayerKind;
///
/// assert_eq!(LayerKind::CentredSigmoid.to_string(), "CentredSigmoid");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum LayerKind {
    /// `A·W + b`.
    Linear,
    /// A convolution along the positions of each channel, stride 1, without padding, and a bias for each channel.
    Conv1d,
    /// A convolution of images, stride 1, without padding, and a bias for each channel.
    Conv2d,
    /// Means of so many neighbouring positions.
    AvgPool1d,
    /// Means of squares of so many positions in each direction.
    AvgPool2d,
    /// `z`
    Identity,
    /// `z²`
    Square,
    /// `z/2 + z²/4`
    Quadratic,
    /// `z − z³/8`
    Cubic,
    /// A polynomial.
    Polynomial,
    /// `σ(z) = 1/(1 + e^−z)`
    Sigmoid,
    /// `σ(z) − 1/2`
    CentredSigmoid,
    /// `max(z, 0)`
    ReLU,
    /// The hyperbolic tangent.
    Tanh,
    /// `z·Φ(z)`, with the distribution function `Φ` of the normal distribution.
    GELU,
}

impl LayerKind {
    /// Whether it has weights.
    #[must_use]
    pub(crate) fn has_weights(self) -> bool {
        matches!(self, Self::Linear | Self::Conv1d | Self::Conv2d)
    }

    /// Whether it is a pooling.
    #[must_use]
    pub(crate) fn is_pooling(self) -> bool {
        matches!(self, Self::AvgPool1d | Self::AvgPool2d)
    }

    /// Whether it is a function of each number.
    #[must_use]
    pub(crate) fn is_activation(self) -> bool {
        !self.has_weights() && !self.is_pooling()
    }
}

impl std::fmt::Display for LayerKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(self, f)
    }
}

/// An encryption scheme.
///
/// ```
/// use nn_encrypted::recipe::{Recipe, Scheme};
///
/// let recipe = Recipe::load("ckks_sgd", &[])?;
/// assert!(recipe.layers.iter().all(|layer| layer.scheme == Scheme::Ckks));
/// assert_eq!(Scheme::Ckks.to_string(), "ckks");
/// # Ok::<(), nn_encrypted::recipe::RecipeError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// Exact integers modulo a plaintext modulus.
    Bgv,
    /// Such integers at the top of the ciphertext modulus.
    Bfv,
    /// Such integers under NTRU, which is broken: there to rebuild a published system.
    Yashe,
    /// Approximate numbers.
    Ckks,
    /// Lookup tables; in layers with weights, fixed-point integers of a few bits each.
    Tfhe,
    /// Exact lookup tables over the slots of approximate numbers, of activations between layers with weights in `bgv`.
    Tables,
}

impl Scheme {
    /// Whether activations are looked up in tables.
    #[must_use]
    pub(crate) fn looks_up(self) -> bool {
        matches!(self, Self::Tfhe | Self::Tables)
    }
}

/// The numbers that schemes compute with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    /// Integers modulo a plaintext modulus.
    Integers,
    /// Approximate numbers.
    Reals,
    /// Fixed-point integers of a few bits, and tables of them.
    Words,
}

impl Scheme {
    /// Its name in recipes.
    #[must_use]
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bgv => "bgv",
            Self::Bfv => "bfv",
            Self::Yashe => "yashe",
            Self::Ckks => "ckks",
            Self::Tfhe => "tfhe",
            Self::Tables => "tables",
        }
    }

    /// The numbers that it computes with: recipe, twin and program tell schemes apart by these alone.
    #[must_use]
    pub(crate) fn arithmetic(self) -> Arithmetic {
        match self {
            Self::Bgv | Self::Bfv | Self::Yashe => Arithmetic::Integers,
            Self::Ckks => Arithmetic::Reals,
            Self::Tfhe | Self::Tables => Arithmetic::Words,
        }
    }
}

impl std::fmt::Display for Scheme {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// `kernel`: `3`, or `[3, 5]` for rows and columns.
///
/// ```
/// use nn_encrypted::recipe::{Kernel, Recipe};
///
/// let recipe = Recipe::load("onoufriou2021", &[])?;
/// assert!(matches!(recipe.layers[0].kernel, Some(Kernel::Square(_))));
/// # Ok::<(), nn_encrypted::recipe::RecipeError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Kernel {
    /// One side in each direction that the layer has.
    Square(usize),
    /// Rows and columns.
    Rectangle([usize; 2]),
}

impl Kernel {
    /// Rows and columns of a layer along two directions.
    #[must_use]
    pub(crate) fn sides(self) -> [usize; 2] {
        match self {
            Self::Square(side) => [side, side],
            Self::Rectangle(sides) => sides,
        }
    }
}

/// How a polynomial is fitted to a function.
///
/// ```
/// use nn_encrypted::recipe::Fit;
///
/// let fit = Fit { degree: 5, interval: Some([-8.0, 8.0]), ..Fit::default() };
/// assert_eq!(fit.coefficient_bits, 6);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Fit {
    /// The measure of closeness.
    pub method: FitMethod,
    /// 1 to 7.
    pub degree: usize,
    /// From where to where; without it, what the bound of pre-activations allows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<[f64; 2]>,
    /// Fractional bits of the coefficients where the scheme is exact.
    pub coefficient_bits: u32,
}

impl Default for Fit {
    fn default() -> Self {
        Self { method: FitMethod::LeastSquares, degree: 3, interval: None, coefficient_bits: 6 }
    }
}
