//! `cargo fuzz run wire`: see `targets.rs`.

#![no_main]

#[allow(dead_code, reason = "each program tries one of them")]
#[path = "../targets.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::wire(bytes));
