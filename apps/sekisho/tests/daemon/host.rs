use super::question::{Speech, today};
use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use terms::{Answer, Class, Code, Function, Outcome, Stan, TerminalId, Text, Txn};
use wire::Next;

/// What a host does with one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Answer,
    Refuse(Code),
    Twice,
    /// Bytes in a good frame that are no message.
    Garble,
    /// An answer to a trace number nobody used.
    OtherStan,
    /// An answer with another terminal in it.
    OtherTerminal,
    Silence,
    /// Answers when it is told to: see [`Host::release`].
    Hold,
    /// Reads nothing more until it is told to: see [`Host::read_on`].
    StopReading,
    /// Half an answer, then a reset.
    ResetMidFrame,
}

type Rule = dyn Fn(&Txn) -> Act + Send + Sync;

/// A host that does what its rules say: one for requests, one for what it is owed. Ends with the test.
pub(crate) struct Host {
    address: SocketAddr,
    dialect: &'static str,
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    rule: Arc<Rule>,
    /// For reversals and advices: it takes them all, unless it is told otherwise.
    rule_for_owed: Arc<Rule>,
    seen: Vec<Seen>,
    owed_seen: Vec<Seen>,
    held: VecDeque<(TcpStream, Vec<u8>)>,
    conns: Vec<TcpStream>,
    reading: bool,
    open: bool,
    ended: bool,
}

/// A message as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) at: Instant,
    pub(crate) txn: Txn,
}

impl Seen {
    /// The trace number and the terminal of the request it is, or is about.
    pub(crate) fn request(&self) -> (Stan, TerminalId) {
        let original = self.txn.original.and_then(|original| original.stan);
        (original.unwrap_or(self.txn.stan), self.txn.terminal_id)
    }

    pub(crate) fn is_reversal(&self) -> bool {
        self.txn.message.class == Class::Reversal
    }
}

impl Host {
    /// Approves everything.
    pub(crate) fn approving() -> Self {
        Self::acting(|_| Act::Answer)
    }

    /// In `iso87-binary`, so that what passes the switch is translated.
    pub(crate) fn acting(rule: impl Fn(&Txn) -> Act + Send + Sync + 'static) -> Self {
        Self::speaking("iso87-binary", rule)
    }

    pub(crate) fn speaking(
        dialect: &'static str,
        rule: impl Fn(&Txn) -> Act + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it has an address");
        let state = State {
            rule: Arc::new(rule),
            rule_for_owed: Arc::new(|_| Act::Answer),
            seen: Vec::new(),
            owed_seen: Vec::new(),
            held: VecDeque::new(),
            conns: Vec::new(),
            reading: true,
            open: true,
            ended: false,
        };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        let accepting = shared.clone();
        std::thread::spawn(move || accepting.accept(&listener, dialect));
        Self { address, dialect, shared }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn dialect(&self) -> &'static str {
        self.dialect
    }

    /// Another rule from now on.
    pub(crate) fn acts(&self, rule: impl Fn(&Txn) -> Act + Send + Sync + 'static) {
        self.shared.lock().rule = Arc::new(rule);
    }

    /// Another rule for reversals and advices from now on.
    pub(crate) fn acts_when_owed(&self, rule: impl Fn(&Txn) -> Act + Send + Sync + 'static) {
        self.shared.lock().rule_for_owed = Arc::new(rule);
    }

    /// Every request that arrived so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.shared.lock().seen.clone()
    }

    pub(crate) fn seen_count(&self) -> usize {
        self.shared.lock().seen.len()
    }

    /// Every reversal and advice that arrived so far, repeats among them.
    pub(crate) fn owed_seen(&self) -> Vec<Seen> {
        self.shared.lock().owed_seen.clone()
    }

    /// Waits until so many reversals and advices have arrived; gives them back.
    pub(crate) fn wait_for_owed(&self, count: usize) -> Vec<Seen> {
        super::wait_for(&format!("{count} reversals or advices at the host"), || {
            let owed = self.owed_seen();
            (owed.len() >= count).then_some(owed)
        })
    }

    /// Waits until so many requests have arrived.
    pub(crate) fn wait_for_requests(&self, count: usize) {
        super::wait_for(&format!("{count} requests at the host"), || {
            (self.seen_count() >= count).then_some(())
        });
    }

    /// Answers everything it holds.
    pub(crate) fn release(&self) {
        let held: Vec<_> = self.shared.lock().held.drain(..).collect();
        for (mut stream, answer) in held {
            // A connection that is gone takes no answer, which is what a test may want.
            let _ = stream.write_all(&answer);
        }
    }

    /// Says something of its own accord, on every connection.
    pub(crate) fn says(&self, message: &Txn) {
        let speech = Speech::named(self.dialect);
        let frame = speech.frame(&speech.body(message));
        for mut stream in &self.shared.lock().conns {
            // A connection that is gone hears nothing, which is what a test may want.
            let _ = stream.write_all(&frame);
        }
    }

    /// Every network message that arrived so far, by what it is about.
    pub(crate) fn heard_about(&self) -> Vec<terms::Network> {
        let seen = self.shared.lock();
        seen.seen
            .iter()
            .filter(|seen| seen.txn.message.class == Class::Network)
            .map(|s| s.txn.network)
            .collect()
    }

    /// Reads again.
    pub(crate) fn read_on(&self) {
        self.shared.lock().reading = true;
        self.shared.changed.notify_all();
    }

    /// Ends every connection and takes no other, or takes some again.
    pub(crate) fn set_open(&self, open: bool) {
        let mut state = self.shared.lock();
        state.open = open;
        if !open {
            for stream in state.conns.drain(..) {
                let _ = stream.shutdown(Shutdown::Both);
            }
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        (state.ended, state.reading) = (true, true);
        for stream in state.conns.drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
        drop(state);
        self.shared.changed.notify_all();
        // Whoever accepts is woken by one more visitor, and leaves.
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn accept(self: &Arc<Self>, listener: &TcpListener, dialect: &'static str) {
        for stream in listener.incoming() {
            let Ok(stream) = stream else { continue };
            let mut state = self.lock();
            if state.ended {
                return;
            }
            if !state.open {
                continue;
            }
            state.conns.extend(stream.try_clone());
            drop(state);
            let (shared, speech) = (self.clone(), Speech::named(dialect));
            std::thread::spawn(move || shared.serve(stream, &speech));
        }
    }

    fn serve(&self, mut stream: TcpStream, speech: &Speech) {
        let _ = stream.set_nodelay(true);
        let mut received = Vec::new();
        let mut bytes = vec![0; 64 << 10];
        loop {
            let Ok(count @ 1..) = stream.read(&mut bytes) else { return };
            received.extend_from_slice(&bytes[..count]);
            while let Next::Frame { body, consumed, .. } =
                speech.framing.next(&received).expect("the switch sends frames")
            {
                let request = speech.dialect.read(body, today()).expect("the switch speaks the dialect");
                received.drain(..consumed);
                if !request.message.asks() {
                    continue; // The answer to something it said of its own accord.
                }
                let rule = {
                    let mut state = self.lock();
                    let seen = Seen { at: Instant::now(), txn: request.clone() };
                    let is_owed = seen.is_reversal() || request.message.function == Function::Advice;
                    match is_owed {
                        true => state.owed_seen.push(seen),
                        false => state.seen.push(seen),
                    }
                    if is_owed { state.rule_for_owed.clone() } else { state.rule.clone() }
                };
                if !self.act(rule(&request), &request, &mut stream, speech) {
                    return;
                }
            }
        }
    }

    /// Does it; says whether the connection goes on.
    fn act(&self, act: Act, request: &Txn, stream: &mut TcpStream, speech: &Speech) -> bool {
        let approval = answer(speech, request, Code::Approved);
        match act {
            Act::Answer => stream.write_all(&approval).is_ok(),
            Act::Refuse(code) => stream.write_all(&answer(speech, request, code)).is_ok(),
            Act::Twice => stream.write_all(&[&approval[..], &approval].concat()).is_ok(),
            Act::Garble => stream.write_all(&speech.frame(&[0x99; 40])).is_ok(),
            Act::OtherStan => {
                let other = Txn { stan: Stan(request.stan.0 % 999_999 + 500_000), ..request.clone() };
                stream.write_all(&answer(speech, &other, Code::Approved)).is_ok()
            }
            Act::OtherTerminal => {
                let other = Txn { terminal_id: Text::clipped(b"STRANGER"), ..request.clone() };
                stream.write_all(&answer(speech, &other, Code::Approved)).is_ok()
            }
            Act::Silence => true,
            Act::Hold => {
                if let Ok(stream) = stream.try_clone() {
                    self.lock().held.push_back((stream, approval));
                }
                true
            }
            Act::StopReading => {
                let mut state = self.lock();
                state.reading = false;
                let reads = |state: &mut State| !state.reading;
                drop(self.changed.wait_while(state, reads).unwrap_or_else(PoisonError::into_inner));
                true
            }
            Act::ResetMidFrame => {
                let _ = stream.write_all(&approval[..approval.len() / 2]);
                let mine = stream.peer_addr().ok();
                self.lock().conns.retain(|conn| conn.peer_addr().ok() != mine);
                reset(stream);
                false
            }
        }
    }
}

/// The answer to a request in its frame. The approval code is the trace number: every decision is another.
fn answer(speech: &Speech, request: &Txn, code: Code) -> Vec<u8> {
    let approved = code.outcome() == Outcome::Approved;
    let approval = format!("{:06}", request.stan.0);
    let answer = Answer {
        approval_code: if approved { Text::clipped(approval.as_bytes()) } else { Text::EMPTY },
        ..Answer::ours(code, code.outcome())
    };
    let mut body = Vec::new();
    speech.dialect.write_answer(request, &answer, &mut body).expect("a legal answer");
    speech.frame(&body)
}

/// Closes a connection the rude way.
fn reset(stream: &TcpStream) {
    let Ok(stream) = stream.try_clone() else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().expect("a runtime");
    let _inside = runtime.enter();
    stream.set_nonblocking(true).expect("an option");
    let stream = tokio::net::TcpStream::from_std(stream).expect("a stream");
    stream.set_zero_linger().expect("an option");
}
