//! Hosts as those who compare: they answer the totals of a day by their own ledger, or do not, late, twice, garbled;
//! they ask for ours, and tell their own.

use crate::host::Frame;
use crate::marks::Mark;
use crate::swarm::Fault;
use crate::terminal::message;
use crate::totals::{Heard, currency};
use crate::world::{Coming, MS, SECOND, World};
use switch::Event;
use terms::{
    Balance, BusinessDate, Class, Code, Comparison, Figure, LinkId, LocalTime, Network, Stan, Statement,
    Text, Txn,
};

/// A host that was not answered asks again after so long.
const AGAIN_AFTER: u64 = 25 * SECOND;
/// How often a host asks before its people leave it at that.
const ASKED_MAX: u32 = 8;

/// What a host wants to know of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asking {
    date: BusinessDate,
    /// It tells its own beside.
    tells: bool,
    asked: u32,
}

/// What the switch answers a host.
#[derive(Clone, Debug)]
pub(crate) struct PeerAnswer {
    pub(crate) class: Class,
    pub(crate) about: Network,
    pub(crate) code: Code,
    pub(crate) date: Option<BusinessDate>,
    pub(crate) totals: Option<Box<Comparison>>,
}

impl World {
    /// Whether the totals of days are compared on a link.
    pub(crate) fn compares(&self, link: LinkId) -> bool {
        self.swarm.links[usize::from(link.0)].recon.is_some()
    }

    /// Totals of ours have reached their host.
    pub(crate) fn host_compares(&mut self, frame: &Frame) {
        let link = frame.link;
        let host = &self.hosts[usize::from(link.0)];
        let Some(ours) = frame.request.totals.as_deref().copied() else { return };
        let Some(date) = ours.date.or(frame.request.settlement_date) else { return };
        if host.conn != Some(frame.conn) || host.dead_until > self.now || self.strikes(Fault::TotalsLost) {
            return self.tell_all(|| format!("host {} says nothing of the totals of {date}", link.0));
        }
        let answer = self.verdict(link, date, &ours);
        let code = answer.map_or(Code::HostDown, |said| match said.balance {
            Some(Balance::NotAvailable) => Code::NotFound,
            _ => Code::Approved,
        });
        self.tell_all(|| format!("host {} hears the totals of {date} and says {answer:?}", link.0));
        let Some(kind) = frame.request.message.answered_by() else { return };
        let mut carried = terms::Carried::default();
        carried.push(terms::Noun::SettlementCurrency, b"392");
        let answer = Txn {
            stan: frame.ours.stan,
            code: Some(code),
            outcome: Some(code.outcome()),
            wire_code: Text::clipped(if code == Code::Approved { b"00" } else { b"91" }),
            settlement_date: Some(date),
            totals: answer.map(Box::new),
            carried,
            ..Txn::new(kind)
        };
        let Some(answer) = self.read_of_host(frame, answer) else { return };
        let wait = match self.strikes(Fault::TotalsSlow) {
            // Longer than an answer to totals is waited for.
            true => self.luck.between(31 * SECOND, 70 * SECOND),
            false => self.luck.between(MS, 500 * MS),
        };
        if self.strikes(Fault::TotalsTwice) {
            self.marks.hit(Mark::TotalsTwice);
            let later = wait + self.luck.about(5 * SECOND);
            self.after(later, Coming::FromHost(link, frame.conn, Box::new(answer.clone())));
        }
        self.after(wait, Coming::FromHost(link, frame.conn, Box::new(answer)));
    }

    /// What a host says to our totals; nothing where it refuses.
    fn verdict(&mut self, link: LinkId, date: BusinessDate, ours: &Comparison) -> Option<Comparison> {
        let none = Comparison { date: Some(date), currency: currency(), ..Comparison::default() };
        if self.strikes(Fault::TotalsRefused) {
            return None;
        }
        let is_open = self.tells_day(link) && self.hosts[usize::from(link.0)].day <= date;
        if is_open || self.strikes(Fault::TotalsUnready) {
            return Some(Comparison { balance: Some(Balance::NotAvailable), ..none });
        }
        let holds = self.holds(link, date);
        let differs = ours.statement.differences(&holds).next().is_some();
        let balance = Some(if differs { Balance::OutOfBalance } else { Balance::Balanced });
        let garbled = self.strikes(Fault::TotalsGarbled);
        let said = match self.luck.below(3) {
            _ if garbled && differs => {
                // Its own figures, and called balanced.
                self.marks.hit(Mark::TotalsNotBelieved);
                Comparison { balance: Some(Balance::Balanced), statement: holds, ..none }
            }
            // The verdict and no figures.
            0 if !garbled => Comparison { balance, ..none },
            // The figures, and that they were taken.
            1 if !garbled => Comparison { statement: holds, ..none },
            1 => Comparison { statement: self.garble(&holds), ..none },
            _ if garbled => {
                // Another figure, and called balanced.
                self.marks.hit(Mark::TotalsNotBelieved);
                Comparison { balance: Some(Balance::Balanced), statement: self.garble(&holds), ..none }
            }
            _ => Comparison { balance, statement: holds, ..none },
        };
        self.heard_of((link, date), said, holds);
        Some(said)
    }

    fn heard_of(&mut self, day: (LinkId, BusinessDate), said: Comparison, holds: Statement) {
        let held = self.ledgers.of_day(day.0, day.1);
        self.told.heard.push(Heard { day, said, holds, held });
    }

    /// A day as the ledger of its host has it. It counts no inquiries.
    fn holds(&self, link: LinkId, date: BusinessDate) -> Statement {
        let all = self.statement_of(link, &self.ledgers.totals(link, date));
        let mut said = Statement::default();
        let counted =
            |figure: &Figure| !matches!(figure, Figure::InquiriesNumber | Figure::AuthorizationsNumber);
        all.iter().filter(|(figure, _)| counted(figure)).for_each(|(figure, value)| said.set(figure, value));
        said
    }

    fn garble(&mut self, holds: &Statement) -> Statement {
        let mut said = *holds;
        let figures: Vec<_> = holds.iter().filter(|(figure, _)| *figure != Figure::Net).collect();
        let (figure, value) = figures[self.luck.below(figures.len() as u64) as usize];
        said.set(figure, value + 1);
        said
    }

    /// A host's day is over: now and then it asks for our totals, or tells its own.
    pub(crate) fn wonders(&mut self, link: LinkId, date: BusinessDate) {
        if !self.compares(link) || !self.strikes(Fault::TotalsAsked) {
            return;
        }
        let tells = self.luck.below(2) == 0;
        self.hosts[usize::from(link.0)].asking = Some(Asking { date, tells, asked: 0 });
        let wait = self.luck.between(MS, 180 * SECOND);
        self.after(wait, Coming::AsksTotals(link));
    }

    /// It asks, and again until it is answered.
    pub(crate) fn ask_totals(&mut self, link: LinkId) {
        let host = &mut self.hosts[usize::from(link.0)];
        let (Some(asking), conn) = (&mut host.asking, host.conn) else { return };
        asking.asked += 1;
        let Asking { date, tells, asked } = *asking;
        if asked > ASKED_MAX {
            host.asking = None;
            return;
        }
        host.last_stan += 1;
        let stan = Stan(900_000 + host.last_stan % 99_999);
        self.after(AGAIN_AFTER, Coming::AsksTotals(link));
        let Some(conn) = conn else { return };
        let holds = self.holds(link, date);
        let statement = if tells { holds } else { Statement::default() };
        let said = Comparison { date: Some(date), currency: currency(), statement, balance: None };
        if tells {
            self.heard_of((link, date), said, holds);
        }
        let mut carried = terms::Carried::default();
        carried.push(terms::Noun::SettlementCurrency, b"392");
        let txn = Txn {
            stan,
            settlement_date: Some(date),
            local_time: Some(LocalTime { date, second_of_day: 0 }),
            totals: Some(Box::new(said)),
            carried,
            ..Txn::new(message(if tells { [5, 2, 0] } else { [5, 0, 0] }))
        };
        self.tell_all(|| format!("host {} asks for the totals of {date}, tells {tells}", link.0));
        let Some(txn) = self.read_of_peer(link, txn) else { return };
        let wait = self.luck.between(MS, 50 * MS);
        self.after(wait, Coming::FromHost(link, conn, Box::new(txn)));
    }

    /// What the switch says of its totals reaches the host that asked.
    pub(crate) fn host_hears_totals(&mut self, link: LinkId, answer: &PeerAnswer) {
        let Some(totals) = answer.totals.as_deref().filter(|totals| !totals.statement.is_empty()) else {
            // Not yet: it asks again.
            return self.marks.hit(Mark::TotalsAskedEarly);
        };
        let host = &mut self.hosts[usize::from(link.0)];
        if let Some(asking) = host.asking.take_if(|asking| Some(asking.date) == totals.date) {
            self.marks.hit(if asking.tells { Mark::PeerToldTotals } else { Mark::PeerAskedTotals });
        }
    }

    /// A person wants the totals of some day compared, once more.
    pub(crate) fn order_totals(&mut self) {
        let link = LinkId(self.luck.below(crate::world::HOSTS as u64) as u16);
        let days: Vec<_> = self.days.moved_to[usize::from(link.0)].iter().copied().collect();
        if days.is_empty() {
            return;
        }
        let date = days[self.luck.below(days.len() as u64) as usize];
        let Some(lane) = &self.process.lane else { return };
        let may = lane.may_reconcile(link, date);
        let is_new = lane.book().is_frozen(link, date);
        self.tell_all(|| {
            format!("a person wants the totals of {date} with host {} compared: {may:?}", link.0)
        });
        if may.is_ok() && is_new {
            self.marks.hit(Mark::TotalsOnceMore);
        }
        let by = Text::clipped(b"tanaka");
        self.step(Event::ReconcileOrdered { link, date, by });
    }
}

/// Whether it is about the totals of a day.
pub(crate) fn is_about_totals(txn: &Txn) -> bool {
    txn.message.class == Class::Reconciliation
}
