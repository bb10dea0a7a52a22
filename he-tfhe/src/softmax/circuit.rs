//! The steps of the circuit, as the documentation of [`softmax`](super) numbers them.

use super::backend::Backend;
use super::table::Table;
use crate::phase::PhaseModel;

/// Largest magnitude of a score.
pub const LIMIT: f64 = 8.0;

/// The torus of scores.
pub const INPUT_TORUS: f64 = 128.0;

/// The torus of results.
pub const OUTPUT_TORUS: f64 = 64.0;

/// Factor of `y` in products: small results of squares, and a sum that stays in their interval.
const BALANCE: f64 = 2.0;

/// Deviations of a lookup by which the zones of step 3 are apart, and half of that.
const APART: f64 = 14.0;

/// Blind rotations of [`softmax`] for so many scores.
#[must_use]
pub fn bootstraps(scores: usize) -> usize {
    scores.saturating_mul(6).saturating_add(1)
}

/// The softmax of scores within ±[`LIMIT`], on a torus of [`INPUT_TORUS`]; the results on one of [`OUTPUT_TORUS`].
///
/// ```
/// use he_tfhe::softmax::{INPUT_TORUS, OUTPUT_TORUS, Simulation, exact, softmax};
/// use he_tfhe::{PhaseErrors, PhaseModel, Spec};
///
/// let scores = [2.0, -1.0, 0.5];
/// let points = scores.map(|z: f64| (z / INPUT_TORUS * 32_f64.exp2()) as i64 as u32);
/// let backend = Simulation::new(PhaseModel::new(&Spec::approximate_table()), PhaseErrors::Exact);
/// let Ok(found) = softmax(&backend, &points);
/// for (x, p) in found.iter().zip(exact(&scores)) {
///     assert!((f64::from(*x as i32) / 32_f64.exp2() * OUTPUT_TORUS - p).abs() < 0.02);
/// }
/// ```
///
/// # Errors
/// If the backend refuses an operation.
pub fn softmax<B: Backend>(backend: &B, z: &[B::Value]) -> Result<Vec<B::Value>, B::Error> {
    let zones = Zones::new(backend.model());
    let most = maximum(backend, z)?;
    let apart = |z: &B::Value| backend.linear_combination(&[(2, z), (-2, &most)], 0);
    let near = z.iter().map(apart).collect::<Result<Vec<_>, _>>()?;
    let grown = |t: f64| t.min(2.0).exp();
    let parts = Table { first: -24.0, torus: 64.0, outputs: vec![(&grown, 32.0)] };
    let sum = sum(backend, &parts.look_up(backend, &near)?.concat(), 1)?;
    let log = |s: f64| s.max(0.4).ln();
    let log = Table { first: -0.5, torus: 32.0, outputs: vec![(&log, INPUT_TORUS)] };
    let log = log.look_up(backend, &[sum])?.concat();
    let whole = backend.linear_combination(&[(1, &most), (1, &log[0])], 0)?;
    let e = exponentials(backend, z, &whole, &zones)?;
    normalized(backend, &e)
}

/// The zones of step 3.
struct Zones {
    /// Scores below are clipped.
    kink: f64,
    /// The value of clipped scores.
    clipped: f64,
}

impl Zones {
    fn new(model: &PhaseModel) -> Self {
        let deviation = 64.0 * model.deviations[1];
        let kink = -7.0 + 1.5 * APART * deviation;
        Self { kink, clipped: kink - APART * deviation }
    }

    /// Between the clipped values and the others.
    fn between(&self) -> f64 {
        (self.kink + self.clipped) / 2.0
    }
}

/// The sum of all, times a factor.
fn sum<B: Backend>(backend: &B, values: &[B::Value], factor: i32) -> Result<B::Value, B::Error> {
    let terms: Vec<_> = values.iter().map(|x| (factor, x)).collect();
    backend.linear_combination(&terms, 0)
}

/// About the largest value, on the torus of scores.
fn maximum<B: Backend>(backend: &B, z: &[B::Value]) -> Result<B::Value, B::Error> {
    let mut left = z.to_vec();
    let positive = |d: f64| d.max(0.0);
    let table = Table { first: -32.0, torus: INPUT_TORUS, outputs: vec![(&positive, INPUT_TORUS)] };
    while left.len() > 1 {
        let (pairs, alone) = left.as_chunks::<2>();
        let apart = |[a, b]: &[B::Value; 2]| backend.linear_combination(&[(1, a), (-1, b)], 0);
        let differences = pairs.iter().map(apart).collect::<Result<Vec<_>, _>>()?;
        let more = table.look_up(backend, &differences)?.concat();
        let larger =
            |([_, b], more): (&[B::Value; 2], &B::Value)| backend.linear_combination(&[(1, b), (1, more)], 0);
        let mut next = pairs.iter().zip(&more).map(larger).collect::<Result<Vec<_>, _>>()?;
        next.extend_from_slice(alone);
        left = next;
    }
    left.pop().map_or_else(|| backend.linear_combination(&[], 0), Ok)
}

/// `exp(z_i − L)`, on the torus of results.
fn exponentials<B: Backend>(
    backend: &B,
    z: &[B::Value],
    whole: &B::Value,
    zones: &Zones,
) -> Result<Vec<B::Value>, B::Error> {
    let doubled = |z: &B::Value| backend.linear_combination(&[(2, z), (-2, whole)], 0);
    let t = z.iter().map(doubled).collect::<Result<Vec<_>, _>>()?;
    let clip = |t: f64| if t > zones.kink { 0.0 } else { zones.clipped - t };
    let coarse = |t: f64| if t > zones.kink { 0.0 } else { t.exp() };
    let both =
        Table { first: -24.0, torus: 64.0, outputs: vec![(&clip, INPUT_TORUS), (&coarse, OUTPUT_TORUS)] };
    let both = both.look_up(backend, &t)?;
    let kept =
        |(t, both): (&B::Value, &Vec<B::Value>)| backend.linear_combination(&[(4, t), (8, &both[0])], 0);
    let kept = t.iter().zip(&both).map(kept).collect::<Result<Vec<_>, _>>()?;
    let fine = |t: f64| if t > zones.between() { t.exp() } else { 0.0 };
    let fine = Table { first: -7.2, torus: 16.0, outputs: vec![(&fine, OUTPUT_TORUS)] };
    let fine = fine.look_up(backend, &kept)?;
    let total = |(fine, both): (&Vec<B::Value>, &Vec<B::Value>)| {
        backend.linear_combination(&[(1, &fine[0]), (1, &both[1])], 0)
    };
    fine.iter().zip(&both).map(total).collect()
}

/// `e_i/Σ e_j` for a sum near 1, on the torus of results.
fn normalized<B: Backend>(backend: &B, e: &[B::Value]) -> Result<Vec<B::Value>, B::Error> {
    let sum = sum(backend, e, 16)?;
    let less = |s: f64| BALANCE * (1.0 / s.max(0.2) - 1.0);
    let less = Table { first: 0.3, torus: 4.0, outputs: vec![(&less, OUTPUT_TORUS)] };
    let y = less.look_up(backend, &[sum])?.concat();
    let with = |sign: i32, e: &B::Value| backend.linear_combination(&[(8, e), (8 * sign, &y[0])], 0);
    let sums = e.iter().map(|e| with(1, e)).chain(e.iter().map(|e| with(-1, e)));
    let sums = sums.collect::<Result<Vec<_>, _>>()?;
    let square = |u: f64| u * u / (4.0 * BALANCE);
    let square = Table { first: -1.2, torus: 8.0, outputs: vec![(&square, OUTPUT_TORUS)] };
    let squares = square.look_up(backend, &sums)?.concat();
    let (plus, minus) = squares.split_at(e.len());
    let result = |((e, plus), minus)| backend.linear_combination(&[(1, e), (1, plus), (-1, minus)], 0);
    e.iter().zip(plus).zip(minus).map(result).collect()
}
