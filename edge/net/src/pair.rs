//! Links whose peer calls first: it connects to us, and we connect back so many times. What was built together
//! ends together.
//!
//! ```text
//!   the peer connects ─▶ we dial back N times ─▶ the pair stands, all of it is sent on in turn
//!        ▲                                            │ one of them is lost, or the peer connects once more
//!        └────────────── all of it is closed ◀────────┘
//! ```
//! A peer that connects once more than there are pairs has lost one that we still hold for alive: the oldest
//! gives way to the newest.

use crate::dial::{Link, LinkState};
use crate::socket;
use crate::stream::Stream;
use crate::{Conn, NetError};
use std::cell::{Cell, RefCell};
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::{JoinHandle, spawn_local};

/// A link whose peer calls first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairRule {
    /// Where the peer connects to; port 0 takes any that is free.
    pub listen: SocketAddr,
    /// Pairs that stand at once.
    pub pairs: u16,
    /// Who may connect: a stranger would push out the peer.
    pub peers: Vec<IpAddr>,
}

/// The pairs of a link.
pub(crate) struct Pairs {
    rule: PairRule,
    pub(crate) local_addr: SocketAddr,
    places: Vec<Place>,
    arrivals: Cell<u64>,
}

/// Where one pair stands or will stand.
#[derive(Default)]
struct Place {
    /// The peer is here, and its pair is to be built, in place of the one that stands.
    came: RefCell<Option<(TcpStream, SocketAddr)>>,
    news: Notify,
    /// When the pair that stands began; 0 where none does.
    since: Cell<u64>,
    /// The end of the pair that stands, or that stood last.
    over: RefCell<Rc<Over>>,
}

impl Place {
    /// The less, the sooner it is given to a peer that comes: a free place first, then that of a pair that is
    /// over already, then that of the oldest. Whoever came and waits for his is displaced last.
    fn rank(&self) -> u64 {
        match self.since.get() {
            _ if self.came.borrow().is_some() => u64::MAX,
            0 => 0,
            _ if self.over.borrow().is.get() => 1,
            since => since + 1,
        }
    }
}

/// Says once for all that a pair is over.
#[derive(Default)]
struct Over {
    is: Cell<bool>,
    news: Notify,
}

impl Over {
    fn end(&self) {
        self.is.set(true);
        self.news.notify_waiters();
    }

    async fn wait(&self) {
        let news = self.news.notified();
        if !self.is.get() {
            news.await;
        }
    }
}

impl Pairs {
    /// Listens for the peer. The port is ours from here on; who comes is taken in by [`Link::take_in`].
    pub(crate) fn listen(rule: PairRule) -> Result<(Self, TcpListener), NetError> {
        let refused = |error| NetError::listen(rule.listen, error);
        let listener = socket::listen(rule.listen).map_err(refused)?;
        let local_addr = listener.local_addr().map_err(refused)?;
        let places = (0..rule.pairs.max(1)).map(|_| Place::default()).collect();
        Ok((Self { rule, local_addr, places, arrivals: Cell::new(0) }, listener))
    }

    /// How many may stand.
    pub(crate) fn count(&self) -> u16 {
        self.places.len() as u16
    }

    /// Where a peer that comes now belongs: a free place, or that of the oldest pair.
    fn place(&self) -> Option<&Place> {
        self.places.iter().min_by_key(|place| place.rank())
    }
}

impl Link {
    /// Takes in whoever comes, as long as the link is not stopped.
    pub(crate) async fn take_in(self: Rc<Self>, listener: TcpListener) {
        while !self.stopped.get() {
            let came = tokio::select! {
                came = listener.accept() => came,
                () = self.until_stopped() => return,
            };
            match came {
                Ok((stream, peer)) => {
                    // What ended before it came is heard first: no pair that lives gives way to it then.
                    tokio::task::yield_now().await;
                    self.arrived(stream, peer);
                }
                Err(error) => {
                    tracing::warn!(name = %self.config.name, %error, "the peer's connection could not be accepted");
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                }
            }
        }
    }

    fn arrived(&self, stream: TcpStream, peer: SocketAddr) {
        let Some(pairs) = &self.pairs else { return };
        self.party.counters.accepted.add(1);
        let is_peer = pairs.rule.peers.contains(&peer.ip().to_canonical());
        if !is_peer || socket::prepare(&stream).is_err() {
            tracing::warn!(name = %self.config.name, %peer, "not the peer of this link: refused");
            return socket::refuse(stream);
        }
        let Some(place) = pairs.place() else { return };
        pairs.arrivals.set(pairs.arrivals.get() + 1);
        if place.rank() > 1 {
            tracing::warn!(name = %self.config.name, %peer, "the peer connects once more: its oldest pair makes room");
        }
        if let Some((waiting, _)) = place.came.borrow_mut().replace((stream, peer)) {
            socket::refuse(waiting);
        }
        place.news.notify_waiters();
    }

    /// Builds one pair after another.
    pub(crate) async fn keep_pair(self: Rc<Self>, number: u16) {
        let Some(pairs) = &self.pairs else { return };
        let Some(place) = pairs.places.get(usize::from(number)) else { return };
        while !self.stopped.get() {
            let news = place.news.notified();
            let came = place.came.borrow_mut().take();
            match came {
                Some((stream, peer)) => {
                    place.since.set(pairs.arrivals.get());
                    self.clone().stand(number, place, stream, peer).await;
                    place.since.set(0);
                }
                None => tokio::select! {
                    () = news => {}
                    () = self.until_stopped() => {}
                },
            }
        }
        self.slots_of(number).for_each(|slot| self.set(slot, LinkState::Stopped));
    }

    /// One pair, from its beginning to its end.
    async fn stand(self: Rc<Self>, number: u16, place: &Place, stream: TcpStream, peer: SocketAddr) {
        let over = Rc::new(Over::default());
        place.over.replace(over.clone());
        let mut slots = self.slots_of(number);
        let first = slots.next().unwrap_or_default();
        let mut tasks = vec![self.clone().hold_first(first, stream, peer, over.clone())];
        tasks.extend(slots.map(|slot| self.clone().dial_back(slot, over.clone())));
        let displaced = tokio::select! {
            () = over.wait() => false,
            () = place.news.notified() => true,
            () = self.until_stopped() => false,
        };
        over.end();
        for conn in self.conns_of(number) {
            // What was displaced is dead: nothing waits for it to take its last bytes.
            if displaced { conn.abort() } else { conn.close() }
        }
        for task in tasks {
            // A task that panicked has ended too.
            let _ = task.await;
        }
        self.slots_of(number).for_each(|slot| self.set(slot, LinkState::Awaited));
    }

    fn hold_first(
        self: Rc<Self>,
        slot: u16,
        stream: TcpStream,
        peer: SocketAddr,
        over: Rc<Over>,
    ) -> JoinHandle<()> {
        spawn_local(async move {
            self.hold(slot, Stream::Plain(stream), peer).await;
            over.end();
        })
    }

    /// Connects back to a peer that stands, until that is done or the pair is over, and holds what it got.
    fn dial_back(self: Rc<Self>, slot: u16, over: Rc<Over>) -> JoinHandle<()> {
        spawn_local(async move {
            while !over.is.get() {
                self.set(slot, LinkState::Connecting);
                let connected = tokio::select! {
                    connected = self.connect() => connected,
                    () = over.wait() => return,
                };
                match connected {
                    Ok((stream, peer)) => {
                        self.hold(slot, stream, peer).await;
                        return over.end();
                    }
                    Err(error) => {
                        self.party.counters.connect_failures.add(1);
                        tracing::warn!(name = %self.config.name, slot, %error, "not connected back; trying on");
                        self.set(slot, LinkState::Failed(error));
                    }
                }
                tokio::select! {
                    () = self.wait() => {}
                    () = over.wait() => {}
                }
            }
        })
    }

    /// Connections of one pair: the peer's own, and those we dial back.
    fn slots_of(&self, number: u16) -> std::ops::Range<u16> {
        let of_one = self.config.connections + 1;
        number * of_one..(number + 1) * of_one
    }

    fn conns_of(&self, number: u16) -> Vec<Conn> {
        let slots = self.slots_of(number);
        let standing = self.standing.borrow();
        standing.iter().filter(|(slot, _)| slots.contains(slot)).map(|(_, conn)| conn.clone()).collect()
    }

    async fn until_stopped(&self) {
        loop {
            let stirred = self.stir.notified();
            if self.stopped.get() {
                return;
            }
            stirred.await;
        }
    }
}
