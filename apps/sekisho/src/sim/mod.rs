//! Simulated terminals, hosts and security modules, load, the demo and the bench: the other ends of every line.

use speech::SimError;
use std::io::Write;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};

mod atm_command;
pub mod bench;
pub mod books;
pub mod cash;
pub mod center;
pub mod customers;
pub mod demo;
pub mod host;
mod host_command;
pub mod hsm;
mod hsm_command;
pub mod journal_books;
pub mod keyring;
pub mod ledger;
pub mod load;
pub mod luck;
pub mod mishaps;
pub mod port;
pub mod process;
pub mod question;
mod relay;
pub mod rules;
pub mod secrets;
pub mod speech;
pub mod street;
pub mod terminal;

/// What to simulate.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Terminals: ask, wait, repeat, remember
    Atm(atm_command::Args),
    /// A host: answers by rules, with delays and faults as wanted
    Host(host_command::Args),
    /// A card centre: calls and is called back, signs on, changes the day, misbehaves by script
    Center(center::Args),
    /// A security module: speaks the payShield protocol, with test keys
    Hsm(hsm_command::Args),
    /// A bare relay, to measure a switch against
    #[command(hide = true)]
    Relay(relay::Args),
}

/// Does it.
pub fn run(command: Command) -> ExitCode {
    match command {
        Command::Atm(args) => atm_command::run(args),
        Command::Host(args) => host_command::run(args),
        Command::Center(args) => center::run(args),
        Command::Hsm(args) => hsm_command::run(args),
        Command::Relay(args) => relay::run(args),
    }
}

/// Returns when the process is told to stop: TERM, or INT as from Ctrl-C.
async fn stop_asked() -> Result<(), SimError> {
    let listen = |kind| signal(kind).map_err(SimError::system("cannot listen for signals"));
    let (mut term, mut int) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
    Ok(())
}

/// Says a line on standard output. Whoever listened may be gone (`| head`), which is no reason to stop.
fn say(line: impl std::fmt::Display) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

/// The exit code, or the reason there is none on standard error and 1.
fn told(result: Result<ExitCode, SimError>) -> ExitCode {
    result.unwrap_or_else(|error| {
        eprintln!("sekisho: {error}");
        ExitCode::from(crate::exit::NO)
    })
}
