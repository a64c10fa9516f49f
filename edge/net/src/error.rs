use crate::TlsError;
use std::io;
use std::net::SocketAddr;

/// Why a listener or a link cannot be set up. The operator's to mend.
#[derive(Debug, thiserror::Error)]
pub enum NetError {
    /// Somebody else listens there.
    #[error("cannot listen on {address}: somebody listens there already")]
    InUse {
        /// The address asked for.
        address: SocketAddr,
    },
    /// The operating system refused the listener.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What it said.
        source: io::Error,
    },
    /// The link has no connection to make.
    #[error("a link needs at least one connection")]
    NoConnections,
    /// Certificates and keys.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

impl NetError {
    /// Whether trying again without changing anything will fail again. A port may be free in a moment, and an
    /// interface may get its address.
    pub fn is_permanent(&self) -> bool {
        match self {
            Self::InUse { .. } => false,
            Self::Listen { source, .. } => refusal_is_permanent(source),
            Self::NoConnections | Self::Tls(_) => true,
        }
    }

    pub(crate) fn listen(address: SocketAddr, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::AddrInUse => Self::InUse { address },
            _ => Self::Listen { address, source },
        }
    }
}

/// Whether this refusal to listen stays what it is.
pub fn refusal_is_permanent(refused: &io::Error) -> bool {
    !matches!(refused.kind(), io::ErrorKind::AddrInUse | io::ErrorKind::AddrNotAvailable)
}

/// Why dialling failed this time. It is tried again.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ConnectError {
    /// The name could not be looked up.
    #[error("the name could not be looked up: {0}")]
    Name(io::ErrorKind),
    /// Nobody took the connection.
    #[error("{0}")]
    Refused(io::ErrorKind),
    /// Nothing came back in time.
    #[error("no connection within {timeout_ms} ms")]
    TimedOut {
        /// The time allowed.
        timeout_ms: u32,
    },
    /// The other end is not who it should be, or does not want us.
    #[error("TLS: {0}")]
    Tls(rustls::Error),
    /// The TLS handshake took too long.
    #[error("no TLS handshake within {timeout_ms} ms")]
    TlsTimedOut {
        /// The time allowed.
        timeout_ms: u32,
    },
}
