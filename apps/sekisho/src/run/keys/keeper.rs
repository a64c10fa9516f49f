//! The thread that keeps the store of keys.

use super::KeyNews;
use crate::run::thread::Order;
use clock::Clock;
use keys::{Heard, Holding, Owner};
use keystore::{Act, Store, StoreError};
use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;
use terms::Timestamp;
use tokio::sync::mpsc::WeakUnboundedSender;

/// How often it is looked whether people have changed something, and whether time has.
const LOOK: Duration = Duration::from_millis(100);

/// What the lane's thread wants kept.
pub(super) enum Job {
    /// A key came into force by being used.
    Heard(Heard),
}

pub(super) struct Keeper {
    store: Store,
    holdings: BTreeMap<Owner, Holding>,
    overlap_ms: u32,
    orders: WeakUnboundedSender<Order>,
    clock: Clock,
    /// What was said last of a store that fails, so that it is not said ten times a second.
    complaint: String,
}

impl Keeper {
    pub(super) fn new(
        store: Store,
        holdings: BTreeMap<Owner, Holding>,
        overlap_ms: u32,
        orders: WeakUnboundedSender<Order>,
    ) -> Self {
        let (clock, complaint) = (Clock::with_offset_s(0), String::new());
        Self { store, holdings, overlap_ms, orders, clock, complaint }
    }

    /// Works until the lane's thread is gone.
    pub(super) fn run(mut self, jobs: &Receiver<Job>) {
        loop {
            let done = match jobs.recv_timeout(LOOK) {
                Ok(job) => self.take(job),
                Err(RecvTimeoutError::Timeout) => self.look(),
                Err(RecvTimeoutError::Disconnected) => return,
            };
            match done {
                Ok(()) => self.complaint.clear(),
                Err(error) => self.complain(&error),
            }
        }
    }

    fn complain(&mut self, error: &StoreError) {
        let said = error.to_string();
        if said != self.complaint {
            tracing::error!(
                error = said,
                "keys cannot be kept; those in force stay so. sekisho audit verify"
            );
            self.complaint = said;
        }
    }

    fn now(&self) -> Timestamp {
        self.clock.now().wall
    }

    fn take(&mut self, job: Job) -> Result<(), StoreError> {
        match job {
            Job::Heard(Heard { owner, role, generation, at }) => {
                let act = act("heard", "a message of its owner was right under it");
                let overlap_ms = self.overlap_ms;
                let heard = self.store.change_by(&owner, self.now(), &act, |holding| {
                    Ok(holding.heard(role, generation, at, overlap_ms))
                });
                self.publish(owner, heard?.0)
            }
        }
    }

    /// What people changed, and what time brings.
    fn look(&mut self) -> Result<(), StoreError> {
        if self.store.has_news() {
            for owner in self.store.news()? {
                let holding = self.store.holding(&owner)?;
                self.publish(owner, holding)?;
            }
        }
        let now = self.now();
        let is_due = |holding: &Holding| holding.next_moment().is_some_and(|moment| moment <= now);
        let due: Vec<Owner> =
            self.holdings.iter().filter(|(_, holding)| is_due(holding)).map(|(owner, _)| *owner).collect();
        for owner in due {
            let overlap_ms = self.overlap_ms;
            let act = act("time", "an overlap ended, or the moment agreed on came");
            let changed =
                self.store.change_by(&owner, now, &act, |holding| Ok(holding.tick(now, overlap_ms)));
            self.publish(owner, changed?.0)?;
        }
        Ok(())
    }

    fn publish(&mut self, owner: Owner, holding: Holding) -> Result<(), StoreError> {
        if self.holdings.get(&owner) != Some(&holding) {
            self.holdings.insert(owner, holding.clone());
            // A lane that has ended wants no news.
            let _ = self.orders.upgrade().map(|orders| orders.send(Order::Keys(KeyNews { owner, holding })));
        }
        Ok(())
    }
}

fn act(act: &str, reason: &str) -> Act {
    Act { act: act.into(), by: "sekisho".into(), second: String::new(), reason: reason.into() }
}
