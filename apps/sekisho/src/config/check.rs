//! What several tables are checked for.

use terms::limits;

pub(super) fn check_names(what: &str, names: &[&str], wrong: &mut Vec<String>) {
    for (at, name) in names.iter().enumerate() {
        check_name_fits(what, name, wrong);
        if names[..at].contains(name) {
            wrong.push(format!("{what} `{name}` is there twice"));
        }
    }
}

pub(super) fn check_name_fits(what: &str, name: &str, wrong: &mut Vec<String>) {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if name.is_empty() || name.len() > 24 || !name.bytes().all(legal) {
        wrong.push(format!("{what} `{name}`: a name is 1 to 24 letters, digits, `-`, `_` and `.`"));
    }
}

pub(super) fn check_known(at: &str, key: &str, name: &str, known: &[&str], wrong: &mut Vec<String>) {
    if !known.contains(&name) {
        let hint = dialects::did_you_mean(name, known.iter().copied());
        wrong.push(format!("{at}: {key} `{name}` is not known{hint}"));
    }
}

pub(super) fn check_body_bytes(at: &str, bytes: usize, wrong: &mut Vec<String>) {
    if !(64..=limits::BODY_BYTES_MAX).contains(&bytes) {
        wrong.push(format!("{at}: body_bytes_max is {bytes}, not between 64 and {}", limits::BODY_BYTES_MAX));
    }
}

pub(super) const fn default_body_bytes_max() -> usize {
    limits::BODY_BYTES_MAX
}
