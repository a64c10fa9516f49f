use crate::Conn;
use std::io::ErrorKind;
use wire::FrameError;

/// What net tells the switch. Called on the network's thread, in the order things happened on each
/// connection; must not block, and may send on any connection from inside.
pub trait Handler {
    /// A connection stands, with TLS where it is asked for. Frames may come from now on.
    fn opened(&self, conn: &Conn);

    /// One frame arrived. The slices lie in the read buffer and are gone after the call.
    fn frame(&self, conn: &Conn, header: &[u8], body: &[u8]);

    /// Everything that had arrived when the thread woke up has been handed over: the moment to begin a batch.
    /// What was sent before it returns leaves with one write per connection right after.
    fn turn_ended(&self) {}

    /// A connection that was told as opened is gone; nothing sent on it from now on is delivered.
    fn closed(&self, conn: &Conn, why: &CloseReason);
}

/// Why a connection ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CloseReason {
    /// The peer ended it between two frames.
    #[error("closed by the peer")]
    PeerClosed,
    /// The peer ended it inside a frame.
    #[error("closed by the peer {pending_bytes} bytes into a frame")]
    PeerClosedMidFrame {
        /// Bytes of the frame that had arrived.
        pending_bytes: usize,
    },
    /// The connection broke.
    #[error("connection lost: {0}")]
    Reset(ErrorKind),
    /// What arrived is not a frame, so nobody knows where the next one begins.
    #[error("not a frame: {0}")]
    Framing(FrameError),
    /// A frame was begun and not finished in time.
    #[error("a frame stood at {pending_bytes} bytes for {timeout_ms} ms")]
    FrameTimeout {
        /// Bytes of the frame that had arrived.
        pending_bytes: usize,
        /// The time allowed.
        timeout_ms: u32,
    },
    /// The peer takes answers more slowly than it causes them.
    #[error("the peer reads too slowly: {unsent_bytes} bytes wait for it")]
    SlowReader {
        /// Bytes that waited.
        unsent_bytes: usize,
    },
    /// The peer stopped taking bytes altogether.
    #[error("the peer took none of {unsent_bytes} bytes for {timeout_ms} ms")]
    WriteStalled {
        /// Bytes that waited.
        unsent_bytes: usize,
        /// The time allowed.
        timeout_ms: u32,
    },
    /// Nothing arrived for as long as is allowed.
    #[error("silent for {timeout_ms} ms")]
    Idle {
        /// The time allowed.
        timeout_ms: u32,
    },
    /// The one request of this connection got no answer from us in time.
    #[error("no answer within {timeout_ms} ms")]
    Unanswered {
        /// The time allowed.
        timeout_ms: u32,
    },
    /// The one request of this connection was answered.
    #[error("answered")]
    Answered,
    /// We ended it, in good order.
    #[error("closed by us")]
    Ours,
}

impl CloseReason {
    /// Its name in counters and events.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::PeerClosed => "peer_closed",
            Self::PeerClosedMidFrame { .. } => "peer_closed_mid_frame",
            Self::Reset(_) => "reset",
            Self::Framing(_) => "framing",
            Self::FrameTimeout { .. } => "frame_timeout",
            Self::SlowReader { .. } => "slow_reader",
            Self::WriteStalled { .. } => "write_stalled",
            Self::Idle { .. } => "idle",
            Self::Unanswered { .. } => "unanswered",
            Self::Answered => "answered",
            Self::Ours => "ours",
        }
    }

    /// Whether what is still unsent should reach the peer first.
    pub(crate) const fn waits_for_unsent(&self) -> bool {
        matches!(self, Self::Ours | Self::Answered)
    }
}
