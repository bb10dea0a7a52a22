#![no_main]

// The plan takes seconds, which would count as the first input's.
libfuzzer_sys::fuzz_target!(init: { let _ = he_fuzz::world::PLAN.hash(); }, |bytes: &[u8]| he_fuzz::message(bytes));
