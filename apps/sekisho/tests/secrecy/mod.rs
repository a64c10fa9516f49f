//! Looks for secrets in bytes, in every way this program or a library might have written them.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// Something nobody may find.
pub(crate) struct Secret {
    pub(crate) name: &'static str,
    pub(crate) bytes: Vec<u8>,
}

/// Digits of a card or of a track, or bytes of a key.
pub(crate) fn secret(name: &'static str, bytes: &[u8]) -> Secret {
    Secret { name, bytes: bytes.to_vec() }
}

/// Every way it may be written: as it is, in hex, in EBCDIC, and digits two to the byte.
pub(crate) fn forms(secret: &Secret) -> Vec<(&'static str, Vec<u8>)> {
    let bytes = &secret.bytes;
    let hex = |upper: bool| -> Vec<u8> {
        let digit = |nibble: u8| char::from_digit(nibble.into(), 16).expect("a nibble");
        let text: String = bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect();
        if upper { text.to_uppercase().into_bytes() } else { text.into_bytes() }
    };
    let mut forms = vec![("as it is", bytes.clone()), ("hex", hex(false)), ("hex in capitals", hex(true))];
    let mut backwards = bytes.clone();
    backwards.reverse();
    forms.push(("backwards", backwards));
    let nibble = |byte: &u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'=' | b'D' => Some(0xD),
        _ => None,
    };
    if let Some(nibbles) = bytes.iter().map(nibble).collect::<Option<Vec<u8>>>() {
        forms.push(("EBCDIC", bytes.iter().map(|byte| byte + (0xF0 - b'0')).collect()));
        // Both ways to pair them; the half byte at an end is anybody's.
        for (name, from) in [("packed", 0), ("packed the other way", 1)] {
            let pairs = nibbles[from..].as_chunks::<2>().0;
            forms.push((name, pairs.iter().map(|[high, low]| high << 4 | low).collect()));
        }
    }
    forms
}

/// All forms of many secrets, to be looked for at once.
pub(crate) struct Needles {
    /// By length: what it begins with, and what it is.
    by_length: BTreeMap<usize, Sort>,
}

struct Sort {
    begins: Vec<bool>,
    whole: HashMap<Vec<u8>, String>,
}

fn beginning(bytes: &[u8]) -> usize {
    usize::from(u16::from_be_bytes([bytes[0], bytes[1]]))
}

impl Needles {
    pub(crate) fn of(secrets: &[Secret]) -> Self {
        let mut by_length = BTreeMap::new();
        for secret in secrets {
            for (form, needle) in forms(secret) {
                // Half a row of zeros stands everywhere and says nothing.
                if needle.starts_with(&[0; 4]) {
                    continue;
                }
                let empty = || Sort { begins: vec![false; 1 << 16], whole: HashMap::new() };
                let sort = by_length.entry(needle.len()).or_insert_with(empty);
                sort.begins[beginning(&needle)] = true;
                sort.whole.insert(needle, format!("{}, {form}", secret.name));
            }
        }
        Self { by_length }
    }

    /// What stands in these bytes, each once, and where first.
    pub(crate) fn found(&self, haystack: &[u8]) -> BTreeMap<String, usize> {
        let mut found = BTreeMap::new();
        for (&length, sort) in &self.by_length {
            for (at, window) in haystack.windows(length).enumerate() {
                if sort.begins[beginning(window)]
                    && let Some(what) = sort.whole.get(window)
                {
                    found.entry(what.clone()).or_insert(at);
                }
            }
        }
        found
    }

    /// Every file below a directory, looked through.
    pub(crate) fn scan(&self, directory: &Path, may_hold: &dyn Fn(&Path, &str) -> bool) -> Vec<String> {
        let mut said = Vec::new();
        for entry in std::fs::read_dir(directory).expect("a directory") {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                said.extend(self.scan(&path, may_hold));
            } else if path.is_file() {
                let found = self.found(&std::fs::read(&path).expect("readable"));
                let found = found.into_iter().filter(|(what, _)| !may_hold(&path, what));
                said.extend(found.map(|(what, at)| format!("{what}, in {} at {at}", path.display())));
            }
        }
        said
    }
}
