use crate::Figures;
use crate::figures::Counters;
use journal::{Batch, Journal, JournalError, Seq, Snapshot, Storage};
use std::io;
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
        let thread = thread::Builder::new().name("journal".into()).spawn({
            let shared = shared.clone();
            move || shared.run(journal, on_durable)
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
    /// is durable, on the sync thread: commits wait for it as long as the disk takes.
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
        mut on_durable: impl FnMut(Result<Seq, JournalError>),
    ) -> Journal<S> {
        let mut batch = Batch::starting_at(journal.position().next);
        while let Some(snapshot) = self.take(&mut batch) {
            let durable = self.commit(&mut journal, &mut batch, snapshot);
            if let Err(error) = durable {
                self.slot().failed = Some(error);
                self.taken.notify_all();
            }
            on_durable(durable);
            if durable.is_err() {
                break;
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

    fn commit<S: Storage>(
        &self,
        journal: &mut Journal<S>,
        batch: &mut Batch,
        snapshot: Option<Snapshot>,
    ) -> Result<Seq, JournalError> {
        let (records, bytes, began) = (batch.count(), batch.record_bytes(), Instant::now());
        let durable = journal.commit(batch)?;
        if records > 0 {
            self.counters.count(records, bytes, began.elapsed());
        }
        if let Some(snapshot) = snapshot {
            journal.keep_snapshot(&snapshot)?;
        }
        Ok(durable)
    }
}
