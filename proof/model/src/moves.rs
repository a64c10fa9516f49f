use crate::message::{Message, Say, Word};
use crate::scenario::{Mutant, Scenario};
use crate::terminal::{Stage, Terminal};
use crate::wiring::HOST;
use crate::world::{Held, Notice, World};
use crate::{Plot, world};
use journal::Ruling;
use switch::Event;

/// Something that can happen next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// The customer wants something.
    Asks,
    /// The terminal asks again.
    AsksAgain,
    /// The terminal waits no longer, and says this.
    GivesUp(Say),
    /// The terminal says it again: nobody has acknowledged it.
    Insists(Say),
    /// A message arrives.
    Arrives {
        /// Which.
        message: Message,
        /// Whether the network keeps a copy, to arrive again.
        copied: bool,
        /// The host approves; the dispenser works.
        lucky: bool,
    },
    /// A message is lost.
    IsLost(Message),
    /// The oldest step is durable, and speaks.
    Syncs,
    /// The oldest step is durable, and what it says to the host provably does not leave.
    SyncsUnsent,
    /// The oldest step is durable, and the connection its decision goes to is provably gone.
    SyncsToNobody,
    /// The lane learns what the edge knows.
    Learns(Notice),
    /// The switch dies and is started again.
    Dies {
        /// Right after the oldest step became durable, before it spoke.
        durable: bool,
    },
    /// Nothing happens until the lane's next deadline.
    TimePasses,
    /// The host's day changes; the switch hears of it later.
    DayChanges,
    /// The link to the host goes down.
    LinkFalls,
    /// It is up again.
    LinkRises,
    /// A person does something about what is owed.
    Rules(Ruling),
}

impl World {
    /// Everything that can happen next.
    pub(crate) fn moves(&self, scenario: &Scenario, moves: &mut Vec<Move>) {
        self.moves_of_the_terminal(scenario, moves);
        self.moves_of_the_network(scenario, moves);
        self.moves_of_the_disk(moves);
        if !self.may_step() {
            return;
        }
        moves.extend(self.notices.iter().map(|&notice| Move::Learns(notice)));
        if self.lane.next_deadline().is_some() {
            moves.push(Move::TimePasses);
        }
        if scenario.is_deposit() && !self.host.new_day {
            moves.push(Move::DayChanges);
        }
        if scenario.plot == Plot::Forward {
            self.moves_of_people(moves);
        }
    }

    /// Whether the disk lets the lane take one more step.
    fn may_step(&self) -> bool {
        self.held.len() < usize::from(self.left.held)
    }

    fn moves_of_the_terminal(&self, scenario: &Scenario, moves: &mut Vec<Move>) {
        match self.terminal.stage {
            Stage::Idle => moves.push(Move::Asks),
            Stage::Waiting => {
                if self.terminal.repeats_left > 0 {
                    moves.push(Move::AsksAgain);
                }
                moves.extend(Terminal::ways_out(scenario).iter().map(|&say| Move::GivesUp(say)));
            }
            Stage::Insisting(say) => {
                let about = |m: &Message| match *m {
                    Message::Asked(other) | Message::Told(other, _) => other == say,
                    _ => false,
                };
                if self.held.is_empty() && !self.is_under_way(about) {
                    moves.push(Move::Insists(say));
                }
            }
            Stage::Finished => {}
        }
    }

    fn moves_of_the_network(&self, scenario: &Scenario, moves: &mut Vec<Move>) {
        for &message in &self.network {
            let to_lane = matches!(message, Message::Asked(_) | Message::HostSaid { .. } | Message::NewDay);
            let may_fail = matches!(message, Message::Request { .. })
                || (matches!(message, Message::Told(_, Word::Yes))
                    && self.terminal.stage == Stage::Waiting
                    && !scenario.is_deposit());
            // A request is one write on one connection: no network repeats it.
            let requests_repeat = scenario.requests_repeat || scenario.has(Mutant::RepeatsRequests);
            let may_repeat = self.left.duplicates > 0
                && self.matters(message)
                && (!matches!(message, Message::Request { .. }) || requests_repeat);
            if !to_lane || self.may_step() {
                for (copied, lucky) in [(false, true), (false, false), (true, true), (true, false)] {
                    if (may_repeat || !copied) && (may_fail || lucky) {
                        moves.push(Move::Arrives { message, copied, lucky });
                    }
                }
            }
            if self.left.losses > 0 && self.matters(message) {
                moves.push(Move::IsLost(message));
            }
        }
    }

    /// Whether it makes a difference that a message is lost, or comes twice: that nobody waits for it any more
    /// is found out by letting it arrive once, or never.
    fn matters(&self, message: Message) -> bool {
        match message {
            Message::NewDay => false,
            Message::HostSaid { stan, .. } => self.awaits(stan),
            _ => true,
        }
    }

    fn moves_of_the_disk(&self, moves: &mut Vec<Move>) {
        let next = self.held.first();
        if let Some(step) = next {
            moves.push(Move::Syncs);
            let to_host =
                |held: &Held| matches!(held, Held::Send { message, .. } if world::is_to_host(message));
            let decides = |held: &Held| matches!(held, Held::Send { first: true, .. });
            if self.left.losses > 0 && step.iter().any(to_host) {
                moves.push(Move::SyncsUnsent);
            }
            if self.left.losses > 0 && step.iter().any(decides) {
                moves.push(Move::SyncsToNobody);
            }
        }
        if self.left.crashes > 0 {
            moves.push(Move::Dies { durable: false });
            if next.is_some() {
                moves.push(Move::Dies { durable: true });
            }
        }
    }

    fn moves_of_people(&self, moves: &mut Vec<Move>) {
        if !self.link_up {
            moves.push(Move::LinkRises);
        } else if self.left.cuts > 0 {
            moves.push(Move::LinkFalls);
        }
        if self.lane.pending() == 0 || self.owed.is_none() {
            return;
        }
        if self.is_on_hold() {
            moves.push(Move::Rules(Ruling::Release));
        }
        if self.left.rulings > 0 {
            moves.extend([
                Move::Rules(Ruling::Hold),
                Move::Rules(Ruling::Retry),
                Move::Rules(Ruling::Settle),
            ]);
        }
    }

    /// The world after a move.
    pub(crate) fn after(&self, scenario: &Scenario, the_move: Move) -> Self {
        let mut world = self.clone();
        world.make(scenario, the_move);
        world.seal();
        world
    }

    fn make(&mut self, scenario: &Scenario, the_move: Move) {
        match the_move {
            Move::Asks => {
                self.terminal.stage = Stage::Waiting;
                self.send(Message::Asked(Say::Request));
            }
            Move::AsksAgain => {
                self.terminal.repeats_left -= 1;
                self.send(Message::Asked(Say::Repeat));
            }
            Move::GivesUp(_) if scenario.has(Mutant::MuteTerminal) => self.terminal.stage = Stage::Finished,
            Move::GivesUp(say) => {
                self.terminal.gives_up(say);
                self.send(Message::Asked(say));
            }
            Move::Insists(say) => self.send(Message::Asked(say)),
            Move::Arrives { message, copied, lucky } => {
                match copied {
                    true => self.left.duplicates -= 1,
                    false => self.network.retain(|&other| other != message),
                }
                self.arrive(scenario, message, lucky);
            }
            Move::IsLost(message) => {
                self.left.losses -= 1;
                self.network.retain(|&other| other != message);
            }
            Move::Syncs => self.sync(true),
            Move::SyncsUnsent => {
                self.left.losses -= 1;
                self.sync(false);
            }
            Move::SyncsToNobody => {
                self.left.losses -= 1;
                self.sync_to_nobody();
            }
            Move::Learns(notice) => self.notice(scenario, notice),
            Move::Dies { durable } => {
                self.left.crashes -= 1;
                if durable {
                    self.write();
                }
                self.die(scenario);
            }
            Move::TimePasses => self.wait(scenario),
            Move::DayChanges => {
                self.host.new_day = true;
                self.send(Message::NewDay);
            }
            Move::LinkFalls => {
                self.left.cuts -= 1;
                self.link_up = false;
                self.step(scenario, Event::LinkDown { link: HOST });
            }
            Move::LinkRises => {
                self.link_up = true;
                self.step(scenario, Event::LinkUp { link: HOST });
            }
            Move::Rules(ruling) => {
                self.left.rulings -= u8::from(ruling != Ruling::Release);
                self.rule(scenario, ruling);
            }
        }
    }

    fn arrive(&mut self, scenario: &Scenario, message: Message, lucky: bool) {
        match message {
            Message::Asked(say) if self.is_forgotten(scenario, say) => {
                self.send(Message::Told(say, Word::Yes))
            }
            Message::Asked(Say::Report) if self.posts_again(scenario) => {}
            Message::Asked(say) => self.ask(scenario, say),
            Message::Told(about, word) => {
                if let Some(say) = self.terminal.hears(scenario, about, word, lucky) {
                    match scenario.has(Mutant::MuteTerminal) {
                        true => self.terminal.stage = Stage::Finished,
                        false => self.send(Message::Asked(say)),
                    }
                }
            }
            Message::Request { stan, .. } => {
                let posts_each = scenario.has(Mutant::RepeatsRequests);
                let answer = self.host.on_request(stan, lucky, posts_each);
                self.send(answer);
            }
            Message::Reversal { stan, of } => {
                let answer = self.host.on_reversal(stan, of, scenario.tombstones);
                self.send(answer);
            }
            Message::Advice { stan, of } => {
                let answer = self.host.on_advice(stan, of);
                self.send(answer);
            }
            Message::HostSaid { stan, digits, word } => {
                let is_late = self.lane.in_flight() == 0 && digits == [2, 1, 0] && word == Word::Yes;
                if is_late && scenario.has(Mutant::BelievesLateApprovals) {
                    self.send(Message::Told(Say::Request, Word::Yes));
                }
                let word = if self.is_believed(scenario, word) { Word::Yes } else { word };
                self.host_says(scenario, stan, digits, word);
            }
            Message::NewDay => self.tell_day(scenario, true),
        }
    }

    /// What M10 makes of "no such original".
    fn is_believed(&self, scenario: &Scenario, word: Word) -> bool {
        let guard_is_over = self.asked.is_some_and(|asked| asked.gone_at_ms <= self.now_ms);
        scenario.has(Mutant::JudgesByArrival) && word == Word::NoOriginal && guard_is_over
    }

    /// What D2x does with the report of a deposit it has cancelled.
    fn posts_again(&mut self, scenario: &Scenario) -> bool {
        let Some(asked) = self.asked.filter(|_| scenario.has(Mutant::PostsAfterCancelling)) else {
            return false;
        };
        if self.lane.in_flight() > 0 || self.owed.is_none() {
            return false;
        }
        self.send(Message::Told(Say::Report, Word::Yes));
        self.send(Message::Advice { stan: 901, of: Some(asked.stan) });
        true
    }

    /// What M6, D3 and D4 do with what they should act on.
    fn is_forgotten(&self, scenario: &Scenario, say: Say) -> bool {
        let in_flight = self.lane.in_flight() > 0;
        match say {
            Say::Reversal => scenario.has(Mutant::IgnoresEarlyReversals) && in_flight,
            Say::Report => {
                scenario.has(Mutant::IgnoresReports) && (in_flight || self.lane.status().remembered > 0)
            }
            Say::Request | Say::Repeat => false,
        }
    }

    /// Until the lane wants to be woken; requests that have lingered so long are gone.
    fn wait(&mut self, scenario: &Scenario) {
        let Some(at) = self.lane.next_deadline() else { return };
        self.now_ms = self.now_ms.max((at.as_us() / 1_000) as u32);
        let now_ms = self.now_ms;
        self.network.retain(|m| !matches!(m, Message::Request { until_ms, .. } if *until_ms <= now_ms));
        self.step(scenario, Event::Tick);
    }
}
