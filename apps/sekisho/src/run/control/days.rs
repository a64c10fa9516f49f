//! `/v1/days`, `/v1/cutovers`, `/v1/reconciliations` and `/v1/totals`.

use super::signature::{Unsigned, ordered_by};
use super::{Door, gone, no};
use crate::run::api::callers::Caller;
use crate::run::days::{DayCommand, ReconJson};
use crate::run::links::{LinkCommand, Ordered};
use crate::run::thread::Order;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use journal::LinkOrder;
use serde::{Deserialize, Serialize};
use switch::{CannotCutOver, CannotReconcile};
use terms::{BusinessDate, LinkName};

/// Its places.
pub(super) fn router() -> Router<Door> {
    Router::new()
        .route("/v1/days", get(days))
        .route("/v1/cutovers", post(cut_over))
        .route("/v1/reconciliations", get(reconciliations).post(reconcile))
        .route("/v1/totals", get(totals))
}

/// What our own day is called where links have names.
const OWN: &str = "own";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CutOver {
    by: Option<String>,
    /// `own`, or the name of a link, whose host is asked.
    what: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reconcile {
    by: Option<String>,
    link: String,
    business_date: String,
}

#[derive(Serialize)]
struct List {
    object: &'static str,
    data: Vec<ReconJson>,
    /// Always `null`: days at hand are few.
    next: Option<u64>,
}

async fn days(State(door): State<Door>) -> Response {
    match door.ask(|answer| Order::Day(DayCommand::Show { answer })).await {
        Some(days) => Json(days).into_response(),
        None => gone(),
    }
}

async fn cut_over(State(door): State<Door>, caller: Caller, body: Bytes) -> Response {
    let asked: Result<CutOver, _> = serde_json::from_slice(&body);
    let asked = asked
        .map_err(|error| Unsigned::Body(format!("the body is not {{\"by\":...,\"what\":...}}: {error}")));
    let (by, what) = match asked.and_then(|asked| Ok((ordered_by(&caller, asked.by.as_deref())?, asked.what)))
    {
        Ok(asked) => asked,
        Err(unsigned) => return unsigned.into_response(),
    };
    if what == OWN {
        let done = door.ask(|answer| Order::Day(DayCommand::CutOver { by, answer })).await;
        return match done {
            Some(Ok(days)) => {
                let date = days.own.as_ref().map_or_else(String::new, |own| own.business_date.clone());
                tracing::warn!(by = by.as_str(), date, "our business day: order");
                Json(days).into_response()
            }
            Some(Err(why)) => no(StatusCode::CONFLICT, code(&why), why.to_string()),
            None => gone(),
        };
    }
    let Some(name) = LinkName::new(what.as_bytes()) else { return no_such_link(&what) };
    let order = LinkOrder::AskCutover;
    match door.ask(|answer| Order::Link(LinkCommand::Do { name, order, by, answer })).await {
        None => gone(),
        Some(Ordered { link: None, .. }) => no_such_link(&what),
        Some(Ordered { may: Err(why), .. }) => no(StatusCode::CONFLICT, "cannot_ask", why.to_string()),
        Some(Ordered { may: Ok(_), .. }) => days(State(door)).await,
    }
}

async fn reconciliations(State(door): State<Door>, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let asked = |key: &str| {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.filter(|(name, _)| *name == key).map(|(_, value)| value.to_owned()).next()
    };
    let (link, day) = (asked("link"), asked("business_date"));
    let Some(mut data) = door.ask(|answer| Order::Day(DayCommand::Reconciliations { answer })).await else {
        return gone();
    };
    data.retain(|one| link.as_ref().is_none_or(|link| one.link == *link));
    data.retain(|one| day.as_ref().is_none_or(|day| one.business_date == *day));
    Json(List { object: "list", data, next: None }).into_response()
}

async fn reconcile(State(door): State<Door>, caller: Caller, body: Bytes) -> Response {
    let asked: Result<Reconcile, _> = serde_json::from_slice(&body);
    let asked = asked.map_err(|error| {
        let body = "{\"by\":...,\"link\":...,\"business_date\":...}";
        Unsigned::Body(format!("the body is not {body}: {error}"))
    });
    let (by, asked) = match asked.and_then(|asked| Ok((ordered_by(&caller, asked.by.as_deref())?, asked))) {
        Ok(asked) => asked,
        Err(unsigned) => return unsigned.into_response(),
    };
    let Some(date) = day(&asked.business_date) else {
        let said = format!("`{}` is no day such as 2026-11-22", asked.business_date);
        return no(StatusCode::BAD_REQUEST, "no_such_day", said);
    };
    let Some(link) = LinkName::new(asked.link.as_bytes()) else { return no_such_link(&asked.link) };
    match door.ask(|answer| Order::Day(DayCommand::Reconcile { link, date, by, answer })).await {
        Some(Ok(mut data)) => {
            tracing::warn!(link = asked.link, %date, by = by.as_str(), "totals: order to compare");
            data.retain(|one| one.link == asked.link && one.business_date == asked.business_date);
            Json(List { object: "list", data, next: None }).into_response()
        }
        Some(Err(CannotReconcile::NoSuchLink)) => no_such_link(&asked.link),
        Some(Err(why)) => no(StatusCode::CONFLICT, code_of(why), why.to_string()),
        None => gone(),
    }
}

async fn totals(State(door): State<Door>) -> Response {
    match door.ask(|answer| Order::Day(DayCommand::Totals { answer })).await {
        Some(counted) => Json(counted).into_response(),
        None => gone(),
    }
}

/// `YYYY-MM-DD`.
fn day(text: &str) -> Option<BusinessDate> {
    let mut parts = text.split('-').map(|part| part.parse::<u16>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    let date = BusinessDate::new(year, u8::try_from(month).ok()?, u8::try_from(day).ok()?);
    date.filter(|_| parts.next().is_none())
}

fn no_such_link(name: &str) -> Response {
    no(StatusCode::NOT_FOUND, "no_such_link", format!("no link is called `{name}`"))
}

const fn code(why: &CannotCutOver) -> &'static str {
    match why {
        CannotCutOver::NoDay => "no_day",
        CannotCutOver::IsTomorrow => "is_tomorrow",
        CannotCutOver::GoesWith(_) => "goes_with",
    }
}

const fn code_of(why: CannotReconcile) -> &'static str {
    match why {
        CannotReconcile::NoSuchLink => "no_such_link",
        CannotReconcile::NotSpoken => "not_spoken",
        CannotReconcile::NoSuchDay => "no_such_day",
        CannotReconcile::AwaitsAnswer => "awaits_answer",
    }
}
