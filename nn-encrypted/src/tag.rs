//! The tag under which serialized objects of this crate are known.

use he_core::wire::Tag;

/// The tag of the serialized objects of this crate.
pub const TAG: Tag = Tag(5);
