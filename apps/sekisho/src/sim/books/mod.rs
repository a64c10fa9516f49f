//! Whether everybody's books agree: what terminals were told and hold, what the journal decided and owes, what
//! hosts posted and gave back.
//!
//! For each request, in the end: posted less given back is what the terminal holds; where it is not, the request
//! stands on the list for people, once. Nothing is posted twice or given back twice, nothing that is done is
//! given back unless the terminal took it back, whatever is owed is paid or on that list, nobody was told
//! "approved" without a decision, and each host's sums agree. [`compare`] is a pure function over three logs, so
//! that it can judge a demo, a crash test and a simulation alike.

#[cfg(test)]
mod tests;
mod verdict;

pub use verdict::{HostTotals, Lie, LieKind, Verdict};

use super::ledger::{HostKey, Posting};
use std::collections::{HashMap, HashSet};
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
    /// What was done there in the end: paid out, kept, or otherwise given to the customer.
    pub held: Amount,
    /// What it said afterwards.
    pub afterwards: Afterwards,
}

/// What a terminal was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// Nothing, however often it asked.
    Nothing,
    /// This, which it takes for this.
    Said(Code, Outcome),
}

/// What a terminal said about a request after it had given up asking, or had paid out less.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Afterwards {
    /// Nothing: all was in order.
    #[default]
    Nothing,
    /// That it takes back what it does not hold, and that was acknowledged.
    TookBack,
    /// That it happened, and that was acknowledged.
    Reported,
    /// One of these, and nobody acknowledged it.
    Unheard,
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
    /// Whether it is a transfer between two hosts.
    pub two_hosts: bool,
    /// In such a transfer whose credit had leave to go: the other host, and what it knows it by.
    pub credit: Option<(LinkName, HostKey)>,
    /// What became of it; `None` while nobody has decided.
    pub outcome: Option<Outcome>,
    /// Whether it began with a report and no host was ever asked.
    pub by_report: bool,
    /// What is owed for it.
    pub owed: Owed,
}

/// What came to be owed to a host, and what became of that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Owed {
    /// Messages that came to be owed.
    pub messages: u32,
    /// Of these, accepted.
    pub paid: u32,
    /// Of these, left to a person.
    pub handed_over: u32,
    /// Times it stands on the list for people.
    pub exceptions: u32,
}

/// What one host remembers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostBooks {
    /// Its name.
    pub host: LinkName,
    /// What it posted, in order.
    pub postings: Vec<Posting>,
    /// What it gave back, in order, under the keys of what that undoes.
    pub reversals: Vec<Posting>,
}

/// Compares three logs. Cost: linear in their length, and some 300 bytes for each request.
pub fn compare(asked: &[Asked], decided: &[Decision], hosts: &[HostBooks]) -> Verdict {
    let mut comparison = Comparison::of(asked, decided, hosts);
    comparison.terminals();
    comparison.journal();
    comparison.hosts();
    comparison.totals();
    comparison.verdict
}

type Place = (LinkName, HostKey);

struct Comparison<'a> {
    asked: HashMap<Key, &'a Asked>,
    decided: &'a [Decision],
    by_key: HashMap<Key, Vec<&'a Decision>>,
    posted: HashMap<Place, Vec<&'a Posting>>,
    reversed: HashMap<Place, Vec<&'a Posting>>,
    verdict: Verdict,
}

impl<'a> Comparison<'a> {
    fn of(asked: &'a [Asked], decided: &'a [Decision], hosts: &'a [HostBooks]) -> Self {
        let mut by_key: HashMap<Key, Vec<&Decision>> = HashMap::with_capacity(decided.len());
        for decision in decided {
            by_key.entry(decision.key).or_default().push(decision);
        }
        let (mut posted, mut reversed) = (HashMap::new(), HashMap::new());
        for books in hosts {
            sort_by_key(books.host, &books.postings, &mut posted);
            sort_by_key(books.host, &books.reversals, &mut reversed);
        }
        let verdict = Verdict {
            asked: asked.len() as u64,
            decided: decided.len() as u64,
            hosts: hosts.iter().map(|books| (books.host, HostTotals::default())).collect(),
            ..Verdict::default()
        };
        let asked = asked.iter().map(|asked| (asked.key, asked)).collect();
        Self { asked, decided, by_key, posted, reversed, verdict }
    }

    fn lie(&mut self, kind: LieKind, request: impl fmt::Display) {
        self.verdict.lies.push(Lie { kind, request: request.to_string() });
    }

    /// What each terminal was told and holds, against what was decided and what its host did.
    fn terminals(&mut self) {
        let mut asked: Vec<&Asked> = self.asked.values().copied().collect();
        asked.sort_unstable_by_key(|asked| asked.key);
        for asked in asked {
            // Where a request was refused under an identity that is somebody else's, there are several.
            let decisions = self.by_key.get(&asked.key).cloned().unwrap_or_default();
            self.told(asked, &decisions);
            if decisions.iter().any(|one| one.amount != asked.amount) {
                self.lie(LieKind::WrongAmount, asked.key);
            }
            if asked.afterwards == Afterwards::Unheard {
                self.lie(LieKind::NotAcknowledged, asked.key);
            }
            if is_money(asked.kind) {
                self.money(asked, &decisions);
            }
        }
    }

    fn told(&mut self, asked: &Asked, decisions: &[&Decision]) {
        let told_approved = matches!(asked.told, Told::Said(_, Outcome::Approved));
        let approved = decisions.iter().any(|one| one.outcome == Some(Outcome::Approved));
        if told_approved && is_money(asked.kind) {
            self.verdict.told_approved.add(asked.amount);
        }
        // A question that moves nothing is answered without waiting for the disk, and a crash forgets it.
        if told_approved && !approved && asked.kind.moves_money() {
            self.lie(LieKind::ToldWithoutDecision, asked.key);
        }
        // Of money it is what was done that counts, and that is looked at next.
        let told_otherwise = approved && !told_approved && asked.told != Told::Nothing;
        if told_otherwise && !is_money(asked.kind) {
            self.lie(LieKind::ToldOtherwise, asked.key);
        }
    }

    fn money(&mut self, asked: &Asked, decisions: &[&Decision]) {
        let permitted: Vec<&Decision> =
            decisions.iter().copied().filter(|decision| decision.permit.is_some()).collect();
        if permitted.len() > 1 {
            return self.lie(LieKind::PermittedTwice, asked.key);
        }
        let decision = permitted.first().or(decisions.first()).copied();
        let place = decision.and_then(|decision| decision.permit);
        let of_place = |books: &HashMap<Place, Vec<&'a Posting>>| {
            place.and_then(|place| books.get(&place).cloned()).unwrap_or_default()
        };
        let (postings, reversals) = (of_place(&self.posted), of_place(&self.reversed));
        if let Some(decision) = decision {
            self.other_leg(decision, asked);
        }
        let exceptions: u32 = decisions.iter().map(|decision| decision.owed.exceptions).sum();
        let net = minor_units(&postings) - minor_units(&reversals);
        let held = i128::from(asked.held.minor_units());
        if let Some(decision) = decision {
            self.listing(decision, asked);
        }
        if let Some((host, _)) = place {
            let totals = self.verdict.hosts.entry(host).or_default();
            if asked.held != Amount::default() {
                totals.held.add(asked.held);
            }
            totals.excepted += if exceptions > 0 { net - held } else { 0 };
        }
        match (postings.len(), reversals.len(), exceptions) {
            (2.., _, _) if postings[1..].iter().any(|posting| posting.advised) => {
                self.lie(LieKind::AdviceDoubled, asked.key);
            }
            (2.., _, _) => self.lie(LieKind::PostedTwice, asked.key),
            (_, 2.., _) => self.lie(LieKind::ReversedTwice, asked.key),
            (_, _, 1) => self.verdict.excepted += 1,
            (_, _, 2..) => self.lie(LieKind::ListedTwice, asked.key),
            (_, _, 0) if net == held => {}
            (_, _, 0) => self.lie(what_is_wrong(asked, decision, &postings, &reversals), asked.key),
        }
    }

    /// A transfer between two hosts is done at both, or at neither, or stands on the list.
    fn other_leg(&mut self, decision: &Decision, asked: &Asked) {
        let Some(place) = decision.credit else { return };
        let units = |books: &HashMap<Place, Vec<&Posting>>| books.get(&place).map_or(0, |of| minor_units(of));
        let net = units(&self.posted) - units(&self.reversed);
        let held = i128::from(asked.held.minor_units());
        let excepted = decision.owed.exceptions > 0;
        let totals = self.verdict.hosts.entry(place.0).or_default();
        if asked.held != Amount::default() {
            totals.held.add(asked.held);
        }
        totals.excepted += if excepted { net - held } else { 0 };
        if !excepted && net != held {
            self.lie(LieKind::HalfATransfer, asked.key);
        }
    }

    /// Owed where money may hang on an end nobody knows, or was taken back; never otherwise; and not for ever.
    fn listing(&mut self, decision: &Decision, asked: &Asked) {
        let Owed { messages, paid, handed_over, exceptions } = decision.owed;
        let is_unknown = decision.outcome == Some(Outcome::Unknown);
        if is_unknown && messages + exceptions == 0 {
            self.lie(LieKind::NotListed, decision.key);
        }
        let told_approved = matches!(asked.told, Told::Said(_, Outcome::Approved));
        let was_done = told_approved && asked.afterwards == Afterwards::Nothing;
        let may_owe = match decision.outcome {
            // A credit may be owed, and either leg be undone afterwards.
            _ if decision.two_hosts => 3,
            Some(Outcome::Unknown) => 1,
            _ if decision.by_report => 1,
            Some(Outcome::Approved) => u32::from(!was_done),
            _ => 0,
        };
        // What was posted by a message may be taken back by another.
        let undone = u32::from(asked.afterwards == Afterwards::TookBack && asked.kind != Kind::Withdrawal);
        if messages > may_owe.max(1) + undone || (messages > 0 && may_owe + undone == 0) {
            self.lie(LieKind::WronglyListed, decision.key);
        }
        match messages.cmp(&(paid + handed_over)) {
            std::cmp::Ordering::Less => self.lie(LieKind::PaidTwice, decision.key),
            std::cmp::Ordering::Equal => {}
            std::cmp::Ordering::Greater => self.lie(LieKind::StillOwed, decision.key),
        }
    }

    fn journal(&mut self) {
        for decision in self.decided {
            if !self.asked.contains_key(&decision.key) {
                self.lie(LieKind::NobodyAsked, decision.key);
            }
            if decision.outcome.is_none() && is_money(decision.kind) {
                self.lie(LieKind::Undecided, decision.key);
            }
            let Owed { messages, paid, handed_over, exceptions } = decision.owed;
            let sums = &mut self.verdict;
            sums.owed += u64::from(messages);
            sums.paid += u64::from(paid);
            sums.handed_over += u64::from(handed_over);
            sums.exceptions += u64::from(exceptions);
        }
    }

    /// Nothing stands in a host's books that nobody had leave to ask it.
    fn hosts(&mut self) {
        let legs = |decision: &Decision| [decision.permit, decision.credit].into_iter().flatten();
        let permits: HashSet<Place> = self.decided.iter().flat_map(legs).collect();
        let asked_for: HashMap<Place, Amount> = (self.decided.iter())
            .flat_map(|decision| legs(decision).map(|place| (place, decision.amount)))
            .collect();
        for (place, postings) in sorted(&self.posted) {
            let totals = self.verdict.hosts.entry(place.0).or_default();
            postings.iter().for_each(|posting| totals.posted.add(posting.amount));
            if !permits.contains(&place) {
                self.lie(LieKind::PostedUnasked, format_args!("{}: {}", place.0, place.1));
            } else if postings.iter().any(|posting| Some(&posting.amount) != asked_for.get(&place)) {
                self.lie(LieKind::WrongAmount, format_args!("{}: {}", place.0, place.1));
            }
        }
        for (place, reversals) in sorted(&self.reversed) {
            let totals = self.verdict.hosts.entry(place.0).or_default();
            reversals.iter().for_each(|reversal| totals.reversed.add(reversal.amount));
            let posted = self.posted.get(&place).map_or(0, |postings| minor_units(postings));
            if minor_units(&reversals) > posted {
                self.lie(LieKind::ReversedMore, format_args!("{}: {}", place.0, place.1));
            }
        }
    }

    /// The same money counted in two books, as a sum over everything: it would also show a mistake in the
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

/// Why what a host did is not what a terminal holds: the word for it.
fn what_is_wrong(
    asked: &Asked,
    decision: Option<&Decision>,
    postings: &[&Posting],
    reversals: &[&Posting],
) -> LieKind {
    let outcome = decision.and_then(|decision| decision.outcome);
    let is_owed = decision.is_some_and(|decision| decision.owed.messages > 0);
    let was_advised = is_owed && asked.kind == Kind::Deposit || asked.afterwards == Afterwards::Reported;
    let holds = asked.held != Amount::default();
    match (postings.is_empty(), reversals.is_empty()) {
        (true, _) if was_advised => LieKind::AdviceLost,
        (true, _) => LieKind::NotPosted,
        // All of it given back, or a part.
        (false, false) => match minor_units(postings) == minor_units(reversals) {
            true if asked.afterwards == Afterwards::Nothing && holds => LieKind::ReversedThoughDone,
            _ => LieKind::WrongPart,
        },
        (false, true) => match (outcome, asked.told) {
            (Some(Outcome::Refused | Outcome::NotSent) | None, _) => LieKind::PostedThoughRefused,
            _ if is_owed || asked.afterwards == Afterwards::TookBack => LieKind::NeverReversed,
            (Some(Outcome::Unknown), _) => LieKind::NeverReversed,
            (_, Told::Said(_, Outcome::Approved)) => LieKind::WrongAmount,
            (_, Told::Nothing) => LieKind::NeverTold,
            (_, Told::Said(..)) => LieKind::ToldOtherwise,
        },
    }
}

fn sort_by_key<'a>(host: LinkName, from: &'a [Posting], into: &mut HashMap<Place, Vec<&'a Posting>>) {
    for posting in from {
        into.entry((host, posting.key)).or_default().push(posting);
    }
}

fn sorted<'a>(books: &HashMap<Place, Vec<&'a Posting>>) -> Vec<(Place, Vec<&'a Posting>)> {
    let mut sorted: Vec<_> = books.iter().map(|(at, postings)| (*at, postings.clone())).collect();
    sorted.sort_unstable_by_key(|(at, _)| *at);
    sorted
}

fn minor_units(postings: &[&Posting]) -> i128 {
    postings.iter().map(|posting| i128::from(posting.amount.minor_units())).sum()
}

/// Whether money moves: a PIN that may or may not have been changed is none to be given back.
pub fn is_money(kind: Kind) -> bool {
    kind.moves_money() && !matches!(kind, Kind::PinChange | Kind::CardActivation)
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
