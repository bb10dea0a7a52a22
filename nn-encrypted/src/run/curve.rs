//! The learning curve as an SVG drawing.

use std::path::Path;

use plotters::prelude::*;

use super::{Measure, RunError};

/// Draws scores of the test part after each epoch (epoch 0: before training).
pub(super) fn draw(path: &Path, title: &str, measure: Measure, scores: &[f64]) -> Result<(), RunError> {
    let failed = |error: &dyn std::fmt::Display| RunError::Curve(error.to_string());
    let root = SVGBackend::new(path, (720, 420)).into_drawing_area();
    root.fill(&WHITE).map_err(|e| failed(&e))?;
    let last = scores.len().saturating_sub(1).max(1);
    let decimals = if measure == Measure::RSquared { 2 } else { 0 };
    let mut chart = ChartBuilder::on(&root)
        .caption(title, ("sans-serif", 18))
        .margin(16)
        .x_label_area_size(40)
        .y_label_area_size(56)
        .build_cartesian_2d(0..last, bottom(measure, scores)..top(measure, scores))
        .map_err(|e| failed(&e))?;
    chart
        .configure_mesh()
        .x_desc("epoch")
        .y_desc(match measure {
            Measure::RSquared => "test R²".to_owned(),
            _ => format!("test {}, %", measure.name()),
        })
        .y_label_formatter(&|y| format!("{y:.decimals$}"))
        .light_line_style(WHITE.mix(0.0))
        .draw()
        .map_err(|e| failed(&e))?;
    let points: Vec<(usize, f64)> = (scores.iter().enumerate())
        .map(|(epoch, score)| (epoch, measure.drawn(*score)))
        .filter(|(_, percent)| percent.is_finite())
        .collect();
    let blue = RGBColor(0x1f, 0x5f, 0xa8);
    chart.draw_series(LineSeries::new(points.clone(), blue.stroke_width(2))).map_err(|e| failed(&e))?;
    let dots = points.into_iter().map(|point| Circle::new(point, 3, blue.filled()));
    chart.draw_series(dots).map_err(|e| failed(&e))?;
    root.present().map_err(|e| failed(&e))
}

/// The lower end of the axis: R² of what is worse than the mean is below 0.
fn bottom(measure: Measure, scores: &[f64]) -> f64 {
    let least = scores.iter().copied().fold(0.0, f64::min);
    if measure == Measure::RSquared { least.max(-1.0) } else { 0.0 }
}

/// The upper end of the axis.
fn top(measure: Measure, scores: &[f64]) -> f64 {
    match measure {
        Measure::Accuracy => 100.0,
        Measure::RSquared => 1.0,
        // Whole tens of percent, so that the labels are round.
        Measure::Mape => {
            let largest = scores.iter().copied().filter(|score| score.is_finite()).fold(1.0, f64::max);
            (largest / 10.0).ceil() * 10.0
        }
    }
}
