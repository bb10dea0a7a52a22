//! Products of a matrix of small integers and slices of residues with the 16-bit multiply-add of AVX2.
//!
//! A residue `x < 2^60` is four pieces of 15 bits. One instruction multiplies a piece of two operands by their two weights, adds both, in
//! eight words at once: `w_i·x_i + w_{i+1}·x_{i+1}` in 32 bits. While `columns·max|w|` is below `2^16` the sums `s_p` of all pieces stay
//! below `2^31`, and nothing is reduced before the end, where
//!
//! `out = (s_3·2^15 + s_2)·2^30 + (s_1·2^15 + s_0) mod q`
//!
//! is one product and one sum of floats below `2^47`, exact for `q < 2^50` (see `lane`).

use std::array::from_fn;
use std::ops::Range;

use pulp::bytemuck::cast;
use pulp::x86::V3;
use pulp::{NullaryFnOnce, f64x4, u64x4};

use super::lane::{Lanes, balanced};
use crate::modulus::Modulus;
use crate::ring::integer_matrix::IntegerMatrix;

/// Bits of a piece.
const BITS: u32 = 15;
/// The first piece of a word.
const MASK: u64 = (1 << BITS) - 1;
/// Pieces of a word, two of which are summed side by side.
const PIECES: usize = 4;
/// Words in a vector.
const LANES: usize = 8;
/// Rows that are summed side by side.
const ROWS: usize = 4;
/// Words of all operands that are copied to one place, at most, but for very many operands.
const PACKED: usize = 1 << 14;
/// Words of an operand in a section, at most.
const SECTION: usize = 64;

/// Pieces of eight words of two operands, one above the other.
type Pieces = [u32; LANES];
/// Sums of all pieces of eight words.
type Sums = [[i32; LANES]; PIECES];

/// The instructions, where the machine has them and they are right for the modulus and the weights.
pub(super) fn instructions(m: &Modulus, weights: &IntegerMatrix) -> Option<V3> {
    let fits = m.fits_fma() && weights.columns() as u128 * u128::from(weights.magnitude()) < 1 << 16;
    V3::try_new().filter(|_| fits)
}

/// `out_o = Σ_i w_oi·x_i mod q`; the slices are as many as rows and columns, all of one length.
pub(super) fn matrix_product(
    simd: V3,
    m: &Modulus,
    out: &mut [&mut [u64]],
    weights: &IntegerMatrix,
    x: &[&[u64]],
) {
    let pairs = x.len().div_ceil(2);
    let tiles = tiles(weights);
    let width = (PACKED / x.len()).clamp(1, SECTION).next_multiple_of(LANES);
    let length = out.first().map_or(0, |out| out.len());
    let mut packed = vec![[[0; LANES]; PIECES]; pairs * (width / LANES)];
    for first in (0..length).step_by(width) {
        let last = length.min(first + width);
        simd.vectorize(Packing { packed: &mut packed, x, words: first..last });
        let packed = &packed[..(last - first).div_ceil(LANES) * pairs];
        let mut out: Vec<&mut [u64]> = out.iter_mut().map(|out| &mut out[first..last]).collect();
        simd.vectorize(Section { simd, m, tiles: &tiles, pairs, packed, out: &mut out });
    }
}

/// Weights in tiles of rows: those of two columns as halves of a word, and so pair after pair.
fn tiles(weights: &IntegerMatrix) -> Vec<[i32; ROWS]> {
    let half = |row: usize, column: usize| {
        let row = (row < weights.rows()).then(|| weights.row(row));
        // Below 2^15 in magnitude.
        row.and_then(|row| row.get(column).copied()).unwrap_or(0) as i32
    };
    let pair = |row: usize, pair: usize| half(row, 2 * pair + 1) << 16 | half(row, 2 * pair) & 0xffff;
    let pairs = weights.columns().div_ceil(2);
    let tiles = 0..weights.rows().div_ceil(ROWS);
    tiles.flat_map(|tile| (0..pairs).map(move |at| from_fn(|r| pair(ROWS * tile + r, at)))).collect()
}

/// The words, and zeros where there are fewer than eight.
#[inline(always)]
fn eight(words: &[u64]) -> [u64; LANES] {
    // Whole vectors, which nearly all are, are no call of a function that copies.
    words.first_chunk().copied().unwrap_or_else(|| from_fn(|lane| words.get(lane).copied().unwrap_or(0)))
}

/// Splits some words of all operands, eight of each pair behind one another.
struct Packing<'j> {
    packed: &'j mut [[Pieces; PIECES]],
    x: &'j [&'j [u64]],
    words: Range<usize>,
}

impl NullaryFnOnce for Packing<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { packed, x, words } = self;
        let pairs = x.len().div_ceil(2);
        for (at, pair) in x.chunks(2).enumerate() {
            for (group, first) in words.clone().step_by(LANES).enumerate() {
                let last = words.end.min(first + LANES);
                let low = eight(&pair[0][first..last]);
                let high = pair.get(1).map_or([0; LANES], |odd| eight(&odd[first..last]));
                let packed = &mut packed[group * pairs + at];
                for (p, pieces) in packed.iter_mut().enumerate() {
                    let shift = BITS * p as u32;
                    for ((piece, low), high) in pieces.iter_mut().zip(low).zip(high) {
                        *piece = (low >> shift & MASK) as u32 | ((high >> shift & MASK) as u32) << 16;
                    }
                }
            }
        }
    }
}

/// Some words of all operands and results.
struct Section<'j, 'o> {
    simd: V3,
    m: &'j Modulus,
    tiles: &'j [[i32; ROWS]],
    pairs: usize,
    packed: &'j [[Pieces; PIECES]],
    out: &'j mut [&'o mut [u64]],
}

impl NullaryFnOnce for Section<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { simd, m, tiles, pairs, packed, out } = self;
        let lanes = Lanes::new(simd, m);
        let factor = lanes.splat(balanced(m, m.reduce(1 << (2 * BITS))));
        for (tile, out) in tiles.chunks_exact(pairs).zip(out.chunks_mut(ROWS)) {
            for (group, packed) in packed.chunks_exact(pairs).enumerate() {
                let low = sums::<0>(simd, tile, packed);
                let high = sums::<2>(simd, tile, packed);
                for (r, out) in out.iter_mut().enumerate() {
                    let words = reduced(&lanes, factor, &[low[r][0], low[r][1], high[r][0], high[r][1]]);
                    let out = &mut out[group * LANES..];
                    match out.first_chunk_mut() {
                        Some(whole) => *whole = words,
                        None => out.iter_mut().zip(words).for_each(|(out, word)| *out = word),
                    }
                }
            }
        }
    }
}

/// Sums of pieces `P` and `P + 1` for each row of a tile.
#[inline(always)]
fn sums<const P: usize>(
    simd: V3,
    tile: &[[i32; ROWS]],
    packed: &[[Pieces; PIECES]],
) -> [[[i32; LANES]; 2]; ROWS] {
    let avx = simd.avx2;
    let mut sums = [[cast([0_i32; LANES]); 2]; ROWS];
    for (weights, pieces) in tile.iter().zip(packed) {
        let (one, two) = (cast(pieces[P]), cast(pieces[P + 1]));
        for (sums, &w) in sums.iter_mut().zip(weights) {
            let w = cast([w; LANES]);
            sums[0] = avx._mm256_add_epi32(sums[0], avx._mm256_madd_epi16(one, w));
            sums[1] = avx._mm256_add_epi32(sums[1], avx._mm256_madd_epi16(two, w));
        }
    }
    cast(sums)
}

/// The words of sums of pieces.
#[inline(always)]
fn reduced(lanes: &Lanes<V3>, factor: f64x4, sums: &Sums) -> [u64; LANES] {
    let mut words = [0; LANES];
    for (half, words) in words.as_chunks_mut::<{ LANES / 2 }>().0.iter_mut().enumerate() {
        let joined = |p: usize| -> f64x4 {
            let [low, high] = [&sums[p], &sums[p + 1]];
            let at = |lane: usize| half * (LANES / 2) + lane;
            let unit = f64::from(1 << BITS);
            cast::<[f64; LANES / 2], _>(from_fn(|lane| {
                f64::from(high[at(lane)]) * unit + f64::from(low[at(lane)])
            }))
        };
        let [product] = lanes.mul_all([joined(2)], [factor]);
        let sum: u64x4 = lanes.store(lanes.reduce(lanes.add(product, joined(0))));
        *words = cast(sum);
    }
    words
}
