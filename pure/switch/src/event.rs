use terms::{ConnId, LinkId, SourceId, Stan, Txn, TxnId};

/// Something happened in the world.
#[derive(Debug)]
pub enum Event {
    /// A source sent a well-formed message over this connection.
    Asked {
        /// Which source.
        source: SourceId,
        /// The connection the answer must go back on.
        conn: ConnId,
        /// What it said.
        txn: Txn,
    },
    /// A host sent a well-formed message over this connection.
    HostSaid {
        /// Over which link.
        link: LinkId,
        /// The connection it came on, where an answer to it must go back.
        conn: ConnId,
        /// What it said.
        txn: Txn,
    },
    /// It is proved that no byte of this request left us: it did not fit the host's format, or the link was
    /// gone before the first byte.
    Unsent {
        /// Over which link it was to go.
        link: LinkId,
        /// Under which trace number of ours.
        host_stan: Stan,
        /// Which request.
        id: TxnId,
    },
    /// A link has at least one usable connection.
    LinkUp {
        /// Which link.
        link: LinkId,
    },
    /// A link has lost its last connection. What is in flight on it waits for its deadline.
    LinkDown {
        /// Which link.
        link: LinkId,
    },
    /// Time has passed: look at the deadlines.
    Tick,
}
