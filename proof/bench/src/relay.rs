//! The floor: what it costs to carry frames from many connections to one and back, and nothing else.
//!
//! A bare relay on one thread of the runtime the switch uses. It keeps who asked, replaces a number in the body
//! on the way out and puts the asker's own back on the way in; it decodes nothing, decides nothing and remembers
//! nothing. Whatever a switch takes above this is what deciding and remembering cost.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener as StdListener};
use std::ops::Range;
use std::process::ExitCode;
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::{LocalSet, spawn_local};

/// Bytes of an `ascii4` length.
const LENGTH_BYTES: usize = 4;
/// Digits of the number the relay replaces.
const NUMBER_DIGITS: usize = 6;
const READ_BYTES: usize = 64 * 1_024;

/// Measures the relay with the frames and the numbers of clients that the switch is measured with.
pub(crate) fn run() -> ExitCode {
    println!(
        "bare relay, 555-byte bodies, one host connection; clients and host share a thread of their own"
    );
    for clients in [8, 64, 256] {
        match measure(clients, 555, Duration::from_secs(3)) {
            Ok(Floor { per_second, cpu_us }) => {
                println!(
                    "{clients:>4} clients  {per_second:>8.0}/s  {cpu_us:>5.1} us of its processor time each"
                );
            }
            Err(error) => {
                eprintln!("no sockets to measure with: {error}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}

/// What a relay was measured to do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Floor {
    /// Requests answered in each second.
    pub(crate) per_second: f64,
    /// Processor time of the relay's thread for a request and its answer.
    pub(crate) cpu_us: f64,
}

/// Measures a relay between `clients` connections that each wait for their answer before they ask again, and one
/// host connection. Clients and host share one thread, the relay has its own; all in this process.
///
/// - Units: `body_bytes` is the body of a frame, at least 6; the frames carry nothing else.
/// - Errors: the operating system's, when sockets cannot be had.
pub(crate) fn measure(clients: usize, body_bytes: usize, duration: Duration) -> io::Result<Floor> {
    assert!((NUMBER_DIGITS..=9_999).contains(&body_bytes), "a body holds its number and fits its length");
    let (listener, host) = (any_port()?, any_port()?);
    let (address, host_address) = (listener.local_addr()?, host.local_addr()?);
    // The thread outlives the measurement by the relay's last read: its connections end with the clients'.
    let relay = thread::spawn(move || {
        let before_ns = thread_cpu_ns();
        serve(listener, host_address, 0..NUMBER_DIGITS)?;
        io::Result::Ok(thread_cpu_ns().saturating_sub(before_ns))
    });
    let (answered, took) = ask(address, host, clients, body_bytes, duration)?;
    let cpu_ns = relay.join().map_err(|_| io::Error::other("the relay's thread stopped"))??;
    let answered = answered as f64;
    Ok(Floor { per_second: answered / took.as_secs_f64(), cpu_us: cpu_ns as f64 / 1_000.0 / answered })
}

/// Relays on this thread from `listener` to `host` until the host's connection ends. `number` is where six digits
/// stand in each body that may be replaced on the way.
pub(crate) fn serve(listener: StdListener, host: SocketAddr, number: Range<usize>) -> io::Result<()> {
    assert_eq!(number.len(), NUMBER_DIGITS, "the number has six digits");
    on_one_thread(async move {
        let host = TcpStream::connect(host).await?;
        host.set_nodelay(true)?;
        let (host_in, host_out) = host.into_split();
        let relay = Rc::new(Relay { number, host: Way::new(host_out), asked: RefCell::default() });
        spawn_local(relay.clone().accept(TcpListener::from_std(listener)?));
        relay.answers(host_in).await;
        Ok(())
    })
}

struct Relay {
    number: Range<usize>,
    host: Rc<Way>,
    asked: RefCell<Asked>,
}

/// Who waits for an answer, by the number we gave the request.
#[derive(Default)]
struct Asked {
    askers: Vec<Option<(Rc<Way>, [u8; NUMBER_DIGITS])>>,
    free: VecDeque<usize>,
}

/// The way out of one connection: what is queued leaves in one piece.
struct Way {
    queue: RefCell<Vec<u8>>,
    news: Notify,
}

impl Relay {
    async fn accept(self: Rc<Self>, listener: TcpListener) {
        while let Ok((stream, _)) = listener.accept().await {
            if stream.set_nodelay(true).is_ok() {
                let (reading, writing) = stream.into_split();
                spawn_local(self.clone().requests(reading, Way::new(writing)));
            }
        }
    }

    async fn requests(self: Rc<Self>, reading: OwnedReadHalf, asker: Rc<Way>) {
        frames(reading, |frame| {
            let number = self.digits(frame);
            let ours = self.asked.borrow_mut().keep(asker.clone(), number);
            self.host.queue(frame, LENGTH_BYTES + self.number.start, &digits_of(ours));
        })
        .await;
    }

    async fn answers(self: Rc<Self>, reading: OwnedReadHalf) {
        frames(reading, |frame| {
            let ours = self.digits(frame).iter().fold(0, |n, digit| n * 10 + usize::from(digit & 0x0f));
            if let Some((asker, number)) = self.asked.borrow_mut().take(ours) {
                asker.queue(frame, LENGTH_BYTES + self.number.start, &number);
            }
        })
        .await;
    }

    fn digits(&self, frame: &[u8]) -> [u8; NUMBER_DIGITS] {
        let body = &frame[LENGTH_BYTES..];
        body[self.number.clone()].try_into().expect("the number has six digits")
    }
}

impl Asked {
    fn keep(&mut self, asker: Rc<Way>, number: [u8; NUMBER_DIGITS]) -> usize {
        let ours = self.free.pop_front().unwrap_or_else(|| {
            self.askers.push(None);
            self.askers.len() - 1
        });
        self.askers[ours] = Some((asker, number));
        ours
    }

    fn take(&mut self, ours: usize) -> Option<(Rc<Way>, [u8; NUMBER_DIGITS])> {
        let asker = self.askers.get_mut(ours)?.take()?;
        self.free.push_back(ours);
        Some(asker)
    }
}

impl Way {
    fn new(writing: OwnedWriteHalf) -> Rc<Self> {
        let way = Rc::new(Self { queue: RefCell::default(), news: Notify::new() });
        spawn_local(way.clone().write(writing));
        way
    }

    fn queue(&self, frame: &[u8], at: usize, number: &[u8; NUMBER_DIGITS]) {
        let mut queue = self.queue.borrow_mut();
        let start = queue.len() + at;
        queue.extend_from_slice(frame);
        queue[start..start + NUMBER_DIGITS].copy_from_slice(number);
        self.news.notify_one();
    }

    async fn write(self: Rc<Self>, mut writing: OwnedWriteHalf) {
        let mut leaving = Vec::new();
        loop {
            self.news.notified().await;
            std::mem::swap(&mut leaving, &mut self.queue.borrow_mut());
            if writing.write_all(&leaving).await.is_err() {
                return;
            }
            leaving.clear();
        }
    }
}

/// Reads until the connection ends and hands over each frame with its length.
async fn frames(mut reading: OwnedReadHalf, mut hand_over: impl FnMut(&[u8])) {
    let (mut buffer, mut held) = (vec![0; READ_BYTES], 0);
    loop {
        match reading.read(&mut buffer[held..]).await {
            Ok(0) | Err(_) => return,
            Ok(count) => held += count,
        }
        let mut used = 0;
        while let Some(bytes) = frame_bytes(&buffer[used..held]) {
            hand_over(&buffer[used..used + bytes]);
            used += bytes;
        }
        buffer.copy_within(used..held, 0);
        held -= used;
    }
}

/// Bytes of the frame in front, when all of it is there. Both ends are ours, so nothing is checked.
fn frame_bytes(buffer: &[u8]) -> Option<usize> {
    let length = buffer.get(..LENGTH_BYTES)?;
    let body_bytes = length.iter().fold(0, |n, digit| n * 10 + usize::from(digit & 0x0f));
    (buffer.len() >= LENGTH_BYTES + body_bytes).then_some(LENGTH_BYTES + body_bytes)
}

fn digits_of(number: usize) -> [u8; NUMBER_DIGITS] {
    let mut digits = [b'0'; NUMBER_DIGITS];
    let mut rest = number;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    digits
}

/// Clients and host: asks for `duration` and says how many answers came, and in what time.
fn ask(
    relay: SocketAddr,
    host: StdListener,
    clients: usize,
    body_bytes: usize,
    duration: Duration,
) -> io::Result<(u64, Duration)> {
    on_one_thread(async move {
        let (host, _) = TcpListener::from_std(host)?.accept().await?;
        host.set_nodelay(true)?;
        let echo = spawn_local(echo(host));
        let began = Instant::now();
        let mut asking = Vec::new();
        for client in 0..clients {
            let stream = TcpStream::connect(relay).await?;
            stream.set_nodelay(true)?;
            asking.push(spawn_local(ask_on_one(stream, client, body_bytes, began + duration)));
        }
        let mut answered = 0;
        for client in asking {
            answered += client.await??;
        }
        let took = began.elapsed();
        echo.abort();
        Ok((answered, took))
    })
}

async fn ask_on_one(
    mut stream: TcpStream,
    client: usize,
    body_bytes: usize,
    end: Instant,
) -> io::Result<u64> {
    let mut frame = format!("{body_bytes:04}").into_bytes();
    frame.resize(LENGTH_BYTES + body_bytes, b'0' + (client % 10) as u8);
    let (mut answer, mut answered) = (vec![0; frame.len()], 0);
    while Instant::now() < end {
        let number = digits_of(answered as usize);
        frame[LENGTH_BYTES..LENGTH_BYTES + NUMBER_DIGITS].copy_from_slice(&number);
        stream.write_all(&frame).await?;
        stream.read_exact(&mut answer).await?;
        assert_eq!(answer, frame, "each asker gets its own answer, under its own number");
        answered += 1;
    }
    Ok(answered)
}

/// A host that answers everything with itself.
async fn echo(mut stream: TcpStream) {
    let mut buffer = vec![0; READ_BYTES];
    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
        if stream.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}

fn on_one_thread<R>(work: impl Future<Output = io::Result<R>>) -> io::Result<R> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, work)
}

fn any_port() -> io::Result<StdListener> {
    let listener = StdListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Processor time of this thread; 0 where the system does not say.
fn thread_cpu_ns() -> u64 {
    let figures = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    figures.split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_asker_gets_its_own_answer_from_the_relay() {
        let floor = measure(8, 555, Duration::from_millis(200)).expect("sockets can be had");
        println!("{:.0} a second, {:.1} us each", floor.per_second, floor.cpu_us);
        assert!(floor.per_second > 0.0);
    }
}
