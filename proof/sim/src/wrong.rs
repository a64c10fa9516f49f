//! The wrong rules at work.

use crate::host::Frame;
use crate::mutant::Mutant;
use crate::speech::Speech;
use crate::terminal::message;
use crate::world::{SECOND, World};
use journal::{Record, Ruling};
use std::sync::Arc;
use switch::{Effect, Event, Tell};
use terms::{
    Amount, Answer, BusinessDate, Class, Code, ForwardId, Function, Kind, LinkId, Network, Original, Outcome,
    Outgoing, Stan, Text, Txn,
};

impl World {
    /// Whether a wrong rule answers this frame in the lane's place.
    pub(crate) fn mutant_hears(&mut self, at: usize, conn: u64, op: Option<usize>, txn: &Txn) -> bool {
        let (Some(mutant), Some(op)) = (self.mutant, op) else { return false };
        let known = &self.truth.ops[op];
        let in_flight = known.first.asked_at > 0 && known.decided.is_none();
        let busy = self.process.lane.as_ref().is_some_and(|lane| lane.in_flight() > 1);
        let answers = match (mutant, txn.message.class, txn.message.function) {
            (Mutant::IgnoresFlight, Class::Reversal, _) => in_flight,
            (Mutant::AnswersKnown, Class::Financial, Function::Advice) => known.decided.is_some(),
            (Mutant::AnswersFlight, Class::Financial, Function::Advice) => in_flight,
            (Mutant::RepostsLate, Class::Financial, Function::Advice) => known.undone,
            (Mutant::Shuns, Class::Reversal, _) => busy,
            (Mutant::Digs, Class::Financial, Function::Request) if known.tombstone => {
                self.is_not_buried(op);
                false
            }
            _ => false,
        };
        if !answers {
            return false;
        }
        self.tell(Some(op), || "the wrong rule answers".into());
        if mutant == Mutant::RepostsLate {
            self.repost(op, txn);
        }
        let code = if mutant == Mutant::Shuns { Code::Busy } else { Code::Approved };
        if let Some(message) = txn.message.answered_by() {
            let told = Txn {
                stan: txn.stan,
                terminal_id: txn.terminal_id,
                code: Some(code),
                outcome: Some(code.outcome()),
                ..Txn::new(message)
            };
            self.deliver(at, conn, told);
        }
        true
    }

    fn repost(&mut self, op: usize, txn: &Txn) {
        let link = self.truth.ops[op].host;
        let Some(conn) = self.hosts[usize::from(link.0)].conn else { return };
        let original = Original { stan: Some(Stan(self.truth.ops[op].host_stan)), ..Original::default() };
        let request = Txn { message: message([2, 2, 0]), original: Some(original), ..txn.clone() };
        let ours = Outgoing {
            stan: Stan(990_000 + op as u32 % 9_000),
            rrn: txn.rrn,
            transmitted_at: txn.transmitted_at,
            repeat: false,
        };
        self.transmit(Frame { link, conn, op: Some(op), request: Arc::new(request), ours });
    }

    /// Sends an open request once more, as a restart must never do.
    pub(crate) fn ask_again(&mut self, op: usize) {
        let known = &self.truth.ops[op];
        let (link, key) = (known.host, known.key);
        self.hosts[usize::from(link.0)].lives += 1;
        let conn = self.hosts[usize::from(link.0)].lives;
        let request = Txn {
            kind: known.kind,
            amount: Amount::minor(known.amount),
            stan: key.stan,
            terminal_id: key.terminal_id,
            local_time: key.local_time,
            ..Txn::new(message([2, 0, 0]))
        };
        let ours = Outgoing {
            stan: Stan(known.host_stan),
            rrn: Text::EMPTY,
            transmitted_at: Text::EMPTY,
            repeat: false,
        };
        self.count_frame(Some(op), link, &request);
        self.transmit(Frame { link, conn, op: Some(op), request: Arc::new(request), ours });
    }

    /// What the lane hears of an event; nothing where a wrong rule keeps it away.
    pub(crate) fn sabotage_event(&mut self, mut event: Event) -> Option<Event> {
        self.mutant_believes_words(&mut event);
        match (self.mutant, &event) {
            (Some(Mutant::Dates), Event::HostSaid { link, txn, .. })
                if txn.message.asks() && txn.settlement_date.is_some() =>
            {
                self.process.dates[usize::from(link.0)] = txn.settlement_date;
                None
            }
            (Some(Mutant::Sleeps), Event::LinkUp { .. }) if self.now > 60 * SECOND => None,
            (Some(Mutant::Barges), Event::HostSaid { txn, .. })
                if txn.message.asks() && txn.network == Network::SignOff =>
            {
                None
            }
            (Some(Mutant::Doubles), Event::HostSaid { link, txn, .. })
                if matches!(txn.network, Network::Cutover | Network::CutoverEnd)
                    && txn.settlement_date == self.process.dates[usize::from(link.0)] =>
            {
                let date = txn.settlement_date.map(BusinessDate::next)?;
                Some(Event::HostDate { link: *link, date })
            }
            _ => Some(event),
        }
    }

    /// The deposits that the end of a day hands over are advised all the same.
    fn straggle(&self, effects: &mut Vec<Effect>) {
        let mut advised = Vec::new();
        for effect in effects.iter() {
            let Effect::Record(Record::Exception { id, forward: Some(forward), reason, .. }) = effect else {
                continue;
            };
            let Some(owed) = self.truth.owed.get(&forward.0) else { continue };
            if !reason.as_str().starts_with("deposit owed") {
                continue;
            }
            let op = &self.truth.ops[owed.op];
            let request = Txn {
                kind: op.kind,
                amount: Amount::minor(op.amount),
                stan: op.key.stan,
                terminal_id: op.key.terminal_id,
                ..Txn::new(message([2, 2, 0]))
            };
            let (rrn, transmitted_at) = (Text::EMPTY, Text::EMPTY);
            let ours = Outgoing { stan: Stan(owed.stan), rrn, transmitted_at, repeat: false };
            let (link, id, request) = (owed.link, *id, Arc::new(request));
            advised.push(Effect::ToHost { link, id, request, ours, durable_first: true });
        }
        effects.extend(advised);
    }

    /// A person holds one message of a gate, and nobody writes it down.
    pub(crate) fn leave_ajar(&mut self) {
        let first = self.process.to_tell_first.first().copied();
        let now = self.clocks();
        if let (Some(Mutant::Ajar), Some((_, id)), Some(lane)) = (self.mutant, first, &mut self.process.lane)
        {
            let (by, reason) = (Text::EMPTY, Text::EMPTY);
            let held = Event::Ruled { forward: ForwardId(id), ruling: Ruling::Hold, by, reason };
            lane.step(now, held, &mut switch::Outbox::new());
        }
    }

    /// A request that waits for the disk is kept beyond the death of the process.
    pub(crate) fn keep_for_the_next_life(&mut self) {
        if self.mutant == Some(Mutant::Outlives) {
            let is_request = |speech: &Speech| matches!(speech, Speech::Request { request, .. } if request.message.function == Function::Request && request.message.class != Class::Network);
            let kept = self.process.held.drain(..).map(|(_, speech)| speech).find(is_request);
            self.process.outlived = self.process.outlived.take().or(kept);
        }
    }

    /// And is sent when its link is up again.
    pub(crate) fn send_from_the_last_life(&mut self, up: LinkId) {
        if let Some(Speech::Request { link, id, request, ours, meant_at, meant, life }) =
            self.process.outlived.take()
        {
            match link == up {
                true => self.ask_host(link, id, request, ours, (meant_at, meant, life), None),
                false => {
                    self.process.outlived =
                        Some(Speech::Request { link, id, request, ours, meant_at, meant, life });
                }
            }
        }
    }

    /// What a step wanted done, as a wrong rule leaves it.
    pub(crate) fn sabotage_effects(&mut self, effects: &mut Vec<Effect>) {
        match self.mutant {
            Some(Mutant::Unseen) => {
                effects.retain(|effect| !matches!(effect, Effect::Record(Record::Observed(_))))
            }
            Some(Mutant::Straggles) => self.straggle(effects),
            Some(Mutant::Nets) => self.mutant_nets(effects),
            Some(Mutant::Backdates) => {
                for effect in effects {
                    if let Effect::Record(Record::Sent(sent)) = effect {
                        let before = BusinessDate::from_days(sent.business_date.days() - 1);
                        if self.days.was_on(sent.link, before) {
                            sent.business_date = before;
                        }
                    }
                }
            }
            Some(Mutant::Hushes) => {
                effects.retain(|effect| !matches!(effect, Effect::Tell(Tell::ForwardAlarm { .. })));
            }
            Some(Mutant::Loses) => {
                effects.retain(|effect| !matches!(effect, Effect::Record(Record::Forwarded { .. })));
            }
            _ => {}
        }
    }

    /// What is left of a disk when the power is gone.
    pub(crate) fn sabotage_disk(&mut self) {
        let (old, life) = (self.process.old_disk.take(), self.process.life);
        let Some(disk) = &mut self.process.disk else { return };
        match (self.mutant, old) {
            (Some(Mutant::Lies), Some(old)) => *disk = old,
            (Some(Mutant::Garbles), _) if life == 2 => disk.edit(1, |bytes| bytes[200] ^= 1),
            _ => {}
        }
    }

    /// The guard judged by when the answer comes.
    pub(crate) fn mutant_judges(&mut self, link: LinkId, txn: &mut Txn) {
        if self.mutant != Some(Mutant::GuardsArrival) || txn.code != Some(Code::NotFound) {
            return;
        }
        let owed = self.truth.owed_under(link, txn.stan).and_then(|id| self.truth.owed.get(&id));
        if let Some(op) = owed.map(|owed| owed.op)
            && self.now >= self.truth.ops[op].books(link).asked_at + self.truth.guard_us
        {
            (txn.code, txn.outcome) = (Some(Code::Approved), Some(Outcome::Approved));
        }
    }

    /// A request as a wrong rule sends it.
    pub(crate) fn mutant_rewrites(&self, request: Arc<Txn>) -> Arc<Txn> {
        let is_request = request.message.function == Function::Request;
        let wrong = |amount: Amount| Amount::minor(amount.minor_units() + 100);
        match self.mutant {
            Some(Mutant::Changes) if is_request && request.kind == Kind::Withdrawal => {
                Arc::new(Txn { amount: wrong(request.amount), ..Txn::clone(&request) })
            }
            Some(Mutant::Miscounts) if request.remaining.is_some() => {
                Arc::new(Txn { remaining: Some(wrong(request.amount)), ..Txn::clone(&request) })
            }
            Some(Mutant::Anew) if !is_request && request.kind == Kind::TransferIn => {
                Arc::new(Txn { original: None, ..Txn::clone(&request) })
            }
            _ => request,
        }
    }

    /// What a wrong rule tells instead.
    pub(crate) fn mutant_answers(&self, op: usize, class: (Class, Function), answer: Answer) -> Answer {
        if class != (Class::Financial, Function::Request) {
            return answer;
        }
        let again = self.truth.ops[op].decided.is_some() && answer.outcome == Outcome::Approved;
        match self.mutant {
            Some(Mutant::LateFlips) if self.process.flipped.contains(&op) => {
                Answer::ours(Code::Approved, Outcome::Approved)
            }
            Some(Mutant::Embroiders) if again => Answer { approval_code: Text::clipped(b"ZZZZZZ"), ..answer },
            _ => answer,
        }
    }
}
