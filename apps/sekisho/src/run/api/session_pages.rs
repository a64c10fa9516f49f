//! `/v1/sessions`

use super::Api;
use super::body::parsed;
use super::callers::Caller;
use super::event::{Event, Severity};
use super::ids;
use super::keys::Pass;
use super::problem::{Problem, ProblemJson, Usual, Wrong};
use super::sessions::{CannotUse, Session};
use super::stream::{self, Wish};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

/// What opens a session.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewSession {
    /// What the application calls itself: 1 to 24 letters, digits, `-`, `_`, `.`.
    pub(crate) application: String,
    /// The link it is about; without it, all of them.
    pub(crate) link: Option<String>,
}

/// A session. Fields are added to it, never changed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionJson {
    /// `session`
    pub(crate) object: &'static str,
    /// Known to its application alone; in lists of others' sessions `null`.
    pub(crate) id: Option<String>,
    /// The smallest number that was free.
    pub(crate) number: u32,
    /// What the application calls itself.
    pub(crate) application: String,
    /// Who opened it: `local`, or the name of a key.
    pub(crate) caller: String,
    /// The link it is about; `null` for all of them.
    pub(crate) link: Option<String>,
    /// When, UTC.
    pub(crate) opened_at: String,
    /// `open` while its application listens, otherwise `waiting`: it is released in a moment.
    pub(crate) state: &'static str,
}

/// Sessions.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionList {
    /// `list`
    pub(crate) object: &'static str,
    /// By their numbers.
    pub(crate) data: Vec<SessionJson>,
    /// Always `null`: all of them are here.
    pub(crate) next: Option<u64>,
}

impl SessionJson {
    fn of(session: &Session, caller: &Caller) -> Self {
        Self {
            object: "session",
            id: (session.caller == caller.name).then(|| session.id.clone()),
            number: session.number,
            application: session.application.clone(),
            caller: session.caller.clone(),
            link: session.link.clone(),
            opened_at: session.opened_at.clone(),
            state: if session.is_heard() { "open" } else { "waiting" },
        }
    }
}

/// Opens a session.
#[utoipa::path(post, path = "/v1/sessions",
    request_body = NewSession,
    responses(
        (status = 201, body = SessionJson, description = "It is open; listen to its events within ten seconds"),
        (status = 400, description = "no JSON, or no name", body = ProblemJson, content_type = "application/problem+json"),
        (status = 413, description = "over 64 KiB", body = ProblemJson, content_type = "application/problem+json"),
        Usual,
    )
)]
pub(crate) async fn open(State(api): State<Api>, caller: Caller, body: Bytes) -> Result<Response, Problem> {
    let asked: NewSession = parsed(&body, "")?.1;
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if asked.application.is_empty() || asked.application.len() > 24 || !asked.application.bytes().all(legal) {
        let said = "an application is called 1 to 24 letters, digits, `-`, `_` and `.`";
        return Err(Wrong::InvalidRequest.said(said).at("application"));
    }
    if let Some(link) = &asked.link
        && !api.has_link(link)
    {
        return Err(Wrong::InvalidRequest.said(format!("no link is called `{link}`")).at("link"));
    }
    let id = ids::secret::<16>("ses_").map_err(|error| Wrong::Internal.said(error.to_string()))?;
    let opened_at = clock::utc_now().to_string();
    let opened = api.sessions.open(id, asked.application, caller.name.clone(), asked.link, opened_at);
    let Some(session) = opened else { return Err(Wrong::Busy.said("too many sessions are open").after_s(5)) };
    tracing::info!(number = session.number, application = session.application.as_str(), "session opened");
    Ok((StatusCode::CREATED, Json(SessionJson::of(&session, &caller))).into_response())
}

/// All sessions.
#[utoipa::path(get, path = "/v1/sessions",
    responses(
        (status = 200, body = SessionList, description = "All of them for operators, their own for applications"),
        Usual,
    )
)]
pub(crate) async fn list(State(api): State<Api>, caller: Caller) -> Json<SessionList> {
    let mine = |session: &Session| caller.is_operator || session.caller == caller.name;
    let sessions = api.sessions.list();
    let data =
        sessions.iter().filter(|session| mine(session)).map(|one| SessionJson::of(one, &caller)).collect();
    Json(SessionList { object: "list", data, next: None })
}

/// One of them.
#[utoipa::path(get, path = "/v1/sessions/{id}",
    params(("id" = String, Path, description = "of the session")),
    responses(
        (status = 200, body = SessionJson, description = "As it stands"),
        (status = 403, description = "somebody else's", body = ProblemJson, content_type = "application/problem+json"),
        (status = 404, description = "no such session", body = ProblemJson, content_type = "application/problem+json"),
        Usual,
    )
)]
pub(crate) async fn show(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<SessionJson>, Problem> {
    let session = api.sessions.find(&id, &caller.name).map_err(|why| refused(why, &id))?;
    Ok(Json(SessionJson::of(&session, &caller)))
}

/// Closes one: its application by its id, an operator by its number.
#[utoipa::path(delete, path = "/v1/sessions/{id}",
    params(("id" = String, Path, description = "of the session; its number, for operators")),
    responses(
        (status = 200, body = SessionJson, description = "It was open"),
        (status = 403, description = "somebody else's", body = ProblemJson, content_type = "application/problem+json"),
        (status = 404, description = "no such session", body = ProblemJson, content_type = "application/problem+json"),
        Usual,
    )
)]
pub(crate) async fn close(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<SessionJson>, Problem> {
    let closed = match id.parse::<u32>() {
        Ok(number) if caller.is_operator => api.sessions.purge(number).ok_or(CannotUse::NoSuch),
        _ => api.sessions.close(&id, &caller.name),
    };
    let session = closed.map_err(|why| refused(why, &id))?;
    tracing::info!(number = session.number, application = session.application.as_str(), "session closed");
    Ok(Json(SessionJson { state: "closed", ..SessionJson::of(&session, &caller) }))
}

/// Listens: the session lives as long as this does.
#[utoipa::path(get, path = "/v1/sessions/{id}/events",
    params(("id" = String, Path, description = "of the session"), ("types" = Option<String>, Query, description = "Names of events with commas between, `*` at the end for all that begin so"), ("heartbeat_s" = Option<u64>, Query, description = "A comment so often, 1 to 15 seconds"), ("Last-Event-ID" = Option<String>, Header, description = "Go on behind this event")),
    responses(
        (status = 200, body = Event, content_type = "text/event-stream", description = "Events as they happen, one in each `data`"),
        (status = 403, description = "somebody else's", body = ProblemJson, content_type = "application/problem+json"),
        (status = 404, description = "no such session", body = ProblemJson, content_type = "application/problem+json"),
        (status = 409, description = "somebody listens already", body = ProblemJson, content_type = "application/problem+json"),
        Usual,
    )
)]
pub(crate) async fn events(
    State(api): State<Api>,
    caller: Caller,
    pass: Pass,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let room =
        api.room_for_reader(&caller).ok_or_else(|| Wrong::Busy.said("too many listen already").after_s(5))?;
    let listening = api.sessions.listen(&id, &caller.name).map_err(|why| refused(why, &id))?;
    let session = api.sessions.find(&id, &caller.name).map_err(|why| refused(why, &id))?;
    let mut first = Event::new("session.opened", Severity::Info, clock::utc_now());
    first.subject = Some(format!("session {}", session.number));
    let first = first.with("number", json!(session.number)).with("application", json!(session.application));
    let wish = Wish::of(query.as_deref().unwrap_or_default(), &headers);
    Ok(stream::begin(&api, wish, (room, pass), Some(listening), Some(first)))
}

/// Why a session cannot be used, for whoever wanted to.
pub(crate) fn refused(why: CannotUse, id: &str) -> Problem {
    let at = |problem: Problem| problem.at("session");
    match why {
        CannotUse::NoSuch => at(Wrong::NoSuchSession.said(format!(
            "no session `{id}` is open: open one with POST /v1/sessions and listen to its events"
        ))),
        CannotUse::Foreign => at(Wrong::ForeignSession.plain()),
        CannotUse::InUse => at(Wrong::SessionInUse.plain()),
    }
}
