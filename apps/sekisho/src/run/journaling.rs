//! The lane's end of the journal: records are pushed into a batch here, and the sync thread is given it.

use super::status::JournalStatus;
use super::verifying::Verifying;
use disk::{Disk, GroupCommit, Reserve};
use journal::{Batch, Journal, JournalError, Record, Recovered, Seq, Snapshot, Vault};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use switch::Lane;
use tokio::sync::Notify;

/// What the sync thread tells the lane's thread.
#[derive(Default)]
pub(crate) struct News {
    durable: AtomicU64,
    failed: Mutex<Option<JournalError>>,
    /// Something above changed.
    pub(crate) wake: Notify,
}

impl News {
    fn tell(&self, durable: Result<Seq, JournalError>) {
        match durable {
            Ok(seq) => self.durable.store(seq.0, Ordering::Release),
            Err(error) => *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error),
        }
        self.wake.notify_one();
    }

    /// The error that stopped the journal, if one did.
    pub(crate) fn failure(&self) -> Option<JournalError> {
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) struct Journaling {
    vault: Arc<Vault>,
    commit: GroupCommit<Disk>,
    reserve: Option<Reserve>,
    news: Arc<News>,
    batch: Batch,
    dir: PathBuf,
    snapshot_every: u64,
    snapshot_due: Seq,
    verifying: Verifying,
}

impl Journaling {
    /// Starts the sync thread of an open journal, in which `found` was found: records read behind its snapshot count
    /// towards the next one, or a switch that dies often would read more at every start.
    pub(crate) fn start(
        journal: Journal<Disk>,
        vault: Arc<Vault>,
        news: Arc<News>,
        dir: PathBuf,
        snapshot_every: u64,
        found: &Recovered,
    ) -> std::io::Result<Self> {
        let verifying = Verifying::begin(&dir, journal.lane(), found)?;
        let reserve = journal.storage().reserve();
        let first = journal.position().next;
        news.durable.store(first.0 - 1, Ordering::Release);
        let teller = news.clone();
        let (commit, batch) = GroupCommit::spawn(journal, move |durable| teller.tell(durable))?;
        let snapshot_due = Seq(first.0.saturating_sub(found.records) + snapshot_every);
        Ok(Self { vault, commit, reserve, news, batch, dir, snapshot_every, snapshot_due, verifying })
    }

    /// Appends a record to the batch that goes to the disk next. One step may decide more than a batch can hold
    /// (a host falls silent under load, and all it was asked runs out of time together): what is full goes.
    pub(crate) fn record(&mut self, record: &Record) {
        self.batch.push(record, &self.vault);
        if self.batch.is_full() {
            let submitted = self.commit.submit(&mut self.batch);
            self.note_submitted(submitted);
        }
    }

    /// The last record pushed.
    pub(crate) fn last(&self) -> Seq {
        Seq(self.batch.next_seq().0 - 1)
    }

    /// The last record that is durable.
    pub(crate) fn durable(&self) -> Seq {
        Seq(self.news.durable.load(Ordering::Acquire))
    }

    /// Whether everything pushed is durable.
    pub(crate) fn is_idle(&self) -> bool {
        self.durable() >= self.last()
    }

    /// Whether there is room for new business: when the disk is full, what is left belongs to decisions.
    pub(crate) fn has_room(&self) -> bool {
        self.reserve.as_ref().is_none_or(|reserve| reserve.ready() > 0 || !reserve.is_failing())
    }

    /// Gives the sync thread what has gathered, with a snapshot when one is due. After an error nothing more
    /// goes there: the failure is in the news, and whoever reads it stops the lane.
    pub(crate) fn pump(&mut self, lane: &Lane) {
        if self.batch.is_empty() {
            return;
        }
        let submitted = if self.last() >= self.snapshot_due {
            self.snapshot_due = Seq(self.last().0 + self.snapshot_every);
            let snapshot = self.snapshot(lane);
            self.commit.submit_with_snapshot(&mut self.batch, snapshot)
        } else {
            self.commit.submit(&mut self.batch)
        };
        self.note_submitted(submitted);
    }

    fn note_submitted(&self, submitted: Result<(), JournalError>) {
        if let Err(error) = submitted
            && self.news.failure().is_none()
        {
            self.news.tell(Err(error));
        }
    }

    /// Writes a last snapshot and the clean mark, waits for both, and lets the journal go. In this order: the
    /// next start reads what stands behind the newest snapshot, and that is where the mark has to be. No mark
    /// while a recovery is not over.
    pub(crate) fn close(mut self, lane: &Lane, at: terms::Timestamp) -> Result<(), JournalError> {
        let snapshot = self.snapshot(lane);
        self.commit.submit_with_snapshot(&mut self.batch, snapshot)?;
        if !lane.is_recovering() {
            self.record(&Record::Closed { at });
            self.commit.submit(&mut self.batch)?;
        }
        self.commit.close().map(drop)
    }

    pub(crate) fn status(&self) -> JournalStatus {
        let figures = self.commit.figures();
        JournalStatus {
            dir: self.dir.display().to_string(),
            records: self.last().0,
            durable: self.durable().0,
            syncs: figures.syncs,
            synced_records: figures.records,
            bytes: figures.bytes,
            sync_us_mean: figures.busy_us / figures.syncs.max(1),
            sync_us_max: figures.slowest_us,
            segments_ready: self.reserve.as_ref().map_or(0, Reserve::ready),
            cannot_make_room: self.reserve.as_ref().is_some_and(Reserve::is_failing),
            verified: self.verifying.status(),
        }
    }

    fn snapshot(&self, lane: &Lane) -> Snapshot {
        let mut snapshot = Snapshot::new();
        lane.snapshot(|record| snapshot.push(&record, &self.vault));
        snapshot
    }
}
