//! Where the tensors of a step stand in slots.
//!
//! All layers share vectors of `S` slots. A layer with `K` inputs, the constant one for the bias among them, and `O` outputs, both
//! rounded up to powers of two, has blocks of `K·O` slots, one for each of `S/(K·O)` images: value `(k, o)` of image `u` is slot
//! `(u·O + o)·K + k`. Inputs are the same for all `o`, errors for all `k` and weights for all `u`; so
//!
//! ```text
//! sums      Σ_k a·w    rotations by 1, 2, …, K/2         at k = 0
//! back      Σ_o d·w    rotations by K, 2K, …, K·O/2      at o = 0
//! gradient  Σ_u a·d    rotations by K·O, …, S/2          everywhere: the rotations are those of all slots
//! ```

use he_switch::{Parameters, ckks_to_tfhe, tfhe_to_ckks};

use super::numbers::{Numbers, RESULT_BITS};

/// The shape of a layer in slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// Inputs without the constant one.
    pub inputs: usize,
    /// Outputs.
    pub outputs: usize,
}

impl Block {
    /// `K`.
    #[must_use]
    pub fn width(&self) -> usize {
        (self.inputs + 1).next_power_of_two()
    }

    /// `O`.
    #[must_use]
    pub fn height(&self) -> usize {
        self.outputs.next_power_of_two()
    }

    /// Slots of an image.
    #[must_use]
    pub fn size(&self) -> usize {
        self.width() * self.height()
    }

    /// The slot of value `(k, o)` of an image.
    #[must_use]
    pub fn slot(&self, image: usize, k: usize, o: usize) -> usize {
        (image * self.height() + o) * self.width() + k
    }

    /// The slots of an input: all outputs.
    pub fn input(self, image: usize, k: usize) -> impl Iterator<Item = usize> {
        (0..self.height()).map(move |o| self.slot(image, k, o))
    }

    /// The slots of an error: all inputs.
    pub fn error(self, image: usize, o: usize) -> impl Iterator<Item = usize> {
        (0..self.width()).map(move |k| self.slot(image, k, o))
    }
}

/// The layout of a network, and what integers are multiplied by in slots.
#[derive(Clone, Debug, PartialEq)]
pub struct Packing {
    /// The layers.
    pub layers: Vec<Block>,
    /// `S`.
    pub slots: usize,
    /// Of features, activations, errors and labels.
    pub factor: f64,
    /// Of weights.
    pub weight: f64,
    /// `log2` of what sums are multiplied by on their way to a table with a shift of 0.
    pub bits: u32,
}

impl Packing {
    /// Of a network with widths from the features to the outputs.
    ///
    /// # Errors
    /// The layer, counted from 0, that has more slots than a ciphertext, and their number.
    pub fn new(
        widths: &[usize],
        batch: usize,
        numbers: &Numbers,
        parameters: &Parameters,
    ) -> Result<Self, (usize, usize)> {
        let layers: Vec<Block> =
            widths.windows(2).map(|pair| Block { inputs: pair[0], outputs: pair[1] }).collect();
        let needed = |layer: &Block| batch.next_power_of_two().saturating_mul(layer.size());
        let most = parameters.ckks().slots();
        let first = layers.iter().map(needed).enumerate().find(|(_, slots)| *slots > most);
        if let Some(refused) = first {
            return Err(refused);
        }
        // Values of a table need no fewer coefficients than a ciphertext of TFHE's ring has.
        let slots = layers.iter().map(needed).max().unwrap_or(1).max(2);
        let (factor, unit) = (tfhe_to_ckks::factor(parameters, RESULT_BITS), ckks_to_tfhe::unit(parameters));
        // Weights of up to 8 fill a slot.
        let weight_bits = numbers.activation_bits + numbers.error_bits + numbers.update_bits;
        let phase = (-f64::from(numbers.log_t)).exp2() / (unit * factor);
        let bits = (phase.log2() + f64::from(weight_bits + 3)).round().clamp(0.0, 20.0);
        Ok(Self { layers, slots, factor, weight: phase / bits.exp2(), bits: bits as u32 })
    }
}
