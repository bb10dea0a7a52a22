//! Parts of a report.

use serde::{Deserialize, Serialize};

use crate::plan::SchemeUse;

/// Classification with the trained model.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct PredictionSummary {
    /// Images classified, or values forecast.
    pub images: usize,
    /// Part of them that was right; null for a series.
    pub accuracy: Option<f64>,
    /// For a series: MAPE in percent.
    #[serde(default)]
    pub mape: Option<f64>,
    /// For measured values of a table: R².
    #[serde(default)]
    pub r_squared: Option<f64>,
    /// Whether all outputs are the twin's: bit for bit, or nearly where the scheme is approximate.
    pub twin_equal: bool,
    /// Wall-clock seconds.
    pub seconds: f64,
    /// CPU seconds an image, server and client, without encryption of the images.
    pub core_seconds_per_image: f64,
    /// Bytes an image, both ways, its encryption included.
    pub bytes_per_image: f64,
}

impl PredictionSummary {
    /// The predictions in a line, and how good they are.
    #[must_use]
    pub fn described(&self) -> String {
        match (self.accuracy, self.mape, self.r_squared) {
            (Some(accuracy), ..) => format!("{} rows, {:.2} % right", self.images, accuracy * 100.0),
            (None, Some(mape), _) => format!("{} forecasts, MAPE {mape:.2} %", self.images),
            (None, None, Some(r)) => format!("{} values, R² {r:.4}", self.images),
            (None, None, None) => format!("{} rows", self.images),
        }
    }
}

/// One instance of an encryption scheme.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SchemeSummary {
    /// `bgv`, `ckks` or `tfhe`.
    pub name: String,
    /// Ring dimension `N`.
    pub ring_dimension: usize,
    /// `log2(Q·P)`.
    pub log_qp: f64,
    /// Plaintext modulus, or slots.
    pub plaintext: String,
    /// Bits of security.
    pub security_bits: Option<u32>,
}

impl From<SchemeUse> for SchemeSummary {
    fn from(used: SchemeUse) -> Self {
        let SchemeUse { name, ring_dimension, log_qp, plaintext, security_bits, .. } = used;
        Self { name, ring_dimension, log_qp, plaintext, security_bits }
    }
}

/// How close the values of a tensor came to their public bound.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RangeSummary {
    /// The tensor.
    pub tensor: String,
    /// No value may be larger in magnitude.
    pub bound: f64,
    /// The largest magnitude there was.
    pub largest: f64,
}

impl RangeSummary {
    /// The part of the bound that was used.
    pub(super) fn used(&self) -> f64 {
        self.largest / self.bound
    }
}
