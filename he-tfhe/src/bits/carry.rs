//! Carries: few gates or few levels.
//!
//! The carry out of a position with bits `a`, `b` and carry `c` is `Majority(a, b, c)`, and so is that of several positions
//! together: of the position with `(a, b)` behind those with `(x, y)` it is the majority of `Majority(a, b, x)`,
//! `Majority(a, b, y)` and `c`. So a pair of bits determines the carries of a run of positions, and two pairs make one
//! at two gates; at one where both bits of the lower pair are the same, which they are once the carry into it is known.

use super::builder::Builder;
use super::wire::Wire;

/// How carries are computed: the fewest gates or the fewest levels. For a sum of `W` bits:
///
/// | | gates | levels |
/// |---|---|---|
/// | `Ripple` | `2W − 1` | `W` |
/// | `BrentKung` | about `4W` | `2·log2(W)` |
/// | `Sklansky` | about `W·(1 + log2(W))` | `log2(W) + 1` |
///
/// ```
/// use he_tfhe::bits::{Carry, Circuit};
/// let [ripple, full] = [Circuit::add(16, Carry::Ripple)?, Circuit::add(16, Carry::Sklansky)?];
/// assert!(ripple.gates() < full.gates() && full.depth() < ripple.depth());
/// # Ok::<(), he_tfhe::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Carry {
    /// One position after the other.
    Ripple,
    /// A sparse tree of prefixes (Brent, Kung 1982).
    BrentKung,
    /// A full tree of prefixes (Sklansky 1960).
    Sklansky,
}

impl Carry {
    /// All of them.
    pub const ALL: [Carry; 3] = [Carry::Ripple, Carry::BrentKung, Carry::Sklansky];
}

/// `combine(x_i, … combine(x_1, x_0))` for all `i`, with `combine(high, low)` associative.
pub(super) fn prefixes<T: Copy>(shape: Carry, items: &[T], combine: &mut impl FnMut(T, T) -> T) -> Vec<T> {
    match (shape, items) {
        (_, []) => Vec::new(),
        (_, [first]) => vec![*first],
        (Carry::Ripple, [first, rest @ ..]) => {
            let mut all = vec![*first];
            let mut last = *first;
            for &item in rest {
                last = combine(item, last);
                all.push(last);
            }
            all
        }
        (Carry::Sklansky, _) => {
            let (low, high) = items.split_at(items.len().next_power_of_two() / 2);
            let mut all = prefixes(shape, low, combine);
            let total = all[all.len() - 1];
            let high = prefixes(shape, high, combine);
            all.extend(high.into_iter().map(|item| combine(item, total)));
            all
        }
        (Carry::BrentKung, _) => {
            let pairs: Vec<T> =
                items.as_chunks::<2>().0.iter().map(|&[low, high]| combine(high, low)).collect();
            let odd = prefixes(shape, &pairs, combine);
            let between = |at: usize| if at == 0 { items[0] } else { combine(items[at], odd[at / 2 - 1]) };
            let even: Vec<T> = (0..items.len()).step_by(2).map(between).collect();
            (0..items.len()).map(|at| if at % 2 == 0 { even[at / 2] } else { odd[at / 2] }).collect()
        }
    }
}

/// The carries into the positions `0, …, n` of pairs of bits, that into position 0 given.
pub(super) fn carries(b: &mut Builder, pairs: &[(Wire, Wire)], first: Wire, shape: Carry) -> Vec<Wire> {
    let leaves: Vec<(Wire, Wire)> = std::iter::once((first, first)).chain(pairs.iter().copied()).collect();
    let combine = &mut |high: (Wire, Wire), low: (Wire, Wire)| {
        (b.majority(high.0, high.1, low.0), b.majority(high.0, high.1, low.1))
    };
    prefixes(shape, &leaves, combine).into_iter().map(|(carry, _)| carry).collect()
}

/// `Σ (x_i + y_i)·2^i + first`, as many bits and the carry out.
pub(super) fn sum(b: &mut Builder, pairs: &[(Wire, Wire)], first: Wire, shape: Carry) -> (Vec<Wire>, Wire) {
    let carries = carries(b, pairs, first, shape);
    let bits = pairs.iter().zip(&carries).map(|(&(x, y), &carry)| b.xor3(x, y, carry)).collect();
    (bits, carries[pairs.len()])
}

/// `x·(−1)^sign`, wrapped: `−x = ¬(x − 1)`, so the bits change behind the lowest 1.
pub(super) fn negate_if(b: &mut Builder, sign: Wire, integer: &[Wire], shape: Carry) -> Vec<Wire> {
    let pairs: Vec<(Wire, Wire)> = integer.iter().map(|&bit| (sign, bit)).collect();
    let seen = carries(b, &pairs, Wire::FALSE, shape);
    integer.iter().zip(seen).map(|(&bit, seen)| b.xor(bit, seen)).collect()
}
