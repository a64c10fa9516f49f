//! What an exchange with a peer makes of an owner's keys, whoever draws them and whatever message carries them.
//!
//! ```text
//!  we draw:   made ─▶ sent ─▶ accepted ─▶ in force          refused: erased, tried again; silent, link lost: the peer
//!                                                          may have them: they wait to be used, others are tried
//!  peer's:    came ─▶ check value agrees ─▶ in force        the same again: yes, once more; an older one: refused
//!  terminal:  fetched ─▶ in force when first used           fetched again: the few before wait on, until one is used
//! ```

use crate::{Change, HeldKey, Holding, New, Order, Origin, Refusal, Start, State};
use alloc::vec::Vec;
use hsm::check_value::CheckValue;
use hsm::ops::{Role, StoredKey};
use terms::Timestamp;

/// Keys of one exchange, with their check values.
pub type Keys = Vec<(StoredKey, CheckValue)>;

/// Exchanges whose keys wait to be used, at most: whichever of them the owner uses is right. Those before are erased.
/// Each is one more key that a message may be under.
pub const WAITING_MAX: usize = 3;
/// Whoever asks for keys is given no more than [`WAITING_MAX`] times within so many milliseconds what it does not use.
/// Nothing that was given so recently is erased by the next question, whoever asked it.
pub const FRESH_MS: u32 = 60_000;

impl Holding {
    /// Whether keys may be given to whoever asks for them: not while a person has stopped one, and not again and again
    /// to somebody who does not use them.
    ///
    /// # Errors
    /// [`Refusal::Suspended`], [`Refusal::TooOften`].
    pub fn may_be_asked(&self, now: Timestamp, roles: &[Role]) -> Result<(), Refusal> {
        self.check_suspended(roles.iter().copied())?;
        let since = now.as_unix_ms().saturating_sub(i64::from(FRESH_MS));
        let unused = |key: &&HeldKey, role: Role| {
            // Keys in force from the answer on are used by nobody who could be seen.
            let is_unused = is_unfinished(key.state) || !key.was_in_force || key.start == Start::ByOrder;
            let is_fresh = key.made_at.as_unix_ms() > since;
            key.role == role && key.origin == Origin::Exchanged && is_unused && is_fresh
        };
        let count = |role| self.keys().iter().filter(|key| unused(key, role)).count();
        if roles.iter().any(|&role| count(role) >= WAITING_MAX) { Err(Refusal::TooOften) } else { Ok(()) }
    }

    fn check_suspended(&self, roles: impl Iterator<Item = Role>) -> Result<(), Refusal> {
        let is_stopped = [Role::Tmk, Role::Zmk].into_iter().chain(roles).any(|role| self.is_suspended(role));
        if is_stopped { Err(Refusal::Suspended) } else { Ok(()) }
    }

    /// Keys we drew are about to go to the owner. They come into force together: when they are first used, or when
    /// [`Self::accepted`] says so. Gives the number of the exchange. Of exchanges that were never finished the newest
    /// few wait on, because the owner may have their keys and not those that follow. A terminal's new master key
    /// makes its working keys void until it has fetched the next; what waited before it is erased.
    ///
    /// # Errors
    /// [`Refusal`], and nothing has changed.
    pub fn hand_out(
        &mut self,
        now: Timestamp,
        keys: Keys,
        start: Start,
    ) -> Result<(u32, Vec<Change>), Refusal> {
        self.check_suspended(keys.iter().map(|(key, _)| key.role))?;
        let mut draft = self.clone();
        let mut changes = Vec::new();
        let is_master = keys.iter().any(|(key, _)| key.role == Role::Tmk);
        // Working keys that travel under a new master key come into force with it.
        let joins =
            draft.keys().iter().find(|key| !is_master && key.role == Role::Tmk && is_unfinished(key.state));
        let joined = joins.map(|key| key.set);
        let set = joined.unwrap_or_else(|| draft.next_set());
        // Of a master key and what goes under it there is one at a time.
        let left = if is_master || joined.is_some() { 0 } else { WAITING_MAX - 1 };
        if is_master {
            for role in [Role::Tpk, Role::Tak] {
                draft.erase_unfinished(role, 0, now, &mut changes)?;
            }
        }
        for (key, check) in keys {
            let role = key.role;
            draft.erase_unfinished(role, left, now, &mut changes)?;
            let generation = draft.next_generation(role);
            let new = New { key, check, origin: Origin::Exchanged, start, set };
            changes.extend(draft.apply(now, Order::Add(new))?);
            if start == Start::OnUse {
                // The owner compares the check value that travels along, and uses the key or does not.
                changes.extend(draft.apply(now, Order::Confirm(role, generation, check))?);
            }
        }
        if is_master {
            changes.extend(draft.apply(now, Order::AwaitKeys)?);
        }
        *self = draft;
        Ok((set, changes))
    }

    /// The owner said that it has the keys of that exchange: they come into force now, unless it has used them already.
    /// Those of exchanges before it are erased.
    ///
    /// # Errors
    /// [`Refusal::NoSuchKey`] where there is no such exchange any more, [`Refusal::Suspended`].
    pub fn accepted(&mut self, now: Timestamp, set: u32, overlap_ms: u32) -> Result<Vec<Change>, Refusal> {
        let mut draft = self.clone();
        let mut changes = draft.put_in_force(now, set, overlap_ms)?;
        if !changes.is_empty() {
            draft.erase_before(set, now, &mut changes)?;
        }
        *self = draft;
        Ok(changes)
    }

    fn put_in_force(&mut self, now: Timestamp, set: u32, overlap_ms: u32) -> Result<Vec<Change>, Refusal> {
        let mut draft = self.clone();
        let mut changes = Vec::new();
        let of_set = |holding: &Self| {
            let waits = holding.keys().iter().filter(|key| key.set == set && is_unfinished(key.state));
            waits.map(|key| (key.role, key.generation, key.check)).collect::<Vec<_>>()
        };
        let waiting = of_set(&draft);
        let Some(&(role, generation, _)) = waiting.first() else {
            let used = self.keys().iter().any(|key| key.set == set && key.state == State::Active);
            return if used { Ok(Vec::new()) } else { Err(Refusal::NoSuchKey) };
        };
        if draft.generation(role, generation).is_some_and(|key| draft.is_held_up(key)) {
            return Err(Refusal::Suspended);
        }
        for &(role, generation, check) in &waiting {
            changes.extend(draft.apply(now, Order::Confirm(role, generation, check))?);
        }
        changes.extend(draft.apply(now, Order::Activate(role, generation, overlap_ms))?);
        *self = draft;
        Ok(changes)
    }

    /// The owner said no, or never got them. They are erased, those in force stay. Never for silence: an owner whose yes
    /// was lost has them in force.
    pub fn abandoned(&mut self, now: Timestamp, set: u32) -> Vec<Change> {
        let mut changes = Vec::new();
        // 0 is of no exchange: what people brought waits for people.
        let of_it = |key: &&HeldKey| set != 0 && key.set == set && is_unfinished(key.state);
        let waiting = self.keys().iter().filter(of_it);
        let waiting: Vec<_> = waiting.map(|key| (key.role, key.generation)).collect();
        for (role, generation) in waiting {
            changes.extend(self.apply(now, Order::Destroy(role, generation)).unwrap_or_default());
        }
        changes
    }

    /// Keys of the owner have come, and their check values agree with what it said: they come into force now. The very
    /// keys in force again are an answer of ours that was lost: nothing changes, and that is well. Keys of ours that
    /// wait to be used wait on: the owner may have them.
    ///
    /// # Errors
    /// [`Refusal::SeenBefore`] for keys that were in force before, or that serve another purpose: a replay.
    pub fn taken(&mut self, now: Timestamp, keys: Keys, overlap_ms: u32) -> Result<Vec<Change>, Refusal> {
        let is_in_force = |(key, check): &(StoredKey, CheckValue)| {
            self.in_state(key.role, State::Active).is_some_and(|held| held.check.agrees_with(check))
        };
        if !keys.is_empty() && keys.iter().all(is_in_force) {
            return Ok(Vec::new());
        }
        let mut draft = self.clone();
        let (set, mut changes) = draft.hand_out(now, keys, Start::ByOrder)?;
        changes.extend(draft.put_in_force(now, set, overlap_ms)?);
        *self = draft;
        Ok(changes)
    }

    fn erase_unfinished(
        &mut self,
        role: Role,
        left: usize,
        now: Timestamp,
        changes: &mut Vec<Change>,
    ) -> Result<(), Refusal> {
        let unfinished = |key: &&HeldKey| key.role == role && is_of_unfinished_exchange(key);
        let unfinished: Vec<u32> = self.keys().iter().filter(unfinished).map(|key| key.generation).collect();
        for &generation in unfinished.iter().take(unfinished.len().saturating_sub(left)) {
            changes.extend(self.apply(now, Order::Destroy(role, generation))?);
        }
        Ok(())
    }

    /// An owner that uses keys of one exchange has done with those of the same purposes before it.
    pub(crate) fn erase_before(
        &mut self,
        set: u32,
        now: Timestamp,
        changes: &mut Vec<Change>,
    ) -> Result<(), Refusal> {
        let roles: Vec<Role> = self.keys().iter().filter(|key| key.set == set).map(|key| key.role).collect();
        let before =
            |key: &&HeldKey| key.set < set && roles.contains(&key.role) && is_of_unfinished_exchange(key);
        let before: Vec<_> =
            self.keys().iter().filter(before).map(|key| (key.role, key.generation)).collect();
        for (role, generation) in before {
            changes.extend(self.apply(now, Order::Destroy(role, generation))?);
        }
        Ok(())
    }
}

fn is_of_unfinished_exchange(key: &HeldKey) -> bool {
    key.origin == Origin::Exchanged && is_unfinished(key.state) && key.set != 0
}

const fn is_unfinished(state: State) -> bool {
    matches!(state, State::Generated | State::Confirmed)
}

/// Attempts before a person is called.
pub const TRIES_MAX: u32 = 3;

/// Where an exchange that we begin stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Begun {
    /// None is under way.
    #[default]
    Not,
    /// Keys are being made, for the how manyeth time.
    Making(u32),
    /// They are on their way: which exchange, and the how manyeth time. 0 where the peer was asked for its own.
    Sent(u32, u32),
}

/// What happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Somebody wants one, or it is time.
    Begin,
    /// The keys are made, and durable.
    Made(u32),
    /// They could not be made.
    NotMade,
    /// The peer said yes.
    Accepted,
    /// The peer said no: it has none of them.
    Refused,
    /// The peer said nothing, or the link was lost: it may have them in force.
    Silent,
    /// The peer began one as well, and ours gives way to it. What was sent waits to be used.
    Yielded,
}

/// What is to be done then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Do {
    /// Nothing.
    Nothing,
    /// Make keys.
    Make,
    /// Send them.
    Send,
    /// Bring that exchange into force.
    PutInForce(u32),
    /// Erase that exchange, and make others at once.
    EraseAndMake(u32),
    /// Erase that exchange, and call a person.
    EraseAndCall(u32),
    /// Leave what was sent as it is, and make others at once.
    LeaveAndMake,
    /// Leave what was sent as it is, and call a person.
    LeaveAndCall,
    /// Call a person.
    Call,
}

impl Begun {
    /// One step of it. What does not fit is nothing: a late answer to an exchange that is over changes nothing.
    #[must_use]
    pub const fn step(self, step: Step) -> (Self, Do) {
        match (self, step) {
            (Self::Not, Step::Begin) => (Self::Making(1), Do::Make),
            (Self::Making(tries), Step::Made(set)) => (Self::Sent(set, tries), Do::Send),
            (Self::Making(_), Step::NotMade) => (Self::Not, Do::Call),
            (Self::Sent(set, _), Step::Accepted) => (Self::Not, Do::PutInForce(set)),
            (Self::Sent(set, tries), Step::Refused) if tries < TRIES_MAX => {
                (Self::Making(tries + 1), Do::EraseAndMake(set))
            }
            (Self::Sent(set, _), Step::Refused) => (Self::Not, Do::EraseAndCall(set)),
            (Self::Sent(_, tries), Step::Silent) if tries < TRIES_MAX => {
                (Self::Making(tries + 1), Do::LeaveAndMake)
            }
            (Self::Sent(..), Step::Silent) => (Self::Not, Do::LeaveAndCall),
            (_, Step::Yielded) => (Self::Not, Do::Nothing),
            (state, _) => (state, Do::Nothing),
        }
    }
}
