use crate::{Account, Card, DayRecord};
use terms::{
    Amount, Answer, BusinessDate, Carried, Code, Currency, ForwardId, Kind, LinkId, LinkName, LocalTime,
    MessageType, Outcome, Rrn, SourceId, Stan, TerminalId, Text, Timestamp, TxnId,
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
    /// W1 of a transfer between two hosts: the permit of its debit, and where its credit is to go.
    Debited(Debited),
    /// The debit of such a transfer was approved, and W1 of its credit: one record, so that nobody can know the
    /// one without the other.
    Credited(Credited),
    /// W2: the decision, by the host's answer.
    Decided {
        /// Of which transaction.
        id: TxnId,
        /// What the source is told.
        answer: Remembered,
        /// The characters the host wrote for its code.
        wire_code: Text<4>,
        /// What the host is owed for it all the same: the source had taken the request back meanwhile, or this
        /// was the debit of a transfer whose credit was refused.
        owes: Option<Forward>,
        /// The amount the host approved, where that is another than was asked: the source is told no, and it is owed
        /// back.
        approved: Option<Amount>,
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
        owes: Option<Forward>,
        /// When.
        at: Timestamp,
    },
    /// After [`Record::Sent`]: it was proved that no byte left us.
    NotSent {
        /// Of which transaction.
        id: TxnId,
        /// What the source is told.
        answer: Remembered,
        /// In a transfer whose credit never left: its debit is given back.
        owes: Option<Forward>,
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
    /// A finished transaction that asked no host: in snapshots, and when a reversal came before its request.
    Kept(Kept),
    /// A decided transaction is owed a message after all.
    Owed {
        /// Which transaction.
        id: TxnId,
        /// What is owed.
        forward: Forward,
        /// Why.
        why: Why,
        /// When.
        at: Timestamp,
    },
    /// A source took back, or confirmed, a request whose host has not answered yet; or took back what is being posted.
    /// In snapshots: what remains of one that was taken back.
    Marked {
        /// Which transaction.
        id: TxnId,
        /// What the source said.
        mark: Mark,
        /// When.
        at: Timestamp,
    },
    /// A source reports what happened without having asked: accepted, and owed to the host.
    Advised {
        /// What it reports.
        sent: Sent,
        /// What is owed.
        forward: Forward,
    },
    /// A source reports what happened without having asked, and no route leads to a host: accepted, and a
    /// person's.
    Stranded(Declined),
    /// From here on so many finished transactions are remembered: whoever reads the journal remembers no fewer.
    Remembers {
        /// How many.
        most: u64,
    },
    /// In snapshots: there is an item for a person about it already.
    Noted {
        /// Which transaction.
        id: TxnId,
        /// Of which matter.
        matter: Matter,
    },
    /// An owed message is about to be sent. Written before its bytes.
    Attempt {
        /// Which message.
        forward: ForwardId,
        /// The how manyeth time, from 1.
        number: u32,
        /// Under which trace number of ours.
        host_stan: Stan,
        /// When.
        at: Timestamp,
    },
    /// An owed message was accepted by its host: the debt is paid.
    Forwarded {
        /// Which message.
        forward: ForwardId,
        /// The characters the host wrote for its code.
        wire_code: Text<4>,
        /// The day the host counts it under, where it says so.
        settlement_date: Option<BusinessDate>,
        /// In a transfer whose credit was undone by it: now its debit is given back.
        owes: Option<Forward>,
        /// When.
        at: Timestamp,
    },
    /// An owed advice that no attempt was made at is not sent: its source took back what it reports.
    Withdrawn {
        /// About which transaction.
        id: TxnId,
        /// Which message.
        forward: ForwardId,
        /// What the host is owed instead, where it may have the request.
        owes: Option<Forward>,
        /// When.
        at: Timestamp,
    },
    /// Something only a person can settle. Ends the owed message it names.
    Exception {
        /// About which transaction.
        id: TxnId,
        /// Which message will not be sent any more.
        forward: Option<ForwardId>,
        /// Why, in words for people.
        reason: Text<40>,
        /// When.
        at: Timestamp,
    },
    /// A person did something about an owed message.
    Ruled {
        /// Which message.
        forward: ForwardId,
        /// What was done.
        ruling: Ruling,
        /// By whom.
        by: Text<24>,
        /// Why.
        reason: Text<64>,
        /// When.
        at: Timestamp,
    },
    /// The business day of a host changed.
    HostDate {
        /// Whose.
        link: LinkId,
        /// The day from here on.
        date: BusinessDate,
        /// Whether the contract had the totals of the day that ends here compared.
        compares: bool,
        /// When.
        at: Timestamp,
    },
    /// A link's day is being changed; [`Record::HostDate`] is the end of it.
    Cutover {
        /// Whose.
        link: LinkId,
        /// How far it is.
        stage: CutStage,
        /// The day that ends.
        date: BusinessDate,
        /// When.
        at: Timestamp,
    },
    /// A person gave a link an order, and it could be carried out. In snapshots: what a person took out of
    /// service, and nobody put back.
    LinkOrdered {
        /// Which link.
        link: LinkId,
        /// What was ordered.
        order: LinkOrder,
        /// By whom.
        by: Text<24>,
        /// When.
        at: Timestamp,
    },
    /// The transaction of that number, recorded right behind this, was submitted under a name of its source's own.
    Ticketed {
        /// Which transaction.
        id: TxnId,
        /// Its name.
        ticket: Ticket,
        /// Its business identity.
        key: Key,
        /// When.
        at: Timestamp,
    },
    /// What became of a decided transaction afterwards, where no other record says it; in snapshots always.
    Resolved {
        /// Which transaction.
        id: TxnId,
        /// How it stands.
        after: After,
    },
    /// In snapshots: numbers given out last.
    Numbers {
        /// The next transaction's.
        next_id: TxnId,
        /// The next owed message's.
        next_forward: ForwardId,
        /// On which link; `None` where only the transaction's number is said.
        link: Option<LinkId>,
        /// The last trace number there.
        last_stan: Stan,
    },
    /// Something about a day: whose it is, what was counted on it, what became of comparing that.
    Day(DayRecord),
}

/// What an application submits under a name of its own choice, as digests under a secret of the lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ticket {
    /// Who, and under which name: the same again is the same submission.
    pub name: u128,
    /// What: the same name with other contents is a mistake.
    pub contents: u64,
    /// Who.
    pub caller: u64,
}

/// How far the change of a link's day is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CutStage {
    /// The day is open, and nobody asked for its end.
    Open,
    /// We asked the peer to begin.
    Asked,
    /// The peer has begun, and will say when it is done.
    Begun,
}

/// What a person can order of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LinkOrder {
    /// Open it for business.
    SignOn,
    /// Close it in good order.
    SignOff,
    /// Ask whether anybody is there.
    Echo,
    /// Let what is in flight end, and begin nothing new.
    Drain,
    /// Back to business, after it was drained or in maintenance.
    Ready,
    /// Out of service until it is made ready.
    Maintain,
    /// Ask the peer to begin its next business day.
    AskCutover,
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
    /// The source's time of transmission; empty where it gave none.
    pub transmitted_at: Text<10>,
    /// What the source was told.
    pub answer: Remembered,
    /// Who decided.
    pub by: DecidedBy,
    /// When.
    pub at: Timestamp,
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
    /// A reversal that came before its request: the request will be refused.
    Tombstone,
    /// The source itself: it reported what had happened.
    Source,
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
    /// The switch's own day, where it keeps one; fixed here as well.
    pub own_date: Option<BusinessDate>,
    /// Why this link.
    pub route: Text<24>,
    /// The account that receives, where the message names one: an advice has to name it again.
    pub to_account: Account,
    /// What the host's dialect demands of a reversal or advice besides all this, in its own words: who forwards,
    /// what the acceptor is called. Never a secret; empty for hosts that demand no more.
    pub kept: Carried,
    /// When.
    pub at: Timestamp,
}

/// The first leg of a transfer between two hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Debited {
    /// The debit as it was forwarded. Its kind is the customer's, a transfer.
    pub sent: Sent,
    /// The second.
    pub onward: Onward,
}

/// Where the credit of a transfer goes when its debit is approved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Onward {
    /// To which link.
    pub link: LinkId,
    /// Why there.
    pub route: Text<24>,
}

/// The second leg of a transfer between two hosts, as it was forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Credited {
    /// Which transaction.
    pub id: TxnId,
    /// The characters the paying host wrote for its code.
    pub wire_code: Text<4>,
    /// The paying host's approval code.
    pub approval_code: Text<6>,
    /// To which link.
    pub link: LinkId,
    /// Our trace number there.
    pub host_stan: Stan,
    /// Our time of transmission there, `MMDDhhmmss`.
    pub host_transmitted_at: Text<10>,
    /// That host's day, fixed here and never read again.
    pub business_date: BusinessDate,
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

/// A message owed to a host until it is accepted or handed to a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Forward {
    /// Its number in this lane.
    pub id: ForwardId,
    /// What it is.
    pub duty: Duty,
    /// To which link.
    pub link: LinkId,
    /// Under which trace number of ours; the same in every repeat.
    pub host_stan: Stan,
    /// In a partial reversal: the amount that remains valid.
    pub remaining: Amount,
    /// The host's day it belongs to.
    pub business_date: BusinessDate,
}

/// What a host is owed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Duty {
    /// Undo it.
    Reversal,
    /// It happened: post it.
    Advice,
}

/// Why a decided transaction is owed a message after all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Why {
    /// The source took it back.
    Asked,
    /// It is proved that the source was never told.
    Undelivered,
    /// The other half of a transfer failed.
    OtherLeg,
}

/// What a source said about a request in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mark {
    /// Undo it, when it turns out to have been done; so much remains valid.
    Reverse {
        /// The amount that remains valid; 0 when nothing does.
        remaining: Amount,
    },
    /// It happened: post it, when it turns out not to have been.
    Confirm,
}

/// What an item for a person is about. Of one matter there is one item, however often and in whatever words the same
/// is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Matter {
    /// A host has it on another day than we; its money is not in question.
    Day,
    /// The totals of its day were told without it.
    Totals,
    /// How much of it stands.
    Amount,
    /// Its source takes it back, and it stands or will.
    TakenBack,
    /// Its source says that it happened, and it does not stand.
    Reported,
    /// It was taken back, and nobody had heard of it.
    NeverAsked,
    /// What became of it nobody knows, and nothing is owed for it.
    Open,
}

/// What a person did about an owed message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ruling {
    /// Not to be sent for now.
    Hold,
    /// To be sent again.
    Release,
    /// To be tried at once.
    Retry,
    /// Settled by hand: never to be sent again.
    Settle,
}

/// How a decided transaction stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum After {
    /// As it was decided.
    #[default]
    Nothing,
    /// A reversal is owed.
    Reversing(ForwardId),
    /// It was reversed.
    Reversed,
    /// An advice is owed.
    Confirming(ForwardId),
    /// It was posted by an advice.
    Confirmed,
    /// A person has to look at it.
    Exception,
    /// An authorization that was captured, by that transaction: it is spent, and cannot be taken back any more.
    Captured(TxnId),
}

/// A decision as it is given again to whoever repeats the question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
    /// The names of all kinds.
    #[rustfmt::skip]
    pub const NAMES: [&'static str; 39] = [
        "opened", "closed", "sent", "inquired", "debit_sent", "credit_sent", "stranded", "noted", "decided",
        "timed_out", "not_sent", "declined", "observed", "named", "kept", "owed", "marked", "advised",
        "attempt", "forwarded", "withdrawn", "exception", "ruled", "host_date", "cutover", "link_ordered", "resolved",
        "numbers", "own_date", "day_frozen", "totals_sent", "totals_compared", "compare_ordered", "day_ended",
        "counted_anew", "counted", "tallied", "ticketed", "cutover_said",
    ];

    /// Its name, as `journal show` and JSON write it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Opened { .. } => "opened",
            Self::Closed { .. } => "closed",
            Self::Sent(_) => "sent",
            Self::Inquired(_) => "inquired",
            Self::Debited(_) => "debit_sent",
            Self::Credited(_) => "credit_sent",
            Self::Stranded(_) => "stranded",
            Self::Remembers { .. } => "remembers",
            Self::Noted { .. } => "noted",
            Self::Decided { .. } => "decided",
            Self::TimedOut { .. } => "timed_out",
            Self::NotSent { .. } => "not_sent",
            Self::Declined(_) => "declined",
            Self::Observed(_) => "observed",
            Self::Named { .. } => "named",
            Self::Kept(_) => "kept",
            Self::Owed { .. } => "owed",
            Self::Marked { .. } => "marked",
            Self::Advised { .. } => "advised",
            Self::Attempt { .. } => "attempt",
            Self::Forwarded { .. } => "forwarded",
            Self::Withdrawn { .. } => "withdrawn",
            Self::Exception { .. } => "exception",
            Self::Ruled { .. } => "ruled",
            Self::HostDate { .. } => "host_date",
            Self::Cutover { .. } => "cutover",
            Self::LinkOrdered { .. } => "link_ordered",
            Self::Resolved { .. } => "resolved",
            Self::Numbers { .. } => "numbers",
            Self::Ticketed { .. } => "ticketed",
            Self::Day(day) => day.name(),
        }
    }

    /// The transaction it is about, where it is about one by its number.
    pub const fn id(&self) -> Option<TxnId> {
        match self {
            Self::Sent(sent)
            | Self::Inquired(sent)
            | Self::Advised { sent, .. }
            | Self::Debited(Debited { sent, .. }) => Some(sent.id),
            Self::Credited(credited) => Some(credited.id),
            Self::Noted { id, .. }
            | Self::Decided { id, .. }
            | Self::TimedOut { id, .. }
            | Self::NotSent { id, .. }
            | Self::Owed { id, .. }
            | Self::Marked { id, .. }
            | Self::Withdrawn { id, .. }
            | Self::Exception { id, .. }
            | Self::Ticketed { id, .. }
            | Self::Resolved { id, .. } => Some(*id),
            Self::Declined(declined) | Self::Stranded(declined) => Some(declined.id),
            Self::Kept(kept) => Some(kept.id),
            Self::Observed(observed) => observed.id,
            Self::Opened { .. }
            | Self::Closed { .. }
            | Self::Named { .. }
            | Self::Numbers { .. }
            | Self::Remembers { .. }
            | Self::Attempt { .. }
            | Self::Forwarded { .. }
            | Self::Ruled { .. }
            | Self::HostDate { .. }
            | Self::Cutover { .. }
            | Self::Day(_)
            | Self::LinkOrdered { .. } => None,
        }
    }

    /// What it makes a host be owed, where it does.
    pub const fn owes(&self) -> Option<&Forward> {
        match self {
            Self::Owed { forward, .. } | Self::Advised { forward, .. } => Some(forward),
            Self::Decided { owes, .. }
            | Self::TimedOut { owes, .. }
            | Self::NotSent { owes, .. }
            | Self::Withdrawn { owes, .. }
            | Self::Forwarded { owes, .. } => owes.as_ref(),
            _ => None,
        }
    }

    /// The owed message it is about, where it is about one.
    pub const fn forward(&self) -> Option<ForwardId> {
        match self {
            Self::Owed { forward, .. } | Self::Advised { forward, .. } => Some(forward.id),
            Self::Decided { owes: Some(forward), .. }
            | Self::TimedOut { owes: Some(forward), .. }
            | Self::NotSent { owes: Some(forward), .. } => Some(forward.id),
            Self::Attempt { forward, .. }
            | Self::Forwarded { forward, .. }
            | Self::Withdrawn { forward, .. }
            | Self::Ruled { forward, .. } => Some(*forward),
            Self::Exception { forward, .. } => *forward,
            _ => None,
        }
    }

    /// When it happened, by the wall clock; 1970 for what is no event.
    pub fn at(&self) -> Timestamp {
        match self {
            Self::Day(day) => day.at(),
            Self::Opened { at, .. }
            | Self::Closed { at }
            | Self::Decided { at, .. }
            | Self::TimedOut { at, .. }
            | Self::NotSent { at, .. }
            | Self::Owed { at, .. }
            | Self::Marked { at, .. }
            | Self::Attempt { at, .. }
            | Self::Forwarded { at, .. }
            | Self::Withdrawn { at, .. }
            | Self::Exception { at, .. }
            | Self::Ruled { at, .. }
            | Self::HostDate { at, .. }
            | Self::Cutover { at, .. }
            | Self::Ticketed { at, .. }
            | Self::LinkOrdered { at, .. } => *at,
            Self::Sent(sent)
            | Self::Inquired(sent)
            | Self::Advised { sent, .. }
            | Self::Debited(Debited { sent, .. }) => sent.at,
            Self::Credited(credited) => credited.at,
            Self::Declined(declined) | Self::Stranded(declined) => declined.at,
            Self::Observed(observed) => observed.at,
            Self::Kept(kept) => kept.at,
            Self::Named { .. }
            | Self::Numbers { .. }
            | Self::Remembers { .. }
            | Self::Resolved { .. }
            | Self::Noted { .. } => Timestamp::from_unix_ms(0),
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

impl Duty {
    /// Its name, as commands and JSON write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reversal => "reversal",
            Self::Advice => "advice",
        }
    }
}

impl Matter {
    /// Every one, in the order of their places in the journal.
    pub const ALL: [Self; 7] = [
        Self::Day,
        Self::Totals,
        Self::Amount,
        Self::TakenBack,
        Self::Reported,
        Self::NeverAsked,
        Self::Open,
    ];

    /// Its name, as commands and JSON write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Totals => "totals",
            Self::Amount => "amount",
            Self::TakenBack => "taken_back",
            Self::Reported => "reported",
            Self::NeverAsked => "never_asked",
            Self::Open => "open",
        }
    }
}

impl Ruling {
    /// Every one, in the order of their places in the journal.
    pub const ALL: [Self; 4] = [Self::Hold, Self::Release, Self::Retry, Self::Settle];

    /// Its name, as commands and JSON write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hold => "hold",
            Self::Release => "release",
            Self::Retry => "retry",
            Self::Settle => "settle",
        }
    }
}

impl CutStage {
    /// Every one, in the order of their places in the journal.
    pub const ALL: [Self; 3] = [Self::Open, Self::Asked, Self::Begun];

    /// Its name, as commands and JSON write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Asked => "cutover-asked",
            Self::Begun => "cutting-over",
        }
    }
}

impl LinkOrder {
    /// Every one, in the order of their places in the journal.
    pub const ALL: [Self; 7] =
        [Self::SignOn, Self::SignOff, Self::Echo, Self::Drain, Self::Ready, Self::Maintain, Self::AskCutover];

    /// Its name, as commands and JSON write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SignOn => "sign-on",
            Self::SignOff => "sign-off",
            Self::Echo => "echo",
            Self::Drain => "drain",
            Self::Ready => "ready",
            Self::Maintain => "maint",
            Self::AskCutover => "cutreq",
        }
    }

    /// The order of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|order| order.name() == name)
    }
}

impl Why {
    /// Its name, as commands and JSON write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Asked => "taken back",
            Self::Undelivered => "undelivered",
            Self::OtherLeg => "other leg failed",
        }
    }
}

impl After {
    /// Its name, as commands and JSON write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Reversing(_) => "reversing",
            Self::Reversed => "reversed",
            Self::Confirming(_) => "confirming",
            Self::Confirmed => "confirmed",
            Self::Exception => "exception",
            Self::Captured(_) => "captured",
        }
    }
}
