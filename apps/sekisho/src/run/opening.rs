//! Finding everything again: the data directory, the key, the journal, and the lane folded from it.

use super::folded::Folded;
use super::journaling::{Journaling, News};
use super::options::Options;
use super::plan::{Names, Plan};
use super::recovery::Recover;
use super::status::RecoveredStatus;
use crate::config::PrepareToml;
use clock::Clock;
use disk::{Disk, DiskError, DiskOptions, Prepare};
use journal::{Batch, Cause, Journal, JournalError, Record, Recovered, Vault};
use std::sync::Arc;
use switch::{Effect, Lane, Outbox, ReplayError};
use terms::Text;

/// Why a switch does not start. Each says what to look at.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data directory: held by another process, not writable, its key missing.
    #[error("{0}")]
    Disk(#[from] DiskError),
    /// The journal is damaged, or cannot be read or written.
    #[error("journal in {dir}: {source}")]
    Journal {
        /// The data directory.
        dir: String,
        /// What is wrong, with segment and offset where it is damage.
        source: JournalError,
    },
    /// The journal is whole and makes no sense.
    #[error("journal in {dir} cannot be replayed: {source}")]
    Replay {
        /// The data directory.
        dir: String,
        /// Which record.
        source: ReplayError,
    },
    /// The switch was not stopped in order, and was told not to start then.
    #[error(
        "the switch was not stopped in order, and --recover refuse says not to start then; nothing was changed \
         (data: {dir})"
    )]
    RecoveryNeeded {
        /// The data directory.
        dir: String,
    },
    /// A listener or link.
    #[error("{0}")]
    Net(#[from] net::NetError),
    /// The system gave no random bits.
    #[error("{0}")]
    Entropy(#[from] clock::EntropyError),
    /// The store of keys: touched by another hand, under another master key, or without one.
    #[error("{0}")]
    Keys(#[from] keystore::StoreError),
    /// The software security module found that this machine computes wrongly.
    #[error("the software security module failed its own test: this machine computes wrongly")]
    SelfTest,
    /// The time zone.
    #[error("{0}")]
    Zone(#[from] clock::ZoneError),
    /// A thread could not be started.
    #[error("cannot start a thread: {0}")]
    Thread(#[from] std::io::Error),
    /// The lane's thread ended while it was starting.
    #[error("the lane ended while it was starting; its log says why")]
    Gone,
}

impl StartError {
    /// Whether trying again without changing anything will fail again.
    pub fn is_permanent(&self) -> bool {
        match self {
            Self::Disk(error) => error.is_permanent(),
            // A disk that is full or fails now may not later; what lies on it stays as it is.
            Self::Journal { source: JournalError::Storage(error), .. } => error.cause == Cause::Missing,
            Self::Net(error) => error.is_permanent(),
            Self::Journal { .. }
            | Self::Replay { .. }
            | Self::RecoveryNeeded { .. }
            | Self::SelfTest
            | Self::Keys(_)
            | Self::Zone(_) => true,
            Self::Entropy(_) | Self::Thread(_) | Self::Gone => false,
        }
    }
}

/// A lane back from its journal, ready for business.
pub(crate) struct Opened {
    pub(crate) lane: Lane,
    pub(crate) names: Names,
    pub(crate) journaling: Journaling,
    pub(crate) recovered: RecoveredStatus,
}

/// One lane to a process so far; the number stands in its journal.
pub(crate) const LANE: u16 = 0;

/// Opens (or begins) the journal, folds it, decides what was in flight, and makes all of that durable.
pub(crate) fn open(
    plan: &Plan,
    clock: &Clock,
    news: Arc<News>,
    options: Options,
) -> Result<Opened, StartError> {
    let began = std::time::Instant::now();
    let dir = &plan.config.journal.dir;
    let disk = Disk::open(dir, disk_options(plan, options.unsafe_no_sync))?;
    let mut fresh = [0; 32];
    clock::entropy(&mut fresh)?;
    let key = disk::data_key(dir, fresh)?;
    let vault = Arc::new(Vault::new(*key, LANE));
    let mut folded = Folded::new(plan, vault.clone());
    let mut wrong = None;
    let opened = Journal::open(disk, LANE, &mut |record| {
        if wrong.is_none() {
            wrong = folded.apply(record).err();
        }
    });
    let at_dir = || dir.display().to_string();
    let (mut journal, found) = opened.map_err(|source| StartError::Journal { dir: at_dir(), source })?;
    let refuse = |source| StartError::Replay { dir: at_dir(), source };
    wrong.map_or(Ok(()), |source| Err(refuse(source)))?;

    let is_clean = folded.was_closed();
    if options.recover == Recover::Refuse && !is_clean {
        return Err(StartError::RecoveryNeeded { dir: at_dir() });
    }
    let was_in_flight = folded.in_flight();
    let mut batch = Batch::starting_at(journal.position().next);
    let now = clock.now();
    let version = Text::clipped(env!("CARGO_PKG_VERSION").as_bytes());
    batch.push(&Record::Opened { version, synced: !options.unsafe_no_sync, at: now.wall }, &vault);
    let mut outbox = Outbox::new();
    let (mut lane, names) = folded.finish(now, &mut outbox).map_err(refuse)?;
    if options.recover == Recover::Ask && !is_clean {
        lane.wait_for_recovery();
    }
    let cannot = |source| StartError::Journal { dir: at_dir(), source };
    for effect in outbox.drain() {
        // What it would tell a source is told to nobody: the connection died with the process.
        if let Effect::Record(record) = effect {
            batch.push(&record, &vault);
            // Each decision stands with what it owes in one record: a death between two batches leaves the
            // rest in flight, for the next start.
            if batch.is_full() {
                journal.commit(&mut batch).map_err(cannot)?;
            }
        }
    }
    journal.commit(&mut batch).map_err(cannot)?;
    for snapshot in &found.bad_snapshots {
        tracing::error!(
            dir = %dir.display(),
            snapshot = snapshot.0,
            "a snapshot is damaged and was passed over: the journal itself was read instead. Is the disk failing?"
        );
    }
    let recovered = recovered_status(&found, is_clean, was_in_flight, began.elapsed().as_millis() as u64);
    let every = plan.config.journal.snapshot_every_records;
    let journaling = Journaling::start(journal, vault, news, dir.clone(), every, &found)?;
    Ok(Opened { lane, names, journaling, recovered })
}

fn disk_options(plan: &Plan, unsafe_no_sync: bool) -> DiskOptions {
    DiskOptions {
        segment_bytes: plan.config.journal.segment_bytes,
        prepare: match plan.config.journal.prepare {
            PrepareToml::Zero => Prepare::Zero,
            PrepareToml::Allocate => Prepare::Allocate,
        },
        unsafe_no_sync,
        ..DiskOptions::default()
    }
}

fn recovered_status(
    found: &Recovered,
    is_clean: bool,
    was_in_flight: usize,
    took_ms: u64,
) -> RecoveredStatus {
    RecoveredStatus {
        records: found.records,
        took_ms,
        was_closed: is_clean,
        was_in_flight,
        cut_bytes: found.cut.map_or(0, |cut| cut.end - cut.offset),
        bad_snapshots: found.bad_snapshots.len(),
    }
}
