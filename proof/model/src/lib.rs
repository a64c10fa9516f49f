//! Every future of one transaction, explored on the real lane.
//!
//! A [`World`] is the lane that runs in the program, its journal, one terminal with cash, one host with a
//! ledger, and a network between them that loses, repeats and reorders. [`explore`] visits every state these
//! can come to within the budgets of a [`Scenario`], and asks two things of each:
//!
//! - **Nothing wrong has happened**: never two postings, never a reversal of what the terminal did.
//! - **Right is still possible**: from here, cash and books can come to agree.
//!
//! A check that cannot fail proves nothing, so a scenario may carry a [`Mutant`]: a well-known wrong way to
//! build a switch, which the exploration has to find.
//!
//! What it believes without asking: a request lingers on its way to the host for less than the guard; one sync
//! makes one step's records durable, all or none; the host does an owed message once however often it comes.

mod explore;
mod host;
mod message;
mod moves;
mod scenario;
mod terminal;
mod wiring;
mod world;

pub use explore::{Explored, explore};
pub use moves::Move;
pub use scenario::{Budget, Mutant, Plot, Scenario, Suspect};
pub use world::World;
