//! What is remembered: records, checksums, hash chain, segments, snapshots, recovery.
//!
//! The lane encodes each [`Record`] into a [`Batch`]; [`Journal::commit`] seals a batch, writes it and makes
//! it durable with one sync; [`Journal::open`] finds everything again after a crash, cuts a tail only where
//! the bytes prove that it was never durable, and refuses everything else by segment and offset. Nothing
//! here opens a file: bytes go to and come from a [`Storage`].
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod batch;
mod codec;
mod record;
mod vault;

pub use batch::{Batch, Seq};
pub use codec::RecordError;
pub use record::{
    DecidedBy, Declined, Kept, Key, Named, Observation, Observed, Owed, Record, Remembered, Sent,
};
pub use vault::{Card, SealedPan, Vault, VaultError};
