//! Digits of MNIST classified on ciphertexts by a network that was trained on ciphertexts, in two ways; the environment variable
//! `ML_WAY` says which.
//!
//! * `plain`, also without the variable: the server has the weights, and sees no image. [`plain`].
//! * `encrypted`: the server has neither. [`encrypted`].
//!
//! In both the client decrypts ten scores an image, which are integers, and takes the largest. [`Model::scores`] computes them in the
//! clear: the answers are equal bit for bit.

pub mod encrypted;
pub mod files;
pub mod import;
pub mod model;
pub mod pixels;
pub mod plain;
pub mod programs;
pub mod size;

use std::error::Error;
use std::path::Path;

use zeroize::Zeroizing;

pub use model::Model;
pub use pixels::Pixels;
pub use size::Size;

/// Why a program cannot go on.
pub type Failure = Box<dyn Error + Send + Sync>;

/// Ten scores an image, image after image.
pub type Scores = Vec<[i64; model::CLASSES]>;

/// The client's and the server's part of a way. Ciphertexts are files: those of 10,000 images take hundreds of megabytes.
pub trait Way {
    /// The secret key, and the keys of the server, as bytes.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    fn keys(&self) -> Result<(Zeroizing<Vec<u8>>, Vec<u8>), Failure>;

    /// Ciphertexts of the model, as bytes, which the owner of the keys gives a server that does not have it.
    ///
    /// # Errors
    /// If the key is damaged, or the operating system gives no randomness.
    fn encrypt_model(&self, secret: &[u8]) -> Result<Option<Vec<u8>>, Failure>;

    /// Encrypts images into a file.
    ///
    /// # Errors
    /// If the key is damaged, the operating system gives no randomness, or the file cannot be written.
    fn encrypt(&self, secret: &[u8], images: &Pixels, out: &Path) -> Result<(), Failure>;

    /// Scores of `count` images from one file into another.
    ///
    /// # Errors
    /// If keys, model or ciphertexts are damaged, or there are not as many as there should be.
    fn classify(
        &self,
        keys: &[u8],
        model: Option<&[u8]>,
        images: &Path,
        count: usize,
        out: &Path,
    ) -> Result<(), Failure>;

    /// Decrypts the scores of `count` images.
    ///
    /// # Errors
    /// If the key or a ciphertext is damaged, or a score is beyond what the integers of the model can hold.
    fn decrypt(&self, secret: &[u8], scores: &Path, count: usize) -> Result<Scores, Failure>;
}

/// The way that the environment asks for.
///
/// # Errors
/// If it is none of both, or the model inside the program is damaged.
pub fn way() -> Result<Box<dyn Way>, Failure> {
    match std::env::var("ML_WAY").as_deref() {
        Err(_) | Ok("plain") => Ok(Box::new(plain::Plain::new()?)),
        Ok("encrypted") => Ok(Box::new(encrypted::Encrypted::new()?)),
        Ok(other) => Err(format!("ML_WAY is `{other}`, needed `plain` or `encrypted`").into()),
    }
}

/// The digit with the largest score; of several the smallest.
pub fn digit(scores: &[i64; model::CLASSES]) -> usize {
    let best = scores.iter().copied().max().unwrap_or(0);
    scores.iter().position(|&score| score == best).unwrap_or(0)
}
