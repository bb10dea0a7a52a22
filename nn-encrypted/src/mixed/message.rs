//! Messages: ciphertexts, sealed with the hash of the plan.

use std::convert::Infallible;

use he_core::wire::{self, Header, Reader, WireError};
use rayon::prelude::*;

use super::MixedPlan;
use crate::tag::TAG;

/// What a message is for; kinds apart from those of other recipes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub(super) enum Purpose {
    /// The features of a mini-batch, then the labels.
    Batch = 33,
    /// All weights.
    Model = 34,
    /// Features to be classified.
    Query = 35,
    /// The weighted sums of the outputs.
    Outputs = 36,
}

fn header(plan: &MixedPlan, purpose: Purpose) -> Header {
    Header { tag: TAG, kind: purpose as u16, params: plan.hash() }
}

/// Seals ciphertexts, each written before, as message number `number` of its purpose.
pub(super) fn seal(plan: &MixedPlan, purpose: Purpose, number: u64, all: &[Vec<u8>]) -> Vec<u8> {
    let capacity = all.iter().map(|ciphertext| ciphertext.len() + 8).sum::<usize>() + 16;
    let Ok(sealed) = wire::seal_with::<Infallible>(&header(plan, purpose), capacity, |body| {
        body.u64(number);
        body.u64(all.len() as u64);
        all.iter().for_each(|ciphertext| body.len_bytes(ciphertext));
        Ok(())
    });
    sealed
}

/// Opens message number `number` with so many ciphertexts that `fits` says so; `read` reads one.
pub(super) fn open<C: Send>(
    plan: &MixedPlan,
    purpose: Purpose,
    number: u64,
    bytes: &[u8],
    fits: impl Fn(usize) -> bool,
    read: impl Fn(&mut Reader<'_>) -> Result<C, WireError> + Sync,
) -> Result<Vec<C>, WireError> {
    let invalid = |what, why| WireError::Invalid { what, why };
    let mut reader = Reader::new(wire::open(bytes, &header(plan, purpose), bytes.len())?);
    let found = reader.u64("number")?;
    if found != number {
        return Err(invalid("number of a message", format!("{found}, expected {number}")));
    }
    let count = reader.length(bytes.len(), "ciphertexts")?;
    if !fits(count) {
        return Err(invalid("number of ciphertexts", format!("{count}, the plan has others")));
    }
    let sealed = (0..count).map(|_| reader.len_bytes(bytes.len(), "ciphertext"));
    let sealed = sealed.collect::<Result<Vec<_>, _>>()?;
    reader.finish("message")?;
    let whole = |bytes: &&[u8]| {
        let mut reader = Reader::new(bytes);
        let ciphertext = read(&mut reader)?;
        reader.finish("ciphertext")?;
        Ok(ciphertext)
    };
    sealed.par_iter().map(whole).collect()
}
