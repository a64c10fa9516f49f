use crate::{Happening, HeldKey, Origin, Start, State};
use alloc::vec::Vec;
use hsm::check_value::CheckValue;
use hsm::ops::{Role, StoredKey};
use terms::Timestamp;

/// Keys of one purpose that are over and still told of; those before them stand in the audit alone. Cost: some 300
/// bytes each.
pub const ENDED_MAX: usize = 32;

/// The keys of one owner.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holding {
    keys: Vec<HeldKey>,
    /// Since then the working keys are void, until the owner has fetched new ones.
    awaits_keys_since: Option<Timestamp>,
    /// Check values of keys that are over and no longer told of.
    forgotten: Vec<CheckValue>,
}

/// A key that has come.
#[derive(Clone, Debug)]
pub struct New {
    /// As its module keeps it; it says what the key is for.
    pub key: StoredKey,
    /// Its check value.
    pub check: CheckValue,
    /// Where it came from.
    pub origin: Origin,
    /// What will bring it into force.
    pub start: Start,
    /// The exchange it belongs to; 0 for none.
    pub set: u32,
}

/// What somebody wants done with an owner's keys.
#[derive(Clone, Debug)]
pub enum Order {
    /// A key has come.
    Add(New),
    /// The other side told this check value of it.
    Confirm(Role, u32, CheckValue),
    /// It comes into force now, with the rest of its exchange; the one before is taken for so many milliseconds.
    Activate(Role, u32, u32),
    /// It comes into force then.
    Schedule(Role, u32, Timestamp),
    /// The one before comes into force again, as long as its overlap lasts.
    RollBack(Role),
    /// Nothing passes under it.
    Suspend(Role),
    /// It goes on.
    Resume(Role),
    /// Somebody else may know it: that generation, or all there are. Of a key that carries keys, whoever knows it
    /// knows what went under it too: working keys, the transport key that followed it, and what went under that.
    Compromise(Role, Option<u32>),
    /// It is erased.
    Destroy(Role, u32),
    /// A terminal has a new master key: its working keys are void until it has fetched new ones.
    AwaitKeys,
}

/// What became of one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which.
    pub role: Role,
    /// Which generation.
    pub generation: u32,
    /// What it was; `None` of one that came.
    pub before: Option<State>,
    /// What it is.
    pub after: State,
    /// Its check value.
    pub check: CheckValue,
}

/// Why nothing was done. Nothing is done by halves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No such key.
    #[error("there is no such key")]
    NoSuchKey,
    /// Nobody has told its check value.
    #[error("the other side has not confirmed its check value")]
    NotConfirmed,
    /// The other side has another.
    #[error("the check value told is another one: the two sides do not hold the same key")]
    CheckMismatch,
    /// It is in force, or was until a moment ago.
    #[error("it is in force, or what is on its way may be under it: replace or suspend it first")]
    InForce,
    /// It is gone.
    #[error("it is destroyed")]
    Destroyed,
    /// Somebody else may know it.
    #[error("somebody else may know it: it is never used again")]
    Compromised,
    /// There is none to go back to, or the overlap is over.
    #[error("there is no key before it whose overlap lasts")]
    NothingToRollBackTo,
    /// The same key again.
    #[error("the same check value was seen before: a key is used once, for one purpose")]
    SeenBefore,
    /// Keys were given a few times just now, and none of them was used.
    #[error("keys were given several times within a minute, and none was used: it has to wait")]
    TooOften,
    /// A moment that has gone.
    #[error("that moment has gone")]
    TooLate,
    /// A person stopped a key of that purpose, or the one that would carry it.
    #[error("a person stopped a key it would take the place of, or travel under: only people let it go on")]
    Suspended,
    /// It is in a state that does not allow this.
    #[error("it is {0}")]
    NotInThatState(State),
}

impl Holding {
    /// Takes keys as they were stored.
    pub fn restore(keys: Vec<HeldKey>, awaits_keys_since: Option<Timestamp>) -> Self {
        Self { keys, awaits_keys_since, forgotten: Vec::new() }
    }

    /// With the check values of keys that are no longer told of.
    #[must_use]
    pub fn with_forgotten(mut self, forgotten: Vec<CheckValue>) -> Self {
        self.forgotten = forgotten;
        self
    }

    /// Check values of keys that were in force, are over and no longer told of, the oldest first: none of them comes
    /// again. Cost: 9 bytes each; a key changed every hour makes 80 kB of them in a year.
    pub fn forgotten(&self) -> &[CheckValue] {
        &self.forgotten
    }

    /// Whether a key with that check value is or was there. Check values are short: of two keys that were drawn one in
    /// sixteen million pairs has the same, and another is to be drawn.
    pub fn has_seen(&self, check: &CheckValue) -> bool {
        self.keys.iter().any(|key| key.check.agrees_with(check)) || self.forgotten.contains(check)
    }

    /// Every key, the oldest first.
    pub fn keys(&self) -> &[HeldKey] {
        &self.keys
    }

    /// The key to send under.
    pub fn current(&self, role: Role) -> Option<&HeldKey> {
        let is_void = self.awaits_keys() && matches!(role, Role::Tpk | Role::Tak);
        self.in_state(role, State::Active).filter(|_| !is_void)
    }

    /// The key that authenticates a message which fetches keys: the one in force, void for anything else or not.
    pub fn for_fetching(&self, role: Role) -> Option<&HeldKey> {
        self.in_state(role, State::Active)
    }

    /// A key in that state, the newest.
    pub fn in_state(&self, role: Role, state: State) -> Option<&HeldKey> {
        self.keys.iter().rev().find(|key| key.role == role && key.state == state)
    }

    /// One generation.
    pub fn generation(&self, role: Role, generation: u32) -> Option<&HeldKey> {
        self.keys.iter().find(|key| key.role == role && key.generation == generation)
    }

    /// Whether a person stopped the key of that purpose. Until people say otherwise nothing is taken under any key of
    /// it, and none comes into force in its place.
    pub fn is_suspended(&self, role: Role) -> bool {
        self.in_state(role, State::Suspended).is_some()
    }

    /// Whether a key that waits would come into force, alone or with its exchange, over one that a person stopped.
    pub(crate) fn is_held_up(&self, key: &HeldKey) -> bool {
        let comes = |other: &&HeldKey| {
            (other.role, other.generation) == (key.role, key.generation)
                || key.set != 0 && other.set == key.set && !other.state.is_over()
        };
        self.keys.iter().filter(comes).any(|key| self.is_suspended(key.role))
    }

    /// The newest generation of that purpose that is not over.
    pub fn newest(&self, role: Role) -> Option<&HeldKey> {
        self.keys.iter().rev().find(|key| key.role == role && !key.state.is_over())
    }

    /// Whether the working keys are void until new ones are fetched.
    pub const fn awaits_keys(&self) -> bool {
        self.awaits_keys_since.is_some()
    }

    /// Since when.
    pub const fn awaits_keys_since(&self) -> Option<Timestamp> {
        self.awaits_keys_since
    }

    /// A number for an exchange that begins now.
    pub fn next_set(&self) -> u32 {
        self.keys.iter().map(|key| key.set).max().unwrap_or(0) + 1
    }

    /// The number of the next generation of that purpose.
    pub fn next_generation(&self, role: Role) -> u32 {
        let of = self.keys.iter().filter(|key| key.role == role).map(|key| key.generation);
        of.max().unwrap_or(0) + 1
    }

    /// Does what is wanted, whole or not at all.
    ///
    /// # Errors
    /// [`Refusal`]; nothing has changed then.
    pub fn apply(&mut self, now: Timestamp, order: Order) -> Result<Vec<Change>, Refusal> {
        let mut draft = self.clone();
        let mut changes = Vec::new();
        draft.carry_out(now, order, &mut changes)?;
        draft.forget_the_oldest();
        *self = draft;
        Ok(changes)
    }

    fn carry_out(&mut self, now: Timestamp, order: Order, changes: &mut Vec<Change>) -> Result<(), Refusal> {
        match order {
            Order::Add(new) => self.add(now, new, changes),
            Order::Confirm(role, generation, told) => {
                let at = self.find(role, generation)?;
                if !self.keys[at].check.agrees_with(&told) {
                    return Err(Refusal::CheckMismatch);
                }
                self.step(at, Happening::Confirmed, now, changes)
            }
            Order::Activate(role, generation, overlap_ms) => {
                let at = self.find(role, generation)?;
                // Refused for what it is, before anything else is looked at.
                self.keys[at].state.step(Happening::Activated)?;
                self.activate(at, now, overlap_ms, changes)
            }
            Order::Schedule(role, generation, at) => {
                if at <= now {
                    return Err(Refusal::TooLate);
                }
                let found = self.find(role, generation)?;
                self.keys[found].state.step(Happening::Activated)?;
                self.keys[found].start = Start::At(at);
                Ok(())
            }
            Order::RollBack(role) => self.roll_back(role, now, changes),
            Order::Suspend(role) => {
                let at = self.at_state(role, State::Active)?;
                self.step(at, Happening::Suspended, now, changes)
            }
            Order::Resume(role) => {
                let at = self.at_state(role, State::Suspended)?;
                if let Some(active) = self.in_state(role, State::Active) {
                    return Err(Refusal::NotInThatState(active.state));
                }
                self.step(at, Happening::Resumed, now, changes)
            }
            Order::Compromise(role, generation) => self.compromise(role, generation, now, changes),
            Order::Destroy(role, generation) => {
                let at = self.find(role, generation)?;
                self.step(at, Happening::Destroyed, now, changes)?;
                self.keys[at].key = None;
                Ok(())
            }
            Order::AwaitKeys => {
                self.awaits_keys_since = Some(now);
                Ok(())
            }
        }
    }

    /// A key is used once and for one purpose: the same again, under whatever name, is a replay or a mistake.
    fn add(&mut self, now: Timestamp, new: New, changes: &mut Vec<Change>) -> Result<(), Refusal> {
        if self.has_seen(&new.check) {
            return Err(Refusal::SeenBefore);
        }
        let role = new.key.role;
        let key = HeldKey {
            role,
            generation: self.next_generation(role),
            set: new.set,
            state: State::Generated,
            key: Some(new.key),
            check: new.check,
            origin: new.origin,
            start: new.start,
            made_at: now,
            since: now,
            until: None,
            was_in_force: false,
        };
        changes.push(Change {
            role,
            generation: key.generation,
            before: None,
            after: key.state,
            check: key.check,
        });
        self.keys.push(key);
        Ok(())
    }

    /// Brings a key into force, and every other of its exchange.
    fn activate(
        &mut self,
        at: usize,
        now: Timestamp,
        overlap_ms: u32,
        changes: &mut Vec<Change>,
    ) -> Result<(), Refusal> {
        let set = self.keys[at].set;
        let together = |key: &HeldKey| set != 0 && key.set == set && key.state == State::Confirmed;
        let mut all: Vec<usize> = (0..self.keys.len()).filter(|&other| together(&self.keys[other])).collect();
        if !all.contains(&at) {
            all.push(at);
        }
        for &at in &all {
            let role = self.keys[at].role;
            for other in 0..self.keys.len() {
                let key = &self.keys[other];
                let gives_way = matches!(key.state, State::Active | State::Previous | State::Suspended);
                if key.role != role || !gives_way {
                    continue;
                }
                let was_active = key.state == State::Active;
                self.step(other, Happening::Replaced, now, changes)?;
                if was_active {
                    let until = now.as_unix_ms().saturating_add(i64::from(overlap_ms));
                    self.keys[other].until = Some(Timestamp::from_unix_ms(until));
                }
            }
            self.step(at, Happening::Activated, now, changes)?;
            if matches!(role, Role::Tak | Role::Tpk) {
                self.awaits_keys_since = None;
            }
        }
        Ok(())
    }

    fn roll_back(&mut self, role: Role, now: Timestamp, changes: &mut Vec<Change>) -> Result<(), Refusal> {
        let new = self.at_state(role, State::Active)?;
        let old = self.at_state(role, State::Previous).map_err(|_| Refusal::NothingToRollBackTo)?;
        if !self.keys[old].is_accepted(now, 0) {
            return Err(Refusal::NothingToRollBackTo);
        }
        self.step(new, Happening::RolledBack, now, changes)?;
        self.step(old, Happening::Restored, now, changes)?;
        self.keys[old].until = None;
        if matches!(role, Role::Tak | Role::Tpk) {
            self.awaits_keys_since = None;
        }
        Ok(())
    }

    fn compromise(
        &mut self,
        role: Role,
        generation: Option<u32>,
        now: Timestamp,
        changes: &mut Vec<Change>,
    ) -> Result<(), Refusal> {
        if let Some(generation) = generation {
            self.find(role, generation)?;
        }
        let mut found = false;
        let carried: Vec<u32> =
            generation.map_or_else(Vec::new, |generation| self.carried_since(role, generation));
        for at in 0..self.keys.len() {
            let key = &self.keys[at];
            let is_meant = key.role == role && generation.is_none_or(|meant| meant == key.generation);
            // Whoever recorded the line reads what went under a transport key; of what is over nothing is left to save.
            let is_carried =
                !key.role.carries_keys() || key.role == role && carried.contains(&key.generation);
            let went_under = role.carries_keys() && is_carried && !key.state.is_over();
            let is_news = !matches!(key.state, State::Destroyed | State::Compromised);
            if (is_meant || went_under) && is_news {
                found |= is_meant;
                self.step(at, Happening::Compromised, now, changes)?;
            }
        }
        if found { Ok(()) } else { Err(Refusal::NoSuchKey) }
    }

    /// Later transport keys of that purpose that travelled under that generation, or under one that did. One that
    /// people entered and that was in force ends the line: it went under none, and what follows went under it.
    fn carried_since(&self, role: Role, generation: u32) -> Vec<u32> {
        let was_in_force =
            |state| matches!(state, State::Active | State::Previous | State::Retired | State::Suspended);
        let is_own = |key: &HeldKey| key.origin == Origin::Components;
        let mut later: Vec<&HeldKey> =
            self.keys.iter().filter(|key| key.role == role && key.generation > generation).collect();
        later.sort_by_key(|key| key.generation);
        let line = later.into_iter().take_while(|key| !(is_own(key) && was_in_force(key.state)));
        line.filter(|key| !is_own(key)).map(|key| key.generation).collect()
    }

    /// A message of the owner was right under that generation.
    pub fn heard(&mut self, role: Role, generation: u32, now: Timestamp, overlap_ms: u32) -> Vec<Change> {
        let Ok(at) = self.find(role, generation) else { return Vec::new() };
        let key = &self.keys[at];
        if key.state != State::Confirmed || key.start != Start::OnUse || self.is_held_up(key) {
            return Vec::new();
        }
        let set = key.set;
        let mut draft = self.clone();
        let Ok(mut changes) = draft.apply(now, Order::Activate(role, generation, overlap_ms)) else {
            return Vec::new();
        };
        if set != 0 && draft.erase_before(set, now, &mut changes).is_err() {
            return Vec::new();
        }
        *self = draft;
        changes
    }

    /// Time has passed: overlaps end, and agreed moments come.
    pub fn tick(&mut self, now: Timestamp, overlap_ms: u32) -> Vec<Change> {
        let mut changes = Vec::new();
        let due = |holding: &Self, key: &HeldKey| match (key.state, key.start) {
            (State::Confirmed, Start::At(moment)) if moment <= now && !holding.is_held_up(key) => {
                Some(moment)
            }
            _ => None,
        };
        // In force since the moment itself, however late that is seen, and so is the overlap counted.
        while let Some((moment, at)) =
            self.keys.iter().enumerate().filter_map(|(at, key)| Some((due(self, key)?, at))).min()
        {
            self.activate(at, moment, overlap_ms, &mut changes)
                .expect("a confirmed key comes into force: the table says so");
        }
        for at in 0..self.keys.len() {
            let key = &self.keys[at];
            if key.state == State::Previous && !key.is_accepted(now, overlap_ms) {
                self.step(at, Happening::RanOut, now, &mut changes)
                    .expect("a previous key runs out: the table says so");
            }
        }
        self.forget_the_oldest();
        changes
    }

    /// When [`Holding::tick`] has something to do next.
    pub fn next_moment(&self) -> Option<Timestamp> {
        let moment = |key: &HeldKey| match (key.state, key.start) {
            (State::Previous, _) => key.until,
            (State::Confirmed, Start::At(moment)) if !self.is_held_up(key) => Some(moment),
            _ => None,
        };
        self.keys.iter().filter_map(moment).min()
    }

    fn step(
        &mut self,
        at: usize,
        happening: Happening,
        now: Timestamp,
        changes: &mut Vec<Change>,
    ) -> Result<(), Refusal> {
        let key = &mut self.keys[at];
        let before = key.state;
        let after = before.step(happening)?;
        if after != before {
            (key.state, key.since) = (after, now);
            key.was_in_force |= after == State::Active;
            let (role, generation, check) = (key.role, key.generation, key.check);
            changes.push(Change { role, generation, before: Some(before), after, check });
        }
        Ok(())
    }

    fn find(&self, role: Role, generation: u32) -> Result<usize, Refusal> {
        let found = self.keys.iter().position(|key| key.role == role && key.generation == generation);
        found.ok_or(Refusal::NoSuchKey)
    }

    fn at_state(&self, role: Role, state: State) -> Result<usize, Refusal> {
        let found = self.keys.iter().rposition(|key| key.role == role && key.state == state);
        found.ok_or_else(|| {
            self.newest(role).map_or(Refusal::NoSuchKey, |newest| Refusal::NotInThatState(newest.state))
        })
    }

    /// Of keys that are over the newest few stay, so that years of daily exchanges do not pile up.
    fn forget_the_oldest(&mut self) {
        let roles: Vec<Role> = self.keys.iter().map(|key| key.role).collect();
        let mut done: Vec<Role> = Vec::new();
        for role in roles {
            if done.contains(&role) {
                continue;
            }
            done.push(role);
            let over = |key: &HeldKey| key.role == role && key.state.is_over();
            let mut excess = self.keys.iter().filter(|key| over(key)).count().saturating_sub(ENDED_MAX);
            let forgotten = &mut self.forgotten;
            self.keys.retain(|key| {
                let goes = excess > 0 && over(key);
                excess -= usize::from(goes);
                // Drawn for whoever asks, and never used: as many as somebody likes to ask for.
                let is_kept = key.was_in_force || key.origin != Origin::Exchanged;
                forgotten.extend((goes && is_kept).then_some(key.check));
                !goes
            });
        }
    }
}
