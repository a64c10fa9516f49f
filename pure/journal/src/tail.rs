//! What stands where the next batch would begin: nothing, a batch torn by a crash, or damage.
//!
//! At most one batch is under way at any time, and nothing is written behind it before it is durable. So a
//! batch that is not whole may be cut exactly when (a) at least one sector of it was never written, which
//! shows as zeros because segments are zeros before they are used and are never used twice, and (b) nothing
//! at all was written behind it. A batch that is not whole without (a) was changed after it was written; one
//! without (b) was durable. Both are damage.
//!
//! What this cannot tell apart: a last durable batch of which a whole sector turned to zeros afterwards. No
//! checksum can; only a second copy could.
use crate::layout::{BATCH_BYTES_MAX, BATCH_HEAD_BYTES, BatchHead, Position, SECTOR, array_at, damaged};
use crate::window::Window;
use crate::{Damage, JournalError, Storage};

/// What stands behind the last whole batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tail {
    /// Nothing.
    Clean,
    /// Pieces of a batch that was never durable, up to this offset.
    Torn { end: u64 },
}

/// Judges the bytes of the last segment from `position` on, where no whole batch stands.
pub(crate) fn judge<S: Storage>(
    window: &mut Window<'_, S>,
    position: &Position,
) -> Result<Tail, JournalError> {
    let (from, length) = (position.offset, window.length());
    let Some(head) = window.at(from, BATCH_HEAD_BYTES as u64)? else {
        return match window.first_written(from, length)? {
            None => Ok(Tail::Clean),
            Some(_) => damaged(position.segment, from, Damage::BatchHead),
        };
    };
    match BatchHead::decode(&array_at(head, 0)) {
        Some(head) if !head.belongs_at(position) => damaged(position.segment, from, Damage::BatchOrder),
        Some(head) => judge_contents(window, position, &head),
        None => judge_headless(window, position),
    }
}

/// The head is there and says how far the batch reaches.
fn judge_contents<S: Storage>(
    window: &mut Window<'_, S>,
    position: &Position,
    head: &BatchHead,
) -> Result<Tail, JournalError> {
    let end = position.offset + u64::from(head.total_bytes);
    if end > window.length() {
        return damaged(position.segment, position.offset, Damage::BatchHead);
    }
    let length = window.length();
    if let Some(written_at) = window.first_written(end, length)? {
        return damaged(position.segment, position.offset, Damage::NotTheLast { written_at });
    }
    let mut sector = next_sector(position.offset);
    while sector < end {
        let to = (sector + SECTOR).min(end);
        if window.first_written(sector, to)?.is_none() {
            return Ok(Tail::Torn { end });
        }
        sector = to;
    }
    damaged(position.segment, position.offset, Damage::BatchContents)
}

/// There is no head: then its whole sector must be unwritten, and what follows can only be the rest of it.
fn judge_headless<S: Storage>(window: &mut Window<'_, S>, position: &Position) -> Result<Tail, JournalError> {
    let (segment, from, length) = (position.segment, position.offset, window.length());
    let second = next_sector(from).min(length);
    if window.first_written(from, second)?.is_some() {
        return damaged(segment, from, Damage::BatchHead);
    }
    let Some(mut written_at) = window.first_written(second, length)? else { return Ok(Tail::Clean) };
    let reach = (from + BATCH_BYTES_MAX).min(length);
    let mut end = written_at;
    while written_at < reach {
        // A whole head among the pieces would be a later batch, and a later batch proves this one durable.
        let sector = written_at / SECTOR * SECTOR;
        end = (sector + SECTOR).min(length);
        if holds_a_head(window, sector, end)? {
            return damaged(segment, from, Damage::NotTheLast { written_at });
        }
        match window.first_written(end, length)? {
            None => return Ok(Tail::Torn { end }),
            Some(at) => written_at = at,
        }
    }
    damaged(segment, from, Damage::NotTheLast { written_at: written_at.max(end) })
}

fn holds_a_head<S: Storage>(window: &mut Window<'_, S>, from: u64, to: u64) -> Result<bool, JournalError> {
    let Some(bytes) = window.at(from, to - from)? else { return Ok(false) };
    Ok((bytes.windows(BATCH_HEAD_BYTES).step_by(8))
        .any(|head| BatchHead::decode(&array_at(head, 0)).is_some()))
}

fn next_sector(offset: u64) -> u64 {
    (offset / SECTOR + 1) * SECTOR
}
