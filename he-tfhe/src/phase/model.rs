//! The mod-switched phase in the clear.

use super::errors::PhaseErrors;
use crate::noise;
use crate::spec::Spec;

/// A model of the mod-switched phase: the position of a table, in a ring of dimension `N`, that a phase selects.
///
/// Positions are `0 … 2N − 1`. A table of `B` values on the half torus has boxes of `N/B` positions, centred at their
/// multiples; the other half of the torus has the negated values.
///
/// ```
/// use he_tfhe::{PhaseErrors, PhaseModel, Spec};
///
/// let model = PhaseModel::new(&Spec::approximate_table());
/// assert_eq!((model.log, model.boxes(1), model.boxes(2)), (12, 1024, 512));
/// // A quarter of the torus is the middle of the half torus: value 2 of 4; three quarters are its negative.
/// for (phase, entry) in [(1 << 30, (2, false)), (3 << 30, (2, true))] {
///     let position = model.position(phase, 0, &mut PhaseErrors::Exact);
///     assert_eq!(model.entry(position, 4), entry);
/// }
/// ```
#[doc(alias = "Reader")]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PhaseModel {
    /// `log2` of the positions on the torus, `2N`.
    pub log: u32,
    /// Deviation of a phase before it is rounded down, relative to the torus, for tables of one output and of two.
    pub deviations: [f64; 2],
}

impl PhaseModel {
    /// The model of a set of parameters, for inputs whose noise is small beside that of the switches.
    pub fn new(spec: &Spec) -> Self {
        let log = spec.polynomial_size.trailing_zeros() + 1;
        let deviation = |spare: u32| {
            let step = f64::from(spare).exp2() / f64::from(log).exp2();
            // The rounding of the body is not noise here.
            (noise::key_switch(spec) + noise::modulus_switch(spec, spare) - step * step / 12.0).sqrt()
        };
        Self { log, deviations: [deviation(0), deviation(1)] }
    }

    /// The most boxes on the half torus of a table of `outputs`: two positions each for one output.
    ///
    /// Without outputs there are none.
    pub fn boxes(&self, outputs: usize) -> usize {
        let positions = 1_usize.checked_shl(self.log.saturating_sub(2)).unwrap_or(0);
        positions.checked_div(outputs).unwrap_or(0)
    }

    /// The position that a phase, in units of `2^-32`, selects, in steps of `2^spare`; half a step is added before it is
    /// rounded down. Models are of tables with one output or two: `spare` is 0, or counts as 1.
    pub fn position(&self, phase: u32, spare: u32, errors: &mut PhaseErrors) -> u32 {
        let spare = spare.min(1);
        let step = self.log.clamp(2, 31) - spare;
        let noise = match errors {
            PhaseErrors::Recorded(positions) => return positions.pop_front().unwrap_or(0),
            PhaseErrors::Exact => 0,
            PhaseErrors::Sampled(draw) => {
                (draw() * self.deviations[spare as usize] * 32_f64.exp2()).round() as i32
            }
        };
        phase.wrapping_add(1 << (31 - step)).wrapping_add_signed(noise) >> (32 - step) << spare
    }

    /// The value of a table of `values`, 1 to `N` of them, that a position selects, and whether it is negated; other numbers
    /// count as the nearest of these.
    pub fn entry(&self, position: u32, values: usize) -> (usize, bool) {
        let n = 1_usize << (self.log.clamp(2, 31) - 1);
        let values = values.clamp(1, n);
        let width = n / values;
        let at = (position as usize + width / 2) / width % (2 * values);
        (at % values, at >= values)
    }
}
