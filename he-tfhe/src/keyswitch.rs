//! Key switching from the long key to the short one, of many ciphertexts at once, modulo `2^32`.
//!
//! A mask is rounded to `b·L` bits and cut into balanced digits of `b` bits, `a_i ≈ Σ_j d_ij·2^{32−b(j+1)}`; with encryptions
//! `K_ij` of `s_i·2^{32−b(j+1)}` the result `(0, body) + Σ d_ij·K_ij` has the same phase. For a block of ciphertexts this is a
//! product of a matrix of digits with the key. All multiples of a key row by the few values of a digit, and for small digits
//! the sums for two or four rows, are put in a table that stays in the first cache (the method of four Russians), so that
//! each step of a ciphertext is one addition of vectors. For few ciphertexts the rows are sorted by digit instead.

use pulp::{Arch, Simd, WithSimd};

use crate::spec::Decomposition;
use crate::torus::round_to_bits;

/// Columns of the key in one block: a vector of AVX-512.
const WIDTH: usize = 16;
/// Values of the digits that index a table, at most.
const ENTRIES: usize = 16;
/// Ciphertexts for which larger tables do not pay.
const FEW: usize = 8;
/// Tables that are used together: 32 KiB.
const TILE: usize = 32;

type Block = [u32; WIDTH];

/// The key: rows `K_ij`, cut into blocks of columns.
pub(crate) struct KeySwitchKey {
    gadget: Decomposition,
    inputs: usize,
    /// `n + 1`.
    columns: usize,
    /// `[block][row]`.
    blocks: Vec<Block>,
}

impl KeySwitchKey {
    /// From `write(i, rows)`, which writes the `L` rows of `n + 1` values for input `i`.
    pub(crate) fn new(
        gadget: Decomposition,
        inputs: usize,
        n: usize,
        mut write: impl FnMut(usize, &mut [u32]),
    ) -> Self {
        let columns = n + 1;
        let rows = inputs * gadget.levels;
        let mut blocks = vec![[0; WIDTH]; columns.div_ceil(WIDTH) * rows];
        let mut buffer = vec![0; gadget.levels * columns];
        for i in 0..inputs {
            write(i, &mut buffer);
            for (j, row) in buffer.chunks_exact(columns).enumerate() {
                for (c, part) in row.chunks(WIDTH).enumerate() {
                    blocks[c * rows + i * gadget.levels + j][..part.len()].copy_from_slice(part);
                }
            }
        }
        Self { gadget, inputs, columns, blocks }
    }

    /// Bytes in memory.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&*self.blocks)
    }

    /// Digits that index one table: as many as four bits, if there are ciphertexts enough to use the sums.
    fn grouped(&self, ciphertexts: usize) -> usize {
        if ciphertexts < FEW { 1 } else { (4 / self.gadget.base_log as usize).max(1) }
    }

    /// The digits of a mask in groups: indices of tables, digits above `−2^{b−1}`.
    fn indices(&self, mask: &[u32], grouped: usize, out: &mut Vec<u8>) {
        let Decomposition { base_log, levels } = self.gadget;
        let total = base_log * levels as u32;
        let half = 1_u32 << (base_log - 1);
        let offset = (0..levels as u32).fold(0, |sum, j| sum | half << (j * base_log));
        let (mut index, mut filled) = (0, 0);
        for &a in mask {
            let rounded = round_to_bits(a, total).wrapping_add(offset);
            for j in (0..levels as u32).rev() {
                let digit = (rounded >> (j * base_log)) & (2 * half - 1);
                index |= digit << (filled * base_log);
                filled += 1;
                if filled as usize == grouped {
                    out.push(index as u8);
                    (index, filled) = (0, 0);
                }
            }
        }
        if filled > 0 {
            // The rows that are missing are taken as zero.
            out.push(index as u8);
        }
    }

    /// The ciphertexts `[mask…, body]` under the short key.
    pub(crate) fn switch(&self, inputs: &[&[u32]]) -> Vec<Vec<u32>> {
        let grouped = self.grouped(inputs.len());
        let lookups = (self.inputs * self.gadget.levels).div_ceil(grouped);
        let mut indices = Vec::with_capacity(lookups * inputs.len());
        inputs.iter().for_each(|input| self.indices(&input[..self.inputs], grouped, &mut indices));
        let mut sums = vec![[0; WIDTH]; inputs.len()];
        let mut out = vec![Vec::with_capacity(self.columns.next_multiple_of(WIDTH)); inputs.len()];
        let rows = self.inputs * self.gadget.levels;
        for key in self.blocks.chunks_exact(rows) {
            Arch::new().dispatch(Switch {
                base_log: self.gadget.base_log,
                grouped,
                rows: key,
                indices: &indices,
                lookups,
                sums: &mut sums,
            });
            for (out, sum) in out.iter_mut().zip(&mut sums) {
                out.extend_from_slice(sum);
                *sum = [0; WIDTH];
            }
        }
        for (out, input) in out.iter_mut().zip(inputs) {
            out.truncate(self.columns);
            out[self.columns - 1] = out[self.columns - 1].wrapping_add(input[self.inputs]);
        }
        out
    }
}

/// One block of columns.
struct Switch<'a> {
    base_log: u32,
    grouped: usize,
    rows: &'a [Block],
    indices: &'a [u8],
    lookups: usize,
    sums: &'a mut [Block],
}

impl WithSimd for Switch<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        if self.sums.len() < FEW {
            return self.by_buckets(simd);
        }
        let mut tables = vec![[[0; WIDTH]; ENTRIES]; TILE];
        let per = WIDTH / S::U32_LANES;
        let starts = (0..self.lookups).step_by(TILE);
        for (rows, start) in self.rows.chunks(TILE * self.grouped).zip(starts) {
            let count = rows.len().div_ceil(self.grouped);
            for (rows, table) in rows.chunks(self.grouped).zip(&mut tables) {
                fill(simd, self.base_log, rows, table);
            }
            let entries = S::as_simd_u32s(tables.as_flattened().as_flattened()).0;
            for (sum, indices) in self.sums.iter_mut().zip(self.indices.chunks_exact(self.lookups)) {
                let indices = &indices[start..start + count];
                for (part, sum) in S::as_mut_simd_u32s(sum).0.iter_mut().enumerate() {
                    let mut total = *sum;
                    for (table, &index) in entries.chunks_exact(ENTRIES * per).zip(indices) {
                        total = simd.add_u32s(total, table[usize::from(index) % ENTRIES * per + part]);
                    }
                    *sum = total;
                }
            }
        }
    }
}

impl Switch<'_> {
    /// For few ciphertexts: the rows with the same digit are summed, and multiplied by it at the end.
    #[inline(always)]
    fn by_buckets<S: Simd>(self, simd: S) {
        let values = 1_u32 << self.base_log;
        for (sum, indices) in self.sums.iter_mut().zip(self.indices.chunks_exact(self.lookups)) {
            let mut buckets = [[0; WIDTH]; ENTRIES];
            for (row, &index) in self.rows.iter().zip(indices) {
                add(simd, &mut buckets[usize::from(index) % ENTRIES], row);
            }
            for (value, bucket) in (0..values).zip(&buckets) {
                let digit = value.wrapping_sub(values / 2);
                sum.iter_mut().zip(bucket).for_each(|(x, &b)| *x = x.wrapping_add(b.wrapping_mul(digit)));
            }
        }
    }
}

/// All sums of multiples of the rows of one group, by index.
#[inline(always)]
fn fill<S: Simd>(simd: S, base_log: u32, rows: &[Block], table: &mut [Block; ENTRIES]) {
    let values = 1_usize << base_log;
    let mut size = 1;
    table[0] = [0; WIDTH];
    for row in rows {
        // The least digit of each row stands at index 0: −2^{b−1} times the row, by doubling.
        let mut least = *row;
        for _ in 1..base_log {
            let once = least;
            add(simd, &mut least, &once);
        }
        for entry in &mut table[..size] {
            sub(simd, entry, &least);
        }
        for index in size..values * size {
            table[index] = table[index - size];
            add(simd, &mut table[index], row);
        }
        size *= values;
    }
}

#[inline(always)]
fn add<S: Simd>(simd: S, a: &mut Block, b: &Block) {
    for (a, b) in S::as_mut_simd_u32s(a).0.iter_mut().zip(S::as_simd_u32s(b).0) {
        *a = simd.add_u32s(*a, *b);
    }
}

#[inline(always)]
fn sub<S: Simd>(simd: S, a: &mut Block, b: &Block) {
    for (a, b) in S::as_mut_simd_u32s(a).0.iter_mut().zip(S::as_simd_u32s(b).0) {
        *a = simd.sub_u32s(*a, *b);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use he_core::ring::sample::Prng;

    /// Digit by digit, row by row.
    fn naive(gadget: Decomposition, rows: &[Vec<u32>], mask: &[u32], body: u32) -> Vec<u32> {
        let columns = rows[0].len();
        let mut out = vec![0_u32; columns];
        out[columns - 1] = body;
        for (i, &a) in mask.iter().enumerate() {
            let total = gadget.base_log * gadget.levels as u32;
            let mut rest = i64::from(round_to_bits(a, total));
            for j in (0..gadget.levels).rev() {
                let base = 1_i64 << gadget.base_log;
                let digit = (rest + base / 2).rem_euclid(base) - base / 2;
                rest = (rest - digit) / base;
                for (x, &k) in out.iter_mut().zip(&rows[i * gadget.levels + j]) {
                    *x = x.wrapping_add(k.wrapping_mul(digit as u32));
                }
            }
        }
        out
    }

    #[test]
    fn blocks_are_switched_as_digit_by_digit() {
        let mut prng = Prng::from_seed(&[7; 32]);
        let mut word = || prng.next_u64() as u32;
        let shapes =
            [(1, 12, 40, 20), (2, 8, 37, 31), (2, 7, 5, 16), (3, 5, 70, 33), (4, 4, 64, 15), (4, 7, 3, 1)];
        for (base_log, levels, inputs, n) in shapes {
            let gadget = Decomposition { base_log, levels };
            let rows: Vec<Vec<u32>> =
                (0..inputs * levels).map(|_| (0..=n).map(|_| word()).collect()).collect();
            let key = KeySwitchKey::new(gadget, inputs, n, |i, out| {
                out.copy_from_slice(&rows[i * levels..][..levels].concat());
            });
            let extremes = [0, u32::MAX, 1 << 31, (1 << 31) - 1];
            for count in [1, FEW, 19] {
                let masks: Vec<Vec<u32>> = (0..count)
                    .map(|c| (0..=inputs).map(|i| if c == 0 { extremes[i % 4] } else { word() }).collect())
                    .collect();
                let views: Vec<&[u32]> = masks.iter().map(Vec::as_slice).collect();
                for (out, words) in key.switch(&views).iter().zip(&masks) {
                    assert_eq!(*out, naive(gadget, &rows, &words[..inputs], words[inputs]));
                }
            }
        }
    }
}
