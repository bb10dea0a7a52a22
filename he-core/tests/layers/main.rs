//! The layers against their definitions: rings, residue systems, RLWE.

mod common;
mod keyswitch;
mod noise;
mod parameters;
mod ring;
mod rns;
mod serial;
