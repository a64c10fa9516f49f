//! Who is at the keyboard. The system says it: whoever logged in, or where that is not kept the user this runs as, or
//! whoever became that user by `sudo`. Whoever can be root can be anybody.

use crate::commands::link::door::Failure;
use crate::exit;
use keystore::{Asked, ask_for};
use std::path::Path;
use terms::Timestamp;

/// What the kernel keeps of a login that nobody made.
const NO_LOGIN: u32 = u32::MAX;

/// The person's name on this system. Two names of one user are one person: it is the first name of that user.
///
/// # Errors
/// Where whoever logged in is another than `sudo` says: one of the two was made up.
pub(crate) fn person() -> Result<String, Failure> {
    let login = std::fs::read_to_string("/proc/self/loginuid").ok();
    let login = login.and_then(|text| text.trim().parse().ok()).filter(|&uid| uid != NO_LOGIN);
    let said = |name: &str| std::env::var(name).ok().filter(|said| !said.is_empty());
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let running = rustix::process::getuid().as_raw();
    who(&users, login, (said("SUDO_USER"), said("SUDO_UID")), running).map_err(|said| Failure::Said {
        code: "KEY2016-E",
        said,
        state: "nothing was changed".into(),
        next: "log in as yourself, then type the same again".into(),
        exit: exit::REFUSED,
    })
}

/// `login`: who logged in; `sudo`: name and number `sudo` tells; `running`: who this runs as.
fn who(
    users: &str,
    login: Option<u32>,
    sudo: (Option<String>, Option<String>),
    running: u32,
) -> Result<String, String> {
    let (name, number) = sudo;
    let by_name = name.as_deref().and_then(|name| uid_of(users, name));
    let by_number = number.and_then(|number| number.parse::<u32>().ok());
    let told = by_number.or(by_name);
    let behind_sudo = name.is_some() || by_number.is_some();
    if by_name.zip(by_number).is_some_and(|(one, other)| one != other) {
        return Err("SUDO_USER and SUDO_UID are two people: one of them was made up".into());
    }
    match login {
        Some(login) if behind_sudo && told != Some(login) => {
            let name = name.unwrap_or_default();
            Err(format!("{} logged in, and SUDO_USER says {name:?}", name_of(users, login)))
        }
        Some(login) => Ok(name_of(users, login)),
        // A user this machine has no list of is known by the name sudo told.
        None => Ok(match (told, name) {
            (Some(told), _) => name_of(users, told),
            (None, Some(name)) => name,
            (None, None) => name_of(users, running),
        }),
    }
}

fn rows(users: &str) -> impl Iterator<Item = (&str, u32)> {
    users.lines().filter_map(|row| {
        let mut fields = row.split(':');
        Some((fields.next()?, fields.nth(1)?.parse().ok()?))
    })
}

fn uid_of(users: &str, name: &str) -> Option<u32> {
    rows(users).find(|(found, _)| *found == name).map(|(_, uid)| uid)
}

/// The first name of a user.
pub(crate) fn name_of(users: &str, uid: u32) -> String {
    rows(users).find(|(_, found)| *found == uid).map_or_else(|| format!("uid-{uid}"), |(name, _)| name.into())
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
        exit: exit::NOT_ALLOWED,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const USERS: &str = "root:x:0:0::/root:/bin/sh\nmori:x:1001:1::/:/bin/sh\nmori2:x:1001:1::/:/bin/sh\n\
                         sato:x:1002:1::/:/bin/sh\nsekisho:x:900:1::/:/bin/sh\n";

    #[test]
    #[rustfmt::skip]
    fn a_person_is_whoever_logged_in_and_not_what_the_environment_says() {
        let table = [
            // logged in   SUDO_USER      SUDO_UID       runs as  who
            (Some(1001),   None,          None,          1001,    Some("mori")),
            (Some(1001),   Some("mori"),  Some("1001"),  900,     Some("mori")),
            (Some(1001),   Some("mori2"), Some("1001"),  900,     Some("mori")),
            (Some(1001),   Some("sato"),  Some("1002"),  900,     None),
            (Some(1001),   Some("sato"),  None,          900,     None),
            (Some(1001),   Some("sato"),  Some("1001"),  900,     None),
            (Some(1001),   Some("ghost"), None,          900,     None),
            (Some(1001),   None,          None,          900,     Some("mori")),
            (Some(7777),   None,          None,          900,     Some("uid-7777")),
            (None,         None,          None,          900,     Some("sekisho")),
            (None,         Some("sato"),  Some("1002"),  900,     Some("sato")),
            (None,         Some("mori2"), None,          900,     Some("mori")),
            (None,         Some("sato"),  Some("1001"),  900,     None),
            (None,         Some("ghost"), None,          900,     Some("ghost")),
            (None,         Some("ghost"), Some("5555"),  900,     Some("uid-5555")),
        ];
        for (login, name, number, running, expected) in table {
            let found = who(USERS, login, (name.map(Into::into), number.map(Into::into)), running);
            assert_eq!(found.ok().as_deref(), expected, "{login:?} {name:?} {number:?} {running}");
        }
    }
}
