//! Matrices of exact or of real numbers.

use std::borrow::Cow;

use ndarray::{Array2, ArrayRef2, Axis};
use num_bigint::BigInt;

use super::error::{Result, TwinError};
use super::exact::{self, max_abs, power, round_shift};
use super::wide;
use crate::activation::Dyadic;
use crate::numbers::fixed::mean;

/// Integers that are read from floats are smaller.
const MOST: f64 = 4.0e18;

/// Row and column.
type Place = (usize, usize);

/// A matrix of numbers. Operations are exact on exact numbers, whose fractional bits grow as they must; `None` where a result
/// does not fit 63 bits, but where one operand is wide. Exact numbers among real ones become real.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Tensor {
    /// Integers, `value · 2^bits`.
    Exact(Array2<i64>, u32),
    /// Integers of any size, `value · 2^bits`.
    Wide(Array2<BigInt>, u32),
    /// Floating point.
    Real(Array2<f64>),
}

use Tensor::{Exact, Real, Wide};

impl Tensor {
    /// Numbers that must be multiples of `2^-bits`.
    pub(super) fn exact(x: &ArrayRef2<f64>, bits: u32, tensor: &str) -> Result<Self> {
        let (unit, mut wrong) = (2_f64.powi(bits as i32), None);
        let values = x.mapv(|x| {
            let (scaled, n) = (x * unit, (x * unit) as i64);
            if n as f64 != scaled || scaled.abs() > MOST {
                wrong = Some(x);
            }
            n
        });
        match wrong {
            Some(value) => Err(TwinError::Inexact { tensor: tensor.to_owned(), value, bits }),
            None => Ok(Exact(values, bits)),
        }
    }

    /// Exact numbers as integers of any size; real ones stay what they are.
    pub(super) fn widened(self) -> Self {
        match self {
            Exact(values, bits) => Wide(values.mapv(BigInt::from), bits),
            other => other,
        }
    }

    /// Integers of any size, if both are exact.
    fn both_wide<'a>(&'a self, other: &'a Self) -> Option<[(Cow<'a, Array2<BigInt>>, u32); 2]> {
        fn one(a: &Tensor) -> Option<(Cow<'_, Array2<BigInt>>, u32)> {
            match a {
                Exact(values, bits) => Some((Cow::Owned(values.mapv(BigInt::from)), *bits)),
                Wide(values, bits) => Some((Cow::Borrowed(values), *bits)),
                Real(_) => None,
            }
        }
        Some([one(self)?, one(other)?])
    }

    /// These numbers in floating point.
    pub(super) fn real(&self) -> Cow<'_, Array2<f64>> {
        match self {
            Exact(values, bits) => {
                let unit = 2_f64.powi(-(*bits as i32));
                Cow::Owned(values.mapv(|n| n as f64 * unit))
            }
            Wide(values, bits) => Cow::Owned(values.map(|n| wide::float(n, *bits))),
            Real(values) => Cow::Borrowed(values),
        }
    }

    /// Rows and columns.
    pub(super) fn dim(&self) -> (usize, usize) {
        match self {
            Exact(values, _) => values.dim(),
            Wide(values, _) => values.dim(),
            Real(values) => values.dim(),
        }
    }

    /// The largest magnitude; NaN if there is one.
    pub(super) fn largest(&self) -> f64 {
        let larger =
            |most: f64, x: &f64| if x.is_nan() || most.is_nan() { f64::NAN } else { most.max(x.abs()) };
        match self {
            Exact(values, bits) => max_abs(values) as f64 / 2_f64.powi(*bits as i32),
            Wide(..) => self.real().iter().fold(0.0, larger),
            Real(values) => values.iter().fold(0.0, larger),
        }
    }

    /// How many magnitudes are beyond a bound.
    pub(super) fn beyond(&self, bound: f64) -> u64 {
        let count = match self {
            Exact(values, bits) => {
                let most = (bound * 2_f64.powi(*bits as i32)) as u64;
                values.iter().filter(|n| n.unsigned_abs() > most).count()
            }
            Wide(..) | Real(_) => self.real().iter().filter(|x| x.abs() > bound).count(),
        };
        count as u64
    }

    /// Saturated to ±`bound`.
    pub(super) fn saturated(self, bound: f64) -> Self {
        match self {
            Exact(values, bits) => {
                let most = (bound * 2_f64.powi(bits as i32)) as i64;
                Exact(values.mapv_into(|n| n.clamp(-most, most)), bits)
            }
            Wide(values, bits) => {
                let most = wide::integer(bound, bits);
                Wide(values.mapv_into(|n| n.clamp(-most.clone(), most.clone())), bits)
            }
            Real(values) => Real(values.mapv_into(|x| x.clamp(-bound, bound))),
        }
    }

    /// The integers with `bits` fractional bits, rounded half away from zero; what is larger than 63 bits is of real numbers the
    /// largest integer, and of exact ones none.
    pub(super) fn integers(&self, bits: u32) -> Option<Array2<i64>> {
        match self {
            Exact(values, from) if bits <= *from => Some(values.mapv(|n| round_shift(n, from - bits))),
            Exact(values, from) => {
                let (unit, largest) = (power(bits - from)?, max_abs(values) as i64);
                largest.checked_mul(unit).map(|_| values * unit)
            }
            Wide(..) => None,
            Real(values) => {
                let unit = 2_f64.powi(bits as i32);
                Some(values.mapv(|x| (x * unit).round() as i64))
            }
        }
    }

    pub(super) fn t(&self) -> Self {
        match self {
            Exact(values, bits) => Exact(values.t().to_owned(), *bits),
            Wide(values, bits) => Wide(values.t().to_owned(), *bits),
            Real(values) => Real(values.t().to_owned()),
        }
    }

    /// The product of matrices.
    pub(super) fn product(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Exact(a, f), Exact(b, g)) => exact::product(a, b).map(|product| Exact(product, f + g)),
            _ => match self.both_wide(other) {
                Some([(a, f), (b, g)]) => Some(Wide(wide::product(&a, &b), f + g)),
                None => Some(Real(self.real().dot(&*other.real()))),
            },
        }
    }

    /// The products of entries at the same places.
    pub(super) fn times(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Exact(a, f), Exact(b, g)) => exact::times(a, b).map(|products| Exact(products, f + g)),
            _ => match self.both_wide(other) {
                Some([(a, f), (b, g)]) => wide::times(&a, &b).map(|products| Wide(products, f + g)),
                None => Some(Real(&*self.real() * &*other.real())),
            },
        }
    }

    /// `self·factor + other·by`, at a scale that holds both; a single row is added to every row.
    pub(super) fn combine(&self, factor: Dyadic, other: &Self, by: Dyadic) -> Option<Self> {
        match (self, other) {
            (Exact(a, f), Exact(b, g)) => {
                let (f, g) = (f + factor.bits(), g + by.bits());
                let bits = f.max(g);
                let at = |numerator: i64, from: u32| numerator.checked_mul(power(bits - from)?);
                let (factor, by) = (at(factor.numerator(), f)?, at(by.numerator(), g)?);
                exact::combine(a, factor, b, by).map(|sum| Exact(sum, bits))
            }
            _ => {
                if let Some([(a, f), (b, g)]) = self.both_wide(other) {
                    let (f, g) = (f + factor.bits(), g + by.bits());
                    let bits = f.max(g);
                    let (factor, by) = ((factor.numerator(), bits - f), (by.numerator(), bits - g));
                    return wide::combine(&a, factor, &b, by).map(|sum| Wide(sum, bits));
                }
                let (factor, by) = (factor.to_f64(), by.to_f64());
                let mut sum = self.real().into_owned();
                let other = other.real();
                let other = other.broadcast(sum.dim())?;
                sum.zip_mut_with(&other, |a, b| *a = *a * factor + b * by);
                Some(Real(sum))
            }
        }
    }

    /// `self + other`.
    pub(super) fn plus(&self, other: &Self) -> Option<Self> {
        self.combine(Dyadic::new(1, 0), other, Dyadic::new(1, 0))
    }

    /// `self - targets`, where targets are rounded to the scale of exact numbers.
    pub(super) fn minus(&self, targets: &ArrayRef2<f64>) -> Option<Self> {
        let targets = Real(targets.to_owned());
        let targets = match (self, &targets) {
            (Exact(_, bits), _) => Exact(targets.integers(*bits)?, *bits),
            (Wide(_, bits), Real(values)) => Wide(values.mapv(|x| wide::integer(x, *bits)), *bits),
            _ => targets,
        };
        self.combine(Dyadic::new(1, 0), &targets, Dyadic::new(-1, 0))
    }

    pub(super) fn sum_rows(&self) -> Option<Self> {
        match self {
            Exact(values, bits) => {
                let bound = u128::from(max_abs(values)) * values.nrows() as u128;
                let fits = bound <= i64::MAX as u128;
                fits.then(|| Exact(values.sum_axis(Axis(0)).insert_axis(Axis(0)), *bits))
            }
            Wide(values, bits) => Some(Wide(wide::sum_rows(values), *bits)),
            Real(values) => Some(Real(values.sum_axis(Axis(0)).insert_axis(Axis(0)))),
        }
    }

    /// One `n`-th of every number; of exact numbers as [`mean`] has it.
    pub(super) fn divided(self, n: usize) -> Option<Self> {
        match self {
            Exact(values, bits) => {
                let part = mean(n);
                let bound = u128::from(max_abs(&values)) * u128::from(part.numerator().unsigned_abs());
                let fits = bound <= i64::MAX as u128;
                fits.then(|| Exact(values * part.numerator(), bits + part.bits()))
            }
            Wide(values, bits) => {
                let part = mean(n);
                Some(Wide(values.mapv_into(|n| n * part.numerator()), bits + part.bits()))
            }
            Real(values) => Some(Real(values / n as f64)),
        }
    }

    /// A matrix of `dim` whose entry at each place stands at another place here.
    pub(super) fn gather(&self, dim: Place, from: impl Fn(Place) -> Place) -> Self {
        match self {
            Exact(values, bits) => Exact(Array2::from_shape_fn(dim, |at| values[from(at)]), *bits),
            Wide(values, bits) => Wide(Array2::from_shape_fn(dim, |at| values[from(at)].clone()), *bits),
            Real(values) => Real(Array2::from_shape_fn(dim, |at| values[from(at)])),
        }
    }

    /// A matrix of `dim` to whose entries those from here are added, in the order of the rows.
    pub(super) fn scatter(&self, dim: Place, to: impl Fn(Place) -> Place) -> Option<Self> {
        match self {
            Exact(values, bits) => {
                let mut sums = Array2::<i64>::zeros(dim);
                for (at, value) in values.indexed_iter() {
                    let sum = &mut sums[to(at)];
                    *sum = sum.checked_add(*value)?;
                }
                Some(Exact(sums, *bits))
            }
            Wide(values, bits) => {
                let mut sums = Array2::<BigInt>::zeros(dim);
                values.indexed_iter().for_each(|(at, value)| sums[to(at)] += value);
                Some(Wide(sums, *bits))
            }
            Real(values) => {
                let mut sums = Array2::zeros(dim);
                values.indexed_iter().for_each(|(at, value)| sums[to(at)] += value);
                Some(Real(sums))
            }
        }
    }
}
