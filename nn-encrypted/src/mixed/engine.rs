//! What a server computes with: products in BGV, tables in TFHE, and the ways between.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use he_bgv::{Ciphertext, Encoder, Plaintext};
use he_ckks::bootstrap::Bootstrapper;
use he_core::ring::poly::{Eval, Poly};
use he_core::rlwe;
use he_switch::bgv_ckks::Refresher;
use he_switch::bgv_to_tfhe::BgvToTfhe;
use he_switch::expand::{Expander, combine};
use he_switch::tfhe_to_bgv::TfheToBgv;
use he_tfhe::{LookupTable, LweCiphertext, Reading};
use rayon::prelude::*;

use super::keys::Keys;
use super::layout::Dense;
use super::linear::Place;
use super::numbers::RESULT_BITS;
use super::plan::{LOG_CLEAN, LOG_WORN, MixedPlan};
use super::stages::{Stage, Stages};
use super::{MixedError, MixedPlanError};

/// Boxes by which a reading may be off: a dozen deviations and more.
const TOLERANCE: u32 = 32;

/// One value in TFHE, and where it goes in BGV: ciphertext and coefficient.
pub(super) struct Sent {
    pub(super) to: (usize, usize),
    pub(super) value: LweCiphertext,
}

/// The tables of a network.
pub(super) struct Tables {
    pub(super) rectifier: LookupTable,
    pub(super) output: LookupTable,
    pub(super) masked: LookupTable,
}

/// All evaluators.
pub(super) struct Engine {
    pub(super) plan: Arc<MixedPlan>,
    pub(super) products: he_bgv::Evaluator,
    pub(super) tables: Tables,
    pub(super) stages: Stages,
    bootstraps: he_tfhe::Evaluator,
    down: BgvToTfhe,
    up: TfheToBgv,
    refresher: Refresher,
    expander: Expander,
    refreshes: AtomicU64,
    /// What blind rotations read, if it is kept.
    readings: Option<Mutex<Vec<Reading>>>,
}

fn tables(plan: &MixedPlan) -> Result<Tables, MixedPlanError> {
    let (numbers, reader, tfhe) = (&plan.numbers, &plan.reader, plan.parameters.tfhe());
    let torus = |values: &[i64], bits: u32| values.iter().map(|&v| (v << (32 - bits)) as u32).collect();
    let table = |outputs: &[Vec<u32>]| {
        let outputs: Vec<&[u32]> = outputs.iter().map(Vec::as_slice).collect();
        let table = LookupTable::on_half_torus(tfhe, &outputs).map_err(he_switch::Error::from)?;
        Ok::<_, MixedPlanError>(table.read_within(TOLERANCE))
    };
    let [values, passes] = numbers.rectifier(reader.boxes(2));
    Ok(Tables {
        rectifier: table(&[torus(&values, RESULT_BITS), torus(&passes, 2)])?,
        output: table(&[torus(&numbers.sigmoid(reader.boxes(1)), RESULT_BITS)])?,
        masked: table(&[torus(&numbers.masked(reader.boxes(1)), RESULT_BITS)])?,
    })
}

impl Engine {
    /// From keys as they were sent; `record` keeps what blind rotations read.
    pub(super) fn new(plan: &Arc<MixedPlan>, keys: Keys, record: bool) -> Result<Self, MixedError> {
        let bootstrapper = Bootstrapper::new(keys.ckks)?;
        Ok(Self {
            plan: Arc::clone(plan),
            products: he_bgv::Evaluator::new(plan.parameters.bgv(), keys.bgv)?,
            tables: tables(plan)?,
            stages: Stages::default(),
            bootstraps: he_tfhe::Evaluator::new(keys.tfhe.expand()),
            down: keys.down.expand()?,
            up: TfheToBgv::new(keys.up),
            refresher: Refresher::new(keys.refresh, bootstrapper)?,
            expander: keys.expander,
            refreshes: AtomicU64::new(0),
            readings: record.then(Mutex::default),
        })
    }

    /// Bootstraps of TFHE so far.
    pub(super) fn bootstraps(&self) -> u64 {
        self.bootstraps.bootstraps()
    }

    /// Ciphertexts of CKKS that were filled or refreshed so far.
    pub(super) fn refreshes(&self) -> u64 {
        self.refreshes.load(Ordering::Relaxed)
    }

    /// What was read since this was asked last.
    pub(super) fn take_readings(&self) -> Vec<Reading> {
        let kept = self.readings.as_ref();
        kept.map_or_else(Vec::new, |kept| {
            std::mem::take(&mut *kept.lock().unwrap_or_else(PoisonError::into_inner))
        })
    }

    /// The parts of a dense tensor.
    pub(super) fn parts(&self, pieces: &[Ciphertext], dense: Dense) -> Result<Vec<Ciphertext>, MixedError> {
        self.stages.on(Stage::Products, || {
            let mut parts = Vec::with_capacity(dense.parts);
            for piece in pieces {
                parts.extend(self.expander.expand(piece, dense.levels)?);
            }
            parts.truncate(dense.parts);
            Ok(parts)
        })
    }

    /// Parts side by side in ciphertexts of degree 1.
    pub(super) fn dense(&self, parts: &[Ciphertext], levels: u32) -> Result<Vec<Ciphertext>, MixedError> {
        let whole = |group: &[Ciphertext]| Ok(self.products.relinearize(&combine(group)?)?);
        parts.par_chunks(1 << levels).map(whole).collect()
    }

    /// A constant at a place, the other coefficients zero, as a ciphertext that hides nothing.
    pub(super) fn trivial(&self, place: Place, value: i64) -> Result<Ciphertext, MixedError> {
        let bgv = self.plan.parameters.bgv();
        let zero = Poly::<Eval>::zero(bgv.rlwe().basis(bgv.max_limbs()));
        let inner = rlwe::Ciphertext::new(bgv.rlwe(), vec![zero.clone(), zero]);
        let zero = Ciphertext::from_rlwe(bgv, inner, 0.0)?;
        Ok(self.products.add_plain(&zero, &self.constant(place, value)?)?)
    }

    /// A constant at a place.
    pub(super) fn constant(&self, place: Place, value: i64) -> Result<Plaintext, MixedError> {
        let bgv = self.plan.parameters.bgv();
        let mut coefficients = vec![0; bgv.n()];
        coefficients[place.coefficient] = if place.negated { -value } else { value };
        Ok(Encoder::new(bgv).encode_coefficients(&coefficients)?)
    }

    /// What stands at places of dense ciphertexts, times `2^shift`, on the torus; `offset` and half a step of a reading in steps of
    /// `2^spare` are added.
    pub(super) fn lower(
        &self,
        pieces: &[Ciphertext],
        places: &[((usize, usize), bool)],
        (shift, offset, spare): (u32, u32, u32),
    ) -> Result<Vec<LweCiphertext>, MixedError> {
        let constant = offset.wrapping_add(1 << (31 + spare - self.plan.reader.log));
        self.stages.on(Stage::Switching, || {
            let mut values: Vec<Option<LweCiphertext>> = (0..places.len()).map(|_| None).collect();
            for (at, piece) in pieces.iter().enumerate() {
                let own: Vec<usize> = (0..places.len()).filter(|&i| places[i].0.0 == at).collect();
                let coefficients: Vec<usize> = own.iter().map(|&i| places[i].0.1).collect();
                for (i, mut value) in own.into_iter().zip(self.down.extract(piece, &coefficients)?) {
                    let factor = 1 << shift;
                    value.scale_assign(if places[i].1 { -factor } else { factor });
                    value.add_constant_assign(constant);
                    values[i] = Some(value);
                }
            }
            values.into_iter().collect::<Option<Vec<_>>>().ok_or(MixedError::Place)
        })
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
            let readings = self.stages.on(Stage::Audit, || self.bootstraps.readings(&all, log, spare))?;
            kept.lock().unwrap_or_else(PoisonError::into_inner).extend(readings);
        }
        let mut outputs = Vec::with_capacity(inputs.len() * table.outputs());
        for inputs in inputs.chunks(512) {
            go_on(stop)?;
            outputs.extend(
                self.stages.on(Stage::Bootstraps, || self.bootstraps.bootstrap_batch(inputs, table))?,
            );
        }
        Ok(outputs)
    }

    /// The error that errors may have, in units of their integers, if sums over `batch` products of them with these inputs are to be
    /// refreshed, `parts` in a ciphertext. Two operands with errors `y` and `y'`, relative to their modulus, have a product with an
    /// error of `y·y'·q·√n` at the second modulus `q`, and `√` of their number is that of the sum.
    pub(super) fn error_beside(&self, inputs: &[Ciphertext], batch: usize, parts: usize) -> f64 {
        let bgv = self.plan.parameters.bgv();
        let relative = |c: &Ciphertext| c.noise().log2() - bgv.noise().log_q(c.limbs());
        let worst = inputs.iter().map(relative).fold(f64::MIN, f64::max);
        let terms = (bgv.n() * batch * parts) as f64;
        let needed = LOG_WORN - worst - bgv.noise().log_q(2.min(bgv.max_limbs())) - 0.5 * terms.log2();
        needed.min(LOG_CLEAN).exp2()
    }

    /// Results of tables as BGV ciphertexts, `pieces` of them, with an error of at most `error`.
    pub(super) fn raise(
        &self,
        all: Vec<Sent>,
        pieces: usize,
        error: f64,
        stop: &AtomicBool,
    ) -> Result<Vec<Ciphertext>, MixedError> {
        let parameters = &self.plan.parameters;
        let most = parameters.bgv_pieces();
        let (small, large) = (parameters.tfhe().n(), parameters.bgv().n());
        let mut groups: Vec<Vec<Vec<LweCiphertext>>> = (0..pieces.div_ceil(most))
            .map(|group| {
                let count = (pieces - group * most).min(most).next_power_of_two();
                let zero = LweCiphertext::trivial(parameters.tfhe(), 0);
                vec![vec![zero; small]; count * large / small]
            })
            .collect();
        for Sent { to: (piece, coefficient), value } in all {
            let group = &mut groups[piece / most];
            let packs = group.len();
            let index = coefficient * (packs * small / large) + piece % most;
            group[index % packs][index / packs] = value;
        }
        let mut out = Vec::with_capacity(pieces);
        for group in groups {
            let pack = |values: &Vec<LweCiphertext>| self.bootstraps.pack(values);
            let packed = self
                .stages
                .on(Stage::Packing, || group.par_iter().map(pack).collect::<Result<Vec<_>, _>>())?;
            go_on(stop)?;
            let back = || self.up.convert(&self.refresher, &packed, RESULT_BITS, error);
            out.extend(self.stages.on(Stage::Refresh, back)?);
            self.refreshes.fetch_add(1, Ordering::Relaxed);
        }
        out.truncate(pieces);
        Ok(out)
    }

    /// Dense ciphertexts as good as new.
    pub(super) fn refresh(
        &self,
        pieces: &[Ciphertext],
        stop: &AtomicBool,
    ) -> Result<Vec<Ciphertext>, MixedError> {
        let mut out = Vec::with_capacity(pieces.len());
        for group in pieces.chunks(self.plan.parameters.bgv_pieces()) {
            go_on(stop)?;
            out.extend(self.stages.on(Stage::Refresh, || self.refresher.refresh(group, LOG_CLEAN.exp2()))?);
            self.refreshes.fetch_add(1, Ordering::Relaxed);
        }
        Ok(out)
    }
}

/// Stops where it is asked for.
pub(super) fn go_on(stop: &AtomicBool) -> Result<(), MixedError> {
    if stop.load(Ordering::SeqCst) { Err(MixedError::Stopped) } else { Ok(()) }
}
