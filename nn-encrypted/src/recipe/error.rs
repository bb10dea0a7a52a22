//! Faults of a recipe.

use std::path::PathBuf;

/// A recipe that cannot be used.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum RecipeError {
    /// There is neither a built-in recipe nor a file of this name.
    #[error("no recipe `{name}`: built in are {}; or give the path of a TOML file", builtin.join(", "))]
    Unknown {
        /// The name asked for.
        name: String,
        /// The names there are.
        builtin: Vec<&'static str>,
    },
    /// The file cannot be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The text is not TOML, or has a field the recipe does not know, or lacks one.
    #[error("recipe {name}: {message}")]
    Syntax {
        /// The recipe.
        name: String,
        /// The cause, with its line where there is one.
        message: String,
    },
    /// A `--set` is not of the form `key.path=value`, or its path does not exist.
    #[error("--set {text}: {what}")]
    Override {
        /// The text given.
        text: String,
        /// Found and needed.
        what: String,
    },
    /// A field has a value that cannot be used.
    #[error("recipe field `{field}`: {what}")]
    Field {
        /// The path of the field.
        field: String,
        /// Found and needed.
        what: String,
    },
    /// A layer cannot be used, or not at this place.
    #[error("layer {index} ({kind}): {what}")]
    Layer {
        /// Its place among the layers, from 1.
        index: usize,
        /// Its kind.
        kind: String,
        /// Found and needed.
        what: String,
    },
}

impl RecipeError {
    pub(crate) fn field(field: &str, what: impl Into<String>) -> Self {
        Self::Field { field: field.to_owned(), what: what.into() }
    }
}

he_core::debug_as_displayed!(RecipeError);
