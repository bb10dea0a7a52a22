//! Classification with a trained model, as the report has it.

use serde::{Deserialize, Serialize};

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
