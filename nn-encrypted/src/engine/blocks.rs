//! Layers with weights in CKKS: approximate products in slots, and the ways to TFHE and back.
//!
//! Layouts are those of [`crate::layout::blocks`]: a block of slots for each image.

use std::sync::Arc;

use he_ckks::bootstrap::Bootstrapper;
use he_ckks::{Ciphertext, Encoder, Evaluator};
use he_core::wire::{Reader, WireError, Writer};
use he_switch::{Parameters, Switcher, ckks_to_tfhe, tfhe_to_ckks};
use he_tfhe::LweCiphertext;

use super::form::{CkksForm, check_secret};
use super::tables::{Beside, Layers, Lookup, Lowering, Raised, by_piece};
use super::{EngineError, Result};
use crate::layout::blocks::BlockLayout;
use crate::layout::{At, Places, Rows};
use crate::numbers::tables::{RESULT_BITS, TableNumbers};

/// Reads a ciphertext as it is sent: over all primes if it is a client's or one that is kept, otherwise over one. Values are scaled to
/// at most 1.
pub(crate) fn read(
    from: &mut Reader<'_>,
    ckks: &he_ckks::Parameters,
    slots: usize,
    kept: bool,
) -> Result<Ciphertext, WireError> {
    let c = Ciphertext::read(from, ckks)?;
    let form = CkksForm { primes: if kept { ckks.max_level() + 1 } else { 1 }, slots, bound: 1.0 };
    form.check(&c).map(|()| c)
}

/// The factors of integers in slots.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct BlockScales {
    /// Of features, activations, errors and targets.
    pub(crate) factor: f64,
    pub(crate) weight: f64,
    /// `log2` of what pre-activations are multiplied by on their way to a table with a shift of 0.
    pub(crate) bits: u32,
}

impl BlockScales {
    /// With the factor that results of tables have in slots, and room for weights of up to 8.
    pub(crate) fn new(numbers: &TableNumbers, parameters: &Parameters) -> Self {
        let (factor, unit) = (tfhe_to_ckks::factor(parameters, RESULT_BITS), ckks_to_tfhe::unit(parameters));
        let phase = (-f64::from(numbers.log_t)).exp2() / (unit * factor);
        let bits = (phase.log2() + f64::from(numbers.weight_bits() + 3)).round().clamp(0.0, 20.0);
        Self { factor, weight: phase / bits.exp2(), bits: bits as u32 }
    }
}

/// Layers in blocks of slots.
pub(crate) struct Blocks {
    layout: BlockLayout,
    scales: BlockScales,
    parameters: Parameters,
    switcher: Switcher,
    bootstrapper: Arc<Bootstrapper>,
    /// The constant one as an input, in a slot.
    one: f64,
}

impl Blocks {
    /// Layers in a layout, with the keys of their bridges; `activation_bits` are the fractional bits of inputs.
    pub(crate) fn new(
        layout: &BlockLayout,
        scales: BlockScales,
        activation_bits: u32,
        switcher: Switcher,
    ) -> Result<Self> {
        Ok(Self {
            layout: layout.clone(),
            scales,
            parameters: switcher.params().clone(),
            bootstrapper: Arc::clone(switcher.ckks()?),
            switcher,
            one: scales.factor * f64::from(activation_bits).exp2(),
        })
    }

    fn evaluator(&self) -> &Evaluator {
        self.bootstrapper.evaluator()
    }

    /// A sum over rotations. Errors of its terms are those of different values, out of tables, keys and encryptions of their own: their
    /// squares add up, where the evaluator, which cannot know that, adds them up themselves. What the rotations add stays.
    fn summed(&self, product: &Ciphertext, stride: usize, count: usize) -> Result<Ciphertext> {
        let sum = self.evaluator().inner_sum(product, stride, count)?;
        let (one, count) = (product.estimate().error, count as f64);
        let rotations = (sum.estimate().error - one * count).max(0.0);
        Ok(sum.with_error_at_most(one * count.sqrt() + rotations)?)
    }

    /// A sum or a difference of ciphertexts whose errors have nothing in common.
    fn of_two(&self, sum: Ciphertext, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext> {
        Ok(sum.with_error_at_most(a.estimate().error.hypot(b.estimate().error))?)
    }

    /// Inputs with the constant one beside those of each image.
    fn inputs(&self, l: usize, images: usize, pieces: &[Ciphertext]) -> Result<Vec<Ciphertext>> {
        let (block, per) = (self.layout.layers[l], self.layout.images(l));
        let with = |(number, piece): (usize, &Ciphertext)| {
            let mut constant = vec![0.0; self.layout.slots];
            for image in 0..per.min(images - number * per) {
                (0..block.height()).for_each(|o| constant[block.slot(image, block.inputs, o)] = self.one);
            }
            let constant = Encoder::new(self.parameters.ckks()).encode_in(&constant, constant.len())?;
            Ok(self.evaluator().add_plain(piece, &constant)?.with_bound(1.0)?)
        };
        pieces.iter().enumerate().map(with).collect()
    }
}

impl Layers for Blocks {
    type Cipher = Ciphertext;

    fn places(&self) -> &dyn Places {
        &self.layout
    }

    fn read(&self, from: &mut Reader<'_>) -> Result<Ciphertext, WireError> {
        let c = read(from, self.parameters.ckks(), self.layout.slots, true)?;
        check_secret(Some(c.secret_id()), self.evaluator().secret_id()).map(|()| c)
    }

    fn write(&self, cipher: &Ciphertext, out: &mut Writer) -> Result<(), WireError> {
        cipher.write(out)
    }

    fn smallest(&self, cipher: &Ciphertext) -> Result<Ciphertext> {
        Ok(self.evaluator().mod_switch_to(cipher, 0)?.with_bound(1.0)?)
    }

    fn expand(&self, weights: &[Ciphertext]) -> Result<Vec<Ciphertext>> {
        Ok(weights.to_vec())
    }

    fn prepare(&self, rows: Rows, images: usize, pieces: Vec<Ciphertext>) -> Result<Vec<Ciphertext>> {
        match rows {
            Rows::Inputs(l) => self.inputs(l, images, &pieces),
            _ => Ok(pieces),
        }
    }

    fn forward(&self, l: usize, inputs: &[Ciphertext], weights: &[Ciphertext]) -> Result<Vec<Ciphertext>> {
        let width = self.layout.layers[l].width();
        let sum =
            |input| Ok(self.summed(&self.evaluator().mul(input, &weights[l])?, 1, width)?.with_bound(1.0)?);
        inputs.iter().map(sum).collect()
    }

    fn backward(&self, l: usize, errors: &[Ciphertext], weights: &[Ciphertext]) -> Result<Vec<Ciphertext>> {
        let block = self.layout.layers[l];
        let sum = |error| {
            let product = self.evaluator().mul(error, &weights[l])?;
            Ok(self.summed(&product, block.width(), block.height())?.with_bound(1.0)?)
        };
        errors.iter().map(sum).collect()
    }

    fn gradient(
        &self,
        l: usize,
        _: usize,
        inputs: &[Ciphertext],
        errors: &[Ciphertext],
    ) -> Result<Vec<Ciphertext>> {
        let (evaluator, size) = (self.evaluator(), self.layout.layers[l].size());
        let rate = self.scales.weight / (self.scales.factor * self.scales.factor);
        let mut sum: Option<Ciphertext> = None;
        for (input, error) in inputs.iter().zip(errors) {
            let product = evaluator.mul(input, &evaluator.mul_const(error, -rate)?)?;
            sum = Some(match sum {
                Some(sum) => self.of_two(evaluator.add(&sum, &product)?, &sum, &product)?,
                None => product,
            });
        }
        let sum = sum.ok_or(EngineError::Empty)?;
        Ok(vec![self.summed(&sum, size, self.layout.slots / size)?])
    }

    fn update(&self, weights: &[Ciphertext], gradients: &[Ciphertext]) -> Result<Vec<Ciphertext>> {
        let moved = |(weight, gradient)| {
            let sum = self.evaluator().add(weight, gradient)?.with_bound(1.0)?;
            self.of_two(sum, weight, gradient)
        };
        weights.iter().zip(gradients).map(moved).collect()
    }

    fn subtract(&self, a: &[Ciphertext], b: &[Ciphertext]) -> Result<Vec<Ciphertext>> {
        let less = |(a, b)| self.of_two(self.evaluator().sub(a, b)?.with_bound(1.0)?, a, b);
        a.iter().zip(b).map(less).collect()
    }
}

impl Lowering for Blocks {
    fn refresh(&self, lookup: &Lookup, weights: &[Ciphertext]) -> Result<Vec<Ciphertext>> {
        let fresh = |weight| Ok(lookup.refresh(|| self.bootstrapper.bootstrap(weight))??);
        weights.iter().map(fresh).collect()
    }

    /// Pre-activations stand in slots times the factors of activations and of weights.
    fn scale_errors(&self, errors: &[Ciphertext], shift: u32) -> Result<Vec<Ciphertext>> {
        let factor = self.scales.weight * f64::from(shift).exp2();
        let scaled = |error| Ok(self.evaluator().mul_const(error, factor)?.with_bound(1.0)?);
        errors.iter().map(scaled).collect()
    }

    fn lower(&self, pieces: &[Ciphertext], places: &[At], shift: u32) -> Result<Vec<LweCiphertext>> {
        let bits = self.scales.bits + shift;
        by_piece(pieces, places, |piece, slots| Ok(self.switcher.ckks_slots_to_tfhe(piece, slots, bits)?.0))
    }

    fn raise(
        &self,
        lookup: &Lookup,
        values: Vec<Raised>,
        pieces: usize,
        _: Option<Beside<'_, Ciphertext>>,
    ) -> Result<Vec<Ciphertext>> {
        let (slots, parameters) = (self.layout.slots, &self.parameters);
        let (large, small) = (parameters.ckks().n(), parameters.tfhe().n());
        let packs = (2 * slots).div_ceil(small);
        let zero = LweCiphertext::trivial(parameters.tfhe(), 0);
        let mut groups = vec![vec![vec![zero; small]; packs]; pieces];
        for Raised { places, value } in values {
            for At { piece, index, .. } in places {
                let [place, _] = ckks_to_tfhe::coefficients_of(index, slots, large);
                let place = place / (large / (packs * small));
                groups[piece][place % packs][place / packs] = value.clone();
            }
        }
        let fill = |group: &Vec<Vec<LweCiphertext>>| {
            let packed = lookup.pack(group)?;
            Ok(lookup.refresh(|| self.switcher.tfhe_to_ckks(&packed, RESULT_BITS))??.0)
        };
        groups.iter().map(fill).collect()
    }
}

#[cfg(test)]
mod tests {
    use he_ckks::{Decryptor, Encryptor};
    use he_switch::{KeyRequest, SecretKeys, Spec};

    use super::*;

    /// The error that tables leave in a value, far above that of an encryption.
    const ERROR: f64 = 1.0 / 1024.0;

    fn rms(errors: &[f64]) -> f64 {
        (errors.iter().map(|error| error * error).sum::<f64>() / errors.len() as f64).sqrt()
    }

    #[test]
    fn sums_have_the_errors_that_they_state() {
        let params = Spec::insecure_small().for_slots().build_insecure("a test").unwrap();
        let layout = BlockLayout::new(&[7, 4], 8, params.ckks().slots()).unwrap();
        let (slots, level) = (layout.slots, params.ckks().max_level());
        let own = he_ckks::KeyRequest::default().relinearization(level);
        let steps: Vec<usize> = (0..slots.trailing_zeros()).map(|bits| 1 << bits).collect();
        let own = own.rotations(params.ckks(), &steps, level);
        let secret = SecretKeys::generate(&params).unwrap();
        let keys = secret.evaluation_keys(&KeyRequest::ckks_and_tfhe().ckks(own).slots(slots)).unwrap();
        let scales = BlockScales { factor: 1.0, weight: 1.0, bits: 0 };
        let blocks = Blocks::new(&layout, scales, 0, Switcher::new(keys).unwrap()).unwrap();
        let mut state = 1_u64;
        // Even between −1 and 1.
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
        };
        let encryptor = Encryptor::with_secret(secret.ckks());
        let mut value = |error: f64| {
            let exact: Vec<f64> = (0..slots).map(|_| 0.99 * next()).collect();
            let off: Vec<f64> = exact.iter().map(|value| value + error * 3f64.sqrt() * next()).collect();
            let plaintext = Encoder::new(params.ckks()).encode_in(&off, slots).unwrap();
            let c = encryptor.encrypt(&plaintext).unwrap().with_error_at_least(error).unwrap();
            (exact, c)
        };
        let ((a, x), (b, y), (c, z)) = (value(ERROR), value(0.0), value(ERROR));
        let decryptor = Decryptor::new(secret.ckks());
        let holds = |sum: &Ciphertext, expected: &dyn Fn(usize) -> f64, what: &str| {
            let found = decryptor.decrypt(sum).unwrap();
            let errors: Vec<f64> = (0..slots).map(|slot| found[slot] - expected(slot)).collect();
            let (measured, stated) = (rms(&errors), sum.estimate().error);
            // Factors are smaller than their bounds, and the statement counts these.
            assert!(measured < stated && measured > stated / 4.0, "{what}: {measured:e} of {stated:e}");
        };
        let product = blocks.evaluator().mul(&x, &y).unwrap();
        for count in [2, 8] {
            let sum = blocks.summed(&product, 1, count).unwrap();
            let expected = |slot| (0..count).map(|k| (slot + k) % slots).map(|at| a[at] * b[at]).sum();
            holds(&sum, &expected, "a sum over rotations");
        }
        let [difference] = &blocks.subtract(&[x], &[z]).unwrap()[..] else { panic!("one") };
        let found = decryptor.decrypt(difference).unwrap();
        let errors: Vec<f64> = (0..slots).map(|slot| found[slot] - (a[slot] - c[slot])).collect();
        // Estimated as it is: within the spread of so many samples.
        let ratio = rms(&errors) / difference.estimate().error;
        assert!((0.8..1.2).contains(&ratio), "{ratio}");
    }
}
