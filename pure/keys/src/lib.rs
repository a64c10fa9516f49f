//! The life of a key: who owns it, what it is for, which generation is in force, and who changed that.
//!
//! ```text
//!  made ─▶ generated ─▶ confirmed ─▶ active ─▶ previous ─▶ retired ─▶ destroyed
//!            the peer told      a message or      for an overlap,
//!            the check value    a moment          inbound alone
//! ```
//! Nothing here holds a key that could be used: only what a security module stored, enciphered under its master key,
//! and check values. One owner's keys are a [`Holding`], those of all owners a [`Ring`]; each change is a
//! [`Change`], and an [`chain::Entry`] of the audit.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod chain;
pub mod exchange;
mod holding;
mod key;
mod owner;
mod ring;
mod state;

pub use holding::{Change, ENDED_MAX, Holding, New, Order, Refusal};
pub use key::{HeldKey, Origin, Start};
pub use owner::Owner;
pub use ring::{Heard, Ring};
pub use state::{Happening, State};
