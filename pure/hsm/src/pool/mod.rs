//! Several modules as one: who is asked, who is well, what is asked again, and what is refused.
//!
//! ```text
//!  ask ─▶ queue ─▶ the module with the fewest commands under way ─▶ answer ─▶ done
//!           │                │ a fault of the device, silence, a line lost
//!           │ full, late     └─▶ suspect: tested; the command, where that does no harm, goes to another
//!           ▼                      │ again and again
//!        refused                   └─▶ dropped: let go, tested again after a while, each time a longer one
//! ```
//! - A line carries nothing before the module behind it has shown the check value of the master key we know.
//! - Keys are managed beside the traffic: by a queue and a share of their own, so that neither starves the other.
//! - What made or moved a key and was lost on the way is never asked again: there could be two.
//!
//! Pure: it is told the time and what its lines bring, and leaves what is to be done in a list.

mod device;
mod work;

use crate::ops::{Answer, Fault, Request};
use crate::payshield::{Client, Misfit};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use terms::ConnId;

pub use device::{Condition, Counts};
pub use work::{DeviceSeen, Pool};

/// How a pool works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolConfig {
    /// Silence after which a command is lost and its module suspect.
    pub deadline_ms: u32,
    /// Whoever asked is told no after this, however often it was tried.
    pub give_up_ms: u32,
    /// Commands that may wait for a module.
    pub queue_max: usize,
    /// Commands that manage keys and may wait.
    pub key_queue_max: usize,
    /// Commands that manage keys under way on one module at once.
    pub key_commands_max: u32,
    /// How often a module is tested that is well.
    pub test_every_ms: u32,
    /// Faults in a row after which a module is dropped.
    pub faults_max: u32,
    /// How long it is left alone then; twice as long each time.
    pub back_off_ms: u32,
    /// And never longer.
    pub back_off_max_ms: u32,
}

impl Default for PoolConfig {
    fn default() -> Self {
        Self {
            deadline_ms: 1_000,
            give_up_ms: 3_000,
            queue_max: 1_024,
            key_queue_max: 64,
            key_commands_max: 1,
            test_every_ms: 5_000,
            faults_max: 3,
            back_off_ms: 1_000,
            back_off_max_ms: 30_000,
        }
    }
}

/// How a module is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// In commands of its family.
    Commands(Client),
    /// In requests and answers as they are: whoever has the line is its codec, as where a library is called.
    Calls,
}

/// One module behind lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceConfig {
    /// How it is spoken to.
    pub way: Way,
    /// Bytes of the header it is set to; 0 allows one command at a time on each line. Of calls: how many of them can
    /// be told apart on a line.
    pub header_bytes: usize,
    /// The check value of its master key, as it shows it.
    pub lmk_check: String,
    /// Commands under way on one line.
    pub in_flight_max: usize,
    /// What it may be asked.
    pub allowed: Operations,
}

/// What a module may be asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Operations(u16);

/// The names of what may be asked, each at its place.
const OPERATIONS: [&str; 13] = [
    "generate",
    "import",
    "export",
    "check_value",
    "translate_pin",
    "make_mac",
    "verify_mac",
    "derive",
    "random",
    "status",
    "echo",
    "form",
    "known_answers",
];

impl Operations {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// Everything there is.
    pub const ALL: Self = Self((1 << OPERATIONS.len()) - 1);

    /// With that operation besides; `None` where there is none of that name.
    #[must_use]
    pub fn and(self, name: &str) -> Option<Self> {
        let place = OPERATIONS.iter().position(|one| *one == name)?;
        Some(Self(self.0 | 1 << place))
    }

    /// Whether a request is among them.
    pub fn allow(self, request: &Request) -> bool {
        let place = OPERATIONS.iter().position(|one| *one == request.name());
        place.is_some_and(|place| self.0 & 1 << place != 0)
    }

    /// The names of all of them.
    pub fn list(self) -> impl Iterator<Item = &'static str> {
        OPERATIONS
            .iter()
            .enumerate()
            .filter(move |(place, _)| self.0 & 1 << place != 0)
            .map(|(_, name)| *name)
    }

    /// Every name there is.
    pub const fn names() -> &'static [&'static str] {
        &OPERATIONS
    }
}

impl fmt::Debug for Operations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = OPERATIONS.iter().enumerate().filter(|(place, _)| self.0 & 1 << place != 0);
        f.debug_list().entries(names.map(|(_, name)| name)).finish()
    }
}

/// Whom an answer is for: a number of the asker's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// What is to be done, in this order.
#[derive(Debug)]
pub enum Effect {
    /// Send these bytes, a message without its length.
    Send {
        /// On which line.
        conn: ConnId,
        /// What.
        bytes: Vec<u8>,
    },
    /// Make this call; its answer comes back with the number.
    Call {
        /// On which line.
        conn: ConnId,
        /// The number.
        number: u32,
        /// What is asked.
        request: Request,
    },
    /// A request has come to its end.
    Done {
        /// Whose.
        ticket: Ticket,
        /// How.
        result: Result<Answer, Failure>,
    },
    /// Break this line: what is on it cannot be trusted, or nobody is there.
    HangUp {
        /// Which.
        conn: ConnId,
    },
    /// Tell people.
    Tell(Tell),
}

/// Why a request came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The module said so.
    #[error(transparent)]
    Fault(Fault),
    /// None is there that is well.
    #[error("no security module is there that is well")]
    NoModule,
    /// Too many wait already.
    #[error("too many commands wait for a security module")]
    Full,
    /// Nobody answered in time.
    #[error("no security module answered in time")]
    Late,
    /// No module may be asked this.
    #[error("no security module is allowed to do this")]
    NotAllowed,
    /// The modules have no command for it.
    #[error(transparent)]
    Misfit(Misfit),
    /// It was under way when its module was lost, and must not be asked twice.
    #[error("the module was lost while it did this: nobody knows whether it was done")]
    Lost,
}

/// What people should know of a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tell {
    /// It is well: it showed the right check value.
    Well {
        /// Which, by its place.
        device: usize,
    },
    /// Something went wrong; nothing is asked of it until it has answered a test.
    Suspect {
        /// Which.
        device: usize,
        /// What went wrong.
        why: Why,
    },
    /// It is let alone for a while.
    Dropped {
        /// Which.
        device: usize,
        /// How long.
        back_off_ms: u32,
    },
    /// It holds another master key than it should, and is not used.
    OtherMaster {
        /// Which.
        device: usize,
        /// The check value it showed.
        shown: String,
    },
    /// None is left.
    AllDown,
}

/// What went wrong with a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// It did not answer in time.
    #[error("it did not answer in time")]
    Silence,
    /// It says that it is not well.
    #[error(transparent)]
    Fault(Fault),
    /// What it answered is no answer.
    #[error("what it answered is no answer")]
    Unusable,
    /// A line broke with commands on it.
    #[error("the line was lost")]
    LineLost,
}
