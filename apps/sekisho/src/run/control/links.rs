//! `/v1/links`: links shown, and orders to them.

use super::signature::{Unsigned, ordered_by, signed_by};
use super::{Door, gone, no};
use crate::run::api::callers::Caller;
use crate::run::links::{LineJson, LinkCommand, LinkJson, Ordered};
use crate::run::thread::Order;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use journal::LinkOrder;
use serde::{Deserialize, Serialize};
use switch::CannotOrder;
use terms::{LinkName, Text};

/// Its places.
pub(super) fn router() -> Router<Door> {
    Router::new()
        .route("/v1/links", get(list))
        .route("/v1/links/{name}", get(show))
        .route("/v1/links/{name}/{order}", post(order))
        .route("/v1/links/{name}/lines", get(lines))
        .route("/v1/links/{name}/lines/{number}/cut", post(cut))
}

#[derive(Serialize)]
struct List {
    object: &'static str,
    data: Vec<LinkJson>,
    /// Always `null`: links are few.
    next: Option<u64>,
}

#[derive(Serialize)]
struct Lines {
    object: &'static str,
    data: Vec<LineJson>,
    /// Always `null`: connections of one link are few.
    next: Option<u64>,
}

#[derive(Serialize)]
struct Cut {
    object: &'static str,
    link: String,
    number: usize,
}

#[derive(Serialize)]
struct One {
    object: &'static str,
    /// After an order: nothing changed, because it was so before.
    #[serde(skip_serializing_if = "Option::is_none")]
    already: Option<bool>,
    #[serde(flatten)]
    link: LinkJson,
}

/// An order refused, with the link as it stands.
#[derive(Serialize)]
struct Refused {
    object: &'static str,
    code: &'static str,
    said: String,
    link: Option<LinkJson>,
}

async fn list(State(door): State<Door>) -> Response {
    match door.ask(|answer| Order::Link(LinkCommand::List { answer })).await {
        Some(data) => Json(List { object: "list", data, next: None }).into_response(),
        None => gone(),
    }
}

async fn show(State(door): State<Door>, Path(name): Path<String>) -> Response {
    let Some(known) = LinkName::new(name.as_bytes()) else { return no_such_link(&name) };
    match door.ask(|answer| Order::Link(LinkCommand::Show { name: known, answer })).await {
        Some(Some(mut link)) => {
            link.sessions = Some(door.sessions.count(Some(&name)));
            Json(One { object: "link", already: None, link }).into_response()
        }
        Some(None) => no_such_link(&name),
        None => gone(),
    }
}

async fn order(
    State(door): State<Door>,
    caller: Caller,
    Path((name, order)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    let Some(order) = LinkOrder::named(&order) else {
        let all = LinkOrder::ALL.map(LinkOrder::name).join(", ");
        return no(StatusCode::NOT_FOUND, "no_such_order", format!("an order is one of {all}"));
    };
    let (by, Spared { unless_sessions, besides }) = match signed(&caller, &body) {
        Ok(signed) => signed,
        Err(unsigned) => return unsigned.into_response(),
    };
    let own = besides.as_deref();
    let sessions = if unless_sessions { door.sessions.count_besides(Some(&name), own) } else { 0 };
    if sessions > 0 {
        let said = format!("{sessions} sessions of applications are open");
        return no(StatusCode::CONFLICT, "sessions_open", said);
    }
    let Some(known) = LinkName::new(name.as_bytes()) else { return no_such_link(&name) };
    let done = door.ask(|answer| Order::Link(LinkCommand::Do { name: known, order, by, answer })).await;
    let Some(Ordered { may, link }) = done else { return gone() };
    match (may, link) {
        (Err(CannotOrder::NoSuchLink), _) | (Ok(_), None) => no_such_link(&name),
        (Err(why), link) => {
            let (code, said) = (code(why), why.to_string());
            (StatusCode::CONFLICT, Json(Refused { object: "error", code, said, link })).into_response()
        }
        (Ok(already), Some(link)) => {
            tracing::warn!(link = link.name, order = order.name(), by = by.as_str(), already, "link: order");
            Json(One { object: "link", already: Some(already), link }).into_response()
        }
    }
}

async fn lines(State(door): State<Door>, Path(name): Path<String>) -> Response {
    let Some(known) = LinkName::new(name.as_bytes()) else { return no_such_link(&name) };
    match door.ask(|answer| Order::Link(LinkCommand::Lines { name: known, answer })).await {
        Some(Some(data)) => Json(Lines { object: "list", data, next: None }).into_response(),
        Some(None) => no_such_link(&name),
        None => gone(),
    }
}

async fn cut(
    State(door): State<Door>,
    caller: Caller,
    Path((name, number)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    let by = match signed_by(&caller, &body) {
        Ok(by) => by,
        Err(unsigned) => return unsigned.into_response(),
    };
    let none = || no(StatusCode::NOT_FOUND, "no_such_line", format!("`{name}` has no connection {number}"));
    let Some(known) = LinkName::new(name.as_bytes()) else { return no_such_link(&name) };
    let Ok(number) = number.parse() else { return none() };
    match door.ask(|answer| Order::Link(LinkCommand::Cut { name: known, number, answer })).await {
        Some(Some(true)) => {
            tracing::warn!(link = name, number, by = by.as_str(), "link: connection cut by order");
            Json(Cut { object: "line", link: name, number }).into_response()
        }
        Some(Some(false)) => none(),
        Some(None) => no_such_link(&name),
        None => gone(),
    }
}

/// Whether applications with open sessions are to be spared.
struct Spared {
    unless_sessions: bool,
    /// The session of whoever orders it, which does not count.
    besides: Option<String>,
}

/// Who gives the order, and who is to be spared.
fn signed(caller: &Caller, body: &[u8]) -> Result<(Text<24>, Spared), Unsigned> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct By {
        by: Option<String>,
        #[serde(default)]
        unless_sessions: bool,
        besides: Option<String>,
    }
    let asked: By =
        serde_json::from_slice(body).map_err(|error| format!("the body is not {{\"by\":...}}: {error}"))?;
    let By { by, unless_sessions, besides } = asked;
    Ok((ordered_by(caller, by.as_deref())?, Spared { unless_sessions, besides }))
}

fn no_such_link(name: &str) -> Response {
    no(StatusCode::NOT_FOUND, "no_such_link", format!("no link is called `{name}`"))
}

const fn code(why: CannotOrder) -> &'static str {
    match why {
        CannotOrder::NoSuchLink => "no_such_link",
        CannotOrder::NoConnection => "no_connection",
        CannotOrder::NoSignOn => "no_sign_on",
        CannotOrder::NotSpoken => "not_spoken",
        CannotOrder::NotSignedOn => "not_signed_on",
        CannotOrder::AwaitsAnswer => "awaits_answer",
        CannotOrder::IsDrained => "is_drained",
        CannotOrder::InMaintenance => "in_maintenance",
        CannotOrder::DayIsCalendar => "day_is_calendar",
        CannotOrder::NotOut => "not_out",
        CannotOrder::DayIsAhead => "day_is_ahead",
    }
}
