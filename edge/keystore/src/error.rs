use crate::AuditError;
use keys::Refusal;
use std::io;
use std::path::PathBuf;

/// Why a store of keys did not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file system said no.
    #[error("{}: {source}", path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// Others may read what only its owner may.
    #[error("{} may be read by others (mode {mode:o}): chmod 600, and find out who did", path.display())]
    Exposed {
        /// Which.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// A file or directory that is not ours alone.
    #[error("{} is not taken: {said}", path.display())]
    Foreign {
        /// Which.
        path: PathBuf,
        /// Why.
        said: String,
    },
    /// A file has our seal, and is not the one that was written.
    #[error("{} is not what audit entry {entry} says was written", path.display())]
    Resealed {
        /// Which.
        path: PathBuf,
        /// The last entry about it.
        entry: u64,
    },
    /// A file is not what was written.
    #[error("{} is not what was written: its seal does not fit", path.display())]
    Seal {
        /// Which.
        path: PathBuf,
    },
    /// A file cannot be read at all.
    #[error("{} cannot be read: {said}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why; nothing of its contents.
        said: String,
    },
    /// A file is an older one, put back.
    #[error("{} is of audit entry {found}, the last one about it is {expected}: an older file was put back", path.display())]
    PutBack {
        /// Which.
        path: PathBuf,
        /// The entry it should be of.
        expected: u64,
        /// The one it is of.
        found: u64,
    },
    /// The audit is not whole.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// There is no master key.
    #[error("{} is not there: no master key", path.display())]
    NoMaster {
        /// Where it would be.
        path: PathBuf,
    },
    /// There is one already.
    #[error("{} is there already, and keys may lie under it", path.display())]
    MasterThere {
        /// Where.
        path: PathBuf,
    },
    /// The master key is another one.
    #[error("the keys lie under the master key {expected}, and this one is {found}")]
    OtherMaster {
        /// Check value of the right one.
        expected: String,
        /// Check value of the one there.
        found: String,
    },
    /// The life of a key does not allow it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Somebody else held the lock all the time.
    #[error("another process holds {}", path.display())]
    Busy {
        /// The lock.
        path: PathBuf,
    },
}

impl StoreError {
    pub(crate) fn io(path: &std::path::Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { path, source }
    }
}
