//! Messages: encrypted words, sealed with the hash of the plan.

use he_core::wire::{self, Header, Reader, WireError, Writer};

use super::{Cipher, WordPlan};
use crate::tag::TAG;

/// What a message is for; kinds apart from those of recipes with refreshes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub(super) enum Purpose {
    /// A mini-batch: features, then targets.
    Batch = 17,
    /// Weights and biases.
    Model = 18,
    /// Features to be classified.
    Query = 19,
    /// The outputs of a classification.
    Outputs = 20,
}

/// Seals words as message number `number` of its purpose.
pub(super) fn seal<C: Cipher>(plan: &WordPlan, purpose: Purpose, number: u64, words: &[C::Word]) -> Vec<u8> {
    let mut body = Writer::new();
    body.u64(number);
    body.length(words.len());
    words.iter().for_each(|word| C::write(word, &mut body));
    wire::seal(&header(plan, purpose), &body.finish())
}

/// Opens message number `number`; there must be so many words that `fits` says so.
pub(super) fn open<C: Cipher>(
    plan: &WordPlan,
    purpose: Purpose,
    number: u64,
    bytes: &[u8],
    fits: impl Fn(usize) -> bool,
) -> Result<Vec<C::Word>, WireError> {
    let mut reader = Reader::new(wire::open(bytes, &header(plan, purpose), bytes.len())?);
    let found = reader.u64("number")?;
    if found != number {
        let why = format!("{found}, expected {number}");
        return Err(WireError::Invalid { what: "number of a message", why });
    }
    let count = reader.length(bytes.len(), "words")?;
    if !fits(count) {
        return Err(WireError::Invalid {
            what: "number of words",
            why: format!("{count}, the plan has others"),
        });
    }
    let words = (0..count).map(|_| C::read(plan.format, &plan.parameters, &mut reader));
    let words = words.collect::<Result<_, _>>()?;
    reader.finish("message")?;
    Ok(words)
}

fn header(plan: &WordPlan, purpose: Purpose) -> Header {
    Header { tag: TAG, kind: purpose as u16, params: plan.hash() }
}
