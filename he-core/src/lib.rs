#![doc = include_str!("../README.md")]

mod brief;
pub mod circuits;
pub mod modulus;
pub mod prime;
pub mod ring;
pub mod rlwe;
pub mod wire;

pub use modulus::{Modulus, ModulusError};
