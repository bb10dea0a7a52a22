//! The table of an import.

use std::fmt;

use serde::Serialize;

/// An import beside floating point, on its calibration rows.
///
/// ```
/// use nn_encrypted::run::ImportSummary;
///
/// let summary = ImportSummary {
///     recipe: "ckks_sgd".to_owned(),
///     layers: vec![],
///     rows: 200,
///     agreement: 0.995,
///     advice: None,
/// };
/// assert!(summary.to_string().contains("99.50 % of 200 rows"));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ImportSummary {
    /// The name of the recipe.
    pub recipe: String,
    /// The features, layers and activations, input first.
    pub layers: Vec<ImportedLayer>,
    /// Calibration rows.
    pub rows: usize,
    /// The part of them whose class is that of floating point.
    pub agreement: f64,
    /// Below 99 %: settings with a bit more, and the agreement that each comes to, best first.
    pub advice: Option<Vec<(String, f64)>>,
}

/// A layer of an import beside floating point.
///
/// ```
/// use nn_encrypted::run::ImportedLayer;
///
/// let layer = ImportedLayer {
///     layer: "2 Tanh".to_owned(),
///     kind: "table in tfhe".to_owned(),
///     range: [-1.0, 1.0],
///     bound: None,
///     bits: String::new(),
///     largest: 0.03,
///     mean: 0.01,
///     lost: 2,
/// };
/// assert!(layer.mean <= layer.largest);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ImportedLayer {
    /// Its place in the recipe, from 1, and its name.
    pub layer: String,
    /// Its kind; of an activation the polynomial or table in its place.
    pub kind: String,
    /// Least and largest number in floating point.
    pub range: [f64; 2],
    /// The largest magnitude that the recipe plans, if it plans one.
    pub bound: Option<f64>,
    /// Fractional bits: of weights in products, then of pre-activations where a refresh rounds them.
    pub bits: String,
    /// The largest difference from floating point, that of all layers before included.
    pub largest: f64,
    /// The mean difference.
    pub mean: f64,
    /// Rows whose class changes by the error of this layer alone.
    pub lost: usize,
}

impl ImportSummary {
    /// The layer whose error alone changes most classes, if one does.
    #[must_use]
    pub(super) fn worst(&self) -> Option<&ImportedLayer> {
        self.layers.iter().rev().max_by_key(|layer| layer.lost).filter(|layer| layer.lost > 0)
    }
}

impl fmt::Display for ImportSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| layer | kind | range | bound | bits | largest difference | mean | rows lost |")?;
        writeln!(f, "|---|---|---|---|---|---|---|---|")?;
        for of in &self.layers {
            let [low, high] = of.range;
            let bound = of.bound.map_or_else(String::new, |bound| format!("{bound:.3}"));
            writeln!(
                f,
                "| {} | {} | {low:.3} to {high:.3} | {bound} | {} | {:.4} | {:.4} | {} |",
                of.layer, of.kind, of.bits, of.largest, of.mean, of.lost
            )?;
        }
        let (percent, rows) = (100.0 * self.agreement, self.rows);
        writeln!(f, "\nclasses as in floating point: {percent:.2} % of {rows} rows")?;
        let Some(advice) = &self.advice else { return Ok(()) };
        if let Some(worst) = self.worst() {
            let (layer, lost) = (&worst.layer, worst.lost);
            writeln!(f, "most of the others are lost in layer {layer}: {lost} rows by its error alone")?;
        }
        if advice.is_empty() {
            writeln!(
                f,
                "one bit or two degrees more help nowhere: another recipe may, with tables for activations"
            )?;
        }
        for (setting, agreement) in advice {
            writeln!(f, "with {setting}: {:.2} %", 100.0 * agreement)?;
        }
        Ok(())
    }
}
