//! All that client and server read of each other and of their folders, read and written again: for the fuzz targets.

use std::fmt::Display;
use std::path::Path;
use std::str::FromStr;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::api::{DIGEST, JobState, LENGTH, OFFSET, Task};
use super::body::JobBody;
use super::caller::pin_of;
use super::limits::Limits;
use super::names::{Id, Object, from_hex};
use super::outcome::Outcome;
use super::remote::Known;
use super::routes::number;
use super::tokens::Kept;
use crate::roles::public_keys_again;
use crate::run::{JobFile, asks_for_a_passphrase};

/// Kinds of input.
const KINDS: u8 = 14;

/// An input of a kind, written again after it was read once and twice; none if it is not one. Kind 0 is the request for a job, which is
/// planned as far as its network.
#[must_use]
pub fn read_again(kind: u8, bytes: &[u8]) -> Option<[Vec<u8>; 2]> {
    match kind % KINDS {
        0 => {
            let _ = serde_json::from_slice::<JobBody>(bytes).ok()?.network();
            json::<JobBody>(bytes)
        }
        1 => json::<Task>(bytes),
        2 => json::<Known>(bytes),
        3 => json::<Vec<JobState>>(bytes),
        4 => toml::<Kept>(bytes),
        5 => toml::<Limits>(bytes),
        6 => word::<Id>(bytes),
        7 => word::<Object>(bytes),
        8 => {
            let pin = pin_of(std::str::from_utf8(bytes).ok()?).ok()?;
            let again = pin_of(&pin).ok()?;
            Some([pin, again].map(String::into_bytes))
        }
        9 => headers(bytes),
        10 => {
            let once = Outcome::from_bytes(bytes).ok()?.to_bytes();
            let twice = Outcome::from_bytes(&once).ok()?.to_bytes();
            Some([once, twice])
        }
        11 => job_file(bytes),
        12 => public_keys_again(bytes),
        _ => asks_for_a_passphrase(bytes).then(Default::default),
    }
}

/// `job.toml`, by its own reader and its checks.
fn job_file(bytes: &[u8]) -> Option<[Vec<u8>; 2]> {
    let write = |text: &str| toml::to_string(&JobFile::parse(Path::new("job.toml"), text).ok()?).ok();
    let once = write(std::str::from_utf8(bytes).ok()?)?;
    let twice = write(&once).unwrap_or_default();
    Some([once, twice].map(String::into_bytes))
}

fn json<T: DeserializeOwned + Serialize>(bytes: &[u8]) -> Option<[Vec<u8>; 2]> {
    let write = |bytes: &[u8]| -> Option<Vec<u8>> {
        serde_json::to_vec(&serde_json::from_slice::<T>(bytes).ok()?).ok()
    };
    let once = write(bytes)?;
    // What was written is read, or the target sees nothing beside it.
    let twice = write(&once).unwrap_or_default();
    Some([once, twice])
}

fn toml<T: DeserializeOwned + Serialize>(bytes: &[u8]) -> Option<[Vec<u8>; 2]> {
    let write = |text: &str| toml::to_string(&toml::from_str::<T>(text).ok()?).ok();
    let once = write(std::str::from_utf8(bytes).ok()?)?;
    let twice = write(&once).unwrap_or_default();
    Some([once, twice].map(String::into_bytes))
}

fn word<T: FromStr + Display>(bytes: &[u8]) -> Option<[Vec<u8>; 2]> {
    let write = |text: &str| text.parse::<T>().ok().map(|read| read.to_string());
    let once = write(std::str::from_utf8(bytes).ok()?)?;
    let twice = write(&once).unwrap_or_default();
    Some([once, twice].map(String::into_bytes))
}

/// Headers of an upload, a line each: length, offset, digest.
fn headers(bytes: &[u8]) -> Option<[Vec<u8>; 2]> {
    let mut headers = HeaderMap::new();
    for (name, line) in [LENGTH, OFFSET, DIGEST].into_iter().zip(bytes.split(|byte| *byte == b'\n')) {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_bytes(line).ok()?);
    }
    let (length, offset) = (number(&headers, LENGTH).ok()?, number(&headers, OFFSET).ok()?);
    let digest = headers.get(DIGEST)?.to_str().ok()?;
    from_hex(digest, &mut [0; 32]).ok()?;
    let once = format!("{length}\n{offset}\n{digest}").into_bytes();
    Some([once.clone(), once])
}
