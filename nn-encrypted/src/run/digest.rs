//! Digests of what a run has.

use he_core::wire::DIGEST_BYTES;

/// A digest of sealed objects: of the digests they end with, so that nothing of a secret one is hashed again.
pub(crate) fn digest_of<T: AsRef<[u8]>>(sealed: impl IntoIterator<Item = T>) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key("nn-encrypted keys of a run v1");
    for object in sealed {
        let object = object.as_ref();
        hasher.update(&object[object.len().saturating_sub(DIGEST_BYTES)..]);
    }
    *hasher.finalize().as_bytes()
}

/// Takes words into a digest, all at once.
pub(super) fn update<const N: usize>(hasher: &mut blake3::Hasher, words: impl Iterator<Item = [u8; N]>) {
    let mut bytes = Vec::with_capacity(words.size_hint().0 * N);
    words.for_each(|word| bytes.extend_from_slice(&word));
    hasher.update(&bytes);
}

/// A digest as text.
pub(crate) fn hex(digest: &[u8; 32]) -> String {
    blake3::Hash::from_bytes(*digest).to_hex().to_string()
}
