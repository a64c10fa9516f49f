//! Reading again, beside business, what a start did not read: the journal before the snapshot it went on from.
//!
//! Business goes on from the snapshot, which is whole. What stands before it is what people look things up in, and the
//! chain an auditor follows: damage there stops nobody, and must not go unsaid.

use super::status::VerifiedStatus;
use disk::{Disk, DiskError};
use journal::{JournalError, Position, Recovered, Step, Walk};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// After so many bytes it rests.
const PIECE_BYTES: u64 = 1 << 20;
/// So many times as long as it read: the disk and the processor are there for business.
const REST_FACTOR: u32 = 3;
/// The longest rest, after which it looks whether it is to stop.
const REST_MAX: Duration = Duration::from_millis(200);

/// A verification under way, or its result. Ends when dropped.
pub(crate) struct Verifying(Arc<Shared>);

struct Shared {
    stopping: AtomicBool,
    told: Mutex<VerifiedStatus>,
}

#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error("{0}")]
    Disk(#[from] DiskError),
    #[error("{0}")]
    Journal(#[from] JournalError),
}

impl Verifying {
    /// Begins to read everything before the place where `found` ends; nothing, where the start has read all of it.
    pub(crate) fn begin(directory: &Path, lane: u16, found: &Recovered) -> std::io::Result<Self> {
        let state = if found.snapshot.is_none() { "whole" } else { "reading" };
        let told = VerifiedStatus { state, records: found.records, ..VerifiedStatus::default() };
        let shared = Arc::new(Shared { stopping: AtomicBool::new(false), told: Mutex::new(told) });
        if found.snapshot.is_some() {
            let (shared, directory, end) = (shared.clone(), directory.to_owned(), found.position);
            std::thread::Builder::new()
                .name("verify".into())
                .spawn(move || shared.verify(&directory, lane, &end))?;
        }
        Ok(Self(shared))
    }

    /// How far it is, or what it found.
    pub(crate) fn status(&self) -> VerifiedStatus {
        self.0.told.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Verifying {
    fn drop(&mut self) {
        self.0.stopping.store(true, Ordering::Relaxed);
    }
}

impl Shared {
    fn verify(&self, directory: &Path, lane: u16, end: &Position) {
        let began = Instant::now();
        match self.read(directory, lane, end) {
            Ok(false) => {}
            Ok(true) => {
                let records = self.tell(|told| told.state = "whole").records;
                let took_ms = began.elapsed().as_millis() as u64;
                tracing::info!(records, took_ms, "the whole journal is as it was written");
            }
            // Whoever stops may take the files away as well.
            Err(_) if self.stopping.load(Ordering::Relaxed) => {}
            Err(error) => {
                let damaged = matches!(
                    error,
                    Failed::Journal(JournalError::Damaged { .. } | JournalError::Unreadable { .. })
                );
                self.tell(|told| {
                    told.state = if damaged { "damaged" } else { "unread" };
                    told.said = error.to_string();
                });
                tracing::error!(
                    directory = %directory.display(),
                    %error,
                    "the journal is damaged before the snapshot this start went on from: business goes on, and \
                     what stands behind that place cannot be looked up. Keep the files; next: sekisho journal verify"
                );
            }
        }
    }

    /// Whether it came to the end; `false` where it was told to stop.
    fn read(&self, directory: &Path, lane: u16, end: &Position) -> Result<bool, Failed> {
        let mut disk = Disk::open_for_reading(directory)?;
        let (mut bytes_read, mut records, mut began) = (0, 0, Instant::now());
        let whole = Walk::from_the_start().of_lane(lane).run_to(&mut disk, end, |step| {
            let Step::Batch { bytes, count, .. } = step else { return true };
            (bytes_read, records) = (bytes_read + u64::from(bytes), records + u64::from(count));
            if bytes_read >= PIECE_BYTES {
                self.tell(|told| told.records = records);
                std::thread::sleep((began.elapsed() * REST_FACTOR).min(REST_MAX));
                (bytes_read, began) = (0, Instant::now());
            }
            !self.stopping.load(Ordering::Relaxed)
        })?;
        self.tell(|told| told.records = records);
        Ok(whole)
    }

    fn tell(&self, change: impl FnOnce(&mut VerifiedStatus)) -> VerifiedStatus {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut told);
        told.clone()
    }
}
