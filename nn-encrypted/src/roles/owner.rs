//! An owner of data: public keys and rows, and nothing that decrypts.
//!
//! It makes the messages with mini-batches that the client would make, under the public keys of the client. It needs no model and sees
//! none.

use std::sync::Arc;

use he_core::wire::{self, Header, Reader, WireError, Writer};
use ndarray::ArrayView2;

use super::cipher::{CipherError, PublicCipher};
use super::message::{self, Moment, Part, Purpose, expected};
use super::samples::check_samples;
use super::{ClientError, MessageError};
use crate::plan::Plan;
use crate::program::Tensor;
use crate::tag::TAG;

/// Bytes of a public key, at most: of a ring of 2^17 and 60 primes.
const LARGEST_KEY: usize = 1 << 26;
/// Public keys of an engine, at most.
const MOST_KEYS: usize = 64;

/// Seals public keys of every engine under the hash of a plan: `engines u32`, and for each `keys u32`, and for each `length u64 | key`.
pub(super) fn seal_public_keys(hash: &[u8; 32], engines: &[Vec<Vec<u8>>]) -> Vec<u8> {
    let mut body = Writer::new();
    body.u32(engines.len() as u32);
    for keys in engines {
        body.u32(keys.len() as u32);
        keys.iter().for_each(|key| body.len_bytes(key));
    }
    wire::seal(&header(hash), &body.finish())
}

fn header(hash: &[u8; 32]) -> Header {
    Header { tag: TAG, kind: Purpose::PublicKeys as u16, params: *hash }
}

/// Reads what [`seal_public_keys`] sealed, of so many engines.
fn open_public_keys(hash: &[u8; 32], engines: usize, bytes: &[u8]) -> Result<Vec<Vec<Vec<u8>>>, WireError> {
    let what = "public keys";
    let limit = engines.saturating_mul(MOST_KEYS * LARGEST_KEY);
    let mut body = Reader::new(wire::open(bytes, &header(hash), limit)?);
    let count = |body: &mut Reader<'_>, bound: usize| {
        let found = body.u32(what)?;
        if found as usize > bound {
            let (found, bound) = (found.into(), bound as u64 + 1);
            return Err(WireError::Value { what, index: 0, found, bound });
        }
        Ok(found as usize)
    };
    let found = count(&mut body, engines)?;
    if found != engines {
        let why = format!("of {found} engines, needed {engines}");
        return Err(WireError::Invalid { what, why });
    }
    let mut all = Vec::new();
    for _ in 0..engines {
        let keys = count(&mut body, MOST_KEYS)?;
        let keys = (0..keys).map(|_| Ok(body.len_bytes(LARGEST_KEY, what)?.to_vec()));
        all.push(keys.collect::<Result<Vec<_>, WireError>>()?);
    }
    body.finish(what)?;
    Ok(all)
}

/// The body of public keys of two engines, sealed after it was read once and twice; none if it is not one.
#[cfg(feature = "serve")]
pub(crate) fn public_keys_again(body: &[u8]) -> Option<[Vec<u8>; 2]> {
    let hash = [0; 32];
    let again = |sealed: &[u8]| Some(seal_public_keys(&hash, &open_public_keys(&hash, 2, sealed).ok()?));
    let once = again(&wire::seal(&header(&hash), body))?;
    Some([again(&once).unwrap_or_default(), once])
}

/// Encrypts mini-batches under the public keys of a client.
///
/// ```
/// # use nn_encrypted::recipe::Recipe;
/// # use nn_encrypted::run::Session;
/// #
/// # let settings = ["data.set=iris", "encryption=public"].map(str::to_owned);
/// # let recipe = Recipe::load("hesamifard2017", &settings)?;
/// # let session = Session::new(recipe, None)?;
/// use nn_encrypted::roles::{Client, DataOwner, Server};
///
/// let plan = session.plan()?;
/// let client = Client::new(&plan, session.first.clone())?;
/// let owner = DataOwner::new(&plan, &client.public_keys()?)?;
/// let (x, targets) = session.batch(0)?;
/// let sealed = owner.encrypt_batch(0, x.view(), targets.view())?;
/// let mut server = Server::new(&plan, &client.evaluation_keys()?, false)?;
/// server.receive_batch(0, sealed)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct DataOwner {
    plan: Arc<Plan>,
    hash: [u8; 32],
    /// Of each engine that features or targets enter.
    ciphers: Vec<Option<Box<dyn PublicCipher>>>,
}

impl DataOwner {
    /// With the public keys of a client, as [`Client::public_keys`](super::Client::public_keys) gave them.
    ///
    /// # Errors
    /// If they are damaged or of another plan, or the plan has mini-batches encrypted under the secret key alone.
    pub fn new(plan: &Arc<Plan>, keys: &[u8]) -> Result<Self, ClientError> {
        let (hash, purpose) = (plan.hash(), Purpose::PublicKeys);
        let keys = open_public_keys(&hash, plan.engines.len(), keys)
            .map_err(|source| MessageError::Wire { purpose, source })?;
        let ciphers = plan.engines.iter().zip(&keys).map(|(engine, keys)| engine.public_cipher(keys));
        Ok(Self { plan: Arc::clone(plan), hash, ciphers: ciphers.collect::<Result<_, CipherError>>()? })
    }

    /// A mini-batch (images by features) and its targets (images by outputs), encrypted as number `index`.
    ///
    /// # Errors
    /// If it does not fit the plan, or the operating system gives no randomness.
    pub fn encrypt_batch(
        &self,
        index: usize,
        x: ArrayView2<'_, f64>,
        targets: ArrayView2<'_, f64>,
    ) -> Result<Vec<u8>, ClientError> {
        check_samples(&self.plan, x, Some(targets))?;
        let (mut all, rows) = (Vec::new(), x.nrows());
        for (tensor, values) in [(Tensor::Features, x), (Tensor::Targets, targets)] {
            for Part { engine, .. } in expected(&self.plan, &[tensor], rows) {
                let cipher = self.ciphers[engine].as_ref().ok_or(ClientError::NoPublicKey(tensor))?;
                all.push(Part { tensor, engine, parts: cipher.encrypt(tensor, values)? });
            }
        }
        Ok(message::seal(&self.hash, Purpose::Batch, Moment::first(index as u64), rows, &all))
    }
}

he_core::brief_debug!(DataOwner: |a| plan = a.plan);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_keys_come_back_and_damage_is_an_error() {
        let hash = [7; 32];
        let engines = vec![vec![vec![1, 2, 3], vec![]], vec![]];
        let bytes = seal_public_keys(&hash, &engines);
        assert_eq!(open_public_keys(&hash, 2, &bytes), Ok(engines));
        assert!(matches!(open_public_keys(&[8; 32], 2, &bytes), Err(WireError::Parameters { .. })));
        assert!(open_public_keys(&hash, 1, &bytes).is_err() && open_public_keys(&hash, 3, &bytes).is_err());
        for length in 0..bytes.len() {
            assert!(open_public_keys(&hash, 2, &bytes[..length]).is_err());
        }
        // Sealed again, counts and lengths are held to what is there.
        let body = &bytes[wire::HEADER_BYTES..bytes.len() - wire::DIGEST_BYTES];
        for at in 0..body.len() {
            let mut body = body.to_vec();
            body[at] = 0xff;
            let _ = open_public_keys(&hash, 2, &wire::seal(&header(&hash), &body));
        }
        let mut many = Writer::new();
        many.u32(1);
        many.u32(u32::MAX);
        assert!(open_public_keys(&hash, 1, &wire::seal(&header(&hash), &many.finish())).is_err());
    }
}
