//! The module of whoever manages keys: the software one, or the devices by lines of its own. What manages keys never
//! stands before a PIN, and whoever asks may wait.

use super::own_tokens::OwnTokens;
use super::setup::{device, line, module_of, seed_of};
use crate::config::{Config, HsmToml};
use hsm::drbg::SEED_BYTES;
use hsm::ops::{Answer, Fault, Hsm as _, Request, Role};
use hsm::pool::{Condition, Effect, Failure, Pool, PoolConfig, Ticket};
use hsm::software::SoftwareHsm;
use net::{CloseReason, Conn, Handler, LinkHandle, Net, NetConfig, NetError};
use pkcs11::{Adopted, TokenConfig};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, LocalOptions, LocalRuntime};
use tokio::sync::Notify;

/// How often time is let pass for the devices while somebody waits for one.
const TICK: Duration = Duration::from_millis(20);
/// Lines nobody used for so long are built anew: they may be gone, and what they are asked first would be lost.
const FRESH: Duration = Duration::from_secs(2);

/// A module that manages keys.
pub(crate) enum KeyModule {
    /// The built-in one.
    Software(Box<SoftwareHsm>),
    /// Devices, whichever of them is well.
    Devices(Box<OwnLines>),
    /// Tokens, whichever of them is well.
    Tokens(Box<OwnTokens>),
}

/// Why a module did not do it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotAsked {
    /// It said so itself.
    #[error("the security module says: {0}")]
    Fault(Fault),
    /// No device did it; how each of them is.
    #[error("{failure}{seen}")]
    Failure {
        /// Why.
        failure: Failure,
        /// How the devices are, where that is the reason.
        seen: String,
    },
    /// No line to a device can be made at all.
    #[error("no line to a security module can be made: {0}")]
    Lines(String),
}

/// What it takes to make a module, on whichever thread will use it.
#[derive(Clone)]
pub(crate) enum KeyModulePlan {
    /// A software module with the master key that was opened already.
    Software(hsm::software::Master),
    /// Lines to these.
    Devices(PoolConfig, Vec<HsmToml>),
    /// Sessions with these.
    Tokens(PoolConfig, Vec<(HsmToml, TokenConfig)>),
}

impl KeyModulePlan {
    /// That of a configuration; `None` where it names no module.
    ///
    /// # Errors
    /// Where the software module's master key cannot be read.
    pub(crate) fn of(config: &Config) -> Result<Option<Self>, crate::run::StartError> {
        Ok(match config.hsm.as_slice() {
            [] => None,
            [one] if one.software.is_some() => Some(Self::Software(module_of(config, one)?.0)),
            _ => Some(Self::of_devices(config)),
        })
    }

    /// Lines or sessions, whichever the modules of a configuration need.
    pub(crate) fn of_devices(config: &Config) -> Self {
        let (pool, keys) = (config.security.pool(), config.keys_directory());
        let tokens = config.hsm.iter().filter_map(|hsm| Some((hsm.clone(), hsm.token_config(&keys)?)));
        match tokens.collect::<Vec<_>>() {
            none if none.is_empty() => Self::Devices(pool, config.hsm.clone()),
            tokens => Self::Tokens(pool, tokens),
        }
    }

    /// The module.
    ///
    /// # Errors
    /// [`NotAsked::Lines`]: no entropy, or a machine that computes wrongly.
    pub(crate) fn make(self) -> Result<KeyModule, NotAsked> {
        let lines = |error: &dyn std::fmt::Display| NotAsked::Lines(error.to_string());
        match self {
            Self::Software(master) => {
                let seed = seed_of::<SEED_BYTES>().map_err(|error| lines(&error))?;
                let module = SoftwareHsm::new(master, &seed).map_err(|error| lines(&error))?;
                Ok(KeyModule::Software(Box::new(module)))
            }
            Self::Devices(pool, devices) => {
                Ok(KeyModule::Devices(Box::new(OwnLines { pool, devices, at_work: None })))
            }
            Self::Tokens(pool, tokens) => {
                Ok(KeyModule::Tokens(Box::new(OwnTokens { pool, tokens, at_work: None })))
            }
        }
    }
}

impl KeyModule {
    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// [`NotAsked`].
    pub(crate) fn ask(&mut self, request: &Request) -> Result<Answer, NotAsked> {
        match self {
            Self::Software(module) => module.ask(request).map_err(NotAsked::Fault),
            Self::Devices(lines) => lines.ask(request),
            Self::Tokens(tokens) => tokens.ask(request),
        }
    }

    /// Takes a key that lies in a token into our books; `None` where there are no tokens.
    pub(crate) fn adopt(&mut self, role: Role, label: &str) -> Option<Result<Adopted, NotAsked>> {
        match self {
            Self::Tokens(tokens) => Some(tokens.adopt(role, label)),
            Self::Software(_) | Self::Devices(_) => None,
        }
    }
}

/// Lines to devices, one to each, kept as long as they are used.
pub(crate) struct OwnLines {
    pool: PoolConfig,
    devices: Vec<HsmToml>,
    at_work: Option<AtWork>,
}

/// Everything that ends with the lines.
struct AtWork {
    runtime: LocalRuntime,
    desk: Rc<Desk>,
    used: Instant,
}

/// What the lines and whoever waits share.
struct Desk {
    pool: RefCell<Pool>,
    net: Net,
    clock: clock::Clock,
    done: Cell<Option<Result<Answer, Failure>>>,
    news: Notify,
}

impl OwnLines {
    fn ask(&mut self, request: &Request) -> Result<Answer, NotAsked> {
        if self.at_work.as_ref().is_some_and(|at_work| at_work.used.elapsed() > FRESH) {
            self.at_work = None;
        }
        let at_work = match self.at_work.take() {
            Some(at_work) => at_work,
            None => {
                AtWork::begun(self.pool, &self.devices).map_err(|error| NotAsked::Lines(error.to_string()))?
            }
        };
        let AtWork { runtime, desk, used } = self.at_work.insert(at_work);
        let patience = Duration::from_millis(self.pool.give_up_ms.into());
        let answered = runtime.block_on(desk.clone().ask(request, patience));
        *used = Instant::now();
        answered.map_err(|failure| match failure {
            Failure::Fault(fault) => NotAsked::Fault(fault),
            Failure::NoModule | Failure::Late | Failure::Lost => {
                NotAsked::Failure { failure, seen: desk.seen(&self.devices) }
            }
            Failure::Full | Failure::NotAllowed | Failure::Misfit(_) => {
                NotAsked::Failure { failure, seen: String::new() }
            }
        })
    }
}

impl AtWork {
    fn begun(pool: PoolConfig, devices: &[HsmToml]) -> Result<Self, BeginError> {
        let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default())?;
        let desk = runtime.block_on(async {
            let net = Net::new(NetConfig::default());
            let desk = Rc::new(Desk {
                pool: RefCell::new(Pool::new(pool, devices.iter().filter_map(device).collect())),
                net: net.clone(),
                clock: clock::Clock::with_offset_s(0),
                done: Cell::new(None),
                news: Notify::new(),
            });
            for (at, hsm) in devices.iter().enumerate() {
                let mut config = line(hsm, at);
                // One command at a time is all that is ever asked here.
                config.connections = 1;
                let _: LinkHandle = net.dial(config, Rc::new(OwnLine { desk: desk.clone(), device: at }))?;
            }
            Ok::<_, NetError>(desk)
        })?;
        Ok(Self { runtime, desk, used: Instant::now() })
    }
}

/// Why there are no lines.
#[derive(Debug, thiserror::Error)]
enum BeginError {
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error(transparent)]
    Net(#[from] NetError),
}

impl Desk {
    async fn ask(self: Rc<Self>, request: &Request, patience: Duration) -> Result<Answer, Failure> {
        let began = Instant::now();
        self.done.set(None);
        let now = || self.clock.now().instant;
        while !self.pool.borrow().is_up() {
            if began.elapsed() >= patience || self.is_hopeless() {
                return Err(Failure::NoModule);
            }
            self.a_while().await;
        }
        self.act(|pool, out| pool.ask(now(), Ticket(0), request.clone(), out));
        loop {
            if let Some(done) = self.done.take() {
                return done;
            }
            self.a_while().await;
        }
    }

    /// Until something comes, or for a moment; time passes for the devices.
    async fn a_while(&self) {
        self.net.flush();
        let _ = tokio::time::timeout(TICK, self.news.notified()).await;
        self.act(|pool, out| pool.tick(self.clock.now().instant, out));
    }

    /// Whether every device has shown that it is another than the one meant.
    fn is_hopeless(&self) -> bool {
        let is_other = |seen: &hsm::pool::DeviceSeen| matches!(seen.condition, Condition::OtherMaster { .. });
        self.pool.borrow().seen().iter().all(is_other)
    }

    fn act(&self, act: impl FnOnce(&mut Pool, &mut Vec<Effect>)) {
        let mut effects = Vec::new();
        act(&mut self.pool.borrow_mut(), &mut effects);
        for effect in effects {
            match effect {
                Effect::Send { conn, bytes } => {
                    if let Some(conn) = self.net.conn(conn) {
                        // A line that does not take it is lost, and says so itself.
                        let _ = conn.send_bytes(&[], &bytes);
                    }
                }
                Effect::Done { result, .. } => self.done.set(Some(result)),
                Effect::HangUp { conn } => self.net.conn(conn).iter().for_each(Conn::abort),
                // These modules are spoken to over lines; and the lines of the traffic tell people of them.
                Effect::Call { .. } | Effect::Tell(_) => {}
            }
        }
    }

    /// The same for what a line brought: whoever waits looks again.
    fn heard(&self, act: impl FnOnce(&mut Pool, &mut Vec<Effect>)) {
        self.act(act);
        self.news.notify_one();
    }

    fn seen(&self, devices: &[HsmToml]) -> String {
        let seen = self.pool.borrow().seen();
        let each = devices.iter().zip(seen).map(|(hsm, seen)| {
            let how = match seen.condition {
                Condition::Well => "it is well".to_string(),
                Condition::Tested => "it has not answered a diagnosis".to_string(),
                Condition::Away => "no line to it stands".to_string(),
                Condition::Dropped { .. } => "it is let alone after faults".to_string(),
                Condition::OtherMaster { shown, .. } => format!("it shows another master key, {shown}"),
            };
            format!("; {}: {how}", hsm.name)
        });
        each.collect()
    }
}

/// What net calls about one device.
struct OwnLine {
    desk: Rc<Desk>,
    device: usize,
}

impl Handler for OwnLine {
    fn opened(&self, conn: &Conn) {
        let now = self.desk.clock.now().instant;
        self.desk.heard(|pool, out| pool.opened(now, self.device, conn.id(), out));
    }

    fn frame(&self, conn: &Conn, _: &[u8], body: &[u8]) {
        let now = self.desk.clock.now().instant;
        self.desk.heard(|pool, out| pool.heard(now, self.device, conn.id(), body, out));
    }

    fn closed(&self, conn: &Conn, _: &CloseReason) {
        let now = self.desk.clock.now().instant;
        self.desk.heard(|pool, out| pool.closed(now, self.device, conn.id(), out));
    }
}
