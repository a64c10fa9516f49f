use crate::State;
use core::fmt;
use hsm::check_value::CheckValue;
use hsm::ops::{Role, StoredKey};
use terms::Timestamp;

/// One generation of one key of an owner.
#[derive(Clone, PartialEq, Eq)]
pub struct HeldKey {
    /// What it is for, and for nothing else.
    pub role: Role,
    /// Counted from 1 for each purpose of an owner; never used twice.
    pub generation: u32,
    /// Keys of one exchange come into force together: they have the same number here. 0 stands alone.
    pub set: u32,
    /// How far it is.
    pub state: State,
    /// As its module keeps it, under the master key; `None` once it is destroyed.
    pub key: Option<StoredKey>,
    /// By this two sides know that they hold the same.
    pub check: CheckValue,
    /// Where it came from.
    pub origin: Origin,
    /// What brings it into force.
    pub start: Start,
    /// When it came.
    pub made_at: Timestamp,
    /// Since when it is in its state.
    pub since: Timestamp,
    /// Of a previous one: until when what comes under it is taken.
    pub until: Option<Timestamp>,
    /// Whether it was in force at any time. One that never was is not remembered for ever: nothing was said under it.
    pub was_in_force: bool,
}

/// Where a key came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// A module drew it.
    Drawn,
    /// It came under a transport key.
    Imported,
    /// People entered its components.
    Components,
    /// It went over the wire in an exchange, whoever drew it.
    Exchanged,
}

/// What brings a confirmed key into force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Start {
    /// An order.
    ByOrder,
    /// A moment both sides agreed on.
    At(Timestamp),
    /// The first message of the peer that is right under it.
    OnUse,
}

impl HeldKey {
    /// Whether a message that comes now may be under it. Clocks of two sides are not the same: a key that was agreed on
    /// for a moment is taken as long before it as the key before is taken after it.
    pub fn is_accepted(&self, now: Timestamp, overlap_ms: u32) -> bool {
        match self.state {
            State::Active => true,
            State::Confirmed => match self.start {
                Start::OnUse => true,
                Start::At(moment) => {
                    let early = moment.as_unix_ms().saturating_sub(i64::from(overlap_ms));
                    now.as_unix_ms() >= early
                }
                Start::ByOrder => false,
            },
            State::Previous => self.until.is_some_and(|until| now < until),
            State::Generated | State::Retired | State::Suspended | State::Compromised | State::Destroyed => {
                false
            }
        }
    }
}

impl Origin {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Drawn, Self::Imported, Self::Components, Self::Exchanged];

    /// Its name, as files and people write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Drawn => "drawn",
            Self::Imported => "imported",
            Self::Components => "components",
            Self::Exchanged => "exchanged",
        }
    }

    /// The one of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|origin| origin.name() == name)
    }
}

impl fmt::Debug for HeldKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} generation {}, {}, check value {}", self.role, self.generation, self.state, self.check)
    }
}
