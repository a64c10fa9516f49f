use crate::conn::{Place, Role};
use crate::drive;
use crate::pair::{PairRule, Pairs};
use crate::party::{Limits, Manner, Party};
use crate::shared::{Net, READ_BYTES_MAX, Shared};
use crate::socket;
use crate::stream::Stream;
use crate::{CloseReason, Conn, ConnectError, Counters, Handler, NetError, TlsClient};
use rustls_pki_types::ServerName;
use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use terms::{ConnId, LinkId, LinkName};
use tokio::net::{TcpStream, lookup_host};
use tokio::sync::Notify;
use tokio::task::spawn_local;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;
use wire::Framing;

/// A link to a host. [`DialConfig::new`] has the defaults.
#[derive(Clone, Debug)]
pub struct DialConfig {
    /// Its name in logs and figures.
    pub name: LinkName,
    /// Which link it is.
    pub link: LinkId,
    /// `host:port`; a name is looked up again at every attempt.
    pub address: String,
    /// Connections to hold at once.
    pub connections: u16,
    /// How frames are told apart.
    pub framing: Framing,
    /// TLS, where the host asks for it.
    pub tls: Option<TlsClient>,
    /// Limits on each connection.
    pub limits: Limits,
    /// Where the peer calls first: then `connections` are dialled back to it for each of its own.
    pub pairs: Option<PairRule>,
    /// Time between two attempts, a fifth more or less. A connection that stood for longer than this is dialled
    /// again at once when it is lost.
    pub reconnect_ms: u32,
}

impl DialConfig {
    /// One connection, tried every 30 seconds, the first time at once.
    pub fn new(name: LinkName, link: LinkId, address: impl Into<String>, framing: Framing) -> Self {
        let (connections, tls, pairs, reconnect_ms) = (1, None, None, 30_000);
        let limits = Limits::default();
        Self { name, link, address: address.into(), connections, framing, tls, limits, pairs, reconnect_ms }
    }
}

/// How one connection of a link is doing.
#[derive(Clone, Debug, PartialEq)]
pub enum LinkState {
    /// The peer has to call first.
    Awaited,
    /// Being dialled.
    Connecting,
    /// It stands.
    Up(ConnId),
    /// It was lost and will be dialled again.
    Lost(CloseReason),
    /// It could not be had and will be dialled again.
    Failed(ConnectError),
    /// It will not be dialled any more.
    Stopped,
}

/// A link at work. Dropping it changes nothing; [`LinkHandle::stop`] and [`LinkHandle::close`] end it.
#[derive(Clone)]
pub struct LinkHandle(Rc<Link>);

pub(crate) struct Link {
    net: Rc<Shared>,
    pub(crate) party: Rc<Party>,
    pub(crate) config: DialConfig,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    pub(crate) pairs: Option<Pairs>,
    slots: RefCell<Vec<LinkState>>,
    /// The connections that stand, by slot.
    pub(crate) standing: RefCell<Vec<(u16, Conn)>>,
    turn: Cell<usize>,
    pub(crate) stopped: Cell<bool>,
    /// Wakes those who wait for their next attempt.
    pub(crate) stir: Notify,
}

impl Net {
    /// Dials a host and keeps dialling. Whether it is there yet is no error of setting up: see
    /// [`LinkHandle::states`] and [`Handler::opened`].
    ///
    /// Errors: [`NetError`] when there is nothing to dial or the certificates cannot be used.
    pub fn dial(&self, config: DialConfig, handler: Rc<dyn Handler>) -> Result<LinkHandle, NetError> {
        if config.connections == 0 {
            return Err(NetError::NoConnections);
        }
        let tls = config.tls.as_ref().map(TlsClient::load).transpose()?;
        self.0.make_room_for(&config.framing);
        let (pairs, listener) = config.pairs.clone().map(Pairs::listen).transpose()?.unzip();
        let connections = config.connections;
        let slots = match &pairs {
            Some(pairs) => {
                vec![LinkState::Awaited; usize::from(pairs.count()) * (usize::from(connections) + 1)]
            }
            None => vec![LinkState::Connecting; usize::from(connections)],
        };
        let party = Rc::new(Party {
            framing: config.framing.clone(),
            manner: Manner::Persistent,
            limits: config.limits,
            read_bytes: READ_BYTES_MAX,
            handler,
            counters: Arc::default(),
        });
        let link = Rc::new(Link {
            net: self.0.clone(),
            party,
            config,
            tls,
            pairs,
            slots: RefCell::new(slots),
            standing: RefCell::default(),
            turn: Cell::new(0),
            stopped: Cell::new(false),
            stir: Notify::new(),
        });
        match (&link.pairs, listener) {
            (Some(pairs), Some(listener)) => {
                (0..pairs.count()).for_each(|pair| drop(spawn_local(link.clone().keep_pair(pair))));
                spawn_local(link.clone().take_in(listener));
            }
            _ => (0..connections).for_each(|slot| drop(spawn_local(link.clone().keep(slot)))),
        }
        Ok(LinkHandle(link))
    }
}

impl LinkHandle {
    /// Its name.
    pub fn name(&self) -> LinkName {
        self.0.config.name
    }

    /// Where its peer calls, where it is the peer who calls first.
    pub fn awaits_at(&self) -> Option<SocketAddr> {
        self.0.pairs.as_ref().map(|pairs| pairs.local_addr)
    }

    /// How each of its connections is doing.
    pub fn states(&self) -> Vec<LinkState> {
        self.0.slots.borrow().clone()
    }

    /// Whether the connection in that place is the peer's to make.
    pub fn is_called(&self, slot: usize) -> bool {
        self.0.pairs.is_some() && slot.is_multiple_of(usize::from(self.0.config.connections) + 1)
    }

    /// Connections that stand.
    pub fn up(&self) -> usize {
        self.0.standing.borrow().len()
    }

    /// The next connection that stands, each in its turn; `None` when none does.
    pub fn next_conn(&self) -> Option<Conn> {
        let standing = self.0.standing.borrow();
        let turn = self.0.turn.get().wrapping_add(1);
        self.0.turn.set(turn);
        let first = turn % standing.len().max(1);
        let (before, after) = standing.split_at(first);
        after.iter().chain(before).map(|(_, conn)| conn).find(|conn| conn.is_open()).cloned()
    }

    /// The connections that stand.
    pub fn conns(&self) -> Vec<Conn> {
        self.0.standing.borrow().iter().map(|(_, conn)| conn.clone()).collect()
    }

    /// Its figures.
    pub fn counters(&self) -> &Arc<Counters> {
        &self.0.party.counters
    }

    /// Dials at once whatever waits for its next attempt.
    pub fn dial_now(&self) {
        self.0.stir.notify_waiters();
    }

    /// Dials no more. Connections that stand go on until they end.
    pub fn stop(&self) {
        self.0.stopped.set(true);
        self.0.stir.notify_waiters();
    }

    /// Dials no more and closes what stands, in good order.
    pub fn close(&self) {
        self.stop();
        for conn in self.conns() {
            conn.close();
        }
    }
}

impl Link {
    /// Holds one connection, again and again.
    async fn keep(self: Rc<Self>, slot: u16) {
        // Said once for each cause: a host that is away for a night is one line, not thousands.
        let mut said = None;
        while !self.stopped.get() {
            self.set(slot, LinkState::Connecting);
            let began = Instant::now();
            let stood_long = match self.connect().await {
                Ok((stream, peer)) => {
                    said = None;
                    self.hold(slot, stream, peer).await;
                    began.elapsed() > Duration::from_millis(u64::from(self.config.reconnect_ms))
                }
                Err(error) => {
                    self.party.counters.connect_failures.add(1);
                    if said.as_ref() != Some(&error) {
                        let retry_ms = self.config.reconnect_ms;
                        tracing::warn!(name = %self.config.name, slot, %error, retry_ms, "host not reached; trying on");
                        said = Some(error.clone());
                    }
                    self.set(slot, LinkState::Failed(error));
                    false
                }
            };
            if !stood_long && !self.stopped.get() {
                self.wait().await;
            }
        }
        self.set(slot, LinkState::Stopped);
    }

    pub(crate) async fn wait(&self) {
        let wait = Duration::from_millis(self.net.jittered_ms(self.config.reconnect_ms));
        tokio::select! {
            () = self.stir.notified() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }

    pub(crate) async fn hold(&self, slot: u16, stream: Stream, peer: SocketAddr) {
        if self.stopped.get() {
            return;
        }
        self.party.counters.connects.add(1);
        let role = Role::Link { link: self.config.link, slot };
        let opened = |conn: &Conn| {
            self.standing.borrow_mut().push((slot, conn.clone()));
            self.set(slot, LinkState::Up(conn.id()));
        };
        let place = Place { peer, role, name: self.config.name };
        let lost = |why: &CloseReason| {
            self.standing.borrow_mut().retain(|(standing, _)| *standing != slot);
            self.set(slot, LinkState::Lost(why.clone()));
        };
        drive::run(&self.net, &self.party, place, stream, opened, lost).await;
    }

    pub(crate) async fn connect(&self) -> Result<(Stream, SocketAddr), ConnectError> {
        let timeout_ms = self.config.limits.handshake_timeout_ms;
        let within = Duration::from_millis(u64::from(timeout_ms));
        let (stream, peer) =
            timeout(within, self.reach()).await.map_err(|_| ConnectError::TimedOut { timeout_ms })??;
        socket::prepare(&stream).map_err(|error| ConnectError::Refused(error.kind()))?;
        let Some((connector, name)) = &self.tls else { return Ok((Stream::Plain(stream), peer)) };
        let stream = timeout(within, connector.connect(name.clone(), stream))
            .await
            .map_err(|_| ConnectError::TlsTimedOut { timeout_ms })?
            .map_err(tls_refusal)?;
        Ok((Stream::Tls(Box::new(stream.into())), peer))
    }

    /// Tries each address the name stands for, in order.
    async fn reach(&self) -> Result<(TcpStream, SocketAddr), ConnectError> {
        let addresses =
            lookup_host(&self.config.address).await.map_err(|error| ConnectError::Name(error.kind()))?;
        let mut last = ConnectError::Name(std::io::ErrorKind::NotFound);
        for address in addresses {
            match TcpStream::connect(address).await {
                Ok(stream) => return Ok((stream, address)),
                Err(error) => last = ConnectError::Refused(error.kind()),
            }
        }
        Err(last)
    }

    pub(crate) fn set(&self, slot: u16, state: LinkState) {
        self.slots.borrow_mut()[usize::from(slot)] = state;
    }
}

/// What TLS has to say, or what became of the connection below it.
fn tls_refusal(error: std::io::Error) -> ConnectError {
    let refusal = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    refusal.map_or(ConnectError::Refused(error.kind()), |refusal| ConnectError::Tls(refusal.clone()))
}
