//! Where keys lie, and who opens them.

use super::person::person;
use super::{of_module, of_store};
use crate::commands::journal::opened;
use crate::commands::journal::whereabouts::usual_config;
use crate::commands::link::door::Failure;
use crate::config::KeysToml;
use crate::exit;
use crate::run::guard::{KeyModule, KeyModulePlan};
use clock::Clock;
use hsm::check_value::CheckValue;
use keys::{Holding, Owner};
use keystore::{Act, MasterFile, Store};
use std::path::{Path, PathBuf};
use terms::Timestamp;
use zeroize::Zeroizing;

/// Which store of keys. Without any of these: the one `./sekisho.toml` names, or `./data/keys`.
#[derive(Debug, clap::Args)]
pub(crate) struct Place {
    /// Take the directory of keys from this configuration
    #[arg(long, value_name = "FILE", conflicts_with = "keys")]
    config: Option<PathBuf>,
    /// The directory of keys
    #[arg(long, value_name = "DIR")]
    keys: Option<PathBuf>,
}

/// Why it is done; stands in the audit for ever.
#[derive(Debug, clap::Args)]
pub(crate) struct Why {
    /// Why; stands in the audit
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub(crate) reason: String,
}

fn reason(text: &str) -> Result<String, String> {
    let text = text.trim();
    match text.is_empty() || text.len() > 200 || text.chars().any(char::is_control) {
        true => Err("a reason is 1 to 200 characters, none of them a control character".into()),
        false => Ok(text.into()),
    }
}

/// A store, the module its keys lie in, and who uses them.
pub(crate) struct Desk {
    pub(crate) store: Store,
    pub(crate) module: KeyModule,
    pub(crate) by: String,
    pub(crate) now: Timestamp,
    pub(crate) settings: KeysToml,
}

impl Place {
    /// The directory, and the settings about keys.
    pub(crate) fn directory(&self) -> Result<(PathBuf, KeysToml), Failure> {
        if let Some(keys) = &self.keys {
            return Ok((keys.clone(), KeysToml::default()));
        }
        let config = usual_config(self.config.as_deref())?;
        Ok(config.map_or_else(
            || (PathBuf::from("./data/keys"), KeysToml::default()),
            |config| (config.keys_directory(), config.keys.clone()),
        ))
    }

    /// Refuses an owner that the configuration does not have: a key for nobody is a slip of the hand. Of terminals it
    /// has no list, and `--keys` names no configuration.
    pub(crate) fn knows(&self, owner: &Owner) -> Result<(), Failure> {
        if self.keys.is_some() {
            return Ok(());
        }
        let Some(config) = usual_config(self.config.as_deref())? else { return Ok(()) };
        let links: Vec<&str> = config.link.iter().map(|link| link.name.as_str()).collect();
        let listeners: Vec<&str> = config.listener.iter().map(|listener| listener.name.as_str()).collect();
        let (name, known) = match owner {
            Owner::Link(name) => (name.to_string(), links),
            Owner::Listener(name) => (name.to_string(), listeners),
            Owner::Terminal(_) | Owner::House => return Ok(()),
        };
        if known.contains(&name.as_str()) {
            return Ok(());
        }
        let hint = dialects::did_you_mean(&name, known.iter().copied());
        Err(Failure::Said {
            code: "KEY2001-E",
            said: format!("{owner} is not in the configuration{hint}"),
            state: "nothing was changed".into(),
            next: match known.is_empty() {
                true => "sekisho config check".into(),
                false => format!("one of: {}", known.join(", ")),
            },
            exit: exit::NO_SUCH_THING,
        })
    }

    /// The devices of the configuration, and the check value of their master key; `None` where keys lie under the
    /// software module's.
    pub(crate) fn devices(&self) -> Result<Option<(KeyModulePlan, String)>, Failure> {
        if self.keys.is_some() {
            return Ok(None);
        }
        let config = usual_config(self.config.as_deref())?;
        Ok(config.and_then(|config| {
            let check = config.hsm.first().filter(|hsm| hsm.software.is_none())?.lmk_check.clone()?;
            Some((KeyModulePlan::of_devices(&config), check.to_uppercase()))
        }))
    }

    /// Whether these devices are tokens.
    pub(crate) fn has_tokens(&self) -> Result<bool, Failure> {
        Ok(matches!(self.devices()?, Some((KeyModulePlan::Tokens(..), _))))
    }

    /// Opens the store, and the module its keys lie under: the devices of the configuration, or the software module.
    pub(crate) fn desk(&self) -> Result<Desk, Failure> {
        let (directory, settings) = self.directory()?;
        let (plan, check) = match self.devices()? {
            Some(devices) => devices,
            None => {
                let master = MasterFile::read(&directory).map_err(of_store)?;
                let check = master.check();
                (KeyModulePlan::Software(master), check)
            }
        };
        let store = store(&directory, &check)?;
        let module = plan.make().map_err(of_module)?;
        Ok(Desk { store, module, by: person()?, now: now(), settings })
    }
}

/// The store of a directory whose master key has this check value.
pub(crate) fn store(directory: &Path, check: &str) -> Result<Store, Failure> {
    Store::open(directory, check, &*fresh()?).map_err(of_store)
}

/// Random bits of the system.
pub(crate) fn fresh<const N: usize>() -> Result<Zeroizing<[u8; N]>, Failure> {
    let mut bytes = Zeroizing::new([0; N]);
    clock::entropy(&mut *bytes).map_err(broken)?;
    Ok(bytes)
}

pub(crate) fn now() -> Timestamp {
    Clock::with_offset_s(0).now().wall
}

fn broken(error: impl ToString) -> Failure {
    Failure::Config(opened::Failure::Config { said: error.to_string() })
}

impl Desk {
    /// An act of whoever is at the keyboard.
    pub(crate) fn act(&self, act: &str, why: &Why) -> Act {
        Act { act: act.into(), by: self.by.clone(), second: String::new(), reason: why.reason.clone() }
    }

    pub(crate) fn holding(&mut self, owner: &Owner) -> Result<Holding, Failure> {
        self.store.holding(owner).map_err(of_store)
    }
}

/// A check value as people read it to each other: hex digits, with spaces or without.
pub(crate) fn check_value(text: &str) -> Result<CheckValue, String> {
    let digits: String = text.chars().filter(|digit| !digit.is_whitespace()).collect();
    let bytes = match digits.is_ascii() && digits.len().is_multiple_of(2) {
        true => {
            (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).ok()).collect()
        }
        false => None,
    };
    let told = bytes.filter(|bytes: &Vec<u8>| bytes.len() >= 3).and_then(|bytes| CheckValue::told(&bytes));
    told.ok_or_else(|| "a check value is 6 to 16 hex digits".into())
}

/// `link/NAME`, `listener/NAME`, `terminal/ID` or `house`.
pub(crate) fn owner(text: &str) -> Result<Owner, String> {
    Owner::parse(text).ok_or_else(|| "an owner is link/NAME, listener/NAME, terminal/ID or house".into())
}

/// Nothing there.
pub(crate) fn no_such_key(owner: &Owner, what: &str) -> Failure {
    Failure::Said {
        code: "KEY2001-E",
        said: format!("{owner} has no {what}"),
        state: "nothing was changed".into(),
        next: "sekisho key ls --all".into(),
        exit: exit::NO_SUCH_THING,
    }
}
