use crate::{Change, HeldKey, Holding, Owner, State};
use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use hsm::ops::Role;
use hsm::ring::{KeyInUse, KeyRing, KeysInUse, NoKey};
use terms::Timestamp;

/// The keys of all owners, as whoever authenticates messages and moves PINs looks them up. Cost of a look-up: a
/// search in a sorted map, then a few comparisons.
#[derive(Clone, Default)]
pub struct Ring {
    owners: BTreeMap<Owner, Holding>,
    /// How long the key before is taken where a message brings one into force.
    overlap_ms: u32,
    /// What came into force by being used and was not asked for yet.
    heard: Vec<Heard>,
}

/// A key that came into force because its owner used it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard {
    /// Whose.
    pub owner: Owner,
    /// What for.
    pub role: Role,
    /// Which generation.
    pub generation: u32,
    /// When.
    pub at: Timestamp,
}

impl Ring {
    /// An empty one. The key before one that comes into force by being used is taken for so many milliseconds.
    pub fn new(overlap_ms: u32) -> Self {
        Self { owners: BTreeMap::new(), overlap_ms, heard: Vec::new() }
    }

    /// For how long the key before is taken.
    pub const fn overlap_ms(&self) -> u32 {
        self.overlap_ms
    }

    /// What came into force by being used since this was asked last: to be written down.
    pub fn take_heard(&mut self) -> Vec<Heard> {
        core::mem::take(&mut self.heard)
    }

    /// The key to send under; `None` where there is none in force, and while a terminal's working keys wait to be
    /// replaced.
    pub fn current(&self, owner: &Owner, role: Role) -> Option<&HeldKey> {
        self.owners.get(owner)?.current(role)
    }

    /// The keys a message that comes now may be under, in the order to try them: the one in force, one that comes
    /// into force by being used or in a moment agreed on, and the one before as long as its overlap lasts. Nothing
    /// else, ever.
    pub fn accepted(&self, owner: &Owner, role: Role, now: Timestamp) -> impl Iterator<Item = &HeldKey> {
        let holding = self.owners.get(owner).filter(|holding| !holding.is_suspended(role));
        let keys = holding.map_or(&[][..], Holding::keys);
        let overlap_ms = self.overlap_ms;
        const ORDER: [State; 3] = [State::Active, State::Confirmed, State::Previous];
        let of = move |state| {
            let fits = move |key: &&HeldKey| {
                key.state == state && key.role == role && key.is_accepted(now, overlap_ms)
            };
            keys.iter().rev().filter(fits)
        };
        ORDER.into_iter().flat_map(of)
    }

    /// A message of this owner was right under that generation. Where this brings it into force, with all keys of
    /// its exchange, what changed is returned, and is to be written down: it holds from now on either way, and
    /// after a restart the peer's next message says the same again.
    pub fn heard(&mut self, owner: &Owner, role: Role, generation: u32, now: Timestamp) -> Vec<Change> {
        let Some(holding) = self.owners.get_mut(owner) else { return Vec::new() };
        let changes = holding.heard(role, generation, now, self.overlap_ms);
        if !changes.is_empty() {
            self.heard.push(Heard { owner: *owner, role, generation, at: now });
        }
        changes
    }

    /// One owner's keys at that moment: what was agreed on for a moment holds from it on, whether whoever keeps the
    /// keys has written that down yet or not.
    fn as_of(&self, owner: &Owner, at: Timestamp) -> Option<Cow<'_, Holding>> {
        let holding = self.owners.get(owner)?;
        if holding.next_moment().is_none_or(|moment| at < moment) {
            return Some(Cow::Borrowed(holding));
        }
        let mut then = holding.clone();
        then.tick(at, self.overlap_ms);
        Some(Cow::Owned(then))
    }

    /// Whether the owner's working keys are void until it has fetched new ones.
    pub fn awaits_keys(&self, owner: &Owner) -> bool {
        self.owners.get(owner).is_some_and(Holding::awaits_keys)
    }

    /// One owner's keys.
    pub fn holding(&self, owner: &Owner) -> Option<&Holding> {
        self.owners.get(owner)
    }

    /// Takes over an owner's keys as they are now; an empty holding takes the owner out.
    pub fn put(&mut self, owner: Owner, holding: Holding) {
        match holding.keys().is_empty() {
            true => drop(self.owners.remove(&owner)),
            false => drop(self.owners.insert(owner, holding)),
        }
    }

    /// Every owner, sorted.
    pub fn owners(&self) -> impl Iterator<Item = (&Owner, &Holding)> {
        self.owners.iter()
    }
}

impl KeyRing for Ring {
    fn keys(&self, owner: &str, role: Role, at: Timestamp) -> Result<Cow<'_, KeysInUse>, NoKey> {
        let owner = Owner::parse(owner).ok_or(NoKey::Unknown)?;
        let holding = self.as_of(&owner, at).ok_or(NoKey::Unknown)?;
        // Also while a terminal's working keys are void: what fetches the new ones is authenticated by the old ones.
        let Some(current) = holding.for_fetching(role) else {
            let known = holding.keys().iter().any(|key| key.role == role);
            return Err(if known { NoKey::NotUsable } else { NoKey::Unknown });
        };
        let current = in_use(current).ok_or(NoKey::NotUsable)?;
        let previous = holding.in_state(role, State::Previous);
        let previous = previous.filter(|key| key.is_accepted(at, self.overlap_ms));
        Ok(Cow::Owned(KeysInUse { current, previous: previous.and_then(in_use) }))
    }

    fn coming(&self, owner: &str, role: Role, at: Timestamp) -> Vec<KeyInUse> {
        let Some(holding) = Owner::parse(owner).and_then(|owner| self.as_of(&owner, at)) else {
            return Vec::new();
        };
        let comes = |key: &&HeldKey| {
            let waits = key.role == role && key.state == State::Confirmed;
            waits && key.is_accepted(at, self.overlap_ms) && !holding.is_held_up(key)
        };
        holding.keys().iter().rev().filter(comes).filter_map(in_use).collect()
    }

    fn confirmed(&mut self, owner: &str, role: Role, generation: u32, at: Timestamp) {
        if let Some(owner) = Owner::parse(owner) {
            self.heard(&owner, role, generation, at);
        }
    }
}

fn in_use(key: &HeldKey) -> Option<KeyInUse> {
    let stored = key.key.clone()?;
    Some(KeyInUse { key: stored, generation: key.generation, check: key.check })
}
