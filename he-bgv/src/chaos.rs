//! Moment orders of noise: its distance from a Gaussian, and the growth of its powers.
//!
//! At a root of `X^N + 1` a polynomial of independent coefficients takes a complex Gaussian value `z`, with
//! `E|z|^{2p} = p!·(E|z|²)^p`. A product of `k` such polynomials, all the same in the worst case, has
//! `E|z^k|^{2p} = (pk)!`, so that relative to its second moment the `2p`-th one is `M_p(k) = (pk)!/k!^p`. The *chaos* of noise
//! is a `k`, not always whole, whose moments are at least its own. It decides what a product with itself costs: `M_2`.

use std::f64::consts::{LOG2_E, PI};

/// Order `k ≥ 1` of the noise in its independent parts.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub(crate) struct Chaos(f64);

/// The powers in which a sum and its estimate are compared: squares and fourth powers.
const POWERS: [u32; 2] = [2, 4];

/// `log2 Γ(x + 1)` by Stirling's series, to 40 bits.
fn log2_factorial(x: f64) -> f64 {
    // The series wants a large argument: Γ(x + 1) = Γ(x + 9)/((x + 1) ⋯ (x + 8)).
    let shift: f64 = (1..=8).map(|i| x + f64::from(i)).product();
    let y = x + 9.0;
    let series = 1.0 / (12.0 * y) - 1.0 / (360.0 * y.powi(3)) + 1.0 / (1260.0 * y.powi(5));
    (y - 0.5) * y.log2() + ((2.0 * PI).log2() / 2.0) + (series - y) * LOG2_E - shift.log2()
}

impl Chaos {
    /// Noise of independent coefficients.
    pub(crate) const GAUSSIAN: Self = Self(1.0);

    /// Noise `r·s + r'` with the secret: between two Gaussian polynomials and the square of one, and the same `s` in all
    /// ciphertexts. The moments of `|r|^{2p}·|s|^{2p}` are `p!²`, below `M_p(1.75)` for squares and fourth powers.
    pub(crate) const SECRET: Self = Self(1.75);

    /// Noise `r_0 + r_1·s + … + r_d·s^d`, by its last term: the moments `p!·(pd)!/d!^p` of `|r|^{2p}·|s^d|^{2p}` are below
    /// `M_p(d + 0.75)` for squares and fourth powers.
    pub(crate) fn of_secret_power(degree: usize) -> Self {
        Self((degree as f64 + 0.75).min(Self::MOST))
    }

    /// The largest that is read from outside: no product of any useful depth has as many factors.
    pub(crate) const MOST: f64 = 1024.0;

    /// From the field on the wire, if it is in range.
    pub(crate) fn new(k: f64) -> Option<Self> {
        (1.0..=Self::MOST).contains(&k).then_some(Self(k))
    }

    pub(crate) fn value(self) -> f64 {
        self.0
    }

    /// Of a product.
    pub(crate) fn of_product(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }

    /// `log2 k!`.
    pub(crate) fn log2_factorial(self) -> f64 {
        log2_factorial(self.0)
    }

    /// `log2 C(k_a + k_b, k_a)`: how much more variance a product of related factors has than one of unrelated ones.
    pub(crate) fn log2_related(self, other: Self) -> f64 {
        log2_factorial(self.0 + other.0) - log2_factorial(self.0) - log2_factorial(other.0)
    }

    /// `log2 M_p`.
    fn log2_moment(self, p: u32) -> f64 {
        match p {
            0 | 1 => 0.0,
            p => log2_factorial(f64::from(p) * self.0) - f64::from(p) * log2_factorial(self.0),
        }
    }

    /// The least `k` up to `most` with `log2 M_p(k) ≥ moment` for each pair of `p` and moment.
    fn with_moments(most: Self, moments: impl Fn(u32) -> f64) -> Self {
        let moments = POWERS.map(|p| (p, moments(p)));
        let covers = |k: f64| moments.iter().all(|&(p, moment)| Self(k).log2_moment(p) >= moment);
        let (mut low, mut high) = (1.0, most.0);
        if covers(low) {
            return Self(low);
        }
        while high - low > 0.01 {
            let middle = (low + high) / 2.0;
            if covers(middle) { high = middle } else { low = middle }
        }
        Self(high)
    }

    /// Of a sum of two polynomials that share no more than the secret, with the given `log2` of their deviations:
    /// `E|x + y|^{2p} ≤ Σ_j C(p, j)³·E|x|^{2j}·E|y|^{2(p−j)}`, one factor `C(p, j)` for the secret in both.
    ///
    /// Parts of nearly one order keep the larger one, which is no less: sums of thousands of products are counted fast.
    pub(crate) fn of_unrelated_sum(a: (f64, Self), b: (f64, Self)) -> Self {
        if (a.1.0 - b.1.0).abs() < 0.01 {
            return Self(a.1.0.max(b.1.0));
        }
        let total = log2_add(2.0 * a.0, 2.0 * b.0);
        let (x, y) = (2.0 * a.0 - total, 2.0 * b.0 - total);
        let most = Self(a.1.0.max(b.1.0));
        Self::with_moments(most, |p| {
            (0..=p).fold(f64::NEG_INFINITY, |sum, j| {
                let choose =
                    log2_factorial(p.into()) - log2_factorial(j.into()) - log2_factorial((p - j).into());
                let powers = f64::from(j) * x + f64::from(p - j) * y;
                log2_add(sum, 3.0 * choose + powers + a.1.log2_moment(j) + b.1.log2_moment(p - j))
            })
        })
    }

    /// Of a sum of any two polynomials whose deviations add: `‖x + y‖_{2p} ≤ ‖x‖_{2p} + ‖y‖_{2p}`.
    pub(crate) fn of_sum(a: (f64, Self), b: (f64, Self)) -> Self {
        if a.1 == b.1 {
            return a.1;
        }
        let total = log2_add(a.0, b.0);
        let most = Self(a.1.0.max(b.1.0));
        Self::with_moments(most, |p| {
            let norm = |(log2, k): (f64, Self)| log2 - total + k.log2_moment(p) / f64::from(2 * p);
            f64::from(2 * p) * log2_add(norm(a), norm(b))
        })
    }
}

/// `log2(2^a + 2^b)`.
pub(crate) fn log2_add(a: f64, b: f64) -> f64 {
    let (high, low) = if a > b { (a, b) } else { (b, a) };
    if low == f64::NEG_INFINITY { high } else { high + (low - high).exp2().ln_1p() * LOG2_E }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factorials_and_moments() {
        let mut factorial = 1.0f64;
        for n in 0..30u32 {
            assert!((log2_factorial(n.into()) - factorial.log2()).abs() < 1e-9, "{n}");
            factorial *= f64::from(n + 1);
        }
        // (1/2)! = √π/2
        assert!((log2_factorial(0.5) - (PI.sqrt() / 2.0).log2()).abs() < 1e-9);
        assert!((Chaos(2.0).log2_moment(2) - 6f64.log2()).abs() < 1e-9);
        assert!((Chaos(1.0).log2_related(Chaos(3.0)) - 2.0).abs() < 1e-9);
        // p!² for squares and fourth powers.
        assert!(Chaos::SECRET.log2_moment(2) > 4f64.log2() && Chaos::SECRET.log2_moment(4) > 576f64.log2());
        // p!·(pd)!/d!^p of products with the d-th power of the secret.
        for (d, p) in (1..=4).flat_map(|d| POWERS.map(|p| (d, p))) {
            let (k, moment) = (f64::from(d), f64::from(p));
            let exact = log2_factorial(moment) + log2_factorial(moment * k) - moment * log2_factorial(k);
            assert!(Chaos::of_secret_power(d as usize).log2_moment(p) > exact, "{d} {p}");
        }
    }

    #[test]
    fn sums_lie_between_their_parts() {
        let (a, b) = (Chaos(7.0), Chaos::SECRET);
        for apart in -40..40 {
            let parts = ((f64::from(apart), a), (0.0, b));
            for sum in [Chaos::of_sum(parts.0, parts.1), Chaos::of_unrelated_sum(parts.0, parts.1)] {
                assert!((1.0..=7.0).contains(&sum.0), "{sum:?}");
                assert!(apart < 20 || sum.0 > 6.9);
                assert!(apart > -20 || sum.0 < 1.8);
            }
        }
        // Alike parts: the same again.
        let twice = Chaos::of_sum((3.0, a), (3.0, a));
        assert!((twice.0 - 7.0).abs() < 0.02);
    }
}
