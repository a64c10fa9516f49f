use std::sync::atomic::{AtomicU64, Ordering};

/// A number one thread counts and any thread may read.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    // A load and a store, not one indivisible addition: only the network's thread counts.
    pub(crate) fn add(&self, n: u64) {
        self.0.store(self.get().wrapping_add(n), Ordering::Relaxed);
    }

    pub(crate) fn sub(&self, n: u64) {
        self.0.store(self.get().wrapping_sub(n), Ordering::Relaxed);
    }

    pub(crate) fn set(&self, n: u64) {
        self.0.store(n, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

macro_rules! counters {
    ($($name:ident $meaning:literal;)*) => {
        /// What one listener or one link has counted since the start. Kept by the network's thread, readable
        /// from any.
        #[derive(Debug, Default)]
        pub struct Counters { $(pub(crate) $name: Count,)* }

        /// [`Counters`] at one moment.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Counts { $(#[doc = $meaning] pub $name: u64,)* }

        impl Counters {
            /// The figures now. Each is exact; together they are as of about now.
            pub fn snapshot(&self) -> Counts { Counts { $($name: self.$name.get(),)* } }
        }

        impl Counts {
            /// Name, figure and meaning of each, for metrics and for people.
            pub fn each(&self) -> impl Iterator<Item = (&'static str, u64, &'static str)> {
                [$((stringify!($name), self.$name, $meaning),)*].into_iter()
            }
        }
    };
}

#[rustfmt::skip]
counters! {
    // name                   meaning
    open                     "Connections open now.";
    accepted                 "Connections accepted from the network, refused ones included.";
    refused_total            "Refused: the listener has all the connections it may have.";
    refused_address          "Refused: the address has all the connections it may have.";
    refused_unknown          "Refused: the address is not on the list of peers.";
    refused_banned           "Refused: the address sent too many things that were not frames.";
    refused_pool             "Refused: the pool was busy and its waiting line full.";
    refused_waited           "Refused: waited for the pool longer than is allowed.";
    accept_errors            "Times the operating system could not hand over a connection.";
    tls_failures             "TLS handshakes that failed or took too long.";
    connects                 "Connections we dialled that stand or stood.";
    connect_failures         "Dialling attempts that failed.";
    frames_in                "Frames that arrived.";
    frames_out               "Frames queued to be sent.";
    bytes_in                 "Bytes that arrived.";
    bytes_out                "Bytes given to the operating system.";
    keep_alives              "Zero-length frames that arrived; they are never answered.";
    closed_peer              "Ended by the peer between frames.";
    closed_mid_frame         "Ended by the peer inside a frame.";
    closed_reset             "Broken connections.";
    closed_framing           "Ended because what arrived was not a frame.";
    closed_frame_timeout     "Ended because a frame was begun and not finished in time.";
    closed_slow_reader       "Ended because the peer did not take what it was sent.";
    closed_idle              "Ended because nothing arrived for too long.";
    closed_unanswered        "Ended because the switch gave no answer in time.";
    closed_ours              "Ended by us in good order, answered requests included.";
    bans                     "Times an address was shut out for a while.";
    pool_size                "Requests the pool works on at once, at most, now.";
    pool_busy                "Requests the pool works on now.";
    pool_waiting             "Connections waiting for the pool now.";
    pool_grown               "Times the pool was made larger.";
    pool_shrunk              "Times the pool was made smaller.";
}

impl Counters {
    pub(crate) fn closed(&self, why: &crate::CloseReason) {
        use crate::CloseReason as Why;
        // No `_` arm: a new reason chooses its counter.
        let count = match why {
            Why::PeerClosed => &self.closed_peer,
            Why::PeerClosedMidFrame { .. } => &self.closed_mid_frame,
            Why::Reset(_) => &self.closed_reset,
            Why::Framing(_) => &self.closed_framing,
            Why::FrameTimeout { .. } => &self.closed_frame_timeout,
            Why::SlowReader { .. } | Why::WriteStalled { .. } => &self.closed_slow_reader,
            Why::Idle { .. } => &self.closed_idle,
            Why::Unanswered { .. } => &self.closed_unanswered,
            Why::Answered | Why::Ours => &self.closed_ours,
        };
        count.add(1);
    }
}
