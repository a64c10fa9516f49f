//! `sekisho sim center`: a card centre. It calls and is called back, signs on, asks for echoes, changes the day,
//! answers business from its books, and misbehaves as its script says.
//!
//! ```text
//!   script, words typed ─▶ deeds ─▶ messages of its own ─▶ any connection, each in its turn
//!   what the switch asks ─▶ sign-on, echo, cutover: as the script reacts · business: rules and books
//! ```

mod command;
mod script;
mod totals;

pub use command::Args;
pub(super) use command::run;
pub use script::{CenterToml, CutoverToml, Deed, Reaction, StepToml};

use super::ledger::Ledger;
use super::luck::Luck;
use super::question::digits;
use super::rules::{Manner, is_owed};
use super::speech::{SimError, Speech, local_clock};
use clock::Clock;
use net::{CloseReason, Conn, DialConfig, Handler, LinkHandle, ListenerConfig, Listening, Net, Service};
use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;
use terms::{Answer, BusinessDate, Class, Code, LinkId, LinkName, Network, Outgoing, Stan, Text, Txn};
use wire::HeaderBytes;

/// What a centre has counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CenterCounts {
    /// Business that could be read.
    pub asked: u64,
    /// Business refused because nobody had signed on.
    pub too_early: u64,
    /// Messages that could not be read.
    pub unreadable: u64,
    /// Sign-ons of the switch that were accepted.
    pub sign_ons: u64,
    /// Echoes of the switch.
    pub echoes: u64,
    /// Messages of its own that were accepted.
    pub accepted: u64,
    /// Messages of its own that were refused.
    pub refused: u64,
    /// Totals of the switch that were compared.
    pub compared: u64,
    /// Of these, those that differed from its books.
    pub differed: u64,
    /// Sign-offs of the switch that were accepted.
    pub sign_offs: u64,
    /// Days it has ended.
    pub cutovers: u64,
}

/// A centre at work on this thread's network.
#[derive(Clone)]
pub struct CenterAtWork(Rc<Center>);

struct Center {
    net: Net,
    speech: Speech,
    state: RefCell<State>,
    listening: RefCell<Option<Listening>>,
    calling: RefCell<Option<LinkHandle>>,
    /// Where what happens is told; a line each.
    tell: Box<dyn Fn(&str)>,
    turn: Cell<usize>,
}

struct State {
    script: CenterToml,
    luck: Luck,
    ledger: Ledger,
    clock: Clock,
    date: BusinessDate,
    signed_on: bool,
    is_silent: bool,
    conns: Vec<Conn>,
    last_stan: Stan,
    /// Questions of its own that are unanswered.
    waiting: Vec<(Stan, Network)>,
    /// What it said last about the day.
    last_cut: Option<(Network, BusinessDate)>,
    /// How reversals and the net are told, by contract.
    rule: (book::ReversalBucket, book::NetRule),
    /// Its question for totals that is unanswered.
    asked_for_totals: Option<Stan>,
    counts: CenterCounts,
}

impl CenterAtWork {
    /// Opens on this thread's network: listens, calls where it calls first, and begins its script.
    pub fn open(script: CenterToml, net: &Net, tell: impl Fn(&str) + 'static) -> Result<Self, SimError> {
        let speech = Speech::named(&script.dialect, script.framing.as_deref())?;
        let clock = local_clock();
        let date = script.business_date.map_or_else(|| clock.now().local().date, |day| day.0);
        let mut ledger = Ledger::keeping(script.business.opening_balance).promising(script.business.promises);
        ledger.set_today(date);
        let (listen, calls, steps) = (script.listen, script.calls, script.step.clone());
        let state = State {
            luck: Luck::seeded(script.seed),
            ledger,
            clock,
            date,
            signed_on: false,
            is_silent: false,
            conns: Vec::new(),
            last_stan: Stan(0),
            waiting: Vec::new(),
            last_cut: None,
            rule: totals::rule_of(&speech.dialect),
            asked_for_totals: None,
            counts: CenterCounts::default(),
            script,
        };
        let center = Rc::new(Center {
            net: net.clone(),
            speech,
            state: RefCell::new(state),
            listening: RefCell::default(),
            calling: RefCell::default(),
            tell: Box::new(tell),
            turn: Cell::new(0),
        });
        center.listen(listen)?;
        if let Some(address) = calls {
            center.call(address)?;
        }
        tokio::task::spawn_local(center.clone().play(steps));
        Ok(Self(center))
    }

    /// Where it is called.
    pub fn address(&self) -> Option<SocketAddr> {
        self.0.listening.borrow().as_ref().map(Listening::local_addr)
    }

    /// Does something of its own accord.
    pub fn act(&self, deed: Deed) {
        self.0.clone().act(deed);
    }

    /// Its business day.
    pub fn date(&self) -> BusinessDate {
        self.0.state.borrow().date
    }

    /// Whether the switch and it are in session.
    pub fn is_signed_on(&self) -> bool {
        self.0.state.borrow().signed_on
    }

    /// What it has counted.
    pub fn counts(&self) -> CenterCounts {
        self.0.state.borrow().counts
    }

    /// Its books as they stand.
    pub fn with_ledger<R>(&self, look: impl FnOnce(&Ledger) -> R) -> R {
        look(&self.0.state.borrow().ledger)
    }
}

impl State {
    fn draw_stan(&mut self) -> Stan {
        self.last_stan = self.last_stan.next();
        self.last_stan
    }

    /// How a network message of the switch is answered.
    fn react(&mut self, about: Network) -> Reaction {
        let reaction = match about {
            Network::SignOn => &mut self.script.sign_on,
            Network::SignOff => &mut self.script.sign_off,
            Network::Echo => &mut self.script.echo,
            Network::Cutover => &mut self.script.cutover.answer,
            Network::Other | Network::KeyExchange | Network::MasterKey | Network::CutoverEnd => {
                return Reaction { code: super::rules::CodeName(Code::NotSupported), ..Reaction::default() };
            }
        };
        let (now, next) = reaction.taken();
        *reaction = next;
        now
    }

    /// Decides, posts, and words the answer to a business message.
    fn serve(&mut self, request: &Txn) -> (Answer, Manner, Duration) {
        self.counts.asked += 1;
        if self.script.needs_sign_on && !self.signed_on {
            self.counts.too_early += 1;
            let answer = Answer::ours(Code::NotSignedOn, Code::NotSignedOn.outcome());
            return (answer, Manner::Answer, Duration::ZERO);
        }
        let mut deed = self.script.business.decide(request, self.counts.asked, &mut self.luck);
        if deed.manner != Manner::Deaf {
            deed.code = self.ledger.take(request, deed.code);
        }
        let mut answer = Answer::ours(deed.code, deed.code.outcome());
        // What comes again is counted where the first was, however late it is answered.
        answer.settlement_date = self.ledger.counted_on(request).or(Some(self.date));
        if deed.code == Code::Approved && !is_owed(request) {
            answer.approval_code = digits(self.counts.asked % 1_000_000);
        }
        (answer, deed.manner, Duration::from_micros(deed.delay_us))
    }
}

impl Center {
    fn listen(self: &Rc<Self>, address: SocketAddr) -> Result<(), SimError> {
        let framing = self.speech.framing.clone();
        let mut config = ListenerConfig::new(name(), address, framing, Service::Persistent);
        (config.per_address_max, config.ban) = (config.connections_max, None);
        let listening = (self.net.listen(config, Rc::new(Door(self.clone()))))
            .map_err(|error| SimError::CannotListen { address, source: Box::new(error) })?;
        self.listening.replace(Some(listening));
        Ok(())
    }

    fn call(self: &Rc<Self>, address: SocketAddr) -> Result<(), SimError> {
        let framing = self.speech.framing.clone();
        let mut config = DialConfig::new(name(), LinkId(0), address.to_string(), framing);
        let state = self.state.borrow();
        (config.connections, config.reconnect_ms) = (state.script.call_count, state.script.call_again_ms);
        drop(state);
        let calling = self.net.dial(config, Rc::new(Door(self.clone())))?;
        self.calling.replace(Some(calling));
        Ok(())
    }

    async fn play(self: Rc<Self>, steps: Vec<StepToml>) {
        for step in steps {
            tokio::time::sleep(Duration::from_millis(step.after_ms)).await;
            self.clone().act(step.deed);
        }
    }

    fn tell(&self, line: impl AsRef<str>) {
        (self.tell)(line.as_ref());
    }

    fn act(self: Rc<Self>, deed: Deed) {
        match deed {
            Deed::SignOn => self.ask(Network::SignOn, None),
            Deed::SignOff => self.ask(Network::SignOff, None),
            Deed::Echo => self.ask(Network::Echo, None),
            Deed::Cutover => self.cut_over(),
            Deed::CutoverAgain => {
                let last = self.state.borrow().last_cut;
                match last {
                    Some((about, date)) => self.ask(about, Some(date)),
                    None => self.tell("no cutover yet that could be said again"),
                }
            }
            Deed::CutoverWrong => {
                let date = BusinessDate::from_days(self.state.borrow().date.days() + 5);
                self.ask(Network::Cutover, Some(date));
            }
            Deed::Totals => self.ask_for_totals(true),
            Deed::TotalsBlank => self.ask_for_totals(false),
            Deed::DropOne => self.conns().first().iter().for_each(|conn| conn.abort()),
            Deed::DropAll => self.conns().iter().for_each(Conn::abort),
            Deed::Silent => self.state.borrow_mut().is_silent = true,
            Deed::Speak => self.state.borrow_mut().is_silent = false,
            Deed::Malformed => {
                if let Some(conn) = self.next_conn() {
                    let header = conn.framing().request_header();
                    // A connection that is gone hears nothing, which is no mistake of the script.
                    let _ = conn.send_bytes(header.as_bytes(), &[0x99; 40]);
                    self.net.flush();
                }
            }
        }
    }

    /// The day changes: in one message that names the new one, or in two that name the old and the new.
    fn cut_over(self: Rc<Self>) {
        let types = self.speech.dialect.network_types();
        let (old, new, between_ms) = {
            let mut state = self.state.borrow_mut();
            let old = state.date;
            let new = BusinessDate::from_days(old.days() + 1);
            state.date = new;
            state.ledger.set_today(new);
            state.counts.cutovers += 1;
            (old, new, state.script.cutover.between_ms)
        };
        self.tell(format!("cutover from {old} to {new}"));
        if types.of(Network::CutoverEnd).is_none() {
            return self.ask(Network::Cutover, Some(new));
        }
        self.ask(Network::Cutover, Some(old));
        tokio::task::spawn_local(async move {
            tokio::time::sleep(Duration::from_millis(between_ms)).await;
            self.ask(Network::CutoverEnd, Some(new));
        });
    }

    fn conns(&self) -> Vec<Conn> {
        self.state.borrow().conns.clone()
    }

    fn next_conn(&self) -> Option<Conn> {
        let conns = self.conns();
        let turn = self.turn.get().wrapping_add(1);
        self.turn.set(turn);
        let first = turn % conns.len().max(1);
        conns.iter().cycle().skip(first).take(conns.len()).find(|conn| conn.is_open()).cloned()
    }

    /// Asks the switch something.
    fn ask(&self, about: Network, date: Option<BusinessDate>) {
        let types = self.speech.dialect.network_types();
        let Some(message) = types.of(about) else { return self.tell(format!("the dialect has no {about}")) };
        let (stan, now) = {
            let mut state = self.state.borrow_mut();
            let (stan, now) = (state.draw_stan(), state.clock.now());
            state.waiting.push((stan, about));
            if matches!(about, Network::Cutover | Network::CutoverEnd) {
                state.last_cut = date.map(|date| (about, date));
            }
            (stan, now)
        };
        let request =
            Txn { network: about, local_time: Some(now.local()), settlement_date: date, ..Txn::new(message) };
        let (_, month, day) = now.local().date.ymd();
        let (hour, minute, second) = now.local().hms();
        let transmitted_at = format!("{month:02}{day:02}{hour:02}{minute:02}{second:02}");
        let transmitted_at = Text::clipped(transmitted_at.as_bytes());
        let ours = Outgoing { stan, rrn: Text::EMPTY, transmitted_at, repeat: false };
        let sent = self.next_conn().map(|conn| {
            let header = conn.framing().request_header();
            conn.send(header.as_bytes(), |out| self.speech.write_request(&request, &ours, out))
        });
        match sent {
            Some(Ok(())) => self.tell(format!("asked: {about}")),
            Some(Err(error)) => self.tell(format!("not asked: {about}: {error}")),
            None => self.tell(format!("not asked: {about}: no connection stands")),
        }
        self.net.flush();
    }

    /// The switch answered something it was asked.
    fn on_answer(&self, answer: &Txn) {
        let mut state = self.state.borrow_mut();
        if state.asked_for_totals == Some(answer.stan) && answer.message.class == Class::Reconciliation {
            state.asked_for_totals = None;
            drop(state);
            return self.on_totals_told(answer);
        }
        let Some(at) = state.waiting.iter().position(|(stan, _)| *stan == answer.stan) else { return };
        let (_, about) = state.waiting.remove(at);
        let code = answer.code.unwrap_or(Code::Malfunction);
        let accepted = code.outcome() == Code::Approved.outcome();
        match accepted {
            true => state.counts.accepted += 1,
            false => state.counts.refused += 1,
        }
        match about {
            Network::SignOn if accepted => state.signed_on = true,
            Network::SignOff if accepted => state.signed_on = false,
            _ => {}
        }
        drop(state);
        self.tell(format!("{about}: the switch answered {}", code.name()));
    }

    fn on_network(self: &Rc<Self>, conn: &Conn, header: HeaderBytes, request: Txn) {
        let about = request.network;
        let (reaction, follow) = {
            let mut state = self.state.borrow_mut();
            let reaction = state.react(about);
            let heard = reaction.manner != Manner::Deaf;
            match about {
                Network::SignOn if reaction.accepts() && heard => {
                    (state.signed_on, state.counts.sign_ons) = (true, state.counts.sign_ons + 1);
                }
                Network::SignOff if reaction.accepts() && heard => {
                    (state.signed_on, state.counts.sign_offs) = (false, state.counts.sign_offs + 1);
                }
                Network::Echo => state.counts.echoes += 1,
                _ => {}
            }
            let cut = state.script.cutover;
            let follows = about == Network::Cutover && cut.follow && reaction.accepts();
            (reaction, follows.then_some(cut.after_ms))
        };
        self.tell(format!("{about} of the switch: {}", reaction.code.0.name()));
        let code = reaction.code.0;
        let mut answer = Answer::ours(code, code.outcome());
        // Who opens is told which day it is.
        answer.settlement_date = (about == Network::SignOn).then(|| self.state.borrow().date);
        let delay = Duration::from_millis(reaction.delay_ms);
        self.reply(conn, header, request, answer, reaction.manner, delay);
        if let Some(after_ms) = follow {
            let center = self.clone();
            tokio::task::spawn_local(async move {
                tokio::time::sleep(Duration::from_millis(after_ms)).await;
                center.cut_over();
            });
        }
    }

    fn reply(
        self: &Rc<Self>,
        conn: &Conn,
        header: HeaderBytes,
        request: Txn,
        answer: Answer,
        manner: Manner,
        delay: Duration,
    ) {
        let (center, conn) = (self.clone(), conn.clone());
        if delay.is_zero() {
            return center.speak(&conn, header.as_bytes(), &request, &answer, manner);
        }
        tokio::task::spawn_local(async move {
            tokio::time::sleep(delay).await;
            center.speak(&conn, header.as_bytes(), &request, &answer, manner);
            center.net.flush();
        });
    }

    fn speak(&self, conn: &Conn, header: &[u8], request: &Txn, answer: &Answer, manner: Manner) {
        if self.state.borrow().is_silent {
            return self.tell(format!("silent: question {} heard, and not answered", request.stan));
        }
        let say = |garbled: bool| {
            let sent = conn.send(header, |out| {
                let start = out.len();
                self.speech.write_answer(request, answer, out)?;
                if garbled {
                    out[start..].iter_mut().for_each(|byte| *byte ^= 0x55);
                }
                Ok::<(), dialects::WriteError>(())
            });
            if let Err(error) = sent {
                self.tell(format!("not answered: {error}"));
            }
        };
        match manner {
            Manner::Answer => say(false),
            Manner::Garbage => say(true),
            Manner::Silent | Manner::Deaf => {}
            Manner::Cut => conn.abort(),
            Manner::Twice => (0..2).for_each(|_| say(false)),
        }
    }
}

/// What net calls.
struct Door(Rc<Center>);

impl Handler for Door {
    fn opened(&self, conn: &Conn) {
        self.0.state.borrow_mut().conns.push(conn.clone());
    }

    fn frame(&self, conn: &Conn, header: &[u8], body: &[u8]) {
        let center = &self.0;
        let today = center.state.borrow().clock.now().local().date;
        let Ok(message) = center.speech.read(body, today) else {
            center.state.borrow_mut().counts.unreadable += 1;
            return;
        };
        if !message.message.asks() {
            return center.on_answer(&message);
        }
        let header = conn.framing().answer_header(header);
        if message.message.class == Class::Network {
            return center.on_network(conn, header, message);
        }
        if message.message.class == Class::Reconciliation {
            return center.on_totals(conn, header, message);
        }
        let (answer, manner, delay) = center.state.borrow_mut().serve(&message);
        center.reply(conn, header, message, answer, manner, delay);
    }

    fn closed(&self, conn: &Conn, _: &CloseReason) {
        let mut state = self.0.state.borrow_mut();
        state.conns.retain(|other| other.id() != conn.id());
        // A session is a conversation: without a connection there is none.
        if state.conns.is_empty() && std::mem::take(&mut state.signed_on) {
            drop(state);
            self.0.tell("every connection is gone, and with them the session");
        }
    }
}

fn name() -> LinkName {
    LinkName::clipped(b"center")
}
