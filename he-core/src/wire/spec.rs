//! Specifications as bytes: the fields, sealed under no parameters.
//!
//! Whoever reads them builds the parameters, and by that checks their security: what an insecure set says of itself is not
//! believed.

use super::{HEADER_BYTES, Header, Reader, Tag, WireError, Writer, open, seal_with};

/// The kind of a specification, in every crate.
pub const SPEC: u16 = 0x100;

fn header(tag: Tag) -> Header {
    Header { tag, kind: SPEC, params: [0; 32] }
}

/// Seals a specification, whose fields `write` writes.
///
/// ```
/// use he_core::wire::{Tag, open_spec, seal_spec};
///
/// let bytes = seal_spec(Tag(77), |out| out.u32(13));
/// assert_eq!(open_spec(Tag(77), &bytes, |from| from.u32("ring")), Ok(13));
/// assert!(open_spec(Tag(78), &bytes, |from| from.u32("ring")).is_err());
/// ```
pub fn seal_spec(tag: Tag, write: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let sealed = seal_with(&header(tag), HEADER_BYTES, |out| {
        write(out);
        Ok::<(), std::convert::Infallible>(())
    });
    match sealed {
        Ok(bytes) => bytes,
        Err(never) => match never {},
    }
}

/// Opens a specification, whose fields `read` reads.
///
/// # Errors
/// If the bytes are truncated or altered, or no specification of this crate; whatever `read` returns.
pub fn open_spec<S>(
    tag: Tag,
    bytes: &[u8],
    read: impl FnOnce(&mut Reader<'_>) -> Result<S, WireError>,
) -> Result<S, WireError> {
    let mut reader = Reader::new(open(bytes, &header(tag), bytes.len())?);
    let spec = read(&mut reader)?;
    reader.finish("specification")?;
    Ok(spec)
}

/// Implements `to_bytes` and `from_bytes` of a specification from its `write_fields(&self, &mut Writer)` and `read_fields(&mut Reader)`, and with the
/// feature `serde` of the crate where it is called `Serialize` and `Deserialize` as these bytes.
#[macro_export]
macro_rules! spec_bytes {
    ($spec:ty, $tag:expr) => {
        impl $spec {
            /// The specification as bytes for the other side, which builds the parameters itself.
            pub fn to_bytes(&self) -> Vec<u8> {
                $crate::wire::seal_spec($tag, |out| self.write_fields(out))
            }

            /// Reads a specification. It is not checked: whoever builds the parameters checks their security.
            ///
            /// # Errors
            /// If the bytes are truncated or altered, or those of another object.
            pub fn from_bytes(bytes: &[u8]) -> Result<Self, $crate::wire::WireError> {
                $crate::wire::open_spec($tag, bytes, Self::read_fields)
            }
        }

        $crate::serialize_sealed!($spec, |spec| Ok(spec.to_bytes()));

        #[cfg(feature = "serde")]
        impl<'de> $crate::wire::portable::serde::Deserialize<'de> for $spec {
            fn deserialize<D: $crate::wire::portable::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> Result<Self, D::Error> {
                $crate::wire::portable::deserialize(deserializer, |bytes| Self::from_bytes(&bytes))
            }
        }
    };
}
