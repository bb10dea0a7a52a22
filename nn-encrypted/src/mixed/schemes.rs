//! Which scheme computes which layer.
//!
//! Between a Linear and its activation values change the scheme, so that a layer may be moved by changing one word:
//!
//! - Linear in `bgv`: exact integers in coefficients, products of polynomials ([`super::linear`]);
//! - Linear in `ckks`: approximate numbers in slots;
//! - Linear in `tfhe`: words in digits, products by tables ([`crate::words`]), for tiny networks;
//! - activations in `tfhe`: tables.
//!
//! What cannot be is refused with its reason: *levels* (a function would take more products than a scheme has before a refresh),
//! *range* (values do not fit what a table reads), *layout* (values do not stand where a layer needs them).

use super::MixedPlanError;
use crate::recipe::{MixedLayerKind, MixedRecipe, Scheme};

/// The scheme of the Linear layers; activations are tables in TFHE.
///
/// # Errors
/// Names the first layer whose scheme cannot compute it, and why.
pub fn backend(recipe: &MixedRecipe) -> Result<Scheme, MixedPlanError> {
    let first = recipe.layers.first().map_or(Scheme::Bgv, |layer| layer.scheme);
    for (index, layer) in recipe.layers.iter().enumerate() {
        let kind = layer.kind;
        let refused =
            |reason, what: String| Err(MixedPlanError::Refused { layer: index + 1, kind, reason, what });
        let t = recipe.quantization.plaintext_bits;
        match (kind, layer.scheme) {
            (MixedLayerKind::Linear, scheme) if scheme != first => {
                let what = format!(
                    "weights in {scheme} after weights in {first}: gradients of all layers are refreshed together, which takes one scheme"
                );
                return refused("layout", what);
            }
            (MixedLayerKind::Linear, _) => {}
            (MixedLayerKind::ReLU | MixedLayerKind::Softmax, Scheme::Tfhe) if first == Scheme::Tfhe => {
                let what = format!("words in digits of TFHE have a table of the sigmoid only, not of {kind}");
                return refused("layout", what);
            }
            (_, Scheme::Tfhe) => {}
            (_, Scheme::Bgv) => {
                let what = format!(
                    "{kind} of integers modulo 2^{t} is a polynomial of about that degree, {t} products deep; BGV has 1 here: \"tfhe\" is needed"
                );
                return refused("levels", what);
            }
            (_, Scheme::Ckks) => {
                let what = format!(
                    "a polynomial as close to {kind} as a table of 9 bits is some 9 products deep; CKKS has 2 between refreshes here: \"tfhe\" is needed"
                );
                return refused("levels", what);
            }
        }
    }
    Ok(first)
}
