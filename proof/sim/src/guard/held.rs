//! What is true of the keys of one owner: on our side by the real holdings, and kept apart for the checks.

use super::{ALGORITHM, OVERLAP_MS, PADDING};
use crate::luck::Luck;
use hsm::Key;
use hsm::check_value::CheckValue;
use hsm::drbg::SEED_BYTES;
use hsm::mac;
use hsm::ops::{NewKey, Role, StoredKey};
use hsm::payshield::test_lmk;
use hsm::ring::KeyInUse;
use hsm::software::SoftwareHsm;
use keys::exchange::WAITING_MAX;
use keys::{Holding, New, Order, Origin, Owner, Ring, Start};
use terms::Timestamp;

/// Makes keys whose value the other side has too.
pub(crate) struct Forge {
    module: SoftwareHsm,
    luck: Luck,
}

/// One owner's keys, every generation of them.
pub(crate) struct Held {
    name: String,
    owner: Owner,
    pub(crate) role: Role,
    keys: Vec<(Key, StoredKey, CheckValue)>,
    pub(crate) current: u32,
    /// They come into force by being used, the oldest first.
    coming: Vec<u32>,
    /// Taken until then.
    previous: Option<(u32, i64)>,
    /// What the other side uses.
    pub(crate) theirs: u32,
}

impl Forge {
    pub(crate) fn new(luck: &mut Luck) -> Self {
        let [_, _, (_, master)] = test_lmk::masters();
        let mut seed = [0; SEED_BYTES];
        seed[..8].copy_from_slice(&luck.next().to_le_bytes());
        let module = SoftwareHsm::new(master, &seed).expect("this machine computes rightly");
        Self { module, luck: Luck::new(luck.next()) }
    }

    fn forge(&mut self, role: Role) -> (Key, StoredKey, CheckValue) {
        let mut part = || {
            let halves = [self.luck.next(), self.luck.next()].map(u64::to_le_bytes);
            Key::tdes(halves.as_flattened()).expect("sixteen bytes").with_parity()
        };
        let (one, two) = (part(), part());
        let new = NewKey::tdes(role);
        let (stored, check) =
            self.module.form(&new, &[one.clone(), two.clone()]).expect("two components of one length");
        (one.xor(&two).expect("of one length").with_parity(), stored, check)
    }
}

impl Held {
    pub(crate) fn new(name: &str, role: Role, forge: &mut Forge) -> Self {
        let owner = Owner::parse(name).expect("a name of an owner");
        let (coming, previous) = (Vec::new(), None);
        let keys = vec![forge.forge(role)];
        Self { name: name.to_owned(), owner, role, keys, current: 1, coming, previous, theirs: 1 }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The first key is in force.
    pub(crate) fn begin(&self, ring: &mut Ring) {
        let mut holding = Holding::default();
        let (now, (_, key, check)) = (Timestamp::default(), &self.keys[0]);
        let (origin, start) = (Origin::Components, Start::ByOrder);
        let new = New { key: key.clone(), check: *check, origin, start, set: 0 };
        for order in
            [Order::Add(new), Order::Confirm(self.role, 1, *check), Order::Activate(self.role, 1, OVERLAP_MS)]
        {
            holding.apply(now, order).expect("a first key");
        }
        ring.put(self.owner, holding);
    }

    /// A new key: a host's is taken at once, a terminal's comes into force by being used.
    pub(crate) fn changes(&mut self, forge: &mut Forge, ring: &mut Ring, wall: Timestamp) -> u32 {
        let (key, stored, check) = forge.forge(self.role);
        self.keys.push((key, stored.clone(), check));
        let generation = self.keys.len() as u32;
        let mut holding = ring.holding(&self.owner).cloned().unwrap_or_default();
        holding.tick(wall, OVERLAP_MS);
        match self.role {
            Role::Tak => {
                holding.hand_out(wall, vec![(stored, check)], Start::OnUse).expect("a key never seen");
                self.coming.push(generation);
                let excess = self.coming.len().saturating_sub(WAITING_MAX);
                self.coming.drain(..excess);
            }
            _ => {
                holding.taken(wall, vec![(stored, check)], OVERLAP_MS).expect("a key never seen");
                self.comes_into_force(generation, wall);
            }
        }
        ring.put(self.owner, holding);
        generation
    }

    /// The one before is taken for a while. Whether the other side goes on with it is its own affair.
    fn comes_into_force(&mut self, generation: u32, wall: Timestamp) {
        self.previous = Some((self.current, wall.as_unix_ms() + i64::from(OVERLAP_MS)));
        self.current = generation;
        self.coming.retain(|waits| *waits > generation);
    }

    /// A message under that generation was right: whether that brings it into force.
    pub(crate) fn heard(&mut self, generation: u32, wall: Timestamp) -> bool {
        let comes = self.coming.contains(&generation);
        if comes {
            self.comes_into_force(generation, wall);
        }
        comes
    }

    /// Whether what comes now may be under it.
    pub(crate) fn may(&self, generation: u32, wall: Timestamp) -> bool {
        let in_window = |(before, until): (u32, i64)| before == generation && wall.as_unix_ms() < until;
        generation == self.current
            || self.coming.contains(&generation)
            || self.previous.is_some_and(in_window)
    }

    /// Every generation there was.
    pub(crate) fn all(&self) -> impl Iterator<Item = KeyInUse> {
        (1..).zip(&self.keys).map(|(generation, (_, key, check))| KeyInUse {
            key: key.clone(),
            generation,
            check: *check,
        })
    }

    /// The code of a message under that generation.
    pub(crate) fn code(&self, generation: u32, data: &[u8]) -> Vec<u8> {
        let (key, ..) = &self.keys[generation as usize - 1];
        let code = mac::make(ALGORITHM, PADDING, key, data).expect("a key of that algorithm");
        code.as_bytes().to_vec()
    }

    /// Whether the other side takes that code: under its newest, or one that it may still get messages under.
    pub(crate) fn takes(&self, code: &[u8], data: &[u8]) -> bool {
        let newest = self.keys.len() as u32;
        (1..=newest).rev().take(3).any(|generation| self.code(generation, data) == code)
    }
}
