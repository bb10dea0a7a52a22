//! Engines: what computes the steps of a program on ciphertexts.
//!
//! An engine holds evaluation keys and ciphertexts, and nothing that decrypts. It knows the layout of its tensors, its levels and
//! its numbers; what a server knows of it is this trait.

pub(crate) mod blocks;
mod clock;
pub(crate) mod coefficients;
pub(crate) mod columns;
mod error;
pub(crate) mod form;
pub(crate) mod integers;
mod pieces;
pub(crate) mod slot_tables;
#[expect(unreachable_pub, reason = "items of slots keep their visibility while its files change")]
pub(crate) mod slots;
mod store;
pub(crate) mod tables;
mod ways;
pub(crate) mod words;

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};

pub use self::error::EngineError;
pub(crate) use self::error::Result;
pub use self::pieces::Pieces;
pub(crate) use self::store::Store;
use crate::program::{Refresh, Refresher, Step, Tensor};

/// An engine as a server knows it. Layers with weights that do not run here are another engine's.
pub trait Engine: Send + Sync {
    /// Checks a tensor of `rows` images as it was sent, in parts, without keeping it: what can be known without decrypting.
    ///
    /// # Errors
    /// If a ciphertext is damaged, transparent, or not of the shape that the plan has there; the tensor is named.
    fn check(&self, tensor: Tensor, rows: usize, parts: &[Pieces]) -> Result<()>;

    /// Takes a tensor of `rows` images as it was sent; it replaces what was there. Parts may stay sealed until they are used.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    fn receive(&mut self, tensor: Tensor, rows: usize, parts: Vec<Pieces>) -> Result<()>;

    /// Runs some steps of which none reads what another writes; refreshes are not among them. A step whose result is still there
    /// since the last classification, such as expanded weights, does nothing. Of what lives from step to step nothing changes
    /// but by [`receive`](Self::receive) and [`end`](Self::end).
    ///
    /// # Errors
    /// If the scheme refuses, or the engine was told to stop: [`EngineError::Stopped`].
    fn run(&mut self, steps: &[Step]) -> Result<()>;

    /// Refreshes the tensors of a round by itself: `Refresher::Bootstrap` or `Refresher::Clean`.
    ///
    /// # Errors
    /// As [`run`](Self::run); [`EngineError::Unplanned`] of an engine that cannot.
    fn refresh(&mut self, _round: &[Refresh], by: Refresher) -> Result<()> {
        Err(EngineError::Unplanned(format!("refresh by {by}")))
    }

    /// A tensor as it is sent, in parts, each a list of ciphertexts: over as few primes as still decrypt. What lives only within a
    /// step is taken out.
    ///
    /// # Errors
    /// If it is not there.
    fn send(&mut self, tensor: Tensor) -> Result<Vec<Vec<Vec<u8>>>>;

    /// Forgets everything but weights and momentum. With `trained`, after a step that came to its end, weights and momentum as
    /// computed take the place of those before, unless a refresh by the client did. Otherwise, after a classification or a step
    /// that failed, weights and momentum stay, and what was expanded of them may.
    fn end(&mut self, trained: bool);

    /// Steps end with [`EngineError::Stopped`] from now on once `stop` is set.
    fn stop_by(&mut self, stop: &Arc<AtomicBool>);

    /// Counts and times so far.
    fn usage(&self) -> Usage;

    /// Records for an audit by the owner of the key, as opaque bytes: what a twin needs to replay the last step. None of most
    /// engines.
    fn take_records(&mut self) -> Vec<u8> {
        Vec::new()
    }
}

/// Evaluation keys of one kind as they were sent: bytes that are read to their end, piece by piece.
///
/// ```
/// use std::io::Read;
/// use nn_encrypted::internals::KeyStream;
///
/// let (sealed, mut read) = (vec![1, 2, 3], Vec::new());
/// let mut keys: KeyStream<'_> = Box::new(&sealed[..]);
/// keys.read_to_end(&mut read)?;
/// assert_eq!(read, sealed);
/// # Ok::<(), std::io::Error>(())
/// ```
pub type KeyStream<'a> = Box<dyn Read + 'a>;

/// Keys that are in memory as they were sent.
pub(crate) fn streams(keys: &[Vec<u8>]) -> Vec<KeyStream<'_>> {
    keys.iter().map(|key| -> KeyStream<'_> { Box::new(&key[..]) }).collect()
}

/// The keys of one kind where a plan has no others.
pub(crate) fn only_stream(keys: Vec<KeyStream<'_>>) -> Result<KeyStream<'_>> {
    let found = keys.len();
    let [keys] =
        <[KeyStream<'_>; 1]>::try_from(keys).map_err(|_| EngineError::KeyCount { found, needed: 1 })?;
    Ok(keys)
}

/// Counts and times of an engine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// Bootstraps of lookup tables.
    pub tables: u64,
    /// Bootstraps that refresh approximate ciphertexts, or fill or refresh exact ones.
    pub bootstraps: u64,
    /// The probability that one of the bootstraps gave a wrong result, summed over them, where that is known.
    pub failure: f64,
    /// Values that crossed from one scheme to another.
    pub switches: u64,
    /// Seconds by the clock and of all cores, for each stage of a step, in the order in which stages were first entered.
    pub stages: Vec<(String, f64, f64)>,
}

/// Refuses to go on once `stop` is set.
fn unless(stop: &AtomicBool) -> Result<()> {
    if stop.load(Ordering::SeqCst) { Err(EngineError::Stopped) } else { Ok(()) }
}
