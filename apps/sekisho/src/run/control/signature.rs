//! Who gives an order, and why.

use super::no;
use crate::run::api::callers::Caller;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use switch::Ended;
use terms::Text;

/// Why an order is nobody's.
pub(super) enum Unsigned {
    /// What is missing in the body, or wrong with it.
    Body(String),
    /// It bears another name than the key it came with.
    Foreign(String),
}

impl From<String> for Unsigned {
    fn from(said: String) -> Self {
        Self::Body(said)
    }
}

impl IntoResponse for Unsigned {
    fn into_response(self) -> Response {
        match self {
            Self::Body(said) => no(StatusCode::BAD_REQUEST, "not_signed", said),
            Self::Foreign(said) => no(StatusCode::FORBIDDEN, "not_the_keys_name", said),
        }
    }
}

/// Who and why, and how it ended where that is said; or what is wrong with them. Nothing is cut off: it stands in the
/// journal for ever.
pub(super) fn signed(caller: &Caller, body: &[u8]) -> Result<(Text<24>, Text<64>, Option<Ended>), Unsigned> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Asked {
        by: Option<String>,
        reason: String,
        ended: Option<String>,
    }
    let asked: Asked = serde_json::from_slice(body)
        .map_err(|error| format!("the body is not {{\"by\":...,\"reason\":...}}: {error}"))?;
    let ended = asked.ended.map(|name| {
        let known = Ended::ALL.into_iter().find(|ended| ended.name() == name);
        known.ok_or_else(|| format!("\"ended\" is done or undone, not {name:?}"))
    });
    Ok((ordered_by(caller, asked.by.as_deref())?, said("reason", &asked.reason)?, ended.transpose()?))
}

/// Who gives an order that needs no reason, or what is wrong with that.
pub(super) fn signed_by(caller: &Caller, body: &[u8]) -> Result<Text<24>, Unsigned> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct By {
        by: Option<String>,
    }
    let asked: By =
        serde_json::from_slice(body).map_err(|error| format!("the body is not {{\"by\":...}}: {error}"))?;
    ordered_by(caller, asked.by.as_deref())
}

/// The name an order is given under: on this machine the one that is said; with a key the key's own and no other, so
/// that it need not be said.
pub(super) fn ordered_by(caller: &Caller, by: Option<&str>) -> Result<Text<24>, Unsigned> {
    match (caller.is_local(), by) {
        (true, None) => Err(Unsigned::Body("the body has no `by`: who orders it?".into())),
        (false, Some(by)) if by.trim() != caller.name => {
            let said = format!("`by` is `{}`, and the key is `{}`'s", by.escape_debug(), caller.name);
            Err(Unsigned::Foreign(said))
        }
        (true, Some(by)) => Ok(said("by", by)?),
        (false, _) => Ok(said("by", &caller.name)?),
    }
}

fn said<const N: usize>(what: &str, text: &str) -> Result<Text<N>, String> {
    let text = text.trim();
    if text.is_empty() || text.chars().any(char::is_control) {
        return Err(format!("`{what}` is empty or has control characters in it"));
    }
    Text::new(text.as_bytes()).ok_or_else(|| format!("`{what}` is longer than {N} bytes"))
}
