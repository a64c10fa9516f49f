use crate::DiskError;
use journal::Act;
use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

const LOCK: &str = "LOCK";
const JOURNAL: &str = "journal";
pub(crate) const PRIVATE: u32 = 0o600;

/// Who holds a data directory, as it wrote itself into the lock file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder(String);

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            f.write_str("a process that does not say who it is")
        } else {
            f.write_str(&self.0)
        }
    }
}

/// A data directory held by this process until it is dropped, or until the process dies.
#[derive(Debug)]
pub(crate) struct Held {
    _lock: File,
}

/// Makes the directory where there is none, and holds it.
pub(crate) fn hold(directory: &Path) -> Result<Held, DiskError> {
    let journal = journal_directory(directory);
    let mut private = DirBuilder::new();
    let made = private.recursive(true).mode(0o700).create(&journal);
    made.map_err(DiskError::unusable(Act::Create, &journal))?;
    let path = directory.join(LOCK);
    let cannot = |source| DiskError::Unusable { act: Act::Write, path: path.clone(), source };
    let mut options = OpenOptions::new();
    let mut lock = (options.read(true).write(true).create(true).truncate(false).mode(PRIVATE))
        .open(&path)
        .map_err(cannot)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(DiskError::Held { directory: directory.into(), holder: read_holder(&mut lock) });
        }
        Err(TryLockError::Error(source)) => return Err(cannot(source)),
    }
    let name = format!("process {} on {}\n", std::process::id(), host_name());
    lock.set_len(0).and_then(|()| lock.write_all(name.as_bytes())).map_err(cannot)?;
    sync_directory(directory).map_err(DiskError::unusable(Act::Sync, directory))?;
    Ok(Held { _lock: lock })
}

/// Who holds this data directory now; `None` where nobody does.
pub fn holder(directory: &Path) -> Option<Holder> {
    let mut lock = File::open(directory.join(LOCK)).ok()?;
    match lock.try_lock_shared() {
        Err(TryLockError::WouldBlock) => Some(read_holder(&mut lock)),
        Ok(()) | Err(TryLockError::Error(_)) => None,
    }
}

pub(crate) fn journal_directory(directory: &Path) -> PathBuf {
    directory.join(JOURNAL)
}

/// Makes names in a directory durable: files created, renamed or removed there.
pub(crate) fn sync_directory(directory: &Path) -> std::io::Result<()> {
    File::open(directory)?.sync_all()
}

fn read_holder(lock: &mut File) -> Holder {
    let mut name = String::new();
    // Who it is helps a person and decides nothing: an unreadable name is an empty one.
    let _ = lock.rewind().and_then(|()| lock.take(256).read_to_string(&mut name));
    Holder(name.trim().into())
}

fn host_name() -> String {
    fs::read_to_string("/proc/sys/kernel/hostname")
        .map_or_else(|_| "this host".into(), |name| name.trim().into())
}
