//! BGV: exact integers, one a slot.

use he_bgv::{Decryptor, Encoder, Encryptor, KeyRequest, Spec};
use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyType};

use super::{fault, no_preset, values};

const PRESETS: [&str; 4] = ["n8192", "n8192_wide", "n16384", "n16384_wide"];

fn preset(name: &str) -> PyResult<Spec> {
    match name {
        "n8192" => Ok(Spec::n8192()),
        "n8192_wide" => Ok(Spec::n8192_wide()),
        "n16384" => Ok(Spec::n16384()),
        "n16384_wide" => Ok(Spec::n16384_wide()),
        other => Err(no_preset(other, &PRESETS)),
    }
}

/// Parameters of 128 bits of security.
#[pyclass(frozen, module = "nn_encrypted.bgv")]
pub(crate) struct Parameters(he_bgv::Parameters);

#[pymethods]
impl Parameters {
    /// The parameters of a preset.
    #[new]
    fn new(name: &str) -> PyResult<Self> {
        preset(name)?.build().map(Self).map_err(fault)
    }

    /// Slots of a ciphertext, in two rows.
    #[getter]
    fn slots(&self) -> usize {
        self.0.n()
    }

    /// The plaintext modulus: integers up to half of it in magnitude are told apart.
    #[getter]
    fn modulus(&self) -> u64 {
        self.0.t().value()
    }
}

/// The key that decrypts. It is never pickled.
#[pyclass(frozen, module = "nn_encrypted.bgv")]
pub(crate) struct SecretKey(he_bgv::SecretKey);

#[pymethods]
impl SecretKey {
    /// A new key.
    #[new]
    fn new(py: Python<'_>, params: &Parameters) -> PyResult<Self> {
        py.detach(|| he_bgv::SecretKey::generate(&params.0)).map(Self).map_err(fault)
    }

    /// Encrypts integers of a magnitude of at most `bound`, one a slot. The server follows the bound: a result that may not fit the
    /// modulus is an error.
    fn encrypt(&self, py: Python<'_>, values: PyReadonlyArray1<'_, i64>, bound: u64) -> PyResult<Ciphertext> {
        let values = self::values(&values);
        let run = || {
            let plaintext = Encoder::new(self.0.params()).with_bound(bound).encode(&values)?;
            Encryptor::with_secret(&self.0).encrypt(&plaintext)
        };
        computed(py, run)
    }

    /// The integers in a ciphertext.
    fn decrypt<'py>(&self, py: Python<'py>, ciphertext: &Ciphertext) -> PyResult<Bound<'py, PyArray1<i64>>> {
        let decrypted = py.detach(|| {
            let plaintext = Decryptor::new(&self.0).decrypt(&ciphertext.0)?;
            Encoder::new(self.0.params()).decode(&plaintext)
        });
        Ok(decrypted.map_err(fault)?.into_pyarray(py))
    }

    /// The key by which others encrypt.
    fn public_key(&self, py: Python<'_>) -> PyResult<PublicKey> {
        let key = py.detach(|| self.0.public_key()).map_err(fault)?;
        Ok(PublicKey(key, self.0.params().clone()))
    }

    /// The keys by which a server computes: for products, rotations of rows to the left by each of `rotations` (to the right by those
    /// that are negative), and swapping them.
    #[pyo3(signature = (rotations=vec![], row_swap=false))]
    fn evaluation_keys(
        &self,
        py: Python<'_>,
        rotations: Vec<i64>,
        row_swap: bool,
    ) -> PyResult<EvaluationKeys> {
        let (params, level) = (self.0.params(), self.0.params().max_level());
        let mut request = KeyRequest::default().relinearization(level).rotations(params, &rotations, level);
        if row_swap {
            request = request.row_swap(params, level);
        }
        py.detach(|| self.0.evaluation_keys(&request)).map(EvaluationKeys).map_err(fault)
    }

    /// The key as bytes, for a file that its owner alone reads.
    fn to_secret_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.to_secret_bytes())
    }

    /// From the bytes of `to_secret_bytes`.
    #[classmethod]
    fn from_secret_bytes(_class: &Bound<'_, PyType>, params: &Parameters, bytes: &[u8]) -> PyResult<Self> {
        he_bgv::SecretKey::from_secret_bytes(&params.0, bytes).map(Self).map_err(fault)
    }
}

/// The key by which others encrypt.
#[pyclass(frozen, module = "nn_encrypted.bgv")]
pub(crate) struct PublicKey(he_bgv::PublicKey, he_bgv::Parameters);

#[pymethods]
impl PublicKey {
    /// Encrypts integers of a magnitude of at most `bound`, one a slot.
    fn encrypt(&self, py: Python<'_>, values: PyReadonlyArray1<'_, i64>, bound: u64) -> PyResult<Ciphertext> {
        let values = self::values(&values);
        let run = || {
            let plaintext = Encoder::new(&self.1).with_bound(bound).encode(&values)?;
            Encryptor::with_public(&self.0).encrypt(&plaintext)
        };
        computed(py, run)
    }

    /// As bytes.
    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.0.to_bytes().map_err(fault)?))
    }

    /// From the bytes of `to_bytes`.
    #[classmethod]
    fn from_bytes(_class: &Bound<'_, PyType>, params: &Parameters, bytes: &[u8]) -> PyResult<Self> {
        let key = he_bgv::PublicKey::from_bytes(&params.0, bytes).map_err(fault)?;
        Ok(Self(key, params.0.clone()))
    }
}

/// The keys by which a server computes. They decrypt nothing.
#[pyclass(frozen, module = "nn_encrypted.bgv")]
pub(crate) struct EvaluationKeys(he_bgv::EvaluationKeys);

#[pymethods]
impl EvaluationKeys {
    /// As bytes.
    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = py.detach(|| self.0.to_bytes()).map_err(fault)?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// From the bytes of `to_bytes`.
    #[classmethod]
    fn from_bytes(
        _class: &Bound<'_, PyType>,
        py: Python<'_>,
        params: &Parameters,
        bytes: &[u8],
    ) -> PyResult<Self> {
        py.detach(|| he_bgv::EvaluationKeys::from_bytes(&params.0, bytes)).map(Self).map_err(fault)
    }
}

/// Encrypted integers.
#[pyclass(frozen, module = "nn_encrypted.bgv")]
pub(crate) struct Ciphertext(he_bgv::Ciphertext);

#[pymethods]
impl Ciphertext {
    /// Estimated bits of noise that are left; it decrypts while they are above 0.
    #[getter]
    fn noise_budget(&self) -> f64 {
        self.0.noise_budget()
    }

    /// As bytes.
    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.0.to_bytes().map_err(fault)?))
    }

    /// From the bytes of `to_bytes`.
    #[classmethod]
    fn from_bytes(_class: &Bound<'_, PyType>, params: &Parameters, bytes: &[u8]) -> PyResult<Self> {
        he_bgv::Ciphertext::from_bytes(&params.0, bytes).map(Self).map_err(fault)
    }

    fn __repr__(&self) -> String {
        format!("{:?}", self.0)
    }
}

/// What a server computes with.
#[pyclass(frozen, module = "nn_encrypted.bgv")]
pub(crate) struct Evaluator(he_bgv::Evaluator);

/// Runs an operation without the interpreter.
fn computed(
    py: Python<'_>,
    run: impl FnOnce() -> Result<he_bgv::Ciphertext, he_bgv::Error> + Send,
) -> PyResult<Ciphertext> {
    py.detach(run).map(Ciphertext).map_err(fault)
}

#[pymethods]
impl Evaluator {
    /// With the keys of a client.
    #[new]
    fn new(params: &Parameters, keys: &EvaluationKeys) -> PyResult<Self> {
        he_bgv::Evaluator::new(&params.0, keys.0.clone()).map(Self).map_err(fault)
    }

    /// `a + b`.
    fn add(&self, py: Python<'_>, a: &Ciphertext, b: &Ciphertext) -> PyResult<Ciphertext> {
        computed(py, || self.0.add(&a.0, &b.0))
    }

    /// `a - b`.
    fn sub(&self, py: Python<'_>, a: &Ciphertext, b: &Ciphertext) -> PyResult<Ciphertext> {
        computed(py, || self.0.sub(&a.0, &b.0))
    }

    /// `a * b`, slot by slot.
    fn mul(&self, py: Python<'_>, a: &Ciphertext, b: &Ciphertext) -> PyResult<Ciphertext> {
        computed(py, || self.0.mul(&a.0, &b.0))
    }

    /// `a + values`.
    fn add_plain(
        &self,
        py: Python<'_>,
        a: &Ciphertext,
        values: PyReadonlyArray1<'_, i64>,
    ) -> PyResult<Ciphertext> {
        let values = self::values(&values);
        computed(py, || self.0.add_plain(&a.0, &self.plain(&values)?))
    }

    /// `a * values`, slot by slot.
    fn mul_plain(
        &self,
        py: Python<'_>,
        a: &Ciphertext,
        values: PyReadonlyArray1<'_, i64>,
    ) -> PyResult<Ciphertext> {
        let values = self::values(&values);
        computed(py, || self.0.mul_plain(&a.0, &self.plain(&values)?))
    }

    /// Each row of slots, `steps` places to the left; to the right if that is negative.
    fn rotate_rows(&self, py: Python<'_>, a: &Ciphertext, steps: i64) -> PyResult<Ciphertext> {
        computed(py, || self.0.rotate_rows(&a.0, steps))
    }
}

impl Evaluator {
    /// Values that the server knows, of their own magnitude.
    fn plain(&self, values: &[i64]) -> Result<he_bgv::Plaintext, he_bgv::Error> {
        let bound = values.iter().map(|value| value.unsigned_abs()).max().unwrap_or(0);
        Encoder::new(self.0.params()).with_bound(bound).encode(values)
    }
}
