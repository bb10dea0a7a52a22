//! The programs that the harness calls, in its order; `root` is the folder that it runs them in.

use std::path::Path;
use std::time::Instant;

use crate::files::{self, Files};
use crate::{Failure, Model, Pixels, Size, Way, digit};

const SECRET: &str = "secret_key/secret.key";
const KEYS: &str = "public_keys/evaluation.keys";
const MODEL: &str = "encrypted_model/weights.ciphertexts";
const LEVELS: &str = "intermediate/pixels.levels";
const UPLOAD: &str = "ciphertexts_upload/images.ciphertexts";
const DOWNLOAD: &str = "ciphertexts_download/scores.ciphertexts";
const SCORES: &str = "intermediate/scores.txt";
const PREDICTIONS: &str = "encrypted_model_predictions.txt";

/// The client makes keys, and encrypts the model where the server is not to have it.
///
/// # Errors
/// If the operating system gives no randomness, or a file cannot be written.
pub fn client_key_generation(root: &Path, size: Size, way: &dyn Way) -> Result<(), Failure> {
    let files = Files::new(root, size);
    let (secret, keys) = way.keys()?;
    files.write_secret(SECRET, &secret)?;
    files.write(KEYS, &keys)?;
    way.encrypt_model(&secret)?.map_or(Ok(()), |model| files.write(MODEL, &model))
}

/// The server checks its model; there is nothing to prepare. The harness does not say for which instance.
///
/// # Errors
/// If the model is damaged.
pub fn server_preprocess_model() -> Result<(), Failure> {
    Model::built_in().map(drop)
}

/// The client brings pixels to the steps of grey of the network.
///
/// # Errors
/// If the images are not what they should be.
pub fn client_preprocess_input(root: &Path, size: Size) -> Result<(), Failure> {
    let files = Files::new(root, size);
    let path = files.images();
    let text = String::from_utf8(files::read(&path)?).map_err(|error| files::named(&path, &error))?;
    let pixels =
        Pixels::from_text(&text, size.images).map_err(|error| files::named(&path, error.as_ref()))?;
    files.write(LEVELS, pixels.levels())
}

/// The client encrypts all images.
///
/// # Errors
/// If a file is damaged, or the operating system gives no randomness.
pub fn client_encode_encrypt_input(root: &Path, size: Size, way: &dyn Way) -> Result<(), Failure> {
    let files = Files::new(root, size);
    let images = Pixels::new(files.read(LEVELS)?, size.images)?;
    way.encrypt(&files.read_secret(SECRET)?, &images, &files.io(UPLOAD)?)
}

/// The server computes scores.
///
/// # Errors
/// If a file is damaged.
pub fn server_encrypted_compute(root: &Path, size: Size, way: &dyn Way) -> Result<(), Failure> {
    let files = Files::new(root, size);
    let (keys, model) = (files.read(KEYS)?, files.read_if_there(MODEL)?);
    let start = Instant::now();
    way.classify(&keys, model.as_deref(), &files.io(UPLOAD)?, size.images, &files.io(DOWNLOAD)?)?;
    println!("         [server] {} images: {:.3} s", size.images, start.elapsed().as_secs_f64());
    Ok(())
}

/// The client decrypts the scores: ten an image, an image a line.
///
/// # Errors
/// If a file is damaged.
pub fn client_decrypt_decode(root: &Path, size: Size, way: &dyn Way) -> Result<(), Failure> {
    let files = Files::new(root, size);
    let scores = way.decrypt(&files.read_secret(SECRET)?, &files.io(DOWNLOAD)?, size.images)?;
    let line = |scores: &[i64; 10]| scores.map(|score| score.to_string()).join(" ") + "\n";
    files.write(SCORES, scores.iter().map(line).collect::<String>().as_bytes())
}

/// The client takes the digit with the largest score, one a line.
///
/// # Errors
/// If the scores are not what they should be.
pub fn client_postprocess(root: &Path, size: Size) -> Result<(), Failure> {
    let files = Files::new(root, size);
    let text = String::from_utf8(files.read(SCORES)?)?;
    let mut out = String::new();
    for line in text.lines() {
        let scores: Vec<i64> = line.split(' ').map(str::parse).collect::<Result<_, _>>()?;
        let scores =
            scores.try_into().map_err(|scores: Vec<i64>| format!("{} scores, needed 10", scores.len()))?;
        out += &format!("{}\n", digit(&scores));
    }
    let found = text.lines().count();
    if found != size.images {
        return Err(format!("scores of {found} images, needed {}", size.images).into());
    }
    files.write(PREDICTIONS, out.as_bytes())
}
