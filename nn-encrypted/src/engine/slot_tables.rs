//! Activations by exact tables over the slots of CKKS, between layers in coefficients of BGV.
//!
//! Nothing moves: value `o` of image `r` is in the same place of pre-activations, activations, derivatives and errors
//! (`CoefficientLayout::over_slots`), the real part of the slot whose number is that of its coefficient with reversed bits. What
//! stands between values is looked up as well, and a mask of zeros and ones takes it away.
//!
//! | | from BGV | in slots | back in BGV |
//! |---|---|---|---|
//! | activation | `Z`, truncated | `a(z)`, masked; `a'(z)` waits | lifted and cleaned |
//! | loss | `Z` and targets, truncated | `T1 − y·T2`, masked | lifted and cleaned |
//! | error | `D·Wᵀ`, truncated | times `a'(z)`; truncated and looked up again but behind a mask; masked | lifted and cleaned |
//!
//! What the tables hold, and the twin looks up as well, is `numbers::tables::Index` and the functions beside it.

mod values;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use he_bgv::Ciphertext;
use he_ckks::bootstrap::{Integers, Table};
use he_switch::tables::Switcher;

pub(crate) use self::values::{HiddenValues, TableValues};
use super::clock::Clock;
use super::coefficients::Coefficients;
use super::integers::RESIDUES;
use super::tables::{Activations, At, Beside, Layers, stage};
use super::{EngineError, Result, Usage, unless};
use crate::layout::Rows;
use crate::numbers::tables::{Index, Looked, TableNumbers};
use crate::program::Tensor;

/// `log2` of the magnitudes beside their modulus that a lift takes, negated.
const LIFTED_BITS: u32 = 5;

/// Bits that a first truncation takes off at least if nothing is asked of the errors of integers but to be truncated.
const SAFE_BITS: u32 = 6;

/// How much cleaner weights are than must be: one lift more of theirs spares one of each tensor that is multiplied with them.
const WEIGHTS: f64 = 1.0 / (1 << 14) as f64;

/// Errors, in units of the integers, with which a table reads them right wherever they are.
const READABLE: f64 = 1.0 / 64.0;

/// `log2` of the largest probability of larger ones.
const LARGEST_FAILURE: f64 = -40.0;

/// A table, and the modulus of results that are to be lifted.
struct Entries {
    table: Table,
    modulus: usize,
}

impl Entries {
    fn new(values: &[i64]) -> Result<Self> {
        let most = values.iter().map(|value| value.unsigned_abs()).max().unwrap_or(0);
        let bits = u64::BITS - most.leading_zeros();
        let values: Vec<f64> = values.iter().map(|&value| value as f64).collect();
        Ok(Self { table: Table::new(&values)?, modulus: 1 << (bits + LIFTED_BITS) })
    }
}

/// The tables of a hidden layer, ready to be looked up.
struct Hidden {
    value: Entries,
    slope: Entries,
    error: Entries,
    product: Option<(Index, Entries)>,
}

impl Hidden {
    fn new(values: &HiddenValues) -> Result<Self> {
        let product = values.product.as_ref();
        let product =
            product.map(|(index, values)| Ok::<_, EngineError>((index.clone(), Entries::new(values)?)));
        Ok(Self {
            value: Entries::new(&values.value)?,
            slope: Entries::new(&values.slope)?,
            error: Entries::new(&values.error)?,
            product: product.transpose()?,
        })
    }
}

/// Tables over slots, and what waits there.
pub(crate) struct SlotTables {
    switcher: Switcher,
    numbers: TableNumbers,
    hidden: Arc<[Hidden]>,
    /// Of the last pre-activations: the loss, and outputs for a classification.
    last: Arc<[Entries; 2]>,
    /// Derivatives behind each layer with weights, ciphertext after ciphertext.
    slopes: BTreeMap<usize, Vec<he_ckks::Ciphertext>>,
    clock: Clock,
    bootstraps: u64,
    /// The probability that a bootstrap or a reading of this process has failed, summed.
    failure: f64,
    stop: Arc<AtomicBool>,
}

/// Places of the tables of the last pre-activations.
const LOSS: usize = 0;
const OUTPUTS: usize = 1;

/// Where the layers are.
type Place<'a> = At<'a, Coefficients<Switcher>>;

impl SlotTables {
    /// With the tables of a network.
    pub(crate) fn new(values: &TableValues, numbers: TableNumbers, switcher: &Switcher) -> Result<Self> {
        let [loss, outputs] = &values.last;
        Ok(Self {
            hidden: values.hidden.iter().map(Hidden::new).collect::<Result<_>>()?,
            last: Arc::new([Entries::new(loss)?, Entries::new(outputs)?]),
            switcher: switcher.clone(),
            numbers,
            slopes: BTreeMap::new(),
            clock: Clock::default(),
            bootstraps: 0,
            failure: 0.0,
            stop: Arc::default(),
        })
    }

    /// Counts bootstraps, each of which fails with a probability of so many bits.
    fn count(&mut self, bootstraps: usize, log2_failure: f64) {
        self.bootstraps += bootstraps as u64;
        self.failure += bootstraps as f64 * log2_failure.exp2();
    }

    /// Ciphertexts of BGV as integers in real parts, modulo `T`.
    fn integers(&mut self, pieces: &[Ciphertext], index: &Index) -> Result<Integers> {
        unless(&self.stop)?;
        let to_tables = || self.switcher.to_tables(pieces, index.shift);
        Ok(self.clock.on(stage::SWITCHING, to_tables)?.real_parts())
    }

    /// Integers truncated to their index.
    fn indexed(&mut self, integers: Integers, index: &Index) -> Result<Integers> {
        if index.parts.first().is_none_or(|&part| part < SAFE_BITS) {
            let log2 = integers.log2_beyond(READABLE);
            if log2 > LARGEST_FAILURE {
                let what = format!("reading of integers with errors of 2^{:.1}", integers.error().log2());
                return Err(EngineError::Unplanned(what));
            }
            self.failure += log2.exp2();
        }
        let mut integers = integers;
        for &part in &index.parts {
            unless(&self.stop)?;
            let tables = self.switcher.tables();
            let failure = tables.truncation_failure(&integers)?;
            integers = self.clock.on(stage::TRUNCATION, || tables.truncate(&integers, part))?;
            self.count(1, failure);
        }
        Ok(integers)
    }

    /// Tables of integers, in slots.
    fn look_up(&mut self, integers: &Integers, tables: &[&Table]) -> Result<Vec<he_ckks::Ciphertext>> {
        unless(&self.stop)?;
        let bootstrapper = Arc::clone(self.switcher.tables());
        let failure = bootstrapper.truncation_failure(integers)?;
        let found = self.clock.on(stage::TABLES, || bootstrapper.look_up(integers, tables))?;
        self.count(1, failure);
        Ok(found)
    }

    /// Integers in slots, those at places of a tensor alone, as so many ciphertexts of BGV from the `first` on.
    fn raise(
        &mut self,
        at: &Place<'_>,
        rows: Rows,
        group: Group,
        (found, modulus): (&he_ckks::Ciphertext, usize),
        error: f64,
    ) -> Result<Vec<Ciphertext>> {
        unless(&self.stop)?;
        let mask = self.mask(at, rows, group)?;
        let tables = self.switcher.tables();
        let masked = || {
            let masked = tables.evaluator().mul_plain(found, &mask)?;
            Ok::<_, EngineError>(tables.to_integers(&masked, modulus)?.real_parts())
        };
        let integers = self.clock.on(stage::SWITCHING, masked)?;
        let to_bgv = || self.switcher.to_bgv(&integers, group.count, error);
        let raised = self.clock.on(stage::REFRESH, to_bgv)?;
        self.count(raised.lifts, self.switcher.log2_failure());
        Ok(raised.ciphertexts.into_iter().map(|c| c.with_bound(RESIDUES)).collect::<Result<_, _>>()?)
    }

    /// One at the slots of a tensor's values in a group of ciphertexts, and zero elsewhere.
    fn mask(&self, at: &Place<'_>, rows: Rows, group: Group) -> Result<he_ckks::Plaintext> {
        let tables = self.switcher.tables();
        let (slots, most) = (tables.slots(), self.switcher.capacity());
        let bits = slots.trailing_zeros();
        let mut mask = vec![0.0; slots];
        for place in at.layers.places().each(rows, at.images) {
            if let Some(piece) = place.piece.checked_sub(group.first).filter(|&piece| piece < group.count) {
                let slot = place.index * most + piece;
                if slot >= slots {
                    return Err(EngineError::Unplanned(format!("value at coefficient {}", place.index)));
                }
                mask[slot.reverse_bits() >> (usize::BITS - bits)] = 1.0;
            }
        }
        Ok(he_ckks::Encoder::new(tables.evaluator().params()).encode_in(&mask, slots)?)
    }

    /// The groups of ciphertexts that go through tables at once.
    fn groups(&self, pieces: usize) -> impl Iterator<Item = Group> + use<> {
        let most = self.switcher.capacity();
        (0..pieces).step_by(most).map(move |first| Group { first, count: most.min(pieces - first) })
    }

    /// The error of errors that are multiplied with inputs of their layer next, and with weights on the way back.
    fn error_beside(at: &Place<'_>) -> f64 {
        let beside = at.layers.error_beside(&Beside { inputs: at.inputs, images: at.images });
        if at.layer == 0 { beside } else { beside.min(at.layers.error_before(at.layer, at.weights, 1)) }
    }

    /// The error of activations that are multiplied with weights of the layer behind.
    fn error_before(at: &Place<'_>) -> f64 {
        let (layers, behind) = (at.layers, at.layer + 1);
        layers.error_before(behind, at.weights, layers.tiles(behind)).min(layers.clean())
    }

    /// A table of the last pre-activations.
    fn last(
        &mut self,
        at: &Place<'_>,
        sums: &[Ciphertext],
        table: usize,
        error: f64,
    ) -> Result<Vec<Ciphertext>> {
        let (index, mut out) = (self.numbers.index(Looked::Output), Vec::with_capacity(sums.len()));
        for group in self.groups(sums.len()) {
            let integers = self.integers(group.of(sums), &index)?;
            let integers = self.indexed(integers, &index)?;
            let tables = Arc::clone(&self.last);
            let Entries { table, modulus } = &tables[table];
            let found = self.look_up(&integers, &[table])?.swap_remove(0);
            out.extend(self.raise(at, Rows::Errors(at.layer), group, (&found, *modulus), error)?);
        }
        Ok(out)
    }
}

impl Activations<Coefficients<Switcher>> for SlotTables {
    fn loss_takes_outputs(&self) -> bool {
        false
    }

    fn activate(&mut self, at: &Place<'_>, sums: &[Ciphertext]) -> Result<Vec<Ciphertext>> {
        if at.is_last() {
            return self.last(at, sums, OUTPUTS, at.layers.clean());
        }
        let (hidden, l) = (Arc::clone(&self.hidden), at.layer);
        let Hidden { value, slope, .. } = &hidden[l];
        let (mut out, mut slopes) = (Vec::with_capacity(sums.len()), Vec::new());
        let index = self.numbers.index(Looked::Preactivation);
        for group in self.groups(sums.len()) {
            let integers = self.integers(group.of(sums), &index)?;
            let integers = self.indexed(integers, &index)?;
            let mut found = self.look_up(&integers, &[&value.table, &slope.table])?;
            slopes.extend(found.pop());
            let found = found.swap_remove(0);
            out.extend(self.raise(
                at,
                Rows::Inputs(l + 1),
                group,
                (&found, value.modulus),
                Self::error_before(at),
            )?);
        }
        self.slopes.insert(l, slopes);
        Ok(out)
    }

    fn loss(
        &mut self,
        at: &Place<'_>,
        found: &[Ciphertext],
        targets: &[Ciphertext],
    ) -> Result<Vec<Ciphertext>> {
        // Targets of one are 2^β.
        let unit = self.numbers.target_unit() >> self.numbers.error_bits;
        let error = Self::error_beside(at);
        let sums = self.clock.on(stage::PRODUCTS, || at.layers.add_scaled(found, targets, unit))?;
        self.last(at, &sums, LOSS, error)
    }

    fn derive(&mut self, at: &Place<'_>, gradient: &[Ciphertext]) -> Result<Vec<Ciphertext>> {
        let (hidden, l, error) = (Arc::clone(&self.hidden), at.layer, Self::error_beside(at));
        let slopes = self.slopes.remove(&l).ok_or(EngineError::Missing(Tensor::Derivative(l)))?;
        let index = self.numbers.index(Looked::Error);
        let mut out = Vec::with_capacity(gradient.len());
        for (group, slope) in self.groups(gradient.len()).zip(&slopes) {
            let integers = self.integers(group.of(gradient), &index)?;
            let integers = self.indexed(integers, &index)?;
            let found = self.look_up(&integers, &[&hidden[l].error.table])?.swap_remove(0);
            let tables = Arc::clone(self.switcher.tables());
            let product = self.clock.on(stage::TABLES, || tables.evaluator().mul(&found, slope))?;
            let (found, modulus) = match &hidden[l].product {
                None => (product, hidden[l].error.modulus),
                Some((index, Entries { table, modulus })) => {
                    let to_integers = || tables.to_integers(&product, 1 << index.width);
                    let integers = self.clock.on(stage::SWITCHING, to_integers)?.real_parts();
                    let integers = self.indexed(integers, index)?;
                    (self.look_up(&integers, &[table])?.swap_remove(0), *modulus)
                }
            };
            out.extend(self.raise(at, Rows::Errors(l), group, (&found, modulus), error)?);
        }
        Ok(out)
    }

    fn refresh(
        &mut self,
        layers: &Coefficients<Switcher>,
        weights: &[Ciphertext],
    ) -> Result<Vec<Ciphertext>> {
        let mut out = Vec::with_capacity(weights.len());
        for group in weights.chunks(self.switcher.refresh_capacity()) {
            unless(&self.stop)?;
            let fresh =
                self.clock.on(stage::REFRESH, || self.switcher.refresh(group, layers.clean() * WEIGHTS))?;
            self.count(fresh.lifts, self.switcher.log2_failure());
            out.extend(fresh.ciphertexts);
        }
        Ok(out)
    }

    fn forget(&mut self) {
        self.slopes.clear();
    }

    fn clock(&self) -> &Clock {
        &self.clock
    }

    fn stop_by(&mut self, stop: &Arc<AtomicBool>) {
        self.stop = Arc::clone(stop);
    }

    fn usage(&self) -> Usage {
        let (stages, failure) = (self.clock.stages(), self.failure);
        Usage { bootstraps: self.bootstraps, failure, stages, ..Usage::default() }
    }
}

/// Ciphertexts of a tensor that go through tables at once.
#[derive(Clone, Copy)]
struct Group {
    first: usize,
    count: usize,
}

impl Group {
    fn of<T>(self, all: &[T]) -> &[T] {
        &all[self.first..self.first + self.count]
    }
}
