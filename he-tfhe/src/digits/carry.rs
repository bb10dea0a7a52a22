//! Carries through the columns of a sum.
//!
//! A column holds a sum of digits of one weight. Where sums stay below `2r`, at most 1 is carried, and a column `t` has one
//! of three states: it carries (2), it carries if something comes in (1, for `t = r − 1`), or it does not (0). As digits
//! base 2, states behave like the columns of a binary sum: with a carry `c` coming in, columns `1, …, k` carry exactly if
//! `c + Σ 2^(i−1)·s_i ≥ 2^k`. So one table takes the carry of several columns.

use super::backend::Backend;
use super::evaluator::{DigitEvaluator, Lane};
use crate::error::Error;

/// A sum of digits, from 0 to `max`.
pub(super) struct Column<B: Backend> {
    pub(super) lane: Lane<B>,
    pub(super) max: i64,
}

/// The carry into a column: itself, or a sum of a carry and a state, which is 2 or more if there is one.
enum Carry<B: Backend> {
    Bit(Lane<B>),
    Open(Lane<B>),
}

/// Digits and, if it was asked for, what is carried out of the last column.
pub(super) type Carried<B> = (Vec<Lane<B>>, Option<Lane<B>>);

impl<B: Backend> DigitEvaluator<B> {
    /// The largest column that [`propagate`](Self::propagate) takes for so many integers. The highest may be larger if a table
    /// can take it with a carry of 1.
    pub(super) fn column_limit(&self, integers: usize) -> i64 {
        // A ripple adds a carry below r before a table takes the sum, a prefix takes at most a carry of 1.
        if self.ripples(integers) { self.messages() - self.base() } else { 2 * self.base() - 2 }
    }

    /// The digits of a sum of columns, from column `keep` on.
    pub(super) fn propagate(&self, columns: Vec<Column<B>>, keep: usize) -> Result<Vec<Lane<B>>, Error> {
        Ok(self.propagate_out(columns, keep, None)?.0)
    }

    /// [`propagate`](Self::propagate) with the carry out of all columns, and through one more of state `tail`.
    pub(super) fn propagate_out(
        &self,
        columns: Vec<Column<B>>,
        keep: usize,
        tail: Option<Lane<B>>,
    ) -> Result<Carried<B>, Error> {
        let integers = columns.first().map_or(0, |column| column.lane.len());
        if self.ripples(integers) {
            self.ripple(columns, keep, tail)
        } else {
            self.prefix(columns, keep, tail)
        }
    }

    fn ripple(
        &self,
        columns: Vec<Column<B>>,
        keep: usize,
        tail: Option<Lane<B>>,
    ) -> Result<Carried<B>, Error> {
        let (r, count) = (self.base(), columns.len());
        let integers = columns.first().map_or(0, |column| column.lane.len());
        let (mut digits, mut carry): (_, Option<Column<B>>) = (Vec::new(), None);
        for (i, column) in columns.into_iter().enumerate() {
            let Column { lane, max } = match carry.take() {
                Some(carry) => self.joined(column, &carry)?,
                None => column,
            };
            if max < r {
                digits.extend((i >= keep).then_some(lane));
                continue;
            }
            let mut layer = self.layer();
            let digit = (i >= keep).then(|| layer.push(lane.clone(), |x| x % r));
            let over = (i + 1 < count || tail.is_some()).then(|| layer.push(lane, |x| x / r));
            let outputs = layer.run()?;
            digits.extend(digit.map(|at| outputs[at].clone()));
            carry = over.map(|at| Column { lane: outputs[at].clone(), max: max / r });
        }
        let out = match (carry, tail) {
            (Some(carry), Some(tail)) => Some(self.both(&carry.lane, &tail)?),
            (None, Some(_)) => Some(self.constant_lane(0, integers)),
            (_, None) => None,
        };
        Ok((digits, out))
    }

    fn joined(&self, a: Column<B>, b: &Column<B>) -> Result<Column<B>, Error> {
        Ok(Column { lane: self.linear(&[(1, &a.lane), (1, &b.lane)], 0)?, max: a.max + b.max })
    }

    /// Whether a carry and a state make 2 or more.
    fn both(&self, carry: &Lane<B>, state: &Lane<B>) -> Result<Lane<B>, Error> {
        let mut layer = self.layer();
        layer.push(self.linear(&[(1, carry), (1, state)], 0)?, |x| i64::from(x >= 2));
        Ok(layer.run()?.swap_remove(0))
    }

    fn prefix(
        &self,
        columns: Vec<Column<B>>,
        keep: usize,
        tail: Option<Lane<B>>,
    ) -> Result<Carried<B>, Error> {
        let (r, count) = (self.base(), columns.len());
        let integers = columns.first().map_or(0, |column| column.lane.len());
        let start = columns.iter().position(|column| column.max >= r).unwrap_or(count);
        let mut sums: Vec<Lane<B>> = columns.into_iter().map(|column| column.lane).collect();
        if start == count {
            let out = tail.map(|_| self.constant_lane(0, integers));
            return Ok((sums.split_off(keep), out));
        }
        let last = if tail.is_some() { count } else { count - 1 };
        let states = (last + usize::from(tail.is_some())).saturating_sub(start + 1);
        let (mut layer, mut opened) = (self.layer(), vec![None; count]);
        let first = layer.push(sums[start].clone(), |x| x / r);
        let lowest = (start >= keep).then(|| layer.push(sums[start].clone(), |x| x % r));
        let state = |x| if x >= r { 2 } else { i64::from(x == r - 1) };
        let ranks: Vec<usize> = (start + 1..last).map(|i| layer.push(sums[i].clone(), state)).collect();
        for i in (start + 1..count).filter(|&i| i >= keep && self.is_open(i - start - 1, states)) {
            opened[i] = Some(layer.push(sums[i].clone(), |x| r * (x % r)));
        }
        let outputs = layer.run()?;
        if let Some(at) = lowest {
            sums[start] = outputs[at].clone();
        }
        let chain: Vec<Lane<B>> = ranks.iter().map(|&at| outputs[at].clone()).chain(tail.clone()).collect();
        let carries = self.carries(&outputs[first], &chain)?;
        let mut layer = self.layer();
        let mut places = Vec::new();
        for (i, carry) in (start + 1..count).zip(&carries).filter(|(i, _)| *i >= keep) {
            places.push(match (carry, opened[i]) {
                // r·t and what comes in side by side.
                (Carry::Open(x), Some(at)) => {
                    let read = |x| (x / r + i64::from(x % r >= 2)) % r;
                    layer.push(self.linear(&[(1, &outputs[at]), (1, x)], 0)?, read)
                }
                (Carry::Bit(x) | Carry::Open(x), _) => {
                    layer.push(self.linear(&[(1, &sums[i]), (1, x)], 0)?, |x| x % r)
                }
            });
        }
        let mut out = None;
        let last = tail.and_then(|_| carries.last());
        let open = last.and_then(|carry| match carry {
            Carry::Bit(bit) => {
                out = Some(bit.clone());
                None
            }
            Carry::Open(x) => Some(layer.push(x.clone(), |x| i64::from(x >= 2))),
        });
        let outputs = layer.run()?;
        let kept = sums.into_iter().take(start + 1).skip(keep);
        let digits = kept.chain(places.iter().map(|&at| outputs[at].clone())).collect();
        Ok((digits, open.map(|at| outputs[at].clone()).or(out)))
    }

    /// Columns whose states one table takes, with a carry.
    pub(super) fn group(&self) -> usize {
        let squared_norm = |columns: u32| 1.0 + (4_f64.powi(columns as i32) - 1.0) / 3.0;
        let most = 2 * self.backend.digit_bits() - 1;
        (1..=most).take_while(|&columns| squared_norm(columns) <= self.backend.squared_norm()).count()
    }

    /// Whether [`carries`](Self::carries) leaves the carry behind `i` of `states` states open.
    fn is_open(&self, i: usize, states: usize) -> bool {
        if states == 1 { i == 1 } else { i > self.group() }
    }

    /// The carries behind none, the first, the first two, … of the states, where `first` comes in.
    fn carries(&self, first: &Lane<B>, states: &[Lane<B>]) -> Result<Vec<Carry<B>>, Error> {
        let mut carries = vec![Carry::Bit(first.clone())];
        match states {
            [] => return Ok(carries),
            [state] => {
                carries.push(Carry::Open(self.linear(&[(1, first), (1, state)], 0)?));
                return Ok(carries);
            }
            _ => {}
        }
        let (head, rest) = states.split_at(states.len().min(self.group()));
        let mut layer = self.layer();
        for k in 1..=head.len() {
            layer.push(self.binary(Some(first), &head[..k])?, |x| i64::from(x >= 1 << k));
        }
        let groups: Vec<&[Lane<B>]> = rest.chunks(self.group()).collect();
        for group in &groups {
            for k in 2..=group.len() {
                let state = |x| if x >= 1 << k { 2 } else { i64::from(x == (1 << k) - 1) };
                layer.push(self.binary(None, &group[..k])?, state);
            }
        }
        let mut outputs = layer.run()?.into_iter();
        let bits: Vec<Lane<B>> = outputs.by_ref().take(head.len()).collect();
        let prefixes: Vec<Vec<Lane<B>>> = groups
            .iter()
            .map(|group| {
                std::iter::once(group[0].clone()).chain(outputs.by_ref().take(group.len() - 1)).collect()
            })
            .collect();
        if let (Some(bit), Some((_, before))) = (bits.last().cloned(), prefixes.split_last()) {
            let totals: Vec<Lane<B>> = before.iter().filter_map(|prefix| prefix.last().cloned()).collect();
            let into = self.closed(&bit, &totals)?;
            carries.extend(bits.into_iter().map(Carry::Bit));
            for (prefix, into) in prefixes.iter().zip(&into) {
                for state in prefix {
                    carries.push(Carry::Open(self.linear(&[(1, into), (1, state)], 0)?));
                }
            }
        } else {
            carries.extend(bits.into_iter().map(Carry::Bit));
        }
        Ok(carries)
    }

    /// [`carries`](Self::carries) with one more layer for those left open.
    fn closed(&self, first: &Lane<B>, states: &[Lane<B>]) -> Result<Vec<Lane<B>>, Error> {
        let mut layer = self.layer();
        let places: Vec<Result<usize, Lane<B>>> = self
            .carries(first, states)?
            .into_iter()
            .map(|carry| match carry {
                Carry::Bit(bit) => Err(bit),
                Carry::Open(x) => Ok(layer.push(x, |x| i64::from(x >= 2))),
            })
            .collect();
        let outputs = layer.run()?;
        Ok(places.into_iter().map(|place| place.map_or_else(|bit| bit, |at| outputs[at].clone())).collect())
    }

    /// `first + Σ 2^i·state_i`.
    pub(super) fn binary(&self, first: Option<&Lane<B>>, states: &[Lane<B>]) -> Result<Lane<B>, Error> {
        let first = first.map(|first| (1, first));
        let terms: Vec<(i32, &Lane<B>)> =
            first.into_iter().chain(states.iter().enumerate().map(|(i, state)| (1 << i, state))).collect();
        self.linear(&terms, 0)
    }
}
