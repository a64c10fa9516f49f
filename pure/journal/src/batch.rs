use crate::layout::{BATCH_BYTES_MAX, BATCH_HEAD_BYTES};
use crate::{Record, Vault, codec};
use alloc::vec::Vec;
use core::fmt;

/// The place of a record in its lane's journal, counted from 1 and never used twice for what was durable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Seq(pub u64);

impl Seq {
    /// The one after it.
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Longest record. Reason: a run of 512 zero bytes in a batch must mean a sector that was never written, and
/// each record begins with a length that is not zero. Cost: none.
pub(crate) const RECORD_BYTES_MAX: usize = 480;
/// Length, checksum and (in the payload) kind.
pub(crate) const RECORD_HEAD_BYTES: usize = 6;
/// Half of the longest batch.
const BATCH_FULL_BYTES: usize = BATCH_BYTES_MAX as usize / 2;
/// What the longest batch has for records; the rest is head, filler and tail.
const BATCH_ROOM_BYTES: usize = BATCH_BYTES_MAX as usize - 512;

/// What one sync makes durable: records in the order they were pushed, encoded as they will stand on disk.
///
/// Used again after each commit, so that a running lane allocates nothing for its journal.
pub struct Batch {
    pub(crate) bytes: Vec<u8>,
    pub(crate) count: u32,
    pub(crate) first: Seq,
}

impl Batch {
    /// An empty batch whose first record will be `first`.
    pub fn starting_at(first: Seq) -> Self {
        let mut batch = Self { bytes: Vec::with_capacity(64 * 1_024), count: 0, first };
        batch.restart_at(first);
        batch
    }

    /// Encodes a record and says which place it has.
    ///
    /// - Cost: below a microsecond for the longest record, most of it enciphering the card number.
    pub fn push(&mut self, record: &Record, vault: &Vault) -> Seq {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; RECORD_HEAD_BYTES]);
        codec::encode(record, vault, &mut self.bytes);
        let payload_bytes = self.bytes.len() - start - RECORD_HEAD_BYTES;
        assert!(
            payload_bytes <= RECORD_BYTES_MAX,
            "a record of {payload_bytes} bytes is longer than any can be"
        );
        let length = (payload_bytes as u16).to_le_bytes();
        let crc = record_checksum(length, &self.bytes[start + RECORD_HEAD_BYTES..]);
        self.bytes[start..start + 2].copy_from_slice(&length);
        self.bytes[start + 2..start + RECORD_HEAD_BYTES].copy_from_slice(&crc.to_le_bytes());
        self.count += 1;
        Seq(self.first.0 + u64::from(self.count) - 1)
    }

    /// The place the next record pushed will have.
    pub fn next_seq(&self) -> Seq {
        Seq(self.first.0 + u64::from(self.count))
    }

    /// The place of its last record; `None` while it is empty.
    pub fn last_seq(&self) -> Option<Seq> {
        (self.count > 0).then(|| Seq(self.first.0 + u64::from(self.count) - 1))
    }

    /// Records in it.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Bytes its records take.
    pub fn record_bytes(&self) -> usize {
        self.bytes.len() - BATCH_HEAD_BYTES
    }

    /// Its records, framed.
    pub(crate) fn framed(&self) -> &[u8] {
        &self.bytes[BATCH_HEAD_BYTES..]
    }

    /// Whether it should be submitted before more is pushed; room for the records of one step is left.
    pub fn is_full(&self) -> bool {
        self.record_bytes() >= BATCH_FULL_BYTES
    }

    /// Whether the records of `other` may be appended: what comes of it still fits into any segment. An empty
    /// batch has room for every other.
    pub fn has_room_for(&self, other: &Self) -> bool {
        self.is_empty() || self.record_bytes() + other.record_bytes() <= BATCH_ROOM_BYTES
    }

    /// Moves all records of `later` behind its own and leaves `later` empty, ready for the record after them.
    ///
    /// Panics: when `later` does not follow on, because a lane that lost count must not go on writing.
    pub fn append(&mut self, later: &mut Self) {
        assert!(later.first == self.next_seq(), "batches of one lane follow each other without a gap");
        self.bytes.extend_from_slice(&later.bytes[BATCH_HEAD_BYTES..]);
        self.count += later.count;
        later.restart_at(self.next_seq());
    }

    /// Empties it for records from `first` on; its memory is kept.
    pub fn restart_at(&mut self, first: Seq) {
        self.bytes.clear();
        self.bytes.resize(BATCH_HEAD_BYTES, 0);
        self.count = 0;
        self.first = first;
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "batch of {} records from {}", self.count, self.first)
    }
}

pub(crate) fn record_checksum(length: [u8; 2], payload: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&length);
    crc.update(payload);
    crc.finalize()
}
