//! Commands that are not simulators, one module each.

pub mod config;
pub(crate) mod control;
pub mod cutover;
pub mod dialect;
mod door;
pub mod explain;
pub mod journal;
pub mod link;
mod paper;
pub mod recon;
pub mod recovery;
pub mod run;
pub mod saf;
mod table;
pub mod tool;
pub mod txn;
pub mod wait;
