//! What the loop says: requests to hosts and answers to terminals, when the disk has caught up with them, and
//! what has to hold of each.

use crate::guard::Leaving;
use crate::host::Frame;
use crate::invariant::Invariant;
use crate::marks::Mark;
use crate::mutant::Mutant;
use crate::process::key_of;
use crate::swarm::Fault;
use crate::truth::is_money;
use crate::world::{Coming, World};
use journal::{Remembered, Seq};
use std::sync::Arc;
use switch::{Effect, Event, MayLeave};
use terms::{
    Answer, Class, Code, ConnId, Function, Instant, LinkId, Outcome, Outgoing, SourceId, Txn, TxnId,
};

/// Silence after which a request is unknown, as the switch is told.
pub(crate) const REPLY_TIMEOUT_MS: u32 = 30_000;

/// Something to be said once its record is durable.
pub(crate) enum Speech {
    Request {
        link: LinkId,
        id: TxnId,
        request: Arc<Txn>,
        ours: Outgoing,
        meant_at: u64,
        meant: Instant,
        /// In which life of the process.
        life: u64,
    },
    ToPeer {
        link: LinkId,
        conn: ConnId,
        request: Arc<Txn>,
        answer: Answer,
    },
    Answer {
        decision: Option<TxnId>,
        source: SourceId,
        conn: ConnId,
        request: Arc<Txn>,
        answer: Answer,
    },
}

/// Proof that nothing left: because nobody was there, or because what guards a message could not be put into it. Which
/// of the two is the trace number's to say, so that no seed sees another world for it.
fn unsent(link: LinkId, id: TxnId, ours: Outgoing) -> Event {
    match ours.stan.0 % 2 {
        0 => Event::Unsent { link, host_stan: ours.stan, id },
        _ => Event::Withheld { link, host_stan: ours.stan, id, code: Code::WrongPinBlock },
    }
}

impl World {
    pub(crate) fn carry_out(&mut self, effects: &mut Vec<Effect>) {
        for effect in effects.drain(..) {
            if self.seed % 64 == 5 || self.mutant == Some(Mutant::Shows) {
                self.look_for_cards(&effect);
            }
            match effect {
                Effect::Record(record) => self.record(record),
                Effect::Tell(tell) => self.hear(tell),
                Effect::Displaced { .. } | Effect::Announce { .. } | Effect::KeysTold { .. } => {}
                Effect::HangUp { link } => self.hang_up(link),
                Effect::ToHostAnswer { link, conn, request, answer, durable_first } => {
                    let early = self.mutant == Some(Mutant::Anticipates);
                    self.say(durable_first && !early, Speech::ToPeer { link, conn, request, answer });
                }
                Effect::ToHost { link, id, request, ours, durable_first } => {
                    let (meant_at, meant) = (self.now, self.clocks().instant);
                    self.on_meant(link, id, &request);
                    self.on_meant_for_link(link, ours.stan, &request);
                    let early = match self.mutant {
                        Some(Mutant::SpeaksFirst) => true,
                        Some(Mutant::Hastens) => request.message.function == Function::Advice,
                        _ => false,
                    };
                    let life = self.process.life;
                    let speech = Speech::Request { link, id, request, ours, meant_at, meant, life };
                    self.say(durable_first && !early, speech);
                }
                Effect::ToSource { decision, source, conn, request, answer, durable_first } => {
                    let answer = self.on_told(source, &request, answer);
                    let early = self.mutant == Some(Mutant::TellsFirst);
                    let speech = Speech::Answer { decision, source, conn, request, answer };
                    self.say(durable_first && !early, speech);
                }
            }
        }
    }

    fn say(&mut self, durable_first: bool, speech: Speech) {
        match durable_first {
            true => {
                let after = Seq(self.process.batch.next_seq().0 - 1);
                if self.process.held.is_empty() && after < self.process.durable_next {
                    return self.speak(speech);
                }
                self.process.held.push_back((after, speech));
            }
            false => self.speak(speech),
        }
    }

    pub(crate) fn speak(&mut self, speech: Speech) {
        match speech {
            Speech::Request { link, id, request, ours, meant_at, meant, life } => {
                if self.may_leave(link, id, &request, ours, meant) {
                    let meant = (meant_at, meant, life);
                    match self.guards(&request) {
                        true => self.guard_request(Leaving { link, id, request, ours, meant }),
                        false => self.ask_host(link, id, request, ours, meant, None),
                    }
                }
            }
            Speech::ToPeer { link, conn, request, answer } => {
                self.answer_peer(link, conn, &request, &answer);
            }
            Speech::Answer { decision, source, conn, request, answer } => {
                self.answer(decision, source, conn.0, request, &answer);
            }
        }
    }

    /// As the program's loop asks it, right before the first byte.
    pub(crate) fn may_leave(
        &mut self,
        link: LinkId,
        id: TxnId,
        request: &Txn,
        ours: Outgoing,
        meant: Instant,
    ) -> bool {
        let now = self.clocks().instant;
        let Some(lane) = &self.process.lane else { return false };
        let may = lane.may_leave(now, link, ours.stan, id);
        if self.mutant == Some(Mutant::LeavesLate) {
            return true;
        }
        let is_request = request.message.function == Function::Request;
        match may {
            MayLeave::Yes => return true,
            MayLeave::TooLate => {
                let in_time = now.us_since(meant) < u64::from(REPLY_TIMEOUT_MS) * 1_000;
                if in_time {
                    self.marks.hit(Mark::LeftBetweenSessions);
                } else if is_request {
                    self.marks.hit(Mark::RefusedByDeadline);
                }
                self.step(Event::Unsent { link, host_stan: ours.stan, id });
            }
            MayLeave::No if is_request => self.marks.hit(Mark::RefusedByState),
            MayLeave::No => {}
        }
        false
    }

    pub(crate) fn ask_host(
        &mut self,
        link: LinkId,
        id: TxnId,
        request: Arc<Txn>,
        ours: Outgoing,
        (meant_at, meant, life): (u64, Instant, u64),
        code: Option<Vec<u8>>,
    ) {
        let Some(conn) = self.hosts[usize::from(link.0)].conn else {
            let event = match request.message.class {
                // About the link itself: nothing of it is guarded here.
                Class::Network => Event::Unsent { link, host_stan: ours.stan, id },
                _ => unsent(link, id, ours),
            };
            return self.step(event);
        };
        let meant = (meant_at, meant);
        let op = self.truth.by_id.get(&id.0).copied();
        if request.message.class != Class::Network {
            self.look_at_session(link, life, op);
        }
        if self.mutant != Some(Mutant::Outlives) {
            self.look_at_code(link, &request, &ours, code.as_deref());
        }
        let request = self.mutant_rewrites(request);
        let request = self.mutant_redraws(link, request);
        if let Some(totals) = request.totals.as_deref() {
            self.totals_leave(link, totals);
        }
        if let Some(op) = op {
            self.check_request(op, link, &request, ours, meant);
            self.mutant_outruns(op, &request, ours, meant);
        }
        let digits = request.message.digits();
        self.tell(op, || format!("to host {}: {digits:?} stan {} repeat {}", link.0, ours.stan, ours.repeat));
        let mut frame = Frame { link, conn, op, request, ours };
        if !self.write_to_host(&mut frame) {
            return self.step(unsent(link, id, ours));
        }
        if self.mutant_keeps(&frame) || self.mutant_mutes(&frame) {
            return;
        }
        let is_request = frame.request.message.function == Function::Request;
        let doubles = match self.mutant {
            Some(Mutant::DoublesFrames) => is_request && self.luck.below(8) == 0,
            Some(Mutant::Insists) => !is_request,
            _ => false,
        };
        if doubles {
            match is_request {
                true => self.count_frame(op, link, &frame.request),
                false => op.iter().for_each(|op| self.check_owed(*op, link, &frame.request, ours, meant.0)),
            }
            self.transmit(frame.clone());
        }
        self.transmit(frame);
    }

    pub(crate) fn count_frame(&mut self, op: Option<usize>, link: LinkId, request: &Txn) {
        let Some(op) = op.filter(|_| is_money(request.kind)) else { return };
        let books = self.truth.ops[op].books_mut(link);
        books.frames += 1;
        let frames = books.frames;
        self.truth.holds(frames == 1, Invariant::I13, op, |_| format!("{frames} frames"));
    }

    pub(crate) fn check_request(
        &mut self,
        op: usize,
        link: LinkId,
        request: &Txn,
        ours: Outgoing,
        (meant_at, meant): (u64, Instant),
    ) {
        if request.message.function != Function::Request {
            return self.check_owed(op, link, request, ours, meant_at);
        }
        self.count_frame(Some(op), link, request);
        let waited_us = self.clocks().instant.us_since(meant);
        let in_time = waited_us < u64::from(REPLY_TIMEOUT_MS) * 1_000;
        self.truth
            .holds(in_time, Invariant::I14, op, |_| format!("leaves {waited_us} us after it was meant"));
        if !is_money(request.kind) {
            return;
        }
        let durable = self.truth.ops[op].is_permitted(link);
        let same = !durable || self.truth.ops[op].sent_amount == request.amount.minor_units();
        self.truth.holds(durable, Invariant::I11, op, |_| "bytes before the record".into());
        self.truth.holds(same, Invariant::I18, op, |op| format!("other content than {}", op.sent_amount));
    }

    fn check_owed(&mut self, op: usize, link: LinkId, request: &Txn, ours: Outgoing, meant_at: u64) {
        let original = request.original.and_then(|original| original.stan);
        let asked_as = self.truth.ops[op].host_stan_at(link);
        let names_it = original.is_none_or(|stan| stan.0 == asked_as);
        self.truth.holds(names_it, Invariant::I22, op, |_| format!("{original:?}, not {asked_as}"));
        self.truth.ops[op].tried = true;
        let owed = self.truth.owed_under(link, ours.stan);
        let owed = owed.and_then(|owed| self.truth.owed.get_mut(&owed)).filter(|owed| owed.op == op);
        let Some(owed) = owed else {
            return self.truth.breaks(Invariant::I23, Some(op), "bytes before the attempt is durable");
        };
        owed.tried_at.get_or_insert(meant_at);
        owed.frames += 1;
        let says = (ours.rrn, request.original);
        let (as_first, now) = (*owed.said.get_or_insert(says) == says, *owed);
        let repeats = now.attempts > 1 || !ours.repeat;
        self.truth
            .holds(now.attempts > 0 && repeats, Invariant::I23, op, |_| "bytes before the attempt".into());
        self.truth.holds(as_first, Invariant::I22, op, |_| format!("first {:?}, now {says:?}", now.said));
        self.truth.holds(now.frames <= now.attempts, Invariant::I22, op, |_| {
            format!("{} frames for {} attempts", now.frames, now.attempts)
        });
    }

    fn answer(
        &mut self,
        decision: Option<TxnId>,
        source: SourceId,
        conn: u64,
        request: Arc<Txn>,
        answer: &Answer,
    ) {
        self.check_answer(source, &request, answer);
        let at = (conn & 0xFFFF) as usize;
        if self.terminals.get(at).is_none_or(|terminal| terminal.conn != Some(conn)) {
            if let Some(id) = decision {
                self.step(Event::Undelivered { source, request, id });
            }
            return;
        }
        let Some(told) = self.read_of_switch(at, &request, answer) else { return };
        self.deliver(at, conn, told);
        if self.mutant == Some(Mutant::Doubts)
            && let Some(id) = decision
        {
            self.step(Event::Undelivered { source, request, id });
        }
    }

    pub(crate) fn deliver(&mut self, at: usize, conn: u64, told: Txn) {
        let (mut at, mut conn) = (at, conn);
        if self.mutant == Some(Mutant::Crosses) {
            at = (at + 1) % self.terminals.len();
            conn = self.terminals[at].conn.unwrap_or(conn);
        }
        if self.strikes(Fault::TermLoss) {
            return;
        }
        let copies = 1 + u64::from(self.strikes(Fault::TermDup));
        for _ in 0..copies {
            let wait = self.leg_delay();
            self.after(wait, Coming::ToTerminal(at, conn, Box::new(told.clone())));
        }
    }

    /// The lane means to tell this now.
    fn on_told(&mut self, source: SourceId, request: &Txn, answer: Answer) -> Answer {
        let Some(op) = self.truth.find(&key_of(source, request)) else { return answer };
        let class = (request.message.class, request.message.function);
        let answer = self.mutant_answers(op, class, answer);
        let (approves, known) = (answer.outcome == Outcome::Approved, &self.truth.ops[op]);
        if class == (Class::Financial, Function::Request) && is_money(request.kind) {
            // One case is left out. A report without a request, posted, then taken back by the same stranger,
            // and the reversal handed to a person: repeats of it are told what the report was told. No honest
            // terminal takes back what it reports, and the person has the key on the list.
            let contradicts = approves && known.undoing && (known.honest || !known.a_persons);
            if known.tombstone && answer.code == Code::Declined {
                self.marks.hit(Mark::RequestAfterTombstone);
            }
            if answer.code == Code::Duplicate {
                self.marks.hit(Mark::OtherContent);
            }
            self.truth.holds(!contradicts, Invariant::I17, op, |_| "approved, while it is undone".into());
        }
        answer
    }

    /// What the journal says is what is told: the decision word for word, or that it was declined where it is
    /// being undone, or that nothing was done where nothing is known.
    fn check_answer(&mut self, source: SourceId, request: &Txn, answer: &Answer) {
        if (request.message.class, request.message.function) != (Class::Financial, Function::Request)
            || !is_money(request.kind)
        {
            return;
        }
        let Some(op) = self.truth.find(&key_of(source, request)) else { return };
        let (told, known) = (Remembered::from(answer), &self.truth.ops[op]);
        let declined = (told.code, told.outcome) == (Code::Declined, Outcome::Refused);
        let (invariant, fits) = match known.decided {
            Some(said) if said == told => (Invariant::I19, true),
            // Taken back meanwhile, or before it came.
            Some(_) if declined => (Invariant::I19, known.undoing || known.tombstone || known.marked),
            // The same name for something else, or in a way that is not let in: no honest terminal says such.
            Some(_) if told.outcome == Outcome::NotSent && told.code == Code::Duplicate => {
                (Invariant::I18, !known.honest)
            }
            Some(_) => (Invariant::I19, told.outcome == Outcome::NotSent && !known.honest),
            None => (Invariant::I12, told.outcome == Outcome::NotSent),
        };
        self.truth.holds(fits, invariant, op, |op| format!("told {}, decided {:?}", answer.code, op.decided));
    }
}
