//! Dense layers as products of polynomials.
//!
//! All polynomials lie in the subring of the powers of `Y = X^{n/M}`, of dimension `M`. A weight matrix is cut into tiles of
//! `M/s` inputs by all `s` outputs, `s` a power of two; with `k` the input within its tile and `o` the output
//!
//! ```text
//! input  A = Σ a_k·Y^{k·s}        weights  W = Σ w_ko·Y^{o − k·s}        error  D = Σ d_o·Y^{−o}
//! forward   A·W  has  Σ_k a_k·w_ko  at  Y^o
//! backward  D·W  has  Σ_o d_o·w_ko  at  Y^{−k·s}
//! gradient  σ(A·D)  has  a_k·d_o  at  Y^{o − k·s},  σ: X → X^{−1}
//! ```
//!
//! The gradient lies where the weights do and fills a tile without anything between: the update is a difference of ciphertexts.
//! With *interleaved* tiles input `k` is in tile `k mod s`, at `Y^{k − k mod s}`: what stands at `Y^k` is in tile `k mod s` after a product
//! with `Y^{−(k mod s)}`, so that outputs of a layer become inputs of the next where they stand. Errors come as `Σ d_o·Y^o`, and `σ` takes
//! them to `D`.
//!
//! Products of all tiles, or of all images, are summed before they are relinearized. Negative exponents are
//! `Y^{−e} = −Y^{M−e}`.

/// Where a value stands in a polynomial: a coefficient of the large ring, and whether it is negated there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The coefficient.
    pub coefficient: usize,
    /// Whether it holds the negated value.
    pub negated: bool,
}

/// The shape of a layer, and how it lies in tiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(alias = "Linear")]
pub(crate) struct PolynomialTiles {
    /// Inputs, the constant one for the bias among them.
    pub inputs: usize,
    /// Outputs.
    pub outputs: usize,
    /// Ring dimension of the ciphertexts, `n`.
    n: usize,
    /// Dimension of the subring, `M`.
    dimension: usize,
    tiling: Tiling,
}

/// Which inputs are in a tile together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tiling {
    /// One after another.
    Contiguous,
    /// Those of one remainder modulo `s`; all inputs are less than `M`.
    Interleaved,
}

impl PolynomialTiles {
    /// A layer in a subring of `dimension` of the ring of dimension `n`, both powers of two; `None` if a row of weights does not fit.
    pub(crate) fn new(inputs: usize, outputs: usize, n: usize, dimension: usize) -> Option<Self> {
        let fits = n.is_power_of_two() && dimension.is_power_of_two() && dimension <= n;
        (fits && inputs > 0 && outputs > 0 && outputs.next_power_of_two() <= dimension).then_some(Self {
            inputs,
            outputs,
            n,
            dimension,
            tiling: Tiling::Contiguous,
        })
    }

    /// The layer with interleaved tiles; `None` if it has more inputs than a tile has places.
    pub(crate) fn interleaved(self) -> Option<Self> {
        (self.inputs <= self.dimension).then_some(Self { tiling: Tiling::Interleaved, ..self })
    }

    /// `s`.
    pub(crate) fn stride(&self) -> usize {
        self.outputs.next_power_of_two()
    }

    /// Inputs of a tile.
    pub(crate) fn tile_inputs(&self) -> usize {
        self.dimension / self.stride()
    }

    /// Number of tiles.
    pub(crate) fn tiles(&self) -> usize {
        self.tiles_of(self.inputs)
    }

    /// Number of tiles of the first so many inputs.
    pub(crate) fn tiles_of(&self, inputs: usize) -> usize {
        match self.tiling {
            Tiling::Contiguous => inputs.div_ceil(self.tile_inputs()),
            Tiling::Interleaved => inputs.min(self.stride()),
        }
    }

    /// The tile of input `k`, and the exponent of `Y` there.
    fn row(&self, k: usize) -> (usize, isize) {
        let (own, s) = (self.tile_inputs(), self.stride());
        match self.tiling {
            Tiling::Contiguous => (k / own, (k % own * s) as isize),
            Tiling::Interleaved => (k % s, (k - k % s) as isize),
        }
    }

    /// The place of `Y^exponent`, `|exponent| < M`.
    fn at(&self, exponent: isize) -> Place {
        let step = self.n / self.dimension;
        let negated = exponent < 0;
        let power = if negated { self.dimension - exponent.unsigned_abs() } else { exponent.unsigned_abs() };
        Place { coefficient: power * step, negated }
    }

    /// The tile of input `k`, and its place there.
    pub(crate) fn input(&self, k: usize) -> (usize, Place) {
        let (tile, row) = self.row(k);
        (tile, self.at(row))
    }

    /// The tile of weight `(k, o)`, and its place there.
    pub(crate) fn weight(&self, k: usize, o: usize) -> (usize, Place) {
        let (tile, row) = self.row(k);
        (tile, self.at(o as isize - row))
    }

    /// The place of error `o`.
    pub(crate) fn error(&self, o: usize) -> Place {
        self.at(-(o as isize))
    }

    /// The place of output `o` in a forward product.
    pub(crate) fn output(&self, o: usize) -> Place {
        self.at(o as isize)
    }

    /// The tile of input `k`, and the place of the gradient with respect to it in a backward product.
    pub(crate) fn input_gradient(&self, k: usize) -> (usize, Place) {
        let (tile, row) = self.row(k);
        (tile, self.at(-row))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const N: usize = 256;

    /// Values at places of tiles.
    fn tiles(count: usize, values: impl Iterator<Item = ((usize, Place), i64)>) -> Vec<Vec<i64>> {
        let mut tiles = vec![vec![0; N]; count];
        for ((tile, place), value) in values {
            tiles[tile][place.coefficient] = if place.negated { -value } else { value };
        }
        tiles
    }

    /// `a·b` modulo `X^N + 1`, added to `sum`.
    fn multiply_add(sum: &mut [i64], a: &[i64], b: &[i64]) {
        for (i, a) in a.iter().enumerate().filter(|(_, a)| **a != 0) {
            for (j, b) in b.iter().enumerate() {
                if i + j < N { sum[i + j] += a * b } else { sum[i + j - N] -= a * b }
            }
        }
    }

    fn read(coefficients: &[i64], place: Place) -> i64 {
        let value = coefficients[place.coefficient];
        if place.negated { -value } else { value }
    }

    #[test]
    fn products_of_polynomials_are_those_of_matrices() {
        let shapes = [(5, 3, 256), (17, 10, 64), (9, 16, 32), (1, 1, 16), (33, 2, 16), (16, 3, 16)];
        let layers = shapes.map(|(i, o, dimension)| PolynomialTiles::new(i, o, N, dimension).unwrap());
        let interleaved = layers.into_iter().filter_map(PolynomialTiles::interleaved);
        for layer in layers.into_iter().chain(interleaved) {
            let (inputs, outputs) = (layer.inputs, layer.outputs);
            let weight = |k: usize, o: usize| (k * 7 + o * 5) as i64 % 23 - 11;
            let input = |b: usize, k: usize| (b * 3 + k * 11) as i64 % 16;
            let error = |b: usize, o: usize| (b * 5 + o * 3) as i64 % 13 - 6;
            let all = (0..inputs).flat_map(|k| (0..outputs).map(move |o| (k, o)));
            let weights = tiles(layer.tiles(), all.clone().map(|(k, o)| (layer.weight(k, o), weight(k, o))));
            let mut gradient = vec![vec![0; N]; layer.tiles()];
            for b in 0..3 {
                let image = tiles(layer.tiles(), (0..inputs).map(|k| (layer.input(k), input(b, k))));
                let errors = tiles(1, (0..outputs).map(|o| ((0, layer.error(o)), error(b, o)))).remove(0);
                let mut forward = vec![0; N];
                for tile in 0..layer.tiles() {
                    multiply_add(&mut forward, &image[tile], &weights[tile]);
                    multiply_add(&mut gradient[tile], &image[tile], &errors);
                }
                for o in 0..outputs {
                    let sum: i64 = (0..inputs).map(|k| input(b, k) * weight(k, o)).sum();
                    assert_eq!(read(&forward, layer.output(o)), sum, "output {o} of {layer:?}");
                }
                for k in 0..inputs {
                    let (tile, place) = layer.input_gradient(k);
                    let mut back = vec![0; N];
                    multiply_add(&mut back, &errors, &weights[tile]);
                    let sum: i64 = (0..outputs).map(|o| error(b, o) * weight(k, o)).sum();
                    assert_eq!(read(&back, place), sum, "input {k} of {layer:?}");
                }
            }
            // σ: X → X^−1 takes them to the places of the weights, with nothing between.
            for product in &mut gradient {
                product[1..].reverse();
                product[1..].iter_mut().for_each(|value| *value = -*value);
            }
            let sum = |k, o| (0..3).map(|b| input(b, k) * error(b, o)).sum();
            assert_eq!(gradient, tiles(layer.tiles(), all.map(|(k, o)| (layer.weight(k, o), sum(k, o)))));
        }
        assert!(
            PolynomialTiles::new(3, 17, 256, 16).is_none() && PolynomialTiles::new(0, 1, 256, 16).is_none()
        );
    }
}
