//! Errors as exceptions.

use nn_encrypted::data::DataError;
use nn_encrypted::recipe::RecipeError;
use nn_encrypted::run::RunError;
use pyo3::create_exception;
use pyo3::exceptions::{PyException, PyValueError};
use pyo3::prelude::*;

create_exception!(
    nn_encrypted,
    NnEncryptedError,
    PyException,
    "A training or a classification that could not be carried out."
);
create_exception!(
    nn_encrypted,
    Interrupted,
    NnEncryptedError,
    "Stopped before the end; an encrypted training with `key_dir` goes on with `resume=True`."
);

/// What the caller gave is a `ValueError`, the rest is of this package.
pub(crate) fn of_run(error: &RunError) -> PyErr {
    let text = error.to_string();
    match error {
        RunError::Interrupted { .. } => Interrupted::new_err(text),
        _ if error.is_input() => PyValueError::new_err(text),
        _ => NnEncryptedError::new_err(text),
    }
}

/// Faults of data are the caller's.
pub(crate) fn of_data(error: &DataError) -> PyErr {
    PyValueError::new_err(error.to_string())
}

/// Faults of recipes are the caller's.
pub(crate) fn of_recipe(error: &RecipeError) -> PyErr {
    PyValueError::new_err(error.to_string())
}
