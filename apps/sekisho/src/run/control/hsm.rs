//! `/v1/hsm`: security modules shown, and tested.

use super::{Door, gone, no};
use crate::run::hsm::HsmCommand;
use crate::run::thread::Order;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};

/// Its places.
pub(super) fn router() -> Router<Door> {
    Router::new().route("/v1/hsm", get(list)).route("/v1/hsm/{name}/test", post(test))
}

async fn list(State(door): State<Door>) -> Response {
    match door.ask(|answer| Order::Hsm(HsmCommand::List { answer })).await {
        Some(list) => Json(list).into_response(),
        None => gone(),
    }
}

async fn test(State(door): State<Door>, Path(name): Path<String>) -> Response {
    let asked = name.clone();
    match door.ask(|answer| Order::Hsm(HsmCommand::Test { name: asked, answer })).await {
        Some(Some(test)) => Json(test).into_response(),
        Some(None) => {
            no(StatusCode::NOT_FOUND, "no_such_module", format!("no security module is called `{name}`"))
        }
        None => gone(),
    }
}
