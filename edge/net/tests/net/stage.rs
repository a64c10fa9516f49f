//! A network, a switch that writes down what it is told, and peers that speak `ascii4`.

use net::{
    CloseReason, Conn, Counters, Handler, ListenerConfig, Listening, Net, NetConfig, PoolRule, Service,
};
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;
use terms::{ConnId, LinkName};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use wire::Framing;

/// Long enough that only a test that would never end takes so long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn on_a_net<F: Future<Output = ()>>(test: impl FnOnce(Net) -> F) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
    tokio::task::LocalSet::new().block_on(&runtime, async {
        let net = Net::new(NetConfig { seed: 1, sweep_ms: 10 });
        tokio::time::timeout(PATIENCE, test(net)).await.expect("the test comes to its end");
    });
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Opened(ConnId),
    Frame(ConnId, Vec<u8>),
    TurnEnded,
    Closed(ConnId, CloseReason),
}

/// Writes down what it is told and, when it echoes, answers each frame with itself.
#[derive(Default)]
pub(crate) struct Scribe {
    pub(crate) told: RefCell<Vec<Told>>,
    pub(crate) conns: RefCell<Vec<Conn>>,
    pub(crate) echoes: Cell<bool>,
    news: Notify,
}

impl Scribe {
    pub(crate) fn silent() -> Rc<Self> {
        Rc::default()
    }

    pub(crate) fn echoing() -> Rc<Self> {
        let scribe = Self::default();
        scribe.echoes.set(true);
        Rc::new(scribe)
    }

    fn note(&self, told: Told) {
        self.told.borrow_mut().push(told);
        self.news.notify_waiters();
    }

    pub(crate) async fn until<R>(&self, found: impl Fn(&[Told]) -> Option<R>) -> R {
        loop {
            let news = self.news.notified();
            if let Some(result) = found(&self.told.borrow()) {
                return result;
            }
            news.await;
        }
    }

    pub(crate) async fn closed(&self) -> CloseReason {
        self.until(|told| {
            told.iter().find_map(|told| match told {
                Told::Closed(_, why) => Some(why.clone()),
                _ => None,
            })
        })
        .await
    }

    pub(crate) async fn opened(&self, count: usize) {
        self.until(|told| {
            (told.iter().filter(|told| matches!(told, Told::Opened(_))).count() >= count).then_some(())
        })
        .await;
    }

    /// The first connection, once it is there.
    pub(crate) async fn first(&self) -> Conn {
        self.opened(1).await;
        self.conns.borrow()[0].clone()
    }

    pub(crate) fn frames(&self) -> Vec<Vec<u8>> {
        let told = self.told.borrow();
        told.iter()
            .filter_map(|told| match told {
                Told::Frame(_, body) => Some(body.clone()),
                _ => None,
            })
            .collect()
    }

    pub(crate) async fn frames_until(&self, count: usize) -> Vec<Vec<u8>> {
        self.until(|told| {
            (told.iter().filter(|told| matches!(told, Told::Frame(..))).count() >= count).then_some(())
        })
        .await;
        self.frames()
    }
}

impl Handler for Scribe {
    fn opened(&self, conn: &Conn) {
        self.conns.borrow_mut().push(conn.clone());
        self.note(Told::Opened(conn.id()));
    }

    fn frame(&self, conn: &Conn, header: &[u8], body: &[u8]) {
        self.note(Told::Frame(conn.id(), body.to_vec()));
        if self.echoes.get() {
            let header = conn.framing().answer_header(header);
            conn.send_bytes(header.as_bytes(), body).expect("an echo can be sent");
        }
    }

    fn turn_ended(&self) {
        self.note(Told::TurnEnded);
    }

    fn closed(&self, conn: &Conn, why: &CloseReason) {
        self.note(Told::Closed(conn.id(), why.clone()));
    }
}

pub(crate) fn ascii4() -> Framing {
    Framing::named("ascii4").expect("a framing of that name exists")
}

pub(crate) fn name(text: &str) -> LinkName {
    LinkName::new(text.as_bytes()).expect("a short name")
}

pub(crate) fn any_port() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

pub(crate) fn persistent() -> ListenerConfig {
    ListenerConfig::new(name("access"), any_port(), ascii4(), Service::Persistent)
}

pub(crate) fn one_request(rule: PoolRule) -> ListenerConfig {
    ListenerConfig::new(name("atmc"), any_port(), ascii4(), Service::OneRequest(rule))
}

pub(crate) fn listen(net: &Net, config: ListenerConfig, scribe: &Rc<Scribe>) -> Listening {
    net.listen(config, scribe.clone()).expect("a free port can be listened on")
}

pub(crate) fn framed(body: &[u8]) -> Vec<u8> {
    let mut frame = format!("{:04}", body.len()).into_bytes();
    frame.extend_from_slice(body);
    frame
}

pub(crate) async fn call(listening: &Listening) -> TcpStream {
    TcpStream::connect(listening.local_addr()).await.expect("a listener accepts")
}

pub(crate) async fn say(peer: &mut (impl AsyncWriteExt + Unpin), bytes: &[u8]) {
    peer.write_all(bytes).await.expect("the connection takes bytes");
}

pub(crate) async fn hear(peer: &mut (impl AsyncReadExt + Unpin)) -> Vec<u8> {
    let mut length = [0; 4];
    peer.read_exact(&mut length).await.expect("a length arrives");
    let length: usize =
        std::str::from_utf8(&length).expect("digits").parse().expect("a length in four digits");
    let mut body = vec![0; length];
    peer.read_exact(&mut body).await.expect("a body arrives");
    body
}

/// What the peer still gets until the connection ends, or how it broke.
pub(crate) async fn rest(peer: &mut (impl AsyncReadExt + Unpin)) -> Result<Vec<u8>, std::io::ErrorKind> {
    let mut rest = Vec::new();
    peer.read_to_end(&mut rest).await.map_err(|error| error.kind())?;
    Ok(rest)
}

/// Waits for the end of a connection on which nothing comes, whether it is said politely or not.
pub(crate) async fn turned_away(peer: &mut (impl AsyncReadExt + Unpin)) {
    let got = rest(peer).await.unwrap_or_default();
    assert!(got.is_empty(), "somebody spoke: {} bytes", got.len());
}

/// Waits until the figures say so; they change only when the network did something.
pub(crate) async fn until_counted(counters: &Counters, enough: impl Fn(&net::Counts) -> bool) {
    while !enough(&counters.snapshot()) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
