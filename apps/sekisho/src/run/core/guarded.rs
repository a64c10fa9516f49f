//! The loop where security modules are asked: before the lane hears of a message, and before one leaves.

use super::{Core, Handed, answer_header};
use crate::run::guard::{
    Asked, Errand, Heard, Leaving, Move, Next, Rule, Sealing, TokenNews, Trouble, Turn, Verifying, Whose,
    Wrong, in_force, proof_of,
};
use crate::run::hsm::{HsmCommand, Probing};
use dialects::Dialect;
use hsm::mac::{Algorithm, Padding};
use hsm::ops::{Answer, Request, Role};
use hsm::pool::Failure;
use hsm::ring::{KeyInUse, KeyRing as _};
use net::{CloseReason, Conn, Handler};
use std::rc::Rc;
use std::sync::Arc;
use switch::{Event, MayLeave};
use terms::{
    Answer as Decision, Class, ConnId, Function, LinkId, Network, Noun, Now, Outcome, Outgoing, SourceId,
    TerminalId, Txn, TxnId,
};

use super::Switchboard;
use super::proving::by_its_own_key;

impl Core {
    fn rule_of_source(&self, source: SourceId) -> Option<&Rule> {
        self.sources.get(usize::from(source.0)).and_then(|source| source.guard.as_ref())
    }

    fn rule_of_link(&self, link: LinkId) -> Option<&Rule> {
        self.links.get(usize::from(link.0)).and_then(|link| link.guard.as_ref())
    }

    pub(super) fn rule_of(&self, whose: Whose) -> Option<&Rule> {
        match whose {
            Whose::Source(source) => self.rule_of_source(source),
            Whose::Host(link) => self.rule_of_link(link),
        }
    }

    /// Hands a message that was understood to the lane: at once where nothing guards it, otherwise once its code
    /// was found right.
    pub(super) fn admit(
        &mut self,
        now: Now,
        whose: Whose,
        conn: ConnId,
        dialect: &Dialect,
        body: &[u8],
        txn: Txn,
    ) {
        let rule =
            self.rule_of(whose).filter(|rule| rule.mac.is_some() && dialect.authenticates(txn.message));
        let Some(rule) = rule else {
            return self.hear_in_turn(now, Heard { whose, conn, txn, found: None }, None);
        };
        if let Some(keys) = by_its_own_key(dialect, &txn) {
            let proof = proof_of(rule, dialect, body);
            return self.prove(keys, proof, Heard { whose, conn, txn, found: None });
        }
        let ring = self.guard.ring.clone();
        let verifying = Verifying::new(rule, &*ring.borrow(), now, whose, (conn, dialect, body), txn);
        self.run(Errand::Verify(Box::new(verifying)), None);
    }

    /// Hears of a message, and of those that waited for it, behind all that its terminal said before.
    pub(super) fn hear_in_turn(&mut self, now: Now, heard: Heard, turn: Option<Turn>) {
        let line = heard.line();
        if let Some(turn) = turn {
            for heard in self.guard.turns.ready(&line, turn, heard) {
                self.hear(now, heard);
            }
        } else if !self.guard.turns.is_waiting(&line) {
            self.hear(now, heard);
        } else if let Err(heard) = self.guard.turns.follow(line, heard) {
            let found = Some(Err(Wrong::Unknown(Trouble::Module(Failure::Full))));
            self.hear(now, Heard { found, ..heard });
        }
    }

    fn hear(&mut self, now: Now, heard: Heard) {
        let Heard { whose, conn, txn, found } = heard;
        match found {
            None => {}
            Some(Ok(is_in_force)) => {
                self.guard.figures.verified += 1;
                self.guard.figures.under_other_key += u64::from(!is_in_force);
            }
            Some(Err(wrong)) => return self.hear_wrong(whose, conn, txn, wrong),
        }
        let Some(txn) = self.about_keys(whose, conn, txn) else { return };
        match whose {
            Whose::Source(source) => {
                self.lane.take_nothing_new(self.takes_nothing_new());
                self.step_at(now, Event::Asked { source, conn, txn });
            }
            Whose::Host(link) => self.step_at(now, Event::HostSaid { link, conn, txn }),
        }
    }

    /// Whether something has to be put into a request before it may leave.
    pub(super) fn must_guard(&self, link: LinkId, request: &Txn) -> bool {
        let Some(known) = self.links.get(usize::from(link.0)) else { return false };
        let makes = known.guard.as_ref().is_some_and(|rule| rule.mac.is_some());
        let has_pin = || {
            let held = |noun| request.carried.get(noun).is_some_and(|held| !held.is_empty());
            held(Noun::PinBlock) || held(Noun::NewPinBlock)
        };
        // What moves a PIN knows itself that there is nothing to move.
        makes && known.dialect.authenticates(request.message) || self.moves_pins && has_pin()
    }

    /// Sends a request off to be guarded; it leaves, or is withheld, when that is done.
    pub(super) fn guard_request(&mut self, link: LinkId, id: TxnId, request: &Arc<Txn>, ours: &Outgoing) {
        let now = self.clock.now();
        let Some(dialect) = self.links.get(usize::from(link.0)).map(|link| link.dialect.clone()) else {
            return;
        };
        let ring = self.guard.ring.clone();
        let ring = ring.borrow();
        let to = self.rule_of_link(link);
        let source = self.lane.asked_by(link, ours.stan);
        let from = source.and_then(|source| self.rule_of_source(source));
        let came_in = source.and_then(|source| self.sources.get(usize::from(source.0)));
        let came_in = came_in.map(|source| &*source.dialect);
        let pins = Move::of(request, (from, came_in), (to, &dialect), &*ring, now);
        let by_new_key = by_its_own_key(&dialect, request).is_some();
        let mac = to
            .filter(|_| dialect.authenticates(request.message))
            .map(|rule| self.key_of_code(rule, &request.terminal_id, now, by_new_key));
        let mac = mac.flatten().transpose();
        let leaving = Leaving::new((link, id, *ours), dialect, request.clone(), pins, mac);
        drop(ring);
        self.run(Errand::Leave(Box::new(leaving)), None);
    }

    /// Says something to everybody who is connected as that source, with a code where it has agreed on one. Nobody
    /// waits for an answer.
    pub(super) fn announce(&mut self, source: SourceId, message: &Arc<Txn>, ours: &Outgoing) {
        let now = self.clock.now();
        let Some(dialect) = self.sources.get(usize::from(source.0)).map(|source| source.dialect.clone())
        else {
            return;
        };
        let rule = self.rule_of_source(source).filter(|_| dialect.authenticates(message.message));
        let mac = rule.and_then(|rule| self.key_of_code(rule, &message.terminal_id, now, false)).transpose();
        // To no link, and of no transaction.
        let about = (LinkId::default(), TxnId(0), *ours);
        let leaving = Leaving::new(about, dialect, message.clone(), Ok(None), mac);
        self.run(Errand::Announce(source, Box::new(leaving)), None);
    }

    fn on_announced(&mut self, source: SourceId, leaving: &Leaving) {
        for conn in self.net.conns() {
            if !matches!(conn.role(), net::Role::Source(of) if of == source) {
                continue;
            }
            if let Some((why, _)) = leaving.trouble {
                tracing::warn!(source = %conn.name(), %why, "the new day was not told there");
                continue;
            }
            let header = conn.framing().request_header();
            if let Err(error) = conn.send_bytes(header.as_bytes(), &leaving.body) {
                tracing::warn!(source = %conn.name(), %error, "the new day was not told there");
            }
        }
    }

    /// Algorithm and key for a code of ours; `None` where there is none to be made.
    fn key_of_code(
        &self,
        rule: &Rule,
        terminal: &TerminalId,
        now: Now,
        by_new_key: bool,
    ) -> Option<Result<(Algorithm, Padding, KeyInUse), Trouble>> {
        let (algorithm, padding) = rule.mac?;
        let (owner, role) = rule.code_owner(terminal);
        // The key that the message itself carries waits to be used.
        let coming = || self.guard.ring.borrow().coming(&owner, role, now.wall).into_iter().next();
        let coming = by_new_key.then(coming).flatten();
        if let Some(key) = coming {
            return Some(Ok((algorithm, padding, key)));
        }
        let key = in_force(&*self.guard.ring.borrow(), &owner, role, now);
        Some(key.map(|key| (algorithm, padding, key)))
    }

    /// Sends an answer off to get its code; `false` where it needs none and goes as it is.
    pub(super) fn seal_answer(
        &mut self,
        whose: Whose,
        told: Option<TxnId>,
        (conn, dialect): (ConnId, &Rc<Dialect>),
        (request, answer): (&Arc<Txn>, &Decision),
    ) -> bool {
        let now = self.clock.now();
        let kind = request.message.answered_by();
        let rule = self.rule_of(whose).filter(|_| kind.is_some_and(|kind| dialect.authenticates(kind)));
        let carries =
            dialect.key_exchange().filter(|keys| keys.by_new_key && request.network == Network::KeyExchange);
        let by_new_key = carries.is_some_and(|keys| answer.carried.get(keys.noun).is_some());
        let key = rule.and_then(|rule| self.key_of_code(rule, &request.terminal_id, now, by_new_key));
        let Some(key) = key else {
            return false;
        };
        let told = match whose {
            Whose::Source(source) => told.map(|id| (source, id)),
            Whose::Host(_) => None,
        };
        let sealing =
            Sealing::new(whose, told, (conn, dialect.clone()), (request.clone(), answer.clone()), key);
        self.run(Errand::Seal(Box::new(sealing)), None);
        true
    }

    /// Goes on with an errand until it waits or ends.
    fn run(&mut self, mut errand: Errand, mut answer: Option<Result<Answer, Failure>>) {
        loop {
            let now = self.clock.now();
            let (next, device) = match &mut errand {
                Errand::Verify(verifying) => {
                    let ring = self.guard.ring.clone();
                    (verifying.go_on(answer.take(), &mut *ring.borrow_mut(), now), None)
                }
                Errand::Leave(leaving) | Errand::Announce(_, leaving) => (leaving.go_on(answer.take()), None),
                Errand::Seal(sealing) => (sealing.go_on(answer.take()), None),
                Errand::Probe(probing) => {
                    let device = probing.device;
                    (probing.go_on(now.instant, answer.take()), Some(device))
                }
            };
            let Next::Ask(request) = next else { break };
            match self.ask_module(now, device, request) {
                Asked::Now(result) => answer = Some(result),
                Asked::Later(ticket) => {
                    if let Errand::Verify(verifying) = &mut errand {
                        verifying.wait(&mut self.guard.turns);
                    }
                    return self.guard.keep(ticket, errand);
                }
            }
        }
        self.end(errand);
    }

    fn ask_module(&mut self, now: Now, device: Option<usize>, request: Request) -> Asked {
        self.guard.ask(now.instant, device, request)
    }

    /// Takes every answer of a module to its errand.
    pub(super) fn go_on_with_errands(&mut self) {
        while let Some((errand, answer)) = self.guard.take_done() {
            self.run(errand, Some(answer));
        }
    }

    fn end(&mut self, errand: Errand) {
        match errand {
            Errand::Verify(verifying) => {
                let (heard, turn) = verifying.heard();
                self.hear_in_turn(self.clock.now(), heard, turn);
            }
            Errand::Leave(leaving) => self.on_guarded(*leaving),
            Errand::Seal(sealing) => self.on_sealed(*sealing),
            Errand::Announce(source, leaving) => self.on_announced(source, &leaving),
            Errand::Probe(_) => {}
        }
    }

    fn hear_wrong(&mut self, whose: Whose, conn: ConnId, txn: Txn, wrong: Wrong) {
        let figure = match (wrong, whose) {
            (Wrong::Unknown(_), _) => &mut self.guard.figures.not_verified,
            (Wrong::Missing | Wrong::Code | Wrong::Unproven, Whose::Host(_)) => {
                &mut self.guard.figures.wrong_from_hosts
            }
            (Wrong::Missing, Whose::Source(_)) => &mut self.guard.figures.missing,
            (Wrong::Code | Wrong::Unproven, Whose::Source(_)) => &mut self.guard.figures.wrong,
        };
        *figure += 1;
        self.say_wrong(whose, conn, &txn, wrong);
        match whose {
            // Whoever sends keys has to know that they were not taken.
            Whose::Host(_) if txn.message.asks() && txn.network == Network::KeyExchange => {
                self.refuse_about_keys(whose, conn, &Arc::new(txn), wrong.code());
            }
            // It goes on waiting, and what it waits for may never have been the host's.
            Whose::Host(_) => {}
            // There are terminals for which any answer to it says that it is done: silence makes them repeat it.
            Whose::Source(_) if matches!(wrong, Wrong::Unknown(_)) && says_what_was(&txn) => {}
            Whose::Source(source) if txn.message.asks() => {
                let answer = Decision::ours(wrong.code(), Outcome::NotSent);
                self.answer_source(None, source, conn, &Arc::new(txn), &answer);
            }
            Whose::Source(_) => {}
        }
    }

    fn say_wrong(&mut self, whose: Whose, conn: ConnId, txn: &Txn, why: Wrong) {
        if !self.log.allows(self.clock.now().wall) {
            return;
        }
        let peer = self.net.conn(conn).map(|conn| conn.name().to_string()).unwrap_or_default();
        let terminal = String::from_utf8_lossy(txn.terminal_id.as_bytes()).into_owned();
        match whose {
            Whose::Source(_) => tracing::warn!(source = peer, terminal, %why, "message refused"),
            Whose::Host(_) => {
                tracing::error!(link = peer, terminal, %why, "host's message is not believed: taken for none");
            }
        }
    }

    fn on_guarded(&mut self, leaving: Leaving) {
        let (link, id, ours) = (leaving.link, leaving.id, leaving.ours);
        self.guard.figures.pins_moved += leaving.moved;
        match self.lane.may_leave(self.clock.now().instant, link, ours.stan, id) {
            MayLeave::Yes => {}
            MayLeave::TooLate => return self.step(Event::Unsent { link, host_stan: ours.stan, id }),
            MayLeave::No => return,
        }
        if let Some((why, is_about_pin)) = leaving.trouble {
            self.guard.figures.withheld += 1;
            let now = self.clock.now();
            if why.is_alarm() && self.log.allows(now.wall) {
                tracing::error!(link = self.link_name(link), txn = id.0, %why, "request withheld");
            } else if self.log.allows(now.wall) {
                tracing::warn!(link = self.link_name(link), txn = id.0, %why, "request withheld");
            }
            let code = if is_about_pin { why.code_about_pin() } else { why.code() };
            return self.step(Event::Withheld { link, host_stan: ours.stan, id, code });
        }
        self.guard.figures.made += u64::from(self.rule_of_link(link).is_some_and(|rule| rule.mac.is_some()));
        self.send_to_host(link, id, &ours, |out| {
            out.extend_from_slice(&leaving.body);
            Ok(())
        });
    }

    pub(super) fn link_name(&self, link: LinkId) -> String {
        self.links.get(usize::from(link.0)).map(|link| link.name.to_string()).unwrap_or_default()
    }

    fn on_sealed(&mut self, mut sealing: Sealing) {
        if self.is_too_long(&sealing) && !sealing.answer.carried.is_empty() {
            // What the host added does not fit here: the decision is told without it.
            sealing.answer.carried = terms::Carried::default();
            let (conn, dialect) = (sealing.conn, sealing.dialect.clone());
            let whose = sealing.whose;
            let told = sealing.told.map(|(_, id)| id);
            self.seal_answer(whose, told, (conn, &dialect), (&sealing.request, &sealing.answer));
            return;
        }
        let handed = match sealing.trouble {
            None => {
                self.guard.figures.made += 1;
                self.hand_over(sealing.conn, &sealing.request, &sealing.body)
            }
            Some(why) => {
                self.guard.figures.not_sealed += 1;
                if self.log.allows(self.clock.now().wall) {
                    tracing::error!(%why, outcome = sealing.answer.outcome.name(), "answer without its code");
                }
                // A yes without its code must not be believed, so it is not said: and that it was not is proof. A
                // no promises nothing: whoever demands a code takes it for silence, and others need not wait.
                match sealing.answer.outcome {
                    Outcome::Approved => self.leave_untold(sealing.conn),
                    Outcome::Refused | Outcome::Unknown | Outcome::NotSent => {
                        self.answer(sealing.conn, &sealing.dialect, &sealing.request, &sealing.answer)
                    }
                }
            }
        };
        if let (Handed::Nobody, Some((source, id))) = (handed, sealing.told) {
            self.step(Event::Undelivered { source, request: sealing.request, id });
        }
    }

    fn is_too_long(&self, sealing: &Sealing) -> bool {
        let conn = self.net.conn(sealing.conn);
        conn.is_some_and(|conn| sealing.body.len() > conn.framing().body_bytes_max)
    }

    fn leave_untold(&mut self, conn: ConnId) -> Handed {
        self.figures.undelivered += 1;
        self.net.conn(conn).iter().for_each(Conn::leave_unanswered);
        Handed::Nobody
    }

    /// Hands bytes that are whole to the connection of whoever asked.
    fn hand_over(&mut self, conn: ConnId, request: &Txn, body: &[u8]) -> Handed {
        let Some(conn) = self.asker(conn) else { return Handed::Nobody };
        let header = answer_header(conn.framing(), request);
        let sent = conn.send_bytes(header.as_bytes(), body);
        self.handed(&conn, sent)
    }

    /// Shows the modules, or tests one.
    pub(crate) fn on_hsm_command(&mut self, command: HsmCommand) {
        // Whoever asked may be gone by now, and misses nothing.
        match command {
            HsmCommand::List { answer } => drop(answer.send(self.guard.list())),
            HsmCommand::Test { name, answer } => {
                let seen = self.guard.modules.seen();
                let Some(device) = self.guard.modules.place(&name) else { return drop(answer.send(None)) };
                let Some(seen) = seen.into_iter().nth(device) else { return drop(answer.send(None)) };
                self.run(Errand::Probe(Probing::new(device, seen, answer)), None);
                self.go_on_with_errands();
                self.net.flush();
            }
        }
    }

    /// A session with a token told something.
    pub(crate) fn on_token(&mut self, news: TokenNews) {
        let now = self.clock.now().instant;
        self.guard.mind(|modules, done| modules.token_told(now, news, done));
        self.go_on_with_errands();
        self.journaling.pump(&self.lane);
        self.net.flush();
    }

    /// Lets the modules know that time has passed.
    pub(super) fn mind_modules(&mut self) {
        let now = self.clock.now();
        self.guard.mind_keys();
        self.mind_exchanges(now);
        self.guard.mind(|modules, done| modules.tick(now.instant, done));
        self.go_on_with_errands();
    }
}

/// What net calls about the lines to one module.
pub(crate) struct ModuleLines {
    pub(crate) switchboard: Rc<Switchboard>,
    pub(crate) device: usize,
}

impl Handler for ModuleLines {
    fn opened(&self, conn: &Conn) {
        self.switchboard.with(|core| {
            let now = core.clock.now().instant;
            core.guard.mind(|modules, done| modules.opened(now, self.device, conn.id(), done));
            core.go_on_with_errands();
        });
    }

    fn frame(&self, conn: &Conn, _: &[u8], body: &[u8]) {
        self.switchboard.with(|core| {
            let now = core.clock.now().instant;
            core.guard.mind(|modules, done| modules.heard(now, self.device, conn.id(), body, done));
            core.go_on_with_errands();
        });
    }

    fn turn_ended(&self) {
        self.switchboard.with(|core| core.journaling.pump(&core.lane));
    }

    fn closed(&self, conn: &Conn, why: &CloseReason) {
        self.switchboard.with(|core| {
            tracing::warn!(hsm = %conn.name(), %why, "connection to a security module lost");
            let now = core.clock.now().instant;
            core.guard.mind(|modules, done| modules.closed(now, self.device, conn.id(), done));
            core.go_on_with_errands();
        });
    }
}

/// Which key makes codes.
impl Rule {
    fn code_owner(&self, terminal: &TerminalId) -> (Rc<str>, Role) {
        let (owner, role, _) = self.owner(terminal);
        (owner, role)
    }
}

/// Whether a message tells what has happened already, and is repeated until it is answered.
fn says_what_was(txn: &Txn) -> bool {
    txn.message.class == Class::Reversal || txn.message.function == Function::Advice
}
