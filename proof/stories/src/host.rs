use super::question::{Speech, today};
use sekisho::sim::port::lasting_listener;
use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use terms::{Amount, Answer, Class, Code, Function, Outcome, Stan, TerminalId, Text, Txn};
use wire::Next;

/// What a host does with one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Approves, and takes what it is owed.
    Answer,
    /// Answers with that code.
    Refuse(Code),
    /// Answers with that code, as an approval of another amount.
    AnswerOther(Amount),
    /// Approves, and says so twice.
    Twice,
    /// Bytes in a good frame that are no message.
    Garble,
    /// An answer to a trace number nobody used.
    OtherStan,
    /// An answer with another terminal in it.
    OtherTerminal,
    /// Does it, and says nothing.
    Silence,
    /// Does nothing, and says nothing: it never got it.
    Lose,
    /// Answers when it is told to: see [`Host::release`].
    Hold,
    /// The same, and the answer is that code.
    HoldRefusal(Code),
    /// Reads nothing more until it is told to: see [`Host::read_on`].
    StopReading,
    /// Half an answer, then a reset.
    ResetMidFrame,
}

type Rule = dyn Fn(&Txn) -> Act + Send + Sync;

/// A host that does what its rules say: one for requests, one for what it is owed. Ends with the test.
pub struct Host {
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
    /// Whether it wants connections, and whether it takes any already or still.
    open: bool,
    listening: bool,
    ended: bool,
}

/// A message as it arrived.
#[derive(Clone, Debug)]
pub struct Seen {
    /// When.
    pub at: Instant,
    /// What it says.
    pub txn: Txn,
    /// What the host did with it.
    pub act: Act,
}

impl Seen {
    /// The trace number and the terminal of the request it is, or is about.
    pub fn request(&self) -> (Stan, TerminalId) {
        let original = self.txn.original.and_then(|original| original.stan);
        (original.unwrap_or(self.txn.stan), self.txn.terminal_id)
    }

    /// Whether it takes something back.
    pub fn is_reversal(&self) -> bool {
        self.txn.message.class == Class::Reversal
    }
}

impl Host {
    /// Approves everything.
    pub fn approving() -> Self {
        Self::acting(|_| Act::Answer)
    }

    /// In `iso87-binary`, so that what passes the switch is translated.
    pub fn acting(rule: impl Fn(&Txn) -> Act + Send + Sync + 'static) -> Self {
        Self::speaking("iso87-binary", rule)
    }

    /// In that dialect.
    pub fn speaking(dialect: &'static str, rule: impl Fn(&Txn) -> Act + Send + Sync + 'static) -> Self {
        // It may stop listening and begin again.
        let listener = lasting_listener(Ipv4Addr::LOCALHOST.into()).expect("one in a thousand is free");
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
            listening: true,
            ended: false,
        };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        let accepting = shared.clone();
        std::thread::spawn(move || accepting.accept(listener, dialect));
        Self { address, dialect, shared }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it speaks.
    pub fn dialect(&self) -> &'static str {
        self.dialect
    }

    /// Another rule from now on.
    pub fn acts(&self, rule: impl Fn(&Txn) -> Act + Send + Sync + 'static) {
        self.shared.lock().rule = Arc::new(rule);
    }

    /// Another rule for reversals and advices from now on.
    pub fn acts_when_owed(&self, rule: impl Fn(&Txn) -> Act + Send + Sync + 'static) {
        self.shared.lock().rule_for_owed = Arc::new(rule);
    }

    /// Every request that arrived so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.shared.lock().seen.clone()
    }

    /// How many requests arrived so far.
    pub fn seen_count(&self) -> usize {
        self.shared.lock().seen.len()
    }

    /// Every reversal and advice that arrived so far, repeats among them.
    pub fn owed_seen(&self) -> Vec<Seen> {
        self.shared.lock().owed_seen.clone()
    }

    /// Waits until so many reversals and advices have arrived; gives them back.
    pub fn wait_for_owed(&self, count: usize) -> Vec<Seen> {
        super::wait_for(&format!("{count} reversals or advices at the host"), || {
            let owed = self.owed_seen();
            (owed.len() >= count).then_some(owed)
        })
    }

    /// Waits until so many requests have arrived.
    pub fn wait_for_requests(&self, count: usize) {
        super::wait_for(&format!("{count} requests at the host"), || {
            (self.seen_count() >= count).then_some(())
        });
    }

    /// Answers everything it holds.
    pub fn release(&self) {
        let held: Vec<_> = self.shared.lock().held.drain(..).collect();
        for (mut stream, answer) in held {
            // A connection that is gone takes no answer, which is what a test may want.
            let _ = stream.write_all(&answer);
        }
    }

    /// Says something of its own accord, on every connection.
    pub fn says(&self, message: &Txn) {
        let speech = Speech::named(self.dialect);
        let frame = speech.frame(&speech.body(message));
        for mut stream in &self.shared.lock().conns {
            // A connection that is gone hears nothing, which is what a test may want.
            let _ = stream.write_all(&frame);
        }
    }

    /// Every network message that arrived so far, by what it is about.
    pub fn heard_about(&self) -> Vec<terms::Network> {
        let seen = self.shared.lock();
        seen.seen
            .iter()
            .filter(|seen| seen.txn.message.class == Class::Network)
            .map(|s| s.txn.network)
            .collect()
    }

    /// Reads again.
    pub fn read_on(&self) {
        self.shared.lock().reading = true;
        self.shared.changed.notify_all();
    }

    /// Whether it takes connections.
    pub fn is_open(&self) -> bool {
        self.shared.lock().open
    }

    /// Ends every connection and takes no other, or takes some again.
    pub fn set_open(&self, open: bool) {
        let mut state = self.shared.lock();
        state.open = open;
        self.shared.changed.notify_all();
        if !open {
            // Whoever accepts is woken by one more visitor, and closes the door.
            let _ = TcpStream::connect(self.address);
        }
        let not_yet = |state: &mut State| state.listening != open;
        state = self.shared.changed.wait_while(state, not_yet).unwrap_or_else(PoisonError::into_inner);
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

    /// Takes connections while it is open; while it is not, nobody listens.
    fn accept(self: &Arc<Self>, mut listener: TcpListener, dialect: &'static str) {
        let address = listener.local_addr().expect("it has an address");
        loop {
            let visitor = listener.accept();
            let mut state = self.lock();
            if !state.open && !state.ended {
                drop((visitor, listener));
                state.listening = false;
                self.changed.notify_all();
                let closed = |state: &mut State| !state.open && !state.ended;
                state = self.changed.wait_while(state, closed).unwrap_or_else(PoisonError::into_inner);
                listener = super::wait_for("its port", || TcpListener::bind(address).ok());
                state.listening = true;
                self.changed.notify_all();
                continue;
            }
            if state.ended {
                return;
            }
            let Ok((stream, _)) = visitor else { continue };
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
                let act = self.see(&request);
                if !self.act(act, &request, &mut stream, speech) {
                    return;
                }
            }
        }
    }

    /// Notes a message, and says what its rule makes of it.
    fn see(&self, request: &Txn) -> Act {
        let is_owed =
            request.message.class == Class::Reversal || request.message.function == Function::Advice;
        let rule = {
            let state = self.lock();
            if is_owed { state.rule_for_owed.clone() } else { state.rule.clone() }
        };
        let act = rule(request);
        let seen = Seen { at: Instant::now(), txn: request.clone(), act };
        let mut state = self.lock();
        if is_owed {
            state.owed_seen.push(seen)
        } else {
            state.seen.push(seen)
        }
        act
    }

    fn hold(&self, stream: &TcpStream, answer: Vec<u8>) -> bool {
        if let Ok(stream) = stream.try_clone() {
            self.lock().held.push_back((stream, answer));
        }
        true
    }

    /// Does it; says whether the connection goes on.
    fn act(&self, act: Act, request: &Txn, stream: &mut TcpStream, speech: &Speech) -> bool {
        let approval = answer(speech, request, Code::Approved);
        match act {
            Act::Answer => stream.write_all(&approval).is_ok(),
            Act::Refuse(code) => stream.write_all(&answer(speech, request, code)).is_ok(),
            Act::AnswerOther(amount) => {
                let other = Txn { amount, ..request.clone() };
                stream.write_all(&answer(speech, &other, Code::Approved)).is_ok()
            }
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
            Act::Silence | Act::Lose => true,
            Act::Hold => self.hold(stream, approval),
            Act::HoldRefusal(code) => self.hold(stream, answer(speech, request, code)),
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
    socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO)).expect("an option");
}
