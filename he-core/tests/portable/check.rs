//! Checks of what goes to the other side, for the tests of all scheme crates.

use he_core::wire::{Object, Sealed, WireError};

/// Places all over so many bytes: of few nearly all, of many some, since each costs a digest of all.
fn places(bytes: usize) -> impl Iterator<Item = usize> {
    (0..bytes).step_by(bytes.div_ceil(if bytes < 1 << 12 { 200 } else { 12 }))
}

/// Bytes with one bit altered.
fn altered(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    places(bytes.len()).map(|at| {
        let mut altered = bytes.to_vec();
        altered[at] ^= 1 << (at % 8);
        altered
    })
}

/// A specification comes back from its bytes, and from no others.
pub(crate) fn spec_comes_back<S: PartialEq + std::fmt::Debug>(
    spec: &S,
    to_bytes: fn(&S) -> Vec<u8>,
    from_bytes: fn(&[u8]) -> Result<S, WireError>,
) {
    let bytes = to_bytes(spec);
    assert_eq!(from_bytes(&bytes).as_ref(), Ok(spec));
    assert!(altered(&bytes).all(|other| from_bytes(&other).is_err()));
    assert!(from_bytes(&bytes[..bytes.len() - 1]).is_err() && from_bytes(&[]).is_err());
}

/// An object comes back from its sealed bytes, under its parameters alone and from no other bytes.
pub(crate) fn object_comes_back<T: Object>(object: &T, params: &T::Parameters, others: &T::Parameters) {
    let sealed = Sealed::new(object).unwrap();
    let bytes = sealed.bytes().to_vec();
    assert_eq!(sealed.open(params).unwrap().seal().unwrap(), bytes);
    assert!(matches!(sealed.open(others), Err(WireError::Parameters { .. })));
    let read = Sealed::<T>::from_bytes(bytes.clone()).unwrap();
    assert!(read == sealed && read.into_bytes() == bytes);
    // Of the hash of the parameters it takes the digest to tell that it was altered.
    assert!(altered(&bytes).all(|other| Sealed::<T>::from_bytes(other).is_err()));
}

/// What is serialized as an object is deserialized as its sealed bytes, in a format for people and in one for machines; altered
/// bytes are refused by the format already.
#[cfg(feature = "serde")]
pub(crate) fn object_is_portable<T: Object + serde::Serialize>(object: &T, params: &T::Parameters) {
    let bytes = object.seal().unwrap();
    let (json, binary) = (serde_json::to_string(object).unwrap(), postcard::to_allocvec(object).unwrap());
    assert_eq!(json.len(), 2 * bytes.len() + 2);
    assert!(binary.len() <= bytes.len() + 10 && binary.ends_with(&bytes));
    let texts: Sealed<T> = serde_json::from_str(&json).unwrap();
    let bytes_again: Sealed<T> = postcard::from_bytes(&binary).unwrap();
    for sealed in [&texts, &bytes_again] {
        assert_eq!(sealed.open(params).unwrap().seal().unwrap(), bytes);
    }
    // A sealed object goes on as it came.
    assert!(serde_json::to_string(&texts).unwrap() == json);
    refuses_altered::<Sealed<T>>(&json, &binary, bytes.len());
}

/// The same of a specification, which needs no parameters.
#[cfg(feature = "serde")]
pub(crate) fn spec_is_portable<S>(spec: &S, bytes: &[u8])
where
    S: PartialEq + std::fmt::Debug + serde::Serialize + serde::de::DeserializeOwned,
{
    let (json, binary) = (serde_json::to_string(spec).unwrap(), postcard::to_allocvec(spec).unwrap());
    assert!(binary.ends_with(bytes));
    assert_eq!(&serde_json::from_str::<S>(&json).unwrap(), spec);
    assert_eq!(&postcard::from_bytes::<S>(&binary).unwrap(), spec);
    refuses_altered::<S>(&json, &binary, bytes.len());
}

#[cfg(feature = "serde")]
fn refuses_altered<D: serde::de::DeserializeOwned>(json: &str, binary: &[u8], bytes: usize) {
    let prefix = binary.len() - bytes;
    for other in altered(&binary[prefix..]) {
        let whole = [&binary[..prefix], &other].concat();
        assert!(postcard::from_bytes::<D>(&whole).is_err());
    }
    for at in places(json.len() - 2).map(|at| at + 1) {
        let old = &json[at..=at];
        for new in ["0", "f", "F", "x"] {
            let other = format!("{}{new}{}", &json[..at], &json[at + 1..]);
            assert!(old == new || serde_json::from_str::<D>(&other).is_err(), "{old} became {new} at {at}");
        }
    }
    // Half a byte, and a list of numbers in place of digits.
    assert!(serde_json::from_str::<D>(&format!("{}\"", &json[..json.len() - 2])).is_err());
    assert!(serde_json::from_str::<D>("[72, 69, 87, 49]").is_err());
}
