//! The client: encrypts before the first step and decrypts after the last; where a recipe says so it takes the backward pass.

use std::sync::Arc;

use he_ckks::{Complex64, Decryptor, Encoder, KeyRequest, Plaintext, SecretKey};
use he_core::wire::Writer;
use ndarray::{Array2, ArrayView2, Axis, Slice};
use rayon::prelude::*;

use super::message::{Purpose, open, seal};
use super::slots::RealError;
use super::{RealModel, RealPlan};
use crate::recipe::Backward;

/// Holds the secret key.
pub struct RealClient {
    plan: Arc<RealPlan>,
    key: SecretKey,
}

type Result<T> = std::result::Result<T, RealError>;

fn message(what: &'static str) -> impl Fn(he_core::wire::WireError) -> RealError {
    move |source| RealError::Message { what, source }
}

impl RealClient {
    /// A client with a new key.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    pub fn new(plan: &Arc<RealPlan>) -> Result<Self> {
        Ok(Self::with_key(plan, SecretKey::generate(&plan.params)?))
    }

    /// A client with a key of its own.
    pub fn with_key(plan: &Arc<RealPlan>, key: SecretKey) -> Self {
        Self { plan: Arc::clone(plan), key }
    }

    /// The secret key.
    pub fn key(&self) -> &SecretKey {
        &self.key
    }

    /// New evaluation keys, as they are sent.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    pub fn evaluation_keys(&self) -> Result<Vec<u8>> {
        let request: KeyRequest = self.plan.key_request()?;
        let wire = message("evaluation keys");
        match self.plan.backward {
            Backward::Encrypted => {
                let slots = self.plan.params.slots();
                self.key.bootstrap_keys(slots, &request)?.to_bytes().map_err(wire)
            }
            Backward::Client => self.key.evaluation_keys(&request)?.to_bytes().map_err(wire),
        }
    }

    fn encrypt(&self, plaintext: &Plaintext, limbs: usize) -> Result<Vec<u8>> {
        let mut out = Writer::new();
        self.key.encrypt_seeded(plaintext, limbs - 1)?.write(&mut out).map_err(message("ciphertext"))?;
        Ok(out.finish())
    }

    /// Encrypts the model to start from.
    ///
    /// # Errors
    /// If a weight is above the bound of the recipe, or the operating system gives no randomness.
    pub fn encrypt_model(&self, step: u64, model: &RealModel) -> Result<Vec<u8>> {
        let (plan, encoder) = (&self.plan, Encoder::new(&self.plan.params));
        let all = plan.shape.pack_model(model);
        let encrypted = all.par_iter().map(|(real, imaginary)| {
            let slots: Vec<_> = real.iter().zip(imaginary).map(|(&re, &im)| Complex64::new(re, im)).collect();
            self.encrypt(&encoder.encode_complex(&slots)?, plan.state_limbs())
        });
        Ok(seal(plan, Purpose::Model, (step, 0), &encrypted.collect::<Result<Vec<_>>>()?))
    }

    fn encrypt_slots(&self, tiles: &[Vec<f64>], bound: f64) -> Result<Vec<Vec<u8>>> {
        let encoder = Encoder::new(&self.plan.params).with_bound(bound);
        let limbs = self.plan.sample_limbs();
        tiles.par_iter().map(|tile| self.encrypt(&encoder.encode(tile)?, limbs)).collect()
    }

    /// Messages of features, one for each tile of images.
    fn encrypt_features(&self, purpose: Purpose, number: u64, x: ArrayView2<f64>) -> Result<Vec<Vec<u8>>> {
        let (plan, shape) = (&self.plan, &self.plan.shape);
        let mut tiles = shape.geometry.input(0);
        let b = shape.cube().b;
        (0..shape.image_tiles())
            .map(|t| {
                let rows = x.nrows();
                let here = x.slice_axis(Axis(0), Slice::from((t * b).min(rows)..((t + 1) * b).min(rows)));
                tiles.rows = b;
                let slots = tiles.pack(shape.cube(), here);
                let all = self.encrypt_slots(&slots, shape.input_bound)?;
                Ok(seal(plan, purpose, (number, t), &all))
            })
            .collect()
    }

    /// Encrypts mini-batch number `index`: features, then, if the server takes the backward pass, targets.
    ///
    /// # Errors
    /// If a value is above its bound, or the operating system gives no randomness.
    pub fn encrypt_batch(
        &self,
        index: usize,
        x: ArrayView2<f64>,
        targets: ArrayView2<f64>,
    ) -> Result<Vec<Vec<u8>>> {
        let (plan, shape) = (&self.plan, &self.plan.shape);
        let mut messages = self.encrypt_features(Purpose::Features, index as u64, x)?;
        if plan.backward == Backward::Client {
            return Ok(messages);
        }
        // Where there is no output the error is zero: the target is then what the output function makes of zero.
        let nothing = shape.network.output.as_ref().and_then(|c| c.first().copied()).unwrap_or(0.0);
        let (b, mut tiles) = (shape.cube().b, shape.geometry.output(shape.last()));
        let width = tiles.counts(shape.cube()).1 * shape.cube().extent(tiles.side);
        tiles.columns = width;
        tiles.rows = b;
        let bound = shape.bounds.output.max(1.0);
        for t in 0..shape.image_tiles() {
            let target = |(row, column): (usize, usize)| {
                targets.get((t * b + row, column)).copied().unwrap_or(nothing)
            };
            let slots = tiles.pack(shape.cube(), Array2::from_shape_fn((b, width), target).view());
            let all = self.encrypt_slots(&slots, bound)?;
            messages.push(seal(plan, Purpose::Targets, (index as u64, t), &all));
        }
        Ok(messages)
    }

    /// Encrypts features to be classified, at most as many as a mini-batch has.
    ///
    /// # Errors
    /// As [`encrypt_batch`](Self::encrypt_batch).
    pub fn encrypt_query(&self, number: u64, x: ArrayView2<f64>) -> Result<Vec<Vec<u8>>> {
        self.encrypt_features(Purpose::Query, number, x)
    }

    /// Decrypts the model as it is after `step` steps.
    ///
    /// # Errors
    /// If the message is damaged or of another plan.
    pub fn decrypt_model(&self, step: u64, bytes: &[u8]) -> Result<RealModel> {
        let (plan, shape) = (&self.plan, &self.plan.shape);
        let size = (shape.geometry.compact.ciphertexts(), plan.state_limbs());
        let all = open(plan, Purpose::Model, (step, 0), size, bytes).map_err(message("model"))?;
        let decryptor = Decryptor::new(&self.key);
        let slots = all.par_iter().map(|c| Ok(decryptor.decrypt_complex(c)?)).collect::<Result<Vec<_>>>()?;
        let part = |of: fn(&Complex64) -> f64| -> Vec<Vec<f64>> {
            slots.iter().map(|slots| slots.iter().map(of).collect()).collect()
        };
        Ok(shape.unpack_model(&part(|z| z.re), &part(|z| z.im), &plan.like))
    }

    /// Decrypts outputs of `rows` samples.
    ///
    /// # Errors
    /// If the message is damaged or of another plan.
    pub fn read_outputs(&self, number: u64, rows: usize, bytes: &[u8]) -> Result<Array2<f64>> {
        let (plan, shape) = (&self.plan, &self.plan.shape);
        let mut tiles = shape.geometry.output(shape.last());
        tiles.rows = rows;
        let count = shape.image_tiles() * tiles.counts(shape.cube()).1;
        let all = open(plan, Purpose::Outputs, (number, 0), (count, 1), bytes).map_err(message("outputs"))?;
        let decryptor = Decryptor::new(&self.key);
        let slots = all.par_iter().map(|c| Ok(decryptor.decrypt(c)?)).collect::<Result<Vec<_>>>()?;
        Ok(tiles.unpack(shape.cube(), &slots))
    }
}
