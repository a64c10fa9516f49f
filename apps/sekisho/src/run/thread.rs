//! The lane's thread: made, told what to do, and waited for.

use super::api::desk::Desk;
use super::api::doors::Doors;
use super::api::orders::ApiOrder;
use super::core::{Core, ExchangeOrder, Shut, Switchboard};
use super::days::DayCommand;
use super::ending::{End, EndOrder};
use super::figures::{OUTCOMES, outcome_index};
use super::guard;
use super::hsm::HsmCommand;
use super::journaling::News;
use super::links::LinkCommand;
use super::opening::{self, Opened, StartError};
use super::options::Options;
use super::owed::OwedOrder;
use super::plan::Plan;
use super::recovery::{RecoveryJson, RecoveryOrder};
use super::status::{
    Board, LatencyStatus, LinkStatus, ListenerStatus, RecoveredStatus, Status, TransactionStatus,
};
use clock::Clock;
use journal::JournalError;
use net::{Listening, Net, NetConfig};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use switch::{BreakerState, Event};
use terms::{Kind, Text};
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior, interval};

/// What a running switch can be told.
pub enum Order {
    /// Take no new requests, wait for those in flight, sign off, write the clean mark, end.
    Drain,
    /// A person wants it to end, and hears whether it will.
    End(EndOrder),
    /// End now. What is in flight is decided by silence at the next start.
    Stop,
    /// Take over routes, timers and limits of another configuration.
    Reload(Box<Plan>),
    /// Show how recovery stands, or begin it.
    Recovery(RecoveryOrder),
    /// Show owed messages, or do something about one.
    Owed(OwedOrder),
    /// Show links, or give one an order.
    Link(LinkCommand),
    /// Show days, or do something about one.
    Day(DayCommand),
    /// Show security modules, or test one.
    Hsm(HsmCommand),
    /// A session with a token told something.
    Token(guard::TokenNews),
    /// Show an exchange of keys, or begin one.
    Exchange(ExchangeOrder),
    /// Something an application wants.
    Api(ApiOrder),
}

/// How a switch ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// In order, with the clean mark.
    Drained,
    /// At once, without.
    Abandoned,
    /// The journal failed: it said this, and nothing was spoken after it.
    JournalFailed(JournalError),
}

/// A running switch.
pub struct Running {
    /// Its figures.
    pub board: Board,
    /// Where it listens: names and addresses, with the ports that were chosen.
    pub listeners: Vec<(String, SocketAddr)>,
    /// Where applications come in.
    pub doors: Doors,
    orders: mpsc::UnboundedSender<Order>,
    ended: Option<oneshot::Receiver<Stopped>>,
    thread: JoinHandle<()>,
}

impl Running {
    /// Tells it something. Nothing happens when it has ended already.
    pub fn order(&self, order: Order) {
        drop(self.orders.send(order));
    }

    /// Another way to tell it things.
    pub fn orders(&self) -> mpsc::UnboundedSender<Order> {
        self.orders.clone()
    }

    /// Waits until it has ended. To be awaited once.
    pub async fn ended(&mut self) -> Stopped {
        match self.ended.take() {
            Some(ended) => ended.await.unwrap_or(Stopped::Abandoned),
            None => Stopped::Abandoned,
        }
    }

    /// Waits until it has ended and its thread is gone.
    pub fn join(mut self) -> Stopped {
        let stopped = self
            .ended
            .take()
            .map_or(Stopped::Abandoned, |ended| ended.blocking_recv().unwrap_or(Stopped::Abandoned));
        drop(self.thread.join());
        stopped
    }

    /// Drains it and waits.
    pub fn drain(self) -> Stopped {
        self.order(Order::Drain);
        self.join()
    }
}

/// Starts a switch on threads of its own; returns when its journal is replayed and its listeners are open.
pub fn start(plan: Plan, options: Options) -> Result<Running, StartError> {
    start_on(Board::default(), plan, options)
}

/// The same, its figures on a board that somebody may be looking at already.
pub fn start_on(board: Board, plan: Plan, options: Options) -> Result<Running, StartError> {
    let (orders, receive_orders) = mpsc::unbounded_channel();
    let (ready, receive_ready) = std::sync::mpsc::channel();
    let (end, ended) = oneshot::channel();
    let posted = board.clone();
    let doors = Doors::since(clock::utc_now());
    let shared = doors.clone();
    // Held weakly: sessions with tokens do not keep a switch alive that nobody can give orders to.
    let told = orders.downgrade();
    let thread = std::thread::Builder::new().name("lane".into()).spawn(move || {
        let runtime = match Builder::new_current_thread().enable_all().build_local(LocalOptions::default()) {
            Ok(runtime) => runtime,
            Err(error) => return drop(ready.send(Err(error.into()))),
        };
        let stopped = runtime.block_on(async {
            let thread = match Thread::open(plan, options, posted, shared, &told) {
                Ok(thread) => thread,
                Err(error) => {
                    drop(ready.send(Err(error)));
                    return None;
                }
            };
            drop(ready.send(Ok(thread.addresses())));
            Some(thread.run(receive_orders).await)
        });
        if let Some(stopped) = stopped {
            // Whoever waited may be gone.
            let _ = end.send(stopped);
        }
    })?;
    let listeners = receive_ready.recv().map_err(|_| StartError::Gone)??;
    Ok(Running { board, listeners, doors, orders, ended: Some(ended), thread })
}

pub(super) struct Thread {
    pub(super) plan: Plan,
    options: Options,
    pub(super) switchboard: Rc<Switchboard>,
    pub(super) listening: Vec<(String, String, Listening)>,
    news: Arc<News>,
    board: Board,
    recovered: RecoveredStatus,
    started_at: String,
    doors: Doors,
}

/// How often time-outs are looked for.
const TICK: Duration = Duration::from_millis(20);
/// How often the figures are put up.
const POST_EVERY_TICKS: u32 = 10;

impl Thread {
    fn open(
        plan: Plan,
        options: Options,
        board: Board,
        doors: Doors,
        told: &mpsc::WeakUnboundedSender<Order>,
    ) -> Result<Self, StartError> {
        let clock = match &plan.config.time_zone {
            Some(zone) => Clock::in_zone(zone)?,
            None => Clock::in_system_zone().unwrap_or_else(|_| Clock::with_offset_s(0)),
        };
        let news = Arc::new(News::default());
        let opened = opening::open(&plan, &clock, news.clone(), options)?;
        let Opened { lane, mut names, journaling, recovered } = opened;
        let mut seed = [0; 8];
        clock::entropy(&mut seed)?;
        let net = Net::new(NetConfig { seed: u64::from_le_bytes(seed), ..NetConfig::default() });
        let (sources, links) = plan.parties(&mut names);
        let started_at = clock.now().wall.to_string();
        let switchboard = Switchboard::empty();
        let guard = guard::guard(&plan.config, &net)?;
        let mut core = Core::new(clock, lane, journaling, net.clone(), (sources, links), guard);
        core.desk = Desk::of(plan.applications(&mut names), u64::from_le_bytes(seed));
        core.bulletin = doors.bulletin.clone();
        core.recall_days();
        *switchboard.0.borrow_mut() = Some(core);
        // Before anybody is let in, so that the first to ask need not be refused.
        let lines = guard::dial(&plan.config, &net, &switchboard, told)?;
        switchboard.with(|core| core.guard.modules.know(lines));
        let mut listening = Vec::new();
        for config in plan.listeners(&mut names) {
            let name = config.name.to_string();
            let dialect = plan.dialect_of_listener(&name);
            listening.push((name, dialect, net.listen(config, switchboard.clone())?));
        }
        for config in plan.dials(&mut names) {
            let at = usize::from(config.link.0);
            let handle = net.dial(config, switchboard.clone())?;
            if let Some(address) = handle.awaits_at() {
                tracing::info!(link = %handle.name(), %address, "waiting for the host to call");
            }
            switchboard.with(|core| core.links[at].handle = Some(handle));
        }
        let thread =
            Self { plan, options, switchboard, listening, news, board, recovered, started_at, doors };
        thread.post("running");
        Ok(thread)
    }

    fn addresses(&self) -> Vec<(String, SocketAddr)> {
        self.listening.iter().map(|(name, _, listening)| (name.clone(), listening.local_addr())).collect()
    }

    async fn run(mut self, mut orders: mpsc::UnboundedReceiver<Order>) -> Stopped {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut ticked = 0;
        let mut state = "running";
        loop {
            tokio::select! {
                biased;
                () = self.news.wake.notified() => {
                    if let Some(error) = self.news.failure() {
                        return self.on_journal_failure(error);
                    }
                    self.with_core(Core::on_durable);
                }
                order = orders.recv() => match order {
                    Some(Order::Drain) => {
                        state = "draining";
                        self.begin_draining();
                        self.with_core(|core| core.sign_everybody_off(Text::clipped(b"signal")));
                    }
                    Some(Order::End(EndOrder { how, by, answer })) => {
                        let may = match how {
                            End::Orderly => self.with_core(|core| core.still_signed_on()),
                            End::SigningOff | End::AtOnce => Ok(()),
                        };
                        let will = may.is_ok();
                        tracing::warn!(by = by.as_str(), ?how, will, "stop: order");
                        // Whoever asked may be gone by now, and misses nothing.
                        drop(answer.send(may));
                        if will && how == End::AtOnce {
                            return self.abandon();
                        }
                        if will {
                            state = "draining";
                            self.begin_draining();
                            self.with_core(|core| core.sign_everybody_off(by));
                        }
                    }
                    Some(Order::Reload(plan)) => self.reload(*plan),
                    Some(Order::Owed(order)) => self.with_core(|core| core.on_owed_order(order)),
                    Some(Order::Link(command)) => self.with_core(|core| core.on_link_command(command)),
                    Some(Order::Day(command)) => self.with_core(|core| core.on_day_command(command)),
                    Some(Order::Hsm(command)) => self.with_core(|core| core.on_hsm_command(command)),
                    Some(Order::Token(news)) => self.with_core(|core| core.on_token(news)),
                    Some(Order::Exchange(order)) => self.with_core(|core| core.on_exchange_order(order)),
                    Some(Order::Api(order)) => self.with_core(|core| core.on_api_order(order)),
                    Some(Order::Recovery(order)) => self.on_recovery_order(order),
                    Some(Order::Stop) | None => return self.abandon(),
                },
                _ = ticks.tick() => {
                    self.with_core(Core::on_tick);
                    ticked += 1;
                    if ticked % POST_EVERY_TICKS == 0 {
                        self.post(state);
                    }
                }
            }
            if state == "draining" && self.with_core(|core| core.is_quiet() && core.is_signed_off()) {
                return self.close().await;
            }
        }
    }

    pub(super) fn with_core<R>(&self, act: impl FnOnce(&mut Core) -> R) -> R {
        self.switchboard.with(act).expect("the core is there until the thread ends")
    }

    fn on_recovery_order(&self, order: RecoveryOrder) {
        let stands = |core: &Core| RecoveryJson::of(&core.lane.status(), &self.recovered);
        // Whoever asked may be gone by now, and misses nothing.
        match order {
            RecoveryOrder::Show { answer } => drop(answer.send(self.with_core(|core| stands(core)))),
            RecoveryOrder::Begin { answer } => {
                let before = self.with_core(|core| {
                    let before = stands(core);
                    core.announce_recovery();
                    core.step(Event::Recover);
                    core.on_durable();
                    before
                });
                drop(answer.send(before));
            }
        }
    }

    fn begin_draining(&mut self) {
        tracing::info!("draining: no new requests, waiting for those in flight");
        self.listening.iter().for_each(|(_, _, listening)| listening.stop());
        self.with_core(|core| core.draining = true);
    }

    /// Lets go of everything as it stands.
    fn abandon(&self) -> Stopped {
        // Core and network hold each other, and with them the journal's directory.
        drop(self.switchboard.0.take());
        Stopped::Abandoned
    }

    /// Everything is decided, told and durable: says so in the journal, and lets go.
    async fn close(self) -> Stopped {
        self.post("stopped");
        let Some(mut core) = self.switchboard.0.take() else { return Stopped::Abandoned };
        for link in &core.links {
            link.handle.iter().for_each(net::LinkHandle::close);
        }
        core.guard.modules.close();
        core.net.conns().iter().for_each(net::Conn::close);
        // Answers queued in this turn still have to leave.
        core.net.flush();
        let deadline = Instant::now() + Duration::from_millis(500);
        while core.net.open() > 0 && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let at = core.clock.now().wall;
        if core.lane.is_recovering() {
            // What a dead process left is not settled yet: the next start has to know.
            tracing::warn!("stopped before recovery was over; the next start goes on with it");
        }
        match core.journaling.close(&core.lane, at) {
            Ok(()) => Stopped::Drained,
            Err(error) => Stopped::JournalFailed(error),
        }
    }

    /// The disk said no. Nothing that waited for it is ever said; the next start sorts it out.
    fn on_journal_failure(&self, error: JournalError) -> Stopped {
        tracing::error!(
            %error,
            "the journal cannot be written: stopping at once, nothing more is sent. Free the disk or mend it, \
             then start again; requests in flight are decided by silence then"
        );
        self.post("stopped");
        Stopped::JournalFailed(error)
    }

    fn post(&self, state: &'static str) {
        let status = self.with_core(|core| self.status(core, state));
        self.board.post(status);
    }

    fn status(&self, core: &Core, state: &'static str) -> Status {
        let lane = core.lane.status();
        let figures = &core.figures;
        let by_kind = (Kind::ALL.iter().zip(&figures.decided))
            .flat_map(|(kind, counts)| {
                OUTCOMES.map(|outcome| (kind.name(), outcome.name(), counts[outcome_index(outcome)]))
            })
            .filter(|(_, _, count)| *count > 0)
            .collect();
        let quantile = |q| figures.took_us.value_at_quantile(q);
        Status {
            version: env!("CARGO_PKG_VERSION"),
            state,
            takes_requests: state == "running" && core.shut().is_none(),
            takes_none_because: core.shut().map(Shut::name),
            pid: std::process::id(),
            started_at: self.started_at.clone(),
            business_date: (core.lane.own_day())
                .map_or_else(|| core.clock.now().local().date, |own| own.date)
                .to_string(),
            own_day_days: core.lane.own_day().map(|own| own.date.days()),
            reconciliations: super::days::ReconStatus::all(&core.lane, core.clock.now()),
            own_day: super::days::OwnJson::of(&core.lane, core.clock.now()),
            durable: !self.options.unsafe_no_sync,
            recovered: self.recovered.clone(),
            transactions: TransactionStatus {
                numbered: lane.transactions,
                in_flight: lane.in_flight,
                remembered: lane.remembered,
                approved: lane.approved,
                refused: lane.refused,
                unknown: lane.unknown,
                not_sent: lane.not_sent,
                silent_ms: figures.asked_at.map(|at| core.clock.now().instant.us_since(at) / 1_000),
                turned_away: lane.turned_away,
                repeats: lane.repeats,
                owed: lane.owed,
                paid: lane.paid,
                pending: lane.pending,
                exceptions: lane.exceptions,
                undelivered: figures.undelivered,
                unreadable: figures.unreadable,
                garbled: figures.garbled,
                by_kind,
            },
            decision_us: LatencyStatus {
                count: figures.took_us.len(),
                p50: quantile(0.5),
                p99: quantile(0.99),
                p999: quantile(0.999),
                max: figures.took_us.max(),
            },
            listeners: self.listener_statuses(),
            links: (core.links.iter().zip(&lane.links))
                .filter_map(|(link, lane)| {
                    let handle = link.handle.as_ref()?;
                    Some(LinkStatus {
                        name: link.name.to_string(),
                        dialect: link.dialect.name().to_owned(),
                        state: if lane.up { "up" } else { "down" },
                        session: lane.state.name(),
                        open: lane.is_open,
                        connections: handle.up(),
                        connections_wanted: handle.states().len(),
                        breaker: match lane.breaker {
                            BreakerState::Closed => "closed",
                            BreakerState::Open { .. } => "open",
                            BreakerState::Probing => "probing",
                        },
                        in_flight: lane.in_flight,
                        asked: lane.asked,
                        answered: lane.answered,
                        unanswered: lane.unanswered,
                        late: lane.late,
                        strange: lane.strange,
                        pending: lane.pending,
                        recovering: lane.recovering,
                        business_date: lane.date.map(|date| date.to_string()),
                        business_date_days: lane.date.map(|date| date.days()),
                        counts: handle.counters().snapshot().each().map(|(n, v, _)| (n, v)).collect(),
                    })
                })
                .collect(),
            api: self.doors.status(),
            journal: core.journaling.status(),
            hsm: core.guard.list(),
            specimens: core.specimens.all(),
        }
    }

    fn listener_statuses(&self) -> Vec<ListenerStatus> {
        (self.listening.iter())
            .map(|(name, dialect, listening)| ListenerStatus {
                name: name.clone(),
                listen: listening.local_addr().to_string(),
                dialect: dialect.clone(),
                counts: listening.counters().snapshot().each().map(|(n, v, _)| (n, v)).collect(),
            })
            .collect()
    }
}
