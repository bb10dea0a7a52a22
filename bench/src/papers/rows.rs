//! The lines of the table, out of what was published, what was measured, and docs/runs.

use std::collections::BTreeMap;

use nn_encrypted::run::Report;

use super::cells::{Cell, Line, Source};
use super::measure::{MEASURED, Measured};
use super::published;
use super::runs::{self, Place};
use crate::pages::Failure;

/// All lines: the systems of a recipe, then the recipe.
pub(super) fn lines(measured: &BTreeMap<String, Measured>) -> Result<Vec<Line>, Failure> {
    let mut all = Vec::new();
    for task in &MEASURED {
        all.extend(published::of(task.recipe));
        all.push(match measured.get(task.recipe) {
            Some(of) => Line { accuracy: whole(task.recipe, of)?, ..step(task.recipe, of) },
            None => unmeasured(task.recipe),
        });
        all.extend(from_runs(task.recipe)?);
    }
    Ok(all)
}

/// The line of a recipe that was left out.
fn unmeasured(recipe: &str) -> Line {
    let none = Cell::none;
    Line {
        ours: true,
        name: format!("**`{recipe}`**"),
        network: none(),
        batch: none(),
        bits: none(),
        seconds: none(),
        memory: none(),
        accuracy: none(),
        twin: none(),
        client: none(),
        extrapolated: format!("not measured yet: `papers --only {recipe}`"),
    }
}

/// The accuracy of a whole training on ciphertexts.
fn whole(recipe: &str, measured: &Measured) -> Result<Cell, Failure> {
    let read = |page, row: &str| Place { page, table: 0, column: 0 }.cell(row);
    Ok(match recipe {
        "hesamifard2017" => Cell::new(read("README.md", "test accuracy")?, Source::Runs),
        "onoufriou2021" => {
            let mape = read("docs/runs/onoufriou2021/README.md", "test MAPE")?;
            Cell::new(format!("MAPE {mape}"), Source::Runs)
        }
        // Its whole training is one step.
        _ if measured.simulated.steps == measured.encrypted.steps => {
            Cell::new(read("docs/runs/ghimes2018/README.md", "test accuracy")?, Source::Runs)
        }
        _ => Cell::none(),
    })
}

fn percent(part: f64) -> String {
    format!("{:.2} %", 100.0 * part)
}

/// Accuracy by the twin.
fn twin(report: &Report) -> Option<String> {
    let accuracy = &report.accuracy;
    accuracy.twin_test.map(percent).or_else(|| accuracy.twin_mape.map(|mape| format!("MAPE {mape:.2} %")))
}

fn network(report: &Report) -> String {
    let widths: Vec<String> = report.network.iter().map(ToString::to_string).collect();
    format!("{}, {}", widths.join("-"), report.data.name)
}

/// The least security of any scheme; of YASHE there is none to speak of.
fn bits(report: &Report) -> String {
    if report.schemes.iter().any(|scheme| scheme.name == "yashe") {
        return "none: broken".into();
    }
    let least = report.schemes.iter().map(|scheme| scheme.security_bits).min().flatten();
    least.map_or_else(|| "none".into(), |bits| bits.to_string())
}

fn gigabytes(report: &Report) -> Option<String> {
    report.peak_memory_bytes.map(|bytes| format!("{:.2} GB", bytes as f64 / 1e9))
}

/// Three digits.
pub(super) fn number(x: f64) -> String {
    match x {
        x if x >= 100.0 => format!("{x:.0}"),
        x if x >= 10.0 => format!("{x:.1}"),
        x if x >= 1.0 => format!("{x:.2}"),
        x if x >= 0.1 => format!("{x:.3}"),
        _ => format!("{x:.4}"),
    }
}

fn client(report: &Report) -> &'static str {
    match (report.traffic.rounds > 0, report.encrypted.backward) {
        (false, _) => "none",
        (true, true) => "refreshes",
        (true, false) => "backward pass and update",
    }
}

/// The line of what was measured.
fn step(recipe: &str, measured: &Measured) -> Line {
    let Measured { batch, encrypted, simulated, .. } = measured;
    let cell = |text: Option<String>| text.map_or_else(Cell::none, |text| Cell::new(text, Source::Measured));
    let steps = if simulated.steps == encrypted.steps {
        "nothing: the training has no further step".into()
    } else {
        format!("the time of a training, from {} of {} steps", encrypted.steps, simulated.steps)
    };
    Line {
        ours: true,
        name: format!("**`{recipe}`**"),
        network: cell(Some(network(encrypted))),
        batch: cell(Some(batch.to_string())),
        bits: cell(Some(bits(encrypted))),
        seconds: cell(measured.seconds().map(number)),
        memory: cell(gigabytes(encrypted)),
        accuracy: Cell::none(),
        twin: cell(twin(simulated)),
        client: cell(Some(client(encrypted).into())),
        extrapolated: steps,
    }
}

/// Larger networks, whose data are not inside the program: from docs/runs.
fn from_runs(recipe: &str) -> Result<Vec<Line>, Failure> {
    let cell = |text: String| Cell::new(text, Source::Runs);
    let line = |network: &str, batch: &str, place: Place, twin: String| -> Result<Line, Failure> {
        Ok(Line {
            ours: true,
            name: format!("**`{recipe}`**"),
            network: cell(network.into()),
            batch: cell(batch.into()),
            bits: cell("128".into()),
            seconds: cell(number(place.seconds()?)),
            memory: cell(place.cell("peak memory")?),
            accuracy: Cell::none(),
            twin: cell(twin),
            client: cell("none".into()),
            extrapolated: "the time of a training, from one or two steps".into(),
        })
    };
    let place = |page, table, column| Place { page, table, column };
    let mnist = "784-128-32-10, mnist";
    match recipe {
        "hesamifard2017" => {
            let report = runs::report("mnist-hesamifard2017")?;
            let accuracy = report.accuracy.test.map(percent).ok_or("no accuracy")?;
            let seconds = report.core_seconds_per_image.ok_or("no time")?;
            let of = place("docs/runs/mnist-hesamifard2017/README.md", 0, 0);
            Ok(vec![Line {
                seconds: cell(number(seconds)),
                accuracy: cell(accuracy),
                client: cell("refreshes".into()),
                extrapolated: "nothing".into(),
                ..line(mnist, "256", of, twin(&report).ok_or("no accuracy of the twin")?)?
            }])
        }
        "glyph2020" => {
            let page = "docs/runs/glyph2020/README.md";
            let whole = |row: &str| place(page, 3, 0).cell(row);
            let transfer = whole("400-84-10 behind convolutions, MNIST")?;
            Ok(vec![
                line(mnist, "60", place(page, 1, 0), whole("784-128-32-10, MNIST")?)?,
                line("400-84-10 behind frozen convolutions, mnist", "60", place(page, 2, 0), transfer)?,
            ])
        }
        "ckks_sgd" => {
            let page = "docs/runs/ckks_sgd/README.md";
            let twin = place(page, 1, 1).cell("twin's test accuracy")?;
            Ok(vec![line(mnist, "1024", place(page, 0, 1), twin)?])
        }
        _ => Ok(vec![]),
    }
}
