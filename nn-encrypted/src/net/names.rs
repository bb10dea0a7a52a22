//! Names of jobs, runs and objects. No name is ever a path: each is read into one of these and written from it.

use std::fmt;
use std::str::FromStr;

use he_core::ring::sample::{Prng, SampleError};

/// 128 random bits, written as 32 hexadecimal digits: whoever does not know a name does not guess it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Id([u8; 16]);

impl Id {
    /// A new one.
    pub(super) fn draw() -> Result<Self, SampleError> {
        let mut bytes = [0; 16];
        Prng::from_os()?.fill_bytes(&mut bytes);
        Ok(Self(bytes))
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for Id {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut bytes = [0; 16];
        from_hex(text, &mut bytes)?;
        Ok(Self(bytes))
    }
}

/// Reads lower-case hexadecimal digits, as many as there is room for.
pub(super) fn from_hex(text: &str, bytes: &mut [u8]) -> Result<(), ()> {
    let digit = |c: u8| match c {
        b'0'..=b'9' => Ok(c - b'0'),
        b'a'..=b'f' => Ok(c - b'a' + 10),
        _ => Err(()),
    };
    if text.len() != 2 * bytes.len() {
        return Err(());
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = 16 * digit(pair[0])? + digit(pair[1])?;
    }
    Ok(())
}

/// An object that a client uploads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Object {
    /// Evaluation keys of a kind, counted over all engines.
    Keys(usize),
    /// Weights and momentum to start a run from.
    Model,
    /// A mini-batch.
    Batch(usize),
    /// Images to be classified next.
    Query,
}

impl Object {
    /// Whether it stays as long as its job: complete, it never changes. Others are used up by a task.
    pub(super) fn stays(self) -> bool {
        matches!(self, Self::Keys(_) | Self::Batch(_))
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keys(number) => write!(f, "keys-{number}"),
            Self::Model => f.write_str("model"),
            Self::Batch(number) => write!(f, "batch-{number}"),
            Self::Query => f.write_str("query"),
        }
    }
}

impl FromStr for Object {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let number = |digits: &str| match digits.parse::<u32>() {
            Ok(number) if number.to_string() == digits => Ok(number as usize),
            _ => Err(()),
        };
        match (text, text.split_once('-')) {
            ("model", _) => Ok(Self::Model),
            ("query", _) => Ok(Self::Query),
            (_, Some(("keys", digits))) => number(digits).map(Self::Keys),
            (_, Some(("batch", digits))) => number(digits).map(Self::Batch),
            _ => Err(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written_and_nothing_else_is_one() {
        let id = Id::draw().unwrap();
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_ne!(id, Id::draw().unwrap());
        for name in ["keys-0", "keys-17", "model", "batch-4294967295", "query"] {
            assert_eq!(name.parse::<Object>().map(|object| object.to_string()), Ok(name.to_owned()));
        }
        for text in [
            "",
            "keys",
            "keys-",
            "keys-01",
            "keys--1",
            "keys-+1",
            "keys-4294967296",
            "batch-0/..",
            "../model",
            "model-1",
        ] {
            assert_eq!(text.parse::<Object>(), Err(()), "{text}");
        }
        let long = format!("{id}0");
        for text in ["", "0", "ABCDEFABCDEFABCDEFABCDEFABCDEFAB", "é23456789012345678901234567890", &long] {
            assert_eq!(text.parse::<Id>(), Err(()), "{text}");
        }
    }
}
