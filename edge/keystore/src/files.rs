//! Files that only their owner reads, written whole or not at all.

use crate::StoreError;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

const PRIVATE: u32 = 0o600;
/// A change takes two syncs; whoever holds the lock longer has stopped in the middle.
const LOCK_PATIENCE: Duration = Duration::from_secs(10);

pub(crate) fn make_directory(path: &Path) -> Result<(), StoreError> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(StoreError::io(path))
}

/// Waits for the lock of the directory.
pub(crate) fn lock(directory: &Path) -> Result<File, StoreError> {
    let path = directory.join("LOCK");
    let mut options = OpenOptions::new();
    let file = (options.read(true).write(true).create(true).truncate(false).mode(PRIVATE))
        .open(&path)
        .map_err(StoreError::io(&path))?;
    let began = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if began.elapsed() < LOCK_PATIENCE => {
                std::thread::sleep(Duration::from_millis(2));
            }
            Err(TryLockError::WouldBlock) => return Err(StoreError::Busy { path }),
            Err(TryLockError::Error(source)) => return Err(StoreError::Io { path, source }),
        }
    }
}

/// Reads a file nobody else may read; `None` where there is none.
pub(crate) fn read(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(StoreError::Io { path: path.into(), source }),
    };
    let about = file.metadata().map_err(StoreError::io(path))?;
    if about.mode() & 0o077 != 0 {
        return Err(StoreError::Exposed { path: path.into(), mode: about.mode() & 0o777 });
    }
    // Room for all of it at once: a vector that grows leaves what it held behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(about.len() as usize + 1));
    file.read_to_end(&mut bytes).map_err(StoreError::io(path))?;
    Ok(Some(bytes))
}

/// Writes a file whole or not at all, and durably.
pub(crate) fn replace(directory: &Path, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let unfinished = path.with_extension("tmp");
    let _ = fs::remove_file(&unfinished);
    let cannot = StoreError::io(&unfinished);
    let written = (OpenOptions::new().write(true).create_new(true).mode(PRIVATE))
        .open(&unfinished)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()));
    written.map_err(cannot)?;
    fs::rename(&unfinished, path).map_err(StoreError::io(path))?;
    sync_directory(directory)
}

/// Takes a file away, its contents overwritten first as far as the file system lets us.
pub(crate) fn erase(directory: &Path, path: &Path) -> Result<(), StoreError> {
    if let Ok(about) = fs::metadata(path) {
        let blank = vec![0; about.len() as usize];
        let wiped = OpenOptions::new().write(true).open(path);
        let wiped = wiped.and_then(|mut file| file.write_all(&blank).and_then(|()| file.sync_all()));
        wiped.map_err(StoreError::io(path))?;
        fs::remove_file(path).map_err(StoreError::io(path))?;
    }
    sync_directory(directory)
}

/// Makes names in a directory durable.
pub(crate) fn sync_directory(directory: &Path) -> Result<(), StoreError> {
    File::open(directory).and_then(|file| file.sync_all()).map_err(StoreError::io(directory))
}

pub(crate) const fn private() -> u32 {
    PRIVATE
}
