//! libFuzzer's way into [`fuzz_checks::lapd_frame`].

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz_checks::lapd_frame(input));
