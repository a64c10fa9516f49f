//! A snapshot: the least list of records that folds to the same state, and the place it stands for.
//!
//! ```text
//! | head 80: magic, version, lane, count, position | framed records | SHA-256 of all before it |
//! ```
use crate::layout::{Position, array_at, u16_at, u32_at, u64_at};
use crate::walk::split_record;
use crate::{Batch, JournalError, Record, RecordError, Seq, Storage, StorageError, Vault, codec};
use alloc::vec::Vec;
use core::fmt;
use sha2::{Digest, Sha256};

/// Snapshots kept: the newest, and one more in case it turns out bad.
const SNAPSHOTS_KEPT: usize = 2;
const MAGIC: [u8; 8] = *b"SEKISNP\n";
const VERSION: u16 = 1;
const HEAD_BYTES: usize = 80;
const SUM_BYTES: usize = 32;

/// The records of a snapshot while they are gathered.
pub struct Snapshot {
    records: Batch,
}

impl Snapshot {
    /// Nothing in it yet.
    pub fn new() -> Self {
        Self { records: Batch::starting_at(Seq(1)) }
    }

    /// Adds a record. In the order in which they are to be folded.
    pub fn push(&mut self, record: &Record, vault: &Vault) {
        self.records.push(record, vault);
    }

    /// Records in it.
    pub fn count(&self) -> u32 {
        self.records.count()
    }

    /// Keeps it as what stands for everything before `position`, and forgets all but the newest two.
    ///
    /// - Cost: hashing and writing all of it. May be done on another thread than the one that commits: the
    ///   position only has to be durable already.
    pub fn keep<S: Storage>(
        &self,
        storage: &mut S,
        lane: u16,
        position: &Position,
    ) -> Result<(), StorageError> {
        storage.write_snapshot(position.next, &self.seal(lane, position))?;
        let kept = storage.snapshots()?;
        for &old in &kept[..kept.len().saturating_sub(SNAPSHOTS_KEPT)] {
            storage.remove_snapshot(old)?;
        }
        Ok(())
    }

    /// Its bytes, saying that it stands for everything before `position`.
    pub fn seal(&self, lane: u16, position: &Position) -> Vec<u8> {
        let records = self.records.framed();
        let mut bytes = Vec::with_capacity(HEAD_BYTES + records.len() + SUM_BYTES);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&lane.to_le_bytes());
        bytes.extend_from_slice(&self.count().to_le_bytes());
        bytes.extend_from_slice(&(records.len() as u64).to_le_bytes());
        bytes.extend_from_slice(&position.segment.to_le_bytes());
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&position.offset.to_le_bytes());
        bytes.extend_from_slice(&position.next.0.to_le_bytes());
        bytes.extend_from_slice(&position.chain);
        bytes.extend_from_slice(records);
        let sum = Sha256::digest(&bytes);
        bytes.extend_from_slice(&sum);
        bytes
    }
}

impl Snapshot {
    /// Whether these bytes, read back, are a whole snapshot of that lane that this program can read.
    pub fn is_whole(bytes: &[u8], lane: u16) -> bool {
        WholeSnapshot::read(bytes, lane).is_some_and(|whole| whole.each(|_| {}).is_ok())
    }
}

impl Default for Snapshot {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "snapshot of {} records", self.count())
    }
}

/// A snapshot that was read back and is whole.
pub(crate) struct WholeSnapshot<'a> {
    pub(crate) position: Position,
    count: u32,
    records: &'a [u8],
}

impl<'a> WholeSnapshot<'a> {
    /// `None` where these are not the bytes of a whole snapshot of this lane, in a version we know.
    pub(crate) fn read(bytes: &'a [u8], lane: u16) -> Option<Self> {
        let (summed, sum) = bytes.split_at_checked(bytes.len().checked_sub(SUM_BYTES)?)?;
        if summed.len() < HEAD_BYTES || Sha256::digest(summed)[..] != *sum {
            return None;
        }
        let (head, records) = summed.split_at(HEAD_BYTES);
        let is_ours = head[..8] == MAGIC
            && u16_at(head, 8) == VERSION
            && u16_at(head, 10) == lane
            && u64_at(head, 16) == records.len() as u64;
        let position = Position {
            segment: u32_at(head, 24),
            offset: u64_at(head, 32),
            next: Seq(u64_at(head, 40)),
            chain: array_at(head, 48),
        };
        is_ours.then_some(Self { position, count: u32_at(head, 12), records })
    }

    /// Folds its records. Nothing is folded of a snapshot with a record this program cannot read.
    pub(crate) fn fold(&self, fold: &mut dyn FnMut(Record)) -> Result<(), JournalError> {
        self.each(|_| {})?;
        self.each(fold)
    }

    fn each(&self, mut visit: impl FnMut(Record)) -> Result<(), JournalError> {
        let unreadable = |source| JournalError::UnreadableSnapshot { next: self.position.next, source };
        let mut rest = self.records;
        for _ in 0..self.count {
            let (payload, after) = (split_record(rest))
                .ok_or(unreadable(RecordError::Truncated { kind: 0, field: "record" }))?;
            visit(codec::decode(payload).map_err(unreadable)?);
            rest = after;
        }
        Ok(())
    }
}
