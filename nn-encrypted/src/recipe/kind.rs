//! The kinds of recipes.

use super::{MixedRecipe, RealRecipe, Recipe, RecipeError, WordRecipe, file};

/// A recipe of any kind. The field `kind` of the text tells which; without it a client refreshes.
#[derive(Debug, Clone, PartialEq)]
pub enum AnyRecipe {
    /// A client refreshes ciphertexts on the way.
    Refreshed(Recipe),
    /// `kind = "words"`: the server computes with encrypted words, alone.
    Words(WordRecipe),
    /// `kind = "reals"`: encrypted real numbers.
    Reals(RealRecipe),
    /// `kind = "mixed"`: exact integers, layers in several schemes.
    Mixed(MixedRecipe),
}

impl AnyRecipe {
    /// As [`Recipe::load`], of any kind.
    ///
    /// # Errors
    /// If it cannot be found or read, or is not valid.
    pub fn load(name_or_path: &str, settings: &[String]) -> Result<Self, RecipeError> {
        Self::from_toml(&file::find(name_or_path)?, name_or_path, settings)
    }

    /// As [`Recipe::from_toml`], of any kind.
    ///
    /// # Errors
    /// If the text or a setting is faulty, or the recipe is not valid.
    pub fn from_toml(text: &str, name: &str, settings: &[String]) -> Result<Self, RecipeError> {
        let merged = file::read(text, name, settings)?;
        let kind = merged.kind().map(|kind| kind.as_str().unwrap_or_default().to_owned());
        let recipe = match kind.as_deref() {
            None => Self::Refreshed(merged.parse()?),
            Some("words") => Self::Words(merged.parse()?),
            Some("reals") => Self::Reals(merged.parse()?),
            Some("mixed") => Self::Mixed(merged.parse()?),
            Some(other) => {
                let what =
                    format!("{other:?}; \"words\", \"reals\" or \"mixed\" is needed, or no `kind` at all");
                return Err(RecipeError::field("kind", what));
            }
        };
        match &recipe {
            Self::Refreshed(recipe) => recipe.validate()?,
            Self::Words(recipe) => recipe.validate()?,
            Self::Reals(recipe) => recipe.validate()?,
            Self::Mixed(recipe) => recipe.validate()?,
        }
        Ok(recipe)
    }

    /// The recipe as TOML, every field written out.
    ///
    /// # Errors
    /// If a number does not fit TOML.
    pub fn to_toml(&self) -> Result<String, RecipeError> {
        match self {
            Self::Refreshed(recipe) => recipe.to_toml(),
            Self::Words(recipe) => recipe.to_toml(),
            Self::Reals(recipe) => recipe.to_toml(),
            Self::Mixed(recipe) => recipe.to_toml(),
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Refreshed(recipe) => &recipe.name,
            Self::Words(recipe) => &recipe.name,
            Self::Reals(recipe) => &recipe.name,
            Self::Mixed(recipe) => &recipe.name,
        }
    }

    /// What it is, in a sentence.
    #[must_use]
    pub fn description(&self) -> &str {
        match self {
            Self::Refreshed(recipe) => &recipe.description,
            Self::Words(recipe) => &recipe.description,
            Self::Reals(recipe) => &recipe.description,
            Self::Mixed(recipe) => &recipe.description,
        }
    }
}

impl From<Recipe> for AnyRecipe {
    fn from(recipe: Recipe) -> Self {
        Self::Refreshed(recipe)
    }
}

impl From<WordRecipe> for AnyRecipe {
    fn from(recipe: WordRecipe) -> Self {
        Self::Words(recipe)
    }
}

impl From<RealRecipe> for AnyRecipe {
    fn from(recipe: RealRecipe) -> Self {
        Self::Reals(recipe)
    }
}

impl From<MixedRecipe> for AnyRecipe {
    fn from(recipe: MixedRecipe) -> Self {
        Self::Mixed(recipe)
    }
}
