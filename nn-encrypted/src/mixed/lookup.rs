//! Tables in TFHE, whatever the scheme of the layers with weights.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use he_tfhe::{GlweCiphertext, LookupTable, LweCiphertext, SwitchedPhase};
use rayon::prelude::*;

use super::numbers::RESULT_BITS;
use super::plan::MixedPlan;
use super::stages::{Stage, Stages};
use super::{MixedError, MixedPlanError};

/// Boxes by which a reading may be off: a dozen deviations and more.
const TOLERANCE: u32 = 32;

/// The tables of a network.
pub(super) struct Tables {
    pub(super) rectifier: LookupTable,
    pub(super) output: LookupTable,
    pub(super) masked: LookupTable,
}

/// Tables, and what is counted of a step.
pub(super) struct Lookup {
    pub(super) plan: Arc<MixedPlan>,
    pub(super) tables: Tables,
    pub(super) stages: Stages,
    evaluator: Arc<he_tfhe::Evaluator>,
    refreshes: AtomicU64,
    /// What blind rotations read, if it is kept.
    readings: Option<Mutex<Vec<SwitchedPhase>>>,
}

fn tables(plan: &MixedPlan) -> Result<Tables, MixedPlanError> {
    let (numbers, reader, tfhe) = (&plan.numbers, &plan.reader, plan.parameters.tfhe());
    let torus = |values: &[i64], bits: u32| values.iter().map(|&v| (v << (32 - bits)) as u32).collect();
    let table = |outputs: &[Vec<u32>]| {
        let outputs: Vec<&[u32]> = outputs.iter().map(Vec::as_slice).collect();
        let table = LookupTable::on_half_torus(tfhe, &outputs).map_err(he_switch::Error::from)?;
        Ok::<_, MixedPlanError>(table.with_tolerance(TOLERANCE))
    };
    let [values, passes] = numbers.rectifier(reader.boxes(2));
    Ok(Tables {
        rectifier: table(&[torus(&values, RESULT_BITS), torus(&passes, 2)])?,
        output: table(&[torus(&numbers.sigmoid(reader.boxes(1)), RESULT_BITS)])?,
        masked: table(&[torus(&numbers.masked(reader.boxes(1)), RESULT_BITS)])?,
    })
}

impl Lookup {
    /// The tables of a plan; `record` keeps the readings of blind rotations.
    pub(super) fn new(
        plan: &Arc<MixedPlan>,
        evaluator: &Arc<he_tfhe::Evaluator>,
        record: bool,
    ) -> Result<Self, MixedError> {
        Ok(Self {
            plan: Arc::clone(plan),
            tables: tables(plan)?,
            stages: Stages::default(),
            evaluator: Arc::clone(evaluator),
            refreshes: AtomicU64::new(0),
            readings: record.then(Mutex::default),
        })
    }

    /// Bootstraps of TFHE so far.
    pub(super) fn bootstraps(&self) -> u64 {
        self.evaluator.bootstraps()
    }

    /// Ciphertexts of CKKS that were filled or refreshed so far.
    pub(super) fn refreshes(&self) -> u64 {
        self.refreshes.load(Ordering::Relaxed)
    }

    /// Counts a refresh and its time.
    pub(super) fn refresh<T>(&self, stop: &AtomicBool, work: impl FnOnce() -> T) -> Result<T, MixedError> {
        go_on(stop)?;
        self.refreshes.fetch_add(1, Ordering::Relaxed);
        Ok(self.stages.on(Stage::Refresh, work))
    }

    /// What was read since this was asked last.
    pub(super) fn take_readings(&self) -> Vec<SwitchedPhase> {
        let kept = self.readings.as_ref();
        kept.map_or_else(Vec::new, |kept| {
            std::mem::take(&mut *kept.lock().unwrap_or_else(PoisonError::into_inner))
        })
    }

    /// What is added to a sample: an offset, and half a step of a reading in steps of `2^spare`.
    pub(super) fn offset(&self, offset: u32, spare: u32) -> u32 {
        offset.wrapping_add(1 << (31 + spare - self.plan.reader.log))
    }

    /// Bootstraps with a table; the outputs of one input follow one another.
    pub(super) fn look_up(
        &self,
        inputs: &[LweCiphertext],
        table: &LookupTable,
        stop: &AtomicBool,
    ) -> Result<Vec<LweCiphertext>, MixedError> {
        if let Some(kept) = &self.readings {
            let (log, spare) = (self.plan.reader.log, table.outputs().trailing_zeros());
            let all: Vec<&LweCiphertext> = inputs.iter().collect();
            let readings =
                self.stages.on(Stage::Audit, || self.evaluator.switched_phases(&all, log, spare))?;
            kept.lock().unwrap_or_else(PoisonError::into_inner).extend(readings);
        }
        let mut outputs = Vec::with_capacity(inputs.len() * table.outputs());
        for inputs in inputs.chunks(512) {
            go_on(stop)?;
            let batch = || self.evaluator.bootstrap_batch(inputs, table);
            outputs.extend(self.stages.on(Stage::Bootstraps, batch)?);
        }
        Ok(outputs)
    }

    /// Values side by side.
    pub(super) fn pack(&self, all: &[Vec<LweCiphertext>]) -> Result<Vec<GlweCiphertext>, MixedError> {
        let pack = |values: &Vec<LweCiphertext>| self.evaluator.pack(values);
        Ok(self.stages.on(Stage::Packing, || all.par_iter().map(pack).collect::<Result<Vec<_>, _>>())?)
    }
}

/// Stops where it is asked for.
pub(super) fn go_on(stop: &AtomicBool) -> Result<(), MixedError> {
    if stop.load(Ordering::SeqCst) { Err(MixedError::Stopped) } else { Ok(()) }
}
