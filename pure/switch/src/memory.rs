use crate::flow::Flow;
use alloc::collections::VecDeque;
use core::hash::{BuildHasher, Hasher};
use foldhash::fast::FixedState;
use hashbrown::HashTable;
use journal::Key;
use slab::Slab;
use terms::{Kind, LinkId, Stan, TxnId};

/// One transaction in memory.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) id: TxnId,
    pub(crate) key: Key,
    /// A keyed digest of what was asked: the same key with another digest is somebody else's request.
    pub(crate) fingerprint: u64,
    pub(crate) kind: Kind,
    /// Where it went, and under which trace number; `None` where it was declined before that.
    pub(crate) asked_host: Option<(LinkId, Stan)>,
    pub(crate) flow: Flow,
}

/// The transactions a lane knows: those in flight, and so many of the finished ones. The oldest finished one
/// is forgotten when there is no more room.
///
/// Cost: about 250 bytes a transaction. Keys are found by a hash whose seed is fixed, so that two runs of the
/// same events are the same run; nothing ever iterates over the table.
pub(crate) struct Memory {
    slots: Slab<Slot>,
    by_key: HashTable<u32>,
    finished: VecDeque<u32>,
    finished_max: usize,
}

impl Memory {
    pub(crate) fn new(finished_max: usize) -> Self {
        Self { slots: Slab::new(), by_key: HashTable::new(), finished: VecDeque::new(), finished_max }
    }

    /// The transaction of that key.
    pub(crate) fn find(&self, key: &Key) -> Option<usize> {
        let found = self.by_key.find(hash(key), |&at| self.slots[at as usize].key == *key);
        found.map(|&at| at as usize)
    }

    pub(crate) fn insert(&mut self, slot: Slot) -> usize {
        let hashed = hash(&slot.key);
        let finished = matches!(slot.flow, Flow::Decided(_));
        let at = self.slots.insert(slot);
        let slots = &self.slots;
        self.by_key.insert_unique(hashed, at as u32, |&other| hash(&slots[other as usize].key));
        if finished {
            self.finished.push_back(at as u32);
        }
        at
    }

    pub(crate) fn get(&self, at: usize) -> Option<&Slot> {
        self.slots.get(at)
    }

    pub(crate) fn get_mut(&mut self, at: usize) -> Option<&mut Slot> {
        self.slots.get_mut(at)
    }

    /// Notes that the transaction there is finished.
    pub(crate) fn finish(&mut self, at: usize) {
        self.finished.push_back(at as u32);
    }

    /// Forgets the oldest finished transaction when there are too many; `forgotten` is told, so that nothing
    /// else points at it.
    pub(crate) fn forget_oldest(&mut self, mut forgotten: impl FnMut(usize, &Slot)) {
        while self.finished.len() > self.finished_max {
            let Some(at) = self.finished.pop_front() else { return };
            let Some(slot) = self.slots.try_remove(at as usize) else { continue };
            if let Ok(entry) = self.by_key.find_entry(hash(&slot.key), |&other| other == at) {
                entry.remove();
            }
            forgotten(at as usize, &slot);
        }
    }

    /// Finished transactions, the oldest first.
    pub(crate) fn finished(&self) -> impl Iterator<Item = &Slot> {
        self.finished.iter().filter_map(|&at| self.slots.get(at as usize))
    }

    pub(crate) fn finished_len(&self) -> usize {
        self.finished.len()
    }
}

fn hash(key: &Key) -> u64 {
    // Peers choose keys, so the seed is not what keeps the table quick: the cap on what is remembered is.
    let mut hasher = FixedState::with_seed(0x5E_1515_0583).build_hasher();
    hasher.write(key.terminal_id.as_bytes());
    hasher.write_u32(key.stan.0);
    hasher.write_u16(key.source.0);
    if let Some(local) = key.local_time {
        hasher.write_u64(u64::from(local.date.as_yyyymmdd()) << 32 | u64::from(local.second_of_day));
    }
    hasher.finish()
}
