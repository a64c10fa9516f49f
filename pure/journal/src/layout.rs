//! How bytes lie in a segment.
//!
//! ```text
//! segment  | head, one sector | batch | batch | ... | end mark | zeros |
//! batch    | head 64 | record | record | ... | filler | chain 32 | "batchend" |
//! record   | length 2 | crc32 4 | kind 1 | fields |
//! ```
//!
//! Two things make a torn tail provable. A batch head never crosses a sector (the filler of the batch before
//! it sees to that), so it is there whole or not at all. And no written sector of a batch is all zeros: a
//! record begins with a length that is not zero and is shorter than a sector, and the last word is fixed.
//! The end mark is a batch without records that says: go on in the next segment.
use crate::{Damage, JournalError, Seq};
use sha2::{Digest, Sha256};

pub(crate) const SECTOR: u64 = 512;
pub(crate) const SEGMENT_HEAD_BYTES: u64 = SECTOR;
pub(crate) const BATCH_HEAD_BYTES: usize = 64;
pub(crate) const BATCH_TAIL_BYTES: usize = CHAIN_BYTES + BATCH_END.len();
/// Room every segment keeps for its end mark, filler included.
pub(crate) const END_MARK_ROOM: u64 = 2 * BATCH_HEAD_BYTES as u64 + BATCH_TAIL_BYTES as u64;
/// Longest batch. Reason: bounds what recovery reads at once and how far torn pieces may lie. Cost: two
/// buffers of this per lane at worst.
pub(crate) const BATCH_BYTES_MAX: u64 = 2 << 20;
pub(crate) const BATCH_END: [u8; 8] = *b"batchend";

const VERSION: u16 = 1;
const CHAIN_BYTES: usize = 32;
const SEGMENT_MAGIC: [u8; 8] = *b"SEKISEG\n";
const BATCH_MAGIC: [u8; 8] = *b"sekibat\n";
const FILLER: u8 = 0xA5;
const IS_END_MARK: u16 = 1;

/// A link of the hash chain: SHA-256 over the link before it and everything since.
pub(crate) type Chain = [u8; CHAIN_BYTES];

/// A place between two batches: all there is to know to go on from there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The segment.
    pub segment: u32,
    /// The byte in it where the next batch begins.
    pub offset: u64,
    /// The next record's place.
    pub next: Seq,
    /// The hash chain so far.
    pub chain: [u8; 32],
}

/// What the first sector of a segment says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SegmentHead {
    pub(crate) segment: u32,
    pub(crate) lane: u16,
    pub(crate) made_bytes: u64,
    pub(crate) first: Seq,
    /// Where the segment before this one ended, and its chain there; zeros in the first segment.
    pub(crate) before_offset: u64,
    pub(crate) before_chain: Chain,
}

impl SegmentHead {
    pub(crate) fn encode(&self) -> [u8; SECTOR as usize] {
        let mut bytes = [FILLER; SECTOR as usize];
        bytes[..8].copy_from_slice(&SEGMENT_MAGIC);
        bytes[8..10].copy_from_slice(&VERSION.to_le_bytes());
        bytes[10..12].copy_from_slice(&self.lane.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.segment.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.first.0.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.made_bytes.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.before_offset.to_le_bytes());
        bytes[40..72].copy_from_slice(&self.before_chain);
        let crc = crc32fast::hash(&bytes[..508]);
        bytes[508..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    pub(crate) fn decode(bytes: &[u8; SECTOR as usize]) -> Result<Self, Damage> {
        if bytes[..8] != SEGMENT_MAGIC || crc32fast::hash(&bytes[..508]) != u32_at(bytes, 508) {
            return Err(Damage::SegmentHead);
        }
        match u16_at(bytes, 8) {
            VERSION => {}
            version => return Err(Damage::SegmentVersion { version }),
        }
        Ok(Self {
            lane: u16_at(bytes, 10),
            segment: u32_at(bytes, 12),
            first: Seq(u64_at(bytes, 16)),
            made_bytes: u64_at(bytes, 24),
            before_offset: u64_at(bytes, 32),
            before_chain: array_at(bytes, 40),
        })
    }

    /// Where the first batch of this segment begins, and the chain there: the head is a link of it.
    pub(crate) fn start(&self) -> Position {
        let chain = Sha256::digest(self.encode()).into();
        Position { segment: self.segment, offset: SEGMENT_HEAD_BYTES, next: self.first, chain }
    }

    /// Where the segment before this one ended, its end mark not counted.
    pub(crate) fn before(&self) -> Position {
        Position {
            segment: self.segment - 1,
            offset: self.before_offset,
            next: self.first,
            chain: self.before_chain,
        }
    }

    /// The head of the segment after `end`.
    pub(crate) fn after(end: &Position, lane: u16, made_bytes: u64) -> Self {
        Self {
            segment: end.segment + 1,
            lane,
            made_bytes,
            first: end.next,
            before_offset: end.offset,
            before_chain: end.chain,
        }
    }

    /// The head of the first segment of all.
    pub(crate) fn first(lane: u16, made_bytes: u64) -> Self {
        Self { segment: 1, lane, made_bytes, first: Seq(1), before_offset: 0, before_chain: [0; 32] }
    }
}

/// What the head of a batch says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BatchHead {
    pub(crate) segment: u32,
    pub(crate) offset: u64,
    pub(crate) first: Seq,
    pub(crate) count: u32,
    pub(crate) total_bytes: u32,
    pub(crate) record_bytes: u32,
    pub(crate) is_end_mark: bool,
    /// The first half of the chain before this batch.
    before: [u8; 16],
}

impl BatchHead {
    /// The head of a batch that begins at `position`.
    pub(crate) fn at(position: &Position, count: u32, record_bytes: usize, is_end_mark: bool) -> Self {
        Self {
            segment: position.segment,
            offset: position.offset,
            first: position.next,
            count,
            total_bytes: batch_bytes(position.offset, record_bytes) as u32,
            record_bytes: record_bytes as u32,
            is_end_mark,
            before: array_at(&position.chain, 0),
        }
    }

    /// Whether this is the batch that belongs at `position` (and not an old or a misplaced one).
    pub(crate) fn belongs_at(&self, position: &Position) -> bool {
        *self == Self::at(position, self.count, self.record_bytes as usize, self.is_end_mark)
            && (self.count == 0) == self.is_end_mark
    }

    pub(crate) fn encode(&self) -> [u8; BATCH_HEAD_BYTES] {
        let mut bytes = [FILLER; BATCH_HEAD_BYTES];
        bytes[..8].copy_from_slice(&BATCH_MAGIC);
        bytes[8..10].copy_from_slice(&(u16::from(self.is_end_mark) * IS_END_MARK).to_le_bytes());
        bytes[12..16].copy_from_slice(&self.segment.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.offset.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.first.0.to_le_bytes());
        bytes[32..36].copy_from_slice(&self.count.to_le_bytes());
        bytes[36..40].copy_from_slice(&self.total_bytes.to_le_bytes());
        bytes[40..44].copy_from_slice(&self.record_bytes.to_le_bytes());
        bytes[44..60].copy_from_slice(&self.before);
        let crc = crc32fast::hash(&bytes[..60]);
        bytes[60..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// `None` where these bytes are not the head of any batch.
    pub(crate) fn decode(bytes: &[u8; BATCH_HEAD_BYTES]) -> Option<Self> {
        if bytes[..8] != BATCH_MAGIC || crc32fast::hash(&bytes[..60]) != u32_at(bytes, 60) {
            return None;
        }
        Some(Self {
            is_end_mark: u16_at(bytes, 8) == IS_END_MARK,
            segment: u32_at(bytes, 12),
            offset: u64_at(bytes, 16),
            first: Seq(u64_at(bytes, 24)),
            count: u32_at(bytes, 32),
            total_bytes: u32_at(bytes, 36),
            record_bytes: u32_at(bytes, 40),
            before: array_at(bytes, 44),
        })
    }
}

/// Bytes a batch takes at `offset`, filler and all.
pub(crate) fn batch_bytes(offset: u64, record_bytes: usize) -> u64 {
    let bare = (BATCH_HEAD_BYTES + record_bytes + BATCH_TAIL_BYTES) as u64;
    let end = (offset + bare).next_multiple_of(8);
    // The next head must not cross a sector.
    let room = SECTOR - end % SECTOR;
    let end = if room < BATCH_HEAD_BYTES as u64 { end + room } else { end };
    end - offset
}

/// Completes a batch in `bytes`, whose first 64 are kept for its head, and moves `position` behind it.
pub(crate) fn seal(bytes: &mut alloc::vec::Vec<u8>, position: &mut Position, count: u32) {
    let is_end_mark = count == 0;
    let head = BatchHead::at(position, count, bytes.len() - BATCH_HEAD_BYTES, is_end_mark);
    bytes[..BATCH_HEAD_BYTES].copy_from_slice(&head.encode());
    bytes.resize(head.total_bytes as usize - BATCH_TAIL_BYTES, FILLER);
    let chain = link(&position.chain, bytes);
    bytes.extend_from_slice(&chain);
    bytes.extend_from_slice(&BATCH_END);
    *position = Position {
        segment: position.segment,
        offset: position.offset + u64::from(head.total_bytes),
        next: Seq(position.next.0 + u64::from(count)),
        chain,
    };
}

/// The end mark that belongs at `position`.
pub(crate) fn end_mark(mut position: Position) -> alloc::vec::Vec<u8> {
    let mut bytes = alloc::vec![0; BATCH_HEAD_BYTES];
    seal(&mut bytes, &mut position, 0);
    bytes
}

/// The next link of the chain: everything of a batch before the place where the link stands.
pub(crate) fn link(before: &Chain, bytes: &[u8]) -> Chain {
    Sha256::new().chain_update(before).chain_update(bytes).finalize().into()
}

pub(crate) fn damaged<T>(segment: u32, offset: u64, damage: Damage) -> Result<T, JournalError> {
    Err(JournalError::Damaged { segment, offset, damage })
}

pub(crate) fn array_at<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(&bytes[at..at + N]);
    array
}

pub(crate) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(array_at(bytes, at))
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array_at(bytes, at))
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array_at(bytes, at))
}

const _: () = assert!(SECTOR.is_multiple_of(8) && BATCH_HEAD_BYTES.is_multiple_of(8));
const _: () = assert!(crate::batch::RECORD_BYTES_MAX + crate::batch::RECORD_HEAD_BYTES < SECTOR as usize);
