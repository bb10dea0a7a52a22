//! Why there is no plan.

/// Why a recipe cannot be planned. Layers are counted from 1, as the recipe has them.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// A layer cannot be computed where the recipe puts it.
    #[error("layer {layer} ({kind}): {reason}: {what}")]
    Refused {
        /// The layer.
        layer: usize,
        /// Its kind.
        kind: String,
        /// The shortage.
        reason: Reason,
        /// Available and needed, in numbers.
        what: String,
        /// The number needed.
        needed: f64,
        /// The number there is.
        available: f64,
    },
    /// A field has a value the planner has no parameters for.
    #[error("{field}: {what}")]
    Field {
        /// Its path.
        field: String,
        /// Found and needed.
        what: String,
    },
    /// The recipe breaks its rules.
    #[error(transparent)]
    Recipe(#[from] crate::recipe::RecipeError),
    /// A scheme refused the parameters.
    #[error(transparent)]
    Scheme(Box<dyn std::error::Error + Send + Sync>),
    /// A step cannot be rehearsed.
    #[error(transparent)]
    Rehearsal(#[from] crate::engine::EngineError),
}

impl PlanError {
    /// A layer, by its place and kind, that cannot be computed where the recipe puts it; what is needed, and what there is.
    pub(crate) fn refused(
        (layer, kind): (usize, String),
        reason: Reason,
        what: String,
        [needed, available]: [f64; 2],
    ) -> Self {
        Self::Refused { layer, kind, reason, what, needed, available }
    }

    pub(crate) fn field(field: &str, what: impl Into<String>) -> Self {
        Self::Field { field: field.to_owned(), what: what.into() }
    }
}

/// The shortage of a scheme.
///
/// ```
/// use nn_encrypted::plan::Reason;
///
/// assert_eq!(Reason::Levels.to_string(), "levels");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// Products one after another before a refresh.
    Levels,
    /// Values between two refreshes.
    Range,
    /// Places of values.
    Layout,
    /// Memory.
    Memory,
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Levels => "levels",
            Self::Range => "range",
            Self::Layout => "layout",
            Self::Memory => "memory",
        })
    }
}

/// A result of a planner.
pub(crate) type Result<T, E = PlanError> = std::result::Result<T, E>;

he_core::debug_as_displayed!(PlanError);
