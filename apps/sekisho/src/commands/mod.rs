//! Commands that are not simulators, one module each.

pub mod api;
pub mod audit;
pub mod ceremony;
pub mod check;
pub mod config;
pub(crate) mod control;
pub mod cutover;
pub mod dialect;
pub mod doctor;
pub(crate) mod door;
pub mod explain;
mod health;
pub mod hsm;
pub mod journal;
pub mod key;
pub mod link;
pub(crate) mod paper;
pub mod recon;
pub mod recovery;
pub mod run;
pub mod saf;
pub mod status;
pub mod stop;
pub(crate) mod table;
pub mod tool;
pub mod txn;
pub mod wait;
