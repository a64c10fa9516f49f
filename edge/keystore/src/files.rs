//! Files that only their owner reads, written whole or not at all, in a directory only their owner writes.

use crate::StoreError;
use rustix::fs::OFlags;
use rustix::process::geteuid;
use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

const PRIVATE: u32 = 0o600;
/// A change takes four syncs; whoever holds the lock longer has stopped in the middle.
const LOCK_PATIENCE: Duration = Duration::from_secs(10);

/// Makes the directory where there is none. One that is there is looked at like any other.
pub(crate) fn make_directory(path: &Path) -> Result<(), StoreError> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(StoreError::io(path))?;
    check_directory(path)
}

/// Whoever may write a directory decides what its names mean. Commands run as the user of the switch for people who
/// are not: a directory of theirs, full of links to its files, must not be taken.
fn check_directory(path: &Path) -> Result<(), StoreError> {
    let about = fs::symlink_metadata(path).map_err(StoreError::io(path))?;
    let foreign = |said: String| Err(StoreError::Foreign { path: path.into(), said });
    match (about.is_dir(), owned_by_us(&about), about.mode() & 0o022) {
        (false, ..) => foreign("it is no directory, or a link to one: name the directory itself".into()),
        (_, Err(said), _) => foreign(said),
        (_, _, 0) => Ok(()),
        _ => foreign(format!("others may write it (mode {:o}): chmod go-w", about.mode() & 0o777)),
    }
}

fn owned_by_us(about: &Metadata) -> Result<(), String> {
    let ours = geteuid().as_raw();
    match about.uid() == ours {
        true => Ok(()),
        false => Err(format!("it belongs to user {}, and this runs as user {ours}", about.uid())),
    }
}

/// Opens a file by its own name: no link is followed, no device or pipe is opened, nobody else's file is taken.
pub(crate) fn open(path: &Path, options: &mut OpenOptions) -> Result<File, StoreError> {
    check_directory(path.parent().unwrap_or(Path::new(".")))?;
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let foreign = |said: String| StoreError::Foreign { path: path.into(), said };
    let file = match options.mode(PRIVATE).custom_flags(flags.bits().cast_signed()).open(path) {
        Ok(file) => file,
        Err(_) if fs::symlink_metadata(path).is_ok_and(|about| about.is_symlink()) => {
            return Err(foreign("it is a link".into()));
        }
        Err(source) => return Err(StoreError::Io { path: path.into(), source }),
    };
    let about = file.metadata().map_err(StoreError::io(path))?;
    if !about.is_file() {
        return Err(foreign("it is no file".into()));
    }
    owned_by_us(&about).map_err(foreign)?;
    if about.mode() & 0o077 != 0 {
        return Err(StoreError::Exposed { path: path.into(), mode: about.mode() & 0o777 });
    }
    Ok(file)
}

/// The same; `None` where there is none.
pub(crate) fn open_if_there(path: &Path, options: &mut OpenOptions) -> Result<Option<File>, StoreError> {
    match open(path, options) {
        Ok(file) => Ok(Some(file)),
        Err(StoreError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Waits for the lock of the directory.
pub(crate) fn lock(directory: &Path) -> Result<File, StoreError> {
    let path = directory.join("LOCK");
    let mut options = OpenOptions::new();
    let file = open(&path, options.read(true).write(true).create(true).truncate(false))?;
    wait_for(file, &path)
}

/// The same for whoever only reads: where nobody ever made the lock, as beside a copy, nobody writes.
pub(crate) fn lock_to_read(directory: &Path) -> Result<Option<File>, StoreError> {
    let path = directory.join("LOCK");
    let file = open_if_there(&path, OpenOptions::new().read(true))?;
    file.map(|file| wait_for(file, &path)).transpose()
}

fn wait_for(file: File, path: &Path) -> Result<File, StoreError> {
    let began = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if began.elapsed() < LOCK_PATIENCE => {
                std::thread::sleep(Duration::from_millis(2));
            }
            Err(TryLockError::WouldBlock) => return Err(StoreError::Busy { path: path.into() }),
            Err(TryLockError::Error(source)) => return Err(StoreError::Io { path: path.into(), source }),
        }
    }
}

/// Reads a file nobody else may read; `None` where there is none.
pub(crate) fn read(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
    let Some(mut file) = open_if_there(path, OpenOptions::new().read(true))? else { return Ok(None) };
    let length = file.metadata().map_err(StoreError::io(path))?.len();
    // Room for all of it at once: a vector that grows leaves what it held behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(length as usize + 1));
    file.read_to_end(&mut bytes).map_err(StoreError::io(path))?;
    Ok(Some(bytes))
}

/// Writes a file whole or not at all, and durably.
pub(crate) fn replace(directory: &Path, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let unfinished = path.with_extension("tmp");
    prepare(directory, &unfinished, bytes)?;
    take_over(directory, &unfinished, path)
}

/// Writes a file that is to take the place of another, durably. What had its name is gone.
pub(crate) fn prepare(directory: &Path, next: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let _ = fs::remove_file(next);
    let mut file = open(next, OpenOptions::new().write(true).create_new(true))?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    written.map_err(StoreError::io(next))?;
    sync_directory(directory)
}

/// Lets it take that place, durably.
pub(crate) fn take_over(directory: &Path, next: &Path, path: &Path) -> Result<(), StoreError> {
    fs::rename(next, path).map_err(StoreError::io(path))?;
    sync_directory(directory)
}

/// Takes a file away, its contents overwritten first as far as the file system lets us.
pub(crate) fn erase(directory: &Path, path: &Path) -> Result<(), StoreError> {
    if let Some(mut file) = open_if_there(path, OpenOptions::new().write(true))? {
        let length = file.metadata().map_err(StoreError::io(path))?.len();
        let wiped = file.write_all(&vec![0; length as usize]).and_then(|()| file.sync_all());
        wiped.map_err(StoreError::io(path))?;
        fs::remove_file(path).map_err(StoreError::io(path))?;
    }
    sync_directory(directory)
}

/// Secrets that were being written when the power failed: files that nobody would read again, nor take away. Under the
/// lock: whoever writes them holds it.
pub(crate) fn wipe_unfinished(directory: &Path) -> Result<(), StoreError> {
    ["lmk.tmp", "ceremony.tmp"].into_iter().map(|name| directory.join(name)).try_for_each(|path| {
        match path.symlink_metadata() {
            Ok(_) => erase(directory, &path),
            Err(_) => Ok(()),
        }
    })
}

/// Makes names in a directory durable.
pub(crate) fn sync_directory(directory: &Path) -> Result<(), StoreError> {
    File::open(directory).and_then(|file| file.sync_all()).map_err(StoreError::io(directory))
}
