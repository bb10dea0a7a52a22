//! Layers with weights beside tables, in a scheme.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use he_core::wire::{Reader, WireError, Writer};
use he_tfhe::LweCiphertext;

use super::lookup::Lookup;
use crate::engine::clock::Clock;
use crate::engine::{EngineError, Result, Usage};
use crate::layout::{self, Places, Rows};

/// A value in TFHE, and where it goes.
pub(crate) struct Raised {
    pub(crate) places: Vec<layout::At>,
    pub(crate) value: LweCiphertext,
}

/// Inputs of a layer, beside which errors are raised: sums of products of both are refreshed next.
pub(crate) struct Beside<'a, C> {
    pub(crate) inputs: &'a [C],
    pub(crate) images: usize,
}

/// Layers with weights in a scheme. Tensors are ciphertexts in the layout of [`Places`]; those that enter products are prepared
/// before.
pub(crate) trait Layers: Send + Sync {
    type Cipher: Clone + Send + Sync;

    /// Where values stand.
    fn places(&self) -> &dyn Places;

    /// Reads a ciphertext of a message and checks it: with all primes, of the layout, and not transparent.
    fn read(&self, from: &mut Reader<'_>) -> Result<Self::Cipher, WireError>;

    fn write(&self, cipher: &Self::Cipher, out: &mut Writer) -> Result<(), WireError>;

    /// A ciphertext over as few primes as still decrypt.
    fn smallest(&self, cipher: &Self::Cipher) -> Result<Self::Cipher>;

    /// Weights of all layers as products take them.
    fn expand(&self, weights: &[Self::Cipher]) -> Result<Vec<Self::Cipher>>;

    /// Inputs with the constant one, or errors, as products take them.
    fn prepare(&self, rows: Rows, images: usize, pieces: Vec<Self::Cipher>) -> Result<Vec<Self::Cipher>>;

    /// Pre-activations of a layer from its inputs and the weights of all layers.
    fn forward(
        &self,
        l: usize,
        inputs: &[Self::Cipher],
        weights: &[Self::Cipher],
    ) -> Result<Vec<Self::Cipher>>;

    /// The gradient with respect to the inputs of a layer.
    fn backward(
        &self,
        l: usize,
        errors: &[Self::Cipher],
        weights: &[Self::Cipher],
    ) -> Result<Vec<Self::Cipher>>;

    /// The gradient of the weights of a layer, ready for an update.
    fn gradient(
        &self,
        l: usize,
        images: usize,
        inputs: &[Self::Cipher],
        errors: &[Self::Cipher],
    ) -> Result<Vec<Self::Cipher>>;

    /// The weights of all layers after a step, as they are sent and refreshed, from those in products and the gradients of all
    /// layers.
    fn update(&self, weights: &[Self::Cipher], gradients: &[Self::Cipher]) -> Result<Vec<Self::Cipher>>;

    /// Outputs less targets.
    fn subtract(&self, a: &[Self::Cipher], b: &[Self::Cipher]) -> Result<Vec<Self::Cipher>>;
}

/// The layer with weights whose activation is computed, in a step.
pub(crate) struct At<'a, L: Layers> {
    pub(crate) layers: &'a L,
    pub(crate) layer: usize,
    /// Images of the mini-batch or query.
    pub(crate) images: usize,
    /// Prepared inputs of the layer; errors of it are multiplied with them next.
    pub(crate) inputs: &'a [L::Cipher],
    /// Prepared weights of all layers.
    pub(crate) weights: &'a [L::Cipher],
}

impl<L: Layers> At<'_, L> {
    /// Whether it is the last layer with weights.
    pub(crate) fn is_last(&self) -> bool {
        self.layer + 2 == self.layers.places().widths().len()
    }
}

/// Activations and errors between layers with weights, and what refreshes weights. What waits from one of them to another is kept here.
pub(crate) trait Activations<L: Layers>: Send + Sync {
    /// Whether the error at the outputs is computed from those of their activation; otherwise from the last pre-activations.
    fn loss_takes_outputs(&self) -> bool;

    /// Inputs of the layer behind from pre-activations, or outputs at the places of errors.
    fn activate(&mut self, at: &At<'_, L>, sums: &[L::Cipher]) -> Result<Vec<L::Cipher>>;

    /// Errors at the last pre-activations from these, or from outputs, and from targets.
    fn loss(&mut self, at: &At<'_, L>, found: &[L::Cipher], targets: &[L::Cipher]) -> Result<Vec<L::Cipher>>;

    /// Errors at pre-activations from the gradient with respect to the inputs of the layer behind.
    fn derive(&mut self, at: &At<'_, L>, gradient: &[L::Cipher]) -> Result<Vec<L::Cipher>>;

    /// Weights over all primes, and as clean as a step needs them.
    fn refresh(&mut self, layers: &L, weights: &[L::Cipher]) -> Result<Vec<L::Cipher>>;

    /// Forgets what waits, at the end of a step.
    fn forget(&mut self);

    fn clock(&self) -> &Clock;

    /// Work ends from now on once `stop` is set.
    fn stop_by(&mut self, stop: &Arc<AtomicBool>);

    fn usage(&self) -> Usage;

    /// See [`Engine::take_records`](crate::engine::Engine::take_records).
    fn take_records(&mut self) -> Vec<u8> {
        Vec::new()
    }
}

/// Layers whose values go to TFHE and come back.
pub(crate) trait Lowering: Layers {
    /// Weights over all primes, and as clean as a step needs them.
    fn refresh(&self, lookup: &Lookup, weights: &[Self::Cipher]) -> Result<Vec<Self::Cipher>>;

    /// Differences of outputs and targets, times a power of two, at the scale of pre-activations: as they are lowered.
    fn scale_errors(&self, errors: &[Self::Cipher], shift: u32) -> Result<Vec<Self::Cipher>>;

    /// Values at places, at the scale of pre-activations, times `2^shift`, as LWE ciphertexts.
    fn lower(&self, pieces: &[Self::Cipher], places: &[layout::At], shift: u32)
    -> Result<Vec<LweCiphertext>>;

    /// Results of tables at their places in so many ciphertexts.
    fn raise(
        &self,
        lookup: &Lookup,
        values: Vec<Raised>,
        pieces: usize,
        beside: Option<Beside<'_, Self::Cipher>>,
    ) -> Result<Vec<Self::Cipher>>;
}

/// Values at places of several ciphertexts, in the order of the places; `lower` takes those of one.
pub(crate) fn by_piece<C>(
    pieces: &[C],
    places: &[layout::At],
    lower: impl Fn(&C, &[usize]) -> Result<Vec<LweCiphertext>>,
) -> Result<Vec<LweCiphertext>> {
    let mut values: Vec<Option<LweCiphertext>> = vec![None; places.len()];
    for (number, piece) in pieces.iter().enumerate() {
        let own: Vec<usize> = (0..places.len()).filter(|&i| places[i].piece == number).collect();
        let indices: Vec<usize> = own.iter().map(|&i| places[i].index).collect();
        own.into_iter().zip(lower(piece, &indices)?).for_each(|(i, value)| values[i] = Some(value));
    }
    values.into_iter().collect::<Option<Vec<_>>>().ok_or(EngineError::Empty)
}
