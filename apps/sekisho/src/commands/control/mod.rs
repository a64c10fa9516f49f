//! The other end of a switch: its control socket, or its API over TCP where an operator shows a key.

mod http;
mod remote;

use super::permission::NotPermitted;
use http::{Question, exchange, understood};
pub(crate) use remote::{Remote, Settings, Wrong};
use serde_json::Value;
use std::fmt;
use std::io;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

/// A switch that has not answered by then will not: it answers in milliseconds, or when its disk has synced.
const PATIENCE: Duration = Duration::from_secs(10);
/// Whoever asked more often in a second than a key may waits for the next one.
const NEXT_SECOND: Duration = Duration::from_millis(1_050);

/// What it said.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

/// How a switch is reached.
#[derive(Clone, Debug)]
pub(crate) enum Way {
    /// On this machine, by whoever may write to the socket.
    Socket(PathBuf),
    /// Over TCP, by whoever has a key.
    Remote(Box<Remote>),
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(path) => write!(f, "{}", path.display()),
            Self::Remote(remote) => write!(f, "{}", remote.address()),
        }
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreachable {
    /// Not a byte of it was heard by anybody.
    #[error("no switch answers on {way}: {source}")]
    Nobody { way: String, source: io::Error },
    /// Not a byte of it was heard: this user may not.
    #[error("you may not give orders on {way}: {}", .why.said)]
    NotPermitted { way: String, why: NotPermitted },
    /// It may have been heard.
    #[error("the answer from {way} did not come: {source}")]
    Broken { way: String, source: io::Error },
    /// It may have been heard.
    #[error("what answers on {way} is no switch")]
    Strange { way: String },
    /// Nothing was asked.
    #[error("who answers on {way} is not to be trusted: {why}")]
    NotTrusted { way: String, why: String },
    /// It was heard, and nothing was done.
    #[error("{way} does not know this key")]
    NotLetIn { way: String },
    /// It was heard, and nothing was done.
    #[error("{way} refuses it: {said}")]
    NotAllowed { way: String, said: String },
}

impl Unreachable {
    /// Whether a switch may have heard what it was asked, and done it.
    pub(crate) const fn may_have_been_heard(&self) -> bool {
        match self {
            Self::Broken { .. } | Self::Strange { .. } => true,
            Self::Nobody { .. }
            | Self::NotPermitted { .. }
            | Self::NotTrusted { .. }
            | Self::NotLetIn { .. }
            | Self::NotAllowed { .. } => false,
        }
    }

    /// Whether asking again, later, would be answered the same.
    pub(crate) const fn is_for_good(&self) -> bool {
        matches!(
            self,
            Self::NotPermitted { .. }
                | Self::NotTrusted { .. }
                | Self::NotLetIn { .. }
                | Self::NotAllowed { .. }
        )
    }

    /// Its code (`sekisho explain`).
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::Nobody { .. } | Self::Broken { .. } | Self::Strange { .. } => "SYS1001-E",
            Self::NotPermitted { .. } => "SYS1013-E",
            Self::NotTrusted { .. } => "SYS1006-E",
            Self::NotLetIn { .. } => "SYS1007-E",
            Self::NotAllowed { .. } => "SYS1008-E",
        }
    }

    /// What a command ends with.
    pub(crate) const fn exit_code(&self) -> u8 {
        match self {
            Self::Nobody { .. } | Self::Broken { .. } | Self::Strange { .. } | Self::NotTrusted { .. } => {
                crate::exit::UNREACHABLE
            }
            Self::NotPermitted { .. } | Self::NotLetIn { .. } | Self::NotAllowed { .. } => {
                crate::exit::NOT_ALLOWED
            }
        }
    }

    /// What to type next, where it does not depend on what was asked.
    pub(crate) fn next(&self) -> Option<&str> {
        match self {
            Self::NotPermitted { why, .. } => Some(&why.next),
            Self::Nobody { .. } | Self::Broken { .. } | Self::Strange { .. } => None,
            Self::NotTrusted { .. } => Some(
                "name the authority of its certificate: --ca-file FILE   (or the name it bears: --server)",
            ),
            Self::NotLetIn { .. } => Some("on its machine: sekisho api key new NAME --role operator"),
            Self::NotAllowed { .. } => {
                Some("on its machine: sekisho api key ls   sekisho api key new NAME --role operator")
            }
        }
    }
}

impl Way {
    /// Asks for something.
    pub(crate) fn get(&self, place: &str) -> Result<Reply, Unreachable> {
        self.ask("GET", place, "")
    }

    /// Gives an order.
    pub(crate) fn post(&self, place: &str, body: &Value) -> Result<Reply, Unreachable> {
        self.ask("POST", place, &body.to_string())
    }

    /// Whether anybody is there at all.
    pub(crate) fn is_answered(&self) -> bool {
        !matches!(self.get("/"), Err(Unreachable::Nobody { .. }))
    }

    fn ask(&self, method: &'static str, place: &str, body: &str) -> Result<Reply, Unreachable> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let reply = self.ask_once(method, place, body)?;
            match reply.status {
                401 => return Err(Unreachable::NotLetIn { way: self.to_string() }),
                403 => {
                    let said = reply.body["detail"].as_str().or(reply.body["said"].as_str()).unwrap_or("no");
                    return Err(Unreachable::NotAllowed { way: self.to_string(), said: said.into() });
                }
                // It has done nothing yet, so nothing is done twice.
                429 if Instant::now() < deadline => thread::sleep(NEXT_SECOND),
                _ => return Ok(reply),
            }
        }
    }

    fn ask_once(&self, method: &'static str, place: &str, body: &str) -> Result<Reply, Unreachable> {
        let nobody = |source| Unreachable::Nobody { way: self.to_string(), source };
        let said = match self {
            Self::Socket(path) => {
                let stream = UnixStream::connect(path).map_err(|source| match source.kind() {
                    io::ErrorKind::PermissionDenied => {
                        Unreachable::NotPermitted { way: self.to_string(), why: NotPermitted::of(path) }
                    }
                    _ => nobody(source),
                })?;
                let patient = stream.set_read_timeout(Some(PATIENCE));
                patient.and_then(|()| stream.set_write_timeout(Some(PATIENCE))).map_err(nobody)?;
                exchange(stream, &Question { method, place, key: None, body })
            }
            Self::Remote(remote) => {
                let line = remote.connect(PATIENCE).map_err(|no| no.on(self))?;
                exchange(line, &Question { method, place, key: Some(remote.key()), body })
            }
        };
        let said = said.map_err(|source| Unreachable::Broken { way: self.to_string(), source })?;
        understood(&said).ok_or_else(|| Unreachable::Strange { way: self.to_string() })
    }
}
