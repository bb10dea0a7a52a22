//! Plans of layers that run in slots.

pub mod bgv;
pub mod ckks;
pub mod columns;
