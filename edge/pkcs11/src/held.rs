//! Keys that came back into the token for a use, kept there as long as the session lasts and there is room.

use crate::stored::Said;
use cryptoki::object::ObjectHandle;
use std::collections::HashMap;

/// Keys one session keeps in the token. Cost: as many objects there; a key that is asked for again is unwrapped again.
const HELD_MAX: usize = 256;

/// What a key in the token may be used for. One object, one use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Use {
    /// Codes.
    Codes,
    /// Codes, by its first part alone.
    CodesByPart,
    /// Keys under it.
    Carry,
    /// A check value.
    Check,
    /// To leave under another.
    Leave,
}

#[derive(Default)]
pub(crate) struct Held {
    keys: HashMap<(String, Use), (ObjectHandle, u64)>,
    asked: u64,
    /// What is said of keys whose seal was found right.
    read: HashMap<String, Said>,
}

impl Held {
    pub(crate) fn said(&self, text: &str) -> Option<Said> {
        self.read.get(text).cloned()
    }

    pub(crate) fn note(&mut self, text: &str, said: &Said) {
        if self.read.len() >= HELD_MAX {
            self.read.clear();
        }
        self.read.insert(text.to_owned(), said.clone());
    }

    pub(crate) fn get(&mut self, text: &str, purpose: Use) -> Option<ObjectHandle> {
        self.asked += 1;
        let (handle, last) = self.keys.get_mut(&(text.to_owned(), purpose))?;
        *last = self.asked;
        Some(*handle)
    }

    /// Keeps one, and gives back the one that has to make room.
    pub(crate) fn keep(&mut self, text: &str, purpose: Use, handle: ObjectHandle) -> Option<ObjectHandle> {
        let oldest = self.keys.iter().min_by_key(|(_, (_, last))| *last).map(|(key, _)| key.clone());
        let oldest = oldest.filter(|_| self.keys.len() >= HELD_MAX).and_then(|key| self.keys.remove(&key));
        self.keys.insert((text.to_owned(), purpose), (handle, self.asked));
        oldest.map(|(handle, _)| handle)
    }

    /// All of them, none kept any more.
    pub(crate) fn take_all(&mut self) -> impl Iterator<Item = ObjectHandle> {
        std::mem::take(&mut self.keys).into_values().map(|(handle, _)| handle)
    }
}
