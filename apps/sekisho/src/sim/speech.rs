//! What both ends of a simulated line need: a dialect, its framing, and words for what went wrong.

use super::secrets::Secrets;
use dialects::{Dialect, WriteError};
use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use wire::Framing;

/// How one line is spoken.
#[derive(Clone)]
pub struct Speech {
    /// What messages look like.
    pub dialect: Dialect,
    /// How they are told apart.
    pub framing: Framing,
    /// What is shared with the other side, where PINs and codes were agreed on.
    pub secrets: Option<Arc<Secrets>>,
}

/// Why a simulator cannot work. For people.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// No dialect of that name is shipped.
    #[error("no dialect is called `{name}`; `sekisho dialect ls` names them all")]
    NoSuchDialect {
        /// The name given.
        name: String,
    },
    /// A dialect's file makes no sense.
    #[error("{path}: {what}")]
    Dialect {
        /// Which.
        path: String,
        /// What is wrong, a line each.
        what: String,
    },
    /// The framing named is none.
    #[error("framing `{name}`: {source}")]
    NoSuchFraming {
        /// The name given.
        name: String,
        /// What is wrong with it.
        source: wire::NameError,
    },
    /// The dialect demands what simulated terminals do not have.
    #[error("a simulated terminal cannot speak `{dialect}`: {source}")]
    CannotSpeak {
        /// The dialect.
        dialect: String,
        /// What it demands.
        source: WriteError,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    CannotListen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: Box<net::NetError>,
    },
    /// Nobody answers there.
    #[error("cannot connect to {address}: {up} of {wanted} connections stand after {waited_s} seconds")]
    CannotConnect {
        /// The address.
        address: SocketAddr,
        /// Connections that stand.
        up: usize,
        /// Connections wanted.
        wanted: usize,
        /// How long was waited.
        waited_s: u64,
    },
    /// The network layer cannot be set up.
    #[error(transparent)]
    Net(Box<net::NetError>),
    /// A security module does not compute rightly here.
    #[error(transparent)]
    SelfTest {
        /// What came out wrong.
        source: hsm::self_test::SelfTestFailed,
    },
    /// A measurement.
    #[error(transparent)]
    Bench(Box<super::bench::BenchError>),
    /// The operating system refuses something.
    #[error("{what}: {source}")]
    System {
        /// What was tried.
        what: &'static str,
        /// Why it failed.
        source: std::io::Error,
    },
    /// A file cannot be read.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// A file of test keys makes no sense.
    #[error("{path}: {what}")]
    Keys {
        /// Which.
        path: String,
        /// What is wrong.
        what: String,
    },
    /// A rules file makes no sense.
    #[error("{path}: {source}")]
    Rules {
        /// Which.
        path: String,
        /// Why.
        source: Box<toml::de::Error>,
    },
}

impl From<net::NetError> for SimError {
    fn from(error: net::NetError) -> Self {
        Self::Net(Box::new(error))
    }
}

impl SimError {
    /// For `map_err`, where the system refused what was tried.
    pub fn system(what: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::System { what, source }
    }
}

impl fmt::Debug for Speech {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Speech").field("dialect", &self.dialect.name()).finish()
    }
}

impl Speech {
    /// The shipped dialect of that name, or the one in that file (`my/partner.toml`), in the framing named or the one
    /// the dialect suggests.
    pub fn named(dialect: &str, framing: Option<&str>) -> Result<Self, SimError> {
        let name = dialect;
        let dialect = match name.ends_with(".toml") {
            true => in_file(name)?,
            false => Dialect::named(name).ok_or_else(|| SimError::NoSuchDialect { name: name.to_owned() })?,
        };
        let framing = match framing.unwrap_or(dialect.framing()) {
            "" => "ascii4",
            suggested => suggested,
        };
        let framing = Framing::named(framing)
            .map_err(|source| SimError::NoSuchFraming { name: framing.to_owned(), source })?;
        Ok(Self { dialect, framing, secrets: None })
    }

    /// The same, with PINs and codes under the test keys of that file; as it was where there is none.
    pub fn with_keys(self, keys: Option<&Path>) -> Result<Self, SimError> {
        let secrets = keys.map(Secrets::load).transpose()?;
        Ok(Self { secrets, ..self })
    }
}

fn in_file(path: &str) -> Result<Dialect, SimError> {
    let text =
        std::fs::read_to_string(path).map_err(|source| SimError::File { path: path.to_owned(), source })?;
    Dialect::load(&text).map_err(|findings| {
        let what: Vec<String> = findings.iter().map(ToString::to_string).collect();
        SimError::Dialect { path: path.to_owned(), what: what.join("\n") }
    })
}

/// The local clock, or UTC on a machine that does not say where it stands.
pub fn local_clock() -> clock::Clock {
    clock::Clock::in_system_zone().unwrap_or_else(|_| clock::Clock::with_offset_s(0))
}

/// Tries again for a while: the socket that was closed may take a moment to be gone.
pub(crate) async fn again<T>(mut attempt: impl FnMut() -> Result<T, SimError>) -> Result<T, SimError> {
    for _ in 0..50 {
        if let Ok(done) = attempt() {
            return Ok(done);
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    attempt()
}

/// Runs something on one thread with the network, to its end.
pub fn on_one_thread<T>(work: impl Future<Output = Result<T, SimError>>) -> Result<T, SimError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(SimError::system("cannot start"))?;
    tokio::task::LocalSet::new().block_on(&runtime, work)
}
