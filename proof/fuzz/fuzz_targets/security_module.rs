//! Guided by coverage; the equation is in the library.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::security_module::check(bytes));
