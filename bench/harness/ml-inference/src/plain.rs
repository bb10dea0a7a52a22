//! The server has the weights: a pixel of 8,192 images in the slots of one ciphertext, and no evaluation key.
//!
//! A layer is a product of a matrix of small integers and a vector of ciphertexts, word by word (`he_bgv`, `matrix_product`); a square is a
//! product of ciphertexts that stays of the degree it has. A pixel has degree 1, the first hidden layer 2, scores 4. There is no
//! rotation and no key switch, so the server needs no key, and the public file of keys says no more than the parameters.
//!
//! BGV with `N = 8192` and `log2 Q` of at most 214. Modulus switching once, behind the second matrix, is what the noise needs.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;

use he_bgv::{
    Ciphertext, Decryptor, Encoder, Error, EvaluationKeys, Evaluator, KeyRequest, Parameters, SecretKey,
    SeededCiphertext, Spec,
};
use he_core::prime::primes_below;
use he_core::ring::IntegerMatrix;
use he_core::wire::{DIGEST_BYTES, HEADER_BYTES};
use rayon::prelude::*;
use zeroize::Zeroizing;

use crate::files::named;
use crate::model::{CLASSES, LIMIT, Layer, Model, PIXELS, within_limit};
use crate::{Failure, Pixels, Scores, Way};

/// Level of the second square: two primes less than pixels have.
const SECOND: usize = 2;

/// Pixels of which ciphertexts are in memory together.
const TOGETHER: usize = 196;

/// The way in which the server has the weights.
pub struct Plain {
    params: Parameters,
    model: Model,
    /// The weights of the first layer, by pixels that are read together.
    first: Vec<IntegerMatrix>,
}

/// The largest difference of two weights of the first layer, at most: with smaller primes every product of one and a residue has 52 bits.
const WIDEST: u64 = 34;

/// A plaintext modulus of 48 bits, four times the limit of scores; three primes of 47 bits for the second square, and two of 36 bits that
/// are divided away before.
fn parameters() -> Result<Parameters, Failure> {
    let (log_n, step) = (13, 2 << 13);
    let last = primes_below((1 << 52) / WIDEST, step, SECOND + 1)?;
    let divided = primes_below(1 << 36, step, 2)?;
    let t = Spec::slot_modulus(log_n, 48)?;
    Ok(Parameters::over_primes(log_n, t, &[last, divided].concat(), &[], 1)?)
}

impl Plain {
    /// With the model inside the program.
    ///
    /// # Errors
    /// If its file is damaged.
    pub fn new() -> Result<Self, Failure> {
        Self::with_model(Model::built_in()?)
    }

    /// With a model.
    ///
    /// # Errors
    /// Never: the parameters are sound.
    pub fn with_model(model: Model) -> Result<Self, Failure> {
        let params = parameters()?;
        if params.t().value() < 4 * LIMIT.unsigned_abs() - (1 << 24) {
            return Err("the plaintext modulus is too small for the scores".into());
        }
        let weights = &model.layers[0].weights;
        let part = |pixels: Range<usize>| {
            let rows = (0..weights.rows()).flat_map(|row| weights.row(row)[pixels.clone()].to_vec());
            IntegerMatrix::new(pixels.len(), rows.collect())
        };
        let parts = (0..PIXELS).step_by(TOGETHER).map(|first| part(first..PIXELS.min(first + TOGETHER)));
        let first = parts.collect::<Result<_, _>>()?;
        Ok(Self { params, model, first })
    }

    /// The parameters.
    pub fn params(&self) -> &Parameters {
        &self.params
    }

    /// Ciphertexts for each pixel, and for each score: so many images are in the slots of one.
    fn groups(&self, count: usize) -> impl Iterator<Item = Range<usize>> + use<> {
        let n = self.params.n();
        (0..count).step_by(n).map(move |first| first..count.min(first + n))
    }

    /// Bytes of the ciphertext of a pixel.
    fn pixel_bytes(&self) -> usize {
        HEADER_BYTES + DIGEST_BYTES + SeededCiphertext::wire_bytes(&self.params, self.params.max_level())
    }

    /// Some ciphertexts of a file.
    fn read_pixels(&self, file: &File, places: Range<usize>) -> Result<Vec<Ciphertext>, Failure> {
        let length = self.pixel_bytes();
        places
            .into_par_iter()
            .map(|place| {
                let mut bytes = vec![0; length];
                file.read_exact_at(&mut bytes, (place * length) as u64)?;
                let ciphertext = Ciphertext::from_bytes(&self.params, &bytes)
                    .map_err(|error| format!("ciphertext {place}: {error}"))?;
                if ciphertext.level() != self.params.max_level() || ciphertext.degree() != 1 {
                    return Err(format!("ciphertext {place} is no fresh one").into());
                }
                Ok(ciphertext)
            })
            .collect()
    }

    /// Sums of the first layer for one group of images.
    fn first_layer(
        &self,
        evaluator: &Evaluator,
        file: &File,
        group: usize,
    ) -> Result<Vec<Ciphertext>, Failure> {
        let mut sums: Vec<Ciphertext> = Vec::new();
        let mut place = group * PIXELS;
        for weights in &self.first {
            let pixels = self.read_pixels(file, place..place + weights.columns())?;
            place += weights.columns();
            let part = evaluator.matrix_product_of_fresh(weights, &pixels.iter().collect::<Vec<_>>())?;
            sums = match sums.is_empty() {
                true => part,
                false => {
                    let both = sums.par_iter().zip(&part).map(|(a, b)| evaluator.add(a, b));
                    both.collect::<Result<_, _>>()?
                }
            };
        }
        Ok(sums)
    }

    /// Scores from the sums of the first layer.
    fn scores(&self, evaluator: &Evaluator, sums: Vec<Ciphertext>) -> Result<Vec<Ciphertext>, Error> {
        let [first, second, third] = &self.model.layers;
        let hidden = squares(evaluator, &biased(evaluator, sums, first)?)?;
        let sums = evaluator.matrix_product(&second.weights, &hidden.iter().collect::<Vec<_>>())?;
        drop(hidden);
        let sums: Vec<_> =
            sums.par_iter().map(|sum| evaluator.mod_switch_to(sum, SECOND)).collect::<Result<_, _>>()?;
        let hidden = squares(evaluator, &biased(evaluator, sums, second)?)?;
        let sums = evaluator.matrix_product(&third.weights, &hidden.iter().collect::<Vec<_>>())?;
        biased(evaluator, sums, third)
    }
}

/// Sums with the biases of a layer.
fn biased(evaluator: &Evaluator, sums: Vec<Ciphertext>, layer: &Layer) -> Result<Vec<Ciphertext>, Error> {
    sums.par_iter().zip(&layer.biases).map(|(sum, &bias)| evaluator.add_const(sum, bias)).collect()
}

fn squares(evaluator: &Evaluator, values: &[Ciphertext]) -> Result<Vec<Ciphertext>, Error> {
    values.par_iter().map(|value| evaluator.mul_unrelinearized(value, value)).collect()
}

/// Refuses a file of another length.
fn check_length(path: &Path, file: &File, needed: usize) -> Result<(), Failure> {
    let found = file.metadata()?.len();
    if found == needed as u64 {
        return Ok(());
    }
    Err(named(path, &format!("{found} bytes, needed {needed}")).into())
}

impl Way for Plain {
    fn keys(&self) -> Result<(Zeroizing<Vec<u8>>, Vec<u8>), Failure> {
        let key = SecretKey::generate(&self.params)?;
        let none = key.evaluation_keys(&KeyRequest::default())?;
        Ok((key.to_secret_bytes(), none.to_bytes()?))
    }

    fn encrypt_model(&self, _: &[u8]) -> Result<Option<Vec<u8>>, Failure> {
        Ok(None)
    }

    fn encrypt(&self, secret: &[u8], images: &Pixels, out: &Path) -> Result<(), Failure> {
        let key = SecretKey::from_secret_bytes(&self.params, secret)?;
        // Which residues are whose is proven by the limit of the scores, which the client checks.
        let encoder = Encoder::new(&self.params).modular();
        let file = File::create(out).map_err(|error| named(out, &error))?;
        let length = self.pixel_bytes();
        for (group, images_of) in self.groups(images.count()).enumerate() {
            (0..PIXELS).into_par_iter().try_for_each(|pixel| -> Result<(), Failure> {
                let values = Zeroizing::new(images.pixel(pixel, images_of.clone()));
                let seeded = key.encrypt_seeded(&encoder.encode(&values)?, self.params.max_level())?;
                let bytes = seeded.to_bytes()?;
                if bytes.len() != length {
                    return Err(format!("a ciphertext has {} bytes, needed {length}", bytes.len()).into());
                }
                Ok(file.write_all_at(&bytes, ((group * PIXELS + pixel) * length) as u64)?)
            })?;
        }
        Ok(())
    }

    fn classify(
        &self,
        keys: &[u8],
        model: Option<&[u8]>,
        images: &Path,
        count: usize,
        out: &Path,
    ) -> Result<(), Failure> {
        let evaluator = Evaluator::new(&self.params, EvaluationKeys::from_bytes(&self.params, keys)?)?;
        if model.is_some() {
            return Err("there is an encrypted model, which ML_WAY=plain does not use".into());
        }
        let file = File::open(images).map_err(|error| named(images, &error))?;
        let groups = self.groups(count).count();
        check_length(images, &file, groups * PIXELS * self.pixel_bytes())?;
        let mut options = OpenOptions::new();
        let mut scores = options.write(true).create(true).truncate(true).open(out)?;
        for group in 0..groups {
            let sums =
                self.first_layer(&evaluator, &file, group).map_err(|error| named(images, error.as_ref()))?;
            for score in self.scores(&evaluator, sums)? {
                let bytes = score.to_bytes()?;
                scores.write_all(&(bytes.len() as u64).to_le_bytes())?;
                scores.write_all(&bytes)?;
            }
        }
        Ok(())
    }

    fn decrypt(&self, secret: &[u8], scores: &Path, count: usize) -> Result<Scores, Failure> {
        let key = SecretKey::from_secret_bytes(&self.params, secret)?;
        let (encoder, decryptor) = (Encoder::new(&self.params), Decryptor::new(&key));
        let bytes = crate::files::read(scores)?;
        let mut parts = crate::files::parts(&bytes, self.groups(count).count() * CLASSES)
            .map_err(|error| named(scores, error.as_ref()))?
            .into_iter();
        let mut out = Vec::with_capacity(count);
        for images in self.groups(count) {
            let mut slots = Vec::with_capacity(CLASSES);
            for part in parts.by_ref().take(CLASSES) {
                let score = Ciphertext::from_bytes_of_any_degree(&self.params, part)?;
                slots.push(encoder.decode(&decryptor.decrypt(&score)?)?);
            }
            for (slot, image) in images.enumerate() {
                let scores: Vec<i64> = slots.iter().map(|slots| slots[slot]).collect();
                out.push(within_limit(&scores).map_err(|error| format!("image {image}: {error}"))?);
            }
        }
        Ok(out)
    }
}
