//! A storage in memory that keeps its three promises and no more: what a simulator crashes, and what tests
//! damage on purpose.
use crate::{Act, Cause, Object, Seq, Storage, StorageError};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

const SECTOR: usize = 512;

/// Segments and snapshots in memory. What was written and not synced is told apart from what is durable, and
/// [`Memory::crash`] decides about each of its sectors. A clone shares what neither of the two writes to: it costs as
/// much as there are segments, not bytes.
#[derive(Clone, Debug)]
pub struct Memory {
    segment_bytes: u64,
    segments: BTreeMap<u32, Segment>,
    snapshots: BTreeMap<Seq, Arc<Vec<u8>>>,
    failing: Option<(Act, u32, Cause)>,
    syncs: u64,
}

#[derive(Clone, Debug)]
struct Segment {
    durable: Arc<Vec<u8>>,
    written: Arc<Vec<u8>>,
    /// Sectors the next sync makes durable.
    dirty: BTreeSet<usize>,
    /// Sectors a sync failed on. They read as written, but no later sync makes them durable: this is how
    /// operating systems behave.
    orphaned: BTreeSet<usize>,
}

impl Segment {
    fn make_durable(&mut self, sector: usize) {
        let at = sector * SECTOR..((sector + 1) * SECTOR).min(self.durable.len());
        Arc::make_mut(&mut self.durable)[at.clone()].copy_from_slice(&self.written[at]);
    }
}

impl Memory {
    /// Nothing in it; segments will be this long.
    pub fn new(segment_bytes: u64) -> Self {
        Self { segment_bytes, segments: BTreeMap::new(), snapshots: BTreeMap::new(), failing: None, syncs: 0 }
    }

    /// The power fails: of each sector that was written and not synced, `keeps(segment, sector)` says whether
    /// it reached the disk.
    pub fn crash(&mut self, mut keeps: impl FnMut(u32, usize) -> bool) {
        for (&number, segment) in &mut self.segments {
            let mut open = core::mem::take(&mut segment.dirty);
            open.append(&mut segment.orphaned);
            if open.is_empty() {
                // Both are the same.
                continue;
            }
            for sector in open {
                if keeps(number, sector) {
                    segment.make_durable(sector);
                }
            }
            segment.written.clone_from(&segment.durable);
        }
        self.failing = None;
    }

    /// The power fails, and a coin thrown from `seed` says of each sector whether it reached the disk.
    pub fn crash_by_seed(&mut self, mut seed: u64) {
        self.crash(|_, _| {
            // SplitMix64: enough for a coin.
            seed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            (mixed ^ (mixed >> 31)) & 1 == 1
        });
    }

    /// The `nth` act of this kind from now on (0: the next) fails, and so does every one after it.
    pub fn fail(&mut self, act: Act, nth: u32, cause: Cause) {
        self.failing = Some((act, nth, cause));
    }

    /// Nothing fails any more: only the process has died, and what it wrote still reads as written.
    pub fn restart(&mut self) {
        self.failing = None;
    }

    /// All bytes of a segment, to damage them; what is changed is durable at once.
    pub fn edit(&mut self, segment: u32, edit: impl FnOnce(&mut Vec<u8>)) {
        if let Some(segment) = self.segments.get_mut(&segment) {
            edit(Arc::make_mut(&mut segment.durable));
            segment.written.clone_from(&segment.durable);
            segment.dirty.clear();
            segment.orphaned.clear();
        }
    }

    /// All bytes of a snapshot, to damage them.
    pub fn edit_snapshot(&mut self, next: Seq, edit: impl FnOnce(&mut Vec<u8>)) {
        self.snapshots.get_mut(&next).map(Arc::make_mut).map(edit);
    }

    /// Takes a segment away.
    pub fn lose(&mut self, segment: u32) {
        self.segments.remove(&segment);
    }

    /// Sectors written and not durable, as (segment, sector).
    pub fn undecided(&self) -> Vec<(u32, usize)> {
        (self.segments.iter())
            .flat_map(|(&number, segment)| {
                segment.dirty.union(&segment.orphaned).map(move |&sector| (number, sector))
            })
            .collect()
    }

    /// How often something was made durable.
    pub fn syncs(&self) -> u64 {
        self.syncs
    }

    fn fails(&mut self, act: Act, object: Object) -> Result<(), StorageError> {
        match &mut self.failing {
            Some((failing, 0, cause)) if *failing == act => Err(StorageError { act, object, cause: *cause }),
            Some((failing, nth, _)) if *failing == act => {
                *nth -= 1;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn segment(&mut self, act: Act, number: u32) -> Result<&mut Segment, StorageError> {
        let object = Object::Segment(number);
        self.fails(act, object)?;
        self.segments.get_mut(&number).ok_or(StorageError { act, object, cause: Cause::Missing })
    }
}

impl Storage for Memory {
    fn segments(&mut self) -> Result<Vec<u32>, StorageError> {
        self.fails(Act::List, Object::Directory)?;
        Ok(self.segments.keys().copied().collect())
    }

    fn segment_bytes(&mut self, segment: u32) -> Result<u64, StorageError> {
        Ok(self.segment(Act::List, segment)?.durable.len() as u64)
    }

    fn create(&mut self, segment: u32) -> Result<u64, StorageError> {
        self.fails(Act::Create, Object::Segment(segment))?;
        let zeros = Arc::new(vec![0; self.segment_bytes as usize]);
        let (dirty, orphaned) = (BTreeSet::new(), BTreeSet::new());
        let new = Segment { durable: zeros.clone(), written: zeros, dirty, orphaned };
        Ok(self.segments.entry(segment).or_insert(new).durable.len() as u64)
    }

    fn read(&mut self, segment: u32, offset: u64, into: &mut [u8]) -> Result<(), StorageError> {
        let short = StorageError { act: Act::Read, object: Object::Segment(segment), cause: Cause::Short };
        let bytes = &self.segment(Act::Read, segment)?.written;
        let found = bytes.get(offset as usize..).and_then(|rest| rest.get(..into.len())).ok_or(short)?;
        into.copy_from_slice(found);
        Ok(())
    }

    fn write(&mut self, segment: u32, offset: u64, bytes: &[u8]) -> Result<(), StorageError> {
        let short = StorageError { act: Act::Write, object: Object::Segment(segment), cause: Cause::Short };
        let segment = self.segment(Act::Write, segment)?;
        let at = offset as usize..offset as usize + bytes.len();
        Arc::make_mut(&mut segment.written).get_mut(at.clone()).ok_or(short)?.copy_from_slice(bytes);
        for sector in at.start / SECTOR..at.end.div_ceil(SECTOR) {
            segment.orphaned.remove(&sector);
            segment.dirty.insert(sector);
        }
        Ok(())
    }

    fn sync(&mut self, segment: u32) -> Result<(), StorageError> {
        if let Err(error) = self.fails(Act::Sync, Object::Segment(segment)) {
            if let Some(segment) = self.segments.get_mut(&segment) {
                segment.orphaned.append(&mut segment.dirty);
            }
            return Err(error);
        }
        let segment = self.segment(Act::List, segment)?;
        for sector in core::mem::take(&mut segment.dirty) {
            segment.make_durable(sector);
        }
        self.syncs += 1;
        Ok(())
    }

    fn snapshots(&mut self) -> Result<Vec<Seq>, StorageError> {
        self.fails(Act::List, Object::Directory)?;
        Ok(self.snapshots.keys().copied().collect())
    }

    fn read_snapshot(&mut self, next: Seq) -> Result<Vec<u8>, StorageError> {
        let object = Object::Snapshot(next);
        self.fails(Act::Read, object)?;
        let found = self.snapshots.get(&next).map(|bytes| bytes.to_vec());
        found.ok_or(StorageError { act: Act::Read, object, cause: Cause::Missing })
    }

    fn write_snapshot(&mut self, next: Seq, bytes: &[u8]) -> Result<(), StorageError> {
        self.fails(Act::Write, Object::Snapshot(next))?;
        self.snapshots.insert(next, Arc::new(bytes.to_vec()));
        Ok(())
    }

    fn remove_snapshot(&mut self, next: Seq) -> Result<(), StorageError> {
        self.fails(Act::Remove, Object::Snapshot(next))?;
        self.snapshots.remove(&next);
        Ok(())
    }
}
