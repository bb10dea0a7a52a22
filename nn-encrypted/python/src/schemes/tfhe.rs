//! TFHE: small integers, each looked up in any table at a bootstrap.

use he_tfhe::{Decryptor, Encryptor, LookupTable, Spec};
use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyType};

use super::{fault, no_preset, values};

const PRESETS: [&str; 4] = [
    "message_1_carry_1_failure_64",
    "message_2_carry_2_failure_64",
    "message_2_carry_2_failure_128",
    "message_3_carry_3_failure_64",
];

fn preset(name: &str) -> PyResult<Spec> {
    match name {
        "message_1_carry_1_failure_64" => Ok(Spec::message_1_carry_1_failure_64()),
        "message_2_carry_2_failure_64" => Ok(Spec::message_2_carry_2_failure_64()),
        "message_2_carry_2_failure_128" => Ok(Spec::message_2_carry_2_failure_128()),
        "message_3_carry_3_failure_64" => Ok(Spec::message_3_carry_3_failure_64()),
        other => Err(no_preset(other, &PRESETS)),
    }
}

/// Parameters of 128 bits of security.
#[pyclass(frozen, module = "nn_encrypted.tfhe")]
pub(crate) struct Parameters(he_tfhe::Parameters);

#[pymethods]
impl Parameters {
    /// The parameters of a preset.
    #[new]
    fn new(name: &str) -> PyResult<Self> {
        preset(name)?.build().map(Self).map_err(fault)
    }

    /// Messages are below this.
    #[getter]
    fn messages(&self) -> u64 {
        self.0.spec().messages()
    }
}

/// The key that decrypts. It is never pickled.
#[pyclass(frozen, module = "nn_encrypted.tfhe")]
pub(crate) struct SecretKey(he_tfhe::SecretKey);

#[pymethods]
impl SecretKey {
    /// A new key.
    #[new]
    fn new(py: Python<'_>, params: &Parameters) -> PyResult<Self> {
        py.detach(|| he_tfhe::SecretKey::generate(&params.0)).map(Self).map_err(fault)
    }

    /// Encrypts messages, each in a ciphertext of its own.
    fn encrypt(&self, py: Python<'_>, messages: PyReadonlyArray1<'_, u64>) -> PyResult<Ciphertexts> {
        let messages = values(&messages);
        let all = py.detach(|| Encryptor::with_secret(&self.0).encrypt_all(&messages)).map_err(fault)?;
        Ok(Ciphertexts { params: self.0.params().clone(), all })
    }

    /// The messages in ciphertexts.
    fn decrypt<'py>(
        &self,
        py: Python<'py>,
        ciphertexts: &Ciphertexts,
    ) -> PyResult<Bound<'py, PyArray1<u64>>> {
        let decrypted: Result<Vec<u64>, _> = py.detach(|| {
            let decryptor = Decryptor::new(&self.0);
            ciphertexts.all.iter().map(|ciphertext| decryptor.decrypt(ciphertext)).collect()
        });
        Ok(decrypted.map_err(fault)?.into_pyarray(py))
    }

    /// The key by which others encrypt.
    fn public_key(&self, py: Python<'_>) -> PyResult<PublicKey> {
        py.detach(|| self.0.public_key()).map(PublicKey).map_err(fault)
    }

    /// The keys by which a server computes.
    fn evaluation_keys(&self, py: Python<'_>) -> PyResult<EvaluationKeys> {
        py.detach(|| self.0.evaluation_keys()).map(EvaluationKeys).map_err(fault)
    }

    /// The key as bytes, for a file that its owner alone reads.
    fn to_secret_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.to_secret_bytes())
    }

    /// From the bytes of `to_secret_bytes`.
    #[classmethod]
    fn from_secret_bytes(_class: &Bound<'_, PyType>, params: &Parameters, bytes: &[u8]) -> PyResult<Self> {
        he_tfhe::SecretKey::from_secret_bytes(&params.0, bytes).map(Self).map_err(fault)
    }
}

/// The key by which others encrypt.
#[pyclass(frozen, module = "nn_encrypted.tfhe")]
pub(crate) struct PublicKey(he_tfhe::PublicKey);

#[pymethods]
impl PublicKey {
    /// Encrypts messages, each in a ciphertext of its own.
    fn encrypt(&self, py: Python<'_>, messages: PyReadonlyArray1<'_, u64>) -> PyResult<Ciphertexts> {
        let messages = values(&messages);
        let all = py.detach(|| Encryptor::with_public(&self.0).encrypt_all(&messages)).map_err(fault)?;
        Ok(Ciphertexts { params: self.0.params().clone(), all })
    }
}

/// The keys by which a server computes. They decrypt nothing.
#[pyclass(frozen, module = "nn_encrypted.tfhe")]
pub(crate) struct EvaluationKeys(he_tfhe::EvaluationKeys);

#[pymethods]
impl EvaluationKeys {
    /// The size in memory.
    #[getter]
    fn nbytes(&self) -> usize {
        self.0.bytes()
    }
}

/// Encrypted messages.
#[pyclass(frozen, module = "nn_encrypted.tfhe")]
pub(crate) struct Ciphertexts {
    params: he_tfhe::Parameters,
    all: Vec<he_tfhe::LweCiphertext>,
}

#[pymethods]
impl Ciphertexts {
    fn __len__(&self) -> usize {
        self.all.len()
    }

    /// As bytes.
    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = he_tfhe::LweCiphertext::to_bytes(&self.params, &self.all).map_err(fault)?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// From the bytes of `to_bytes`.
    #[classmethod]
    fn from_bytes(_class: &Bound<'_, PyType>, params: &Parameters, bytes: &[u8]) -> PyResult<Self> {
        let all = he_tfhe::LweCiphertext::from_bytes(&params.0, bytes).map_err(fault)?;
        Ok(Self { params: params.0.clone(), all })
    }
}

/// What a server computes with.
#[pyclass(frozen, module = "nn_encrypted.tfhe")]
pub(crate) struct Evaluator(he_tfhe::Evaluator);

#[pymethods]
impl Evaluator {
    /// With the keys of a client.
    #[new]
    fn new(keys: &EvaluationKeys) -> Self {
        Self(he_tfhe::Evaluator::new(keys.0.clone()))
    }

    /// `a + b`, without a bootstrap: sums must stay below the number of messages.
    fn add(&self, py: Python<'_>, a: &Ciphertexts, b: &Ciphertexts) -> PyResult<Ciphertexts> {
        if a.all.len() != b.all.len() {
            let what = format!("{} and {} ciphertexts; as many are needed", a.all.len(), b.all.len());
            return Err(PyValueError::new_err(what));
        }
        let sum = || a.all.iter().zip(&b.all).map(|(a, b)| self.0.add(a, b)).collect::<Result<Vec<_>, _>>();
        Ok(Ciphertexts { params: a.params.clone(), all: py.detach(sum).map_err(fault)? })
    }

    /// Looks each message up in a table with one entry for each message there is; a bootstrap each.
    fn look_up(
        &self,
        py: Python<'_>,
        a: &Ciphertexts,
        table: PyReadonlyArray1<'_, u64>,
    ) -> PyResult<Ciphertexts> {
        let table = values(&table);
        let run = || {
            let table = LookupTable::from_values(self.0.params(), &table)?;
            self.0.bootstrap_batch(&a.all, &table)
        };
        Ok(Ciphertexts { params: a.params.clone(), all: py.detach(run).map_err(fault)? })
    }
}
