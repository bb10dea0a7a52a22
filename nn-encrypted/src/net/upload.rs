//! Resumable uploads: from where an earlier attempt ended, piece by piece, so that no more than one is in memory.

use std::io::{Read, Seek, SeekFrom};

use ureq::http::{Method, StatusCode};

use super::api::{COMPLETE, DIGEST, LENGTH, OFFSET, PIECE};
use super::caller::Caller;
use crate::roles::ServerError;

fn failed(what: impl ToString) -> ServerError {
    ServerError::Remote(what.to_string().into())
}

/// Uploads all of a source as the object at a path.
pub(super) fn upload(
    caller: &Caller,
    path: &str,
    source: &mut (impl Read + Seek),
) -> Result<(), ServerError> {
    let (length, digest) = digest(source).map_err(failed)?;
    let mut offset = 0;
    if length > PIECE as u64 {
        let there = caller.call(&Method::HEAD, path, &[], &[], &[StatusCode::NOT_FOUND])?;
        if there.status.is_success() && there.header(DIGEST) == Some(&digest) {
            offset = there.number(OFFSET).unwrap_or(0).min(length);
        }
    }
    let mut piece = Vec::with_capacity(length.min(PIECE as u64) as usize);
    loop {
        piece.clear();
        source.seek(SeekFrom::Start(offset)).map_err(failed)?;
        source.by_ref().take(PIECE as u64).read_to_end(&mut piece).map_err(failed)?;
        let headers = [(LENGTH, length.to_string()), (OFFSET, offset.to_string()), (DIGEST, digest.clone())];
        let answer = caller.call(&Method::PATCH, path, &headers, &piece, &[StatusCode::CONFLICT])?;
        if answer.header(COMPLETE) == Some("?1") {
            return Ok(());
        }
        let there = answer.number(OFFSET).filter(|there| *there <= length);
        let there = there.ok_or_else(|| failed(String::from_utf8_lossy(&answer.body)))?;
        // Whoever tells the same place again and again, and takes nothing, is no server of this protocol.
        if answer.status.is_success() && there <= offset {
            return Err(failed(format!("{path}: no byte of a piece was taken")));
        }
        offset = there;
    }
}

/// Length and digest of a source, read piece by piece.
fn digest(source: &mut (impl Read + Seek)) -> std::io::Result<(u64, String)> {
    source.rewind()?;
    let (mut hasher, mut buffer) = (blake3::Hasher::new(), vec![0; 1 << 17]);
    let mut length = 0;
    loop {
        let count = source.read(&mut buffer)?;
        if count == 0 {
            return Ok((length, hasher.finalize().to_hex().to_string()));
        }
        hasher.update(&buffer[..count]);
        length += count as u64;
    }
}
