//! Uploads: pieces in order, each on disk before it is acknowledged, and a digest at the end.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::names::{Id, Object, from_hex};
use super::store::{ObjectRecord, Store, StoreError};

/// Locks for uploads, shared out by the name of the job.
const LOCKS: usize = 16;

/// An object as its client announces it with each piece.
pub(super) struct Announced {
    /// Bytes of the whole.
    pub(super) length: u64,
    /// Its digest, in hexadecimal digits.
    pub(super) digest: String,
    /// Where the piece begins.
    pub(super) offset: u64,
}

/// Why a piece is not taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum UploadError {
    #[error("{found} bytes; the plan has at most {most} for {name}")]
    TooLong { name: Object, found: u64, most: u64 },
    #[error("{0} is there, with other bytes, and does not change")]
    Taken(Object),
    #[error("{there} bytes are there; the piece begins at {found}")]
    Offset { there: u64, found: u64 },
    #[error("the digest is no 64 hexadecimal digits")]
    NoDigest,
    #[error("{name} came with digest {found}, announced was {announced}: send it again from its beginning")]
    Digest { name: Object, found: String, announced: String },
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Takes pieces one at a time for each job.
pub(super) struct Uploads([Mutex<()>; LOCKS]);

impl Uploads {
    pub(super) fn new() -> Self {
        Self(std::array::from_fn(|_| Mutex::new(())))
    }

    fn lock(&self, job: Id) -> MutexGuard<'_, ()> {
        let place = job.to_string().bytes().fold(0, |sum, byte| sum + usize::from(byte)) % LOCKS;
        self.0[place].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a piece of an object of at most `most` bytes; tells what is there now.
    ///
    /// A piece of what is there in whole is a success if the digest is the same. Other bytes begin anew where nothing is there in whole, or
    /// only for one task: their client was stopped and encrypted again.
    pub(super) fn take(
        &self,
        store: &Store,
        (job, object, most): (Id, Object, u64),
        announced: Announced,
        piece: &[u8],
    ) -> Result<ObjectRecord, UploadError> {
        let Announced { length, digest, offset } = announced;
        from_hex(&digest, &mut [0; 32]).map_err(|()| UploadError::NoDigest)?;
        let end = offset.saturating_add(piece.len() as u64);
        if length.max(end) > most {
            return Err(UploadError::TooLong { name: object, found: length.max(end), most });
        }
        if end > length {
            return Err(UploadError::TooLong { name: object, found: end, most: length });
        }
        let (_lock, name) = (self.lock(job), object.to_string());
        let there = store.object(job, &name)?;
        match &there {
            Some(known) if known.complete && known.digest == digest => return Ok(known.clone()),
            Some(known) if known.complete && object.stays() => return Err(UploadError::Taken(object)),
            _ => {}
        }
        let begun = there.filter(|known| !known.complete && known.digest == digest && known.length == length);
        let at = begun.map_or(0, |known| known.offset);
        if at != offset {
            return Err(UploadError::Offset { there: at, found: offset });
        }
        store.write_at(job, &name, offset, piece)?;
        let mut record = ObjectRecord { length, digest, offset: end, complete: false };
        if end == length {
            let found = store.digest(job, &name)?;
            if found != record.digest {
                store.forget_object(job, &name)?;
                return Err(UploadError::Digest { name: object, found, announced: record.digest });
            }
            record.complete = true;
        }
        store.keep_object(job, &name, &record)?;
        Ok(record)
    }
}
