//! Whether everybody's books agree: what terminals were told, what the journal decided, what hosts posted.
//!
//! For each request `told approved <=> decided approved <=> posted once`; an outcome nobody knows is listed as
//! owed, once, and the terminal was not told "approved"; nothing is doubled; amounts are the same everywhere;
//! and count and sum agree for each host. [`compare`] is a pure function over three logs, so that it can judge
//! a demo, a crash test and a simulation alike.

#[cfg(test)]
mod tests;
mod verdict;

pub use verdict::{HostTotals, Lie, LieKind, Verdict};

use super::ledger::{HostKey, Posting};
use std::collections::HashMap;
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
