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

    /// Whole bits of security by proportion: 128 at the bound, and more with a smaller modulus or more noise. None of a scheme that is
    /// broken.
    pub(super) fn bits(&self) -> Option<f64> {
        let Margin { found, cap, .. } = self.margin;
        (!self.is_broken()).then_some((128.0 * cap / found).floor())
    }

    /// Whether it is of YASHE, whose bound is that of an attack and gives nothing else.
    pub(super) fn is_broken(&self) -> bool {
        self.margin.secret.contains("NTRU")
    }
}
