//! `/v1/recovery`: how recovery stands, and the order to begin it.

use super::signature::signed_by;
use super::{Door, gone, no};
use crate::run::api::callers::Caller;
use crate::run::recovery::{RecoveryJson, RecoveryOrder};
use crate::run::thread::Order;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};

/// Its places.
pub(super) fn router() -> Router<Door> {
    Router::new().route("/v1/recovery", get(show).post(begin))
}

async fn show(State(door): State<Door>) -> Response {
    match door.ask(|answer| Order::Recovery(RecoveryOrder::Show { answer })).await {
        Some(recovery) => Json(recovery).into_response(),
        None => gone(),
    }
}

async fn begin(State(door): State<Door>, caller: Caller, body: Bytes) -> Response {
    let by = match signed_by(&caller, &body) {
        Ok(by) => by,
        Err(unsigned) => return unsigned.into_response(),
    };
    let Some(before) = door.ask(|answer| Order::Recovery(RecoveryOrder::Begin { answer })).await else {
        return gone();
    };
    if before.state == "not_needed" {
        let said = "there is nothing to recover: the journal was closed in order".into();
        return no(StatusCode::CONFLICT, "not_needed", said);
    }
    tracing::warn!(by = by.as_str(), before = before.state, "recovery: order to begin");
    Json(RecoveryJson { state: if before.left == 0 { "done" } else { "running" }.into(), ..before })
        .into_response()
}
