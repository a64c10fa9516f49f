//! `/v1/transactions`

use super::Api;
use super::body::parsed;
use super::callers::Caller;
use super::ids;
use super::orders::{ApiOrder, Shown, Submitted, Submitting, TakenBack, Which};
use super::problem::{Problem, ProblemJson, Usual, Wrong};
use super::request::{Asked, NewTransaction};
use super::session_pages::refused;
use super::shown::TransactionJson;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::time::Duration;
use switch::CannotCapture;
use terms::{Carried, Code, TxnId};
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::time::timeout;
use utoipa::ToSchema;
use zeroize::Zeroize;

/// Characters of an idempotency key.
const KEY_MOST: usize = 255;
/// Look-ups answer at once, or the lane stands still.
const LOOK: Duration = Duration::from_secs(10);

/// Transactions.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TransactionList {
    /// `list`
    pub(crate) object: &'static str,
    /// At most one.
    pub(crate) data: Vec<TransactionJson>,
    /// Always `null`.
    pub(crate) next: Option<u64>,
}

/// Submits one.
#[utoipa::path(post, path = "/v1/transactions",
    params(("Idempotency-Key" = String, Header, description = "Fresh for each transaction, the same for each repetition; 1 to 255 characters")),
    request_body = NewTransaction,
    responses(
        (status = 200, description = "It is answered; an approval and a refusal are answers, and so is unknown", body = TransactionJson, headers(("Idempotency-Replayed" = String, description = "true where it was answered before"))),
        (status = 400, description = "no key, no JSON, or a part that cannot be", body = ProblemJson, content_type = "application/problem+json"),
        (status = 403, description = "somebody else's session", body = ProblemJson, content_type = "application/problem+json"),
        (status = 404, description = "no such session, no such original, or no [api]", body = ProblemJson, content_type = "application/problem+json"),
        (status = 409, description = "the first request under this key is under way, or terminal, stan and time are another's", body = ProblemJson, content_type = "application/problem+json"),
        (status = 410, description = "answered so long ago that it is forgotten", body = ProblemJson, content_type = "application/problem+json"),
        (status = 413, description = "over 64 KiB", body = ProblemJson, content_type = "application/problem+json"),
        (status = 422, description = "this key stands for another request", body = ProblemJson, content_type = "application/problem+json"),
        (status = 500, description = "a fault of ours; look it up", body = ProblemJson, content_type = "application/problem+json"),
        Usual,
    )
)]
pub(crate) async fn submit(
    State(api): State<Api>,
    caller: Caller,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let name = key_of(&headers)?;
    let understood = parsed(&body, "session");
    // A card is in it. Where the web server holds these bytes too, they are its to drop.
    if let Ok(mut body) = body.try_into_mut() {
        body.as_mut().zeroize();
    }
    let (contents, asked): (_, NewTransaction) = understood?;
    let (Asked { txn, of }, room) = match may_begin(&api, &caller, &asked) {
        Ok(begins) => begins,
        // It may have begun long ago, when there was a session and room: then this is no refusal, but its answer.
        Err(problem) => return known(&api, &caller, &name, contents, problem).await,
    };
    let submitting = Submitting { caller: caller.name.clone(), name: name.clone(), contents, txn, of };
    let (answer, answered) = oneshot::channel();
    api.tell(ApiOrder::Submit { submitting: Box::new(submitting), answer })?;
    let answered = timeout(api.answer_timeout(), answered).await;
    drop(room);
    match answered {
        Ok(Ok(submitted)) => said(submitted, &name),
        // The lane ended. What was written down goes on at the next start; the key finds it.
        Ok(Err(_)) => Err(Wrong::Stopping
            .said(format!(
                "the switch stopped meanwhile: look it up under the key `{name}` when it runs again"
            ))
            .unknown()),
        Err(_) => still_unknown(&api, &caller, &name).await,
    }
}

/// What is asked, and room to wait for its answer; or why it does not begin.
fn may_begin(
    api: &Api,
    caller: &Caller,
    asked: &NewTransaction,
) -> Result<(Asked, OwnedSemaphorePermit), Problem> {
    if let Some(session) = &asked.session {
        api.sessions.find(session, &caller.name).map_err(|why| refused(why, session))?;
    }
    let understood = asked.understood()?;
    let room = api.room_to_wait().ok_or_else(|| {
        Wrong::Busy.said("too many submissions wait for their answers; nothing was sent").after_s(1)
    })?;
    Ok((understood, room))
}

/// What was submitted under that name before; where nothing was, the problem.
async fn known(
    api: &Api,
    caller: &Caller,
    name: &str,
    contents: [u8; 32],
    problem: Problem,
) -> Result<Response, Problem> {
    let (answer, answered) = oneshot::channel();
    let (caller, of) = (caller.name.clone(), name.to_owned());
    api.tell(ApiOrder::Known { caller, name: of, contents, answer })?;
    match timeout(LOOK, answered).await {
        Ok(Ok(Submitted::NotKnown)) => Err(problem),
        Ok(Ok(submitted)) => said(submitted, name),
        // Whether something was sent under that name, nobody can say now.
        Ok(Err(_)) | Err(_) => Err(problem.unknown()),
    }
}

/// The answer did not come in our time. It goes on: this is how it stands.
async fn still_unknown(api: &Api, caller: &Caller, name: &str) -> Result<Response, Problem> {
    let found = look(api, caller, Which::Name(name.to_owned())).await;
    match found {
        Ok(Some(shown)) => Ok(Json(TransactionJson::of(&shown, &Carried::default())).into_response()),
        _ => Err(Wrong::Internal
            .said(format!("no answer in time, and it cannot be looked up now: ask for the key `{name}`"))
            .unknown()),
    }
}

fn said(submitted: Submitted, name: &str) -> Result<Response, Problem> {
    let none = Carried::default();
    match submitted {
        Submitted::Answered(shown, carried) => {
            Ok(Json(TransactionJson::of(&shown, &carried)).into_response())
        }
        Submitted::Replayed(shown) if shown.submission.seen.is_none() => Err(Wrong::Forgotten
            .said("the answer is remembered no more: sekisho txn show has it from the journal")
            .about(ids::of_txn(shown.submission.id))
            .unknown()),
        Submitted::Replayed(shown) => {
            let mut response = Json(TransactionJson::of(&shown, &none)).into_response();
            response.headers_mut().insert("idempotency-replayed", HeaderValue::from_static("true"));
            Ok(response)
        }
        Submitted::UnderWay(shown) => Err(Wrong::UnderWay
            .said(format!(
                "the request under the key `{name}` is under way; ask for it, or send this again later"
            ))
            .about(ids::of_txn(shown.submission.id))
            .after_s(1)
            .unknown()),
        Submitted::OtherContents(id) => Err(Wrong::OtherContents
            .said(format!("the key `{name}` stands for another request; a new request needs a new key"))
            .about(ids::of_txn(id))),
        Submitted::SameIdentity(id) => Err(Wrong::SameIdentity
            .said("terminal, stan and local_time name another transaction: leave stan or local_time to us")
            .about(ids::of_txn(id))),
        Submitted::Refused(answer) => {
            let problem = match answer.code {
                Code::Duplicate => Wrong::SameIdentity.said("terminal and stan are another transaction's"),
                Code::Malfunction => {
                    Wrong::NotTaken.said("the disk of the journal is full; nothing was sent")
                }
                Code::HostDown => Wrong::NotTaken.said("the switch is stopping; nothing was sent"),
                code => Wrong::NotTaken.said(code.meaning()),
            };
            Err(problem.after_s(5))
        }
        Submitted::NotKnown => {
            Err(Wrong::NoSuchTransaction.said(format!("nothing was submitted under the key `{name}`")))
        }
        Submitted::NoOriginal => {
            Err(Wrong::NoSuchTransaction.said("what is to be captured is not remembered").at("of"))
        }
        Submitted::CannotCapture(_, CannotCapture::Captured(by)) => {
            Err(captured("it was captured already: a capture is made once", by))
        }
        Submitted::CannotCapture(of, why @ CannotCapture::NotDecided) => {
            Err(Wrong::UnderWay.said(format!("{why}; nothing was sent")).about(ids::of_txn(of)).after_s(1))
        }
        Submitted::CannotCapture(of, why) => {
            Err(Wrong::NotCapturable.said(format!("{why}; nothing was sent")).about(ids::of_txn(of)))
        }
        Submitted::NoApplications => Err(Wrong::NoApplications.said(
            "put [api] with a default_link, or routes with listener = \"api\", into the configuration",
        )),
    }
}

/// Shows one.
#[utoipa::path(get, path = "/v1/transactions/{id}",
    params(("id" = String, Path, description = "txn_ and a number")),
    responses(
        (status = 200, body = TransactionJson, description = "As it stands"),
        (status = 404, description = "no such transaction, or somebody else's", body = ProblemJson, content_type = "application/problem+json"),
        (status = 500, description = "a fault of ours", body = ProblemJson, content_type = "application/problem+json"),
        Usual,
    )
)]
pub(crate) async fn show(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<TransactionJson>, Problem> {
    let number = ids::txn(&id).ok_or_else(|| no_such(&id))?;
    match look(&api, &caller, Which::Id(number)).await? {
        Some(shown) => Ok(Json(TransactionJson::of(&shown, &Carried::default()))),
        None => Err(no_such(&id)),
    }
}

/// Finds the one that was submitted under a key.
#[utoipa::path(get, path = "/v1/transactions",
    params(("idempotency_key" = String, Query, description = "The key it was submitted under")),
    responses(
        (status = 200, body = TransactionList, description = "One, or none"),
        (status = 400, description = "no key", body = ProblemJson, content_type = "application/problem+json"),
        (status = 500, description = "a fault of ours", body = ProblemJson, content_type = "application/problem+json"),
        Usual,
    )
)]
pub(crate) async fn find(
    State(api): State<Api>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Json<TransactionList>, Problem> {
    let query = query.unwrap_or_default();
    let key = query.split('&').find_map(|pair| pair.strip_prefix("idempotency_key="));
    let Some(key) = key.and_then(plain).filter(|key| !key.is_empty()) else {
        let said = "transactions are found by ?idempotency_key=; lists and searches: sekisho txn";
        return Err(Wrong::InvalidRequest.said(said).at("idempotency_key"));
    };
    let found = look(&api, &caller, Which::Name(key)).await?;
    let data = found.iter().map(|shown| TransactionJson::of(shown, &Carried::default())).collect();
    Ok(Json(TransactionList { object: "list", data, next: None }))
}

/// Takes one back. However often it is asked, it is taken back once.
#[utoipa::path(post, path = "/v1/transactions/{id}/reverse",
    params(("id" = String, Path, description = "txn_ and a number")),
    responses(
        (status = 200, body = TransactionJson, description = "Taken back, now or before; where it is being posted, it is undone as soon as that is known"),
        (status = 404, description = "no such transaction, or somebody else's", body = ProblemJson, content_type = "application/problem+json"),
        (status = 409, description = "it was captured: take that back; or a person has it", body = ProblemJson, content_type = "application/problem+json"),
        (status = 410, description = "too little of it is remembered", body = ProblemJson, content_type = "application/problem+json"),
        (status = 500, description = "a fault of ours; ask again", body = ProblemJson, content_type = "application/problem+json"),
        Usual,
    )
)]
pub(crate) async fn reverse(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<TransactionJson>, Problem> {
    let number = ids::txn(&id).ok_or_else(|| no_such(&id))?;
    let (answer, answered) = oneshot::channel();
    api.tell(ApiOrder::TakeBack { id: number, caller: caller.name, answer })?;
    match timeout(LOOK, answered).await {
        Ok(Ok(TakenBack::Accepted(shown))) => Ok(Json(TransactionJson::of(&shown, &Carried::default()))),
        Ok(Ok(TakenBack::NoSuch)) => Err(no_such(&id)),
        Ok(Ok(TakenBack::Forgotten)) => {
            let said =
                "too little of it is remembered to take it back: sekisho txn show has it from the journal";
            Err(Wrong::Forgotten.said(said).about(id))
        }
        Ok(Ok(TakenBack::APersons)) => {
            let said = format!(
                "a person has it, so nothing is done about it here: ask whoever runs the switch (sekisho txn show {})",
                number.0
            );
            Err(Wrong::WithAPerson.said(said).about(id))
        }
        Ok(Ok(TakenBack::Captured(by))) => {
            Err(captured("it was captured: the money went by the capture, take that back", by))
        }
        Ok(Err(_)) => {
            Err(Wrong::Stopping.said("the switch stopped meanwhile: ask again when it runs").unknown())
        }
        Err(_) => Err(Wrong::Internal.said("the lane does not answer: ask again").unknown()),
    }
}

async fn look(api: &Api, caller: &Caller, which: Which) -> Result<Option<Shown>, Problem> {
    let (answer, answered) = oneshot::channel();
    api.tell(ApiOrder::Show { which, caller: caller.name.clone(), answer })?;
    match timeout(LOOK, answered).await {
        Ok(Ok(shown)) => Ok(shown),
        Ok(Err(_)) => Err(Wrong::Stopping.plain()),
        Err(_) => Err(Wrong::Internal.said("the lane does not answer")),
    }
}

/// What stands in the way is the capture.
fn captured(said: &str, by: TxnId) -> Problem {
    Wrong::AlreadyCaptured.said(said).about(ids::of_txn(by))
}

fn no_such(id: &str) -> Problem {
    let said = format!("no submission is called `{id}`, or it was somebody else's, or is too old");
    Wrong::NoSuchTransaction.said(said)
}

/// The name the application gives to what it submits.
fn key_of(headers: &HeaderMap) -> Result<String, Problem> {
    let missing =
        || Wrong::KeyMissing.said("send Idempotency-Key: 1 to 255 characters, fresh for each transaction");
    let value = headers.get("idempotency-key").ok_or_else(missing)?;
    let key = value.to_str().map_err(|_| missing())?.trim().trim_matches('"');
    if key.is_empty() || key.len() > KEY_MOST { Err(missing()) } else { Ok(key.to_owned()) }
}

/// Without percent signs.
fn plain(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digit = |byte: Option<u8>| (byte? as char).to_digit(16);
                (digit(rest.next())? << 4 | digit(rest.next())?) as u8
            }
            b'+' => b' ',
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}
