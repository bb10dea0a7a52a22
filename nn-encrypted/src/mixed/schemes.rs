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
            (MixedLayerKind::ReLU, Scheme::Tfhe) if first == Scheme::Tfhe => {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mixed::MixedPlan;
    use crate::recipe::AnyRecipe;

    fn plan(settings: &[&str]) -> Result<MixedPlan, MixedPlanError> {
        let settings: Vec<String> = settings.iter().map(ToString::to_string).collect();
        let AnyRecipe::Mixed(recipe) = AnyRecipe::load("glyph2020", &settings).unwrap() else {
            panic!("kind")
        };
        MixedPlan::insecure(&recipe, &[4, 3, 2])
    }

    /// A network of two layers with these schemes.
    fn schemes(words: [&str; 4]) -> String {
        let [a, b, c, d] = words;
        format!(
            "layers=[{{kind='Linear',out_features=3,scheme='{a}'}},{{kind='ReLU',scheme='{b}'}},{{kind='Linear',scheme='{c}'}},{{kind='Sigmoid',scheme='{d}'}}]"
        )
    }

    #[test]
    fn what_cannot_be_is_refused_for_its_reason() {
        let small = "optimizer.batch_size=4";
        assert!(plan(&[&schemes(["bgv", "tfhe", "bgv", "tfhe"]), small]).is_ok());
        let table = [
            (schemes(["bgv", "ckks", "bgv", "tfhe"]), small, "layer 2 (ReLU): levels: a polynomial"),
            (schemes(["bgv", "tfhe", "bgv", "bgv"]), small, "layer 4 (Sigmoid): levels: Sigmoid of integers"),
            (schemes(["bgv", "tfhe", "ckks", "tfhe"]), small, "layer 3 (Linear): layout: weights in ckks"),
            (schemes(["tfhe", "tfhe", "tfhe", "tfhe"]), small, "layer 2 (ReLU): layout: words in digits"),
            (
                schemes(["bgv", "tfhe", "bgv", "tfhe"]),
                "quantization.plaintext_bits=22",
                "layer 4 (Sigmoid): range: bounds.output is 32; tables read less than 2.000",
            ),
            (
                schemes(["bgv", "tfhe", "bgv", "tfhe"]),
                "quantization.bounds.error=9",
                "layer 2 (ReLU): range: bounds.error is 9; tables read less than 4.000",
            ),
        ];
        for (layers, setting, expected) in table {
            let found = plan(&[&layers, setting]).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(
                found.starts_with(expected),
                "{layers} {setting}\n  found    {found}\n  expected {expected}"
            );
        }
    }
}
