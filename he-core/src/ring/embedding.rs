//! The canonical embedding: a real polynomial of `R[X]/(X^N + 1)` as `n = N/2` complex *slots*.
//!
//! Slot `j` of `m` is `z_j = m(ζ^{5^j})` with `ζ = exp(iπ/N)`; the other half of the roots gives the conjugates. With
//! `w_j = m_j + i·m_{j+n}` the map `w ↦ z` is linear over the complex numbers, since `ζ^{5^j·n} = i`. In the order of the
//! powers of 5 it is a fast Fourier transform of `log2 n` layers after a bit reversal (Cheon, Kim, Kim, Song 2017; Cheon,
//! Han, Kim, Kim, Song 2018, section 4): `z = L_{log n}·…·L_1·B·w`. Layer `k` works in blocks of `2^k` places, on
//! pairs that are half a block apart: `(x, y) ↦ (x + r·y, x − r·y)`.

use std::collections::BTreeMap;
use std::f64::consts::PI;

use num_complex::Complex64;

use super::ntt::order::reverse_bits;

/// The embedding for one number of slots.
///
/// ```
/// use he_core::ring::Embedding;
/// use num_complex::Complex64;
///
/// let embedding = Embedding::new(4);
/// // m = 3 + 2·X^4, and X^4 is i in every slot.
/// let mut values = vec![Complex64::ZERO; 4];
/// values[0] = Complex64::new(3.0, 2.0);
/// embedding.to_slots(&mut values);
/// assert!(values.iter().all(|z| (z - Complex64::new(3.0, 2.0)).norm() < 1e-12));
/// ```
pub struct Embedding {
    slots: usize,
    /// `exp(2πi·k/4n)` for `k` below `4n`.
    roots: Vec<Complex64>,
    /// `5^j mod 4n`.
    powers: Vec<usize>,
}

/// The diagonals of a matrix over cyclic slots: entry `p` of diagonal `k` stands in row `p`, column `p + k`.
pub type Diagonals = BTreeMap<usize, Vec<Complex64>>;

impl Embedding {
    /// The embedding of polynomials of `2·slots` coefficients.
    ///
    /// # Panics
    /// If `slots` is no power of two.
    pub fn new(slots: usize) -> Self {
        assert!(slots.is_power_of_two(), "the number of slots is a power of two, not {slots}");
        let order = 4 * slots;
        let angle = |k: usize| 2.0 * PI * k as f64 / order as f64;
        let roots = (0..order).map(|k| Complex64::from_polar(1.0, angle(k))).collect();
        let powers = std::iter::successors(Some(1), |p| Some(p * 5 % order)).take(slots).collect();
        Self { slots, roots, powers }
    }

    /// Number of slots.
    pub fn slots(&self) -> usize {
        self.slots
    }

    /// The factors `r` of the butterflies of layer `k`, `1 ≤ k ≤ log2 n`: one for each pair of a block.
    fn twiddles(&self, layer: u32) -> impl Iterator<Item = Complex64> + '_ {
        let block = 1usize << layer;
        let gap = self.slots / block;
        self.powers[..block / 2].iter().map(move |power| self.roots[power % (4 * block) * gap])
    }

    /// Number of layers, `log2 n`.
    pub fn layers(&self) -> u32 {
        self.slots.trailing_zeros()
    }

    /// From `w_j = m_j + i·m_{j+n}` to the slots, in place.
    ///
    /// # Panics
    /// If there are not `n` values; so for the inverse.
    pub fn to_slots(&self, values: &mut [Complex64]) {
        self.reverse(values);
        for layer in 1..=self.layers() {
            let twiddles: Vec<_> = self.twiddles(layer).collect();
            for block in values.chunks_exact_mut(1 << layer) {
                let (top, bottom) = block.split_at_mut(1 << (layer - 1));
                for ((x, y), r) in top.iter_mut().zip(bottom).zip(&twiddles) {
                    let turned = *y * r;
                    (*x, *y) = (*x + turned, *x - turned);
                }
            }
        }
    }

    /// From the slots to `w_j = m_j + i·m_{j+n}`, in place.
    pub fn to_coefficients(&self, values: &mut [Complex64]) {
        for layer in (1..=self.layers()).rev() {
            let twiddles: Vec<_> = self.twiddles(layer).collect();
            for block in values.chunks_exact_mut(1 << layer) {
                let (top, bottom) = block.split_at_mut(1 << (layer - 1));
                for ((x, y), r) in top.iter_mut().zip(bottom).zip(&twiddles) {
                    (*x, *y) = (*x + *y, (*x - *y) * r.conj());
                }
            }
        }
        let scale = 1.0 / self.slots as f64;
        values.iter_mut().for_each(|value| *value *= scale);
        self.reverse(values);
    }

    fn reverse(&self, values: &mut [Complex64]) {
        assert_eq!(values.len(), self.slots, "one value for each slot");
        for i in 0..values.len() {
            let j = reverse_bits(i, self.layers());
            if i < j {
                values.swap(i, j);
            }
        }
    }

    /// Layer `k` as a matrix: one diagonal at 0 and two at plus and minus half a block, which are one in the last layer.
    ///
    /// # Panics
    /// If there is no such layer; so for the inverse.
    pub fn layer(&self, layer: u32) -> Diagonals {
        let one = Complex64::new(1.0, 0.0);
        self.diagonals(layer, |r| [[one, r], [one, -r]])
    }

    /// The inverse of layer `k`.
    ///
    /// # Panics
    /// If there is no such layer.
    pub fn inverse_layer(&self, layer: u32) -> Diagonals {
        let half = Complex64::new(0.5, 0.0);
        self.diagonals(layer, |r| [[half, half], [r.conj() * 0.5, r.conj() * -0.5]])
    }

    /// The diagonals of the matrix that applies `[[a, b], [c, d]]` to the pairs of a layer.
    fn diagonals(&self, layer: u32, butterfly: impl Fn(Complex64) -> [[Complex64; 2]; 2]) -> Diagonals {
        assert!((1..=self.layers()).contains(&layer), "there are {} layers", self.layers());
        let (n, half) = (self.slots, 1usize << (layer - 1));
        let zero = vec![Complex64::default(); n];
        let mut out = Diagonals::from([(0, zero.clone()), (half, zero.clone()), (n - half, zero)]);
        let twiddles: Vec<_> = self.twiddles(layer).collect();
        for start in (0..n).step_by(2 * half) {
            for (j, &r) in twiddles.iter().enumerate() {
                let [[a, b], [c, d]] = butterfly(r);
                let (top, bottom) = (start + j, start + j + half);
                for (row, shift, entry) in
                    [(top, 0, a), (top, half, b), (bottom, n - half, c), (bottom, 0, d)]
                {
                    if let Some(diagonal) = out.get_mut(&shift) {
                        diagonal[row] += entry;
                    }
                }
            }
        }
        out
    }
}

/// The product of two matrices given by diagonals: `(A·B)_{i+j} = Σ A_i ∘ rot_i(B_j)`.
///
/// # Panics
/// If the diagonals of the two differ in length.
pub fn multiply(a: &Diagonals, b: &Diagonals) -> Diagonals {
    let mut out = Diagonals::new();
    for (i, left) in a {
        for (j, right) in b {
            let n = left.len();
            assert_eq!(n, right.len(), "matrices of one size");
            let sum = out.entry((i + j) % n).or_insert_with(|| vec![Complex64::default(); n]);
            let turned = right[i % n..].iter().chain(&right[..i % n]);
            for ((sum, x), y) in sum.iter_mut().zip(left).zip(turned) {
                *sum += x * y;
            }
        }
    }
    out
}

crate::brief_debug!(Embedding: |a| slots = a.slots);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn values(n: usize, seed: u64) -> Vec<Complex64> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
        };
        (0..n).map(|_| Complex64::new(next(), next())).collect()
    }

    fn distance(a: &[Complex64], b: &[Complex64]) -> f64 {
        a.iter().zip(b).map(|(a, b)| (a - b).norm()).fold(0.0, f64::max)
    }

    fn apply(matrix: &Diagonals, x: &[Complex64]) -> Vec<Complex64> {
        let n = x.len();
        (0..n).map(|p| matrix.iter().map(|(k, d)| d[p] * x[(p + k) % n]).sum()).collect()
    }

    /// The definition: the polynomial at the powers of a root.
    #[test]
    fn slots_are_values_of_the_polynomial() {
        for n in [1usize, 2, 8, 64] {
            let embedding = Embedding::new(n);
            let w = values(n, 7);
            let mut slots = w.clone();
            embedding.to_slots(&mut slots);
            for (j, slot) in slots.iter().enumerate() {
                let power = (0..j).fold(1, |p, _| p * 5 % (4 * n));
                let at =
                    |k: usize| Complex64::from_polar(1.0, PI * (power * k % (4 * n)) as f64 / (2 * n) as f64);
                let value: Complex64 = (0..n).map(|k| at(k) * w[k].re + at(k + n) * w[k].im).sum();
                assert!((value - slot).norm() < 1e-12 * n as f64, "{n} slots, slot {j}");
            }
        }
    }

    #[test]
    fn rotation_by_five_turns_the_slots() {
        let (n, embedding) = (16, Embedding::new(16));
        let w = values(n, 3);
        // X^k becomes X^5k.
        let mut turned = vec![0.0; 2 * n];
        for k in 0..2 * n {
            let c = if k < n { w[k].re } else { w[k - n].im };
            let target = 5 * k % (4 * n);
            turned[target % (2 * n)] = if target < 2 * n { c } else { -c };
        }
        let mut slots = w;
        embedding.to_slots(&mut slots);
        let mut image: Vec<_> = (0..n).map(|j| Complex64::new(turned[j], turned[j + n])).collect();
        embedding.to_slots(&mut image);
        slots.rotate_left(1);
        assert!(distance(&slots, &image) < 1e-12);
    }

    #[test]
    fn layers_multiply_to_the_transform() {
        let embedding = Embedding::new(32);
        let x = values(32, 5);
        let layers: Vec<_> = (1..=5).map(|k| embedding.layer(k)).collect();
        let product =
            layers.iter().skip(1).fold(layers[0].clone(), |product, layer| multiply(layer, &product));
        let mut expected = x.clone();
        embedding.reverse(&mut expected);
        embedding.to_slots(&mut expected);
        assert!(distance(&apply(&product, &x), &expected) < 1e-12);
        for k in 1..=5 {
            let identity = multiply(&embedding.inverse_layer(k), &embedding.layer(k));
            assert!(distance(&apply(&identity, &x), &x) < 1e-14, "layer {k}");
        }
        // Entries of low layers repeat with their block: what the operands of a transform are compressed by.
        assert!((0..32).all(|p| embedding.layer(2)[&0][p] == embedding.layer(2)[&0][p % 4]));
    }

    proptest! {
        #[test]
        fn the_inverse_undoes(log_n in 0u32..12, seed: u64) {
            let embedding = Embedding::new(1 << log_n);
            let x = values(1 << log_n, seed);
            let mut y = x.clone();
            embedding.to_slots(&mut y);
            embedding.to_coefficients(&mut y);
            prop_assert!(distance(&x, &y) < 1e-13);
        }
    }
}
