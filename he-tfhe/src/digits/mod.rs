//! Integers as vectors of digits.
//!
//! An integer of `W` bits is a little-endian vector of digits of `message_bits` bits each, 2 to 4, in two's complement. The
//! carry bits of a message, as many again, hold two digits side by side or a sum of digits: whatever a table can take at one
//! bootstrap. Additions of ciphertexts are free, so an operation is a circuit of sums and tables, and it costs
//!
//! * its *bootstraps*, about one per digit and table, and
//! * its *layers*: bootstraps that wait for one another. All bootstraps of one layer, over all integers of a slice, go to the
//!   evaluator in one call, which is why the operations of [`DigitEvaluator`] take slices.
//!
//! Bootstraps and layers of one integer with digits of 2 bits, as `cargo test --release -p he-tfhe --test digits -- --nocapture
//! documented` prints them; with carries by prefixes, and those that run from digit to digit in brackets:
//!
//! | | 8 bits | layers | 16 bits | layers |
//! |---|---|---|---|---|
//! | `add`, `sub`, `negate` | 9 (7) | 3 (4) | 23 (15) | 3 (8) |
//! | `mul` | 24 (22) | 4 (5) | 107 (95) | 6 (10) |
//! | `fixed_mul`, `f = W/2` | 45 (42) | 5 (6) | 178 (166) | 6 (11) |
//! | `eq` | 5 | 2 | 9 | 2 |
//! | `lt`, `le` | 5 | 2 | 11 | 3 |
//! | `select`, `relu` | 4 | 1 | 8 | 1 |
//! | `min`, `max` | 9 | 3 | 19 | 4 |
//! | `bitand`, `bitor`, `bitxor`, `rotate_left` | 4 | 1 | 8 | 1 |
//! | `shift_left_by` | 31 | 8 | 63 | 9 |
//! | `rotate_left_by` | 19 | 5 | 52 | 7 |
//! | `div_rem_unsigned` | 190 (166) | 21 (24) | 618 (498) | 39 (62) |
//! | `div_rem` | 245 (213) | 30 (35) | 745 (593) | 48 (81) |
//!
//! Comparisons give a [`Condition`], which has and, or, not of its own. Functions of one integer (sigmoid, exponential, reciprocal and any other) are wide tables, [`IntegerTable`].
//!
//! The circuits are written over a [`Backend`]. One computes with ciphertexts, the other, [`Simulation`], with plain integers;
//! it keeps account of noise and padding bit, and of the cost of an operation. [`clear`] has the functions that all
//! operations are tested against.

mod backend;
mod barrel;
mod bitwise;
mod carry;
mod choose;
pub mod clear;
mod columns;
mod compare;
mod condition;
mod divide;
mod evaluator;
mod function;
mod integer;
mod product;
mod shift;
mod simulation;
mod sum;

pub use backend::{Backend, Ciphertexts, Table};
pub use condition::{Condition, decrypt_conditions};
pub use evaluator::{Carries, DigitEvaluator};
pub use function::IntegerTable;
pub use integer::{
    Digits, decrypt, decrypt_reduced, decrypt_unsigned, encrypt, encrypt_seeded, encrypt_unsigned,
};
pub use simulation::{Plain, Simulation};
