#![doc = include_str!("../README.md")]

#[cfg(test)]
mod approximate_tests;
pub mod bits;
mod bootstrap;
mod circuit;
pub mod digits;
mod encryption;
mod error;
mod evaluator;
mod full;
pub mod gates;
mod keys;
mod keyswitch;
mod lwe;
pub mod noise;
mod object;
mod packed;
mod packing;
mod params;
mod phase;
mod presets;
mod ring;
mod rotation;
mod secret;
pub mod softmax;
mod spec;
#[cfg(test)]
mod stages_tests;
mod sums;
mod table;
mod torus;
mod wide;
mod wire;

pub use bootstrap::Job;
pub use circuit::GgswCiphertext;
pub use encryption::{Decryptor, Encryptor};
pub use error::Error;
pub use evaluator::Evaluator;
pub use full::FullTable;
pub use gates::{Gate, GateJob};
pub use keys::{EvaluationKeys, SeededEvaluationKeys};
pub use lwe::LweCiphertext;
pub use object::TAG;
pub use packing::GlweCiphertext;
pub use params::Parameters;
pub use phase::{PhaseErrors, PhaseModel, SwitchedPhase};
pub use secret::SecretKey;
pub use spec::{CircuitGadgets, Decomposition, Spec};
pub use table::LookupTable;
pub use wide::WideTable;
