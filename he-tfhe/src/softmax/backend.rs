//! The operations that the circuit is written over.

use crate::phase::PhaseModel;

/// Points of the torus that can be combined and looked up.
///
/// ```
/// use he_tfhe::softmax::{Backend, Simulation};
/// use he_tfhe::{PhaseErrors, PhaseModel, Spec};
///
/// let backend = Simulation::new(PhaseModel::new(&Spec::approximate_table()), PhaseErrors::Exact);
/// let Ok(sum) = backend.linear_combination(&[(3, &100), (-1, &50)], 7);
/// assert_eq!(sum, 257);
/// // Two boxes on the half torus: the lower quarter, and the next.
/// let Ok(found) = backend.look_up(&[1 << 30, 3 << 30], &[vec![10, 20]]);
/// assert_eq!(found, [[20], [20_u32.wrapping_neg()]]);
/// ```
pub trait Backend {
    /// A point of the torus.
    type Value: Clone;
    /// The reason why an operation is refused.
    type Error;

    /// The model of the mod-switched phases of the lookups.
    fn model(&self) -> &PhaseModel;

    /// `Σ c_i·x_i` and a constant, in units of `2^-32`.
    ///
    /// # Errors
    /// If the values do not belong together.
    fn linear_combination(
        &self,
        terms: &[(i32, &Self::Value)],
        constant: u32,
    ) -> Result<Self::Value, Self::Error>;

    /// For each input the outputs of a table with these values on the half torus, one vector for each output.
    ///
    /// # Errors
    /// If an input does not belong to the table.
    fn look_up(
        &self,
        inputs: &[Self::Value],
        values: &[Vec<u32>],
    ) -> Result<Vec<Vec<Self::Value>>, Self::Error>;
}
