//! Events as they happen: server-sent events, for everybody or with a session's life.

use super::Api;
use super::callers::Caller;
use super::event::Event;
use super::events::{Bulletin, Next, Place};
use super::keys::Pass;
use super::problem::{Usual, Wrong};
use super::room::ReaderRoom;
use super::sessions::Listening;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::sse::{self, Sse};
use axum::response::{IntoResponse, Response};
use futures_core::Stream;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

/// A comment this often, so that both sides learn of a line that is dead.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// The same where the reader asks for it. At least this.
const HEARTBEAT_MIN_S: u64 = 1;
/// The last word to a reader whose key was taken away.
const KEY_TAKEN_AWAY: &str = r#"{"type":"stream.closed","data":{"why":"the key was taken away"}}"#;
/// Events on their way to one reader.
const AHEAD: usize = 64;
/// A reader that takes nothing for so long has stopped reading.
const STALLED: Duration = Duration::from_secs(20);

/// Counts of readers, for the figures.
#[derive(Default)]
pub(crate) struct ReaderCounts {
    /// Reading now.
    pub(crate) open: AtomicU64,
    /// Sent away because they stopped reading.
    pub(crate) dropped: AtomicU64,
}

/// Everything that happens.
#[utoipa::path(get, path = "/v1/stream",
    params(("types" = Option<String>, Query, description = "Names of events with commas between, `*` at the end for all that begin so"), ("heartbeat_s" = Option<u64>, Query, description = "A comment so often, 1 to 15 seconds"), ("Last-Event-ID" = Option<String>, Header, description = "Go on behind this event")),
    responses(
        (status = 200, body = Event, content_type = "text/event-stream", description = "Events as they happen, one in each `data`"),
        Usual,
    )
)]
pub(crate) async fn all(
    State(api): State<Api>,
    caller: Caller,
    pass: Pass,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let wish = Wish::of(query.as_deref().unwrap_or_default(), &headers);
    match api.room_for_reader(&caller) {
        Some(room) => begin(&api, wish, (room, pass), None, None),
        None => Wrong::Busy.said("too many listen already").after_s(5).into_response(),
    }
}

/// What a reader wants to hear.
pub(crate) struct Wish {
    types: Vec<String>,
    after: Option<String>,
    heartbeat: Duration,
}

impl Wish {
    pub(crate) fn of(query: &str, headers: &HeaderMap) -> Self {
        let pairs = || query.split('&').filter_map(|pair| pair.split_once('='));
        let said = |key: &str| pairs().find(|(name, _)| *name == key).map(|(_, value)| value);
        let types = said("types").unwrap_or_default().replace("%2C", ",").replace("%2A", "*");
        let header = headers.get("last-event-id").and_then(|value| value.to_str().ok());
        let heartbeat_s = said("heartbeat_s").and_then(|seconds| seconds.parse::<u64>().ok());
        Self {
            types: types.split(',').filter(|one| !one.is_empty()).map(str::to_owned).collect(),
            after: header.or(said("after")).map(str::to_owned),
            heartbeat: heartbeat_s.map_or(HEARTBEAT, |seconds| {
                Duration::from_secs(seconds.clamp(HEARTBEAT_MIN_S, HEARTBEAT.as_secs()))
            }),
        }
    }
}

/// Begins to read, from now or from where the reader left off.
pub(crate) fn begin(
    api: &Api,
    wish: Wish,
    (room, pass): (ReaderRoom, Pass),
    listening: Option<Listening>,
    first: Option<Event>,
) -> Response {
    let (to, from) = mpsc::channel(AHEAD);
    let feed = Feed { bulletin: api.bulletin.clone(), to, counts: api.readers.clone(), wish };
    api.readers.open.fetch_add(1, Ordering::Relaxed);
    tokio::spawn(async move {
        let counts = feed.counts.clone();
        let over = tokio::select! {
            () = feed.run(listening.as_ref(), first) => false,
            () = pass.taken_away() => true,
        };
        if over {
            feed.give(sse::Event::default().event("stream.closed").data(KEY_TAKEN_AWAY)).await;
        }
        counts.open.fetch_sub(1, Ordering::Relaxed);
        drop((room, listening));
    });
    Sse::new(Reading(from)).into_response()
}

/// What feeds one reader.
struct Feed {
    bulletin: Bulletin,
    to: mpsc::Sender<sse::Event>,
    counts: Arc<ReaderCounts>,
    wish: Wish,
}

impl Feed {
    async fn run(&self, listening: Option<&Listening>, first: Option<Event>) {
        let mut news = self.bulletin.news();
        // Changes of days in lives before this one are told to those who were there, from their last event on.
        let mut recalls_from = i64::MIN;
        let mut next = match self.wish.after.as_ref().map(|after| self.bulletin.after(after)) {
            None => self.bulletin.next(),
            Some(Place::At(next)) => next,
            Some(Place::OfAnotherLife(since_ms)) => {
                let missed = r#"{"type":"stream.missed","data":{"why":"the switch was started again"}}"#;
                if !self.give(sse::Event::default().event("stream.missed").data(missed)).await {
                    return;
                }
                recalls_from = since_ms;
                1
            }
        };
        let is_wanted = |event: &Event| {
            event.is_wanted(&self.wish.types) && !(event.is_recalled && event.at_ms < recalls_from)
        };
        if let Some(first) = first
            && !self.give(written(&first)).await
        {
            return;
        }
        loop {
            if listening.is_some_and(Listening::is_closed) {
                self.give(
                    sse::Event::default().event("session.closed").data("{\"type\":\"session.closed\"}"),
                )
                .await;
                return;
            }
            match self.bulletin.read(next) {
                Next::Event(event) => {
                    next += 1;
                    if is_wanted(&event) && !self.give(written(&event)).await {
                        return;
                    }
                }
                Next::Missed { oldest, days } => {
                    let missed = format!(
                        "{{\"type\":\"stream.missed\",\"data\":{{\"from_seq\":{next},\"to_seq\":{}}}}}",
                        oldest - 1
                    );
                    next = oldest;
                    if !self.give(sse::Event::default().event("stream.missed").data(missed)).await {
                        return;
                    }
                    // Nobody goes on by a day that is over.
                    for day in days.iter().filter(|day| is_wanted(day)) {
                        if !self.give(written(day)).await {
                            return;
                        }
                    }
                }
                Next::Nothing => {
                    tokio::select! {
                        changed = news.changed() => if changed.is_err() { return },
                        () = self.to.closed() => return,
                        () = sleep(self.wish.heartbeat) => {
                            if !self.give(sse::Event::default().comment("")).await {
                                return;
                            }
                        }
                    }
                }
            }
        }
    }

    /// Hands one on. False when the reader is gone, or reads no more.
    async fn give(&self, event: sse::Event) -> bool {
        match timeout(STALLED, self.to.send(event)).await {
            Ok(sent) => sent.is_ok(),
            Err(_) => {
                self.counts.dropped.fetch_add(1, Ordering::Relaxed);
                tracing::warn!("a reader of events has stopped reading: dropped");
                false
            }
        }
    }
}

fn written(event: &Event) -> sse::Event {
    let data = serde_json::to_string(event).unwrap_or_default();
    sse::Event::default().id(event.id.clone()).event(event.kind).data(data)
}

/// The other end, as the web server wants it.
struct Reading(mpsc::Receiver<sse::Event>);

impl Stream for Reading {
    type Item = Result<sse::Event, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context).map(|event| event.map(Ok))
    }
}
