//! A security module in software: the same operations, for tests, demos and links that carry no PIN of a living
//! person.
//!
//! **It is no PCI HSM.** Keys are in the memory of an ordinary process while they are used.

mod keys;
mod master;
mod module;
mod transport;

pub use master::{Master, MasterError};
pub use module::SoftwareHsm;

/// What is said at every start and in every status.
pub const WARNING: &str = "the software security module is not a PCI HSM and not for live PINs";
