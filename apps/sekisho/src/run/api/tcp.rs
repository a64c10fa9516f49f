//! The API over TCP, where every caller shows a key; over TLS, or from this machine alone.

use super::Api;
use super::keys::{KeyError, KeyRing};
use super::line::Lines;
use super::problem::Wrong;
use crate::config::ApiToml;
use crate::run::refused;
use axum::Router;
use axum::extract::Request;
use axum::http::header;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::serve::Listener;
use net::{TlsDoor, TlsError, TlsLine};
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};

/// From the first byte of a handshake to its last.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Handshakes at a time, at most.
const HANDSHAKES_MAX: usize = 256;

/// Why there is no API over TCP.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TcpError {
    #[error("cannot listen on {address} for the API: {source}")]
    Listen { address: SocketAddr, source: io::Error },
    #[error("{0}")]
    Keys(#[from] KeyError),
    #[error("TLS of the API: {0}")]
    Tls(#[from] TlsError),
}

impl TcpError {
    /// Whether trying again without changing anything will fail again.
    pub(crate) fn is_permanent(&self) -> bool {
        match self {
            Self::Listen { source, .. } => net::refusal_is_permanent(source),
            Self::Keys(_) | Self::Tls(_) => true,
        }
    }
}

impl TcpError {
    /// Its code, and what to type next where the configuration is that file.
    pub(crate) fn next(&self, config: &Path) -> refused::Next {
        match self {
            Self::Listen { address, source } => refused::cannot_listen(address, source),
            Self::Keys(_) => ("SYS1020-E", format!("sekisho api key ls --config {}", config.display())),
            Self::Tls(_) => ("SYS1020-E", format!("sekisho config check {}", config.display())),
        }
    }
}

/// An address that is ours, and who is let in.
pub(crate) struct TcpDoor {
    listener: TcpListener,
    tls: Option<TlsDoor>,
    keys: Arc<KeyRing>,
}

/// Opens it; `None` where none is wanted.
pub(crate) async fn bind(settings: Option<&ApiToml>) -> Result<Option<TcpDoor>, TcpError> {
    let Some((settings, address)) = settings.and_then(|settings| Some((settings, settings.listen?))) else {
        return Ok(None);
    };
    let keys = Arc::new(KeyRing::open(&settings.keys_file())?);
    let tls = settings.server().map(|tls| tls.door()).transpose()?;
    let listener = TcpListener::bind(address).await.map_err(|source| TcpError::Listen { address, source })?;
    Ok(Some(TcpDoor { listener, tls, keys }))
}

impl TcpDoor {
    /// Where it listens.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        self.listener.local_addr().ok()
    }

    /// Serves until the task is dropped.
    pub(crate) async fn serve(self, app: Router, api: Api) -> io::Result<()> {
        let keys = self.keys;
        tokio::spawn(keys.clone().look_after());
        let app = app.layer(middleware::from_fn(move |request, next| shown(keys.clone(), request, next)));
        let app = app.layer(middleware::from_fn(super::numbered::numbered));
        let (most, idle, counts) = (api.connections_max, api.idle(), api.lines.clone());
        match self.tls {
            None => axum::serve(Lines::new(self.listener, most, idle, counts), app).await,
            Some(tls) => {
                let address = self.listener.local_addr()?;
                let (to, from) = mpsc::channel(64);
                tokio::spawn(shake_hands(self.listener, tls, Arc::new(Semaphore::new(HANDSHAKES_MAX)), to));
                axum::serve(Lines::new(Shaken { from, address }, most, idle, counts), app).await
            }
        }
    }
}

/// Nobody passes without a key, and nobody but an operator to orders.
async fn shown(keys: Arc<KeyRing>, mut request: Request, next: Next) -> Response {
    let said = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let key = said.and_then(|said| said.strip_prefix("Bearer "));
    let Some((caller, pass)) = key.and_then(|key| keys.let_in(key.trim())) else {
        return Wrong::Unauthorized
            .said("send Authorization: Bearer KEY; sekisho api key new NAME makes one")
            .into_response();
    };
    if !caller.is_operator && !super::is_for_applications(request.uri().path()) {
        let said = format!("`{}` is the key of an application; orders are an operator's", caller.name);
        return Wrong::Forbidden.said(said).into_response();
    }
    request.extensions_mut().insert(caller);
    request.extensions_mut().insert(pass);
    next.run(request).await
}

/// Handshakes beside each other: one that takes long holds nobody up. Whoever is one too many is not let in, as
/// nobody has shown a key yet.
async fn shake_hands(
    listener: TcpListener,
    tls: TlsDoor,
    room: Arc<Semaphore>,
    to: mpsc::Sender<(TlsLine, SocketAddr)>,
) {
    loop {
        let (stream, address): (TcpStream, SocketAddr) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(_) => {
                // Out of descriptors, most likely: somebody has to close one first.
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let Ok(place) = room.clone().try_acquire_owned() else { continue };
        let (tls, to) = (tls.clone(), to.clone());
        tokio::spawn(async move {
            let _place = place;
            if let Ok(Ok(line)) = tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await {
                // The server is gone with the process.
                let _ = to.send((line, address)).await;
            }
        });
    }
}

/// Connections whose handshake is done.
struct Shaken {
    from: mpsc::Receiver<(TlsLine, SocketAddr)>,
    address: SocketAddr,
}

impl Listener for Shaken {
    type Io = TlsLine;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.from.recv().await {
            Some(shaken) => shaken,
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}
