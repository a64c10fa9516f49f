//! Tokens as modules: sessions with them are lines of the pool, and what they tell comes from threads of their own.

use crate::config::{Config, HsmToml};
use hsm::ops::Request;
use hsm::pool::{DeviceConfig, Pool, Way};
use pkcs11::{Abilities, Told, Workers, spawn};
use std::collections::BTreeMap;
use std::io;
use terms::{ConnId, Instant};
use tokio::sync::mpsc::WeakUnboundedSender;

use crate::run::thread::Order;

/// Calls a session can tell apart: one is under way at a time, and late ones are counted.
const NUMBER_DIGITS: usize = 8;

/// What a session with a token has to tell.
pub struct TokenNews {
    pub(crate) device: usize,
    pub(crate) told: Told,
}

/// Every token, by the place of its module.
#[derive(Default)]
pub(crate) struct Tokens {
    each: Vec<TokenAt>,
    /// Which module a session is with.
    sessions: BTreeMap<ConnId, usize>,
}

/// One of them.
#[derive(Default)]
pub(crate) struct TokenAt {
    workers: Option<Workers>,
    pub(crate) can: Option<Abilities>,
    /// Why no session stands.
    pub(crate) trouble: Option<String>,
}

impl TokenAt {
    /// Sessions that are to stand.
    pub(super) fn wanted(&self) -> usize {
        self.workers.as_ref().map_or(0, Workers::wanted)
    }
}

impl Tokens {
    /// Opens sessions with every token of a configuration; what they tell comes as orders to the lane's thread.
    pub(super) fn open(config: &Config, orders: &WeakUnboundedSender<Order>) -> io::Result<Self> {
        let mut tokens = Self::default();
        for (device, hsm) in config.hsm.iter().enumerate() {
            let Some(token) = hsm.token_config(&config.keys_directory()) else { continue };
            let orders = orders.clone();
            let tell = move |told| {
                // A switch that has ended hears nothing any more, and misses nothing.
                if let Some(orders) = orders.upgrade() {
                    let _ = orders.send(Order::Token(TokenNews { device, told }));
                }
            };
            let workers = spawn(&token, hsm.connections, hsm.reconnect_ms, tell)?;
            tokens.each.push(TokenAt { workers: Some(workers), ..TokenAt::default() });
        }
        Ok(tokens)
    }

    pub(super) fn get(&self, device: usize) -> Option<&TokenAt> {
        self.each.get(device)
    }

    pub(super) fn call(&self, conn: ConnId, number: u32, request: Request) {
        if let Some(workers) = self.of(conn) {
            workers.call(conn, number, request);
        }
    }

    pub(super) fn let_go(&mut self, conn: ConnId) {
        if let Some(workers) = self.of(conn) {
            workers.let_go(conn);
        }
        self.sessions.remove(&conn);
    }

    /// Ends all of them, with the calls under way.
    pub(super) fn close(&mut self) {
        self.each.clear();
    }

    fn of(&self, conn: ConnId) -> Option<&Workers> {
        self.each.get(*self.sessions.get(&conn)?)?.workers.as_ref()
    }

    /// Notes what a session told.
    pub(super) fn hear(&mut self, news: &TokenNews, name: &str) {
        let Some(token) = self.each.get_mut(news.device) else { return };
        match &news.told {
            Told::Opened { conn, can } => {
                (token.can, token.trouble) = (Some(*can), None);
                self.sessions.insert(*conn, news.device);
            }
            Told::NotOpened { why } => {
                tracing::error!(hsm = name, why, "no session with a token");
                token.trouble = Some(why.clone());
            }
            Told::Closed { conn } => {
                tracing::warn!(hsm = name, "session with a token is over");
                self.sessions.remove(conn);
            }
            Told::Answered { .. } => {}
        }
    }
}

/// What a pool leaves.
type Out = Vec<hsm::pool::Effect>;

/// Tells a pool what a session with a token told.
pub(super) fn tell(pool: &mut Pool, now: Instant, device: usize, told: Told, out: &mut Out) {
    match told {
        Told::Opened { conn, .. } => pool.opened(now, device, conn, out),
        Told::Answered { conn, number, answer } => pool.called(now, device, (conn, number), answer, out),
        Told::Closed { conn } => pool.closed(now, device, conn, out),
        Told::NotOpened { .. } => {}
    }
}

/// A token as a module of a pool.
pub(super) fn device_of(hsm: &HsmToml) -> Option<DeviceConfig> {
    Some(DeviceConfig {
        way: Way::Calls,
        header_bytes: NUMBER_DIGITS,
        lmk_check: hsm.lmk_check.clone()?,
        // A session does one thing at a time, and what waits for it here may go to another.
        in_flight_max: 1,
        allowed: hsm.allowed(),
    })
}

/// Where a token is, as its standard writes that. Source: RFC 7512.
pub(super) fn uri_of(hsm: &HsmToml) -> String {
    let token = hsm.token.iter().map(|label| format!("token={label}"));
    let serial = hsm.serial.iter().map(|serial| format!("serial={serial}"));
    format!("pkcs11:{}", token.chain(serial).collect::<Vec<_>>().join(";"))
}
