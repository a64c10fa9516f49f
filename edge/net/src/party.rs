use crate::{Counters, Handler};
use std::rc::Rc;
use std::sync::Arc;
use terms::limits;
use wire::Framing;

/// What all connections of one listener, or of one link, have in common.
pub(crate) struct Party {
    pub(crate) framing: Framing,
    pub(crate) manner: Manner,
    pub(crate) limits: Limits,
    /// Bytes one connection reads in one turn: a flood on it delays the others by no more frames than these
    /// hold. Hosts answer many at once and are few; of sources there are many, and not all are friends.
    pub(crate) read_bytes: usize,
    pub(crate) handler: Rc<dyn Handler>,
    pub(crate) counters: Arc<Counters>,
}

/// How a connection is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Frames in both directions until somebody ends it.
    Persistent,
    /// One request, one answer, the end.
    OneRequest,
}

/// Limits on one connection. Time-outs are noticed at the next sweep, see [`crate::NetConfig`].
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// First byte of a frame to its last; a peer that dribbles is closed.
    pub frame_timeout_ms: u32,
    /// Silence after which the connection is closed; `None` waits for ever.
    pub idle_timeout_ms: Option<u32>,
    /// Time the peer may take no byte of what waits for it.
    pub write_stall_ms: u32,
    /// Bytes that may wait for the peer.
    pub unsent_bytes_max: usize,
    /// One request per connection only: time we have to answer before the connection is given up.
    pub answer_timeout_ms: u32,
    /// TCP connect, and the TLS handshake, each.
    pub handshake_timeout_ms: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            frame_timeout_ms: 10_000,
            idle_timeout_ms: None,
            write_stall_ms: 10_000,
            unsent_bytes_max: limits::UNSENT_BYTES_MAX,
            answer_timeout_ms: 120_000,
            handshake_timeout_ms: 10_000,
        }
    }
}
