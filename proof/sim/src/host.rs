//! Hosts: a ledger, a contract, and bad days.

use crate::guard::Whose;
use crate::invariant::Invariant;
use crate::marks::Mark;
use crate::recon::Asking;
use crate::session::Announced;
use crate::swarm::Fault;
use crate::terminal::REFUSALS;
use crate::truth::is_money;
use crate::world::{Coming, MS, SECOND, World};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use switch::HostProfile;
use terms::{BusinessDate, Class, Code, Function, Kind, LinkId, Outcome, Outgoing, Rrn, Stan, Text, Txn};

/// The longest a message may lie in a host's queue: shorter than the guard by as long as a request may wait for
/// the disk before it leaves, which is its deadline.
const LINGER_MAX: u64 = 85 * SECOND;

pub(crate) struct Host {
    pub(crate) profile: HostProfile,
    pub(crate) day: BusinessDate,
    /// The life of the connection, while there is one.
    pub(crate) conn: Option<u64>,
    pub(crate) lives: u64,
    /// It answers nothing before that.
    pub(crate) dead_until: u64,
    /// It takes no connection before that.
    pub(crate) away_until: u64,
    /// A connection keeps its order.
    free_at: u64,
    /// Every dialect says the trace number of the original and the reference number; not every one says when
    /// the original was transmitted.
    ledger: BTreeMap<(u32, Rrn), Entry>,
    /// Advices it has followed, by their own numbers. That is what it means to know their repeats: a copy that
    /// lay in a queue until after a reversal is still a copy.
    followed: BTreeSet<(u32, Rrn)>,
    /// Operations its people have put right by hand: nothing else it hears of them changes anything.
    pub(crate) closed: BTreeSet<usize>,
    /// What it has to say about its day.
    pub(crate) announced: Option<Announced>,
    pub(crate) last_stan: u32,
    /// What it wants to know of a day.
    pub(crate) asking: Option<Asking>,
    /// Until when answers of it are on their way: it ends no day under them.
    pub(crate) answers_until: u64,
}

/// What the ledger says of one request.
#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    posted: bool,
    reversed: bool,
    refused: bool,
    buried: bool,
}

/// A message on its way to a host.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) link: LinkId,
    pub(crate) conn: u64,
    /// Which operation it is about: for the checks, never for the host.
    pub(crate) op: Option<usize>,
    pub(crate) request: Arc<Txn>,
    pub(crate) ours: Outgoing,
}

impl Host {
    pub(crate) fn new(profile: HostProfile) -> Self {
        let day = BusinessDate::new(2026, 11, 22).expect("a day");
        Self {
            profile,
            day,
            conn: None,
            lives: 0,
            dead_until: 0,
            away_until: 0,
            free_at: 0,
            ledger: BTreeMap::new(),
            followed: BTreeSet::new(),
            closed: BTreeSet::new(),
            announced: None,
            last_stan: 0,
            asking: None,
            answers_until: 0,
        }
    }
}

impl World {
    /// Bytes were handed to the connection: from here on the host may have them.
    pub(crate) fn transmit(&mut self, frame: Frame) {
        let delay = self.luck.between(MS, 20 * MS);
        let host = &mut self.hosts[usize::from(frame.link.0)];
        host.free_at = (host.free_at + 1).max(self.now + delay);
        let wait = host.free_at - self.now;
        self.after(wait, Coming::ToHost(Box::new(frame)));
    }

    pub(crate) fn host_receives(&mut self, frame: Box<Frame>) {
        let cut = self.hosts[usize::from(frame.link.0)].conn != Some(frame.conn);
        if cut && self.luck.below(2) == 0 {
            self.marks.hit(Mark::LinkCutMidFlight);
            self.cut_in_half(&frame);
            return self.tell(frame.op, || "frame lost with its connection".into());
        }
        let lingers = self.strikes(Fault::HostLinger);
        let wait = match lingers {
            true => self.luck.between(SECOND, LINGER_MAX),
            false => self.luck.between(2 * MS, 50 * MS),
        };
        self.after(wait, Coming::HostActs(frame));
    }

    pub(crate) fn host_acts(&mut self, frame: &Frame) {
        let message = frame.request.message;
        if message.class == Class::Network {
            return self.host_manages(frame);
        }
        if message.class == Class::Reconciliation {
            return self.host_compares(frame);
        }
        let is_closed = frame.op.is_some_and(|op| self.hosts[usize::from(frame.link.0)].closed.contains(&op));
        let (code, outcome) = match (message.class, message.function) {
            (_, Function::Advice) if is_closed => (Code::Approved, Outcome::Approved),
            _ if is_closed => (Code::InvalidTransaction, Outcome::Refused),
            (Class::Reversal, _) => self.host_reverses(frame),
            (Class::Financial, Function::Advice) => self.host_is_advised(frame),
            _ => self.host_decides(frame),
        };
        let kind = message.digits();
        self.tell(frame.op, || {
            format!("host {} took {kind:?} stan {} and says {code}", frame.link.0, frame.ours.stan)
        });
        self.host_answers(frame, code, outcome);
        self.cut_between_legs(frame);
    }

    fn entry(&mut self, frame: &Frame, id: (u32, Rrn)) -> &mut Entry {
        self.hosts[usize::from(frame.link.0)].ledger.entry(id).or_default()
    }

    fn host_decides(&mut self, frame: &Frame) -> (Code, Outcome) {
        let said = |code: Code| (code, code.outcome());
        let id = (frame.ours.stan.0, frame.ours.rrn);
        if !is_money(frame.request.kind) {
            return said(Code::Approved);
        }
        let refuses = self.luck.below(8) == 0;
        let knows_not = self.strikes(Fault::HostUnknown);
        let posts = self.luck.below(2) == 0;
        let refusal = REFUSALS[self.luck.below(REFUSALS.len() as u64) as usize];
        let entry = self.entry(frame, id);
        if entry.buried {
            self.marks.hit(Mark::RequestLingered);
            return said(Code::InvalidTransaction);
        }
        if entry.posted {
            // Advised already, or asked twice: a host of this kind knows its own books.
            if frame.op.is_some_and(|op| self.truth.ops[op].books(frame.link).frames > 1) {
                self.post(frame, id);
            }
            return said(Code::Approved);
        }
        if refuses {
            entry.refused = true;
            return said(refusal);
        }
        if knows_not {
            entry.refused = !posts;
            if posts {
                self.post(frame, id);
            }
            return (Code::NoAnswer, Outcome::Unknown);
        }
        self.post(frame, id);
        said(Code::Approved)
    }

    fn post(&mut self, frame: &Frame, id: (u32, Rrn)) {
        let entry = self.entry(frame, id);
        (entry.posted, entry.refused) = (true, false);
        let Some(op) = frame.op else { return };
        let amount = frame.request.amount.minor_units() as i64;
        let books = self.truth.ops[op].books_mut(frame.link);
        books.posted += 1;
        books.net += amount;
        let times = books.posted;
        self.book_at_host(frame, amount, frame.request.kind);
        self.truth.holds(times <= 1, Invariant::I2, op, |_| format!("posted {times} times"));
    }

    fn host_reverses(&mut self, frame: &Frame) -> (Code, Outcome) {
        let said = |code: Code| (code, code.outcome());
        let profile = self.hosts[usize::from(frame.link.0)].profile;
        if self.strikes(Fault::HostBusy) {
            return said(if self.luck.below(8) == 0 { Code::Malfunction } else { Code::HostDown });
        }
        let original = frame.request.original.unwrap_or_default();
        let id = (original.stan.unwrap_or(Stan(0)).0, frame.ours.rrn);
        let coin = self.luck.below(3);
        let entry = *self.entry(frame, id);
        if !entry.posted {
            if profile.tombstones {
                self.entry(frame, id).buried = true;
            } else if let Some(op) = frame.op
                && self.now < self.truth.ops[op].books(frame.link).asked_at + u64::from(profile.guard_ms) * MS
            {
                self.marks.hit(Mark::NoOriginalBeforeGuard);
            }
            return said(if entry.refused && coin == 0 { Code::Approved } else { Code::NotFound });
        }
        if entry.reversed && profile.dedups_reversals {
            return said([Code::Approved, Code::Duplicate, Code::SuspectedMalfunction][coin as usize]);
        }
        self.entry(frame, id).reversed = true;
        if let Some(op) = frame.op {
            self.reverse(op, frame);
        }
        said(Code::Approved)
    }

    fn reverse(&mut self, op: usize, frame: &Frame) {
        let amount = frame.request.amount.minor_units() as i64;
        let remaining = frame.request.remaining.unwrap_or_default().minor_units() as i64;
        let whole = amount == self.truth.ops[op].sent_amount as i64 && remaining <= amount;
        let books = self.truth.ops[op].books_mut(frame.link);
        books.reversed += 1;
        books.net -= amount - remaining;
        let (reversed, posted) = (books.reversed, books.posted);
        self.unbook_at_host(frame, amount - remaining);
        self.truth.holds(reversed <= posted, Invariant::I3, op, |_| {
            format!("reversed {reversed} times, posted {posted}")
        });
        self.truth.holds(whole, Invariant::I7, op, |op| format!("{amount} reversed of {}", op.sent_amount));
    }

    fn host_is_advised(&mut self, frame: &Frame) -> (Code, Outcome) {
        let said = |code: Code| (code, code.outcome());
        if self.strikes(Fault::HostBusy) {
            return said(if self.luck.below(8) == 0 { Code::InvalidCard } else { Code::Busy });
        }
        if !is_money(frame.request.kind) {
            // A stranger's report of a question: nothing to post.
            return said(Code::Approved);
        }
        let number = (frame.ours.stan.0, frame.ours.rrn);
        if self.hosts[usize::from(frame.link.0)].followed.contains(&number) {
            return said(Code::Approved);
        }
        if self.is_of_another_day(frame) {
            return said(Code::WrongBusinessDate);
        }
        self.hosts[usize::from(frame.link.0)].followed.insert(number);
        // A report without a request is the first this host hears of it.
        let stan = frame.request.original.and_then(|original| original.stan).unwrap_or(frame.ours.stan);
        let id = (stan.0, frame.ours.rrn);
        let entry = *self.entry(frame, id);
        // A report that names its request may come after that was undone; one without is known by its own number.
        let undone = entry.reversed && frame.request.original.is_some();
        if !entry.posted || undone {
            self.post(frame, id);
        }
        said(Code::Approved)
    }

    fn host_answers(&mut self, frame: &Frame, code: Code, outcome: Outcome) {
        if self.strikes(Fault::HostSilent) || self.hosts[usize::from(frame.link.0)].dead_until > self.now {
            return;
        }
        let request = &frame.request;
        let Some(message) = request.message.answered_by() else { return };
        let mut answer = Txn {
            kind: request.kind,
            stan: frame.ours.stan,
            rrn: frame.ours.rrn,
            amount: request.amount,
            terminal_id: request.terminal_id,
            code: Some(code),
            outcome: Some(outcome),
            wire_code: Text::clipped(wire_code(code)),
            approval_code: Text::clipped(if code == Code::Approved { b"A1B2C3" } else { b"" }),
            settlement_date: self.settles_on(frame, code),
            ..Txn::new(message)
        };
        match self.read_of_host(frame, answer) {
            Some(read) => answer = read,
            None => return,
        }
        if self.strikes(Fault::HostWrongStan) {
            answer.stan = Stan(1 + self.luck.below(400) as u32);
        }
        let wait = match self.strikes(Fault::HostSlow) {
            true => self.luck.between(5 * SECOND, 150 * SECOND),
            false => self.luck.between(MS, 20 * MS),
        };
        let host = &mut self.hosts[usize::from(frame.link.0)];
        host.answers_until = host.answers_until.max(self.now + wait);
        let Some(conn) = host.conn else { return };
        if self.strikes(Fault::HostTwice) {
            let later = wait + self.luck.about(10 * SECOND);
            let again = self.coded(Whose::Host(frame.link), conn, answer.clone());
            self.after(later, again);
        }
        let answer = self.coded(Whose::Host(frame.link), conn, answer);
        self.after(wait, answer);
    }
}

fn wire_code(code: Code) -> &'static [u8] {
    match code {
        Code::Approved => b"00",
        Code::NotFound => b"25",
        _ => b"05",
    }
}

/// Whether the kind is one of deposits.
pub(crate) const fn is_deposit(kind: Kind) -> bool {
    matches!(kind, Kind::Deposit)
}
