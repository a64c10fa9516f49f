use super::question::{Speech, Terminal, today};
use super::{Daemon, PATIENCE};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use terms::{Code, Txn};
use wire::Next;

/// One connection to a listener.
pub struct Client {
    /// The connection itself.
    pub stream: TcpStream,
    speech: Speech,
    received: Vec<u8>,
}

/// What came next on a connection.
#[derive(Debug)]
pub enum Came {
    /// An answer.
    Answer(Box<Txn>),
    /// The connection was ended, in whichever way.
    End,
    /// Nothing, for as long as was waited.
    Nothing,
}

/// What a terminal that never asked before is told.
pub fn withdraws(daemon: &Daemon) -> Option<Code> {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let name = format!("T{:07}", NEXT.fetch_add(1, Ordering::Relaxed));
    Client::of(daemon, "acquirer").ask(&Terminal::named(&name).withdraws(10_000)).code
}

impl Client {
    /// To a listener of the usual setup.
    pub fn of(daemon: &Daemon, listener: &str) -> Self {
        Self::connect(daemon.listener(listener))
    }

    /// To that address, in `iso87-ascii`.
    pub fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("it listens");
        stream.set_nodelay(true).expect("an option");
        Self { stream, speech: Speech::named("iso87-ascii"), received: Vec::new() }
    }

    /// The same in another dialect.
    pub fn speaking(self, speech: Speech) -> Self {
        Self { speech, ..self }
    }

    /// Sends these bytes as they are; a connection that is gone already is told by what comes next.
    pub fn send_bytes(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// Sends a body in its frame.
    pub fn send_body(&mut self, body: &[u8]) {
        let frame = self.speech.frame(body);
        self.send_bytes(&frame);
    }

    /// Sends a message.
    pub fn send(&mut self, txn: &Txn) {
        let body = self.speech.body(txn);
        self.send_body(&body);
    }

    /// Asks, and waits for the answer of that trace number.
    pub fn ask(&mut self, txn: &Txn) -> Txn {
        self.send(txn);
        let answer = self.answer();
        assert_eq!(answer.stan, txn.stan, "the answer is to this question");
        answer
    }

    /// The next answer; panics when there is none.
    pub fn answer(&mut self) -> Txn {
        match self.next_within(PATIENCE) {
            Came::Answer(answer) => *answer,
            other => panic!("expected an answer, {other:?} came"),
        }
    }

    /// The next answer; `None` when the connection has ended instead.
    pub fn next_if_any(&mut self) -> Option<Txn> {
        match self.next_within(PATIENCE) {
            Came::Answer(answer) => Some(*answer),
            Came::End => None,
            Came::Nothing => panic!("neither an answer nor an end"),
        }
    }

    /// What comes next.
    pub fn next_within(&mut self, within: Duration) -> Came {
        let deadline = std::time::Instant::now() + within;
        loop {
            if let Some(answer) = self.take_answer() {
                return Came::Answer(Box::new(answer));
            }
            let left = deadline.saturating_duration_since(std::time::Instant::now());
            if left.is_zero() {
                return Came::Nothing;
            }
            self.stream.set_read_timeout(Some(left)).expect("a time-out");
            let mut bytes = [0; 16 << 10];
            match self.stream.read(&mut bytes) {
                Ok(0) => return Came::End,
                Ok(count) => self.received.extend_from_slice(&bytes[..count]),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Came::End,
            }
        }
    }

    /// Reads on until the connection ends; panics when it does not. Says how many answers came before.
    pub fn wait_for_end(&mut self) -> usize {
        let mut answers = 0;
        loop {
            match self.next_within(PATIENCE) {
                Came::End => return answers,
                Came::Answer(_) => answers += 1,
                Came::Nothing => panic!("the connection is still open"),
            }
        }
    }

    fn take_answer(&mut self) -> Option<Txn> {
        let next = self.speech.framing.next(&self.received).expect("the switch sends frames");
        let Next::Frame { body, consumed, .. } = next else { return None };
        let answer = self.speech.dialect.read(body, today()).expect("the switch speaks its dialect");
        self.received.drain(..consumed);
        Some(answer)
    }
}
