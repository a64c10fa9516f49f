use crate::{RecordError, Seq, StorageError};

/// Why the journal cannot go on. Each one stops the lane; none is repaired by guessing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    /// The machine failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// What is there is not what was written, and no crash explains it.
    #[error("segment {segment} is damaged at offset {offset}: {damage}")]
    Damaged {
        /// In which segment.
        segment: u32,
        /// At which byte of it.
        offset: u64,
        /// In what way.
        damage: Damage,
    },
    /// Whole and in order, but this program cannot read it.
    #[error("record {seq} in segment {segment} at offset {offset} cannot be read")]
    Unreadable {
        /// In which segment.
        segment: u32,
        /// Where the record begins.
        offset: u64,
        /// Which record.
        seq: Seq,
        /// Why.
        source: RecordError,
    },
    /// A snapshot is whole, but this program cannot read it.
    #[error("the snapshot before record {next} cannot be read")]
    UnreadableSnapshot {
        /// Its name.
        next: Seq,
        /// Why.
        source: RecordError,
    },
    /// It is another lane's.
    #[error("segment {segment} belongs to lane {found}, not to lane {expected}")]
    OtherLane {
        /// In which segment this stands.
        segment: u32,
        /// Whose it is.
        found: u16,
        /// Whose it should be.
        expected: u16,
    },
    /// A batch is larger than a segment can hold.
    #[error("a batch of {batch_bytes} bytes does not fit into a segment of {segment_bytes}")]
    TooLarge {
        /// The batch.
        batch_bytes: u64,
        /// A whole segment.
        segment_bytes: u64,
    },
    /// An earlier commit failed; what it wrote may be there or not, so nothing may follow it.
    #[error("the journal has stopped after an error; restart to find out what is durable")]
    Stopped,
}

/// In what way a segment is not what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// The first bytes are not the head of a segment of ours, or their checksum is wrong.
    #[error("its head is not a segment's head, or is corrupt")]
    SegmentHead,
    /// It was written by a newer version.
    #[error("its layout is version {version}, which this program does not know")]
    SegmentVersion {
        /// The version that stands there.
        version: u16,
    },
    /// The head names another segment: a file was renamed or copied.
    #[error("its head says it is segment {found}")]
    SegmentNumber {
        /// The number that stands there.
        found: u32,
    },
    /// It is not as long as it was made.
    #[error("it is {found_bytes} bytes long and was made {made_bytes}")]
    SegmentLength {
        /// As it is.
        found_bytes: u64,
        /// As its head says.
        made_bytes: u64,
    },
    /// It should be there.
    #[error("it is missing")]
    SegmentMissing,
    /// It does not follow the segment before it: records are missing between them.
    #[error("it does not continue the segment before it")]
    SegmentOrder,
    /// The head of a batch is corrupt: it lies within one sector, so no interrupted write explains it.
    #[error("the head of a batch is corrupt")]
    BatchHead,
    /// The batch is whole in itself but does not follow the one before it.
    #[error("a batch does not continue the chain")]
    BatchOrder,
    /// The contents of a batch are corrupt, and every sector of it was written.
    #[error("the contents of a batch are corrupt")]
    BatchContents,
    /// A batch is not whole, yet something was written after it: it was durable once.
    #[error("a batch is not whole, and byte {written_at} after it was written: it was durable once")]
    NotTheLast {
        /// Where the first byte after it is that is not zero.
        written_at: u64,
    },
    /// A batch is not whole, yet a later segment exists: it was durable once.
    #[error("a batch is not whole, and a later segment exists: it was durable once")]
    NotTheLastSegment,
    /// Something stands behind the mark that ends the segment.
    #[error("something is written behind its end")]
    BehindTheEnd,
    /// The records of a batch do not add up to it.
    #[error("the records of a batch do not add up")]
    RecordFrame,
}
