use crate::audit::{Mark, Trail};
use crate::owned::{self, Owned};
use crate::seal::Seal;
use crate::{StoreError, files};
use keys::chain::{Digest, Entry};
use keys::{Change, Holding, Order, Owner, Ring};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use terms::Timestamp;

/// Who does something, and why.
#[derive(Clone, Debug, Default)]
pub struct Act {
    /// What, in a word: `activate`.
    pub act: String,
    /// Who.
    pub by: String,
    /// The second person, where two were asked for.
    pub second: String,
    /// Why.
    pub reason: String,
}

/// Keys on disk. Holds no lock between two calls: several processes may use one directory.
pub struct Store {
    directory: PathBuf,
    seal: Seal,
    trail: Trail,
    /// The last audit entry about each owner.
    last: BTreeMap<Owner, Mark>,
    /// Whom somebody did something to that was not asked for here.
    unread: BTreeSet<Owner>,
    lmk: String,
}

/// Owners somebody did something to, with their keys as they are now, or why those cannot be read.
pub type News = Vec<(Owner, Result<Holding, StoreError>)>;

impl Store {
    /// Opens a directory, made where there is none; `fresh`, 256 random bits, becomes its seal then. `lmk` is the
    /// check value of the master key its keys lie under. The whole audit is read and checked.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn open(directory: &Path, lmk: &str, fresh: &[u8; 32]) -> Result<Self, StoreError> {
        files::make_directory(directory)?;
        let _lock = files::lock(directory)?;
        files::wipe_unfinished(directory)?;
        let seal = Seal::open(directory, fresh)?;
        let (directory, trail) = (directory.to_path_buf(), Trail::of(directory));
        let mut store =
            Self { directory, seal, trail, last: BTreeMap::new(), unread: BTreeSet::new(), lmk: lmk.into() };
        store.catch_up()?;
        store.unread.clear();
        Ok(store)
    }

    /// Where it lies.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The number of the last audit entry it knows.
    pub const fn audit_number(&self) -> u64 {
        self.trail.number()
    }

    /// Number and digest of that entry, to be noted where nobody reaches the audit.
    pub fn audit_mark(&self) -> String {
        format!("{}:{}", self.trail.number(), self.trail.digest())
    }

    /// Whether others have changed something that nobody has read here. Cost: one look at the length of a file.
    pub fn has_news(&self) -> bool {
        !self.unread.is_empty() || self.trail.has_news()
    }

    /// Reads what others did: everybody they did it to, with the keys as they are now. Whose keys cannot be read
    /// stays news, and keeps nobody else's from being told.
    ///
    /// # Errors
    /// [`StoreError`] where the audit itself cannot be followed.
    pub fn news(&mut self) -> Result<News, StoreError> {
        let _lock = files::lock(&self.directory)?;
        self.catch_up()?;
        let unread: Vec<Owner> = self.unread.iter().copied().collect();
        let read = unread.into_iter().map(|owner| (owner, self.read(&owner)));
        let news: News = read.collect();
        self.unread.retain(|owner| news.iter().any(|(of, read)| of == owner && read.is_err()));
        Ok(news)
    }

    /// Reads the audit on, under the lock.
    fn catch_up(&mut self) -> Result<(), StoreError> {
        let Self { trail, seal, last, unread, .. } = self;
        // Whoever finds it first remembers it until it is asked for: a change finds what is news to somebody else.
        trail.follow(Some(seal), &mut |line| {
            if let Some(owner) = Owner::parse(&line.on) {
                unread.insert(owner);
                last.insert(owner, line.mark());
            }
        })
    }

    /// The keys of an owner as they are now; none of one that has none.
    ///
    /// # Errors
    /// [`StoreError`]: a file changed by another hand or put back, or keys under another master key.
    pub fn holding(&mut self, owner: &Owner) -> Result<Holding, StoreError> {
        // A file may be newer than the audit as it was followed, where somebody changes it meanwhile.
        let _lock = files::lock(&self.directory)?;
        self.catch_up()?;
        self.read(owner)
    }

    /// Under the lock.
    fn read(&self, owner: &Owner) -> Result<Holding, StoreError> {
        let found =
            owned::current(&self.directory, owner, self.mark(owner), self.trail.number(), &self.seal)?;
        let Some(owned) = found else { return Ok(Holding::default()) };
        if owned.lmk != self.lmk && !owned.holding.keys().is_empty() {
            return Err(StoreError::OtherMaster { expected: owned.lmk, found: self.lmk.clone() });
        }
        Ok(owned.holding)
    }

    fn mark(&self, owner: &Owner) -> Mark {
        self.last.get(owner).copied().unwrap_or_default()
    }

    /// Everybody who has keys or had any, sorted: whom the audit tells of, and whoever has a file.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn owners(&self) -> Result<Vec<Owner>, StoreError> {
        let mut owners: BTreeSet<Owner> = self.last.keys().copied().collect();
        owners.extend(owned::owners(&self.directory)?);
        Ok(owners.into_iter().collect())
    }

    /// All of them, for whoever looks keys up; nothing is news to whoever has them.
    ///
    /// # Errors
    /// As [`Self::holding`].
    pub fn ring(&mut self, overlap_ms: u32) -> Result<Ring, StoreError> {
        let _lock = files::lock(&self.directory)?;
        self.catch_up()?;
        let mut ring = Ring::new(overlap_ms);
        for owner in self.owners()? {
            ring.put(owner, self.read(&owner)?);
        }
        self.unread.clear();
        Ok(ring)
    }

    /// Does something to an owner's keys: all of the orders, or none. Written down first, then done, both durably.
    ///
    /// # Errors
    /// [`StoreError::Refused`] where the life of a key forbids it; nothing is written then.
    pub fn change(
        &mut self,
        owner: &Owner,
        now: Timestamp,
        orders: impl IntoIterator<Item = Order>,
        act: &Act,
    ) -> Result<(Holding, Vec<Change>), StoreError> {
        self.change_by(owner, now, act, |holding| {
            let mut changes = Vec::new();
            for order in orders {
                changes.extend(holding.apply(now, order)?);
            }
            Ok(changes)
        })
    }

    /// The same, decided on the holding as it is under the lock. Where nothing changes, nothing is written.
    ///
    /// # Errors
    /// As [`Self::change`].
    pub fn change_by(
        &mut self,
        owner: &Owner,
        now: Timestamp,
        act: &Act,
        decide: impl FnOnce(&mut Holding) -> Result<Vec<Change>, keys::Refusal>,
    ) -> Result<(Holding, Vec<Change>), StoreError> {
        let _lock = files::lock(&self.directory)?;
        self.catch_up()?;
        let before = self.read(owner)?;
        let mut holding = before.clone();
        let changes = decide(&mut holding)?;
        if holding == before {
            self.unread.remove(owner);
            return Ok((holding, changes));
        }
        let said = changes.iter().map(said).collect();
        self.write(now, act, owner, holding.clone(), said)?;
        self.unread.remove(owner);
        Ok((holding, changes))
    }

    /// Writes down an act that changes no key.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn note(
        &mut self,
        now: Timestamp,
        act: &Act,
        on: &str,
        changes: Vec<String>,
    ) -> Result<u64, StoreError> {
        let _lock = files::lock(&self.directory)?;
        self.catch_up()?;
        // An owner's file follows the audit about it.
        match Owner::parse(on) {
            None => self.write_down(now, act, on, changes, None),
            Some(owner) => {
                let holding = self.read(&owner)?;
                self.write(now, act, &owner, holding, changes)
            }
        }
    }

    fn write_down(
        &mut self,
        now: Timestamp,
        act: &Act,
        on: &str,
        changes: Vec<String>,
        file: Option<Digest>,
    ) -> Result<u64, StoreError> {
        let Act { act, by, second, reason } = act.clone();
        let (at_ms, on) = (now.as_unix_ms(), on.into());
        self.trail.append(Entry { number: 0, at_ms, by, second, act, on, changes, reason, file }, &self.seal)
    }

    /// The file first, beside the one there is; then the entry, with its digest: from there on it is done, wherever
    /// the file lies; then the file takes its place.
    fn write(
        &mut self,
        now: Timestamp,
        act: &Act,
        owner: &Owner,
        holding: Holding,
        changes: Vec<String>,
    ) -> Result<u64, StoreError> {
        // The one that counts may still wait to take its place: it must not be overwritten.
        owned::settle(&self.directory, owner, self.mark(owner))?;
        let owned = Owned { holding, audit: self.trail.number() + 1, lmk: self.lmk.clone() };
        let file = owned::prepare(&self.directory, owner, &owned, &self.seal)?;
        let number = self.write_down(now, act, &owner.to_string(), changes, Some(file))?;
        let mark = Mark { number, file: Some(file) };
        self.last.insert(*owner, mark);
        // Where this fails it is found by its digest, and the next change of this owner does it.
        let _ = owned::settle(&self.directory, owner, mark);
        Ok(number)
    }
}

/// A change as the audit tells it.
fn said(change: &Change) -> String {
    let Change { role, generation, before, after, check } = change;
    match before {
        None => format!("{} generation {generation}: {after}, check value {check}", role.name()),
        Some(before) => {
            format!("{} generation {generation}: {before} > {after}, check value {check}", role.name())
        }
    }
}
