//! What stands between messages and the lane, where partners agreed on PINs and authentication codes: codes are
//! verified before the lane hears of a message and made when one is about to leave; PINs are moved from the key of
//! whoever sent them to the key of the host.
//!
//! ```text
//!  read ─▶ verify ─▶ lane ─▶ durable ─▶ move the PIN, make the code ─▶ net
//!            │ wrong                         │ cannot be
//!            ▼                               ▼
//!          told so, nothing recorded       withheld: decided as never sent, told why
//! ```
//! All of it is errands: each asks a module, goes on with the answer, and asks again. The software module answers at
//! once, and then an errand is done before anything else happens; a device takes its time, and meanwhile the lane goes
//! on. The lane never waits; what one terminal says reaches it in the order it came. A death loses what was on an errand: what came was never heard of, and what was to leave
//! is decided by silence, as everything that was recorded and not answered.

mod errand;
mod modules;
mod moving;
mod own;
mod own_tokens;
mod setup;
mod tokens;
mod turns;
mod verdict;

use super::keys::{Errand as KeyErrand, Keeper};
use crate::config::{GuardToml, KeysOfToml};
use dialects::Dialect;
use hsm::mac::{Algorithm, Padding};
use hsm::ops::{Answer, Request, Role};
use hsm::pin::Format;
use hsm::pool::{Failure, Ticket};
use hsm::ring::{KeyInUse, KeyRing};
use keys::Ring;
use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use terms::{Instant, Now, TerminalId, Timestamp};

pub(crate) use errand::{Errand, Heard, Leaving, Next, Proof, Sealing, Verifying, Whose, proof_of};
pub(crate) use modules::{ModuleSeen, Modules};
pub(crate) use moving::Move;
pub(crate) use own::{KeyModule, KeyModulePlan, NotAsked};
pub(crate) use setup::{dial, guard};
pub(crate) use tokens::TokenNews;
pub(crate) use turns::{Line, Turn, Turns};
pub(crate) use verdict::{Trouble, Wrong};

/// What a source's or link's messages are guarded by.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    /// Whose keys.
    keys: KeysOf,
    /// How codes are made.
    pub(crate) mac: Option<(Algorithm, Padding)>,
    /// The format of PIN blocks.
    pub(crate) pin: Option<Format>,
    /// Keys are given also to whoever asks without an authentication code.
    pub(crate) gives_unauthenticated: bool,
}

#[derive(Clone, Debug)]
enum KeysOf {
    /// One owner's, shared between institutions.
    One(Rc<str>),
    /// Each terminal's own.
    Terminals,
}

impl Rule {
    /// The rule of a listener's source, or of a link where `is_link`.
    ///
    /// # Errors
    /// What does not fit, in words.
    pub(crate) fn of(
        guard: Option<&GuardToml>,
        name: &str,
        is_link: bool,
        dialect: &Dialect,
    ) -> Result<Option<Self>, String> {
        let Some(guard) = guard.filter(|guard| guard.guards()) else { return Ok(None) };
        let named = dialect.mac().map(|mac| mac.algorithm.as_str());
        let algorithm = guard.algorithm(named).transpose()?;
        if algorithm.is_some() {
            if dialect.mac().is_none() {
                return Err(format!(
                    "dialect `{}` says of no authentication code where it stands",
                    dialect.name()
                ));
            }
            if let Some(kind) = dialect.without_room_for_code().next() {
                let kind = String::from_utf8_lossy(&kind).into_owned();
                return Err(format!(
                    "dialect `{}` has no room for an authentication code in {kind}: allow the element there, or \
                     leave its class out of [mac] classes",
                    dialect.name()
                ));
            }
        }
        if algorithm == Some(Algorithm::UnionPayCbc)
            && dialect.mac().is_some_and(|mac| mac.input == dialects::MacInput::WholeBody)
        {
            return Err(format!(
                "{} leaves out whatever is no letter or digit, so a whole message is not safe under it: dialect `{}` \
                 must name the elements ([mac] input, join = \"spaces\")",
                Algorithm::UnionPayCbc,
                dialect.name()
            ));
        }
        if let Some(algorithm) = algorithm
            && guard.mac_padding.is_some_and(|method| method != 1)
            && !algorithm.has_choice_of_padding()
        {
            return Err(format!("{algorithm} is filled with zeros and no other way: leave mac_padding out"));
        }
        let keys = match (is_link, guard.keys) {
            (true, _) => KeysOf::One(format!("link/{name}").into()),
            (false, Some(KeysOfToml::Terminal)) => KeysOf::Terminals,
            (false, _) => KeysOf::One(format!("listener/{name}").into()),
        };
        Ok(Some(Self {
            keys,
            mac: algorithm.map(|algorithm| (algorithm, guard.padding())),
            pin: guard.format(),
            gives_unauthenticated: guard.unauthenticated_keys,
        }))
    }

    /// Who owns the keys of a message, and which they are: for codes, and for PINs.
    pub(crate) fn owner(&self, terminal: &TerminalId) -> (Rc<str>, Role, Role) {
        match &self.keys {
            KeysOf::One(owner) => (owner.clone(), Role::Zak, Role::Zpk),
            KeysOf::Terminals => {
                let id = String::from_utf8_lossy(terminal.as_bytes().trim_ascii_end()).into_owned();
                (format!("terminal/{id}").into(), Role::Tak, Role::Tpk)
            }
        }
    }
}

/// What security did since the start.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Figures {
    /// Messages whose code was right.
    pub(crate) verified: u64,
    /// Of these, under a key that was not the one in force.
    pub(crate) under_other_key: u64,
    /// Messages of sources whose code was wrong.
    pub(crate) wrong: u64,
    /// Messages of sources without one.
    pub(crate) missing: u64,
    /// Messages of hosts whose code was wrong, or not there: taken for no answer.
    pub(crate) wrong_from_hosts: u64,
    /// Messages that could not be verified, because no module answered or no key is there.
    pub(crate) not_verified: u64,
    /// Codes made.
    pub(crate) made: u64,
    /// PINs moved.
    pub(crate) pins_moved: u64,
    /// Requests withheld.
    pub(crate) withheld: u64,
    /// Answers that could not be given a code.
    pub(crate) not_sealed: u64,
}

/// Everything security needs.
pub(crate) struct Guard {
    pub(crate) modules: Modules,
    pub(crate) ring: Rc<RefCell<Ring>>,
    keeper: Option<Keeper>,
    pub(crate) figures: Figures,
    /// Terminals something of whom waits for a module, and what they said since.
    pub(crate) turns: Turns<Heard>,
    /// Errands that wait for a module.
    waiting: BTreeMap<Ticket, Errand>,
    /// Answers of modules nobody has taken to their errands yet.
    done: VecDeque<(Ticket, Result<Answer, Failure>)>,
    next: u64,
}

/// What became of a question to a module.
pub(crate) enum Asked {
    /// It was answered.
    Now(Result<Answer, Failure>),
    /// It will be.
    Later(Ticket),
}

impl Guard {
    /// Nobody to guard, or modules and the keys under them.
    pub(crate) fn new(modules: Modules, keys: Option<(Ring, Keeper)>) -> Self {
        let (figures, waiting, done) = (Figures::default(), BTreeMap::new(), VecDeque::new());
        let (ring, keeper) =
            keys.map_or_else(|| (Ring::default(), None), |(ring, keeper)| (ring, Some(keeper)));
        let (ring, turns) = (Rc::new(RefCell::new(ring)), Turns::new());
        Self { modules, ring, keeper, figures, turns, waiting, done, next: 0 }
    }

    /// Takes over what became of keys.
    pub(crate) fn mind_keys(&mut self) {
        self.keeper.iter_mut().for_each(|keeper| keeper.mind(&mut self.ring.borrow_mut()));
    }

    /// Whether keys are kept at all.
    pub(crate) const fn keeps_keys(&self) -> bool {
        self.keeper.is_some()
    }

    /// Begins a part of an exchange of keys.
    pub(crate) fn exchange(&self, errand: KeyErrand) {
        self.keeper.iter().for_each(|keeper| keeper.exchange(errand.clone()));
    }

    /// A part of an exchange that has ended.
    pub(crate) fn exchange_ended(&self) -> Option<super::keys::Ended> {
        self.keeper.as_ref()?.ended()
    }

    /// Errands under way.
    pub(crate) fn under_way(&self) -> usize {
        self.waiting.len()
    }

    /// Asks a module; the one of that place where one is meant.
    pub(crate) fn ask(&mut self, now: Instant, device: Option<usize>, request: Request) -> Asked {
        self.next += 1;
        let ticket = Ticket(self.next);
        self.modules.ask(now, device, ticket, request, &mut self.done);
        // Most often answered at once, by software or by a refusal: then it is the last that was done.
        match self.done.back() {
            Some((done, _)) if *done == ticket => {
                self.done.pop_back().map_or(Asked::Later(ticket), |(_, result)| Asked::Now(result))
            }
            _ => match self.done.iter().position(|(done, _)| *done == ticket) {
                Some(at) => {
                    self.done.remove(at).map_or(Asked::Later(ticket), |(_, result)| Asked::Now(result))
                }
                None => Asked::Later(ticket),
            },
        }
    }

    /// Keeps an errand until its module answers.
    pub(crate) fn keep(&mut self, ticket: Ticket, errand: Errand) {
        self.waiting.insert(ticket, errand);
    }

    /// The next errand whose module has answered.
    pub(crate) fn take_done(&mut self) -> Option<(Errand, Result<Answer, Failure>)> {
        while let Some((ticket, result)) = self.done.pop_front() {
            if let Some(errand) = self.waiting.remove(&ticket) {
                return Some((errand, result));
            }
        }
        None
    }

    /// Time has passed, or a line brought something: whatever that did to the modules.
    pub(crate) fn mind(
        &mut self,
        act: impl FnOnce(&mut Modules, &mut VecDeque<(Ticket, Result<Answer, Failure>)>),
    ) {
        act(&mut self.modules, &mut self.done);
    }
}

/// The keys a message may be under, in the order to try them: the one in force, one that comes into force by being
/// used, and the one before inside its window.
pub(crate) fn accepted(
    ring: &dyn KeyRing,
    owner: &str,
    role: Role,
    at: Timestamp,
) -> Result<VecDeque<KeyInUse>, Trouble> {
    let coming = ring.coming(owner, role, at);
    match ring.keys(owner, role, at) {
        Err(none) if coming.is_empty() => Err(Trouble::NoKey(none, role)),
        Err(_) => Ok(coming.into()),
        Ok(keys) => {
            let keys = keys.into_owned();
            Ok([keys.current].into_iter().chain(coming).chain(keys.previous).collect())
        }
    }
}

/// The key to send under.
pub(crate) fn in_force(ring: &dyn KeyRing, owner: &str, role: Role, now: Now) -> Result<KeyInUse, Trouble> {
    let keys = ring.keys(owner, role, now.wall).map_err(|none| Trouble::NoKey(none, role))?;
    Ok(keys.into_owned().current)
}
