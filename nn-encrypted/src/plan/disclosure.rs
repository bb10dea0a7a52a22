//! Knowledge of the secret key in decrypted weights, for who shows them to others.

/// Dependence of decrypted weights on more than what was to be computed.
///
/// ```
/// # use nn_encrypted::recipe::Recipe;
/// # use nn_encrypted::run::Session;
/// use nn_encrypted::plan::Disclosure;
///
/// let recipe = Recipe::load("hesamifard2017", &["data.set=iris".to_owned()])?;
/// let plan = Session::new(recipe, None)?.plan()?;
/// assert!(plan.engines.iter().all(|engine| engine.disclosure() == Disclosure::Exact));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Disclosure {
    /// Nothing: decryption is exact, and right whatever the noise is.
    Exact,
    /// Errors that are a function of the key.
    Errors {
        /// Root mean square of those that a training step adds to a weight or bias.
        step: f64,
    },
    /// Bootstraps that may fail.
    Failures {
        /// `log2` of the probability of each.
        log2: f64,
    },
    /// Phases by which tables are looked up.
    Phases {
        /// Deviation of one, in boxes of a table.
        deviation: f64,
        /// Lookups of a step.
        lookups: usize,
    },
    /// It is not known.
    #[default]
    Unknown,
}
