//! `P(x) = exp(-x^2 / 2 sigma^2) / S` on the integers: one table when narrow, a sum of tables when wide.
//!
//! A wide sample is `x_0 + a_0 (x_1 + a_1 (x_2 + ...))` with `x_i` independent of base width `s`, so
//!
//! ```text
//! S_m-1 = s,    S_i^2 = s^2 + a_i^2 S_i+1^2,    sigma = S_0.
//! ```
//!
//! It is a convolution as in Micciancio and Walter (CRYPTO 2017, section 4), after Peikert (CRYPTO 2010,
//! theorem 3.1), with one base width fitted to `sigma` instead of powers of a fixed one. One step: for
//! `x` of width `s` and `y` of width `S'`, the pairs with `x + a y = z` are a coset of the lattice generated
//! by `(a, -1)`, on which the joint weight is `rho_S(z)` times a Gaussian of width `s S' / S` counted in
//! generators, at a centre that depends on `z`. By Poisson summation its sum over the coset is the same for
//! all centres up to a factor `1 +- eps` when
//!
//! ```text
//! s S' / S >= eta_eps(Z) = sqrt(ln(2 (1 + 1 / eps)) / 2 pi^2).
//! ```
//!
//! Then `P(z)` is within `(1 + eps) / (1 - eps)` of the Gaussian of width `S`, for every `z`, tails included.
//! The plan meets this with `eps = 2^-100`, `eta = 1.884`, at each of its steps.

use std::f64::consts::PI;
use zeroize::Zeroizing;

use super::table::{Lanes, SAMPLE_BYTES, Table};
use super::{Prng, SampleError};

/// The supported widths.
const NARROWEST: f64 = 0.3;
const WIDEST: f64 = (1u64 << 40) as f64;
/// The widest table.
const WIDEST_TABLE: f64 = 64.0;
/// Samples per block of random bytes.
const BLOCK: usize = 512;
/// The cost of drawing 16 bytes, in units of the cost of scanning a table of width 1.
const DRAW_COST: f64 = 4.0;
/// The largest factor and the most terms tried.
const MAX_FACTOR: u32 = 12;
const MAX_TERMS: u32 = 40;

/// A sampler of the discrete Gaussian over the integers centred at 0, constant time.
///
/// The width is the standard deviation parameter `sigma`, not `sigma sqrt(2 pi)`. All values are below
/// `2^46` in absolute value; the tail is cut beyond 11 `sigma` (a wide one: of each term), where it holds less
/// than `2^-93` of the mass.
///
/// ```
/// # use he_core::ring::sample::Prng;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use he_core::ring::sample::Gaussian;
///
/// let gaussian = Gaussian::new(3.19)?;
/// let mut errors = vec![0; 1000];
/// gaussian.sample(&mut Prng::from_os()?, &mut errors);
/// assert!(errors.iter().all(|e| e.unsigned_abs() <= gaussian.bound()));
/// # Ok(())
/// # }
/// ```
pub struct Gaussian {
    sigma: f64,
    table: Table,
    /// `1, a_0, a_0 a_1, ...`: the factor of each term.
    factors: Vec<i64>,
}

impl Gaussian {
    /// Prepares the sampler of width `sigma`, from 0.3 to 2^40.
    ///
    /// A narrow one has exactly the width given. The base width of a wide one is rounded to a float, so its
    /// width is within a factor `1 +- 2^-48` of the one given.
    ///
    /// # Errors
    /// [`SampleError::Sigma`] for a width outside the range or not a number.
    pub fn new(sigma: f64) -> Result<Gaussian, SampleError> {
        if !(NARROWEST..=WIDEST).contains(&sigma) {
            return Err(SampleError::Sigma { sigma });
        }
        let plan = cheapest_plan(sigma).ok_or(SampleError::Sigma { sigma })?;
        Ok(Gaussian { sigma, table: Table::new(plan.base), factors: plan.factors })
    }

    /// The width asked for.
    #[must_use]
    pub fn sigma(&self) -> f64 {
        self.sigma
    }

    /// The largest absolute value that can come out.
    #[must_use]
    pub fn bound(&self) -> u64 {
        self.factors.iter().map(|f| f.unsigned_abs() * self.table.bound()).sum()
    }

    /// Fills `out` with independent samples.
    pub fn sample(&self, prng: &mut Prng, out: &mut [i64]) {
        let arch = pulp::Arch::new();
        let mut random = Zeroizing::new(vec![0u8; BLOCK.min(out.len()) * SAMPLE_BYTES]);
        let mut lanes = Lanes::new();
        for block in out.chunks_mut(BLOCK) {
            block.fill(0);
            let random = &mut random[..block.len() * SAMPLE_BYTES];
            for &factor in &self.factors {
                prng.fill_bytes(random);
                arch.dispatch(AddSamples {
                    table: &self.table,
                    random,
                    factor,
                    lanes: &mut lanes,
                    out: block,
                });
            }
        }
    }

    #[cfg(test)]
    pub(super) fn parts(&self) -> (&Table, &[i64]) {
        (&self.table, &self.factors)
    }
}

/// One pass over a block, a named type since a closure is not inlined into the vector code.
struct AddSamples<'a> {
    table: &'a Table,
    random: &'a [u8],
    factor: i64,
    lanes: &'a mut Lanes,
    out: &'a mut [i64],
}

impl pulp::NullaryFnOnce for AddSamples<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        self.table.add_samples(self.random, self.factor, self.lanes, self.out);
    }
}

/// The base width and the factors of the terms.
struct Plan {
    base: f64,
    factors: Vec<i64>,
}

/// The least `eta` of the module's condition for `eps = 2^-100`.
fn smoothing() -> f64 {
    ((2.0 * (1.0 + 2f64.powi(100))).ln() / (2.0 * PI * PI)).sqrt()
}

/// The plan for `sigma` that is fastest by the cost model, among those that meet the smoothing condition.
fn cheapest_plan(sigma: f64) -> Option<Plan> {
    let mut best = None;
    let mut least = f64::INFINITY;
    if sigma <= WIDEST_TABLE {
        least = cost(sigma, 1);
        best = Some(Plan { base: sigma, factors: vec![1] });
    }
    for terms in 2..=MAX_TERMS {
        for (a, larger) in (2..=MAX_FACTOR).flat_map(|a| (0..terms - 1).map(move |larger| (a, larger))) {
            let (ratio, tightest) = ratios(a, larger, terms);
            let base = sigma / ratio;
            if base * tightest < smoothing() {
                // The next steps are larger: a narrower base and a tighter condition.
                break;
            }
            if base <= WIDEST_TABLE && cost(base, terms) < least {
                least = cost(base, terms);
                best = Some(Plan { base, factors: factors(a, larger, terms) });
            }
        }
    }
    best
}

fn cost(base: f64, terms: u32) -> f64 {
    f64::from(terms) * (DRAW_COST + base)
}

/// The `i`-th of the `terms - 1` steps: the first `larger` of them are by `a + 1`, the others by `a`.
fn step(a: u32, larger: u32, i: u32) -> u32 {
    a + u32::from(i < larger)
}

fn factors(a: u32, larger: u32, terms: u32) -> Vec<i64> {
    let mut out = vec![1];
    let mut factor = 1;
    for i in 0..terms - 1 {
        factor *= i64::from(step(a, larger, i));
        out.push(factor);
    }
    out
}

/// `sigma / s`, and the least `S' / S` of all steps, which times `s` is to be at least `eta`.
fn ratios(a: u32, larger: u32, terms: u32) -> (f64, f64) {
    let mut ratio = 1f64;
    let mut tightest = f64::INFINITY;
    for i in (0..terms - 1).rev() {
        let inner = ratio;
        ratio = (f64::from(step(a, larger, i)) * inner).hypot(1.0);
        tightest = tightest.min(inner / ratio);
    }
    (ratio, tightest)
}

crate::brief_debug!(Gaussian: |a| sigma = a.sigma);
