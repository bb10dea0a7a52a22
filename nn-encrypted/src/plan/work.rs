//! The work of a run by committed tables: what a machine takes for it is another matter.

/// Work in operations whose time is measured where it is done, those of `Cipher::time_units` in their order.
///
/// ```
/// # use nn_encrypted::recipe::Recipe;
/// # use nn_encrypted::run::Session;
/// #
/// # let recipe = Recipe::load("hesamifard2017", &["data.set=iris".to_owned()])?;
/// # let session = Session::new(recipe, None)?;
/// let work = session.plan()?.engines[0].work();
/// assert!(work.step[0] > work.query[0] && work.batch[0] > 0.0);
/// # Ok::<(), nn_encrypted::run::RunError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Workload {
    /// Evaluation keys, made, sent and read.
    pub keys: Vec<f64>,
    /// A whole mini-batch, encrypted and read.
    pub batch: Vec<f64>,
    /// A training step on it, the client's part included.
    pub step: Vec<f64>,
    /// Its classification, the client's part included.
    pub query: Vec<f64>,
}
