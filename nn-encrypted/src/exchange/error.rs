//! Why a file of another program cannot be taken over.

/// Why a file of another program cannot be taken over.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExchangeError {
    /// The bytes are not what they should be: what is wrong.
    #[error("{0}")]
    Damaged(String),
    /// There is more than is read: of what.
    #[error("{0}")]
    Large(String),
    /// An operator that has no place in a network here.
    #[error("node `{node}` ({operator}): {what}")]
    Operator {
        /// The name of the node, or its number where it has none.
        node: String,
        /// The operator.
        operator: String,
        /// Why, and what would fit instead.
        what: String,
    },
    /// The network does not fit the recipe or the data: why.
    #[error("{0}")]
    Unfit(String),
}

he_core::debug_as_displayed!(ExchangeError);
