#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| he_fuzz::onnx(bytes));
