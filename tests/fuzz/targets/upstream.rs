#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzzed::upstream::run(bytes));
