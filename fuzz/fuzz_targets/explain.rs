//! libFuzzer's way into [`fuzz_checks::explain`].

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz_checks::explain(input));
