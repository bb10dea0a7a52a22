//! The bodies of steps.

use super::{Activations, At, Layers, TableEngine, stage};
use crate::engine::{EngineError, Result};
use crate::layout::Rows;
use crate::program::{Step, Tensor};

impl<L: Layers, A: Activations<L>> TableEngine<L, A> {
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
        self.activations.clock().on(stage::PRODUCTS, || work(&self.layers))
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

    /// Pre-activations of a layer, computed or as they came.
    fn take_sums(&mut self, l: usize) -> Result<Vec<L::Cipher>> {
        self.open(Tensor::Preactivation(l))?;
        match self.tensors.remove(Tensor::Preactivation(l)) {
            Some(sums) => Ok(sums),
            None => self.tensors.take(Tensor::Sum(l)),
        }
    }

    /// A computation of activations at a layer.
    fn at<T>(&mut self, layer: usize, work: impl FnOnce(&mut A, &At<'_, L>) -> Result<T>) -> Result<T> {
        let (layers, images) = (&self.layers, self.images);
        let (inputs, weights) =
            (self.tensors.get(Tensor::input(layer))?, self.tensors.get(Tensor::Expanded)?);
        work(&mut self.activations, &At { layers, layer, images, inputs, weights })
    }

    fn activate(&mut self, l: usize) -> Result<()> {
        let last = l + 1 == self.depth;
        if last && self.sealed.contains_key(&Tensor::Targets) && !self.activations.loss_takes_outputs() {
            return Ok(()); // the loss takes what is there
        }
        let sums = self.take_sums(l)?;
        let found = self.at(l, |activations, at| activations.activate(at, &sums))?;
        let activation = if last { found } else { self.prepare(Rows::Inputs(l + 1), found)? };
        self.tensors.put(Tensor::Activation(l), activation);
        Ok(())
    }

    fn loss(&mut self) -> Result<()> {
        let l = self.depth - 1;
        self.open(Tensor::Targets)?;
        let targets = self.tensors.take(Tensor::Targets)?;
        let found = if self.activations.loss_takes_outputs() {
            self.tensors.take(Tensor::Activation(l))?
        } else {
            self.take_sums(l)?
        };
        let errors = self.at(l, |activations, at| activations.loss(at, &found, &targets))?;
        let prepared = self.prepare(Rows::Errors(l), errors)?;
        self.tensors.put(Tensor::Error(l), prepared);
        Ok(())
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
        let errors = self.at(l, |activations, at| activations.derive(at, &gradient))?;
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
