//! Arrays of numbers from and to numpy.

use ndarray::Array2;
use nn_encrypted::data::{Labels, Rows};
use numpy::PyReadonlyArray2;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::error::of_data;

/// The labels of rows: names of classes and the place of each row's among them, or measured values.
#[derive(FromPyObject)]
pub(crate) enum Target {
    /// Classes.
    Classes(Vec<String>, Vec<usize>),
    /// Measured values.
    Measured(Vec<f64>),
}

/// Rows with names of columns.
pub(crate) fn rows(
    names: Vec<String>,
    x: &PyReadonlyArray2<'_, f64>,
    target: Option<Target>,
) -> PyResult<Rows> {
    let labels = match target {
        None => Labels::None,
        Some(Target::Classes(names, of)) => Labels::Classes { names, of },
        Some(Target::Measured(values)) => Labels::Measured(values),
    };
    let (shape, array) = (x.as_array().dim(), x.as_array());
    let x = Array2::from_shape_vec(shape, array.iter().copied().collect())
        .map_err(|error| PyValueError::new_err(error.to_string()))?;
    Rows::new(names, x, labels).map_err(|error| of_data(&error))
}
