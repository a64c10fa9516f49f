//! Sekisho, assembled: the rooms joined into one program. Wiring and nothing else.
//!
//! It is a library so that its parts (the daemon, the simulators, the demo) can be joined in one process and
//! in tests; the program is [`cli::Cli`].

pub mod cli;
pub mod commands;
pub mod config;
pub mod exit;
pub mod fx;
pub mod run;
pub mod sim;
