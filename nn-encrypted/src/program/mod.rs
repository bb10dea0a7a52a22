//! A training step and a classification as lists of layer-level steps, the same for all schemes.
//!
//! The list holds order and the names of tensors; the formula of a step is the body that an engine gives it. A list can be
//! printed, hashed, timed step by step, interrupted, and suspended at a refresh.

pub(crate) mod lower;
mod step;
mod tensor;

use std::fmt;

use he_core::wire::Writer;

pub(crate) use self::lower::lower_with;
pub(crate) use self::step::{Refresh, Refresher, Rounding, Step};
pub use self::tensor::Tensor;

/// The steps of training on one mini-batch and of a classification, and what is refreshed between them.
#[derive(Debug, Clone, PartialEq)]
pub struct Program {
    /// Training on one mini-batch.
    pub training: Vec<Step>,
    /// A classification, up to the tensor of its outputs.
    pub prediction: Vec<Step>,
    /// The tensors that each `Step::Refresh { round, .. }` refreshes.
    pub rounds: Vec<Vec<Refresh>>,
    /// The tensor that a classification ends with, and how the client rounds it.
    pub outputs: Refresh,
}

impl Program {
    /// Says how large a tensor may be before its refresh, as the plan proves it.
    pub fn prove(&mut self, from: Tensor, proven: f64) {
        let all = self.rounds.iter_mut().flatten().chain([&mut self.outputs]);
        all.filter(|refresh| refresh.from == from).for_each(|refresh| refresh.rounding.proven = proven);
    }

    /// Whether the client takes the backward pass.
    pub fn has_client_backward(&self) -> bool {
        self.training.iter().any(|step| matches!(step, Step::Refresh { by: Refresher::ClientBackward, .. }))
    }

    /// Writes it canonically: numbers alone, in their order.
    pub(crate) fn encode(&self, out: &mut Writer) {
        for steps in [&self.training, &self.prediction] {
            out.length(steps.len());
            steps.iter().for_each(|step| encode_step(*step, out));
        }
        out.length(self.rounds.len());
        for round in &self.rounds {
            out.length(round.len());
            round.iter().for_each(|refresh| encode_refresh(refresh, out));
        }
        encode_refresh(&self.outputs, out);
    }
}

fn encode_step(step: Step, out: &mut Writer) {
    let (kind, number) = match step {
        Step::Expand => (0, 0),
        Step::Forward(l) => (1, l),
        Step::Activate(l) => (2, l),
        Step::Loss => (3, 0),
        Step::Backward(l) => (4, l),
        Step::Derivative(l) => (5, l),
        Step::Gradient(l) => (6, l),
        Step::Update => (7, 0),
        Step::Refresh { round, by: Refresher::Client } => (8, round),
        Step::Refresh { round, by: Refresher::ClientBackward } => (9, round),
        Step::Refresh { round, by: Refresher::Bootstrap } => (10, round),
        Step::Refresh { round, by: Refresher::Clean } => (11, round),
    };
    out.u8(kind);
    out.length(number);
}

fn encode_refresh(refresh: &Refresh, out: &mut Writer) {
    refresh.from.encode(out);
    out.length(refresh.to.len());
    refresh.to.iter().for_each(|tensor| tensor.encode(out));
    let Rounding { bits, bound, proven } = refresh.rounding;
    out.u8(u8::from(bits.is_some()));
    out.u32(bits.unwrap_or(0));
    out.f64(bound);
    out.f64(proven);
}

impl fmt::Display for Program {
    /// One step a line, and below each refresh its tensors.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, steps) in [("training", &self.training), ("prediction", &self.prediction)] {
            writeln!(f, "{name}:")?;
            for step in steps {
                writeln!(f, "  {step}")?;
                let Step::Refresh { round, .. } = step else { continue };
                for refresh in self.rounds.get(*round).into_iter().flatten() {
                    writeln!(f, "    {refresh}")?;
                }
            }
        }
        write!(f, "  {}", self.outputs)
    }
}

#[cfg(test)]
mod tests;
