//! Any bytes as a manifest: they are read, linted and graded the same twice, with places and diffs that fit.
#![no_main]
#[path = "../properties.rs"]
mod properties;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| properties::hold(bytes));
