//! A partner as data: fields to canonical transactions and back, presence, codes, imports.
//!
//! A [`Dialect`] is made from a TOML file. It reads bytes into a [`terms::Txn`], writes requests to hosts and
//! answers to sources, and knows which elements a message must have, what a code says about the money, and
//! what an answer must have in common with its request. The files that come with the switch lie in
//! `dialects/`; the reference of what one may say is `docs/dialects.md`.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod card;
mod codes;
mod compile;
mod dialect;
mod document;
mod elements;
mod error;
mod exchange;
mod finding;
mod import;
mod index;
mod mac;
mod message;
mod model;
mod notation;
mod original;
mod outline;
mod presence;
mod read;
mod reconciliation;
mod role;
mod shape;
mod shipped;
mod slot;
mod style;
mod write;

pub use dialect::{Dialect, Explained};
pub use error::{ReadError, ReadRefusal, WriteError};
pub use exchange::{KeyInfo, KeyPart, KeyRule, KeyWhat, PinInfo, TravellingKey};
pub use finding::{Finding, Severity, did_you_mean};
pub use import::{ImportError, Imported, import_jpos, import_moov};
pub use mac::{Covered, MacInput, MacJoin, MacRule, MacWritten, NoCode};
pub use outline::{Outline, Presence};
pub use reconciliation::ReconciliationRule;
