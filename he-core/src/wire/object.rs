//! Objects that are sealed under parameters, and bytes that are known to be one.

use std::fmt;
use std::marker::PhantomData;

#[cfg(feature = "serde")]
use super::portable;
use super::{Header, Tag, WireError, open, peek};

/// A public object that is sealed under parameters: a ciphertext or a key, never a secret.
///
/// The types of a scheme implement it by [`wire_objects`](crate::wire_objects).
pub trait Object: Sized {
    /// The parameters without which the bytes say nothing.
    type Parameters;
    /// The crate that the object belongs to.
    const TAG: Tag;
    /// Its kind there.
    const KIND: u16;

    /// The object, sealed.
    ///
    /// # Errors
    /// As the `to_bytes` of the type.
    fn seal(&self) -> Result<Vec<u8>, WireError>;

    /// Opens a sealed object.
    ///
    /// # Errors
    /// As the `from_bytes` of the type.
    fn unseal(params: &Self::Parameters, bytes: &[u8]) -> Result<Self, WireError>;
}

/// The bytes of an object that is not opened yet: of the right crate and kind, whole and unaltered; the parameters, and what
/// depends on them, are checked by [`open`](Self::open).
///
/// With the feature `serde` this is how an object is deserialized: a format has no place for the parameters, and whose they are
/// must not be for the sender to say. What it serializes as is what the object itself serializes as.
///
/// ```
/// # use he_core::wire::{Header, Object, Sealed, Tag, WireError, open, seal};
/// # #[derive(Debug, PartialEq)]
/// # struct Note(u8);
/// # impl Note { fn header(params: &[u8; 32]) -> Header { Header { tag: Tag(77), kind: 1, params: *params } } }
/// # impl Object for Note {
/// #     type Parameters = [u8; 32];
/// #     const TAG: Tag = Tag(77);
/// #     const KIND: u16 = 1;
/// #     fn seal(&self) -> Result<Vec<u8>, WireError> { Ok(seal(&Self::header(&[3; 32]), &[self.0])) }
/// #     fn unseal(params: &[u8; 32], bytes: &[u8]) -> Result<Self, WireError> {
/// #         Ok(Self(open(bytes, &Self::header(params), 1)?[0]))
/// #     }
/// # }
/// # fn main() -> Result<(), WireError> {
/// let sealed = Sealed::new(&Note(5))?;
/// let mut bytes = sealed.bytes().to_vec();
/// assert_eq!(Sealed::<Note>::from_bytes(bytes.clone())?.open(&[3; 32])?, Note(5));
/// // Other parameters, and altered bytes.
/// assert!(matches!(sealed.open(&[4; 32]), Err(WireError::Parameters { .. })));
/// bytes[50] ^= 1;
/// assert!(matches!(Sealed::<Note>::from_bytes(bytes), Err(WireError::Digest { .. })));
/// # Ok(())
/// # }
/// ```
pub struct Sealed<T> {
    bytes: Vec<u8>,
    object: PhantomData<fn() -> T>,
}

impl<T: Object> Sealed<T> {
    /// The bytes of an object.
    ///
    /// # Errors
    /// As [`Object::seal`].
    pub fn new(object: &T) -> Result<Self, WireError> {
        Ok(Self { bytes: object.seal()?, object: PhantomData })
    }

    /// Bytes from elsewhere.
    ///
    /// # Errors
    /// If they are truncated or altered, or belong to another crate or kind.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, WireError> {
        let params = peek(&bytes)?.0.params;
        open(&bytes, &Header { tag: T::TAG, kind: T::KIND, params }, bytes.len())?;
        Ok(Self { bytes, object: PhantomData })
    }

    /// The object.
    ///
    /// # Errors
    /// If it belongs to other parameters, or a value in it is not valid under these.
    pub fn open(&self, params: &T::Parameters) -> Result<T, WireError> {
        T::unseal(params, &self.bytes)
    }
}

impl<T> Sealed<T> {
    /// The bytes, as the `to_bytes` of the object gives them.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes, without a copy.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

impl<T> Clone for Sealed<T> {
    fn clone(&self) -> Self {
        Self { bytes: self.bytes.clone(), object: PhantomData }
    }
}

impl<T> PartialEq for Sealed<T> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl<T> Eq for Sealed<T> {}

impl<T: Object> fmt::Debug for Sealed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed(tag {}, kind {}, {} bytes)", T::TAG, T::KIND, self.bytes.len())
    }
}

#[cfg(feature = "serde")]
impl<T> serde::Serialize for Sealed<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        portable::serialize(Ok(self.bytes()), serializer)
    }
}

#[cfg(feature = "serde")]
impl<'de, T: Object> serde::Deserialize<'de> for Sealed<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        portable::deserialize(deserializer, Self::from_bytes)
    }
}

/// Implements [`Object`](crate::wire::Object) for types with `to_bytes` and `from_bytes` of their own, by tag, parameters and kinds; and
/// [`serialize_sealed`](crate::serialize_sealed) for them.
#[macro_export]
macro_rules! wire_objects {
    ($tag:expr, $params:ty; $($object:ty: $kind:expr),+ $(,)?) => { $(
        impl $crate::wire::Object for $object {
            type Parameters = $params;
            const TAG: $crate::wire::Tag = $tag;
            const KIND: u16 = $kind;

            fn seal(&self) -> Result<Vec<u8>, $crate::wire::WireError> {
                self.to_bytes()
            }

            fn unseal(params: &$params, bytes: &[u8]) -> Result<Self, $crate::wire::WireError> {
                <$object>::from_bytes(params, bytes)
            }
        }

        $crate::serialize_sealed!($object, $crate::wire::Object::seal);
    )+ };
}

/// With the feature `serde` of the crate where it is called: serializes a type as the bytes that a function seals it in.
#[macro_export]
macro_rules! serialize_sealed {
    ($object:ty, $seal:expr) => {
        #[cfg(feature = "serde")]
        impl $crate::wire::portable::serde::Serialize for $object {
            fn serialize<S: $crate::wire::portable::serde::Serializer>(
                &self,
                serializer: S,
            ) -> Result<S::Ok, S::Error> {
                let seal: fn(&Self) -> Result<Vec<u8>, $crate::wire::WireError> = $seal;
                $crate::wire::portable::serialize(seal(self), serializer)
            }
        }
    };
}
