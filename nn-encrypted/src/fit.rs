//! Training and classification in a few lines.

use std::path::Path;
use std::time::Instant;

use crate::data::Samples;
use crate::model::Model;
use crate::recipe::Recipe;
use crate::run::{self, Options, Outcome, Prediction, RunError, Session};

/// A trained network with the recipe and the data it was trained on.
///
/// ```
/// use nn_encrypted::fit;
/// use nn_encrypted::recipe::Recipe;
/// use nn_encrypted::run::{Mode, Options};
///
/// let settings = ["data.set=iris", "optimizer.epochs=2"].map(String::from);
/// let recipe = Recipe::load("hesamifard2017", &settings)?;
/// let options = Options { mode: Mode::Simulate, quiet: true, ..Options::default() };
/// let trained = fit(recipe, &options)?;
/// assert_ne!(trained.model, trained.session.first);
/// # Ok::<(), nn_encrypted::run::RunError>(())
/// ```
pub struct Trained {
    /// Recipe, data, network and plan.
    pub session: Session,
    /// Weights, biases and momenta.
    pub model: Model,
}

/// Trains a recipe, as `options.mode` says on ciphertexts, by the twin or in floating point. Nothing is written but to
/// `options.out`, if that is given.
///
/// # Errors
/// If the recipe, the data or a file cannot be used, or a role stops; [`RunError::Unequal`] if what was trained on ciphertexts is not
/// the twin's, or numbers left bounds that nothing enforces.
pub fn fit(recipe: Recipe, options: &Options) -> Result<Trained, RunError> {
    let start = Instant::now();
    let session = Session::new(recipe, options.data_dir.as_deref())?;
    let Outcome { report, beyond, model, .. } = run::train_session(&session, options, start)?;
    if report.twin.equal == Some(false) || report.traffic.out_of_bounds > 0 {
        return Err(RunError::Unequal(beyond));
    }
    Ok(Trained { session, model })
}

impl Trained {
    /// Writes the model with all that further rows need as safetensors, as it was decrypted: for the owner of the keys alone. In CKKS it gives the key away to whoever has
    /// the server's ciphertexts; what may be shown to others is made by [`run::export`](crate::run::export) from a run folder.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), RunError> {
        run::write_model(path, &self.session, &self.model)
    }

    /// Reads the model of a recipe.
    ///
    /// # Errors
    /// If the data of the recipe or the file cannot be used: a tensor is missing, of another shape, or has numbers that a training of
    /// the recipe cannot hold.
    pub fn load(recipe: Recipe, path: &Path, options: &Options) -> Result<Self, RunError> {
        let session = Session::new(recipe, options.data_dir.as_deref())?;
        let model = run::read_model(path, &session.recipe, &session.network)?;
        Ok(Self { session, model })
    }

    /// Classifies samples on ciphertexts, with new keys, client and server in this process, beside the twin.
    ///
    /// # Errors
    /// If there is no plan, or a role stops.
    pub fn predict(&self, samples: &Samples) -> Result<Prediction, RunError> {
        run::with_new_keys(&self.session, self.model.clone(), samples)
    }
}

he_core::brief_debug!(Trained: |a| session = a.session, model = a.model);
