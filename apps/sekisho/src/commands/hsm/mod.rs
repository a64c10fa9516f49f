//! `sekisho hsm`: security modules, how they are, and whether they do what they should.

mod list;
mod master;
mod test;

use crate::commands::door::Door;
use crate::commands::link::door::{Failure, unreachable};
use crate::run::hsm::HsmList;
use std::process::ExitCode;

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// All security modules: state, connections, commands (reads)
    Ls(list::Args),
    /// The same, and what was verified, made, moved and refused since the start (reads)
    Status(list::Args),
    /// Ask one for a diagnosis and for answers that are known, and time it (changes nothing)
    Test(test::Args),
    /// Draw master keys in a token, and show what to write into the configuration (changes)
    Master(master::Args),
}

/// Does it. Exit: 0 done and well, 1 a module is not well, 3 no switch answers, 5 no such module or token; of `master`
/// besides 6 refused, 73 the token failed, 78 what it was told is wrong.
pub fn run(command: Command) -> ExitCode {
    let done = match command {
        Command::Ls(args) => list::run(&args, false),
        Command::Status(args) => list::run(&args, true),
        Command::Test(args) => test::run(&args),
        Command::Master(args) => master::run(&args),
    };
    done.unwrap_or_else(|failure| {
        eprintln!("{failure}");
        ExitCode::from(failure.exit_code())
    })
}

/// Every module of a running switch.
fn all(door: &Door) -> Result<HsmList, Failure> {
    let reply = door.get("/v1/hsm").map_err(|error| unreachable(door, error))?;
    let strange = door.strange();
    serde_json::from_value(reply.body).map_err(|_| unreachable(door, strange))
}
