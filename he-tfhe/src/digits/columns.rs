//! Many digits of one weight into columns that carries can run through.
//!
//! A sum that a table can take is split into its digit, which stays in its column, and its carry, which goes to the next.
//! The splits of a layer are planned from the largest values alone.

use super::backend::Backend;
use super::carry::Column;
use super::evaluator::{DigitEvaluator, Lane};
use crate::error::Error;

/// A term in a plan: its place in the column, its largest value and its noise.
#[derive(Clone, Copy)]
struct Size {
    at: usize,
    max: i64,
    norm: f64,
}

/// A sum to be split, and which of its parts are wanted.
struct Split {
    column: usize,
    terms: Vec<Size>,
    low: bool,
    high: bool,
}

/// One layer of splits.
struct Plan {
    splits: Vec<Split>,
    /// Terms of every column that are not split.
    kept: Vec<Vec<Size>>,
    /// The largest value of every column behind it.
    after: Vec<i64>,
}

impl<B: Backend> DigitEvaluator<B> {
    /// Sums the terms of every column, the lowest first. Where a sum exceeds what [`propagate`](Self::propagate) takes, parts
    /// of it are split, layer by layer. Digits of columns below `keep` are not wanted.
    pub(super) fn compress(
        &self,
        mut columns: Vec<Vec<Column<B>>>,
        keep: usize,
    ) -> Result<Vec<Column<B>>, Error> {
        let integers = columns.iter().flatten().next().map_or(0, |term| term.lane.len());
        let (limit, readable) = (self.column_limit(integers), self.messages() - 1);
        loop {
            let sizes: Vec<Vec<Size>> = columns.iter().map(|terms| self.sizes(terms)).collect();
            let last = sizes.len().saturating_sub(1);
            // Out of the highest column nothing is carried: it only has to fit a table.
            let top = limit.max(readable - 1);
            let target = |column| if column == last { top } else { limit };
            if sizes.iter().enumerate().all(|(column, sizes)| self.is_within(sizes, target(column))) {
                break;
            }
            // In one layer, if that can be; else first to sums that a table takes whole, for which one layer is enough.
            let mut plan = self.plan(&sizes, keep, target);
            let reached = plan.after.iter().enumerate().all(|(column, max)| *max <= target(column));
            if 2 * limit <= readable && !reached {
                plan = self.plan(&sizes, keep, |_| readable);
            }
            if plan.splits.is_empty() {
                break;
            }
            columns = self.split(&plan, &columns)?;
        }
        columns.iter().map(|terms| self.total(terms, integers)).collect()
    }

    fn sizes(&self, terms: &[Column<B>]) -> Vec<Size> {
        let size = |(at, term): (usize, &Column<B>)| Size { at, max: term.max, norm: self.norm(&term.lane) };
        terms.iter().enumerate().map(size).collect()
    }

    fn is_within(&self, sizes: &[Size], limit: i64) -> bool {
        // One carry is added later.
        let noise: f64 = sizes.iter().map(|size| size.norm).sum();
        sum_max(sizes) <= limit && noise + 1.0 <= self.backend.squared_norm()
    }

    fn total(&self, terms: &[Column<B>], integers: usize) -> Result<Column<B>, Error> {
        if terms.is_empty() {
            return Ok(Column { lane: self.constant_lane(0, integers), max: 0 });
        }
        let lanes: Vec<(i32, &Lane<B>)> = terms.iter().map(|term| (1, &term.lane)).collect();
        Ok(Column { lane: self.linear(&lanes, 0)?, max: terms.iter().map(|term| term.max).sum() })
    }

    /// Splits as few sums as needed for columns within `target`, if that can be.
    fn plan(&self, columns: &[Vec<Size>], keep: usize, target: impl Fn(usize) -> i64) -> Plan {
        let (r, count) = (self.base(), columns.len());
        let mut plan = Plan { splits: Vec::new(), kept: Vec::new(), after: Vec::new() };
        let (mut carried, mut bottom) = (0, true);
        for (column, sizes) in columns.iter().enumerate() {
            let mut terms = sizes.clone();
            terms.sort_by_key(|size| std::cmp::Reverse(size.max));
            let (mut low, mut over) = (0, 0);
            bottom = bottom && column < keep && carried == 0;
            if bottom && self.is_within(&terms, self.messages() - 1) {
                // Nothing comes in from below, and the digit is not wanted: only the carry is left.
                over = sum_max(&terms) / r;
                if over > 0 {
                    plan.splits.push(Split { column, terms: terms.clone(), low: false, high: true });
                }
                terms.clear();
            }
            while !terms.is_empty() && !self.is_within(&terms, target(column) - carried - low) {
                let (group, rest) = self.readable_group(&terms);
                let max = sum_max(&group);
                if max < r {
                    break;
                }
                (low, over) = (low + r - 1, over + max / r);
                plan.splits.push(Split { column, terms: group, low: true, high: column + 1 < count });
                terms = rest;
            }
            bottom = bottom && terms.is_empty() && over == 0;
            plan.after.push(sum_max(&terms) + low + carried);
            plan.kept.push(terms);
            carried = over;
        }
        plan
    }

    /// Terms, the largest first, as long as a table can take their sum; and those left.
    fn readable_group(&self, terms: &[Size]) -> (Vec<Size>, Vec<Size>) {
        let (mut max, mut noise) = (0, 0.0);
        terms.iter().partition(|size| {
            let fits = max + size.max < self.messages() && noise + size.norm <= self.backend.squared_norm();
            if fits {
                (max, noise) = (max + size.max, noise + size.norm);
            }
            fits
        })
    }

    fn split(&self, plan: &Plan, columns: &[Vec<Column<B>>]) -> Result<Vec<Vec<Column<B>>>, Error> {
        let r = self.base();
        let pick = |column: usize, sizes: &[Size]| -> Vec<Column<B>> {
            let term = |size: &Size| Column { lane: columns[column][size.at].lane.clone(), max: size.max };
            sizes.iter().map(term).collect()
        };
        let mut next: Vec<Vec<Column<B>>> =
            plan.kept.iter().enumerate().map(|(column, sizes)| pick(column, sizes)).collect();
        let (mut layer, mut places) = (self.layer(), Vec::new());
        for Split { column, terms, low, high } in &plan.splits {
            let sum = self.total(&pick(*column, terms), 0)?;
            if *high {
                places.push((layer.push(sum.lane.clone(), |x| x / r), column + 1, sum.max / r));
            }
            if *low {
                places.push((layer.push(sum.lane, |x| x % r), *column, r - 1));
            }
        }
        let outputs = layer.run()?;
        for (at, column, max) in places {
            next[column].push(Column { lane: outputs[at].clone(), max });
        }
        Ok(next)
    }
}

fn sum_max(sizes: &[Size]) -> i64 {
    sizes.iter().map(|size| size.max).sum()
}
