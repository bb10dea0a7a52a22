//! Linear layers by products of polynomials, one image a ciphertext and weights dense.
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
//! Products of all tiles, or of all images, are summed before they are relinearized. Negative exponents are
//! `Y^{−e} = −Y^{M−e}`.

use he_bgv::{Ciphertext, Error, Evaluator};

/// Where a value stands: a coefficient of the large ring, and whether it is negated there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The coefficient.
    pub coefficient: usize,
    /// Whether it holds the negated value.
    pub negated: bool,
}

/// The shape of a layer, and how it lies in tiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Linear {
    /// Inputs, the constant one for the bias among them.
    pub inputs: usize,
    /// Outputs.
    pub outputs: usize,
    /// Ring dimension of the ciphertexts, `n`.
    n: usize,
    /// Dimension of the subring, `M`.
    dimension: usize,
}

impl Linear {
    /// A layer in a subring of `dimension` of the ring of dimension `n`, both powers of two; `None` if a row of weights does not fit.
    pub fn new(inputs: usize, outputs: usize, n: usize, dimension: usize) -> Option<Self> {
        let fits = n.is_power_of_two() && dimension.is_power_of_two() && dimension <= n;
        (fits && inputs > 0 && outputs > 0 && outputs.next_power_of_two() <= dimension).then_some(Self {
            inputs,
            outputs,
            n,
            dimension,
        })
    }

    /// `s`.
    fn stride(&self) -> usize {
        self.outputs.next_power_of_two()
    }

    /// Inputs of a tile.
    pub fn tile_inputs(&self) -> usize {
        self.dimension / self.stride()
    }

    /// Number of tiles.
    pub fn tiles(&self) -> usize {
        self.inputs.div_ceil(self.tile_inputs())
    }

    /// The place of `Y^exponent`, `|exponent| < M`.
    fn at(&self, exponent: isize) -> Place {
        let step = self.n / self.dimension;
        let negated = exponent < 0;
        let power = if negated { self.dimension - exponent.unsigned_abs() } else { exponent.unsigned_abs() };
        Place { coefficient: power * step, negated }
    }

    /// The tile of input `k`, and its place there.
    pub fn input(&self, k: usize) -> (usize, Place) {
        (k / self.tile_inputs(), self.at((k % self.tile_inputs() * self.stride()) as isize))
    }

    /// The tile of weight `(k, o)`, and its place there.
    pub fn weight(&self, k: usize, o: usize) -> (usize, Place) {
        let row = (k % self.tile_inputs() * self.stride()) as isize;
        (k / self.tile_inputs(), self.at(o as isize - row))
    }

    /// The place of error `o`.
    pub fn error(&self, o: usize) -> Place {
        self.at(-(o as isize))
    }

    /// The place of output `o` in a forward product.
    pub fn output(&self, o: usize) -> Place {
        self.at(o as isize)
    }

    /// The tile of input `k`, and its place in a backward product.
    pub fn handed_back(&self, k: usize) -> (usize, Place) {
        (k / self.tile_inputs(), self.at(-((k % self.tile_inputs() * self.stride()) as isize)))
    }

    /// The outputs of an image, from its tiles of inputs.
    ///
    /// # Errors
    /// If operands are foreign or of different numbers, or there is no relinearization key.
    pub fn forward(
        &self,
        evaluator: &Evaluator,
        inputs: &[Ciphertext],
        weights: &[Ciphertext],
    ) -> Result<Ciphertext, Error> {
        let pairs: Vec<_> = inputs.iter().zip(weights).collect();
        evaluator.relinearize(&evaluator.dot_lazy(&pairs)?)
    }

    /// What an error of an image hands back to the inputs, a ciphertext a tile.
    ///
    /// # Errors
    /// As [`forward`](Self::forward).
    pub fn backward(
        &self,
        evaluator: &Evaluator,
        error: &Ciphertext,
        weights: &[Ciphertext],
    ) -> Result<Vec<Ciphertext>, Error> {
        weights.iter().map(|tile| evaluator.relinearize(&evaluator.mul_lazy(error, tile)?)).collect()
    }

    /// The gradient of one tile, summed over images: the tile's inputs of each, and its error.
    ///
    /// # Errors
    /// As [`forward`](Self::forward), or if there is no key of the automorphism `X → X^{−1}`.
    pub fn gradient(
        &self,
        evaluator: &Evaluator,
        images: &[(&Ciphertext, &Ciphertext)],
    ) -> Result<Ciphertext, Error> {
        let product = evaluator.relinearize(&evaluator.dot_lazy(images)?)?;
        evaluator.automorphism(&product, 2 * self.n - 1)
    }
}

#[cfg(test)]
mod tests {
    use he_bgv::{Decryptor, Encoder, Encryptor, KeyRequest, Parameters, SecretKey, Spec};

    use super::*;

    struct World {
        encoder: Encoder,
        key: SecretKey,
        evaluator: Evaluator,
        n: usize,
    }

    impl World {
        fn new() -> Self {
            let spec = Spec {
                log_n: 8,
                plaintext_modulus: 1 << 20,
                q_bits: vec![48; 3],
                p_bits: vec![50],
                digit: 1,
            };
            let params: Parameters = spec.build_insecure("a test of layouts").unwrap();
            let key = SecretKey::generate(&params).unwrap();
            let level = params.max_level();
            let request = KeyRequest::default().relinearization(level).galois(2 * params.n() - 1, level);
            let evaluator = Evaluator::new(&params, key.evaluation_keys(&request).unwrap()).unwrap();
            Self { encoder: Encoder::new(&params), key, evaluator, n: params.n() }
        }

        fn encrypt(&self, coefficients: &[i64]) -> Ciphertext {
            let plain = self.encoder.encode_coefficients(coefficients).unwrap();
            Encryptor::with_secret(&self.key).encrypt(&plain).unwrap()
        }

        fn decrypt(&self, c: &Ciphertext) -> Vec<i64> {
            self.encoder.decode_coefficients(&Decryptor::new(&self.key).decrypt(c).unwrap())
        }

        /// Values at places of tiles.
        fn tiles(
            &self,
            count: usize,
            values: impl Iterator<Item = ((usize, Place), i64)>,
        ) -> Vec<Ciphertext> {
            let mut tiles = vec![vec![0; self.n]; count];
            for ((tile, place), value) in values {
                tiles[tile][place.coefficient] = if place.negated { -value } else { value };
            }
            tiles.iter().map(|tile| self.encrypt(tile)).collect()
        }
    }

    fn read(coefficients: &[i64], place: Place) -> i64 {
        let value = coefficients[place.coefficient];
        if place.negated { -value } else { value }
    }

    #[test]
    fn products_are_those_of_matrices() {
        let world = World::new();
        for (inputs, outputs, dimension) in [(5, 3, 256), (17, 10, 64), (9, 16, 32), (1, 1, 16), (33, 2, 16)]
        {
            let layer = Linear::new(inputs, outputs, world.n, dimension).unwrap();
            let weight = |k: usize, o: usize| (k * 7 + o * 5) as i64 % 23 - 11;
            let (input, error) = (
                |b: usize, k: usize| (b * 3 + k * 11) as i64 % 16,
                |b: usize, o: usize| (b * 5 + o * 3) as i64 % 13 - 6,
            );
            let weights = world.tiles(
                layer.tiles(),
                (0..inputs)
                    .flat_map(|k| (0..outputs).map(move |o| (k, o)))
                    .map(|(k, o)| (layer.weight(k, o), weight(k, o))),
            );
            let images: Vec<_> = (0..3)
                .map(|b| world.tiles(layer.tiles(), (0..inputs).map(|k| (layer.input(k), input(b, k)))))
                .collect();
            let errors: Vec<_> = (0..3)
                .map(|b| world.tiles(1, (0..outputs).map(|o| ((0, layer.error(o)), error(b, o)))).remove(0))
                .collect();
            for b in 0..3 {
                let out = world.decrypt(&layer.forward(&world.evaluator, &images[b], &weights).unwrap());
                for o in 0..outputs {
                    let sum: i64 = (0..inputs).map(|k| input(b, k) * weight(k, o)).sum();
                    assert_eq!(read(&out, layer.output(o)), sum, "output {o} of {layer:?}");
                }
                let back = layer.backward(&world.evaluator, &errors[b], &weights).unwrap();
                let back: Vec<_> = back.iter().map(|c| world.decrypt(c)).collect();
                for k in 0..inputs {
                    let sum: i64 = (0..outputs).map(|o| error(b, o) * weight(k, o)).sum();
                    let (tile, place) = layer.handed_back(k);
                    assert_eq!(read(&back[tile], place), sum, "input {k} of {layer:?}");
                }
            }
            for tile in 0..layer.tiles() {
                let pairs: Vec<_> = images.iter().zip(&errors).map(|(a, d)| (&a[tile], d)).collect();
                let gradient = world.decrypt(&layer.gradient(&world.evaluator, &pairs).unwrap());
                let mut expected = vec![0; world.n];
                for k in 0..inputs {
                    for o in 0..outputs {
                        let (own, place) = layer.weight(k, o);
                        if own == tile {
                            let sum: i64 = (0..3).map(|b| input(b, k) * error(b, o)).sum();
                            expected[place.coefficient] = if place.negated { -sum } else { sum };
                        }
                    }
                }
                assert_eq!(gradient, expected, "tile {tile} of {layer:?}");
            }
        }
        assert!(Linear::new(3, 17, 256, 16).is_none() && Linear::new(0, 1, 256, 16).is_none());
    }
}
