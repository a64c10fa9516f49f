//! What lies around the lane in the program, as small as it can be told: the disk, the wires, a restart.

use crate::message::{Message, Say, Word, message_type};
use crate::scenario::{LINGER_MS, Mutant, Scenario};
use crate::world::{Asked, Held, Notice, World};
use journal::{Record, Ruling, Vault};
use std::sync::Arc;
use switch::{Effect, Event, Lane, LaneConfig, MayLeave, Outbox, Replay, Secrets, Standing};
use terms::{
    BusinessDate, Class, Code, ConnId, Function, Kind, LinkId, Outcome, Outgoing, SourceId, Stan, Text, Txn,
    TxnId,
};

pub(crate) const HOST: LinkId = LinkId(0);
const TERMINAL: SourceId = SourceId(0);
/// What recovery answers goes to nobody: connections do not outlive the process.
const NOBODY: ConnId = ConnId(0);

impl World {
    /// The lane is open for business, and nobody has asked for anything.
    pub(crate) fn at_opening(scenario: &Scenario) -> Self {
        let replay = Replay::into_lane(empty_lane());
        let mut world = Self::of(empty_lane(), replay, scenario);
        world.open(scenario);
        world.tell_day(scenario, false);
        while !world.held.is_empty() {
            world.sync(true);
        }
        world.seal();
        world
    }

    pub(crate) fn step(&mut self, scenario: &Scenario, event: Event) {
        let mut out = Outbox::new();
        self.lane.step(self.now(), event, &mut out);
        self.hold(scenario, &mut out);
    }

    pub(crate) fn ask(&mut self, scenario: &Scenario, say: Say) {
        let conn = ConnId(if say == Say::Repeat { 2 } else { 1 });
        self.step(scenario, Event::Asked { source: TERMINAL, conn, txn: say.txn(kind(scenario)) });
    }

    pub(crate) fn host_says(&mut self, scenario: &Scenario, stan: u32, digits: [u8; 3], word: Word) {
        let code = match word {
            Word::Yes => Code::Approved,
            Word::No | Word::Unknown => Code::InsufficientFunds,
            Word::NoOriginal => Code::NotFound,
            Word::WrongDay => Code::FormatError,
        };
        let txn = Txn {
            stan: Stan(stan),
            code: Some(code),
            outcome: Some(code.outcome()),
            ..Txn::new(message_type(digits))
        };
        self.step(scenario, Event::HostSaid { link: HOST, conn: ConnId(9), txn });
    }

    /// Whether the lane waits for an answer under that trace number.
    pub(crate) fn awaits(&self, stan: u32) -> bool {
        // One transaction, a tombstone, a refusal: no more numbers are given out than these.
        (1..=4).any(|id| self.lane.may_leave(self.now().instant, HOST, Stan(stan), TxnId(id)) != MayLeave::No)
    }

    pub(crate) fn notice(&mut self, scenario: &Scenario, notice: Notice) {
        self.notices.retain(|&other| other != notice);
        let event = match notice {
            Notice::Unsent { stan, id } => Event::Unsent { link: HOST, host_stan: Stan(stan), id: TxnId(id) },
            Notice::Undelivered { id } => {
                let request = Arc::new(Say::Request.txn(kind(scenario)));
                Event::Undelivered { source: TERMINAL, request, id: TxnId(id) }
            }
        };
        self.step(scenario, event);
    }

    pub(crate) fn tell_day(&mut self, scenario: &Scenario, new: bool) {
        let day = BusinessDate::from_days(20_000 + i64::from(new));
        self.step(scenario, Event::HostDate { link: HOST, date: day });
    }

    /// Whether what is owed is held, as a person sees it. An order that died with the switch was not given.
    pub(crate) fn is_on_hold(&self) -> bool {
        let owed = self.owed.and_then(|forward| self.lane.owed_one(self.now().instant, forward));
        owed.is_some_and(|owed| owed.standing == Standing::Held)
    }

    pub(crate) fn rule(&mut self, scenario: &Scenario, ruling: Ruling) {
        let Some(forward) = self.owed else { return };
        let (by, reason) = (Text::clipped(b"somebody"), Text::EMPTY);
        self.step(scenario, Event::Ruled { forward, ruling, by, reason });
    }

    /// The oldest step becomes durable; what it wants to say is left for [`World::release`].
    pub(crate) fn write(&mut self) -> Vec<Held> {
        if self.held.is_empty() {
            return Vec::new();
        }
        let step = self.held.remove(0);
        let mut replay = Replay::clone(&self.durable);
        for held in &step {
            let Held::Write(record) = held else { continue };
            self.unreadable |= replay.apply(record.clone()).is_err();
            self.listed |= is_for_a_person(record) && !is_of_a_tombstone(record, &step);
        }
        self.durable = Arc::new(replay);
        step
    }

    /// The oldest step becomes durable, and says what it wants to say.
    pub(crate) fn sync(&mut self, reaches_host: bool) {
        for held in self.write() {
            if let Held::Send { message, id, .. } = held {
                self.release(message, id, reaches_host);
            }
        }
    }

    /// As `sync`, but the connection that waits for the decision is gone.
    pub(crate) fn sync_to_nobody(&mut self) {
        for held in self.write() {
            match held {
                Held::Send { id, first: true, .. } => self.notices.push(Notice::Undelivered { id }),
                Held::Send { message, id, .. } => self.release(message, id, true),
                Held::Write(_) => {}
            }
        }
    }

    pub(crate) fn send(&mut self, message: Message) {
        self.frames += u8::from(matches!(message, Message::Request { .. }));
        self.lied |= self.is_a_lie(&message);
        // Two of the same are one: a second copy is the network's to make.
        if !self.network.contains(&message) {
            self.network.push(message);
        }
    }

    /// Power is gone, and back. What was not durable has not happened.
    pub(crate) fn die(&mut self, scenario: &Scenario) {
        self.held.clear();
        self.notices.clear();
        if scenario.has(Mutant::SendsAgainAfterDeath) && self.durable.open() > 0 {
            self.send(Message::Request { stan: 900, until_ms: self.now_ms + LINGER_MS });
        }
        let mut out = Outbox::new();
        let replay = Replay::clone(&self.durable);
        match replay.finish(self.now(), |_| scenario.lane_config(), &mut out) {
            Ok(lane) => self.lane = lane,
            Err(_) => self.unreadable = true,
        }
        self.hold(scenario, &mut out);
        self.open(scenario);
    }

    fn open(&mut self, scenario: &Scenario) {
        let mut out = Outbox::new();
        self.lane.reconfigure(scenario.lane_config(), &mut out);
        self.hold(scenario, &mut out);
        self.link_up = true;
        self.step(scenario, Event::LinkUp { link: HOST });
    }

    fn release(&mut self, message: Message, id: u64, reaches_host: bool) {
        let stan = match message {
            Message::Request { stan, .. } | Message::Reversal { stan, .. } | Message::Advice { stan, .. } => {
                stan
            }
            _ => return self.send(message),
        };
        let in_time = match self.lane.may_leave(self.now().instant, HOST, Stan(stan), TxnId(id)) {
            MayLeave::Yes => true,
            MayLeave::TooLate => false,
            MayLeave::No => return,
        };
        let notice = Notice::Unsent { stan, id };
        match in_time && reaches_host && self.link_up {
            true => self.send(message),
            false if self.notices.contains(&notice) => {}
            false => self.notices.push(notice),
        }
    }

    /// Takes over what a step left.
    fn hold(&mut self, scenario: &Scenario, out: &mut Outbox) {
        let mut step = Vec::new();
        for effect in out.drain() {
            match effect {
                Effect::Record(record) => {
                    self.owed = record.forward().or(self.owed);
                    match split(scenario, record) {
                        (record, None) => step.push(Held::Write(record)),
                        (record, Some(second)) => {
                            step.push(Held::Write(record));
                            self.held.push(core::mem::take(&mut step));
                            step.push(Held::Write(second));
                        }
                    }
                }
                Effect::ToHost { id, request, ours, .. } => {
                    let message = to_host(&request, ours, self.now_ms);
                    self.note_asked(scenario, message);
                    match scenario.has(Mutant::SpeaksBeforeItWrites) {
                        true => self.release(message, id.0, true),
                        false => step.push(Held::Send { message, id: id.0, first: false }),
                    }
                }
                Effect::ToSource { conn, .. } if conn == NOBODY => {}
                Effect::ToSource { decision, request, answer, .. } => {
                    let Some(say) = Say::of(request.message) else { continue };
                    let message = Message::Told(say, word(answer.outcome));
                    let (id, first) = (decision.map_or(0, |id| id.0), decision.is_some());
                    match scenario.has(Mutant::AnswersBeforeItWrites) {
                        true => self.send(message),
                        false => step.push(Held::Send { message, id, first }),
                    }
                }
                Effect::ToHostAnswer { .. }
                | Effect::KeysTold { .. }
                | Effect::Displaced { .. }
                | Effect::Announce { .. }
                | Effect::HangUp { .. }
                | Effect::Tell(_) => {}
            }
        }
        // What is only written down for people changes nothing, whenever it becomes durable.
        if !step.iter().all(|held| matches!(held, Held::Write(Record::Observed(_)))) {
            self.held.push(step);
        }
    }

    /// For the mutants that want to know.
    fn note_asked(&mut self, scenario: &Scenario, message: Message) {
        let wants = scenario.has(Mutant::JudgesByArrival) || scenario.has(Mutant::PostsAfterCancelling);
        if let Message::Request { stan, until_ms } = message
            && wants
        {
            self.asked = Some(Asked { stan, gone_at_ms: until_ms });
        }
    }
}

fn kind(scenario: &Scenario) -> Kind {
    if scenario.is_deposit() { Kind::Deposit } else { Kind::Withdrawal }
}

fn empty_lane() -> Lane {
    let secrets = Secrets { fingerprint: [7; 16], vault: Arc::new(Vault::new([1; 32], 0)) };
    Lane::new(LaneConfig { remembered_max: 8, ..LaneConfig::default() }, secrets)
}

/// A request lingers from the moment the lane let it go, not from the moment the disk did.
fn to_host(request: &Txn, ours: Outgoing, now_ms: u32) -> Message {
    let stan = ours.stan.0;
    let of = request.original.and_then(|original| original.stan).map(|stan| stan.0);
    match (request.message.class, request.message.function) {
        (Class::Reversal, _) => Message::Reversal { stan, of: of.unwrap_or(stan) },
        (_, Function::Advice) => Message::Advice { stan, of },
        _ => Message::Request { stan, until_ms: now_ms + LINGER_MS },
    }
}

fn word(outcome: Outcome) -> Word {
    match outcome {
        Outcome::Approved => Word::Yes,
        Outcome::Refused | Outcome::NotSent => Word::No,
        Outcome::Unknown => Word::Unknown,
    }
}

/// Whether a person has it from here on.
fn is_for_a_person(record: &Record) -> bool {
    matches!(record, Record::Exception { .. } | Record::Ruled { ruling: Ruling::Settle, .. })
}

/// Whether it says no more than that something unknown was taken back: that puts nothing right, so it excuses
/// nothing that is wrong.
fn is_of_a_tombstone(record: &Record, step: &[Held]) -> bool {
    let buries =
        |held: &Held| matches!(held, Held::Write(Record::Kept(kept)) if Some(kept.id) == record.id());
    step.iter().any(buries)
}

/// What M4 makes of one record: the time-out, and later what is owed for it.
fn split(scenario: &Scenario, record: Record) -> (Record, Option<Record>) {
    match record {
        Record::TimedOut { id, answer, owes: Some(forward), at }
            if scenario.has(Mutant::OwesInASecondRecord) =>
        {
            let second = Record::Owed { id, forward, why: journal::Why::Undelivered, at };
            (Record::TimedOut { id, answer, owes: None, at }, Some(second))
        }
        record => (record, None),
    }
}
