//! Arguments of a training and of its estimate: the recipe, its data and its settings.

use std::path::{Path, PathBuf};

use clap::Args;

use super::DEFAULT_RECIPE;
use crate::recipe::{Loaded, Recipe};
use crate::run::{RunError, RunFolder, is_bounded};

#[derive(Args, Default)]
pub(super) struct TaskArgs {
    /// Name of a recipe, or path of a TOML file; hesamifard2017 without it.
    pub(super) recipe: Option<String>,
    /// Data set: digits, iris, mnist, crabs, crabs-species, fertility, climate, milk; or the path of a table, or of a folder of IDX files.
    #[arg(long)]
    pub(super) data: Option<String>,
    /// Of a table: another one to test on, or how many rows or which part of them test.
    #[arg(long, value_name = "FILE|NUMBER")]
    pub(super) test: Option<String>,
    /// Applies a further variant of the recipe, such as hidden3; may be repeated.
    #[arg(long = "variant", value_name = "NAME")]
    pub(super) variants: Vec<String>,
    /// Of a table: the column of the class, or of the measured value, by name or by number from 1.
    #[arg(long)]
    pub(super) label: Option<String>,
    /// Of a table: it has no header row; columns are given by their numbers.
    #[arg(long)]
    pub(super) no_header: bool,
    /// Folder of the data sets that are not inside the program.
    #[arg(long)]
    pub(super) data_dir: Option<PathBuf>,
    /// Maximum number of training steps.
    #[arg(long)]
    pub(super) steps: Option<usize>,
    /// Passes over the training part.
    #[arg(long)]
    pub(super) epochs: Option<usize>,
    /// Mini-batch size.
    #[arg(long, allow_negative_numbers = true)]
    pub(super) batch: Option<String>,
    /// Decides split, batches and initial weights; keys and encryption never depend on it.
    #[arg(long)]
    pub(super) seed: Option<u64>,
    /// Threads; all cores without it.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) threads: Option<u16>,
    /// Finds the bounds of numbers from the data: by the same training in the clear, doubled. So it is where a recipe gives none.
    #[arg(long)]
    calibrate: bool,
    /// Overrides a field of the recipe, such as optimizer.momentum=3/4.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(super) settings: Vec<String>,
}

impl TaskArgs {
    /// The settings of the flags, after those of `--set`.
    pub(super) fn settings(&self) -> Vec<String> {
        let quoted = |key: &str, value: &Option<String>| {
            value.as_ref().map(|v| format!("{key}={}", toml::Value::String(v.clone())))
        };
        let plain = |key: &str, value: Option<String>| value.map(|v| format!("{key}={v}"));
        let flags = [
            quoted("data.set", &self.data),
            self.test.as_ref().map(|test| match test.parse::<f64>() {
                Ok(_) => format!("data.test={test}"),
                Err(_) => format!("data.test={}", toml::Value::String(test.clone())),
            }),
            quoted("data.label", &self.label),
            plain("data.no_header", self.no_header.then(|| true.to_string())),
            plain("optimizer.epochs", self.epochs.map(|n| n.to_string())),
            plain("optimizer.batch_size", self.batch.clone()),
            plain("seed", self.seed.map(|n| n.to_string())),
        ];
        let variants = self.variants.iter().map(|name| format!("variant={name}"));
        variants.chain(self.settings.iter().cloned()).chain(flags.into_iter().flatten()).collect()
    }
    /// The recipe, and words on it.
    pub(super) fn load(&self) -> Result<Loaded, RunError> {
        Ok(Recipe::load_with_words(self.recipe.as_deref().unwrap_or(DEFAULT_RECIPE), &self.settings())?)
    }

    /// As [`load`](Self::load); without a recipe, that of keys that were made in a folder before.
    pub(super) fn load_for(&self, out: &Path) -> Result<Loaded, RunError> {
        match RunFolder::new(out).job()?.filter(|_| self.recipe.is_none()) {
            Some(job) => {
                let (text, settings) = (job.recipe.to_toml()?, self.settings());
                let recipe = Recipe::from_toml(&text, "the recipe of job.toml", &settings)?;
                Ok(Loaded { recipe, words: vec![], bounded: true })
            }
            None => self.load(),
        }
    }

    /// Whether bounds are to be found from the data: asked for, or none are given where they mean something.
    pub(super) fn calibrates(&self, loaded: &Loaded) -> bool {
        self.calibrate || (!loaded.bounded && is_bounded(&loaded.recipe))
    }
}
