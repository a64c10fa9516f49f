//! What is looked at around every step of the lane: what it heard, what it records and tells, and whether its
//! own books agree with those kept here.

use crate::host::is_deposit;
use crate::invariant::Invariant;
use crate::marks::Mark;
use crate::mutant::Mutant;
use crate::recovery::IN_FLIGHT_MAX;
use crate::speech::REPLY_TIMEOUT_MS;
use crate::world::{HOSTS, MS, SECOND, World, links};
use journal::{Batch, Debited, Duty, Observation, Record};
use switch::{Effect, Event, Standing, Tell};
use terms::{Class, ForwardId, Function, Kind, LinkId, Outcome, Stan, Text, Txn, TxnId};

/// The first attempt follows that soon where the link is open.
const FIRST_ATTEMPT_US: u64 = SECOND;
/// What is owed this long has been told to people: five attempts, half a minute apart, and a moment.
const ALARM_US: u64 = 5 * 30 * SECOND + SECOND;
/// Of what is owed, only so many of the oldest are looked at each time.
const LOOKED_AT: usize = 32;

impl World {
    /// Notes what the lane is about to hear. Gives back the number a host answers under, where one does.
    pub(crate) fn before_step(&mut self, event: &Event) -> Option<(LinkId, Stan)> {
        let process = &mut self.process;
        match event {
            Event::HostSaid { link, txn, .. }
                if !txn.message.asks()
                    && !matches!(txn.message.class, Class::Network | Class::Reconciliation) =>
            {
                return Some((*link, txn.stan));
            }
            Event::LinkUp { link } => self.on_line_up(*link),
            Event::LinkDown { link } => self.on_line_down(*link),
            Event::Ruled { forward, ruling, .. } => {
                // A person may have it sent again, or hold it, whatever is awaited.
                let may = process.lane.as_ref().is_some_and(|lane| lane.may_rule(*forward, *ruling).is_ok());
                if may {
                    process.outstanding.remove(&forward.0);
                }
            }
            Event::Unsent { link, host_stan, .. } | Event::Withheld { link, host_stan, .. } => {
                if let Some(owed) = self.truth.owed_under(*link, *host_stan) {
                    process.outstanding.remove(&owed);
                }
            }
            _ => {}
        }
        None
    }

    /// What a step wants done, before anything of it is.
    pub(crate) fn look_at(&mut self, heard: Option<(LinkId, Stan)>, effects: &[Effect]) {
        let Some((link, stan)) = heard else { return };
        // Whatever else happens, what is due goes on being sent.
        let beside = |effect: &&Effect| match effect {
            Effect::Record(
                Record::Attempt { .. }
                | Record::Exception { forward: Some(_), .. }
                | Record::HostDate { .. }
                | Record::Day(_),
            )
            | Effect::Tell(Tell::ForwardAlarm { .. } | Tell::NeedsAPerson { .. }) => false,
            Effect::ToHost { request, .. } => {
                request.message.function != Function::Advice
                    && !matches!(request.message.class, Class::Network | Class::Reconciliation)
            }
            Effect::HangUp { .. } => false,
            _ => true,
        };
        let mut records = Vec::new();
        let (mut others, mut changes_nothing) = (0, false);
        for effect in effects.iter().filter(beside) {
            match effect {
                Effect::Record(record) => records.push(record),
                Effect::Tell(
                    Tell::LateAnswer { .. } | Tell::SecondAnswer { .. } | Tell::StrangeAnswer { .. },
                ) => changes_nothing = true,
                Effect::Tell(_) => {}
                _ => others += 1,
            }
        }
        let is_owed = self.truth.owed_under(link, stan).is_some();
        let wanted = |record: &Record| matches!(record, Record::Observed(observed) if observed.kind != Observation::AskedAgain);
        let once = others == 0 && records.len() == 1 && wanted(records[0]);
        if changes_nothing && !once {
            let names: Vec<_> = records.iter().map(|record| record.name()).collect();
            let why = format!("an answer under {stan} that decides nothing left {names:?} and {others} more");
            self.truth.breaks(Invariant::I15, None, why);
        } else if records.is_empty() && !is_owed {
            self.truth.breaks(
                Invariant::I15,
                None,
                format!("an answer under {stan} is written down nowhere"),
            );
        }
    }

    /// What has to hold whenever the lane rests.
    pub(crate) fn after_step(&mut self, is_tick: bool) {
        let now = self.clocks().instant;
        let Some(lane) = &self.process.lane else { return };
        let (in_flight, pending) = (lane.in_flight(), lane.pending() as u64);
        let most = match self.swarm.in_flight_max {
            0 => HOSTS * IN_FLIGHT_MAX as usize,
            most => (most as usize).min(HOSTS * IN_FLIGHT_MAX as usize),
        };
        let idle = !is_tick || lane.next_deadline().is_none_or(|deadline| deadline > now);
        if in_flight > most {
            self.truth.breaks(Invariant::I42, None, format!("{in_flight} in flight of {most}"));
        }
        if pending != self.process.owed {
            let why = format!("{} owed by what was recorded, {pending} by the lane", self.process.owed);
            self.truth.breaks(Invariant::I24, None, why);
        }
        if self.swarm.days == 0 || self.process.totals_due {
            self.process.totals_due = false;
            self.recount();
        }
        if !idle {
            self.truth.breaks(Invariant::I26, None, "woken in time, and leaves undone what is due");
        }
        if is_tick && !self.process.outstanding.is_empty() {
            let timeout_us = u64::from(REPLY_TIMEOUT_MS) * MS;
            self.process.outstanding.retain(|_, (_, at)| now.as_us() < *at + timeout_us);
        }
        if is_tick {
            links().for_each(|link| self.look_at_what_is_owed(link));
            self.look_at_what_is_open();
        }
    }

    /// Whether what is owed to a link is sent as soon as it can be, and people know of what waits too long.
    fn look_at_what_is_owed(&mut self, link: LinkId) {
        let (at, now) = (usize::from(link.0), self.clocks().instant);
        let Some(lane) = &self.process.lane else { return };
        let now_us = now.as_us();
        let open = self.process.seen[at]
            .open_since
            .filter(|_| self.hosts[at].conn.is_some() && !self.process.recovery_waits);
        let is_open = open.is_some_and(|since| self.now >= since + FIRST_ATTEMPT_US);
        let unanswered = self.process.outstanding.values().filter(|(to, _)| *to == link).count();
        // What had to wait for the link has no more room than that.
        let has_room = unanswered < self.swarm.window.min(self.swarm.catch_up_window) as usize;
        let untold = now_us.saturating_sub(self.process.alarmed_at[at]) > ALARM_US;
        let mut broken = None;
        for (_, id) in self.truth.owed_to.range((link, 0)..).take_while(|(to, _)| *to == link).take(LOOKED_AT)
        {
            let Some(owed) = self.truth.owed.get(id) else { continue };
            let age_us = now_us.saturating_sub(owed.since);
            let waits = is_open && has_room && owed.attempts == 0 && age_us > FIRST_ATTEMPT_US;
            let is_old = untold && age_us > ALARM_US;
            if !waits && !is_old {
                continue;
            }
            // The lane may be ahead of the disk: it has the last word on what is held, sent or over.
            match lane.owed_one(now, ForwardId(*id)).map(|seen| (seen.standing, seen.attempts)) {
                Some((Standing::Due { .. }, 0)) if waits => {
                    broken = Some((Invariant::I26, owed.op, format!("{id} not sent after {age_us} us")));
                }
                Some((Standing::Due { .. } | Standing::InFlight { .. }, _)) if is_old => {
                    broken = Some((Invariant::I25, owed.op, format!("{id} owed for {age_us} us, untold")));
                }
                _ => {}
            }
        }
        if let Some((invariant, op, why)) = broken {
            self.truth.breaks(invariant, Some(op), why);
        }
    }

    pub(crate) fn record(&mut self, record: Record) {
        self.note_record(&record);
        if self.mutant == Some(Mutant::Unlocks) && matches!(record, Record::LinkOrdered { .. }) {
            return self.durable_order(&record);
        }
        let stands = matches!(record, Record::Day(journal::DayRecord::Frozen { .. }));
        if self.mutant == Some(Mutant::Thaws) && stands {
            return;
        }
        if self.mutant == Some(Mutant::OwesLater)
            && let Record::TimedOut { id, answer, owes: Some(forward), at } = &record
        {
            let owed = Record::Owed { id: *id, forward: *forward, why: journal::Why::Asked, at: *at };
            self.push(Record::TimedOut { id: *id, answer: *answer, owes: None, at: *at });
            let next = self.process.batch.next_seq();
            let full = std::mem::replace(&mut self.process.batch, Batch::starting_at(next));
            let records = std::mem::take(&mut self.process.records);
            self.process.closed.push_back((full, records));
            return self.push(owed);
        }
        self.push(record);
    }

    /// What a record says at the moment it is written, before anybody knows whether it will be durable.
    fn note_record(&mut self, record: &Record) {
        self.look_at_stamp(record);
        self.count_ahead(record);
        self.note_order(record);
        self.note_open(record);
        self.process.orders += u64::from(matches!(record, Record::LinkOrdered { .. }));
        match record {
            Record::Sent(sent)
            | Record::Inquired(sent)
            | Record::Advised { sent, .. }
            | Record::Debited(Debited { sent, .. }) => {
                let op = self.truth.op(sent.key, sent.kind, sent.amount.minor_units(), sent.link, false);
                self.truth.by_id.insert(sent.id.0, op);
                if let Record::Advised { .. } = record {
                    self.marks.hit(Mark::ReportBeforeRequest);
                    self.process.owed += 1;
                } else {
                    self.truth.ops[op].first.asked_at = self.now;
                }
            }
            Record::Day(journal::DayRecord::Frozen { .. }) => self.process.totals_due = true,
            Record::HostDate { link, date, .. } => {
                self.process.totals_due = true;
                self.process.dates[usize::from(link.0)] = Some(*date);
            }
            Record::Marked { id, mark: journal::Mark::Reverse { .. }, .. } => {
                if let Some(&op) = self.truth.by_id.get(&id.0) {
                    self.truth.ops[op].marked = true;
                    if self.truth.ops[op].decided.is_some() {
                        // Told as declined from here on, and undone when it is posted.
                        self.undoing(*id);
                        self.marks.hit(Mark::UndoneWhenPosted);
                    }
                }
            }
            Record::Decided { id, owes: Some(_), .. }
            | Record::NotSent { id, owes: Some(_), .. }
            | Record::Owed { id, .. } => {
                self.process.owed += 1;
                self.undoing(*id);
            }
            Record::TimedOut { id, owes: Some(forward), .. } => {
                self.process.owed += 1;
                match forward.duty {
                    Duty::Reversal => self.undoing(*id),
                    Duty::Advice if self.is_transfer(*id) => {}
                    Duty::Advice => self.marks.hit(Mark::DepositAdvised),
                }
            }
            Record::Withdrawn { id, forward, owes, .. } => {
                self.process.owed = self.process.owed.saturating_sub(1) + u64::from(owes.is_some());
                self.process.outstanding.remove(&forward.0);
                self.undoing(*id);
                self.marks.hit(Mark::Withdrawn);
            }
            Record::Attempt { forward, .. } => self.note_attempt(*forward),
            Record::Forwarded { forward, .. }
            | Record::Exception { forward: Some(forward), .. }
            | Record::Ruled { forward, ruling: journal::Ruling::Settle, .. } => {
                self.process.owed = self.process.owed.saturating_sub(1);
                self.process.outstanding.remove(&forward.0);
                let op = self.process.owed_for.get(&forward.0).copied();
                if let Some(op) = op.filter(|_| !matches!(record, Record::Forwarded { .. })) {
                    self.truth.ops[op].a_persons = true;
                }
            }
            _ => {}
        }
        if let Some((id, forward)) = record.id().zip(record.forward())
            && let Some(&op) = self.truth.by_id.get(&id.0)
        {
            self.process.owed_for.insert(forward.0, op);
        }
        if let Some(forward) = record.forward()
            && !self.process.to_tell_first.is_empty()
        {
            let told = links().any(|link| self.process.to_tell_first.remove(&(link, forward.0)));
            let stops = &mut self.process.stops;
            match record {
                Record::Attempt { .. } => stops.attempted += u64::from(told),
                _ => stops.to_people += u64::from(told),
            }
        }
        self.note_legs(record);
        self.marks_of(record);
        if self.is_telling() {
            let op = record.id().and_then(|id| self.truth.by_id.get(&id.0).copied());
            let op = op.or_else(|| match record {
                Record::Attempt { forward, .. } | Record::Forwarded { forward, .. } => {
                    self.truth.owed.get(&forward.0).map(|owed| owed.op)
                }
                _ => None,
            });
            let record = record.clone();
            self.tell(op, || format!("record {}", short(&record)));
        }
    }

    /// What is in flight from here on, and what is not any more.
    fn note_open(&mut self, record: &Record) {
        let now = self.clocks().instant.as_us();
        match record {
            Record::Sent(sent) | Record::Inquired(sent) | Record::Debited(Debited { sent, .. }) => {
                self.process.open.insert(sent.id.0, now);
            }
            Record::Credited(credited) => drop(self.process.open.insert(credited.id.0, now)),
            Record::Decided { id, .. } | Record::TimedOut { id, .. } | Record::NotSent { id, .. } => {
                self.process.open.remove(&id.0);
            }
            _ => {}
        }
    }

    /// Whoever is gone, a link or a host: what is open on it ends at its deadline.
    fn look_at_what_is_open(&mut self) {
        let now = self.clocks().instant.as_us();
        let timeout_us = u64::from(REPLY_TIMEOUT_MS) * MS;
        let over = self.process.open.iter().find(|(_, since)| now > **since + timeout_us);
        if let Some((id, since)) = over {
            let op = self.truth.by_id.get(id).copied();
            let why = format!("in flight for {} us", now - since);
            self.truth.breaks(Invariant::I40, op, why);
        }
    }

    /// One at a time of each message, and a window's worth of all.
    fn note_attempt(&mut self, id: ForwardId) {
        let now = self.clocks().instant;
        let lane = self.process.lane.as_ref();
        let Some(link) = lane.and_then(|lane| lane.owed_one(now, id)).map(|owed| owed.forward.link) else {
            return;
        };
        let (now_us, timeout_us) = (now.as_us(), u64::from(REPLY_TIMEOUT_MS) * MS);
        let before = self.process.outstanding.insert(id.0, (link, now_us));
        if before.is_some_and(|(_, at)| now_us < at + timeout_us) {
            self.truth.breaks(Invariant::I22, None, format!("{id} tried again, and its answer is awaited"));
        }
        let open = |(to, at): &&(LinkId, u64)| *to == link && now_us < *at + timeout_us;
        let unanswered = self.process.outstanding.values().filter(open).count();
        if unanswered > self.swarm.window as usize {
            self.truth.breaks(Invariant::I22, None, format!("{unanswered} attempts unanswered on one link"));
        }
    }

    /// An answer to an owed message ends its attempt, where the lane takes it for one.
    pub(crate) fn note_answered(&mut self, heard: Option<(LinkId, Stan)>, effects: &[Effect]) {
        let Some(id) = heard.and_then(|(link, stan)| self.truth.owed_under(link, stan)) else { return };
        let now = self.clocks().instant;
        let seen = self.process.lane.as_ref().and_then(|lane| lane.owed_one(now, ForwardId(id)));
        let again = |effect: &Effect| matches!(effect, Effect::Record(Record::Attempt { forward, .. }) if forward.0 == id);
        let awaits = seen.is_some_and(|seen| matches!(seen.standing, Standing::InFlight { .. }));
        if !awaits || effects.iter().any(again) {
            self.process.outstanding.remove(&id);
        }
    }

    fn undoing(&mut self, id: TxnId) {
        if let Some(&op) = self.truth.by_id.get(&id.0) {
            self.truth.ops[op].undoing = true;
        }
    }

    fn marks_of(&mut self, record: &Record) {
        let reason = |reason: &Text<40>, words: &str| reason.as_str().contains(words);
        let mark = match record {
            Record::Kept(_) => Mark::ReversalBeforeRequest,
            Record::Marked { mark: journal::Mark::Reverse { .. }, .. } => Mark::ReversalInFlight,
            Record::Marked { mark: journal::Mark::Confirm, .. } => Mark::ReportInFlight,
            Record::NotSent { .. } => Mark::Unsent,
            Record::Owed { why: journal::Why::Undelivered, .. } => Mark::Undelivered,
            Record::Exception { reason: why, .. } if reason(why, "day changed") => Mark::DepositDateMismatch,
            Record::Exception { reason: why, .. } if reason(why, "reported after") => {
                Mark::ReportAfterRefusal
            }
            Record::Exception { forward: Some(_), .. } => Mark::HandedToAPerson,
            Record::Forwarded { forward, wire_code, .. } if wire_code.as_bytes() == b"25" => {
                let link = self.truth.owed.get(&forward.0).map_or(0, |owed| usize::from(owed.link.0));
                match self.truth.tombstones[link] {
                    true => Mark::NoOriginalByTombstone,
                    false => Mark::NoOriginalByGuard,
                }
            }
            Record::Declined(declined) => match (declined.reason.as_str(), declined.kind) {
                ("too much under way", Kind::Withdrawal | Kind::Purchase) => Mark::ShedWithdrawal,
                ("too much under way", Kind::Deposit) => Mark::ShedDeposit,
                ("too much under way", Kind::BillPayment) => Mark::ShedPayment,
                ("too much under way", Kind::PinChange) => Mark::ShedManagement,
                ("too much under way", _) => Mark::ShedInquiry,
                (why, _) if why.starts_with("terminal has one") => Mark::TerminalBusy,
                (why, _) if why.starts_with("recovery goes") => Mark::RecoveryFirst,
                ("not signed on" | "link draining" | "link in maintenance", _) => Mark::LinkNotOpen,
                ("circuit breaker open", _) => Mark::BreakerRefused,
                _ => return,
            },
            Record::Ruled { ruling, .. } => match ruling {
                journal::Ruling::Hold => Mark::Held,
                journal::Ruling::Release => Mark::Released,
                journal::Ruling::Retry => Mark::Retried,
                journal::Ruling::Settle => Mark::Settled,
            },
            _ => return,
        };
        self.marks.hit(mark);
    }

    pub(crate) fn hear(&mut self, tell: Tell) {
        self.hear_of_links(&tell);
        let mark = match tell {
            Tell::LateAnswer { id, outcome: Outcome::Approved, .. } => {
                self.on_late_approval(id);
                Mark::LateApproval
            }
            Tell::SecondAnswer { .. } => Mark::SecondAnswer,
            Tell::StrangeAnswer { .. } => Mark::StrangeAnswer,
            Tell::Repeated { in_flight: true, .. } => Mark::RepeatInFlight,
            Tell::Repeated { in_flight: false, .. } => Mark::RepeatDecided,
            Tell::BreakerOpened { .. } => Mark::BreakerOpened,
            Tell::BreakerClosed { .. } => Mark::BreakerClosed,
            Tell::ForwardAlarm { link, .. } => {
                self.process.alarmed_at[usize::from(link.0)] = self.clocks().instant.as_us();
                Mark::AlarmRaised
            }
            _ => return,
        };
        self.marks.hit(mark);
    }

    fn on_late_approval(&mut self, id: TxnId) {
        let Some(&op) = self.truth.by_id.get(&id.0) else { return };
        self.tell(Some(op), || "the host approves, too late".into());
        if self.truth.ops[op].tried {
            self.marks.hit(Mark::LateApprovalAfterSent);
        }
        if self.mutant == Some(Mutant::LateFlips) {
            self.process.flipped.insert(op);
        }
    }

    /// The lane means to send this now.
    pub(crate) fn on_meant(&mut self, link: LinkId, id: TxnId, request: &Txn) {
        let Some(&op) = self.truth.by_id.get(&id.0) else { return };
        let owed = request.message.function == Function::Advice;
        if owed && is_deposit(request.kind) {
            let today = self.process.dates[usize::from(link.0)];
            let same = today.is_none()
                || self.truth.ops[op].business_date.is_none()
                || today == self.truth.ops[op].business_date;
            self.truth
                .holds(same, Invariant::I35, op, |op| format!("day {:?}, today {today:?}", op.business_date));
        }
        if !owed {
            self.is_not_buried(op);
            let first = self.process.to_tell_first.range((link, 0)..).next().filter(|(to, _)| *to == link);
            if let Some((_, first)) = first {
                let why = format!("something new, and nothing said of owed message {first}");
                self.truth.breaks(Invariant::I30, Some(op), why);
            }
        }
    }

    pub(crate) fn is_not_buried(&mut self, op: usize) {
        let free = !self.truth.ops[op].tombstone;
        self.truth.holds(free, Invariant::I20, op, |_| "asked, though taken back before".into());
    }

    pub(crate) fn look_for_cards(&mut self, effect: &Effect) {
        let mut told = format!("{effect:?}");
        if let (Some(Mutant::Shows), Effect::ToHost { request, .. }) = (self.mutant, effect) {
            told.push_str(&String::from_utf8_lossy(request.pan.expose()));
        }
        let cards = |prefix: &str| {
            told.match_indices(prefix).any(|(at, _)| {
                told.as_bytes()[at..].iter().take(16).filter(|byte| byte.is_ascii_digit()).count() == 16
            })
        };
        if ["41110000", "62220000", "53330000"].into_iter().any(cards) {
            self.truth.breaks(Invariant::I45, None, "a card number is shown");
        }
    }
}

/// A record in a few words.
fn short(record: &Record) -> String {
    match record {
        Record::Decided { answer, owes, .. } => {
            format!("decided {} owes {:?}", answer.code, owes.map(|f| f.id))
        }
        Record::TimedOut { owes, .. } => format!("timed_out owes {:?}", owes.map(|f| (f.id, f.duty))),
        Record::Owed { forward, why, .. } => format!("owed {} {why:?}", forward.id),
        Record::Attempt { forward, number, host_stan, .. } => {
            format!("attempt {number} of {forward} stan {host_stan}")
        }
        Record::Exception { reason, forward, .. } => format!("exception {forward:?} {}", reason.as_str()),
        Record::Ruled { forward, ruling, .. } => format!("ruled {forward} {ruling:?}"),
        Record::Declined(declined) => format!("declined: {}", declined.reason.as_str()),
        other => other.name().to_owned(),
    }
}
