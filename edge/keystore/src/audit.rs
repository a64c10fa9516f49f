//! The audit on disk: a line for each act.

use crate::seal::Seal;
use crate::{StoreError, files, owned};
use keys::Owner;
use keys::chain::{Broken, Digest, Entry, Head};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use terms::Timestamp;

/// One line, as it is written and as `--json` shows it. Fields are added to it, never changed.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Counted from 1.
    pub number: u64,
    /// When, for people.
    pub at: String,
    /// When.
    pub at_ms: i64,
    /// Who.
    pub by: String,
    /// The second person; empty where one was enough.
    pub second: String,
    /// What was done.
    pub act: String,
    /// On what.
    pub on: String,
    /// Which key: purpose, generation, states, check value.
    pub changes: Vec<String>,
    /// Why.
    pub reason: String,
    /// The digest of the file of keys as it is with this entry; left out where it is about none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub file: String,
    /// The digest before it.
    pub before: String,
    /// The digest with it.
    pub digest: String,
    /// Who wrote it, under the seal of the store.
    pub seal: String,
}

/// What is wrong with an audit, and where.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The chain is broken.
    #[error("{}, line {line}: {broken}", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// Which line, from 1.
        line: u64,
        /// How.
        broken: Broken,
    },
    /// A line is none of ours.
    #[error("{}, line {line}: it cannot be read as an entry", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Which line, from 1.
        line: u64,
    },
    /// A line was written by somebody without our seal: the chain was made anew from there.
    #[error("{}, line {line}: its seal does not fit: it was written by another hand", path.display())]
    Seal {
        /// The file.
        path: PathBuf,
        /// Which line, from 1.
        line: u64,
    },
    /// An entry that was noted elsewhere is another now.
    #[error("{}: entry {number} is not the one that was noted: the audit was made anew", path.display())]
    MadeAnew {
        /// The file.
        path: PathBuf,
        /// Which entry.
        number: u64,
    },
    /// Entries at the end are gone.
    #[error("{}: it ends with entry {found}, and entry {expected} was written: its end was cut off", path.display())]
    Cut {
        /// The file.
        path: PathBuf,
        /// The last one there is.
        found: u64,
        /// One that was there.
        expected: u64,
    },
}

/// A whole audit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Entries.
    pub entries: u64,
    /// The digest of all of them, to be noted elsewhere.
    pub digest: Digest,
    /// Whether the seals were looked at too.
    pub sealed: bool,
    /// Owners whose file of keys is the one the last entry about it says was written; none without seals.
    pub owners: u64,
    /// Bytes of an entry that was being written when the power failed; it counts for nothing.
    pub torn_bytes: u64,
}

/// Where somebody stands who follows it.
pub(crate) struct Trail {
    path: PathBuf,
    read_bytes: u64,
    head: Head,
    pub(crate) torn_bytes: u64,
    /// The last entry is there to its last brace, and its line was never ended.
    unended: bool,
}

/// What the last entry about an owner says.
#[derive(Clone, Copy, Default)]
pub(crate) struct Mark {
    pub(crate) number: u64,
    /// The digest of the file written with it.
    pub(crate) file: Option<Digest>,
}

impl Trail {
    pub(crate) fn of(directory: &Path) -> Self {
        Self {
            path: directory.join("audit.log"),
            read_bytes: 0,
            head: Head::default(),
            torn_bytes: 0,
            unended: false,
        }
    }

    pub(crate) const fn number(&self) -> u64 {
        self.head.number
    }

    pub(crate) const fn digest(&self) -> Digest {
        self.head.digest
    }

    /// Bytes others have written since.
    pub(crate) fn has_news(&self) -> bool {
        std::fs::metadata(&self.path).is_ok_and(|about| about.len() != self.read_bytes)
    }

    /// Reads what was written since, and checks it. Each entry that follows is given to `visit`, those before a
    /// broken one too: they are not read a second time.
    pub(crate) fn follow(
        &mut self,
        seal: Option<&Seal>,
        visit: &mut dyn FnMut(Line),
    ) -> Result<(), StoreError> {
        let file = match files::open(&self.path, OpenOptions::new().read(true)) {
            Err(StoreError::Io { source, .. })
                if source.kind() == ErrorKind::NotFound && self.head.number == 0 =>
            {
                return Ok(());
            }
            file => file,
        };
        let mut file = file?;
        let length = file.metadata().map_err(StoreError::io(&self.path))?.len();
        if length < self.read_bytes {
            let (path, found, expected) = (self.path.clone(), self.head.number - 1, self.head.number);
            return Err(AuditError::Cut { path, found, expected }.into());
        }
        let mut text = Vec::new();
        let from = SeekFrom::Start(self.read_bytes);
        let read = file.seek(from).and_then(|_| file.read_to_end(&mut text));
        read.map_err(StoreError::io(&self.path))?;
        let whole = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        let (mut ended, torn) = text.split_at(whole);
        if self.unended && ended.starts_with(b"\n") {
            (ended, self.unended) = (&ended[1..], false);
            self.read_bytes += 1;
        }
        for written in ended.split_inclusive(|&byte| byte == b'\n') {
            let line = self.take(written, seal)?;
            self.read_bytes += written.len() as u64;
            visit(line);
        }
        // Of an entry that was being written when the power failed bytes are missing. One that lacks nothing but the
        // end of its line was written: whoever takes that end away takes nothing back.
        self.torn_bytes = torn.len() as u64;
        match self.take(torn, seal) {
            Err(AuditError::Line { .. }) => {}
            taken => {
                let line = taken?;
                self.read_bytes += torn.len() as u64;
                (self.torn_bytes, self.unended) = (0, true);
                visit(line);
            }
        }
        Ok(())
    }

    fn take(&mut self, written: &[u8], seal: Option<&Seal>) -> Result<Line, AuditError> {
        let (path, number) = (|| self.path.clone(), self.head.number + 1);
        let unreadable = || AuditError::Line { path: path(), line: number };
        let line: Line = serde_json::from_slice(written).map_err(|_| unreadable())?;
        if !line.file.is_empty() && Digest::parse(&line.file).is_none() {
            return Err(unreadable());
        }
        let (before, after) =
            Digest::parse(&line.before).zip(Digest::parse(&line.digest)).ok_or_else(unreadable)?;
        let mut head = self.head;
        head.follow(&line.entry(), before, after).map_err(|broken| AuditError::Broken {
            path: path(),
            line: number,
            broken,
        })?;
        if Timestamp::from_unix_ms(line.at_ms).to_string() != line.at {
            let broken = Broken::Contents { number };
            return Err(AuditError::Broken { path: path(), line: number, broken });
        }
        if seal.is_some_and(|seal| !seal.fits(&after.0, &line.seal)) {
            return Err(AuditError::Seal { path: path(), line: number });
        }
        self.head = head;
        Ok(line)
    }

    /// Writes the next entry, durably. To be called under the lock, after following. What was torn is cut first.
    pub(crate) fn append(&mut self, mut entry: Entry, seal: &Seal) -> Result<u64, StoreError> {
        entry.number = self.head.number + 1;
        let digest = self.head.digest.then(&entry);
        let line = Line {
            number: entry.number,
            at: Timestamp::from_unix_ms(entry.at_ms).to_string(),
            at_ms: entry.at_ms,
            by: entry.by,
            second: entry.second,
            act: entry.act,
            on: entry.on,
            changes: entry.changes,
            reason: entry.reason,
            file: entry.file.map_or_else(String::new, |file| file.to_string()),
            before: self.head.digest.to_string(),
            digest: digest.to_string(),
            seal: seal.of_bytes(&digest.0),
        };
        let mut text = if self.unended { vec![b'\n'] } else { Vec::new() };
        serde_json::to_writer(&mut text, &line).expect("texts and numbers");
        text.push(b'\n');
        let mut options = OpenOptions::new();
        let mut file = files::open(&self.path, options.write(true).create(true).truncate(false))?;
        let from = self.read_bytes;
        let mut write = || {
            file.set_len(from)?;
            file.seek(SeekFrom::Start(from))?;
            file.write_all(&text)?;
            file.sync_all()
        };
        if let Err(source) = write() {
            // Whoever asked is told that it was not done: as far as the disk lets us it was not.
            let _ = file.set_len(from);
            return Err(StoreError::Io { path: self.path.clone(), source });
        }
        if self.head.number == 0 {
            files::sync_directory(self.path.parent().expect("it lies in a directory"))?;
        }
        self.read_bytes += text.len() as u64;
        (self.torn_bytes, self.unended) = (0, false);
        self.head = Head { number: line.number, digest };
        Ok(line.number)
    }
}

impl Line {
    fn entry(&self) -> Entry {
        Entry {
            number: self.number,
            at_ms: self.at_ms,
            by: self.by.clone(),
            second: self.second.clone(),
            act: self.act.clone(),
            on: self.on.clone(),
            changes: self.changes.clone(),
            reason: self.reason.clone(),
            file: Digest::parse(&self.file),
        }
    }

    pub(crate) fn mark(&self) -> Mark {
        Mark { number: self.number, file: Digest::parse(&self.file) }
    }
}

/// Gives each entry to `visit`, from the first to the last, and checks it; with its seal where `directory` has the
/// key.
///
/// # Errors
/// [`StoreError::Audit`] says what is wrong and in which line.
pub fn entries(directory: &Path, mut visit: impl FnMut(&Line)) -> Result<(), StoreError> {
    let _lock = files::lock_to_read(directory)?;
    Trail::of(directory).follow(Seal::of(directory)?.as_ref(), &mut |line| visit(&line))
}

/// Reads an audit from its first line to its last and checks every one; with the seals where `directory` has their
/// key, and then also that every owner's file is the one the last entry about it says. Gives each entry to `visit`.
///
/// # Errors
/// [`StoreError::Audit`] says what is wrong and in which line; another where a file of keys is not the audited one.
pub fn verify(directory: &Path, mut visit: impl FnMut(&Line)) -> Result<Verified, StoreError> {
    let _lock = files::lock_to_read(directory)?;
    let seal = Seal::of(directory)?;
    let mut trail = Trail::of(directory);
    let mut last = BTreeMap::new();
    trail.follow(seal.as_ref(), &mut |line| {
        if let Some(owner) = Owner::parse(&line.on) {
            last.insert(owner, line.mark());
        }
        visit(&line);
    })?;
    let mut owners = 0;
    if let Some(seal) = &seal {
        for owner in owned::owners(directory)? {
            last.entry(owner).or_default();
        }
        for (owner, mark) in &last {
            owned::current(directory, owner, *mark, trail.number(), seal)?;
            owners += 1;
        }
    }
    Ok(Verified {
        entries: trail.head.number,
        digest: trail.head.digest,
        sealed: seal.is_some(),
        owners,
        torn_bytes: trail.torn_bytes,
    })
}
