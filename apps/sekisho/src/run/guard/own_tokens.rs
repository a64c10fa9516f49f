//! The tokens of whoever manages keys: sessions of their own, so that nothing of it stands before a message, and a pool of
//! their own that waits no longer than it should for a call.

use super::NotAsked;
use super::tokens::{device_of, tell};
use crate::config::HsmToml;
use hsm::ops::{Answer, Request, Role};
use hsm::pool::{Condition, Effect, Failure, Pool, PoolConfig, Ticket};
use pkcs11::{Adopted, Token, TokenConfig, Told, Workers, spawn};
use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use terms::ConnId;

/// How often time is let pass while somebody waits.
const TICK: Duration = Duration::from_millis(20);

/// Tokens, and sessions with them once they were needed.
pub(crate) struct OwnTokens {
    pub(super) pool: PoolConfig,
    pub(super) tokens: Vec<(HsmToml, TokenConfig)>,
    pub(super) at_work: Option<AtWork>,
}

pub(super) struct AtWork {
    pool: Pool,
    clock: clock::Clock,
    workers: Vec<Workers>,
    told: Receiver<(usize, Told)>,
    sessions: BTreeMap<ConnId, usize>,
    /// Why no session stands, by the place of the token.
    troubles: BTreeMap<usize, String>,
    done: Option<Result<Answer, Failure>>,
}

impl OwnTokens {
    /// Asks, and waits for the answer no longer than it may take.
    pub(super) fn ask(&mut self, request: &Request) -> Result<Answer, NotAsked> {
        let at_work = match self.at_work.take() {
            Some(at_work) => at_work,
            None => {
                AtWork::begun(self.pool, &self.tokens).map_err(|error| NotAsked::Lines(error.to_string()))?
            }
        };
        let at_work = self.at_work.insert(at_work);
        let answered = at_work.ask(request, Duration::from_millis(self.pool.give_up_ms.into()));
        let names = self.tokens.iter().map(|(hsm, _)| hsm.name.as_str());
        answered.map_err(|failure| match failure {
            Failure::Fault(fault) => NotAsked::Fault(fault),
            Failure::NoModule | Failure::Late | Failure::Lost => {
                NotAsked::Failure { failure, seen: at_work.seen(names) }
            }
            Failure::Full | Failure::NotAllowed | Failure::Misfit(_) => {
                NotAsked::Failure { failure, seen: String::new() }
            }
        })
    }

    /// Takes a key that lies in the first token into our books.
    pub(super) fn adopt(&mut self, role: Role, label: &str) -> Result<Adopted, NotAsked> {
        let (hsm, config) = self.tokens.first().ok_or_else(|| NotAsked::Lines("there is no token".into()))?;
        let mut token = Token::open(config).map_err(|error| NotAsked::Lines(error.to_string()))?;
        let wanted = hsm.lmk_check.as_deref().unwrap_or_default();
        if !token.check().eq_ignore_ascii_case(wanted) {
            let said = format!("{} shows another master key, {}", hsm.name, token.check());
            return Err(NotAsked::Lines(said));
        }
        token.adopt(role, label).map_err(NotAsked::Fault)
    }
}

impl AtWork {
    fn begun(pool: PoolConfig, tokens: &[(HsmToml, TokenConfig)]) -> std::io::Result<Self> {
        let (send, told) = channel();
        let mut workers = Vec::new();
        for (device, (hsm, token)) in tokens.iter().enumerate() {
            let send = send.clone();
            // Whoever waited may be gone, and misses nothing.
            workers.push(spawn(token, 1, hsm.reconnect_ms, move |told| drop(send.send((device, told))))?);
        }
        Ok(Self {
            pool: Pool::new(pool, tokens.iter().filter_map(|(hsm, _)| device_of(hsm)).collect()),
            clock: clock::Clock::with_offset_s(0),
            workers,
            told,
            sessions: BTreeMap::new(),
            troubles: BTreeMap::new(),
            done: None,
        })
    }

    fn ask(&mut self, request: &Request, patience: Duration) -> Result<Answer, Failure> {
        let began = Instant::now();
        self.done = None;
        // Whatever was told while nobody listened comes first.
        self.a_while(Duration::ZERO);
        while !self.pool.is_up() {
            if began.elapsed() >= patience || self.is_hopeless() {
                return Err(Failure::NoModule);
            }
            self.a_while(TICK);
        }
        self.act(|pool, now, out| pool.ask(now, Ticket(0), request.clone(), out));
        loop {
            if let Some(done) = self.done.take() {
                return done;
            }
            self.a_while(TICK);
        }
    }

    /// Until something is told, or for a moment; time passes for the tokens.
    fn a_while(&mut self, patience: Duration) {
        let mut next = self.told.recv_timeout(patience).ok();
        while let Some((device, told)) = next {
            match &told {
                Told::Opened { conn, .. } => {
                    self.sessions.insert(*conn, device);
                    self.troubles.remove(&device);
                }
                Told::NotOpened { why } => drop(self.troubles.insert(device, why.clone())),
                Told::Closed { conn } => drop(self.sessions.remove(conn)),
                Told::Answered { .. } => {}
            }
            self.act(|pool, now, out| tell(pool, now, device, told, out));
            next = self.told.try_recv().ok();
        }
        self.act(|pool, now, out| pool.tick(now, out));
    }

    /// Whether every token has said that it is not the one meant, or why it is not opened.
    fn is_hopeless(&self) -> bool {
        let seen = self.pool.seen();
        let is_other = |condition: &Condition| matches!(condition, Condition::OtherMaster { .. });
        seen.iter().enumerate().all(|(at, seen)| self.troubles.contains_key(&at) || is_other(&seen.condition))
    }

    fn act(&mut self, act: impl FnOnce(&mut Pool, terms::Instant, &mut Vec<Effect>)) {
        let mut effects = Vec::new();
        act(&mut self.pool, self.clock.now().instant, &mut effects);
        for effect in effects {
            match effect {
                Effect::Call { conn, number, request } => {
                    if let Some(workers) = self.sessions.get(&conn).and_then(|at| self.workers.get(*at)) {
                        workers.call(conn, number, request);
                    }
                }
                Effect::HangUp { conn } => {
                    if let Some(workers) = self.sessions.get(&conn).and_then(|at| self.workers.get(*at)) {
                        workers.let_go(conn);
                    }
                }
                Effect::Done { result, .. } => self.done = Some(result),
                // Tokens are called; and the sessions of the traffic tell people of them.
                Effect::Send { .. } | Effect::Tell(_) => {}
            }
        }
    }

    fn seen<'n>(&self, names: impl Iterator<Item = &'n str>) -> String {
        let seen = self.pool.seen();
        let each = names.zip(seen).enumerate().map(|(at, (name, seen))| {
            match (self.troubles.get(&at), seen.condition) {
                (Some(why), _) => format!("; {name}: {why}"),
                (None, Condition::OtherMaster { shown, .. }) => {
                    format!("; {name}: it shows another master key, {shown}")
                }
                (None, Condition::Well) => format!("; {name}: it is well"),
                (None, _) => format!("; {name}: it did not answer"),
            }
        });
        each.collect()
    }
}
