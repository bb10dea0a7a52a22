//! Why the twin cannot go on.

use crate::numbers::tables::TableError;
use crate::recipe::{LayerKind, RecipeError};

pub(super) type Result<T> = std::result::Result<T, TwinError>;

/// Why the twin cannot go on.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum TwinError {
    /// A number does not fit 63 bits.
    #[error("{tensor}: a value does not fit 63 bits; refresh more tensors or use fewer fractional bits")]
    Overflow {
        /// The tensor.
        tensor: String,
    },
    /// A number is infinite or not a number.
    #[error(
        "{tensor}: a value is not finite; a smaller `optimizer.learning_rate` or `optimizer.init_gain` is needed"
    )]
    NotFinite {
        /// The tensor.
        tensor: String,
    },
    /// A number is not one of those that an exact scheme has.
    #[error("{tensor}: {value} given; multiples of 2^-{bits} are needed")]
    Inexact {
        /// The tensor.
        tensor: String,
        /// The number.
        value: f64,
        /// Fractional bits of the numbers of the scheme.
        bits: u32,
    },
    /// Two shapes do not belong together.
    #[error("{what}: {found} given, {needed} needed")]
    Shape {
        /// The thing that has the shape.
        what: String,
        /// The extent there is.
        found: usize,
        /// The extent needed.
        needed: usize,
    },
    /// A field or a layer of the recipe cannot be used, or not with the numbers of its scheme.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// Numbers do not fit what lookup tables hold.
    #[error(transparent)]
    Tables(#[from] TableError),
}

impl TwinError {
    /// Refuses an extent that is not the one needed.
    pub(super) fn unless_equal(what: impl Into<String>, found: usize, needed: usize) -> Result<()> {
        if found == needed { Ok(()) } else { Err(Self::Shape { what: what.into(), found, needed }) }
    }

    /// A layer that cannot be computed.
    pub(super) fn layer(index: usize, kind: LayerKind, what: impl Into<String>) -> Self {
        RecipeError::Layer { index, kind: kind.to_string(), what: what.into() }.into()
    }
}

he_core::debug_as_displayed!(TwinError);
