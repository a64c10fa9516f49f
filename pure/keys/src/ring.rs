use crate::{Change, HeldKey, Holding, Owner, State};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use hsm::ops::Role;
use terms::Timestamp;

/// The keys of all owners, as whoever authenticates messages and moves PINs looks them up. Cost of a look-up: a
/// search in a sorted map, then a few comparisons.
#[derive(Clone, Default)]
pub struct KeyRing {
    owners: BTreeMap<Owner, Holding>,
}

impl KeyRing {
    /// The key to send under; `None` where there is none in force, and while a terminal's working keys wait to be
    /// replaced.
    pub fn current(&self, owner: &Owner, role: Role) -> Option<&HeldKey> {
        self.owners.get(owner)?.current(role)
    }

    /// The keys a message that comes now may be under, in the order to try them: the one in force, one that comes
    /// into force by being used, and the one before as long as its overlap lasts. Nothing else, ever.
    pub fn accepted(&self, owner: &Owner, role: Role, now: Timestamp) -> impl Iterator<Item = &HeldKey> {
        let keys = self.owners.get(owner).map_or(&[][..], Holding::keys);
        const ORDER: [State; 3] = [State::Active, State::Confirmed, State::Previous];
        let of = move |state| {
            let fits = move |key: &&HeldKey| key.state == state && key.role == role && key.is_accepted(now);
            keys.iter().rev().filter(fits)
        };
        ORDER.into_iter().flat_map(of)
    }

    /// A message of this owner was right under that generation. Where this brings it into force, with all keys of
    /// its exchange, what changed is returned, and is to be written down: it holds from now on either way, and
    /// after a restart the peer's next message says the same again.
    pub fn heard(
        &mut self,
        owner: &Owner,
        role: Role,
        generation: u32,
        now: Timestamp,
        overlap_ms: u32,
    ) -> Vec<Change> {
        let Some(holding) = self.owners.get_mut(owner) else { return Vec::new() };
        holding.heard(role, generation, now, overlap_ms)
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
