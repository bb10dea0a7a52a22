//! Sessions of rows that one party has and another trains on.

#[cfg(feature = "serve")]
use std::path::Path;

use super::{RunError, Session, batches};
#[cfg(feature = "serve")]
use crate::data::Fixed;
use crate::data::{self, Intake};
use crate::recipe::Recipe;

impl Session {
    /// The session of whoever trains on rows that it never sees.
    ///
    /// # Errors
    /// If the recipe cannot be used on rows of this form.
    pub(in crate::run) fn elsewhere(recipe: Recipe, intake: Intake) -> Result<Self, RunError> {
        recipe.validate()?;
        let data = data::elsewhere(&intake, &recipe.data)?;
        let batches = batches(&recipe, &data)?;
        Ok(Self { elsewhere: true, ..Self::with(recipe, data, batches)? })
    }

    /// The session of an owner of data, whose table is `recipe.data.set` and has the form that was fixed before.
    ///
    /// # Errors
    /// If it has not, or the recipe cannot be used.
    #[cfg(feature = "serve")]
    pub(in crate::run) fn of_owner(
        recipe: Recipe,
        fixed: &Fixed<'_>,
        data_dir: Option<&Path>,
    ) -> Result<Self, RunError> {
        recipe.validate()?;
        let data = data::owned(&recipe.data, recipe.seed, fixed, data_dir)?;
        let batches = batches(&recipe, &data)?;
        Self::with(recipe, data, batches)
    }
}
