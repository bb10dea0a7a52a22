//! Passing between residue bases.
//!
//! For a basis with product `A = Π a_i` put `Â_i = A/a_i` and `y_i = [x·Â_i^{-1}]_{a_i}`. Then
//! `x = Σ y_i·Â_i − v·A` with `v = ⌊Σ y_i/a_i⌉` for the representative `|x| < A/2`
//! (Halevi, Polyakov, Shoup 2018, section 2.2). Without the term `v·A` the conversion is *approximate*: its result is
//! `x + u·A`, `0 ≤ u < k`, for the representative `x` in `[0, A)` (Bajard et al. 2016). `v` is computed in floating
//! point, hence right unless `|x|` lies within `A·k·2^{-50}` of `A/2`, where it may name `x ± A` instead: the error of a
//! rounding, never of a value that matters.
//!
//! *Dividing* `x` modulo `B·A` by `A` computes `(x − δ)/A` for the `δ ≡ x (mod A)` that is a multiple of a factor `f`:
//! `δ = f·[x·f^{-1}]_A`, so `|δ| ≤ f·A/2`. With `f = 1` it is a rounding division (CKKS's rescaling); with the plaintext
//! modulus `f = t` it keeps `x·A^{-1}` modulo `t` (BGV's modulus switching; Kim, Polyakov, Zucca 2021, section 4).

mod convert;
mod divide;
mod integers;

use num_bigint::BigUint;

use super::basis::Basis;
use crate::modulus::Modulus;

pub use convert::{BaseConverter, Prepared};
pub use divide::ExactDivider;
pub use integers::{scale_and_round, to_floats, to_integers, to_words};

/// Most limbs made together by one task.
const GROUP: usize = 4;

/// Limbs made together, of so many targets of conversions from so many primes: of a single prime there is nothing to share, and a
/// limb at a time stays in the cache; and every thread should have two tasks at least.
pub(crate) fn group_size(sources: usize, targets: usize) -> usize {
    if sources == 1 { 1 } else { (targets / (2 * rayon::current_num_threads())).clamp(1, GROUP) }
}

/// Product of the primes of a basis.
pub fn product(basis: &Basis) -> BigUint {
    basis.moduli().map(|q| BigUint::from(q.value())).product()
}

fn residue(value: &BigUint, q: &Modulus) -> u64 {
    (value % q.value()).to_u64_digits().first().copied().unwrap_or(0)
}

/// Inverse modulo a prime of the chain of a number that shares no factor with it.
fn inverse(value: u64, q: &Modulus) -> u64 {
    q.inv(q.reduce(value)).expect("primes of disjoint bases, and the plaintext modulus, are invertible")
}
