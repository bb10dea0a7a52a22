//! The numbers that training changes.

mod file;
mod initial;

pub use self::file::ModelError;
pub(crate) use self::file::canonical;
pub use self::initial::Grid;

/// Weights, biases and momenta of a network, as real numbers. Exact schemes hold multiples of a power of two, of which a float
/// has every bit.
///
/// ```
/// # use nn_encrypted::recipe::Recipe;
/// # use nn_encrypted::run::Session;
/// #
/// # let recipe = Recipe::load("hesamifard2017", &["data.set=iris".to_owned()])?;
/// # let session = Session::new(recipe, None)?;
/// assert_eq!(session.first.layers.len(), session.network.depth());
/// # Ok::<(), nn_encrypted::run::RunError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// Layers with weights, input first.
    pub layers: Vec<LayerState>,
}

/// The numbers of a layer with weights.
///
/// ```
/// # use nn_encrypted::recipe::Recipe;
/// # use nn_encrypted::run::Session;
/// #
/// # let recipe = Recipe::load("hesamifard2017", &["data.set=iris".to_owned()])?;
/// # let session = Session::new(recipe, None)?;
/// let first = &session.first.layers[0];
/// assert_eq!((&first.shape[..], first.bias.len()), (&[4, 8][..], 8));
/// # Ok::<(), nn_encrypted::run::RunError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct LayerState {
    /// Shape of the weights, the last index fastest: Linear `[inputs, outputs]`; Conv1d `[out channels, in channels, taps]`; Conv2d
    /// `[out channels, in channels, rows, columns]`.
    pub shape: Vec<usize>,
    /// Weights.
    pub weight: Vec<f64>,
    /// Biases.
    pub bias: Vec<f64>,
    /// Momenta of the weights; zeros where the recipe has no momentum.
    pub weight_momentum: Vec<f64>,
    /// Momenta of the biases.
    pub bias_momentum: Vec<f64>,
}

#[cfg(test)]
mod tests;

#[cfg(test)]
impl Model {
    /// The largest distance of two numbers of two models of one network.
    pub(crate) fn distance(&self, other: &Self) -> f64 {
        let all = |model: &Self| -> Vec<f64> {
            let layers = model.layers.iter();
            let numbers = layers.flat_map(|l| [&l.weight, &l.bias, &l.weight_momentum, &l.bias_momentum]);
            numbers.flatten().copied().collect()
        };
        let (a, b) = (all(self), all(other));
        assert_eq!(a.len(), b.len());
        a.iter().zip(&b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
    }
}
