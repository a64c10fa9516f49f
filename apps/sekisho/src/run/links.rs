//! Links as people see them: what the lane is asked, and how it is written in JSON.

use super::parties::Link;
use journal::LinkOrder;
use net::{LinkHandle, LinkState};
use serde::{Deserialize, Serialize};
use switch::{CannotOrder, Cause, Change, Failure, LinkSeen, SignOn};
use terms::{LinkName, Text};
use tokio::sync::oneshot;

/// What the lane is asked about links.
pub enum LinkCommand {
    /// Show them all, as the configuration orders them.
    List {
        /// Where they go.
        answer: oneshot::Sender<Vec<LinkJson>>,
    },
    /// Show one of them.
    Show {
        /// Which.
        name: LinkName,
        /// Where it goes; `None` where there is no such link.
        answer: oneshot::Sender<Option<LinkJson>>,
    },
    /// Show every connection of one of them.
    Lines {
        /// Which.
        name: LinkName,
        /// Where they go; `None` where there is no such link.
        answer: oneshot::Sender<Option<Vec<LineJson>>>,
    },
    /// Break one connection of one of them. It is dialled, or waited for, anew.
    Cut {
        /// Which.
        name: LinkName,
        /// The number of the connection.
        number: usize,
        /// Where it is said whether there is one of that number; `None` where there is no such link.
        answer: oneshot::Sender<Option<bool>>,
    },
    /// A person gives one of them an order.
    Do {
        /// Which.
        name: LinkName,
        /// What.
        order: LinkOrder,
        /// Who.
        by: Text<24>,
        /// Where it is said when it is durable.
        answer: oneshot::Sender<Ordered>,
    },
}

/// What became of an order.
#[derive(Clone, Debug)]
pub struct Ordered {
    /// Whether it could be carried out; `Ok(true)` where it was so already.
    pub may: Result<bool, CannotOrder>,
    /// The link as it is now; `None` where there is no such link.
    pub link: Option<LinkJson>,
}

/// A link in JSON. Fields are added to it, never changed.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct LinkJson {
    /// Its name.
    pub name: String,
    /// What its host speaks.
    pub dialect: String,
    /// `disconnected`, `connected`, `signing-on`, `signed-on`, `draining`, `signing-off`, `signed-off` or
    /// `maintenance`.
    pub state: String,
    /// Since when, UTC.
    pub since: String,
    /// The same in milliseconds since 1970.
    pub since_ms: i64,
    /// Whether new business may pass.
    pub open: bool,
    /// `none`, `by_order` or `automatic`.
    pub sign_on: String,
    /// Connections that stand.
    pub connections: usize,
    /// Connections wanted.
    pub connections_wanted: usize,
    /// Requests and owed messages in flight.
    pub in_flight: u32,
    /// Messages owed to its host.
    pub pending: usize,
    /// The host's business day, where it is known.
    pub business_date: Option<String>,
    /// How far its change to the next is: `open`, `cutover-asked` or `cutting-over`.
    pub cutover: String,
    /// The last sign-on, sign-off or wish for cutover of ours that failed.
    pub last_failure: Option<FailureJson>,
    /// Echoes.
    pub echo: EchoJson,
    /// Since the peer last said anything; `null` for never.
    pub silent_ms: Option<u64>,
    /// Until the answer awaited counts as not coming.
    pub awaited_ms: Option<u64>,
    /// Sessions of applications that are open for it; said of one link alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sessions: Option<usize>,
    /// What it came to since the start, the newest last.
    pub history: Vec<ChangeJson>,
}

/// A sign-on or sign-off that failed.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct FailureJson {
    /// What was asked, such as `sign_on`.
    pub about: String,
    /// When, UTC.
    pub at: String,
    /// What the peer meant; `null` where it did not answer.
    pub code: Option<String>,
    /// In its own characters.
    pub wire_code: String,
}

/// Echoes of ours.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct EchoJson {
    /// Those answered.
    pub answered: u64,
    /// Those not answered in time.
    pub missed: u64,
    /// Microseconds the last one took.
    pub us: Option<u64>,
}

/// One change of state.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct ChangeJson {
    /// The how manyeth of this link since the start.
    pub number: u64,
    /// When, UTC.
    pub at: String,
    /// What it came to.
    pub state: String,
    /// Why: `connected`, `lost`, `ordered`, `peer`, `accepted`, `refused`, `unanswered`, `quiet`, `retried`,
    /// `echoes_missed`, `started`.
    pub cause: String,
    /// Why, in words for people.
    pub said: String,
    /// Who wanted it; empty where nobody did.
    pub by: String,
}

/// One connection of a link. Fields are added to it, never changed.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct LineJson {
    /// Its number, from 1.
    pub number: usize,
    /// Who makes it: `us` or `peer`.
    pub called_by: String,
    /// `awaited` (the peer has to call first), `connecting`, `up`, `lost`, `failed` or `stopped`.
    pub state: String,
    /// The other end; `null` where it does not stand.
    pub peer: Option<String>,
    /// Why it was lost or could not be had.
    pub said: Option<String>,
}

impl LineJson {
    /// Every connection of a link.
    pub(crate) fn all(handle: &LinkHandle) -> Vec<Self> {
        let standing = handle.conns();
        let peer = |state: &LinkState| {
            let LinkState::Up(id) = state else { return None };
            standing.iter().find(|conn| conn.id() == *id).map(|conn| conn.peer().to_string())
        };
        let lines = handle.states().into_iter().enumerate();
        lines
            .map(|(slot, state)| Self {
                number: slot + 1,
                called_by: if handle.is_called(slot) { "peer" } else { "us" }.into(),
                state: state_name(&state).into(),
                peer: peer(&state),
                said: match &state {
                    LinkState::Lost(why) => Some(why.to_string()),
                    LinkState::Failed(why) => Some(why.to_string()),
                    LinkState::Awaited | LinkState::Connecting | LinkState::Up(_) | LinkState::Stopped => {
                        None
                    }
                },
            })
            .collect()
    }

    /// Breaks one; `false` where there is none of that number.
    pub(crate) fn cut(handle: &LinkHandle, number: usize) -> bool {
        let states = handle.states();
        let Some(state) = number.checked_sub(1).and_then(|slot| states.get(slot)) else { return false };
        if let LinkState::Up(id) = state {
            handle.conns().iter().filter(|conn| conn.id() == *id).for_each(|conn| conn.abort());
        }
        true
    }
}

const fn state_name(state: &LinkState) -> &'static str {
    match state {
        LinkState::Awaited => "awaited",
        LinkState::Connecting => "connecting",
        LinkState::Up(_) => "up",
        LinkState::Lost(_) => "lost",
        LinkState::Failed(_) => "failed",
        LinkState::Stopped => "stopped",
    }
}

impl LinkJson {
    pub(crate) fn of(seen: &LinkSeen, link: &Link, business_date: Option<String>) -> Self {
        let handle = link.handle.as_ref();
        Self {
            name: seen.name.to_string(),
            dialect: link.dialect.name().to_owned(),
            state: seen.state.name().into(),
            since: seen.since.to_string(),
            since_ms: seen.since.as_unix_ms(),
            open: seen.is_open,
            sign_on: match seen.sign_on {
                SignOn::None => "none",
                SignOn::ByOrder => "by_order",
                SignOn::Automatic => "automatic",
            }
            .into(),
            connections: handle.map_or(0, LinkHandle::up),
            connections_wanted: handle.map_or(0, |handle| handle.states().len()),
            in_flight: seen.in_flight,
            pending: seen.pending,
            business_date,
            cutover: seen.cutover.name().into(),
            last_failure: seen.last_failure.as_ref().map(FailureJson::of),
            echo: EchoJson { answered: seen.echoes_answered, missed: seen.echoes_missed, us: seen.echo_us },
            silent_ms: seen.silent_ms,
            awaited_ms: seen.awaited_ms,
            sessions: None,
            history: seen.history.iter().map(ChangeJson::of).collect(),
        }
    }

    /// The number of its last change.
    pub(crate) fn changes(&self) -> u64 {
        self.history.last().map_or(0, |change| change.number)
    }
}

impl FailureJson {
    fn of(failure: &Failure) -> Self {
        Self {
            about: failure.about.name().into(),
            at: failure.at.to_string(),
            code: failure.code.map(|code| code.name().into()),
            wire_code: failure.wire_code.to_string(),
        }
    }
}

impl ChangeJson {
    fn of(change: &Change) -> Self {
        let said = match change.cause {
            Cause::Refused(code) => format!("the peer refused: {}", code.name()),
            cause => cause.name().into(),
        };
        let (at, by) = (change.at.to_string(), change.by.to_string());
        let cause = cause_name(change.cause).into();
        Self { number: change.number, at, state: change.state.name().into(), cause, said, by }
    }
}

const fn cause_name(cause: Cause) -> &'static str {
    match cause {
        Cause::Beginning => "started",
        Cause::Connected => "connected",
        Cause::Lost => "lost",
        Cause::Ordered(_) => "ordered",
        Cause::PeerSignedOn | Cause::PeerSignedOff => "peer",
        Cause::Accepted => "accepted",
        Cause::Refused(_) => "refused",
        Cause::Unanswered => "unanswered",
        Cause::Quiet => "quiet",
        Cause::Retried => "retried",
        Cause::EchoesMissed => "echoes_missed",
    }
}
