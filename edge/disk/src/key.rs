use crate::DiskError;
use crate::directory::{PRIVATE, journal_directory, sync_directory};
use journal::Act;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use zeroize::{Zeroize, Zeroizing};

const KEY: &str = "journal.key";
const KEY_BYTES: usize = 32;

/// The data key of the journal in this directory. At the first start there is none, and `fresh` (256 random
/// bits) becomes it; later `fresh` is wiped unused.
///
/// - Errors: a key that others may read, one of another length, or a journal whose key is gone.
pub fn data_key(
    directory: &Path,
    mut fresh: [u8; KEY_BYTES],
) -> Result<Zeroizing<[u8; KEY_BYTES]>, DiskError> {
    let path = directory.join(KEY);
    let key = match File::open(&path) {
        Ok(file) => read(&path, file),
        Err(error) if error.kind() == ErrorKind::NotFound => create(directory, &path, &fresh),
        Err(source) => Err(DiskError::Unusable { act: Act::Read, path, source }),
    };
    fresh.zeroize();
    key
}

fn read(path: &Path, mut file: File) -> Result<Zeroizing<[u8; KEY_BYTES]>, DiskError> {
    let cannot = |source| DiskError::Unusable { act: Act::Read, path: path.into(), source };
    let mode = file.metadata().map_err(cannot)?.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(DiskError::KeyExposed { path: path.into(), mode });
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(KEY_BYTES + 1));
    (&mut file).take(KEY_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(cannot)?;
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    if bytes.len() != KEY_BYTES {
        return Err(DiskError::KeyLength { path: path.into(), found_bytes: bytes.len() });
    }
    key.copy_from_slice(&bytes);
    Ok(key)
}

fn create(
    directory: &Path,
    path: &Path,
    fresh: &[u8; KEY_BYTES],
) -> Result<Zeroizing<[u8; KEY_BYTES]>, DiskError> {
    let journal = journal_directory(directory);
    let has_segments = fs::read_dir(&journal).is_ok_and(|mut entries| {
        entries.any(|entry| entry.is_ok_and(|entry| entry.path().extension().is_some_and(|end| end == "seg")))
    });
    if has_segments {
        return Err(DiskError::KeyMissing { path: path.into() });
    }
    let cannot = |source| DiskError::Unusable { act: Act::Create, path: path.into(), source };
    // Whole or not at all: half a key would be one nobody has.
    let unfinished = directory.join("journal.key.tmp");
    let _ = fs::remove_file(&unfinished);
    let mut file =
        (OpenOptions::new().write(true).create_new(true).mode(PRIVATE)).open(&unfinished).map_err(cannot)?;
    file.write_all(fresh).and_then(|()| file.sync_all()).map_err(cannot)?;
    fs::rename(&unfinished, path).and_then(|()| sync_directory(directory)).map_err(cannot)?;
    Ok(Zeroizing::new(*fresh))
}
