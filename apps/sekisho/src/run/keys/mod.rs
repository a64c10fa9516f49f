//! Keys of a running switch: a ring the lane's thread looks keys up in, and a thread that keeps the store.
//!
//! ```text
//!  lane's thread ── a key came into force by being used ──▶ keeper ─▶ audit, file (durable)
//!                ◀── one owner's keys as they are now ─────    ▲
//!                                                              └── what commands of people changed, what time brings
//! ```
//! The lane's thread never waits for the disk: what it knows is right before it is written, because after a restart
//! the peer's next message says it again.

mod keeper;

use keeper::{Job, Keeper};
use keys::{Heard, Holding, Owner, Ring, State};
use keystore::{MasterFile, Store, StoreError};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::mpsc::Sender;
use tokio::sync::mpsc::WeakUnboundedSender;

use super::thread::Order;
use crate::config::Config;

/// What the keeper tells the lane's thread.
#[derive(Debug)]
pub struct KeyNews {
    owner: Owner,
    holding: Holding,
}

/// Why a switch cannot have its keys.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The store.
    #[error("keys: {0}")]
    Store(#[from] StoreError),
    /// The system gave no random bits.
    #[error(transparent)]
    Entropy(#[from] clock::EntropyError),
    /// No thread.
    #[error("cannot start the thread that keeps keys: {0}")]
    Thread(std::io::Error),
}

impl KeysError {
    /// Whether trying again without changing anything will fail again.
    pub const fn is_permanent(&self) -> bool {
        match self {
            Self::Store(StoreError::Io { .. } | StoreError::Busy { .. })
            | Self::Entropy(_)
            | Self::Thread(_) => false,
            Self::Store(_) => true,
        }
    }
}

/// The keys as the lane's thread has them.
pub(crate) struct Keys {
    pub(crate) ring: Rc<RefCell<Ring>>,
    /// What came into force by being used and may not be written yet.
    unsaved: Vec<Heard>,
    /// `None` where there is no store: nobody has made a master key.
    jobs: Option<Sender<Job>>,
}

impl Keys {
    /// No keys, and nobody who keeps any.
    pub(crate) fn none() -> Self {
        Self { ring: Rc::new(RefCell::new(Ring::new(0))), unsaved: Vec::new(), jobs: None }
    }

    /// Opens the store of a configuration, where there is one, and keeps it on a thread of its own. `orders` is the way
    /// back to the lane's thread.
    ///
    /// # Errors
    /// [`KeysError`]: a store that cannot be trusted is not used.
    pub(crate) fn open(config: &Config, orders: WeakUnboundedSender<Order>) -> Result<Self, KeysError> {
        let directory = config.keys_directory();
        let overlap_ms = config.keys.overlap_ms;
        let master = match MasterFile::read(&directory) {
            Ok(master) => master,
            Err(StoreError::NoMaster { .. }) => {
                let ring = Rc::new(RefCell::new(Ring::new(overlap_ms)));
                return Ok(Self { ring, unsaved: Vec::new(), jobs: None });
            }
            Err(error) => return Err(error.into()),
        };
        let mut fresh = zeroize::Zeroizing::new([0; 32]);
        clock::entropy(&mut *fresh)?;
        let store = Store::open(&directory, &master.check(), &fresh)?;
        let ring = store.ring(overlap_ms)?;
        let holdings = ring.owners().map(|(owner, holding)| (*owner, holding.clone())).collect();
        let (jobs, receive_jobs) = std::sync::mpsc::channel();
        let keeper = Keeper::new(store, holdings, overlap_ms, orders);
        let thread = std::thread::Builder::new().name("keys".into());
        thread.spawn(move || keeper.run(&receive_jobs)).map_err(KeysError::Thread)?;
        Ok(Self { ring: Rc::new(RefCell::new(ring)), unsaved: Vec::new(), jobs: Some(jobs) })
    }

    /// Hands on what came into force by being used. To be called now and then.
    pub(crate) fn hand_on(&mut self) {
        for heard in self.ring.borrow_mut().take_heard() {
            tracing::info!(owner = %heard.owner, key = heard.role.name(), generation = heard.generation, "a key is in force: its owner uses it");
            self.unsaved.push(heard);
            self.tell(Job::Heard(heard));
        }
    }

    /// Takes over an owner's keys. What was heard since they were written stays heard.
    pub(crate) fn on_news(&mut self, news: KeyNews) {
        let KeyNews { owner, mut holding } = news;
        let overlap_ms = self.ring.borrow().overlap_ms();
        self.unsaved.retain(|heard| {
            let key = holding.generation(heard.role, heard.generation);
            let waits = heard.owner == owner && key.is_some_and(|key| key.state == State::Confirmed);
            if waits {
                let _ = holding.heard(heard.role, heard.generation, heard.at, overlap_ms);
            }
            heard.owner != owner || waits
        });
        self.ring.borrow_mut().put(owner, holding);
    }

    fn tell(&self, job: Job) {
        // A keeper that has ended has said why; keys in force stay in force until the next start.
        let _ = self.jobs.as_ref().map(|jobs| jobs.send(job));
    }
}
