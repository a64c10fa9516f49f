//! What the lane's thread and the web server share: sessions, events, counts.

use super::events::Bulletin;
use super::line::LineCounts;
use super::sessions::Sessions;
use super::stream::ReaderCounts;
use crate::run::status::ApiStatus;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use terms::Timestamp;

/// Both sides have one.
#[derive(Clone, Default)]
pub struct Doors {
    /// Sessions of applications that are open.
    pub(crate) sessions: Sessions,
    /// What happens, for whoever listens.
    pub(crate) bulletin: Bulletin,
    pub(crate) lines: Arc<LineCounts>,
    pub(crate) readers: Arc<ReaderCounts>,
}

impl Doors {
    /// Those of a switch started then.
    pub(crate) fn since(life: Timestamp) -> Self {
        Self { bulletin: Bulletin::since(life), ..Self::default() }
    }

    /// How they stand, for people and metrics.
    pub(crate) fn status(&self) -> ApiStatus {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        ApiStatus {
            sessions: self.sessions.count(None),
            connections: read(&self.lines.open),
            connections_refused: read(&self.lines.refused),
            connections_stalled: read(&self.lines.stalled),
            readers: read(&self.readers.open),
            readers_dropped: read(&self.readers.dropped),
            events: self.bulletin.next().saturating_sub(1),
        }
    }
}
