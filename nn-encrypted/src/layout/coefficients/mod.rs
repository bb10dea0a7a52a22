//! Coefficients: where the tensors of a step stand in polynomials.
//!
//! Products are those of [`PolynomialTiles`]: polynomials in `Y = X^{n/M}`, an image or a tile of weights in each. Between products
//! everything is dense. With `g = n/M`, a ciphertext in dimension `n` is
//!
//! - `g` tiles of weights, or `g` images' errors or pre-activations: tile or image `r` has the coefficients `r` modulo `g`;
//! - `g·s` tiles of inputs, `s` being the stride of the inputs of a layer: tile `r` has the coefficients `r` modulo `g·s`.
//!
//! In the layout of tables over slots nothing moves between a layer and the next: pre-activations, errors and inputs of the layer behind
//! all have output `o` of image `r` at `X^{g·o + r}`, which is tile `o mod s` of interleaved inputs.
//!
//! Ciphertexts are expanded into these polynomials, and put together again by products with powers of `X`.

mod tiles;

pub(crate) use self::tiles::{Place, PolynomialTiles, Tiling};
use super::{At, Places, Rows};

/// A tensor of some parts, each a polynomial of the powers of `X^spacing`, dense in ciphertexts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dense {
    /// `log2` of the spacing, which is the number of parts of a ciphertext as well.
    pub levels: u32,
    /// The parts.
    pub parts: usize,
}

impl Dense {
    /// Ciphertexts.
    pub(crate) fn pieces(&self) -> usize {
        self.parts.div_ceil(1 << self.levels)
    }

    /// Where what stands at a place of a part is.
    pub(crate) fn at(&self, part: usize, place: Place) -> At {
        let within = part & ((1 << self.levels) - 1);
        At { piece: part >> self.levels, index: place.coefficient + within, negated: place.negated }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CoefficientLayout {
    /// The layers.
    pub layers: Vec<PolynomialTiles>,
    /// Dimension of the ring.
    pub n: usize,
    /// `M`.
    pub dimension: usize,
    /// Of layers behind the first.
    pub tiling: Tiling,
}

impl CoefficientLayout {
    /// Of a network with widths from the features to the outputs, for mini-batches of `batch` images, in a ring of dimension `n` of
    /// which at most `most` are refreshed at once. Of all `M` the one is taken that makes the fewest refreshes and, of these, the
    /// fewest products of ciphertexts. `None` if a layer has more outputs than the ring has coefficients.
    pub(crate) fn new(widths: &[usize], batch: usize, n: usize, most: usize) -> Option<Self> {
        let of = |dimension: usize| {
            let layer = |pair: &[usize]| PolynomialTiles::new(pair[0] + 1, pair[1], n, dimension);
            let layers = widths.windows(2).map(layer).collect::<Option<Vec<_>>>()?;
            Some(Self { layers, n, dimension, tiling: Tiling::Contiguous })
        };
        let all = (0..=n.trailing_zeros()).filter_map(|log| of(1 << log));
        all.min_by(|a, b| a.cost(batch, most).total_cmp(&b.cost(batch, most)))
    }

    /// As [`new`](Self::new), for tables over slots: of the `M` in which outputs take half of the places, so that all are in real parts of
    /// slots.
    pub(crate) fn over_slots(widths: &[usize], batch: usize, n: usize, most: usize) -> Option<Self> {
        let of = |dimension: usize| {
            let layer = |(l, pair): (usize, &[usize])| {
                let layer = PolynomialTiles::new(pair[0] + 1, pair[1], n, dimension)?;
                let fits = 2 * layer.stride() <= dimension;
                if l == 0 { Some(layer) } else { layer.interleaved() }.filter(|_| fits)
            };
            let layers = widths.windows(2).enumerate().map(layer).collect::<Option<Vec<_>>>()?;
            Some(Self { layers, n, dimension, tiling: Tiling::Interleaved })
        };
        let all = (0..=n.trailing_zeros()).filter_map(|log| of(1 << log));
        all.min_by(|a, b| a.cost(batch, most).total_cmp(&b.cost(batch, most)))
    }

    /// About the milliseconds of a core that refreshes, key switches and products of a step take in dimension 8192.
    pub(crate) fn cost(&self, batch: usize, most: usize) -> f64 {
        let refresh = |pieces: usize| {
            let whole = pieces.div_ceil(most) as f64;
            whole * 3700.0 * (1.0 + 0.09 * (pieces.min(most).next_power_of_two() as f64).log2())
        };
        let last = self.layers.len() - 1;
        let mut cost = 2.0 * refresh(self.weights().pieces());
        for l in 0..=last {
            let errors = self.errors(batch).pieces();
            let tiles = self.inputs(l, batch);
            cost += match self.tiling {
                Tiling::Contiguous => 3.0 * refresh(errors),
                // Truncations, tables and lifts of activations and errors.
                Tiling::Interleaved => 12.0 * refresh(errors),
            };
            cost += if l > 0 && !self.in_place(l) { 3.0 * refresh(tiles.pieces()) } else { 0.0 };
            // Expanded, multiplied on the way forward and for the gradient, and on the way back.
            cost += 1.2 * tiles.parts as f64;
        }
        cost
    }

    /// Tiles of weights of all layers.
    pub(crate) fn weights(&self) -> Dense {
        Dense { levels: self.gap(), parts: self.layers.iter().map(PolynomialTiles::tiles).sum() }
    }

    pub(crate) fn first_tile(&self, l: usize) -> usize {
        self.layers[..l].iter().map(PolynomialTiles::tiles).sum()
    }

    /// Errors or pre-activations of a layer: an image a part.
    pub(crate) fn errors(&self, images: usize) -> Dense {
        Dense { levels: self.gap(), parts: images }
    }

    /// Whether the inputs of a layer stand where pre-activations of the layer before do.
    pub(crate) fn in_place(&self, l: usize) -> bool {
        l > 0 && self.tiling == Tiling::Interleaved
    }

    /// Tiles of a layer that hold more than the constant input.
    pub(crate) fn input_tiles(&self, l: usize) -> usize {
        self.layers[l].tiles_of(self.layers[l].inputs - 1)
    }

    /// `log2` of the parts that a ciphertext of inputs that are in place is expanded into: images by tiles, tile `i` of image `r` being
    /// part `g·i + r`.
    pub(crate) fn levels_in_place(&self, l: usize) -> u32 {
        self.gap() + self.layers[l].stride().trailing_zeros()
    }

    /// Inputs of a layer, without the constant: image after image, tile after tile.
    pub(crate) fn inputs(&self, l: usize, images: usize) -> Dense {
        let stride = (self.n / self.layers[l].tile_inputs()).trailing_zeros();
        Dense { levels: stride, parts: images * self.input_tiles(l) }
    }

    /// The gradient with respect to the inputs of a layer: image after image, tile after tile.
    pub(crate) fn input_gradients(&self, l: usize, images: usize) -> Dense {
        Dense { levels: self.gap(), parts: images * self.input_tiles(l) }
    }

    /// `log2 g`.
    pub(crate) fn gap(&self) -> u32 {
        (self.n / self.dimension).trailing_zeros()
    }

    /// The tensor in whose places values stand.
    fn standing(&self, rows: Rows) -> Rows {
        match (rows, self.tiling) {
            (Rows::Inputs(l) | Rows::InputGradients(l), Tiling::Interleaved) if l > 0 => Rows::Sums(l - 1),
            (Rows::Errors(l), Tiling::Interleaved) => Rows::Sums(l),
            _ => rows,
        }
    }

    pub(crate) fn dense(&self, rows: Rows, images: usize) -> Dense {
        match rows {
            Rows::Inputs(l) => self.inputs(l, images),
            Rows::Sums(_) | Rows::Errors(_) => self.errors(images),
            Rows::InputGradients(l) => self.input_gradients(l, images),
        }
    }

    /// The most levels of an expansion.
    pub(crate) fn levels(&self) -> u32 {
        let of = |l| if self.in_place(l) { self.levels_in_place(l) } else { self.inputs(l, 1).levels };
        (0..self.layers.len()).map(of).max().unwrap_or(0)
    }

    /// The most ciphertexts of a tensor of `batch` images that is refreshed.
    pub(crate) fn most_pieces(&self, batch: usize) -> usize {
        let moved = (1..self.layers.len()).filter(|&l| !self.in_place(l));
        let inputs = moved.map(|l| self.inputs(l, batch).pieces());
        inputs.chain([self.weights().pieces(), self.errors(batch).pieces()]).max().unwrap_or(1)
    }
}

impl Places for CoefficientLayout {
    fn widths(&self) -> Vec<usize> {
        let first = self.layers.first().map(|layer| layer.inputs - 1);
        first.into_iter().chain(self.layers.iter().map(|layer| layer.outputs)).collect()
    }

    fn size(&self) -> usize {
        self.n
    }

    fn pieces(&self, rows: Rows, images: usize) -> usize {
        self.dense(self.standing(rows), images).pieces()
    }

    fn places(&self, rows: Rows, image: usize, column: usize) -> Vec<At> {
        let rows = self.standing(rows);
        let tile_of = |l: usize, (tile, place)| (image * self.input_tiles(l) + tile, place);
        let (part, place) = match rows {
            Rows::Inputs(l) => tile_of(l, self.layers[l].input(column)),
            Rows::Sums(l) => (image, self.layers[l].output(column)),
            Rows::Errors(l) => (image, self.layers[l].error(column)),
            Rows::InputGradients(l) => tile_of(l, self.layers[l].input_gradient(column)),
        };
        vec![self.dense(rows, 1).at(part, place)]
    }

    fn weight_pieces(&self) -> usize {
        self.weights().pieces()
    }

    fn weight(&self, l: usize, input: usize, output: usize) -> Vec<At> {
        let (tile, place) = self.layers[l].weight(input, output);
        vec![self.weights().at(self.first_tile(l) + tile, place)]
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn nothing_stands_where_something_else_does() {
        let widths = [&[64, 32, 16, 10][..], &[5, 3], &[784, 128, 32, 10]];
        let all = widths.map(|widths| CoefficientLayout::new(widths, 60, 8192, 8).unwrap());
        let over_slots = widths.map(|widths| CoefficientLayout::over_slots(widths, 60, 8192, 8).unwrap());
        for (widths, layout) in widths.iter().chain(&widths).zip(all.into_iter().chain(over_slots)) {
            let widths = *widths;
            assert_eq!(layout.widths(), widths);
            for l in 0..widths.len() - 1 {
                for rows in [Rows::Inputs(l), Rows::Sums(l), Rows::Errors(l), Rows::InputGradients(l)] {
                    let all = layout.each(rows, 60);
                    let places: HashSet<_> = all.iter().map(|at| (at.piece, at.index)).collect();
                    assert_eq!(places.len(), 60 * layout.columns(rows), "{rows:?}");
                    assert!(places.iter().all(|at| at.0 < layout.pieces(rows, 60) && at.1 < 8192));
                }
            }
            let all = (0..widths.len() - 1)
                .flat_map(|l| (0..=widths[l]).flat_map(move |k| (0..widths[l + 1]).map(move |o| (l, k, o))));
            let places: Vec<_> = all.map(|(l, k, o)| layout.weight(l, k, o)[0]).collect();
            let own: HashSet<_> = places.iter().map(|at| (at.piece, at.index)).collect();
            assert_eq!(own.len(), places.len());
            assert!(own.iter().all(|at| at.0 < layout.weight_pieces() && at.1 < 8192));
        }
    }

    #[test]
    fn layouts_are_as_dense_as_they_can_be() {
        let digits = CoefficientLayout::new(&[64, 32, 16, 10], 60, 8192, 8).unwrap();
        assert_eq!((digits.most_pieces(60), digits.weights().pieces()), (1, 1), "{}", digits.dimension);
        let mnist = CoefficientLayout::new(&[784, 128, 32, 10], 60, 8192, 8).unwrap();
        assert_eq!((mnist.errors(60).pieces(), mnist.weights().pieces()), (8, 14), "{}", mnist.dimension);
        assert!(CoefficientLayout::new(&[4, 10_000], 60, 8192, 8).is_none());
        // Half of the places at most, which are the real parts of slots.
        for (widths, dimension, pieces) in [([64, 32, 16, 10], 128, 1), ([784, 128, 32, 10], 512, 4)] {
            let layout = CoefficientLayout::over_slots(&widths, 60, 8192, 8).unwrap();
            assert_eq!((layout.dimension, layout.errors(60).pieces()), (dimension, pieces));
            for rows in [Rows::Sums(0), Rows::Inputs(1), Rows::InputGradients(2), Rows::Errors(2)] {
                assert!(layout.each(rows, 60).iter().all(|at| at.index < 4096 && !at.negated), "{rows:?}");
            }
        }
    }
}
