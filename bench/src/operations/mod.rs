//! Operations of the crates that are timed, in units, beside the unit.

mod bridges;
mod integers;
mod operation;
mod reals;
mod ring;
mod tables;
mod unit;

pub(crate) use self::bridges::bridges;
pub(crate) use self::integers::{bfv, bgv, yashe};
pub(crate) use self::operation::{Operation, Time, median};
pub(crate) use self::reals::ckks;
pub(crate) use self::ring::ring;
pub(crate) use self::tables::tfhe;
