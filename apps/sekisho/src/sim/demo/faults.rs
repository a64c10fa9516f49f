//! What goes wrong in a demo, and when: `silent:CARDS@10s`.

use super::duration;
use super::security::MODULES;
use crate::sim::center;
use crate::sim::host::Trouble;
use crate::sim::rules::Manner;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// Something that goes wrong at some moment, or is put right again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What.
    pub deed: Deed,
    /// So long after the beginning.
    pub at: Duration,
}

/// What can be done to a demo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// This is wrong with that host from now on; with all where none is named.
    Host(Trouble, Option<String>),
    /// That terminal has too little cash from now on; all where none is named.
    CashOut(Option<usize>),
    /// The switch dies, as if its cord had been pulled, and is started again.
    SwitchKill,
    /// The card centre does this.
    Center(center::Deed),
    /// That security module is gone, from 1.
    HsmAway(usize),
    /// Hosts are well again and terminals have cash.
    Heal,
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (what, when) = text.rsplit_once('@').ok_or_else(|| format!("`{text}` does not say @WHEN"))?;
        Ok(Self { deed: what.parse()?, at: duration(when)? })
    }
}

impl FromStr for Deed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, argument) = match text.split_once(':') {
            Some((name, argument)) => (name, Some(argument)),
            None => (text, None),
        };
        let host = |trouble| Ok(Self::Host(trouble, argument.map(str::to_owned)));
        match name {
            "host-down" => host(Trouble::Down),
            "silent" => host(Trouble::Always(Manner::Silent)),
            "garbled" => host(Trouble::Always(Manner::Garbage)),
            "cut" => host(Trouble::Always(Manner::Cut)),
            "slow" => slow(argument.ok_or("slow by how much? Such as slow:3s")?),
            "cash-out" => Ok(Self::CashOut(argument.map(terminal_number).transpose()?)),
            "switch-kill" if argument.is_none() => Ok(Self::SwitchKill),
            "cutover" | "cutover-again" | "drop-one" | "drop-all" if argument.is_none() => {
                Ok(Self::Center(center::Deed::named(name).expect("one of the centre's")))
            }
            "hsm-away" => module_number(argument.unwrap_or("1")).map(Self::HsmAway),
            "heal" if argument.is_none() => Ok(Self::Heal),
            _ => Err(format!(
                "`{text}` is no fault: host-down, slow:3s, garbled, cut, silent (each of all hosts, or of one \
                 such as silent:CARDS), cash-out, cash-out:ATM00001, switch-kill, hsm-away, hsm-away:2, cutover, cutover-again, drop-one, \
                 drop-all (each of the card centre), heal"
            )),
        }
    }
}

impl fmt::Display for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(trouble, Some(name)) => write!(f, "{name} {trouble}"),
            Self::Host(trouble, None) => write!(f, "every host {trouble}"),
            Self::CashOut(Some(number)) => write!(f, "terminal {number} runs out of cash"),
            Self::CashOut(None) => f.write_str("every terminal runs out of cash"),
            Self::Center(deed) => write!(f, "the card centre: {}", deed.name()),
            Self::SwitchKill => f.write_str("the switch is killed and started again"),
            Self::HsmAway(number) => write!(f, "security module {number} is gone"),
            Self::Heal => f.write_str("hosts and security modules are well again, and terminals have cash"),
        }
    }
}

fn slow(argument: &str) -> Result<Deed, String> {
    let (by, host) = match argument.split_once(':') {
        Some((by, host)) => (by, Some(host.to_owned())),
        None => (argument, None),
    };
    Ok(Deed::Host(Trouble::Slow(duration(by)?), host))
}

fn module_number(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| (1..=MODULES).contains(number));
    number.ok_or_else(|| format!("`{text}` is no security module: 1 or 2"))
}

/// `ATM00003`, or 3.
fn terminal_number(text: &str) -> Result<usize, String> {
    let digits = text.strip_prefix("ATM").unwrap_or(text);
    digits.parse().map_err(|_| format!("`{text}` is no terminal such as ATM00001"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_written_as_names_with_a_moment() {
        let cards = Some("CARDS".to_owned());
        #[rustfmt::skip]
        let table = [
            ("host-down@5s",          Deed::Host(Trouble::Down, None),                                     5),
            ("slow:3s@1m",            Deed::Host(Trouble::Slow(Duration::from_secs(3)), None),            60),
            ("slow:3s:CARDS@1",       Deed::Host(Trouble::Slow(Duration::from_secs(3)), cards.clone()),    1),
            ("silent:CARDS@2s",       Deed::Host(Trouble::Always(Manner::Silent), cards),                  2),
            ("garbled@0",             Deed::Host(Trouble::Always(Manner::Garbage), None),                  0),
            ("cut@1",                 Deed::Host(Trouble::Always(Manner::Cut), None),                      1),
            ("cash-out@1",            Deed::CashOut(None),                                                 1),
            ("cash-out:ATM00003@1",   Deed::CashOut(Some(3)),                                              1),
            ("switch-kill@3s",      Deed::SwitchKill,                                                      3),
            ("hsm-away@1",            Deed::HsmAway(1),                                                    1),
            ("hsm-away:2@1",          Deed::HsmAway(2),                                                    1),
            ("heal@10s",              Deed::Heal,                                                         10),
            ("cutover@4s",            Deed::Center(center::Deed::Cutover),                                 4),
            ("drop-all@4s",           Deed::Center(center::Deed::DropAll),                                 4),
        ];
        for (text, deed, seconds) in table {
            assert_eq!(text.parse(), Ok(Fault { deed, at: Duration::from_secs(seconds) }), "{text}");
        }
        for text in [
            "silent",
            "hsm-away:3@1s",
            "slow@1s",
            "flood@1s",
            "heal:now@1s",
            "switch-kill:me@1s",
            "cash-out:x@1s",
            "cut@soon",
            "malformed@1s",
        ] {
            assert!(text.parse::<Fault>().is_err(), "{text}");
        }
    }
}
