//! Sealed bytes in the formats of `serde`: as bytes where these are binary, as lower-case hexadecimal digits where people read them.

use std::fmt;

#[doc(hidden)]
pub use serde;
use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};
use serde::ser::{Error as _, Serializer};

use super::WireError;

/// Most bytes that are taken on the word of a format about its length.
const TRUSTED: usize = 1 << 16;

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Serializes what was sealed.
///
/// # Errors
/// If it was not, and those of the format.
pub fn serialize<S: Serializer>(
    sealed: Result<impl AsRef<[u8]>, WireError>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let sealed = sealed.map_err(S::Error::custom)?;
    let bytes = sealed.as_ref();
    if !serializer.is_human_readable() {
        return serializer.serialize_bytes(bytes);
    }
    let digit = |value: u8| char::from(DIGITS[usize::from(value)]);
    let text: String = bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect();
    serializer.serialize_str(&text)
}

/// Deserializes bytes, and opens them.
///
/// # Errors
/// If the format has no bytes there, and what `open` returns.
pub fn deserialize<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    open: impl FnOnce(Vec<u8>) -> Result<T, WireError>,
) -> Result<T, D::Error> {
    let bytes = if deserializer.is_human_readable() {
        deserializer.deserialize_str(Bytes)?
    } else {
        deserializer.deserialize_byte_buf(Bytes)?
    };
    open(bytes).map_err(D::Error::custom)
}

struct Bytes;

impl<'de> Visitor<'de> for Bytes {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the bytes of a sealed object, or their hexadecimal digits in lower case")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Vec<u8>, E> {
        let value = |digit: u8| DIGITS.iter().position(|&known| known == digit).map(|value| value as u8);
        let byte = |&[high, low]: &[u8; 2]| Some((value(high)? << 4) | value(low)?);
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        let bytes = pairs.iter().map(byte).collect::<Option<Vec<u8>>>().filter(|_| rest.is_empty());
        bytes.ok_or_else(|| E::custom("an odd number of characters, or one that is no hexadecimal digit"))
    }

    fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
        Ok(bytes.to_vec())
    }

    fn visit_byte_buf<E: serde::de::Error>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
        Ok(bytes)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Vec<u8>, A::Error> {
        let mut bytes = Vec::with_capacity(sequence.size_hint().unwrap_or(0).min(TRUSTED));
        while let Some(byte) = sequence.next_element()? {
            bytes.push(byte);
        }
        Ok(bytes)
    }
}
