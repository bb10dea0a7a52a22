//! The ciphertexts of one message, opened but not read.

use std::ops::Range;
use std::sync::Arc;

use he_core::wire::{Reader, WireError};
use rayon::prelude::*;

/// Ciphertexts of one part of a tensor, within the bytes of the message that brought them. Cheap to clone.
///
/// ```
/// use nn_encrypted::roles::Pieces;
///
/// fn hold(pieces: &Pieces) -> Pieces {
///     pieces.clone()
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Pieces {
    bytes: Arc<Vec<u8>>,
    spans: Arc<[Range<usize>]>,
}

impl Pieces {
    /// The ciphertexts at some places of a message.
    ///
    /// # Panics
    /// If a place is not within the message.
    pub(crate) fn new(bytes: Arc<Vec<u8>>, spans: Vec<Range<usize>>) -> Self {
        assert!(
            spans.iter().all(|span| span.start <= span.end && span.end <= bytes.len()),
            "within the message"
        );
        Self { bytes, spans: spans.into() }
    }

    /// Ciphertexts each written apart, as a message would bring them.
    #[cfg(test)]
    pub(crate) fn of(all: &[Vec<u8>]) -> Self {
        let mut spans = Vec::with_capacity(all.len());
        let mut end = 0;
        for piece in all {
            spans.push(end..end + piece.len());
            end += piece.len();
        }
        Self { bytes: Arc::new(all.concat()), spans: spans.into() }
    }

    /// Reads each ciphertext of some parts to its end: `needed` of them, `names` are those of several and of one.
    pub(crate) fn read<T: Send>(
        parts: &[Self],
        needed: usize,
        names: [&'static str; 2],
        read: impl Fn(usize, &mut Reader<'_>) -> Result<T, WireError> + Sync,
    ) -> Result<Vec<T>, WireError> {
        let all: Vec<&[u8]> = parts.iter().flat_map(Self::all).collect();
        if all.len() != needed {
            let why = format!("{}, needed {needed}", all.len());
            return Err(WireError::Invalid { what: names[0], why });
        }
        let whole = |(number, bytes): (usize, &&[u8])| {
            let mut reader = Reader::new(bytes);
            let ciphertext = read(number, &mut reader)?;
            reader.finish(names[1])?;
            Ok(ciphertext)
        };
        all.par_iter().enumerate().map(whole).collect()
    }

    /// Number of ciphertexts.
    pub(crate) fn len(&self) -> usize {
        self.spans.len()
    }

    /// The bytes of each ciphertext.
    pub(crate) fn all(&self) -> Vec<&[u8]> {
        self.spans.iter().map(|span| &self.bytes[span.clone()]).collect()
    }

    /// Whether both are the same part of the same message.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.bytes, &other.bytes) && self.spans == other.spans
    }
}
