use crate::Figures;
use crate::figures::Counters;
use journal::{Batch, Journal, JournalError, Position, Seq, Snapshot, Storage};
use std::io;
use std::sync::mpsc::{self, SyncSender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::Instant;

/// The thread that makes batches durable. While it syncs one, what is submitted gathers into the next; three
/// buffers go round (the lane's, the gathering one, the one being synced) and nothing is allocated.
///
/// Dropped without [`GroupCommit::close`], it commits what was submitted and stops.
#[derive(Debug)]
pub struct GroupCommit<S> {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<Journal<S>>>,
}

#[derive(Debug)]
struct Shared {
    slot: Mutex<Slot>,
    /// Something was submitted, or it is time to stop.
    submitted: Condvar,
    /// What was submitted was taken, so that there is room again.
    taken: Condvar,
    counters: Counters,
}

#[derive(Debug)]
struct Slot {
    gathering: Batch,
    /// Stands for everything up to the end of the gathering batch, which therefore takes no more.
    snapshot: Option<Snapshot>,
    closing: bool,
    failed: Option<JournalError>,
}

impl<S: Storage + Send + 'static> GroupCommit<S> {
    /// Starts the thread. `on_durable` is called on it after every commit: with the last record that is
    /// durable now, or with the error that stopped the journal; after an error it is never called again.
    ///
    /// Gives back the lane's batch: push into it, and hand it to [`GroupCommit::submit`].
    pub fn spawn(
        journal: Journal<S>,
        on_durable: impl FnMut(Result<Seq, JournalError>) + Send + 'static,
    ) -> io::Result<(Self, Batch)> {
        let first = journal.position().next;
        let slot =
            Slot { gathering: Batch::starting_at(first), snapshot: None, closing: false, failed: None };
        let shared = Arc::new(Shared {
            slot: Mutex::new(slot),
            submitted: Condvar::new(),
            taken: Condvar::new(),
            counters: Counters::default(),
        });
        let keeper = Keeper::spawn(&journal, &shared)?;
        let thread = thread::Builder::new().name("journal".into()).spawn({
            let shared = shared.clone();
            move || shared.run(journal, keeper, on_durable)
        })?;
        Ok((Self { shared, thread: Some(thread) }, Batch::starting_at(first)))
    }

    /// Hands over what is in the batch and leaves it empty, ready for the next record. Returns at once, unless
    /// a whole batch of the largest size is already waiting.
    ///
    /// - Errors: the journal has stopped.
    pub fn submit(&self, batch: &mut Batch) -> Result<(), JournalError> {
        self.hand_over(batch, None)
    }

    /// The same, with a snapshot of the state after the last record in `batch`. It is written when the batch
    /// is durable, on a thread of its own, so that commits do not wait for it. One that fails is logged and
    /// counted; the journal goes on without it.
    pub fn submit_with_snapshot(&self, batch: &mut Batch, snapshot: Snapshot) -> Result<(), JournalError> {
        self.hand_over(batch, Some(snapshot))
    }

    /// What was done so far.
    pub fn figures(&self) -> Figures {
        self.shared.counters.figures()
    }

    /// Commits what was submitted, stops, and gives the journal back.
    ///
    /// - Errors: the one that stopped it earlier.
    pub fn close(mut self) -> Result<Journal<S>, JournalError> {
        let journal = self.stop();
        let failed = self.shared.slot().failed;
        match (failed, journal) {
            (Some(error), _) => Err(error),
            (None, Some(journal)) => Ok(journal),
            (None, None) => Err(JournalError::Stopped),
        }
    }

    fn hand_over(&self, batch: &mut Batch, snapshot: Option<Snapshot>) -> Result<(), JournalError> {
        let must_wait = |slot: &mut Slot| {
            slot.failed.is_none() && (slot.snapshot.is_some() || !slot.gathering.has_room_for(batch))
        };
        let mut slot = self.shared.wait(&self.shared.taken, self.shared.slot(), must_wait);
        if slot.failed.is_some() {
            return Err(JournalError::Stopped);
        }
        slot.gathering.append(batch);
        slot.snapshot = snapshot;
        drop(slot);
        self.shared.submitted.notify_one();
        Ok(())
    }
}

impl<S> GroupCommit<S> {
    fn stop(&mut self) -> Option<Journal<S>> {
        self.shared.slot().closing = true;
        self.shared.submitted.notify_one();
        self.thread.take().and_then(|thread| thread.join().ok())
    }
}

impl<S> Drop for GroupCommit<S> {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    fn slot(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().expect("nobody panics while holding the slot")
    }

    fn wait<'a>(
        &self,
        until: &Condvar,
        slot: MutexGuard<'a, Slot>,
        not_yet: impl FnMut(&mut Slot) -> bool,
    ) -> MutexGuard<'a, Slot> {
        until.wait_while(slot, not_yet).expect("nobody panics while holding the slot")
    }

    fn run<S: Storage>(
        &self,
        mut journal: Journal<S>,
        keeper: Keeper,
        mut on_durable: impl FnMut(Result<Seq, JournalError>),
    ) -> Journal<S> {
        let mut batch = Batch::starting_at(journal.position().next);
        while let Some(snapshot) = self.take(&mut batch) {
            let durable = self.commit(&mut journal, &mut batch);
            if let Err(error) = durable {
                self.slot().failed = Some(error);
                self.taken.notify_all();
            }
            on_durable(durable);
            match (durable, snapshot) {
                (Err(_), _) => break,
                (Ok(_), Some(snapshot)) => self.keep(&mut journal, &keeper, snapshot),
                (Ok(_), None) => {}
            }
        }
        journal
    }

    /// Swaps the gathering batch for the empty one; `None` when all is done and it is time to stop.
    fn take(&self, batch: &mut Batch) -> Option<Option<Snapshot>> {
        let is_idle = |slot: &mut Slot| slot.gathering.is_empty() && slot.snapshot.is_none() && !slot.closing;
        let mut slot = self.wait(&self.submitted, self.slot(), is_idle);
        if slot.gathering.is_empty() && slot.snapshot.is_none() {
            return None;
        }
        batch.restart_at(slot.gathering.next_seq());
        std::mem::swap(batch, &mut slot.gathering);
        let snapshot = slot.snapshot.take();
        drop(slot);
        self.taken.notify_all();
        Some(snapshot)
    }

    fn commit<S: Storage>(&self, journal: &mut Journal<S>, batch: &mut Batch) -> Result<Seq, JournalError> {
        let (records, bytes, began) = (batch.count(), batch.record_bytes(), Instant::now());
        let durable = journal.commit(batch)?;
        if records > 0 {
            self.counters.count(records, bytes, began.elapsed());
        }
        Ok(durable)
    }

    fn keep<S: Storage>(&self, journal: &mut Journal<S>, keeper: &Keeper, snapshot: Snapshot) {
        let Some(orders) = &keeper.orders else {
            return self.note_kept(journal.keep_snapshot(&snapshot));
        };
        if orders.try_send((snapshot, journal.position())).is_err() {
            self.counters.count_snapshot(false);
        }
    }

    fn note_kept(&self, kept: Result<(), impl std::error::Error>) {
        self.counters.count_snapshot(kept.is_ok());
        if let Err(error) = kept {
            tracing::error!(%error, "cannot keep a snapshot; the next start replays more");
        }
    }
}

/// The thread that writes snapshots, where the storage has a second way in. Finishes the last one when dropped.
#[derive(Debug)]
struct Keeper {
    orders: Option<SyncSender<(Snapshot, Position)>>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    fn spawn<S: Storage + Send + 'static>(journal: &Journal<S>, shared: &Arc<Shared>) -> io::Result<Self> {
        let Some(mut storage) = journal.storage().beside() else {
            return Ok(Self { orders: None, thread: None });
        };
        let (lane, shared) = (journal.lane(), shared.clone());
        let (orders, ordered) = mpsc::sync_channel::<(Snapshot, Position)>(1);
        let thread = thread::Builder::new().name("snapshot".into()).spawn(move || {
            for (snapshot, position) in ordered {
                shared.note_kept(snapshot.keep(&mut storage, lane, &position));
            }
        })?;
        Ok(Self { orders: Some(orders), thread: Some(thread) })
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported by its own thread, and the journal does not need the snapshot.
            let _ = thread.join();
        }
    }
}
