//! `[[hsm]]`, `[security]`, and what listeners and links say of PINs and authentication codes.

use super::TlsLinkToml;
use hsm::mac::{Algorithm, Padding};
use hsm::payshield::{HEADER_BYTES_MAX, Keeping, test_lmk};
use hsm::pin::Format;
use hsm::pool::Operations;
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::PathBuf;

/// `[[hsm]]`: one security module.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HsmToml {
    /// Its name, at most 24 characters.
    pub name: String,
    /// The built-in software module instead of a device: `store`, with the master key of the key store, or
    /// `public-test`, with a master key that everybody knows. Not a PCI HSM, and not for live PINs.
    pub software: Option<SoftwareToml>,
    /// Its family: `payshield`, or `pkcs11` for a token behind a library.
    #[serde(default)]
    pub kind: KindToml,
    /// Where it listens.
    pub address: Option<SocketAddr>,
    /// The library of a token, by its whole path.
    pub module: Option<PathBuf>,
    /// The label of the token.
    pub token: Option<String>,
    /// Its serial number, where labels do not tell tokens apart.
    pub serial: Option<String>,
    /// The file its PIN stands in, mode 0600.
    pub pin_file: Option<PathBuf>,
    /// What the labels of the master keys in it begin with.
    #[serde(default = "HsmToml::key_label")]
    pub key_label: String,
    /// Connections held to it, or sessions with it. 1..=64.
    #[serde(default = "HsmToml::connections")]
    pub connections: u16,
    /// Length of the header it is set to. 0..=255.
    #[serde(default = "HsmToml::header_bytes")]
    pub header_bytes: usize,
    /// How it keeps keys: `variants`, or the two digits of the master key its key blocks lie under.
    pub lmk: Option<String>,
    /// The check value it shows for that master key. Another one is refused.
    pub lmk_check: Option<String>,
    /// Whether terminal keys are made by HC and HA, as older devices do.
    #[serde(default)]
    pub older_terminal_keys: bool,
    /// Commands under way on one connection. 1..=256.
    #[serde(default = "HsmToml::in_flight_max")]
    pub in_flight_max: usize,
    /// What it may be asked; without it, all but `derive` and `random`.
    pub operations: Option<Vec<String>>,
    /// Time between two attempts to connect, and up to a fifth more or less.
    #[serde(default = "HsmToml::reconnect_ms")]
    pub reconnect_ms: u32,
    /// TLS 1.2 or later.
    pub tls: Option<TlsLinkToml>,
}

/// What family a module is of.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum KindToml {
    /// Spoken to over lines.
    #[default]
    Payshield,
    /// Called through a library.
    Pkcs11,
}

/// Which master key the software module has.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum SoftwareToml {
    /// That of the key store, made by a ceremony.
    Store,
    /// A public test key.
    PublicTest,
}

/// `[security]`: how security modules are asked.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SecurityToml {
    /// Silence after which a command is lost and its module suspect.
    pub command_timeout_ms: u32,
    /// After this a transaction is refused, however often its command was tried.
    pub give_up_ms: u32,
    /// Commands that may wait for a module.
    pub queue_max: usize,
    /// Commands that manage keys and may wait.
    pub key_queue_max: usize,
    /// Commands that manage keys under way on one module.
    pub key_commands_max: u32,
    /// How often a module is tested that is well.
    pub test_every_ms: u32,
    /// Faults in a row after which a module is dropped.
    pub faults_max: u32,
    /// How long it is let alone then, twice as long each time.
    pub back_off_ms: u32,
    /// And never longer.
    pub back_off_max_ms: u32,
    /// Take modules whose master key is a public test key. Everything under it is in clear.
    pub allow_test_lmk: bool,
}

/// `[listener.security]` and `[link.security]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GuardToml {
    /// Of a listener: whose keys. `terminal`: each terminal has its own (TAK, TPK); `listener`: one pair for all
    /// (ZAK, ZPK).
    pub keys: Option<KeysOfToml>,
    /// The algorithm of authentication codes, or `dialect` for the one its file names; without it there are none.
    pub mac: Option<String>,
    /// How data is filled up, where the algorithm leaves that open: method 1, 2 or 3 of ISO/IEC 9797-1.
    pub mac_padding: Option<u8>,
    /// The ISO 9564 format of PIN blocks: 0, 1, 3 or 4. Without it PIN blocks are passed on as they are, from a
    /// listener without to a link without; where one side has it and the other not, they are refused.
    pub pin_format: Option<u8>,
    /// Keys are given also to whoever asks by a message without an authentication code: anybody who can connect.
    #[serde(default)]
    pub unauthenticated_keys: bool,
}

/// Whose keys a listener's messages are under.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum KeysOfToml {
    /// Each terminal's own.
    Terminal,
    /// One pair for all that comes from there.
    Listener,
}

impl Default for SecurityToml {
    fn default() -> Self {
        let pool = hsm::pool::PoolConfig::default();
        Self {
            command_timeout_ms: pool.deadline_ms,
            give_up_ms: pool.give_up_ms,
            queue_max: pool.queue_max,
            key_queue_max: pool.key_queue_max,
            key_commands_max: pool.key_commands_max,
            test_every_ms: pool.test_every_ms,
            faults_max: pool.faults_max,
            back_off_ms: pool.back_off_ms,
            back_off_max_ms: pool.back_off_max_ms,
            allow_test_lmk: false,
        }
    }
}

impl SecurityToml {
    /// How a pool works by it.
    pub(crate) fn pool(&self) -> hsm::pool::PoolConfig {
        hsm::pool::PoolConfig {
            deadline_ms: self.command_timeout_ms,
            give_up_ms: self.give_up_ms,
            queue_max: self.queue_max,
            key_queue_max: self.key_queue_max,
            key_commands_max: self.key_commands_max,
            test_every_ms: self.test_every_ms,
            faults_max: self.faults_max,
            back_off_ms: self.back_off_ms,
            back_off_max_ms: self.back_off_max_ms,
        }
    }

    fn complain(&self, wrong: &mut Vec<String>) {
        let mut range = |name: &str, value: u64, low: u64, high: u64| {
            if !(low..=high).contains(&value) {
                wrong.push(format!("security.{name} is {value}, not between {low} and {high}"));
            }
        };
        range("command_timeout_ms", self.command_timeout_ms.into(), 10, 60_000);
        range("give_up_ms", self.give_up_ms.into(), self.command_timeout_ms.into(), 120_000);
        range("queue_max", self.queue_max as u64, 1, 65_536);
        range("key_queue_max", self.key_queue_max as u64, 1, 65_536);
        range("key_commands_max", self.key_commands_max.into(), 1, 256);
        range("test_every_ms", self.test_every_ms.into(), 100, 600_000);
        range("faults_max", self.faults_max.into(), 1, 1_000);
        range("back_off_ms", self.back_off_ms.into(), 10, 600_000);
        range("back_off_max_ms", self.back_off_max_ms.into(), self.back_off_ms.into(), 3_600_000);
    }
}

impl HsmToml {
    const fn connections() -> u16 {
        2
    }

    fn key_label() -> String {
        "sekisho".into()
    }

    const fn header_bytes() -> usize {
        4
    }

    const fn in_flight_max() -> usize {
        16
    }

    const fn reconnect_ms() -> u32 {
        1_000
    }

    /// How it keeps keys; `None` where the configuration does not say it rightly.
    pub(crate) fn keeping(&self) -> Option<Keeping> {
        match self.lmk.as_deref()? {
            "variants" => Some(Keeping::Variants),
            id => {
                let lmk: [u8; 2] = id.as_bytes().try_into().ok()?;
                lmk.iter().all(u8::is_ascii_digit).then_some(Keeping::Blocks { lmk })
            }
        }
    }

    /// What it may be asked.
    pub(crate) fn allowed(&self) -> Operations {
        let Some(names) = &self.operations else {
            let usual = Operations::names().iter().filter(|name| !matches!(**name, "derive" | "random"));
            return usual.fold(Operations::NONE, |all, name| all.and(name).unwrap_or(all));
        };
        names.iter().fold(Operations::NONE, |all, name| all.and(name).unwrap_or(all))
    }

    fn complain(&self, security: &SecurityToml, alone: bool, wrong: &mut Vec<String>) {
        let at = format!("hsm `{}`", self.name);
        if self.kind == KindToml::Pkcs11 {
            self.complain_of_token(&at, wrong);
        } else if self.names_a_token() {
            wrong.push(format!("{at}: module, token, serial and pin_file are for kind = \"pkcs11\""));
        }
        match (self.software, self.address) {
            _ if self.kind == KindToml::Pkcs11 => {}
            (Some(_), Some(_)) => wrong.push(format!("{at}: it is software or has an address, not both")),
            (None, None) => wrong.push(format!("{at}: it needs an address, or software = \"store\"")),
            (Some(_), None) if !alone => {
                wrong.push(format!("{at}: the software module stands alone: it answers at once, always"));
            }
            (Some(SoftwareToml::PublicTest), None) if !security.allow_test_lmk => {
                wrong.push(format!("{at}: its master key is public; allow_test_lmk in [security] takes it"));
            }
            (Some(_), None) => {}
            (None, Some(_)) => self.complain_of_device(&at, security, wrong),
        }
        for name in self.operations.iter().flatten() {
            if !Operations::names().contains(&name.as_str()) {
                let near = dialects::did_you_mean(name, Operations::names().iter().copied());
                wrong.push(format!("{at}: `{name}` is nothing a module may be asked{near}"));
            }
        }
    }

    fn complain_of_device(&self, at: &str, security: &SecurityToml, wrong: &mut Vec<String>) {
        if self.keeping().is_none() {
            wrong.push(format!("{at}: lmk is \"variants\", or the two digits of a master key"));
        }
        match &self.lmk_check {
            None => wrong.push(format!(
                "{at}: lmk_check is missing: the check value of its master key, as `sekisho hsm test` shows it"
            )),
            Some(check) if test_lmk::checks().contains(&check.to_uppercase()) && !security.allow_test_lmk => {
                wrong.push(format!(
                    "{at}: lmk_check is that of a public test key; allow_test_lmk in [security] takes it"
                ));
            }
            Some(check) if !(6..=16).contains(&check.len()) || !check.bytes().all(|b| b.is_ascii_hexdigit()) => {
                wrong.push(format!("{at}: lmk_check has 6 to 16 hex digits"));
            }
            Some(_) => {}
        }
        let mut range = |name: &str, value: usize, low: usize, high: usize| {
            if !(low..=high).contains(&value) {
                wrong.push(format!("{at}: {name} is {value}, not between {low} and {high}"));
            }
        };
        range("connections", self.connections.into(), 1, 64);
        range("header_bytes", self.header_bytes, 0, HEADER_BYTES_MAX);
        range("in_flight_max", self.in_flight_max, 1, 256);
        range("reconnect_ms", self.reconnect_ms as usize, 10, 3_600_000);
        let headers = 16_usize.pow(self.header_bytes.min(4) as u32);
        if self.header_bytes > 0 && self.in_flight_max > headers {
            wrong.push(format!(
                "{at}: in_flight_max is {}, and header_bytes = {} tells {headers} commands apart",
                self.in_flight_max, self.header_bytes
            ));
        }
    }
}

impl GuardToml {
    /// Whether it says anything at all.
    pub(crate) const fn guards(&self) -> bool {
        self.mac.is_some() || self.pin_format.is_some()
    }

    /// The algorithm, where there are codes. `of_dialect` is what the dialect's file names.
    pub(crate) fn algorithm(&self, of_dialect: Option<&str>) -> Option<Result<Algorithm, String>> {
        let name = match self.mac.as_deref()? {
            "dialect" => match of_dialect.filter(|name| !name.is_empty()) {
                Some(name) => name,
                None => return Some(Err("its dialect names no algorithm: state one".into())),
            },
            name => name,
        };
        let unknown =
            || format!("`{name}` is no algorithm{}", dialects::did_you_mean(name, Algorithm::names()));
        Some(Algorithm::named(name).ok_or_else(unknown))
    }

    /// How data is filled up.
    pub(crate) fn padding(&self) -> Padding {
        match self.mac_padding {
            Some(2) => Padding::Bit,
            Some(3) => Padding::Length,
            _ => Padding::Zeros,
        }
    }

    /// The format of PIN blocks.
    pub(crate) fn format(&self) -> Option<Format> {
        self.pin_format.and_then(Format::of_iso)
    }

    fn complain(&self, at: &str, is_listener: bool, has_modules: bool, wrong: &mut Vec<String>) {
        if !self.guards() {
            wrong.push(format!("{at}: security needs mac or pin_format, or it guards nothing"));
        } else if !has_modules {
            wrong.push(format!("{at}: security needs a module: there is no [[hsm]]"));
        }
        if is_listener && self.keys.is_none() {
            wrong.push(format!("{at}: security.keys is \"terminal\" or \"listener\": whose keys these are"));
        }
        if !is_listener && self.keys.is_some() {
            wrong.push(format!("{at}: security.keys is for listeners; a link has keys of its own"));
        }
        if self.pin_format.is_some_and(|format| !matches!(format, 0 | 1 | 3 | 4)) {
            wrong.push(format!("{at}: security.pin_format is 0, 1, 3 or 4"));
        }
        match (self.mac_padding, &self.mac) {
            (Some(_), None) => wrong.push(format!("{at}: security.mac_padding without mac")),
            (Some(method), Some(_)) if !(1..=3).contains(&method) => {
                wrong.push(format!("{at}: security.mac_padding is 1, 2 or 3"));
            }
            _ => {}
        }
    }
}

/// What is wrong with all of it.
pub(super) fn complain(config: &super::Config, wrong: &mut Vec<String>) {
    config.security.complain(wrong);
    for hsm in &config.hsm {
        hsm.complain(&config.security, config.hsm.len() == 1, wrong);
    }
    super::token::complain(config, wrong);
    let mut masters: Vec<_> = config.hsm.iter().map(|hsm| (hsm.kind, &hsm.lmk, &hsm.lmk_check)).collect();
    masters.dedup();
    if masters.len() > 1 {
        wrong.push("[[hsm]]: modules with different master keys; a key lies under one alone".into());
    }
    let has_modules = !config.hsm.is_empty();
    for listener in &config.listener {
        let at = format!("listener `{}`", listener.name);
        listener.security.iter().for_each(|guard| guard.complain(&at, true, has_modules, wrong));
    }
    for link in &config.link {
        let at = format!("link `{}`", link.name);
        link.security.iter().for_each(|guard| guard.complain(&at, false, has_modules, wrong));
    }
}
