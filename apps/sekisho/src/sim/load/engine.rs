use super::client::{Client, Deck, Pending};
use super::pace::Pacer;
use super::report::{Latency, Report};
use crate::sim::host::network;
use crate::sim::process::Watched;
use crate::sim::secrets::Doubt;
use crate::sim::speech::{SimError, Speech, local_clock};
use clock::Clock;
use hdrhistogram::Histogram;
use net::{CloseReason, Conn, DialConfig, Handler, Net, Role};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};
use terms::{Code, LinkId, LinkName, LocalTime};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

/// Complaints that are kept in words; the others are only counted.
const COMPLAINTS_MAX: usize = 20;
/// How long the connections may take to stand.
const CONNECT_S: u64 = 10;

/// A load to be put on a switch.
#[derive(Clone, Debug)]
pub struct LoadPlan {
    /// Where the switch listens.
    pub address: SocketAddr,
    /// How it is spoken to.
    pub speech: Speech,
    /// Connections.
    pub clients: u16,
    /// Requests under way at once on each.
    pub depth: usize,
    /// Run before anything counts.
    pub warmup: Duration,
    /// Then counted.
    pub measured: Duration,
    /// Requests a second; `None` for as many as are answered.
    pub rate: Option<f64>,
    /// Silence after which a request counts as not answered.
    pub timeout: Duration,
    /// First digits of the cards.
    pub card_prefix: String,
    /// Processes whose use is told.
    pub watched: Vec<Watched>,
}

impl LoadPlan {
    /// Puts the load on, on this thread's network, and says what it found.
    ///
    /// Errors: no connections, or a dialect such requests cannot be said in. Wrong answers are no error.
    pub async fn run(self) -> Result<Report, SimError> {
        let net = network(0);
        let load = Rc::new(Load::new(self, net.clone())?);
        load.connect(&net).await?;
        let watching = tokio::task::spawn_local(watch_silence(load.clone()));
        let asking = tokio::task::spawn_local(keep_asking(load.clone()));
        sleep(load.plan.warmup).await;
        let began = load.state.borrow_mut().begin(&load.plan, load.now_ns());
        sleep(load.plan.measured).await;
        let mut report = load.state.borrow_mut().end(&load.plan, &began);
        asking.abort();
        load.wind_up().await;
        watching.abort();
        report.timeouts = load.state.borrow().report.timeouts;
        Ok(report)
    }
}

struct Load {
    plan: LoadPlan,
    net: Net,
    began: Instant,
    state: RefCell<State>,
    /// Somebody came, or the last one was answered.
    news: Notify,
}

struct State {
    clients: Vec<Client>,
    deck: Deck,
    wall: Wall,
    phase: Phase,
    /// Open loop: when requests that nobody had room for were due.
    backlog: VecDeque<u64>,
    /// Open loop: whose turn it is.
    turn: usize,
    took_ns: Histogram<u64>,
    /// The same of the second that runs, and which that is.
    took_now_ns: Histogram<u64>,
    second: u64,
    report: Report,
}

/// The local time, read ten times a second: messages tell whole seconds.
struct Wall {
    clock: Clock,
    read: LocalTime,
    good_until_ns: u64,
}

impl Wall {
    fn local(&mut self, now_ns: u64) -> LocalTime {
        if now_ns >= self.good_until_ns {
            self.read = self.clock.now().local();
            self.good_until_ns = now_ns + 100_000_000;
        }
        self.read
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Connecting,
    Warming,
    /// Since so many nanoseconds.
    Measuring(u64),
    Over,
}

/// What stood on the meters when measuring began.
struct Meters {
    at: Instant,
    cpu_us: Vec<u64>,
    own_cpu_us: u64,
}

impl Load {
    fn new(plan: LoadPlan, net: Net) -> Result<Self, SimError> {
        let clock = local_clock();
        let deck = Deck::new(&plan.card_prefix, &plan.speech, clock.now().local())?;
        let state = State {
            clients: (0..usize::from(plan.clients)).map(Client::numbered).collect(),
            deck,
            wall: Wall { read: clock.now().local(), good_until_ns: 0, clock },
            phase: Phase::Connecting,
            backlog: VecDeque::new(),
            turn: 0,
            took_ns: Histogram::new_with_bounds(1, 600_000_000_000, 3).expect("bounds in order"),
            took_now_ns: Histogram::new_with_bounds(1, 600_000_000_000, 2).expect("bounds in order"),
            second: 0,
            report: Report::default(),
        };
        Ok(Self { plan, net, began: Instant::now(), state: RefCell::new(state), news: Notify::new() })
    }

    async fn connect(self: &Rc<Self>, net: &Net) -> Result<(), SimError> {
        let (name, framing) = (LinkName::clipped(b"load"), self.plan.speech.framing.clone());
        let mut dial = DialConfig::new(name, LinkId(0), self.plan.address.to_string(), framing);
        dial.connections = self.plan.clients;
        dial.reconnect_ms = 200;
        let link = net.dial(dial, self.clone())?;
        let wanted = usize::from(self.plan.clients);
        let all_up = async {
            while link.up() < wanted {
                self.news.notified().await;
            }
        };
        if timeout(Duration::from_secs(CONNECT_S), all_up).await.is_err() {
            let (address, up) = (self.plan.address, link.up());
            return Err(SimError::CannotConnect { address, up, wanted, waited_s: CONNECT_S });
        }
        self.state.borrow_mut().phase = Phase::Warming;
        Ok(())
    }

    fn now_ns(&self) -> u64 {
        self.began.elapsed().as_nanos() as u64
    }

    /// Fills every client up to its depth, each request due now. Closed loop.
    fn fill(&self, slot: usize) {
        let now_ns = self.now_ns();
        let mut state = self.state.borrow_mut();
        while state.clients[slot].is_free(self.plan.depth) && state.ask(&self.plan, slot, now_ns) {}
    }

    /// Gives what is due to whoever has room. Open loop.
    fn hand_out(&self) {
        let mut state = self.state.borrow_mut();
        let clients = state.clients.len();
        let mut passed_over = 0;
        while let Some(&due_ns) = state.backlog.front()
            && passed_over < clients
        {
            let slot = state.turn % clients;
            state.turn += 1;
            if state.clients[slot].is_free(self.plan.depth) && state.ask(&self.plan, slot, due_ns) {
                state.backlog.pop_front();
                passed_over = 0;
            } else {
                passed_over += 1;
            }
        }
    }

    fn ask_again(&self, slot: usize) {
        if self.state.borrow().phase == Phase::Over {
            return;
        }
        match self.plan.rate {
            None => self.fill(slot),
            Some(_) => self.hand_out(),
        }
    }

    /// Waits for what is still under way, so that nothing is left half done behind us.
    async fn wind_up(&self) {
        let nothing_pending = async {
            while self.state.borrow().clients.iter().any(|client| !client.pending.is_empty()) {
                self.news.notified().await;
            }
        };
        // What is not answered by then is counted as not answered.
        if timeout(self.plan.timeout.min(Duration::from_secs(5)), nothing_pending).await.is_err() {
            let mut state = self.state.borrow_mut();
            let left: usize = state.clients.iter().map(|client| client.pending.len()).sum();
            state.report.timeouts += left as u64;
        }
    }
}

impl State {
    fn ask(&mut self, plan: &LoadPlan, slot: usize, due_ns: u64) -> bool {
        let at = self.wall.local(due_ns);
        self.clients[slot].ask(&plan.speech, &mut self.deck, at, due_ns)
    }

    fn begin(&mut self, plan: &LoadPlan, now_ns: u64) -> Meters {
        let at = Instant::now();
        self.took_ns.clear();
        self.took_now_ns.clear();
        self.second = 0;
        self.report = Report {
            clients: plan.clients,
            depth: plan.depth,
            rate: plan.rate,
            per_second: vec![0; plan.measured.as_secs_f64().ceil() as usize],
            p99_us_per_second: Vec::new(),
            ..std::mem::take(&mut self.report)
        };
        (self.report.approved, self.report.declined) = (0, 0);
        self.phase = Phase::Measuring(now_ns);
        Meters {
            at,
            cpu_us: plan.watched.iter().map(Watched::cpu_us).collect(),
            own_cpu_us: Watched::this("load").cpu_us(),
        }
    }

    fn end(&mut self, plan: &LoadPlan, began: &Meters) -> Report {
        let seconds = began.at.elapsed().as_secs_f64();
        let answered = self.report.approved + self.report.declined;
        self.phase = Phase::Over;
        self.end_seconds(seconds.round() as u64);
        let mut report = self.report.clone();
        report.seconds = seconds;
        report.tps = answered as f64 / seconds;
        report.backlog = self.backlog.len() as u64;
        report.latency_us = Latency::of(&self.took_ns);
        let watched = plan.watched.iter().zip(&began.cpu_us);
        report.processes = watched.map(|(one, &before)| one.used(before, answered)).collect();
        report.processes.push(Watched::this("load").used(began.own_cpu_us, answered));
        report
    }

    fn on_answer(&mut self, plan: &LoadPlan, slot: usize, now_ns: u64, body: &[u8]) {
        let today = self.wall.local(now_ns).date;
        let answer = match plan.speech.read(body, today) {
            Ok(answer) => answer,
            Err(Doubt::Unreadable) => return self.complain("an answer cannot be read".into()),
            Err(Doubt::Code) => return self.complain("an answer's authentication code is wrong".into()),
        };
        let Some(pending) = self.clients[slot].take(&answer) else {
            return self.complain(format!(
                "client {slot}: an answer to nothing asked, trace number {}",
                answer.stan
            ));
        };
        if !self.clients[slot].is_answered_by(&pending, &answer) {
            return self.complain(format!("client {slot}: the answer to {} disagrees with it", pending.stan));
        }
        self.count(&pending, answer.code, now_ns);
    }

    fn count(&mut self, pending: &Pending, code: Option<Code>, now_ns: u64) {
        match code {
            Some(Code::Approved) => self.report.approved += 1,
            other => {
                self.report.declined += 1;
                self.say(format!("declined: {}", other.map_or("no code", Code::name)));
            }
        }
        let took_ns = now_ns.saturating_sub(pending.due_ns).max(1);
        self.took_ns.saturating_record(took_ns);
        if let Phase::Measuring(since_ns) = self.phase {
            let second = now_ns.saturating_sub(since_ns) / 1_000_000_000;
            self.end_seconds(second);
            self.took_now_ns.saturating_record(took_ns);
            if let Some(count) = self.report.per_second.get_mut(second as usize) {
                *count += 1;
            }
        }
    }

    /// The seconds up to this one are over.
    fn end_seconds(&mut self, second: u64) {
        while self.second < second {
            let p99_us = self.took_now_ns.value_at_quantile(0.99) as f64 / 1_000.0;
            self.report.p99_us_per_second.push(p99_us);
            self.took_now_ns.clear();
            self.second += 1;
        }
    }

    fn complain(&mut self, what: String) {
        self.report.bad += 1;
        self.say(what);
    }

    fn say(&mut self, what: String) {
        let complaints = &mut self.report.complaints;
        if complaints.len() < COMPLAINTS_MAX && !complaints.contains(&what) {
            complaints.push(what);
        }
    }
}

impl Handler for Load {
    fn opened(&self, conn: &Conn) {
        let Some(slot) = slot_of(conn) else { return };
        self.state.borrow_mut().clients[slot].conn = Some(conn.clone());
        if self.state.borrow().phase != Phase::Connecting {
            self.ask_again(slot);
        }
        self.news.notify_one();
    }

    fn frame(&self, conn: &Conn, _: &[u8], body: &[u8]) {
        let Some(slot) = slot_of(conn) else { return };
        let now_ns = self.now_ns();
        self.state.borrow_mut().on_answer(&self.plan, slot, now_ns, body);
        self.ask_again(slot);
        if self.state.borrow().phase == Phase::Over {
            self.news.notify_one();
        }
    }

    fn closed(&self, conn: &Conn, why: &CloseReason) {
        let Some(slot) = slot_of(conn) else { return };
        let mut state = self.state.borrow_mut();
        state.clients[slot].conn = None;
        state.clients[slot].pending.clear();
        if state.phase != Phase::Over {
            state.report.disconnects += 1;
            state.say(format!("client {slot}: {why}"));
        }
    }
}

fn slot_of(conn: &Conn) -> Option<usize> {
    match conn.role() {
        Role::Link { slot, .. } => Some(usize::from(slot)),
        Role::Source(_) => None,
    }
}

/// Asks the first time, and in an open loop whenever something falls due.
async fn keep_asking(load: Rc<Load>) {
    let Some(rate) = load.plan.rate else {
        (0..usize::from(load.plan.clients)).for_each(|slot| load.fill(slot));
        return load.net.flush();
    };
    let gap_ns = 1e9 / rate;
    let (pacer, start_ns) = (Pacer::every(Duration::from_nanos(gap_ns as u64)), load.now_ns());
    let mut next = 0_u64;
    loop {
        pacer.due().await;
        let now_ns = load.now_ns();
        loop {
            let due_ns = start_ns + (next as f64 * gap_ns) as u64;
            if due_ns > now_ns {
                break;
            }
            load.state.borrow_mut().backlog.push_back(due_ns);
            next += 1;
        }
        load.hand_out();
        load.net.flush();
    }
}

/// Counts what is not answered in time, and asks something else instead.
async fn watch_silence(load: Rc<Load>) {
    let timeout_ns = load.plan.timeout.as_nanos() as u64;
    loop {
        sleep(Duration::from_millis(200)).await;
        let now_ns = load.now_ns();
        for slot in 0..usize::from(load.plan.clients) {
            let mut state = load.state.borrow_mut();
            let before = state.clients[slot].pending.len();
            state.clients[slot].pending.retain(|pending| now_ns.saturating_sub(pending.due_ns) < timeout_ns);
            let lost = before - state.clients[slot].pending.len();
            state.report.timeouts += lost as u64;
            drop(state);
            if lost > 0 {
                load.ask_again(slot);
            }
        }
        load.net.flush();
    }
}
