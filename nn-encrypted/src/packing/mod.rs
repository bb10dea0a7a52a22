//! The cube: how matrices lie in slots, so that the three products of a layer chain without transposes.
//!
//! The slots get three axes, slot address `(y, x, z) = (y·P + x)·Q + z`: `y` runs over `b` images, `x` over `P`, `z` over
//! `Q`, all powers of two, `b·P·Q` = number of slots. What does not fit an axis goes on in further ciphertexts, *tiles*.
//! Inputs of the layers 0, 2, … lie along `P`, those of the layers 1, 3, … along `Q`:
//!
//! * `P`-type `M`, tile `(t, i)`: slot `(y, x, z)` holds `M[t·b + y, i·P + x]` for every `z`;
//! * `Q`-type `M`, tile `(t, j)`: slot `(y, x, z)` holds `M[t·b + y, j·Q + z]` for every `x`;
//! * a weight matrix is indexed (P side, Q side), tile `(i, j)`: `W[i·P + x, j·Q + z]` for every `y`.
//!
//! With `A` of P-type, `Z = A·W` is `Σ_x Σ_i A[t][i]·W[i][j]`: products, a sum of tiles, and a sum along `x`, right where
//! `x = 0`. The error is the sum along the other axis with the same tiles, the gradient the sum along `y`: it lands in
//! the slots of `W`.
//!
//! **Compact weights.** Expanded weights repeat each value `b` times. They are kept *compact*: tile `m` of a group of `M`
//! at the slots with `y ≡ m (mod M)`. With `rot(C, r)[y] = C[y + r]`:
//!
//! * expand: `tile_m = Σ_{r<M} [y ≡ m − r (mod M)]·rot(C, r)`;
//! * collect: `C = Σ_{r<M} rot(t_r, r)`, `t_r = Σ_m [y ≡ m + r (mod M)]·G_m`, then a sum over the `b/M` repetitions.
//!
//! Both cost `M − 1` rotations for all tiles together, whatever the batch. The slots form two rows (BGV); `b` is the top
//! axis, so the top bit of `y` is the row, and shifts by `r < M ≤ b/2` stay within a row.
//!
//! **The other order.** Where slots form one cycle (CKKS) `P` is on top, slot address `(x, y, z) = (x·b + y)·Q + z`: a sum
//! over the top axis is right at every index of it, without a mask, and `P` is the axis of two of the four sums over
//! features of two layers. Tile `m` of a compact group then stands at `y = m·b/M` alone.

mod masks;
mod matrix;

pub use masks::Mask;
pub use matrix::{Side, Tiles, WeightTiles};

use serde::{Deserialize, Serialize};

/// Which axis is on top.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Order {
    /// `[b | P | Q]`: images.
    #[default]
    Images,
    /// `[P | b | Q]`: the inputs of even layers.
    Inputs,
}

/// Extents of the three axes; their product is the number of slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Cube {
    /// The axis on top.
    #[serde(default)]
    pub order: Order,
    /// Images.
    pub b: usize,
    /// The axis of the inputs of even layers.
    pub p: usize,
    /// The axis of the inputs of odd layers.
    pub q: usize,
}

impl Cube {
    /// Number of slots.
    pub fn slots(&self) -> usize {
        self.b * self.p * self.q
    }

    /// Distance in slots between neighbours along `y`, `x`, `z`.
    pub fn strides(&self) -> (usize, usize, usize) {
        match self.order {
            Order::Images => (self.p * self.q, self.q, 1),
            Order::Inputs => (self.q, self.b * self.q, 1),
        }
    }

    /// Extent of a side.
    pub fn extent(&self, side: Side) -> usize {
        match side {
            Side::P => self.p,
            Side::Q => self.q,
        }
    }

    /// Distance in slots between neighbours along a side.
    pub fn stride(&self, side: Side) -> usize {
        let (_, x, z) = self.strides();
        match side {
            Side::P => x,
            Side::Q => z,
        }
    }

    /// Rotate-and-adds that sum the first `count` along a side: as many as reach them, at most as many as it has.
    pub fn doublings(&self, side: Side, count: usize) -> u32 {
        count.clamp(1, self.extent(side)).next_power_of_two().trailing_zeros()
    }

    /// Slot of `(y, x, z)`.
    pub fn slot(&self, y: usize, x: usize, z: usize) -> usize {
        let (of_y, of_x, of_z) = self.strides();
        y * of_y + x * of_x + z * of_z
    }

    /// All cubes of so many slots whose `b` is at least 4.
    pub fn all(order: Order, slots: usize) -> Vec<Self> {
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

/// Tiles of a compact group: how many tiles share a ciphertext, and in how many groups the tiles lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compact {
    /// Tiles in all.
    pub tiles: usize,
    /// Tiles in one ciphertext, `M`: a power of two, at most `b`, or `b/2` where images are on top.
    pub group: usize,
}

impl Compact {
    /// As few ciphertexts as the cube allows, each with as few places as that takes.
    pub fn new(cube: &Cube, tiles: usize) -> Self {
        let most = match cube.order {
            Order::Images => cube.b / 2,
            Order::Inputs => cube.b,
        };
        Self { tiles, group: tiles.next_power_of_two().min(most) }
    }

    /// The images at which tile `m` of a group stands.
    pub fn rows(&self, cube: &Cube, m: usize) -> impl Iterator<Item = usize> + use<> {
        match cube.order {
            Order::Images => (m..cube.b).step_by(self.group),
            Order::Inputs => (m * (cube.b / self.group)..m * (cube.b / self.group) + 1).step_by(1),
        }
    }

    /// Number of ciphertexts.
    pub fn ciphertexts(&self) -> usize {
        self.tiles.div_ceil(self.group)
    }

    /// Tiles in ciphertext `g`.
    pub fn tiles_in(&self, g: usize) -> usize {
        (self.tiles - g * self.group).min(self.group)
    }
}
