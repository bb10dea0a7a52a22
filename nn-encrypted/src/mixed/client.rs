//! The client: it encrypts before the first step and decrypts after the last, and takes no part in between.

use std::sync::Arc;

use he_bgv::{Decryptor, Encoder};
use he_core::wire::{Reader, WireError, Writer};
use he_switch::SecretKeys;
use he_tfhe::SwitchedPhase;
use ndarray::{Array2, ArrayRef2};
use rayon::prelude::*;

use super::arrangement::{Arrangement, At, Tensor};
use super::message::{Purpose, open, seal};
use super::{MixedError, MixedPlan};
use crate::recipe::WordModel;

/// Holds the secret keys.
pub struct MixedClient {
    plan: Arc<MixedPlan>,
    secrets: SecretKeys,
}

fn message(what: &'static str) -> impl Fn(WireError) -> MixedError {
    move |source| MixedError::Message { what, source }
}

/// A tensor in the clear: integers at the places of a ciphertext's coefficients or slots.
struct Filled {
    tensor: Tensor,
    pieces: Vec<Vec<i64>>,
}

impl Filled {
    fn new(arrangement: &Arrangement, tensor: Tensor) -> Self {
        Self { tensor, pieces: vec![vec![0; arrangement.size()]; arrangement.pieces(tensor)] }
    }

    fn put(&mut self, places: &[At], value: i64) {
        for at in places {
            self.pieces[at.piece][at.index] = if at.negated { -value } else { value };
        }
    }

    fn get(&self, places: &[At]) -> Result<i64, MixedError> {
        let at = places.first().ok_or(MixedError::Place)?;
        let value =
            *self.pieces.get(at.piece).and_then(|piece| piece.get(at.index)).ok_or(MixedError::Place)?;
        Ok(if at.negated { -value } else { value })
    }
}

/// The features of some images.
fn features(arrangement: &Arrangement, x: &ArrayRef2<i32>) -> Filled {
    let mut out = Filled::new(arrangement, Tensor::Features(x.nrows()));
    for ((image, k), &value) in x.indexed_iter() {
        out.put(&arrangement.feature(x.nrows(), image, k), i64::from(value));
    }
    out
}

impl MixedClient {
    /// A client with new keys.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    pub fn new(plan: &Arc<MixedPlan>) -> Result<Self, MixedError> {
        Ok(Self::with_keys(plan, SecretKeys::generate(&plan.parameters)?))
    }

    /// A client with keys of its own.
    #[must_use]
    pub fn with_keys(plan: &Arc<MixedPlan>, secrets: SecretKeys) -> Self {
        Self { plan: Arc::clone(plan), secrets }
    }

    /// The secret keys.
    #[must_use]
    pub fn secrets(&self) -> &SecretKeys {
        &self.secrets
    }

    /// New evaluation keys, as they are sent: a message for each kind of [`MixedPlan::key_request`].
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    pub fn evaluation_keys(&self) -> Result<Vec<Vec<u8>>, MixedError> {
        Ok(self.secrets.evaluation_keys(&self.plan.key_request())?.to_bytes()?)
    }

    /// A ciphertext of values, as it is sent.
    fn encrypt_one(&self, values: &[i64], factor: f64) -> Result<Vec<u8>, MixedError> {
        let (parameters, mut out) = (&self.plan.parameters, Writer::new());
        let wrong = message("ciphertext");
        match self.plan.arrangement {
            Arrangement::Bgv(_) => {
                let (key, level) = (self.secrets.bgv(), parameters.bgv().max_level());
                let plain = Encoder::new(parameters.bgv()).encode_coefficients(values)?;
                key.encrypt_seeded(&plain, level)?.write(&mut out).map_err(wrong)?;
            }
            Arrangement::Ckks(_) => {
                let (key, level) = (self.secrets.ckks(), parameters.ckks().max_level());
                let values: Vec<f64> = values.iter().map(|&value| value as f64 * factor).collect();
                let plain = he_ckks::Encoder::new(parameters.ckks()).encode_in(&values, values.len())?;
                key.encrypt_seeded(&plain, level)?.write(&mut out).map_err(wrong)?;
            }
        }
        Ok(out.finish())
    }

    fn encrypt(&self, purpose: Purpose, number: u64, all: &[Filled]) -> Result<Vec<u8>, MixedError> {
        let factor = |filled: &Filled| self.plan.arrangement.factor(filled.tensor);
        let pieces: Vec<(&Vec<i64>, f64)> =
            all.iter().flat_map(|filled| filled.pieces.iter().map(move |p| (p, factor(filled)))).collect();
        let one = |(values, factor): (&Vec<i64>, f64)| self.encrypt_one(values, factor);
        let sealed = pieces.into_par_iter().map(one).collect::<Result<Vec<_>, MixedError>>()?;
        Ok(seal(&self.plan, purpose, number, &sealed))
    }

    fn decrypt(
        &self,
        purpose: Purpose,
        number: u64,
        bytes: &[u8],
        tensor: Tensor,
    ) -> Result<Filled, MixedError> {
        let (plan, parameters) = (&self.plan, &self.plan.parameters);
        let (count, factor) = (plan.arrangement.pieces(tensor), plan.arrangement.factor(tensor));
        let (fits, wrong) = (|found| found == count, message("encrypted values"));
        let pieces = match plan.arrangement {
            Arrangement::Bgv(_) => {
                let (decryptor, encoder) =
                    (Decryptor::new(self.secrets.bgv()), Encoder::new(parameters.bgv()));
                let read = |from: &mut Reader<'_>| he_bgv::Ciphertext::read(from, parameters.bgv());
                let all = open(plan, purpose, number, bytes, fits, read).map_err(wrong)?;
                let values = |c| Ok(encoder.decode_coefficients(&decryptor.decrypt(c)?));
                all.iter().map(values).collect::<Result<_, MixedError>>()?
            }
            Arrangement::Ckks(_) => {
                let decryptor = he_ckks::Decryptor::new(self.secrets.ckks());
                let read = |from: &mut Reader<'_>| he_ckks::Ciphertext::read(from, parameters.ckks());
                let all = open(plan, purpose, number, bytes, fits, read).map_err(wrong)?;
                let round = |value: f64| (value / factor).round() as i64;
                let values = |c| Ok(decryptor.decrypt(c)?.into_iter().map(round).collect());
                all.iter().map(values).collect::<Result<_, MixedError>>()?
            }
        };
        Ok(Filled { tensor, pieces })
    }

    /// Encrypts the weights to start from.
    ///
    /// # Errors
    /// If the operating system gives no randomness, or weights are too large.
    pub fn encrypt_model(&self, model: &WordModel) -> Result<Vec<u8>, MixedError> {
        let arrangement = &self.plan.arrangement;
        let mut out = Filled::new(arrangement, Tensor::Weights);
        for (l, layer) in model.layers.iter().enumerate() {
            for ((k, o), &value) in layer.weight.indexed_iter() {
                out.put(&arrangement.weight(l, k, o), value);
            }
            for (o, &value) in layer.bias.iter().enumerate() {
                out.put(&arrangement.weight(l, layer.weight.nrows(), o), value);
            }
        }
        self.encrypt(Purpose::Model, 0, &[out])
    }

    /// Decrypts weights as they are after `step` steps.
    ///
    /// # Errors
    /// If the message is damaged or of another plan.
    pub fn decrypt_model(&self, step: u64, bytes: &[u8]) -> Result<WordModel, MixedError> {
        let arrangement = &self.plan.arrangement;
        let found = self.decrypt(Purpose::Model, step, bytes, Tensor::Weights)?;
        let mut model = WordModel::zeros(&self.plan.widths);
        for (l, layer) in model.layers.iter_mut().enumerate() {
            for ((k, o), value) in layer.weight.indexed_iter_mut() {
                *value = found.get(&arrangement.weight(l, k, o))?;
            }
            for (o, value) in layer.bias.iter_mut().enumerate() {
                *value = found.get(&arrangement.weight(l, layer.weight.nrows(), o))?;
            }
        }
        Ok(model)
    }

    /// Encrypts mini-batch number `index`: features, and one-hot labels at the scale of errors.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    pub fn encrypt_batch(
        &self,
        index: usize,
        x: &ArrayRef2<i32>,
        labels: &[usize],
    ) -> Result<Vec<u8>, MixedError> {
        let (arrangement, images) = (&self.plan.arrangement, x.nrows());
        let mut one_hot = Filled::new(arrangement, Tensor::Labels(images));
        for (image, &label) in labels.iter().enumerate() {
            if self.plan.widths.last().is_none_or(|&outputs| label >= outputs) {
                return Err(MixedError::Place);
            }
            one_hot.put(&arrangement.label(images, image, label), 1 << self.plan.numbers.error_bits);
        }
        self.encrypt(Purpose::Batch, index as u64, &[features(arrangement, x), one_hot])
    }

    /// Encrypts features to be classified.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    pub fn encrypt_query(&self, number: u64, x: &ArrayRef2<i32>) -> Result<Vec<u8>, MixedError> {
        self.encrypt(Purpose::Query, number, &[features(&self.plan.arrangement, x)])
    }

    /// Decrypts the weighted sums of the outputs for so many images; the largest decides.
    ///
    /// # Errors
    /// If the message is damaged or of another plan.
    pub fn read_outputs(&self, number: u64, images: usize, bytes: &[u8]) -> Result<Array2<i64>, MixedError> {
        let arrangement = &self.plan.arrangement;
        let found = self.decrypt(Purpose::Outputs, number, bytes, Tensor::Outputs(images))?;
        let mut sums = Array2::zeros((images, self.plan.widths.last().copied().unwrap_or(0)));
        for ((image, o), sum) in sums.indexed_iter_mut() {
            *sum = found.get(&arrangement.output(images, image, o))?;
        }
        Ok(sums)
    }

    /// The places of tables that blind rotations found, for a replay by the twin.
    ///
    /// # Errors
    /// If a reading belongs to other parameters.
    pub fn places(&self, readings: &[SwitchedPhase]) -> Result<Vec<u32>, MixedError> {
        readings.iter().map(|reading| Ok(self.secrets.tfhe().decrypt_phase(reading)?)).collect()
    }
}
