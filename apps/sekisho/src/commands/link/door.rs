//! A switch asked about its links, and what can go wrong with that.

use crate::commands::control::{Reply, Unreachable};
use crate::commands::door::Door;
use crate::commands::journal::opened;
use crate::exit;
use crate::run::links::LinkJson;
use journal::LinkOrder;
use serde_json::json;

/// Why there is no answer, or why the answer is no.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("{0}")]
    Config(#[from] opened::Failure),
    #[error("error {code}  {source}\n  state   nothing was changed\n  next    {next}", code = .source.code())]
    Unreachable { source: Unreachable, next: String },
    #[error("error SYS1002-E  {said}\n  state   not known: the order may have been taken\n  next    {next}")]
    Unknown { said: String, next: String },
    #[error("error {code}  {said}\n  state   {state}\n  next    {next}")]
    Said { code: &'static str, said: String, state: String, next: String, exit: u8 },
}

impl Failure {
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Config(failure) => failure.exit_code(),
            Self::Unreachable { source, .. } => source.exit_code(),
            Self::Unknown { .. } => exit::UNKNOWN,
            Self::Said { exit, .. } => *exit,
        }
    }
}

/// Every link.
pub(crate) fn all(door: &Door) -> Result<Vec<LinkJson>, Failure> {
    let reply = door.get("/v1/links").map_err(|error| unreachable(door, error))?;
    let data = serde_json::from_value(reply.body["data"].clone());
    data.map_err(|_| unreachable(door, door.strange()))
}

/// One link.
pub(crate) fn one(door: &Door, name: &str) -> Result<LinkJson, Failure> {
    let place = format!("/v1/links/{}", in_a_path(name)?);
    let reply = door.get(&place).map_err(|error| unreachable(door, error))?;
    understood(door, name, reply)
}

/// Gives an order; also says whether it was so already.
pub(crate) fn order(
    door: &Door,
    name: &str,
    order: LinkOrder,
    by: Option<&str>,
    unless_sessions: bool,
) -> Result<(bool, LinkJson), Failure> {
    let place = format!("/v1/links/{}/{}", in_a_path(name)?, order.name());
    let body = match unless_sessions {
        true => json!({ "by": by, "unless_sessions": true }),
        false => json!({ "by": by }),
    };
    let asked = door.post(&place, &body);
    let reply = asked.map_err(|error| match error {
        error if !error.may_have_been_heard() => unreachable(door, error),
        error => Failure::Unknown { said: error.to_string(), next: show(door, name) },
    })?;
    match reply.status {
        409 => Err(refused(door, name, order, &reply)),
        _ => {
            let already = reply.body["already"] == true;
            understood(door, name, reply).map(|link| (already, link))
        }
    }
}

fn understood(door: &Door, name: &str, reply: Reply) -> Result<LinkJson, Failure> {
    match reply.status {
        200 => serde_json::from_value(reply.body).map_err(|_| unreachable(door, door.strange())),
        404 => Err(no_such_link(door, name)),
        _ => {
            let said = reply.body["said"].as_str().unwrap_or("no").to_string();
            Err(Failure::Unknown { said, next: show(door, name) })
        }
    }
}

/// Names are made of characters that need no escape; anything else is nobody's name.
pub(crate) fn in_a_path(name: &str) -> Result<&str, Failure> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    match !name.is_empty() && name.bytes().all(legal) {
        true => Ok(name),
        false => Err(Failure::Said {
            code: "LNK2001-E",
            said: format!("`{}` is no name of a link", name.escape_debug()),
            state: "nothing was asked".into(),
            next: "sekisho link ls".into(),
            exit: exit::NO_SUCH_THING,
        }),
    }
}

pub(crate) fn unreachable(door: &Door, source: Unreachable) -> Failure {
    let next = match (source.next(), door.data()) {
        (Some(next), _) => next.into(),
        (None, Ok(data)) => {
            format!("is it running?  sekisho run --config FILE   sekisho journal ls {}", data.display())
        }
        (None, Err(_)) => {
            "is it running, and does its [api] listen there?  on its machine: sekisho doctor".into()
        }
    };
    Failure::Unreachable { source, next }
}

pub(crate) fn no_such_link(door: &Door, name: &str) -> Failure {
    Failure::Said {
        code: "LNK2001-E",
        said: format!("no link is called `{name}`"),
        state: "nothing was changed".into(),
        next: format!("sekisho link ls{}", at(door)),
        exit: exit::NO_SUCH_THING,
    }
}

/// The switch would not do it, as things stand.
fn refused(door: &Door, name: &str, order: LinkOrder, reply: &Reply) -> Failure {
    let at = at(door);
    let said = reply.body["said"].as_str().unwrap_or("no");
    let (code, next) = match reply.body["code"].as_str() {
        Some("no_connection") => (
            "LNK2002-E",
            format!("sekisho link show {name}{at}   sekisho wait link {name} --for connected{at}"),
        ),
        Some("no_sign_on") => {
            ("LNK2003-E", format!("sekisho link drain {name}{at}   (to stop its business)"))
        }
        Some("not_spoken") => ("LNK2004-E", format!("sekisho link show {name}{at}")),
        Some("not_signed_on") => ("LNK2005-E", format!("sekisho link sign-on {name}{at}")),
        Some("awaits_answer") => {
            ("LNK2006-E", format!("sekisho link watch {name}{at}   (the answer, or its time-out)"))
        }
        Some("is_drained") => ("LNK2007-E", format!("sekisho link ready {name}{at}")),
        Some("in_maintenance") => ("LNK2008-E", format!("sekisho link ready {name}{at}")),
        Some("day_is_ahead") => ("LNK2011-E", format!("sekisho cutover status{at}")),
        Some("day_is_calendar") => ("LNK2013-E", format!("sekisho cutover status{at}")),
        // Not out of service, and not in it either: nobody has signed it on.
        Some("not_out") if is_signed_off(reply) => ("LNK2009-E", format!("sekisho link sign-on {name}{at}")),
        Some("not_out") => ("LNK2009-E", show(door, name)),
        Some("sessions_open") => (
            "LNK2020-E",
            format!("sekisho link sessions {name}{at}   sekisho link sign-off {name} --force{at}"),
        ),
        _ => ("LNK2000-E", show(door, name)),
    };
    let link = serde_json::from_value::<LinkJson>(reply.body["link"].clone()).ok();
    Failure::Said {
        code,
        said: format!("link \"{name}\" cannot do {}: {said}", typed(order)),
        state: link.map_or_else(|| "nothing was changed".into(), |link| standing(&link)),
        next,
        exit: exit::REFUSED,
    }
}

fn is_signed_off(reply: &Reply) -> bool {
    let link = &reply.body["link"];
    link["open"] == false && matches!(link["state"].as_str(), Some("signed-off" | "connected"))
}

/// An order as a person types it.
pub(crate) const fn typed(order: LinkOrder) -> &'static str {
    match order {
        LinkOrder::AskCutover => "cutover start",
        other => other.name(),
    }
}

/// How a link stands, in a line.
pub(crate) fn standing(link: &LinkJson) -> String {
    let lines = format!("{}/{} connections", link.connections, link.connections_wanted);
    match link.since_ms {
        0 => format!("{}, {lines}, {} in flight", link.state, link.in_flight),
        _ => format!("{} since {}, {lines}, {} in flight", link.state, link.since, link.in_flight),
    }
}

fn show(door: &Door, name: &str) -> String {
    format!("sekisho link show {name}{}", at(door))
}

/// What makes the next command find the same switch.
pub(crate) fn at(door: &Door) -> String {
    door.words().to_owned()
}
