//! A simulated host: listens, answers by its [`Rules`], keeps a [`Ledger`].

use super::ledger::{Ledger, Sum};
use super::luck::Luck;
use super::question::digits;
use super::rules::{Deed, Manner, Rules, is_owed};
use super::secrets::Doubt;
use super::speech::{SimError, Speech, again, local_clock};
use clock::Clock;
use net::{CloseReason, Conn, Handler, ListenerConfig, Listening, Net, NetConfig, Service};
use std::cell::RefCell;
use std::fmt;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;
use terms::{Answer, Code, Kind, LinkName, Noun, Txn};
use wire::HeaderBytes;

/// A host to be simulated.
#[derive(Debug)]
pub struct HostPlan {
    /// What it is called.
    pub name: String,
    /// Where it listens; port 0 takes any that is free.
    pub listen: SocketAddr,
    /// What it speaks.
    pub speech: Speech,
    /// What it answers.
    pub rules: Rules,
    /// Same seed, same luck.
    pub seed: u64,
    /// Whether every posting is kept, for comparing.
    pub keeps_postings: bool,
}

/// What is wrong with a whole host for a while, besides its rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing.
    #[default]
    None,
    /// It is not there: nobody is let in, and whoever was in is out.
    Down,
    /// Everything takes so much longer.
    Slow(Duration),
    /// Everything is answered in this manner.
    Always(Manner),
}

/// What a host has counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostCounts {
    /// Requests that could be read.
    pub asked: u64,
    /// Messages that could not.
    pub unreadable: u64,
    /// Messages whose authentication code was missing or wrong.
    pub doubted: u64,
    /// Requests whose PIN was not the card's.
    pub wrong_pins: u64,
    /// Answers that could not be written.
    pub unwritable: u64,
    /// Reversals and advices among them.
    pub owed: u64,
    /// Everything posted.
    pub posted: Sum,
    /// Of that, what advices brought.
    pub advised: Sum,
    /// Everything given back.
    pub reversed: Sum,
}

/// A host at work on this thread's network.
#[derive(Clone)]
pub struct HostAtWork {
    name: LinkName,
    address: SocketAddr,
    listening: Rc<RefCell<Listening>>,
    host: Rc<Host>,
}

struct Host {
    net: Net,
    speech: Speech,
    desk: RefCell<Desk>,
}

/// Everything a decision is made from.
struct Desk {
    rules: Rules,
    luck: Luck,
    ledger: Ledger,
    clock: Clock,
    counts: HostCounts,
    trouble: Trouble,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("is well"),
            Self::Down => f.write_str("is down"),
            Self::Slow(by) => write!(f, "takes {} ms longer", by.as_millis()),
            Self::Always(Manner::Answer) => f.write_str("answers"),
            Self::Always(Manner::Silent) => f.write_str("is silent"),
            Self::Always(Manner::Deaf) => f.write_str("is deaf"),
            Self::Always(Manner::Garbage) => f.write_str("sends garbage"),
            Self::Always(Manner::Cut) => f.write_str("cuts every connection"),
            Self::Always(Manner::Twice) => f.write_str("says everything twice"),
        }
    }
}

impl HostPlan {
    /// Opens for business on this thread's network.
    pub fn open(self, net: &Net) -> Result<HostAtWork, SimError> {
        let promises = self.rules.promises;
        let ledger = match self.keeps_postings {
            true => Ledger::keeping(self.rules.opening_balance),
            false => Ledger::sum_only(self.rules.opening_balance),
        };
        let desk = Desk {
            trouble: Trouble::None,
            rules: self.rules,
            luck: Luck::seeded(self.seed),
            ledger: ledger.promising(promises),
            clock: local_clock(),
            counts: HostCounts::default(),
        };
        let host = Rc::new(Host { net: net.clone(), speech: self.speech, desk: RefCell::new(desk) });
        let name = LinkName::clipped(self.name.as_bytes());
        let listening = host.listen(name, self.listen)?;
        let address = listening.local_addr();
        Ok(HostAtWork { name, address, listening: Rc::new(RefCell::new(listening)), host })
    }
}

impl HostAtWork {
    /// Where it listens, when it does.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on this is wrong with it.
    pub async fn set_trouble(&self, trouble: Trouble) -> Result<(), SimError> {
        let before = std::mem::replace(&mut self.host.desk.borrow_mut().trouble, trouble);
        match (before, trouble) {
            (Trouble::Down, Trouble::Down) => {}
            (_, Trouble::Down) => {
                let listening = self.listening.borrow();
                listening.stop();
                listening.close_all();
            }
            (Trouble::Down, _) => self.listen_again().await?,
            _ => {}
        }
        Ok(())
    }

    /// The socket that was closed may take a moment to be gone.
    async fn listen_again(&self) -> Result<(), SimError> {
        let listening = again(|| self.host.listen(self.name, self.address)).await?;
        self.listening.replace(listening);
        Ok(())
    }

    /// What it has counted.
    pub fn counts(&self) -> HostCounts {
        let desk = self.host.desk.borrow();
        let ledger = &desk.ledger;
        let (posted, advised, reversed) = (ledger.posted(), ledger.advised(), ledger.reversed());
        HostCounts { posted, advised, reversed, ..desk.counts }
    }

    /// Its books as they stand.
    pub fn with_ledger<R>(&self, look: impl FnOnce(&Ledger) -> R) -> R {
        look(&self.host.desk.borrow().ledger)
    }
}

impl Desk {
    /// Decides, posts, and words the answer.
    fn serve(&mut self, request: &Txn, pin_is_right: bool) -> (Deed, Answer) {
        self.counts.asked += 1;
        self.counts.owed += u64::from(is_owed(request));
        let mut deed = self.rules.decide(request, self.counts.asked, &mut self.luck);
        if !pin_is_right {
            self.counts.wrong_pins += 1;
            deed.code = Code::WrongPin;
        }
        match self.trouble {
            Trouble::None | Trouble::Down => {}
            Trouble::Slow(more) => deed.delay_us += more.as_micros() as u64,
            Trouble::Always(manner) => deed.manner = manner,
        }
        if deed.manner != Manner::Deaf {
            self.ledger.set_today(self.clock.now().local().date);
            deed.code = self.ledger.take(request, deed.code);
        }
        let mut answer = Answer::ours(deed.code, deed.code.outcome());
        if deed.code == Code::Approved {
            answer.approval_code = digits(self.counts.asked % 1_000_000);
            self.tell_balance(request, &mut answer);
        }
        (deed, answer)
    }

    /// DE 54: account type, amount type, currency, sign, amount.
    fn tell_balance(&self, request: &Txn, answer: &mut Answer) {
        let Some(balance) = self.ledger.balance(request).filter(|_| request.kind == Kind::BalanceInquiry)
        else {
            return;
        };
        let sign = if balance < 0 { 'D' } else { 'C' };
        let text = format!("1001{:03}{sign}{:012}", request.currency.number(), balance.unsigned_abs());
        answer.carried.push(Noun::AdditionalAmounts, text.as_bytes());
    }
}

impl Host {
    fn listen(self: &Rc<Self>, name: LinkName, address: SocketAddr) -> Result<Listening, SimError> {
        let framing = self.speech.framing.clone();
        let mut config = ListenerConfig::new(name, address, framing, Service::Persistent);
        config.per_address_max = config.connections_max;
        config.ban = None;
        (self.net.listen(config, Rc::new(Counter(self.clone()))))
            .map_err(|error| SimError::CannotListen { address, source: Box::new(error) })
    }

    fn speak(&self, conn: &Conn, header: &[u8], request: &Txn, answer: &Answer, manner: Manner) {
        match manner {
            Manner::Answer => self.answer(conn, header, request, answer, false),
            Manner::Garbage => self.answer(conn, header, request, answer, true),
            Manner::Silent | Manner::Deaf => {}
            Manner::Cut => conn.abort(),
            Manner::Twice => (0..2).for_each(|_| self.answer(conn, header, request, answer, false)),
        }
    }

    fn answer(&self, conn: &Conn, header: &[u8], request: &Txn, answer: &Answer, garbled: bool) {
        let sent = conn.send(header, |out| {
            let start = out.len();
            self.speech.write_answer(request, answer, out)?;
            if garbled {
                out[start..].iter_mut().for_each(|byte| *byte ^= 0x55);
            }
            Ok::<(), dialects::WriteError>(())
        });
        if sent.is_err() {
            self.desk.borrow_mut().counts.unwritable += 1;
        }
    }

    fn later(self: Rc<Self>, conn: Conn, header: HeaderBytes, request: Txn, deed: Deed, answer: Answer) {
        tokio::task::spawn_local(async move {
            tokio::time::sleep(Duration::from_micros(deed.delay_us)).await;
            self.speak(&conn, header.as_bytes(), &request, &answer, deed.manner);
            self.net.flush();
        });
    }
}

/// What net calls: a hold on the host that it can hand to a task which answers later.
struct Counter(Rc<Host>);

impl Handler for Counter {
    fn opened(&self, _: &Conn) {}

    fn frame(&self, conn: &Conn, header: &[u8], body: &[u8]) {
        let host = &self.0;
        let mut desk = host.desk.borrow_mut();
        let today = desk.clock.now().local().date;
        let request = match host.speech.read(body, today) {
            Ok(request) => request,
            Err(Doubt::Unreadable) => return desk.counts.unreadable += 1,
            Err(Doubt::Code) => return desk.counts.doubted += 1,
        };
        if !request.message.asks() {
            return;
        }
        let pin_is_right = host.speech.secrets.as_ref().is_none_or(|secrets| secrets.pin_is_right(&request));
        let (deed, answer) = desk.serve(&request, pin_is_right);
        drop(desk);
        let header = conn.framing().answer_header(header);
        match deed.delay_us {
            0 => host.speak(conn, header.as_bytes(), &request, &answer, deed.manner),
            _ => host.clone().later(conn.clone(), header, request, deed, answer),
        }
    }

    fn closed(&self, _: &Conn, _: &CloseReason) {}
}

/// The network of a thread that simulates.
pub fn network(seed: u64) -> Net {
    Net::new(NetConfig { seed, sweep_ms: 500 })
}
