//! Maps that come from elsewhere, or go there.

use super::Scale;
use crate::data::Normalization;

impl Scale {
    /// Offset, divisor and center of each feature, `(raw − offset)/divisor − center`, where that is all that is done to it.
    pub(crate) fn maps(&self) -> Option<&[(f64, f64, f64)]> {
        let plain = self.lower.is_empty() && self.rule.roots() == 0 && !self.pixels;
        plain.then_some(&self.maps[..])
    }

    /// A normalization with given maps `(raw − offset)/divisor`, of features that have been within these ranges.
    pub(crate) fn mapped_by(maps: Vec<(f64, f64, f64)>, ranges: Vec<[f64; 2]>, fraction_bits: u32) -> Self {
        let means = ranges.iter().map(|[low, high]| low / 2.0 + high / 2.0).collect();
        let rule = Normalization::MinMax { limit: 1.0 };
        Self { rule, fraction_bits, means, ranges, pixels: false, maps, lower: vec![] }
    }
}
