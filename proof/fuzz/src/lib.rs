//! Equations over random bytes. Each target is a function that takes any bytes and panics when an equation does
//! not hold, and a set of good beginnings to mutate. `src/main.rs` runs them on any compiler; `fuzz_targets/`
//! hands the same functions to libFuzzer.
#![forbid(unsafe_code)]

pub mod codec;
pub mod dialect_file;
pub mod frame_reader;
pub mod importers;
pub mod journal_reader;
pub mod luck;
mod messages;
pub mod security_module;

/// One target.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, also that of its libFuzzer program.
    pub name: &'static str,
    /// Panics when an equation does not hold for these bytes.
    pub check: fn(&[u8]),
    /// Good inputs to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// Every target.
#[rustfmt::skip]
pub const TARGETS: &[Target] = &[
    Target { name: "frame_reader",   check: frame_reader::check,   seeds: frame_reader::seeds },
    Target { name: "codec",          check: codec::check,          seeds: codec::seeds },
    Target { name: "journal_reader", check: journal_reader::check, seeds: journal_reader::seeds },
    Target { name: "importers",      check: importers::check,      seeds: importers::seeds },
    Target { name: "dialect_file",   check: dialect_file::check,   seeds: dialect_file::seeds },
    Target { name: "security_module", check: security_module::check, seeds: security_module::seeds },
];
