//! Calling a server that is asked one thing a connection, by a thread that has nothing else to do: TLS without a
//! runtime, for programs people type.

use crate::tls::{TlsClient, TlsError};
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use rustls_pki_types::ServerName;
use std::io;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where systems keep the authorities they trust, as PEM.
const MACHINE_AUTHORITIES: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

/// The authorities this machine trusts; `None` where it keeps none in a usual place.
pub fn machine_authorities() -> Option<PathBuf> {
    MACHINE_AUTHORITIES.iter().map(Path::new).find(|file| file.is_file()).map(Path::to_owned)
}

/// A line whose handshake is done.
pub type CallerLine = StreamOwned<ClientConnection, TcpStream>;

/// Whoever calls: whom it believes, and what it shows of itself. Later calls resume what the first agreed on.
#[derive(Clone)]
pub struct TlsCaller {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

/// Why there was no handshake. Not a byte of a question was sent.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The server's certificate is not one we may believe.
    #[error("{why}")]
    NotTrusted {
        /// What is wrong with it.
        why: rustls::Error,
    },
    /// The line broke, or the server speaks something else.
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl TlsClient {
    /// Reads authorities and, where there is one, our own certificate.
    ///
    /// # Errors
    /// What is wrong with which file.
    pub fn caller(&self) -> Result<TlsCaller, TlsError> {
        let (config, name) = self.config()?;
        Ok(TlsCaller { config, name })
    }
}

impl TlsCaller {
    /// Shakes hands, in no more time than each read and write of the stream may take.
    ///
    /// # Errors
    /// Where the server is not to be trusted, or there was no handshake.
    pub fn call(&self, mut stream: TcpStream) -> Result<CallerLine, CallError> {
        let failed = |error: rustls::Error| CallError::Io(io::Error::other(error));
        let mut line = ClientConnection::new(self.config.clone(), self.name.clone()).map_err(failed)?;
        while line.is_handshaking() {
            line.complete_io(&mut stream).map_err(told_apart)?;
        }
        Ok(StreamOwned::new(line, stream))
    }
}

/// Whether it was the certificate.
fn told_apart(error: io::Error) -> CallError {
    let why = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match why {
        Some(why @ rustls::Error::InvalidCertificate(_)) => CallError::NotTrusted { why: why.clone() },
        _ => CallError::Io(error),
    }
}
