//! What the Python package `nn_encrypted` calls.

mod error;
mod numbers;
mod schemes;
mod task;
mod threads;
mod trained;

use pyo3::prelude::*;

/// The native part of `nn_encrypted`.
#[pymodule]
mod _native {
    #[pymodule_export]
    use super::error::{Interrupted, NnEncryptedError};
    #[pymodule_export]
    use super::task::{Task, builtin_recipes};
    #[pymodule_export]
    use super::trained::Trained;
    use pyo3::prelude::*;

    /// CKKS.
    #[pymodule]
    mod ckks {
        #[pymodule_export]
        use crate::schemes::ckks::{
            Ciphertext, EvaluationKeys, Evaluator, Parameters, PublicKey, Refresher, SecretKey,
        };
    }

    /// BGV.
    #[pymodule]
    mod bgv {
        #[pymodule_export]
        use crate::schemes::bgv::{Ciphertext, EvaluationKeys, Evaluator, Parameters, PublicKey, SecretKey};
    }

    /// TFHE.
    #[pymodule]
    mod tfhe {
        #[pymodule_export]
        use crate::schemes::tfhe::{
            Ciphertexts, EvaluationKeys, Evaluator, Parameters, PublicKey, SecretKey,
        };
    }
}
