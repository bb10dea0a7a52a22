//! Where the tensors of a step stand.
//!
//! Products are those of [`Linear`]: polynomials in `Y = X^{n/M}`, an image or a tile of weights in each. Between products
//! everything is dense. With `g = n/M`, a BGV ciphertext in dimension `n` is
//!
//! - `g` tiles of weights, or `g` images' errors or weighted sums: tile or image `r` has the coefficients `r` modulo `g`;
//! - `g·s` tiles of inputs, `s` being the stride of the inputs of a layer: tile `r` has the coefficients `r` modulo `g·s`.
//!
//! Ciphertexts are taken apart by [`he_switch::expand`], and put together again by products with powers of `X`.

use super::linear::{Linear, Place};

/// A tensor of some parts, each a polynomial of the powers of `X^spacing`, dense in BGV ciphertexts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dense {
    /// `log2` of the spacing, which is the number of parts of a ciphertext as well.
    pub levels: u32,
    /// The parts.
    pub parts: usize,
}

impl Dense {
    /// BGV ciphertexts.
    pub fn pieces(&self) -> usize {
        self.parts.div_ceil(1 << self.levels)
    }

    /// Ciphertext and coefficient of what stands at a place of a part.
    pub fn at(&self, part: usize, place: Place) -> (usize, usize) {
        let within = part & ((1 << self.levels) - 1);
        (part >> self.levels, place.coefficient + within)
    }
}

/// The layout of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The layers.
    pub layers: Vec<Linear>,
    /// Dimension of BGV's ring.
    pub n: usize,
    /// `M`.
    pub dimension: usize,
    /// Images of a mini-batch.
    pub batch: usize,
}

impl Layout {
    /// Of a network with widths from the features to the outputs, in a ring of dimension `n` of which at most `most` are lifted at
    /// once. Of all `M` the one is taken that makes the fewest refreshes and, of these, the fewest products of ciphertexts. `None`
    /// if a layer has more outputs than the ring has coefficients.
    pub fn new(widths: &[usize], batch: usize, n: usize, most: usize) -> Option<Self> {
        let of = |dimension: usize| {
            let layer = |pair: &[usize]| Linear::new(pair[0] + 1, pair[1], n, dimension);
            let layers = widths.windows(2).map(layer).collect::<Option<Vec<_>>>()?;
            Some(Self { layers, n, dimension, batch })
        };
        let all = (0..=n.trailing_zeros()).filter_map(|log| of(1 << log));
        all.min_by(|a, b| a.cost(most).total_cmp(&b.cost(most)))
    }

    /// About the milliseconds of a core that lifts, key switches and products of a step take in dimension 8192.
    fn cost(&self, most: usize) -> f64 {
        let lift = |pieces: usize| {
            let whole = pieces.div_ceil(most) as f64;
            whole * 3700.0 * (1.0 + 0.09 * (pieces.min(most).next_power_of_two() as f64).log2())
        };
        let last = self.layers.len() - 1;
        let mut cost = 2.0 * lift(self.weights().pieces());
        for l in 0..=last {
            cost += 3.0 * lift(self.errors().pieces());
            let tiles = self.inputs(l);
            cost += if l > 0 { 3.0 * lift(tiles.pieces()) } else { 0.0 };
            // Expanded, multiplied on the way forward and for the gradient, and on the way back.
            cost += 1.2 * tiles.parts as f64;
        }
        cost
    }

    /// Tiles of weights of all layers.
    pub fn weights(&self) -> Dense {
        Dense { levels: self.gap(), parts: self.layers.iter().map(Linear::tiles).sum() }
    }

    /// The first tile of a layer.
    pub fn first_tile(&self, l: usize) -> usize {
        self.layers[..l].iter().map(Linear::tiles).sum()
    }

    /// Errors or weighted sums of a layer: an image a part.
    pub fn errors(&self) -> Dense {
        Dense { levels: self.gap(), parts: self.batch }
    }

    /// Tiles of a layer that hold more than the constant input.
    pub fn input_tiles(&self, l: usize) -> usize {
        (self.layers[l].inputs - 1).div_ceil(self.layers[l].tile_inputs())
    }

    /// Inputs of a layer, without the constant: image after image, tile after tile.
    pub fn inputs(&self, l: usize) -> Dense {
        let stride = (self.n / self.layers[l].tile_inputs()).trailing_zeros();
        Dense { levels: stride, parts: self.batch * self.input_tiles(l) }
    }

    /// What a layer's errors hand back: image after image, tile after tile.
    pub fn handed_back(&self, l: usize) -> Dense {
        Dense { levels: self.gap(), parts: self.batch * self.input_tiles(l) }
    }

    /// `log2 g`.
    fn gap(&self) -> u32 {
        (self.n / self.dimension).trailing_zeros()
    }

    /// Where input `k` of an image stands.
    pub fn input_at(&self, l: usize, image: usize, k: usize) -> (usize, usize) {
        let (tile, place) = self.layers[l].input(k);
        self.inputs(l).at(image * self.input_tiles(l) + tile, place)
    }

    /// The most levels of an expansion.
    pub fn levels(&self) -> u32 {
        (0..self.layers.len()).map(|l| self.inputs(l).levels).max().unwrap_or(0)
    }

    /// The most BGV ciphertexts of a tensor that is refreshed.
    pub fn pieces(&self) -> usize {
        let inputs = (1..self.layers.len()).map(|l| self.inputs(l).pieces());
        inputs.chain([self.weights().pieces(), self.errors().pieces()]).max().unwrap_or(1)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn nothing_stands_where_something_else_does() {
        for widths in [&[64, 32, 16, 10][..], &[5, 3], &[784, 128, 32, 10]] {
            let layout = Layout::new(widths, 60, 8192, 8).unwrap();
            for l in 0..widths.len() - 1 {
                let layer = layout.layers[l];
                let all = (0..60).flat_map(|u| (0..layer.inputs - 1).map(move |k| (u, k)));
                let places: HashSet<_> = all.map(|(u, k)| layout.input_at(l, u, k)).collect();
                assert_eq!(places.len(), 60 * (layer.inputs - 1));
                assert!(places.iter().all(|p| p.0 < layout.inputs(l).pieces() && p.1 < 8192));
                let all = (0..60).flat_map(|u| (0..layer.outputs).map(move |o| (u, o)));
                let places: HashSet<_> = all.map(|(u, o)| layout.errors().at(u, layer.error(o))).collect();
                assert_eq!(places.len(), 60 * layer.outputs);
                assert!(places.iter().all(|p| p.0 < layout.errors().pieces() && p.1 < 8192));
            }
        }
    }

    #[test]
    fn layouts_are_as_dense_as_they_can_be() {
        let digits = Layout::new(&[64, 32, 16, 10], 60, 8192, 8).unwrap();
        assert_eq!((digits.pieces(), digits.weights().pieces()), (1, 1), "{}", digits.dimension);
        let mnist = Layout::new(&[784, 128, 32, 10], 60, 8192, 8).unwrap();
        assert_eq!((mnist.errors().pieces(), mnist.weights().pieces()), (8, 14), "{}", mnist.dimension);
        assert!(Layout::new(&[4, 10_000], 60, 8192, 8).is_none());
    }
}
