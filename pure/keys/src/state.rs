use crate::Refusal;
use core::fmt;

/// How far a key is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// It was made or came; nobody has confirmed that the other side holds the same.
    Generated,
    /// Both sides have the same check value. Not in force yet.
    Confirmed,
    /// In force: the one thing we send under, and the first we try what comes under.
    Active,
    /// In force until a moment ago: what was on its way under it is still taken.
    Previous,
    /// Over. Nothing is taken under it.
    Retired,
    /// A person stopped it. Nothing is sent or taken under it until a person lets it go on.
    Suspended,
    /// Somebody else may know it. Never used again.
    Compromised,
    /// The cryptogram is erased; its check value and its dates are kept.
    Destroyed,
}

/// What happens to one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happening {
    /// The other side told the same check value.
    Confirmed,
    /// It comes into force.
    Activated,
    /// Another of the same purpose comes into force.
    Replaced,
    /// The overlap is over.
    RanOut,
    /// It is taken back: the one before it comes into force again.
    RolledBack,
    /// The one after it is taken back.
    Restored,
    /// A person stops it.
    Suspended,
    /// A person lets it go on.
    Resumed,
    /// Somebody else may know it.
    Compromised,
    /// It is erased.
    Destroyed,
}

impl State {
    /// All of them, in the order of a life.
    pub const ALL: [Self; 8] = [
        Self::Generated,
        Self::Confirmed,
        Self::Active,
        Self::Previous,
        Self::Retired,
        Self::Suspended,
        Self::Compromised,
        Self::Destroyed,
    ];

    /// What the happening makes of it. Each pair that means nothing is a refusal, by name.
    ///
    /// # Errors
    /// [`Refusal`].
    pub const fn step(self, happening: Happening) -> Result<Self, Refusal> {
        use Happening as H;
        Ok(match (self, happening) {
            (Self::Generated | Self::Confirmed, H::Confirmed) => Self::Confirmed,
            (Self::Generated, H::Activated) => return Err(Refusal::NotConfirmed),
            (Self::Confirmed, H::Activated) => Self::Active,
            (Self::Active, H::Replaced) => Self::Previous,
            (Self::Active, H::RolledBack) => Self::Retired,
            (Self::Active, H::Suspended) => Self::Suspended,
            (Self::Previous, H::Replaced | H::RanOut) => Self::Retired,
            (Self::Previous, H::Restored) => Self::Active,
            (Self::Suspended, H::Resumed) => Self::Active,
            (Self::Suspended, H::Replaced) => Self::Retired,
            (Self::Destroyed, _) => return Err(Refusal::Destroyed),
            (Self::Compromised, H::Destroyed) => Self::Destroyed,
            (Self::Compromised, H::Compromised) => Self::Compromised,
            (Self::Compromised, _) => return Err(Refusal::Compromised),
            (_, H::Compromised) => Self::Compromised,
            // What stands in force, or was until a moment ago, is on the wire.
            (Self::Active | Self::Previous, H::Destroyed) => return Err(Refusal::InForce),
            (_, H::Destroyed) => Self::Destroyed,
            (_, _) => return Err(Refusal::NotInThatState(self)),
        })
    }

    /// Its name, as files and people write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Generated => "generated",
            Self::Confirmed => "confirmed",
            Self::Active => "active",
            Self::Previous => "previous",
            Self::Retired => "retired",
            Self::Suspended => "suspended",
            Self::Compromised => "compromised",
            Self::Destroyed => "destroyed",
        }
    }

    /// The one of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Whether it is over: nothing but erasing follows.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Retired | Self::Compromised | Self::Destroyed)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
