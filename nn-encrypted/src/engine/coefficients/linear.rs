//! Products of polynomials: the layers themselves.

use he_bgv::Ciphertext;
use rayon::prelude::*;

use super::Coefficients;
use crate::engine::Result;

impl Coefficients {
    fn weights<'w>(&self, l: usize, weights: &'w [Ciphertext]) -> &'w [Ciphertext] {
        let first = self.layout.first_tile(l);
        &weights[first..first + self.layout.layers[l].tiles()]
    }

    pub(super) fn level(&self, all: &[Ciphertext]) -> Result<Vec<Ciphertext>> {
        let level = all.iter().map(Ciphertext::level).min().unwrap_or(0);
        all.iter().map(|c| Ok(self.evaluator.mod_switch_to(c, level)?)).collect()
    }

    /// Pre-activations of a layer, an image a part.
    pub(super) fn sums(
        &self,
        l: usize,
        inputs: &[Ciphertext],
        weights: &[Ciphertext],
    ) -> Result<Vec<Ciphertext>> {
        let tiles: Vec<_> = self.weights(l, weights).iter().collect();
        let inputs: Vec<_> = inputs.iter().collect();
        let products = self.evaluator.matrix_product_lazy(tiles.len(), &inputs, &tiles, usize::MAX)?;
        self.dense(&products, self.layout.errors(0).levels)
    }

    /// The gradient with respect to the inputs of a layer, without the constant.
    pub(super) fn input_gradients(
        &self,
        l: usize,
        errors: &[Ciphertext],
        weights: &[Ciphertext],
    ) -> Result<Vec<Ciphertext>> {
        let tiles = self.layout.input_tiles(l);
        let (errors, weights): (Vec<_>, Vec<_>) =
            (errors.iter().collect(), self.weights(l, weights)[..tiles].iter().collect());
        let products = self.evaluator.matrix_product_lazy(1, &errors, &weights, usize::MAX)?;
        self.dense(&products, self.layout.input_gradients(l, 0).levels)
    }

    /// The gradient of the tiles of a layer, where the weights lie.
    pub(super) fn weight_gradients(
        &self,
        l: usize,
        images: usize,
        inputs: &[Ciphertext],
        errors: &[Ciphertext],
    ) -> Result<Vec<Ciphertext>> {
        let tiles = self.layout.layers[l].tiles();
        let rows: Vec<&Ciphertext> =
            (0..tiles).flat_map(|tile| inputs[tile..].iter().step_by(tiles)).collect();
        let errors: Vec<&Ciphertext> = errors.iter().collect();
        let products = self.evaluator.matrix_product_lazy(images, &rows, &errors, usize::MAX)?;
        let gradient = |product: &Ciphertext| {
            let product = self.evaluator.relinearize(product)?;
            Ok(self.evaluator.automorphism(&product, 2 * self.layout.n - 1)?)
        };
        products.par_iter().map(gradient).collect()
    }
}
