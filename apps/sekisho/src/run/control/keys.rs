//! `/v1/keys/exchange`: exchanges of keys shown, and begun.

use super::signature::ordered_by;
use super::{Door, gone, no};
use crate::run::api::callers::Caller;
use crate::run::core::ExchangeOrder;
use crate::run::thread::Order;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use terms::LinkName;

/// Longest name of a person: what systems allow is half of it.
const NAME_MAX: usize = 64;
/// Longest reason, as `sekisho key` takes it.
const REASON_MAX: usize = 200;

/// Its places.
pub(super) fn router() -> Router<Door> {
    Router::new().route("/v1/keys/exchange/{link}", get(show).post(begin))
}

/// What stands in the body of an order.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    by: Option<String>,
    reason: String,
}

async fn show(State(door): State<Door>, Path(link): Path<String>) -> Response {
    let Some(name) = LinkName::new(link.as_bytes()) else { return none(&link) };
    match door.ask(|answer| Order::Exchange(ExchangeOrder::Show { name, answer })).await {
        Some(Some(shown)) => Json(shown).into_response(),
        Some(None) => none(&link),
        None => gone(),
    }
}

async fn begin(State(door): State<Door>, caller: Caller, Path(link): Path<String>, body: Bytes) -> Response {
    let Ok(Asked { by, reason }) = serde_json::from_slice(&body) else {
        let said = "the body is not {\"by\":...,\"reason\":...}".into();
        return no(StatusCode::BAD_REQUEST, "not_signed", said);
    };
    let by = match (caller.is_local(), by) {
        // Who is at a keyboard here may have a longer name than an order has room for.
        (true, Some(by)) => match person_of(&by) {
            Ok(by) => by,
            Err(said) => return no(StatusCode::BAD_REQUEST, "not_signed", said),
        },
        // In the audit of keys nobody's key is taken for a person of this machine.
        (false, by) => match ordered_by(&caller, by.as_deref()) {
            Ok(by) => format!("api-key/{}", by.as_str()),
            Err(unsigned) => return unsigned.into_response(),
        },
        (true, None) => {
            let said = "the body has no `by`: who orders it?".into();
            return no(StatusCode::BAD_REQUEST, "not_signed", said);
        }
    };
    let reason = match line_of("reason", &reason, REASON_MAX) {
        Ok(reason) => reason,
        Err(said) => return no(StatusCode::BAD_REQUEST, "not_signed", said),
    };
    let Some(name) = LinkName::new(link.as_bytes()) else { return none(&link) };
    tracing::warn!(link, by, reason, "keys: order to exchange");
    let order = |answer| Order::Exchange(ExchangeOrder::Begin { name, by, reason, answer });
    match door.ask(order).await {
        Some(Some(before)) => Json(before).into_response(),
        Some(None) => none(&link),
        None => gone(),
    }
}

/// A person of this machine. No user has a `/` in the name: none is taken for a key of a caller.
fn person_of(by: &str) -> Result<String, String> {
    let by = line_of("by", by, NAME_MAX)?;
    if by.contains('/') { Err("`by` has a `/` in it, and names no person".into()) } else { Ok(by) }
}

/// A line as it stands in the audit for ever: whole, and one line.
fn line_of(what: &str, text: &str, most: usize) -> Result<String, String> {
    let text = text.trim();
    match text {
        "" => Err(format!("`{what}` is empty")),
        _ if text.len() > most => Err(format!("`{what}` is longer than {most} bytes")),
        _ if text.chars().any(char::is_control) => Err(format!("`{what}` has control characters in it")),
        _ => Ok(text.into()),
    }
}

fn none(link: &str) -> Response {
    let said =
        format!("no keys are exchanged with `{link}`: [link.key_exchange], and a dialect that says how");
    no(StatusCode::NOT_FOUND, "no_exchange", said)
}
