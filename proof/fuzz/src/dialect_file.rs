//! Dialect files: any text is loaded or refused with findings, and what is loaded reads any message without
//! panicking.

use crate::messages::{golden, shipped, today};
use dialects::{Dialect, Severity};
use std::sync::LazyLock;

static MESSAGES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| shipped().iter().flat_map(golden).collect());

/// The bytes as a dialect file.
pub fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let has_errors = Dialect::check(&text).iter().any(|finding| finding.severity == Severity::Error);
    match Dialect::load(&text) {
        Ok(dialect) => {
            assert!(!has_errors, "it loads, with errors");
            for message in MESSAGES.iter().step_by(5) {
                if let Ok(txn) = dialect.read(message, today()) {
                    drop(format!("{txn:?}"));
                }
            }
        }
        Err(findings) => {
            assert!(has_errors && !findings.is_empty(), "it does not load, and nobody says why");
            drop(findings.iter().map(ToString::to_string).collect::<Vec<_>>());
        }
    }
}

/// The shipped files.
pub fn seeds() -> Vec<Vec<u8>> {
    Dialect::shipped().iter().map(|(_, text)| text.as_bytes().to_vec()).collect()
}
