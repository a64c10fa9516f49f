use crate::DiskError;
use crate::directory::{Held, PRIVATE, hold, journal_directory, sync_directory};
use crate::error::storage_error;
use crate::prepare::{Prepare, Preparer, Reserve, make, ready_path, segment_path};
use journal::{Act, Cause, Object, Seq, Storage, StorageError};
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Least length of a segment: one batch of the largest size must fit into any of them.
const SEGMENT_BYTES_MIN: u64 = 4 << 20;
/// Length of a segment that is needed before a whole one is ready: at the very first start, above all.
const QUICK_SEGMENT_BYTES: u64 = SEGMENT_BYTES_MIN;
/// Segment files kept open.
const OPEN_FILES_MAX: usize = 4;

/// How the disk is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskOptions {
    /// Bytes of a segment. At least 4 MiB; default 64 MiB.
    pub segment_bytes: u64,
    /// Segments kept ready behind the one in use. Default 3.
    pub reserve: usize,
    /// How they are made ready.
    pub prepare: Prepare,
    /// Nothing is synced, so nothing is durable: for measuring, never for money.
    pub unsafe_no_sync: bool,
}

impl Default for DiskOptions {
    fn default() -> Self {
        Self { segment_bytes: 64 << 20, reserve: 3, prepare: Prepare::Zero, unsafe_no_sync: false }
    }
}

/// One lane's journal in a data directory: `journal/00000001.seg` and so on, snapshots beside them.
#[derive(Debug)]
pub struct Disk {
    directory: PathBuf,
    options: DiskOptions,
    files: BTreeMap<u32, File>,
    writer: Option<Writer>,
    /// Whether this is the writer's second way in, for snapshots only.
    is_beside: bool,
}

/// What only the one process that writes has. Fields drop in order: the thread stops before the lock goes.
#[derive(Debug)]
struct Writer {
    preparer: Preparer,
    _held: Held,
}

impl Disk {
    /// Holds the data directory (made where there is none) and begins to prepare segments.
    ///
    /// - Errors: another process holds it; it cannot be written; the options are out of range.
    pub fn open(directory: &Path, options: DiskOptions) -> Result<Self, DiskError> {
        if options.segment_bytes < SEGMENT_BYTES_MIN {
            let found_bytes = options.segment_bytes;
            return Err(DiskError::SegmentBytes { found_bytes, least_bytes: SEGMENT_BYTES_MIN });
        }
        let held = hold(directory)?;
        let mut disk = Self::over(directory, options);
        let cannot = || DiskError::unusable(Act::List, &disk.directory);
        let used = numbers(&disk.directory, "seg").map_err(cannot())?.last().copied().unwrap_or(1);
        let preparer = Preparer::spawn(
            disk.directory.clone(),
            used,
            options.segment_bytes,
            options.reserve,
            options.prepare,
        )
        .map_err(cannot())?;
        disk.writer = Some(Writer { preparer, _held: held });
        Ok(disk)
    }

    /// Looks at a journal without holding it, also while another process writes to it. Whatever would change
    /// something is refused.
    pub fn open_for_reading(directory: &Path) -> Result<Self, DiskError> {
        let disk = Self::over(directory, DiskOptions::default());
        numbers::<u32>(&disk.directory, "seg").map_err(DiskError::unusable(Act::List, &disk.directory))?;
        Ok(disk)
    }

    /// Whether segments are ready; `None` where it was opened for reading.
    pub fn reserve(&self) -> Option<Reserve> {
        self.writer.as_ref().map(|writer| writer.preparer.reserve())
    }

    fn over(directory: &Path, options: DiskOptions) -> Self {
        let directory = journal_directory(directory);
        Self { directory, options, files: BTreeMap::new(), writer: None, is_beside: false }
    }

    fn file(&mut self, act: Act, segment: u32) -> Result<&File, StorageError> {
        if !self.files.contains_key(&segment) {
            let path = segment_path(&self.directory, segment);
            let file = (OpenOptions::new().read(true).write(self.writer.is_some()).open(&path))
                .map_err(|error| failed(act, Object::Segment(segment), &path, &error))?;
            while self.files.len() >= OPEN_FILES_MAX {
                self.files.pop_first();
            }
            self.files.insert(segment, file);
        }
        Ok(&self.files[&segment])
    }

    fn writer(&self, act: Act, object: Object) -> Result<&Writer, StorageError> {
        self.writer.as_ref().ok_or(StorageError { act, object, cause: Cause::ReadOnly })
    }

    fn may_keep(&self, act: Act, object: Object) -> Result<(), StorageError> {
        if self.is_beside { Ok(()) } else { self.writer(act, object).map(drop) }
    }

    fn snapshot_path(&self, next: Seq) -> PathBuf {
        self.directory.join(format!("{:020}.snapshot", next.0))
    }

    fn failed(&self, act: Act, object: Object) -> impl FnOnce(io::Error) -> StorageError {
        let path = self.directory.clone();
        move |error| failed(act, object, &path, &error)
    }
}

impl Storage for Disk {
    fn segments(&mut self) -> Result<Vec<u32>, StorageError> {
        numbers(&self.directory, "seg").map_err(self.failed(Act::List, Object::Directory))
    }

    fn segment_bytes(&mut self, segment: u32) -> Result<u64, StorageError> {
        let length = self.file(Act::List, segment)?.metadata().map(|found| found.len());
        length.map_err(self.failed(Act::List, Object::Segment(segment)))
    }

    fn create(&mut self, segment: u32) -> Result<u64, StorageError> {
        let object = Object::Segment(segment);
        let path = segment_path(&self.directory, segment);
        let stood_ready = self.writer(Act::Create, object)?.preparer.take(segment);
        let made = if path.exists() {
            // The process before this one died here, perhaps before the name was durable.
            sync_directory(&self.directory)
        } else if stood_ready {
            fs::rename(ready_path(&self.directory, segment), &path)
                .and_then(|()| sync_directory(&self.directory))
        } else {
            make(&self.directory, segment, &path, QUICK_SEGMENT_BYTES, self.options.prepare, |_| true)
                .map(drop)
        };
        made.map_err(|error| failed(Act::Create, object, &path, &error))?;
        self.segment_bytes(segment)
    }

    fn read(&mut self, segment: u32, offset: u64, into: &mut [u8]) -> Result<(), StorageError> {
        let read = self.file(Act::Read, segment)?.read_exact_at(into, offset);
        read.map_err(self.failed(Act::Read, Object::Segment(segment)))
    }

    fn write(&mut self, segment: u32, offset: u64, bytes: &[u8]) -> Result<(), StorageError> {
        self.writer(Act::Write, Object::Segment(segment))?;
        let written = self.file(Act::Write, segment)?.write_all_at(bytes, offset);
        written.map_err(self.failed(Act::Write, Object::Segment(segment)))
    }

    fn sync(&mut self, segment: u32) -> Result<(), StorageError> {
        self.writer(Act::Sync, Object::Segment(segment))?;
        if self.options.unsafe_no_sync {
            return Ok(());
        }
        let synced = self.file(Act::Sync, segment)?.sync_data();
        synced.map_err(self.failed(Act::Sync, Object::Segment(segment)))
    }

    fn snapshots(&mut self) -> Result<Vec<Seq>, StorageError> {
        let found =
            numbers(&self.directory, "snapshot").map_err(self.failed(Act::List, Object::Directory))?;
        Ok(found.into_iter().map(Seq).collect())
    }

    fn read_snapshot(&mut self, next: Seq) -> Result<Vec<u8>, StorageError> {
        fs::read(self.snapshot_path(next)).map_err(self.failed(Act::Read, Object::Snapshot(next)))
    }

    fn write_snapshot(&mut self, next: Seq, bytes: &[u8]) -> Result<(), StorageError> {
        let object = Object::Snapshot(next);
        self.may_keep(Act::Write, object)?;
        let (path, directory) = (self.snapshot_path(next), &self.directory);
        let unfinished = path.with_extension("tmp");
        let write = || {
            let mut file = (OpenOptions::new().write(true).create(true).truncate(true).mode(PRIVATE))
                .open(&unfinished)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&unfinished, &path)?;
            sync_directory(directory)
        };
        write().map_err(self.failed(Act::Write, object))
    }

    fn remove_snapshot(&mut self, next: Seq) -> Result<(), StorageError> {
        let object = Object::Snapshot(next);
        self.may_keep(Act::Remove, object)?;
        fs::remove_file(self.snapshot_path(next)).map_err(self.failed(Act::Remove, object))
    }

    fn beside(&self) -> Option<Self> {
        let (directory, options) = (self.directory.clone(), self.options);
        let files = BTreeMap::new();
        self.writer.as_ref().map(|_| Self { directory, options, files, writer: None, is_beside: true })
    }
}

/// Numbers of the files with this ending, ascending.
fn numbers<T: std::str::FromStr + Ord>(directory: &Path, ending: &str) -> io::Result<Vec<T>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let is_one = path.extension().is_some_and(|end| end == ending);
        let number = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok());
        found.extend(number.filter(|_| is_one));
    }
    found.sort();
    Ok(found)
}

/// The system's own words go to the log; what the journal is told is its number.
fn failed(act: Act, object: Object, path: &Path, error: &io::Error) -> StorageError {
    tracing::error!(path = %path.display(), %error, "cannot {act} {object}");
    storage_error(act, object, error)
}
