//! Commands that are not simulators, one module each.

pub mod config;
pub mod dialect;
pub mod journal;
pub mod run;
pub mod tool;
