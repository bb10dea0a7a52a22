//! The split of a polynomial into sums of products, by the depth that is left.
//!
//! A node stands at depth `m`: its sum may use whatever is made in `m` levels. A polynomial of degree `d < 2^{m+1}` is a sum of
//! constants times known steps if `d ≤ 2^m` and `d` is below the number of baby steps; else it is `q·T_g + r` at the giant step
//! `g = 2^{⌊log2 d⌋}`, with `q` at depth `m − 1` and `r` at depth `m` (Paterson, Stockmeyer 1973, with the depth of Chen, Chillotti,
//! Song 2019). Only along the quotients that no level can be spared for is the split a fine one.

use std::collections::BTreeSet;

use num_complex::Complex64;

use crate::approximation::divide_by_chebyshev;

/// Numbers of baby steps that are tried. Of equally cheap ones the first counts: with fewer quotients there is less noise.
const BABIES: [usize; 6] = [64, 32, 16, 8, 4, 2];

/// The basis of a polynomial.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `T_k(x)`.
    Chebyshev,
    /// `x^k`.
    Powers,
}

impl Kind {
    /// Quotient and remainder at a giant step.
    fn divide(self, coefficients: &[Complex64], g: usize) -> (Vec<Complex64>, Vec<Complex64>) {
        match self {
            Self::Chebyshev => divide_by_chebyshev(coefficients, g),
            Self::Powers => (coefficients[g..].to_vec(), coefficients[..g].to_vec()),
        }
    }
}

/// `⌈log2 k⌉`, the depth of `T_k`.
fn depth(k: usize) -> usize {
    k.next_power_of_two().trailing_zeros() as usize
}

/// Levels before the last rescaling of a polynomial of degree `d`: `⌈log2(d + 1)⌉ − 1`.
pub(super) fn sum_depth(coefficients: &[Complex64]) -> usize {
    depth(used(coefficients).len()).max(1) - 1
}

/// Without the zeros at the end; a constant is one coefficient, be it 0.
fn used(coefficients: &[Complex64]) -> &[Complex64] {
    let count = coefficients.iter().rposition(|c| *c != Complex64::default()).map_or(1, |k| k + 1);
    &coefficients[..count.min(coefficients.len())]
}

/// `constant + Σ c_k·T_k + Σ q_g·T_g`.
#[derive(Default)]
pub(super) struct Node {
    pub(super) constant: Complex64,
    pub(super) terms: Vec<(usize, Complex64)>,
    pub(super) products: Vec<(usize, Self)>,
}

impl Node {
    fn new(kind: Kind, coefficients: &[Complex64], baby: usize, m: usize) -> Self {
        let mut node = Self::default();
        let mut rest = used(coefficients).to_vec();
        loop {
            let d = rest.len() - 1;
            if d == 0 || (d < baby && d <= 1 << m) {
                node.constant = rest[0];
                let terms = rest.iter().copied().enumerate().skip(1);
                node.terms.extend(terms.filter(|(_, c)| *c != Complex64::default()));
                return node;
            }
            let g = 1 << d.ilog2();
            let (q, r) = kind.divide(&rest, g);
            match used(&q) {
                [c] => node.terms.push((g, *c)),
                q => node.products.push((g, Self::new(kind, q, baby, m - 1))),
            }
            rest = used(&r).to_vec();
        }
    }

    /// Products of ciphertexts, without those that make the steps.
    fn products(&self) -> usize {
        self.products.iter().map(|(_, q)| 1 + q.products()).sum()
    }

    fn add_steps(&self, steps: &mut BTreeSet<usize>) {
        for k in self.terms.iter().map(|(k, _)| *k).chain(self.products.iter().map(|(g, _)| *g)) {
            add_step(k, steps);
        }
        self.products.iter().for_each(|(_, q)| q.add_steps(steps));
    }
}

/// `T_k` comes from two steps as equal as possible.
pub(super) fn halves(k: usize) -> (usize, usize) {
    (k.div_ceil(2), k / 2)
}

fn add_step(k: usize, steps: &mut BTreeSet<usize>) {
    if k > 1 && steps.insert(k) {
        let (a, b) = halves(k);
        add_step(a, steps);
        add_step(b, steps);
    }
}

/// Polynomials of one argument, which share their steps.
pub(super) struct Split {
    pub(super) nodes: Vec<Node>,
    /// The steps above 1, ascending: each from two before it.
    pub(super) steps: BTreeSet<usize>,
}

impl Split {
    /// The split with the fewest products, of sums that all stand at depth `m`.
    pub(super) fn new(kind: Kind, polynomials: &[&[Complex64]], m: usize) -> Self {
        let first = Self::with_babies(kind, polynomials, BABIES[0], m);
        BABIES[1..].iter().fold(first, |best, &baby| {
            let other = Self::with_babies(kind, polynomials, baby, m);
            if other.products() < best.products() { other } else { best }
        })
    }

    fn with_babies(kind: Kind, polynomials: &[&[Complex64]], baby: usize, m: usize) -> Self {
        let nodes: Vec<_> = polynomials.iter().map(|c| Node::new(kind, c, baby, m)).collect();
        let mut steps = BTreeSet::new();
        nodes.iter().for_each(|node| node.add_steps(&mut steps));
        Self { nodes, steps }
    }

    /// Products of ciphertexts.
    pub(super) fn products(&self) -> usize {
        self.steps.len() + self.nodes.iter().map(Node::products).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Coefficients none of which vanishes in a division.
    fn generic(degree: usize) -> Vec<Complex64> {
        (0..=degree).map(|k| Complex64::new((k as f64).cos() + 2.0, 1.0)).collect()
    }

    #[test]
    fn products_are_few_and_depth_is_least() {
        for kind in [Kind::Powers, Kind::Chebyshev] {
            for (degree, levels, products) in [
                (1, 1, 0),
                (2, 2, 1),
                (3, 2, 2),
                (5, 3, 4),
                (7, 3, 5),
                (15, 4, 8),
                (23, 5, 10),
                (31, 5, 13),
                (63, 6, 18),
                (127, 7, 27),
                (255, 8, 36),
                (511, 9, 53),
                (1023, 10, 70),
            ] {
                let all = generic(degree);
                let m = sum_depth(&all);
                assert_eq!(m + 1, levels, "degree {degree}");
                let split = Split::new(kind, &[&all], m);
                assert!(split.nodes[0].deepest() <= m, "degree {degree}");
                assert_eq!(split.products(), products, "degree {degree}");
            }
        }
        let all = generic(255);
        let two = Split::new(Kind::Powers, &[&all, &all], 7).products();
        println!("two of degree 255: {two}");
        assert!(two <= 54, "two tables share their steps: {two} products");
    }

    impl Node {
        /// Levels that its sum stands on.
        fn deepest(&self) -> usize {
            let terms = self.terms.iter().map(|(k, _)| depth(*k));
            let products = self.products.iter().map(|(g, q)| depth(*g).max(q.deepest() + 1));
            terms.chain(products).max().unwrap_or(0)
        }

        /// Its value, from values of the steps.
        fn value(&self, step: &dyn Fn(usize) -> f64) -> Complex64 {
            let terms: Complex64 = self.terms.iter().map(|(k, c)| c * step(*k)).sum();
            let products: Complex64 = self.products.iter().map(|(g, q)| q.value(step) * step(*g)).sum();
            self.constant + terms + products
        }
    }

    #[test]
    fn splits_are_the_polynomial() {
        for degree in [0usize, 1, 2, 3, 4, 6, 17, 63, 64, 100, 255, 300] {
            for sparse in [1, 2, 3] {
                let all: Vec<Complex64> = (0..=degree)
                    .map(|k| if k % sparse == degree % sparse { (k * k + 1) as f64 % 7.0 - 3.0 } else { 0.0 })
                    .map(|c| Complex64::new(c, 1.0 - c))
                    .collect();
                for (kind, at) in [(Kind::Powers, 0.97), (Kind::Chebyshev, -0.3)] {
                    let step = |k: usize| match kind {
                        Kind::Powers => f64::powi(at, k as i32),
                        Kind::Chebyshev => (k as f64 * f64::acos(at)).cos(),
                    };
                    let naive: Complex64 = all.iter().enumerate().map(|(k, c)| c * step(k)).sum();
                    for m in [sum_depth(&all), sum_depth(&all) + 2] {
                        for baby in BABIES {
                            let split = Split::with_babies(kind, &[&all], baby, m);
                            assert!(split.nodes[0].deepest() <= m, "degree {degree}, {baby} steps");
                            let value = split.nodes[0].value(&step);
                            assert!((value - naive).norm() < 1e-9, "degree {degree}: {value} is not {naive}");
                        }
                    }
                }
            }
        }
    }
}
