//! What the fuzz targets do with their bytes: read them, and where that succeeds use what was read, write it again and
//! demand the same bytes. Nothing may panic, and nothing may take memory out of proportion.
//!
//! A digest ends every envelope, which no mutation gets past. So where there is an envelope the first byte decides: odd,
//! and the rest is a body that is sealed before it is read; even, and the rest is read as it is.

#![forbid(unsafe_code)]

pub mod bfv;
pub mod bgv_bootstrap;
pub mod bridge;
mod ckks;
mod envelope;
mod folder;
mod message;
mod net;
pub mod recipes;
mod scheme;
mod text;
mod tfhe;
pub mod world;
#[path = "../../nn-encrypted/tests/worlds/mod.rs"]
mod worlds;
pub mod yashe;

pub use bfv::bfv;
pub use bgv_bootstrap::bgv_bootstrap;
pub use bridge::bridge;
pub use ckks::ckks;
pub use envelope::envelope;
pub use folder::{checkpoint, run_folder};
pub use message::{client, message};
pub use net::{job, requests};
pub use recipes::recipes;
pub use scheme::{ciphertext, evaluation_keys, keys};
pub use text::{frozen, onnx, pictures, recipe, table};
pub use tfhe::tfhe;
pub use yashe::yashe;

/// Bytes that a target may have allocated at one time. Inputs have a few kilobytes.
const MOST_MEMORY: usize = 256 << 20;

/// Without a sanitizer libFuzzer sees no single allocation (`-malloc_limit_mb` does nothing), so this counts.
#[global_allocator]
pub(crate) static MEMORY: cap::Cap<std::alloc::System> = cap::Cap::new(std::alloc::System, MOST_MEMORY);
