//! Bytes of the messages of a plan, before anything is made.

use super::message::{MODEL, bytes, expected};
use crate::plan::{Plan, WireSize};
use crate::program::{Refresher, Step, Tensor};

/// Bytes and rounds of a step or of a classification.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Crossing {
    pub(crate) to_server: u64,
    pub(crate) to_client: u64,
    pub(crate) rounds: u64,
}

fn by_client(plan: &Plan, tensors: &[Tensor], rows: usize) -> u64 {
    bytes(&expected(plan, tensors, rows), |size: &WireSize| size.fresh)
}

fn by_server(plan: &Plan, tensors: &[Tensor], rows: usize) -> u64 {
    bytes(&expected(plan, tensors, rows), |size: &WireSize| size.computed)
}

/// Weights and momentum, as the client sends them, and as a server keeps them.
pub(crate) fn model_bytes(plan: &Plan) -> [u64; 2] {
    [by_client(plan, &MODEL, 0), by_server(plan, &MODEL, 0)]
}

/// A mini-batch of so many rows.
pub(crate) fn batch_bytes(plan: &Plan, rows: usize) -> u64 {
    // A client that takes the backward pass keeps targets for itself.
    let targets = if plan.program.has_client_backward() { &[][..] } else { &[Tensor::Targets] };
    by_client(plan, &[&[Tensor::Features], targets].concat(), rows)
}

/// The rounds of a training step on so many rows.
pub(crate) fn step_bytes(plan: &Plan, rows: usize) -> Crossing {
    rounds(plan, &plan.program.training, rows)
}

/// The classification of so many rows: the query, its rounds, the outputs.
pub(crate) fn query_bytes(plan: &Plan, rows: usize) -> Crossing {
    let mut all = rounds(plan, &plan.program.prediction, rows);
    all.to_server += by_client(plan, &[Tensor::Features], rows);
    all.to_client += by_server(plan, &[plan.program.outputs.from], rows);
    all
}

fn rounds(plan: &Plan, steps: &[Step], rows: usize) -> Crossing {
    let mut all = Crossing::default();
    for step in steps {
        let Step::Refresh { round, by } = step else { continue };
        if !by.is_client() {
            continue;
        }
        let refreshes = &plan.program.rounds[*round];
        let asked = if *by == Refresher::ClientBackward { &refreshes[..1] } else { &refreshes[..] };
        let asked: Vec<Tensor> = asked.iter().map(|refresh| refresh.from).collect();
        let awaited: Vec<Tensor> = refreshes.iter().flat_map(|refresh| refresh.to.clone()).collect();
        all.to_client += by_server(plan, &asked, rows);
        all.to_server += by_client(plan, &awaited, rows);
        all.rounds += 1;
    }
    all
}
