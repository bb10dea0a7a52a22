//! A recipe for rows, and its training.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use nn_encrypted::data::Rows;
use nn_encrypted::recipe::{Coding, Recipe};
use nn_encrypted::run::{Event, Mode, Options, RunError, Watch};
use nn_encrypted::{Remote, estimate_rows, fit_rows, fit_rows_at};
use numpy::PyReadonlyArray2;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::error::{of_recipe, of_run};
use crate::numbers::{Target, rows};
use crate::threads::on_threads;
use crate::trained::Trained;

/// How often a training is looked after: for Ctrl-C, and to tell its progress.
const LOOK: Duration = Duration::from_millis(50);

/// The names of the recipes inside the package.
#[pyfunction]
pub(crate) fn builtin_recipes() -> Vec<&'static str> {
    Recipe::builtin_names()
}

/// A recipe for rows in memory.
#[pyclass(frozen, module = "nn_encrypted._native")]
pub(crate) struct Task {
    recipe: Recipe,
}

/// How a task is carried out.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct How {
    mode: String,
    calibrate: bool,
    steps: Option<usize>,
    out: Option<PathBuf>,
    resume: bool,
    threads: Option<usize>,
    server: Option<(String, PathBuf, Option<String>)>,
}

fn mode(name: &str) -> PyResult<Mode> {
    match name {
        "clear" => Ok(Mode::Clear),
        "simulate" => Ok(Mode::Simulate),
        "encrypted" => Ok(Mode::Encrypted),
        other => {
            let what = format!("mode = {other:?}; \"clear\", \"simulate\" or \"encrypted\" is needed");
            Err(PyValueError::new_err(what))
        }
    }
}

impl How {
    fn options(&self) -> PyResult<Options> {
        let mode = mode(&self.mode)?;
        // Of other modes nothing is kept in a folder.
        let out = self.out.clone().filter(|_| mode == Mode::Encrypted);
        Ok(Options {
            mode,
            steps: self.steps,
            out,
            quiet: true,
            calibrate: self.calibrate,
            resume: self.resume && mode == Mode::Encrypted,
            ..Options::default()
        })
    }

    fn server(&self) -> Option<Remote> {
        let (url, token_file, pin) = self.server.clone()?;
        Some(Remote { url, token_file, pin })
    }
}

#[pymethods]
impl Task {
    /// A recipe by its name or path, with settings `key.path=value` on top, hidden layers of these widths, and a batch size that so
    /// many rows allow.
    #[new]
    #[pyo3(signature = (recipe, settings, hidden=None, rows=None))]
    fn new(
        recipe: &str,
        settings: Vec<String>,
        hidden: Option<Vec<usize>>,
        rows: Option<usize>,
    ) -> PyResult<Self> {
        let mut recipe = Recipe::for_rows(recipe, &settings).map_err(|error| of_recipe(&error))?;
        if let Some(hidden) = hidden {
            recipe = recipe.with_hidden(&hidden).map_err(|error| of_recipe(&error))?;
        }
        if let Some(rows) = rows {
            recipe.optimizer.batch_size = recipe.optimizer.batch_size.min(rows.max(1));
        }
        Ok(Self { recipe })
    }

    /// The recipe with every default written out.
    fn toml(&self) -> PyResult<String> {
        self.recipe.to_toml().map_err(|error| of_recipe(&error))
    }

    /// Whether it predicts measured values.
    fn is_regression(&self) -> bool {
        self.recipe.data.outputs == Coding::Measured
    }

    /// Trains. `how` is a dictionary; `tell` is called with one for each step and each epoch.
    #[pyo3(signature = (names, x, target, how, tell=None))]
    fn fit(
        &self,
        py: Python<'_>,
        names: Vec<String>,
        x: PyReadonlyArray2<'_, f64>,
        target: Target,
        how: How,
        tell: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Trained> {
        let rows = rows(names, &x, Some(target))?;
        let (mut options, server) = (how.options()?, how.server());
        let (sender, mut events) = channel();
        options.watch = Some(Arc::new(move |event: &Event| {
            // Whoever listens may have gone.
            let _ = sender.send(*event);
        }) as Watch);
        let stop = options.stop.clone();
        let threads = how.threads;
        let recipe = &self.recipe;
        std::thread::scope(|scope| {
            let work = scope.spawn(move || {
                on_threads(threads, || train(recipe.clone(), &rows, &options, server.as_ref()))
            });
            let stopped = look_after(py, &mut events, tell.as_ref());
            if stopped.is_err() {
                stop.store(true, Ordering::SeqCst);
            }
            let result = py.detach(|| work.join());
            stopped?;
            let result = result.map_err(|_| PyValueError::new_err("the training came to a bug"))?;
            let trained = result.map_err(PyValueError::new_err)?;
            trained.map(Trained::new).map_err(|error| of_run(&error))
        })
    }

    /// What an encrypted training takes, as JSON.
    fn estimate(
        &self,
        py: Python<'_>,
        names: Vec<String>,
        x: PyReadonlyArray2<'_, f64>,
        target: Target,
        how: How,
    ) -> PyResult<String> {
        let (rows, options) = (rows(names, &x, Some(target))?, how.options()?);
        let recipe = self.recipe.clone();
        let run = || on_threads(how.threads, || estimate_rows(recipe, &rows, &options));
        let estimate = py.detach(run).map_err(PyValueError::new_err)?;
        estimate.map_err(|error| of_run(&error))
    }
}

fn train(
    recipe: Recipe,
    rows: &Rows,
    options: &Options,
    server: Option<&Remote>,
) -> Result<nn_encrypted::Trained, RunError> {
    match server {
        Some(server) => fit_rows_at(recipe, rows, options, server),
        None => fit_rows(recipe, rows, options),
    }
}

/// Tells of events until the training has ended; an error is an exception of the callback, or Ctrl-C.
fn look_after(py: Python<'_>, events: &mut Receiver<Event>, tell: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
    loop {
        let waiting = &mut *events;
        let event = py.detach(move || waiting.recv_timeout(LOOK));
        py.check_signals()?;
        match (event, tell) {
            (Err(RecvTimeoutError::Disconnected), _) => return Ok(()),
            (Ok(event), Some(tell)) => {
                tell.call1((as_dict(py, &event)?,))?;
            }
            _ => {}
        }
    }
}

fn as_dict<'py>(py: Python<'py>, event: &Event) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("step", event.step)?;
    dict.set_item("steps", event.steps)?;
    dict.set_item("epoch", event.epoch)?;
    dict.set_item("score", event.score)?;
    dict.set_item("seconds_left", event.seconds_left)?;
    Ok(dict)
}
