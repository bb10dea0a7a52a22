//! Plots with two logarithmic axes.

use plotters::prelude::*;

use super::study::{Series, Study};
use crate::pages::Failure;

const SIZE: (u32, u32) = (760, 460);

const COLOURS: [RGBColor; 5] = [
    RGBColor(0x1f, 0x5f, 0xa8),
    RGBColor(0xb8, 0x4a, 0x1a),
    RGBColor(0x2e, 0x7d, 0x32),
    RGBColor(0x7b, 0x3f, 0x9c),
    RGBColor(0x55, 0x55, 0x55),
];

/// The least and the largest value, with room.
fn range(values: impl Iterator<Item = f64> + Clone) -> std::ops::Range<f64> {
    let least = values.clone().fold(f64::INFINITY, f64::min);
    let most = values.fold(0.0, f64::max);
    least / 1.3..most * 1.3
}

/// The plot of a study as SVG.
pub(super) fn draw(study: &Study, all: &[Series]) -> Result<String, Failure> {
    let mut svg = String::new();
    render(&mut svg, study, all).map_err(|error| format!("{}: {error}", study.name))?;
    Ok(svg)
}

fn render(svg: &mut String, study: &Study, all: &[Series]) -> Result<(), Box<dyn std::error::Error>> {
    let root = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let points = all.iter().flat_map(|series| &series.points);
    let (x, y) = (range(points.clone().map(|p| p.0)), range(points.map(|p| p.1)));
    let mut chart = ChartBuilder::on(&root)
        .caption(format!("{} against {}", study.time, study.size), ("sans-serif", 18))
        .margin(16)
        .x_label_area_size(40)
        .y_label_area_size(80)
        .build_cartesian_2d(x.log_scale(), y.log_scale())?;
    let mesh = &mut chart.configure_mesh();
    mesh.x_desc(study.size).y_desc("seconds").y_label_formatter(&|y| format!("{y:.1e}"));
    mesh.x_label_formatter(&|x| format!("{x:.0}")).light_line_style(WHITE.mix(0.0)).draw()?;
    for (series, colour) in all.iter().zip(COLOURS.iter().cycle()) {
        let line = LineSeries::new(series.points.iter().copied(), colour.stroke_width(2));
        chart
            .draw_series(line)?
            .label(&series.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], colour.stroke_width(2)));
        chart.draw_series(series.points.iter().map(|point| Circle::new(*point, 3, colour.filled())))?;
    }
    let labels = &mut chart.configure_series_labels();
    labels.position(SeriesLabelPosition::UpperLeft).background_style(WHITE.mix(0.8)).draw()?;
    root.present()?;
    Ok(())
}

#[test]
fn a_plot_has_every_point() {
    let study = Study { name: "ring", size: "N", time: "CPU seconds", remark: "", measure: || Ok(vec![]) };
    let points = vec![(8.0, 0.001), (16.0, 0.002), (32.0, 0.004)];
    let svg = draw(&study, &[Series { name: "products".into(), points }]).expect("a plot");
    assert_eq!(svg.matches("<circle").count(), 3, "{svg}");
    assert!(svg.contains("products") && svg.ends_with("</svg>\n"), "{svg}");
}
