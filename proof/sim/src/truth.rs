//! What is true: of each key, what the terminal did, what the journal says and what the host's ledger holds,
//! and the comparison of the three.

use crate::invariant::{Broken, Invariant};
use crate::items::OF_DAYS;
use crate::transfer::{Books, Legs};
use crate::world::HOSTS;
use journal::{Duty, Forward, Key, Record, Remembered, Ruling, Sent};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{BuildHasherDefault, Hasher};
use terms::{BusinessDate, Code, ForwardId, Kind, LinkId, Original, Outcome, Rrn, Stan, TxnId};

/// A hash without a seed of its own: two runs of a seed are the same run.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Fixed(u64);

impl Hasher for Fixed {
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 29)
    }

    fn write(&mut self, bytes: &[u8]) {
        for piece in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..piece.len()].copy_from_slice(piece);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u8(&mut self, value: u8) {
        self.write_u64(u64::from(value));
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = (self.0.rotate_left(5) ^ value).wrapping_mul(0x517C_C1B7_2722_0A95);
    }
}

type FixedMap<K, V> = HashMap<K, V, BuildHasherDefault<Fixed>>;

/// What became of the cash of one operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cash {
    /// Nobody can say yet.
    Open,
    /// So much left the machine, or stayed in it.
    Moved(u64),
    /// None did.
    Stayed,
}

/// One key: all that anybody knows of it.
#[derive(Clone, Debug)]
pub(crate) struct Op {
    pub(crate) key: Key,
    pub(crate) kind: Kind,
    pub(crate) amount: u64,
    pub(crate) honest: bool,
    pub(crate) host: LinkId,
    // The terminal.
    pub(crate) cash: Cash,
    pub(crate) taken_back: bool,
    // The loop, before durability.
    pub(crate) undoing: bool,
    pub(crate) undone: bool,
    /// An owed message about it was sent.
    pub(crate) tried: bool,
    /// It was taken back while it was in flight.
    pub(crate) marked: bool,
    /// It is a person's, as far as the lane has said, durable or not.
    pub(crate) a_persons: bool,
    // The journal, as far as it is durable.
    pub(crate) id: Option<TxnId>,
    pub(crate) sent_amount: u64,
    pub(crate) host_stan: u32,
    pub(crate) business_date: Option<BusinessDate>,
    pub(crate) decided: Option<Remembered>,
    pub(crate) never_sent: bool,
    pub(crate) tombstone: bool,
    /// People were told that its reversal came, and it did not. That explains nothing about money.
    buried: bool,
    pub(crate) owed: u32,
    pub(crate) pending: u32,
    /// People were told of it: of itself, of the day it is counted under, and of the end of what was owed for it.
    pub(crate) noted: u32,
    pub(crate) of_days: u32,
    pub(crate) ended: u32,
    // The hosts: the only one, or the one that pays; and the one that receives.
    pub(crate) first: Books,
    pub(crate) legs: Option<Legs>,
}

impl Op {
    /// Whether a person has it to look at, for certain. Who knows that days differ looks for no money.
    pub(crate) fn is_listed(&self) -> bool {
        self.noted + self.ended > 0
    }

    /// Whether people know of it at all, and be it of the day it is counted under.
    pub(crate) fn is_known(&self) -> bool {
        self.is_listed() || self.of_days > 0
    }
}

/// One message that is owed, as far as it is durable.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Owed {
    pub(crate) op: usize,
    pub(crate) link: LinkId,
    pub(crate) duty: Duty,
    pub(crate) remaining: u64,
    pub(crate) stan: u32,
    pub(crate) attempts: u32,
    /// Since when, by the lane's clock.
    pub(crate) since: u64,
    /// Frames of it that left, in all and in this life of the process.
    pub(crate) frames: u32,
    /// When the first attempt under its present number was made by the lane, in this life of the process.
    pub(crate) tried_at: Option<u64>,
    /// What its first frame said of itself, and every other has to say.
    pub(crate) said: Option<(Rrn, Option<Original>)>,
}

/// Everything true in one world.
pub(crate) struct Truth {
    pub(crate) ops: Vec<Op>,
    by_key: FixedMap<Key, usize>,
    pub(crate) by_id: FixedMap<u64, usize>,
    /// What is owed now.
    pub(crate) owed: BTreeMap<u64, Owed>,
    /// The same, link by link.
    pub(crate) owed_to: BTreeSet<(LinkId, u64)>,
    /// What was owed once.
    ended: BTreeSet<u64>,
    pub(crate) created: u64,
    pub(crate) paid: u64,
    pub(crate) handed: u64,
    /// Ended because its source took it back before it was tried.
    pub(crate) withdrawn: u64,
    open_stans: FixedMap<(u16, u32), u64>,
    /// Time-outs of this commit that owe nothing, and reversals of nothing: each needs a person in the same commit.
    must_list: Vec<usize>,
    pub(crate) tombstones: [bool; HOSTS],
    pub(crate) guard_us: u64,
    pub(crate) now: u64,
    /// The lane's own clock.
    pub(crate) lane_now: u64,
    pub(crate) broken: Option<Broken>,
    pub(crate) money_only: bool,
}

impl Truth {
    pub(crate) fn new(money_only: bool) -> Self {
        Self {
            ops: Vec::new(),
            by_key: FixedMap::default(),
            by_id: FixedMap::default(),
            owed: BTreeMap::new(),
            owed_to: BTreeSet::new(),
            ended: BTreeSet::new(),
            created: 0,
            paid: 0,
            handed: 0,
            withdrawn: 0,
            open_stans: FixedMap::default(),
            must_list: Vec::new(),
            tombstones: [false; HOSTS],
            guard_us: 0,
            now: 0,
            lane_now: 0,
            broken: None,
            money_only,
        }
    }

    /// The first thing that does not hold ends the run.
    pub(crate) fn breaks(&mut self, invariant: Invariant, op: Option<usize>, why: impl Into<String>) {
        if self.broken.is_none() && (!self.money_only || invariant.is_about_money()) {
            self.broken = Some(Broken { invariant, why: why.into(), op, at_us: self.now });
        }
    }

    pub(crate) fn holds(
        &mut self,
        holds: bool,
        invariant: Invariant,
        op: usize,
        why: impl FnOnce(&Op) -> String,
    ) {
        if !holds {
            let why = why(&self.ops[op]);
            self.breaks(invariant, Some(op), why);
        }
    }

    pub(crate) fn find(&self, key: &Key) -> Option<usize> {
        self.by_key.get(key).copied()
    }

    /// The operation of that key; one nobody announced is a stranger's.
    pub(crate) fn op(&mut self, key: Key, kind: Kind, amount: u64, host: LinkId, honest: bool) -> usize {
        if let Some(&at) = self.by_key.get(&key) {
            return at;
        }
        let at = self.ops.len();
        self.by_key.insert(key, at);
        self.ops.push(Op {
            key,
            kind,
            amount,
            honest,
            host,
            cash: Cash::Open,
            taken_back: false,
            undoing: false,
            undone: false,
            tried: false,
            marked: false,
            a_persons: false,
            id: None,
            sent_amount: 0,
            host_stan: 0,
            business_date: None,
            decided: None,
            never_sent: false,
            tombstone: false,
            buried: false,
            owed: 0,
            pending: 0,
            noted: 0,
            of_days: 0,
            ended: 0,
            first: Books::default(),
            legs: None,
        });
        at
    }

    /// One more record is durable.
    pub(crate) fn apply(&mut self, record: &Record) {
        match record {
            Record::Sent(sent) | Record::Inquired(sent) => self.on_sent(sent),
            Record::Debited(debited) => self.on_debited(debited),
            Record::Credited(credited) => self.on_credited(credited),
            Record::Decided { id, answer, owes, .. } => {
                let Some(op) = self.decide(*id, *answer) else { return };
                owes.iter().for_each(|forward| self.owe(op, forward));
            }
            Record::TimedOut { id, answer, owes, .. } => {
                let Some(op) = self.decide(*id, *answer) else { return };
                match owes {
                    Some(forward) => self.owe(op, forward),
                    None if is_money(self.ops[op].kind) => self.must_list.push(op),
                    None => {}
                }
            }
            Record::NotSent { id, answer, owes, .. } => {
                if let Some(op) = self.decide(*id, *answer) {
                    self.on_not_sent(op);
                    owes.iter().for_each(|forward| self.owe(op, forward));
                }
            }
            Record::Declined(declined) if declined.takes_key => {
                let op =
                    self.op(declined.key, declined.kind, declined.amount.minor_units(), LinkId(0), false);
                let known = self.ops[op].decided.is_some() || self.ops[op].id.is_some();
                self.holds(!known, Invariant::I10, op, |_| "declined, and decided before".into());
                self.by_id.insert(declined.id.0, op);
                self.ops[op].decided = Some(declined.answer);
                self.ops[op].never_sent = true;
            }
            Record::Stranded(report) => self.on_stranded(report),
            Record::Kept(kept) => {
                let op = self.op(kept.key, kept.kind, 0, LinkId(0), false);
                self.by_id.insert(kept.id.0, op);
                self.ops[op].tombstone = true;
                self.ops[op].decided.get_or_insert(kept.answer);
                self.must_list.push(op);
            }
            Record::Owed { id, forward, .. } => match self.by_id.get(&id.0).copied() {
                Some(op) => self.owe(op, forward),
                None => self.breaks(Invariant::I6, None, format!("{} owed for nothing", forward.id)),
            },
            Record::Advised { sent, forward } => {
                self.on_sent(sent);
                let answer = Remembered::from(&terms::Answer::ours(Code::Approved, Outcome::Approved));
                if let Some(op) = self.decide(sent.id, answer) {
                    self.owe(op, forward);
                }
            }
            Record::Attempt { forward, number, host_stan, .. } => {
                self.on_attempt(*forward, *number, host_stan.0);
            }
            Record::Forwarded { forward, wire_code, owes, .. } => {
                let op = self.owed.get(&forward.0).map(|owed| owed.op);
                self.on_forwarded(*forward, wire_code.as_bytes() == b"25");
                op.iter().for_each(|op| owes.iter().for_each(|owed| self.owe(*op, owed)));
            }
            Record::Withdrawn { id, forward, owes, .. } => {
                let untried = self.owed.get(&forward.0).is_some_and(|owed| owed.attempts == 0);
                let op = self.by_id.get(&id.0).copied();
                if !untried {
                    self.breaks(Invariant::I24, op, format!("{forward} withdrawn, tried or not owed"));
                }
                self.withdrawn += 1;
                self.end(*forward);
                op.iter().for_each(|op| owes.iter().for_each(|owed| self.owe(*op, owed)));
            }
            Record::Exception { id, forward, reason, .. } => {
                forward.iter().for_each(|forward| self.hand_over(*forward));
                if let Some(op) = self.by_id.get(&id.0).copied() {
                    let known = &mut self.ops[op];
                    match (forward, known.tombstone && !known.buried) {
                        (Some(_), _) => known.ended += 1,
                        (None, true) => known.buried = true,
                        (None, false) if OF_DAYS.contains(&reason.as_str()) => known.of_days += 1,
                        (None, false) => known.noted += 1,
                    }
                    self.must_list.retain(|waits| *waits != op);
                }
            }
            Record::Ruled { forward, ruling: Ruling::Settle, .. } => {
                if let Some(op) = self.owed.get(&forward.0).map(|owed| owed.op) {
                    self.ops[op].ended += 1;
                }
                self.hand_over(*forward);
            }
            _ => {}
        }
    }

    /// A commit is complete.
    pub(crate) fn committed(&mut self) {
        if let Some(op) = self.must_list.pop() {
            let why = match self.ops[op].tombstone {
                true => "taken back and never asked, and no person is told by the same commit",
                false => "timed out, and nothing is owed by the same commit",
            };
            self.breaks(Invariant::I5, Some(op), why);
            self.must_list.clear();
        }
    }

    pub(crate) fn on_sent(&mut self, sent: &Sent) {
        let amount = sent.amount.minor_units();
        let op = self.op(sent.key, sent.kind, amount, sent.link, false);
        let fresh = self.ops[op].id.is_none();
        self.holds(fresh, Invariant::I10, op, |op| format!("sent twice, first as {:?}", op.id));
        let unburied = !self.ops[op].tombstone;
        self.holds(unburied, Invariant::I20, op, |_| "sent, though its reversal came first".into());
        self.by_id.insert(sent.id.0, op);
        let known = &mut self.ops[op];
        (known.id, known.sent_amount, known.host) = (Some(sent.id), amount, sent.link);
        // A stranger's words that a crash has lost were never said: what counts is what is durable.
        known.kind = sent.kind;
        (known.business_date, known.host_stan) = (Some(sent.business_date), sent.host_stan.0);
        self.open_stan(op, sent.link, sent.host_stan.0, sent.id.0);
    }

    pub(crate) fn open_stan(&mut self, op: usize, link: LinkId, stan: u32, owner: u64) {
        let before = self.open_stans.insert((link.0, stan), owner);
        let free = before.is_none_or(|before| before == owner);
        self.holds(free, Invariant::I39, op, |_| format!("trace number {stan} is taken by {before:?}"));
    }

    fn decide(&mut self, id: TxnId, answer: Remembered) -> Option<usize> {
        let Some(op) = self.by_id.get(&id.0).copied() else {
            self.breaks(Invariant::I10, None, format!("{id} decided, and never sent"));
            return None;
        };
        let open = self.ops[op].decided.is_none();
        self.holds(open, Invariant::I10, op, |op| format!("decided twice, first {:?}", op.decided));
        self.ops[op].decided = Some(answer);
        self.close_stan(op, id);
        Some(op)
    }

    /// Frees the number of the leg that was asked last.
    pub(crate) fn close_stan(&mut self, op: usize, id: TxnId) {
        let (link, stan) = self.ops[op].asked_last();
        if self.open_stans.get(&(link.0, stan)) == Some(&id.0) {
            self.open_stans.remove(&(link.0, stan));
        }
    }

    fn owe(&mut self, op: usize, forward: &Forward) {
        self.created += 1;
        let known = &self.ops[op];
        let (never_sent, pending) = (known.was_never_sent(forward.link), known.pending);
        let standing = known.honest
            && forward.duty == Duty::Reversal
            && !known.taken_back
            && matches!(known.cash, Cash::Moved(_))
            && known.kind != Kind::Deposit;
        let other_day = known.business_date_at(forward.link) != Some(forward.business_date);
        self.holds(!never_sent, Invariant::I16, op, |_| "owed for what was never sent".into());
        self.holds(pending == 0, Invariant::I5, op, |_| "owed a second thing".into());
        self.holds(!standing, Invariant::I4, op, |_| "reversal owed for what was dispensed".into());
        self.holds(!other_day, Invariant::I31, op, |_| "owed under another business date".into());
        self.look_at_order(op, forward);
        let whole = self.ops[op].sent_amount;
        let part = forward.remaining.minor_units();
        self.holds(part <= whole, Invariant::I7, op, |_| format!("{part} remains of {whole}"));
        let known = &mut self.ops[op];
        known.owed += 1;
        known.pending += 1;
        known.undone |= forward.duty == Duty::Reversal;
        known.undoing |= known.undone;
        let (link, stan) = (forward.link, forward.host_stan.0);
        self.open_stan(op, link, stan, OWED + forward.id.0);
        let since = self.lane_now;
        let (duty, remaining) = (forward.duty, part);
        let said = None;
        let owed =
            Owed { op, link, duty, remaining, stan, attempts: 0, since, frames: 0, tried_at: None, said };
        self.owed.insert(forward.id.0, owed);
        self.owed_to.insert((link, forward.id.0));
    }

    /// The owed message that number stands for.
    pub(crate) fn owed_under(&self, link: LinkId, stan: Stan) -> Option<u64> {
        let owner = self.open_stans.get(&(link.0, stan.0)).copied();
        owner.filter(|owner| *owner >= OWED).map(|owner| owner - OWED)
    }

    /// The process is another: connections are new, so that no answer to an earlier attempt can come any more,
    /// and its clock begins anew.
    pub(crate) fn forget_attempts(&mut self) {
        self.owed.values_mut().for_each(|owed| (owed.tried_at, owed.since) = (None, 0));
    }

    fn on_attempt(&mut self, id: ForwardId, number: u32, stan: u32) {
        let Some(owed) = self.owed.get(&id.0).copied() else {
            return self.breaks(Invariant::I9, None, format!("attempt of {id}, which is not owed"));
        };
        let next = owed.attempts + 1 == number;
        self.holds(next, Invariant::I9, owed.op, |_| format!("attempt {number} after {}", owed.attempts));
        if stan != owed.stan {
            self.open_stans.remove(&(owed.link.0, owed.stan));
            self.open_stan(owed.op, owed.link, stan, OWED + id.0);
        }
        if let Some(owed) = self.owed.get_mut(&id.0) {
            owed.tried_at = owed.tried_at.filter(|_| owed.stan == stan);
            (owed.attempts, owed.stan) = (number, stan);
        }
    }

    fn on_forwarded(&mut self, id: ForwardId, not_found: bool) {
        let Some(owed) = self.owed.get(&id.0).copied() else {
            return self.breaks(Invariant::I24, None, format!("{id} paid, and not owed"));
        };
        let (op, tombstones) = (owed.op, self.tombstones[usize::from(owed.link.0)]);
        let asked_at = self.ops[op].books(owed.link).asked_at;
        let guarded = owed.tried_at.is_some_and(|at| at >= asked_at + self.guard_us);
        self.holds(!not_found || guarded || tombstones, Invariant::I21, op, |_| {
            format!("asked at {asked_at}, reversal tried at {:?}, believed", owed.tried_at)
        });
        self.paid += 1;
        self.end(id);
    }

    fn hand_over(&mut self, id: ForwardId) {
        if !self.owed.contains_key(&id.0) {
            let why = if self.ended.contains(&id.0) { "ended twice" } else { "never owed" };
            return self.breaks(Invariant::I24, None, format!("{id} handed over, {why}"));
        }
        self.handed += 1;
        self.end(id);
    }

    fn end(&mut self, id: ForwardId) {
        let Some(owed) = self.owed.remove(&id.0) else { return };
        self.owed_to.remove(&(owed.link, id.0));
        self.ended.insert(id.0);
        self.open_stans.remove(&(owed.link.0, owed.stan));
        self.ops[owed.op].pending = self.ops[owed.op].pending.saturating_sub(1);
    }

    /// What is still owed, as far as it is durable.
    pub(crate) fn pending(&self) -> u64 {
        self.created - self.paid - self.handed - self.withdrawn
    }

    /// At rest: cash against books, key by key and in sum.
    pub(crate) fn settle(&mut self) {
        let (mut books, mut cash, mut told) = (0_i64, 0_i64, 0_i64);
        for at in 0..self.ops.len() {
            let op = &self.ops[at];
            if !op.honest || !is_money(op.kind) {
                continue;
            }
            let moved = match op.cash {
                Cash::Moved(amount) => amount as i64,
                Cash::Open | Cash::Stayed => 0,
            };
            let (left, arrived) = op.left_and_arrived(moved);
            (books, cash) = (books + left, cash + arrived);
            let differs = left != moved || arrived != moved;
            if differs && op.is_listed() {
                told += left - arrived;
            }
            // Once of the key, of each matter of days, and of the end of the one thing that was owed for it.
            let once = op.noted <= 1 && op.of_days <= OF_DAYS.len() as u32 && op.ended <= op.owed;
            self.holds(once && (!differs || op.is_listed()), Invariant::I1, at, |op| {
                let (cash, noted, ended) = (op.cash, op.noted, op.ended);
                let two = if op.legs.is_some() { format!(", the other host {arrived}") } else { String::new() };
                format!("the host holds {left}{two}, the terminal says {cash:?}, people know {noted} + {ended} times")
            });
        }
        self.compare_sums(books, cash, told);
    }

    /// Whether accounts and cassettes moved by the same sum, but for what persons were told of.
    pub(crate) fn compare_sums(&mut self, books: i64, cash: i64, told: i64) -> bool {
        let same = books - cash == told;
        if !same {
            self.breaks(Invariant::I8, None, format!("books {books}, cash {cash}, told {told}"));
        }
        same
    }
}

/// Owners of trace numbers: transactions below, owed messages above.
const OWED: u64 = 1 << 48;

/// Whether cash hangs on it.
pub(crate) const fn is_money(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Withdrawal
            | Kind::Deposit
            | Kind::Purchase
            | Kind::BillPayment
            | Kind::Transfer
            | Kind::TransferOut
            | Kind::TransferIn
    )
}
