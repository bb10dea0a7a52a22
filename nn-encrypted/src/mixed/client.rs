//! The client: it encrypts before the first step and decrypts after the last, and takes no part in between.

use std::sync::Arc;

use he_bgv::{Decryptor, Encoder};
use he_core::wire::{WireError, Writer};
use he_tfhe::Reading;
use ndarray::{Array2, ArrayRef2};
use rayon::prelude::*;
use zeroize::Zeroizing;

use super::keys::Keys;
use super::layout::{Dense, Layout};
use super::message::{Purpose, open, seal};
use super::{MixedError, MixedPlan};
use crate::recipe::WordModel;

/// The secret keys of three schemes.
pub struct Secrets {
    /// Of products.
    pub bgv: he_bgv::SecretKey,
    /// Of refreshes.
    pub ckks: he_ckks::SecretKey,
    /// Of tables.
    pub tfhe: he_tfhe::SecretKey,
}

impl Secrets {
    /// New ones.
    fn generate(plan: &MixedPlan) -> Result<Self, MixedError> {
        let parameters = &plan.parameters;
        Ok(Self {
            bgv: he_bgv::SecretKey::generate(parameters.bgv())?,
            ckks: he_ckks::SecretKey::generate(parameters.ckks())?,
            tfhe: he_tfhe::SecretKey::generate(parameters.tfhe())?,
        })
    }

    /// The keys of BGV, CKKS and TFHE, to be kept by their owner.
    #[must_use]
    pub fn to_secret_bytes(&self) -> [Zeroizing<Vec<u8>>; 3] {
        [self.bgv.to_secret_bytes(), self.ckks.to_secret_bytes(), self.tfhe.to_secret_bytes()]
    }
}

/// Holds the secret keys.
pub struct MixedClient {
    plan: Arc<MixedPlan>,
    secrets: Secrets,
}

fn message(what: &'static str) -> impl Fn(WireError) -> MixedError {
    move |source| MixedError::Message { what, source }
}

/// A dense tensor in the clear.
struct Filled {
    pieces: Vec<Vec<i64>>,
}

impl Filled {
    fn new(dense: Dense, n: usize) -> Self {
        Self { pieces: vec![vec![0; n]; dense.pieces()] }
    }

    fn put(&mut self, (piece, coefficient): (usize, usize), negated: bool, value: i64) {
        self.pieces[piece][coefficient] = if negated { -value } else { value };
    }

    fn get(&self, (piece, coefficient): (usize, usize), negated: bool) -> i64 {
        let value = self.pieces[piece][coefficient];
        if negated { -value } else { value }
    }
}

/// The features of some images.
fn features(layout: &Layout, x: &ArrayRef2<i32>) -> Filled {
    let mut out = Filled::new(layout.inputs(0), layout.n);
    for ((image, k), &value) in x.indexed_iter() {
        let (_, place) = layout.layers[0].input(k);
        out.put(layout.input_at(0, image, k), place.negated, i64::from(value));
    }
    out
}

/// All weights, and biases as those of a constant input.
fn weights(layout: &Layout, mut at: impl FnMut(usize, usize, usize, (usize, usize), bool)) {
    for (l, layer) in layout.layers.iter().enumerate() {
        for k in 0..layer.inputs {
            for o in 0..layer.outputs {
                let (tile, place) = layer.weight(k, o);
                at(l, k, o, layout.weights().at(layout.first_tile(l) + tile, place), place.negated);
            }
        }
    }
}

impl MixedClient {
    /// A client with new keys.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    pub fn new(plan: &Arc<MixedPlan>) -> Result<Self, MixedError> {
        Ok(Self::with_keys(plan, Secrets::generate(plan)?))
    }

    /// A client with keys of its own.
    #[must_use]
    pub fn with_keys(plan: &Arc<MixedPlan>, secrets: Secrets) -> Self {
        Self { plan: Arc::clone(plan), secrets }
    }

    /// The secret keys.
    #[must_use]
    pub fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// New evaluation keys, as they are sent: a message for each of [`NAMES`](super::NAMES).
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    pub fn evaluation_keys(&self) -> Result<Vec<Vec<u8>>, MixedError> {
        Keys::generate(&self.plan, &self.secrets)?.to_bytes().map_err(message("evaluation keys"))
    }

    fn encrypt(&self, purpose: Purpose, number: u64, all: &[Filled]) -> Result<Vec<u8>, MixedError> {
        let bgv = self.plan.parameters.bgv();
        let encoder = Encoder::new(bgv);
        let one = |values: &Vec<i64>| {
            let plain = encoder.encode_coefficients(values)?;
            let mut out = Writer::new();
            let ciphertext = self.secrets.bgv.encrypt_seeded(&plain, bgv.max_limbs())?;
            ciphertext.write(&mut out).map_err(message("ciphertext"))?;
            Ok(out.finish())
        };
        let pieces: Vec<&Vec<i64>> = all.iter().flat_map(|filled| &filled.pieces).collect();
        let sealed = pieces.into_par_iter().map(one).collect::<Result<Vec<_>, MixedError>>()?;
        Ok(seal(&self.plan, purpose, number, &sealed))
    }

    fn decrypt(
        &self,
        purpose: Purpose,
        number: u64,
        bytes: &[u8],
        dense: Dense,
    ) -> Result<Filled, MixedError> {
        let fits = |count| count == dense.pieces();
        let all = open(&self.plan, purpose, number, bytes, fits).map_err(message("encrypted values"))?;
        let (decryptor, encoder) =
            (Decryptor::new(&self.secrets.bgv), Encoder::new(self.plan.parameters.bgv()));
        let values = |c| Ok(encoder.decode_coefficients(&decryptor.decrypt(c)?));
        Ok(Filled { pieces: all.iter().map(values).collect::<Result<_, MixedError>>()? })
    }

    fn layout(&self, images: usize) -> Layout {
        Layout { batch: images, ..self.plan.layout.clone() }
    }

    /// Encrypts the weights to start from.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    pub fn encrypt_model(&self, model: &WordModel) -> Result<Vec<u8>, MixedError> {
        let layout = &self.plan.layout;
        let mut out = Filled::new(layout.weights(), layout.n);
        weights(layout, |l, k, o, at, negated| {
            let layer = &model.layers[l];
            let value = layer.weight.get((k, o)).unwrap_or(&layer.bias[o]);
            out.put(at, negated, *value);
        });
        self.encrypt(Purpose::Model, 0, &[out])
    }

    /// Decrypts weights as they are after `step` steps.
    ///
    /// # Errors
    /// If the message is damaged or of another plan.
    pub fn decrypt_model(&self, step: u64, bytes: &[u8]) -> Result<WordModel, MixedError> {
        let layout = &self.plan.layout;
        let found = self.decrypt(Purpose::Model, step, bytes, layout.weights())?;
        let mut model = WordModel::zeros(&self.plan.widths);
        weights(layout, |l, k, o, at, negated| {
            let layer = &mut model.layers[l];
            let value = found.get(at, negated);
            match layer.weight.get_mut((k, o)) {
                Some(weight) => *weight = value,
                None => layer.bias[o] = value,
            }
        });
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
        let layout = self.layout(x.nrows());
        let mut one_hot = Filled::new(layout.errors(), layout.n);
        for (image, &label) in labels.iter().enumerate() {
            let Some(layer) = layout.layers.last().filter(|layer| label < layer.outputs) else {
                return Err(MixedError::Place);
            };
            let place = layer.error(label);
            one_hot.put(layout.errors().at(image, place), place.negated, 1 << self.plan.numbers.error_bits);
        }
        self.encrypt(Purpose::Batch, index as u64, &[features(&layout, x), one_hot])
    }

    /// Encrypts features to be classified.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    pub fn encrypt_query(&self, number: u64, x: &ArrayRef2<i32>) -> Result<Vec<u8>, MixedError> {
        self.encrypt(Purpose::Query, number, &[features(&self.layout(x.nrows()), x)])
    }

    /// Decrypts the weighted sums of the outputs for so many images; the largest decides.
    ///
    /// # Errors
    /// If the message is damaged or of another plan.
    pub fn read_outputs(&self, number: u64, images: usize, bytes: &[u8]) -> Result<Array2<i64>, MixedError> {
        let layout = self.layout(images);
        let found = self.decrypt(Purpose::Outputs, number, bytes, layout.errors())?;
        let Some(layer) = layout.layers.last() else { return Err(MixedError::Place) };
        Ok(Array2::from_shape_fn((images, layer.outputs), |(image, o)| {
            let place = layer.output(o);
            found.get(layout.errors().at(image, place), place.negated)
        }))
    }

    /// The places of tables that blind rotations found, for a replay by the twin.
    ///
    /// # Errors
    /// If a reading belongs to other parameters.
    pub fn places(&self, readings: &[Reading]) -> Result<Vec<u32>, MixedError> {
        readings.iter().map(|reading| Ok(self.secrets.tfhe.read(reading)?)).collect()
    }
}
