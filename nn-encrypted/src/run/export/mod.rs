//! The only file of a run that is meant to leave the owner of the keys: weights without momenta, with noise that hides what they
//! tell of the key.
//!
//! - [`distance`]: how much they tell, by a Rényi divergence over all of them;
//! - [`rule`]: what holds of which run;
//! - [`ledger`]: what was shown before;
//! - [`format`]: the file, for this program or as a graph for others.

mod distance;
mod format;
mod ledger;
mod rule;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use he_core::ring::sample::{Gaussian, Prng, SampleError};
use zeroize::Zeroizing;

pub use self::distance::Distance;
use self::distance::{bits_for, divergence, search_bits};
pub use self::format::ExportFormat;
use self::rule::Rule;
use super::session::Session;
use super::{Report, RunError, RunFolder};
use crate::model::Model;
use crate::numbers::weight_grid;

/// The wishes for an export.
///
/// ```no_run
/// use std::path::Path;
///
/// use nn_encrypted::run::{Exported, ExportOptions, export};
///
/// let options = ExportOptions { accepted: Some("2^-8".parse()?), ..ExportOptions::default() };
/// let Exported { distance, said, .. } = export(Path::new("run"), Path::new("shown.safetensors"), &options)?;
/// println!("{distance}: {}", said.join(" "));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct ExportOptions {
    /// Fractional bits of a weight; as many as the distance allows without it.
    pub bits: Option<u32>,
    /// The largest distance the owner accepts; 2^-10 without it.
    pub accepted: Option<Distance>,
    /// Where data sets are that are not embedded.
    pub data_dir: Option<PathBuf>,
    /// The form of the file.
    pub format: ExportFormat,
}

/// A model that was exported.
///
/// ```no_run
/// use std::path::Path;
///
/// use nn_encrypted::run::{Exported, ExportOptions, export};
///
/// let options = ExportOptions { accepted: Some("2^-8".parse()?), ..ExportOptions::default() };
/// let Exported { distance, said, .. } = export(Path::new("run"), Path::new("shown.safetensors"), &options)?;
/// println!("{distance}: {}", said.join(" "));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Exported {
    /// Weights and biases as they stand in the file; momenta are zeros.
    pub model: Model,
    /// How much all exports of the run tell of the key together.
    pub distance: Distance,
    /// The meaning of that, sentence by sentence.
    pub said: Vec<String>,
}

/// Writes the weights of a finished run to a file that may leave the owner of the keys.
///
/// # Errors
/// If a file is missing, damaged or of another run; [`RunError::Spent`] if the server deviated; [`RunError::Export`] if there is no
/// rule for the recipe, nothing would be left of the weights, or what the file tells of the key is more than was accepted: by how much.
pub fn export(run: &Path, out: &Path, options: &ExportOptions) -> Result<Exported, RunError> {
    let folder = RunFolder::new(run);
    let report = folder.read_sealed_report()?;
    let session = Session::new(folder.read_recipe()?, options.data_dir.as_deref())?;
    export_of(&session, &folder, &report, out, options)
}

/// An export of a run whose data are loaded.
fn export_of(
    session: &Session,
    folder: &RunFolder,
    report: &Report,
    out: &Path,
    options: &ExportOptions,
) -> Result<Exported, RunError> {
    folder.refuse_spent(report)?;
    let whole = folder.read_model(&session.recipe, &session.network)?;
    options.format.check(session).map_err(|what| RunError::Export { run: folder.root().to_owned(), what })?;
    let exporting = Exporting { session, folder, report, options };
    let (exported, bits) = match Rule::of(&*session.plan()?, report) {
        Rule::Exact(why) => (exporting.as_it_is(whole, Distance::ZERO, why.to_owned())?, None),
        Rule::Failures { bootstraps, log2 } => (exporting.but_for_failures(whole, bootstraps, log2)?, None),
        Rule::Noise { error } => {
            let (exported, bits) = exporting.with_noise(&whole, error)?;
            (exported, Some(bits))
        }
        Rule::Refused(why) => return Err(exporting.refused(format!("this model cannot be exported: {why}"))),
    };
    exporting.write(out, &exported, bits)?;
    Ok(exported)
}

/// Fractional bits of the noise below those of the weights.
const BELOW: u32 = 30;
/// Most fractional bits of a weight.
const MOST_BITS: f64 = 32.0;

/// A run whose model is exported.
struct Exporting<'a> {
    session: &'a Session,
    folder: &'a RunFolder,
    report: &'a Report,
    options: &'a ExportOptions,
}

impl Exporting<'_> {
    fn refused(&self, what: String) -> RunError {
        RunError::Export { run: self.folder.root().to_owned(), what }
    }

    /// The largest distance, all exports together.
    fn most(&self) -> Distance {
        self.options.accepted.unwrap_or(Distance::UNASKED)
    }

    /// That a distance is small enough, or accepted.
    fn check(&self, distance: Distance, remedy: &str) -> Result<(), RunError> {
        let most = self.most();
        if distance.log2() <= most.log2() + 1e-9 {
            return Ok(());
        }
        Err(self.refused(format!(
            "with the file at hand, and everything the server saw, the key could be told from others with an advantage (statistical distance) of up to {distance}, more than {most}: {remedy}if that is what you want, repeat it: --accept-distance {distance}",
        )))
    }

    fn as_it_is(&self, model: Model, distance: Distance, why: String) -> Result<Exported, RunError> {
        if self.options.bits.is_some() {
            let what =
                "the weights of this recipe leave as exactly as they are: fractional bits cannot be chosen";
            return Err(self.refused(what.to_owned()));
        }
        let model = without_momenta(model);
        Ok(Exported { said: vec![counted(&model), why, DATA.to_owned()], model, distance })
    }

    fn but_for_failures(&self, model: Model, bootstraps: u64, log2: f64) -> Result<Exported, RunError> {
        let distance = Distance::from_log2(log2 + (bootstraps.max(1) as f64).log2());
        let why = format!(
            "Every weight is an integer over a power of two, and exact unless a bootstrap failed, which depends on the key: {bootstraps} bootstraps, each of which fails with a probability of at most 2^{log2:.1}. So the file differs from one that tells nothing of the key with a probability (statistical distance) of at most {distance}."
        );
        self.check(distance, "")?;
        self.as_it_is(model, distance, why)
    }

    /// Noise, then rounding.
    fn with_noise(&self, whole: &Model, error: f64) -> Result<(Exported, u32), RunError> {
        let found = self.report.twin.root_mean_square.unwrap_or(f64::INFINITY);
        if found.is_nan() || found > error {
            return Err(self.refused(format!(
                "the errors of this model have a root mean square of {found:.1e}, more than the {error:.1e} that are planned after {} steps: how much noise hides them is not known",
                self.report.steps
            )));
        }
        let (count, before) = (numbers(whole), self.folder.shown_before()?);
        let spent: f64 = before.iter().sum();
        let (bits, deviation) = self.bits(count, error, spent)?;
        let here = divergence(count, error, deviation);
        let distance = Distance::of_divergence(spent + here);
        let remedy = if self.options.bits.is_some() { "take fewer --bits; " } else { "" };
        self.check(distance, remedy)?;
        // Noted before anything is drawn: an export that breaks off counts.
        self.folder.note_shown(here)?;
        let model = self.noisy(whole, bits).map_err(|error| self.refused(error.to_string()))?;
        let mut said = vec![
            counted(&model),
            format!(
                "Each has {bits} binary digits behind the point: Gaussian noise of deviation 2^-{bits} was added, then the sum was rounded to a multiple of 2^-{bits}."
            ),
            format!(
                "Decrypted weights carry errors that are a function of the secret key, here of {found:.1e} (root mean square; planned are at most {error:.1e} after {} steps). The noise hides them: whoever has this file, and everything the server saw, decides anything about the key with an advantage that is larger by at most {distance} (statistical distance) than without it.",
                self.report.steps
            ),
        ];
        said.extend(self.search(spent + here));
        if !before.is_empty() {
            let exports =
                if before.len() == 1 { "the export".to_owned() } else { format!("{} exports", before.len()) };
            said.push(format!("That counts {exports} before this one: what they tell adds up."));
        }
        said.extend(self.scores(whole, &model)?);
        said.push(DATA.to_owned());
        Ok((Exported { model, distance, said }, bits))
    }

    /// Fractional bits, and the deviation of the noise: one unit of them.
    fn bits(&self, count: usize, error: f64, spent: f64) -> Result<(u32, f64), RunError> {
        // Twice the square of a distance is a divergence.
        let left = 2.0 * (2.0 * self.most().log2()).exp2() - spent;
        if left <= 0.0 && self.options.bits.is_none() {
            return Err(self.refused(format!(
                "earlier exports of this run tell {} already, and nothing is left of {}: accept more by --accept-distance",
                Distance::of_divergence(spent),
                self.most()
            )));
        }
        let most = bits_for(count, error, Distance::of_divergence(left.max(f64::MIN_POSITIVE)));
        let bits = self.options.bits.map_or(most.min(MOST_BITS), f64::from);
        if !(1.0..=MOST_BITS).contains(&bits) {
            return Err(self.refused(format!(
                "{bits} binary digits behind the point for each weight, 1 to {MOST_BITS} are needed; {count} weights with errors of {error:.1e} are hidden to a distance of {} by noise of deviation 2^{:.0}",
                self.most(),
                -most
            )));
        }
        Ok((bits as u32, (-bits).exp2()))
    }

    /// Weights and biases plus Gaussian integers of deviation `2^30`, in units of `2^-(bits + 30)`, rounded to multiples of `2^30`.
    fn noisy(&self, whole: &Model, bits: u32) -> Result<Model, SampleError> {
        let mut noise = Zeroizing::new(vec![0_i64; numbers(whole)]);
        Gaussian::new(f64::from(BELOW).exp2())?.sample(&mut Prng::from_os()?, &mut noise);
        let mut noise = noise.iter().copied();
        let (unit, half) = (f64::from(bits).exp2(), 1_i128 << (BELOW - 1));
        let mut model = without_momenta(whole.clone());
        for (state, layer) in model.layers.iter_mut().zip(&self.session.network.layers) {
            let bound = (weight_grid(&self.session.recipe, layer).bound * unit).trunc() / unit;
            for value in state.weight.iter_mut().chain(&mut state.bias) {
                let fine = (*value * unit * f64::from(BELOW).exp2()).round() as i128;
                let sum = fine + i128::from(noise.next().unwrap_or_default());
                *value = (((sum + half) >> BELOW) as f64 / unit).clamp(-bound, bound);
            }
        }
        Ok(model)
    }

    /// How hard it stays to find the key, where parameters have a security.
    fn search(&self, divergence: f64) -> Option<String> {
        let bits = self.report.schemes.iter().filter_map(|scheme| scheme.security_bits).min()?;
        let left = search_bits(f64::from(bits), divergence);
        Some(format!("Finding the key is as hard as {left:.1} bits, instead of {bits} (Rényi divergence)."))
    }

    /// How good both models are.
    fn scores(&self, whole: &Model, shown: &Model) -> Result<Option<String>, RunError> {
        let (session, test) = (self.session, &self.session.data.test);
        let score = |model: &Model| session.score(&mut session.twin(model.clone())?, test);
        let (measure, [before, after]) = (session.measure(), [score(whole)?, score(shown)?]);
        let [before, after] = [before, after].map(|score| measure.text(score));
        Ok(Some(format!("Test {}: {before} before, {after} after.", measure.name())))
    }

    fn write(&self, out: &Path, exported: &Exported, bits: Option<u32>) -> Result<(), RunError> {
        let wrong = |what: String| RunError::File { path: out.to_owned(), what };
        let (recipe, network) = (&self.session.recipe, &self.session.network);
        let grids = network.layers.iter().filter_map(|layer| {
            let bits = bits.or(weight_grid(recipe, layer).bits)?;
            Some((format!("{}.fraction_bits", layer.name), bits.to_string()))
        });
        let others = [("recipe", recipe.name.clone()), ("distance", exported.distance.to_string())];
        let others = others.map(|(key, value)| (key.to_owned(), value));
        let said: Vec<(String, String)> = grids.chain(others).collect();
        let bytes = self.options.format.bytes(self.session, &exported.model, said).map_err(wrong)?;
        let path = std::path::absolute(out).map_err(|source| RunError::Io { path: out.into(), source })?;
        self.folder.write(&path, &bytes, false)
    }
}

/// A run that no rule is about.
const DATA: &str = "What the weights tell of the data they were trained on is not counted here.";

fn numbers(model: &Model) -> usize {
    model.layers.iter().map(|layer| layer.weight.len() + layer.bias.len()).sum()
}

fn counted(model: &Model) -> String {
    format!("{} weights and biases; momenta are left out.", numbers(model))
}

fn without_momenta(mut model: Model) -> Model {
    for layer in &mut model.layers {
        layer.weight_momentum.fill(0.0);
        layer.bias_momentum.fill(0.0);
    }
    model
}
