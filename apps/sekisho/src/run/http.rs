//! `GET /healthz /readyz /metrics /v1/status` on a local port. It answers from the [`Board`], so however often
//! it is asked, the lane does not notice.

use super::api::line::Lines;
use super::metrics;
use super::status::Board;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// Connections at a time, at most: a few monitors.
const LINES_MAX: usize = 256;
/// A connection on which nobody says anything for so long is closed.
const IDLE: Duration = Duration::from_secs(60);
/// A snapshot older than this means that the lane's thread does not move any more.
const STALE_MS: u64 = 2_000;

/// Serves until the task is dropped.
pub(crate) async fn serve(listener: TcpListener, board: Board) -> io::Result<()> {
    let app = Router::new()
        .route("/", get(index))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(figures))
        .route("/v1/status", get(status))
        .with_state(board);
    axum::serve(Lines::new(listener, LINES_MAX, IDLE, Arc::default()), app).await
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address} for HTTP: {source}")]
pub struct BindError {
    address: SocketAddr,
    pub(crate) source: io::Error,
}

/// Binds the address.
pub(crate) async fn bind(address: SocketAddr) -> Result<TcpListener, BindError> {
    TcpListener::bind(address).await.map_err(|source| BindError { address, source })
}

async fn index() -> &'static str {
    "sekisho\n\nGET /healthz    does the lane move?\nGET /readyz     could a transaction be taken?\n\
     GET /metrics    figures for Prometheus\nGET /v1/status  everything, as JSON\n"
}

async fn healthz(State(board): State<Board>) -> Response {
    match board.read() {
        Some((_, age_ms)) if age_ms <= STALE_MS => (StatusCode::OK, "ok\n").into_response(),
        Some((_, age_ms)) => {
            (StatusCode::SERVICE_UNAVAILABLE, format!("the lane has not moved for {age_ms} ms\n"))
                .into_response()
        }
        None => (StatusCode::SERVICE_UNAVAILABLE, "starting\n").into_response(),
    }
}

/// Each part of being ready, and whether it is.
#[derive(Serialize)]
struct Readiness {
    ready: bool,
    lane_moves: bool,
    taking_requests: bool,
    a_host_is_up: bool,
    /// Why no request is taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    takes_none_because: Option<&'static str>,
}

async fn readyz(State(board): State<Board>) -> Response {
    let readiness = match board.read() {
        None => Readiness {
            ready: false,
            lane_moves: false,
            taking_requests: false,
            a_host_is_up: false,
            takes_none_because: Some("starting"),
        },
        Some((status, age_ms)) => {
            let lane_moves = age_ms <= STALE_MS;
            let taking_requests = status.takes_requests;
            let a_host_is_up = status.links.iter().any(|link| link.open);
            let ready = lane_moves && taking_requests && a_host_is_up;
            let takes_none_because = status.takes_none_because;
            Readiness { ready, lane_moves, taking_requests, a_host_is_up, takes_none_because }
        }
    };
    let code = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, Json(readiness)).into_response()
}

async fn status(State(board): State<Board>) -> Response {
    match board.read() {
        Some((status, _)) => Json(status).into_response(),
        None => (StatusCode::SERVICE_UNAVAILABLE, "starting\n").into_response(),
    }
}

async fn figures(State(board): State<Board>) -> Response {
    let Some((status, _)) = board.read() else {
        return (StatusCode::SERVICE_UNAVAILABLE, "starting\n").into_response();
    };
    match metrics::as_text(status) {
        Ok(text) => ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
