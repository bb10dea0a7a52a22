//! The layers of the negacyclic transform modulo `t`, as matrices of few diagonals; see [`super`] for the formulas.
//!
//! A vector has one entry for each *place* `(s, c)`, at index `s·n + c`: the value at `ψ^{σg^c}` for `g = −3`, with `σ = 1`
//! for `s = 0` and `−1` for `s = 1`. Slot `(r, c)` of the encoder is place `(r ⊕ (c mod 2), c)`.

use std::collections::BTreeMap;

use he_core::Modulus;

/// A rotation of both rows left by so many places, and whether the rows are swapped too.
pub(super) type Shift = (usize, bool);

/// A matrix over the places: entry `p` of the diagonal of a shift multiplies what the shift brings to place `p`.
pub(super) type Diagonals = BTreeMap<Shift, Vec<u64>>;

/// Index of slot `(r, c)` of the encoder among the places, and the other way round, in rows of `n`.
pub(super) fn place(slot: usize, n: usize) -> usize {
    let (row, column) = (slot / n, slot % n);
    (row ^ (column & 1)) * n + column
}

/// The product `A·B`: `(A·B)_{ij} = Σ A_i ∘ i(B_j)` over shifts `i`, `j`.
pub(super) fn multiply(t: &Modulus, a: &Diagonals, b: &Diagonals) -> Diagonals {
    let mut out = Diagonals::new();
    for (&(i, i_swap), left) in a {
        let n = left.len() / 2;
        for (&(j, j_swap), right) in b {
            let sum = out.entry(((i + j) % n, i_swap ^ j_swap)).or_insert_with(|| vec![0; 2 * n]);
            for s in 0..2 {
                let (from, to) = ((s ^ usize::from(i_swap)) * n, s * n);
                for c in 0..n {
                    let term = t.mul(left[to + c], right[from + (c + i) % n]);
                    sum[to + c] = t.add(sum[to + c], term);
                }
            }
        }
    }
    out.retain(|_, diagonal| diagonal.iter().any(|&entry| entry != 0));
    out
}

/// The roots of unity modulo `t` in the order of the slots.
pub(super) struct Layers<'t> {
    t: &'t Modulus,
    /// Columns of a row, `N/2`.
    n: usize,
    /// `ψ^k`, `0 ≤ k < 2N`.
    roots: Vec<u64>,
    /// `(−3)^c mod 2N`.
    powers: Vec<usize>,
}

impl<'t> Layers<'t> {
    /// For rows of `n` columns and the root that slot 0 stands for.
    pub(super) fn new(t: &'t Modulus, n: usize, psi: u64) -> Self {
        let order = 4 * n;
        let roots = std::iter::successors(Some(1), |&x| Some(t.mul(x, psi))).take(order).collect();
        let powers = std::iter::successors(Some(1), |&x| Some(x * (order - 3) % order)).take(n).collect();
        Self { t, n, roots, powers }
    }

    /// `ψ^{σk}` for row `s`.
    fn root(&self, s: usize, k: usize) -> u64 {
        let order = self.roots.len();
        self.roots[if s == 0 { k % order } else { (order - k % order) % order }]
    }

    /// Layer 0: `u ↦ w`, of two diagonals; or its inverse.
    pub(super) fn mix(&self, inverse: bool) -> Diagonals {
        let (n, t) = (self.n, self.t);
        let half = if inverse { t.value().div_ceil(2) } else { 1 };
        let mut out = Diagonals::from([((0, false), vec![0; 2 * n]), ((0, true), vec![0; 2 * n])]);
        for slot in 0..2 * n {
            let at = place(slot, n);
            let s = at / n;
            // σi, i = ψ^n.
            let i = self.root(s, n);
            // Row 0 of the encoder holds m_j, row 1 m_{j+n}: w_s = m_j + σi·m_{j+n}, wherever row s is.
            let (own, other) = match (inverse, slot / n) {
                (false, 0) => (1, i),
                (false, _) => (i, 1),
                (true, 0) => (half, half),
                (true, _) => (t.mul(t.neg(i), half), t.mul(i, half)),
            };
            for (swap, entry) in [(false, own), (true, other)] {
                if let Some(diagonal) = out.get_mut(&(0, swap)) {
                    diagonal[at] = entry;
                }
            }
        }
        out
    }

    /// Layer `k`, `1 ≤ k ≤ log2 n`, in blocks of `2^k` columns: `(x, y) ↦ (x + ρy, x − ρy)` on pairs half a block apart; or
    /// its inverse.
    pub(super) fn butterflies(&self, layer: u32, inverse: bool) -> Diagonals {
        let (n, t, half) = (self.n, self.t, 1usize << (layer - 1));
        let two = t.value().div_ceil(2);
        let mut out = Diagonals::new();
        for at in 0..2 * n {
            let (s, c) = (at / n, at % n);
            let (bottom, j) = (c & half != 0, c % half);
            // ρ = ψ^{σ·g^j·gap} with as many gaps as blocks.
            let exponent = self.powers[j] * (n >> layer);
            let rho = if inverse { t.mul(two, self.root(1 - s, exponent)) } else { self.root(s, exponent) };
            let (own, other) = match (inverse, bottom) {
                (false, false) => (1, rho),
                (false, true) => (t.neg(rho), 1),
                (true, false) => (two, two),
                (true, true) => (t.neg(rho), rho),
            };
            let partner = if bottom { n - half } else { half };
            for (shift, entry) in [(0, own), (partner, other)] {
                out.entry((shift, false)).or_insert_with(|| vec![0; 2 * n])[at] = entry;
            }
        }
        out
    }
}

/// Numbers of layers of the factors, from layer 1 up, by which rotations and products cost least.
pub(super) fn split(layers: u32, factors: usize) -> Vec<u32> {
    fn best(start: u32, layers: u32, factors: usize) -> Option<(usize, Vec<u32>)> {
        let left = layers - start;
        let cost = |size| steps(size, start == 0, start + size == layers).1;
        if factors == 1 {
            return (left > 0).then(|| (cost(left), vec![left]));
        }
        let first = 1..(left + 1).saturating_sub(factors as u32 - 1);
        first
            .filter_map(|size| {
                let (rest, mut sizes) = best(start + size, layers, factors - 1)?;
                sizes.insert(0, size);
                Some((cost(size) + rest, sizes))
            })
            .min()
    }
    best(0, layers, factors).map(|(_, sizes)| sizes).unwrap_or_default()
}

/// `log2` of the baby steps for a factor of so many layers, and what it then costs: a hoisted rotation counts for 4, one of
/// its own for 12, a plaintext product for 1.
pub(super) fn steps(layers: u32, mixes: bool, wraps: bool) -> (u32, usize) {
    let (span, rows) = (1usize << layers, if mixes { 2 } else { 1 });
    // Shifts from 1 − span to span − 1, in units of the least; those of the whole row are the same modulo span.
    let (shifts, reach) = if wraps { (span, span) } else { (2 * span - 1, 2 * span) };
    let cost = |log: u32| 4 * ((rows << log) - 1) + 12 * ((reach >> log) - 1) + rows * shifts;
    (0..=layers).map(|log| (log, cost(log))).min_by_key(|&(_, cost)| cost).unwrap_or((0, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inverse_layers_undo_and_splits_add_up() {
        // 3 has order 16 modulo 17, ψ = 3 for n = 4.
        let t = Modulus::new(17).unwrap();
        let layers = Layers::new(&t, 4, 3);
        let identity = Diagonals::from([((0, false), vec![1; 8])]);
        assert_eq!(multiply(&t, &layers.mix(true), &layers.mix(false)), identity);
        for k in 1..=2 {
            let product = multiply(&t, &layers.butterflies(k, true), &layers.butterflies(k, false));
            assert_eq!(product, identity, "layer {k}");
        }
        for (layers, factors) in [(2, 1), (2, 2), (12, 3), (13, 4), (16, 16)] {
            let sizes = split(layers, factors);
            assert_eq!((sizes.len(), sizes.iter().sum::<u32>()), (factors, layers));
            assert!(sizes.iter().all(|&size| size > 0));
        }
    }
}
