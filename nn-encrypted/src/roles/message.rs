//! Messages: tensors as ciphertexts, sealed with the hash of the plan.
//!
//! ```text
//! object of he_core::wire, kind = purpose, parameters = hash of the plan; its body:
//! number u64 | round u16 | images u32 | parts u32, and for each part
//! tensor u16 | layer u16 | engine u16 | part u32 | ciphertexts u32, and for each ciphertext: length u64 | bytes
//! ```
//! Which tensors, engines and parts there are, in which order, and how many ciphertexts, is fixed by the plan: the numbers in a
//! message are compared, never relied on.

use std::convert::Infallible;
use std::sync::Arc;

use he_core::wire::{self, DIGEST_BYTES, HEADER_BYTES, Header, Reader, WireError};

use super::MessageError;
pub(super) use super::purpose::Purpose;
use crate::engine::Pieces;
use crate::plan::{Plan, WireSize};
use crate::program::Tensor;
use crate::tag::TAG;

/// Whether rounds belong to training or to a classification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Task {
    Training,
    Classification,
}

impl Task {
    pub(super) fn request(self) -> Purpose {
        match self {
            Self::Training => Purpose::Request,
            Self::Classification => Purpose::QueryRequest,
        }
    }

    pub(super) fn response(self) -> Purpose {
        match self {
            Self::Training => Purpose::Response,
            Self::Classification => Purpose::QueryResponse,
        }
    }
}

/// Step, query or mini-batch, and round within it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    pub(super) number: u64,
    pub(super) round: u16,
}

impl Moment {
    /// Before the first round.
    pub(super) fn first(number: u64) -> Self {
        Self { number, round: 0 }
    }
}

/// A tensor of an engine, in parts.
#[derive(Clone, Debug)]
pub(super) struct Part<T> {
    pub(super) tensor: Tensor,
    pub(super) engine: usize,
    pub(super) parts: T,
}

/// A tensor to be sent: parts, each a list of ciphertexts.
pub(super) type Outgoing = Part<Vec<Vec<Vec<u8>>>>;
/// A tensor as it came.
pub(super) type Incoming = Part<Vec<Pieces>>;
/// A tensor as the plan has it.
pub(super) type Expected = Part<WireSize>;

/// Bytes of a body before its first part.
const BODY_BYTES: usize = 18;
/// Bytes of a part before its first ciphertext.
const PART_BYTES: usize = 14;
/// Bytes before a ciphertext.
const LENGTH_BYTES: usize = 8;

fn header(hash: &[u8; 32], purpose: Purpose) -> Header {
    Header { tag: TAG, kind: purpose as u16, params: *hash }
}

/// Seals tensors of `rows` images, whose ciphertexts were written apart, in order.
pub(super) fn seal(
    hash: &[u8; 32],
    purpose: Purpose,
    moment: Moment,
    rows: usize,
    tensors: &[Outgoing],
) -> Vec<u8> {
    let parts = || tensors.iter().flat_map(|tensor| &tensor.parts);
    let pieces: usize = parts().flatten().map(|piece| piece.len() + LENGTH_BYTES).sum();
    let count = parts().count();
    let capacity = BODY_BYTES + count * PART_BYTES + pieces;
    let Ok(sealed) = wire::seal_with::<Infallible>(&header(hash, purpose), capacity, |body| {
        body.u64(moment.number);
        body.u16(moment.round);
        body.u32(rows as u32);
        body.u32(count as u32);
        for Part { tensor, engine, parts } in tensors {
            for (part, pieces) in parts.iter().enumerate() {
                tensor.encode(body);
                body.u16(*engine as u16);
                body.u32(part as u32);
                body.u32(pieces.len() as u32);
                pieces.iter().for_each(|piece| body.len_bytes(piece));
            }
        }
        Ok(())
    });
    sealed
}

/// How many images a message may be for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Rows {
    /// So many.
    Exactly(usize),
    /// At least one, at most so many.
    UpTo(usize),
}

impl Rows {
    fn most(self) -> usize {
        match self {
            Self::Exactly(rows) | Self::UpTo(rows) => rows,
        }
    }

    fn check(self, found: usize, purpose: Purpose) -> Result<(), MessageError> {
        let (fits, expected) = match self {
            Self::Exactly(rows) => (found == rows, rows.to_string()),
            Self::UpTo(rows) => ((1..=rows).contains(&found), format!("1 to {rows}")),
        };
        if fits { Ok(()) } else { Err(MessageError::Rows { purpose, found, expected }) }
    }
}

/// The message that is due.
pub(super) struct Due<'a> {
    /// The hash of the plan.
    pub(super) hash: &'a [u8; 32],
    pub(super) purpose: Purpose,
    pub(super) moment: Moment,
    pub(super) rows: Rows,
    /// The tensors of so many images, in their order.
    pub(super) tensors: &'a dyn Fn(usize) -> Vec<Expected>,
}

/// A message that was opened.
pub(super) struct Opened {
    /// Images it is for.
    pub(super) rows: usize,
    /// Its tensors, as the plan has them.
    pub(super) tensors: Vec<Incoming>,
}

/// The body of a message with tensors whose ciphertexts have sizes.
fn body_bytes(tensors: &[Expected], size: fn(&WireSize) -> usize) -> usize {
    let of = |sent: &WireSize| {
        let piece = size(sent).saturating_add(LENGTH_BYTES);
        sent.parts.saturating_mul(sent.pieces.saturating_mul(piece).saturating_add(PART_BYTES))
    };
    tensors.iter().fold(BODY_BYTES, |sum, tensor| sum.saturating_add(of(&tensor.parts)))
}

/// The longest body that tensors may take.
fn limit(tensors: &[Expected]) -> usize {
    body_bytes(tensors, WireSize::most)
}

/// Bytes of a message with tensors, as its sender writes them.
pub(super) fn bytes(tensors: &[Expected], size: fn(&WireSize) -> usize) -> u64 {
    (HEADER_BYTES + body_bytes(tensors, size) + DIGEST_BYTES) as u64
}

/// Opens a message that must be the one that is due. Ciphertexts are not read.
pub(super) fn open(due: &Due<'_>, bytes: Vec<u8>) -> Result<Opened, MessageError> {
    let purpose = due.purpose;
    let wrap = |source| MessageError::Wire { purpose, source };
    let most = limit(&(due.tensors)(due.rows.most()));
    let length = wire::open(&bytes, &header(due.hash, purpose), most).map_err(wrap)?.len();
    debug_assert_eq!(length, bytes.len() - HEADER_BYTES - DIGEST_BYTES, "an object and nothing behind it");
    let mut body = Body { purpose, bytes: &bytes, rest: Reader::new(&bytes[HEADER_BYTES..][..length]) };
    let rows = body.head(due)?;
    let expected = (due.tensors)(rows);
    let count: usize = expected.iter().map(|tensor| tensor.parts.parts).sum();
    body.number(count, "parts")?;
    let mut spans = Vec::with_capacity(count);
    for tensor in &expected {
        for part in 0..tensor.parts.parts {
            spans.push(body.part(tensor, part)?);
        }
    }
    body.rest.finish("message").map_err(wrap)?;
    let bytes = Arc::new(bytes);
    let mut pieces = spans.into_iter().map(|spans| Pieces::new(Arc::clone(&bytes), spans));
    let tensors = expected.into_iter().map(|Part { tensor, engine, parts }| {
        let parts = pieces.by_ref().take(parts.parts).collect();
        Part { tensor, engine, parts }
    });
    Ok(Opened { rows, tensors: tensors.collect() })
}

/// A body that is read.
struct Body<'a> {
    purpose: Purpose,
    bytes: &'a [u8],
    rest: Reader<'a>,
}

impl<'a> Body<'a> {
    fn read<T>(
        &mut self,
        read: impl FnOnce(&mut Reader<'a>) -> Result<T, WireError>,
    ) -> Result<T, MessageError> {
        read(&mut self.rest).map_err(|source| MessageError::Wire { purpose: self.purpose, source })
    }

    /// Moment and images.
    fn head(&mut self, due: &Due<'_>) -> Result<usize, MessageError> {
        let found_step = self.read(|rest| rest.u64("step"))?;
        let found_round = self.read(|rest| rest.u16("round"))?;
        let Moment { number: step, round } = due.moment;
        if (found_step, found_round) != (step, round) {
            let purpose = self.purpose;
            return Err(MessageError::Moment { purpose, found_step, found_round, step, round });
        }
        let rows = self.read(|rest| rest.u32("images"))? as usize;
        due.rows.check(rows, self.purpose)?;
        Ok(rows)
    }

    /// A number that must be this one.
    fn number(&mut self, expected: usize, what: &'static str) -> Result<(), MessageError> {
        let found = self.read(|rest| rest.u32(what))? as usize;
        if found == expected {
            return Ok(());
        }
        let (found, expected) = (format!("{found} {what}"), expected.to_string());
        Err(MessageError::Content { purpose: self.purpose, found, expected })
    }

    /// The places of the ciphertexts of a part.
    fn part(
        &mut self,
        expected: &Expected,
        part: usize,
    ) -> Result<Vec<std::ops::Range<usize>>, MessageError> {
        let mut found = [0; 3];
        for number in &mut found {
            *number = self.read(|rest| rest.u16("tensor"))?;
        }
        let (kind, layer) = expected.tensor.code();
        let needed = [kind, layer, expected.engine as u16];
        if found != needed {
            let [kind, layer, engine] = found;
            return Err(MessageError::Content {
                purpose: self.purpose,
                found: format!("tensor {kind} of layer {layer} and engine {engine}"),
                expected: format!("{} of engine {}", expected.tensor, expected.engine),
            });
        }
        self.number(part, "parts before it")?;
        let (pieces, most) = (expected.parts.pieces, expected.parts.most());
        self.number(pieces, "ciphertexts")?;
        (0..pieces).map(|_| self.piece(most)).collect()
    }

    fn piece(&mut self, limit: usize) -> Result<std::ops::Range<usize>, MessageError> {
        let length = self.read(|rest| rest.len_bytes(limit, "ciphertext"))?.len();
        let end = self.bytes.len() - DIGEST_BYTES - self.rest.remaining();
        Ok(end - length..end)
    }
}

/// Some tensors of `rows` images as the plan has them, each of every engine that holds it.
pub(super) fn expected(plan: &Plan, tensors: &[Tensor], rows: usize) -> Vec<Expected> {
    let of = |&tensor: &Tensor| {
        let engines = plan.holders(tensor).into_iter();
        engines.map(move |engine| Part { tensor, engine, parts: plan.engines[engine].sent(tensor, rows) })
    };
    tensors.iter().flat_map(of).filter(|tensor| tensor.parts.parts > 0).collect()
}

/// The tensors of a model as it is kept.
pub(super) const MODEL: [Tensor; 3] = [Tensor::Weights, Tensor::LowWeights, Tensor::Momentum];

#[cfg(test)]
mod tests;
