use crate::Seq;
use alloc::vec::Vec;
use core::fmt;

/// Where the bytes of one lane's journal are kept. The journal decides what is written where; a storage
/// decides how, and tells the truth about what is durable.
///
/// Three promises are relied on, and recovery is built on nothing else:
/// 1. A new segment reads as zeros, and it and its name are durable when [`Storage::create`] returns.
/// 2. What was written before [`Storage::sync`] returned well is there after any crash.
/// 3. Of what was not yet synced, each aligned sector of 512 bytes is there whole or not at all.
pub trait Storage {
    /// Numbers of the segments that were created, ascending.
    fn segments(&mut self) -> Result<Vec<u32>, StorageError>;

    /// How long the segment is: fixed when it was created.
    fn segment_bytes(&mut self, segment: u32) -> Result<u64, StorageError>;

    /// Creates a segment of zeros and says how long it is. One that exists and was never written is as good.
    fn create(&mut self, segment: u32) -> Result<u64, StorageError>;

    /// Fills `into` from `offset` on; never asked for anything beyond [`Storage::segment_bytes`].
    fn read(&mut self, segment: u32, offset: u64, into: &mut [u8]) -> Result<(), StorageError>;

    /// Writes all of `bytes` at `offset`; durable only after [`Storage::sync`].
    fn write(&mut self, segment: u32, offset: u64, bytes: &[u8]) -> Result<(), StorageError>;

    /// Makes everything written to the segment durable. An error is final: what was written may be there or
    /// not, and asking again would prove nothing.
    fn sync(&mut self, segment: u32) -> Result<(), StorageError>;

    /// The snapshots that exist, ascending, each named by the first record it does not hold.
    fn snapshots(&mut self) -> Result<Vec<Seq>, StorageError>;

    /// All of a snapshot's bytes.
    fn read_snapshot(&mut self, next: Seq) -> Result<Vec<u8>, StorageError>;

    /// Keeps a snapshot: after a crash it is there whole, or not at all.
    fn write_snapshot(&mut self, next: Seq, bytes: &[u8]) -> Result<(), StorageError>;

    /// Forgets a snapshot.
    fn remove_snapshot(&mut self, next: Seq) -> Result<(), StorageError>;

    /// A second way to the same place, which may keep snapshots while this one writes segments; `None` where
    /// there is no such way.
    fn beside(&self) -> Option<Self>
    where
        Self: Sized,
    {
        None
    }
}

impl<S: Storage + ?Sized> Storage for &mut S {
    fn segments(&mut self) -> Result<Vec<u32>, StorageError> {
        (**self).segments()
    }

    fn segment_bytes(&mut self, segment: u32) -> Result<u64, StorageError> {
        (**self).segment_bytes(segment)
    }

    fn create(&mut self, segment: u32) -> Result<u64, StorageError> {
        (**self).create(segment)
    }

    fn read(&mut self, segment: u32, offset: u64, into: &mut [u8]) -> Result<(), StorageError> {
        (**self).read(segment, offset, into)
    }

    fn write(&mut self, segment: u32, offset: u64, bytes: &[u8]) -> Result<(), StorageError> {
        (**self).write(segment, offset, bytes)
    }

    fn sync(&mut self, segment: u32) -> Result<(), StorageError> {
        (**self).sync(segment)
    }

    fn snapshots(&mut self) -> Result<Vec<Seq>, StorageError> {
        (**self).snapshots()
    }

    fn read_snapshot(&mut self, next: Seq) -> Result<Vec<u8>, StorageError> {
        (**self).read_snapshot(next)
    }

    fn write_snapshot(&mut self, next: Seq, bytes: &[u8]) -> Result<(), StorageError> {
        (**self).write_snapshot(next, bytes)
    }

    fn remove_snapshot(&mut self, next: Seq) -> Result<(), StorageError> {
        (**self).remove_snapshot(next)
    }
}

/// The storage could not do what it was asked. Always the fault of the machine, never of a peer, and never
/// tried again: whoever gets one stops speaking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot {act} {object}: {cause}")]
pub struct StorageError {
    /// What was tried.
    pub act: Act,
    /// On what.
    pub object: Object,
    /// Why it failed.
    pub cause: Cause,
}

/// What a storage was asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Look what is there.
    List,
    /// Make a new one.
    Create,
    /// Read.
    Read,
    /// Write.
    Write,
    /// Make durable.
    Sync,
    /// Remove.
    Remove,
}

/// What it was asked to do it to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Object {
    /// The place all of it is in.
    Directory,
    /// A segment, by its number.
    Segment(u32),
    /// A snapshot, by its name.
    Snapshot(Seq),
}

/// Why it could not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// No room is left, and none is in reserve.
    #[error("no space left")]
    NoSpace,
    /// It is not there.
    #[error("it is not there")]
    Missing,
    /// It ends before what was asked for.
    #[error("it is shorter than it should be")]
    Short,
    /// It was opened only to be read.
    #[error("it was opened only to be read")]
    ReadOnly,
    /// The operating system said so, by its number.
    #[error("os error {0}")]
    Os(i32),
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::List => "list",
            Self::Create => "create",
            Self::Read => "read",
            Self::Write => "write",
            Self::Sync => "sync",
            Self::Remove => "remove",
        })
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory => f.write_str("the journal's directory"),
            Self::Segment(number) => write!(f, "segment {number}"),
            Self::Snapshot(next) => write!(f, "the snapshot before record {next}"),
        }
    }
}
