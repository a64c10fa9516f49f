use super::tokens::{TokenNews, Tokens, tell};
use hsm::mac::Algorithm;
use hsm::ops::{Answer, Hsm as _, Request};
use hsm::pool::{Condition, Counts, Effect, Failure, Operations, Pool, Tell, Ticket};
use hsm::software::SoftwareHsm;
use net::{LinkHandle, Net};
use pkcs11::Abilities;
use std::collections::VecDeque;
use terms::{ConnId, Instant};

/// The security modules there are.
pub(crate) enum Modules {
    /// None: nobody asked for security.
    None,
    /// The built-in one.
    Software(Box<Software>),
    /// Devices behind lines.
    Devices(Box<Devices>),
}

/// The built-in module.
pub(crate) struct Software {
    pub(crate) name: String,
    pub(crate) hsm: SoftwareHsm,
    /// The check value of its master key.
    pub(crate) check: String,
    /// Whether that master key is one everybody knows.
    pub(crate) is_public: bool,
    /// Whether one person had it drawn, for tests.
    pub(crate) is_for_tests: bool,
    pub(crate) allowed: Operations,
    pub(crate) counts: Counts,
}

/// Devices behind lines.
pub(crate) struct Devices {
    pub(crate) pool: Pool,
    pub(crate) net: Net,
    /// Name, address and master key of each, by its place.
    pub(crate) known: Vec<(String, String, String)>,
    /// What each may be asked, by its place.
    pub(super) allowed: Vec<Operations>,
    /// Set once the network runs.
    pub(crate) handles: Vec<LinkHandle>,
    /// The same of tokens.
    pub(super) tokens: Tokens,
}

/// A module as it is, for people.
#[derive(Clone, Debug)]
pub(crate) struct ModuleSeen {
    pub(crate) name: String,
    /// Where it is; `None` of the software module.
    pub(crate) address: Option<String>,
    /// The check value of the master key it must have.
    pub(crate) lmk_check: String,
    pub(crate) condition: Condition,
    pub(crate) lines: usize,
    pub(crate) lines_wanted: usize,
    pub(crate) under_way: usize,
    pub(crate) counts: Counts,
    pub(crate) is_public: bool,
    /// Whether one person had its master key drawn, for tests.
    pub(crate) is_for_tests: bool,
    /// `software`, or its family.
    pub(crate) kind: &'static str,
    /// What it may be asked, and as far as it says does.
    pub(crate) operations: Vec<&'static str>,
    /// By which algorithms it makes codes, where it says that.
    pub(crate) algorithms: Vec<&'static str>,
    /// Why nothing leads to it, where that is known.
    pub(crate) trouble: Option<String>,
}

type Done = VecDeque<(Ticket, Result<Answer, Failure>)>;

impl Modules {
    pub(super) fn ask(
        &mut self,
        now: Instant,
        device: Option<usize>,
        ticket: Ticket,
        request: Request,
        done: &mut Done,
    ) {
        match self {
            Self::None => done.push_back((ticket, Err(Failure::NoModule))),
            Self::Software(software) => done.push_back((ticket, software.ask(&request))),
            Self::Devices(devices) => devices.act(done, |pool, out| match device {
                Some(device) => pool.ask_one(now, device, ticket, request, out),
                None => pool.ask(now, ticket, request, out),
            }),
        }
    }

    pub(crate) fn opened(&mut self, now: Instant, device: usize, conn: ConnId, done: &mut Done) {
        if let Self::Devices(devices) = self {
            devices.act(done, |pool, out| pool.opened(now, device, conn, out));
        }
    }

    pub(crate) fn closed(&mut self, now: Instant, device: usize, conn: ConnId, done: &mut Done) {
        if let Self::Devices(devices) = self {
            devices.act(done, |pool, out| pool.closed(now, device, conn, out));
        }
    }

    pub(crate) fn heard(&mut self, now: Instant, device: usize, conn: ConnId, body: &[u8], done: &mut Done) {
        if let Self::Devices(devices) = self {
            devices.act(done, |pool, out| pool.heard(now, device, conn, body, out));
        }
    }

    pub(crate) fn tick(&mut self, now: Instant, done: &mut Done) {
        if let Self::Devices(devices) = self {
            devices.act(done, |pool, out| pool.tick(now, out));
        }
    }

    /// Each of them.
    pub(crate) fn seen(&self) -> Vec<ModuleSeen> {
        match self {
            Self::None => Vec::new(),
            Self::Software(software) => vec![ModuleSeen {
                name: software.name.clone(),
                address: None,
                lmk_check: software.check.clone(),
                condition: Condition::Well,
                lines: 0,
                lines_wanted: 0,
                under_way: 0,
                counts: software.counts,
                is_public: software.is_public,
                is_for_tests: software.is_for_tests,
                kind: "software",
                operations: software.allowed.list().collect(),
                algorithms: Algorithm::names().collect(),
                trouble: None,
            }],
            Self::Devices(devices) => devices.seen(),
        }
    }

    /// Requests that wait for a module.
    pub(crate) fn queued(&self) -> usize {
        match self {
            Self::None | Self::Software(_) => 0,
            Self::Devices(devices) => {
                let (waiting, keys) = devices.pool.queued();
                waiting + keys
            }
        }
    }

    /// The place of the module of that name.
    pub(crate) fn place(&self, name: &str) -> Option<usize> {
        match self {
            Self::None => None,
            Self::Software(software) => (software.name == name).then_some(0),
            Self::Devices(devices) => devices.known.iter().position(|(known, ..)| known == name),
        }
    }

    /// The lines that lead to them, once the network runs.
    pub(crate) fn know(&mut self, lines: Vec<LinkHandle>) {
        if let Self::Devices(devices) = self {
            devices.handles = lines;
        }
    }

    /// The sessions with tokens, once they are begun.
    pub(super) fn keep(&mut self, tokens: Tokens) {
        if let Self::Devices(devices) = self {
            devices.tokens = tokens;
        }
    }

    /// A session with a token told something.
    pub(crate) fn token_told(&mut self, now: Instant, news: TokenNews, done: &mut Done) {
        if let Self::Devices(devices) = self {
            let name = devices.name(news.device).to_owned();
            devices.tokens.hear(&news, &name);
            devices.act(done, |pool, out| tell(pool, now, news.device, news.told, out));
        }
    }

    /// Lets go of every line.
    pub(crate) fn close(&mut self) {
        if let Self::Devices(devices) = self {
            devices.handles.iter().for_each(LinkHandle::close);
            devices.tokens.close();
        }
    }
}

impl Software {
    fn ask(&mut self, request: &Request) -> Result<Answer, Failure> {
        if !self.allowed.allow(request) {
            return Err(Failure::NotAllowed);
        }
        self.counts.asked += 1;
        self.counts.answered += 1;
        self.hsm.ask(request).map_err(Failure::Fault)
    }
}

impl Devices {
    fn act(&mut self, done: &mut Done, act: impl FnOnce(&mut Pool, &mut Vec<Effect>)) {
        let mut effects = Vec::new();
        act(&mut self.pool, &mut effects);
        for effect in effects {
            match effect {
                Effect::Send { conn, bytes } => {
                    if let Some(conn) = self.net.conn(conn) {
                        // A line that does not take it is lost, and says so itself.
                        let _ = conn.send_bytes(&[], &bytes);
                    }
                }
                Effect::Call { conn, number, request } => self.tokens.call(conn, number, request),
                Effect::Done { ticket, result } => done.push_back((ticket, result)),
                Effect::HangUp { conn } if self.is_of_tokens() => self.tokens.let_go(conn),
                Effect::HangUp { conn } => self.net.conn(conn).iter().for_each(net::Conn::abort),
                Effect::Tell(tell) => self.say(&tell),
            }
        }
    }

    /// All of them are of one kind: keys lie under one master key.
    fn is_of_tokens(&self) -> bool {
        self.tokens.get(0).is_some()
    }

    fn name(&self, device: usize) -> &str {
        self.known.get(device).map_or("?", |(name, ..)| name)
    }

    fn say(&self, tell: &Tell) {
        match tell {
            Tell::Well { device } => tracing::info!(hsm = self.name(*device), "security module is well"),
            Tell::Suspect { device, why } => {
                tracing::warn!(hsm = self.name(*device), %why, "security module suspect: tested");
            }
            Tell::Dropped { device, back_off_ms } => {
                tracing::error!(hsm = self.name(*device), back_off_ms, "security module dropped");
            }
            Tell::OtherMaster { device, shown } => tracing::error!(
                hsm = self.name(*device),
                shown,
                "security module refused: it holds another master key than lmk_check says"
            ),
            Tell::AllDown => {
                tracing::error!("no security module is left: what needs one is refused until one is back");
            }
        }
    }

    fn seen(&self) -> Vec<ModuleSeen> {
        let public = hsm::payshield::test_lmk::checks();
        let of = |(at, seen): (usize, hsm::pool::DeviceSeen)| {
            let (name, address, lmk_check) = self.known[at].clone();
            let is_public = public.contains(&lmk_check.to_uppercase());
            let token = self.tokens.get(at);
            let can = token.and_then(|token| token.can);
            let does = |name: &&str| can.is_none_or(|can| can.operations().any(|does| does == *name));
            ModuleSeen {
                name,
                address: Some(address),
                lmk_check,
                condition: seen.condition,
                lines: seen.lines,
                lines_wanted: match token {
                    Some(token) => token.wanted(),
                    None => self.handles.get(at).map_or(0, |handle| handle.states().len()),
                },
                under_way: seen.under_way,
                counts: seen.counts,
                is_public,
                is_for_tests: false,
                kind: if token.is_some() { "pkcs11" } else { "payshield" },
                operations: self.allowed[at].list().filter(does).collect(),
                algorithms: can.into_iter().flat_map(Abilities::algorithms).collect(),
                trouble: token.and_then(|token| token.trouble.clone()),
            }
        };
        self.pool.seen().into_iter().enumerate().map(of).collect()
    }
}
