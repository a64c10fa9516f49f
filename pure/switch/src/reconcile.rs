//! How the totals of a day that has ended are compared with its host.
//!
//! ```text
//!   the day ends ─▶ waits ─▶ frozen ─▶ sent, figure by figure ─▶ balanced
//!                   a while,  (recorded)   ▲        │        ├─▶ out of balance: both sides are kept
//!                   and for what           │ repeat │        └─▶ refused
//!                   is open                └────────┘ silence, or not available yet
//! ```
//! The totals of a day are told to nobody before they are frozen, and that is recorded before they leave: what is
//! told once is told again word for word, also after a death. What becomes known later changes no day that was
//! frozen: the book counts it under the day of then, and it is a person's to compare ([`book::Book::late`]).
//!
//! The host may ask as well: it is answered with our side of the same frozen day, and what it says is compared.

use crate::pairing::{Link, Owner, link_mut, transmitted_at};
use crate::{Lane, Outbox, ReconcileConfig, Recorded, Tell};
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use book::{Bucket, Figures};
use journal::{Compared, DayRecord, Record};
use terms::{
    Answer, Balance, BusinessDate, Carried, Class, Code, Comparison, Currency, Function, Instant, LinkId,
    LinkName, Noun, Now, Outcome, Outgoing, Stan, Statement, Text, Timestamp, Txn, TxnId,
};

/// While something of the day is open, it is looked at again after so long.
const LOOK_MS: u32 = 1_000;
/// Totals whose bytes never left are tried again after so long.
const SOON_MS: u32 = 1_000;
/// Messages about a day belong to no transaction.
const NO_TXN: TxnId = TxnId(0);

/// Days that ended, by their hosts.
pub(crate) type EndedDays = BTreeMap<(LinkId, BusinessDate), EndedDay>;

/// A day that ended.
#[derive(Clone, Debug)]
pub(crate) struct EndedDay {
    pub(crate) at: Timestamp,
    /// Its contract had totals compared when it ended: they are told by themselves.
    compares: bool,
    /// Not before this are its totals told.
    due: Instant,
    /// From then on they are told whatever is still open.
    open_until: Instant,
    /// Not before this is it looked at again whether anything of it is open.
    look_at: Instant,
    /// A person wants them told now.
    is_ordered: bool,
    pub(crate) is_frozen: bool,
    lines: BTreeMap<Currency, Line>,
}

/// The comparison of one day in one currency.
#[derive(Clone, Debug)]
struct Line {
    stage: Stage,
    attempts: u32,
    stan: Option<Stan>,
    last: Instant,
    /// What was said first: every repeat says it again, and by it the answer is judged.
    said: Option<Box<Statement>>,
    compared: Option<Box<Compared>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// To be sent from then on.
    Due(Instant),
    /// Sent; its answer is awaited until then.
    Asked(Instant),
    /// Compared, or refused.
    Over,
}

impl EndedDay {
    pub(crate) fn new(at: Timestamp, compares: bool) -> Self {
        let now = Instant::default();
        let (is_ordered, is_frozen) = (false, false);
        let lines = BTreeMap::new();
        Self { at, compares, due: now, open_until: now, look_at: now, is_ordered, is_frozen, lines }
    }

    /// Whether its totals are to be told: by the contract of its time, or because a person wants it.
    const fn is_wanted(&self) -> bool {
        self.compares || self.is_ordered
    }

    /// When it wants to be looked at.
    fn moment(&self) -> Option<Instant> {
        if !self.is_wanted() {
            return None;
        }
        if !self.is_frozen {
            return Some(self.due.max(self.look_at));
        }
        // Frozen because the host asked: ours are told at their own time all the same.
        let stages = self.lines.values().filter_map(|line| match line.stage {
            Stage::Due(at) | Stage::Asked(at) => Some(at),
            Stage::Over => None,
        });
        stages.map(|at| at.max(self.due)).min()
    }
}

impl Line {
    const fn new(now: Instant) -> Self {
        let (stan, last, said, compared) = (None, Instant::from_us(0), None, None);
        Self { stage: Stage::Due(now), attempts: 0, stan, last, said, compared }
    }
}

/// How the comparison of one day in one currency stands, as people see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReconSeen {
    /// With whom.
    pub link: LinkName,
    /// Which day.
    pub date: BusinessDate,
    /// When it ended.
    pub ended_at: Timestamp,
    /// In which currency; `None` before the totals are frozen.
    pub currency: Option<Currency>,
    /// How it stands.
    pub standing: Reconciliation,
    /// How often ours were sent since somebody wanted it.
    pub attempts: u32,
    /// The last comparison with both sides, where there was one.
    pub compared: Option<Compared>,
}

/// How a comparison stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reconciliation {
    /// The link compares no totals.
    NotCompared,
    /// It does now, and did not when that day ended: its totals are told when a person wants it.
    NotAskedFor,
    /// The totals are told in so many milliseconds, or as soon as nothing of the day is open.
    Waiting {
        /// 0 where the time has come.
        in_ms: u64,
    },
    /// Frozen, and to be sent.
    Due,
    /// Sent, and not answered yet.
    Asked,
    /// Both sides have the same.
    Balanced,
    /// They have not.
    OutOfBalance,
    /// The host did not compare.
    Refused,
}

impl Reconciliation {
    /// Its name, as commands and JSON write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotCompared => "not-compared",
            Self::NotAskedFor => "not-asked-for",
            Self::Waiting { .. } => "open",
            Self::Due => "due",
            Self::Asked => "asked",
            Self::Balanced => "balanced",
            Self::OutOfBalance => "out-of-balance",
            Self::Refused => "refused",
        }
    }
}

/// Why totals are not compared once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotReconcile {
    /// The configuration has no such link.
    #[error("no such link")]
    NoSuchLink,
    /// Its contract has no such thing.
    #[error("this link compares no totals: there is no [link.reconciliation]")]
    NotSpoken,
    /// The day is open, or so old that nobody remembers it here.
    #[error("no such day has ended on this link, or it is no longer at hand")]
    NoSuchDay,
    /// It is under way.
    #[error("its totals were sent, and the answer is still awaited")]
    AwaitsAnswer,
}

impl Lane {
    /// What has been counted, as far as it is at hand.
    pub const fn book(&self) -> &book::Book {
        &self.book
    }

    /// The comparisons of days that ended, the oldest first within each link.
    pub fn reconciliations(&self, now: Instant) -> Vec<ReconSeen> {
        let mut seen = Vec::new();
        for (&(id, date), day) in &self.ended_days {
            let Some(link) = self.links.get(usize::from(id.0)) else { continue };
            let open = ReconSeen {
                link: link.config.name,
                date,
                ended_at: day.at,
                currency: None,
                standing: Reconciliation::NotCompared,
                attempts: 0,
                compared: None,
            };
            if link.config.reconciliation.is_none() && day.lines.is_empty() {
                seen.push(open);
                continue;
            }
            let is_known = day.lines.values().any(|line| line.compared.is_some());
            if !day.is_wanted() && !is_known {
                seen.push(ReconSeen { standing: Reconciliation::NotAskedFor, ..open });
                continue;
            }
            if !day.is_frozen {
                let in_ms = day.due.us_since(now) / 1_000;
                seen.push(ReconSeen { standing: Reconciliation::Waiting { in_ms }, ..open });
                continue;
            }
            for (currency, line) in &day.lines {
                seen.push(ReconSeen {
                    currency: Some(*currency),
                    standing: line.standing(),
                    attempts: line.attempts,
                    compared: line.compared.as_deref().cloned(),
                    ..open
                });
            }
        }
        seen
    }

    /// Whether an [`crate::Event::ReconcileOrdered`] would do anything.
    pub fn may_reconcile(&self, link: LinkId, date: BusinessDate) -> Result<(), CannotReconcile> {
        let state = self.links.get(usize::from(link.0)).ok_or(CannotReconcile::NoSuchLink)?;
        if state.config.reconciliation.is_none() {
            return Err(CannotReconcile::NotSpoken);
        }
        let day = self.ended_days.get(&(link, date)).ok_or(CannotReconcile::NoSuchDay)?;
        let awaits = day.lines.values().any(|line| matches!(line.stage, Stage::Asked(_)));
        if awaits { Err(CannotReconcile::AwaitsAnswer) } else { Ok(()) }
    }

    /// A person wants the totals of a day compared now, or once more.
    pub(crate) fn on_reconcile_ordered(
        &mut self,
        now: Now,
        link: LinkId,
        date: BusinessDate,
        by: Text<24>,
        out: &mut Outbox,
    ) {
        if self.may_reconcile(link, date).is_ok() {
            let at = now.wall;
            out.record(Record::Day(DayRecord::CompareOrdered { link, date, by, at }));
            self.reconcile_again(now.instant, link, date);
            self.look_at_links();
        }
    }

    /// In a replay, and when it happens.
    pub(crate) fn reconcile_again(&mut self, now: Instant, link: LinkId, date: BusinessDate) {
        let Some(day) = self.ended_days.get_mut(&(link, date)) else { return };
        (day.due, day.is_ordered) = (now, true);
        for line in day.lines.values_mut() {
            // The same figures, but perhaps under another rule of the contract, which may be why it is wanted.
            (line.stage, line.attempts, line.said) = (Stage::Due(now), 0, None);
        }
    }

    /// The days that are over when a host's day is that one. Where nobody had said one before, business was counted
    /// under the calendar's, and whatever has been counted on days before it has ended.
    pub(crate) fn days_that_end(
        &self,
        link: LinkId,
        before: Option<BusinessDate>,
        date: BusinessDate,
    ) -> Vec<BusinessDate> {
        match before {
            Some(before) => [before].into_iter().filter(|before| *before < date).collect(),
            None => {
                let of_link = self.book.totals().map(|(bucket, _)| bucket);
                let mut days: Vec<_> = of_link
                    .filter(|bucket| bucket.link == link && bucket.date < date)
                    .map(|bucket| bucket.date)
                    .collect();
                days.dedup();
                days
            }
        }
    }

    /// The day of a host has ended.
    pub(crate) fn end_day(&mut self, link: LinkId, date: BusinessDate, compares: bool, at: Timestamp) {
        self.ended_days.entry((link, date)).or_insert_with(|| EndedDay::new(at, compares));
    }

    /// When the totals of a day may be told, by the clock of this life.
    pub(crate) fn time_day(&mut self, now: Now, link: LinkId, date: BusinessDate) {
        let config = self.links.get(usize::from(link.0)).and_then(|link| link.config.reconciliation.clone());
        let Some((config, day)) = config.zip(self.ended_days.get_mut(&(link, date))) else { return };
        let passed_ms = now.wall.as_unix_ms() - day.at.as_unix_ms();
        let left = |ms: u32| u32::try_from((i64::from(ms) - passed_ms).clamp(0, i64::from(ms))).unwrap_or(0);
        day.open_until = now.instant.plus_ms(left(config.open_max_ms));
        // What a person wants now does not wait.
        if !day.is_ordered {
            day.due = now.instant.plus_ms(left(config.after_ms));
        }
    }

    /// Looks at every day of a link that is not over. Cost: as many steps as there are such days.
    pub(crate) fn mind_days(&mut self, now: Now, id: LinkId, out: &mut Outbox) {
        if !self.compares(id) {
            return;
        }
        let days: Vec<BusinessDate> = self.days_of(id).map(|(date, _)| date).collect();
        if !days.is_empty() {
            // What this very step paid or decided is no debt any more: it must be in the totals.
            self.count(now, out);
        }
        for date in days {
            self.mind_day(now, id, date, out);
        }
    }

    /// When the first of these days wants to be looked at next.
    pub(crate) fn next_day_moment(&self) -> Option<Instant> {
        let ids = (0..self.links.len()).map(|at| LinkId(at as u16)).filter(|&id| self.can_tell(id));
        ids.flat_map(|id| self.days_of(id)).filter_map(|(_, day)| day.moment()).min()
    }

    fn compares(&self, id: LinkId) -> bool {
        self.links.get(usize::from(id.0)).is_some_and(|link| link.config.reconciliation.is_some())
    }

    /// Whether totals may go there now: the session is ours, business or not, and not one that the peer may take for
    /// closed because we said so.
    fn can_tell(&self, id: LinkId) -> bool {
        let link = self.links.get(usize::from(id.0));
        let in_session = |link: &Link| link.in_session() && !link.life.unsure;
        self.compares(id) && !self.recovery_waits && link.is_some_and(in_session)
    }

    fn days_of(&self, id: LinkId) -> impl Iterator<Item = (BusinessDate, &EndedDay)> {
        let first = (id, BusinessDate::from_days(i64::MIN / 2));
        let days = self.ended_days.range(first..).take_while(move |((link, _), _)| *link == id);
        days.map(|(&(_, date), day)| (date, day))
    }

    fn mind_day(&mut self, now: Now, id: LinkId, date: BusinessDate, out: &mut Outbox) {
        self.give_up_silent(now, id, date, out);
        if !self.can_tell(id) {
            return;
        }
        let Some(day) = self.ended_days.get(&(id, date)) else { return };
        if !day.is_wanted() || day.due > now.instant {
            return;
        }
        if !day.is_frozen {
            if !(day.is_ordered || self.nothing_is_open(now.instant, id, date)) {
                if let Some(day) = self.ended_days.get_mut(&(id, date)) {
                    day.look_at = now.instant.plus_ms(LOOK_MS);
                }
                return;
            }
            self.freeze(now, id, date, out);
        }
        let Some(day) = self.ended_days.get(&(id, date)) else { return };
        let is_due = |line: &Line| matches!(line.stage, Stage::Due(at) if at <= now.instant);
        let due: Vec<Currency> =
            day.lines.iter().filter(|(_, line)| is_due(line)).map(|(currency, _)| *currency).collect();
        for currency in due {
            self.tell_totals(now, id, (date, currency), out);
        }
    }

    /// Whether everything of that day and of those before is known, or enough time has passed. What was asked on the
    /// day before may have come to a host that was on this one already, and stand there.
    fn nothing_is_open(&self, now: Instant, id: LinkId, date: BusinessDate) -> bool {
        let is_late = self.ended_days.get(&(id, date)).is_some_and(|day| day.open_until <= now);
        let upto = |link: LinkId, day: BusinessDate| link == id && day <= date;
        let mut totals = self.book.totals();
        let in_flight = totals.any(|(of, totals)| upto(of.link, of.date) && totals.open.count > 0);
        let mut owed = self.forwards.iter().map(|item| item.forward);
        is_late || !(in_flight || owed.any(|owed| upto(owed.link, owed.business_date)))
    }

    /// From here on the totals of that day stand.
    fn freeze(&mut self, now: Now, id: LinkId, date: BusinessDate, out: &mut Outbox) {
        out.record(Record::Day(DayRecord::Frozen { link: id, date, at: now.wall }));
        let Some(config) = self.config_of(id) else { return };
        let counted = self.book.day(id, date).filter(|(_, totals)| {
            let figures = Figures::of(totals, config.reversals).statement(config.net);
            figures.iter().any(|(_, value)| value != 0)
        });
        // On a day without business the host hears zeros.
        let mut currencies: Vec<Currency> = counted.map(|(bucket, _)| bucket.currency).collect();
        currencies.push(config.currency);
        self.set_frozen(id, date);
        let Some(day) = self.ended_days.get_mut(&(id, date)) else { return };
        for currency in currencies {
            day.lines.entry(currency).or_insert_with(|| Line::new(now.instant));
        }
    }

    /// In a replay, and when it happens.
    pub(crate) fn set_frozen(&mut self, id: LinkId, date: BusinessDate) {
        let day =
            self.ended_days.entry((id, date)).or_insert_with(|| EndedDay::new(Timestamp::default(), true));
        day.is_frozen = true;
    }

    fn config_of(&self, id: LinkId) -> Option<Arc<ReconcileConfig>> {
        self.links.get(usize::from(id.0))?.config.reconciliation.clone()
    }

    fn statement(&self, config: &ReconcileConfig, bucket: Bucket) -> Statement {
        Figures::of(&self.book.of(bucket), config.reversals).statement(config.net)
    }

    /// Sends the totals of a day in one currency. Written down before its bytes.
    fn tell_totals(
        &mut self,
        now: Now,
        id: LinkId,
        (date, currency): (BusinessDate, Currency),
        out: &mut Outbox,
    ) {
        let Some(config) = self.config_of(id) else { return };
        let statement = self.statement(&config, Bucket { link: id, date, currency });
        let Some(line) = self.ended_days.get_mut(&(id, date)).and_then(|day| day.lines.get_mut(&currency))
        else {
            return;
        };
        let Some(link) = link_mut(&mut self.links, id) else { return };
        // The same number in every repeat, so that an answer to any of them is one.
        let statement = **line.said.get_or_insert_with(|| Box::new(statement));
        let owner = Owner::Totals(date, currency);
        let drawn = line.stan.filter(|stan| link.find(*stan) == Some(owner)).or_else(|| link.draw_stan());
        let Some(stan) = drawn else { return };
        link.assign(stan, owner);
        line.attempts += 1;
        let is_repeat = line.attempts > 1;
        line.stan = Some(stan);
        line.last = now.instant;
        line.stage = Stage::Asked(now.instant.plus_ms(link.config.timers.reconciliation_ms));
        let number = line.attempts;
        let recorded = out.record(Record::Day(DayRecord::TotalsSent {
            link: id,
            date,
            currency,
            number,
            host_stan: stan,
            said: Some(Box::new(statement)),
            at: now.wall,
        }));
        let ours = Outgoing {
            stan,
            rrn: Text::EMPTY,
            transmitted_at: transmitted_at(now, &link.config),
            repeat: is_repeat && link.config.host.marks_repeats,
        };
        let request = Txn {
            stan,
            acquirer_id: config.acquirer_id,
            local_time: Some(now.local()),
            settlement_date: Some(date),
            totals: Some(Box::new(Comparison { date: Some(date), currency, statement, balance: None })),
            carried: said(&config.says, currency),
            ..Txn::new(config.message)
        };
        out.ask_host(&recorded, id, NO_TXN, Arc::new(request), ours);
        out.tell(Tell::TotalsSent { link: id, date, number });
        if number == config.alarm_after + 1 {
            out.tell(Tell::TotalsOverdue { link: id, date, attempts: number });
        }
        self.look_at_links();
    }

    /// Totals nobody answered in time are sent again.
    fn give_up_silent(&mut self, now: Now, id: LinkId, date: BusinessDate, out: &mut Outbox) {
        let Some(config) = self.config_of(id) else { return };
        let Some(day) = self.ended_days.get_mut(&(id, date)) else { return };
        for line in day.lines.values_mut() {
            if matches!(line.stage, Stage::Asked(until) if until <= now.instant) {
                line.stage = Stage::Due(line.last.plus_ms(config.repeat_ms).max(now.instant));
                out.tell(Tell::TotalsUnanswered { link: id, date, attempts: line.attempts });
            }
        }
    }

    /// Totals whose bytes never left.
    pub(crate) fn on_totals_unsent(&mut self, now: Now, id: LinkId, date: BusinessDate, currency: Currency) {
        if let Some(day) = self.ended_days.get_mut(&(id, date))
            && let Some(line) = day.lines.get_mut(&currency)
            && let Stage::Asked(_) = line.stage
        {
            line.stage = Stage::Due(now.instant.plus_ms(SOON_MS));
            self.look_at_links();
        }
    }

    /// The host answers the totals we sent.
    pub(crate) fn on_totals_answered(
        &mut self,
        now: Now,
        id: LinkId,
        (date, currency): (BusinessDate, Currency),
        reply: &Txn,
        out: &mut Outbox,
    ) {
        let line = self.ended_days.get(&(id, date)).and_then(|day| day.lines.get(&currency));
        let is_answer = reply.message.class == Class::Reconciliation && !reply.message.asks();
        let Some((config, line)) = self.config_of(id).zip(line).filter(|_| is_answer) else {
            return self.on_stranger(now, id, reply, true, out);
        };
        let sent = line.said.as_deref().copied();
        let ours = sent.unwrap_or_else(|| self.statement(&config, Bucket { link: id, date, currency }));
        let said = reply.totals.as_deref().copied().unwrap_or_default();
        let balance = judged(&ours, &said, reply.outcome == Some(Outcome::Approved));
        let compared = Compared {
            link: id,
            date,
            currency,
            balance,
            ours,
            theirs: said.statement,
            wire_code: reply.wire_code,
            asked_by_peer: false,
            at: now.wall,
        };
        self.on_compared(now, compared, out);
        if balance == Some(Balance::NotAvailable) {
            let again = now.instant.plus_ms(config.repeat_ms);
            let day = self.ended_days.get_mut(&(id, date));
            if let Some(line) = day.and_then(|day| day.lines.get_mut(&currency)) {
                line.stage = Stage::Due(again);
            }
        }
        self.look_at_links();
    }

    fn on_compared(&mut self, now: Now, compared: Compared, out: &mut Outbox) -> Recorded {
        let Compared { link, date, balance, .. } = compared;
        let recorded = out.record(Record::Day(DayRecord::Compared(Box::new(compared.clone()))));
        out.tell(Tell::Compared { link, date, balance });
        self.note_compared(now.instant, compared);
        recorded
    }

    /// In a replay, and when it happens.
    pub(crate) fn note_compared(&mut self, now: Instant, compared: Compared) {
        let (id, date, currency) = (compared.link, compared.date, compared.currency);
        let day = self.ended_days.entry((id, date)).or_insert_with(|| EndedDay::new(compared.at, true));
        let line = day.lines.entry(currency).or_insert_with(|| Line::new(now));
        let is_over = compared.balance != Some(Balance::NotAvailable);
        line.stage = if is_over { Stage::Over } else { Stage::Due(now) };
        line.compared = Some(Box::new(compared));
        if let Some(stan) = line.stan.take_if(|_| is_over)
            && let Some(link) = link_mut(&mut self.links, id)
        {
            link.release(stan, Owner::Totals(date, currency));
        }
    }

    /// In a replay: totals may have left under that number.
    pub(crate) fn note_totals_sent(
        &mut self,
        id: LinkId,
        (date, currency): (BusinessDate, Currency),
        (number, stan): (u32, Stan),
        said: Option<Box<Statement>>,
    ) {
        let day =
            self.ended_days.entry((id, date)).or_insert_with(|| EndedDay::new(Timestamp::default(), true));
        day.is_frozen = true;
        let line = day.lines.entry(currency).or_insert_with(|| Line::new(Instant::default()));
        (line.attempts, line.stage, line.stan) = (number, Stage::Due(Instant::default()), Some(stan));
        line.said = said;
        if let Some(link) = link_mut(&mut self.links, id) {
            link.assign(stan, Owner::Totals(date, currency));
        }
    }

    /// After a replay: times of this life, and what was frozen and never told.
    pub(crate) fn take_up_days(&mut self, now: Now) {
        let days: Vec<(LinkId, BusinessDate)> = self.ended_days.keys().copied().collect();
        for (id, date) in days {
            self.time_day(now, id, date);
            let Some(config) = self.config_of(id) else { continue };
            let currencies: Vec<Currency> =
                self.book.day(id, date).map(|(bucket, _)| bucket.currency).collect();
            let counted = |currency: &Currency| {
                let statement = self.statement(&config, Bucket { link: id, date, currency: *currency });
                *currency == config.currency || statement.iter().any(|(_, value)| value != 0)
            };
            let wanted: Vec<Currency> =
                currencies.into_iter().chain([config.currency]).filter(counted).collect();
            let Some(day) = self.ended_days.get_mut(&(id, date)).filter(|day| day.is_frozen) else {
                continue;
            };
            for currency in wanted {
                day.lines.entry(currency).or_insert_with(|| Line::new(now.instant));
            }
            for line in day.lines.values_mut().filter(|line| line.stage != Stage::Over) {
                line.stage = Stage::Due(now.instant);
            }
        }
    }

    /// What has to stand in a snapshot of days that ended.
    pub(crate) fn keep_days(&self, keep: &mut impl FnMut(Record)) {
        for (&(link, date), day) in &self.ended_days {
            let (at, compares) = (day.at, day.compares);
            keep(Record::Day(DayRecord::Ended { link, date, compares, at }));
            if day.is_frozen {
                keep(Record::Day(DayRecord::Frozen { link, date, at }));
            }
            let (over, open): (Vec<_>, Vec<_>) =
                day.lines.iter().partition(|(_, line)| line.stage == Stage::Over);
            // What is open was compared before somebody wanted it once more; what is over, after that.
            keep_compared(&open, keep);
            if day.is_ordered {
                let by = Text::EMPTY;
                keep(Record::Day(DayRecord::CompareOrdered { link, date, by, at }));
            }
            keep_compared(&over, keep);
            for (&currency, line) in open {
                if let Some(host_stan) = line.stan.filter(|_| line.attempts > 0) {
                    let number = line.attempts;
                    let said = line.said.clone();
                    let sent = DayRecord::TotalsSent { link, date, currency, number, host_stan, said, at };
                    keep(Record::Day(sent));
                }
            }
        }
    }

    /// A host asks for our totals, or says its own for us to compare. What is answered is durable before it
    /// leaves: the same question gets the same answer after a death.
    pub(crate) fn on_totals_asked(
        &mut self,
        now: Now,
        id: LinkId,
        txn: &Txn,
        out: &mut Outbox,
    ) -> (Answer, Option<Recorded>) {
        let Some(config) = self.config_of(id) else {
            return (Answer::ours(Code::NotSupported, Outcome::Refused), None);
        };
        let said = txn.totals.as_deref().copied().unwrap_or_default();
        let last = self.days_of(id).map(|(date, _)| date).max();
        let date = said.date.or(txn.settlement_date).or(last);
        let currency = currency_of(&said, txn).unwrap_or(config.currency);
        let ended = date.filter(|date| self.ended_days.contains_key(&(id, *date)));
        let Some(date) = ended else {
            return (unavailable(date, currency, Code::WrongBusinessDate), None);
        };
        self.count(now, out);
        if !self.book.is_frozen(id, date) {
            if !self.nothing_is_open(now.instant, id, date) {
                return (unavailable(Some(date), currency, Code::CutoverInProgress), None);
            }
            self.freeze(now, id, date, out);
            self.count(now, out);
        }
        let ours = self.statement(&config, Bucket { link: id, date, currency });
        let balance = (!said.statement.is_empty()).then(|| match ours.differences(&said.statement).next() {
            None => Balance::Balanced,
            Some(_) => Balance::OutOfBalance,
        });
        let recorded = match balance {
            Some(_) => self.on_compared(
                now,
                Compared {
                    link: id,
                    date,
                    currency,
                    balance,
                    ours,
                    theirs: said.statement,
                    wire_code: Text::EMPTY,
                    asked_by_peer: true,
                    at: now.wall,
                },
                out,
            ),
            // Written again, because it may stand in a batch that is not durable yet.
            None => out.record(Record::Day(DayRecord::Frozen { link: id, date, at: now.wall })),
        };
        self.look_at_links();
        let totals = Comparison { date: Some(date), currency, statement: ours, balance };
        let answer = Answer {
            settlement_date: Some(date),
            totals: Some(Box::new(totals)),
            carried: said_back(currency),
            ..Answer::ours(Code::Approved, Outcome::Approved)
        };
        (answer, Some(recorded))
    }
}

impl Line {
    fn standing(&self) -> Reconciliation {
        match (self.stage, self.compared.as_ref().map(|compared| compared.balance)) {
            (Stage::Due(_), _) => Reconciliation::Due,
            (Stage::Asked(_), _) => Reconciliation::Asked,
            (Stage::Over, Some(Some(Balance::Balanced))) => Reconciliation::Balanced,
            (Stage::Over, Some(Some(Balance::OutOfBalance | Balance::NotAvailable))) => {
                Reconciliation::OutOfBalance
            }
            (Stage::Over, Some(None) | None) => Reconciliation::Refused,
        }
    }
}

fn keep_compared(lines: &[(&Currency, &Line)], keep: &mut impl FnMut(Record)) {
    let compared = lines.iter().filter_map(|(_, line)| line.compared.clone());
    compared.for_each(|compared| keep(Record::Day(DayRecord::Compared(compared))));
}

/// What an answer to our totals comes to. Figures weigh more than words: a host that calls balanced what differs
/// is not believed.
fn judged(ours: &Statement, said: &Comparison, accepted: bool) -> Option<Balance> {
    let differs = ours.differences(&said.statement).next().is_some();
    match (said.balance, accepted) {
        (Some(Balance::NotAvailable), _) => Some(Balance::NotAvailable),
        (Some(Balance::OutOfBalance), _) => Some(Balance::OutOfBalance),
        (Some(Balance::Balanced), _) | (None, true) if !differs => Some(Balance::Balanced),
        (Some(Balance::Balanced), _) | (None, true) => Some(Balance::OutOfBalance),
        (None, false) if differs => Some(Balance::OutOfBalance),
        (None, false) => None,
    }
}

/// What a message about totals says besides: as the contract has it, and the currency they are in.
fn said(says: &Carried, currency: Currency) -> Carried {
    let mut carried = says.clone();
    carried.push(Noun::SettlementCurrency, &currency_digits(currency));
    carried
}

fn said_back(currency: Currency) -> Carried {
    said(&Carried::default(), currency)
}

fn currency_digits(currency: Currency) -> [u8; 3] {
    let number = currency.number();
    [number / 100, number / 10 % 10, number % 10].map(|digit| b'0' + digit as u8)
}

fn currency_of(said: &Comparison, txn: &Txn) -> Option<Currency> {
    let number = |digits: &[u8]| core::str::from_utf8(digits).ok()?.trim().parse().ok();
    let carried = txn.carried.get(Noun::SettlementCurrency).and_then(number).and_then(Currency::numeric);
    [Some(said.currency), carried, Some(txn.currency)]
        .into_iter()
        .flatten()
        .find(|one| *one != Currency::NONE)
}

fn unavailable(date: Option<BusinessDate>, currency: Currency, code: Code) -> Answer {
    let balance = Some(Balance::NotAvailable);
    let totals = Comparison { date, currency, balance, ..Comparison::default() };
    Answer {
        settlement_date: date,
        totals: Some(Box::new(totals)),
        carried: said_back(currency),
        ..Answer::ours(code, Outcome::Refused)
    }
}

/// Whether a message compares totals, and asks us to.
pub(crate) const fn asks_for_totals(message: terms::MessageType) -> bool {
    matches!(message.class, Class::Reconciliation)
        && matches!(message.function, Function::Request | Function::Advice)
}
