//! `/v1/stop`: the order to end.

use super::signature::{Unsigned, ordered_by};
use super::{Door, gone, no};
use crate::run::api::callers::Caller;
use crate::run::ending::{End, EndOrder, StillSignedOn};
use crate::run::thread::Order;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

/// Its place.
pub(super) fn router() -> Router<Door> {
    Router::new().route("/v1/stop", post(stop))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    by: Option<String>,
    /// At once, without the clean mark.
    #[serde(default)]
    force: bool,
    /// Sign off first what is signed on.
    #[serde(default)]
    sign_off: bool,
    /// Not while applications have sessions open.
    #[serde(default)]
    unless_sessions: bool,
    /// The session of whoever orders it, which does not count.
    besides: Option<String>,
}

#[derive(Serialize)]
struct Stopping {
    object: &'static str,
    force: bool,
}

/// Refused: these links are signed on.
#[derive(Serialize)]
struct Refused {
    object: &'static str,
    code: &'static str,
    said: String,
    links: Vec<String>,
}

async fn stop(State(door): State<Door>, caller: Caller, body: Bytes) -> Response {
    let asked: Result<Asked, _> = serde_json::from_slice(&body);
    let asked = asked
        .map_err(|error| Unsigned::Body(format!("the body is not {{\"by\":...,\"force\":...}}: {error}")));
    let signed = |asked: Asked| Ok((ordered_by(&caller, asked.by.as_deref())?, how(&asked), asked));
    let (by, how, asked) = match asked.and_then(signed) {
        Ok(signed) => signed,
        Err(unsigned) => return unsigned.into_response(),
    };
    let own = asked.besides.as_deref();
    let sessions = if asked.unless_sessions { door.sessions.count_besides(None, own) } else { 0 };
    if sessions > 0 {
        let said = format!("{sessions} sessions of applications are open");
        return no(StatusCode::CONFLICT, "sessions_open", said);
    }
    match door.ask(|answer| Order::End(EndOrder { how, by, answer })).await {
        Some(Ok(())) => Json(Stopping { object: "stopping", force: how == End::AtOnce }).into_response(),
        Some(Err(StillSignedOn(links))) => {
            let said = format!("signed on: {}", links.join(", "));
            let body = Refused { object: "error", code: "not_signed_off", said, links };
            (StatusCode::CONFLICT, Json(body)).into_response()
        }
        None => gone(),
    }
}

const fn how(asked: &Asked) -> End {
    match (asked.force, asked.sign_off) {
        (true, _) => End::AtOnce,
        (false, true) => End::SigningOff,
        (false, false) => End::Orderly,
    }
}
