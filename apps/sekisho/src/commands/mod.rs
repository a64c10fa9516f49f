//! Commands that are not simulators, one module each.

pub mod config;
pub mod dialect;
pub mod journal;
mod paper;
pub mod run;
mod table;
pub mod tool;
