use crate::layout::{
    BATCH_BYTES_MAX, END_MARK_ROOM, Position, SEGMENT_HEAD_BYTES, SegmentHead, batch_bytes, damaged,
    end_mark, seal,
};
use crate::snapshot::WholeSnapshot;
use crate::walk::{Ending, Step, Walk};
use crate::{Batch, JournalError, Record, Seq, Snapshot, Storage};
use alloc::vec;
use alloc::vec::Vec;

/// Zeros are written in pieces of this size when a torn tail is cut.
const ZEROS_BYTES: usize = 64 * 1_024;

/// The journal of one lane, open for writing.
#[derive(Debug)]
pub struct Journal<S> {
    storage: S,
    lane: u16,
    position: Position,
    segment_bytes: u64,
    stopped: bool,
}

/// What was found when a journal was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// The snapshot it began from, if any.
    pub snapshot: Option<Seq>,
    /// Newer snapshots that were not whole and were passed over.
    pub bad_snapshots: Vec<Seq>,
    /// Records replayed after the snapshot.
    pub records: u64,
    /// Batches they were in.
    pub batches: u64,
    /// What was cut, if anything.
    pub cut: Option<Cut>,
    /// Whether the last record says that the journal was closed in order.
    pub was_closed: bool,
    /// Where the next record goes.
    pub position: Position,
}

/// A torn tail that was cut: pieces of a batch whose sync never returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// In which segment.
    pub segment: u32,
    /// From this byte on.
    pub offset: u64,
    /// Up to this one.
    pub end: u64,
}

impl<S: Storage> Journal<S> {
    /// Finds everything that is durable, folds it in order, and makes ready to write behind it. A journal
    /// that does not exist yet is begun.
    ///
    /// - Errors: anything that is not as it was written and that no crash explains; nothing was changed then,
    ///   and what was folded must be thrown away.
    /// - Cost: one read of the newest snapshot and of all that follows it; about a microsecond a record.
    pub fn open(
        mut storage: S,
        lane: u16,
        fold: &mut dyn FnMut(Record),
    ) -> Result<(Self, Recovered), JournalError> {
        let Found { kept, bad_snapshots, walk, ending, was_closed } = find(&mut storage, lane, fold)?;
        let (position, cut) = match walk.position() {
            Some(position) => settle(&mut storage, &walk, position, ending)?,
            None => (begin(&mut storage, lane)?, None),
        };
        let segment_bytes = storage.segment_bytes(position.segment)?;
        let recovered = Recovered {
            snapshot: kept.map(|position| position.next),
            bad_snapshots,
            records: walk.records(),
            batches: walk.batches(),
            cut,
            was_closed,
            position,
        };
        Ok((Self { storage, lane, position, segment_bytes, stopped: false }, recovered))
    }

    /// Reads what [`Journal::open`] would read, and changes nothing. A storage opened for reading will do.
    ///
    /// - Errors: those of [`Journal::open`] that are found by reading.
    pub fn would_open(storage: &mut S, lane: u16, fold: &mut dyn FnMut(Record)) -> Result<(), JournalError> {
        find(storage, lane, fold).map(drop)
    }

    /// Seals a batch, writes it, and returns when it is durable: with the place of its last record. The batch
    /// is then empty and ready for the records that follow. An empty batch costs nothing.
    ///
    /// - Errors: after the first one the journal has stopped, because what was written may be durable or not.
    /// - Panics: when the batch does not begin where the journal ends: the lane has lost count.
    /// - Cost: one write, one sync, hashing at memory speed; three more syncs where a segment begins.
    pub fn commit(&mut self, batch: &mut Batch) -> Result<Seq, JournalError> {
        if self.stopped {
            return Err(JournalError::Stopped);
        }
        assert!(batch.first == self.position.next, "a batch begins where the journal ends");
        if !batch.is_empty() {
            self.stopped = true; // Until it is proved that nothing failed.
            self.write(batch)?;
            self.stopped = false;
            batch.restart_at(self.position.next);
        }
        Ok(Seq(self.position.next.0 - 1))
    }

    /// Keeps a snapshot that stands for everything committed so far, and forgets all but two.
    pub fn keep_snapshot(&mut self, snapshot: &Snapshot) -> Result<(), JournalError> {
        if self.stopped {
            return Err(JournalError::Stopped);
        }
        Ok(snapshot.keep(&mut self.storage, self.lane, &self.position)?)
    }

    /// Where the next batch goes.
    pub fn position(&self) -> Position {
        self.position
    }

    /// Whose journal this is.
    pub fn lane(&self) -> u16 {
        self.lane
    }

    /// The storage under it.
    pub fn storage(&self) -> &S {
        &self.storage
    }

    /// The storage under it, for whoever makes it fail on purpose.
    pub fn storage_mut(&mut self) -> &mut S {
        &mut self.storage
    }

    /// Lets go of the storage.
    pub fn into_storage(self) -> S {
        self.storage
    }

    fn write(&mut self, batch: &mut Batch) -> Result<(), JournalError> {
        self.make_room(batch)?;
        let (segment, offset) = (self.position.segment, self.position.offset);
        seal(&mut batch.bytes, &mut self.position, batch.count);
        self.storage.write(segment, offset, &batch.bytes)?;
        Ok(self.storage.sync(segment)?)
    }

    /// Goes on in a new segment where the batch and an end mark behind it would not fit.
    fn make_room(&mut self, batch: &Batch) -> Result<(), JournalError> {
        let bytes_at = |offset| batch_bytes(offset, batch.record_bytes());
        let fits = |offset, segment_bytes| offset + bytes_at(offset) + END_MARK_ROOM <= segment_bytes;
        if bytes_at(self.position.offset) <= BATCH_BYTES_MAX && fits(self.position.offset, self.segment_bytes)
        {
            return Ok(());
        }
        self.segment_bytes = self.storage.create(self.position.segment + 1)?;
        if bytes_at(SEGMENT_HEAD_BYTES) > BATCH_BYTES_MAX || !fits(SEGMENT_HEAD_BYTES, self.segment_bytes) {
            let batch_bytes = bytes_at(SEGMENT_HEAD_BYTES);
            return Err(JournalError::TooLarge { batch_bytes, segment_bytes: self.segment_bytes });
        }
        let head = SegmentHead::after(&self.position, self.lane, self.segment_bytes);
        self.storage.write(head.segment, 0, &head.encode())?;
        self.storage.sync(head.segment)?;
        // Only now: an end mark promises that the next segment is there.
        write_end_mark(&mut self.storage, &self.position)?;
        self.position = head.start();
        Ok(())
    }
}

/// What a start finds by reading.
struct Found {
    kept: Option<Position>,
    bad_snapshots: Vec<Seq>,
    walk: Walk,
    ending: Ending,
    was_closed: bool,
}

/// Folds the newest whole snapshot and what follows it.
fn find<S: Storage>(storage: &mut S, lane: u16, fold: &mut dyn FnMut(Record)) -> Result<Found, JournalError> {
    let (kept, bad_snapshots) = newest_snapshot(storage, lane, fold)?;
    let mut walk = kept.map_or_else(Walk::from_the_start, Walk::from).of_lane(lane);
    let mut was_closed = false;
    let ending = walk.run(storage, |step| {
        if let Step::Record { record, .. } = step {
            was_closed = matches!(record, Record::Closed { .. });
            fold(record);
        }
    })?;
    Ok(Found { kept, bad_snapshots, walk, ending, was_closed })
}

/// Folds the newest snapshot that is whole; says where it stands and which newer ones were not whole.
fn newest_snapshot<S: Storage>(
    storage: &mut S,
    lane: u16,
    fold: &mut dyn FnMut(Record),
) -> Result<(Option<Position>, Vec<Seq>), JournalError> {
    let mut bad = Vec::new();
    for next in storage.snapshots()?.into_iter().rev() {
        let bytes = storage.read_snapshot(next)?;
        match WholeSnapshot::read(&bytes, lane) {
            Some(kept) => {
                kept.fold(fold)?;
                return Ok((Some(kept.position), bad));
            }
            None => bad.push(next),
        }
    }
    Ok((None, bad))
}

fn begin<S: Storage>(storage: &mut S, lane: u16) -> Result<Position, JournalError> {
    let head = SegmentHead::first(lane, storage.create(1)?);
    storage.write(1, 0, &head.encode())?;
    storage.sync(1)?;
    Ok(head.start())
}

/// Makes the end of the journal what a writer relies on: what was found there durable, and zeros behind it.
///
/// What was read may have come from the memory of the system and not from the disk: the last batch, if the
/// process died before its sync or the sync failed. A sync alone would not do, since after a failed one the
/// system forgets what it still had to write. So everything that could be meant is written once more.
fn settle<S: Storage>(
    storage: &mut S,
    walk: &Walk,
    found: Position,
    ending: Ending,
) -> Result<(Position, Option<Cut>), JournalError> {
    let (position, cut) = match ending {
        Ending::Empty | Ending::Clean => (found, None),
        Ending::Torn { end } => (found, Some(Cut { segment: found.segment, offset: found.offset, end })),
        Ending::BetweenSegments => (read_head(storage, found.segment + 1)?.start(), None),
    };
    if let Some(last) = walk.last_batch_in(position.segment) {
        write_again(storage, position.segment, last, position.offset)?;
    } else if position.offset == SEGMENT_HEAD_BYTES {
        write_again(storage, position.segment, 0, SEGMENT_HEAD_BYTES)?;
    }
    write_zeros(storage, &position)?;
    storage.sync(position.segment)?;
    if position.offset == SEGMENT_HEAD_BYTES && position.segment > 1 {
        let head = read_head(storage, position.segment)?;
        write_end_mark(storage, &head.before())?;
    }
    Ok((position, cut))
}

fn read_head<S: Storage>(storage: &mut S, segment: u32) -> Result<SegmentHead, JournalError> {
    let mut bytes = [0; SEGMENT_HEAD_BYTES as usize];
    storage.read(segment, 0, &mut bytes)?;
    SegmentHead::decode(&bytes).or_else(|damage| damaged(segment, 0, damage))
}

fn write_again<S: Storage>(storage: &mut S, segment: u32, from: u64, to: u64) -> Result<(), JournalError> {
    let mut bytes = vec![0; (to - from) as usize];
    storage.read(segment, from, &mut bytes)?;
    Ok(storage.write(segment, from, &bytes)?)
}

/// Zeros as far as a torn batch can reach.
fn write_zeros<S: Storage>(storage: &mut S, position: &Position) -> Result<(), JournalError> {
    let end = (position.offset + BATCH_BYTES_MAX).min(storage.segment_bytes(position.segment)?);
    let zeros = vec![0; ZEROS_BYTES];
    let mut at = position.offset;
    while at < end {
        let count = (end - at).min(ZEROS_BYTES as u64);
        storage.write(position.segment, at, &zeros[..count as usize])?;
        at += count;
    }
    Ok(())
}

fn write_end_mark<S: Storage>(storage: &mut S, position: &Position) -> Result<(), JournalError> {
    storage.write(position.segment, position.offset, &end_mark(*position))?;
    Ok(storage.sync(position.segment)?)
}
