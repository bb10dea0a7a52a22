//! A training step walked without numbers: levels, operations and keys.

use std::collections::BTreeMap;

use crate::engine::EngineError;
use crate::engine::slots::Body;
use crate::engine::slots::ckks::{Held, Level, RealFormulas, Rehearsal, Room, Samples, Tally};
use crate::program::{Program, Refresher, Step, Tensor};

/// The level of each tensor that the client encrypts, counted from the highest down.
pub(super) type Fresh = BTreeMap<Tensor, isize>;

/// The tensors of these layers that the client encrypts, each as high as it may be: features and targets at the level of expanded
/// weights.
pub(super) fn highest(formulas: &RealFormulas, program: &Program) -> Fresh {
    let mut fresh = Fresh::from([(Tensor::Weights, 0)]);
    if formulas.runs(Step::Forward(0)) {
        fresh.insert(Tensor::Features, -1);
    }
    if program.training.contains(&Step::Loss) && formulas.runs(Step::Loss) {
        fresh.insert(Tensor::Targets, -1);
    }
    let by_client = program.training.iter().filter_map(|step| match step {
        Step::Refresh { round, by: Refresher::Client } => Some(&program.rounds[*round]),
        _ => None,
    });
    let refreshed = by_client.flatten().flat_map(|refresh| refresh.to.iter().copied());
    fresh.extend(refreshed.filter(|tensor| is_held(formulas, *tensor)).map(|tensor| (tensor, 0)));
    fresh
}

/// Whether a tensor of images that the client sends is held here.
fn is_held(formulas: &RealFormulas, tensor: Tensor) -> bool {
    let sent = matches!(tensor, Tensor::Preactivation(_) | Tensor::Error(_));
    sent && tensor.is_on(&formulas.geometry.numbers, formulas.activations.len())
}

/// A mini-batch of which only the sizes are known.
struct Blank<'a> {
    rehearsal: &'a Rehearsal,
    formulas: &'a RealFormulas,
    fresh: &'a Fresh,
}

impl Blank<'_> {
    fn tiles(&self, tensor: Tensor, parts: usize) -> Result<Vec<Level>, EngineError> {
        let level = *self.fresh.get(&tensor).ok_or(EngineError::Missing(tensor))?;
        let tiles = self.formulas.geometry.ciphertexts(tensor) / parts.max(1);
        Ok(self.rehearsal.read(level, self.formulas.fresh_bound(tensor), tiles))
    }
}

impl Samples<Level> for Blank<'_> {
    fn read(&self, tensor: Tensor, _: usize) -> Result<Vec<Level>, EngineError> {
        self.tiles(tensor, self.formulas.image_tiles())
    }

    fn rows(&self) -> usize {
        self.formulas.batch
    }
}

/// The tally of a training step, with fresh tensors at given levels; values are held against a modulus, if one is given. A
/// classification takes the first part of it, up to the outputs.
pub(super) fn rehearse(
    formulas: &RealFormulas,
    program: &Program,
    fresh: &Fresh,
    room: Option<Room>,
) -> Result<Tally, EngineError> {
    let entries = if room.is_some() && formulas.is_shared() { formulas.most_shared() } else { 1 };
    let rehearsal = Rehearsal::new(room, entries);
    let body = Body { ops: &rehearsal, numbers: formulas };
    let samples = Blank { rehearsal: &rehearsal, formulas, fresh };
    let level = fresh.get(&Tensor::Weights).copied().unwrap_or(0);
    let state = vec![Level { level, bound: 1.0 }; formulas.geometry.compact.ciphertexts()];
    let mut held = Held { state, ..Held::default() };
    for &step in program.training.iter().filter(|step| formulas.runs(**step)) {
        rehearsal.enter(step);
        let Step::Refresh { round, by } = step else {
            body.run_on(step, &mut held, &samples)?;
            if program.prediction.last() == Some(&step) && held.tensors.has(formulas.program.outputs.from) {
                rehearsal
                    .send(formulas.program.outputs.from, held.tensors.get(formulas.program.outputs.from)?);
            }
            continue;
        };
        for refresh in &program.rounds[round] {
            match by {
                Refresher::Bootstrap => body.bootstrap(refresh.from, &mut held, samples.rows())?,
                Refresher::Client => {
                    if held.tensors.has(refresh.from) {
                        rehearsal.send(refresh.from, held.tensors.get(refresh.from)?);
                    }
                    held.tensors.forget(refresh.from);
                    for &to in refresh.to.iter().filter(|to| is_held(formulas, **to)) {
                        held.tensors.put(to, samples.tiles(to, 1)?);
                    }
                }
                Refresher::ClientBackward | Refresher::Clean => {}
            }
        }
    }
    Ok(rehearsal.tally())
}
