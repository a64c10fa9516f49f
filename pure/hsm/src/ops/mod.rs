//! What a switch asks of a security module, whichever it is: requests and answers as values. A lane can leave such a
//! request among its effects and be handed the answer as an event; who carries it is not its business.

mod answer;
mod fault;
mod request;
mod role;
mod stored;

pub use answer::{Answer, KnownAnswer};
pub use fault::{Class, Fault};
pub use request::{Derivation, MacData, NewKey, PinSide, Request};
pub use role::{Attributes, Permission, Role};
pub use stored::{Form, StoredKey, Wrapped};

/// A security module that answers at once.
pub trait Hsm {
    /// Does what is asked.
    ///
    /// # Errors
    /// [`Fault`], whose [`Class`] says whether another module may be asked.
    fn ask(&mut self, request: &Request) -> Result<Answer, Fault>;
}
