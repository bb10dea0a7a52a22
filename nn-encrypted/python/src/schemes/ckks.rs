//! CKKS: approximate numbers, one a slot.

use he_ckks::{Bootstrapper, Decryptor, Encoder, Encryptor, KeyRequest, Spec};
use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyType};

use super::{fault, no_preset, values};

const PRESETS: [&str; 5] = ["n8192", "n16384", "n32768", "bootstrap_uniform", "bootstrap_sparse"];

fn preset(name: &str) -> PyResult<Spec> {
    match name {
        "n8192" => Ok(Spec::n8192()),
        "n16384" => Ok(Spec::n16384()),
        "n32768" => Ok(Spec::n32768()),
        "bootstrap_uniform" => Ok(Spec::bootstrap_uniform()),
        "bootstrap_sparse" => Ok(Spec::bootstrap_sparse()),
        other => Err(no_preset(other, &PRESETS)),
    }
}

/// Parameters of 128 bits of security.
#[pyclass(frozen, module = "nn_encrypted.ckks")]
pub(crate) struct Parameters(he_ckks::Parameters);

#[pymethods]
impl Parameters {
    /// The parameters of a preset.
    #[new]
    fn new(name: &str) -> PyResult<Self> {
        preset(name)?.build().map(Self).map_err(fault)
    }

    /// A preset in a small ring, which protects nothing: for tests; the reason says why that is right.
    #[classmethod]
    fn insecure(_class: &Bound<'_, PyType>, name: &str, log_n: u32, reason: &str) -> PyResult<Self> {
        let spec = Spec { log_n, ..preset(name)? };
        spec.build_insecure(reason).map(Self).map_err(fault)
    }

    /// Slots of a ciphertext.
    #[getter]
    fn slots(&self) -> usize {
        self.0.slots()
    }

    /// Products that may follow each other.
    #[getter]
    fn levels(&self) -> usize {
        self.0.max_level()
    }

    /// Levels that a bootstrap takes itself: ciphertexts are refreshed from there.
    #[getter]
    fn reserved_levels(&self) -> usize {
        self.0.reserved_levels()
    }
}

/// The key that decrypts. It is never pickled.
#[pyclass(frozen, module = "nn_encrypted.ckks")]
pub(crate) struct SecretKey(he_ckks::SecretKey);

#[pymethods]
impl SecretKey {
    /// A new key.
    #[new]
    fn new(py: Python<'_>, params: &Parameters) -> PyResult<Self> {
        py.detach(|| he_ckks::SecretKey::generate(&params.0)).map(Self).map_err(fault)
    }

    /// Encrypts numbers of a magnitude of at most `bound`, one a slot; fewer slots, a power of two of them, bootstrap faster.
    #[pyo3(signature = (values, bound=1.0, level=None, slots=None))]
    fn encrypt(
        &self,
        py: Python<'_>,
        values: PyReadonlyArray1<'_, f64>,
        bound: f64,
        level: Option<usize>,
        slots: Option<usize>,
    ) -> PyResult<Ciphertext> {
        let values = super::values(&values);
        py.detach(|| {
            encrypt(&Encryptor::with_secret(&self.0), self.0.params(), &values, (bound, level, slots))
        })
        .map(Ciphertext)
        .map_err(fault)
    }

    /// The numbers in a ciphertext: for the owner of the key alone, since their errors tell of the key.
    fn decrypt<'py>(&self, py: Python<'py>, ciphertext: &Ciphertext) -> PyResult<Bound<'py, PyArray1<f64>>> {
        let decrypted = py.detach(|| Decryptor::new(&self.0).decrypt(&ciphertext.0));
        Ok(decrypted.map_err(fault)?.into_pyarray(py))
    }

    /// The key by which others encrypt.
    fn public_key(&self, py: Python<'_>) -> PyResult<PublicKey> {
        let key = py.detach(|| self.0.public_key()).map_err(fault)?;
        Ok(PublicKey(key, self.0.params().clone()))
    }

    /// The keys by which a server computes: for products, rotations to the left by each of `rotations` (to the right by those that are
    /// negative), conjugation.
    #[pyo3(signature = (rotations=vec![], conjugation=false))]
    fn evaluation_keys(
        &self,
        py: Python<'_>,
        rotations: Vec<i64>,
        conjugation: bool,
    ) -> PyResult<EvaluationKeys> {
        let (params, level) = (self.0.params(), self.0.params().max_level());
        let mut request = KeyRequest::default().relinearization(level).rotations(params, &rotations, level);
        if conjugation {
            request = request.conjugation(params, level);
        }
        py.detach(|| self.0.evaluation_keys(&request)).map(EvaluationKeys).map_err(fault)
    }

    /// What refreshes ciphertexts of so many slots, and computes with them; parameters must be those of a preset that bootstraps.
    #[pyo3(signature = (slots, rotations=vec![]))]
    fn bootstrapper(&self, py: Python<'_>, slots: usize, rotations: Vec<i64>) -> PyResult<Refresher> {
        let (params, level) = (self.0.params(), self.0.params().max_level());
        let request = KeyRequest::default().relinearization(level).rotations(params, &rotations, level);
        py.detach(|| Bootstrapper::new(self.0.bootstrap_keys(slots, &request)?)).map(Refresher).map_err(fault)
    }

    /// The key as bytes, for a file that its owner alone reads.
    fn to_secret_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.to_secret_bytes())
    }

    /// From the bytes of `to_secret_bytes`.
    #[classmethod]
    fn from_secret_bytes(_class: &Bound<'_, PyType>, params: &Parameters, bytes: &[u8]) -> PyResult<Self> {
        he_ckks::SecretKey::from_secret_bytes(&params.0, bytes).map(Self).map_err(fault)
    }
}

fn encrypt(
    encryptor: &Encryptor<'_>,
    params: &he_ckks::Parameters,
    values: &[f64],
    (bound, level, slots): (f64, Option<usize>, Option<usize>),
) -> Result<he_ckks::Ciphertext, he_ckks::Error> {
    let encoder = Encoder::new(params).with_bound(bound);
    let plaintext = encoder.encode_in(values, slots.unwrap_or(encoder.slots()))?;
    encryptor.encrypt_at(&plaintext, level.unwrap_or(params.max_level()))
}

/// The key by which others encrypt.
#[pyclass(frozen, module = "nn_encrypted.ckks")]
pub(crate) struct PublicKey(he_ckks::PublicKey, he_ckks::Parameters);

#[pymethods]
impl PublicKey {
    /// Encrypts numbers of a magnitude of at most `bound`, one a slot; fewer slots, a power of two of them, bootstrap faster.
    #[pyo3(signature = (values, bound=1.0, level=None, slots=None))]
    fn encrypt(
        &self,
        py: Python<'_>,
        values: PyReadonlyArray1<'_, f64>,
        bound: f64,
        level: Option<usize>,
        slots: Option<usize>,
    ) -> PyResult<Ciphertext> {
        let values = super::values(&values);
        py.detach(|| encrypt(&Encryptor::with_public(&self.0), &self.1, &values, (bound, level, slots)))
            .map(Ciphertext)
            .map_err(fault)
    }

    /// As bytes.
    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.0.to_bytes().map_err(fault)?))
    }

    /// From the bytes of `to_bytes`.
    #[classmethod]
    fn from_bytes(_class: &Bound<'_, PyType>, params: &Parameters, bytes: &[u8]) -> PyResult<Self> {
        let key = he_ckks::PublicKey::from_bytes(&params.0, bytes).map_err(fault)?;
        Ok(Self(key, params.0.clone()))
    }
}

/// The keys by which a server computes. They decrypt nothing.
#[pyclass(frozen, module = "nn_encrypted.ckks")]
pub(crate) struct EvaluationKeys(he_ckks::EvaluationKeys);

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
        py.detach(|| he_ckks::EvaluationKeys::from_bytes(&params.0, bytes)).map(Self).map_err(fault)
    }
}

/// Encrypted numbers.
#[pyclass(frozen, module = "nn_encrypted.ckks")]
pub(crate) struct Ciphertext(he_ckks::Ciphertext);

#[pymethods]
impl Ciphertext {
    /// Products that may still follow.
    #[getter]
    fn level(&self) -> usize {
        self.0.level()
    }

    /// No number is larger.
    #[getter]
    fn bound(&self) -> f64 {
        self.0.estimate().bound
    }

    /// The estimated error of a number.
    #[getter]
    fn error(&self) -> f64 {
        self.0.estimate().error
    }

    /// As bytes.
    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.0.to_bytes().map_err(fault)?))
    }

    /// From the bytes of `to_bytes`.
    #[classmethod]
    fn from_bytes(_class: &Bound<'_, PyType>, params: &Parameters, bytes: &[u8]) -> PyResult<Self> {
        he_ckks::Ciphertext::from_bytes(&params.0, bytes).map(Self).map_err(fault)
    }

    fn __repr__(&self) -> String {
        format!("{:?}", self.0)
    }
}

/// What a server computes with.
#[pyclass(frozen, module = "nn_encrypted.ckks")]
pub(crate) struct Evaluator(he_ckks::Evaluator);

/// Runs an operation without the interpreter.
fn computed(
    py: Python<'_>,
    run: impl FnOnce() -> Result<he_ckks::Ciphertext, he_ckks::Error> + Send,
) -> PyResult<Ciphertext> {
    py.detach(run).map(Ciphertext).map_err(fault)
}

#[pymethods]
impl Evaluator {
    /// With the keys of a client.
    #[new]
    fn new(params: &Parameters, keys: &EvaluationKeys) -> PyResult<Self> {
        he_ckks::Evaluator::new(&params.0, keys.0.clone()).map(Self).map_err(fault)
    }

    /// `a + b`.
    fn add(&self, py: Python<'_>, a: &Ciphertext, b: &Ciphertext) -> PyResult<Ciphertext> {
        computed(py, || self.0.add(&a.0, &b.0))
    }

    /// `a - b`.
    fn sub(&self, py: Python<'_>, a: &Ciphertext, b: &Ciphertext) -> PyResult<Ciphertext> {
        computed(py, || self.0.sub(&a.0, &b.0))
    }

    /// `a * b`, slot by slot; takes a level.
    fn mul(&self, py: Python<'_>, a: &Ciphertext, b: &Ciphertext) -> PyResult<Ciphertext> {
        computed(py, || self.0.mul(&a.0, &b.0))
    }

    /// `a + values`.
    fn add_plain(
        &self,
        py: Python<'_>,
        a: &Ciphertext,
        values: PyReadonlyArray1<'_, f64>,
    ) -> PyResult<Ciphertext> {
        let values = self::values(&values);
        computed(py, || self.0.add_plain(&a.0, &self.plain(&values)?))
    }

    /// `a * values`, slot by slot; takes a level.
    fn mul_plain(
        &self,
        py: Python<'_>,
        a: &Ciphertext,
        values: PyReadonlyArray1<'_, f64>,
    ) -> PyResult<Ciphertext> {
        let values = self::values(&values);
        computed(py, || self.0.mul_plain(&a.0, &self.plain(&values)?))
    }

    /// Slots, `steps` places to the left; to the right if that is negative.
    fn rotate(&self, py: Python<'_>, a: &Ciphertext, steps: i64) -> PyResult<Ciphertext> {
        computed(py, || self.0.rotate(&a.0, steps))
    }

    /// A polynomial of each slot, its coefficients constant first, where `|x| <= 1`.
    fn polynomial(&self, py: Python<'_>, x: &Ciphertext, coefficients: Vec<f64>) -> PyResult<Ciphertext> {
        let coefficients: Vec<_> =
            coefficients.into_iter().map(|c| he_ckks::Complex64::new(c, 0.0)).collect();
        computed(py, || self.0.evaluate_powers(&x.0, &coefficients))
    }
}

impl Evaluator {
    /// Values that the server knows, of their own magnitude.
    fn plain(&self, values: &[f64]) -> Result<he_ckks::Plaintext, he_ckks::Error> {
        let bound = values.iter().fold(f64::MIN_POSITIVE, |a, b| a.max(b.abs()));
        Encoder::new(self.0.params()).with_bound(bound).encode(values)
    }
}

/// What refreshes ciphertexts.
#[pyclass(frozen, module = "nn_encrypted.ckks", name = "Bootstrapper")]
pub(crate) struct Refresher(Bootstrapper);

#[pymethods]
impl Refresher {
    /// The same numbers at the highest level.
    fn bootstrap(&self, py: Python<'_>, a: &Ciphertext) -> PyResult<Ciphertext> {
        computed(py, || self.0.bootstrap(&a.0))
    }
}
