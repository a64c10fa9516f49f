use crate::directory::{PRIVATE, sync_directory};
use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Zeros are written and synced in pieces of this size, so that a commit never waits long behind them.
const PIECE_BYTES: usize = 256 << 10;
/// While a segment stands ready there is no hurry: after each piece, this many times as long is left to commits.
const REST_FACTOR: u32 = 3;
/// Pause after a failure (a full disk, most likely) before another try.
const PAUSE_S: u64 = 5;

/// How room is made on the disk for a new segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Prepare {
    /// By writing zeros: the file system has nothing left to do when a record is synced. Takes longer before.
    #[default]
    Zero,
    /// By asking for the room: quick, but each first write to a block costs the file system a note of its own.
    Allocate,
}

/// How many segments stand ready, for whoever decides whether more work may be taken on. Cheap to ask.
#[derive(Clone, Debug)]
pub struct Reserve(Arc<Shared>);

impl Reserve {
    /// Whole segments that are ready to be used, the one in use not counted.
    pub fn ready(&self) -> usize {
        self.0.state().ready.len()
    }

    /// Whether the last attempt to prepare one failed; it is tried again every few seconds.
    pub fn is_failing(&self) -> bool {
        self.0.state().failing
    }
}

/// The thread that makes segments ahead of need. Stops when dropped.
#[derive(Debug)]
pub(crate) struct Preparer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// The newest segment in use.
    used: u32,
    ready: BTreeSet<u32>,
    failing: bool,
    stopping: bool,
}

impl Preparer {
    /// Begins to keep `reserve` segments of `bytes` ready behind segment `used`.
    pub(crate) fn spawn(
        directory: PathBuf,
        used: u32,
        bytes: u64,
        reserve: usize,
        how: Prepare,
    ) -> io::Result<Self> {
        let ready = tidy(&directory, used, bytes)?;
        let state = State { used, ready, ..State::default() };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        let thread = thread::Builder::new().name("prepare".into()).spawn({
            let shared = shared.clone();
            move || shared.keep_ready(&directory, bytes, reserve, how)
        })?;
        Ok(Self { shared, thread: Some(thread) })
    }

    pub(crate) fn reserve(&self) -> Reserve {
        Reserve(self.shared.clone())
    }

    /// Whether `segment` stands ready; either way it is in use from now on.
    pub(crate) fn take(&self, segment: u32) -> bool {
        let mut state = self.shared.state();
        state.used = state.used.max(segment);
        let stood_ready = state.ready.remove(&segment);
        self.shared.changed.notify_all();
        stood_ready
    }
}

impl Drop for Preparer {
    fn drop(&mut self) {
        self.shared.state().stopping = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics while holding the reserve")
    }

    fn keep_ready(&self, directory: &Path, bytes: u64, reserve: usize, how: Prepare) {
        while let Some(segment) = self.next_wanted(reserve) {
            let path = ready_path(directory, segment);
            let made = make(directory, segment, &path, bytes, how, |took| self.rest(took));
            let mut state = self.state();
            match made {
                Ok(false) => return,
                Ok(true) if segment > state.used => {
                    state.failing = false;
                    state.ready.insert(segment);
                }
                // Somebody could not wait and made it himself.
                Ok(true) => drop(fs::remove_file(ready_path(directory, segment))),
                Err(error) => {
                    if !state.failing {
                        let ready = state.ready.len();
                        tracing::error!(
                            segment, %error, ready,
                            "cannot prepare a journal segment; when none is ready, no new request is taken"
                        );
                    }
                    state.failing = true;
                    let pause = Duration::from_secs(PAUSE_S);
                    drop(self.changed.wait_timeout(state, pause).expect("nobody panics while holding it"));
                }
            }
        }
    }

    /// Waits until a segment is wanted; `None` when it is time to stop.
    fn next_wanted(&self, reserve: usize) -> Option<u32> {
        let enough = |state: &mut State| !state.stopping && state.ready.len() >= reserve;
        let state = self.changed.wait_while(self.state(), enough).expect("nobody panics while holding it");
        let newest = state.ready.last().copied().unwrap_or(0).max(state.used);
        (!state.stopping).then_some(newest + 1)
    }

    /// Leaves the disk to the commits for a while; `false` when it is time to stop.
    fn rest(&self, took: Duration) -> bool {
        let state = self.state();
        if state.stopping || state.ready.is_empty() {
            return !state.stopping;
        }
        let rested = self.changed.wait_timeout(state, took * REST_FACTOR);
        !rested.expect("nobody panics while holding the reserve").0.stopping
    }
}

pub(crate) fn segment_path(directory: &Path, segment: u32) -> PathBuf {
    directory.join(format!("{segment:08}.seg"))
}

pub(crate) fn ready_path(directory: &Path, segment: u32) -> PathBuf {
    directory.join(format!("{segment:08}.ready"))
}

/// Makes a file of zeros, durable under its final name. `goes_on` hears how long each piece took; `false` from it
/// gives up, and is passed on.
pub(crate) fn make(
    directory: &Path,
    segment: u32,
    final_path: &Path,
    bytes: u64,
    how: Prepare,
    goes_on: impl Fn(Duration) -> bool,
) -> io::Result<bool> {
    let unfinished =
        final_path.with_extension(format!("{}.tmp", final_path.extension().unwrap_or_default().display()));
    let file =
        (OpenOptions::new().write(true).create(true).truncate(true).mode(PRIVATE)).open(&unfinished)?;
    let filled = match how {
        Prepare::Zero => zero(&file, bytes, goes_on),
        Prepare::Allocate => rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, bytes)
            .map(|()| true)
            .map_err(io::Error::from),
    };
    match filled.and_then(|whole| file.sync_all().map(|()| whole)) {
        Ok(true) => {
            fs::rename(&unfinished, final_path)?;
            sync_directory(directory)?;
            tracing::debug!(segment, bytes, "a journal segment is ready");
            Ok(true)
        }
        not_made => {
            // The room it took is needed for better things.
            let _ = fs::remove_file(&unfinished);
            not_made
        }
    }
}

fn zero(file: &File, bytes: u64, goes_on: impl Fn(Duration) -> bool) -> io::Result<bool> {
    let zeros = vec![0; PIECE_BYTES.min(bytes as usize)];
    let mut at = 0;
    while at < bytes {
        let (count, began) = ((bytes - at).min(zeros.len() as u64), Instant::now());
        file.write_all_at(&zeros[..count as usize], at)?;
        file.sync_data()?;
        at += count;
        if !goes_on(began.elapsed()) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Removes what an earlier process left unfinished, and says what it left ready.
fn tidy(directory: &Path, used: u32, bytes: u64) -> io::Result<BTreeSet<u32>> {
    let mut ready = BTreeSet::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let (stem, end) = (path.file_stem(), path.extension().and_then(|end| end.to_str()));
        let number = stem.and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok());
        match (end, number) {
            (Some("tmp"), _) => fs::remove_file(&path)?,
            (Some("ready"), Some(number)) if number > used && fs::metadata(&path)?.len() == bytes => {
                ready.insert(number);
            }
            (Some("ready"), _) => fs::remove_file(&path)?,
            _ => {}
        }
    }
    Ok(ready)
}
