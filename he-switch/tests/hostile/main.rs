//! Hostile numbers: every public function of he-core and of the four scheme crates that stand below takes numbers that nobody should
//! give it. None panics, and none takes more memory than the numbers justify. `tests/hostile.rs` of he-bfv and of he-yashe do the same
//! there.
//!
//! The list of functions is read from the sources: one that is not called here fails the test. In he-core the functions are left out
//! whose documentation states when they panic: kernels of rings, whose callers check.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bgv;
mod bridges;
mod circuits;
mod ckks;
mod core;
mod list;
mod numbers;
mod run;
mod tfhe;

use run::{Call, call_all, check_list};

fn all() -> [(&'static str, Vec<Call>); 5] {
    [
        ("he-core", core::CALLS.to_vec()),
        ("he-bgv", bgv::CALLS.to_vec()),
        ("he-ckks", ckks::CALLS.to_vec()),
        ("he-tfhe", [tfhe::CALLS, circuits::CALLS].concat()),
        ("he-switch", bridges::CALLS.to_vec()),
    ]
}

#[test]
fn every_function_with_numbers_is_called() {
    all().iter().for_each(|(package, calls)| check_list(package, calls));
}

/// Keys and tables are made before memory is measured.
fn prepared() {
    core::prepare();
    bgv::prepare();
    ckks::prepare();
    tfhe::prepare();
    bridges::prepare();
}

#[test]
fn no_number_panics() {
    prepared();
    all().iter().for_each(|(package, calls)| call_all(package, calls, 10));
}

#[test]
#[ignore = "10^5 calls"]
fn no_number_panics_in_a_hundred_thousand_calls() {
    prepared();
    let functions: usize = all().iter().map(|(_, calls)| calls.len()).sum();
    let each = 100_000_u64.div_ceil(functions as u64);
    all().iter().for_each(|(package, calls)| call_all(package, calls, each));
}
