//! What can go wrong when a switch is asked about owed messages.

use crate::commands::control::{Reply, Unreachable};
use crate::commands::door::Door;
use crate::commands::journal::opened;
use crate::exit;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("{0}")]
    Journal(#[from] opened::Failure),
    #[error("error {code}  {source}\n  state   nothing was changed\n  next    {next}", code = .source.code())]
    Unreachable { source: Unreachable, next: String },
    #[error("error SYS1002-E  {said}\n  state   not known: the order may have been taken\n  next    {next}")]
    Unknown { said: String, next: String },
    #[error("error SAF2001-E  {said}\n  state   nothing was changed\n  next    {next}")]
    NoSuchThing { said: String, next: String },
    #[error("error {code}  {what}: {said}\n  state   nothing was changed\n  next    {next}")]
    Refused { code: &'static str, what: String, said: String, next: String },
}

impl Failure {
    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Self::Journal(failure) => failure.exit_code(),
            Self::Unreachable { source, .. } => source.exit_code(),
            Self::Unknown { .. } => exit::UNKNOWN,
            Self::NoSuchThing { .. } => exit::NO_SUCH_THING,
            Self::Refused { .. } => exit::REFUSED,
        }
    }
}

impl Door {
    /// What to say when nobody answers.
    pub(super) fn unreachable(&self, source: Unreachable) -> Failure {
        let next = match (source.next(), self.data()) {
            (Some(next), _) => next.into(),
            (None, Ok(data)) => {
                let data = data.display();
                format!("is it running?  sekisho saf ls --local --data {data}   sekisho run --config FILE")
            }
            (None, Err(_)) => {
                "is it running, and does its [api] listen there?  on its machine: sekisho doctor".into()
            }
        };
        Failure::Unreachable { source, next }
    }

    /// What to say when nobody answers to an order.
    pub(super) fn unanswered(&self, id: u64, error: Unreachable) -> Failure {
        match error.may_have_been_heard() {
            false => self.unreachable(error),
            true => Failure::Unknown { said: error.to_string(), next: self.look(id) },
        }
    }

    /// How to find out what became of an order.
    fn look(&self, id: u64) -> String {
        format!("sekisho saf show {id}{}", self.words())
    }

    /// What to say when the switch says no.
    pub(super) fn refusal(&self, id: u64, what: &str, reply: &Reply) -> Failure {
        let said = reply.body["said"].as_str().unwrap_or("no").to_string();
        let at = self.words();
        match reply.status {
            404 => Failure::NoSuchThing { said, next: self.look(id) },
            // It stopped before it could say that the order is durable.
            503 => Failure::Unknown { said, next: self.look(id) },
            _ => {
                let (code, next) = match reply.body["code"].as_str() {
                    Some("awaits_answer") => {
                        ("SAF2002-E", format!("wait for the answer, or: sekisho saf hold {id}{at}"))
                    }
                    Some("is_held") => ("SAF2003-E", format!("sekisho saf release {id}{at} --reason TEXT")),
                    Some("may_have_arrived") => (
                        "SAF2004-E",
                        format!("ask the host, then: sekisho saf settle {id}{at} --reason TEXT"),
                    ),
                    _ => ("SAF2000-E", self.look(id)),
                };
                Failure::Refused { code, what: what.into(), said, next }
            }
        }
    }
}
