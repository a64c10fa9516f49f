use crate::{JournalError, Storage};
use alloc::vec::Vec;

/// How much is read at once.
const READ_BYTES: u64 = 1 << 20;

/// A segment seen through one buffer that moves along it.
pub(crate) struct Window<'a, S> {
    storage: &'a mut S,
    segment: u32,
    length: u64,
    start: u64,
    bytes: Vec<u8>,
}

impl<'a, S: Storage> Window<'a, S> {
    pub(crate) fn new(storage: &'a mut S, segment: u32) -> Result<Self, JournalError> {
        let length = storage.segment_bytes(segment)?;
        Ok(Self { storage, segment, length, start: 0, bytes: Vec::new() })
    }

    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// The bytes from `offset` on, `count` of them; `None` where the segment is shorter.
    pub(crate) fn at(&mut self, offset: u64, count: u64) -> Result<Option<&[u8]>, JournalError> {
        let Some(end) = offset.checked_add(count).filter(|end| *end <= self.length) else { return Ok(None) };
        if offset < self.start || end > self.start + self.bytes.len() as u64 {
            self.fill(offset, count)?;
        }
        let from = (offset - self.start) as usize;
        Ok(Some(&self.bytes[from..from + count as usize]))
    }

    /// Where the first byte in `from..to` is that is not zero.
    pub(crate) fn first_written(&mut self, from: u64, to: u64) -> Result<Option<u64>, JournalError> {
        let mut at = from;
        while at < to {
            let count = (to - at).min(READ_BYTES);
            let Some(bytes) = self.at(at, count)? else { return Ok(None) };
            if let Some(place) = first_nonzero(bytes) {
                return Ok(Some(at + place as u64));
            }
            at += count;
        }
        Ok(None)
    }

    fn fill(&mut self, offset: u64, count: u64) -> Result<(), JournalError> {
        let count = count.max(READ_BYTES).min(self.length - offset);
        self.bytes.clear();
        self.bytes.resize(count as usize, 0);
        self.start = offset;
        Ok(self.storage.read(self.segment, offset, &mut self.bytes)?)
    }
}

/// Looks at blocks first, so that long runs of zeros cost next to nothing.
fn first_nonzero(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    for block in bytes.chunks(512) {
        if block.iter().fold(0, |or, byte| or | byte) != 0 {
            return block.iter().position(|byte| *byte != 0).map(|place| at + place);
        }
        at += block.len();
    }
    None
}
