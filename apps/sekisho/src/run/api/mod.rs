//! The door applications come in by: HTTP and JSON, one more source beside the listeners.
//!
//! ```text
//!  POST /v1/transactions ─▶ request ─▶ Order::Api ─▶ desk ─▶ lane ─▶ journal, host
//!           ▲                                         │
//!           └────────────── shown ◀── oneshot ◀── durable answer
//! ```
//! An application that goes away cancels nothing: what it submitted goes on, and is found under its key.

mod body;
pub(crate) mod callers;
mod currency;
mod description;
pub(crate) mod desk;
pub(crate) mod doors;
pub(crate) mod event;
pub(crate) mod events;
mod ids;
pub(crate) mod keys;
pub(crate) mod line;
pub(crate) mod news;
mod numbered;
pub(crate) mod orders;
mod pace;
pub(crate) mod problem;
mod request;
mod room;
mod session_pages;
pub(crate) mod sessions;
mod shown;
mod stream;
pub(crate) mod tcp;
mod transactions;

use super::status::Board;
use super::thread::Order;
use crate::config::ApiToml;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::routing::get;
use axum::{Json, Router};
use callers::Caller;
use doors::Doors;
use events::Bulletin;
use line::LineCounts;
use orders::ApiOrder;
use pace::Pace;
use problem::{Problem, Wrong};
use room::{ReaderRoom, ReadingRoom};
use sessions::Sessions;
use std::sync::Arc;
use std::time::Duration;
use stream::ReaderCounts;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc::UnboundedSender};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Bytes of a body. The longest message of any dialect is a fraction of it.
const BODY_BYTES_MAX: usize = 64 * 1_024;
/// Seconds nobody says anything on a connection before it is closed; longer than any answer takes.
const IDLE_S: u64 = 120;
/// Readers of events at once. Each costs a connection and about 20 KB.
const READERS_MAX: usize = 10_000;
/// Of these, one key's at most: nobody leaves none for the others.
const READERS_OF_ONE_MAX: usize = 5_000;

/// What every answer is made from.
#[derive(Clone)]
pub(crate) struct Api {
    board: Board,
    orders: UnboundedSender<Order>,
    pub(crate) sessions: Sessions,
    bulletin: Bulletin,
    readers: Arc<ReaderCounts>,
    reading: ReadingRoom,
    waiting: Arc<Semaphore>,
    answer_timeout_ms: u32,
    waiting_max: u32,
    pub(crate) connections_max: usize,
    pub(crate) lines: Arc<LineCounts>,
    pace: Arc<Pace>,
}

impl Api {
    /// For a switch with these settings; without any, applications may look and listen and no more.
    pub(crate) fn new(
        settings: Option<&ApiToml>,
        board: Board,
        orders: UnboundedSender<Order>,
        doors: Doors,
    ) -> Self {
        let Doors { sessions, bulletin, lines, readers } = doors;
        let waiting_max = settings.map_or(1, |settings| settings.waiting_max);
        Self {
            board,
            orders,
            sessions,
            bulletin,
            readers,
            reading: ReadingRoom::new(READERS_MAX, READERS_OF_ONE_MAX),
            waiting: Arc::new(Semaphore::new(waiting_max as usize)),
            answer_timeout_ms: settings.map_or(90_000, |settings| settings.answer_timeout_ms),
            waiting_max,
            connections_max: settings.map_or(ApiToml::connections_max(), |settings| settings.connections_max)
                as usize,
            lines,
            pace: Arc::new(Pace::new(settings.map_or(0, |settings| settings.requests_per_s_max))),
        }
    }

    /// What wakes the readers of events; runs as long as they do.
    pub(crate) fn ringing(&self) -> impl Future<Output = ()> + use<> {
        self.bulletin.clone().ring_out()
    }

    /// How long nobody may say anything on a connection.
    pub(crate) fn idle(&self) -> Duration {
        Duration::from_secs(IDLE_S) + self.answer_timeout()
    }

    /// Waits until every submission is answered, where the switch has ended: for the last ones on their way out.
    pub(crate) async fn settled(&self) {
        let deadline = tokio::time::Instant::now() + Duration::from_millis(500);
        while self.waiting.available_permits() < self.waiting_max as usize
            && tokio::time::Instant::now() < deadline
        {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        // Answered is not yet written: one turn of the loop is.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    fn tell(&self, order: ApiOrder) -> Result<(), Problem> {
        self.orders.send(Order::Api(order)).map_err(|_| Wrong::Stopping.plain())
    }

    fn room_to_wait(&self) -> Option<OwnedSemaphorePermit> {
        self.waiting.clone().try_acquire_owned().ok()
    }

    fn room_for_reader(&self, caller: &Caller) -> Option<ReaderRoom> {
        self.reading.enter(caller)
    }

    fn answer_timeout(&self) -> Duration {
        Duration::from_millis(self.answer_timeout_ms.into())
    }

    fn has_link(&self, name: &str) -> bool {
        let status = self.board.read();
        status.is_some_and(|(status, _)| status.links.iter().any(|link| link.name == name))
    }
}

/// Whether a place is for applications too; everything else is for operators.
fn is_for_applications(path: &str) -> bool {
    ["/v1/sessions", "/v1/transactions", "/v1/stream", "/openapi.json"]
        .iter()
        .any(|front| path.strip_prefix(front).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

/// Its places, and the description of them: what is served is described, because both are said once.
fn described() -> OpenApiRouter<Api> {
    OpenApiRouter::with_openapi(description::front())
        .routes(routes!(session_pages::open, session_pages::list))
        .routes(routes!(session_pages::show, session_pages::close))
        .routes(routes!(session_pages::events))
        .routes(routes!(transactions::submit, transactions::find))
        .routes(routes!(transactions::show))
        .routes(routes!(transactions::reverse))
        .routes(routes!(stream::all))
}

/// Its places.
pub(crate) fn router(api: Api) -> Router {
    let (places, description) = described().split_for_parts();
    places
        .route("/openapi.json", get(|| async { Json(description) }))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(middleware::from_fn_with_state(api.clone(), pace::paced))
        .layer(middleware::from_fn(numbered::numbered))
        .with_state(api)
}
