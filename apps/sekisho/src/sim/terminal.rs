//! One simulated terminal: asks, waits, repeats when nobody answers, pays out or keeps cash, and remembers what
//! it was told and what it holds. What it could not finish it takes back (0420) or reports (0220) until that is
//! acknowledged.

use super::books::{Afterwards, Asked, Key, Told, is_money};
use super::cash::Cash;
use super::customers::Customer;
use super::mishaps::Mishaps;
use super::question::{Place, as_stamped, question, reference_number, reported, stamp, taken_back};
use super::speech::{Speech, local_clock};
use clock::Clock;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;
use terms::{Amount, Code, Kind, Outcome, Stan, Txn};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};
use wire::Next;

/// Before somebody who just refused is asked again.
const PAUSE: Duration = Duration::from_millis(200);

/// How terminals behave, all alike.
#[derive(Clone, Debug)]
pub struct Habits {
    /// Where the switch listens.
    pub address: SocketAddr,
    /// How it is spoken to.
    pub speech: Speech,
    /// Whether each request has a connection of its own.
    pub one_shot: bool,
    /// Silence after which a request is repeated.
    pub answer_timeout: Duration,
    /// Times a request is repeated before the terminal gives up.
    pub repeats_max: u32,
    /// Times a reversal or a report is sent before the terminal gives that up too.
    pub insists_max: u32,
    /// What they have to pay out.
    pub cash: Cash,
    /// What goes wrong at them by itself.
    pub mishaps: Mishaps,
}

/// A terminal.
pub struct Terminal {
    number: usize,
    habits: Rc<Habits>,
    place: Place,
    clock: Clock,
    stan: Stan,
    line: Option<Line>,
}

/// What became of one request.
#[derive(Clone, Copy, Debug)]
pub struct Served {
    /// For the books.
    pub asked: Asked,
    /// From the first byte to the answer; the time it gave up after where there was none.
    pub took: Duration,
    /// How often it was repeated.
    pub repeats: u32,
}

impl Terminal {
    /// The terminal of that number.
    pub fn numbered(number: usize, habits: Rc<Habits>) -> Self {
        let place = Place::numbered("ATM", number);
        Self { number, habits, place, clock: local_clock(), stan: Stan(0), line: None }
    }

    /// Serves one customer, to the end: an answer, or so many repeats without one, and whatever follows.
    pub async fn serve(&mut self, customer: &Customer) -> Served {
        let txn = self.request(customer);
        let began = Instant::now();
        let (told, repeats) = match self.habits.mishaps.cuts_off(txn.kind) {
            true => {
                self.ask_and_lose_the_line(&txn).await;
                (Told::Nothing, 0)
            }
            false => self.ask_until_told(&txn).await,
        };
        let took = began.elapsed();
        let (held, afterwards) = self.finish(&txn, told).await;
        let key = Key { terminal_id: txn.terminal_id, stan: txn.stan, local_time: txn.local_time };
        let asked = Asked { key, kind: txn.kind, amount: txn.amount, told, held, afterwards };
        Served { asked, took, repeats }
    }

    /// Asks, and asks again: what it was told in the end, and how often it repeated.
    async fn ask_until_told(&mut self, txn: &Txn) -> (Told, u32) {
        for repeats in 0..=self.habits.repeats_max {
            // An answer that names no code is taken for none: no money moves on it.
            if let Some((code, outcome)) = self.ask(txn, repeats > 0).await {
                return (Told::Said(code, outcome), repeats);
            }
        }
        (Told::Nothing, self.habits.repeats_max)
    }

    /// Moves the cash, and says so where it moved otherwise than the switch must think. Gives back what was
    /// done in the end: paid out, or kept.
    async fn finish(&mut self, txn: &Txn, told: Told) -> (Amount, Afterwards) {
        let nothing = Amount::default();
        match (told, txn.kind) {
            (_, kind) if !is_money(kind) => (nothing, Afterwards::Nothing),
            // The cash is in the machine, and nobody takes it out again.
            (Told::Nothing, Kind::Deposit) => {
                let heard = self.insist(reported(txn)).await;
                (txn.amount, if heard { Afterwards::Reported } else { Afterwards::Unheard })
            }
            (Told::Said(_, Outcome::Unknown), Kind::Deposit) => (txn.amount, Afterwards::Nothing),
            (Told::Nothing, _) => (nothing, self.take_back(txn, nothing).await),
            (Told::Said(_, Outcome::Approved), Kind::Withdrawal) => {
                let paid_out = match self.habits.mishaps.jams() {
                    true => Cash::half(txn.amount),
                    false => self.habits.cash.pay_out(self.number, txn.amount),
                };
                let afterwards = match paid_out == txn.amount {
                    true => Afterwards::Nothing,
                    false => self.take_back(txn, paid_out).await,
                };
                (paid_out, afterwards)
            }
            (Told::Said(_, Outcome::Approved), _) => (txn.amount, Afterwards::Nothing),
            (Told::Said(..), _) => (nothing, Afterwards::Nothing),
        }
    }

    /// Takes a request back; so much of it remains.
    async fn take_back(&mut self, txn: &Txn, remains: Amount) -> Afterwards {
        self.stan = self.stan.next();
        let reversal = taken_back(txn, remains, self.stan, self.clock.now().local());
        if self.insist(reversal).await { Afterwards::TookBack } else { Afterwards::Unheard }
    }

    /// Says it until it is acknowledged.
    async fn insist(&mut self, message: Txn) -> bool {
        for attempt in 0..self.habits.insists_max {
            match self.ask(&message, attempt > 0).await {
                Some((_, Outcome::Approved)) => return true,
                // Somebody who cannot take it now.
                Some(_) => sleep(PAUSE).await,
                None => {}
            }
        }
        false
    }

    fn request(&mut self, customer: &Customer) -> Txn {
        let at = self.clock.now().local();
        self.stan = self.stan.next();
        let mut txn = question(customer.kind, &customer.card, customer.amount, &self.place);
        if let Some(secrets) = &self.habits.speech.secrets {
            secrets.put_pin(&mut txn);
        }
        stamp(&mut txn, self.stan, reference_number(at, self.stan), at);
        txn
    }

    /// Asks once; `None` where no answer came in time.
    async fn ask(&mut self, txn: &Txn, repeat: bool) -> Option<(Code, Outcome)> {
        let deadline = Instant::now() + self.habits.answer_timeout;
        let exchange = timeout(self.habits.answer_timeout, self.exchange(txn, repeat));
        match exchange.await {
            Ok(Ok(said)) => {
                self.line = self.line.take().filter(|_| !self.habits.one_shot);
                Some(said)
            }
            Ok(Err(_)) => {
                // The line is gone. Asking again at once would only be refused again.
                self.line = None;
                sleep(PAUSE.min(deadline.saturating_duration_since(Instant::now()))).await;
                None
            }
            // The line stays: a late answer to this same request still counts.
            Err(_) => None,
        }
    }

    /// Asks, and is cut off before an answer can come. Whether it was heard, the terminal cannot know.
    async fn ask_and_lose_the_line(&mut self, txn: &Txn) {
        let habits = self.habits.clone();
        if self.line.is_none() {
            self.line = Line::open(&habits).await.ok();
        }
        if let Some(mut line) = self.line.take() {
            // A line that was gone already is one more way not to know.
            let _ = line.say(&habits.speech, txn, false).await;
        }
    }

    async fn exchange(&mut self, txn: &Txn, repeat: bool) -> io::Result<(Code, Outcome)> {
        let (habits, today) = (self.habits.clone(), self.clock.now().local().date);
        let line = match &mut self.line {
            Some(line) => line,
            None => self.line.insert(Line::open(&habits).await?),
        };
        line.say(&habits.speech, txn, repeat).await?;
        loop {
            let body = line.hear(&habits.speech).await?;
            // What cannot be read, or belongs to another request, is not this one's answer.
            let Ok(answer) = habits.speech.read(&body, today) else { continue };
            let is_answer = Some(answer.message) == txn.message.answered_by();
            if is_answer && answer.stan == txn.stan && answer.terminal_id == txn.terminal_id {
                let said = answer.code.zip(answer.outcome);
                return said.ok_or(io::ErrorKind::InvalidData.into());
            }
        }
    }
}

/// A connection and what has been read of it.
struct Line {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Line {
    async fn open(habits: &Habits) -> io::Result<Self> {
        let stream = TcpStream::connect(habits.address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, read: Vec::with_capacity(1_024) })
    }

    async fn say(&mut self, speech: &Speech, txn: &Txn, repeat: bool) -> io::Result<()> {
        let mut out = Vec::with_capacity(1_024);
        let header = speech.framing.request_header();
        let written = speech.framing.write(header.as_bytes(), &mut out, |out| {
            speech.write_request(txn, &as_stamped(txn, repeat), out)
        });
        written.map_err(|_| io::ErrorKind::InvalidInput)?;
        self.stream.write_all(&out).await
    }

    /// The next message.
    async fn hear(&mut self, speech: &Speech) -> io::Result<Vec<u8>> {
        loop {
            match speech.framing.next(&self.read).map_err(|_| io::ErrorKind::InvalidData)? {
                Next::Frame { body, consumed, .. } => {
                    let body = body.to_vec();
                    self.read.drain(..consumed);
                    return Ok(body);
                }
                Next::KeepAlive { consumed } => drop(self.read.drain(..consumed)),
                Next::NeedMore { .. } => {
                    if self.stream.read_buf(&mut self.read).await? == 0 {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
            }
        }
    }
}

/// Whether terminals can speak this dialect at all.
pub fn try_speech(speech: &Speech) -> Result<(), super::speech::SimError> {
    let card = super::question::card("411111", 1);
    let customer = Customer { card, kind: Kind::Withdrawal, amount: Amount::minor(1_000) };
    let place = Place::numbered("ATM", 1);
    let at = local_clock().now().local();
    let mut txn = question(customer.kind, &customer.card, customer.amount, &place);
    stamp(&mut txn, Stan(1), reference_number(at, Stan(1)), at);
    let written = speech.dialect.write_request(&txn, &as_stamped(&txn, false), &mut Vec::new());
    let dialect = speech.dialect.name().to_owned();
    written.map_err(|source| super::speech::SimError::CannotSpeak { dialect, source })
}
