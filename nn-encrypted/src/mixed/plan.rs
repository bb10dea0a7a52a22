//! The plan: formats, layout and parameters, before any key exists.

use std::fmt;

use he_core::wire::Writer;
use he_switch::{Parameters, Spec};

use super::MixedPlanError;
use super::arrangement::Arrangement;
use super::layout::Layout;
use super::numbers::Numbers;
use super::packing::Packing;
use super::schemes::backend;
use crate::recipe::{MixedLayerKind, MixedRecipe, Scheme};

/// `log2` of the largest error of BGV ciphertexts after a refresh, in units of their integers.
pub const LOG_CLEAN: f64 = -46.0;

/// `log2` of the largest error with which ciphertexts are refreshed: nine deviations of it are within what a bootstrap reduces.
pub(super) const LOG_WORN: f64 = -9.6;

/// A training plan.
#[derive(Clone)]
pub struct MixedPlan {
    /// Widths from the features to the outputs.
    pub widths: Vec<usize>,
    /// Samples of a mini-batch; the last of an epoch may have fewer.
    pub batch: usize,
    /// The formats.
    pub numbers: Numbers,
    /// What tables can tell apart.
    pub reader: he_tfhe::PhaseModel,
    /// The scheme of the layers with weights, and their layout.
    pub arrangement: Arrangement,
    /// Parameters of the three schemes.
    pub parameters: Parameters,
}

impl MixedPlan {
    /// The plan of a recipe for a network of these widths, at 128-bit security.
    ///
    /// # Errors
    /// If a scheme cannot compute its layer or a bound does not fit, or there are no parameters.
    pub fn new(recipe: &MixedRecipe, widths: &[usize]) -> Result<Self, MixedPlanError> {
        backend(recipe)?;
        // What does not fit is said before parameters take their time.
        Numbers::new(recipe)?;
        Self::over(recipe, widths, &spec(recipe, Spec::glyph())?.build()?)
    }

    /// The same in small rings without security, for fast tests.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    #[cfg(test)]
    pub(crate) fn insecure(recipe: &MixedRecipe, widths: &[usize]) -> Result<Self, MixedPlanError> {
        let spec = spec(recipe, Spec::insecure_small())?;
        Self::over(recipe, widths, &spec.build_insecure("a test of training")?)
    }

    fn over(recipe: &MixedRecipe, widths: &[usize], parameters: &Parameters) -> Result<Self, MixedPlanError> {
        let (numbers, batch) = (Numbers::new(recipe)?, recipe.optimizer.batch_size);
        let refused = |at: usize, what: String| {
            let (layer, kind) = (2 * at + 1, MixedLayerKind::Linear);
            MixedPlanError::Refused { layer, kind, reason: "layout", what }
        };
        let arrangement = match backend(recipe)? {
            Scheme::Bgv => {
                let (n, most) = (parameters.bgv().n(), parameters.bgv_capacity());
                Arrangement::Bgv(Layout::new(widths, batch, n, most).ok_or_else(|| {
                    let (at, &width) =
                        widths[1..].iter().enumerate().max_by_key(|(_, w)| **w).unwrap_or((0, &0));
                    refused(at, format!("{width} outputs do not fit a ciphertext of {n} coefficients"))
                })?)
            }
            Scheme::Ckks => {
                let packing = Packing::new(widths, batch, &numbers, parameters);
                Arrangement::Ckks(packing.map_err(|(at, slots)| {
                    let most = parameters.ckks().slots();
                    refused(at, format!("a mini-batch takes {slots} slots, a ciphertext of CKKS has {most}"))
                })?)
            }
            Scheme::Tfhe => {
                return Err(refused(
                    0,
                    "words in digits of TFHE are trained as a recipe of words".to_owned(),
                ));
            }
        };
        Ok(Self {
            widths: widths.to_vec(),
            batch,
            numbers,
            reader: he_tfhe::PhaseModel::new(parameters.tfhe().spec()),
            arrangement,
            parameters: parameters.clone(),
        })
    }

    /// Number of layers with weights.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.widths.len() - 1
    }

    /// Slots of the bootstrap that refreshes.
    #[must_use]
    pub fn slots(&self) -> usize {
        match &self.arrangement {
            Arrangement::Bgv(layout) => {
                let pieces = layout.pieces().min(self.parameters.bgv_capacity()).next_power_of_two();
                pieces * self.parameters.bgv().n() / 2
            }
            Arrangement::Ckks(packing) => packing.slots,
        }
    }

    /// Bootstraps of TFHE in a step of a whole mini-batch.
    #[must_use]
    pub fn tables(&self) -> usize {
        let (hidden, outputs) = self.widths[1..].split_at(self.depth() - 1);
        self.batch * (2 * hidden.iter().sum::<usize>() + outputs.iter().sum::<usize>())
    }

    /// A digest of everything that messages and checkpoints depend on.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        let mut out = Writer::new();
        let n = self.numbers;
        [n.log_t, n.activation_bits, n.error_bits, n.update_bits].into_iter().for_each(|x| out.u32(x));
        n.shifts.into_iter().for_each(|x| out.u32(x));
        out.length(self.batch);
        out.length(self.widths.len());
        self.widths.iter().for_each(|&width| out.length(width));
        match &self.arrangement {
            Arrangement::Bgv(layout) => out.length(layout.dimension),
            Arrangement::Ckks(packing) => {
                // No dimension of a subring is 0.
                out.length(0);
                out.length(packing.slots);
                out.u32(packing.bits);
            }
        }
        for hash in [
            self.parameters.bgv().rlwe().hash(),
            self.parameters.ckks().hash(),
            self.parameters.tfhe().hash(),
        ] {
            out.bytes(hash);
        }
        blake3::derive_key("nn-encrypted plan of several schemes v1", &out.finish())
    }
}

/// The preset with the plaintext modulus of a recipe.
fn spec(recipe: &MixedRecipe, preset: Spec) -> Result<Spec, MixedPlanError> {
    let log_t = recipe.quantization.plaintext_bits;
    let ckks = he_ckks::Spec { congruence: 1 << log_t, ..preset.ckks };
    let spec = Spec { log_t, ckks, ..preset };
    Ok(if backend(recipe)? == Scheme::Ckks { spec.for_slots() } else { spec })
}

impl fmt::Display for MixedPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (bgv, ckks, tfhe) = (self.parameters.bgv(), self.parameters.ckks(), self.parameters.tfhe());
        let security = |bits: Option<u32>| bits.map_or("none".into(), |bits| format!("{bits} bits"));
        let numbers = self.numbers;
        let exact = matches!(self.arrangement, Arrangement::Bgv(_));
        if exact {
            let (n, limbs, bits) = (bgv.n(), bgv.max_level() + 1, security(bgv.rlwe().security_bits()));
            writeln!(f, "BGV: N = {n}, t = 2^{}, {limbs} primes, security {bits}", numbers.log_t)?;
        }
        let spec = tfhe.spec();
        writeln!(
            f,
            "TFHE: n = {}, N = {}, readings within 2^{:.1} of the torus, security {}",
            spec.lwe_dimension,
            spec.polynomial_size,
            self.reader.deviations[0].log2(),
            security(tfhe.security_bits())
        )?;
        writeln!(
            f,
            "CKKS, for {}: N = {}, {} slots, security {}",
            if exact { "refreshes" } else { "products" },
            ckks.rlwe().n(),
            self.slots(),
            security(ckks.rlwe().security_bits())
        )?;
        let weights = numbers.activation_bits + numbers.error_bits + numbers.update_bits;
        writeln!(
            f,
            "fractional bits: {} of activations, {} of errors, {weights} of weights; tables read sums up to {} and errors up to {}",
            numbers.activation_bits,
            numbers.error_bits,
            f64::from(numbers.limits()[0] as u32) / f64::from(numbers.sum_bits()).exp2(),
            f64::from(numbers.limits()[2] as u32) / f64::from(numbers.back_bits()).exp2()
        )?;
        write!(f, "{}", self.arrangement)?;
        write!(
            f,
            "a step of {} samples: {} bootstraps of TFHE, {} refreshes",
            self.batch,
            self.tables(),
            self.refreshes()
        )
    }
}

impl MixedPlan {
    /// Ciphertexts of CKKS that are refreshed or filled in a step.
    #[must_use]
    pub fn refreshes(&self) -> usize {
        let layout = match &self.arrangement {
            Arrangement::Bgv(layout) => layout,
            // Inputs of all layers but the first, errors and weights of all.
            Arrangement::Ckks(packing) => return 3 * packing.layers.len() - 1,
        };
        let most = self.parameters.bgv_capacity();
        let of = |pieces: usize| pieces.div_ceil(most);
        let inputs: usize = (1..self.depth()).map(|l| of(layout.inputs(l).pieces())).sum();
        inputs + self.depth() * of(layout.errors().pieces()) + of(layout.weights().pieces())
    }
}
