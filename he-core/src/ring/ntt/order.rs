//! The canonical order of the evaluation points: bit reversal, with every run of 64 values transposed as an 8
//! x 8 matrix.
//!
//! Output `p` of a transform is `a(psi^{e_p})` with `e_p = 2 * rev(s(p)) + 1`, where `rev` reverses the `log2
//! n` bits of an index and `s` exchanges bits 0..3 with bits 3..6 (and is the identity below `n = 128`). The
//! exchange is what a vector transform produces without undoing its last transposition. Serialized data is in
//! this order: it never changes.

/// The rows and columns of a transposed run.
pub(crate) const SIDE: usize = 8;

/// The length of a transposed run.
pub(crate) const RUN: usize = SIDE * SIDE;

/// The least transform length with transposed runs, and the least of the vector kernels.
pub(crate) const LEAST: usize = 2 * RUN;

/// The index with its `log_n` low bits reversed.
pub(crate) fn reverse_bits(index: usize, log_n: u32) -> usize {
    if log_n == 0 { 0 } else { index.reverse_bits() >> (usize::BITS - log_n) }
}

/// The position in bit-reversed order of what the canonical order has at `position`; an involution.
pub(crate) fn exchange(position: usize, n: usize) -> usize {
    if n < LEAST {
        return position;
    }
    let (row, column) = (position / SIDE % SIDE, position % SIDE);
    position - position % RUN + column * SIDE + row
}

/// The exponents `e_p`, odd and below `2n`, of a transform of length `n`, a power of two up to `2^30`.
pub(crate) fn evaluation_exponents(n: usize) -> Vec<u32> {
    assert!(n.is_power_of_two() && n <= 1 << 30, "a transform length is a power of two up to 2^30, not {n}");
    let log_n = n.trailing_zeros();
    (0..n).map(|p| 2 * reverse_bits(exchange(p, n), log_n) as u32 + 1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponents_are_all_odd_numbers_once() {
        for log_n in 3..=12 {
            let mut exponents = evaluation_exponents(1 << log_n);
            exponents.sort_unstable();
            assert!(exponents.iter().zip(0_u32..).all(|(&e, i)| e == 2 * i + 1));
        }
    }

    #[test]
    fn order_is_fixed() {
        assert_eq!(evaluation_exponents(8), [1, 9, 5, 13, 3, 11, 7, 15]);
        assert_eq!(evaluation_exponents(64)[..4], [1, 65, 33, 97]);
        // Serialized data depends on these values.
        assert_eq!(evaluation_exponents(128)[..10], [1, 17, 9, 25, 5, 21, 13, 29, 129, 145]);
    }

    #[test]
    fn exchange_is_an_involution() {
        for n in [8, 64, 128, 1024] {
            assert!((0..n).all(|p| exchange(exchange(p, n), n) == p));
        }
    }
}
