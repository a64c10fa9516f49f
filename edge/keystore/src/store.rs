use crate::audit::{AuditError, Trail};
use crate::owned::{self, Owned};
use crate::seal::Seal;
use crate::{StoreError, files};
use keys::chain::Entry;
use keys::{Change, Holding, Order, Owner, Ring};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
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
    /// The last audit entry about each owner or thing.
    last: BTreeMap<String, u64>,
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

    /// Under the lock. Where the last entry was written and not done, that is written down.
    fn catch_up(&mut self) -> Result<(), StoreError> {
        let Self { trail, seal, last, unread, .. } = self;
        let mut newest = None;
        // Whoever finds it first remembers it until it is asked for: a change finds what is news to somebody else.
        trail.follow(Some(seal), &mut |line| {
            let owner = Owner::parse(&line.on);
            unread.extend(owner);
            newest = owner.map(|owner| (owner, line.number, line.at_ms));
            last.insert(line.on, line.number);
        })?;
        if let Some((owner, number, at_ms)) = newest {
            let found = owned::read(&self.directory, &owner, &self.seal)?;
            if found.as_ref().map_or(0, |owned| owned.audit) < number {
                let act = Act {
                    act: "not-done".into(),
                    by: "sekisho".into(),
                    reason: format!("entry {number} was written, and power failed before it was done"),
                    ..Act::default()
                };
                // The moment of the entry before: nobody tells the time here, and order is by number.
                let at = Timestamp::from_unix_ms(at_ms);
                let audit = self.write_down(at, &act, &owner.to_string(), Vec::new())?;
                // Under whichever master key they were: who finds this may not know it.
                let none = || Owned { holding: Holding::default(), audit, lmk: self.lmk.clone() };
                let owned = found.map_or_else(none, |owned| Owned { audit, ..owned });
                owned::write(&self.directory, &owner, &owned, &self.seal)?;
            }
        }
        Ok(())
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
        let path = || owned::path_of(&self.directory, owner);
        let expected = self.last.get(&owner.to_string()).copied().unwrap_or(0);
        let Some(owned) = owned::read(&self.directory, owner, &self.seal)? else {
            return match expected {
                0 => Ok(Holding::default()),
                _ => Err(StoreError::PutBack { path: path(), expected, found: 0 }),
            };
        };
        if owned.audit > self.trail.number() {
            let (path, found) = (self.directory.join("audit.log"), self.trail.number());
            return Err(AuditError::Cut { path, found, expected: owned.audit }.into());
        }
        if owned.audit != expected {
            return Err(StoreError::PutBack { path: path(), expected, found: owned.audit });
        }
        if owned.lmk != self.lmk && !owned.holding.keys().is_empty() {
            return Err(StoreError::OtherMaster { expected: owned.lmk, found: self.lmk.clone() });
        }
        Ok(owned.holding)
    }

    /// Everybody who has keys, sorted.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn owners(&self) -> Result<Vec<Owner>, StoreError> {
        let cannot = StoreError::io(&self.directory);
        let entries =
            fs::read_dir(&self.directory).and_then(|entries| entries.collect::<Result<Vec<_>, _>>());
        let mut owners: Vec<_> =
            entries.map_err(cannot)?.iter().filter_map(|entry| owned::owner_of(&entry.path())).collect();
        owners.sort();
        Ok(owners)
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
        let audit = self.write_down(now, act, &owner.to_string(), said)?;
        self.write(owner, holding.clone(), audit)?;
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
            None => self.write_down(now, act, on, changes),
            Some(owner) => {
                let holding = self.read(&owner)?;
                let audit = self.write_down(now, act, on, changes)?;
                self.write(&owner, holding, audit)?;
                Ok(audit)
            }
        }
    }

    fn write_down(
        &mut self,
        now: Timestamp,
        act: &Act,
        on: &str,
        changes: Vec<String>,
    ) -> Result<u64, StoreError> {
        let Act { act, by, second, reason } = act.clone();
        let entry =
            Entry { number: 0, at_ms: now.as_unix_ms(), by, second, act, on: on.into(), changes, reason };
        let number = self.trail.append(entry, &self.seal)?;
        self.last.insert(on.into(), number);
        Ok(number)
    }

    fn write(&self, owner: &Owner, holding: Holding, audit: u64) -> Result<(), StoreError> {
        owned::write(&self.directory, owner, &Owned { holding, audit, lmk: self.lmk.clone() }, &self.seal)
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
