//! Messages: tensors as ciphertexts, sealed with the hash of the plan.

use std::convert::Infallible;

use he_bgv::Ciphertext;
use he_core::rlwe::serial::body_limit;
use he_core::wire::{self, Header, Reader, WireError};
use rayon::prelude::*;

use crate::plan::{Plan, Tensor};
use crate::tag::TAG;

/// What a message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub(super) enum Purpose {
    /// A mini-batch: images and labels.
    Batch = 1,
    /// The weights to start from.
    Model = 2,
    /// Tensors to be refreshed.
    Request = 3,
    /// Refreshed tensors.
    Response = 4,
    /// Images to be classified.
    Query = 5,
    /// Tensors to be refreshed on the way to a classification.
    QueryRequest = 6,
    /// The same, refreshed.
    QueryResponse = 7,
    /// The outputs of a classification.
    Outputs = 8,
}

impl Purpose {
    /// Whether it comes from the client, who encrypts afresh.
    fn is_fresh(self) -> bool {
        matches!(self, Self::Batch | Self::Model | Self::Response | Self::Query | Self::QueryResponse)
    }
}

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

/// A message that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MessageError {
    /// The bytes are truncated, altered, or belong to another plan.
    #[error("{purpose}: {source}")]
    Wire {
        /// What was expected.
        purpose: String,
        /// What is wrong.
        source: WireError,
    },
    /// The message is for another step or round.
    #[error("{purpose} is for step {found_step}, round {found_round}: expected step {step}, round {round}")]
    Moment {
        /// What was expected.
        purpose: String,
        /// Step it is for.
        found_step: u64,
        /// Round it is for.
        found_round: u16,
        /// Step expected.
        step: u64,
        /// Round expected.
        round: u16,
    },
    /// A ciphertext that hides nothing.
    #[error("{tensor}: ciphertext {index} is transparent (c1 = 0): it hides nothing and is refused")]
    Transparent {
        /// The tensor.
        tensor: Tensor,
        /// Number of the ciphertext.
        index: usize,
    },
    /// A ciphertext that the plan does not have there.
    #[error(
        "{tensor}: ciphertext {index} has {limbs} limbs, degree {degree} and factor {factor}: expected {expected} limbs, degree 1, and factor 1 of a fresh one"
    )]
    Shape {
        /// The tensor.
        tensor: Tensor,
        /// Number of the ciphertext.
        index: usize,
        /// Limbs it has.
        limbs: usize,
        /// Its degree.
        degree: usize,
        /// Its factor modulo t.
        factor: u64,
        /// Limbs the plan has there.
        expected: usize,
    },
    /// A message that nobody waits for.
    #[error("a message of {found} came where {expected} was due")]
    Unexpected {
        /// What came.
        found: String,
        /// What was due.
        expected: String,
    },
    /// Data of another shape than the plan's.
    #[error("{what}: {found}, needed {needed}")]
    Data {
        /// What was given.
        what: &'static str,
        /// Its size or value.
        found: usize,
        /// What the plan has.
        needed: String,
    },
}

/// Tiles of one tensor, each one ciphertext for every plaintext prime.
pub type Received = Vec<Vec<Ciphertext>>;

fn header(plan: &Plan, purpose: Purpose) -> Header {
    Header { tag: TAG, kind: purpose as u16, params: plan.hash() }
}

/// Step and round of a message.
pub(super) type Moment = (u64, u16);

/// Seals pieces that were written apart (in parallel), in order.
pub(super) fn seal(plan: &Plan, purpose: Purpose, moment: Moment, pieces: &[Vec<u8>]) -> Vec<u8> {
    let capacity = pieces.iter().map(|piece| piece.len() + 8).sum::<usize>() + 10;
    let Ok(sealed) = wire::seal_with::<Infallible>(&header(plan, purpose), capacity, |body| {
        body.u64(moment.0);
        body.u16(moment.1);
        pieces.iter().for_each(|piece| body.len_bytes(piece));
        Ok(())
    });
    sealed
}

/// Opens a message and reads the given tensors, which must be all it holds.
pub(super) fn open(
    plan: &Plan,
    purpose: Purpose,
    moment: Moment,
    tensors: &[Tensor],
    bytes: &[u8],
) -> Result<Vec<Received>, MessageError> {
    let name = format!("{purpose:?}").to_lowercase();
    let wrap = |source| MessageError::Wire { purpose: name.clone(), source };
    let pieces = pieces(plan, purpose, moment, tensors, bytes, &name)?;
    let primes = plan.instances.len();
    let mut pieces = &pieces[..];
    let mut split = Vec::new();
    for &tensor in tensors {
        let (mine, rest) = pieces.split_at(plan.ciphertexts(tensor) * primes);
        split.push((tensor, mine));
        pieces = rest;
    }
    let read = |tensor, index: usize, piece: &[u8]| {
        let mut reader = Reader::new(piece);
        let params = &plan.instances[index % primes].params;
        let ciphertext = Ciphertext::read(&mut reader, params).map_err(wrap)?;
        reader.finish("ciphertext").map_err(wrap)?;
        check(tensor, index, &ciphertext, plan, purpose)?;
        Ok(ciphertext)
    };
    let received = split.par_iter().map(|&(tensor, mine)| {
        let all = mine.par_iter().enumerate().map(|(index, piece)| read(tensor, index, piece));
        let all = all.collect::<Result<Vec<_>, MessageError>>()?;
        Ok(all.chunks(primes).map(<[Ciphertext]>::to_vec).collect())
    });
    received.collect()
}

fn pieces<'a>(
    plan: &Plan,
    purpose: Purpose,
    moment: Moment,
    tensors: &[Tensor],
    bytes: &'a [u8],
    name: &str,
) -> Result<Vec<&'a [u8]>, MessageError> {
    let wrap = |source| MessageError::Wire { purpose: name.to_owned(), source };
    let count: usize = tensors.iter().map(|&tensor| plan.ciphertexts(tensor) * plan.instances.len()).sum();
    let largest = plan.instances.iter().map(|i| body_limit(i.params.rlwe(), 2)).max().unwrap_or(0) + 64;
    let body = wire::open(bytes, &header(plan, purpose), count * largest + 64).map_err(wrap)?;
    let mut reader = Reader::new(body);
    let found_step = reader.u64("step").map_err(wrap)?;
    let found_round = reader.u16("round").map_err(wrap)?;
    if (found_step, found_round) != moment {
        let (step, round) = moment;
        return Err(MessageError::Moment { purpose: name.to_owned(), found_step, found_round, step, round });
    }
    let pieces: Result<Vec<_>, _> = (0..count).map(|_| reader.len_bytes(largest, "ciphertext")).collect();
    let pieces = pieces.map_err(wrap)?;
    reader.finish("message").map_err(wrap)?;
    Ok(pieces)
}

/// Number of primes a ciphertext must live over, its degree and its factor: all fixed by the plan.
fn check(
    tensor: Tensor,
    index: usize,
    ciphertext: &Ciphertext,
    plan: &Plan,
    purpose: Purpose,
) -> Result<(), MessageError> {
    let (limbs, factor) = (ciphertext.level() + 1, ciphertext.correction_factor());
    let expected =
        if purpose.is_fresh() { plan.fresh_limbs.get(&tensor) } else { plan.sent_limbs.get(&tensor) };
    let expected = expected.copied().unwrap_or(0);
    if ciphertext.degree() != 1 || limbs != expected || (purpose.is_fresh() && factor != 1) {
        let degree = ciphertext.degree();
        return Err(MessageError::Shape { tensor, index, limbs, degree, factor, expected });
    }
    if ciphertext.is_transparent() {
        return Err(MessageError::Transparent { tensor, index });
    }
    Ok(())
}
