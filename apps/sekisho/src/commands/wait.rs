//! `sekisho wait`: nothing, until something is in a state.

use super::control::Unreachable;
use super::door::{Door, Which};
use super::health::facts::Facts;
use super::link::door::{Failure, at, one, standing, unreachable};
use super::paper::Paper;
use crate::exit;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use switch::LinkState;

/// What to wait for.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Until a link is in a state (reads)
    #[command(
        after_help = "States: disconnected connected signing-on signed-on draining signing-off signed-off \
                            maintenance, and open (business passes).\nExit: 0 it is so · 2 no such state · 3 no \
                            switch answers · 5 no such link · 7 not in time"
    )]
    Link {
        /// The link (sekisho link ls)
        #[arg(value_name = "NAME")]
        name: String,
        /// The state to wait for
        #[arg(long = "for", value_name = "STATE", value_parser = state)]
        state: String,
        /// Which switch, and how long.
        #[command(flatten)]
        how: How,
    },
    /// Until a switch takes requests, or until it has ended (reads)
    #[command(after_help = "Exit: 0 it is so · 2 no such state · 7 not in time")]
    Switch {
        /// The state to wait for
        #[arg(long = "for", value_name = "STATE")]
        state: Switch,
        /// Which switch, and how long.
        #[command(flatten)]
        how: How,
    },
    /// Until every host was told what it is owed after an unclean stop (reads)
    #[command(after_help = "Exit: 0 it is so, or none was needed · 3 no switch answers · 7 not in time")]
    Recovery {
        /// Which switch, and how long.
        #[command(flatten)]
        how: How,
    },
    /// Until nothing is owed to a host any more (reads)
    #[command(after_help = "Exit: 0 it is so · 3 no switch answers · 5 no such link · 7 not in time")]
    Saf {
        /// Only this link; without it, all
        #[arg(value_name = "NAME")]
        name: Option<String>,
        /// Which switch, and how long.
        #[command(flatten)]
        how: How,
    },
    /// Until a host's business day is that day, or a later one (reads)
    #[command(after_help = "Exit: 0 it is so · 3 no switch answers · 5 no such link · 7 not in time")]
    Day {
        /// The link (sekisho link ls)
        #[arg(value_name = "NAME")]
        name: String,
        /// The day to wait for, as 2026-11-22
        #[arg(long = "for", value_name = "DATE", value_parser = day)]
        day: String,
        /// Which switch, and how long.
        #[command(flatten)]
        how: How,
    },
}

/// Which switch, and how long.
#[derive(Debug, clap::Args)]
pub struct How {
    #[command(flatten)]
    which: Which,
    /// Longest wait, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    timeout: u64,
}

/// What a switch can come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Switch {
    /// It answers and takes requests
    Running,
    /// Nobody answers
    Stopped,
}

/// How often the switch is asked.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// What was seen at a look.
enum Look {
    /// It is so; this is what is said of it.
    So(String),
    /// Not yet; this is how it stands, and what shows more of it.
    NotYet { state: String, next: String },
}

/// Waits.
pub fn run(command: Command) -> ExitCode {
    let done = match &command {
        Command::Link { name, state, how } => {
            wait(how, &format!("link \"{name}\" to be {state}"), |door| look_at_link(door, name, state))
        }
        Command::Switch { state, how } => wait(how, "the switch", |door| look_at_switch(door, *state)),
        Command::Recovery { how } => wait(how, "recovery to be done", look_at_recovery),
        Command::Saf { name, how } => {
            wait(how, "nothing to be owed", |door| look_at_saf(door, name.as_deref()))
        }
        Command::Day { name, day, how } => {
            wait(how, &format!("link \"{name}\" to have day {day}"), |door| look_at_day(door, name, day))
        }
    };
    done.unwrap_or_else(|failure| {
        eprintln!("{failure}");
        ExitCode::from(failure.exit_code())
    })
}

fn wait(how: &How, what: &str, look: impl Fn(&Door) -> Result<Look, Failure>) -> Result<ExitCode, Failure> {
    let door = how.which.door()?;
    let deadline = Instant::now() + Duration::from_secs(how.timeout);
    loop {
        match look(&door)? {
            Look::So(said) => {
                Paper::new().line(said);
                return Ok(ExitCode::SUCCESS);
            }
            Look::NotYet { state, next } if Instant::now() >= deadline => {
                return Err(Failure::Said {
                    code: "LNK2106-E",
                    said: format!("waited {} s for {what}", how.timeout),
                    state,
                    next: format!("{next}{}", at(&door)),
                    exit: exit::TIMED_OUT,
                });
            }
            Look::NotYet { .. } => std::thread::sleep(LOOK_EVERY),
        }
    }
}

fn look_at_link(door: &Door, name: &str, state: &str) -> Result<Look, Failure> {
    let link = one(door, name)?;
    Ok(match link.state == state || state == OPEN && link.open {
        true => Look::So(format!("link/{name} {}", link.state)),
        false => Look::NotYet { state: standing(&link), next: format!("sekisho link show {name}") },
    })
}

fn look_at_switch(door: &Door, state: Switch) -> Result<Look, Failure> {
    let not_yet = |state: String| Look::NotYet { state, next: "sekisho status".into() };
    Ok(match (Facts::of(door), state) {
        (Ok(facts), Switch::Running) if facts.status.state == "running" => Look::So("running".into()),
        (Err(Unreachable::Nobody { .. }), Switch::Stopped) => Look::So("stopped".into()),
        (Err(error), _) if error.is_for_good() => return Err(unreachable(door, error)),
        (Ok(facts), _) => not_yet(facts.status.state),
        (Err(error), _) => not_yet(error.to_string()),
    })
}

fn look_at_recovery(door: &Door) -> Result<Look, Failure> {
    let recovery = facts(door)?.recovery;
    Ok(match recovery.state.as_str() {
        "done" | "not_needed" => Look::So(format!("recovery {}", recovery.state.replace('_', " "))),
        "needed" => Look::NotYet {
            state: "it waits for a person to begin it".into(),
            next: "sekisho recovery --plan   sekisho recovery run".into(),
        },
        _ => Look::NotYet {
            state: format!("{} messages are left to be sent", recovery.left),
            next: "sekisho recovery".into(),
        },
    })
}

fn look_at_saf(door: &Door, name: Option<&str>) -> Result<Look, Failure> {
    let owed = match name {
        Some(name) => one(door, name)?.pending,
        None => facts(door)?.status.transactions.pending,
    };
    Ok(match owed {
        0 => Look::So("nothing is owed".into()),
        owed => Look::NotYet { state: format!("{owed} messages are owed"), next: "sekisho saf ls".into() },
    })
}

fn look_at_day(door: &Door, name: &str, day: &str) -> Result<Look, Failure> {
    let link = one(door, name)?;
    // Dates of one form: their order as texts is their order as days.
    Ok(match link.business_date {
        Some(date) if date.as_str() >= day => Look::So(format!("link/{name} {date}")),
        date => Look::NotYet {
            state: format!("its day is {}", date.unwrap_or_else(|| "not known".into())),
            next: "sekisho cutover status".into(),
        },
    })
}

fn facts(door: &Door) -> Result<Facts, Failure> {
    Facts::of(door).map_err(|error| unreachable(door, error))
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

fn day(text: &str) -> Result<String, String> {
    let digits = |part: Option<&str>, count| {
        part.is_some_and(|part| part.len() == count && part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let mut parts = text.split('-');
    match digits(parts.next(), 4)
        && digits(parts.next(), 2)
        && digits(parts.next(), 2)
        && parts.next().is_none()
    {
        true => Ok(text.into()),
        false => Err("a day is written as 2026-11-22".into()),
    }
}
