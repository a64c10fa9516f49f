//! Simulated terminals and hosts, load, the demo and the bench: the other ends of every line.

use std::process::ExitCode;

pub mod bench;
pub mod demo;
pub mod load;

/// What to simulate.
#[derive(Debug, clap::Subcommand)]
pub enum Command {}

/// Does it.
pub fn run(command: Command) -> ExitCode {
    match command {}
}
