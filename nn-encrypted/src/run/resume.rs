//! The run that a run folder holds, and whether that is the run that is asked for.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use super::seal::OPTIONS;
use super::{Mode, Options, Report, RunError, RunFolder};
use crate::recipe::Recipe;

/// The state that `--resume` finds.
///
/// ```
/// use nn_encrypted::run::{Options, Resumption, resume};
///
/// let out = std::env::temp_dir().join(format!("resumption-{}", std::process::id()));
/// let options = Options { out: Some(out), ..Options::default() };
/// let found = resume(Some("hesamifard2017"), &[], options)?;
/// assert!(matches!(found, Resumption::Unfinished(recipe, _) if recipe.name == "hesamifard2017"));
/// # Ok::<(), nn_encrypted::run::RunError>(())
/// ```
pub enum Resumption {
    /// Nothing is left to do.
    Finished(Box<Report>),
    /// The run goes on, or begins if it had not come to its first checkpoint.
    Unfinished(Box<Recipe>, Options),
}

/// Recipe and options of the run in the folder `options.out`. What is given beside must be the same there.
///
/// # Errors
/// If the folder holds no recipe and none is given, or something else was asked for than what runs there; [`RunError::Spent`] if the
/// server of a finished run deviated.
pub fn resume(
    recipe: Option<&str>,
    settings: &[String],
    mut options: Options,
) -> Result<Resumption, RunError> {
    let folder = RunFolder::new(options.out.clone().unwrap_or_default());
    if options.mode != Mode::Encrypted {
        let asked = format!("{:?}", options.mode).to_lowercase();
        let (field, there) = ("mode".into(), "encrypted".into());
        return Err(RunError::Different { path: folder.root().to_owned(), field, there, asked });
    }
    let path = folder.recipe().to_string_lossy().into_owned();
    let recipe = Recipe::load(recipe.unwrap_or(&path), settings)?;
    match finished(&recipe, &mut options)? {
        Some(report) => Ok(Resumption::Finished(Box::new(report))),
        None => Ok(Resumption::Unfinished(Box::new(recipe), options)),
    }
}

/// The report of the run in the folder `options.out`, if that is finished; else the options to go on with. The recipe must be that of
/// the run.
pub(crate) fn finished(recipe: &Recipe, options: &mut Options) -> Result<Option<Report>, RunError> {
    let folder = RunFolder::new(options.out.clone().unwrap_or_default());
    if folder.recipe().exists() {
        same_recipe(&folder, recipe)?;
        Asked::read(&folder)?.merge(&folder, options)?;
    }
    if folder.report().exists() {
        let report = folder.read_sealed_report()?;
        folder.refuse_spent(&report)?;
        return Ok(Some(report));
    }
    options.resume = true;
    Ok(None)
}

fn same_recipe(folder: &RunFolder, asked: &Recipe) -> Result<(), RunError> {
    let table = |recipe: &Recipe| -> Result<Value, RunError> {
        let wrong =
            |error: toml::de::Error| RunError::File { path: folder.recipe(), what: error.to_string() };
        Ok(Value::Table(toml::from_str::<Table>(&recipe.to_toml()?).map_err(wrong)?))
    };
    let (there, asked) = (table(&folder.read_recipe()?)?, table(asked)?);
    match difference("", Some(&there), Some(&asked)) {
        None => Ok(()),
        Some((field, there, asked)) => {
            Err(RunError::Different { path: folder.recipe(), field, there, asked })
        }
    }
}

/// The first field that differs, and its values; items are counted from 1.
fn difference(name: &str, a: Option<&Value>, b: Option<&Value>) -> Option<(String, String, String)> {
    let inner = |key: &str| if name.is_empty() { key.to_owned() } else { format!("{name}.{key}") };
    match (a, b) {
        _ if a == b => None,
        (Some(Value::Table(a)), Some(Value::Table(b))) => {
            a.keys().chain(b.keys()).find_map(|key| difference(&inner(key), a.get(key), b.get(key)))
        }
        (Some(Value::Array(a)), Some(Value::Array(b))) => (0..a.len().max(b.len()))
            .find_map(|i| difference(&inner(&(i + 1).to_string()), a.get(i), b.get(i))),
        _ => {
            let text = |value: Option<&Value>| value.map_or_else(|| "absent".to_owned(), Value::to_string);
            Some((name.to_owned(), text(a), text(b)))
        }
    }
}

/// Options asked for beside the recipe; `client/options.toml`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    steps: Option<usize>,
    data_dir: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    audit: Option<f64>,
}

impl Asked {
    fn path(folder: &RunFolder) -> PathBuf {
        folder.root().join(OPTIONS)
    }

    /// Writes what is in options.
    pub(super) fn write(folder: &RunFolder, options: &Options) -> Result<(), RunError> {
        let path = Self::path(folder);
        // The run may be resumed from elsewhere.
        let absolute = options.data_dir.as_deref().map(std::path::absolute).transpose();
        let data_dir = absolute.map_err(|source| RunError::Io { path: path.clone(), source })?;
        let text = toml::to_string(&Self { steps: options.steps, data_dir, audit: options.audit })
            .map_err(|error| RunError::File { path: path.clone(), what: error.to_string() })?;
        folder.write(&path, text.as_bytes(), true)
    }

    fn read(folder: &RunFolder) -> Result<Self, RunError> {
        let path = Self::path(folder);
        if !path.exists() {
            return Ok(Self::default());
        }
        let wrong = |what: String| RunError::File { path: path.clone(), what };
        let text = String::from_utf8(folder.read(&path)?).map_err(|error| wrong(error.to_string()))?;
        toml::from_str(&text).map_err(|error| wrong(error.message().to_owned()))
    }

    /// Fills in what was not given again.
    fn merge(self, folder: &RunFolder, options: &mut Options) -> Result<(), RunError> {
        if let Some(asked) = options.steps.filter(|steps| Some(*steps) != self.steps) {
            return Err(RunError::Different {
                path: Self::path(folder),
                field: "steps".into(),
                there: self.steps.map_or_else(|| "without limit".into(), |steps| steps.to_string()),
                asked: asked.to_string(),
            });
        }
        if let Some(asked) = options.audit.filter(|share| Some(*share) != self.audit) {
            return Err(RunError::Different {
                path: Self::path(folder),
                field: "audit".into(),
                there: self.audit.map_or_else(|| "off".into(), |share| share.to_string()),
                asked: asked.to_string(),
            });
        }
        (options.steps, options.audit) = (self.steps, self.audit);
        options.data_dir = options.data_dir.take().or(self.data_dir);
        Ok(())
    }
}

impl std::fmt::Debug for Resumption {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Finished(_) => "Finished",
            Self::Unfinished(..) => "Unfinished",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_difference_is_named() {
        let toml = |text: &str| Value::Table(toml::from_str(text).unwrap());
        let a = toml("seed = 1\nlayers = [{kind = 'Linear'}, {kind = 'Square'}]");
        let named = |b: &str| difference("", Some(&a), Some(&toml(b)));
        let expect = |field: &str, a: &str, b: &str| Some((field.to_owned(), a.to_owned(), b.to_owned()));
        assert_eq!(named("seed = 1\nlayers = [{kind = 'Linear'}, {kind = 'Square'}]"), None);
        assert_eq!(
            named("seed = 2\nlayers = [{kind = 'Linear'}, {kind = 'Square'}]"),
            expect("seed", "1", "2")
        );
        let cubic = named("seed = 1\nlayers = [{kind = 'Linear'}, {kind = 'Cubic'}]");
        assert_eq!(cubic, expect("layers.2.kind", "\"Square\"", "\"Cubic\""));
        let shorter = named("seed = 1\nlayers = [{kind = 'Linear'}]").unwrap();
        assert_eq!((shorter.0.as_str(), shorter.2.as_str()), ("layers.2", "absent"));
    }
}
