//! The tag under which serialized objects of this crate are known.

use he_core::wire::Tag;

/// The tag of the serialized objects of this crate.
pub const TAG: Tag = Tag(5);

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::TAG;

    #[test]
    fn every_crate_has_a_tag_of_its_own() {
        let tags = [he_core::rlwe::object::TAG, he_bgv::TAG, he_ckks::TAG, he_tfhe::TAG, he_switch::TAG, TAG];
        assert_eq!(tags.into_iter().collect::<HashSet<_>>().len(), tags.len());
    }
}
