//! Room for readers of events: so many in all, and of one key not all of them.

use super::callers::Caller;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// How many read now, and whose.
#[derive(Clone)]
pub(crate) struct ReadingRoom {
    most: usize,
    most_of_one: usize,
    inside: Arc<Mutex<Inside>>,
}

#[derive(Default)]
struct Inside {
    all: usize,
    /// Of callers with a key; nothing grows by what strangers send.
    by_caller: HashMap<String, usize>,
}

/// The place of one reader, until it is dropped.
pub(crate) struct ReaderRoom {
    inside: Arc<Mutex<Inside>>,
    caller: Option<String>,
}

impl ReadingRoom {
    /// Room for so many.
    pub(crate) fn new(most: usize, most_of_one: usize) -> Self {
        Self { most, most_of_one, inside: Arc::default() }
    }

    /// A place for that caller; `None` where there is none. Whoever is on this machine may take all.
    pub(crate) fn enter(&self, caller: &Caller) -> Option<ReaderRoom> {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        if inside.all >= self.most {
            return None;
        }
        let name = (!caller.is_local()).then(|| caller.name.clone());
        if let Some(name) = &name {
            let theirs = inside.by_caller.entry(name.clone()).or_default();
            if *theirs >= self.most_of_one {
                return None;
            }
            *theirs += 1;
        }
        inside.all += 1;
        Some(ReaderRoom { inside: self.inside.clone(), caller: name })
    }
}

impl Drop for ReaderRoom {
    fn drop(&mut self) {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        inside.all -= 1;
        if let Some(name) = &self.caller
            && let Some(theirs) = inside.by_caller.get_mut(name)
        {
            *theirs -= 1;
            if *theirs == 0 {
                inside.by_caller.remove(name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_key_never_takes_every_place_and_gives_back_what_it_had() {
        let room = ReadingRoom::new(3, 2);
        let of = |name: &str| Caller { name: name.into(), is_operator: false };
        let (first, second) = (room.enter(&of("a")), room.enter(&of("a")));
        assert!(first.is_some() && second.is_some() && room.enter(&of("a")).is_none());
        let other = room.enter(&of("b"));
        assert!(other.is_some() && room.enter(&Caller::local()).is_none(), "full");
        drop(first);
        let local = room.enter(&Caller::local());
        assert!(local.is_some() && room.enter(&of("a")).is_none());
        drop((second, other, local));
        assert!(room.inside.lock().is_ok_and(|inside| inside.all == 0 && inside.by_caller.is_empty()));
    }
}
