//! How the messages of a key exchange carry their keys. Data only: whoever has a security module makes and takes them.

mod info;

pub use info::{KeyInfo, PinInfo};

use crate::{
    document::{Entry, Item, Node, Section},
    finding::Findings,
};
use alloc::{format, string::String, vec::Vec};
use terms::Noun;

/// What stands where in the element that carries keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRule {
    /// The noun the element is read into and written from.
    pub noun: Noun,
    /// Parts of a message with working keys, in their order.
    pub parts: Vec<KeyPart>,
    /// Parts of a message with a master key, where there is such a message.
    pub master: Vec<KeyPart>,
    /// Whether parts are bytes, and not hex characters.
    pub is_binary: bool,
    /// What the element `security_info` says of the key, where each message carries one.
    pub info: Option<KeyInfo>,
    /// Whether a message that carries a key for codes is authenticated by that key.
    pub by_new_key: bool,
}

/// One part of that element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyPart {
    /// What it is.
    pub what: KeyWhat,
    /// Its hex characters; of a part in bytes twice its bytes.
    pub characters: usize,
}

/// What a part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyWhat {
    /// A key for PINs, under the key that carries it.
    Pin,
    /// A key for authentication codes.
    Mac,
    /// A key that carries others.
    Master,
    /// A key for PINs or for codes: the element `security_info` says which.
    Said,
    /// The check value of the key before it.
    Check,
    /// Zeros.
    Zeros,
}

/// A key and its check value as they travel, in hex.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TravellingKey {
    /// What it is for.
    pub what: KeyWhat,
    /// The cryptogram.
    pub cryptogram: String,
    /// Its check value; empty where none travels with it.
    pub check: String,
}

const WHATS: [(&str, KeyWhat); 6] = [
    ("key", KeyWhat::Said),
    ("pin", KeyWhat::Pin),
    ("mac", KeyWhat::Mac),
    ("master", KeyWhat::Master),
    ("check", KeyWhat::Check),
    ("zeros", KeyWhat::Zeros),
];

impl KeyRule {
    pub(crate) fn read(entries: &[Entry], before: Option<Self>, findings: &mut Findings) -> Option<Self> {
        let mut section = Section::new("[key_exchange]", entries);
        let empty = || Self {
            noun: Noun::Reserved63,
            parts: Vec::new(),
            master: Vec::new(),
            is_binary: false,
            info: None,
            by_new_key: false,
        };
        let mut rule = before.unwrap_or_else(empty);
        if let Some((line, name)) = section.text("carried_in", findings) {
            match Noun::named(name) {
                Some(noun) => rule.noun = noun,
                None => findings.error(line, format!("`{name}` is no noun an element is read into")),
            }
        }
        if let Some((_, list)) = section.list("parts", findings) {
            rule.parts = parts(list, findings);
        }
        if let Some((_, list)) = section.list("master", findings) {
            rule.master = parts(list, findings);
        }
        if let Some(is_binary) = section.flag("binary", findings) {
            rule.is_binary = is_binary;
        }
        if let Some((_, entries)) = section.table("info", findings) {
            rule.info = KeyInfo::read(entries, rule.info.take(), findings);
        }
        match section.text("code_by", findings) {
            None => {}
            Some((_, "key_in_force")) => rule.by_new_key = false,
            Some((_, "new_key")) => rule.by_new_key = true,
            Some((line, _)) => findings.error(line, "`code_by` is \"key_in_force\" or \"new_key\""),
        }
        section.finish(findings);
        let said = rule.parts.iter().filter(|part| part.what == KeyWhat::Said).count();
        let named = rule.parts.iter().filter(|part| matches!(part.what, KeyWhat::Pin | KeyWhat::Mac)).count();
        match (&rule.info, said, named) {
            (Some(_), 1, 0) | (None, 0, _) => {}
            (Some(_), ..) => {
                findings.error(None, "[key_exchange] with `info` has one part `key`, and no `pin` or `mac`")
            }
            (None, ..) => {
                findings.error(None, "[key_exchange] a part `key` needs `info`, which says what it is")
            }
        }
        if rule.parts.is_empty() {
            findings.error(None, "[key_exchange] needs `parts`, such as [\"pin 32\", \"check 16\"]");
            return None;
        }
        Some(rule)
    }

    /// Keys that travel each in a message of its own, in the order they are exchanged; nothing where one message
    /// carries all of them.
    pub fn each_alone(&self) -> &'static [KeyWhat] {
        if self.info.is_some() { &[KeyWhat::Pin, KeyWhat::Mac] } else { &[] }
    }

    /// The rule of a message with that key alone, of the length its parts have.
    #[must_use]
    pub fn of(&self, what: KeyWhat) -> Self {
        let parts = self.parts.iter().map(|part| match part.what {
            KeyWhat::Said => KeyPart { what, ..*part },
            _ => *part,
        });
        Self { parts: parts.collect(), ..self.clone() }
    }

    /// What `security_info` says of such a message, as the noun travels: packed digits. `None` where it says nothing.
    pub fn info_of(&self, what: KeyWhat) -> Option<Vec<u8>> {
        let info = self.info.as_ref()?;
        let characters =
            self.parts.iter().find(|part| part.what == KeyWhat::Said).map(|part| part.characters)?;
        info.written(what, characters)
    }

    /// The rule of a message whose `security_info` says so; `None` where it says nothing this partner agreed on.
    #[must_use]
    pub fn said(&self, contents: Option<&[u8]>) -> Option<Self> {
        let Some(info) = &self.info else { return Some(self.clone()) };
        let (what, characters) = info.understood(contents?)?;
        let mut rule = self.of(what);
        for part in rule.parts.iter_mut().filter(|part| part.what == what) {
            part.characters = characters.unwrap_or(part.characters);
        }
        Some(rule)
    }

    /// Whether a message of it carries a key for codes.
    pub fn has_code_key(&self) -> bool {
        self.parts.iter().any(|part| part.what == KeyWhat::Mac)
    }

    /// The parts of a message with working keys, or with a master key.
    pub fn parts_of(&self, master: bool) -> &[KeyPart] {
        if master { &self.master } else { &self.parts }
    }

    /// The element's contents; `None` where the keys do not fit its parts.
    pub fn compose(&self, master: bool, keys: &[TravellingKey]) -> Option<Vec<u8>> {
        let mut text = String::new();
        let mut keys = keys.iter();
        let mut last: Option<&TravellingKey> = None;
        for part in self.parts_of(master) {
            let piece = match part.what {
                KeyWhat::Check => last?.check.get(..part.characters)?,
                KeyWhat::Zeros => {
                    text.extend(core::iter::repeat_n('0', part.characters));
                    continue;
                }
                what => {
                    last = keys.next().filter(|key| key.what == what);
                    last?.cryptogram.as_str()
                }
            };
            if piece.len() != part.characters {
                return None;
            }
            text.push_str(piece);
        }
        if keys.next().is_some() {
            return None;
        }
        if self.is_binary { unhexed(&text) } else { Some(text.into_bytes()) }
    }

    /// The keys in an element's contents; `None` where its length or its characters are not those of its parts.
    pub fn take_apart(&self, master: bool, contents: &[u8]) -> Option<Vec<TravellingKey>> {
        let text = if self.is_binary {
            contents.iter().map(|byte| format!("{byte:02X}")).collect()
        } else {
            String::from_utf8(contents.to_vec()).ok()?.trim_end().to_ascii_uppercase()
        };
        let parts = self.parts_of(master);
        let length: usize = parts.iter().map(|part| part.characters).sum();
        if parts.is_empty() || text.len() != length || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let mut keys: Vec<TravellingKey> = Vec::new();
        let mut at = 0;
        for part in parts {
            let piece = String::from(&text[at..at + part.characters]);
            at += part.characters;
            match part.what {
                KeyWhat::Zeros => {}
                KeyWhat::Check => keys.last_mut()?.check = piece,
                what => keys.push(TravellingKey { what, cryptogram: piece, check: String::new() }),
            }
        }
        Some(keys)
    }
}

fn parts(list: &[Node], findings: &mut Findings) -> Vec<KeyPart> {
    let part = |node: &Node| {
        let said = match &node.item {
            Item::Text(text) => text.split_once(' ').and_then(|(what, characters)| {
                let what = WHATS.iter().find(|(name, _)| *name == what)?.1;
                let characters =
                    characters.parse().ok().filter(|characters| (4..=256).contains(characters))?;
                Some(KeyPart { what, characters })
            }),
            _ => None,
        };
        if said.is_none_or(|part| part.characters % 2 == 1) {
            let words = "a part is `pin`, `mac`, `key`, `master`, `check` or `zeros` and an even number of hex characters";
            findings.error(node.line, words);
        }
        said
    };
    let parts: Vec<KeyPart> = list.iter().filter_map(part).collect();
    if let Some(at) = parts.iter().position(|part| part.what == KeyWhat::Check && part.characters < 6) {
        let words = "a check value of fewer than 6 hex characters is guessed: a key by it is anybody's";
        findings.error(list.get(at).map(|node| node.line), words);
    }
    if parts.first().is_some_and(|part| part.what == KeyWhat::Check) {
        findings.error(list[0].line, "a check value stands behind its key");
    }
    parts
}

fn unhexed(text: &str) -> Option<Vec<u8>> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn rule(is_binary: bool) -> KeyRule {
        let part = |what, characters| KeyPart { what, characters };
        let parts = vec![
            part(KeyWhat::Pin, 32),
            part(KeyWhat::Check, 8),
            part(KeyWhat::Mac, 16),
            part(KeyWhat::Zeros, 16),
            part(KeyWhat::Check, 8),
        ];
        let (noun, master) = (Noun::Reserved62, Vec::new());
        KeyRule { noun, parts, master, is_binary, info: None, by_new_key: false }
    }

    fn key(what: KeyWhat, characters: usize) -> TravellingKey {
        let cryptogram = (0..characters).map(|at| char::from(b"0123456789ABCDEF"[at % 16])).collect();
        TravellingKey { what, cryptogram, check: "A1B2C3D4".into() }
    }

    #[test]
    fn keys_that_are_composed_come_apart_again() {
        let keys = [key(KeyWhat::Pin, 32), key(KeyWhat::Mac, 16)];
        for (is_binary, length) in [(false, 80), (true, 40)] {
            let rule = rule(is_binary);
            let contents = rule.compose(false, &keys).expect("they fit");
            assert_eq!(contents.len(), length);
            assert_eq!(rule.take_apart(false, &contents).as_deref(), Some(&keys[..]));
            for cut in 0..contents.len() {
                assert_eq!(rule.take_apart(false, &contents[..cut]), None);
            }
        }
    }

    #[test]
    fn keys_that_do_not_fit_are_not_composed() {
        let rule = rule(false);
        let (pin, mac) = (key(KeyWhat::Pin, 32), key(KeyWhat::Mac, 16));
        for keys in [
            vec![],
            vec![pin.clone()],
            vec![mac.clone(), pin.clone()],
            vec![key(KeyWhat::Pin, 16), mac.clone()],
            vec![pin, mac.clone(), mac],
        ] {
            assert_eq!(rule.compose(false, &keys), None);
        }
        assert_eq!(rule.take_apart(true, b""), None, "it has no message with a master key");
    }
}
