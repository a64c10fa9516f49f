//! Security modules between messages and the lane, as the program has them there: codes are verified before the lane
//! hears of a message, and made when one is about to leave, when its record is durable. The pool of modules, the
//! modules themselves and the keys are the real ones; lines, latencies, faults and deaths are made here.
//!
//! ```text
//!  read ─▶ verify ─▶ lane ─▶ durable ─▶ make the code ─▶ net
//!            │ wrong                         │ cannot be
//!            ▼                               ▼
//!          told so, nothing recorded       withheld: decided as never sent, told why
//! ```

mod held;
mod modules;

use crate::invariant::Invariant;
use crate::luck::Luck;
use crate::marks::Mark;
use crate::mutant::Mutant;
use crate::swarm::Fault;
use crate::world::{Coming, HOSTS, MS, SECOND, World};
use held::Held;
use hsm::mac::{Algorithm, Padding};
use hsm::ops::{Answer, Fault as Refusal, MacData, Request, Role};
use hsm::pool::{Failure, Pool, Ticket};
use hsm::ring::{KeyInUse, KeyRing};
use keys::Ring;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use switch::Event;
use terms::{
    Answer as Decision, Class, Code, ConnId, Instant, LinkId, Outcome, Outgoing, Sealed, Txn, TxnId,
};

/// How codes are made.
const ALGORITHM: Algorithm = Algorithm::X919;
const PADDING: Padding = Padding::Zeros;
/// For so long a key that was replaced is taken.
const OVERLAP_MS: u32 = 60_000;

/// Modules, keys, and what waits for either.
pub(crate) struct Guard {
    /// Of this life of the process.
    pool: Pool,
    modules: modules::Modules,
    ring: Ring,
    /// What is true of the keys, whoever holds them: of each link, then of each terminal.
    held: Vec<Held>,
    forge: held::Forge,
    errands: BTreeMap<Ticket, Errand>,
    done: VecDeque<(Ticket, Result<Answer, Failure>)>,
    next: u64,
    tick_at: u64,
    /// Somebody waits for a code that is being made, to change its key.
    pub(crate) change_wanted: bool,
    /// Or for a pause under it.
    pub(crate) pause_wanted: u64,
}

/// Who sent a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    Host(LinkId),
    Terminal(usize),
}

/// A message with its code.
#[derive(Clone, Debug)]
pub(crate) struct Coded {
    pub(crate) whose: Whose,
    pub(crate) conn: u64,
    pub(crate) txn: Txn,
    code: Vec<u8>,
    /// Under which generation it is right; none where it is of no key. For the checks.
    generation: Option<u32>,
}

/// A request that is durable and about to leave.
#[derive(Clone, Debug)]
pub(crate) struct Leaving {
    pub(crate) link: LinkId,
    pub(crate) id: TxnId,
    pub(crate) request: Arc<Txn>,
    pub(crate) ours: Outgoing,
    pub(crate) meant: (u64, Instant, u64),
}

enum Errand {
    Verify { coded: Box<Coded>, keys: VecDeque<KeyInUse>, tried: Option<u32>, may: bool },
    Leave { leaving: Box<Leaving>, generation: u32 },
}

impl Guard {
    pub(crate) fn new(luck: &mut Luck, terminals: usize) -> Self {
        let mut forge = held::Forge::new(luck);
        let mut ring = Ring::new(OVERLAP_MS);
        let links = crate::recovery::LINK_NAMES.map(|name| (format!("link/{name}"), Role::Zak));
        let terminals = (0..terminals).map(|at| (format!("terminal/ATM{at:05}"), Role::Tak));
        let held = links.into_iter().chain(terminals).map(|(name, role)| {
            let held = Held::new(&name, role, &mut forge);
            held.begin(&mut ring);
            held
        });
        let held = held.collect();
        let modules = modules::Modules::new();
        let pool = modules.pool();
        let (errands, done) = (BTreeMap::new(), VecDeque::new());
        Self {
            pool,
            modules,
            ring,
            held,
            forge,
            errands,
            done,
            next: 0,
            tick_at: 0,
            change_wanted: false,
            pause_wanted: 0,
        }
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.errands.is_empty()
    }

    fn held(&self, whose: Whose) -> &Held {
        match whose {
            Whose::Host(link) => &self.held[usize::from(link.0)],
            Whose::Terminal(at) => &self.held[HOSTS + at],
        }
    }

    fn held_mut(&mut self, whose: Whose) -> &mut Held {
        match whose {
            Whose::Host(link) => &mut self.held[usize::from(link.0)],
            Whose::Terminal(at) => &mut self.held[HOSTS + at],
        }
    }
}

/// What a code covers.
fn covered(txn: &Txn) -> Vec<u8> {
    let (message, kind, code) = (txn.message.digits(), txn.kind, txn.wire_code.as_str());
    format!("{message:?}{kind}{}{}{}{code}", txn.amount.minor_units(), txn.stan, txn.terminal_id.as_str())
        .into_bytes()
}

/// The same of what leaves for a host.
fn covered_leaving(request: &Txn, ours: &Outgoing) -> Vec<u8> {
    covered(&Txn { stan: ours.stan, ..request.clone() })
}

const fn is_guarded(txn: &Txn) -> bool {
    matches!(txn.message.class, Class::Financial | Class::Reversal)
}

impl World {
    pub(crate) fn guards(&self, txn: &Txn) -> bool {
        self.guard.is_some() && is_guarded(txn)
    }

    /// A message of somebody, with the code of the key he uses; now and then of the one before, or of none.
    pub(crate) fn coded(&mut self, whose: Whose, conn: u64, txn: Txn) -> Coming {
        if !self.guards(&txn) {
            return match whose {
                Whose::Host(link) => Coming::FromHost(link, conn, Box::new(txn)),
                Whose::Terminal(at) => Coming::ToSwitch(at, conn, Box::new(txn)),
            };
        }
        let (is_stale, is_wrong) = (self.strikes(Fault::KeyStale), self.strikes(Fault::CodeWrong));
        let Some(guard) = &self.guard else { return Coming::Coded(Box::new(none(whose, conn, txn))) };
        let held = guard.held(whose);
        let generation = if is_stale { held.theirs.saturating_sub(1).max(1) } else { held.theirs };
        let mut code = held.code(generation, &covered(&txn));
        if is_wrong {
            code[0] ^= 1;
        }
        let generation = (!is_wrong).then_some(generation);
        Coming::Coded(Box::new(Coded { whose, conn, txn, code, generation }))
    }

    /// A message with a code reaches the switch: the lane hears of it when that was verified.
    pub(crate) fn on_coded(&mut self, coded: Coded) {
        if self.process.lane.is_none() || !self.stands(&coded) {
            return;
        }
        let (wall, wrong) = (self.clocks().wall, self.mutant);
        let Some(guard) = &self.guard else { return };
        let held = guard.held(coded.whose);
        let may = coded.generation.is_some_and(|generation| held.may(generation, wall));
        let in_use = guard.ring.keys(held.name(), held.role, wall).map(std::borrow::Cow::into_owned);
        let coming = guard.ring.coming(held.name(), held.role, wall);
        let (current, previous) = in_use.map_or((None, None), |keys| (Some(keys.current), keys.previous));
        let mut keys: VecDeque<KeyInUse> = current.into_iter().chain(coming).chain(previous).collect();
        match wrong {
            Some(Mutant::Nostalgic) => keys.extend(held.all()),
            Some(Mutant::Touchy) => keys.truncate(1),
            _ => {}
        }
        let errand = Errand::Verify { coded: Box::new(coded), keys, tried: None, may };
        self.run_errand(errand, None);
    }

    fn stands(&self, coded: &Coded) -> bool {
        match coded.whose {
            Whose::Host(link) => self.hosts[usize::from(link.0)].conn == Some(coded.conn),
            Whose::Terminal(_) => coded.conn >> 16 >= self.process.conns_from,
        }
    }

    /// A request is durable: it leaves with a code, or is withheld.
    pub(crate) fn guard_request(&mut self, leaving: Leaving) {
        let wall = self.clocks().wall;
        if self.mutant == Some(Mutant::Impatient) {
            let Leaving { link, id, request, ours, meant } = leaving;
            return self.ask_host(link, id, request, ours, meant, None);
        }
        let Some(guard) = &self.guard else { return };
        let whose = Whose::Host(leaving.link);
        let held = guard.held(whose);
        let key = guard.ring.keys(held.name(), held.role, wall).map(|keys| keys.into_owned().current);
        match key {
            Ok(key) => {
                let data = Sealed::new(covered_leaving(&leaving.request, &leaving.ours));
                let errand = Errand::Leave { leaving: Box::new(leaving), generation: key.generation };
                let data = MacData { key: key.key, algorithm: ALGORITHM, padding: PADDING, data };
                self.ask_module(errand, Request::MakeMac(data));
                let wait = self.guard.as_mut().map_or(0, |guard| std::mem::take(&mut guard.pause_wanted));
                if wait > 0 {
                    self.process.pause(self.now + wait);
                }
                if self.guard.as_mut().is_some_and(|guard| std::mem::take(&mut guard.change_wanted)) {
                    self.change_key(whose);
                }
            }
            Err(_) => self.truth.breaks(Invariant::Guard, None, "there is no key to send under"),
        }
    }

    /// Goes on with an errand until it waits or ends.
    fn run_errand(&mut self, mut errand: Errand, answer: Option<Result<Answer, Failure>>) {
        match &mut errand {
            Errand::Leave { .. } => {
                if let (Errand::Leave { leaving, generation }, Some(answer)) = (errand, answer) {
                    self.on_guarded(*leaving, generation, answer);
                }
            }
            Errand::Verify { coded, keys, tried, may } => {
                let end = match answer {
                    Some(Ok(Answer::Verified)) => Some(Ok(())),
                    Some(Ok(_)) => Some(Err(Code::Malfunction)),
                    None | Some(Err(Failure::Fault(Refusal::NotVerified))) => None,
                    Some(Err(failure)) => Some(Err(self.trouble(&failure))),
                };
                match (end, end.is_none().then(|| keys.pop_front()).flatten()) {
                    (None, Some(key)) => {
                        *tried = Some(key.generation);
                        let data = Sealed::new(covered(&coded.txn));
                        let mac = coded.code.clone();
                        let data = MacData { key: key.key, algorithm: ALGORITHM, padding: PADDING, data };
                        self.ask_module(errand, Request::VerifyMac { data, mac });
                    }
                    (end, _) => {
                        let is_wrong = end.is_none();
                        let (coded, tried, may) = (coded.as_ref().clone(), *tried, *may);
                        let end = end.unwrap_or(Err(Code::WrongMac));
                        self.on_verified(coded, tried, (may, is_wrong), end);
                    }
                }
            }
        }
    }

    fn ask_module(&mut self, errand: Errand, request: Request) {
        let now = self.clocks().instant;
        let Some(guard) = &mut self.guard else { return };
        guard.next += 1;
        let ticket = Ticket(guard.next);
        guard.errands.insert(ticket, errand);
        let mut out = Vec::new();
        guard.pool.ask(now, ticket, request, &mut out);
        self.carry_out_of_pool(out);
        self.wake_guard();
    }

    /// Takes every answer of a module to its errand.
    fn go_on_with_errands(&mut self) {
        while let Some(guard) = &mut self.guard {
            let Some((ticket, result)) = guard.done.pop_front() else { return };
            if let Some(errand) = guard.errands.remove(&ticket) {
                self.run_errand(errand, Some(result));
            }
        }
    }

    /// What a module's refusal is to whoever asked.
    fn trouble(&mut self, failure: &Failure) -> Code {
        self.marks.hit(match failure {
            Failure::Fault(_) => Mark::ModuleRefuses,
            Failure::NoModule => Mark::NoModule,
            _ => Mark::ModuleLate,
        });
        if *failure == Failure::Full { Code::Busy } else { Code::Malfunction }
    }

    /// A code was found right, or was not: the first is heard, the second changes nothing.
    fn on_verified(
        &mut self,
        coded: Coded,
        tried: Option<u32>,
        (may, is_wrong): (bool, bool),
        end: Result<(), Code>,
    ) {
        let Coded { whose, conn, txn, generation, .. } = coded;
        let believes = self.mutant == Some(Mutant::Credulous) && is_wrong && matches!(whose, Whose::Host(_));
        if end.is_ok() || believes {
            if !may {
                let why = format!("{whose:?} is heard, and its code is of generation {generation:?}");
                self.truth.breaks(Invariant::Guard, None, why);
            }
            let wall = self.clocks().wall;
            if let (Some(guard), Some(tried)) = (&mut self.guard, tried) {
                let held = guard.held(whose);
                let (name, role, is_current) = (held.name().to_owned(), held.role, held.current == tried);
                guard.ring.confirmed(&name, role, tried, wall);
                let on_use = guard.held_mut(whose).heard(tried, wall);
                self.marks.hit(match (on_use, is_current) {
                    (true, _) => Mark::KeyOnUse,
                    (_, true) => Mark::CodeVerified,
                    (_, false) => Mark::CodeOfPrevious,
                });
            }
            return match whose {
                Whose::Host(link) => self.hear_host(link, txn, conn),
                Whose::Terminal(at) => self.on_source_frame(at, conn, txn),
            };
        }
        let Err(code) = end else { return };
        if is_wrong && may {
            let why = format!("{whose:?} is refused, and its code is right under generation {generation:?}");
            return self.truth.breaks(Invariant::Guard, None, why);
        }
        if is_wrong {
            self.marks.hit(match (generation, whose) {
                (Some(_), _) => Mark::CodeOfRetired,
                (None, Whose::Host(_)) => Mark::WrongCodeOfHost,
                (None, Whose::Terminal(_)) => Mark::WrongCodeOfTerminal,
            });
        }
        if let Whose::Terminal(at) = whose
            && txn.message.asks()
            && let Some(told) = self.read_of_switch(at, &txn, &Decision::ours(code, Outcome::NotSent))
        {
            self.deliver(at, conn, told);
        }
    }

    /// A code was made, or could not be: only now may the request leave, where it still may.
    fn on_guarded(&mut self, leaving: Leaving, generation: u32, answer: Result<Answer, Failure>) {
        let Leaving { link, id, request, ours, meant } = leaving;
        let overstays = self.mutant == Some(Mutant::Overstays) && answer.is_ok();
        if !overstays && !self.may_leave(link, id, &request, ours, meant.1) {
            return self.marks.hit(Mark::ErrandTooLate);
        }
        let code = match answer {
            Ok(Answer::Mac(code)) => code,
            Ok(_) => return self.truth.breaks(Invariant::Guard, None, "a module answers something else"),
            Err(failure) => {
                self.marks.hit(Mark::Withheld);
                let code = self.trouble(&failure);
                return self.step(Event::Withheld { link, host_stan: ours.stan, id, code });
            }
        };
        if self.guard.as_ref().is_some_and(|guard| guard.held(Whose::Host(link)).current != generation) {
            self.marks.hit(Mark::LeftUnderPrevious);
        }
        self.ask_host(link, id, request, ours, meant, Some(code));
    }

    /// A host looks at the code of what it got.
    pub(crate) fn look_at_code(&mut self, link: LinkId, request: &Txn, ours: &Outgoing, code: Option<&[u8]>) {
        if !self.guards(request) {
            return;
        }
        let Some(guard) = &self.guard else { return };
        let held = guard.held(Whose::Host(link));
        let data = covered_leaving(request, ours);
        let right = code.is_some_and(|code| held.takes(code, &data));
        if !right {
            let what = if code.is_some() { "with a code that is not right" } else { "without a code" };
            self.truth.breaks(Invariant::Guard, None, format!("a request leaves for host {} {what}", link.0));
        }
    }

    /// The process died: what was on an errand is lost, and what was to leave is decided by silence.
    pub(crate) fn errands_die(&mut self) {
        let Some(guard) = &mut self.guard else { return };
        if !guard.errands.is_empty() {
            self.marks.hit(Mark::ErrandsLost);
        }
        guard.errands.clear();
        guard.done.clear();
        guard.pool = guard.modules.pool();
        guard.modules.hang_up_all();
        guard.tick_at = 0;
    }

    /// Some key changes: a host has a new one, or a terminal has fetched one.
    pub(crate) fn change_keys(&mut self) {
        let terminals = self.terminals.len() as u64;
        let at = self.luck.below(HOSTS as u64 + terminals.min(3));
        let waits = self.luck.below(3) == 0;
        match &mut self.guard {
            Some(guard) if waits => guard.change_wanted = true,
            _ if at < HOSTS as u64 => self.change_key(Whose::Host(LinkId(at as u16))),
            _ => self.change_key(Whose::Terminal(at as usize - HOSTS)),
        }
    }

    fn change_key(&mut self, whose: Whose) {
        // Where our yes is lost, the other side asks once more, and goes on with what it has meanwhile.
        let wait = match self.strikes(Fault::PeerSilent) {
            true => self.luck.between(20 * SECOND, 100 * SECOND),
            false => self.luck.between(MS, 50 * MS),
        };
        let wall = self.clocks().wall;
        let in_flight = self.process.lane.as_ref().is_some_and(|lane| lane.in_flight() > 0);
        if self.process.lane.is_none() {
            return;
        }
        let Some(guard) = &mut self.guard else { return };
        let at = match whose {
            Whose::Host(link) => usize::from(link.0),
            Whose::Terminal(at) => HOSTS + at,
        };
        let generation = guard.held[at].changes(&mut guard.forge, &mut guard.ring, wall);
        self.tell_all(|| format!("{whose:?} has a new key: generation {generation}"));
        if in_flight {
            self.marks.hit(Mark::KeyChangedInFlight);
        }
        self.after(wait, Coming::TakesKey(whose, generation));
    }

    /// The other side learns that its new key is taken, or takes it.
    pub(crate) fn takes_key(&mut self, whose: Whose, generation: u32) {
        if let Some(guard) = &mut self.guard {
            let held = guard.held_mut(whose);
            held.theirs = held.theirs.max(generation);
        }
    }
}

fn none(whose: Whose, conn: u64, txn: Txn) -> Coded {
    Coded { whose, conn, txn, code: Vec::new(), generation: None }
}

/// A connection of a module.
pub(crate) type Line = (usize, ConnId);
