use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Places of the latency histogram: the last one takes everything slower.
const PLACES: usize = 24;

/// What the sync thread has done, as of one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Batches made durable.
    pub syncs: u64,
    /// Records in them.
    pub records: u64,
    /// Bytes of these records.
    pub bytes: u64,
    /// Microseconds spent sealing, writing and syncing, all together.
    pub busy_us: u64,
    /// The slowest of them.
    pub slowest_us: u64,
    /// How many took less than 2, 4, 8 ... microseconds: place `n` counts those below `2 << n` and not below
    /// `1 << n`; the last place takes everything slower.
    pub below_us: [u64; PLACES],
    /// Snapshots kept.
    pub snapshots: u64,
    /// Snapshots that could not be kept, or came while one was still being written. The journal does not need
    /// them; the next start is slower.
    pub snapshots_missed: u64,
}

impl Figures {
    /// Records made durable by one sync, on average.
    pub fn records_per_sync(&self) -> f64 {
        self.records as f64 / self.syncs.max(1) as f64
    }
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    syncs: AtomicU64,
    records: AtomicU64,
    bytes: AtomicU64,
    busy_us: AtomicU64,
    slowest_us: AtomicU64,
    below_us: [AtomicU64; PLACES],
    snapshots: AtomicU64,
    snapshots_missed: AtomicU64,
}

impl Counters {
    pub(crate) fn count_snapshot(&self, kept: bool) {
        if kept { &self.snapshots } else { &self.snapshots_missed }.fetch_add(1, Relaxed);
    }

    pub(crate) fn count(&self, records: u32, bytes: usize, took: Duration) {
        let us = took.as_micros() as u64;
        let place = us.max(1).ilog2() as usize;
        self.syncs.fetch_add(1, Relaxed);
        self.records.fetch_add(u64::from(records), Relaxed);
        self.bytes.fetch_add(bytes as u64, Relaxed);
        self.busy_us.fetch_add(us, Relaxed);
        self.slowest_us.fetch_max(us, Relaxed);
        self.below_us[place.min(PLACES - 1)].fetch_add(1, Relaxed);
    }

    pub(crate) fn figures(&self) -> Figures {
        Figures {
            syncs: self.syncs.load(Relaxed),
            records: self.records.load(Relaxed),
            bytes: self.bytes.load(Relaxed),
            busy_us: self.busy_us.load(Relaxed),
            slowest_us: self.slowest_us.load(Relaxed),
            below_us: std::array::from_fn(|place| self.below_us[place].load(Relaxed)),
            snapshots: self.snapshots.load(Relaxed),
            snapshots_missed: self.snapshots_missed.load(Relaxed),
        }
    }
}
