//! The plan: widths, operations of a step and bounds, before any key exists.

use std::fmt;
use std::sync::atomic::AtomicBool;

use he_core::wire::Writer;

use super::{Batch, Counts, Format, Network, Plain, WordError};
use crate::recipe::{Sigmoid, WordModel, WordRecipe};

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WordPlanError {
    /// Weighted sums may wrap in the very first step.
    #[error(
        "layer {layer}: with the initial weights its weighted sums may reach {reach:.2}; words of {word_bits} bits, {fraction_bits} of them behind the point, hold less than {most}: fewer fraction_bits, more word_bits, or a lower optimizer.init_gain or data.normalize.limit"
    )]
    Range {
        /// The layer, from 1.
        layer: usize,
        /// The largest magnitude possible.
        reach: f64,
        /// Bits of a word.
        word_bits: u32,
        /// Bits behind the point.
        fraction_bits: u32,
        /// What words hold.
        most: f64,
    },
    /// The operations of a step cannot be counted.
    #[error(transparent)]
    Words(#[from] WordError),
    /// There are no parameters.
    #[error(transparent)]
    Tfhe(#[from] he_tfhe::Error),
}

/// The largest magnitudes of a layer in the first step, as real numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bound {
    /// Of the inputs.
    pub input: f64,
    /// Of the weighted sums.
    pub sum: f64,
}

/// A training plan.
#[derive(Clone)]
pub struct WordPlan {
    /// The format of the words.
    pub format: Format,
    /// Widths from the features to the outputs.
    pub widths: Vec<usize>,
    /// Samples of a mini-batch; the last of an epoch may have fewer.
    pub batch: usize,
    /// The k of the learning rate 2^-k.
    pub shift: u32,
    /// Operations of a step.
    pub step: Counts,
    /// Operations of the classification of as many samples.
    pub query: Counts,
    /// The first step's bounds, layer by layer.
    pub bounds: Vec<Bound>,
    /// Parameters of the encryption.
    pub parameters: he_tfhe::Parameters,
}

impl WordPlan {
    /// The plan of a recipe for a network of these widths that starts from `model`, on features of at most `bound`.
    ///
    /// # Errors
    /// If words may wrap in the first step, or there are no parameters.
    pub fn new(
        recipe: &WordRecipe,
        widths: &[usize],
        model: &WordModel,
        bound: i64,
    ) -> Result<Self, WordPlanError> {
        let format = Format::of(recipe);
        let batch = recipe.optimizer.batch_size;
        let shift = recipe.optimizer.shift().unwrap_or(0);
        let bounds = bounds(format, model, bound)?;
        let (step, query) = counts(format, widths, model, batch, shift)?;
        let parameters = super::cipher::parameters(format)?;
        Ok(Self { format, widths: widths.to_vec(), batch, shift, step, query, bounds, parameters })
    }

    /// A digest of everything that messages and checkpoints depend on.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        let mut out = Writer::new();
        out.u32(self.format.word_bits);
        out.u32(self.format.fraction_bits);
        out.u8(match self.format.sigmoid {
            Sigmoid::Circuit => 0,
            Sigmoid::Table => 1,
        });
        out.u32(self.shift);
        out.length(self.batch);
        out.length(self.widths.len());
        self.widths.iter().for_each(|&width| out.length(width));
        out.bytes(self.parameters.hash());
        blake3::derive_key("nn-encrypted plan of words v1", &out.finish())
    }
}

/// Bounds of the first forward pass; an output of a sigmoid is at most 1.
fn bounds(format: Format, model: &WordModel, bound: i64) -> Result<Vec<Bound>, WordPlanError> {
    let unit = format.one() as f64;
    let most = (format.largest() + 1) as f64 / unit;
    let mut input = bound as f64 / unit;
    let mut bounds = Vec::new();
    for (l, layer) in model.layers.iter().enumerate() {
        let column = |column: ndarray::ArrayView1<'_, i64>| {
            column.iter().map(|w| w.unsigned_abs() as f64).sum::<f64>()
        };
        let sums = layer.weight.columns().into_iter().map(column).zip(&layer.bias);
        let sum =
            sums.map(|(sum, bias)| (sum * input + bias.unsigned_abs() as f64) / unit).fold(0.0, f64::max);
        if sum >= most {
            let Format { word_bits, fraction_bits, .. } = format;
            return Err(WordPlanError::Range { layer: l + 1, reach: sum, word_bits, fraction_bits, most });
        }
        bounds.push(Bound { input, sum });
        input = 1.0;
    }
    Ok(bounds)
}

/// The operations of a step and of a classification, counted on integers.
fn counts(
    format: Format,
    widths: &[usize],
    model: &WordModel,
    batch: usize,
    shift: u32,
) -> Result<(Counts, Counts), WordError> {
    let network = Network::from(model);
    let (features, outputs) = (widths.first().copied().unwrap_or(0), widths.last().copied().unwrap_or(0));
    let zeros = Batch { samples: batch, x: vec![0; batch * features], targets: vec![0; batch * outputs] };
    let never = AtomicBool::new(false);
    let [step, query] = [Plain::new(format), Plain::new(format)];
    network.step(&step, &zeros, shift, &never)?;
    network.outputs(&query, &zeros.x, &never)?;
    Ok((step.counts(), query.counts()))
}

impl fmt::Display for WordPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (spec, format) = (self.parameters.spec(), self.format);
        let security = self.parameters.security_bits().map_or("none".into(), |bits| format!("{bits} bits"));
        writeln!(
            f,
            "TFHE: n = {}, k = {}, N = {}, q of {} bits, failure 2^{:.0} a bootstrap, security {security}",
            spec.lwe_dimension, spec.glwe_dimension, spec.polynomial_size, spec.modulus_bits, spec.failure
        )?;
        let how = match format.sigmoid {
            Sigmoid::Circuit => "bits, sigmoid by a circuit".to_owned(),
            Sigmoid::Table => format!("digits of base 4, sigmoid by tables of {} bits", format.index_bits()),
        };
        let (word, fraction) = (format.word_bits, format.fraction_bits);
        writeln!(f, "words: {word} bits, {fraction} behind the point, in {how}")?;
        for (l, bound) in self.bounds.iter().enumerate() {
            let (inputs, outputs) = (self.widths[l], self.widths[l + 1]);
            writeln!(
                f,
                "layer {}: {inputs} to {outputs}; inputs up to {:.2}, weighted sums up to {:.2} in the first step",
                l + 1,
                bound.input,
                bound.sum
            )?;
        }
        let Counts { sums, products, shifts, sigmoids, slopes, calls } = self.step;
        write!(
            f,
            "a step of {} samples: {products} products, {sums} sums, {sigmoids} sigmoids, {slopes} derivatives, {shifts} shifts, in {calls} rounds of operations",
            self.batch
        )
    }
}
