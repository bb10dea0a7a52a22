//! Integers as vectors of encrypted bits, in two's complement: all operations by gates, one bootstrap each.
//!
//! [`encrypt`] makes integers ([`Bits`]), [`BitEvaluator`] computes on slices of them, [`decrypt`] decrypts them. Every
//! operation is a [`Circuit`] of gates first: a pure value, that counts its gates and levels, and can be evaluated in the
//! clear. Constants fold away, those of an operand by [`Circuit::bind`], and equal gates are built once. A circuit runs level
//! by level, all gates of a level and all integers of a slice in one batch, and forgets a bit when nothing needs it any more.
//! Carries are computed with few gates or with few levels ([`Carry`]); [`BitEvaluator`] takes what is faster for the number of
//! integers. Everything wraps modulo `2^W`, at any width `W` from 1 to 64 unless an operation says less.
//!
//! Parameters must allow a squared norm of 4, as those for gates do.
//!
//! # Fixed point
//!
//! `x` stands for `x/2^f`. The sigmoid is computed as in t-BMPNet (Yoo, Yoon 2021), by sums, negations, an exponential and a
//! division on bits, without a polynomial. It is the integer function that follows, and [`clear`] has it in plain arithmetic.
//! All roundings are written down; `[·]` rounds to the nearest integer.
//!
//! **Exponential.** `E(y) ≈ 2^p·e^{−y/2^f}`, with `p = f + 3`, of an integer `0 ≤ y < 2^W` with bits `y_i` of weights
//! `w_i = 2^{i−f}`:
//!
//! 1. If `y_i = 1` for a bit with `[2^p·e^{−w_i}] = 0`, then `E = 0`.
//! 2. Of the other bits the five highest (all, if there are fewer) make `h = Σ y_i·w_i`, and
//!    `E ← min(2^p − 1, [2^p·e^{−h}])`.
//! 3. For each further bit with `2(f − i) ≤ p`, the highest first: `E ← E − y_i·Σ_k d_k·⌊E/2^{p−k}⌋`, where
//!    `Σ_k d_k·2^k = [2^p·(1 − e^{−w_i})]` with `d_k` in `−1, 0, 1`, no two neighbours other than 0.
//! 4. For all bits with `2(f − i) > p` together, for which `e^{−w_i} ≈ 1 − w_i`: `E ← E − Σ_i y_i·⌊E/2^{f−i}⌋`.
//!
//! `exp_neg(y) = ⌊(E(y) + 4)/8⌋`, in `0..=2^f`.
//!
//! **Sigmoid.** `e = ⌊E(|x|)/4⌋`, with `f + 1` bits behind the point, and `z = ⌊2^f·e/(2^{f+1} + e)⌋ < 2^{f−1}`:
//!
//! ```text
//! sigmoid(x) = z               for x < 0
//!              2^f − 1 − z     for x ≥ 0
//! ```
//!
//! It is in `0..2^f`, and `sigmoid(0) = 2^{f−1}`. At 16 bits it is within 1.6 units of `2^{−f}` of the exact sigmoid for
//! `f = 10, 11, 12` and every `x`.
//!
//! **Reciprocal.** `⌊2^{2f}/|x|⌋`, at most `2^{W−1} − 1`, with the sign of `x`; `2^{W−1} − 1` for 0.

mod bind;
mod bitwise;
mod builder;
mod carry;
mod choose;
mod circuit;
pub mod clear;
mod compare;
mod exponential;
mod integer;
mod operations;
mod product;
mod quotient;
mod run;
mod shift;
mod sigmoid;
mod sum;
mod width;
mod wire;

pub use carry::Carry;
pub use circuit::Circuit;
pub use integer::{
    Bits, decrypt, decrypt_reduced, decrypt_unsigned, encrypt, encrypt_seeded, encrypt_unsigned,
};
pub use run::BitEvaluator;
pub use width::MAX_WIDTH;
