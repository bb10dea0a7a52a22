//! Products, of integers and in fixed point.
//!
//! The product of two digits is `r·high + low`, each from a table of both digits: two bootstraps. With the highest digits
//! taken as signed, the product of two integers needs no correction for their signs. Highs may then be negative; tables give
//! them less their minimum, and the minima of all are one constant.

use super::backend::Backend;
use super::carry::Column;
use super::evaluator::{DigitEvaluator, Lane};
use super::integer::Digits;
use crate::error::Error;

/// The operation, for messages.
const FIXED: &str = "fixed-point multiplication";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Low,
    High,
}

/// One half of the product of digits `i` of `a` and `j` of `b`.
struct Half {
    part: Part,
    i: usize,
    j: usize,
    /// Its value for all pairs of digits, `values[r·x + y]`.
    values: Vec<i64>,
}

/// Which part of a product is wanted: columns from `lowest` on are summed, below `keep` for their carries only.
struct Window {
    lowest: usize,
    keep: usize,
    end: usize,
}

impl<B: Backend> DigitEvaluator<B> {
    /// `a·b` modulo `2^W`, element by element.
    ///
    /// # Errors
    /// If the slices differ in length or width, or an integer belongs to other parameters.
    pub fn mul(
        &self,
        a: &[Digits<B::Digit>],
        b: &[Digits<B::Digit>],
    ) -> Result<Vec<Digits<B::Digit>>, Error> {
        let [a, b] = self.two_lanes("multiplication", a, b)?;
        let window = Window { lowest: 0, keep: 0, end: a.len() };
        Ok(self.integers(&self.product([a, b], None, &window, false)?))
    }

    /// `a·b/2^f` modulo `2^W` for signed integers, element by element: the product of fixed-point numbers with `fraction = f`
    /// bits behind the point. Products of digits more than two digits below the point are left out: with `t = f/log2 r − 2`,
    /// that makes the result too small by less than `t·(r − 1)/r²`, and then it is rounded down. Exactly, it is
    /// [`clear::fixed_mul`](super::clear::fixed_mul).
    ///
    /// # Errors
    /// If the slices differ in length or width, `f` is no multiple of a digit or above `W`, or an integer belongs to other
    /// parameters.
    pub fn fixed_mul(
        &self,
        a: &[Digits<B::Digit>],
        b: &[Digits<B::Digit>],
        fraction: u32,
    ) -> Result<Vec<Digits<B::Digit>>, Error> {
        let [a, b] = self.two_lanes(FIXED, a, b)?;
        let window = self.fixed_window(a.len(), fraction)?;
        Ok(self.integers(&self.product([a, b], None, &window, true)?))
    }

    /// `a·b/2^f + c` modulo `2^W`, element by element: [`fixed_mul`](Self::fixed_mul) and [`add`](Self::add), with the
    /// carries of one of them.
    ///
    /// # Errors
    /// As [`fixed_mul`](Self::fixed_mul).
    pub fn fixed_mul_add(
        &self,
        a: &[Digits<B::Digit>],
        b: &[Digits<B::Digit>],
        c: &[Digits<B::Digit>],
        fraction: u32,
    ) -> Result<Vec<Digits<B::Digit>>, Error> {
        let ([a, b], [_, c]) = (self.two_lanes(FIXED, a, b)?, self.two_lanes(FIXED, a, c)?);
        let window = self.fixed_window(a.len(), fraction)?;
        Ok(self.integers(&self.product([a, b], Some(c), &window, true)?))
    }

    /// The window of a fixed-point product of so many digits.
    fn fixed_window(&self, digits: usize, fraction: u32) -> Result<Window, Error> {
        let keep = (fraction / self.backend.digit_bits()) as usize;
        if !fraction.is_multiple_of(self.backend.digit_bits()) || (keep > digits && digits > 0) {
            let (field, found) = ("the part behind the point", format!("{fraction} bits"));
            return Err(Error::Spec { field, found, needed: format!("whole digits, at most {digits}") });
        }
        // No integers have no digits.
        let keep = keep.min(digits);
        Ok(Window { lowest: keep.saturating_sub(2), keep, end: digits + keep })
    }

    fn product(
        &self,
        [a, b]: [Vec<Lane<B>>; 2],
        addend: Option<Vec<Lane<B>>>,
        window: &Window,
        signed: bool,
    ) -> Result<Vec<Lane<B>>, Error> {
        let Some(integers) = a.first().map(Vec::len) else { return Ok(Vec::new()) };
        let (a, b) = (self.refreshed(a, self.pair_limit())?, self.refreshed(b, self.pair_limit())?);
        let (halves, constants) = self.halves(a.len(), window, signed);
        let mut layer = self.layer();
        for half in halves.iter().flatten() {
            layer.push(self.pair(&a[half.i], &b[half.j])?, |x| half.values[x as usize]);
        }
        let mut outputs = layer.run()?.into_iter();
        let mut columns = Vec::new();
        for (halves, constant) in halves.iter().zip(constants) {
            let mut terms = self.bundle(halves, &outputs.by_ref().take(halves.len()).collect::<Vec<_>>())?;
            if constant > 0 {
                terms.push(Column { lane: self.constant_lane(constant, integers), max: constant });
            }
            columns.push(terms);
        }
        let keep = window.keep - window.lowest;
        if let Some(addend) = addend {
            let addend = self.refreshed(addend, self.pair_limit())?;
            for (column, lane) in columns[keep..].iter_mut().zip(addend) {
                column.push(Column { lane, max: self.base() - 1 });
            }
        }
        let columns = self.compress(columns, keep)?;
        self.propagate(columns, keep)
    }

    /// The halves of all products, column by column, and what is to be added to every column.
    fn halves(&self, digits: usize, window: &Window, signed: bool) -> (Vec<Vec<Half>>, Vec<i64>) {
        let count = window.end - window.lowest;
        let mut columns: Vec<Vec<Half>> = (0..count).map(|_| Vec::new()).collect();
        let mut constants = vec![0; count];
        let top = |i: usize| signed && i + 1 == digits;
        for i in 0..digits {
            for j in 0..digits {
                if !(window.lowest..window.end).contains(&(i + j)) {
                    continue;
                }
                let at = i + j - window.lowest;
                let (low, mut high) = self.half_values(top(i), top(j));
                // A single low part in a column that is not wanted cannot carry.
                if i + j > 0 || window.keep == 0 {
                    columns[at].push(Half { part: Part::Low, i, j, values: low });
                }
                if at + 1 < count {
                    let least = high.iter().copied().min().unwrap_or(0);
                    high.iter_mut().for_each(|value| *value -= least);
                    constants[at + 1] += least;
                    columns[at + 1].push(Half { part: Part::High, i, j, values: high });
                }
            }
        }
        let r = self.base();
        for at in 0..count {
            let over = constants[at].div_euclid(r);
            constants[at] = constants[at].rem_euclid(r);
            if let Some(next) = constants.get_mut(at + 1) {
                *next += over;
            }
        }
        columns.iter_mut().for_each(|halves| halves.sort_by_key(|half| (half.i, half.part == Part::High)));
        (columns, constants)
    }

    fn half_values(&self, signed_x: bool, signed_y: bool) -> (Vec<i64>, Vec<i64>) {
        let r = self.base();
        let value = |digit: i64, signed: bool| if signed && digit >= r / 2 { digit - r } else { digit };
        let products = (0..r * r).map(|xy| value(xy / r, signed_x) * value(xy % r, signed_y));
        (products.clone().map(|v| v.rem_euclid(r)).collect(), products.map(|v| v.div_euclid(r)).collect())
    }

    /// Sums of neighbouring halves that a table can take. In the order of their digits the halves of a column form a path,
    /// each sharing a digit with the next; so the largest sum along it is known exactly, well below the sum of the maxima.
    fn bundle(&self, halves: &[Half], lanes: &[Lane<B>]) -> Result<Vec<Column<B>>, Error> {
        let sum = |(range, max): (std::ops::Range<usize>, i64)| {
            let terms: Vec<(i32, &Lane<B>)> = lanes[range].iter().map(|lane| (1, lane)).collect();
            Ok(Column { lane: self.linear(&terms, 0)?, max })
        };
        self.segments(halves).into_iter().map(sum).collect()
    }

    /// Cuts a path such that the digits and carries of its segments are as small as can be, and then as few. Returns the
    /// segments and the largest sums over them.
    fn segments(&self, halves: &[Half]) -> Vec<(std::ops::Range<usize>, i64)> {
        let r = self.base();
        // The least cost up to every half, and the segment that ends there.
        let mut best: Vec<(i64, usize, i64)> = vec![(0, 0, 0)];
        best.resize(halves.len() + 1, (i64::MAX, 0, 0));
        for from in 0..halves.len() {
            let mut path: Option<Vec<i64>> = None;
            for to in from..halves.len() {
                let longer = self.longest(path.as_deref(), halves[from..to].last(), &halves[to]);
                let max = longer.iter().copied().max().unwrap_or(0);
                if max >= self.messages() {
                    break;
                }
                let cost = 8 * (max.min(r - 1) + max / r) + i64::from(max >= r) + 1;
                let whole = best[from].0 + cost;
                if whole < best[to + 1].0 {
                    best[to + 1] = (whole, from, max);
                }
                path = Some(longer);
            }
        }
        let (mut segments, mut end) = (Vec::new(), halves.len());
        while end > 0 {
            let (_, from, max) = best[end];
            segments.push((from..end, max));
            end = from;
        }
        segments
    }

    /// The largest sums along a path with one half more, for every value of the digit that the next half shares: of `a` behind
    /// a low part, of `b` behind a high one.
    fn longest(&self, path: Option<&[i64]>, before: Option<&Half>, half: &Half) -> Vec<i64> {
        let r = self.base() as usize;
        let shares = before.is_some_and(|before| match half.part {
            Part::Low => before.part == Part::High && before.j == half.j,
            Part::High => before.part == Part::Low && before.i == half.i,
        });
        let most = path.and_then(|path| path.iter().copied().max()).unwrap_or(0);
        let start = |digit: usize| path.filter(|_| shares).map_or(most, |path| path[digit]);
        let value = |shared: usize, next: usize| match half.part {
            Part::Low => start(shared) + half.values[r * next + shared],
            Part::High => start(shared) + half.values[r * shared + next],
        };
        (0..r).map(|next| (0..r).map(|shared| value(shared, next)).max().unwrap_or(0)).collect()
    }
}
