//! The schemes one by one: explicit parameters and keys, no global state.

pub(crate) mod bgv;
pub(crate) mod ckks;
pub(crate) mod tfhe;

use numpy::PyReadonlyArray1;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::error::NnEncryptedError;

/// An error of a scheme.
fn fault(error: impl std::fmt::Display) -> PyErr {
    NnEncryptedError::new_err(error.to_string())
}

/// There is no preset of a name.
fn no_preset(name: &str, known: &[&str]) -> PyErr {
    PyValueError::new_err(format!("no preset {name:?}; there are {}", known.join(", ")))
}

/// The numbers of an array, which need not be contiguous.
fn values<T: numpy::Element + Copy>(array: &PyReadonlyArray1<'_, T>) -> Vec<T> {
    array.as_array().iter().copied().collect()
}
