use crate::conn::{Place, Role};
use crate::drive;
use crate::gate::{Gate, Refusal};
use crate::party::{Limits, Manner, Party};
use crate::pool::{PoolRule, PoolSize};
use crate::shared::{Net, Shared};
use crate::socket;
use crate::stream::Stream;
use crate::{AllowedPeer, BanRule, CloseReason, Counters, Handler, NetError, TlsError, TlsServer};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use terms::{LinkName, SourceId, limits};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::spawn_local;
use tokio_rustls::TlsAcceptor;
use wire::Framing;

/// Bytes of one source handled in one turn.
const READ_BYTES: usize = 16 * 1_024;

/// What a listener offers.
#[derive(Clone, Copy, Debug)]
pub enum Service {
    /// Frames in both directions for as long as both like.
    Persistent,
    /// One request and its answer per connection, so many at once as the pool allows.
    OneRequest(PoolRule),
}

/// A listener. [`ListenerConfig::new`] has the defaults.
#[derive(Clone, Debug)]
pub struct ListenerConfig {
    /// Its name in logs and figures.
    pub name: LinkName,
    /// The source its requests belong to, unless the peer's address says otherwise.
    pub source: SourceId,
    /// Where it listens; port 0 takes any that is free.
    pub address: SocketAddr,
    /// What it offers.
    pub service: Service,
    /// How frames are told apart.
    pub framing: Framing,
    /// TLS, where it is asked for.
    pub tls: Option<TlsServer>,
    /// Limits on each connection.
    pub limits: Limits,
    /// Connections at once, those waiting for the pool included.
    pub connections_max: u32,
    /// Of these, from one address.
    pub per_address_max: u32,
    /// The only peers that may come in; `None` lets anybody in.
    pub allow: Option<Vec<AllowedPeer>>,
    /// When an address is shut out for a while.
    pub ban: Option<BanRule>,
}

impl ListenerConfig {
    /// A listener with the defaults of its service. A persistent one shuts out addresses that send garbage; a
    /// one-request one does not, because behind one of its addresses stand many terminals, but it gives a
    /// silent peer ten seconds.
    pub fn new(name: LinkName, address: SocketAddr, framing: Framing, service: Service) -> Self {
        let (ban, idle_timeout_ms) = match service {
            Service::Persistent => (Some(BanRule::default()), None),
            Service::OneRequest(_) => (None, Some(10_000)),
        };
        Self {
            name,
            source: SourceId::default(),
            address,
            service,
            framing,
            tls: None,
            limits: Limits { idle_timeout_ms, ..Limits::default() },
            connections_max: limits::CONNECTIONS_MAX,
            per_address_max: 1_024,
            allow: None,
            ban,
        }
    }
}

/// A listener at work. Dropping it changes nothing; [`Listening::stop`] ends it.
#[derive(Clone)]
pub struct Listening {
    local_addr: SocketAddr,
    door: Rc<Door>,
}

struct Door {
    net: Rc<Shared>,
    party: Rc<Party>,
    name: LinkName,
    source: SourceId,
    tls: RefCell<Option<TlsAcceptor>>,
    gate: RefCell<Gate>,
    pool: Option<RefCell<Pool>>,
    stop: Notify,
    stopped: Cell<bool>,
}

/// The places of a one-request listener.
struct Pool {
    rule: PoolRule,
    now: PoolSize,
    busy: u32,
    served: u64,
    waited: bool,
    waiting: VecDeque<Visitor>,
}

/// A connection that was let in.
struct Visitor {
    stream: TcpStream,
    peer: SocketAddr,
    known: Option<AllowedPeer>,
    since_ms: u64,
}

impl Net {
    /// Listens. Connections are accepted as long as the operating system hands them over; whoever is one too
    /// many is refused, and counted, instead of being left to wait.
    ///
    /// Errors: [`NetError`] when the address cannot be had or the certificates cannot be used.
    pub fn listen(&self, config: ListenerConfig, handler: Rc<dyn Handler>) -> Result<Listening, NetError> {
        let address = config.address;
        let tls = config.tls.as_ref().map(TlsServer::load).transpose()?;
        let listener = socket::listen(address).map_err(|source| NetError::listen(address, source))?;
        let local_addr = listener.local_addr().map_err(|source| NetError::listen(address, source))?;
        self.0.make_room_for(&config.framing);
        let door = Rc::new(Door::new(self.0.clone(), config, tls, handler));
        spawn_local(door.clone().accept_all(listener));
        if door.pool.is_some() {
            spawn_local(door.clone().keep_pool());
        }
        Ok(Listening { local_addr, door })
    }
}

impl Listening {
    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Its figures.
    pub fn counters(&self) -> &Arc<Counters> {
        &self.door.party.counters
    }

    /// Offers other certificates to those who come from now on. Connections that stand keep theirs.
    ///
    /// Errors: [`TlsError`]; nothing has changed then.
    pub fn set_tls(&self, tls: Option<&TlsServer>) -> Result<(), TlsError> {
        let tls = tls.map(TlsServer::load).transpose()?;
        self.door.tls.replace(tls);
        Ok(())
    }

    /// Lets other peers in from now on. Connections that stand are left alone.
    pub fn set_allow(&self, allow: Option<Vec<AllowedPeer>>) {
        self.door.gate.borrow_mut().allow = allow;
    }

    /// Accepts nobody any more. Connections that stand go on; those waiting in line are refused.
    pub fn stop(&self) {
        self.door.stopped.set(true);
        self.door.stop.notify_one();
    }

    /// Closes every connection that came in here, in good order.
    pub fn close_all(&self) {
        for conn in self.door.net.conns() {
            if Rc::ptr_eq(&conn.0.party, &self.door.party) {
                conn.close();
            }
        }
    }
}

impl Door {
    fn new(
        net: Rc<Shared>,
        config: ListenerConfig,
        tls: Option<TlsAcceptor>,
        handler: Rc<dyn Handler>,
    ) -> Self {
        let counters = Arc::new(Counters::default());
        let (manner, pool) = match config.service {
            Service::Persistent => (Manner::Persistent, None),
            Service::OneRequest(rule) => (Manner::OneRequest, Some(RefCell::new(Pool::new(rule, &counters)))),
        };
        let (framing, limits) = (config.framing, config.limits);
        let party = Party { framing, manner, limits, read_bytes: READ_BYTES, handler, counters };
        Self {
            net,
            party: Rc::new(party),
            name: config.name,
            source: config.source,
            tls: RefCell::new(tls),
            gate: RefCell::new(Gate::new(
                config.connections_max,
                config.per_address_max,
                config.allow,
                config.ban,
            )),
            pool,
            stop: Notify::new(),
            stopped: Cell::new(false),
        }
    }

    async fn accept_all(self: Rc<Self>, listener: TcpListener) {
        while !self.stopped.get() {
            tokio::select! {
                () = self.stop.notified() => {}
                accepted = listener.accept() => match accepted {
                    Ok((stream, peer)) => self.arrived(stream, peer),
                    Err(error) => self.accept_failed(&error).await,
                },
            }
        }
        self.refuse_waiting(|_| true);
    }

    /// Out of descriptors or memory, most likely: others have to leave before trying again makes sense.
    async fn accept_failed(&self, error: &std::io::Error) {
        self.party.counters.accept_errors.add(1);
        tracing::warn!(name = %self.name, %error, "a connection could not be accepted");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    fn arrived(self: &Rc<Self>, stream: TcpStream, peer: SocketAddr) {
        self.party.counters.accepted.add(1);
        let since_ms = self.net.now_ms();
        let known = match self.gate.borrow_mut().enter(peer.ip().to_canonical(), since_ms) {
            Ok(known) => known,
            Err(refusal) => return self.refuse(stream, peer, refusal),
        };
        if let Err(error) = socket::prepare(&stream) {
            tracing::debug!(%peer, %error, "a connection was gone before it was used");
            return self.left(peer);
        }
        self.place(Visitor { stream, peer, known, since_ms });
    }

    fn place(self: &Rc<Self>, visitor: Visitor) {
        if let Some(pool) = &self.pool {
            let mut pool = pool.borrow_mut();
            if pool.busy >= pool.now.size {
                pool.waited = true;
                if pool.waiting.len() >= pool.rule.waiting_max as usize {
                    self.left(visitor.peer);
                    return self.refuse(visitor.stream, visitor.peer, Refusal::Pool);
                }
                pool.waiting.push_back(visitor);
                return pool.tell(&self.party.counters);
            }
            pool.busy += 1;
            pool.tell(&self.party.counters);
        }
        spawn_local(self.clone().serve(visitor));
    }

    fn refuse(&self, stream: TcpStream, peer: SocketAddr, refusal: Refusal) {
        refusal.count(&self.party.counters);
        tracing::debug!(name = %self.name, %peer, ?refusal, "connection refused");
        socket::refuse(stream);
    }

    async fn serve(self: Rc<Self>, visitor: Visitor) {
        let Visitor { stream, peer, known, .. } = visitor;
        match self.handshake(stream, peer).await {
            Some(stream) => {
                let (name, source) = known.map_or((self.name, self.source), |peer| (peer.name, peer.source));
                let place = Place { peer, role: Role::Source(source), name };
                let gone = |why: &CloseReason| self.ended(peer, why);
                drive::run(&self.net, &self.party, place, stream, |_| (), gone).await;
            }
            None => self.free_place(),
        }
        self.left(peer);
    }

    async fn handshake(&self, stream: TcpStream, peer: SocketAddr) -> Option<Stream> {
        let acceptor = self.tls.borrow().clone();
        let Some(acceptor) = acceptor else { return Some(Stream::Plain(stream)) };
        let timeout = Duration::from_millis(u64::from(self.party.limits.handshake_timeout_ms));
        let error = match tokio::time::timeout(timeout, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => return Some(Stream::Tls(Box::new(stream.into()))),
            Ok(Err(error)) => error,
            Err(late) => late.into(),
        };
        self.party.counters.tls_failures.add(1);
        tracing::debug!(name = %self.name, %peer, %error, "TLS handshake failed");
        None
    }

    fn ended(self: &Rc<Self>, peer: SocketAddr, why: &CloseReason) {
        let address = peer.ip().to_canonical();
        if matches!(why, CloseReason::Framing(_))
            && self.gate.borrow_mut().offended(address, self.net.now_ms())
        {
            self.party.counters.bans.add(1);
            tracing::warn!(name = %self.name, %address, "address shut out: it keeps sending what is no frame");
        }
        self.free_place();
    }

    fn left(&self, peer: SocketAddr) {
        self.gate.borrow_mut().leave(peer.ip().to_canonical());
    }

    fn free_place(self: &Rc<Self>) {
        let Some(pool) = &self.pool else { return };
        {
            let mut pool = pool.borrow_mut();
            pool.busy -= 1;
            pool.served += 1;
        }
        self.call_in();
    }

    /// Serves those in line for whom there is a place now.
    fn call_in(self: &Rc<Self>) {
        let Some(pool) = &self.pool else { return };
        let mut pool = pool.borrow_mut();
        while pool.busy < pool.now.size
            && let Some(visitor) = pool.waiting.pop_front()
        {
            pool.busy += 1;
            spawn_local(self.clone().serve(visitor));
        }
        pool.tell(&self.party.counters);
    }

    async fn keep_pool(self: Rc<Self>) {
        let Some(pool) = &self.pool else { return };
        let check_ms = u64::from(pool.borrow().rule.check_ms);
        while !self.stopped.get() {
            tokio::time::sleep(Duration::from_millis(check_ms)).await;
            pool.borrow_mut().check(&self.party.counters);
            let timeout_ms = pool.borrow().rule.waiting_timeout_ms;
            self.refuse_waiting(|since_ms| self.net.is_over(since_ms, timeout_ms));
            self.call_in();
        }
    }

    fn refuse_waiting(&self, too_long: impl Fn(u64) -> bool) {
        let Some(pool) = &self.pool else { return };
        let mut pool = pool.borrow_mut();
        while let Some(visitor) = pool.waiting.pop_front_if(|first| too_long(first.since_ms)) {
            self.left(visitor.peer);
            self.refuse(visitor.stream, visitor.peer, Refusal::Waited);
        }
        pool.tell(&self.party.counters);
    }
}

impl Pool {
    fn new(rule: PoolRule, counters: &Counters) -> Self {
        let rule = rule.in_order();
        let pool =
            Self { rule, now: rule.start(), busy: 0, served: 0, waited: false, waiting: VecDeque::new() };
        pool.tell(counters);
        pool
    }

    fn check(&mut self, counters: &Counters) {
        let before = self.now.size;
        self.now = self.rule.check(self.now, self.served, self.waited);
        (self.served, self.waited) = (0, !self.waiting.is_empty());
        match self.now.size.cmp(&before) {
            std::cmp::Ordering::Greater => counters.pool_grown.add(1),
            std::cmp::Ordering::Less => counters.pool_shrunk.add(1),
            std::cmp::Ordering::Equal => {}
        }
    }

    fn tell(&self, counters: &Counters) {
        counters.pool_size.set(u64::from(self.now.size));
        counters.pool_busy.set(u64::from(self.busy));
        counters.pool_waiting.set(self.waiting.len() as u64);
    }
}
