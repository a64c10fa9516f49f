//! Two modules behind lines: each answers after a while, or not at all, or that it is not well.

use super::Line;
use crate::marks::Mark;
use crate::swarm::Fault;
use crate::world::{Coming, MS, SECOND, World};
use hsm::drbg::SEED_BYTES;
use hsm::ops::Fault as Refusal;
use hsm::payshield::{Client, Server, ServerConfig, test_lmk};
use hsm::pool::{DeviceConfig, Effect, Operations, Pool, PoolConfig, Tell, Way, Why};
use std::collections::BTreeMap;
use terms::ConnId;

/// So many modules.
const MODULES: usize = 2;
/// How often the pool looks at the clock while something waits, and otherwise.
const LOOKS_EVERY: u64 = 250 * MS;
const RESTS: u64 = 5 * SECOND;

pub(crate) struct Modules {
    servers: Vec<Server>,
    down_until: [u64; MODULES],
    lines: BTreeMap<u64, usize>,
    next: u64,
}

impl Modules {
    pub(crate) fn new() -> Self {
        let server = |at: usize| {
            Server::new(ServerConfig::default(), &[at as u8; SEED_BYTES])
                .expect("this machine computes rightly")
        };
        let (lines, servers) = (BTreeMap::new(), (0..MODULES).map(server).collect());
        Self { servers, down_until: [0; MODULES], lines, next: 0 }
    }

    /// Modules that no line leads to yet.
    pub(crate) fn pool(&self) -> Pool {
        let device = || DeviceConfig {
            way: Way::Commands(Client::of_blocks(*b"02")),
            header_bytes: 4,
            lmk_check: test_lmk::checks()[2].clone(),
            in_flight_max: 4,
            allowed: Operations::ALL,
        };
        Pool::new(PoolConfig::default(), (0..MODULES).map(|_| device()).collect())
    }

    pub(crate) fn hang_up_all(&mut self) {
        self.lines.clear();
    }

    fn stands(&self, (device, conn): Line) -> bool {
        self.lines.get(&conn.0) == Some(&device)
    }
}

impl World {
    /// The process is back: it dials its modules.
    pub(crate) fn dial_modules(&mut self) {
        let life = self.process.life;
        if self.guard.is_some() {
            for device in 0..MODULES {
                let wait = self.luck.between(MS, 20 * MS);
                self.after(wait, Coming::ModuleUp(device, life));
            }
            self.wake_guard();
        }
    }

    pub(crate) fn module_up(&mut self, device: usize, life: u64) {
        let (now, instant) = (self.now, self.clocks().instant);
        let Some(guard) = &mut self.guard else { return };
        if life != self.process.life || self.process.lane.is_none() {
            return;
        }
        if guard.modules.down_until[device] > now {
            return self.after(SECOND, Coming::ModuleUp(device, life));
        }
        if guard.modules.lines.values().any(|of| *of == device) {
            return;
        }
        guard.modules.next += 1;
        let conn = guard.modules.next;
        guard.modules.lines.insert(conn, device);
        let mut out = Vec::new();
        guard.pool.opened(instant, device, ConnId(conn), &mut out);
        self.carry_out_of_pool(out);
        self.go_on_with_errands();
    }

    /// What the pool wants done.
    pub(crate) fn carry_out_of_pool(&mut self, effects: Vec<Effect>) {
        let life = self.process.life;
        for effect in effects {
            match effect {
                Effect::Send { conn, bytes } => {
                    let wait = self.luck.between(100, 2 * MS);
                    self.after(wait, Coming::ToModule(conn.0, bytes));
                }
                // These modules are spoken to in commands.
                Effect::Call { .. } => {}
                Effect::Done { ticket, result } => {
                    if let Some(guard) = &mut self.guard {
                        guard.done.push_back((ticket, result));
                    }
                }
                Effect::HangUp { conn } => {
                    let device = self.guard.as_mut().and_then(|guard| guard.modules.lines.remove(&conn.0));
                    if let Some(device) = device {
                        self.after(SECOND, Coming::ModuleUp(device, life));
                    }
                }
                Effect::Tell(tell) => self.hear_of_module(&tell),
            }
        }
        if self.guard.as_ref().is_some_and(|guard| !guard.done.is_empty()) {
            self.after(0, Coming::ErrandsGoOn(life));
        }
    }

    fn hear_of_module(&mut self, tell: &Tell) {
        self.tell_all(|| format!("modules: {tell:?}"));
        self.marks.hit(match tell {
            Tell::Well { .. } => return,
            Tell::Suspect { why: Why::LineLost, .. } => Mark::ModuleLost,
            Tell::Suspect { .. } => Mark::ModuleSuspect,
            Tell::Dropped { .. } => Mark::ModuleDropped,
            Tell::OtherMaster { .. } => return,
            Tell::AllDown => Mark::AllModulesDown,
        });
    }

    /// A command reaches a module.
    pub(crate) fn module_asked(&mut self, conn: u64, bytes: &[u8]) {
        let (silent, sick, slow) = (
            self.strikes(Fault::ModuleSilent),
            self.strikes(Fault::ModuleFaults),
            self.strikes(Fault::ModuleSlow),
        );
        let kind = self.luck.below(4);
        let wait = match slow {
            true => self.luck.between(200 * MS, 4 * SECOND),
            false => self.luck.between(100, 2 * MS),
        };
        let now = self.now;
        let Some(guard) = &mut self.guard else { return };
        let Some(&device) = guard.modules.lines.get(&conn) else { return };
        if silent || guard.modules.down_until[device] > now {
            return;
        }
        let refusals =
            [Refusal::Device(*b"41"), Refusal::Parity, Refusal::NotAuthorised, Refusal::Device(*b"15")];
        let server = &mut guard.modules.servers[device];
        let answer = match sick {
            true => server.refuse(bytes, refusals[kind as usize]),
            false => server.answer(bytes),
        };
        if let Some(answer) = answer {
            self.after(wait, Coming::FromModule(device, conn, answer));
        }
    }

    /// Its answer reaches us.
    pub(crate) fn module_answers(&mut self, device: usize, conn: u64, bytes: &[u8]) {
        let instant = self.clocks().instant;
        let Some(guard) = &mut self.guard else { return };
        if !guard.modules.stands((device, ConnId(conn))) || self.process.lane.is_none() {
            return;
        }
        let mut out = Vec::new();
        guard.pool.heard(instant, device, ConnId(conn), bytes, &mut out);
        self.carry_out_of_pool(out);
        self.go_on_with_errands();
    }

    /// Errands whose end was known at once.
    pub(crate) fn errands_go_on(&mut self, life: u64) {
        if life == self.process.life && self.process.lane.is_some() {
            self.go_on_with_errands();
        }
    }

    /// A module dies, or both do.
    pub(crate) fn kill_modules(&mut self) {
        let both = self.luck.below(3) == 0;
        let first = self.luck.below(MODULES as u64) as usize;
        let (wait, instant, life) =
            (self.luck.between(5 * SECOND, 90 * SECOND), self.clocks().instant, self.process.life);
        for device in (0..MODULES).filter(|at| both || *at == first) {
            let Some(guard) = &mut self.guard else { return };
            guard.modules.down_until[device] = self.now + wait;
            let lines: Vec<u64> =
                guard.modules.lines.iter().filter(|l| *l.1 == device).map(|l| *l.0).collect();
            let mut out = Vec::new();
            for conn in lines {
                guard.modules.lines.remove(&conn);
                guard.pool.closed(instant, device, ConnId(conn), &mut out);
            }
            self.carry_out_of_pool(out);
            self.after(wait, Coming::ModuleUp(device, life));
        }
        self.go_on_with_errands();
    }

    /// The modules do not fail any more.
    pub(crate) fn heal_modules(&mut self) {
        let life = self.process.life;
        let Some(guard) = &mut self.guard else { return };
        guard.modules.down_until = [0; MODULES];
        (0..MODULES).for_each(|device| self.after(SECOND, Coming::ModuleUp(device, life)));
    }

    /// Whether no module is there that could be asked.
    pub(crate) fn all_modules_are_down(&self) -> bool {
        self.guard
            .as_ref()
            .is_some_and(|guard| guard.modules.down_until.iter().all(|until| *until > self.now))
    }

    /// Asks to be woken for what modules do not answer.
    pub(crate) fn wake_guard(&mut self) {
        let (now, life) = (self.now, self.process.life);
        let Some(guard) = &mut self.guard else { return };
        let wait = if guard.errands.is_empty() { RESTS } else { LOOKS_EVERY };
        if guard.tick_at <= now || guard.tick_at > now + wait {
            guard.tick_at = now + wait;
            self.after(wait, Coming::GuardTick(life));
        }
    }

    pub(crate) fn on_guard_tick(&mut self, life: u64) {
        let (now, instant) = (self.now, self.clocks().instant);
        let Some(guard) = &mut self.guard else { return };
        if life != self.process.life || self.process.lane.is_none() || guard.tick_at > now {
            return;
        }
        let mut out = Vec::new();
        guard.pool.tick(instant, &mut out);
        self.carry_out_of_pool(out);
        self.go_on_with_errands();
        self.wake_guard();
    }
}
