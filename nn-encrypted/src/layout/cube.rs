//! Slots as a cube.

/// The axis that is on top: slowest in slot addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Order {
    /// `[b | P | Q]`: images.
    #[default]
    Images,
    /// `[P | b | Q]`: the inputs of even layers.
    Inputs,
}

/// An axis of the cube along which features lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// `x`.
    P,
    /// `z`.
    Q,
}

impl Side {
    pub(crate) fn other(self) -> Self {
        match self {
            Self::P => Self::Q,
            Self::Q => Self::P,
        }
    }

    /// Where the inputs of layer `l` lie.
    pub(crate) fn of_layer(l: usize) -> Self {
        if l.is_multiple_of(2) { Self::P } else { Self::Q }
    }
}

/// A movement of slots, for which an evaluation key is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rotation {
    /// To the left by so many slots; both rows where slots form two.
    Rows(usize),
    /// The two rows swapped.
    Swap,
}

/// Extents of the three axes; their product is the number of slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cube {
    /// The axis on top.
    pub order: Order,
    /// Images.
    pub b: usize,
    /// The axis of the inputs of even layers.
    pub p: usize,
    /// The axis of the inputs of odd layers.
    pub q: usize,
}

impl Cube {
    pub(crate) fn slots(&self) -> usize {
        self.b * self.p * self.q
    }

    /// Distance in slots between neighbours along `y`, `x`, `z`.
    pub(crate) fn strides(&self) -> (usize, usize, usize) {
        match self.order {
            Order::Images => (self.p * self.q, self.q, 1),
            Order::Inputs => (self.q, self.b * self.q, 1),
        }
    }

    pub(crate) fn extent(&self, side: Side) -> usize {
        match side {
            Side::P => self.p,
            Side::Q => self.q,
        }
    }

    /// Distance in slots between neighbours along a side.
    pub(crate) fn stride(&self, side: Side) -> usize {
        let (_, x, z) = self.strides();
        match side {
            Side::P => x,
            Side::Q => z,
        }
    }

    /// Rotate-and-adds that sum the first `count` along a side: as many as reach them, at most as many as it has.
    pub(crate) fn doublings(&self, side: Side, count: usize) -> u32 {
        count.clamp(1, self.extent(side)).next_power_of_two().trailing_zeros()
    }

    /// The rotations that sum the first `count` along a side, each added to what was rotated: right where the index along the
    /// side is 0 if the rest up to the next power of two is zero. Along the top of one cycle of slots the whole axis is summed, which
    /// is right at every index.
    pub(crate) fn side_sum(&self, side: Side, count: usize) -> Vec<Rotation> {
        let stride = self.stride(side);
        let count = if (self.order, side) == (Order::Inputs, Side::P) { self.p } else { count };
        (0..self.doublings(side, count)).map(|i| Rotation::Rows(stride << i)).collect()
    }

    /// The rotations that sum over all images of one residue modulo `class`, right everywhere: images on top, two rows.
    pub(crate) fn image_sum(&self, class: usize) -> Vec<Rotation> {
        let (half, stride) = (self.b / 2, self.strides().0);
        let rows = (class.trailing_zeros()..half.trailing_zeros()).map(|i| Rotation::Rows(stride << i));
        rows.chain([Rotation::Swap]).collect()
    }

    /// Slot of `(y, x, z)`.
    pub(crate) fn slot(&self, y: usize, x: usize, z: usize) -> usize {
        let (of_y, of_x, of_z) = self.strides();
        y * of_y + x * of_x + z * of_z
    }

    /// All cubes of so many slots whose `b` is at least 4.
    pub(crate) fn all(order: Order, slots: usize) -> Vec<Self> {
        let log = slots.trailing_zeros();
        let mut cubes = Vec::new();
        for log_p in 1..log {
            for log_q in 1..log.saturating_sub(log_p + 1) {
                cubes.push(Self { order, b: 1 << (log - log_p - log_q), p: 1 << log_p, q: 1 << log_q });
            }
        }
        cubes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_alternate() {
        assert_eq!((Side::of_layer(0), Side::of_layer(1)), (Side::P, Side::Q));
        assert_eq!((Side::P.other(), Side::Q.other()), (Side::Q, Side::P));
    }

    #[test]
    fn sums_reach_as_many_as_there_are() {
        let cube = Cube { order: Order::Images, b: 8, p: 4, q: 16 };
        assert_eq!(cube.side_sum(Side::Q, 5), [1, 2, 4].map(Rotation::Rows));
        assert_eq!(cube.side_sum(Side::P, 9), [16, 32].map(Rotation::Rows));
        assert_eq!(cube.side_sum(Side::P, 1), []);
        assert_eq!(cube.image_sum(2), [Rotation::Rows(128), Rotation::Swap]);
        assert_eq!(cube.image_sum(4), [Rotation::Swap]);
    }
}
