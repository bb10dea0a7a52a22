//! The tables of a network, as integers.

use crate::activation::Function;
use crate::engine::tables::TableFunctions;
use crate::numbers::tables::{Index, TableNumbers, is_masked};
use crate::recipe::Loss;

/// The tables of the activation behind a hidden layer with weights, as integers.
pub(crate) struct HiddenValues {
    pub(crate) value: Vec<i64>,
    pub(super) slope: Vec<i64>,
    /// From the index of an error.
    pub(super) error: Vec<i64>,
    /// From that of its product with a derivative, where the derivative is no mask.
    pub(super) product: Option<(Index, Vec<i64>)>,
}

/// The tables of a network, as integers.
pub(crate) struct TableValues {
    pub(crate) hidden: Vec<HiddenValues>,
    /// Of the last pre-activations: the loss, and outputs for a classification.
    pub(super) last: [Vec<i64>; 2],
}

impl TableValues {
    /// Those of a network with an activation behind every layer with weights.
    pub(crate) fn new(functions: &TableFunctions, loss: Loss, numbers: &TableNumbers) -> Self {
        let all: Vec<&Function> = functions.activations.iter().chain(&functions.output).collect();
        let hidden = |function: &&Function| {
            let [value, slope] = numbers.exact_activation(function);
            let masked = is_masked(function);
            let product = || (numbers.product_index(function), numbers.exact_product(function));
            HiddenValues {
                value,
                slope,
                error: numbers.exact_error(masked),
                product: (!masked).then(product),
            }
        };
        let (last, before) =
            all.split_last().map_or((&Function::Sigmoid, &[][..]), |(last, all)| (*last, all));
        Self {
            hidden: before.iter().map(hidden).collect(),
            last: [numbers.exact_loss(last, loss), numbers.exact_output(last)],
        }
    }
}
