//! What the keeper does for an exchange: keys made and taken by its module, written down, and only then told.

use super::{Keeping, OwnModule, by_itself};
use crate::run::guard::{KeyModule, NotAsked, Proof};
use dialects::{KeyRule, KeyWhat, TravellingKey};
use hsm::Cipher;
use hsm::check_value::CheckValue;
use hsm::lmk::Scheme;
use hsm::ops::{Answer, Class, Fault, Form, MacData, NewKey, Request, Role, StoredKey, Wrapped};
use keys::exchange::Keys;
use keys::{Holding, Owner, Start, State};
use keystore::StoreError;
use std::time::Instant;
use terms::Timestamp;

/// One thing to be done for an exchange.
#[derive(Clone, Debug)]
pub(crate) struct Errand {
    /// Comes back with the end.
    pub(crate) token: u64,
    /// Whose keys.
    pub(crate) owner: Owner,
    /// How they travel.
    pub(crate) rule: KeyRule,
    /// What.
    pub(crate) what: What,
    /// Who wants it, and why; nobody where a peer or time does.
    pub(crate) by: Option<(String, String)>,
}

/// What is to be done.
#[derive(Clone, Debug)]
pub(crate) enum What {
    /// Draw keys for the owner: a master key, or working keys.
    HandOut {
        /// A master key.
        master: bool,
        /// What brings them into force.
        start: Start,
    },
    /// Take keys the owner sent.
    Take {
        /// What its message carried.
        contents: Vec<u8>,
    },
    /// Verify the code of a message by the key it carries. Nothing is kept.
    Prove {
        /// What its message carried.
        contents: Vec<u8>,
        /// Its code.
        proof: Proof,
    },
    /// The owner has the keys of that exchange.
    Accepted(u32),
    /// The exchange came to nothing.
    Abandoned(u32),
}

/// How it ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) token: u64,
    pub(crate) owner: Owner,
    pub(crate) end: Result<Done, NotDone>,
}

/// What was done, durably.
#[derive(Debug)]
pub(crate) enum Done {
    /// Keys were drawn: number of the exchange, and what the message carries.
    Drawn(u32, Vec<u8>),
    /// The code is right.
    Proven,
    /// Keys are in force.
    InForce,
    /// The others stay.
    Erased,
}

/// Why it was not.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotDone {
    /// There is none to carry them.
    #[error("there is no {} in force to carry keys", .0.name())]
    NoTransport(Role),
    /// The message does not carry what the dialect says.
    #[error("the message does not carry the keys its dialect names")]
    Contents,
    /// The module refused, or none did it.
    #[error(transparent)]
    Module(#[from] NotAsked),
    /// The message carries a key, and its code is not by it.
    #[error("the authentication code is not by the key the message carries")]
    Code,
    /// Several of its keys were none.
    #[error("several of the keys it sent were none: none is taken for an hour")]
    Doubted,
    /// A module answered what nobody asked.
    #[error("the security module answered something else")]
    Nonsense,
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl NotDone {
    /// Whether it is the peer's doing, and not ours.
    pub(crate) fn is_peers(&self) -> bool {
        match self {
            Self::Contents | Self::Code | Self::Doubted | Self::Store(StoreError::Refused(_)) => true,
            // What it says of a key says something of whoever sent it; anything else is how modules are set up.
            Self::Module(NotAsked::Fault(fault)) => {
                fault.class() == Class::Key
                    || matches!(fault, Fault::KeyLength | Fault::Weaker | Fault::Usage | Fault::Mode)
            }
            Self::Module(_) | Self::Nonsense | Self::NoTransport(_) | Self::Store(_) => false,
        }
    }
}

impl Keeping {
    pub(super) fn run_errand(&mut self, module: &mut OwnModule, errand: Errand) {
        let Errand { token, owner, rule, what, by } = errand;
        let now = clock::Clock::with_offset_s(0).now().wall;
        let end = match what {
            What::HandOut { master, start } => at_hand(module)
                .and_then(|module| self.hand_out(module, &owner, now, &rule, (master, start), by)),
            What::Take { contents } => {
                at_hand(module).and_then(|module| self.take(module, &owner, now, &rule, &contents))
            }
            What::Prove { contents, proof } => {
                at_hand(module).and_then(|module| self.prove(module, &owner, &rule, &contents, proof))
            }
            What::Accepted(set) => self.accepted(&owner, now, set),
            What::Abandoned(set) => self.abandoned(&owner, now, set),
        };
        // A lane that is gone needs no answer.
        let _ = self.ended.send(Ended { token, owner, end });
    }

    fn hand_out(
        &mut self,
        module: &mut KeyModule,
        owner: &Owner,
        now: Timestamp,
        rule: &KeyRule,
        (master, start): (bool, Start),
        by: Option<(String, String)>,
    ) -> Result<Done, NotDone> {
        let holding = self.store.holding(owner)?;
        let transport = transport(owner, &holding, !master)?;
        let (mut keys, mut travelling) = (Keys::new(), Vec::new());
        let parts = rule.parts_of(master).iter();
        for part in parts.filter(|part| !matches!(part.what, KeyWhat::Check | KeyWhat::Zeros)) {
            let key = NewKey {
                role: role_of(owner, part.what),
                cipher: Cipher::Tdes,
                bytes: part.characters / 2,
                attributes: None,
            };
            let under = Some((transport.clone(), Form::Scheme(scheme_of(part.characters))));
            let (key, check, all, text) = drawn(module, &Request::Generate { key, under }, |check| {
                holding.has_seen(check) || keys.iter().any(|(_, drawn)| drawn.agrees_with(check))
            })?;
            let cryptogram = text.trim_start_matches(|letter| "UTXYZ".contains(letter)).to_string();
            travelling.push(TravellingKey { what: part.what, cryptogram, check: all.to_string() });
            keys.push((key, check));
        }
        let contents = rule.compose(master, &travelling).ok_or(NotDone::Contents)?;
        let mut set = 0;
        let mut act = by_itself("exchange", "keys were drawn for their owner");
        if let Some((by, reason)) = by {
            (act.by, act.reason) = (by, reason);
        }
        let (holding, _) = self.store.change_by(owner, now, &act, |holding| {
            let (exchange, changes) = holding.hand_out(now, keys, start)?;
            set = exchange;
            Ok(changes)
        })?;
        self.tell(*owner, holding);
        Ok(Done::Drawn(set, contents))
    }

    fn take(
        &mut self,
        module: &mut KeyModule,
        owner: &Owner,
        now: Timestamp,
        rule: &KeyRule,
        contents: &[u8],
    ) -> Result<Done, NotDone> {
        let holding = self.store.holding(owner)?;
        let keys = self.opened(module, owner, &holding, rule, contents)?;
        let overlap_ms = self.overlap_ms;
        let act = by_itself("exchange", "their owner sent keys, and their check values agree");
        let (holding, _) =
            self.store.change_by(owner, now, &act, |holding| holding.taken(now, keys, overlap_ms))?;
        self.tell(*owner, holding);
        Ok(Done::InForce)
    }

    /// Opens what came, unless too much of what came before was none of our keys: whoever has no transport key may
    /// guess, and a check value is short.
    fn opened(
        &mut self,
        module: &mut KeyModule,
        owner: &Owner,
        holding: &Holding,
        rule: &KeyRule,
        contents: &[u8],
    ) -> Result<Keys, NotDone> {
        if self.doubts.is_locked(owner, Instant::now()) {
            return Err(NotDone::Doubted);
        }
        let opened = opened(module, owner, holding, rule, contents);
        match &opened {
            Ok(_) => self.doubts.succeeded(owner),
            Err(why @ NotDone::Module(_)) if why.is_peers() => {
                if self.doubts.failed(owner, Instant::now()) {
                    tracing::error!(%owner, %why, "keys came that were none, several times: no more are taken for an hour. Call the other side");
                }
            }
            Err(_) => {}
        }
        opened
    }

    fn prove(
        &mut self,
        module: &mut KeyModule,
        owner: &Owner,
        rule: &KeyRule,
        contents: &[u8],
        proof: Proof,
    ) -> Result<Done, NotDone> {
        let holding = self.store.holding(owner)?;
        let keys = self.opened(module, owner, &holding, rule, contents)?;
        let key = keys.into_iter().map(|(key, _)| key).find(|key| key.role.authenticates());
        let Proof { algorithm, padding, data, code } = proof;
        let data = MacData { key: key.ok_or(NotDone::Contents)?, algorithm, padding, data };
        match module.ask(&Request::VerifyMac { data, mac: code }) {
            Ok(Answer::Verified) => Ok(Done::Proven),
            Ok(_) => Err(NotDone::Nonsense),
            Err(NotAsked::Fault(Fault::NotVerified)) => Err(NotDone::Code),
            Err(error) => Err(NotDone::Module(error)),
        }
    }

    fn accepted(&mut self, owner: &Owner, now: Timestamp, set: u32) -> Result<Done, NotDone> {
        let overlap_ms = self.overlap_ms;
        let act = by_itself("exchange", "their owner said that it has them");
        let (holding, _) =
            self.store.change_by(owner, now, &act, |holding| holding.accepted(now, set, overlap_ms))?;
        self.tell(*owner, holding);
        Ok(Done::InForce)
    }

    fn abandoned(&mut self, owner: &Owner, now: Timestamp, set: u32) -> Result<Done, NotDone> {
        let act = by_itself("exchange", "it came to nothing: refused, not answered, or the link was lost");
        let (holding, _) =
            self.store.change_by(owner, now, &act, |holding| Ok(holding.abandoned(now, set)))?;
        self.tell(*owner, holding);
        Ok(Done::Erased)
    }
}

/// Keys that came, as the module keeps them; each with the check value its sender told.
fn opened(
    module: &mut KeyModule,
    owner: &Owner,
    holding: &Holding,
    rule: &KeyRule,
    contents: &[u8],
) -> Result<Keys, NotDone> {
    let transport = transport(owner, holding, false)?;
    let mut keys = Keys::new();
    for travelling in rule.take_apart(false, contents).ok_or(NotDone::Contents)? {
        let characters = travelling.cryptogram.len();
        let role = role_of(owner, travelling.what);
        let key = NewKey { role, cipher: Cipher::Tdes, bytes: characters / 2, attributes: None };
        let scheme = scheme_of(characters);
        let letter = if scheme == Scheme::Z { String::new() } else { scheme.to_string() };
        let wrapped = Wrapped(letter + &travelling.cryptogram);
        // Without a check value nobody could tell a key from noise.
        let expected = Some(told(&travelling.check).ok_or(NotDone::Contents)?);
        let taken = module.ask(&Request::Import { key, transport: transport.clone(), wrapped, expected })?;
        let Answer::Imported { key, check, .. } = taken else {
            return Err(NotDone::Nonsense);
        };
        keys.push((key, check));
    }
    Ok(keys)
}

/// Times a key is drawn whose check value was seen before: by chance that happens once in a very long while.
const DRAWN_MAX: usize = 4;

/// A key, its check value, the whole of that, and the key as it travels. One whose check value another key has or had
/// is drawn again: it would be taken for a replay.
fn drawn(
    module: &mut KeyModule,
    request: &Request,
    was_seen: impl Fn(&CheckValue) -> bool,
) -> Result<(StoredKey, CheckValue, CheckValue, String), NotDone> {
    for _ in 0..DRAWN_MAX {
        let Answer::Generated { key, wrapped: Some(Wrapped(text)), check } = module.ask(request)? else {
            return Err(NotDone::Nonsense);
        };
        let Answer::CheckValue(all) = module.ask(&Request::CheckValue { key: key.clone(), method: None })?
        else {
            return Err(NotDone::Nonsense);
        };
        // Older commands tell none; where both are told they are of one key.
        let check = check.unwrap_or_else(|| all.first(3));
        if !all.agrees_with(&check) {
            return Err(NotDone::Nonsense);
        }
        if !was_seen(&check) {
            return Ok((key, check, all, text));
        }
    }
    Err(NotDone::Nonsense)
}

fn at_hand(module: &mut OwnModule) -> Result<&mut KeyModule, NotDone> {
    module.as_mut().map_err(|why| NotDone::Module(why.clone()))
}

/// What keys of that owner travel under. Working keys travel under a new master key as soon as there is one.
fn transport(owner: &Owner, holding: &Holding, newest: bool) -> Result<StoredKey, NotDone> {
    let role = if matches!(owner, Owner::Terminal(_)) { Role::Tmk } else { Role::Zmk };
    let coming = holding.in_state(role, State::Confirmed).filter(|key| newest && key.start == Start::OnUse);
    let key = coming.or_else(|| holding.in_state(role, State::Active));
    key.and_then(|key| key.key.clone()).ok_or(NotDone::NoTransport(role))
}

const fn role_of(owner: &Owner, what: KeyWhat) -> Role {
    match (owner, what) {
        (Owner::Terminal(_), KeyWhat::Pin) => Role::Tpk,
        (Owner::Terminal(_), KeyWhat::Mac) => Role::Tak,
        (Owner::Terminal(_), _) => Role::Tmk,
        (_, KeyWhat::Pin) => Role::Zpk,
        (_, KeyWhat::Mac) => Role::Zak,
        (_, _) => Role::Zmk,
    }
}

/// Each eight bytes by themselves, whatever the length: what a bare cryptogram is.
const fn scheme_of(characters: usize) -> Scheme {
    match characters {
        32 => Scheme::X,
        48 => Scheme::Y,
        _ => Scheme::Z,
    }
}

/// A shorter check value is guessed: sixteen bits are a morning's work.
const TOLD_BYTES_MIN: usize = 3;

/// Zeros at its end are filling, where a field is longer than a check value.
fn told(check: &str) -> Option<CheckValue> {
    let bytes: Option<Vec<u8>> =
        (0..check.len()).step_by(2).map(|at| u8::from_str_radix(check.get(at..at + 2)?, 16).ok()).collect();
    CheckValue::told(bytes?.get(..8.min(check.len() / 2))?)
        .filter(|check| check.as_bytes().len() >= TOLD_BYTES_MIN)
}
