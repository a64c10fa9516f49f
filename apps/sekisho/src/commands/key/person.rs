//! Who is at the keyboard. The system says it: the user this runs as, or whoever became that user by `sudo`. Whoever
//! can be root can be anybody.

use crate::commands::link::door::Failure;
use crate::exit;
use keystore::{Asked, ask_for};
use std::path::Path;
use terms::Timestamp;

/// The person's name on this system.
pub(crate) fn person() -> String {
    let uid = rustix::process::getuid().as_raw();
    let behind_sudo = std::env::var("SUDO_USER").ok().filter(|name| !name.is_empty());
    behind_sudo.or_else(|| named(uid)).unwrap_or_else(|| format!("uid-{uid}"))
}

fn named(uid: u32) -> Option<String> {
    let users = std::fs::read_to_string("/etc/passwd").ok()?;
    let mut rows = users.lines().map(|row| row.split(':').collect::<Vec<_>>());
    let row = rows.find(|row| row.get(2).and_then(|found| found.parse().ok()) == Some(uid))?;
    row.first().map(|name| (*name).to_string())
}

/// Lets something pass that takes two people. Gives the one who asked first.
pub(crate) fn second_of_two(
    directory: &Path,
    what: &str,
    by: &str,
    reason: &str,
    now: Timestamp,
) -> Result<String, Failure> {
    let asked = ask_for(directory, what, by, reason, now).map_err(super::of_store)?;
    let said = match asked {
        Asked::Second { first, .. } => return Ok(first),
        Asked::First => format!("{what} takes two people; {by} is the first"),
        Asked::StillFirst => format!("{what} takes two people, and {by} was the first already"),
    };
    Err(Failure::Said {
        code: "KEY2011-E",
        said,
        state: "nothing was changed; the request stands for an hour".into(),
        next: "another person types the same command".into(),
        exit: exit::NEEDS_APPROVAL,
    })
}
