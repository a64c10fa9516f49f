//! `sekisho wait`: nothing, until something is in a state.

use super::door::Which;
use super::link::door::{Failure, at, one, standing};
use super::paper::Paper;
use crate::exit;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use switch::LinkState;

/// What to wait for.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Until a link is in a state (reads)
    Link(LinkArgs),
}

/// Which link, and which state.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "States: disconnected connected signing-on signed-on draining signing-off signed-off \
                        maintenance, and open (business passes).\nExit: 0 it is so · 2 no such state · 3 no \
                        switch answers · 5 no such link · 7 not in time"
)]
pub struct LinkArgs {
    /// The link (sekisho link ls)
    #[arg(value_name = "NAME")]
    name: String,
    /// The state to wait for
    #[arg(long = "for", value_name = "STATE", value_parser = state)]
    state: String,
    #[command(flatten)]
    which: Which,
    /// Longest wait, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    timeout: u64,
}

/// How often the switch is asked.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Waits.
pub fn run(command: Command) -> ExitCode {
    let Command::Link(args) = command;
    for_link(&args).unwrap_or_else(|failure| {
        eprintln!("{failure}");
        ExitCode::from(failure.exit_code())
    })
}

fn for_link(args: &LinkArgs) -> Result<ExitCode, Failure> {
    let (door, name) = (args.which.door()?, &args.name);
    let deadline = Instant::now() + Duration::from_secs(args.timeout);
    loop {
        let link = one(&door, name)?;
        if link.state == args.state || args.state == OPEN && link.open {
            Paper::new().line(format_args!("link/{name} {}", link.state));
            return Ok(ExitCode::SUCCESS);
        }
        if Instant::now() >= deadline {
            return Err(Failure::Said {
                code: "LNK2106-E",
                said: format!("link \"{name}\" has not come to be {} in {} s", args.state, args.timeout),
                state: standing(&link),
                next: format!("sekisho link show {name}{}", at(&door)),
                exit: exit::TIMED_OUT,
            });
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Not a state, but what most who wait want to know.
const OPEN: &str = "open";

fn state(text: &str) -> Result<String, String> {
    let known = || LinkState::ALL.map(LinkState::name).into_iter().chain([OPEN]);
    match known().any(|name| name == text) {
        true => Ok(text.into()),
        false => Err(format!("no such state{}", dialects::did_you_mean(text, known()))),
    }
}
