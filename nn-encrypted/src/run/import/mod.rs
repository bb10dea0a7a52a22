//! Networks that were trained elsewhere, as models of a recipe.
//!
//! - [`ranges`]: what calibration rows say of features and pre-activations;
//! - [`fitted`]: the recipe for the network, with bounds of these ranges widened by a quarter;
//! - [`compare`]: the twin on the calibration rows beside floating point, layer by layer;
//! - [`summary`]: the table of that.
//!
//! Nothing is trained, and the plan of an import is one of classifications: where a client refreshes or weights are real numbers, the
//! recipe becomes one whose backward pass the client takes, so that none is planned.

mod compare;
mod fitted;
mod ranges;
mod summary;
#[cfg(test)]
mod tests;

use std::path::Path;

use ndarray::Array2;

pub use self::summary::{ImportSummary, ImportedLayer};
use self::{compare::Comparison, ranges::FeatureMaps};
use super::folder::PRIVATE_MODEL;
use super::weights::write_private;
use super::{RunError, RunFolder, Session, model_bytes};
use crate::data::{self, Intake, Rows, Scale, Schema};
use crate::exchange::{self, ExchangeError, FloatNetwork};
use crate::model::Model;
use crate::recipe::Recipe;

/// The wishes for an import.
///
/// ```
/// use nn_encrypted::run::ImportOptions;
///
/// let settings = vec!["numbers.product_weight_bits=8".to_owned()];
/// let options = ImportOptions { degree: 5, settings, ..ImportOptions::of("ckks_sgd") };
/// assert_eq!(options.recipe, "ckks_sgd");
/// ```
#[derive(Clone, Debug)]
pub struct ImportOptions {
    /// Name of a recipe, or path of a TOML file: its schemes and numbers are used, and where the file of the model says no shape, its
    /// layers.
    pub recipe: String,
    /// Further settings of the recipe, `key.path=value`.
    pub settings: Vec<String>,
    /// Degree of the polynomials in place of activations that are none, 1 to 7, where no table holds them.
    pub degree: usize,
    /// The column of the label, which is no feature.
    pub label: Option<String>,
}

/// Degree of polynomials without a wish.
const DEGREE: usize = 3;
/// The part of the rows whose classes must be those of floating point for an import to be left without advice.
const ENOUGH: f64 = 0.99;

impl ImportOptions {
    /// Polynomials of degree 3, and a recipe as it is.
    #[must_use]
    pub fn of(recipe: &str) -> Self {
        Self { recipe: recipe.to_owned(), settings: vec![], degree: DEGREE, label: None }
    }
}

/// A network from elsewhere as a model.
pub(crate) struct Import {
    pub(crate) session: Session,
    pub(crate) model: Model,
    pub(crate) summary: ImportSummary,
}

/// Rows of a table by which ranges are found.
struct Calibration<'a> {
    names: Vec<String>,
    x: &'a Array2<f64>,
}

/// A network in a file, and rows, as a model of a recipe.
///
/// # Errors
/// If the file is damaged or has a node that has no place, the rows do not fit it, or the recipe cannot hold its numbers.
pub(crate) fn import_rows(path: &Path, rows: &Rows, options: &ImportOptions) -> Result<Import, RunError> {
    let recipe = Recipe::for_rows(&options.recipe, &options.settings)?;
    let network = network(path, &recipe)?;
    import_of(recipe, &network, rows, options).map_err(|error| of_file(path, error))
}

/// As [`import_rows`], with rows of a table.
///
/// # Errors
/// As [`import_rows`], and if the table cannot be read.
pub(crate) fn import(path: &Path, table: &Path, options: &ImportOptions) -> Result<Import, RunError> {
    let mut recipe = Recipe::for_rows(&options.recipe, &options.settings)?;
    recipe.data.label.clone_from(&options.label);
    let network = network(path, &recipe)?;
    let rows = data::unlabelled(&recipe.data, &network.columns, table)?;
    import_of(recipe, &network, &rows, options).map_err(|error| of_file(path, error))
}

/// Names the file in an error that is about its network.
fn of_file(path: &Path, error: RunError) -> RunError {
    match error {
        RunError::Exchange { source, .. } => RunError::Exchange { path: path.to_owned(), source },
        other => other,
    }
}

fn unfit(what: impl Into<String>) -> RunError {
    RunError::Exchange { path: "".into(), source: ExchangeError::Unfit(what.into()) }
}

/// Writes an import to a folder: the model for its owner alone, as a training does.
///
/// # Errors
/// If a model is there already, or it cannot be written.
pub(crate) fn write_import(out: &Path, import: &Import) -> Result<std::path::PathBuf, RunError> {
    let folder = RunFolder::new(out);
    folder.refuse_run(false)?;
    let path = out.join(PRIVATE_MODEL);
    if path.exists() {
        let what = "is there already; take another --out".to_owned();
        return Err(RunError::File { path, what });
    }
    write_private(&path, &model_bytes(&import.session, &import.model)?)?;
    folder.write(&out.join("import.md"), import.summary.to_string().as_bytes(), false)?;
    Ok(path)
}

/// The network in a file: ONNX, or safetensors by the layers of a recipe.
fn network(path: &Path, recipe: &Recipe) -> Result<FloatNetwork, RunError> {
    let bytes = super::model_file(path)?;
    let tensors = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("safetensors"));
    let network =
        if tensors { exchange::tensors::read(&bytes, recipe) } else { exchange::onnx::read(&bytes) };
    network.map_err(|source| RunError::Exchange { path: path.to_owned(), source })
}

fn import_of(
    recipe: Recipe,
    network: &FloatNetwork,
    rows: &Rows,
    options: &ImportOptions,
) -> Result<Import, RunError> {
    let (names, x) = rows.numbers();
    let features = network.extent.size();
    if names.len() != features {
        return Err(unfit(format!(
            "{} columns of the calibration rows; the model takes {features}",
            names.len()
        )));
    }
    // Columns without the names of the model are in its order.
    if network.columns.iter().any(|name| names.contains(name)) && network.columns != names {
        let other = network.columns.iter().zip(names).find(|(a, b)| a != b);
        let [needed, found] = other.map_or(["", ""], |(a, b)| [a.as_str(), b.as_str()]);
        return Err(unfit(format!(
            "the calibration rows have column `{found}` where the model has `{needed}`; its columns in its order are needed"
        )));
    }
    let calibration = Calibration { names: names.to_vec(), x };
    let mut import = once(&recipe, network, &calibration, options.degree)?;
    if import.summary.agreement < ENOUGH {
        let mut advice = advice(&recipe, network, &calibration, options.degree);
        advice.retain(|(_, agreement)| *agreement > import.summary.agreement);
        import.summary.advice = Some(advice);
    }
    Ok(import)
}

/// An import with the numbers of a recipe as they are.
fn once(
    recipe: &Recipe,
    network: &FloatNetwork,
    calibration: &Calibration<'_>,
    degree: usize,
) -> Result<Import, RunError> {
    let maps = FeatureMaps::new(network, calibration.x, super::session::input_bits(recipe));
    let mut float = maps.folded(network).map_err(unfit)?;
    let recipe = fitted::recipe(recipe, &mut float, &maps.applied(calibration.x), degree).map_err(unfit)?;
    recipe.validate()?;
    let classes = float.classes.clone();
    let schema = Schema {
        label: recipe.data.label.clone(),
        header: !recipe.data.no_header,
        ..Schema::numbers(calibration.names.iter().cloned(), classes)
    };
    let scale = Scale::mapped_by(maps.maps.clone(), maps.ranges.clone(), super::session::input_bits(&recipe));
    let image = network.extent.height > 1;
    let intake = Intake {
        name: recipe.data.set.clone(),
        schema,
        frozen: None,
        scale,
        series: None,
        sides: image.then_some([network.extent.height, network.extent.width]),
        rows: calibration.x.nrows(),
    };
    let session = Session::of_model(recipe, intake)?;
    if session.keeps_weights() {
        return Err(unfit(
            "refresh.strategy = \"none\" has no level left to classify with; a recipe with another is needed, such as hesamifard2017",
        ));
    }
    let model = fitted::model(&session, &float).map_err(unfit)?;
    let summary = Comparison::new(&session, &model, &float, maps.applied(calibration.x))?.summary()?;
    Ok(Import { session, model, summary })
}

/// Settings with a bit more that are tried where classes are lost, and what they come to.
fn advice(
    recipe: &Recipe,
    network: &FloatNetwork,
    calibration: &Calibration<'_>,
    degree: usize,
) -> Vec<(String, f64)> {
    let mut found = Vec::new();
    let mut attempt = |word: String, recipe: &Recipe, degree: usize| {
        if let Ok(import) = once(recipe, network, calibration, degree) {
            found.push((word, import.summary.agreement));
        }
    };
    for (name, more) in fitted::BITS {
        let mut changed = recipe.clone();
        let value = more(&mut changed.numbers);
        attempt(format!("--set numbers.{name}={value}"), &changed, degree);
    }
    if degree + 2 <= 7 {
        attempt(format!("--degree {}", degree + 2), recipe, degree + 2);
    }
    found.sort_by(|a, b| b.1.total_cmp(&a.1));
    found
}
