//! External products modulo one prime: digits of a ciphertext times a matrix of polynomials, and the same with a matrix that
//! is first put together from several by monomials, as in a blind rotation with unrolled loop (Zhou et al. 2018; Bourse et
//! al. 2018).
//!
//! All polynomials are values in the canonical order of [`ntt`](super::ntt); those of a matrix lie `[row][column]`, those of
//! several matrices `[matrix][row][column]`. Matrices are [prepared](External::prepare) once: where AVX-512 has a 52-bit
//! multiply-add their words are kept multiplied by `2^52` and in the order in which they are read. Results are canonical
//! words, the same on every machine.
//!
//! The monomial `X^a` has the value `psi^{a·e_p}` at place `p`. In a run of 64 places `e_p = e_run + e_{p mod 64} − e_0`, and
//! the second part is a multiple of `2N/64`, so that the values are one of 64 rows, chosen by `a mod 64`, times one scalar.

#[cfg(all(feature = "avx512", any(target_arch = "x86", target_arch = "x86_64")))]
mod fast;

use std::sync::Arc;

use super::kernel;
#[cfg(all(feature = "avx512", any(target_arch = "x86", target_arch = "x86_64")))]
use super::kernel::ifma;
use super::ntt::Ntt;
use crate::modulus::Modulus;

/// Length of the runs in which the values of monomials repeat.
const RUN: usize = 64;

/// The most columns of a matrix.
pub const MAX_COLUMNS: usize = 5;

/// The most matrices put together.
pub const MAX_MATRICES: usize = 7;

/// External products in one ring.
///
/// ```
/// # use he_core::ring::Basis;
/// # use he_core::ring::external::External;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let basis = Basis::new(16, &[97])?;
/// // Two digits times the identity matrix; polynomials are given by their values.
/// let (one, zero) = ([1; 16], [0; 16]);
/// let external = External::new(basis.shared_ntt(0), 2, 2);
/// let matrix = external.prepare(&[one, zero, zero, one].concat(), 1);
/// let digits: Vec<u64> = (0..32).collect();
/// let mut out = vec![0; 32];
/// external.product(&mut out, &digits, &matrix);
/// assert_eq!(out, digits);
/// # Ok(())
/// # }
/// ```
pub struct External {
    ntt: Arc<Ntt>,
    rows: usize,
    columns: usize,
    /// `psi^t` for `t < 2N`, in the form of `fast`.
    powers: Vec<u64>,
    /// `psi^{(2N/64)·a·r(p)}` for `a, p < 64`, and their companions `⌊2^52·x/q⌋`; of the fast path alone.
    runs: Vec<u64>,
    companions: Vec<u64>,
    fast: Option<Token>,
}

#[cfg(all(feature = "avx512", any(target_arch = "x86", target_arch = "x86_64")))]
type Token = ifma::Ifma;
#[cfg(not(all(feature = "avx512", any(target_arch = "x86", target_arch = "x86_64"))))]
type Token = std::convert::Infallible;

/// Proof that machine, prime and length allow the fast path.
fn token(modulus: &Modulus, n: usize, terms: usize) -> Option<Token> {
    #[cfg(all(feature = "avx512", any(target_arch = "x86", target_arch = "x86_64")))]
    if n >= RUN && ifma::fits(modulus, terms) {
        return ifma::Ifma::try_new();
    }
    let _ = (modulus, n, terms);
    None
}

impl External {
    /// Products of `rows` digits with matrices of `columns` columns, 2 to [`MAX_COLUMNS`].
    ///
    /// # Panics
    /// For other numbers of columns, or no rows.
    pub fn new(ntt: Arc<Ntt>, rows: usize, columns: usize) -> Self {
        // A sum over rows, or one of four monomials below 3q with words below q.
        let fast = token(ntt.modulus(), ntt.n(), rows.max(12));
        Self::with_token(ntt, rows, columns, fast)
    }

    /// Products without the instructions of AVX-512 IFMA; the results are the same.
    ///
    /// # Panics
    /// As [`External::new`].
    pub fn portable(ntt: Arc<Ntt>, rows: usize, columns: usize) -> Self {
        Self::with_token(ntt, rows, columns, None)
    }

    fn with_token(ntt: Arc<Ntt>, rows: usize, columns: usize, fast: Option<Token>) -> Self {
        assert!(
            (2..=MAX_COLUMNS).contains(&columns) && rows > 0,
            "a matrix of {rows} rows and {columns} columns"
        );
        let (q, n) = (*ntt.modulus(), ntt.n());
        let mut powers = vec![1; 2 * n];
        for t in 1..2 * n {
            powers[t] = q.mul(powers[t - 1], ntt.root());
        }
        let exponents = ntt.evaluation_exponents();
        let mut runs = Vec::new();
        if fast.is_some() {
            for a in 0..RUN {
                let difference = |&e: &u32| powers[a * (e - exponents[0]) as usize % (2 * n)];
                runs.extend(exponents[..RUN].iter().map(difference));
            }
        }
        let companions =
            runs.iter().map(|&x| ((u128::from(x) << 52) / u128::from(q.value())) as u64).collect();
        let mut this = Self { ntt, rows, columns, powers: vec![], runs, companions, fast };
        this.scale(&mut powers);
        this.powers = powers;
        this
    }

    /// The transform of the ring.
    pub fn ntt(&self) -> &Arc<Ntt> {
        &self.ntt
    }

    /// The form in which the products take `matrices` matrices.
    ///
    /// # Panics
    /// If there are not as many words as that.
    pub fn prepare(&self, words: &[u64], matrices: usize) -> Vec<u64> {
        let entries = self.rows * self.columns;
        assert_eq!(
            words.len(),
            matrices * entries * self.ntt.n(),
            "a matrix has a polynomial for each entry"
        );
        let mut words = words.to_vec();
        self.scale(&mut words);
        #[cfg(all(feature = "avx512", any(target_arch = "x86", target_arch = "x86_64")))]
        if self.fast.is_some() {
            let places = self.ntt.n() / ifma::LANES;
            let blocks = words.as_chunks::<{ ifma::LANES }>().0;
            let order = (0..places).flat_map(|p| (0..entries).map(move |e| (p, e)));
            let order = order.flat_map(|(p, e)| (0..matrices).map(move |m| (m * entries + e) * places + p));
            return order.flat_map(|at| blocks[at]).collect();
        }
        words
    }

    /// The factor that the reduction of the fast path takes away.
    fn scale(&self, words: &mut [u64]) {
        if self.fast.is_some() {
            let q = self.ntt.modulus();
            kernel::mul_scalar_assign(q, words, q.reduce(1 << 52));
        }
    }

    /// The values of `X^a − 1` for `a < 2N`, in the form of a matrix.
    ///
    /// # Panics
    /// If `out` does not have length `N`.
    pub fn monomial_minus_one(&self, a: usize, out: &mut [u64]) {
        let n = self.ntt.n();
        assert_eq!(out.len(), n, "a polynomial has N values");
        let exponents = self.ntt.evaluation_exponents();
        let power = |e: u32| self.powers[a * e as usize % (2 * n)];
        #[cfg(all(feature = "avx512", any(target_arch = "x86", target_arch = "x86_64")))]
        if let Some(simd) = self.fast {
            let row = a % RUN * RUN..(a % RUN + 1) * RUN;
            let (row, companions) =
                (ifma::vectors(&self.runs[row.clone()]), ifma::vectors(&self.companions[row]));
            let minus_one = ifma::splat(self.powers[n]);
            let (q, row) = (self.ntt.modulus(), [row, companions]);
            simd.vectorize(fast::MonomialMinusOne { simd, q, out, exponents, power, row, minus_one });
            return;
        }
        let q = self.ntt.modulus();
        for (x, &e) in out.iter_mut().zip(exponents) {
            *x = q.sub(power(e), 1);
        }
    }

    /// `out[c] = Σ_r digits[r]·key[r][c]`.
    ///
    /// # Panics
    /// If a length does not fit.
    pub fn product(&self, out: &mut [u64], digits: &[u64], key: &[u64]) {
        let n = self.ntt.n();
        self.check(out, digits);
        assert_eq!(
            key.len(),
            self.rows * self.columns * n,
            "a matrix has a polynomial for each row and column"
        );
        #[cfg(all(feature = "avx512", any(target_arch = "x86", target_arch = "x86_64")))]
        if let Some(simd) = self.fast {
            let q = self.ntt.modulus();
            match self.columns {
                2 => fast::product::<2>(simd, q, out, digits, key),
                3 => fast::product::<3>(simd, q, out, digits, key),
                4 => fast::product::<4>(simd, q, out, digits, key),
                _ => fast::product::<5>(simd, q, out, digits, key),
            }
            return;
        }
        let q = self.ntt.modulus();
        let digits: Vec<&[u64]> = digits.chunks_exact(n).collect();
        for (c, out) in out.chunks_exact_mut(n).enumerate() {
            let column: Vec<&[u64]> = key.chunks_exact(n).skip(c).step_by(self.columns).collect();
            kernel::dot(q, out, &digits, &column);
        }
    }

    /// `out[c] = Σ_r digits[r]·Σ_i monomials[i]·keys[i][r][c]`, for one, three or seven matrices.
    ///
    /// # Panics
    /// If a length does not fit.
    pub fn bundle_product(&self, out: &mut [u64], digits: &[u64], keys: &[u64], monomials: &[u64]) {
        let n = self.ntt.n();
        self.check(out, digits);
        let matrix = self.rows * self.columns * n;
        let count = monomials.len() / n;
        assert!(matches!(count, 1 | 3 | MAX_MATRICES), "one, three or seven matrices, not {count}");
        assert_eq!(keys.len(), count * matrix, "there is one matrix for each monomial");
        #[cfg(all(feature = "avx512", any(target_arch = "x86", target_arch = "x86_64")))]
        if let Some(simd) = self.fast {
            let q = self.ntt.modulus();
            match (self.columns, count) {
                (2, 1) => fast::bundle::<2, 1>(simd, q, out, digits, keys, monomials),
                (3, 1) => fast::bundle::<3, 1>(simd, q, out, digits, keys, monomials),
                (4, 1) => fast::bundle::<4, 1>(simd, q, out, digits, keys, monomials),
                (_, 1) => fast::bundle::<5, 1>(simd, q, out, digits, keys, monomials),
                (2, 3) => fast::bundle::<2, 3>(simd, q, out, digits, keys, monomials),
                (3, 3) => fast::bundle::<3, 3>(simd, q, out, digits, keys, monomials),
                (4, 3) => fast::bundle::<4, 3>(simd, q, out, digits, keys, monomials),
                (_, 3) => fast::bundle::<5, 3>(simd, q, out, digits, keys, monomials),
                (2, _) => fast::bundle::<2, 7>(simd, q, out, digits, keys, monomials),
                (3, _) => fast::bundle::<3, 7>(simd, q, out, digits, keys, monomials),
                (4, _) => fast::bundle::<4, 7>(simd, q, out, digits, keys, monomials),
                (_, _) => fast::bundle::<5, 7>(simd, q, out, digits, keys, monomials),
            }
            return;
        }
        let q = self.ntt.modulus();
        let monomials: Vec<&[u64]> = monomials.chunks_exact(n).collect();
        let mut sum = vec![0; matrix];
        for (at, sum) in sum.chunks_exact_mut(n).enumerate() {
            let column: Vec<&[u64]> =
                keys.chunks_exact(matrix).map(|key| &key[at * n..(at + 1) * n]).collect();
            kernel::dot(q, sum, &monomials, &column);
        }
        self.product(out, digits, &sum);
    }

    fn check(&self, out: &[u64], digits: &[u64]) {
        let n = self.ntt.n();
        assert_eq!(out.len(), self.columns * n, "there is one result for each column");
        assert_eq!(digits.len(), self.rows * n, "there is one digit for each row");
    }
}

crate::brief_debug!(External: |a| rows = a.rows, columns = a.columns);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prime::primes_below;

    fn words(q: &Modulus, count: usize, seed: u64) -> Vec<u64> {
        // The largest residues among random ones.
        (0..count as u64)
            .map(|i| if i % 7 == 0 { q.value() - 1 } else { q.pow(3 + seed, i * i + seed) })
            .collect()
    }

    /// Every product against sums of single products.
    fn check(n: usize, bits: u32, rows: usize, columns: usize, count: usize) {
        let q = Modulus::new(primes_below(1 << bits, 2 * n as u64, 1).unwrap()[0]).unwrap();
        let ntt = Arc::new(Ntt::new(n, q).unwrap());
        let digits = words(&q, rows * n, 1);
        let keys = words(&q, count * rows * columns * n, 2);
        let shifts: Vec<usize> = [0, 1, n - 1, n, 2 * n - 1, 77 % n, n + 5].into_iter().take(count).collect();
        let entry = |i: usize, r: usize, c: usize, p: usize| keys[((i * rows + r) * columns + c) * n + p];
        let power =
            |a: usize, p: usize| q.pow(ntt.root(), a as u64 * u64::from(ntt.evaluation_exponents()[p]));
        let expect = |c: usize, p: usize, matrix: &dyn Fn(usize) -> u64| {
            (0..rows).fold(0, |sum, r| q.add(sum, q.mul(digits[r * n + p], matrix(r * columns + c))))
        };
        for external in
            [External::new(ntt.clone(), rows, columns), External::portable(ntt.clone(), rows, columns)]
        {
            let mut out = vec![0; columns * n];
            external.product(&mut out, &digits, &external.prepare(&keys[..rows * columns * n], 1));
            let mut monomials = vec![0; count * n];
            for (out, &a) in monomials.chunks_exact_mut(n).zip(&shifts) {
                external.monomial_minus_one(a, out);
            }
            let mut bundled = vec![0; columns * n];
            external.bundle_product(&mut bundled, &digits, &external.prepare(&keys, count), &monomials);
            for (at, (&single, &bundled)) in out.iter().zip(&bundled).enumerate() {
                let (c, p) = (at / n, at % n);
                assert_eq!(single, expect(c, p, &|rc| entry(0, rc / columns, rc % columns, p)));
                let sum = |rc: usize| {
                    let term = |i: usize| {
                        q.mul(q.sub(power(shifts[i], p), 1), entry(i, rc / columns, rc % columns, p))
                    };
                    (0..count).fold(0, |sum, i| q.add(sum, term(i)))
                };
                assert_eq!(bundled, expect(c, p, &sum));
            }
        }
    }

    #[test]
    fn products_are_sums_of_products() {
        for (n, bits, rows, columns) in [
            (16, 48, 2, 2),
            (64, 48, 4, 2),
            (128, 48, 3, 3),
            (128, 50, 2, 2),
            (64, 48, 12, 4),
            (64, 47, 5, 5),
        ] {
            for count in [1, 3, 7] {
                check(n, bits, rows, columns, count);
            }
        }
    }
}
