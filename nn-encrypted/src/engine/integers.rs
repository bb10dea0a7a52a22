//! Integers modulo `t` in the two forms that they travel in: as BGV has them, at the bottom of the modulus, or as BFV has them, at its
//! top. Either is a multiple of the other, exactly, without a key and without noise: engines compute with ciphertexts of BGV, and
//! messages are of the scheme that the recipe names.

use std::io::Read;

use he_bgv::{Bound, Ciphertext, Encoder, Error, Evaluator, Parameters, SecretKey};
use he_core::wire::{Reader, WireError, Writer};

use super::EngineError;
use crate::recipe::Scheme;

/// The arithmetic of all engines over integers: modulo `t`, asked for by name.
///
/// * *Slots and columns* compute the residues of an integer modulo several primes. It is below half of their product, which the planner
///   proves by interval arithmetic before it chooses the primes (`plan::slots::bgv`, `plan::slots::columns`); each residue wraps.
/// * *Coefficients* are integers modulo `t` that tables read modulo a part of it; sums beyond their range wrap around on purpose, and
///   the twin wraps where they do (`docs/adr/0016-weights-stay-wide-integers.md`).
pub(crate) const RESIDUES: Bound = Bound::Modulo;

/// An encoder for it.
pub(crate) fn residue_encoder(params: &Parameters) -> Encoder {
    Encoder::new(params).modular()
}

/// The scheme by which integers travel, with its parameters.
#[derive(Clone)]
pub(crate) enum IntegerForm {
    Bgv(Parameters),
    Bfv(he_bfv::Parameters),
}

/// The evaluation keys that a computation takes, up to a level each.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeyLevels {
    /// Of products.
    pub(crate) relinearization: Option<usize>,
    /// Of automorphisms.
    pub(crate) galois: Vec<(usize, usize)>,
}

macro_rules! request {
    ($keys:expr, $scheme:ident) => {{
        let first = $scheme::KeyRequest::default();
        let first = match $keys.relinearization {
            Some(level) => first.relinearization(level),
            None => first,
        };
        $keys.galois.iter().fold(first, |request, &(g, level)| request.galois(g, level))
    }};
}

impl KeyLevels {
    /// Bytes of the keys, sealed, in either form.
    pub(crate) fn sealed_bytes(&self, params: &Parameters) -> Result<usize, Error> {
        request!(self, he_bgv).sealed_bytes(params)
    }
}

impl IntegerForm {
    /// The form of a scheme over parameters of BGV: `bfv`, or `bgv` for all else.
    pub(crate) fn new(scheme: Scheme, params: &Parameters) -> Self {
        match scheme {
            Scheme::Bfv => Self::Bfv(he_bfv::Parameters::from_bgv(params)),
            _ => Self::Bgv(params.clone()),
        }
    }

    /// The parameters of BGV.
    pub(crate) fn params(&self) -> &Parameters {
        match self {
            Self::Bgv(params) => params,
            Self::Bfv(params) => params.bgv(),
        }
    }

    /// The scheme as recipes name it.
    pub(crate) fn scheme(&self) -> Scheme {
        match self {
            Self::Bgv(_) => Scheme::Bgv,
            Self::Bfv(_) => Scheme::Bfv,
        }
    }

    /// Reads a ciphertext, fresh or computed.
    pub(crate) fn read(&self, from: &mut Reader<'_>) -> Result<Ciphertext, WireError> {
        match self {
            Self::Bgv(params) => Ciphertext::read(from, params),
            Self::Bfv(params) => Ok(he_bfv::Ciphertext::read(from, params)?.to_bgv()),
        }
    }

    /// Writes a ciphertext that was computed.
    pub(crate) fn write(&self, c: &Ciphertext, out: &mut Writer) -> Result<(), WireError> {
        let foreign = |error: Error| WireError::Invalid { what: "ciphertext", why: error.to_string() };
        match self {
            Self::Bgv(_) => c.write(out),
            Self::Bfv(params) => he_bfv::Ciphertext::from_bgv(params, c).map_err(foreign)?.write(out),
        }
    }

    /// Encrypts at a level, and writes it in half the space.
    pub(crate) fn encrypt(
        &self,
        key: &SecretKey,
        plaintext: &he_bgv::Plaintext,
        level: usize,
        out: &mut Writer,
    ) -> Result<(), Error> {
        // Fresh ones keep a seed and the words of BGV in both schemes.
        Ok(key.encrypt_seeded(plaintext, level)?.write(out)?)
    }

    /// New evaluation keys, sealed.
    pub(crate) fn evaluation_keys(&self, key: &SecretKey, keys: &KeyLevels) -> Result<Vec<u8>, Error> {
        match self {
            Self::Bgv(_) => Ok(key.evaluation_keys(&request!(keys, he_bgv))?.to_bytes()?),
            Self::Bfv(params) => {
                let key = he_bfv::SecretKey::from_secret_bytes(params, &key.to_secret_bytes())?;
                Ok(key.evaluation_keys(&request!(keys, he_bfv))?.to_bytes()?)
            }
        }
    }

    /// An evaluator with keys as they were sent, no more and no less than a computation takes; `what` names them.
    ///
    /// # Errors
    /// If they are damaged, of other parameters, or others than asked for.
    pub(crate) fn evaluator(
        &self,
        keys: &KeyLevels,
        from: impl Read,
        what: impl FnOnce() -> String,
    ) -> Result<Evaluator, EngineError> {
        let wrong = |source: WireError| EngineError::Keys { what: what(), source };
        match self {
            Self::Bgv(params) => {
                let request = request!(keys, he_bgv);
                let keys = he_bgv::EvaluationKeys::requested_from(params, &request, from).map_err(wrong)?;
                Ok(Evaluator::new(params, keys)?)
            }
            Self::Bfv(params) => {
                let request = request!(keys, he_bfv);
                let keys = he_bfv::EvaluationKeys::requested_from(params, &request, from).map_err(wrong)?;
                Ok(he_bfv::Evaluator::new(params, keys)?.bgv().clone())
            }
        }
    }
}
