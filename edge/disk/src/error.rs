use crate::Holder;
use journal::{Act, Cause, Object, StorageError};
use std::io;
use std::path::PathBuf;

/// Why a data directory cannot be used. The operator's to mend; each says where and what.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// Another process works on it.
    #[error("{} is in use by {holder}", .directory.display())]
    Held {
        /// The data directory.
        directory: PathBuf,
        /// By whom.
        holder: Holder,
    },
    /// It, or a file in it, cannot be made, read or written.
    #[error("cannot {act} {}: {source}", .path.display())]
    Unusable {
        /// What was tried.
        act: Act,
        /// On what.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The data key can be read by others.
    #[error("{} may be read by others (mode {mode:o}); allow it to the owner only: chmod 600", .path.display())]
    KeyExposed {
        /// The key's file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The data key is not 32 bytes.
    #[error("{} holds {found_bytes} bytes; a data key has 32", .path.display())]
    KeyLength {
        /// The key's file.
        path: PathBuf,
        /// How many it holds.
        found_bytes: usize,
    },
    /// There is a journal but not its key: with a new one its card numbers would never open again.
    #[error("{} is missing, and the journal beside it was written under it", .path.display())]
    KeyMissing {
        /// Where the key should be.
        path: PathBuf,
    },
    /// A setting is outside its range.
    #[error("segments of {found_bytes} bytes are too small; {least_bytes} is the least")]
    SegmentBytes {
        /// As set.
        found_bytes: u64,
        /// The least.
        least_bytes: u64,
    },
}

impl DiskError {
    /// Whether trying again without changing anything will fail again. A full disk may be emptied, a process
    /// that is ending lets go of its directory, and a disk that failed may work.
    pub fn is_permanent(&self) -> bool {
        use io::ErrorKind::{
            AlreadyExists, InvalidInput, IsADirectory, NotADirectory, NotFound, PermissionDenied,
            ReadOnlyFilesystem,
        };
        match self {
            Self::Held { .. } => false,
            Self::Unusable { source, .. } => matches!(
                source.kind(),
                AlreadyExists
                    | InvalidInput
                    | IsADirectory
                    | NotADirectory
                    | NotFound
                    | PermissionDenied
                    | ReadOnlyFilesystem
            ),
            Self::KeyExposed { .. }
            | Self::KeyLength { .. }
            | Self::KeyMissing { .. }
            | Self::SegmentBytes { .. } => true,
        }
    }

    pub(crate) fn unusable(act: Act, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Unusable { act, path, source }
    }
}

/// The same failure in the journal's words.
pub(crate) fn storage_error(act: Act, object: Object, error: &io::Error) -> StorageError {
    let cause = match (error.kind(), error.raw_os_error()) {
        (io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded, _) => Cause::NoSpace,
        (io::ErrorKind::NotFound, _) => Cause::Missing,
        (io::ErrorKind::UnexpectedEof, _) => Cause::Short,
        (_, Some(number)) => Cause::Os(number),
        (_, None) => Cause::Os(0),
    };
    StorageError { act, object, cause }
}
