use alloc::sync::Arc;
use journal::{LinkOrder, Ruling, Ticket};
use terms::{BusinessDate, Carried, Code, ConnId, ForwardId, LinkId, SourceId, Stan, Text, Txn, TxnId};

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
    /// An application submitted a request under a name of its own. Whoever runs the lane has asked before whether
    /// the name is taken ([`crate::Lane::submitted`]).
    Submitted {
        /// Which source.
        source: SourceId,
        /// Where the answer must go.
        conn: ConnId,
        /// What it said.
        txn: Txn,
        /// Its name.
        ticket: Ticket,
    },
    /// An application captures what it was authorized: an advice about it, submitted under a name of its own. What
    /// cannot be captured is refused and leaves no trace: see [`crate::Lane::may_capture`].
    Captured {
        /// Which source.
        source: SourceId,
        /// Where the answer must go.
        conn: ConnId,
        /// What it said.
        txn: Txn,
        /// Its name.
        ticket: Ticket,
        /// The authorization.
        of: TxnId,
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
    /// The same, because what guards a message could not be put into it: its PIN could not be moved, or its
    /// authentication code not be made. The source is told why.
    Withheld {
        /// Over which link it was to go.
        link: LinkId,
        /// Under which trace number of ours.
        host_stan: Stan,
        /// Which request.
        id: TxnId,
        /// Why.
        code: Code,
    },
    /// It is proved that the first telling of a decision reached nobody: the connection that asked was gone
    /// before a byte was handed to it. Silence proves nothing and is not this.
    Undelivered {
        /// Which source.
        source: SourceId,
        /// What it had asked.
        request: Arc<Txn>,
        /// Which transaction.
        id: TxnId,
    },
    /// The business day of a host is this from now on.
    HostDate {
        /// Whose.
        link: LinkId,
        /// Which day.
        date: BusinessDate,
    },
    /// A person decided something about an owed message.
    Ruled {
        /// Which message.
        forward: ForwardId,
        /// What.
        ruling: Ruling,
        /// Who.
        by: Text<24>,
        /// Why.
        reason: Text<64>,
    },
    /// A person settled an owed message by hand, and says how that ended.
    Settled {
        /// Which message.
        forward: ForwardId,
        /// How the transaction stands at its host from here on.
        ended: Ended,
        /// Who.
        by: Text<24>,
        /// Why.
        reason: Text<64>,
    },
    /// A person gives a link an order. What cannot be done is not done: see [`crate::Lane::may_order`].
    LinkOrdered {
        /// Which link.
        link: LinkId,
        /// What.
        order: LinkOrder,
        /// Who.
        by: Text<24>,
    },
    /// A person moves our own day. What cannot be is not done: see [`crate::Lane::may_cut_over`].
    OwnCutover {
        /// Who.
        by: Text<24>,
    },
    /// A person wants the totals of a day compared now, or once more. What cannot be is not done: see
    /// [`crate::Lane::may_reconcile`].
    ReconcileOrdered {
        /// With whom.
        link: LinkId,
        /// Which day.
        date: BusinessDate,
        /// Who.
        by: Text<24>,
    },
    /// Keys are to be exchanged with a host: this is what the message carries. One exchange at a time on a link; how
    /// it ends is an [`crate::Effect::KeysTold`].
    AskKeys {
        /// Which link.
        link: LinkId,
        /// The keys under the key that carries them, or nothing where the host is asked for its own.
        carried: Carried,
    },
    /// A person orders the recovery that waits for one to begin.
    Recover,
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

/// How a transaction stands at its host when a person has settled what was owed for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It is done, and stands.
    Done,
    /// Nothing of it stands.
    Undone,
}

impl Ended {
    /// Every one.
    pub const ALL: [Self; 2] = [Self::Done, Self::Undone];

    /// Its name, as commands and JSON write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Undone => "undone",
        }
    }
}
