//! What is remembered of days: how they end, what was counted on them, and what became of comparing that.

use alloc::boxed::Box;
use terms::{
    Amount, Balance, BusinessDate, Currency, LinkId, Stan, Statement, Tally, Text, Timestamp, TxnId,
};

/// One thing the journal remembers of a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DayRecord {
    /// The switch's own day is this from here on.
    Own {
        /// Which day.
        date: BusinessDate,
        /// Who moved it: a person, `schedule`, or the name of the link it goes with.
        by: Text<24>,
        /// When.
        at: Timestamp,
    },
    /// The totals of a host's day stand: whatever would change them from here on is late. Written before
    /// anybody is told of them.
    Frozen {
        /// Whose.
        link: LinkId,
        /// Which day.
        date: BusinessDate,
        /// When.
        at: Timestamp,
    },
    /// The totals of a day are about to be sent. Written before their bytes.
    TotalsSent {
        /// To whom.
        link: LinkId,
        /// Which day.
        date: BusinessDate,
        /// In which currency.
        currency: Currency,
        /// The how manyeth time, from 1; a person's order begins again.
        number: u32,
        /// Under which trace number of ours.
        host_stan: Stan,
        /// What is said, so that a repeat says the same; `None` in journals of before this was kept.
        said: Option<Box<Statement>>,
        /// When.
        at: Timestamp,
    },
    /// A host changed its day, or began to, without saying which: the message by which it did, so that it is known
    /// when it comes again.
    CutoverSaid {
        /// Whose.
        link: LinkId,
        /// It was the end of the change, or all of it; not only its beginning.
        ends: bool,
        /// The trace number of the message.
        stan: Stan,
        /// Its time of transmission; empty where it said none.
        transmitted_at: Text<10>,
        /// When.
        at: Timestamp,
    },
    /// Totals were compared: by the host, whom we had sent ours, or by us, whom the host had.
    Compared(Box<Compared>),
    /// A person wants the totals of a day compared once more.
    CompareOrdered {
        /// With whom.
        link: LinkId,
        /// Which day.
        date: BusinessDate,
        /// Who.
        by: Text<24>,
        /// When.
        at: Timestamp,
    },
    /// In snapshots: a day that ended, and whose comparison is still to come or known. In the journal the
    /// next [`crate::Record::HostDate`] says it.
    Ended {
        /// Whose.
        link: LinkId,
        /// Which day.
        date: BusinessDate,
        /// Whether the contract had its totals compared.
        compares: bool,
        /// When it ended.
        at: Timestamp,
    },
    /// In snapshots: what follows is what was counted, and what the records before it come to is not counted
    /// again.
    CountedAnew,
    /// In snapshots: the totals of one day.
    Counted(Box<Counted>),
    /// In snapshots: where one leg of a transaction is counted.
    Tallied(Tallied),
}

/// What became of a comparison, with both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compared {
    /// With whom.
    pub link: LinkId,
    /// Which day.
    pub date: BusinessDate,
    /// In which currency.
    pub currency: Currency,
    /// `None` where the host refused to compare.
    pub balance: Option<Balance>,
    /// What we said.
    pub ours: Statement,
    /// What the host said; empty where it said no figures.
    pub theirs: Statement,
    /// The characters the host wrote for its code; empty where it asked us.
    pub wire_code: Text<4>,
    /// The host had asked.
    pub asked_by_peer: bool,
    /// When.
    pub at: Timestamp,
}

/// What was counted on one day with one host in one currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// The host.
    pub link: LinkId,
    /// Its day.
    pub date: BusinessDate,
    /// The currency.
    pub currency: Currency,
    /// Of what came after the totals were frozen.
    pub late: bool,
    /// Each tally, in an order that whoever counts knows.
    pub tallies: [Tally; Counted::TALLIES],
    /// Left to a person.
    pub exceptions: u64,
}

impl Counted {
    /// How many tallies there are.
    pub const TALLIES: usize = 13;
}

/// Where one leg of a transaction is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tallied {
    /// Which transaction.
    pub id: TxnId,
    /// The second leg, of a transfer between two hosts.
    pub second: bool,
    /// How it stands, by a number that whoever counts knows; below 16.
    pub state: u8,
    /// Under which day.
    pub date: BusinessDate,
    /// The amount its host approved, where that is another than was asked.
    pub part: Option<Amount>,
}

impl DayRecord {
    /// The names of all kinds.
    pub const NAMES: [&'static str; 10] = [
        "own_date",
        "day_frozen",
        "totals_sent",
        "totals_compared",
        "compare_ordered",
        "day_ended",
        "counted_anew",
        "counted",
        "tallied",
        "cutover_said",
    ];

    /// Its name, as `journal show` and JSON write it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Own { .. } => "own_date",
            Self::Frozen { .. } => "day_frozen",
            Self::TotalsSent { .. } => "totals_sent",
            Self::CutoverSaid { .. } => "cutover_said",
            Self::Compared(_) => "totals_compared",
            Self::CompareOrdered { .. } => "compare_ordered",
            Self::Ended { .. } => "day_ended",
            Self::CountedAnew => "counted_anew",
            Self::Counted(_) => "counted",
            Self::Tallied(_) => "tallied",
        }
    }

    /// When it happened; 1970 for what is no event.
    pub fn at(&self) -> Timestamp {
        match self {
            Self::Own { at, .. }
            | Self::Frozen { at, .. }
            | Self::TotalsSent { at, .. }
            | Self::CutoverSaid { at, .. }
            | Self::CompareOrdered { at, .. }
            | Self::Ended { at, .. } => *at,
            Self::Compared(compared) => compared.at,
            Self::CountedAnew | Self::Counted(_) | Self::Tallied(_) => Timestamp::from_unix_ms(0),
        }
    }
}
