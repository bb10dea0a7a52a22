//! The client's side of an engine: keys, encryption and decryption of whole tensors.

pub(crate) mod bgv;
pub(crate) mod blocks;
pub(crate) mod ckks;
pub(crate) mod coefficients;
pub(crate) mod columns;
pub(crate) mod tables;
pub(crate) mod words;

use he_core::rlwe::SecretId;
use he_core::wire::{WireError, Writer};
use ndarray::{Array1, Array2, ArrayView2, Axis};
use rayon::prelude::*;
use zeroize::Zeroizing;

use crate::engine::form::check_secret;
use crate::engine::{EngineError, Pieces};
use crate::layout::{Geometry, Tiles, WeightTiles};
use crate::meter;
use crate::model::{LayerState, Model};
use crate::network::Matrix;
use crate::program::Tensor;

/// Secret keys of an engine's schemes, and its layout. Implementations are not `Clone`, `Debug` or `Serialize`, and wipe keys on drop.
pub trait Cipher: Send + Sync {
    /// The secret keys, for storage on the client's side, one a scheme or plaintext prime.
    fn secret_bytes(&self) -> Vec<Zeroizing<Vec<u8>>>;

    /// New evaluation keys as they are sent: a sealed message for each kind.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    fn evaluation_keys(&self) -> Result<Vec<Vec<u8>>>;

    /// New public keys, sealed, one for each secret key: with them mini-batches are encrypted, see
    /// [`public_cipher`](crate::plan::PlannedEngine::public_cipher). None where there is no such way.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    fn public_keys(&self) -> Result<Vec<Vec<u8>>> {
        Ok(Vec::new())
    }

    /// CPU seconds, on this machine, of the operations in which a plan says what a run takes, see `PlannedEngine::work`. The keys
    /// that they need are made and forgotten.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    fn time_units(&self) -> Result<Vec<f64>>;

    /// Encrypts a tensor: parts, each a list of ciphertexts, as many as [`sent`](crate::plan::PlannedEngine::sent) says.
    ///
    /// # Errors
    /// If numbers do not fit the plan, or the operating system gives no randomness.
    fn encrypt(&self, tensor: Tensor, values: Plain<'_>) -> Result<Vec<Vec<Vec<u8>>>>;

    /// Reads and checks a tensor of `rows` images, and gives back what decrypts it: whatever can be wrong is known before anything is
    /// decrypted, and depends on the bytes alone. Momentum that has no parts of its own, as it lies in the ciphertexts of the
    /// weights, is read from the parts of those; an engine without momentum has none in any layer.
    ///
    /// # Errors
    /// If a ciphertext is damaged, transparent, not of the plan, or under another secret.
    fn open(&self, tensor: Tensor, rows: usize, parts: &[Pieces]) -> Result<Decryption<'_>>;

    /// The mod-switched phases out of records that an engine kept, for a replay by the twin.
    ///
    /// # Errors
    /// If they are damaged or of other parameters.
    fn open_records(&self, _records: &[u8]) -> Result<Vec<u32>> {
        Ok(Vec::new())
    }
}

/// Public keys of an engine's schemes, and its layout: the side of an owner of data, who decrypts nothing.
pub trait PublicCipher: Send + Sync {
    /// Encrypts images by columns: parts, each a list of ciphertexts, as many as [`sent`](crate::plan::PlannedEngine::sent) says.
    ///
    /// # Errors
    /// If numbers do not fit the plan, or the operating system gives no randomness.
    fn encrypt(&self, tensor: Tensor, rows: ArrayView2<'_, f64>) -> Result<Vec<Vec<Vec<u8>>>>;
}

/// A tensor in the clear, to be encrypted.
#[derive(Clone, Copy, Debug)]
pub enum Plain<'a> {
    /// Images by columns.
    Rows(ArrayView2<'a, f64>),
    /// Weights, biases and momenta; the tensor says which of them.
    Model(&'a Model),
}

/// Decrypted numbers.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Integers with so many fractional bits.
    Exact(Array2<i128>, u32),
    /// Real numbers.
    Real(Array2<f64>),
}

/// Ciphertexts that are those of the plan; called, it decrypts them. What comes of it is no error, whatever they hold: an error says
/// that a ciphertext belongs to other parameters, which was checked.
pub(crate) type Decryption<'a> = Box<dyn FnOnce() -> Result<Decrypted> + 'a>;

/// The result of a decryption.
#[derive(Clone, Debug, PartialEq)]
pub struct Decrypted {
    /// The tensor.
    pub opened: Opened,
    /// Pieces of numbers that were out of range, and were reduced to it.
    pub out_of_range: u64,
}

impl From<Opened> for Decrypted {
    fn from(opened: Opened) -> Self {
        Self { opened, out_of_range: 0 }
    }
}

/// A decrypted tensor.
#[derive(Clone, Debug, PartialEq)]
pub enum Opened {
    /// Images by columns.
    Rows(Values),
    /// Of each layer with weights that the engine computes, input first: its weights in the order of its shape, as one row, and its
    /// biases, as one row.
    Layers(Vec<(Values, Values)>),
}

/// Why a cipher cannot go on.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum CipherError {
    /// A ciphertext is damaged, or not of the plan.
    #[error("{tensor}: {source}")]
    Message {
        /// The tensor.
        tensor: Tensor,
        /// The cause.
        source: WireError,
    },
    /// Secret keys or records that are damaged or of other parameters.
    #[error("{what}: {source}")]
    Keys {
        /// The object that was read.
        what: &'static str,
        /// The cause.
        source: WireError,
    },
    /// One of several secret keys that is damaged or of other parameters.
    #[error("secret key {}: {source}", number + 1)]
    Secret {
        /// Its number, from 0.
        number: usize,
        /// The cause.
        source: WireError,
    },
    /// Numbers that do not fit the plan. No number is told: it may have been decrypted.
    #[error("{what}: {found}, needed {needed}")]
    Data {
        /// The thing given.
        what: &'static str,
        /// Its size or kind.
        found: String,
        /// The size or value of the plan.
        needed: String,
    },
    /// BGV refused.
    #[error(transparent)]
    Bgv(#[from] he_bgv::Error),
    /// YASHE refused.
    #[error(transparent)]
    Yashe(#[from] he_yashe::Error),
    /// CKKS refused.
    #[error(transparent)]
    Ckks(#[from] he_ckks::Error),
    /// TFHE refused.
    #[error(transparent)]
    Tfhe(#[from] he_tfhe::Error),
    /// A bridge refused.
    #[error(transparent)]
    Switch(#[from] he_switch::Error),
}

/// A result of a cipher.
pub(crate) type Result<T, E = CipherError> = std::result::Result<T, E>;

impl CipherError {
    fn data(what: &'static str, found: impl ToString, needed: impl ToString) -> Self {
        Self::Data { what, found: found.to_string(), needed: needed.to_string() }
    }

    /// An operation that could not be timed.
    fn timed(error: EngineError) -> Self {
        Self::data("an operation to be timed", error, "one that runs")
    }

    fn foreign(tensor: Tensor, needed: &str) -> Self {
        Self::data("tensor", tensor, format!("{needed} of this plan"))
    }
}

/// CPU seconds of an operation while all threads do the same.
fn side_by_side(operation: impl Fn() -> Result<()> + Sync) -> Result<f64> {
    let threads = rayon::current_num_threads();
    let all = || (0..threads).into_par_iter().map(|_| operation()).collect::<Result<Vec<()>>>();
    Ok(meter::time(|| all().map(drop))? / threads as f64)
}

/// The only secret key of an engine.
pub(crate) fn only(keys: &[Zeroizing<Vec<u8>>]) -> Result<&[u8]> {
    let [key] = keys else { return Err(CipherError::data("secret keys", keys.len(), 1)) };
    Ok(key)
}

/// Refuses images by columns that do not fit their tiles.
fn check_shape(tiles: &Tiles, (rows, columns): (usize, usize)) -> Result<()> {
    if rows <= tiles.rows && columns == tiles.columns {
        return Ok(());
    }
    let needed = format!("at most {} x {}", tiles.rows, tiles.columns);
    Err(CipherError::data("images by columns", format!("{rows} x {columns}"), needed))
}

/// The layout, the matrix and the numbers of each layer of an engine, which must be as many as the matrix has.
fn states<'a>(
    geometry: &'a Geometry,
    matrices: &'a [Matrix],
    model: &'a Model,
) -> Result<Vec<(&'a WeightTiles, &'a Matrix, &'a LayerState)>> {
    let layers = geometry.layers.iter().zip(matrices).zip(&geometry.numbers);
    let of = |((layout, matrix), &l): ((&'a WeightTiles, &'a Matrix), &usize)| {
        let (weights, biases) = (matrix.weights(), matrix.biases());
        let fits = |state: &&LayerState| {
            [state.weight.len(), state.weight_momentum.len()] == [weights; 2]
                && [state.bias.len(), state.bias_momentum.len()] == [biases; 2]
        };
        let (what, needed) = ("weights and biases of a layer", format!("{weights} and {biases}"));
        let state = model.layers.get(l).filter(fits);
        let state = state.ok_or_else(|| CipherError::data(what, "another number", needed))?;
        Ok((layout, matrix, state))
    };
    layers.map(of).collect()
}

/// A ciphertext as it is sent.
fn written(write: impl FnOnce(&mut Writer) -> Result<(), WireError>) -> Result<Vec<u8>> {
    let mut out = Writer::new();
    write(&mut out).map_err(|source| CipherError::Keys { what: "ciphertext", source })?;
    Ok(out.finish())
}

/// Refuses ciphertexts of a tensor under another secret than the client's, given as the secret found and the one needed.
fn check_secrets(tensor: Tensor, all: impl IntoIterator<Item = [SecretId; 2]>) -> Result<()> {
    let mut checks = all.into_iter().map(|[found, needed]| check_secret(Some(found), Some(needed)));
    checks.try_for_each(|check| check.map_err(|source| CipherError::Message { tensor, source }))
}

/// Numbers of a layer as one row.
fn row<T>(values: Vec<T>) -> Array2<T> {
    Array1::from_vec(values).insert_axis(Axis(0))
}

/// `value/2^shift`, rounded half away from zero.
pub(crate) fn round_shift(value: i128, shift: u32) -> i128 {
    let half = if shift == 0 { 0 } else { 1i128 << (shift - 1) };
    if value < 0 { -((-value + half) >> shift) } else { (value + half) >> shift }
}

he_core::debug_as_displayed!(CipherError);
