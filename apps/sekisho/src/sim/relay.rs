//! The floor under a switch: the same frames over the same sockets, and nothing decided or written.
//!
//! Requests of every client go to one host connection and answers back to whoever asked. It reads nothing of a
//! message but the trace number, which it replaces on the way out and puts back on the way in. Frames are
//! `ascii4`, messages `iso87-ascii` with the elements 2, 3, 4, 7 and 11 in front and a card of 16 digits, as
//! `sekisho load` sends them.

use super::host::network;
use super::speech::{SimError, on_one_thread};
use super::{say, stop_asked, told};
use net::{CloseReason, Conn, DialConfig, Handler, LinkHandle, ListenerConfig, Net, Role, Service};
use std::cell::RefCell;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::ops::Range;
use std::process::ExitCode;
use std::rc::Rc;
use terms::{ConnId, LinkId, LinkName};
use wire::{Framing, Prefix};

/// Where the trace number lies: behind type, bitmap, card with its length, processing code, amount, date and
/// time.
const STAN: Range<usize> = 66..72;
/// Requests that may be under way at once.
const WAITING_MAX: usize = 100_000;

/// A bare relay.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where clients come in; port 0 takes any that is free
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9000")]
    listen: SocketAddr,
    /// Where the host is
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9001")]
    host: SocketAddr,
}

/// Relays until it is told to stop.
pub(super) fn run(args: Args) -> ExitCode {
    told(on_one_thread(serve(args)))
}

async fn serve(args: Args) -> Result<ExitCode, SimError> {
    let net = network(0);
    let relay = Rc::new(Relay::new(net.clone()));
    let (framing, name) = (Framing::new(Prefix::AsciiDigits(4)), LinkName::clipped(b"relay"));
    let mut dial = DialConfig::new(name, LinkId(0), args.host.to_string(), framing.clone());
    dial.reconnect_ms = 200;
    let link = net.dial(dial, relay.clone())?;
    relay.host.replace(Some(link));
    let mut config = ListenerConfig::new(name, args.listen, framing, Service::Persistent);
    config.per_address_max = config.connections_max;
    let listening = (net.listen(config, relay))
        .map_err(|error| SimError::CannotListen { address: args.listen, source: Box::new(error) })?;
    say(format_args!("listening on {}", listening.local_addr()));
    stop_asked().await?;
    Ok(ExitCode::SUCCESS)
}

/// Who asked, and under which number.
type Asker = (ConnId, [u8; 6]);

struct Relay {
    net: Net,
    host: RefCell<Option<LinkHandle>>,
    /// By the number the request was given.
    waiting: RefCell<Vec<Option<Asker>>>,
    free: RefCell<Vec<usize>>,
}

impl Relay {
    fn new(net: Net) -> Self {
        Self {
            net,
            host: RefCell::default(),
            waiting: RefCell::new(vec![None; WAITING_MAX]),
            free: RefCell::new((0..WAITING_MAX).collect()),
        }
    }

    fn ask(&self, conn: &Conn, body: &[u8]) -> Option<()> {
        let host = self.host.borrow().as_ref()?.next_conn()?;
        let stan = body.get(STAN)?.try_into().ok()?;
        let number = self.free.borrow_mut().pop()?;
        self.waiting.borrow_mut()[number] = Some((conn.id(), stan));
        send(&host, body, super::question::digits::<6>(number as u64).as_bytes());
        Some(())
    }

    fn answer(&self, body: &[u8]) -> Option<()> {
        let digits = body.get(STAN)?;
        let number = digits.iter().fold(0, |sum, digit| sum * 10 + usize::from(digit.wrapping_sub(b'0')));
        let (id, stan) = self.waiting.borrow_mut().get_mut(number)?.take()?;
        self.free.borrow_mut().push(number);
        send(&self.net.conn(id)?, body, &stan);
        Some(())
    }
}

fn send(conn: &Conn, body: &[u8], stan: &[u8]) {
    // A peer that is gone asks no more: what was meant for it is dropped.
    let _ = conn.send::<Infallible>(b"", |out| {
        let start = out.len();
        out.extend_from_slice(body);
        out[start + STAN.start..start + STAN.end].copy_from_slice(stan);
        Ok(())
    });
}

impl Handler for Relay {
    fn opened(&self, _: &Conn) {}

    /// What cannot be relayed is dropped; whoever waits for it notices.
    fn frame(&self, conn: &Conn, _: &[u8], body: &[u8]) {
        let _ = match conn.role() {
            Role::Source(_) => self.ask(conn, body),
            Role::Link { .. } => self.answer(body),
        };
    }

    fn closed(&self, _: &Conn, _: &CloseReason) {}
}
