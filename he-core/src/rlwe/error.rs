//! Errors that all schemes over RLWE share: operands that do not fit an operation.

use thiserror::Error;

use super::bound::Bound;

/// Reasons why an operation does not take its operands. Every message names what was there and what was needed.
#[derive(Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum OperandError {
    /// Objects of different parameters.
    #[error("{operation}: the {object} belongs to other parameters")]
    Foreign {
        /// The operation.
        operation: &'static str,
        /// The foreign object.
        object: &'static str,
    },
    /// A ciphertext of degree 2 where only degree 1 is taken.
    #[error("{operation}: the operand has degree {degree}, needed 1: relinearize it first")]
    Degree {
        /// The operation.
        operation: &'static str,
        /// Degree of the operand.
        degree: usize,
    },
    /// A level that is not there.
    #[error("{operation}: level {wanted} is needed, level {present} is there")]
    Level {
        /// The operation.
        operation: &'static str,
        /// Level needed.
        wanted: usize,
        /// Level that is there.
        present: usize,
    },
    /// Too few levels are left.
    #[error(
        "{operation}: it takes {needed} level(s), the operand has {present} left; refresh or bootstrap it before, or start from a longer chain"
    )]
    LevelsUsedUp {
        /// The operation.
        operation: &'static str,
        /// Levels it takes.
        needed: usize,
        /// Levels the operand has.
        present: usize,
    },
    /// No evaluation key fits.
    #[error(
        "{operation}: there is no {key} for level {level} among the evaluation keys; ask for it in the KeyRequest"
    )]
    MissingKey {
        /// The operation.
        operation: &'static str,
        /// The key.
        key: String,
        /// Level of the operand.
        level: usize,
    },
    /// An exponent that is no automorphism.
    #[error("X -> X^{g} is no automorphism: needed an odd exponent below {two_n}")]
    GaloisElement {
        /// The exponent.
        g: usize,
        /// Twice the ring dimension.
        two_n: usize,
    },
    /// Parameters without special primes.
    #[error("{operation}: the parameters have no special primes, needed at least one")]
    NoSpecialPrimes {
        /// The operation.
        operation: &'static str,
    },
    /// Too many values for one plaintext.
    #[error("{given} values do not fit in {capacity} places")]
    TooManyValues {
        /// Values given.
        given: usize,
        /// Places there are.
        capacity: usize,
    },
    /// A sum of slots whose number is no power of two, or that passes them.
    #[error(
        "a sum of {count} values {stride} apart: needed a power of two of them within {capacity} slots; put zeros behind the values and sum {next} of them", next = count.checked_next_power_of_two().unwrap_or(*count)
    )]
    InnerSum {
        /// Values to be summed.
        count: usize,
        /// Distance between them.
        stride: usize,
        /// Slots there are.
        capacity: usize,
    },
    /// A matrix that does not fit the slots.
    #[error(
        "a matrix of {rows} rows and {columns} columns does not fit: needed equal sides that divide {slots}"
    )]
    MatrixShape {
        /// Rows.
        rows: usize,
        /// Columns of the first row that is wrong, or of all.
        columns: usize,
        /// Slots.
        slots: usize,
    },
    /// A matrix and a vector that do not fit each other.
    #[error("{operation}: the matrix has {columns} columns, needed one for each of {operands} operands")]
    Columns {
        /// The operation.
        operation: &'static str,
        /// Columns of the matrix.
        columns: usize,
        /// Operands.
        operands: usize,
    },
    /// A sum or a product of nothing.
    #[error("{operation}: no operands")]
    NoOperands {
        /// The operation.
        operation: &'static str,
    },
    /// A result that the plaintext modulus may not tell from another.
    #[error(
        "{operation}: values may reach {bound}, above t/2 = {half} for t = {t}; state a smaller bound when they are encoded (Encoder::with_bound), take a larger t, or ask for arithmetic modulo t by name (Encoder::modular)"
    )]
    Wraps {
        /// The operation.
        operation: &'static str,
        /// Bound of the values of the result.
        bound: u64,
        /// The largest magnitude there is modulo `t`.
        half: u64,
        /// Plaintext modulus.
        t: u64,
    },
    /// Operands of which one is bounded in its slots and the other in its coefficients.
    #[error(
        "{operation}: one operand has {left}, the other {right}, and nothing bounds the result; encode both alike, or ask for arithmetic modulo t by name (Encoder::modular)"
    )]
    Places {
        /// The operation.
        operation: &'static str,
        /// The first bound.
        left: Bound,
        /// The second bound.
        right: Bound,
    },
}

crate::debug_as_displayed!(OperandError);
