//! What a scheme must do for layers with weights.

use std::sync::atomic::AtomicBool;

use he_core::wire::{Reader, WireError, Writer};
use he_tfhe::LweCiphertext;

use super::MixedError;
use super::lookup::Lookup;

/// Evaluators and keys of a scheme.
pub(super) trait Engine: Send + Sync {
    /// A ciphertext, as it is sent.
    type Cipher: Clone + Send + Sync;
    /// A mini-batch or a query on its way.
    type Pass<'a>: Layers<Cipher = Self::Cipher>
    where
        Self: 'a;

    /// The tables.
    fn lookup(&self) -> &Lookup;

    /// A pass of so many images over weights.
    fn pass<'a>(
        &'a self,
        weights: &[Self::Cipher],
        images: usize,
        stop: &'a AtomicBool,
    ) -> Result<Self::Pass<'a>, MixedError>;

    /// A ciphertext of a message, checked.
    fn read(&self, from: &mut Reader<'_>) -> Result<Self::Cipher, WireError>;

    /// The same, back.
    fn write(&self, cipher: &Self::Cipher, out: &mut Writer) -> Result<(), WireError>;

    /// Limbs, those of new weights, and bits that the error leaves.
    fn health(&self, cipher: &Self::Cipher) -> (usize, usize, f64);

    /// The outputs with no more than it takes to tell them apart.
    fn least(&self, cipher: &Self::Cipher) -> Result<Self::Cipher, MixedError>;
}

/// What is done to a sum on its way to a table: the shift, what is added, and the positions left out of a reading.
pub(super) type How = (u32, u32, u32);

/// The layers with weights on a mini-batch. Values of tables stand image after image.
pub(super) trait Layers {
    /// A ciphertext.
    type Cipher;
    /// Inputs of a layer, ready for products.
    type Inputs;
    /// Errors of a layer, ready for products.
    type Errors;

    /// The tables.
    fn lookup(&self) -> &Lookup;
    /// Whether to stop.
    fn stop(&self) -> &AtomicBool;
    /// Layers with weights.
    fn depth(&self) -> usize;
    /// Inputs of a layer, and the constant one.
    fn inputs(&self, l: usize, pieces: &[Self::Cipher]) -> Result<Self::Inputs, MixedError>;
    /// Weighted sums of a layer.
    fn sums(&self, l: usize, inputs: &Self::Inputs) -> Result<Vec<Self::Cipher>, MixedError>;
    /// Weighted sums to TFHE.
    fn lower_sums(&self, l: usize, sums: &[Self::Cipher], how: How)
    -> Result<Vec<LweCiphertext>, MixedError>;
    /// Values of tables as inputs of layer `l`.
    fn raise_inputs(&self, l: usize, values: Vec<LweCiphertext>) -> Result<Vec<Self::Cipher>, MixedError>;
    /// Values of tables as errors of layer `l`, which will be multiplied with these inputs.
    fn raise_errors(
        &self,
        l: usize,
        values: Vec<LweCiphertext>,
        inputs: &Self::Inputs,
    ) -> Result<Vec<Self::Cipher>, MixedError>;
    /// Outputs without labels.
    fn without(
        &self,
        outputs: &[Self::Cipher],
        labels: &[Self::Cipher],
    ) -> Result<Vec<Self::Cipher>, MixedError>;
    /// Errors of a layer.
    fn errors(&self, pieces: &[Self::Cipher]) -> Result<Self::Errors, MixedError>;
    /// What the errors of layer `l` hand back.
    fn back(&self, l: usize, errors: &Self::Errors) -> Result<Vec<Self::Cipher>, MixedError>;
    /// The same to TFHE.
    fn lower_back(&self, l: usize, sums: &[Self::Cipher], how: How)
    -> Result<Vec<LweCiphertext>, MixedError>;
    /// The weights of a layer without their gradient.
    fn updated(
        &self,
        l: usize,
        inputs: &Self::Inputs,
        errors: &Self::Errors,
    ) -> Result<Vec<Self::Cipher>, MixedError>;
    /// Changed weights of all layers, as good as new.
    fn refreshed(&self, changed: Vec<Vec<Self::Cipher>>) -> Result<Vec<Self::Cipher>, MixedError>;
}
