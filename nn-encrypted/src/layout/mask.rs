//! Masks: plaintexts that are constant on a set of slots and zero elsewhere, named rather than stored.

use super::Cube;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Images {
    /// All.
    All,
    /// Those of a residue modulo a divisor of their number.
    Class {
        /// The modulus.
        modulus: usize,
        /// The residue.
        residue: usize,
    },
    /// The first so many.
    First(usize),
    /// One.
    At(usize),
}

impl Images {
    /// The indices of the set among `count` images.
    pub(crate) fn indices(self, count: usize) -> impl Iterator<Item = usize> + Clone {
        let (from, to, step) = match self {
            Self::All => (0, count, 1),
            Self::Class { modulus, residue } => (residue, count, modulus.max(1)),
            Self::First(n) => (0, n.min(count), 1),
            Self::At(y) => (y, (y + 1).min(count), 1),
        };
        (from..to.max(from)).step_by(step)
    }
}

/// A set of slots and the value there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Mask<V> {
    /// Images.
    pub images: Images,
    /// Only this index along `P`.
    pub x: Option<usize>,
    /// Only this index along `Q`.
    pub z: Option<usize>,
    /// Only the slots of this set of the [`Sharing`](super::Sharing) of the layout.
    pub set: Option<usize>,
    /// The value.
    pub value: V,
}

impl<V> Mask<V> {
    /// A value on some images.
    pub(crate) fn on(images: Images, value: V) -> Self {
        Self { images, x: None, z: None, set: None, value }
    }
}

impl<V: Copy + Default> Mask<V> {
    /// The slot vector of a mask without a set.
    pub(crate) fn slots(&self, cube: &Cube) -> Vec<V> {
        let indices = |fixed: Option<usize>, extent: usize| fixed.map_or(0..extent, |i| i..i + 1);
        let mut out = vec![V::default(); cube.slots()];
        for y in self.images.indices(cube.b) {
            for x in indices(self.x, cube.p) {
                for z in indices(self.z, cube.q) {
                    out[cube.slot(y, x, z)] = self.value;
                }
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::super::Order;
    use super::*;

    #[test]
    fn a_mask_is_its_value_on_its_slots_alone() {
        let cube = Cube { order: Order::Images, b: 4, p: 2, q: 2 };
        let class = Images::Class { modulus: 2, residue: 1 };
        let mask = Mask { z: Some(1), ..Mask::on(class, 7) };
        assert_eq!(mask.slots(&cube), [0, 0, 0, 0, 0, 7, 0, 7, 0, 0, 0, 0, 0, 7, 0, 7]);
        let on = |images| Mask::on(images, 1).slots(&cube).iter().filter(|v| **v == 1).count();
        assert_eq!([Images::All, Images::First(3), Images::First(9), Images::At(2)].map(on), [16, 12, 16, 4]);
    }
}
