use crate::sim::ledger::Sum;
use std::collections::BTreeMap;
use std::fmt;
use terms::LinkName;

/// A disagreement. Names trace numbers and terminals, never cards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lie {
    /// What is wrong.
    pub kind: LieKind,
    /// With which request, in words.
    pub request: String,
}

/// The ways books can disagree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LieKind {
    /// A terminal was told "approved", and the journal never decided so.
    ToldWithoutDecision,
    /// The journal says "approved", and the terminal was told something else.
    ToldOtherwise,
    /// The journal says "approved", and the terminal was never told.
    NeverTold,
    /// The journal says "approved", and the host did not post.
    NotPosted,
    /// The host posted what the journal says was refused or not sent.
    PostedThoughRefused,
    /// The host posted it more than once.
    PostedTwice,
    /// The host posted what nobody had leave to ask it.
    PostedUnasked,
    /// One request had leave to be sent twice.
    PermittedTwice,
    /// The amount differs from one book to another.
    WrongAmount,
    /// Nobody knows what became of it, and nobody is said to owe anything.
    NotListed,
    /// It is listed as owed although its end is known, or more than once.
    WronglyListed,
    /// It had leave to be sent, and nothing was decided about it.
    Undecided,
    /// The journal knows a request that no terminal made.
    NobodyAsked,
    /// Count or sum of a host differ from the journal's.
    WrongTotal,
}

/// What was compared and what was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Requests in the terminals' books.
    pub asked: u64,
    /// Of these, told "approved", and the money in them.
    pub told_approved: Sum,
    /// Requests in the journal.
    pub decided: u64,
    /// By host.
    pub hosts: BTreeMap<LinkName, HostTotals>,
    /// Everything that disagrees.
    pub lies: Vec<Lie>,
}

/// Money of one host, counted in two books.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostTotals {
    /// What the journal says was approved.
    pub approved: Sum,
    /// What the host says it posted.
    pub posted: Sum,
    /// Of that, what the journal lists as owed back.
    pub posted_and_owed: Sum,
    /// What the journal lists as owed, posted or not.
    pub owed: Sum,
}

impl HostTotals {
    /// Everything posted is either approved or owed back.
    pub fn agree(&self) -> bool {
        self.posted.count == self.approved.count + self.posted_and_owed.count
            && self.posted.minor_units == self.approved.minor_units + self.posted_and_owed.minor_units
    }
}

impl Verdict {
    /// Whether all books agree.
    pub fn is_clean(&self) -> bool {
        self.lies.is_empty()
    }
}

impl LieKind {
    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::ToldWithoutDecision => "told \"approved\" without a decision",
            Self::ToldOtherwise => "decided \"approved\", told otherwise",
            Self::NeverTold => "decided \"approved\", never told",
            Self::NotPosted => "decided \"approved\", not posted",
            Self::PostedThoughRefused => "posted though refused or not sent",
            Self::PostedTwice => "posted more than once",
            Self::PostedUnasked => "posted, and nobody asked",
            Self::PermittedTwice => "had leave to be sent twice",
            Self::WrongAmount => "amounts differ",
            Self::NotListed => "end unknown, not listed as owed",
            Self::WronglyListed => "listed as owed though its end is known, or twice",
            Self::Undecided => "sent, never decided",
            Self::NobodyAsked => "in the journal, and no terminal asked",
            Self::WrongTotal => "count or sum differ",
        }
    }
}

impl fmt::Display for Lie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.words(), self.request)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Sum { count, minor_units } = self.told_approved;
        writeln!(f, "terminals  asked {}   told approved {count}, sum {minor_units}", self.asked)?;
        writeln!(f, "journal    decided {}", self.decided)?;
        for (host, totals) in &self.hosts {
            writeln!(
                f,
                "{:<10} approved {}, sum {}   posted {}, sum {}   owed {}, of which posted {}",
                host.to_string(),
                totals.approved.count,
                totals.approved.minor_units,
                totals.posted.count,
                totals.posted.minor_units,
                totals.owed.count,
                totals.posted_and_owed.count,
            )?;
        }
        match self.lies.len() {
            0 => writeln!(f, "all books agree"),
            count => {
                writeln!(f, "{count} disagreements")?;
                self.lies.iter().take(20).try_for_each(|lie| writeln!(f, "  {lie}"))
            }
        }
    }
}
