//! Mod-switched phases: the input of a blind rotation, and its model in the clear.

mod errors;
mod model;
mod switched;

pub use errors::PhaseErrors;
pub use model::PhaseModel;
pub use switched::SwitchedPhase;
