//! Keys that are read piece by piece are never in memory beside the keys that are made of them.
//!
//! One test, in a program of its own: it counts what is allocated.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::alloc::System;
use std::fs::File;
use std::path::Path;
use std::process::Command;

use cap::Cap;
use he_bgv::{EvaluationKeys, KeyRequest, Parameters, SecretKey, Spec};

#[global_allocator]
static MEMORY: Cap<System> = Cap::new(System, usize::MAX);

const MIB: usize = 1 << 20;
/// A piece, a polynomial, and what belongs to threads.
const BESIDE: usize = 4 * MIB;

/// Names the file that the process is to write.
const WRITES: &str = "STREAMED_KEYS";

fn parameters() -> Parameters {
    Spec { log_n: 12, ..Spec::n8192() }.build_insecure("a test of memory").unwrap()
}

/// In a process of its own, since what is needed to make keys would be counted too.
fn make(path: &Path) {
    let params = parameters();
    let steps: Vec<i64> = (1..80).collect();
    let request = KeyRequest::default().rotations(&params, &steps, params.max_level());
    let keys = SecretKey::generate(&params).unwrap().evaluation_keys(&request).unwrap();
    std::fs::write(path, keys.to_bytes().unwrap()).unwrap();
}

#[test]
fn keys_in_pieces_take_the_memory_of_keys() {
    if let Some(path) = std::env::var_os(WRITES) {
        return make(path.as_ref());
    }
    let path = std::env::temp_dir().join(format!("streamed-keys-{}", std::process::id()));
    let made = Command::new(std::env::current_exe().unwrap()).env(WRITES, &path).status().unwrap();
    assert!(made.success());
    let sealed = std::fs::metadata(&path).unwrap().len() as usize;
    let params = parameters();
    let before = MEMORY.allocated();
    let keys = EvaluationKeys::read_from(&params, File::open(&path).unwrap()).unwrap();
    let (expanded, peak) = (MEMORY.allocated() - before, MEMORY.max_allocated() - before);
    println!("{} MiB sealed, {} MiB expanded, {} MiB at the peak", sealed / MIB, expanded / MIB, peak / MIB);
    assert!(sealed > 4 * BESIDE && expanded > sealed, "{sealed} {expanded}");
    assert!(peak <= expanded + BESIDE, "{peak} of {expanded}");
    drop(keys);
    // Whole, both are there: the count would have seen it.
    let keys = EvaluationKeys::from_bytes(&params, &std::fs::read(&path).unwrap()).unwrap();
    assert!(MEMORY.max_allocated() - before >= expanded + sealed);
    drop(keys);
    std::fs::remove_file(&path).unwrap();
}
