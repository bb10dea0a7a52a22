//! A trained network.

use std::path::PathBuf;

use ndarray::Array2;
use nn_encrypted::Remote;
use nn_encrypted::data::Samples;
use nn_encrypted::run::{ImportOptions, Mode, Predictions};
use numpy::{IntoPyArray, PyArray1, PyArray2, PyReadonlyArray2};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyType};

use crate::error::of_run;
use crate::numbers::rows;
use crate::threads::on_threads;

/// Outputs, whether they are the twin's, how many numbers of the rows were cut, and notes.
type Encrypted<'py> = (Bound<'py, PyArray2<f64>>, bool, u64, Vec<String>);
/// Of a layer.
type WeightsAndBiases<'py> = (Bound<'py, PyArray1<f64>>, Bound<'py, PyArray1<f64>>);

/// A trained network: weights, columns and their normalization. It holds no key.
#[pyclass(frozen, module = "nn_encrypted._native")]
pub(crate) struct Trained {
    inner: nn_encrypted::Trained,
}

impl Trained {
    pub(crate) fn new(inner: nn_encrypted::Trained) -> Self {
        Self { inner }
    }

    fn samples(&self, names: Vec<String>, x: &PyReadonlyArray2<'_, f64>) -> PyResult<(Samples, Vec<String>)> {
        self.inner.samples(&rows(names, x, None)?).map_err(|error| of_run(&error))
    }
}

#[pymethods]
impl Trained {
    /// The outputs for rows in the clear; how many of their numbers were cut to the limit of the normalization, and notes.
    fn outputs<'py>(
        &self,
        py: Python<'py>,
        names: Vec<String>,
        x: PyReadonlyArray2<'py, f64>,
    ) -> PyResult<(Bound<'py, PyArray2<f64>>, u64, Vec<String>)> {
        let (samples, notes) = self.samples(names, &x)?;
        let outputs = py.detach(|| self.inner.outputs(&samples)).map_err(|error| of_run(&error))?;
        Ok((outputs.into_pyarray(py), samples.saturated, notes))
    }

    /// The outputs for rows on ciphertexts, and whether they are the twin's; how many numbers of the rows were cut, and notes.
    #[pyo3(signature = (names, x, threads=None, server=None))]
    fn encrypted_outputs<'py>(
        &self,
        py: Python<'py>,
        names: Vec<String>,
        x: PyReadonlyArray2<'py, f64>,
        threads: Option<usize>,
        server: Option<(String, PathBuf, Option<String>)>,
    ) -> PyResult<Encrypted<'py>> {
        let (samples, mut notes) = self.samples(names, &x)?;
        let server = server.map(|(url, token_file, pin)| Remote { url, token_file, pin });
        let predict = || match &server {
            Some(server) => self.inner.predict_at(&samples, server),
            None => self.inner.predict(&samples),
        };
        let prediction = py.detach(|| on_threads(threads, predict)).map_err(PyValueError::new_err)?;
        let prediction = prediction.map_err(|error| of_run(&error))?;
        notes.extend(prediction.notes);
        let equal = prediction.summary.twin_equal;
        Ok((prediction.outputs.into_pyarray(py), equal, samples.saturated, notes))
    }

    /// The place of the class of each row of outputs; none of measured values.
    fn classes<'py>(
        &self,
        py: Python<'py>,
        outputs: PyReadonlyArray2<'py, f64>,
    ) -> Option<Bound<'py, PyArray1<usize>>> {
        match self.inner.predictions(&owned(&outputs)) {
            Predictions::Classes(classes) => Some(classes.into_pyarray(py)),
            Predictions::Values(_) => None,
        }
    }

    /// The measured value that each row of outputs tells; none of classes.
    fn values<'py>(
        &self,
        py: Python<'py>,
        outputs: PyReadonlyArray2<'py, f64>,
    ) -> Option<Bound<'py, PyArray1<f64>>> {
        match self.inner.predictions(&owned(&outputs)) {
            Predictions::Values(values) => Some(values.into_pyarray(py)),
            Predictions::Classes(_) => None,
        }
    }

    /// The score of each class by rows of outputs.
    fn class_scores<'py>(
        &self,
        py: Python<'py>,
        outputs: PyReadonlyArray2<'py, f64>,
    ) -> Bound<'py, PyArray2<f64>> {
        self.inner.class_scores(&owned(&outputs)).into_pyarray(py)
    }

    /// The names of the classes.
    #[getter]
    fn class_names(&self) -> Vec<String> {
        self.inner.session.data.classes.clone()
    }

    /// The names of the columns, as they were trained on.
    #[getter]
    fn columns(&self) -> Vec<String> {
        self.inner.session.data.features.clone()
    }

    /// Weights and biases of each layer, as they were trained.
    #[getter]
    fn layers<'py>(&self, py: Python<'py>) -> Vec<WeightsAndBiases<'py>> {
        let arrays = |layer: &nn_encrypted::model::LayerState| {
            (layer.weight.clone().into_pyarray(py), layer.bias.clone().into_pyarray(py))
        };
        self.inner.model.layers.iter().map(arrays).collect()
    }

    /// The report of the training, as JSON; none of a model that was read.
    fn report(&self) -> PyResult<Option<String>> {
        let report = self.inner.report.as_ref().map(serde_json::to_string);
        report.transpose().map_err(|error| PyValueError::new_err(error.to_string()))
    }

    /// How it was trained.
    #[getter]
    fn mode(&self) -> &'static str {
        match self.inner.mode {
            Mode::Clear => "clear",
            Mode::Simulate => "simulate",
            Mode::Encrypted => "encrypted",
        }
    }

    /// Writes the model with all that further rows need.
    fn save(&self, path: PathBuf) -> PyResult<()> {
        self.inner.save(&path).map_err(|error| of_run(&error))
    }

    /// Reads what `save` wrote.
    #[classmethod]
    fn open(_class: &Bound<'_, PyType>, path: PathBuf) -> PyResult<Self> {
        nn_encrypted::Trained::open(&path).map(Self::new).map_err(|error| of_run(&error))
    }

    /// A network that was trained elsewhere, and how far it is from floating point on the calibration rows, as JSON.
    #[classmethod]
    fn import_file(
        _class: &Bound<'_, PyType>,
        py: Python<'_>,
        path: PathBuf,
        names: Vec<String>,
        x: PyReadonlyArray2<'_, f64>,
        wishes: (String, Vec<String>, usize),
    ) -> PyResult<(Self, String)> {
        let (recipe, settings, degree) = wishes;
        let (rows, options) =
            (rows(names, &x, None)?, ImportOptions { settings, degree, ..ImportOptions::of(&recipe) });
        let found = py.detach(|| nn_encrypted::Trained::import(&path, &rows, &options));
        let (trained, summary) = found.map_err(|error| of_run(&error))?;
        let text =
            serde_json::to_string(&summary).map_err(|error| PyValueError::new_err(error.to_string()))?;
        Ok((Self::new(trained), text))
    }

    /// The bytes of `save`.
    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.inner.to_bytes().map_err(|error| of_run(&error))?))
    }

    /// From the bytes of `to_bytes`.
    #[classmethod]
    fn from_bytes(_class: &Bound<'_, PyType>, bytes: &[u8]) -> PyResult<Self> {
        nn_encrypted::Trained::from_bytes(bytes).map(Self::new).map_err(|error| of_run(&error))
    }

    /// For pickles: model and preprocessing, and never a key.
    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyBytes>,))> {
        let bytes = slf.get().to_bytes(slf.py())?;
        Ok((slf.get_type().getattr("from_bytes")?, (bytes,)))
    }
}

fn owned(outputs: &PyReadonlyArray2<'_, f64>) -> Array2<f64> {
    outputs.as_array().to_owned()
}
