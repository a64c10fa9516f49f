//! The local control socket: HTTP on a Unix socket, for orders to a running switch. Whoever may write to the
//! socket may give them; the file's mode and group say who that is.

use super::api::callers::Caller;
use super::api::line::Lines;
use super::api::sessions::Sessions;
use super::api::{self, Api};
use super::owed::{OwedJson, OwedOrder, Ruled};
use super::status::Board;
use super::thread::Order;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use journal::Ruling;
use serde::Serialize;
use signature::signed;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener as Listening, UnixStream};
use std::path::{Path as FilePath, PathBuf};
use switch::CannotRule;
use terms::ForwardId;
use tokio::net::UnixListener;
use tokio::sync::{mpsc::UnboundedSender, oneshot};

mod days;
mod hsm;
mod keys;
mod links;
mod recovery;
mod signature;
mod stop;

/// Owed messages in one answer, at most: the lane stands still while it looks them up.
const LIST_MAX: usize = 1_000;
/// For whoever owns it and its group.
const MODE: u32 = 0o660;

/// Why there is no control socket.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BindError {
    #[error("another process answers on the control socket {}; name another one in [control]", .0.display())]
    Alive(PathBuf),
    #[error("{} is no socket; name another one in [control]", .0.display())]
    Other(PathBuf),
    #[error("cannot make the control socket {}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
}

/// Makes the socket. What a dead process left there is replaced, a live one's is not.
pub(crate) fn bind(path: &FilePath) -> Result<UnixListener, BindError> {
    let failed = |source| BindError::Io { path: path.to_owned(), source };
    let listening = match Listening::bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            clear_away(path)?;
            Listening::bind(path)
        }
        bound => bound,
    };
    let listening = listening.map_err(failed)?;
    fs::set_permissions(path, Permissions::from_mode(MODE)).map_err(failed)?;
    listening.set_nonblocking(true).map_err(failed)?;
    UnixListener::from_std(listening).map_err(failed)
}

fn clear_away(path: &FilePath) -> Result<(), BindError> {
    let failed = |source| BindError::Io { path: path.to_owned(), source };
    if !fs::symlink_metadata(path).map_err(failed)?.file_type().is_socket() {
        return Err(BindError::Other(path.to_owned()));
    }
    match UnixStream::connect(path) {
        Ok(_) => Err(BindError::Alive(path.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(failed)
        }
        Err(error) => Err(failed(error)),
    }
}

/// Serves until the task is dropped.
pub(crate) async fn serve(listener: UnixListener, app: Router, api: Api) -> io::Result<()> {
    axum::serve(Lines::new(listener, api.connections_max, api.idle(), api.lines), app).await
}

/// Everything there is, for those who may give orders and for applications.
pub(crate) fn router(board: Board, orders: UnboundedSender<Order>, api: Api) -> Router {
    Router::new()
        .route("/", get(index))
        .route("/v1/status", get(status))
        .route("/v1/saf", get(list))
        .route("/v1/saf/{id}", get(show))
        .route("/v1/saf/{id}/{ruling}", post(rule))
        .merge(days::router())
        .merge(hsm::router())
        .merge(links::router())
        .merge(keys::router())
        .merge(recovery::router())
        .merge(stop::router())
        .with_state(Door { board, orders, sessions: api.sessions.clone() })
        .merge(api::router(api))
}

#[derive(Clone)]
struct Door {
    board: Board,
    orders: UnboundedSender<Order>,
    /// Applications that are in: whoever closes a link or ends the switch may want to spare them.
    sessions: Sessions,
}

/// Every answer that is no. Fields are added to it, never changed.
#[derive(Serialize)]
struct No {
    object: &'static str,
    code: &'static str,
    said: String,
}

#[derive(Serialize)]
struct List {
    object: &'static str,
    data: Vec<OwedJson>,
    /// The number to go on `from`; `null` where that was all.
    next: Option<u64>,
}

#[derive(Serialize)]
struct One {
    object: &'static str,
    #[serde(flatten)]
    owed: OwedJson,
}

#[derive(Serialize)]
struct Done {
    object: &'static str,
    /// Nothing changed, because it was so before.
    already: bool,
    #[serde(flatten)]
    owed: OwedJson,
}

async fn index() -> &'static str {
    "sekisho\n\nGET  /v1/status\nGET  /v1/saf?from=ID&most=N\nGET  /v1/saf/ID\n\
     POST /v1/saf/ID/hold|release|retry|settle  {\"by\":\"...\",\"reason\":\"...\"}\n\
     GET  /v1/links\nGET  /v1/links/NAME\nGET  /v1/links/NAME/lines\n\
     POST /v1/links/NAME/lines/NO/cut  {\"by\":\"...\"}\n\
     GET  /v1/days\nPOST /v1/cutovers  {\"by\":\"...\",\"what\":\"own|LINK\"}\n\
     GET  /v1/reconciliations?link=NAME&business_date=DATE\n\
     POST /v1/reconciliations  {\"by\":\"...\",\"link\":\"NAME\",\"business_date\":\"DATE\"}\n\
     GET  /v1/totals\n\
     GET  /v1/recovery\nPOST /v1/recovery  {\"by\":\"...\"}\n\
     POST /v1/stop  {\"by\":\"...\",\"force\":false,\"sign_off\":false}\n\
     POST /v1/links/NAME/sign-on|sign-off|echo|drain|ready|maint|cutreq  {\"by\":\"...\"}\n"
}

async fn status(State(door): State<Door>) -> Response {
    match door.board.read() {
        Some((status, _)) => Json(status).into_response(),
        None => starting(),
    }
}

async fn list(State(door): State<Door>, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let asked = |key: &str| {
        let pair = query.split('&').filter_map(|pair| pair.split_once('='));
        pair.filter(|(name, _)| *name == key).find_map(|(_, value)| value.parse::<u64>().ok())
    };
    let from = ForwardId(asked("from").unwrap_or(0));
    let most = asked("most").map_or(LIST_MAX, |most| (most as usize).clamp(1, LIST_MAX));
    let owed = door.ask(|answer| Order::Owed(OwedOrder::List { from, most: most + 1, answer })).await;
    let Some(mut owed) = owed else { return gone() };
    let next = owed.get(most).map(|one| one.forward.id.0);
    owed.truncate(most);
    Json(List { object: "list", data: owed.iter().map(OwedJson::of).collect(), next }).into_response()
}

async fn show(State(door): State<Door>, Path(id): Path<String>) -> Response {
    let Ok(number) = id.parse() else { return not_owed(&id) };
    match door.ask(|answer| Order::Owed(OwedOrder::Show { forward: ForwardId(number), answer })).await {
        Some(Some(owed)) => Json(One { object: "owed", owed: OwedJson::of(&owed) }).into_response(),
        Some(None) => not_owed(&id),
        None => gone(),
    }
}

async fn rule(
    State(door): State<Door>,
    caller: Caller,
    Path((id, ruling)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    let Some(ruling) = Ruling::ALL.into_iter().find(|known| known.name() == ruling) else {
        let said = "an order is hold, release, retry or settle".into();
        return no(StatusCode::NOT_FOUND, "no_such_order", said);
    };
    let Ok(number) = id.parse() else { return not_owed(&id) };
    let (by, reason, ended) = match signed(&caller, &body) {
        Ok(signed) => signed,
        Err(unsigned) => return unsigned.into_response(),
    };
    if ended.is_some() && ruling != Ruling::Settle {
        let said = "only what is settled has ended: done or undone".into();
        return no(StatusCode::BAD_REQUEST, "invalid_request", said);
    }
    let forward = ForwardId(number);
    let ruled =
        door.ask(|answer| Order::Owed(OwedOrder::Rule { forward, ruling, ended, by, reason, answer })).await;
    let Some(Ruled { may, before, after }) = ruled else { return gone() };
    let (already, state) = match (may, ruling) {
        (Ok(()), Ruling::Settle) => (false, "settled"),
        (Ok(()), _) => (false, "ended"),
        (Err(CannotRule::IsSo), Ruling::Settle) => (true, "settled"),
        (Err(CannotRule::IsSo), _) => (true, "ended"),
        (Err(CannotRule::NotOwed), _) => return not_owed(&id),
        (Err(why), _) => return no(StatusCode::CONFLICT, code(why), why.to_string()),
    };
    let owed = match (before, after) {
        (_, Some(after)) => OwedJson::of(&after),
        (Some(before), None) => OwedJson::of(&before).ended(state),
        (None, None) => return not_owed(&id),
    };
    tracing::warn!(id = number, ruling = ruling.name(), by = by.as_str(), already, "owed message: order");
    Json(Done { object: "owed", already, owed }).into_response()
}

impl Door {
    /// Asks the lane; `None` where it has ended.
    async fn ask<T>(&self, order: impl FnOnce(oneshot::Sender<T>) -> Order) -> Option<T> {
        let (answer, answered) = oneshot::channel();
        self.orders.send(order(answer)).ok()?;
        answered.await.ok()
    }
}

const fn code(why: CannotRule) -> &'static str {
    match why {
        CannotRule::NotOwed => "not_owed",
        CannotRule::IsSo => "is_so",
        CannotRule::AwaitsAnswer => "awaits_answer",
        CannotRule::IsHeld => "is_held",
        CannotRule::MayHaveArrived => "may_have_arrived",
    }
}

fn not_owed(id: &str) -> Response {
    let said = format!("no message {id} is owed: it was paid, settled or handed to a person, or never was");
    no(StatusCode::NOT_FOUND, "not_owed", said)
}

fn gone() -> Response {
    no(StatusCode::SERVICE_UNAVAILABLE, "stopping", "the switch is stopping".into())
}

fn starting() -> Response {
    no(StatusCode::SERVICE_UNAVAILABLE, "starting", "the switch is starting".into())
}

fn no(status: StatusCode, code: &'static str, said: String) -> Response {
    (status, Json(No { object: "error", code, said })).into_response()
}
