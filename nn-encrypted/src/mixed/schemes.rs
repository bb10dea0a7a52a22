//! Which scheme may compute which layer.

use super::MixedPlanError;
use crate::recipe::{MixedLayerKind, MixedRecipe, Scheme};

/// Refuses what training cannot do.
///
/// # Errors
/// Names the first layer whose scheme cannot compute it, and why.
pub(super) fn check(recipe: &MixedRecipe) -> Result<(), MixedPlanError> {
    for (index, layer) in recipe.layers.iter().enumerate() {
        let refused = |reason, what: &str| {
            Err(MixedPlanError::Refused { layer: index + 1, kind: layer.kind, reason, what: what.into() })
        };
        match (layer.kind, layer.scheme) {
            (MixedLayerKind::Linear, Scheme::Bgv) => {}
            (MixedLayerKind::Linear, _) => return refused("levels", "x"),
            (_, Scheme::Tfhe) => {}
            (_, _) => return refused("levels", "todo"),
        }
    }
    Ok(())
}
