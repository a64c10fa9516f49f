//! Terminals. The honest one keeps its own journal: it knows whether cash moved, asks again, takes back what it
//! cannot stand for until that is acknowledged, and reports what it kept. The hostile one says anything.

use crate::guard::Whose;
use crate::invariant::Invariant;
use crate::marks::Mark;
use crate::swarm::Fault;
use crate::truth::{Cash, is_money};
use crate::world::{Coming, HOSTS, MS, SECOND, World};
use journal::Key;
use terms::{
    Amount, BusinessDate, Class, Code, Function, Kind, LinkId, LocalTime, MessageType, Original, Outcome,
    Pan, SourceId, Stan, Text, Txn,
};

/// The source of everybody who can make an unknown outcome consistent.
pub(crate) const ATMS: SourceId = SourceId(0);
/// A source without a way to consistency: no cash there.
const KIOSKS: SourceId = SourceId(1);

/// A stranger says again what it said so long ago, and nothing older: the switch forgets as well, after so many
/// transactions, and then takes a repeat for news.
const WORDS_KEPT: u64 = 6 * 3_600 * SECOND;

pub(crate) struct Terminal {
    name: Text<16>,
    /// The life of its connection.
    pub(crate) conn: Option<u64>,
    lives: u64,
    last_stan: u32,
    generation: u32,
    doing: Option<Doing>,
    /// What a hostile one has said before, and when.
    said: Vec<(u64, Txn)>,
}

struct Doing {
    op: usize,
    phase: Phase,
    request: Txn,
    tries: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Asking,
    TakingBack(u64),
    Reporting,
}

impl Terminal {
    pub(crate) fn new(at: usize) -> Self {
        let name = Text::clipped(format!("ATM{at:05}").as_bytes());
        Self { name, conn: None, lives: 0, last_stan: 0, generation: 0, doing: None, said: Vec::new() }
    }
}

pub(crate) fn message(digits: [u8; 3]) -> MessageType {
    MessageType::from_digits(digits).expect("digits of a type")
}

impl World {
    pub(crate) fn begin(&mut self, at: usize) {
        if self.calm {
            return;
        }
        let wait = self.luck.about(15 * SECOND) * self.swarm.stretch;
        self.after(wait + 100 * MS, Coming::Begin(at));
        if self.is_hostile(at) {
            return self.say_anything(at);
        }
        if self.terminals[at].doing.is_some() {
            return;
        }
        self.begun += 1;
        self.busy += 1;
        let offline = self.strikes(Fault::Offline);
        let mut request = self.new_request(at);
        if offline {
            let (kind, amount) = (Kind::Deposit, Amount::minor(100 * self.luck.between(2, 500)));
            let (processing_code, to_account) = (Text::clipped(code_of(kind)), Text::EMPTY);
            let carried = terms::Carried::default();
            request = Txn { kind, amount, processing_code, to_account, carried, ..request };
        }
        let key = Key {
            source: ATMS,
            terminal_id: request.terminal_id,
            stan: request.stan,
            local_time: request.local_time,
        };
        let host = host_of(&request);
        let op = self.truth.op(key, request.kind, request.amount.minor_units(), host, true);
        self.truth.ops[op].honest = true;
        self.tell(Some(op), || {
            format!("terminal {at} begins: {} {}", request.kind, request.amount.minor_units())
        });
        let (phase, amount) = (if offline { Phase::Reporting } else { Phase::Asking }, request.amount);
        self.terminals[at].doing = Some(Doing { op, phase, request, tries: 0 });
        if offline {
            // Taken in while the switch could not be reached, and reported as done.
            self.moved(op, amount.minor_units());
        }
        self.ask(at);
    }

    fn new_request(&mut self, at: usize) -> Txn {
        self.terminals[at].last_stan += 1;
        let stan = self.terminals[at].last_stan;
        let kind = match self.luck.below(24) {
            0..=9 => Kind::Withdrawal,
            10..=15 => Kind::Deposit,
            16 => [Kind::Purchase, Kind::BillPayment][self.luck.below(2) as usize],
            17 => Kind::PinChange,
            18..=21 => Kind::Transfer,
            _ => Kind::BalanceInquiry,
        };
        let second = (self.now / SECOND % 86_400) as u32;
        let day = BusinessDate::from_days(20_779 + (self.now / SECOND / 86_400) as i64);
        let prefix = [b"4111".as_slice(), b"6222", b"5333"][self.luck.below(HOSTS as u64) as usize];
        let mut pan = *b"0000000000000000";
        pan[..4].copy_from_slice(prefix);
        pan[8..].copy_from_slice(format!("{:08}", self.luck.below(100_000_000)).as_bytes());
        let local_time = LocalTime { date: day, second_of_day: second };
        let (hour, minute, second) = local_time.hms();
        let (_, month, date) = day.ymd();
        let money = is_money(kind);
        let request = Txn {
            kind,
            pan: Pan::new(&pan).expect("sixteen digits"),
            amount: Amount::minor(if money { 100 * self.luck.between(2, 500) } else { 0 }),
            stan: Stan(stan),
            rrn: Text::clipped(format!("{at:04}{stan:08}").as_bytes()),
            terminal_id: self.terminals[at].name,
            acquirer_id: Text::clipped(b"00000001"),
            transmitted_at: Text::clipped(
                format!("{month:02}{date:02}{hour:02}{minute:02}{second:02}").as_bytes(),
            ),
            local_time: Some(local_time),
            processing_code: Text::clipped(code_of(kind)),
            currency: terms::Currency::numeric(392).unwrap_or(terms::Currency::NONE),
            ..Txn::new(message([2, 0, 0]))
        };
        if kind == Kind::Transfer { self.make_transfer(request) } else { request }
    }

    /// Sends whatever the phase it is in wants sent.
    fn ask(&mut self, at: usize) {
        let patience = self.luck.between(20 * SECOND, 75 * SECOND);
        let terminal = &mut self.terminals[at];
        terminal.generation += 1;
        let generation = terminal.generation;
        let Some(doing) = &mut terminal.doing else { return };
        let repeat = u8::from(doing.tries > 0 && doing.phase != Phase::Asking);
        doing.tries += 1;
        let request = &doing.request;
        let txn = match doing.phase {
            Phase::Asking => request.clone(),
            Phase::TakingBack(remaining) => Txn {
                message: message([4, 2, repeat]),
                original: Some(Original {
                    message: Some(request.message),
                    stan: Some(request.stan),
                    transmitted_at: request.transmitted_at,
                    ..Original::default()
                }),
                remaining: (remaining > 0).then_some(Amount::minor(remaining)),
                ..request.clone()
            },
            Phase::Reporting => Txn { message: message([2, 2, repeat]), ..request.clone() },
        };
        self.after(patience, Coming::Patience(at, generation));
        self.send_up(at, txn);
    }

    /// Over a leg that may lose, double and delay.
    fn send_up(&mut self, at: usize, txn: Txn) {
        if self.strikes(Fault::TermCut) {
            self.terminals[at].conn = None;
        }
        let terminal = &mut self.terminals[at];
        if terminal.conn.is_none() {
            terminal.lives += 1;
            terminal.conn = Some(terminal.lives << 16 | at as u64);
        }
        let conn = terminal.conn.unwrap_or_default();
        if self.strikes(Fault::TermLoss) {
            return;
        }
        if self.strikes(Fault::TermCut) {
            self.terminals[at].conn = None;
            return self.cut_in_half_below(&txn);
        }
        let copies = 1 + u64::from(self.strikes(Fault::TermDup));
        for _ in 0..copies {
            let wait = self.leg_delay();
            let coming = self.coded(Whose::Terminal(at), conn, txn.clone());
            self.after(wait, coming);
        }
        if self.strikes(Fault::TermCut) {
            // The connection goes while it is under way; the switch learns of it when it answers.
            self.terminals[at].conn = None;
        }
    }

    pub(crate) fn leg_delay(&mut self) -> u64 {
        match self.strikes(Fault::TermDelay) {
            true => self.luck.about(20 * SECOND),
            false => self.luck.between(MS, 30 * MS),
        }
    }

    pub(crate) fn on_patience(&mut self, at: usize, generation: u32) {
        let terminal = &self.terminals[at];
        let Some(doing) = &terminal.doing else { return };
        if terminal.generation != generation {
            return;
        }
        let (op, phase, tries, kind) = (doing.op, doing.phase, doing.tries, doing.request.kind);
        if phase != Phase::Asking || (tries < 4 && self.strikes(Fault::TermRepeats)) {
            return self.ask(at);
        }
        self.tell(Some(op), || "terminal gives up waiting".into());
        match kind {
            Kind::Deposit => {
                // The notes are in the machine and stay there.
                self.moved(op, self.truth.ops[op].amount);
                self.go_on(at, Phase::Reporting);
            }
            Kind::Withdrawal | Kind::Purchase | Kind::BillPayment | Kind::Transfer => {
                self.truth.ops[op].cash = Cash::Stayed;
                self.take_back(at, op, 0);
            }
            _ => self.done(at),
        }
    }

    pub(crate) fn take_back(&mut self, at: usize, op: usize, remaining: u64) {
        self.truth.ops[op].taken_back = true;
        self.go_on(at, Phase::TakingBack(remaining));
    }

    fn go_on(&mut self, at: usize, phase: Phase) {
        if let Some(doing) = &mut self.terminals[at].doing {
            (doing.phase, doing.tries) = (phase, 0);
        }
        self.ask(at);
    }

    pub(crate) fn done(&mut self, at: usize) {
        self.busy -= u64::from(self.terminals[at].doing.take().is_some());
        self.terminals[at].generation += 1;
    }

    pub(crate) fn moved(&mut self, op: usize, amount: u64) {
        let known = &mut self.truth.ops[op];
        known.cash = Cash::Moved(amount);
        let undone = known.kind != Kind::Deposit && known.undoing && !known.taken_back;
        self.truth
            .holds(!undone, Invariant::I4, op, |_| "dispensed, and its reversal is owed already".into());
        self.tell(Some(op), || format!("cash moved: {amount}"));
    }

    pub(crate) fn on_answer(&mut self, at: usize, conn: u64, answer: &Txn) {
        if self.terminals[at].conn != Some(conn) {
            return;
        }
        let ours = answer.terminal_id == self.terminals[at].name || self.is_hostile(at);
        if !ours {
            let why = format!("terminal {at} hears what {} asked", answer.terminal_id.as_str());
            self.truth.breaks(Invariant::I38, None, why);
        }
        let Some(doing) = &self.terminals[at].doing else { return };
        if answer.stan != doing.request.stan {
            return;
        }
        let (op, kind, phase) = (doing.op, doing.request.kind, doing.phase);
        if self.says_nothing_about_it(answer) {
            return;
        }
        let wanted = match phase {
            Phase::Asking => (Class::Financial, Function::Response),
            Phase::TakingBack(_) => (Class::Reversal, Function::AdviceResponse),
            Phase::Reporting => (Class::Financial, Function::AdviceResponse),
        };
        if (answer.message.class, answer.message.function) != wanted {
            return;
        }
        self.tell(Some(op), || format!("terminal is told {:?} {:?}", answer.code, answer.outcome));
        match phase {
            Phase::Asking => self.on_decision(at, op, kind, answer),
            Phase::TakingBack(_) | Phase::Reporting => {
                let yes = answer.outcome == Some(Outcome::Approved);
                self.truth.holds(yes, Invariant::I44, op, |_| format!("acknowledged with {:?}", answer.code));
                self.done(at);
            }
        }
    }

    /// A refusal that may come of a code or a module says nothing about the transaction of that name: an earlier copy
    /// may have been heard. A terminal goes on waiting, and then takes it back.
    fn says_nothing_about_it(&self, answer: &Txn) -> bool {
        let of_guard = matches!(answer.code, Some(Code::WrongMac | Code::Malfunction | Code::Busy));
        self.guard.is_some() && of_guard && answer.outcome == Some(Outcome::NotSent)
    }

    fn on_decision(&mut self, at: usize, op: usize, kind: Kind, answer: &Txn) {
        let outcome = answer.outcome.unwrap_or(Outcome::Unknown);
        let amount = self.truth.ops[op].amount;
        match (kind, outcome) {
            (Kind::Withdrawal | Kind::Purchase, Outcome::Approved) => self.dispense(at, op, amount),
            (Kind::Deposit | Kind::BillPayment, Outcome::Approved) => {
                self.moved(op, amount);
                self.done(at);
            }
            (Kind::Transfer, outcome) => self.on_transfer_decision(at, op, outcome),
            (Kind::Deposit, Outcome::Unknown) => self.keep_or_return(at, op, amount),
            _ => {
                self.truth.ops[op].cash = Cash::Stayed;
                self.done(at);
            }
        }
    }

    fn dispense(&mut self, at: usize, op: usize, amount: u64) {
        if self.strikes(Fault::Dispenser) {
            self.truth.ops[op].cash = Cash::Stayed;
            self.marks.hit(Mark::ReversalAfterApproval);
            return self.take_back(at, op, 0);
        }
        if amount > 200 && self.strikes(Fault::Partial) {
            let part = self.luck.between(1, amount / 100 - 1) * 100;
            self.marks.hit(Mark::PartialDispense);
            self.truth.ops[op].taken_back = true;
            self.moved(op, part);
            return self.take_back(at, op, part);
        }
        self.moved(op, amount);
        self.done(at);
    }

    /// The switch does not know: what the contract says will be done decides where the notes go.
    fn keep_or_return(&mut self, at: usize, op: usize, amount: u64) {
        let host = usize::from(self.truth.ops[op].host.0);
        if !self.hosts[host].profile.deposits_are_posted {
            self.truth.ops[op].cash = Cash::Stayed;
            return self.done(at);
        }
        self.moved(op, amount);
        match self.luck.below(2) {
            0 => self.go_on(at, Phase::Reporting),
            _ => self.done(at),
        }
    }

    /// Anything: old words, other words under old names, reversals of nothing, reports of nothing.
    fn say_anything(&mut self, at: usize) {
        self.begun += 1;
        let oldest = self.now.saturating_sub(WORDS_KEPT);
        self.terminals[at].said.retain(|(said_at, _)| *said_at >= oldest);
        let mut txn = match self.luck.below(3) {
            0 if !self.terminals[at].said.is_empty() => {
                let one = self.luck.below(self.terminals[at].said.len() as u64) as usize;
                self.terminals[at].said[one].1.clone()
            }
            _ => self.new_request(at),
        };
        if self.terminals[at].said.len() < 64 {
            self.terminals[at].said.push((self.now, txn.clone()));
        }
        match self.luck.below(12) {
            0 => txn.amount = Amount::minor(txn.amount.minor_units() + 100),
            1 => txn = Txn { message: message([4, 2, 0]), ..txn },
            2 => {
                let remaining = Some(Amount::minor(self.luck.below(60_000)));
                txn = Txn { message: message([4, 2, 1]), remaining, ..txn };
            }
            3 if txn.kind == Kind::Transfer => txn = Txn { message: message([2, 2, 0]), ..txn },
            3 => txn = Txn { message: message([2, 2, 0]), kind: Kind::Deposit, ..txn },
            4 => txn.terminal_id = Text::EMPTY,
            5 => txn.stan = Stan(0),
            6 => {
                let original = Some(Original {
                    message: Some(message([4, 2, 0])),
                    stan: Some(txn.stan),
                    ..Original::default()
                });
                txn = Txn { message: message([4, 2, 0]), original, ..txn };
            }
            7 => txn.message = message([8, 0, 0]),
            8 => txn.local_time = None,
            10 => txn.to_account = Text::clipped(b"6200000000000000"),
            9 => txn.pan = Pan::new(b"9999990000000000").expect("digits"),
            _ => {}
        }
        self.send_up(at, txn);
    }

    /// Whether this is the one that says anything.
    pub(crate) fn is_hostile(&self, at: usize) -> bool {
        at == 0 && self.hostile
    }

    /// Which of the sources a frame comes from.
    pub(crate) fn source_of(&self, txn: &Txn) -> SourceId {
        match txn.rrn.as_bytes().last() {
            Some(b'7') if txn.terminal_id == self.terminals[0].name && self.hostile => KIOSKS,
            _ => ATMS,
        }
    }
}

fn code_of(kind: Kind) -> &'static [u8] {
    match kind {
        Kind::Withdrawal => b"010000",
        Kind::Deposit => b"210000",
        Kind::Purchase => b"000000",
        Kind::BillPayment => b"500000",
        Kind::PinChange => b"700000",
        Kind::Transfer => b"400000",
        _ => b"310000",
    }
}

pub(crate) fn host_of(txn: &Txn) -> LinkId {
    match txn.pan.expose().first() {
        Some(b'4') => LinkId(0),
        Some(b'5') => LinkId(2),
        _ => LinkId(1),
    }
}

/// What a refusal of a host may say.
pub(crate) const REFUSALS: &[Code] =
    &[Code::InsufficientFunds, Code::WrongPin, Code::DoNotHonour, Code::OverAmountLimit, Code::ExpiredCard];
