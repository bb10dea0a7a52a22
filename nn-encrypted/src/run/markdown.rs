//! Reports as a Markdown table, for documents.

use std::fmt::Write;

use super::figures::RunEstimate;
use super::report::{Report, StepSummary};
use super::summary::RangeSummary;

/// The rows that are there, as `| what | figure | … |`, a column for each report.
pub fn markdown(reports: &[Report]) -> String {
    let columns: Vec<Vec<Row>> = reports.iter().map(rows).collect();
    let mut names: Vec<&str> = Vec::new();
    for (what, _) in columns.iter().flatten() {
        if !names.contains(what) {
            names.push(what);
        }
    }
    let mut text = format!("| |{}\n|---|{}\n", " |".repeat(reports.len()), "---|".repeat(reports.len()));
    for name in names {
        let figures = columns.iter().map(|rows| {
            let found: Vec<&str> =
                rows.iter().filter(|(what, _)| *what == name).map(|(_, figure)| figure.as_str()).collect();
            found.join("; ")
        });
        let _ = writeln!(text, "| {name} | {} |", figures.collect::<Vec<_>>().join(" | "));
    }
    text
}

/// A measure, and its figure.
type Row = (&'static str, String);

fn rows(report: &Report) -> Vec<Row> {
    let widths: Vec<String> = report.network.iter().map(ToString::to_string).collect();
    let (data, steps) = (&report.data, report.steps.max(1) as f64);
    let sizes = format!("{}: {} training, {} test samples", data.name, data.train, data.test);
    let mut rows: Vec<Row> = Vec::new();
    let mut row =
        |what: &'static str, figure: Option<String>| rows.extend(figure.map(|figure| (what, figure)));
    row("network and data", Some(format!("{}, {sizes}", widths.join("-"))));
    row("machine", Some(format!("{}, {} threads used", report.host, report.threads)));
    for scheme in &report.schemes {
        let security =
            scheme.security_bits.map_or("no security".into(), |bits| format!("{bits}-bit security"));
        let text = format!(
            "{}: N = {}, log2 QP = {:.0}, {}, {security}",
            scheme.name.to_uppercase(),
            scheme.ring_dimension,
            scheme.log_qp,
            scheme.plaintext
        );
        row("parameters", Some(text));
    }
    row("steps", Some(report.steps.to_string()));
    scores(report, &mut row);
    compared(report, &mut row);
    costs(report, steps, &mut row);
    if let Some(step) = &report.step {
        planned(step, steps, &mut row);
    }
    row("CPU time of a step", report.stages_of_a_step());
    let bootstraps = report.bootstraps.tfhe + report.bootstraps.ckks;
    row("bootstraps a step", (bootstraps > 0).then(|| format!("{:.0}", bootstraps as f64 / steps)));
    row(
        "a bootstrap fails",
        report.log2_failure.map(|log2| format!("with a probability below 2^{log2:.0}, all steps together")),
    );
    if let Some(estimate) = &report.estimate {
        foreseen(report, estimate, &mut row);
    }
    row("values saturated", Some(report.traffic.saturations.to_string()));
    let closest = |range: &RangeSummary| format!("{}: {:.2} of {}", range.tensor, range.largest, range.bound);
    row("closest to its bound", report.closest().map(closest));
    row(
        "evaluation keys",
        (report.key_bytes > 0).then(|| format!("{:.1} MB", report.key_bytes as f64 / 1e6)),
    );
    row("peak memory", report.peak_memory_bytes.map(|bytes| format!("{:.2} GB", bytes as f64 / 1e9)));
    if let Some(prediction) = &report.prediction {
        let text = format!(
            "{}, equal to the twin: {}; CPU time a row: {:.2} ms, {:.0} kB",
            prediction.described(),
            prediction.twin_equal,
            prediction.core_seconds_per_image * 1e3,
            prediction.bytes_per_image / 1e3,
        );
        let forecast = prediction.mape.is_some();
        row(if forecast { "encrypted forecasts" } else { "encrypted classification" }, Some(text));
    }
    rows
}

fn percent(value: f64) -> String {
    format!("{:.2} %", value * 100.0)
}

/// How good the trained model is.
fn scores(report: &Report, row: &mut impl FnMut(&'static str, Option<String>)) {
    row("test accuracy", report.accuracy.test.map(percent));
    row("balanced test accuracy, mean over classes", report.accuracy.balanced_test.map(percent));
    row("most frequent class of the test part", report.accuracy.majority_test.map(percent));
    row("twin's test accuracy", report.accuracy.twin_test.map(percent));
    row("floating point, same training", report.accuracy.clear_test.map(percent));
    let plain = |value: f64| format!("{value:.4}");
    row("test R²", report.accuracy.r_squared.map(plain));
    row("twin's test R²", report.accuracy.twin_r_squared.map(plain));
    row("R² of floating point, same training", report.accuracy.clear_r_squared.map(plain));
    row("mean absolute error", report.accuracy.mae.map(plain));
    row("root mean square error", report.accuracy.rmse.map(plain));
    let mape = |value: f64| format!("{value:.2} %");
    row("test MAPE", report.accuracy.mape.map(mape));
    row("twin's test MAPE", report.accuracy.twin_mape.map(mape));
    row("MAPE of floating point, same training", report.accuracy.clear_mape.map(mape));
    if let Some(baselines) = &report.accuracy.baselines {
        row("MAPE of the mean", Some(mape(baselines.mean)));
        row("MAPE of the value before", Some(mape(baselines.last)));
        row("MAPE of the value a season before", Some(mape(baselines.season)));
    }
}

/// How it compares with the twin.
fn compared(report: &Report, row: &mut impl FnMut(&'static str, Option<String>)) {
    match report.twin.tolerance {
        None => row("equal to the twin, bit for bit", report.twin.equal.map(|equal| equal.to_string())),
        Some(tolerance) => row(
            "equal to the twin, nearly",
            report.twin.equal.map(|equal| format!("{equal}, to {tolerance:.1e}")),
        ),
    }
    if report.twin.tolerance.is_some() {
        row(
            "largest difference from the twin",
            report.twin.max_abs_error.map(|error| format!("{error:.1e}")),
        );
    }
}

/// Time and traffic.
fn costs(report: &Report, steps: f64, row: &mut impl FnMut(&'static str, Option<String>)) {
    let traffic = &report.traffic;
    row("whole run", Some(format!("{:.0} s", report.seconds.total)));
    row("a step, median", report.seconds.step_median.map(|s| format!("{s:.3} s")));
    row("CPU time a step, all threads", report.core_seconds.step.map(|s| format!("{s:.3} s")));
    let milliseconds = |s: f64| format!("{:.1} ms", s * 1e3);
    row("CPU time a training row, client included", report.core_seconds_per_image.map(milliseconds));
    let both = report.core_seconds.client + report.core_seconds.server;
    row("client's share of the time", (both > 0.0).then(|| percent(report.core_seconds.client / both)));
    let each = |bytes: u64| format!("{:.2} MB", bytes as f64 / steps / 1e6);
    row("rounds a step", (traffic.rounds > 0).then(|| format!("{:.0}", traffic.rounds as f64 / steps)));
    row("to the server a step", (traffic.rounds > 0).then(|| each(traffic.to_server_bytes)));
    row("to the client a step", (traffic.rounds > 0).then(|| each(traffic.to_client_bytes)));
}

/// Figures that were estimated before the run began, and how far from them the measured ones are.
fn foreseen(report: &Report, estimate: &RunEstimate, row: &mut impl FnMut(&'static str, Option<String>)) {
    let beside =
        |measured: f64, estimated: f64| format!("measured {:+.0} %", 100.0 * (measured / estimated - 1.0));
    let (all, step) = (estimate.seconds.all, estimate.seconds.step);
    row(
        "whole run, estimated beforehand",
        Some(format!("{all:.1} s; {}", beside(report.seconds.total, all))),
    );
    let median = report.seconds.step_median.map(|median| format!("{step:.3} s; {}", beside(median, step)));
    row("a step, estimated beforehand", median);
    let needed = estimate.memory.needed as f64;
    let memory = |peak: u64| format!("{:.2} GB; {}", needed / 1e9, beside(peak as f64, needed));
    row("peak memory, estimated beforehand", report.peak_memory_bytes.map(memory));
    let (foreseen, traffic) = (&estimate.traffic, &report.traffic);
    let pairs = [
        (report.key_bytes, foreseen.keys),
        (traffic.data_bytes, foreseen.data),
        (traffic.to_server_bytes, foreseen.to_server),
        (traffic.to_client_bytes, foreseen.to_client),
    ];
    let off: u64 = pairs.iter().map(|(measured, estimated)| measured.abs_diff(*estimated)).sum();
    let exact = if off == 0 { "exact".to_owned() } else { format!("{off} bytes off") };
    let bytes: u64 = pairs.iter().map(|pair| pair.1).sum();
    row("bytes sent, estimated beforehand", Some(format!("{:.1} MB; {exact}", bytes as f64 / 1e6)));
}

/// The plan's figures of a step.
fn planned(step: &StepSummary, steps: f64, row: &mut impl FnMut(&'static str, Option<String>)) {
    row("levels between two bootstraps", Some(step.levels.to_string()));
    row("largest error of an output", step.output_error.map(|error| format!("{error:.1e}")));
    let total: f64 = step.parts.iter().map(|(_, seconds)| seconds).sum();
    let share = |(name, seconds): &(String, f64)| format!("{name} {:.0} %", 100.0 * seconds / total);
    let parts: Vec<String> = step.parts.iter().map(share).collect();
    row("parts of a step", (total > 0.0 && steps > 0.0).then(|| parts.join(", ")));
}
