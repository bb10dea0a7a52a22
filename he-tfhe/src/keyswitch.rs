//! Key switching from the long key to the short one, of many ciphertexts at once, modulo `2^32`.
//!
//! A mask is rounded to `b·L` bits and cut into balanced digits of `b` bits, `a_i ≈ Σ_j d_ij·2^{32−b(j+1)}`; with encryptions
//! `K_ij` of `s_i·2^{32−b(j+1)}` the result `(0, body) + Σ d_ij·K_ij` has the same phase. For a block of ciphertexts this is a
//! product of a matrix of digits with the key. All multiples of a key row by the few values of a digit, and for small digits
//! the sums for two or four rows, are put in a table that stays in the first cache (the method of four Russians), so that
//! each step of a ciphertext is one addition of vectors.

use pulp::{Arch, Simd, WithSimd};

use crate::lwe::LweCiphertext;
use crate::params::Decomposition;
use crate::torus::round_to_bits;

/// Columns of the key in one block: a vector of AVX-512.
const WIDTH: usize = 16;
/// Values of the digits that index a table, at most.
const ENTRIES: usize = 16;
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
    /// From `write(i, rows)`, which writes the `L` rows of `n + 1` words for input `i`.
    pub(crate) fn new(gadget: Decomposition, inputs: usize, n: usize, mut write: impl FnMut(usize, &mut [u32])) -> Self {
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

    /// Digits that index one table.
    fn grouped(&self) -> usize {
        (4 / self.gadget.base_log as usize).max(1)
    }

    /// The digits of a mask in groups: indices of tables, digits above `−2^{b−1}`.
    fn indices(&self, mask: &[u32], out: &mut Vec<u8>) {
        let Decomposition { base_log, levels } = self.gadget;
        let total = base_log * levels as u32;
        let half = 1_u32 << (base_log - 1);
        let offset = (0..levels as u32).fold(0, |sum, j| sum | half << (j * base_log));
        let start = out.len();
        let (mut index, mut filled) = (0, 0);
        for &a in mask {
            let rounded = round_to_bits(a, total).wrapping_add(offset);
            for j in (0..levels as u32).rev() {
                let digit = (rounded >> (j * base_log)) & (2 * half - 1);
                index |= digit << (filled * base_log);
                filled += 1;
                if filled as usize == self.grouped() {
                    out.push(index as u8);
                    (index, filled) = (0, 0);
                }
            }
        }
        if filled > 0 {
            // The rows that are missing are taken as zero.
            out.push(index as u8);
        }
        debug_assert_eq!(out.len() - start, (mask.len() * levels).div_ceil(self.grouped()));
    }

    /// The ciphertexts under the short key, `[mask…, body]`.
    pub(crate) fn switch(&self, inputs: &[&LweCiphertext]) -> Vec<Vec<u32>> {
        let lookups = (self.inputs * self.gadget.levels).div_ceil(self.grouped());
        let mut indices = Vec::with_capacity(lookups * inputs.len());
        inputs.iter().for_each(|input| self.indices(input.mask(), &mut indices));
        let mut sums = vec![[0; WIDTH]; inputs.len()];
        let mut out = vec![Vec::with_capacity(self.columns.next_multiple_of(WIDTH)); inputs.len()];
        let rows = self.inputs * self.gadget.levels;
        for key in self.blocks.chunks_exact(rows) {
            Arch::new().dispatch(Switch { key: self, rows: key, indices: &indices, lookups, sums: &mut sums });
            for (out, sum) in out.iter_mut().zip(&mut sums) {
                out.extend_from_slice(sum);
                *sum = [0; WIDTH];
            }
        }
        for (out, input) in out.iter_mut().zip(inputs) {
            out.truncate(self.columns);
            out[self.columns - 1] = out[self.columns - 1].wrapping_add(input.body());
        }
        out
    }

    /// All sums of multiples of the rows of one group, by index.
    #[inline(always)]
    fn fill(&self, rows: &[Block], table: &mut [Block; ENTRIES]) {
        let values = 1_usize << self.gadget.base_log;
        let mut size = 1;
        table[0] = [0; WIDTH];
        for row in rows {
            let least = row.map(|x| x.wrapping_mul((values as u32 / 2).wrapping_neg()));
            for entry in &mut table[..size] {
                add(entry, &least);
            }
            for value in 1..values {
                for index in 0..size {
                    let mut entry = table[(value - 1) * size + index];
                    add(&mut entry, row);
                    table[value * size + index] = entry;
                }
            }
            size *= values;
        }
    }
}

#[inline(always)]
fn add(a: &mut Block, b: &Block) {
    for (a, b) in a.iter_mut().zip(b) {
        *a = a.wrapping_add(*b);
    }
}

/// One block of columns.
struct Switch<'a> {
    key: &'a KeySwitchKey,
    rows: &'a [Block],
    indices: &'a [u8],
    lookups: usize,
    sums: &'a mut [Block],
}

impl WithSimd for Switch<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let grouped = self.key.grouped();
        let mut tables = vec![[[0; WIDTH]; ENTRIES]; TILE];
        let starts = (0..self.lookups).step_by(TILE);
        for (rows, start) in self.rows.chunks(TILE * grouped).zip(starts) {
            let count = rows.len().div_ceil(grouped);
            for (rows, table) in rows.chunks(grouped).zip(&mut tables) {
                self.key.fill(rows, table);
            }
            for (sum, indices) in self.sums.iter_mut().zip(self.indices.chunks_exact(self.lookups)) {
                let indices = &indices[start..start + count];
                for (part, sum) in S::as_mut_simd_u32s(sum).0.iter_mut().enumerate() {
                    let mut total = *sum;
                    for (table, &index) in tables.iter().zip(indices) {
                        let entry = S::as_simd_u32s(&table[usize::from(index) % ENTRIES]).0;
                        total = simd.add_u32s(total, entry[part]);
                    }
                    *sum = total;
                }
            }
        }
    }
}
