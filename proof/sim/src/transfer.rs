//! Transfers: what each of two hosts holds of one key, what a terminal makes of what it is told, and what has
//! been seen on the way from the debit to the credit and back.

use crate::host::Frame;
use crate::invariant::Invariant;
use crate::marks::Mark;
use crate::speech::Speech;
use crate::swarm::Fault;
use crate::truth::{Cash, Op, Truth};
use crate::world::{SECOND, World};
use journal::{Credited, Debited, Declined, Duty, Forward, Record};
use switch::{Receiver, Routes};
use terms::{BusinessDate, ForwardId, Function, Kind, LinkId, Outcome, Text, Txn, TxnId};

/// First digits of accounts each host keeps; those of none are at the host that pays.
const ACCOUNTS: [&[u8]; 4] = [b"45", b"62", b"53", b"90"];

/// What one host holds of one key, and when and how often it was asked.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Books {
    /// When the lane said so last, durable or not.
    pub(crate) asked_at: u64,
    pub(crate) frames: u32,
    pub(crate) posted: u32,
    pub(crate) reversed: u32,
    pub(crate) net: i64,
    /// On which day the host has posted it.
    pub(crate) day: Option<BusinessDate>,
    /// On which day it has undone it, where it says so.
    pub(crate) undone_on: Option<BusinessDate>,
    /// Our totals count it as done.
    pub(crate) is_counted: bool,
}

/// What makes an operation a transfer between two hosts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Legs {
    /// Where the credit is to go.
    pub(crate) onward: LinkId,
    /// The lane has said that the credit goes out, durable or not.
    pub(crate) noted: bool,
    /// The lane has said that the credit is undone, durable or not.
    pub(crate) undone: bool,
    /// The credit, where its record is durable.
    pub(crate) credit: Option<Credited>,
    /// Not a byte of it left.
    pub(crate) never_sent: bool,
    pub(crate) books: Books,
}

impl Legs {
    pub(crate) fn to(onward: LinkId) -> Self {
        let books = Books::default();
        Self { onward, noted: false, undone: false, credit: None, never_sent: false, books }
    }
}

impl Op {
    fn credit_to(&self, link: LinkId) -> Option<&Legs> {
        self.legs.as_ref().filter(|legs| legs.onward == link)
    }

    /// Whether that link is the one of a second leg.
    pub(crate) fn is_credit(&self, link: LinkId) -> bool {
        self.credit_to(link).is_some()
    }

    /// What the host on that link holds of it.
    pub(crate) fn books(&self, link: LinkId) -> &Books {
        self.credit_to(link).map_or(&self.first, |legs| &legs.books)
    }

    pub(crate) fn books_mut(&mut self, link: LinkId) -> &mut Books {
        match &mut self.legs {
            Some(legs) if legs.onward == link => &mut legs.books,
            _ => &mut self.first,
        }
    }

    /// Whether the permit of what goes there is durable.
    pub(crate) fn is_permitted(&self, link: LinkId) -> bool {
        self.credit_to(link).map_or(self.id.is_some(), |legs| legs.credit.is_some())
    }

    /// Whether the host there has provably never been asked.
    pub(crate) fn was_never_sent(&self, link: LinkId) -> bool {
        self.credit_to(link).map_or(self.never_sent, |legs| legs.credit.is_none() || legs.never_sent)
    }

    /// Our trace number there.
    pub(crate) fn host_stan_at(&self, link: LinkId) -> u32 {
        let credit = self.credit_to(link).and_then(|legs| legs.credit);
        credit.map_or(self.host_stan, |credit| credit.host_stan.0)
    }

    /// The day it is counted under there.
    pub(crate) fn business_date_at(&self, link: LinkId) -> Option<BusinessDate> {
        match self.credit_to(link) {
            Some(legs) => legs.credit.map(|credit| credit.business_date),
            None => self.business_date,
        }
    }

    /// Where it was asked last, and under which number.
    pub(crate) fn asked_last(&self) -> (LinkId, u32) {
        let credit = self.legs.and_then(|legs| legs.credit);
        credit.map_or((self.host, self.host_stan), |credit| (credit.link, credit.host_stan.0))
    }

    /// What left, and what arrived: at rest they are the same, or a person knows.
    pub(crate) fn left_and_arrived(&self, moved: i64) -> (i64, i64) {
        (self.first.net, self.legs.map_or(moved, |legs| legs.books.net))
    }
}

impl Truth {
    /// The debit is durable, and where its credit is to go.
    pub(crate) fn on_debited(&mut self, debited: &Debited) {
        self.on_sent(&debited.sent);
        if let Some(&op) = self.by_id.get(&debited.sent.id.0) {
            let legs = self.ops[op].legs.get_or_insert(Legs::to(debited.onward.link));
            legs.onward = debited.onward.link;
        }
    }

    /// The debit is known, and the credit permitted.
    pub(crate) fn on_credited(&mut self, credited: &Credited) {
        let Some(op) = self.by_id.get(&credited.id.0).copied() else {
            let why = format!("{} credited, and never debited", credited.id);
            return self.breaks(Invariant::I10, None, why);
        };
        let fresh = self.ops[op].legs.is_some_and(|legs| legs.credit.is_none());
        let open = self.ops[op].decided.is_none();
        self.holds(fresh && open, Invariant::I10, op, |_| "credited twice, or behind its decision".into());
        self.close_stan(op, credited.id);
        if let Some(legs) = &mut self.ops[op].legs {
            legs.credit = Some(*credited);
        }
        self.open_stan(op, credited.link, credited.host_stan.0, credited.id.0);
    }

    /// Reported as done, and half of it must not be posted: nobody was asked, and a person has it.
    pub(crate) fn on_stranded(&mut self, report: &Declined) {
        let op = self.op(report.key, report.kind, report.amount.minor_units(), LinkId(0), false);
        let known = self.ops[op].decided.is_some() || self.ops[op].id.is_some();
        self.holds(!known, Invariant::I10, op, |_| "stranded, and decided before".into());
        self.by_id.insert(report.id.0, op);
        (self.ops[op].decided, self.ops[op].never_sent) = (Some(report.answer), true);
    }

    /// It was proved that nothing left: of the leg that was asked last.
    pub(crate) fn on_not_sent(&mut self, op: usize) {
        match &mut self.ops[op].legs {
            Some(legs) if legs.credit.is_some() => legs.never_sent = true,
            _ => self.ops[op].never_sent = true,
        }
    }

    /// Nobody is given his debit back while the other's account holds the credit.
    pub(crate) fn look_at_order(&mut self, op: usize, forward: &Forward) {
        let known = &self.ops[op];
        let stands = known.legs.is_some_and(|legs| legs.books.net != 0);
        let early = stands && forward.duty == Duty::Reversal && !known.is_credit(forward.link);
        self.holds(!early, Invariant::I8, op, |_| "the debit is given back, and the credit stands".into());
    }
}

impl World {
    /// What a record says about the legs of a transfer, at the moment it is written.
    pub(crate) fn note_legs(&mut self, record: &Record) {
        match record {
            Record::Debited(debited) => {
                self.change_legs(debited.sent.id, |legs| *legs = Some(Legs::to(debited.onward.link)));
            }
            Record::Stranded(report) => {
                let op = self.truth.op(report.key, report.kind, 0, LinkId(0), false);
                self.truth.by_id.insert(report.id.0, op);
            }
            Record::Sent(sent) => self.change_legs(sent.id, |legs| *legs = None),
            Record::Credited(credited) => {
                let now = self.now;
                self.change_legs(credited.id, |legs| {
                    if let Some(legs) = legs {
                        (legs.noted, legs.books.asked_at) = (true, now);
                    }
                });
            }
            Record::Forwarded { forward, owes, .. } => self.note_undone(*forward, owes.as_ref()),
            _ => {}
        }
        let op = record.id().and_then(|id| self.truth.by_id.get(&id.0).copied());
        if let Some(mark) = op.and_then(|op| mark_of(&self.truth.ops[op], record)) {
            self.marks.hit(mark);
        }
    }

    fn change_legs(&mut self, id: TxnId, change: impl FnOnce(&mut Option<Legs>)) {
        if let Some(&op) = self.truth.by_id.get(&id.0) {
            change(&mut self.truth.ops[op].legs);
        }
    }

    /// A debt is paid: of a credit, and then the debit is owed by the same record; or of that debit.
    fn note_undone(&mut self, forward: ForwardId, owes: Option<&Forward>) {
        self.process.owed += u64::from(owes.is_some());
        let Some(paid) = self.truth.owed.get(&forward.0).copied() else { return };
        let (op, paid_to) = (paid.op, paid.link);
        if let Some(next) = owes {
            self.process.owed_for.insert(next.id.0, op);
            self.truth.ops[op].undoing = true;
        }
        let known = &mut self.truth.ops[op];
        let is_debit = !known.is_credit(paid_to);
        let Some(legs) = &mut known.legs else { return };
        let both = legs.undone && is_debit;
        legs.undone |= owes.is_some();
        if both {
            self.marks.hit(Mark::TransferUndone);
        }
    }

    /// A death: how far were the transfers?
    pub(crate) fn mark_deaths_between_legs(&mut self) {
        let (mut between, mut in_flight) = (0, 0);
        for op in self.truth.ops.iter_mut().filter(|op| op.decided.is_none()) {
            let Some(legs) = &mut op.legs else { continue };
            let unsaid = std::mem::take(&mut legs.noted) && legs.credit.is_none();
            between += u32::from(unsaid);
            in_flight += u32::from(legs.credit.is_some());
        }
        (0..between).for_each(|_| self.marks.hit(Mark::CrashBetweenLegs));
        (0..in_flight).for_each(|_| self.marks.hit(Mark::CrashWithCredit));
    }

    /// The link a credit is to go to is cut when the debit is done, or when the credit waits for the disk.
    pub(crate) fn cut_between_legs(&mut self, debit: &Frame) {
        let onward = debit.op.and_then(|op| self.truth.ops[op].legs).map(|legs| legs.onward);
        let Some(onward) = onward.filter(|onward| *onward != debit.link) else { return };
        if debit.request.message.function != Function::Request
            || !std::mem::take(&mut self.process.cut_between_legs)
        {
            return;
        }
        if self.luck.below(2) == 0 {
            self.process.cut_wanted = Some(onward);
        } else {
            let wait = self.luck.about(10 * SECOND);
            self.cut_link(onward, wait);
        }
    }

    /// The death that waits for a credit whose record the disk does not have yet.
    pub(crate) fn die_under_a_credit(&mut self) {
        let is_credit = |speech: &Speech| matches!(speech, Speech::Request { request, .. } if request.kind == Kind::TransferIn && request.message.function == Function::Request);
        if self.process.die_between_legs && self.process.held.iter().any(|(_, speech)| is_credit(speech)) {
            self.process.die_between_legs = false;
            self.crash();
        }
    }

    /// To an account of the other host, of the same, or of one that no line names.
    pub(crate) fn make_transfer(&mut self, request: Txn) -> Txn {
        let mut account = [b'1'; 16];
        account[..2].copy_from_slice(ACCOUNTS[self.luck.below(4) as usize]);
        account[8..].copy_from_slice(format!("{:08}", self.luck.below(100_000_000)).as_bytes());
        let mut request = Txn { to_account: Text::clipped(&account), ..request };
        request.carried.push(terms::Noun::Account2, &account);
        request
    }

    /// What the terminal makes of the answer: a receipt in the customer's hand, or nothing of it.
    pub(crate) fn on_transfer_decision(&mut self, at: usize, op: usize, outcome: Outcome) {
        let known = &self.truth.ops[op];
        match outcome {
            Outcome::Approved => {
                let (amount, two) = (known.amount, known.legs.is_some());
                self.marks.hit(if two { Mark::TransferOfTwo } else { Mark::TransferOfOne });
                if self.strikes(Fault::Dispenser) {
                    self.truth.ops[op].cash = Cash::Stayed;
                    return self.take_back(at, op, 0);
                }
                self.moved(op, amount);
                self.done(at);
            }
            // Nobody can say: as far as the customer goes it is not done, and has to be undone.
            Outcome::Unknown => {
                self.truth.ops[op].cash = Cash::Stayed;
                self.take_back(at, op, 0);
            }
            Outcome::Refused | Outcome::NotSent => {
                self.truth.ops[op].cash = Cash::Stayed;
                self.done(at);
            }
        }
    }
}

/// What is worth having seen of a transfer between two hosts.
fn mark_of(op: &Op, record: &Record) -> Option<Mark> {
    if let Record::Stranded(_) = record {
        return Some(Mark::TransferStranded);
    }
    let legs = op.legs.as_ref()?;
    match record {
        Record::Decided { owes: Some(owed), .. } if !legs.noted => {
            (!op.marked && owed.link == op.host).then_some(Mark::NoWayToCredit)
        }
        Record::Decided { owes: Some(owed), .. } => Some(match owed.link == legs.onward {
            true => Mark::TakenBackInFlight,
            false => Mark::CreditRefused,
        }),
        Record::NotSent { owes: Some(_), .. } => Some(Mark::CreditUnsent),
        Record::TimedOut { owes: Some(owed), .. } => match (owed.duty, owed.link == legs.onward) {
            (Duty::Advice, _) => Some(Mark::CreditAdvised),
            (Duty::Reversal, true) => Some(Mark::TakenBackInFlight),
            (Duty::Reversal, false) => Some(Mark::DebitUnknown),
        },
        _ => None,
    }
}

/// The routes of the switch, with where each account is kept.
pub(crate) fn with_receivers(routes: Routes) -> Routes {
    let line = |at: u16, name: &str| Receiver {
        prefix: Text::clipped(ACCOUNTS[usize::from(at)]),
        source: None,
        link: LinkId(at),
        name: Text::clipped(name.as_bytes()),
    };
    routes.with_receivers(vec![line(0, "to bank"), line(1, "to cards"), line(2, "to net")])
}
