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
mod day;
mod error;
mod journal;
mod layout;
pub mod memory;
mod record;
mod snapshot;
mod storage;
mod tail;
mod vault;
mod walk;
mod window;

pub use batch::{Batch, Seq};
pub use codec::RecordError;
pub use day::{Compared, Counted, DayRecord, Tallied};
pub use error::{Damage, JournalError};
pub use journal::{Cut, Journal, Recovered};
pub use layout::Position;
pub use record::{
    After, Credited, CutStage, Debited, DecidedBy, Declined, Duty, Forward, Kept, Key, LinkOrder, Mark,
    Matter, Named, Observation, Observed, Onward, Record, Remembered, Ruling, Sent, Ticket, Why,
};
pub use snapshot::Snapshot;
pub use storage::{Act, Cause, Object, Storage, StorageError};
pub use vault::{Account, Card, CardDigest, SealedAccount, SealedPan, Vault, VaultError};
pub use walk::{Ending, Step, Walk};
