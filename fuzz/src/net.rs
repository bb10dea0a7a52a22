//! What client and server read of each other, and of their folders.

use nn_encrypted::internals::read_again;

/// Bytes for the matrices of a network that a request describes: 2^24 entries at most.
const MOST_MEMORY: usize = 1 << 30;

/// The body of a request for a job.
pub fn job(bytes: &[u8]) {
    // It can only fail if more is in use already.
    let _ = crate::MEMORY.set_limit(MOST_MEMORY);
    same(read_again(0, bytes));
}

/// The first byte says which of the others it is: tasks, records, lists, names, pins, headers, outcomes, and the
/// files of keys: `job.toml`, public keys, and secret keys under a passphrase.
pub fn requests(bytes: &[u8]) {
    let Some((first, rest)) = bytes.split_first() else { return };
    // Jobs have a target of their own.
    same(read_again(1 + first % 13, rest));
}

fn same(written: Option<[Vec<u8>; 2]>) {
    if let Some([once, twice]) = written {
        assert_eq!(once, twice, "what was written is read, and written alike");
    }
}
