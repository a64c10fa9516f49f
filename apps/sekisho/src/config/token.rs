//! `[[hsm]] kind = "pkcs11"`: a token behind a library.

use super::{Config, HsmToml, KindToml};
use pkcs11::TokenConfig;

impl HsmToml {
    /// Where the token is; `None` of every other module. `keys` is the directory of keys, which remembers a PIN that was
    /// refused.
    pub(crate) fn token_config(&self, keys: &std::path::Path) -> Option<TokenConfig> {
        (self.kind == KindToml::Pkcs11).then(|| TokenConfig {
            module: self.module.clone().unwrap_or_default(),
            label: self.token.clone(),
            serial: self.serial.clone(),
            pin_file: self.pin_file.clone().unwrap_or_default(),
            key: self.key_label.clone(),
            refused: Some(keys.join(format!("pin-refused.{}", self.name))),
        })
    }

    pub(super) const fn names_a_token(&self) -> bool {
        self.module.is_some() || self.token.is_some() || self.serial.is_some() || self.pin_file.is_some()
    }

    pub(super) fn complain_of_token(&self, at: &str, wrong: &mut Vec<String>) {
        let mut missing = |what: &str| wrong.push(format!("{at}: {what}"));
        match &self.module {
            None => missing("module is missing: the path of the token's library"),
            Some(path) if !path.is_absolute() => missing("module is the whole path of a library, from / on"),
            Some(_) => {}
        }
        if self.token.is_none() && self.serial.is_none() {
            missing("token is missing: the label of the token, or its serial number as serial");
        }
        if self.pin_file.is_none() {
            missing("pin_file is missing: a file with the token's PIN, mode 0600");
        }
        match &self.lmk_check {
            None => missing(
                "lmk_check is missing: the check value of its master key, as `sekisho hsm master` shows it",
            ),
            Some(check) if check.len() != 16 || !check.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
                missing("lmk_check has 16 hex digits");
            }
            Some(_) => {}
        }
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if !(1..=32).contains(&self.key_label.len()) || !self.key_label.bytes().all(legal) {
            missing("key_label is 1 to 32 letters, digits, `-`, `_`, `.`");
        }
        if self.address.is_some() || self.software.is_some() || self.lmk.is_some() || self.tls.is_some() {
            missing("a token has no address, software, lmk or tls");
        }
        if !(1..=64).contains(&self.connections) {
            missing("connections are 1 to 64: sessions with the token");
        }
        if !(10..=3_600_000).contains(&self.reconnect_ms) {
            missing("reconnect_ms is 10 to 3600000");
        }
    }
}

/// No token moves PINs: said before anybody enters one.
pub(super) fn complain(config: &Config, wrong: &mut Vec<String>) {
    let Some(token) = config.hsm.iter().find(|hsm| hsm.kind == KindToml::Pkcs11) else { return };
    let listeners = config.listener.iter().map(|one| ("listener", &one.name, &one.security));
    let links = config.link.iter().map(|one| ("link", &one.name, &one.security));
    for (what, name, security) in listeners.chain(links) {
        if security.as_ref().is_some_and(|security| security.pin_format.is_some()) {
            wrong.push(format!(
                "{what} `{name}`: security.pin_format needs a payment module, and hsm `{}` is a token: {}",
                token.name,
                hsm::ops::Fault::WouldShowPin
            ));
        }
    }
}
