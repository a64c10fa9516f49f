//! The daemon: one lane on a thread of its own, its journal's sync thread beside it, and a page of figures.
//!
//! [`start`] gives a running switch to whoever wants one in this process: the `run` command, the demo, tests.

pub(crate) mod api;
pub(crate) mod control;
pub(crate) mod core;
pub(crate) mod days;
pub(crate) mod ending;
mod figures;
mod folded;
pub(crate) mod guard;
pub(crate) mod hsm;
pub(crate) mod http;
mod journaling;
mod keys;
pub(crate) mod links;
mod log_budget;
mod metrics;
mod opening;
mod options;
pub(crate) mod owed;
mod parties;
mod plan;
pub mod recovery;
pub(crate) mod refused;
mod rehearsal;
mod reload;
mod specimens;
pub mod status;
mod thread;
mod verifying;

pub(crate) use folded::Folded;
pub use opening::StartError;
pub use options::Options;
pub use plan::Plan;
pub(crate) use rehearsal::rehearse;
pub use status::Board;
pub use thread::{Order, Running, Stopped, start, start_on};
