//! How a lane comes to owe, and how it pays: reversals and reports from below, and what is sent to hosts for
//! them.

use crate::admit::fingerprint;
use crate::capture::Completed;
use crate::cutover::Cut;
use crate::flow::asked_again;
use crate::flow::{Asker, Decision, Flow, Happening};
use crate::forward::{Circumstances, Item, State, Verdict};
use crate::lane::REPEATED_WITHIN_MS;
use crate::memory::{Place, Slot, Trail};
use crate::pace::{Pace, Room};
use crate::pairing::{Link, Owner, belongs, link_mut, transmitted_at};
use crate::reason::{Matters, Reason};
use crate::transfer::{LegSeen, sealed_account};
use crate::{Lane, Outbox, Tell};
use alloc::{boxed::Box, sync::Arc};
use journal::{After, Card, DecidedBy, Declined, Duty, Forward, Kept, Key, Matter, Record, Remembered, Sent};
use terms::{
    Amount, Answer, BusinessDate, Class, Code, ConnId, ForwardId, Function, Instant, Kind, LinkId, LocalTime,
    MessageType, Now, Original, Outcome, Outgoing, SourceId, Text, Txn, TxnId,
};

/// Why two days differ, to a person: the reason of a note about days, in which no money is in question.
pub const OTHER_DAY: &str = "settled by the host on another day";
/// A failed attempt whose bytes never left is tried again after so long.
const SOON_MS: u32 = 1_000;

impl Lane {
    /// A source takes a request back. The reversal is ours from the moment it is acknowledged.
    pub(crate) fn on_taken_back(
        &mut self,
        now: Now,
        asked_by: (SourceId, ConnId),
        txn: Txn,
        out: &mut Outbox,
    ) {
        let trail = trail_of(asked_by.0, &txn);
        let asker = Asker { asked_by, request: Arc::new(txn) };
        let Some(at) = self.memory.follow(&trail, |_| true) else {
            return self.bury(now, trail, asker, out);
        };
        let remaining = asker.request.remaining.unwrap_or_default();
        if let Some(why) = self.contradiction(at, &asker.request, remaining) {
            return self.on_contradiction(now, at, why, asker, out);
        }
        self.advance(now, at, Happening::TakenBack { asker, remaining }, out);
    }

    /// A reversal of nothing we know: remembered, so that the request is refused when it comes, and told to people,
    /// because a terminal takes back only what it has asked for, and nobody here has heard of that.
    fn bury(&mut self, now: Now, trail: Trail, asker: Asker, out: &mut Outbox) {
        let id = self.draw_id();
        let kept = Kept {
            id,
            key: trail.key(),
            fingerprint: 0,
            kind: asker.request.kind,
            transmitted_at: trail.transmitted_at,
            answer: Remembered::from(&Answer::ours(Code::Declined, Outcome::Refused)),
            by: DecidedBy::Tombstone,
            at: now.wall,
        };
        out.record(Record::Kept(kept));
        let mut slot = Slot::of_kept(&kept);
        slot.noted.insert(Matter::NeverAsked);
        self.put_back(slot);
        let recorded = self.raise(now, id, None, Reason::NeverAsked.text(), out);
        out.answer_source(
            &recorded,
            asker.asked_by,
            asker.request,
            Answer::ours(Code::Approved, Outcome::Approved),
        );
    }

    /// Whether a reversal came for this request before the request itself. One that said no time at all was about a
    /// request of those hours: trace numbers come round again.
    pub(crate) fn tombstone_for(&self, now: Now, source: SourceId, txn: &Txn) -> Option<usize> {
        let trail = Trail {
            source,
            terminal_id: txn.terminal_id,
            stan: txn.stan,
            local_time: txn.local_time,
            transmitted_at: txn.transmitted_at,
        };
        let came_first = |slot: &Slot| {
            matches!(slot.flow, Flow::Decided(Decision { by: DecidedBy::Tombstone | DecidedBy::Source, .. }))
        };
        let says_when = |slot: &Slot| slot.key.local_time.is_some() || !slot.transmitted_at.is_empty();
        let is_recent = |slot: &Slot| {
            let age_ms = now.wall.as_unix_ms() - slot.at.as_unix_ms();
            age_ms.abs() < REPEATED_WITHIN_MS
        };
        self.memory.follow(&trail, |slot| came_first(slot) && (says_when(slot) || is_recent(slot)))
    }

    /// Why a reversal cannot mean the request its trail leads to.
    fn contradiction(&self, at: usize, reversal: &Txn, remaining: Amount) -> Option<Reason> {
        let slot = self.memory.get(at)?;
        let sent = slot.sent.as_ref()?;
        let unsaid = Amount::default();
        if reversal.amount != unsaid && reversal.amount != sent.amount {
            return Some(Reason::OtherAmount);
        }
        if remaining != unsaid && slot.legs.is_some() {
            return Some(Reason::PartOfTransfer);
        }
        (remaining > sent.amount).then_some(Reason::MoreThanAsked)
    }

    /// Acknowledged like any reversal, and left to a person: nobody knows what to undo. They are told once.
    fn on_contradiction(&mut self, now: Now, at: usize, why: Reason, asker: Asker, out: &mut Outbox) {
        let Some(slot) = self.memory.get_mut(at) else { return };
        let (id, stan) = (slot.id, asker.request.stan);
        let link = slot.asked_last().map_or(LinkId(0), |(link, _)| link);
        let recorded = match slot.is_news(why) {
            true => self.raise(now, id, None, why.text(), out),
            // Somebody has it already: the same again is not another item.
            false => out.record(asked_again(id, link, stan, now)),
        };
        let answer = Answer::ours(Code::Approved, Outcome::Approved);
        out.answer_source(&recorded, asker.asked_by, asker.request, answer);
    }

    /// A source reports what has happened: a deposit whose answer it never saw, a sale it was authorized to make.
    pub(crate) fn on_report(&mut self, now: Now, asked_by: (SourceId, ConnId), txn: Txn, out: &mut Outbox) {
        let trail = trail_of(asked_by.0, &txn);
        let Some(at) = self.memory.follow(&trail, |_| true) else {
            return self.accept_report(now, trail, asked_by, (txn, None), out);
        };
        let means = self.completed_by(at, asked_by.0, &txn);
        if means == Completed::Now {
            return self.on_completed(now, at, asked_by, txn, out);
        }
        let asker = Asker { asked_by, request: Arc::new(txn) };
        match means {
            Completed::Not(why) => self.on_contradiction(now, at, why, asker, out),
            _ => self.advance(now, at, Happening::Reported(asker), out),
        }
    }

    /// A report nobody announced: ours from now on, and owed to the host its card belongs to; one that completes an
    /// authorization is owed to the host that gave it, however cards are routed by now.
    pub(crate) fn accept_report(
        &mut self,
        now: Now,
        trail: Trail,
        asked_by: (SourceId, ConnId),
        (txn, authorized): (Txn, Option<(LinkId, Text<24>)>),
        out: &mut Outbox,
    ) {
        let id = self.draw_id();
        let digest = fingerprint(&self.secrets.fingerprint, &txn);
        let routed = || self.routes.choose(asked_by.0, &txn).map(|route| (route.link, route.name));
        let chosen = authorized.or_else(routed);
        // Half a transfer must not be posted: where two hosts would have to be told, a person tells them.
        let chosen = chosen.filter(|&(link, _)| self.onward(asked_by.0, &txn, link).is_none());
        let drawn = chosen.and_then(|(link, route)| {
            let stan = link_mut(&mut self.links, link)?.draw_stan()?;
            Some((link, route, stan))
        });
        let pan = self.sealed(id, &txn);
        let asker = Asker { asked_by, request: Arc::new(txn) };
        let Some((link, route, stan)) = drawn else {
            return self.strand(now, trail, (id, digest, pan), asker, out);
        };
        let request = &asker.request;
        let business_date = self.business_date(now, link);
        let demands = self.demands(link, None);
        let Some(state) = link_mut(&mut self.links, link) else { return };
        let sent = Sent {
            id,
            key: trail.key(),
            fingerprint: digest,
            message: MessageType { function: Function::Request, origin: 0, ..request.message },
            kind: request.kind,
            processing_code: request.processing_code,
            pan,
            amount: request.amount,
            currency: request.currency,
            rrn: request.rrn,
            acquirer_id: request.acquirer_id,
            transmitted_at: trail.transmitted_at,
            link,
            host_stan: stan,
            host_rrn: request.rrn,
            host_transmitted_at: transmitted_at(now, &state.config),
            business_date,
            own_date: self.own_date(),
            route,
            to_account: sealed_account(&self.secrets.vault, id, request),
            kept: demands.pick(&request.carried),
            at: now.wall,
        };
        let forward = Forward {
            id: self.next_forward,
            duty: Duty::Advice,
            link,
            host_stan: stan,
            remaining: Amount::default(),
            business_date,
        };
        self.note_forward_id(forward.id);
        self.counts.owed += 1;
        self.claim(now, id, sent.key, out);
        let recorded = out.record(Record::Advised { sent: sent.clone(), forward });
        let at = self.put_back(Slot::of_report(sent, &forward));
        self.enqueue(Item::new(forward, at, now.instant, now));
        let answer = Answer::ours(Code::Approved, Outcome::Approved);
        out.answer_source(&recorded, asker.asked_by, asker.request, answer);
    }

    /// A report that leads to no host: acknowledged all the same, because what it reports has happened, and a
    /// person's from the beginning.
    fn strand(
        &mut self,
        now: Now,
        trail: Trail,
        (id, fingerprint, pan): (TxnId, u64, Card),
        asker: Asker,
        out: &mut Outbox,
    ) {
        let answer = Answer::ours(Code::Approved, Outcome::Approved);
        let request = &asker.request;
        let why = "reported, and no route leads to a host";
        let report = Declined {
            id,
            key: trail.key(),
            fingerprint,
            takes_key: true,
            message: request.message,
            kind: request.kind,
            pan,
            amount: request.amount,
            currency: request.currency,
            answer: Remembered::from(&answer),
            reason: Text::clipped(b"no route"),
            at: now.wall,
        };
        self.put_back(Slot::of_stranded(&report));
        self.claim(now, id, report.key, out);
        out.record(Record::Stranded(report));
        let recorded = self.raise(now, id, None, why, out);
        out.answer_source(&recorded, asker.asked_by, asker.request, answer);
    }

    /// Takes an owed message into the queues, and its trace number with it.
    pub(crate) fn enqueue(&mut self, item: Item) {
        if let Some(link) = link_mut(&mut self.links, item.forward.link) {
            link.assign(item.forward.host_stan, Owner::Forward(item.forward.id));
        }
        self.forwards.insert(item);
    }

    /// Sends what is due, as far as each link's window allows.
    pub(crate) fn send_what_is_due(&mut self, now: Now, out: &mut Outbox) {
        for at in 0..self.links.len() {
            let link = LinkId(at as u16);
            let mut room = self.room_on(link);
            while let Some((id, waited)) = self.forwards.next_due(link, now.instant, room) {
                if self.attempt(now, id, out) {
                    room.take(waited);
                }
            }
        }
    }

    /// Business may pass on a link again: what is owed to it has waited.
    pub(crate) fn on_link_open(&mut self, id: LinkId) {
        if let Some(link) = link_mut(&mut self.links, id) {
            link.pace.start_over();
            self.forwards.make_wait(id);
        }
    }

    /// What may be sent on a link besides what is unanswered there; nothing while it is closed.
    pub(crate) fn room_on(&self, id: LinkId) -> Room {
        match self.links.get(usize::from(id.0)) {
            _ if self.recovery_waits => Room::default(),
            Some(link) if link.is_open() => {
                // It was we who were away: behind a shut gate customers wait for every one of them.
                let pace = if link.gate.is_open() { link.pace } else { Pace::full(&link.config.forward) };
                self.forwards.room(id, &link.config.forward, pace)
            }
            Some(_) | None => Room::default(),
        }
    }

    /// Writes an attempt down and makes it. False when it ended otherwise.
    fn attempt(&mut self, now: Now, id: ForwardId, out: &mut Outbox) -> bool {
        let Some(item) = self.forwards.get(id).cloned() else { return false };
        let Some(sent) = self.memory.get(item.at).and_then(|slot| slot.sent.clone()) else { return false };
        let Some(link) = link_mut(&mut self.links, item.forward.link) else { return false };
        let (config, date) = (link.config.clone(), link.date);
        if sent.kind == Kind::Deposit && date.is_some_and(|date| date != item.forward.business_date) {
            self.hand_over(now, id, "deposit owed, the host's day changed", out);
            return false;
        }
        if item.forward.remaining != Amount::default() && !config.host.partial_reversals {
            self.hand_over(now, id, "the host cannot reverse a part", out);
            return false;
        }
        if item.may_have_arrived && !item.may_be_repeated(&config.host) {
            self.hand_over(now, id, "unanswered, and must not be sent twice", out);
            return false;
        }
        let Ok(request) = self.owed_message(&item, &sent) else {
            self.hand_over(now, id, "card does not open under the data key", out);
            return false;
        };
        let attempts = item.attempts + 1;
        let recorded = out.record(Record::Attempt {
            forward: id,
            number: attempts,
            host_stan: item.forward.host_stan,
            at: now.wall,
        });
        let ours = Outgoing {
            stan: item.forward.host_stan,
            rrn: sent.host_rrn,
            transmitted_at: transmitted_at(now, &config),
            // Under a fresh trace number it is a message of its own: a repeat would name nothing the host knows.
            repeat: item.first_sent.is_some() && config.host.marks_repeats,
        };
        out.ask_host(&recorded, item.forward.link, sent.id, Arc::new(request), ours);
        self.pass_gate(item.forward.link, id);
        if attempts == config.forward.alarm_after + 1 {
            out.tell(Tell::ForwardAlarm { forward: id, link: item.forward.link, attempts });
            self.links[usize::from(item.forward.link.0)].alarm_from =
                now.instant.plus_ms(config.forward.alarm_age_ms());
        }
        let until = now.instant.plus_ms(config.attempt_timeout_of(item.forward.duty, sent.message.class));
        self.forwards.change(id, |item| {
            item.attempts = attempts;
            item.last_sent = now.instant;
            item.is_first = item.first_sent.is_none();
            item.first_sent.get_or_insert(now.instant);
            item.may_have_arrived = true;
            item.state = State::InFlight(until);
        });
        true
    }

    /// The message that is owed, made from what was sent.
    fn owed_message(&self, item: &Item, sent: &Sent) -> Result<Txn, journal::VaultError> {
        let slot = self.memory.get(item.at);
        let leg = LegSeen::of(sent, slot.and_then(|slot| slot.legs.as_deref()), item.forward.link);
        let class = match item.forward.duty {
            Duty::Reversal => Class::Reversal,
            Duty::Advice => sent.message.class,
        };
        let message = MessageType { class, function: Function::Advice, origin: 0 };
        let remaining = item.forward.remaining;
        let original = Original {
            message: Some(sent.message),
            stan: Some(leg.host_stan),
            transmitted_at: leg.host_transmitted_at,
            local_time: sent.key.local_time.map_or(Text::EMPTY, local_digits),
            acquirer_id: sent.acquirer_id,
            forwarder_id: Text::EMPTY,
        };
        // A report whose request never came is the first the host hears of it.
        let was_asked = slot
            .is_some_and(|slot| !matches!(slot.flow, Flow::Decided(Decision { by: DecidedBy::Source, .. })));
        Ok(Txn {
            message,
            kind: leg.kind,
            original: (was_asked || item.forward.duty == Duty::Reversal).then_some(original),
            remaining: (remaining != Amount::default()).then_some(remaining),
            ..self.as_recorded(sent)?
        })
    }

    pub(crate) fn on_forward_answer(
        &mut self,
        now: Now,
        link_id: LinkId,
        id: ForwardId,
        reply: Txn,
        out: &mut Outbox,
    ) {
        let Some(item) = self.forwards.get(id).cloned() else { return };
        let Some(sent) = self.memory.get(item.at).and_then(|slot| slot.sent.clone()) else { return };
        let Some(link) = link_mut(&mut self.links, link_id) else { return };
        let (pairing, config, today) = (link.config.pairing, link.config.clone(), link.date);
        let answers = self.owed_message(&item, &sent).is_ok_and(|request| {
            let (stan, rrn) = (item.forward.host_stan, sent.host_rrn);
            // Repeats are transmitted at other times; the trace number and the terminal say enough.
            // Where a part remains, the answer may say the part: its amount tells nothing then.
            let amount = pairing.amount && item.forward.remaining == Amount::default();
            let pairing = terms::Pairing { transmitted_at: false, amount, ..pairing };
            let ours = Outgoing { stan, rrn, transmitted_at: Text::EMPTY, repeat: false };
            belongs(pairing, &request, &ours, &reply)
        });
        if !answers || item.attempts == 0 {
            return self.on_stranger(now, link_id, &reply, true, out);
        }
        if let Some(link) = link_mut(&mut self.links, link_id) {
            link.pace.answered(&config.forward);
            if link.breaker.answered() {
                out.tell(Tell::BreakerClosed { link: link_id });
            }
        }
        self.forwards.change(id, |item| item.may_have_arrived = false);
        let flow = self.memory.get(item.at).map(|slot| &slot.flow);
        let original = Circumstances {
            was_approved: matches!(
                flow,
                Some(Flow::Decided(Decision { answer, by: DecidedBy::Host, .. }))
                    if answer.outcome == Outcome::Approved
            ),
            today,
        };
        match item.verdict(&config.host, original, &reply) {
            Verdict::Paid => self.pay(now, id, &reply, out),
            Verdict::Again => {
                let due = item.next_attempt(&config.forward, now.instant);
                match item.may_be_repeated(&config.host) {
                    true => self.forwards.change(id, |item| item.postpone(due)),
                    // This host may say the same a second time, and would be heard of the next attempt.
                    false => self.wait_under_a_fresh_number(id, due),
                }
            }
            // Not believed yet: asked again when the request can linger no longer.
            Verdict::AfterGuard(moment) => self.wait_under_a_fresh_number(id, moment.max(now.instant)),
            Verdict::ForAPerson(why) => self.hand_over(now, id, why, out),
        }
    }

    /// The debt is paid. A host that settles it on another day than we count it under makes two days differ, and
    /// people have to know why.
    fn pay(&mut self, now: Now, id: ForwardId, reply: &Txn, out: &mut Outbox) {
        let Some(item) = self.end(id) else { return };
        let today = self.links.get(usize::from(item.forward.link.0)).and_then(|link| link.date);
        let counted_on = match item.forward.duty {
            Duty::Advice => Some(item.forward.business_date),
            Duty::Reversal => today,
        };
        let differs = reply.settlement_date.is_some_and(|said| counted_on.is_some_and(|ours| ours != said));
        let owes = self.owed_next(&item);
        let (wire_code, settlement_date) = (reply.wire_code, reply.settlement_date);
        out.record(Record::Forwarded { forward: id, wire_code, settlement_date, owes, at: now.wall });
        let about = self.memory.get(item.at).map_or(TxnId(0), |slot| slot.id);
        out.tell(Tell::Forwarded { forward: id, link: item.forward.link, id: about });
        self.counts.paid += 1;
        self.advance(now, item.at, Happening::Paid { duty: item.forward.duty, then: owes }, out);
        let Some(slot) = self.memory.get_mut(item.at) else { return };
        let was_unknown = matches!(
            slot.flow,
            Flow::Decided(Decision { answer, by: DecidedBy::Silence, .. }) if answer.outcome == Outcome::Unknown
        );
        let stands = item.forward.duty == Duty::Advice && owes.is_none() && slot.is_taken_back();
        let why = match item.forward.remaining != Amount::default() && was_unknown {
            true => Some(Reason::PartOfUnknown),
            false if stands => Some(Reason::BackWhilePosted),
            false => differs.then_some(Reason::OtherDay),
        };
        if let Some(why) = why.filter(|why| slot.is_news(*why)) {
            let txn = slot.id;
            self.raise(now, txn, None, why.text(), out);
        }
    }

    /// What a paid debt makes us owe: a transfer whose credit is undone now gives its debit back, and what was taken back
    /// while it was being posted is undone.
    pub(crate) fn owed_next(&mut self, item: &Item) -> Option<Forward> {
        let slot = self.memory.get(item.at)?;
        let (link, remaining, business_date) = match (item.forward.duty, &slot.flow) {
            // It was taken back while it was being posted: now that it is posted, it is undone.
            (Duty::Advice, Flow::Decided(Decision { taken_back: Some(remaining), .. })) => {
                (item.forward.link, *remaining, item.forward.business_date)
            }
            (Duty::Reversal, _) if slot.credited()?.0 == item.forward.link => {
                let debit = slot.debit()?;
                (debit.link, Amount::default(), debit.business_date)
            }
            (Duty::Advice | Duty::Reversal, _) => return None,
        };
        let host_stan = link_mut(&mut self.links, link)?.draw_stan()?;
        let id = self.next_forward;
        let forward = Forward { id, duty: Duty::Reversal, link, host_stan, remaining, business_date };
        self.note_forward_id(forward.id);
        Some(forward)
    }

    /// Sent again then, as a message of its own: no answer to an earlier one can be taken for its answer.
    fn wait_under_a_fresh_number(&mut self, id: ForwardId, moment: Instant) {
        let Some(item) = self.forwards.get(id).cloned() else { return };
        let Some(link) = link_mut(&mut self.links, item.forward.link) else { return };
        let Some(stan) = link.draw_stan() else { return };
        link.release(item.forward.host_stan, Owner::Forward(id));
        link.assign(stan, Owner::Forward(id));
        self.forwards.change(id, |item| {
            item.renumber(stan);
            item.postpone(moment);
        });
    }

    /// An attempt whose bytes never left.
    pub(crate) fn try_again_soon(&mut self, now: Now, id: ForwardId) {
        let due = now.instant.plus_ms(SOON_MS);
        let link = self.forwards.get(id).map(|item| item.forward.link);
        if let Some(link) = link.and_then(|link| link_mut(&mut self.links, link)) {
            link.gate.come_back(id);
        }
        self.forwards.change(id, |item| {
            item.may_have_arrived = false;
            if item.is_first {
                item.first_sent = None;
            }
            item.postpone(due);
        });
    }

    /// Attempts that ran out of time.
    pub(crate) fn give_up_overdue(&mut self, now: Now, out: &mut Outbox) {
        while let Some(id) = self.forwards.next_overdue(now.instant) {
            let Some(item) = self.forwards.get(id).cloned() else { return };
            let Some(link) = link_mut(&mut self.links, item.forward.link) else { return };
            let config = link.config.clone();
            link.pace.start_over();
            if !item.may_be_repeated(&config.host) {
                self.hand_over(now, id, "unanswered, and must not be sent twice", out);
                continue;
            }
            let due = item.next_attempt(&config.forward, now.instant);
            self.forwards.change(id, |item| item.state = State::Due(due));
        }
    }

    /// When people are told next that a link's oldest message waits too long, its link up or not.
    fn alarm_moment(&self, at: usize) -> Option<Instant> {
        let link = self.links.get(at)?;
        let oldest = self.forwards.oldest(LinkId(at as u16))?;
        Some(oldest.owed_at.plus_ms(link.config.forward.alarm_age_ms()).max(link.alarm_from))
    }

    /// The first of these moments.
    pub(crate) fn next_alarm(&self) -> Option<Instant> {
        (0..self.links.len()).filter_map(|at| self.alarm_moment(at)).min()
    }

    /// Tells people what has waited too long: of each link the oldest, and again while there is one.
    pub(crate) fn raise_alarms(&mut self, now: Now, out: &mut Outbox) {
        for at in 0..self.links.len() {
            if self.alarm_moment(at).is_none_or(|moment| moment > now.instant) {
                continue;
            }
            let link = LinkId(at as u16);
            if let Some(oldest) = self.forwards.oldest(link) {
                out.tell(Tell::ForwardAlarm { forward: oldest.forward.id, link, attempts: oldest.attempts });
            }
            let state = &mut self.links[at];
            state.alarm_from = now.instant.plus_ms(state.config.forward.alarm_age_ms());
        }
    }

    /// The host's business day, told by somebody who knows.
    /// `None` where it is so already.
    pub(crate) fn on_host_date(
        &mut self,
        now: Now,
        link_id: LinkId,
        date: BusinessDate,
        out: &mut Outbox,
    ) -> Option<crate::Recorded> {
        let link = link_mut(&mut self.links, link_id)?;
        if link.date == Some(date) {
            return None;
        }
        let before = link.date.replace(date);
        link.cut = Cut::default();
        // A contract that comes to have totals later does not ask for those of days that ended before.
        let compares = link.config.reconciliation.is_some();
        let recorded = out.record(Record::HostDate { link: link_id, date, compares, at: now.wall });
        out.tell(Tell::HostDate { link: link_id });
        for ended in self.days_that_end(link_id, before, date) {
            self.end_day(link_id, ended, compares, now.wall);
            self.time_day(now, link_id, ended);
            self.look_at_links();
        }
        self.own_day_goes_with(now, link_id, out);
        // What is owed of another day's deposits may not be sent any more: it becomes a person's in the same
        // breath.
        let is_deposit =
            |item: &Item| self.memory.get(item.at).is_some_and(|slot| slot.kind == Kind::Deposit);
        let stale: alloc::vec::Vec<ForwardId> = (self.forwards.iter())
            .filter(|item| item.forward.link == link_id && item.forward.business_date != date)
            .filter(|item| is_deposit(item))
            .map(|item| item.forward.id)
            .collect();
        for id in stale {
            let may_have_arrived = self.forwards.get(id).is_some_and(|item| item.may_have_arrived);
            let why = match may_have_arrived {
                true => "deposit sent, unanswered; day changed",
                false => "deposit owed, the host's day changed",
            };
            self.hand_over(now, id, why, out);
        }
        Some(recorded)
    }

    /// Ends an owed message unsent: from here on it is a person's.
    pub(crate) fn hand_over(&mut self, now: Now, id: ForwardId, why: &'static str, out: &mut Outbox) {
        let Some(item) = self.end(id) else { return };
        let Some(txn) = self.memory.get(item.at).map(|slot| slot.id) else { return };
        self.raise(now, txn, Some(id), why, out);
        self.advance(now, item.at, Happening::HandedOver, out);
    }

    /// After an unclean stop, where a person is to look first: no host is told anything, and no request is taken,
    /// before [`crate::Event::Recover`].
    pub fn wait_for_recovery(&mut self) {
        self.recovery_waits = true;
    }

    /// Whether an unclean stop is not settled yet: a person has still to begin, or a host to be told of something.
    pub fn is_recovering(&self) -> bool {
        self.recovery_waits || self.links.iter().any(|link| !link.gate.is_open())
    }

    /// Whether new business goes to that link's host: it stands, and nothing after an unclean stop comes first.
    pub(crate) fn takes_business(&self, link: &Link) -> bool {
        link.is_open() && link.gate.is_open() && !self.recovery_waits
    }

    /// After an unclean stop: nothing new to a host before it was told of everything owed to it.
    pub(crate) fn shut_gates(&mut self) {
        for item in self.forwards.iter().filter(|item| item.state != State::Held) {
            if let Some(link) = link_mut(&mut self.links, item.forward.link)
                && link.config.forward.recovery_first
            {
                link.gate.wait_for(item.forward.id);
            }
        }
    }

    /// One that the gate of its link may have waited for is sent. Where that opens the gate, people are told at the
    /// end of the step.
    fn pass_gate(&mut self, link: LinkId, id: ForwardId) {
        if link_mut(&mut self.links, link).is_some_and(|link| link.gate.pass(id)) {
            self.recovered.push(link);
        }
    }

    /// The same of one that needs no sending, now or any more.
    pub(crate) fn end_at_gate(&mut self, link: LinkId, id: ForwardId) {
        if link_mut(&mut self.links, link).is_some_and(|link| link.gate.end(id)) {
            self.recovered.push(link);
        }
    }

    /// Takes an owed message out of the queues, and its trace number with it.
    pub(crate) fn end(&mut self, id: ForwardId) -> Option<Item> {
        let item = self.forwards.remove(id)?;
        self.end_at_gate(item.forward.link, id);
        if let Some(link) = link_mut(&mut self.links, item.forward.link) {
            link.release(item.forward.host_stan, Owner::Forward(id));
        }
        Some(item)
    }

    pub(crate) fn raise(
        &mut self,
        now: Now,
        id: TxnId,
        forward: Option<ForwardId>,
        why: &'static str,
        out: &mut Outbox,
    ) -> crate::Recorded {
        self.counts.exceptions += 1;
        out.tell(Tell::NeedsAPerson { id });
        let reason = Text::clipped(why.as_bytes());
        out.record(Record::Exception { id, forward, reason, at: now.wall })
    }
}

impl Trail {
    /// The identity it leads to.
    fn key(&self) -> Key {
        let Self { source, terminal_id, stan, local_time, .. } = *self;
        Key { source, terminal_id, stan, local_time }
    }
}

impl Slot {
    /// Whether it was taken back, by its source or by us.
    pub(crate) fn is_taken_back(&self) -> bool {
        matches!(self.flow, Flow::Decided(Decision { taken_back: Some(_), .. }))
    }

    /// Whether that would be a new item for a person; asked in order to write it.
    pub(crate) fn is_news(&mut self, why: Reason) -> bool {
        !self.is_a_persons() && self.noted.insert(why.matter())
    }

    /// A transaction that asked no host.
    pub(crate) fn of_kept(kept: &Kept) -> Self {
        Self {
            id: kept.id,
            key: kept.key,
            fingerprint: kept.fingerprint,
            kind: kept.kind,
            transmitted_at: kept.transmitted_at,
            sent: None,
            legs: None,
            at: kept.at,
            flow: Flow::Decided(Decision::made(kept.answer, kept.by)),
            told_again: false,
            noted: Matters::default(),
            place: Place::default(),
        }
    }

    /// A report that leads to no host.
    pub(crate) fn of_stranded(report: &Declined) -> Self {
        let decision =
            Decision { after: After::Exception, ..Decision::made(report.answer, DecidedBy::Source) };
        Self {
            id: report.id,
            key: report.key,
            fingerprint: report.fingerprint,
            kind: report.kind,
            transmitted_at: Text::EMPTY,
            sent: None,
            legs: None,
            at: report.at,
            flow: Flow::Decided(decision),
            told_again: false,
            noted: Matters::default(),
            place: Place::default(),
        }
    }

    /// A report that was accepted without its request.
    pub(crate) fn of_report(sent: Sent, forward: &Forward) -> Self {
        let answer = Remembered::from(&Answer::ours(Code::Approved, Outcome::Approved));
        Self {
            id: sent.id,
            key: sent.key,
            fingerprint: sent.fingerprint,
            kind: sent.kind,
            transmitted_at: sent.transmitted_at,
            at: sent.at,
            flow: Flow::Decided(Decision::made(answer, DecidedBy::Source).owing(forward)),
            sent: Some(Box::new(sent)),
            legs: None,
            told_again: false,
            noted: Matters::default(),
            place: Place::default(),
        }
    }
}

/// Where a reversal or a report points: to the request it names, or to one like itself.
pub(crate) fn trail_of(source: SourceId, txn: &Txn) -> Trail {
    let original = txn.original.unwrap_or_default();
    // Its own time, where it does not say the original's: on some networks it keeps that for life.
    let local_time = local_time_of(&original.local_time).or(txn.local_time);
    Trail {
        source,
        terminal_id: txn.terminal_id,
        stan: original.stan.unwrap_or(txn.stan),
        local_time,
        transmitted_at: match original.stan {
            Some(_) => original.transmitted_at,
            None => Text::EMPTY,
        },
    }
}

/// The moment of `YYMMDDhhmmss`; `None` where it is none.
fn local_time_of(digits: &Text<12>) -> Option<LocalTime> {
    let mut parts = [0_u8; 6];
    let pairs = digits.as_bytes().chunks_exact(2);
    if pairs.len() != parts.len() || !digits.as_bytes().iter().all(u8::is_ascii_digit) {
        return None;
    }
    for (part, pair) in parts.iter_mut().zip(pairs) {
        *part = (pair[0] - b'0') * 10 + (pair[1] - b'0');
    }
    let [year, month, day, hour, minute, second] = parts;
    let date = BusinessDate::new(2_000 + u16::from(year), month, day)?;
    LocalTime::new(date, hour, minute, second)
}

/// `YYMMDDhhmmss`.
fn local_digits(time: LocalTime) -> Text<12> {
    let (year, month, day) = time.date.ymd();
    let (hour, minute, second) = time.hms();
    let mut digits = [b'0'; 12];
    let parts = [(year % 100) as u8, month, day, hour, minute, second];
    for (pair, value) in digits.chunks_exact_mut(2).zip(parts) {
        pair.copy_from_slice(&[b'0' + value / 10, b'0' + value % 10]);
    }
    Text::clipped(&digits)
}
