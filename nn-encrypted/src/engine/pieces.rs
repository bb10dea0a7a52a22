//! The ciphertexts of one message, opened but not read.

use std::ops::Range;
use std::sync::Arc;

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
