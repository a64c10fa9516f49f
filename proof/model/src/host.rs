use crate::message::{Message, Word};

/// A host with one account, which does what it is asked at most once for each identity.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Host {
    /// What it knows of each request, by our trace number for it.
    entries: Vec<(u32, Entry)>,
    /// Whether its day has changed since the beginning.
    pub(crate) new_day: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Entry {
    posted: u8,
    reversed: u8,
    /// It said no to the request.
    refused: bool,
    /// The reversal came first, and was remembered.
    buried: bool,
}

impl Host {
    pub(crate) fn posted(&self) -> u8 {
        self.entries.iter().map(|(_, entry)| entry.posted).sum()
    }

    pub(crate) fn reversed(&self) -> u8 {
        self.entries.iter().map(|(_, entry)| entry.reversed).sum()
    }

    /// What stands on the account.
    pub(crate) fn balance(&self) -> i16 {
        i16::from(self.posted()) - i16::from(self.reversed())
    }

    /// A request, which it may approve or not. `posts_each` is a host that does not know repeats.
    pub(crate) fn on_request(&mut self, stan: u32, approves: bool, posts_each: bool) -> Message {
        let entry = self.entry(stan);
        let word = match *entry {
            Entry { buried: true, .. } | Entry { refused: true, .. } => Word::No,
            Entry { posted: 1.., .. } if !posts_each => Word::Yes,
            _ if approves => {
                entry.posted += 1;
                Word::Yes
            }
            _ => {
                entry.refused = true;
                Word::No
            }
        };
        Message::HostSaid { stan, digits: [2, 1, 0], word }
    }

    pub(crate) fn on_reversal(&mut self, stan: u32, of: u32, tombstones: bool) -> Message {
        let entry = self.entry(of);
        let word = match *entry {
            Entry { posted, reversed, .. } if posted > reversed => {
                entry.reversed += 1;
                Word::Yes
            }
            Entry { posted: 1.., .. } => Word::Yes,
            _ => {
                entry.buried |= tombstones;
                Word::NoOriginal
            }
        };
        Message::HostSaid { stan, digits: [4, 3, 0], word }
    }

    /// An advice: it happened. Posted once, and only on the day it belongs to.
    pub(crate) fn on_advice(&mut self, stan: u32, of: Option<u32>) -> Message {
        let new_day = self.new_day;
        let entry = self.entry(of.unwrap_or(stan));
        let word = match *entry {
            Entry { posted, reversed, .. } if posted > reversed => Word::Yes,
            _ if new_day => Word::WrongDay,
            _ => {
                entry.posted += 1;
                Word::Yes
            }
        };
        Message::HostSaid { stan, digits: [2, 3, 0], word }
    }

    fn entry(&mut self, stan: u32) -> &mut Entry {
        let at = self.entries.binary_search_by_key(&stan, |&(stan, _)| stan).unwrap_or_else(|at| {
            self.entries.insert(at, (stan, Entry::default()));
            at
        });
        &mut self.entries[at].1
    }
}
