//! Messages: ciphertexts, sealed with the hash of the plan.

use std::convert::Infallible;

use he_ckks::Ciphertext;
use he_core::wire::{self, Header, Reader, WireError};
use rayon::prelude::*;

use super::RealPlan;
use crate::tag::TAG;

/// What a message is for; kinds apart from those of other recipes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub(super) enum Purpose {
    /// Features of a tile of images of a mini-batch.
    Features = 24,
    /// Weights and momentum.
    Model = 25,
    /// Features of a tile of images to be classified.
    Query = 26,
    /// Outputs.
    Outputs = 27,
    /// Targets of a tile of images of a mini-batch.
    Targets = 28,
}

fn header(plan: &RealPlan, purpose: Purpose) -> Header {
    Header { tag: TAG, kind: purpose as u16, params: plan.hash() }
}

/// Seals ciphertexts, each written before, as message `number`, part `part` of its purpose.
pub(super) fn seal(
    plan: &RealPlan,
    purpose: Purpose,
    (number, part): (u64, usize),
    all: &[Vec<u8>],
) -> Vec<u8> {
    let capacity = all.iter().map(|ciphertext| ciphertext.len() + 8).sum::<usize>() + 24;
    let Ok(sealed) = wire::seal_with::<Infallible>(&header(plan, purpose), capacity, |body| {
        body.u64(number);
        body.u64(part as u64);
        body.u64(all.len() as u64);
        all.iter().for_each(|ciphertext| body.len_bytes(ciphertext));
        Ok(())
    });
    sealed
}

/// Opens a message of `count` ciphertexts over `limbs` limbs. Transparent ciphertexts are refused.
pub(super) fn open(
    plan: &RealPlan,
    purpose: Purpose,
    (number, part): (u64, usize),
    (count, limbs): (usize, usize),
    bytes: &[u8],
) -> Result<Vec<Ciphertext>, WireError> {
    let invalid = |what, why| WireError::Invalid { what, why };
    let mut reader = Reader::new(wire::open(bytes, &header(plan, purpose), bytes.len())?);
    let found = (reader.u64("number")?, reader.u64("part")?);
    if found != (number, part as u64) {
        let why = format!("{} part {}, expected {number} part {part}", found.0, found.1);
        return Err(invalid("number of a message", why));
    }
    let there = reader.u64("number of ciphertexts")?;
    if there != count as u64 {
        return Err(invalid("number of ciphertexts", format!("{there}, the plan has {count}")));
    }
    let sealed = (0..count).map(|_| reader.len_bytes(bytes.len(), "ciphertext"));
    let sealed = sealed.collect::<Result<Vec<_>, _>>()?;
    reader.finish("message")?;
    let read = |bytes: &&[u8]| {
        let mut reader = Reader::new(bytes);
        let ciphertext = Ciphertext::read(&mut reader, &plan.params)?;
        reader.finish("ciphertext")?;
        if ciphertext.level() + 1 != limbs {
            return Err(invalid("limbs", format!("{}, the plan has {limbs}", ciphertext.level() + 1)));
        }
        if ciphertext.is_transparent() {
            return Err(invalid("ciphertext", "it hides nothing: its second part is zero".into()));
        }
        Ok(ciphertext)
    };
    sealed.par_iter().map(read).collect()
}

/// That a message is whole and for this plan.
pub(super) fn check(plan: &RealPlan, purpose: Purpose, bytes: &[u8]) -> Result<(), WireError> {
    wire::open(bytes, &header(plan, purpose), bytes.len()).map(drop)
}
