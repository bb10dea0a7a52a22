//! Tables in TFHE, whatever the scheme of the layers with weights.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use he_tfhe::{GlweCiphertext, LookupTable, LweCiphertext, Parameters, SwitchedPhase};
use rayon::prelude::*;

use super::stage;
use crate::activation::Function;
use crate::engine::clock::Clock;
use crate::engine::{EngineError, Result, Usage, unless};
use crate::network::{Layer, Network};
use crate::numbers::tables::{self, RESULT_BITS, TableNumbers, TableReader};
use crate::recipe::Loss;

/// Boxes by which a lookup may be off: a dozen deviations and more.
const TOLERANCE: u32 = 32;

/// Lookups between which it is asked whether to stop.
const CHUNK: usize = 512;

/// A quarter of the torus: the middle of the range of a table.
const QUARTER: u32 = 1 << 30;

/// The functions that a network looks up in tables.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TableFunctions {
    /// Those that are looked up with their derivatives: behind each hidden layer with weights, and with quadratic loss behind the last,
    /// where the error is their difference from targets times the derivative.
    pub activations: Vec<Function>,
    /// With cross-entropy that of the last pre-activations, which less targets is the error.
    pub output: Option<Function>,
}

impl TableFunctions {
    /// Those of a network.
    ///
    /// # Errors
    /// The layer with weights, counted from 0, that has no activation.
    pub(crate) fn of(network: &Network) -> Result<Self, usize> {
        let function = |(l, layer): (usize, &Layer)| {
            layer.activation.as_ref().map(|activation| activation.function.clone()).ok_or(l)
        };
        let mut activations: Vec<Function> =
            network.layers.iter().enumerate().map(function).collect::<Result<_, _>>()?;
        let last = activations.pop().ok_or(0_usize)?;
        let output = match network.loss {
            Loss::CrossEntropy => Some(last),
            Loss::Quadratic => {
                activations.push(last);
                None
            }
        };
        Ok(Self { activations, output })
    }
}

/// An activation, and how errors are multiplied with its derivative.
struct ActivationTables {
    /// The function and its derivative.
    activation: LookupTable,
    /// By which pre-activations and errors are multiplied on their way to the tables, `log2`.
    shifts: [u32; 2],
    /// Of errors with a mask, or of squares, whose differences are products.
    error: LookupTable,
    masked: bool,
}

/// Tables, and what is counted of a step.
pub(crate) struct Lookup {
    numbers: TableNumbers,
    reader: TableReader,
    activations: Vec<ActivationTables>,
    /// Of the last pre-activations, where no derivative enters.
    output: Option<LookupTable>,
    pub(crate) clock: Clock,
    evaluator: Arc<he_tfhe::Evaluator>,
    refreshes: AtomicU64,
    switches: AtomicU64,
    stop: Arc<AtomicBool>,
    /// The phases by which tables were looked up, if they are kept.
    records: Option<Mutex<Vec<SwitchedPhase>>>,
}

/// Makes tables.
struct Maker<'a> {
    numbers: &'a TableNumbers,
    reader: &'a TableReader,
    parameters: &'a Parameters,
}

impl Maker<'_> {
    /// A table of outputs, each with the `log2` of its unit on the torus, negated.
    fn table(&self, outputs: &[(Vec<i64>, u32)]) -> Result<LookupTable> {
        let torus = |(values, bits): &(Vec<i64>, u32)| -> Vec<u32> {
            values.iter().map(|&value| (value << (32 - bits)) as u32).collect()
        };
        let outputs: Vec<Vec<u32>> = outputs.iter().map(torus).collect();
        let outputs: Vec<&[u32]> = outputs.iter().map(Vec::as_slice).collect();
        Ok(LookupTable::on_half_torus(self.parameters, &outputs)?.with_tolerance(TOLERANCE))
    }

    fn single(&self, values: Vec<i64>) -> Result<LookupTable> {
        self.table(&[(values, RESULT_BITS)])
    }

    fn activation(&self, function: &Function, last: bool) -> Result<ActivationTables> {
        let (numbers, [one, two]) = (self.numbers, [1, 2].map(|outputs| self.reader.boxes(outputs)));
        let (both, bits, shifts, error) = if last {
            let shifts = [numbers.shifts[1], numbers.output_error_shift(function)];
            let error = numbers.output_error(function, one);
            (numbers.output_activation(function, two), tables::DERIVATIVE_BITS, shifts, error)
        } else {
            let (bits, shifts) = (tables::derivative_bits(function), [numbers.shifts[0], numbers.shifts[2]]);
            (numbers.activation(function, two), bits, shifts, numbers.error(function, one))
        };
        let [values, derivatives] = both;
        let activation = self.table(&[(values, RESULT_BITS), (derivatives, bits)])?;
        let masked = !last && tables::is_masked(function);
        Ok(ActivationTables { activation, shifts, error: self.single(error)?, masked })
    }
}

impl Lookup {
    /// The tables of a network; `record` keeps the phases by which they are looked up.
    pub(crate) fn new(
        functions: &TableFunctions,
        numbers: TableNumbers,
        reader: TableReader,
        evaluator: &Arc<he_tfhe::Evaluator>,
        record: bool,
    ) -> Result<Self> {
        let maker = Maker { numbers: &numbers, reader: &reader, parameters: evaluator.params() };
        let last = functions.activations.len() + usize::from(functions.output.is_some()) - 1;
        let activations = functions.activations.iter().enumerate();
        let output = functions.output.as_ref();
        let output = output.map(|function| maker.single(numbers.output(function, reader.boxes(1))));
        Ok(Self {
            activations: activations
                .map(|(l, function)| maker.activation(function, l == last))
                .collect::<Result<_>>()?,
            output: output.transpose()?,
            numbers,
            reader,
            clock: Clock::default(),
            evaluator: Arc::clone(evaluator),
            refreshes: AtomicU64::new(0),
            switches: AtomicU64::new(0),
            stop: Arc::default(),
            records: record.then(Mutex::default),
        })
    }

    /// Lookups end from now on once `stop` is set.
    pub(super) fn stop_by(&mut self, stop: &Arc<AtomicBool>) {
        self.stop = Arc::clone(stop);
    }

    /// Counts and times so far: bootstraps of tables, ciphertexts of CKKS that were filled or refreshed, values that went to TFHE or came
    /// back.
    pub(super) fn usage(&self) -> Usage {
        Usage {
            tables: self.evaluator.bootstraps(),
            bootstraps: self.refreshes.load(Ordering::Relaxed),
            failure: 0.0,
            switches: self.switches.load(Ordering::Relaxed),
            stages: self.clock.stages(),
        }
    }

    /// Counts values that go to TFHE or come back.
    pub(super) fn count(&self, values: usize) {
        self.switches.fetch_add(values as u64, Ordering::Relaxed);
    }

    /// Counts a refresh and its time.
    pub(crate) fn refresh<T>(&self, work: impl FnOnce() -> T) -> Result<T> {
        unless(&self.stop)?;
        self.refreshes.fetch_add(1, Ordering::Relaxed);
        Ok(self.clock.on(stage::REFRESH, work))
    }

    /// The phases that were kept since this was asked last.
    pub(super) fn take_records(&self) -> Vec<SwitchedPhase> {
        let kept = self.records.as_ref();
        kept.map_or_else(Vec::new, |kept| {
            std::mem::take(&mut *kept.lock().unwrap_or_else(PoisonError::into_inner))
        })
    }

    /// Values side by side.
    pub(crate) fn pack(&self, all: &[Vec<LweCiphertext>]) -> Result<Vec<GlweCiphertext>> {
        let pack = |values: &Vec<LweCiphertext>| self.evaluator.pack(values);
        let packed = || all.par_iter().map(pack).collect::<Result<Vec<_>, _>>();
        Ok(self.clock.on(stage::PACKING, packed)?)
    }

    /// By which pre-activations of a layer are multiplied on their way to a table, `log2`.
    pub(super) fn sum_shift(&self, l: usize) -> u32 {
        self.activations.get(l).map_or(self.numbers.shifts[1], |tables| tables.shifts[0])
    }

    fn tables(&self, l: usize) -> Result<&ActivationTables> {
        let unplanned = || EngineError::Unplanned(format!("activation behind layer {}", l + 1));
        self.activations.get(l).ok_or_else(unplanned)
    }

    /// By which errors behind the activation of a layer are multiplied on their way to a table, `log2`.
    pub(super) fn error_shift(&self, l: usize) -> Result<u32> {
        Ok(self.tables(l)?.shifts[1])
    }

    /// Activations and derivatives of pre-activations, lowered with their shift.
    pub(super) fn activate(&self, l: usize, sums: Vec<LweCiphertext>) -> Result<[Vec<LweCiphertext>; 2]> {
        let outputs = self.look_up(sums, QUARTER, &self.tables(l)?.activation)?;
        let (mut values, mut derivatives) = (Vec::new(), Vec::new());
        for (i, output) in outputs.into_iter().enumerate() {
            if i % 2 == 0 { values.push(output) } else { derivatives.push(output) }
        }
        Ok([values, derivatives])
    }

    /// Errors at the last pre-activations before targets are taken off, where no derivative enters.
    pub(super) fn output(&self, sums: Vec<LweCiphertext>) -> Result<Vec<LweCiphertext>> {
        let unplanned = || EngineError::Unplanned("loss without an activation".into());
        self.look_up(sums, QUARTER, self.output.as_ref().ok_or_else(unplanned)?)
    }

    /// Whether the error at the outputs takes a derivative.
    pub(super) fn has_output_activation(&self) -> bool {
        self.output.is_none()
    }

    /// Errors, lowered with their shift, times derivatives.
    pub(super) fn derive(
        &self,
        l: usize,
        mut errors: Vec<LweCiphertext>,
        derivatives: &[LweCiphertext],
    ) -> Result<Vec<LweCiphertext>> {
        let moved = |errors: &mut Vec<LweCiphertext>, by: i32| {
            let mut pairs = errors.iter_mut().zip(derivatives);
            pairs.try_for_each(|(error, derivative)| error.add_scaled_assign(derivative, by))
        };
        let ActivationTables { error: table, masked, .. } = self.tables(l)?;
        let mut differences = if *masked { vec![] } else { errors.clone() };
        moved(&mut errors, 1)?;
        if *masked {
            return self.look_up(errors, QUARTER / 2, table);
        }
        moved(&mut differences, -1)?;
        let sums = self.look_up(errors, QUARTER, table)?;
        let differences = self.look_up(differences, QUARTER, table)?;
        let products = sums.iter().zip(&differences).map(|(a, b)| self.evaluator.sub(a, b));
        Ok(products.collect::<Result<_, _>>()?)
    }

    /// Bootstraps with a table; the outputs of one input follow one another.
    fn look_up(
        &self,
        mut inputs: Vec<LweCiphertext>,
        offset: u32,
        table: &LookupTable,
    ) -> Result<Vec<LweCiphertext>> {
        let spare = table.outputs().trailing_zeros();
        // Phases are rounded down: half a step makes that the nearest.
        let constant = offset.wrapping_add(1 << (31 + spare - self.reader.log));
        inputs.iter_mut().for_each(|input| input.add_constant_assign(constant));
        if let Some(kept) = &self.records {
            let all: Vec<&LweCiphertext> = inputs.iter().collect();
            let phases = || self.evaluator.switched_phases(&all, self.reader.log, spare);
            let phases = self.clock.on(stage::AUDIT, phases)?;
            kept.lock().unwrap_or_else(PoisonError::into_inner).extend(phases);
        }
        let mut outputs = Vec::with_capacity(inputs.len() * table.outputs());
        for inputs in inputs.chunks(CHUNK) {
            unless(&self.stop)?;
            let batch = || self.evaluator.bootstrap_batch(inputs, table);
            outputs.extend(self.clock.on(stage::BOOTSTRAPS, batch)?);
        }
        Ok(outputs)
    }
}
