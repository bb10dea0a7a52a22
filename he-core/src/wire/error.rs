//! Reasons to refuse bytes.

use super::{Fingerprint, MAGIC, Tag, VERSION};

/// Why bytes are not the object they were taken for, or a value cannot be written.
#[derive(Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// Bytes are missing.
    #[error("{what} is truncated: {need} bytes needed, {have} there")]
    Truncated {
        /// Name of the part that was read.
        what: &'static str,
        /// How many bytes there are.
        have: usize,
        /// How many bytes are needed.
        need: u64,
    },
    /// The bytes are something else altogether.
    #[error("the bytes do not start with {MAGIC:02x?} but with {found:02x?}")]
    Magic {
        /// Value found.
        found: [u8; 4],
    },
    /// The object is of another version of the format.
    #[error("the object is of format version {found}, this reads version {VERSION}")]
    Version {
        /// Value found.
        found: u16,
    },
    /// The object belongs to another crate.
    #[error("the object has tag {found}, expected tag {expected}")]
    Tag {
        /// Value found.
        found: Tag,
        /// Value expected.
        expected: Tag,
    },
    /// The object is of another kind.
    #[error("the object is of kind {found}, expected kind {expected}")]
    Kind {
        /// Value found.
        found: u16,
        /// Value expected.
        expected: u16,
    },
    /// The object was made under other parameters.
    #[error("the object was made under parameters {found}, expected {expected}")]
    Parameters {
        /// Value found.
        found: Fingerprint,
        /// Value expected.
        expected: Fingerprint,
    },
    /// More is announced than is allowed.
    #[error("{what} has a length of {found}, at most {limit} is allowed")]
    TooLarge {
        /// Name of the part that was read.
        what: &'static str,
        /// Value found.
        found: u64,
        /// The most that is allowed.
        limit: usize,
    },
    /// Something follows where nothing should.
    #[error("{what} is followed by {extra} more bytes, none were expected")]
    Trailing {
        /// Name of the part that was read.
        what: &'static str,
        /// How many bytes follow.
        extra: usize,
    },
    /// The object was damaged.
    #[error("the object is damaged: its BLAKE3 digest does not match its {bytes} bytes")]
    Digest {
        /// How many bytes the digest covers.
        bytes: usize,
    },
    /// A value is out of range.
    #[error("value {index} of {what} is {found}, it must be below {bound}")]
    Value {
        /// Name of the part that was read.
        what: &'static str,
        /// The position of the value.
        index: usize,
        /// Value found.
        found: u64,
        /// The value must be below this.
        bound: u64,
    },
    /// A float is not a number or infinite.
    #[error("{what} is {found}, a finite number is needed")]
    NotFinite {
        /// Name of the part that was read.
        what: &'static str,
        /// Value found.
        found: f64,
    },
    /// A value was to be packed that does not fit its width.
    #[error("value {index} is {found}, which does not fit in {bits} bits")]
    TooWide {
        /// The position of the value.
        index: usize,
        /// Value found.
        found: u64,
        /// The bits of a value.
        bits: u32,
    },
    /// Values cannot be packed at this width.
    #[error("values of {bits} bits cannot be packed, 1 to 64 can")]
    Width {
        /// The bits of a value.
        bits: u32,
    },
    /// A body says something that its object cannot be; for the readers of the schemes.
    #[error("{what} is not valid: {why}")]
    Invalid {
        /// Name of the part that was read.
        what: &'static str,
        /// Content found and content needed.
        why: String,
    },
    /// Bytes could not be read from where they are.
    #[error("the object could not be read: {why}")]
    Read {
        /// The system's reason.
        why: String,
    },
    /// The bits that fill up the last byte are used.
    #[error("the last byte of {what} has unused bits that are not zero")]
    Padding {
        /// Name of the part that was read.
        what: &'static str,
    },
}

crate::debug_as_displayed!(WireError);
