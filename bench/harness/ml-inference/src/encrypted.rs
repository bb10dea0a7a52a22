//! The server has no weights: it multiplies encryptions of them by encryptions of images, two images at a time.
//!
//! BGV with `N = 32768`: a row of 16,384 slots is 128 blocks of 128, and both rows hold the same weights and an image each. Slot `o` of block
//! `j` has, for the first layer,
//!
//! `Σ_k W1[o, 128k + j]·x[128k + j]`, and the sum of all blocks, by rotations, has `z_1[o]` in every block;
//!
//! the biases are the weights of a pixel that is always 1. For the second layer it has `W2[j, o]·z_1[o]²`, and the sum of a block, by
//! rotations, stands in its first slot. Ten ciphertexts have the weights of the scores there and zeros elsewhere; their products are
//! moved aside, added, and the sum of all blocks has score `k` in slot `k`.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use he_bgv::{
    Ciphertext, Decryptor, Encoder, Error, EvaluationKeys, Evaluator, KeyRequest, Parameters, SecretKey, Spec,
};
use rayon::prelude::*;
use zeroize::Zeroizing;

use crate::files::{self, named};
use crate::model::{CLASSES, Model, PIXELS, SHAPES, within_limit};
use crate::{Failure, Pixels, Scores, Way};

/// Slots of a block: the outputs of the first layer.
const BLOCK: usize = SHAPES[0][0];
/// Blocks of a row.
const BLOCKS: usize = 128;
/// Outputs of the second layer.
const HIDDEN: usize = SHAPES[1][0];
/// Ciphertexts of two images: their pixels and the constant, in blocks.
const PIECES: usize = (PIXELS + 1).div_ceil(BLOCKS);
/// Images of a ciphertext, one a row.
const TOGETHER: usize = 2;
/// Ciphertexts of the model: the first layer, the second, the scores, and the biases of both of these.
const WEIGHTS: usize = PIECES + 1 + CLASSES + 2;

/// The way in which the server has nothing.
pub struct Encrypted {
    params: Parameters,
    model: Model,
}

impl Encrypted {
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
        // Small primes: each of the five products ends with the least noise that there is, at the least that has to be divided away.
        let (log_n, q_bits, p_bits) = (15, vec![36; 12], vec![37; 2]);
        let plaintext_modulus = Spec::slot_modulus(log_n, 48)?;
        let spec = Spec { log_n, plaintext_modulus, q_bits, p_bits, digit: 2 };
        Ok(Self { params: spec.build()?, model })
    }

    /// The parameters.
    pub fn params(&self) -> &Parameters {
        &self.params
    }

    /// A value for each slot of each block of both rows.
    fn slots(value: impl Fn(usize, usize, usize) -> i64) -> Vec<i64> {
        let places = (0..TOGETHER * BLOCKS * BLOCK).map(|slot| (slot / BLOCK, slot % BLOCK));
        places.map(|(block, o)| value(block / BLOCKS, block % BLOCKS, o)).collect()
    }

    /// The slots of all ciphertexts of the model.
    fn weights(&self) -> Vec<Vec<i64>> {
        let [first, second, third] = &self.model.layers;
        let pixel = |o: usize, pixel: usize| match pixel {
            PIXELS => first.biases[o],
            _ => first.weights.row(o).get(pixel).copied().unwrap_or(0),
        };
        // The first slot of the first blocks, as many as the second layer has outputs.
        let at_start = |j: usize, o: usize, value: &dyn Fn(usize) -> i64| {
            if o == 0 && j < HIDDEN { value(j) } else { 0 }
        };
        let mut out: Vec<_> = (0..PIECES).map(|k| Self::slots(|_, j, o| pixel(o, BLOCKS * k + j))).collect();
        out.push(Self::slots(|_, j, o| if j < HIDDEN { second.weights.row(j)[o] } else { 0 }));
        out.extend((0..CLASSES).map(|k| Self::slots(|_, j, o| at_start(j, o, &|j| third.weights.row(k)[j]))));
        out.push(Self::slots(|_, j, o| at_start(j, o, &|j| second.biases[j])));
        out.push(Self::slots(|_, j, o| if j == 0 && o < CLASSES { third.biases[o] } else { 0 }));
        out
    }

    /// The slots of the ciphertexts of two images.
    fn pieces(&self, images: &Pixels, first: usize) -> Vec<Zeroizing<Vec<i64>>> {
        let level = |image: usize, pixel: usize| match pixel {
            PIXELS => 1,
            _ if pixel > PIXELS || image >= images.count() => 0,
            _ => i64::from(images.levels()[image * PIXELS + pixel]),
        };
        (0..PIECES)
            .map(|k| Zeroizing::new(Self::slots(|row, j, _| level(first + row, BLOCKS * k + j))))
            .collect()
    }

    fn encrypt_all<S: AsRef<[i64]> + Sync>(&self, secret: &[u8], all: &[S]) -> Result<Vec<u8>, Failure> {
        let key = SecretKey::from_secret_bytes(&self.params, secret)?;
        let encoder = Encoder::new(&self.params).modular();
        let encrypted = all.par_iter().map(|slots| -> Result<Vec<u8>, Failure> {
            let seeded = key.encrypt_seeded(&encoder.encode(slots.as_ref())?, self.params.max_level())?;
            Ok(seeded.to_bytes()?)
        });
        let encrypted: Vec<Vec<u8>> = encrypted.collect::<Result<_, _>>()?;
        Ok(files::joined(&encrypted))
    }

    fn read_all(&self, bytes: &[u8], count: usize) -> Result<Vec<Ciphertext>, Failure> {
        let parts = files::parts(bytes, count)?;
        let read = |part: &&[u8]| Ok(Ciphertext::from_bytes(&self.params, part)?);
        parts.par_iter().map(read).collect()
    }
}

/// Scores of the two images in the rows of ciphertexts of pixels.
fn scores(evaluator: &Evaluator, model: &[Ciphertext], pixels: &[Ciphertext]) -> Result<Ciphertext, Error> {
    let (first, rest) = model.split_at(PIECES);
    let (second, rest) = rest.split_at(1);
    let (third, biases) = rest.split_at(CLASSES);
    let products = evaluator.dot(&first.iter().zip(pixels).collect::<Vec<_>>())?;
    let sums = evaluator.inner_sum(&products, BLOCK, BLOCKS)?;
    let hidden = evaluator.square(&sums)?;
    let products = evaluator.mul(&hidden, &second[0])?;
    let sums = evaluator.add(&evaluator.inner_sum(&products, 1, BLOCK)?, &biases[0])?;
    let hidden = evaluator.square(&sums)?;
    let mut aside: Option<Ciphertext> = None;
    for weights in third.iter().rev() {
        let product = evaluator.mul(&hidden, weights)?;
        aside = Some(match aside {
            Some(sum) => evaluator.add(&evaluator.rotate_rows(&sum, -1)?, &product)?,
            None => product,
        });
    }
    let aside = aside.unwrap_or(hidden);
    evaluator.add(&evaluator.inner_sum(&aside, BLOCK, HIDDEN)?, &biases[1])
}

impl Way for Encrypted {
    fn keys(&self) -> Result<(Zeroizing<Vec<u8>>, Vec<u8>), Failure> {
        let (key, level) = (SecretKey::generate(&self.params)?, self.params.max_level());
        let within: Vec<isize> = (0..BLOCK.ilog2()).map(|i| 1 << i).collect();
        let across: Vec<isize> = (0..BLOCKS.ilog2()).map(|i| (BLOCK << i) as isize).collect();
        let steps = [within, across, vec![-1]].concat();
        let request = KeyRequest::default().relinearization(level).rotations(&self.params, &steps, level);
        Ok((key.to_secret_bytes(), key.evaluation_keys(&request)?.to_bytes()?))
    }

    fn encrypt_model(&self, secret: &[u8]) -> Result<Option<Vec<u8>>, Failure> {
        self.encrypt_all(secret, &self.weights()).map(Some)
    }

    fn encrypt(&self, secret: &[u8], images: &Pixels, out: &Path) -> Result<(), Failure> {
        let mut file = File::create(out).map_err(|error| named(out, &error))?;
        for first in (0..images.count()).step_by(TOGETHER) {
            let slots = self.pieces(images, first);
            let slots: Vec<&[i64]> = slots.iter().map(|slots| &slots[..]).collect();
            let bytes = self.encrypt_all(secret, &slots)?;
            file.write_all(&(bytes.len() as u64).to_le_bytes())?;
            file.write_all(&bytes)?;
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
        let model = model.ok_or("the encrypted model is missing: ML_WAY was another when keys were made")?;
        let model = self.read_all(model, WEIGHTS)?;
        let mut file = File::open(images).map_err(|error| named(images, &error))?;
        let mut scores_file = File::create(out)?;
        for pair in 0..count.div_ceil(TOGETHER) {
            let bytes = self.next_part(&mut file).map_err(|error| named(images, error.as_ref()))?;
            let pixels = self.read_all(&bytes, PIECES).map_err(|error| {
                named(images, &format!("images {} and the next: {error}", TOGETHER * pair))
            })?;
            let bytes = scores(&evaluator, &model, &pixels)?.to_bytes()?;
            scores_file.write_all(&(bytes.len() as u64).to_le_bytes())?;
            scores_file.write_all(&bytes)?;
        }
        if file.read(&mut [0])? > 0 {
            return Err(named(images, &"there are more images than there should be").into());
        }
        Ok(())
    }

    fn decrypt(&self, secret: &[u8], scores: &Path, count: usize) -> Result<Scores, Failure> {
        let key = SecretKey::from_secret_bytes(&self.params, secret)?;
        let (encoder, decryptor) = (Encoder::new(&self.params), Decryptor::new(&key));
        let bytes = files::read(scores)?;
        let all =
            self.read_all(&bytes, count.div_ceil(TOGETHER)).map_err(|error| named(scores, error.as_ref()))?;
        let mut out = Vec::with_capacity(count);
        for ciphertext in &all {
            let slots = encoder.decode(&decryptor.decrypt(ciphertext)?)?;
            for row in slots.chunks_exact(BLOCKS * BLOCK).take(count - out.len()) {
                let image = out.len();
                out.push(within_limit(&row[..CLASSES]).map_err(|error| format!("image {image}: {error}"))?);
            }
        }
        Ok(out)
    }
}

impl Encrypted {
    /// The next part of a file behind its length, which is checked before memory is taken.
    fn next_part(&self, file: &mut File) -> Result<Vec<u8>, Failure> {
        let mut length = [0; 8];
        file.read_exact(&mut length).map_err(|_| "ciphertexts are missing")?;
        let length = u64::from_le_bytes(length);
        let most =
            (PIECES * (8 + 256 + Ciphertext::wire_bytes(&self.params, self.params.max_level()))) as u64;
        if length > most {
            return Err(format!("a part of {length} bytes, at most {most} are possible").into());
        }
        let mut bytes = vec![0; length as usize];
        file.read_exact(&mut bytes).map_err(|_| "a part is cut off")?;
        Ok(bytes)
    }
}
