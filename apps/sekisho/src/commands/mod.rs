//! Commands that are not simulators, one module each.

pub mod config;
mod control;
pub mod dialect;
pub mod explain;
pub mod journal;
mod paper;
pub mod recon;
pub mod run;
pub mod saf;
mod table;
pub mod tool;
pub mod txn;
