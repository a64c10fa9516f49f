use crate::audit::{AuditError, Trail};
use crate::owned::{self, Owned};
use crate::seal::Seal;
use crate::{StoreError, files};
use keys::chain::Entry;
use keys::{Change, Holding, Order, Owner, Ring};
use std::collections::BTreeMap;
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
    lmk: String,
}

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
        let mut store = Self { directory, seal, trail, last: BTreeMap::new(), lmk: lmk.into() };
        store.catch_up()?;
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

    /// Whether others have changed something. Cost: one look at the length of a file.
    pub fn has_news(&self) -> bool {
        self.trail.has_news()
    }

    /// Reads what others did, and gives the owners they did it to.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn news(&mut self) -> Result<Vec<Owner>, StoreError> {
        let _lock = files::lock(&self.directory)?;
        self.catch_up()
    }

    /// Under the lock. Where the last entry was written and not done, that is written down.
    fn catch_up(&mut self) -> Result<Vec<Owner>, StoreError> {
        let lines = self.trail.follow(Some(&self.seal))?;
        let mut owners = Vec::new();
        for line in &lines {
            self.last.insert(line.on.clone(), line.number);
            owners.extend(Owner::parse(&line.on).filter(|owner| !owners.contains(owner)));
        }
        let undone = lines.last().and_then(|line| Some((line.number, Owner::parse(&line.on)?)));
        if let Some((number, owner)) = undone {
            let found = owned::read(&self.directory, &owner, &self.seal)?;
            if found.as_ref().map_or(0, |owned| owned.audit) < number {
                let act = Act {
                    act: "not-done".into(),
                    by: "sekisho".into(),
                    reason: format!("entry {number} was written, and power failed before it was done"),
                    ..Act::default()
                };
                // The moment of the entry before: nobody tells the time here, and order is by number.
                let at = lines.last().map_or(0, |line| line.at_ms);
                let audit =
                    self.write_down(Timestamp::from_unix_ms(at), &act, &owner.to_string(), Vec::new())?;
                // Under whichever master key they were: who finds this may not know it.
                let none = || Owned { holding: Holding::default(), audit, lmk: self.lmk.clone() };
                let owned = found.map_or_else(none, |owned| Owned { audit, ..owned });
                owned::write(&self.directory, &owner, &owned, &self.seal)?;
            }
        }
        Ok(owners)
    }

    /// The keys of an owner; none of one that has none.
    ///
    /// # Errors
    /// [`StoreError`]: a file changed by another hand or put back, or keys under another master key.
    pub fn holding(&self, owner: &Owner) -> Result<Holding, StoreError> {
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

    /// All of them, for whoever looks keys up.
    ///
    /// # Errors
    /// As [`Self::holding`].
    pub fn ring(&self, overlap_ms: u32) -> Result<Ring, StoreError> {
        let mut ring = Ring::new(overlap_ms);
        for owner in self.owners()? {
            ring.put(owner, self.holding(&owner)?);
        }
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
        let before = self.holding(owner)?;
        let mut holding = before.clone();
        let changes = decide(&mut holding)?;
        if holding == before {
            return Ok((holding, changes));
        }
        let said = changes.iter().map(said).collect();
        let audit = self.write_down(now, act, &owner.to_string(), said)?;
        self.write(owner, holding.clone(), audit)?;
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
                let holding = self.holding(&owner)?;
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
