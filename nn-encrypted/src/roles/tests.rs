//! Training through messages alone: client and server over engines without encryption, and over words in TFHE.

pub(crate) mod clear;
mod leaks;
mod refusals;
mod training;
mod words;
