//! A secret beside its bound.

use he_core::rlwe::Margin;
use he_core::rlwe::security::MIN_SIGMA;

/// A preset, or a recipe with settings, and what one of its secrets hides.
pub(super) struct Instance {
    pub(super) name: String,
    pub(super) margin: Margin,
}

impl Instance {
    /// What is wrong with it; nothing within the bounds.
    pub(super) fn fault(&self) -> Option<String> {
        let Margin { what, sigma, .. } = &self.margin;
        let bits = self.margin.bits();
        // What is no number is a fault too.
        if bits.is_nan() || bits < 0.0 {
            return Some(format!("{}: {what}: {:.2} bits beyond the bound", self.name, -bits));
        }
        // Deviations come out of logarithms.
        let narrow = sigma.is_nan() || *sigma < MIN_SIGMA * (1.0 - 1e-9);
        narrow.then(|| format!("{}: {what}: σ = {sigma} is below {MIN_SIGMA}", self.name))
    }

    /// Bits of security by proportion: 128 at the bound, and more with a smaller modulus or more noise.
    pub(super) fn bits(&self) -> f64 {
        128.0 * self.margin.cap / self.margin.found
    }
}
