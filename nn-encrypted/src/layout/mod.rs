//! Where the values of tensors stand in ciphertexts.
//!
//! - [`coefficients`]: polynomials whose products are those of matrices;
//! - [`blocks`]: slots, a block for each image;
//! - the cube, which the rest of this module is about.
//!
//! # The cube
//! How matrices lie in slots, so that the three products of a layer chain without transposes.
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

pub(crate) mod blocks;
pub(crate) mod coefficients;
pub(crate) mod columns;
pub(crate) mod cube;
pub(crate) mod geometry;
mod mask;
mod places;
mod sharing;
mod tiles;
mod weights;

pub(crate) use self::cube::{Cube, Order, Rotation, Side};
pub(crate) use self::geometry::Geometry;
pub(crate) use self::mask::{Images, Mask};
pub(crate) use self::places::{At, Places, Rows};
pub(crate) use self::sharing::Sharing;
pub(crate) use self::tiles::Tiles;
pub(crate) use self::weights::{Compact, WeightTiles};
