//! Whether everybody's books agree: what terminals were told, what the journal decided, what hosts posted.
//!
//! For each request `told approved <=> decided approved <=> posted once`; an outcome nobody knows is listed as
//! owed, once, and the terminal was not told "approved"; nothing is doubled; amounts are the same everywhere;
//! and count and sum agree for each host. [`compare`] is a pure function over three logs, so that it can judge
//! a demo, a crash test and a simulation alike.

use super::ledger::{HostKey, Posting, Sum};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use terms::{Amount, Code, Kind, LinkName, LocalTime, Outcome, Stan, TerminalId};

/// The business identity of a request, as terminal and journal know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// From which terminal.
    pub terminal_id: TerminalId,
    /// Under which trace number of its own.
    pub stan: Stan,
    /// Date and time at the terminal.
    pub local_time: Option<LocalTime>,
}

/// What a terminal remembers of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Which.
    pub key: Key,
    /// What was wanted.
    pub kind: Kind,
    /// How much.
    pub amount: Amount,
    /// What it was told in the end.
    pub told: Told,
}

/// What a terminal was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// Nothing, however often it asked.
    Nothing,
    /// This, which it takes for this.
    Said(Code, Outcome),
}

/// What the journal remembers of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Which.
    pub key: Key,
    /// What was wanted.
    pub kind: Kind,
    /// How much.
    pub amount: Amount,
    /// Which host had leave to be asked, and what that host knows it by; `None` where none had.
    pub permit: Option<(LinkName, HostKey)>,
    /// What became of it; `None` while nobody has decided.
    pub outcome: Option<Outcome>,
    /// How often it stands on the list of what is owed.
    pub owed: u32,
}

/// What one host remembers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostBooks {
    /// Its name.
    pub host: LinkName,
    /// What it posted, in order.
    pub postings: Vec<Posting>,
}

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

/// Compares three logs. Cost: linear in their length, and some 200 bytes for each request.
pub fn compare(asked: &[Asked], decided: &[Decision], hosts: &[HostBooks]) -> Verdict {
    let mut comparison = Comparison::of(asked, decided, hosts);
    comparison.terminals_with_journal();
    comparison.journal_with_hosts();
    comparison.hosts_with_journal();
    comparison.totals();
    comparison.verdict
}

struct Comparison<'a> {
    asked: HashMap<Key, &'a Asked>,
    decided: &'a [Decision],
    by_key: HashMap<Key, Vec<&'a Decision>>,
    posted: HashMap<(LinkName, HostKey), Vec<&'a Posting>>,
    verdict: Verdict,
}

impl<'a> Comparison<'a> {
    fn of(asked: &'a [Asked], decided: &'a [Decision], hosts: &'a [HostBooks]) -> Self {
        let mut by_key: HashMap<Key, Vec<&Decision>> = HashMap::with_capacity(decided.len());
        for decision in decided {
            by_key.entry(decision.key).or_default().push(decision);
        }
        let mut posted: HashMap<(LinkName, HostKey), Vec<&Posting>> = HashMap::new();
        for books in hosts {
            for posting in &books.postings {
                posted.entry((books.host, posting.key)).or_default().push(posting);
            }
        }
        let verdict = Verdict {
            asked: asked.len() as u64,
            decided: decided.len() as u64,
            hosts: hosts.iter().map(|books| (books.host, HostTotals::default())).collect(),
            ..Verdict::default()
        };
        let asked = asked.iter().map(|asked| (asked.key, asked)).collect();
        Self { asked, decided, by_key, posted, verdict }
    }

    fn lie(&mut self, kind: LieKind, request: impl fmt::Display) {
        self.verdict.lies.push(Lie { kind, request: request.to_string() });
    }

    fn terminals_with_journal(&mut self) {
        let mut asked: Vec<&Asked> = self.asked.values().copied().collect();
        asked.sort_unstable_by_key(|asked| asked.key);
        for asked in asked {
            let told_approved = matches!(asked.told, Told::Said(_, Outcome::Approved));
            if told_approved && asked.kind.moves_money() {
                self.verdict.told_approved.add(asked.amount);
            }
            // Where a request was refused under an identity that is somebody else's, there are several.
            let decisions = self.by_key.get(&asked.key).cloned().unwrap_or_default();
            let approved = decisions.iter().any(|one| one.outcome == Some(Outcome::Approved));
            match (told_approved, approved, asked.told) {
                (true, false, _) => self.lie(LieKind::ToldWithoutDecision, asked.key),
                (false, true, Told::Nothing) => self.lie(LieKind::NeverTold, asked.key),
                (false, true, Told::Said(..)) => self.lie(LieKind::ToldOtherwise, asked.key),
                (true, true, _) | (false, false, _) => {}
            }
            if decisions.iter().any(|one| one.amount != asked.amount) {
                self.lie(LieKind::WrongAmount, asked.key);
            }
            if decisions.iter().filter(|one| one.permit.is_some()).count() > 1 {
                self.lie(LieKind::PermittedTwice, asked.key);
            }
        }
    }

    fn journal_with_hosts(&mut self) {
        for decision in self.decided {
            if !self.asked.contains_key(&decision.key) {
                self.lie(LieKind::NobodyAsked, decision.key);
            }
            self.listing(decision);
            let Some(permit) = decision.permit.filter(|_| decision.kind.moves_money()) else { continue };
            let postings = self.posted.get(&permit).cloned().unwrap_or_default();
            match (decision.outcome, postings.len()) {
                (_, 2..) => self.lie(LieKind::PostedTwice, decision.key),
                (Some(Outcome::Approved), 0) => self.lie(LieKind::NotPosted, decision.key),
                (Some(Outcome::Refused | Outcome::NotSent), 1) => {
                    self.lie(LieKind::PostedThoughRefused, decision.key);
                }
                // What nobody knows the end of may have been posted: that is why it is listed as owed.
                (Some(_), _) => {}
                (None, _) => self.lie(LieKind::Undecided, decision.key),
            }
            if postings.iter().any(|posting| posting.amount != decision.amount) {
                self.lie(LieKind::WrongAmount, decision.key);
            }
            self.add_up(decision, permit.0, !postings.is_empty());
        }
    }

    /// Owed exactly once where money may hang on an end nobody knows, and never otherwise.
    fn listing(&mut self, decision: &Decision) {
        let may_hang = decision.outcome == Some(Outcome::Unknown) && owes(decision.kind);
        match (may_hang, decision.owed) {
            (true, 0) => self.lie(LieKind::NotListed, decision.key),
            (true, 1) | (false, 0) => {}
            (true, _) | (false, _) => self.lie(LieKind::WronglyListed, decision.key),
        }
    }

    fn add_up(&mut self, decision: &Decision, host: LinkName, was_posted: bool) {
        let totals = self.verdict.hosts.entry(host).or_default();
        if decision.outcome == Some(Outcome::Approved) {
            totals.approved.add(decision.amount);
        }
        if decision.owed > 0 {
            totals.owed.add(decision.amount);
            if was_posted {
                totals.posted_and_owed.add(decision.amount);
            }
        }
    }

    fn hosts_with_journal(&mut self) {
        let permits: std::collections::HashSet<(LinkName, HostKey)> =
            self.decided.iter().filter_map(|decision| decision.permit).collect();
        let mut posted: Vec<((LinkName, HostKey), Vec<&Posting>)> =
            self.posted.iter().map(|(at, postings)| (*at, postings.clone())).collect();
        posted.sort_unstable_by_key(|(at, _)| *at);
        for ((host, key), postings) in posted {
            let totals = self.verdict.hosts.entry(host).or_default();
            postings.iter().for_each(|posting| totals.posted.add(posting.amount));
            if !permits.contains(&(host, key)) {
                self.lie(LieKind::PostedUnasked, format_args!("{host}: {key}"));
            }
        }
    }

    /// The same money counted in both books, as a sum over everything: it would also show a mistake in the
    /// comparison above.
    fn totals(&mut self) {
        let wrong: Vec<LinkName> = (self.verdict.hosts.iter())
            .filter(|(_, totals)| !totals.agree())
            .map(|(host, _)| *host)
            .collect();
        for host in wrong {
            self.lie(LieKind::WrongTotal, host);
        }
    }
}

/// Whether an unknown end of such a request is owed a reversal.
fn owes(kind: Kind) -> bool {
    // A PIN that may or may not have been changed, or a card activated, is no money to be given back.
    kind.moves_money() && !matches!(kind, Kind::PinChange | Kind::CardActivation)
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

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.terminal_id, self.stan)?;
        let Some(at) = self.local_time else { return Ok(()) };
        let (hour, minute, second) = at.hms();
        write!(f, " of {} {hour:02}:{minute:02}:{second:02}", at.date)
    }
}

impl fmt::Display for HostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} under {} and {}", self.terminal_id, self.stan, self.rrn)
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

#[cfg(test)]
mod tests {
    use super::*;
    use terms::Text;

    fn host() -> LinkName {
        LinkName::clipped(b"CORE")
    }

    fn key(number: u32) -> Key {
        Key { terminal_id: Text::clipped(b"ATM00001"), stan: Stan(number), local_time: None }
    }

    fn host_key(number: u32) -> HostKey {
        let rrn = Text::clipped(format!("{number:012}").as_bytes());
        HostKey { stan: Stan(500_000 + number), terminal_id: Text::clipped(b"ATM00001"), rrn }
    }

    fn amount(number: u32) -> Amount {
        Amount::minor(u64::from(number) * 1_000)
    }

    /// Three books in which everything that can happen has happened, and which agree.
    #[derive(Clone)]
    struct Books {
        asked: Vec<Asked>,
        decided: Vec<Decision>,
        host: HostBooks,
    }

    impl Books {
        fn good() -> Self {
            let mut books = Self {
                asked: Vec::new(),
                decided: Vec::new(),
                host: HostBooks { host: host(), postings: Vec::new() },
            };
            #[rustfmt::skip]
            let happened = [
                // no. told                                            decided              posted  owed
                (1, Told::Said(Code::Approved, Outcome::Approved),     Outcome::Approved,   true,   0),
                (2, Told::Said(Code::Approved, Outcome::Approved),     Outcome::Approved,   true,   0),
                (3, Told::Said(Code::WrongPin, Outcome::Refused),      Outcome::Refused,    false,  0),
                (4, Told::Said(Code::NoAnswer, Outcome::Unknown),      Outcome::Unknown,    true,   1),
                (5, Told::Nothing,                                     Outcome::Unknown,    false,  1),
                (6, Told::Said(Code::HostDown, Outcome::Refused),      Outcome::NotSent,    false,  0),
            ];
            for (number, told, outcome, posted, owed) in happened {
                books.happened(number, told, outcome, posted, owed);
            }
            // Refused before any permit, and refused without a word in the journal.
            books.decided[5].permit = None;
            let refused = Told::Said(Code::FormatError, Outcome::Refused);
            books.asked.push(Asked { key: key(7), kind: Kind::Withdrawal, amount: amount(7), told: refused });
            books
        }

        fn happened(&mut self, number: u32, told: Told, outcome: Outcome, posted: bool, owed: u32) {
            let (kind, amount) = (Kind::Withdrawal, amount(number));
            self.asked.push(Asked { key: key(number), kind, amount, told });
            let permit = Some((host(), host_key(number)));
            let outcome = Some(outcome);
            self.decided.push(Decision { key: key(number), kind, amount, permit, outcome, owed });
            if posted {
                self.host.postings.push(Posting { key: host_key(number), kind, amount });
            }
        }

        fn compare(&self) -> Verdict {
            compare(&self.asked, &self.decided, std::slice::from_ref(&self.host))
        }
    }

    #[test]
    fn books_that_agree_are_found_to_agree_with_their_sums() {
        let verdict = Books::good().compare();
        assert!(verdict.is_clean(), "{verdict}");
        assert_eq!((verdict.asked, verdict.decided), (7, 6));
        assert_eq!(verdict.told_approved, Sum { count: 2, minor_units: 3_000 });
        let totals = verdict.hosts[&host()];
        assert_eq!(totals.posted, Sum { count: 3, minor_units: 7_000 });
        assert_eq!((totals.owed.count, totals.posted_and_owed.count), (2, 1));
    }

    #[test]
    fn every_kind_of_lie_is_caught() {
        let approved = Told::Said(Code::Approved, Outcome::Approved);
        let refused = Told::Said(Code::DoNotHonour, Outcome::Refused);
        type Change = fn(&mut Books, Told, Told);
        #[rustfmt::skip]
        let table: &[(&str, Change, &[LieKind])] = &[
            ("a posting was lost",
                |b, _, _| { b.host.postings.remove(0); },
                &[LieKind::NotPosted, LieKind::WrongTotal]),
            ("a posting was doubled",
                |b, _, _| { let again = b.host.postings[0]; b.host.postings.push(again); },
                &[LieKind::PostedTwice, LieKind::WrongTotal]),
            ("an unknown one was doubled",
                |b, _, _| { let again = b.host.postings[2]; b.host.postings.push(again); },
                &[LieKind::PostedTwice, LieKind::WrongTotal]),
            ("told approved and neither decided nor posted",
                |b, approved, _| b.asked[6].told = approved,
                &[LieKind::ToldWithoutDecision]),
            ("told approved and refused",
                |b, approved, _| b.asked[2].told = approved,
                &[LieKind::ToldWithoutDecision]),
            ("told approved and nobody knows",
                |b, approved, _| b.asked[3].told = approved,
                &[LieKind::ToldWithoutDecision]),
            ("posted and approved, told refused",
                |b, _, refused| b.asked[0].told = refused,
                &[LieKind::ToldOtherwise]),
            ("posted and approved, never told",
                |b, _, _| b.asked[0].told = Told::Nothing,
                &[LieKind::NeverTold]),
            ("posted and refused",
                |b, _, refused| { b.decided[0].outcome = Some(Outcome::Refused); b.asked[0].told = refused; },
                &[LieKind::PostedThoughRefused, LieKind::WrongTotal]),
            ("the host posted another amount",
                |b, _, _| b.host.postings[0].amount = Amount::minor(1),
                &[LieKind::WrongAmount, LieKind::WrongTotal]),
            ("the journal wrote another amount",
                |b, _, _| b.decided[2].amount = Amount::minor(1),
                &[LieKind::WrongAmount]),
            ("two amounts were exchanged",
                |b, _, _| { let (x, y) = (b.host.postings[0].amount, b.host.postings[1].amount);
                            b.host.postings[0].amount = y; b.host.postings[1].amount = x; },
                &[LieKind::WrongAmount, LieKind::WrongAmount]),
            ("the host posted what nobody asked",
                |b, _, _| { b.host.postings[0].key.stan = Stan(9); },
                &[LieKind::NotPosted, LieKind::PostedUnasked]),
            ("one request was sent twice",
                |b, _, _| { let again = Decision { permit: Some((host(), host_key(99))), ..b.decided[2] };
                            b.decided.push(again); },
                &[LieKind::PermittedTwice]),
            ("an unknown end is not listed",
                |b, _, _| b.decided[4].owed = 0,
                &[LieKind::NotListed]),
            ("an approval is listed as owed",
                |b, _, _| b.decided[0].owed = 1,
                &[LieKind::WronglyListed, LieKind::WrongTotal]),
            ("an unknown end is listed twice",
                |b, _, _| b.decided[4].owed = 2,
                &[LieKind::WronglyListed]),
            ("nothing was decided",
                |b, _, _| b.decided[2].outcome = None,
                &[LieKind::Undecided]),
            ("nobody asked",
                |b, _, _| { b.asked.remove(2); },
                &[LieKind::NobodyAsked]),
        ];
        for (what, change, wanted) in table {
            let mut books = Books::good();
            change(&mut books, approved, refused);
            let mut found: Vec<LieKind> = books.compare().lies.iter().map(|lie| lie.kind).collect();
            found.sort_unstable();
            let mut wanted = wanted.to_vec();
            wanted.sort_unstable();
            assert_eq!(found, wanted, "{what}");
        }
    }

    #[test]
    fn what_moves_no_money_is_compared_by_its_answer_alone() {
        let mut books = Books::good();
        books.happened(8, Told::Said(Code::Approved, Outcome::Approved), Outcome::Approved, false, 0);
        books.happened(9, Told::Said(Code::NoAnswer, Outcome::Unknown), Outcome::Unknown, false, 0);
        for at in [7, 8] {
            books.asked[at].kind = Kind::BalanceInquiry;
            books.decided[at - 1].kind = Kind::BalanceInquiry;
        }
        assert!(books.compare().is_clean(), "{}", books.compare());
        books.asked[7].told = Told::Said(Code::DoNotHonour, Outcome::Refused);
        assert_eq!(books.compare().lies[0].kind, LieKind::ToldOtherwise);
    }

    #[test]
    fn a_lie_is_told_in_words_that_name_the_request() {
        let mut books = Books::good();
        books.host.postings.remove(0);
        let said = books.compare().to_string();
        assert!(said.contains("not posted: ATM00001 000001"), "{said}");
    }
}
