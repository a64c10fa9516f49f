use crate::batch::{RECORD_BYTES_MAX, RECORD_HEAD_BYTES, record_checksum};
use crate::layout::{
    BATCH_END, BATCH_HEAD_BYTES, BATCH_TAIL_BYTES, BatchHead, Chain, Position, SECTOR, SEGMENT_HEAD_BYTES,
    SegmentHead, array_at, damaged, end_mark, link, u16_at, u32_at,
};
use crate::tail::{self, Tail};
use crate::window::Window;
use crate::{Damage, JournalError, Record, Seq, Storage, codec};

/// One step of a [`Walk`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A whole batch begins; its records follow.
    Batch {
        /// In which segment.
        segment: u32,
        /// At which byte.
        offset: u64,
        /// Its first record.
        first: Seq,
        /// Records in it.
        count: u32,
        /// Bytes on disk, filler and all.
        bytes: u32,
    },
    /// A record.
    Record {
        /// In which segment.
        segment: u32,
        /// At which byte.
        offset: u64,
        /// Its place.
        seq: Seq,
        /// Bytes of its kind and fields.
        bytes: u32,
        /// What it says; card numbers sealed.
        record: Record,
    },
}

/// Where a walk came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// There is no journal yet.
    Empty,
    /// Behind a whole batch, with nothing after it.
    Clean,
    /// Before pieces of a batch that was never durable; they reach up to `end`.
    Torn {
        /// The first byte behind the pieces.
        end: u64,
    },
    /// Between two segments: the next one exists, the mark at the end of this one is not whole yet.
    BetweenSegments,
}

/// Goes through a journal in order and checks everything: heads, checksums, the hash chain, that no segment
/// is missing, and at the end whether what stands there may stand there. Changes nothing.
///
/// May be run again to see what has been added since; a writer at work may make the end look unfinished for
/// a moment, and then the same [`Walk`] run a little later goes on from the last whole batch.
#[derive(Clone, Copy, Debug)]
pub struct Walk {
    lane: Option<u16>,
    position: Option<Position>,
    /// Segment and offset of the last batch seen.
    last_batch: Option<(u32, u64)>,
    batches: u64,
    records: u64,
    /// Where it is to end, whatever stands behind.
    until: Option<Position>,
}

/// How far a walk came in a segment.
enum Came {
    /// To its end mark.
    ItsMark,
    /// To where nothing whole stands any more.
    TheLast,
    /// To where it was to end.
    TheEnd,
    /// To where it was told to stop.
    AStop,
}

impl Walk {
    /// From the very beginning.
    pub fn from_the_start() -> Self {
        Self { lane: None, position: None, last_batch: None, batches: 0, records: 0, until: None }
    }

    /// From a place that [`Walk::position`] or a snapshot gave.
    pub fn from(position: Position) -> Self {
        Self { position: Some(position), ..Self::from_the_start() }
    }

    /// Only through the journal of this lane.
    pub fn of_lane(self, lane: u16) -> Self {
        Self { lane: Some(lane), ..self }
    }

    /// Behind the last whole batch seen; `None` before the first segment was.
    pub fn position(&self) -> Option<Position> {
        self.position
    }

    /// Where in this segment the last batch begins; `None` where none was seen in it.
    pub(crate) fn last_batch_in(&self, segment: u32) -> Option<u64> {
        self.last_batch.filter(|last| last.0 == segment).map(|last| last.1)
    }

    /// Batches seen.
    pub fn batches(&self) -> u64 {
        self.batches
    }

    /// Records seen.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// Visits every batch and record from where it stands to the end.
    ///
    /// - Errors: the first thing that is not as it was written. Everything visited before it is whole.
    /// - Cost: one read of everything; one buffer of a mebibyte.
    pub fn run<S: Storage>(
        &mut self,
        storage: &mut S,
        mut visit: impl FnMut(Step),
    ) -> Result<Ending, JournalError> {
        self.until = None;
        let whole = self.go(storage, &mut |step| {
            visit(step);
            true
        })?;
        Ok(whole.unwrap_or(Ending::Clean))
    }

    /// The same up to a place that once was its end; what stands behind is not looked at, so a writer there is not in
    /// the way. `visit` says after each batch's head whether to go on.
    ///
    /// Gives back `false` where `visit` stopped it.
    ///
    /// - Errors: as [`Walk::run`]; and that place is none of this journal.
    pub fn run_to<S: Storage>(
        &mut self,
        storage: &mut S,
        end: &Position,
        mut visit: impl FnMut(Step) -> bool,
    ) -> Result<bool, JournalError> {
        self.until = Some(*end);
        match self.go(storage, &mut visit)? {
            None => Ok(false),
            Some(_) if self.position == Some(*end) => Ok(true),
            Some(_) => damaged(end.segment, end.offset, Damage::BatchOrder),
        }
    }

    /// `None` where `visit` stopped it.
    fn go<S: Storage>(
        &mut self,
        storage: &mut S,
        visit: &mut impl FnMut(Step) -> bool,
    ) -> Result<Option<Ending>, JournalError> {
        let segments = storage.segments()?;
        let Some(&last) = segments.last() else {
            return match self.position {
                None => Ok(Some(Ending::Empty)),
                Some(position) => damaged(position.segment, 0, Damage::SegmentMissing),
            };
        };
        let mut position = match self.position {
            Some(position) => self.resume(storage, &segments, position)?,
            None => match self.begin(storage, &segments)? {
                Some(position) => position,
                None => return Ok(Some(Ending::Empty)),
            },
        };
        loop {
            self.position = Some(position);
            let mut window = Window::new(storage, position.segment)?;
            let came = self.run_segment(&mut window, &mut position, visit)?;
            self.position = Some(position);
            match came {
                Came::ItsMark => position = self.enter(storage, &segments, &position)?,
                Came::TheEnd => return Ok(Some(Ending::Clean)),
                Came::AStop => return Ok(None),
                Came::TheLast if position.segment == last => {
                    return judge_last(&mut window, &position).map(Some);
                }
                Came::TheLast => return self.between(storage, &segments, &position).map(Some),
            }
        }
    }

    /// The first segment of all; `None` when it was made and never begun.
    fn begin<S: Storage>(&self, storage: &mut S, segments: &[u32]) -> Result<Option<Position>, JournalError> {
        require(segments, 1)?;
        let mut window = Window::new(storage, 1)?;
        if segments.len() == 1 && is_void(&mut window)? {
            return Ok(None);
        }
        let head = self.head(&mut window, 1)?;
        if head.first != Seq(1) {
            return damaged(1, 0, Damage::SegmentOrder);
        }
        Ok(Some(head.start()))
    }

    /// A place that was given: it must be one, or records between are missing.
    fn resume<S: Storage>(
        &self,
        storage: &mut S,
        segments: &[u32],
        position: Position,
    ) -> Result<Position, JournalError> {
        require(segments, position.segment)?;
        let mut window = Window::new(storage, position.segment)?;
        let head = self.head(&mut window, position.segment)?;
        let is_one = if position.offset == SEGMENT_HEAD_BYTES {
            head.start() == position
        } else {
            let tail_bytes = BATCH_TAIL_BYTES as u64;
            match window.at(position.offset.saturating_sub(tail_bytes), tail_bytes)? {
                Some(tail) => tail[..32] == position.chain && tail[32..] == BATCH_END,
                None => false,
            }
        };
        if is_one { Ok(position) } else { damaged(position.segment, position.offset, Damage::BatchOrder) }
    }

    /// The segment after an end mark.
    fn enter<S: Storage>(
        &self,
        storage: &mut S,
        segments: &[u32],
        end: &Position,
    ) -> Result<Position, JournalError> {
        let next = end.segment + 1;
        require(segments, next)?;
        let mut window = Window::new(storage, next)?;
        let head = self.head(&mut window, next)?;
        // An end mark is a link of the chain too, but the next segment was begun before it was written.
        let named = head.before();
        let mark = end_mark(named);
        let mark_end = named.offset + mark.len() as u64;
        let follows = mark_end == end.offset
            && head.first == end.next
            && mark[mark.len() - BATCH_TAIL_BYTES..][..32] == end.chain;
        if follows { Ok(head.start()) } else { damaged(next, 0, Damage::SegmentOrder) }
    }

    /// No whole batch and no end mark, yet there are later segments. Only a crash between beginning the next
    /// segment and marking the end of this one explains it.
    fn between<S: Storage>(
        &self,
        storage: &mut S,
        segments: &[u32],
        position: &Position,
    ) -> Result<Ending, JournalError> {
        let segment = position.segment;
        require(segments, segment + 1)?;
        if segments.last() == Some(&(segment + 1)) && is_void(&mut Window::new(storage, segment + 1)?)? {
            // Made, and not begun: as if it were not there. A smaller batch may have gone on in this one since.
            return judge_last(&mut Window::new(storage, segment)?, position);
        }
        if !holds_pieces_of_mark(&mut Window::new(storage, segment)?, position)? {
            return damaged(segment, position.offset, Damage::NotTheLastSegment);
        }
        let mut next = Window::new(storage, segment + 1)?;
        let next_bytes = next.length();
        let head = self.head(&mut next, segment + 1)?;
        let was_used = next.first_written(SEGMENT_HEAD_BYTES, next_bytes)?.is_some();
        if was_used || head != SegmentHead::after(position, head.lane, next_bytes) {
            return damaged(segment + 1, 0, Damage::SegmentOrder);
        }
        Ok(Ending::BetweenSegments)
    }

    fn run_segment<S: Storage>(
        &mut self,
        window: &mut Window<'_, S>,
        position: &mut Position,
        visit: &mut impl FnMut(Step) -> bool,
    ) -> Result<Came, JournalError> {
        loop {
            match self.until {
                Some(until) if until == *position => return Ok(Came::TheEnd),
                Some(until) if until.next < position.next => {
                    return damaged(until.segment, until.offset, Damage::BatchOrder);
                }
                _ => {}
            }
            let Some(WholeBatch { head, records, chain }) = whole_batch(window, position)? else {
                return Ok(Came::TheLast);
            };
            if !head.is_end_mark {
                let goes_on = visit(Step::Batch {
                    segment: head.segment,
                    offset: head.offset,
                    first: head.first,
                    count: head.count,
                    bytes: head.total_bytes,
                });
                if !goes_on {
                    return Ok(Came::AStop);
                }
                visit_records(&head, records, visit)?;
                self.last_batch = Some((head.segment, head.offset));
                self.batches += 1;
                self.records += u64::from(head.count);
            }
            *position = Position {
                segment: head.segment,
                offset: head.offset + u64::from(head.total_bytes),
                next: Seq(head.first.0 + u64::from(head.count)),
                chain,
            };
            if head.is_end_mark {
                let length = window.length();
                return match window.first_written(position.offset, length)? {
                    None => Ok(Came::ItsMark),
                    Some(at) => damaged(position.segment, at, Damage::BehindTheEnd),
                };
            }
            self.position = Some(*position);
        }
    }

    fn head<S: Storage>(
        &self,
        window: &mut Window<'_, S>,
        segment: u32,
    ) -> Result<SegmentHead, JournalError> {
        let length = window.length();
        let Some(bytes) = window.at(0, SEGMENT_HEAD_BYTES)? else {
            return damaged(segment, 0, Damage::SegmentHead);
        };
        let head = SegmentHead::decode(&array_at(bytes, 0)).or_else(|damage| damaged(segment, 0, damage))?;
        if head.segment != segment {
            return damaged(segment, 0, Damage::SegmentNumber { found: head.segment });
        }
        if head.made_bytes != length {
            let damage = Damage::SegmentLength { found_bytes: length, made_bytes: head.made_bytes };
            return damaged(segment, length.min(head.made_bytes), damage);
        }
        match self.lane {
            Some(lane) if lane != head.lane => {
                Err(JournalError::OtherLane { segment, found: head.lane, expected: lane })
            }
            _ => Ok(head),
        }
    }
}

fn require(segments: &[u32], segment: u32) -> Result<(), JournalError> {
    if segments.contains(&segment) { Ok(()) } else { damaged(segment, 0, Damage::SegmentMissing) }
}

/// A batch that is as it was sealed.
struct WholeBatch<'a> {
    head: BatchHead,
    records: &'a [u8],
    chain: Chain,
}

/// The whole batch that begins at `position`, its records and the chain behind it; `None` where there is none.
fn whole_batch<'w, S: Storage>(
    window: &'w mut Window<'_, S>,
    position: &Position,
) -> Result<Option<WholeBatch<'w>>, JournalError> {
    let Some(head) = window.at(position.offset, BATCH_HEAD_BYTES as u64)? else { return Ok(None) };
    let Some(head) = BatchHead::decode(&array_at(head, 0)).filter(|head| head.belongs_at(position)) else {
        return Ok(None);
    };
    let Some(bytes) = window.at(head.offset, u64::from(head.total_bytes))? else { return Ok(None) };
    let (linked, tail) = bytes.split_at(bytes.len() - BATCH_TAIL_BYTES);
    let chain = link(&position.chain, linked);
    if tail[..32] != chain || tail[32..] != BATCH_END {
        return Ok(None);
    }
    let records = &linked[BATCH_HEAD_BYTES..][..head.record_bytes as usize];
    Ok(Some(WholeBatch { head, records, chain }))
}

fn visit_records(
    head: &BatchHead,
    mut rest: &[u8],
    visit: &mut impl FnMut(Step) -> bool,
) -> Result<(), JournalError> {
    let (segment, records) = (head.segment, rest.len());
    for place in 0..u64::from(head.count) {
        let offset = head.offset + (BATCH_HEAD_BYTES + records - rest.len()) as u64;
        let Some((payload, after)) = split_record(rest) else {
            return damaged(segment, offset, Damage::RecordFrame);
        };
        let seq = Seq(head.first.0 + place);
        let record = (codec::decode(payload)).map_err(|source| JournalError::Unreadable {
            segment,
            offset,
            seq,
            source,
        })?;
        visit(Step::Record { segment, offset, seq, bytes: payload.len() as u32, record });
        rest = after;
    }
    if rest.is_empty() { Ok(()) } else { damaged(segment, head.offset, Damage::RecordFrame) }
}

/// One framed record off the front: its payload, and what follows it.
pub(crate) fn split_record(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (head, rest) = bytes.split_at_checked(RECORD_HEAD_BYTES)?;
    let length = u16_at(head, 0);
    let (payload, after) = rest.split_at_checked(usize::from(length))?;
    let is_whole = (1..=RECORD_BYTES_MAX).contains(&payload.len())
        && record_checksum(length.to_le_bytes(), payload) == u32_at(head, 2);
    is_whole.then_some((payload, after))
}

fn judge_last<S: Storage>(window: &mut Window<'_, S>, position: &Position) -> Result<Ending, JournalError> {
    Ok(match tail::judge(window, position)? {
        Tail::Clean => Ending::Clean,
        Tail::Torn { end } => Ending::Torn { end },
    })
}

fn is_void<S: Storage>(window: &mut Window<'_, S>) -> Result<bool, JournalError> {
    let length = window.length();
    Ok(window.first_written(0, length)?.is_none())
}

/// Whether each sector behind `position` is either unwritten or as the end mark would have it.
fn holds_pieces_of_mark<S: Storage>(
    window: &mut Window<'_, S>,
    position: &Position,
) -> Result<bool, JournalError> {
    let mark = end_mark(*position);
    let (from, length) = (position.offset, window.length());
    let end = from + mark.len() as u64;
    if end > length || window.first_written(end, length)?.is_some() {
        return Ok(false);
    }
    let mut at = from;
    while at < end {
        let to = ((at / SECTOR + 1) * SECTOR).min(end);
        let Some(found) = window.at(at, to - at)? else { return Ok(false) };
        let expected = &mark[(at - from) as usize..(to - from) as usize];
        if found != expected && found.iter().any(|byte| *byte != 0) {
            return Ok(false);
        }
        at = to;
    }
    Ok(true)
}
