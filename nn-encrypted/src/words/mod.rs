//! Training on words that a server computes with alone.
//!
//! Everything a network computes is said once, in [`Network`], by the operations of [`Arithmetic`], each on many words at a
//! time. What a word is and how it is added is the matter of an implementation: [`Plain`] integers, or ciphertexts. The
//! [`twin`] is another program for the same numbers.
//!
//! # The numbers
//! Words are integers of `W` bits in two's complement, `f` of them behind the point; everything wraps.
//! - `mul` by circuits is `⌊a·b / 2^f⌋`. By digits (base 4) it leaves out the lowest products: with `A`, `B` the words modulo
//!   `2^W`, `s_a`, `s_b` their signs and `t = max(0, f/2 - 2)` it is
//!   `⌊(Σ_{i+j >= t} A_i·B_j·4^(i+j) - 2^W·(s_a·B + s_b·A)) / 2^f⌋`.
//! - `shift_right` is `⌊a / 2^k⌋`.
//! - The sigmoid by tables reads the highest `p = min(W, 12)` bits: with `s = W - p` and `x' = ⌊x / 2^s⌋·2^s`, plus
//!   `2^(s-1)` if `s > 0`, it is `2^f·σ(x' / 2^f)` rounded half away from zero, and so is its derivative. By circuits the
//!   derivative is `mul(σ, 1 - σ)`.

mod arithmetic;
mod batch;
mod bits;
mod cipher;
mod clear;
mod digits;
mod message;
mod network;
mod plain;
mod plan;
mod roles;
mod table;
pub mod twin;

pub use self::arithmetic::{Arithmetic, Format, Pair, WordError};
pub use self::batch::Batch;
pub use self::bits::BitWords;
pub use self::cipher::Cipher;
pub use self::clear::WordClear;
pub use self::digits::DigitWords;
pub use self::network::{Layer, Network};
pub use self::plain::{Counts, Plain};
pub use self::plan::{Bound, WordPlan, WordPlanError};
pub use self::roles::{WordClient, WordRoleError, WordServer};

#[cfg(test)]
mod tests;
