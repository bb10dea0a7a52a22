//! From a recipe to a plan: program, engines with their layouts and parameters, levels and keys, before any key exists.
//!
//! A plan is a function of the recipe, the shape of the data and committed cost tables: nothing measured on a machine enters it,
//! so that two machines make the same plan. What client and server must agree on is in [`Plan::hash`], over a canonical encoding.

mod choose;
mod disclosure;
mod error;
mod parameters;
pub(crate) mod slot_tables;
#[expect(unreachable_pub, reason = "items of slots keep their visibility while its files change")]
pub(crate) mod slots;
pub(crate) mod tables;
mod task;
pub(crate) mod words;
pub(crate) mod work;

use std::fmt::{self, Display};
use std::sync::Arc;

use he_core::rlwe::Margin;
use he_core::wire::Writer;
use zeroize::Zeroizing;

pub use self::disclosure::Disclosure;
pub(crate) use self::error::Result;
pub use self::error::{PlanError, Reason};
pub use self::task::DataShape;
pub(crate) use self::task::{Planned, Security, Task};
pub(crate) use self::work::Workload;
use crate::engine::{Engine, EngineError, KeyStream};
use crate::network::{Extent, Network};
use crate::numbers::tables::TableReader;
use crate::program::{Program, Step, Tensor};
use crate::recipe::{Loss, Optimizer};
use crate::roles::cipher::{Cipher, CipherError, PublicCipher};

/// A training plan.
///
/// ```
/// use nn_encrypted::recipe::Recipe;
/// use nn_encrypted::run::Session;
///
/// let recipe = Recipe::load("hesamifard2017", &["data.set=iris".to_owned()])?;
/// let session = Session::new(recipe, None)?;
/// let plan = session.plan()?;
/// assert_eq!((plan.batch(), plan.engines.len()), (30, 1));
/// # Ok::<(), nn_encrypted::run::RunError>(())
/// ```
#[derive(Clone)]
pub struct Plan {
    /// The network.
    pub network: Network,
    /// How the weights move; its batch size is that of a mini-batch, of which the last of an epoch may have fewer samples.
    pub optimizer: Optimizer,
    /// Steps and refreshes.
    pub program: Program,
    /// The engines.
    pub engines: Vec<Arc<dyn PlannedEngine>>,
    /// The engine of each layer with weights, an index into `engines`.
    pub engine_of: Vec<usize>,
}

impl Plan {
    /// Digest of everything client and server must agree on.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        let mut out = Writer::new();
        let Optimizer { learning_rate, momentum, nesterov, batch_size, .. } = self.optimizer;
        out.f64(learning_rate.value());
        out.f64(momentum.value());
        out.u8(u8::from(nesterov));
        out.length(batch_size);
        encode_network(&self.network, &mut out);
        self.program.encode(&mut out);
        out.length(self.engine_of.len());
        self.engine_of.iter().for_each(|&engine| out.length(engine));
        out.length(self.engines.len());
        self.engines.iter().for_each(|engine| engine.encode(&mut out));
        blake3::derive_key("nn-encrypted plan v2", &out.finish())
    }

    /// Samples of a mini-batch.
    #[must_use]
    pub fn batch(&self) -> usize {
        self.optimizer.batch_size
    }

    /// The engine of layer `l`, or of the last layer where there is none.
    pub(crate) fn of_layer(&self, l: usize) -> usize {
        self.engine_of.get(l).or(self.engine_of.last()).copied().unwrap_or(0)
    }

    /// The engines that run a step: layers run in theirs, an activation in that of the layer behind it.
    pub(crate) fn runs(&self, step: Step) -> Vec<usize> {
        self.engines_with(|layers| step.runs(layers, self.engine_of.len()))
    }

    /// The engines that compute a tensor or are sent it.
    pub(crate) fn holders(&self, tensor: Tensor) -> Vec<usize> {
        self.engines_with(|layers| tensor.is_on(layers, self.engine_of.len()))
    }

    fn engines_with(&self, fits: impl Fn(&[usize]) -> bool) -> Vec<usize> {
        (0..self.engines.len()).filter(|&e| fits(&self.layers(e).collect::<Vec<_>>())).collect()
    }

    /// The layers of an engine, input first.
    pub(crate) fn layers(&self, engine: usize) -> impl Iterator<Item = usize> {
        (0..self.engine_of.len()).filter(move |&l| self.engine_of[l] == engine)
    }
}

impl Display for Plan {
    /// The engines; where there are several, each with its layers, counted from 1.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, engine) in self.engines.iter().enumerate() {
            if place > 0 {
                writeln!(f)?;
            }
            if self.engines.len() > 1 {
                let layers: Vec<String> = self.layers(place).map(|l| (l + 1).to_string()).collect();
                writeln!(f, "layers with weights {}:", layers.join(", "))?;
            }
            engine.fmt(f)?;
        }
        Ok(())
    }
}

/// Writes what the steps compute.
fn encode_network(network: &Network, out: &mut Writer) {
    out.u8(match network.loss {
        Loss::Quadratic => 0,
        Loss::CrossEntropy => 1,
    });
    out.length(network.layers.len());
    for layer in &network.layers {
        out.u16(layer.kind as u16);
        for Extent { channels, height, width } in [layer.input, layer.output] {
            [channels, height, width].into_iter().for_each(|size| out.length(size));
        }
        [layer.pool, layer.kernel].into_iter().flatten().for_each(|size| out.length(size));
        out.u8(u8::from(layer.activation.is_some()));
        let Some(activation) = &layer.activation else { continue };
        out.u16(activation.kind as u16);
        let coefficients = activation.polynomial.as_deref().unwrap_or_default();
        out.length(coefficients.len());
        coefficients.iter().for_each(|&coefficient| out.f64(coefficient));
    }
}

/// The size of a tensor as it is sent, in either direction.
///
/// ```
/// use nn_encrypted::plan::WireSize;
///
/// let size = WireSize { parts: 2, pieces: 3, fresh: 1 << 15, computed: 1 << 16 };
/// assert!(size.fresh < size.computed);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WireSize {
    /// Parts; 0 of a tensor that the engine is not sent and does not send.
    pub parts: usize,
    /// Ciphertexts of each part.
    pub pieces: usize,
    /// Bytes of a ciphertext of the client's.
    pub fresh: usize,
    /// Bytes of a ciphertext of the server's.
    pub computed: usize,
}

impl WireSize {
    /// Bytes of a ciphertext, whoever sends it, at most.
    pub(crate) fn most(&self) -> usize {
        self.fresh.max(self.computed)
    }
}

/// An engine as planned: its layout, parameters, levels and keys. It makes the engine of a server and the cipher of a client.
pub trait PlannedEngine: Display + Send + Sync {
    /// Writes everything that client and server must agree on, canonically: numbers in their order, no text.
    fn encode(&self, out: &mut Writer);

    /// The size of a tensor of `rows` images as it is sent. Momentum that lies in the ciphertexts of the weights has no parts.
    fn sent(&self, tensor: Tensor, rows: usize) -> WireSize;

    /// Names of the kinds of evaluation keys, in the order in which they are sent.
    fn key_names(&self) -> Vec<String> {
        vec!["evaluation keys".into()]
    }

    /// Bytes of the evaluation keys as they are sent, of each kind.
    ///
    /// # Errors
    /// If there are no such keys.
    fn key_bytes(&self) -> Result<Vec<usize>>;

    /// The ring of its ciphertexts over RLWE, for tests that alter them.
    #[cfg(test)]
    fn ring(&self) -> Option<he_core::rlwe::Parameters> {
        None
    }

    /// Number of secret keys, see `Cipher::secret_bytes`.
    fn secret_keys(&self) -> usize {
        1
    }

    /// A client's side with new secret keys.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    fn generate(&self) -> Result<Box<dyn Cipher>, CipherError>;

    /// A client's side with secret keys of before, as `Cipher::secret_bytes` gave them.
    ///
    /// # Errors
    /// If they are damaged or of other parameters.
    fn with_secret(&self, keys: &[Zeroizing<Vec<u8>>]) -> Result<Box<dyn Cipher>, CipherError>;

    /// The side of an owner of data, with public keys as `Cipher::public_keys` gave them; none where mini-batches are encrypted under
    /// the secret key alone.
    ///
    /// # Errors
    /// If they are missing, damaged or of other parameters.
    fn public_cipher(&self, _keys: &[Vec<u8>]) -> Result<Option<Box<dyn PublicCipher>>, CipherError> {
        Ok(None)
    }

    /// A server's side with evaluation keys as they were sent, of each kind; `record` keeps what an audit needs.
    ///
    /// # Errors
    /// If keys are missing, damaged or of other parameters.
    fn engine(&self, keys: Vec<KeyStream<'_>>, record: bool) -> Result<Box<dyn Engine>, EngineError>;

    /// The schemes and their parameters.
    fn schemes(&self) -> Vec<SchemeUse>;

    /// How far weights, as real numbers, may be from the twin's after training, and outputs after a classification; none where
    /// every bit is the same.
    fn tolerance(&self) -> Option<Tolerance> {
        None
    }

    /// Dependence of decrypted weights on more than what was to be computed: a model whose engines do not say is not shown to others.
    fn disclosure(&self) -> Disclosure {
        Disclosure::default()
    }

    /// The resolution of lookups in tables, which the twin needs; none without tables beside other schemes.
    fn table_reader(&self) -> Option<TableReader> {
        None
    }

    /// The estimate for a step, by committed tables.
    fn estimate(&self) -> Estimate {
        Estimate::default()
    }

    /// The work of a run, by committed tables.
    fn work(&self) -> Workload;
}

/// A scheme and its parameters.
///
/// ```
/// # use nn_encrypted::recipe::Recipe;
/// # use nn_encrypted::run::Session;
/// #
/// # let recipe = Recipe::load("hesamifard2017", &["data.set=iris".to_owned()])?;
/// # let session = Session::new(recipe, None)?;
/// let plan = session.plan()?;
/// let scheme = &plan.engines[0].schemes()[0];
/// assert_eq!((scheme.name.as_str(), scheme.security_bits), ("bgv", Some(128)));
/// # Ok::<(), nn_encrypted::run::RunError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct SchemeUse {
    /// `bgv`, `ckks` or `tfhe`.
    pub name: String,
    /// Its ring dimension.
    pub ring_dimension: usize,
    /// `log2` of the largest modulus under a secret.
    pub log_qp: f64,
    /// The kind of plaintexts.
    pub plaintext: String,
    /// Bits of security; none of insecure parameters.
    pub security_bits: Option<u32>,
    /// How far its keys are from the bounds for 128 bits.
    pub margins: Vec<Margin>,
}

/// How far approximate results may be from the twin's.
///
/// ```
/// # use nn_encrypted::recipe::Recipe;
/// # use nn_encrypted::run::Session;
/// #
/// # let recipe = Recipe::load("hesamifard2017", &["data.set=iris".to_owned()])?;
/// # let session = Session::new(recipe, None)?;
/// assert_eq!(session.plan()?.engines[0].tolerance(), None);
/// # Ok::<(), nn_encrypted::run::RunError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tolerance {
    /// Of weights, biases and momenta.
    pub weights: f64,
    /// Of outputs.
    pub outputs: f64,
}

/// The estimated cost of a step.
///
/// ```
/// # use nn_encrypted::recipe::Recipe;
/// # use nn_encrypted::run::Session;
/// #
/// # let recipe = Recipe::load("hesamifard2017", &["data.set=iris".to_owned()])?;
/// # let session = Session::new(recipe, None)?;
/// let estimate = session.plan()?.engines[0].estimate();
/// assert!(estimate.units > 0.0 && estimate.levels.is_some());
/// # Ok::<(), nn_encrypted::run::RunError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Estimate {
    /// Forward transforms of the ring, or seconds of a core by the committed table.
    pub units: f64,
    /// Levels between two refreshes, where levels count.
    pub levels: Option<usize>,
    /// Bootstraps of approximate ciphertexts in a step.
    pub bootstraps: u64,
    /// Bytes of memory that a training takes at its peak, keys included and mini-batches that a server keeps not; 0 where it is not
    /// reckoned.
    pub memory: usize,
}

he_core::brief_debug!(Plan: |a| network = a.network, engines = a.engines.len(), engine_of = a.engine_of);

#[cfg(test)]
mod tests;
