//! Masks: plaintexts that are constant on a set of slots and zero elsewhere, named rather than stored.

use super::{Cube, Side};

/// A set of slots and the value there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Mask {
    /// `y ≡ residue (mod modulus)`, as `(modulus, residue)`.
    pub class: (usize, usize),
    /// Only where the index along this side is 0.
    pub at_zero: Option<Side>,
    /// The value.
    pub value: i64,
}

impl Mask {
    /// The slot vector.
    pub fn slots(&self, cube: &Cube) -> Vec<i64> {
        let mut out = vec![0; cube.slots()];
        for y in (self.class.1..cube.b).step_by(self.class.0) {
            for x in 0..if self.at_zero == Some(Side::P) { 1 } else { cube.p } {
                for z in 0..if self.at_zero == Some(Side::Q) { 1 } else { cube.q } {
                    out[cube.slot(y, x, z)] = self.value;
                }
            }
        }
        out
    }
}
