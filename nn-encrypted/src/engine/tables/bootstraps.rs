//! Activations by bootstraps of TFHE: values leave the layers one by one, and come back at any places.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use he_core::wire::Writer;
use he_tfhe::LweCiphertext;

use super::layers::{Activations, At, Lowering, Raised};
use super::{Beside, Lookup, stage};
use crate::engine::clock::Clock;
use crate::engine::{EngineError, Result, Usage};
use crate::layout::Rows;
use crate::program::Tensor;

/// Lookups, and what waits between them.
pub(crate) struct Bootstraps {
    lookup: Lookup,
    /// Derivatives behind each layer with weights, image after image.
    derivatives: BTreeMap<usize, Vec<LweCiphertext>>,
}

impl Bootstraps {
    pub(crate) fn new(lookup: Lookup) -> Self {
        Self { lookup, derivatives: BTreeMap::new() }
    }

    /// Values on their way to a table, image after image.
    fn lower<L: Lowering>(
        &self,
        at: &At<'_, L>,
        rows: Rows,
        pieces: &[L::Cipher],
        shift: u32,
    ) -> Result<Vec<LweCiphertext>> {
        let places = at.layers.places().each(rows, at.images);
        self.lookup.count(places.len());
        self.lookup.clock.on(stage::SWITCHING, || at.layers.lower(pieces, &places, shift))
    }

    /// Results of tables as a tensor.
    fn raise<L: Lowering>(
        &self,
        at: &At<'_, L>,
        rows: Rows,
        values: Vec<LweCiphertext>,
        beside: bool,
    ) -> Result<Vec<L::Cipher>> {
        let places = at.layers.places();
        let columns = places.columns(rows);
        self.lookup.count(values.len());
        let raised = |(i, value)| Raised { places: places.places(rows, i / columns, i % columns), value };
        let values = values.into_iter().enumerate().map(raised).collect();
        let beside = beside.then_some(Beside { inputs: at.inputs, images: at.images });
        at.layers.raise(&self.lookup, values, places.pieces(rows, at.images), beside)
    }

    /// Errors behind an activation, lowered, times its derivative.
    fn times_derivative(&mut self, l: usize, errors: Vec<LweCiphertext>) -> Result<Vec<LweCiphertext>> {
        let derivatives = self.derivatives.remove(&l).ok_or(EngineError::Missing(Tensor::Derivative(l)))?;
        self.lookup.derive(l, errors, &derivatives)
    }
}

impl<L: Lowering> Activations<L> for Bootstraps {
    fn loss_takes_outputs(&self) -> bool {
        self.lookup.has_output_activation()
    }

    fn activate(&mut self, at: &At<'_, L>, sums: &[L::Cipher]) -> Result<Vec<L::Cipher>> {
        let l = at.layer;
        let sums = self.lower(at, Rows::Sums(l), sums, self.lookup.sum_shift(l))?;
        let [values, derivatives] = self.lookup.activate(l, sums)?;
        self.derivatives.insert(l, derivatives);
        let rows = if at.is_last() { Rows::Errors(l) } else { Rows::Inputs(l + 1) };
        self.raise(at, rows, values, false)
    }

    fn loss(&mut self, at: &At<'_, L>, found: &[L::Cipher], targets: &[L::Cipher]) -> Result<Vec<L::Cipher>> {
        let l = at.layer;
        if self.lookup.has_output_activation() {
            let differences = at.layers.subtract(found, targets)?;
            let shift = self.lookup.error_shift(l)?;
            let scaled =
                self.lookup.clock.on(stage::PRODUCTS, || at.layers.scale_errors(&differences, shift))?;
            let lowered = self.lower(at, Rows::Errors(l), &scaled, 0)?;
            let values = self.times_derivative(l, lowered)?;
            return self.raise(at, Rows::Errors(l), values, true);
        }
        let sums = self.lower(at, Rows::Sums(l), found, self.lookup.sum_shift(l))?;
        let values = self.lookup.output(sums)?;
        let outputs = self.raise(at, Rows::Errors(l), values, true)?;
        at.layers.subtract(&outputs, targets)
    }

    fn derive(&mut self, at: &At<'_, L>, gradient: &[L::Cipher]) -> Result<Vec<L::Cipher>> {
        let l = at.layer;
        let lowered = self.lower(at, Rows::InputGradients(l + 1), gradient, self.lookup.error_shift(l)?)?;
        let values = self.times_derivative(l, lowered)?;
        self.raise(at, Rows::Errors(l), values, true)
    }

    fn refresh(&mut self, layers: &L, weights: &[L::Cipher]) -> Result<Vec<L::Cipher>> {
        layers.refresh(&self.lookup, weights)
    }

    fn forget(&mut self) {
        self.derivatives.clear();
    }

    fn clock(&self) -> &Clock {
        &self.lookup.clock
    }

    fn stop_by(&mut self, stop: &Arc<AtomicBool>) {
        self.lookup.stop_by(stop);
    }

    fn usage(&self) -> Usage {
        self.lookup.usage()
    }

    fn take_records(&mut self) -> Vec<u8> {
        let (phases, mut out) = (self.lookup.take_records(), Writer::new());
        out.length(phases.len());
        phases.iter().for_each(|phase| phase.write(&mut out));
        out.finish()
    }
}
