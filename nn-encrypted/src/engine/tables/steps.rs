//! The bodies of steps.

use he_tfhe::LweCiphertext;

use super::{Beside, Layers, Raised, TableEngine, stage};
use crate::engine::{EngineError, Result};
use crate::layout::{Places, Rows};
use crate::program::{Step, Tensor};

impl<L: Layers> TableEngine<L> {
    pub(super) fn step(&mut self, step: Step) -> Result<()> {
        match step {
            Step::Expand => self.expand(),
            Step::Forward(l) => self.forward(l),
            Step::Activate(l) => self.activate(l),
            Step::Loss => self.loss(),
            Step::Backward(l) => self.backward(l),
            Step::Derivative(l) => self.derivative(l),
            Step::Gradient(l) => self.gradient(l),
            Step::Update => self.update(),
            Step::Refresh { .. } => Err(EngineError::Unplanned(step.to_string())),
        }
    }

    fn products<T>(&self, work: impl FnOnce(&L) -> Result<T>) -> Result<T> {
        self.lookup.clock.on(stage::PRODUCTS, || work(&self.layers))
    }

    fn expand(&mut self) -> Result<()> {
        if !self.tensors.has(Tensor::Expanded) {
            let expanded = self.products(|layers| layers.expand(self.tensors.get(Tensor::Weights)?))?;
            self.tensors.put(Tensor::Expanded, expanded);
        }
        Ok(())
    }

    /// Opens a tensor that came, if it is still sealed.
    fn open(&mut self, tensor: Tensor) -> Result<()> {
        if let Some(pieces) = self.sealed.remove(&tensor) {
            let read = self.read(tensor, self.images, &[pieces])?;
            self.tensors.put(tensor, read);
        }
        Ok(())
    }

    /// Inputs of a layer as products take them; they are prepared as soon as they are there.
    fn prepare_inputs(&mut self, l: usize) -> Result<()> {
        if l == 0 && self.sealed.contains_key(&Tensor::Features) {
            self.open(Tensor::Features)?;
            let features = self.tensors.take(Tensor::Features)?;
            let prepared = self.prepare(Rows::Inputs(0), features)?;
            self.tensors.put(Tensor::Features, prepared);
        }
        Ok(())
    }

    /// Errors of a layer as products take them.
    fn prepare_errors(&mut self, l: usize) -> Result<()> {
        let computed = self.tensors.remove(Tensor::RawError(l));
        let raw = if self.sealed.contains_key(&Tensor::Error(l)) {
            self.open(Tensor::Error(l))?;
            Some(self.tensors.take(Tensor::Error(l))?)
        } else {
            computed
        };
        if let Some(raw) = raw {
            let prepared = self.prepare(Rows::Errors(l), raw)?;
            self.tensors.put(Tensor::Error(l), prepared);
        }
        Ok(())
    }

    fn prepare(&self, rows: Rows, pieces: Vec<L::Cipher>) -> Result<Vec<L::Cipher>> {
        self.products(|layers| layers.prepare(rows, self.images, pieces))
    }

    fn forward(&mut self, l: usize) -> Result<()> {
        self.prepare_inputs(l)?;
        let (inputs, weights) = (self.tensors.get(Tensor::input(l))?, self.tensors.get(Tensor::Expanded)?);
        let sums = self.products(|layers| layers.forward(l, inputs, weights))?;
        self.tensors.put(Tensor::Sum(l), sums);
        Ok(())
    }

    fn places(&self) -> &dyn Places {
        self.layers.places()
    }

    /// Values on their way to a table, image after image.
    fn lower(&self, rows: Rows, pieces: &[L::Cipher], shift: u32) -> Result<Vec<LweCiphertext>> {
        let places = self.places().each(rows, self.images);
        self.lookup.count(places.len());
        self.lookup.clock.on(stage::SWITCHING, || self.layers.lower(pieces, &places, shift))
    }

    /// Results of tables as a tensor.
    fn raise(
        &self,
        rows: Rows,
        values: Vec<LweCiphertext>,
        beside: Option<Tensor>,
    ) -> Result<Vec<L::Cipher>> {
        let (places, columns) = (self.places(), self.places().columns(rows));
        self.lookup.count(values.len());
        let raised = |(i, value)| Raised { places: places.places(rows, i / columns, i % columns), value };
        let values = values.into_iter().enumerate().map(raised).collect();
        let inputs = beside.map(|inputs| self.tensors.get(inputs)).transpose()?;
        let beside = inputs.map(|inputs| Beside { inputs, images: self.images });
        self.layers.raise(&self.lookup, values, places.pieces(rows, self.images), beside)
    }

    /// Pre-activations of a layer, lowered.
    fn lower_sums(&mut self, l: usize) -> Result<Vec<LweCiphertext>> {
        self.open(Tensor::Preactivation(l))?;
        let sums = match self.tensors.remove(Tensor::Preactivation(l)) {
            Some(sums) => sums,
            None => self.tensors.take(Tensor::Sum(l))?,
        };
        self.lower(Rows::Sums(l), &sums, self.lookup.sum_shift(l))
    }

    fn activate(&mut self, l: usize) -> Result<()> {
        let sums = self.lower_sums(l)?;
        let [values, derivatives] = self.lookup.activate(l, sums)?;
        self.derivatives.insert(l, derivatives);
        let activation = if l + 1 < self.depth {
            let raised = self.raise(Rows::Inputs(l + 1), values, None)?;
            self.prepare(Rows::Inputs(l + 1), raised)?
        } else {
            self.raise(Rows::Errors(l), values, None)?
        };
        self.tensors.put(Tensor::Activation(l), activation);
        Ok(())
    }

    fn loss(&mut self) -> Result<()> {
        let l = self.depth - 1;
        self.open(Tensor::Targets)?;
        let targets = self.tensors.take(Tensor::Targets)?;
        let errors = if self.lookup.has_output_activation() {
            let outputs = self.tensors.take(Tensor::Activation(l))?;
            let differences = self.layers.subtract(&outputs, &targets)?;
            let shift = self.lookup.error_shift(l)?;
            let scaled = self.products(|layers| layers.scale_errors(&differences, shift))?;
            let lowered = self.lower(Rows::Errors(l), &scaled, 0)?;
            let values = self.derive(l, lowered)?;
            self.raise(Rows::Errors(l), values, Some(Tensor::input(l)))?
        } else {
            let sums = self.lower_sums(l)?;
            let values = self.lookup.output(sums)?;
            let outputs = self.raise(Rows::Errors(l), values, Some(Tensor::input(l)))?;
            self.layers.subtract(&outputs, &targets)?
        };
        let prepared = self.prepare(Rows::Errors(l), errors)?;
        self.tensors.put(Tensor::Error(l), prepared);
        Ok(())
    }

    /// Errors behind an activation, lowered, times its derivative.
    fn derive(&mut self, l: usize, errors: Vec<LweCiphertext>) -> Result<Vec<LweCiphertext>> {
        let derivatives = self.derivatives.remove(&l).ok_or(EngineError::Missing(Tensor::Derivative(l)))?;
        self.lookup.derive(l, errors, &derivatives)
    }

    fn backward(&mut self, l: usize) -> Result<()> {
        self.prepare_errors(l)?;
        let (errors, weights) = (self.tensors.get(Tensor::Error(l))?, self.tensors.get(Tensor::Expanded)?);
        let gradient = self.products(|layers| layers.backward(l, errors, weights))?;
        self.tensors.put(Tensor::InputGradient(l - 1), gradient);
        Ok(())
    }

    fn derivative(&mut self, l: usize) -> Result<()> {
        let gradient = self.tensors.take(Tensor::InputGradient(l))?;
        let lowered = self.lower(Rows::InputGradients(l + 1), &gradient, self.lookup.error_shift(l)?)?;
        drop(gradient);
        let values = self.derive(l, lowered)?;
        let errors = self.raise(Rows::Errors(l), values, Some(Tensor::input(l)))?;
        self.tensors.put(Tensor::RawError(l), errors);
        Ok(())
    }

    fn gradient(&mut self, l: usize) -> Result<()> {
        self.prepare_errors(l)?;
        let (inputs, errors) = (self.tensors.take(Tensor::input(l))?, self.tensors.take(Tensor::Error(l))?);
        let products = self.products(|layers| layers.gradient(l, self.images, &inputs, &errors))?;
        self.tensors.put(Tensor::Products(l), products);
        Ok(())
    }

    fn update(&mut self) -> Result<()> {
        let mut gradients = Vec::new();
        for l in 0..self.depth {
            gradients.extend(self.tensors.take(Tensor::Products(l))?);
        }
        let weights = self.tensors.get(Tensor::Expanded)?;
        let changed = self.products(|layers| layers.update(weights, &gradients))?;
        self.tensors.put(Tensor::NewWeights, changed);
        Ok(())
    }
}
