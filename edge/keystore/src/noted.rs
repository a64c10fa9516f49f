//! The end of an audit noted elsewhere: an end that was cut off is found by it.

use crate::audit::{AuditError, entries};
use crate::{StoreError, files};
use std::path::Path;

/// Notes the last entry, as [`crate::Store::audit_mark`] writes it, in a file that is no part of the store. Durable
/// when it returns.
///
/// # Errors
/// [`StoreError`].
pub fn note_end(file: &Path, mark: &str) -> Result<(), StoreError> {
    let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    files::replace(directory, file, format!("{mark}\n").as_bytes())
}

/// Compares the audit of a directory with what was noted of it. Nothing noted proves nothing. Cost: one reading of the
/// audit.
///
/// # Errors
/// [`StoreError::Audit`] where the entry that was noted is not there, or is another.
pub fn compare_end(directory: &Path, file: &Path) -> Result<(), StoreError> {
    let Some(text) = files::read(file)? else { return Ok(()) };
    let said = || StoreError::Unreadable { path: file.into(), said: "it is no NUMBER:DIGEST".into() };
    let text = std::str::from_utf8(&text).map_err(|_| said())?;
    let (number, digest) = text.trim_end().split_once(':').ok_or_else(said)?;
    let expected: u64 = number.parse().map_err(|_| said())?;
    let (mut found, mut is_there) = (0, expected == 0);
    entries(directory, |line| {
        found = line.number;
        is_there |= line.number == expected && line.digest == digest;
    })?;
    let path = directory.join("audit.log");
    match (is_there, found < expected) {
        (true, _) => Ok(()),
        (false, true) => Err(AuditError::Cut { path, found, expected }.into()),
        (false, false) => Err(AuditError::MadeAnew { path, number: expected }.into()),
    }
}
