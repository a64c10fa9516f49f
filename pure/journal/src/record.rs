use crate::Card;
use terms::{
    Amount, Answer, BusinessDate, Code, Currency, Kind, LinkId, LinkName, LocalTime, MessageType, Outcome,
    Rrn, SourceId, Stan, TerminalId, Text, Timestamp, TxnId,
};

/// One thing the journal remembers. Folding all of them in order gives the state of the lane, always.
///
/// Tracks, PIN blocks and keys are in none of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// The journal was opened for business.
    Opened {
        /// Version of the program.
        version: Text<16>,
        /// Whether records are durable when they are said to be; `false` only for measuring.
        synced: bool,
        /// When.
        at: Timestamp,
    },
    /// The journal was closed in order: nothing was under way.
    Closed {
        /// When.
        at: Timestamp,
    },
    /// W1: the permit. From here on the host may have the request.
    Sent(Sent),
    /// A request that moves no money was forwarded. Written with the next batch, not waited for.
    Inquired(Sent),
    /// W2: the decision, by the host's answer.
    Decided {
        /// Of which transaction.
        id: TxnId,
        /// What the source is told.
        answer: Remembered,
        /// The characters the host wrote for its code.
        wire_code: Text<4>,
        /// When.
        at: Timestamp,
    },
    /// W3: nobody answered in time; what the source is told and what we owe the host, in one record.
    TimedOut {
        /// Of which transaction.
        id: TxnId,
        /// What the source is told.
        answer: Remembered,
        /// What the host is owed for it.
        owes: Owed,
        /// When.
        at: Timestamp,
    },
    /// After [`Record::Sent`]: it was proved that no byte left us.
    NotSent {
        /// Of which transaction.
        id: TxnId,
        /// What the source is told.
        answer: Remembered,
        /// When.
        at: Timestamp,
    },
    /// The switch said no itself, before any permit.
    Declined(Declined),
    /// Something came from a host that decides nothing, but happened.
    Observed(Observed),
    /// From here on this number stands for the link or source of this name.
    Named {
        /// What is named.
        what: Named,
        /// The number other records write for it.
        number: u16,
        /// Its name in the configuration.
        name: LinkName,
    },
    /// In snapshots: a finished transaction the lane still knows.
    Kept(Kept),
    /// In snapshots: numbers given out last.
    Numbers {
        /// The next transaction's.
        next_id: TxnId,
        /// On which link; `None` where only the transaction's number is said.
        link: Option<LinkId>,
        /// The last trace number there.
        last_stan: Stan,
    },
}

/// What a [`Record::Named`] names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Named {
    /// A link to a host.
    Link,
    /// A source of requests.
    Source,
}

/// A finished transaction, as much of it as repeats and late answers need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its number in this lane.
    pub id: TxnId,
    /// Its business identity.
    pub key: Key,
    /// A digest of what it asked.
    pub fingerprint: u64,
    /// What was wanted.
    pub kind: Kind,
    /// Which host was asked, and under which trace number; `None` where none was.
    pub asked_host: Option<(LinkId, Stan)>,
    /// What the source was told.
    pub answer: Remembered,
    /// Who decided.
    pub by: DecidedBy,
}

/// Who decided a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DecidedBy {
    /// The host, by answering.
    Host,
    /// Nobody answered in time.
    Silence,
    /// It was proved that the request never left us.
    Unsent,
    /// The switch, before it asked anybody.
    Us,
}

/// The business identity of a request: two messages with the same one are the same request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// Who sent it.
    pub source: SourceId,
    /// From which terminal.
    pub terminal_id: TerminalId,
    /// Under which trace number of theirs.
    pub stan: Stan,
    /// Date and time at the terminal, where the message says them.
    pub local_time: Option<LocalTime>,
}

/// A request as it was forwarded to a host: everything needed to undo it, to repeat it and to know its
/// answer again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Its number in this lane.
    pub id: TxnId,
    /// Its business identity.
    pub key: Key,
    /// A digest of what it asks, under a secret of the lane: the same key with another digest is another
    /// request.
    pub fingerprint: u64,
    /// Its type.
    pub message: MessageType,
    /// What is wanted.
    pub kind: Kind,
    /// The source's processing code.
    pub processing_code: Text<6>,
    /// The card.
    pub pan: Card,
    /// The amount.
    pub amount: Amount,
    /// Its currency.
    pub currency: Currency,
    /// The source's reference number; empty where it gave none.
    pub rrn: Rrn,
    /// The acquirer.
    pub acquirer_id: Text<11>,
    /// The source's time of transmission, `MMDDhhmmss`.
    pub transmitted_at: Text<10>,
    /// To which link.
    pub link: LinkId,
    /// Our trace number there.
    pub host_stan: Stan,
    /// The reference number the host saw.
    pub host_rrn: Rrn,
    /// Our time of transmission, `MMDDhhmmss`.
    pub host_transmitted_at: Text<10>,
    /// The day the money is counted under, fixed here and never read again.
    pub business_date: BusinessDate,
    /// Why this link.
    pub route: Text<24>,
    /// When.
    pub at: Timestamp,
}

/// A request the switch declined by itself; no host heard of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declined {
    /// Its number in this lane.
    pub id: TxnId,
    /// Its business identity.
    pub key: Key,
    /// A digest of what it asked, as in [`Sent`].
    pub fingerprint: u64,
    /// Whether its identity is taken by it from now on: not where the identity was somebody else's.
    pub takes_key: bool,
    /// Its type.
    pub message: MessageType,
    /// What was wanted.
    pub kind: Kind,
    /// The card.
    pub pan: Card,
    /// The amount.
    pub amount: Amount,
    /// Its currency.
    pub currency: Currency,
    /// What the source is told.
    pub answer: Remembered,
    /// Why, in a word or two for people.
    pub reason: Text<24>,
    /// When.
    pub at: Timestamp,
}

/// Something a host sent that decides nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// What it was.
    pub kind: Observation,
    /// On which link.
    pub link: LinkId,
    /// The trace number it names; 0 where it names none.
    pub host_stan: Stan,
    /// The transaction it belongs to, where one is known.
    pub id: Option<TxnId>,
    /// The characters it carried as a code.
    pub wire_code: Text<4>,
    /// When.
    pub at: Timestamp,
}

/// The ways a message can decide nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Observation {
    /// It answers a transaction that was decided without it.
    Late,
    /// It answers a transaction that it has answered before.
    Repeated,
    /// It answers nothing we asked.
    Stranger,
    /// It could not be read.
    Garbled,
    /// Not from a host: a source asked again for what was decided.
    AskedAgain,
}

/// What a host is owed for a transaction whose end we do not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Owed {
    /// Nothing: no money moved.
    Nothing,
    /// A reversal.
    Reversal,
}

/// A decision as it is given again to whoever repeats the question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// What became of the request.
    pub outcome: Outcome,
    /// What the source is told about it.
    pub code: Code,
    /// Approval code of the host; empty where there is none.
    pub approval_code: Text<6>,
    /// Reference number of the answer; empty where the request's own comes back.
    pub rrn: Rrn,
    /// The day the money is counted under, where the answer says it.
    pub settlement_date: Option<BusinessDate>,
}

impl From<&Answer> for Remembered {
    fn from(answer: &Answer) -> Self {
        Self {
            outcome: answer.outcome,
            code: answer.code,
            approval_code: answer.approval_code,
            rrn: answer.rrn,
            settlement_date: answer.settlement_date,
        }
    }
}

impl From<Remembered> for Answer {
    fn from(kept: Remembered) -> Self {
        Self {
            approval_code: kept.approval_code,
            rrn: kept.rrn,
            settlement_date: kept.settlement_date,
            ..Self::ours(kept.code, kept.outcome)
        }
    }
}

impl Record {
    /// Its name, as `journal show` and JSON write it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Opened { .. } => "opened",
            Self::Closed { .. } => "closed",
            Self::Sent(_) => "sent",
            Self::Inquired(_) => "inquired",
            Self::Decided { .. } => "decided",
            Self::TimedOut { .. } => "timed_out",
            Self::NotSent { .. } => "not_sent",
            Self::Declined(_) => "declined",
            Self::Observed(_) => "observed",
            Self::Named { .. } => "named",
            Self::Kept(_) => "kept",
            Self::Numbers { .. } => "numbers",
        }
    }

    /// The transaction it is about, where it is about one.
    pub const fn id(&self) -> Option<TxnId> {
        match self {
            Self::Opened { .. } | Self::Closed { .. } | Self::Named { .. } | Self::Numbers { .. } => None,
            Self::Kept(kept) => Some(kept.id),
            Self::Sent(sent) | Self::Inquired(sent) => Some(sent.id),
            Self::Decided { id, .. } | Self::TimedOut { id, .. } | Self::NotSent { id, .. } => Some(*id),
            Self::Declined(declined) => Some(declined.id),
            Self::Observed(observed) => observed.id,
        }
    }

    /// When it happened, by the wall clock; 1970 for what is no event.
    pub const fn at(&self) -> Timestamp {
        match self {
            Self::Opened { at, .. }
            | Self::Closed { at }
            | Self::Decided { at, .. }
            | Self::TimedOut { at, .. }
            | Self::NotSent { at, .. } => *at,
            Self::Sent(sent) | Self::Inquired(sent) => sent.at,
            Self::Declined(declined) => declined.at,
            Self::Observed(observed) => observed.at,
            Self::Named { .. } | Self::Kept(_) | Self::Numbers { .. } => Timestamp::from_unix_ms(0),
        }
    }
}

impl Observation {
    /// Its name, as `journal show` and JSON write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Late => "late",
            Self::Repeated => "repeated",
            Self::Stranger => "stranger",
            Self::Garbled => "garbled",
            Self::AskedAgain => "asked_again",
        }
    }
}

impl Owed {
    /// Its name, as `journal show` and JSON write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Reversal => "reversal",
        }
    }
}
