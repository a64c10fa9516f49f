//! Keys while the switch runs: looked up in memory by the lane's thread, kept on disk by a thread of their own, so that
//! no transaction waits for a file.
//!
//! ```text
//!  lane: ring ── came into force by being used ─▶ keeper ─▶ store, audit
//!          ▲                                         │  overlaps end, moments come
//!          └────────── holdings as they are now ─────┘  people and other processes change the store
//! ```

mod doubt;
mod exchange;

pub(crate) use exchange::{Done, Ended, Errand, NotDone, What};

use super::guard::{KeyModule, KeyModulePlan, NotAsked};
use crate::config::Config;
use keys::{Holding, Owner, Ring, State};
use keystore::{Act, Store, StoreError};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};
use terms::Timestamp;

/// How often the store is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// What could not be written down is tried again after so long, then after twice as long each time.
const TRY_AGAIN: Duration = Duration::from_secs(1);
const TRY_AGAIN_MAX: Duration = Duration::from_secs(60);

/// The lane's end of it.
pub(crate) struct Keeper {
    jobs: Sender<Job>,
    changed: Receiver<(Owner, Holding)>,
    ended: Receiver<Ended>,
    /// What came into force by being used and may not be written yet.
    unsaved: Vec<keys::Heard>,
}

/// What the keeper is asked.
enum Job {
    /// To write down that a key came into force by being used.
    Heard(keys::Heard),
    /// To do its part of an exchange.
    Exchange(Box<Errand>),
}

/// The keys of a configuration, and whoever keeps them. `lmk` is the check value of the master key they lie under.
///
/// # Errors
/// [`StoreError`]: a store that was touched by another hand, or that lies under another master key.
pub(crate) fn open(config: &Config, lmk: &str, own: KeyModulePlan) -> Result<(Ring, Keeper), StoreError> {
    let mut fresh = zeroize::Zeroizing::new([0; 32]);
    clock::entropy(&mut *fresh).map_err(|error| StoreError::Io {
        path: config.keys_directory(),
        source: std::io::Error::other(error.to_string()),
    })?;
    let mark_file = config.audit_mark_file();
    // Before anything is added to it: an end that was cut off is no end to go on from.
    keystore::compare_end(&config.keys_directory(), &mark_file)?;
    let mut store = Store::open(&config.keys_directory(), lmk, &fresh)?;
    let overlap_ms = config.keys.overlap_ms;
    let ring = store.ring(overlap_ms)?;
    let (jobs, receive_jobs) = channel();
    let (changes, changed) = channel();
    let (end, ended) = channel();
    let holdings = ring.owners().map(|(owner, holding)| (*owner, holding.clone())).collect();
    let mut keeping = Keeping {
        store,
        overlap_ms,
        jobs: receive_jobs,
        changes,
        ended: end,
        holdings,
        later: BTreeMap::new(),
        unwritten: Vec::new(),
        marked: 0,
        mark_file,
        doubts: doubt::Doubts::default(),
    };
    keeping.mark();
    let begun = std::thread::Builder::new().name("keys".into()).spawn(move || keeping.run(own));
    begun.map_err(|source| StoreError::Io { path: config.keys_directory(), source })?;
    Ok((ring, Keeper { jobs, changed, ended, unsaved: Vec::new() }))
}

impl Keeper {
    /// Takes over what changed, and hands on what came into force by being used. Cost: a look into two queues.
    pub(crate) fn mind(&mut self, ring: &mut Ring) {
        while let Ok((owner, mut holding)) = self.changed.try_recv() {
            // What was heard since that was written stays heard.
            self.unsaved.retain(|heard| {
                let key = holding.generation(heard.role, heard.generation);
                let waits = heard.owner == owner && key.is_some_and(|key| key.state == State::Confirmed);
                if waits {
                    let _ = holding.heard(heard.role, heard.generation, heard.at, ring.overlap_ms());
                }
                heard.owner != owner || waits
            });
            ring.put(owner, holding);
        }
        for heard in ring.take_heard() {
            tracing::info!(owner = %heard.owner, role = %heard.role, generation = heard.generation, "key in force");
            self.unsaved.push(heard);
            // A keeper that is gone ends with the switch.
            let _ = self.jobs.send(Job::Heard(heard));
        }
    }

    /// Begins a part of an exchange. How it ends is asked by [`Self::ended`].
    pub(crate) fn exchange(&self, errand: Errand) {
        // A keeper that is gone ends with the switch.
        let _ = self.jobs.send(Job::Exchange(Box::new(errand)));
    }

    /// What of an exchange has ended.
    pub(crate) fn ended(&self) -> Option<Ended> {
        self.ended.try_recv().ok()
    }
}

/// The module the keeper has for itself, or why there is none.
type OwnModule = Result<KeyModule, NotAsked>;

/// The keeper's end.
struct Keeping {
    store: Store,
    overlap_ms: u32,
    jobs: Receiver<Job>,
    changes: Sender<(Owner, Holding)>,
    ended: Sender<Ended>,
    holdings: BTreeMap<Owner, Holding>,
    /// Whom something went wrong with, nobody for the audit itself: not before when it is tried and told of again, and
    /// how long the wait was.
    later: BTreeMap<Option<Owner>, (Instant, Duration)>,
    /// The last audit entry that is noted elsewhere, and where.
    marked: u64,
    mark_file: PathBuf,
    /// What came into force by being used and could not be written down yet.
    unwritten: Vec<keys::Heard>,
    doubts: doubt::Doubts,
}

impl Keeping {
    fn run(mut self, own: KeyModulePlan) {
        // Made here: its lines belong to the thread that waits on them.
        let mut module = own.make();
        loop {
            self.mark();
            match self.jobs.recv_timeout(LOOK_EVERY) {
                Ok(Job::Exchange(errand)) => self.run_errand(&mut module, *errand),
                Ok(Job::Heard(heard)) => self.write_heard(heard),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if self.store.has_news() {
                self.read_news();
            }
            self.let_time_pass();
            for heard in std::mem::take(&mut self.unwritten) {
                match self.is_time(Some(heard.owner)) {
                    true => self.write_heard(heard),
                    false => self.unwritten.push(heard),
                }
            }
        }
    }

    /// What is noted elsewhere of the audit proves later that its end was not cut off: in a file of its own, compared at
    /// the next start, and in the log, which is elsewhere soon.
    fn mark(&mut self) {
        if self.store.audit_number() != self.marked {
            self.marked = self.store.audit_number();
            let mark = self.store.audit_mark();
            tracing::info!(audit = mark, "audit of keys");
            if let Err(error) = keystore::note_end(&self.mark_file, &mark) {
                tracing::error!(%error, "the end of the audit of keys cannot be noted: a cut would not be found");
            }
        }
    }

    /// Each owner for itself: one file that cannot be read keeps no compromise of another from the lane.
    fn read_news(&mut self) {
        let news = match self.store.news() {
            Ok(news) => news,
            // The keys in memory stay as they were: nothing is taken from a store that was touched.
            Err(error) => {
                if self.is_time(None) {
                    tracing::error!(%error, "keys cannot be read: those in use stay");
                    self.wait(None);
                }
                return;
            }
        };
        self.later.remove(&None);
        for (owner, read) in news {
            match read {
                Ok(holding) => self.tell(owner, holding),
                Err(error) if self.is_time(Some(owner)) => {
                    tracing::error!(%owner, %error, "keys cannot be read: those in use stay");
                    self.wait(Some(owner));
                }
                Err(_) => {}
            }
        }
    }

    /// Whether something that went wrong with an owner may be tried again.
    fn is_time(&self, owner: Option<Owner>) -> bool {
        self.later.get(&owner).is_none_or(|(at, _)| *at <= Instant::now())
    }

    fn wait(&mut self, owner: Option<Owner>) {
        let wait = self.later.get(&owner).map_or(TRY_AGAIN, |(_, wait)| (*wait * 2).min(TRY_AGAIN_MAX));
        self.later.insert(owner, (Instant::now() + wait, wait));
    }

    fn write_heard(&mut self, heard: keys::Heard) {
        let act = by_itself("activate", "its owner used it");
        let overlap_ms = self.overlap_ms;
        let written = self.change(&heard.owner, heard.at, &act, |holding| {
            holding.heard(heard.role, heard.generation, heard.at, overlap_ms)
        });
        if !written {
            self.unwritten.push(heard);
        }
    }

    /// Overlaps end, and agreed moments come.
    fn let_time_pass(&mut self) {
        let now = clock::Clock::with_offset_s(0).now().wall;
        let due = |holding: &Holding| holding.next_moment().is_some_and(|moment| moment <= now);
        let waits =
            self.holdings.iter().filter(|(owner, holding)| due(holding) && self.is_time(Some(**owner)));
        let owners: Vec<Owner> = waits.map(|(owner, _)| *owner).collect();
        let overlap_ms = self.overlap_ms;
        for owner in owners {
            let act = by_itself("time", "an overlap ended, or an agreed moment came");
            self.change(&owner, now, &act, |holding| holding.tick(now, overlap_ms));
        }
    }

    /// Whether it was written down. What was not is tried again, by whoever wanted it.
    fn change(
        &mut self,
        owner: &Owner,
        now: Timestamp,
        act: &Act,
        decide: impl FnOnce(&mut Holding) -> Vec<keys::Change>,
    ) -> bool {
        match self.store.change_by(owner, now, act, |holding| Ok(decide(holding))) {
            Ok((holding, _)) => {
                self.tell(*owner, holding);
                true
            }
            Err(error) => {
                tracing::error!(%owner, %error, "a change of keys cannot be written down; it is tried again");
                self.wait(Some(*owner));
                false
            }
        }
    }

    fn tell(&mut self, owner: Owner, holding: Holding) {
        self.later.remove(&Some(owner));
        self.holdings.insert(owner, holding.clone());
        // A lane that is gone needs no keys.
        let _ = self.changes.send((owner, holding));
    }
}

fn by_itself(act: &str, reason: &str) -> Act {
    Act { act: act.into(), by: "sekisho".into(), second: String::new(), reason: reason.into() }
}
