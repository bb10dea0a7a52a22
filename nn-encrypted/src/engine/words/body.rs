//! The steps: forward pass, errors, gradients and update, each in few and large calls.
//!
//! With `⊙` the product of words, images apart:
//! - forward: `z_o = Σ w ⊙ a_i + b` over the weights `w` between input `i` and output `o`;
//! - backward: `Σ w ⊙ d_o` for each input; gradient: `Σ d_o ⊙ a_i` for each weight, over images and places;
//! - update: `w - ⌊G / 2^k⌋`.
//!
//! A pooling takes the mean of a window: its sum shifted, or times a constant word where it has no power of two of positions.

use super::wiring::Wiring;
use super::{Arithmetic, EngineError, Factors, Result, Weights, WordEngine, Words};
use crate::program::{Step, Tensor};
use crate::recipe::Loss;

impl<A: Arithmetic> WordEngine<A> {
    pub(super) fn step(&mut self, step: Step) -> Result<()> {
        match step {
            // Words enter products as they are kept.
            Step::Expand => Ok(()),
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

    fn wiring(&self, l: usize) -> Result<&Wiring> {
        self.shape.layers.get(&l).ok_or_else(|| EngineError::Unplanned(format!("layer {}", l + 1)))
    }

    /// Weights and biases of a layer.
    fn weights(&self, l: usize) -> Result<Weights<'_, A>> {
        let before: usize = self.shape.layers.range(..l).map(|(_, wiring)| wiring.words()).sum();
        let wiring = self.wiring(l)?;
        let layer = self.get(Tensor::Weights)?.get(before..before + wiring.words());
        Ok(layer.ok_or(EngineError::Missing(Tensor::Weights))?.split_at(wiring.of_weight.len()))
    }

    /// The inputs of a layer, behind its pooling.
    fn inputs(&self, l: usize) -> Result<&[A::Word]> {
        self.pooled.get(&l).map_or_else(|| self.get(Tensor::input(l)), |pooled| Ok(pooled))
    }

    fn errors(&self, l: usize) -> Result<&[A::Word]> {
        self.either(Tensor::Error(l), Tensor::RawError(l))
    }

    /// Sums over windows, divided by their size.
    fn means(&self, sums: &[A::Word], size: usize) -> Result<Words<A>> {
        if size.is_power_of_two() {
            return self.go()?.shift_right(&refs(sums), size.trailing_zeros());
        }
        let one = self.shape.format.one();
        let part = self.go()?.constant((one as f64 / size as f64).round() as i64)?;
        self.go()?.mul(&sums.iter().map(|sum| (sum, &part)).collect::<Vec<_>>())
    }

    fn pool(&mut self, l: usize) -> Result<()> {
        let windows = &self.wiring(l)?.windows;
        let Some(size) = windows.first().map(Vec::len) else { return Ok(()) };
        let (inputs, width) = (self.get(Tensor::input(l))?, windows.len() * size);
        let groups: Vec<Vec<&A::Word>> = (inputs.chunks_exact(width))
            .flat_map(|image| windows.iter().map(|window| window.iter().map(|&i| &image[i]).collect()))
            .collect();
        let pooled = self.means(&self.go()?.sum(&groups)?, size)?;
        self.pooled.insert(l, pooled);
        Ok(())
    }

    fn forward(&mut self, l: usize) -> Result<()> {
        self.pool(l)?;
        let (wiring, inputs, (weights, biases)) = (self.wiring(l)?, self.inputs(l)?, self.weights(l)?);
        let images = || inputs.chunks_exact(wiring.inputs());
        let mut pairs = Vec::new();
        for image in images() {
            let products = wiring.of_output.iter().flatten();
            pairs.extend(products.map(|&(weight, input)| (&weights[weight], &image[input])));
        }
        let bias = wiring.bias.iter().map(|&bias| &biases[bias]);
        let sums = if wiring.of_output.iter().all(|sum| sum.len() == 1) {
            // One product a sum: it takes the bias in.
            self.go()?.mul_add(&pairs, &bias.cycle().take(pairs.len()).collect::<Vec<_>>())?
        } else {
            let products = self.go()?.mul(&pairs)?;
            let mut products = products.iter();
            let groups = images().flat_map(|_| wiring.of_output.iter().zip(bias.clone()));
            let groups: Vec<Vec<&A::Word>> =
                groups.map(|(sum, bias)| products.by_ref().take(sum.len()).chain([bias]).collect()).collect();
            self.go()?.sum(&groups)?
        };
        self.put(Tensor::Sum(l), sums);
        Ok(())
    }

    fn preactivations(&self, l: usize) -> Result<&[A::Word]> {
        self.either(Tensor::Preactivation(l), Tensor::Sum(l))
    }

    fn activate(&mut self, l: usize) -> Result<()> {
        let sums = self.preactivations(l)?;
        let Some(function) = self.shape.function(l) else {
            self.put(Tensor::Activation(l), sums.to_vec());
            return Ok(());
        };
        // A classification has no targets, and needs no derivatives. Where targets are another engine's, derivatives come later.
        if self.store.has(Tensor::Targets) {
            let (values, derivatives) = self.go()?.activate_and_derive(function, &refs(sums))?;
            self.put(Tensor::Activation(l), values);
            self.put(Tensor::Derivative(l), derivatives);
        } else {
            let values = self.go()?.activate(function, &refs(sums))?;
            self.put(Tensor::Activation(l), values);
        }
        Ok(())
    }

    fn loss(&mut self) -> Result<()> {
        let last = self.shape.last;
        let targets = self.get(Tensor::Targets)?;
        let errors = match (self.shape.loss, self.shape.function(last)) {
            (_, None) => self.go()?.sub(&pairs(self.preactivations(last)?, targets))?,
            (Loss::CrossEntropy, Some(function)) => {
                let values = self.go()?.activate(function, &refs(self.preactivations(last)?))?;
                self.go()?.sub(&pairs(&values, targets))?
            }
            (Loss::Quadratic, Some(_)) => {
                let misses = self.go()?.sub(&pairs(self.get(Tensor::Activation(last))?, targets))?;
                self.go()?.mul(&pairs(&misses, self.get(Tensor::Derivative(last))?))?
            }
        };
        self.put(Tensor::Error(last), errors);
        Ok(())
    }

    /// The products of the gradient of a layer, weight after weight.
    fn gradient_factors(&self, l: usize) -> Result<Factors<'_, A>> {
        let (wiring, inputs, errors) = (self.wiring(l)?, self.inputs(l)?, self.errors(l)?);
        let mut factors = Vec::new();
        for places in &wiring.of_weight {
            let images = errors.chunks_exact(wiring.outputs()).zip(inputs.chunks_exact(wiring.inputs()));
            for (errors, inputs) in images {
                factors.extend(places.iter().map(|&(output, input)| (&errors[output], &inputs[input])));
            }
        }
        Ok(factors)
    }

    /// The terms of the gradient of a layer: products weight after weight, then errors bias after bias.
    fn gradient_groups<'w>(
        &'w self,
        l: usize,
        mut products: impl Iterator<Item = &'w A::Word>,
    ) -> Result<Vec<Vec<&'w A::Word>>> {
        let (wiring, errors) = (self.wiring(l)?, self.errors(l)?);
        let images = errors.len() / wiring.outputs();
        let weights = wiring.of_weight.iter();
        let mut groups: Vec<Vec<&A::Word>> =
            weights.map(|places| products.by_ref().take(images * places.len()).collect()).collect();
        groups.extend(wiring.of_bias.iter().map(|outputs| {
            let image = |errors: &'w [A::Word]| outputs.iter().map(move |&output| &errors[output]);
            errors.chunks_exact(wiring.outputs()).flat_map(image).collect()
        }));
        Ok(groups)
    }

    /// The gradient with respect to the inputs of a layer, and its own: their products are one call, their sums another.
    fn backward(&mut self, l: usize) -> Result<()> {
        let (wiring, errors, (weights, _)) = (self.wiring(l)?, self.errors(l)?, self.weights(l)?);
        let mut factors = self.gradient_factors(l)?;
        let of_gradient = factors.len();
        for errors in errors.chunks_exact(wiring.outputs()) {
            let places = wiring.of_input.iter().flatten();
            factors.extend(places.map(|&(weight, output)| (&weights[weight], &errors[output])));
        }
        let products = self.go()?.mul(&factors)?;
        let (of_gradient, carried) = products.split_at(of_gradient);
        let mut groups = self.gradient_groups(l, of_gradient.iter())?;
        let mut carried = carried.iter();
        for _ in errors.chunks_exact(wiring.outputs()) {
            groups.extend(wiring.of_input.iter().map(|sum| carried.by_ref().take(sum.len()).collect()));
        }
        let mut gradient = self.go()?.sum(&groups)?;
        let mut carried = gradient.split_off(wiring.words());
        if let Some(size) = wiring.windows.first().map(Vec::len) {
            carried = self.spread(l, &self.means(&carried, size)?)?;
        }
        self.put(Tensor::Products(l), gradient);
        self.put(Tensor::InputGradient(l - 1), carried);
        Ok(())
    }

    /// The share of every position of a window.
    fn spread(&self, l: usize, means: &[A::Word]) -> Result<Words<A>> {
        let windows = &self.wiring(l)?.windows;
        let mut window_of: Vec<usize> = vec![0; windows.iter().map(Vec::len).sum()];
        for (place, window) in windows.iter().enumerate() {
            window.iter().for_each(|&input| window_of[input] = place);
        }
        let image = |means: &[A::Word]| window_of.iter().map(|&w| means[w].clone()).collect::<Vec<_>>();
        Ok(means.chunks_exact(windows.len()).flat_map(image).collect())
    }

    fn derivative(&mut self, l: usize) -> Result<()> {
        if let Some(function) = self.shape.function(l)
            && !self.store.has(Tensor::Derivative(l))
        {
            let (_, derivatives) =
                self.go()?.activate_and_derive(function, &refs(self.preactivations(l)?))?;
            self.put(Tensor::Derivative(l), derivatives);
        }
        let gradient = self.get(Tensor::InputGradient(l))?;
        let errors = match self.shape.function(l) {
            Some(_) => self.go()?.mul(&pairs(gradient, self.get(Tensor::Derivative(l))?))?,
            None => gradient.to_vec(),
        };
        self.put(Tensor::RawError(l), errors);
        Ok(())
    }

    /// The gradient of a layer, unless its backward step came to it.
    fn gradient(&mut self, l: usize) -> Result<()> {
        if self.store.has(Tensor::Products(l)) {
            return Ok(());
        }
        let products = self.go()?.mul(&self.gradient_factors(l)?)?;
        let gradient = self.go()?.sum(&self.gradient_groups(l, products.iter())?)?;
        self.put(Tensor::Products(l), gradient);
        Ok(())
    }

    /// All layers at once.
    fn update(&mut self) -> Result<()> {
        let mut gradient = Vec::new();
        for &l in self.shape.layers.keys() {
            gradient.extend(self.get(Tensor::Products(l))?);
        }
        let changes = self.go()?.shift_right(&gradient, self.shape.shift)?;
        let new = self.go()?.sub(&pairs(self.get(Tensor::Weights)?, &changes))?;
        self.put(Tensor::NewWeights, new);
        Ok(())
    }
}

fn refs<W>(words: &[W]) -> Vec<&W> {
    words.iter().collect()
}

fn pairs<'w, W>(a: &'w [W], b: &'w [W]) -> Vec<(&'w W, &'w W)> {
    a.iter().zip(b).collect()
}
