//! The words stories are told in: who is given what, who says what, and how it ends.

mod at_the_host;
mod at_the_terminal;
mod ending;
mod switch;

pub use at_the_terminal::{Want, balance, deposit, transfer, withdrawal};

use crate::{Act, Client, Daemon, Host, Setup, Terminal};
use std::collections::BTreeMap;
use std::time::Instant;
use terms::{Kind, Stan, TerminalId, Txn};

/// One story: the real program with a journal on disk, a host that does what it is told, and terminals.
///
/// Everything a story says is waited for, so nothing in it depends on how fast the machine is. What somebody
/// said stands in a timeline, which a story that fails prints, with the place where the journal lies.
pub struct Story {
    title: &'static str,
    timeline: Vec<(Instant, String)>,
    // Dropped in this order: the switch before the place where its journal lies.
    daemon: Option<Daemon>,
    host: Host,
    setup: Setup,
    terms: Terms,
    street: BTreeMap<&'static str, Machine>,
    /// The terminal that speaks.
    speaks: &'static str,
    /// Requests and owed messages of the host that the story has told.
    told: (usize, usize),
    /// Items for a person the story has told.
    for_people: u64,
    /// What terminals did: cash out is positive, cash kept negative.
    done: BTreeMap<(TerminalId, Stan), i128>,
}

/// What stands in the configuration of the link, besides its time-out.
#[derive(Default)]
struct Terms {
    contract: &'static str,
    forward: &'static str,
    breaker: &'static str,
}

/// One terminal and its line.
struct Machine {
    terminal: Terminal,
    listener: &'static str,
    line: Option<Client>,
    /// What it has wanted, the last at the end.
    wanted: Vec<Txn>,
    /// What it said last.
    said: Option<Txn>,
    /// What it was told last.
    heard: Option<Txn>,
}

/// Begins a story. The host approves everything and takes what it is owed; its time-out is longer than any
/// story.
pub fn story(title: &'static str) -> Story {
    let host = Host::approving();
    let setup = Setup::with_host(&host);
    Story {
        title,
        timeline: vec![(Instant::now(), "the story begins".into())],
        daemon: None,
        host,
        setup,
        terms: Terms::default(),
        street: BTreeMap::new(),
        speaks: "ATM00001",
        told: (0, 0),
        for_people: 0,
        done: BTreeMap::new(),
    }
}

/// Given: what stands in the configuration before anything happens.
impl Story {
    /// The host has so long to answer.
    pub fn host_has_ms(mut self, reply_timeout_ms: u32) -> Self {
        self.setup.links[0].reply_timeout_ms = reply_timeout_ms;
        self
    }

    /// The host's contract says this, such as `tombstones = true`.
    pub fn host_contract(mut self, contract: &'static str) -> Self {
        self.terms.contract = contract;
        self
    }

    /// What is owed is sent like this, such as `reply_timeout_ms = 300, repeat_ms = 300`.
    pub fn owed_is_sent(mut self, forward: &'static str) -> Self {
        self.terms.forward = forward;
        self
    }

    /// The circuit breaker is set to this; without it there is none.
    pub fn breaker(mut self, breaker: &'static str) -> Self {
        self.terms.breaker = breaker;
        self
    }

    /// Anything else of the configuration.
    pub fn given(mut self, change: impl FnOnce(&mut Setup)) -> Self {
        change(&mut self.setup);
        self
    }

    /// What speaks from now on is that terminal.
    pub fn terminal(mut self, name: &'static str) -> Self {
        self.speaks = name;
        self
    }

    /// The terminal opens a connection for each request, as self-service terminals do.
    pub fn on_a_short_line(mut self) -> Self {
        self.machine().listener = "atm";
        self
    }
}

impl Story {
    fn note(&mut self, what: impl Into<String>) {
        self.timeline.push((Instant::now(), what.into()));
    }

    fn machine(&mut self) -> &mut Machine {
        self.street.entry(self.speaks).or_insert_with_key(|name| Machine {
            terminal: Terminal::named(name),
            listener: "acquirer",
            line: None,
            wanted: Vec::new(),
            said: None,
            heard: None,
        })
    }

    /// The switch, which starts with the first thing that happens.
    fn daemon(&mut self) -> &mut Daemon {
        if self.daemon.is_none() {
            self.start();
        }
        self.daemon.as_mut().expect("it has just been started")
    }

    /// A client to whatever listens, for the terminal that speaks.
    fn line(&mut self) -> &mut Client {
        self.daemon();
        let listener = self.machine().listener;
        let address = self.daemon().listener(listener);
        let machine = self.machine();
        machine.line.get_or_insert_with(|| Client::connect(address))
    }
}

impl Host {
    /// What stands on its accounts, terminal by terminal: money out is positive. Whoever is silent has done it.
    fn posted(&self) -> BTreeMap<TerminalId, i128> {
        let mut accounts: BTreeMap<(Stan, TerminalId), i128> = BTreeMap::new();
        for seen in self.seen().iter().filter(|seen| seen.txn.kind.moves_money()) {
            let posted = !matches!(seen.act, Act::Refuse(_) | Act::HoldRefusal(_) | Act::Lose);
            *accounts.entry(seen.request()).or_default() += i128::from(posted) * signed(&seen.txn);
        }
        for seen in self.owed_seen() {
            let remaining = seen.txn.remaining.map_or(0, |amount| i128::from(amount.minor_units()));
            let stands = match (seen.act, seen.is_reversal()) {
                (Act::Answer | Act::Silence | Act::Twice, true) => remaining,
                (Act::Answer | Act::Silence | Act::Twice, false) => signed(&seen.txn),
                _ => continue,
            };
            accounts.insert(seen.request(), stands);
        }
        let mut by_terminal = BTreeMap::new();
        for ((_, terminal), amount) in accounts {
            *by_terminal.entry(terminal).or_default() += amount;
        }
        by_terminal
    }
}

/// Its amount, negative where cash goes in.
fn signed(txn: &Txn) -> i128 {
    let amount = i128::from(txn.amount.minor_units());
    if txn.kind == Kind::Deposit { -amount } else { amount }
}

impl Drop for Story {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        eprintln!("--- {}", self.title);
        let begun = self.timeline[0].0;
        let mut lines: Vec<(Instant, String)> = std::mem::take(&mut self.timeline);
        for seen in self.host.seen().into_iter().chain(self.host.owed_seen()) {
            let line = format!("    the host got {}, and its rule was: {:?}", described(&seen.txn), seen.act);
            lines.push((seen.at, line));
        }
        lines.sort_by_key(|(at, _)| *at);
        for (at, line) in lines {
            eprintln!("{:9.3} s  {line}", at.duration_since(begun).as_secs_f64());
        }
        eprintln!("the journal lies in {}", self.setup.data.display());
    }
}

/// A message in a line; cards stay out of it.
fn described(txn: &Txn) -> String {
    let [class, function, origin] = txn.message.digits();
    let original = txn.original.and_then(|original| original.stan);
    let about = original.map_or(String::new(), |stan| format!(" about trace {}", stan.0));
    let (kind, amount, stan) = (txn.kind.name(), txn.amount.minor_units(), txn.stan.0);
    format!("0{class}{function}{origin} {kind} {amount}, trace {stan}{about}, terminal {}", txn.terminal_id)
}
