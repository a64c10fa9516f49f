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
    /// The journal says "approved" and the host posted, and the terminal was told something else.
    ToldOtherwise,
    /// The journal says "approved" and the host posted, and the terminal was never told.
    NeverTold,
    /// The terminal says nothing more, and nobody acknowledged what it said last.
    NotAcknowledged,
    /// The terminal holds it, and the host did not post.
    NotPosted,
    /// The host posted what the journal says was refused or not sent.
    PostedThoughRefused,
    /// The host posted it more than once.
    PostedTwice,
    /// The host posted what nobody had leave to ask it.
    PostedUnasked,
    /// One request had leave to be sent twice.
    PermittedTwice,
    /// The host posted what the terminal does not hold, and did not give it back.
    NeverReversed,
    /// The host gave it back more than once.
    ReversedTwice,
    /// The host gave back more than it had posted.
    ReversedMore,
    /// The terminal holds it and did not take it back, and the host gave it back.
    ReversedThoughDone,
    /// A part was given back, and the wrong one.
    WrongPart,
    /// The cash is in the machine, and the advice never got to the books.
    AdviceLost,
    /// The host posted it by an advice although it had posted it already.
    AdviceDoubled,
    /// The amount differs from one book to another.
    WrongAmount,
    /// Nobody knows what became of it, and nobody is said to owe anything.
    NotListed,
    /// It is listed as owed although nothing is, or more than once.
    WronglyListed,
    /// It stands on the list for people more than once.
    ListedTwice,
    /// It is owed, and neither paid nor left to a person.
    StillOwed,
    /// More was paid than was owed.
    PaidTwice,
    /// It had leave to be sent, and nothing was decided about it.
    Undecided,
    /// The journal knows a request that no terminal made.
    NobodyAsked,
    /// One host did its half of a transfer, and the other did not.
    HalfATransfer,
    /// What a host moved differs from what terminals hold, all together.
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
    /// Requests that came behind what takes them back, or never, and were decided by that.
    pub taken_back_before: u64,
    /// Messages that came to be owed to hosts.
    pub owed: u64,
    /// Of these, accepted.
    pub paid: u64,
    /// Of these, left to a person.
    pub handed_over: u64,
    /// Items on the list for people, some of which end an owed message.
    pub exceptions: u64,
    /// Requests whose money a person has to look at.
    pub excepted: u64,
    /// By host.
    pub hosts: BTreeMap<LinkName, HostTotals>,
    /// Everything that disagrees.
    pub lies: Vec<Lie>,
}

/// Money of one host, counted in two books.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostTotals {
    /// What the host says it posted.
    pub posted: Sum,
    /// What it says it gave back.
    pub reversed: Sum,
    /// What terminals say they hold.
    pub held: Sum,
    /// By how much the host is ahead where a person has to look at it, in minor units.
    pub excepted: i128,
}

impl HostTotals {
    /// Everything posted was given back, is held by a terminal, or stands on the list for people.
    pub fn agree(&self) -> bool {
        let Self { posted, reversed, held, excepted } = *self;
        let [posted, reversed, held] = [posted, reversed, held].map(|sum| i128::from(sum.minor_units));
        posted - reversed == held + excepted
    }
}

impl Verdict {
    /// Whether all books agree.
    pub fn is_clean(&self) -> bool {
        self.lies.is_empty()
    }

    /// Messages that are owed still.
    pub fn pending(&self) -> u64 {
        self.owed.saturating_sub(self.paid + self.handed_over)
    }
}

impl LieKind {
    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::ToldWithoutDecision => "told \"approved\" without a decision",
            Self::ToldOtherwise => "posted and decided \"approved\", told otherwise",
            Self::NeverTold => "posted and decided \"approved\", never told",
            Self::NotAcknowledged => "taken back or reported, never acknowledged",
            Self::NotPosted => "held by the terminal, not posted",
            Self::PostedThoughRefused => "posted though refused or not sent",
            Self::PostedTwice => "posted more than once",
            Self::PostedUnasked => "posted, and nobody asked",
            Self::PermittedTwice => "had leave to be sent twice",
            Self::NeverReversed => "posted, not held by the terminal, never reversed",
            Self::ReversedTwice => "reversed more than once",
            Self::ReversedMore => "reversed more than was posted",
            Self::ReversedThoughDone => "reversed though it was done",
            Self::WrongPart => "the wrong part was reversed",
            Self::AdviceLost => "the cash is in the machine, never posted",
            Self::AdviceDoubled => "posted again by an advice",
            Self::WrongAmount => "amounts differ",
            Self::NotListed => "end unknown, not listed as owed",
            Self::WronglyListed => "listed as owed though nothing is, or twice",
            Self::ListedTwice => "left to a person more than once",
            Self::StillOwed => "owed, and neither paid nor left to a person",
            Self::PaidTwice => "paid more often than it was owed",
            Self::Undecided => "sent, never decided",
            Self::NobodyAsked => "in the journal, and no terminal asked",
            Self::HalfATransfer => "one host did its half of a transfer, the other did not",
            Self::WrongTotal => "sums differ",
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
        writeln!(
            f,
            "journal    decided {}   taken back before they came {}   owed {} = paid {} + pending {} + left to a person {}   \
             listed for people {}",
            self.decided,
            self.taken_back_before,
            self.owed,
            self.paid,
            self.pending(),
            self.handed_over,
            self.exceptions
        )?;
        for (host, totals) in &self.hosts {
            let HostTotals { posted, reversed, held, excepted } = totals;
            writeln!(
                f,
                "{:<10} posted {}, sum {}   reversed {}, sum {}   held {}, sum {}   for people {excepted}",
                host.to_string(),
                posted.count,
                posted.minor_units,
                reversed.count,
                reversed.minor_units,
                held.count,
                held.minor_units,
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
