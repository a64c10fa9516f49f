//! One world: a heap of things to come in virtual time, and everything they happen to.

use crate::codec::Codec;
use crate::days::Days;
use crate::figures::DayFigures;
use crate::guard::{Coded, Guard, Whose};
use crate::host::{Frame, Host};
use crate::invariant::{Broken, Invariant};
use crate::ledger::Ledgers;
use crate::luck::{Luck, mix};
use crate::marks::{Mark, Marks};
use crate::mutant::Mutant;
use crate::process::Process;
use crate::recon::PeerAnswer;
use crate::recovery::StopFigures;
use crate::swarm::{FAULTS, Fault, Swarm};
use crate::terminal::Terminal;
use crate::totals::Told;
use crate::truth::Truth;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use terms::{LinkId, Now, Timestamp, Txn};

/// So many hosts, each behind a link of its own.
pub(crate) const HOSTS: usize = 3;
pub(crate) const MS: u64 = 1_000;
pub(crate) const SECOND: u64 = 1_000 * MS;
pub(crate) const DAY: u64 = 86_400 * SECOND;
/// Longer than any chain of time-outs, guards and repeats that is allowed to follow the last fault.
const QUIET_WITHIN: u64 = 3 * 3_600 * SECOND;
/// No seed needs a hundredth of this; one that does goes round in circles.
const EVENTS_MAX: u64 = 1_000_000;
/// 2026-11-22 09:23:11 UTC.
const BEGIN_UNIX_MS: i64 = 1_795_339_391_000;

/// The links to the hosts.
pub(crate) fn links() -> impl Iterator<Item = LinkId> {
    (0..HOSTS as u16).map(LinkId)
}

/// Something to come.
#[derive(Debug)]
pub(crate) enum Coming {
    /// A terminal begins an operation.
    Begin(usize),
    /// A terminal's patience of that generation ends.
    Patience(usize, u32),
    /// A frame of a terminal reaches the switch.
    ToSwitch(usize, u64, Box<Txn>),
    /// An answer of the switch reaches a terminal.
    ToTerminal(usize, u64, Box<Txn>),
    /// A frame reaches a host.
    ToHost(Box<Frame>),
    /// A frame leaves the host's queue.
    HostActs(Box<Frame>),
    /// A message of a host reaches the switch.
    FromHost(LinkId, u64, Box<Txn>),
    /// The disk is done with the batch it has.
    Synced(u64),
    /// The lane asked to be woken.
    Tick(u64),
    /// The process starts.
    Start(u64),
    /// A link comes up.
    LinkUp(LinkId, u64),
    /// An answer of the switch reaches a host that asked: about what, and what it says.
    ToPeer(LinkId, u64, Box<PeerAnswer>),
    /// A message with a code reaches the switch.
    Coded(Box<Coded>),
    /// A command reaches a security module, over that line.
    ToModule(u64, Vec<u8>),
    /// A module answers.
    FromModule(usize, u64, Vec<u8>),
    /// A line to a module may stand.
    ModuleUp(usize, u64),
    /// Errands whose end is known go on.
    ErrandsGoOn(u64),
    /// Somebody looks after what modules do not answer.
    GuardTick(u64),
    /// The other side has its new key, and uses it.
    TakesKey(Whose, u32),
    /// A host asks for the totals of a day.
    AsksTotals(LinkId),
    /// A host says its day, and again until it is believed.
    Announces(LinkId),
    /// A host ends its day, as it was asked to.
    DayEnds(LinkId),
    /// A host looks at the clock on its own wall.
    Midnight(LinkId),
    /// Somebody looks after a link.
    Attend(LinkId),
    /// The process of that life dies.
    Dies(u64),
    /// A fault that strikes by itself has its moment.
    Strike(Fault),
}

/// When, and in which order among equals.
struct Entry(u64, u64, Coming);

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        (self.0, self.1) == (other.0, other.1)
    }
}
impl Eq for Entry {}
impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.0, self.1).cmp(&(other.0, other.1))
    }
}

/// A line of what happened, kept only where somebody wants to read it.
#[derive(Clone, Debug)]
pub struct Line {
    /// Microseconds of simulated time.
    pub at_us: u64,
    /// The transaction it is about.
    pub op: Option<usize>,
    /// It befell everybody: a fault, a death, a link.
    pub of_all: bool,
    /// What happened.
    pub what: String,
}

/// How a seed ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// The seed.
    pub seed: u64,
    /// Operations its terminals began.
    pub transactions: u64,
    /// Things that happened.
    pub events: u64,
    /// Digest of everything that happened and of the state at the end.
    pub hash: u64,
    /// What did not hold.
    pub broken: Option<Broken>,
    /// What happened, where it was asked for.
    pub lines: Vec<Line>,
    /// The days with each host.
    pub days: DayFigures,
    /// The ends of the process that were not in order.
    pub stops: StopFigures,
    pub(crate) marks: Marks,
}

pub(crate) struct World {
    pub(crate) seed: u64,
    pub(crate) luck: Luck,
    /// A stream for each fault: what one of them draws is the same whichever others there are.
    fault_luck: Vec<Luck>,
    pub(crate) swarm: Swarm,
    pub(crate) mutant: Option<Mutant>,
    pub(crate) now: u64,
    pub(crate) wall_shift_ms: i64,
    heap: BinaryHeap<Reverse<Entry>>,
    drawn: u64,
    /// Messages under way: while there are any, nothing is at rest.
    under_way: u64,
    pub(crate) process: Process,
    pub(crate) terminals: Vec<Terminal>,
    pub(crate) hosts: [Host; HOSTS],
    pub(crate) truth: Truth,
    pub(crate) days: Days,
    pub(crate) ledgers: Ledgers,
    pub(crate) told: Told,
    pub(crate) marks: Marks,
    pub(crate) begun: u64,
    pub(crate) busy: u64,
    pub(crate) calm: bool,
    /// Whether the first terminal says anything.
    pub(crate) hostile: bool,
    pub(crate) codec: Option<Codec>,
    pub(crate) guard: Option<Guard>,
    pub(crate) hash: u64,
    events: u64,
    lines: Option<Vec<Line>>,
}

impl World {
    pub(crate) fn new(
        seed: u64,
        mut swarm: Swarm,
        mutant: Option<Mutant>,
        money_only: bool,
        telling: bool,
    ) -> Self {
        let mut luck = Luck::new(seed);
        let terminals = (0..swarm.terminals).map(|at| Terminal::new(at as usize)).collect();
        let codec = swarm.codec.then(|| Codec::new(&mut Luck::new(seed ^ 0xC0DEC)));
        if let Some(codec) = &codec {
            swarm.bow_to(codec.say_remaining(), codec.network_types(), codec.reconciliations());
        }
        let hosts = swarm.hosts.map(Host::new);
        let mut truth = Truth::new(money_only);
        truth.tombstones = swarm.hosts.map(|host| host.tombstones);
        truth.guard_us = u64::from(swarm.hosts[0].guard_ms) * MS;
        let process = Process::new(luck.next());
        let guard = swarm.guard.then(|| Guard::new(&mut Luck::new(seed ^ 0x6A2D), swarm.terminals as usize));
        let hostile = swarm.rate(Fault::Hostile) > 0;
        let fault_luck =
            FAULTS.iter().map(|(fault, ..)| Luck::new(mix(seed + ((*fault as u64) << 40)))).collect();
        Self {
            seed,
            luck,
            fault_luck,
            swarm,
            mutant,
            now: 0,
            wall_shift_ms: 0,
            heap: BinaryHeap::new(),
            drawn: 0,
            under_way: 0,
            process,
            terminals,
            hosts,
            truth,
            days: Days::default(),
            ledgers: Ledgers::default(),
            told: Told::default(),
            marks: Marks::none(),
            begun: 0,
            busy: 0,
            calm: false,
            hostile,
            codec,
            guard,
            hash: seed,
            events: 0,
            lines: telling.then(Vec::new),
        }
    }

    /// Runs it to its end: faults until every operation has begun, then none until everything rests. A panic
    /// on the way is a rule broken like any other.
    pub(crate) fn run(mut self) -> Ended {
        let ran = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.run_on()));
        if let Err(panic) = ran {
            let said = panic.downcast_ref::<String>().map(String::as_str);
            let said = said.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no words");
            self.truth.breaks(Invariant::I43, None, format!("panics: {said}"));
            // What it left behind may be in pieces.
            self.process.lane = None;
        }
        self.finish()
    }

    fn run_on(&mut self) {
        if self.codec.is_some() {
            self.marks.hit(Mark::ThroughTheCodec);
        }
        self.after(0, Coming::Start(0));
        links().for_each(|link| self.after(2 * SECOND, Coming::Attend(link)));
        if self.swarm.days > 0 {
            links().for_each(|link| self.keep_the_hours(link));
        }
        for at in 0..self.terminals.len() {
            let wait = self.luck.about(10 * SECOND);
            self.after(SECOND + wait, Coming::Begin(at));
        }
        let struck: Vec<Fault> = self.swarm.faults().map(|(fault, ..)| fault).collect();
        struck.into_iter().for_each(|fault| self.schedule_strike(fault));
        let mut calm_at = 0;
        while self.truth.broken.is_none() {
            if !self.calm && self.has_seen_enough() {
                self.calm_down();
                calm_at = self.now;
            }
            if self.calm && self.is_at_rest() {
                self.truth.settle();
                self.compare_days();
                self.recount();
                self.explain_comparisons();
                break;
            }
            if self.events > EVENTS_MAX * (1 + self.swarm.days)
                || (self.calm && self.now > calm_at + QUIET_WITHIN)
            {
                let why = self.unrest();
                self.truth.breaks(Invariant::I41, None, why);
                break;
            }
            let Some(Reverse(Entry(at, _, coming))) = self.heap.pop() else {
                let why = self.unrest();
                self.truth.breaks(Invariant::I41, None, why);
                break;
            };
            self.now = self.now.max(at);
            self.truth.now = self.now;
            self.happens(coming);
        }
    }

    fn has_seen_enough(&self) -> bool {
        match self.swarm.days {
            0 => self.begun >= self.swarm.transactions,
            days => self.now >= days * DAY,
        }
    }

    fn finish(mut self) -> Ended {
        let days = self.figures_of_days();
        let hash = mix(self.hash ^ self.state_hash());
        Ended {
            seed: self.seed,
            transactions: self.begun,
            events: self.events,
            hash,
            broken: self.truth.broken.take(),
            lines: self.lines.unwrap_or_default(),
            days,
            stops: self.process.stops,
            marks: self.marks,
        }
    }

    fn happens(&mut self, coming: Coming) {
        self.events += 1;
        self.under_way -= u64::from(coming.is_a_message());
        self.note_hash(self.now ^ coming.place() << 48);
        if coming.is_for_the_process() && self.process.paused_until > self.now {
            return self.at(self.process.paused_until, coming);
        }
        match coming {
            Coming::Begin(terminal) => self.begin(terminal),
            Coming::Patience(terminal, generation) => self.on_patience(terminal, generation),
            Coming::ToSwitch(terminal, conn, txn) => self.on_source_frame(terminal, conn, *txn),
            Coming::ToTerminal(terminal, conn, txn) => self.on_answer(terminal, conn, &txn),
            Coming::ToHost(frame) => self.host_receives(frame),
            Coming::HostActs(frame) => self.host_acts(&frame),
            Coming::FromHost(link, conn, txn) => self.on_host_frame(link, conn, *txn),
            Coming::Synced(life) => self.on_synced(life),
            Coming::Tick(life) => self.on_tick(life),
            Coming::Start(life) => self.start(life),
            Coming::LinkUp(link, life) => self.link_up(link, life),
            Coming::ToPeer(link, conn, said) => self.peer_hears(link, conn, &said),
            Coming::AsksTotals(link) => self.ask_totals(link),
            Coming::Coded(coded) => self.on_coded(*coded),
            Coming::ToModule(conn, bytes) => self.module_asked(conn, &bytes),
            Coming::FromModule(device, conn, bytes) => self.module_answers(device, conn, &bytes),
            Coming::ModuleUp(device, life) => self.module_up(device, life),
            Coming::ErrandsGoOn(life) => self.errands_go_on(life),
            Coming::GuardTick(life) => self.on_guard_tick(life),
            Coming::TakesKey(whose, generation) => self.takes_key(whose, generation),
            Coming::Announces(link) => self.announce(link),
            Coming::DayEnds(link) => self.end_day(link),
            Coming::Midnight(link) => self.keep_the_hours(link),
            Coming::Attend(link) => self.attend(link),
            Coming::Dies(life) if life == self.process.life => self.crash(),
            Coming::Dies(_) => {}
            Coming::Strike(fault) => self.strike(fault),
        }
    }

    pub(crate) fn after(&mut self, wait: u64, coming: Coming) {
        self.at(self.now + wait, coming);
    }

    fn at(&mut self, moment: u64, coming: Coming) {
        self.drawn += 1;
        self.under_way += u64::from(coming.is_a_message());
        self.heap.push(Reverse(Entry(moment, self.drawn, coming)));
    }

    /// Both clocks as this process sees them.
    pub(crate) fn clocks(&self) -> Now {
        let wall = BEGIN_UNIX_MS + (self.now / MS) as i64 + self.wall_shift_ms;
        Now {
            instant: terms::Instant::from_us(self.now - self.process.born - self.process.stood_still),
            wall: Timestamp::from_unix_ms(wall),
            utc_offset_s: 9 * 3_600,
        }
    }

    /// Whether this fault strikes now.
    pub(crate) fn strikes(&mut self, fault: Fault) -> bool {
        let rate = self.swarm.rate(fault);
        self.fault_luck[fault as usize].permille(rate)
    }

    pub(crate) fn tell(&mut self, op: Option<usize>, what: impl FnOnce() -> String) {
        let at_us = self.now;
        if let Some(lines) = &mut self.lines {
            lines.push(Line { at_us, op, of_all: false, what: what() });
        }
    }

    /// What befell everybody.
    pub(crate) fn tell_all(&mut self, what: impl FnOnce() -> String) {
        let at_us = self.now;
        if let Some(lines) = &mut self.lines {
            lines.push(Line { at_us, op: None, of_all: true, what: what() });
        }
    }

    pub(crate) fn is_telling(&self) -> bool {
        self.lines.is_some()
    }

    pub(crate) fn note_hash(&mut self, value: u64) {
        self.hash = mix(self.hash.rotate_left(7) ^ value);
    }

    fn schedule_strike(&mut self, fault: Fault) {
        if strikes_by_itself(fault) {
            let rate = u64::from(self.swarm.rate(fault).max(1));
            let wait = self.fault_luck[fault as usize].about(60 * SECOND * 1_000 / rate) * self.swarm.stretch;
            self.after(SECOND + wait, Coming::Strike(fault));
        }
    }

    fn strike(&mut self, fault: Fault) {
        if self.calm {
            return;
        }
        self.tell_all(|| format!("fault: {fault:?}"));
        match fault {
            Fault::LinkCut => {
                let link = LinkId(self.luck.below(HOSTS as u64) as u16);
                match self.luck.below(4) {
                    0 => self.process.cut_wanted = Some(link),
                    1 => self.process.cut_between_legs = true,
                    _ => {
                        let wait = self.luck.about(10 * SECOND);
                        self.cut_link(link, wait);
                    }
                }
            }
            Fault::LinkDown => self.leave(),
            Fault::HostDead => {
                let wait = self.luck.between(30 * SECOND, 600 * SECOND);
                self.hosts[self.luck.below(HOSTS as u64) as usize].dead_until = self.now + wait;
            }
            Fault::DiskFails => self.fail_disk(),
            Fault::Crash if self.luck.below(4) == 0 => self.process.die_between_legs = true,
            Fault::Crash if self.luck.below(4) == 0 => self.process.die_under_a_day = true,
            Fault::Crash => self.crash(),
            Fault::Pause => self.pause(),
            Fault::WallJump => self.jump(),
            Fault::HostDay => {
                let link = LinkId(self.luck.below(HOSTS as u64) as u16);
                self.end_day(link);
            }
            Fault::Operator => self.rule(),
            Fault::Orders => self.order_something(),
            Fault::PeerSigns => self.peer_signs(),
            Fault::Crowd => self.crowd(),
            Fault::KeyChange => self.change_keys(),
            Fault::ModuleDead => self.kill_modules(),
            _ => {}
        }
        self.schedule_strike(fault);
    }

    fn pause(&mut self) {
        if self.process.lane.is_none() || self.process.paused_until > self.now {
            return;
        }
        let most = if self.luck.below(4) == 0 { 120 * SECOND } else { 10 * SECOND };
        let wait = self.luck.between(100 * MS, most);
        if self.luck.below(3) == 0 {
            match &mut self.guard {
                // While a code is being made, and until long after its deadline.
                Some(guard) if wait.is_multiple_of(2) => guard.pause_wanted = wait + 31 * SECOND,
                _ => self.process.pause_wanted = wait,
            }
            return;
        }
        self.process.pause(self.now + wait);
        if self.luck.below(2) == 0 {
            // The whole machine stood still, and its monotonic clock with it.
            self.process.stood_still_next += wait;
            self.marks.hit(Mark::MachineStoodStill);
        }
        self.marks.hit(Mark::Paused);
    }

    /// A host goes away for long, and takes no connection meanwhile.
    fn leave(&mut self) {
        let link = LinkId(self.luck.below(HOSTS as u64) as u16);
        let wait = self.luck.between(5 * 60 * SECOND, 30 * 60 * SECOND);
        self.hosts[usize::from(link.0)].away_until = self.now + wait;
        self.cut_link(link, wait);
    }

    fn jump(&mut self) {
        if self.swarm.days > 0 && self.wall_shift_ms != 0 {
            // In a month somebody puts a clock right again.
            self.wall_shift_ms = 0;
            return;
        }
        let most = [2_000, 90_000, 3_600_000, 2 * 86_400_000][self.luck.below(4) as usize];
        let most = if self.swarm.days > 0 { most.min(3_600_000) } else { most };
        let jump = self.luck.between(1, most) as i64;
        let back = self.luck.below(2) == 0;
        self.wall_shift_ms += if back { -jump } else { jump };
        self.marks.hit(if back { Mark::WallJumpedBack } else { Mark::WallJumpedAhead });
    }

    /// Everybody at once; and now and then a day ends under them.
    fn crowd(&mut self) {
        if self.luck.below(3) == 0 {
            let link = LinkId(self.luck.below(HOSTS as u64) as u16);
            let wait = self.luck.between(60 * MS, 120 * MS);
            self.after(wait, Coming::DayEnds(link));
        }
        for at in 0..self.terminals.len() {
            let wait = self.luck.below(50 * MS);
            self.after(wait, Coming::Begin(at));
        }
    }

    fn calm_down(&mut self) {
        self.tell_all(|| "faults stop".into());
        self.calm = true;
        self.swarm.switch_everything_off();
        (self.process.cut_wanted, self.process.pause_wanted) = (None, 0);
        self.guard.iter_mut().for_each(|guard| (guard.pause_wanted, guard.change_wanted) = (0, false));
        (self.process.cut_between_legs, self.process.die_between_legs) = (false, false);
        self.process.die_under_a_day = false;
        for at in 0..HOSTS {
            (self.hosts[at].dead_until, self.hosts[at].away_until) = (0, 0);
            let life = self.process.life;
            self.after(SECOND, Coming::LinkUp(LinkId(at as u16), life));
        }
        self.release_what_is_held();
        self.heal_modules();
        self.process.heal();
    }

    fn is_at_rest(&self) -> bool {
        self.busy == 0
            && self.under_way == 0
            && self.process.is_quiet()
            && self.guard.as_ref().is_none_or(Guard::is_quiet)
            && self.has_compared()
    }

    fn unrest(&self) -> String {
        let lane = self.process.lane.as_ref();
        format!(
            "{} terminals busy, {} messages under way, {:?} in flight, {:?} owed, all days compared: {}",
            self.busy,
            self.under_way,
            lane.map(switch::Lane::in_flight),
            lane.map(switch::Lane::pending),
            self.has_compared(),
        )
    }
}

const fn strikes_by_itself(fault: Fault) -> bool {
    matches!(
        fault,
        Fault::LinkCut
            | Fault::LinkDown
            | Fault::HostDead
            | Fault::DiskFails
            | Fault::Crash
            | Fault::Pause
            | Fault::WallJump
            | Fault::HostDay
            | Fault::Operator
            | Fault::Orders
            | Fault::PeerSigns
            | Fault::Crowd
            | Fault::KeyChange
            | Fault::ModuleDead
    )
}

impl Coming {
    fn is_a_message(&self) -> bool {
        matches!(
            self,
            Self::ToSwitch(..)
                | Self::ToTerminal(..)
                | Self::ToHost(_)
                | Self::HostActs(_)
                | Self::FromHost(..)
                | Self::ToPeer(..)
                | Self::Coded(_)
        )
    }

    fn is_for_the_process(&self) -> bool {
        // It is the process that dials.
        matches!(
            self,
            Self::ToSwitch(..)
                | Self::FromHost(..)
                | Self::Synced(_)
                | Self::Tick(_)
                | Self::LinkUp(..)
                | Self::Coded(_)
                | Self::FromModule(..)
                | Self::ModuleUp(..)
                | Self::ErrandsGoOn(_)
                | Self::GuardTick(_)
        )
    }

    const fn place(&self) -> u64 {
        match self {
            Self::Begin(_) => 1,
            Self::Patience(..) => 2,
            Self::ToSwitch(..) => 3,
            Self::ToTerminal(..) => 4,
            Self::ToHost(_) => 5,
            Self::HostActs(_) => 6,
            Self::FromHost(..) => 7,
            Self::Synced(_) => 8,
            Self::Tick(_) => 9,
            Self::Start(_) => 10,
            Self::LinkUp(..) => 11,
            Self::Strike(_) => 12,
            Self::ToPeer(..) => 13,
            Self::Announces(_) => 14,
            Self::DayEnds(_) => 15,
            Self::Attend(_) => 16,
            Self::Dies(_) => 17,
            Self::Midnight(_) => 18,
            Self::AsksTotals(_) => 19,
            Self::Coded(_) => 20,
            Self::ToModule(..) => 21,
            Self::FromModule(..) => 22,
            Self::ModuleUp(..) => 23,
            Self::ErrandsGoOn(_) => 24,
            Self::GuardTick(_) => 25,
            Self::TakesKey(..) => 26,
        }
    }
}
