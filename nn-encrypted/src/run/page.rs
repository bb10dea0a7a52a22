//! `report.html`: the report as a page for its owner. One file that asks for nothing from anywhere, as its policy says.

use std::fmt::Write;

use super::quality::Quality;
use super::report::Report;
use super::{Measure, Outcome};

/// The page of a run: its curve beside those of other trainings, the classes, the costs, and who saw what.
pub(super) fn page(title: &str, outcome: &Outcome, measure: Measure) -> String {
    let report = &outcome.report;
    let mut text = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n<h1>{title}</h1>\n",
        title = escaped(title)
    );
    chart(&mut text, outcome, measure);
    if let Some(classes) = &report.classes {
        confusion(&mut text, classes);
    }
    costs(&mut text, report);
    parts(&mut text, report);
    text
}

const STYLE: &str = "body{font:16px/1.4 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}\
    table{border-collapse:collapse}td,th{padding:.2em .7em;text-align:right;border-bottom:1px solid #ccc}\
    td:first-child,th:first-child{text-align:left}.right{background:#dcebf7}\
    polyline{fill:none;stroke:#1f5fa8;stroke-width:2}.clear{stroke:#c77700;stroke-dasharray:5 4}\
    line{stroke:#999}circle{fill:#1f5fa8}text{font-size:12px}";

/// Text that is no markup.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 320.0;

/// Scores by epoch: of this training, of the same in floating point, and of what needs no training.
fn chart(text: &mut String, outcome: &Outcome, measure: Measure) {
    let accuracy = &outcome.report.accuracy;
    let level = match measure {
        Measure::Accuracy => accuracy.majority_test.map(|score| ("most frequent class", score)),
        Measure::Mape => accuracy.baselines.map(|known| ("the value a season before", known.season)),
        Measure::RSquared => Some(("the mean", 0.0)),
    };
    let twin = [accuracy.twin_test, accuracy.twin_mape, accuracy.twin_r_squared].into_iter().flatten().next();
    let levels: Vec<(&str, f64)> = twin.map(|score| ("twin", score)).into_iter().chain(level).collect();
    let all =
        outcome.curve.iter().chain(&outcome.clear).copied().chain(levels.iter().map(|(_, score)| *score));
    let drawn: Vec<f64> = all.map(|score| measure.drawn(score)).filter(|score| score.is_finite()).collect();
    let (low, high) = match measure {
        Measure::Accuracy => (0.0, 100.0),
        Measure::Mape => (0.0, drawn.iter().copied().fold(1.0, f64::max)),
        Measure::RSquared => (drawn.iter().copied().fold(0.0, f64::min).max(-1.0), 1.0),
    };
    let last = outcome.curve.len().saturating_sub(1).max(1);
    let x = |epoch: usize| 50.0 + (WIDTH - 60.0) * epoch as f64 / last as f64;
    let y = |score: f64| {
        let part = ((measure.drawn(score) - low) / (high - low)).clamp(0.0, 1.0);
        HEIGHT - 30.0 - (HEIGHT - 50.0) * part
    };
    let _ = writeln!(
        text,
        "<h2>Test {} by epoch</h2>\n<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\">",
        measure.name()
    );
    for (name, score) in &levels {
        let (y, label) = (y(*score), escaped(name));
        let _ = writeln!(text, "<line x1=\"50\" x2=\"{}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>", WIDTH - 10.0);
        let _ =
            writeln!(text, "<text x=\"54\" y=\"{:.1}\">{label}: {}</text>", y - 4.0, measure.text(*score));
    }
    for (class, scores) in [("clear", &outcome.clear), ("own", &outcome.curve)] {
        let points = scores.iter().enumerate().filter(|(_, score)| score.is_finite());
        let points: Vec<String> = points.map(|(epoch, s)| format!("{:.1},{:.1}", x(epoch), y(*s))).collect();
        let _ = writeln!(text, "<polyline class=\"{class}\" points=\"{}\"/>", points.join(" "));
    }
    for (epoch, score) in outcome.curve.iter().enumerate().filter(|(_, score)| score.is_finite()) {
        let title = format!("epoch {epoch}: {}", measure.text(*score));
        let _ = writeln!(
            text,
            "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\"><title>{title}</title></circle>",
            x(epoch),
            y(*score)
        );
    }
    let step = last.div_ceil(10);
    for epoch in (0..=last).step_by(step) {
        let _ = writeln!(text, "<text x=\"{:.1}\" y=\"{}\">{epoch}</text>", x(epoch) - 4.0, HEIGHT - 8.0);
    }
    let decimals = if measure == Measure::RSquared { 2 } else { 0 };
    for part in 0..=5 {
        let at = f64::from(part) / 5.0;
        let y = HEIGHT - 26.0 - (HEIGHT - 50.0) * at;
        let _ = writeln!(text, "<text x=\"8\" y=\"{y:.1}\">{:.decimals$}</text>", low + (high - low) * at);
    }
    text.push_str("</svg>\n<p>Blue: this training. Orange, dashed: the same in floating point. The twin is a second implementation on plain numbers, which an encrypted training has to equal.</p>\n");
}

fn confusion(text: &mut String, classes: &Quality) {
    text.push_str("<h2>Classes of the test part</h2>\n<table><tr><th>class");
    for name in &classes.classes {
        let _ = write!(text, "<th>taken for {}", escaped(name));
    }
    text.push_str("<th>precision<th>recall<th>F1\n");
    for (class, name) in classes.classes.iter().enumerate() {
        let _ = write!(text, "<tr><td>{}", escaped(name));
        for (to, count) in classes.confusion[class].iter().enumerate() {
            let _ = write!(text, "<td{}>{count}", if to == class { " class=\"right\"" } else { "" });
        }
        for part in [classes.precision[class], classes.recall[class], classes.f1[class]] {
            let _ = write!(text, "<td>{:.2} %", 100.0 * part);
        }
        text.push('\n');
    }
    text.push_str("</table>\n");
    if let Some(auc) = classes.auc {
        let _ = writeln!(text, "<p>Area under the curve (AUC): {auc:.4}</p>");
    }
}

/// The table that `report` prints, and the stages of a step.
fn costs(text: &mut String, report: &Report) {
    text.push_str("<h2>Figures</h2>\n<table>\n");
    for line in super::markdown(std::slice::from_ref(report)).lines().skip(2) {
        let mut cells = line.trim_matches('|').splitn(2, '|').map(str::trim);
        let (name, figure) = (cells.next().unwrap_or(""), cells.next().unwrap_or(""));
        let _ = writeln!(text, "<tr><td>{}<td>{}", escaped(name), escaped(figure));
    }
    text.push_str("</table>\n");
    if !report.stages.is_empty() {
        text.push_str("<h2>Stages of all steps</h2>\n<table><tr><th>stage<th>seconds<th>CPU seconds\n");
        for stage in &report.stages {
            let name = escaped(&stage.stage);
            let _ = writeln!(text, "<tr><td>{name}<td>{:.2}<td>{:.2}", stage.seconds, stage.core_seconds);
        }
        text.push_str("</table>\n");
    }
}

/// Who saw what.
fn parts(text: &mut String, report: &Report) {
    let parts = &report.encrypted;
    text.push_str("<h2>Who saw what</h2>\n<table><tr><th>part<th>owner of the keys<th>server\n");
    for (name, encrypted) in [
        ("features", parts.data),
        ("labels", parts.labels),
        ("weights", parts.weights),
        ("forward pass", parts.forward),
        ("backward pass", parts.backward),
        ("update", parts.update),
    ] {
        let server = match (report.mode.as_str(), encrypted) {
            ("encrypted", true) => "ciphertexts",
            ("encrypted", false) => "nothing: the client computes it",
            _ => "there was none",
        };
        let _ = writeln!(text, "<tr><td>{name}<td>in the clear<td>{server}");
    }
    text.push_str("</table>\n");
}
