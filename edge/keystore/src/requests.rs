//! What one person has asked for and a second has not yet.

use crate::{StoreError, files};
use serde::{Deserialize, Serialize};
use std::path::Path;
use terms::Timestamp;

/// After so long a request is forgotten: whoever asked has gone home.
const VALID_MS: i64 = 3_600_000;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    what: String,
    by: String,
    reason: String,
    at_ms: i64,
}

/// What a request has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Nobody asked for it before; it waits for a second person.
    First,
    /// It waits for somebody else than the one who asked.
    StillFirst,
    /// Another person asked for the same, and why.
    Second {
        /// Who asked first.
        first: String,
        /// Why.
        reason: String,
    },
}

/// One person asks for something that takes two. The second of them is told who the first was, and the request is
/// gone.
///
/// # Errors
/// [`StoreError`].
pub fn ask_for(
    directory: &Path,
    what: &str,
    by: &str,
    reason: &str,
    now: Timestamp,
) -> Result<Asked, StoreError> {
    files::make_directory(directory)?;
    let _lock = files::lock(directory)?;
    let path = directory.join("requests.json");
    let mut waiting: Vec<Request> = match files::read(&path)? {
        Some(text) => serde_json::from_slice(&text).map_err(|_| StoreError::Unreadable {
            path: path.clone(),
            said: "it is no list of requests".into(),
        })?,
        None => Vec::new(),
    };
    let at_ms = now.as_unix_ms();
    waiting.retain(|request| (0..VALID_MS).contains(&(at_ms - request.at_ms)));
    let asked = match waiting.iter().position(|request| request.what == what) {
        None => {
            waiting.push(Request { what: what.into(), by: by.into(), reason: reason.into(), at_ms });
            Asked::First
        }
        Some(at) if waiting[at].by == by => Asked::StillFirst,
        Some(at) => {
            let Request { by, reason, .. } = waiting.remove(at);
            Asked::Second { first: by, reason }
        }
    };
    let text = serde_json::to_vec(&waiting).expect("texts and numbers");
    files::replace(directory, &path, &text)?;
    Ok(asked)
}
