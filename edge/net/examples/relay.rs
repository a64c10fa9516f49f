//! The smallest thing that can be built on `net`: requests of a listener go to one link, answers back to whoever
//! asked. It reads nothing of a message but the twelve bytes of a trace number, which it replaces on the way out
//! and puts back on the way in. Frames are `ascii4`; the number lies where an ISO 8583 message with the fields
//! 2, 3, 4, 7 and 11 in front and a PAN of 16 digits has it.
//!
//! `cargo run --release -p net --example relay -- 127.0.0.1:9000 127.0.0.1:9001`

use net::{
    CloseReason, Conn, DialConfig, Handler, LinkHandle, ListenerConfig, Net, NetConfig, Role, Service,
};
use std::cell::{OnceCell, RefCell};
use std::error::Error;
use std::rc::Rc;
use terms::{ConnId, LinkId, LinkName};
use tokio::runtime::{Builder, LocalOptions};
use wire::Framing;

/// Where the trace number lies: MTI, bitmap, PAN with its length, processing code, amount, date and time.
const STAN: std::ops::Range<usize> = 66..72;

/// Who asked, and under which number.
type Asker = (ConnId, [u8; 6]);

struct Relay {
    net: Net,
    link: OnceCell<LinkHandle>,
    /// By the number we gave the request.
    waiting: RefCell<Vec<Option<Asker>>>,
    free: RefCell<Vec<usize>>,
}

impl Relay {
    fn ask(&self, conn: &Conn, body: &[u8]) {
        let Some(host) = self.link.get().and_then(LinkHandle::next_conn) else { return };
        let Ok(stan) = body.get(STAN).unwrap_or_default().try_into() else { return };
        let Some(number) = self.free.borrow_mut().pop() else { return };
        self.waiting.borrow_mut()[number] = Some((conn.id(), stan));
        send(&host, body, format!("{number:06}").as_bytes());
    }

    fn answer(&self, body: &[u8]) {
        let digits = body.get(STAN).and_then(|stan| std::str::from_utf8(stan).ok());
        let Some(number) = digits.and_then(|digits| digits.parse::<usize>().ok()) else { return };
        let asker = self.waiting.borrow_mut().get_mut(number).and_then(Option::take);
        let Some((id, stan)) = asker else { return };
        self.free.borrow_mut().push(number);
        if let Some(conn) = self.net.conn(id) {
            send(&conn, body, &stan);
        }
    }
}

fn send(conn: &Conn, body: &[u8], stan: &[u8]) {
    let sent = conn.send::<std::convert::Infallible>(b"", |out| {
        let start = out.len();
        out.extend_from_slice(body);
        out[start + STAN.start..start + STAN.end].copy_from_slice(stan);
        Ok(())
    });
    if let Err(error) = sent {
        eprintln!("{conn:?}: {error}");
    }
}

impl Handler for Relay {
    fn opened(&self, conn: &Conn) {
        eprintln!("{conn:?} opened");
    }

    fn frame(&self, conn: &Conn, _header: &[u8], body: &[u8]) {
        match conn.role() {
            Role::Source(_) => self.ask(conn, body),
            Role::Link { .. } => self.answer(body),
        }
    }

    fn closed(&self, conn: &Conn, why: &CloseReason) {
        eprintln!("{conn:?} {why}");
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let (Some(listen), Some(dial)) = (words.next(), words.next()) else {
        return Err("two addresses: where to listen, and the host".into());
    };
    let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default())?;
    runtime.block_on(async {
        let net = Net::new(NetConfig::default());
        let relay = Rc::new(Relay {
            net: net.clone(),
            link: OnceCell::new(),
            waiting: RefCell::new(vec![None; 100_000]),
            free: RefCell::new((0..100_000).collect()),
        });
        let (ascii4, name) = (Framing::named("ascii4")?, LinkName::clipped(b"relay"));
        let link = net.dial(DialConfig::new(name, LinkId(0), dial, ascii4.clone()), relay.clone())?;
        relay.link.set(link).map_err(|_| "set once")?;
        let mut config = ListenerConfig::new(name, listen.parse()?, ascii4, Service::Persistent);
        config.per_address_max = config.connections_max;
        let listening = net.listen(config, relay.clone())?;
        println!("listening on {}", listening.local_addr());
        std::future::pending().await
    })
}
