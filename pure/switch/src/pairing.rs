use crate::admit::Refusal;
use crate::cutover::{Cut, CutSaid};
use crate::day::AskedForDay;
use crate::gate::Gate;
use crate::management::Life;
use crate::pace::Pace;
use crate::{Breaker, BreakerState, LinkConfig};
use alloc::vec::Vec;
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use terms::{
    BusinessDate, Code, Currency, ForwardId, Instant, LinkId, MessageType, Now, Outgoing, Pairing, Stan,
    Text, Txn,
};

/// Whom a trace number of ours stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Owner {
    /// A request the host has not answered.
    InFlight(u32),
    /// A request that is decided; the number may be given to another.
    Finished(u32),
    /// A message owed to the host.
    Forward(ForwardId),
    /// A network message of ours.
    Management,
    /// Totals of ours, of that day in that currency.
    Totals(BusinessDate, Currency),
}

/// One link as the lane sees it.
#[derive(Clone)]
pub(crate) struct Link {
    pub(crate) config: LinkConfig,
    pub(crate) up: bool,
    pub(crate) in_flight: u32,
    pub(crate) breaker: Breaker,
    /// What it has to hear of before anything new.
    pub(crate) gate: Gate,
    /// How fast it is paid what is owed.
    pub(crate) pace: Pace,
    /// Whether it is signed on, and all that goes with that.
    pub(crate) life: Life,
    /// The host's business day; `None` until it is known.
    pub(crate) date: Option<BusinessDate>,
    /// How far the change to the next one is.
    pub(crate) cut: Cut,
    /// The last messages that changed it and said no day.
    pub(crate) cut_said: CutSaid,
    /// When it was asked for its next day by schedule last, and what it said.
    pub(crate) asked_for_day: Option<AskedForDay>,
    /// The last trace number given out.
    pub(crate) last_stan: Stan,
    /// Whom a trace number of ours stands for.
    by_stan: HashMap<u32, Owner, FixedState>,
    /// Not before this are people told again that its host does not take what it is owed.
    pub(crate) alarm_from: Instant,
    pub(crate) asked: u64,
    pub(crate) answered: u64,
    pub(crate) unanswered: u64,
    pub(crate) late: u64,
    pub(crate) strange: u64,
}

impl Link {
    pub(crate) fn new(config: LinkConfig) -> Self {
        Self {
            up: false,
            in_flight: 0,
            breaker: Breaker::new(config.breaker),
            gate: Gate::default(),
            pace: Pace::default(),
            life: Life::new(&config.management),
            date: None,
            cut: Cut::default(),
            cut_said: CutSaid::default(),
            asked_for_day: None,
            last_stan: Stan(0),
            by_stan: HashMap::with_hasher(FixedState::with_seed(0)),
            alarm_from: Instant::default(),
            asked: 0,
            answered: 0,
            unanswered: 0,
            late: 0,
            strange: 0,
            config,
        }
    }

    /// Whether new business may pass.
    pub(crate) fn is_open(&self) -> bool {
        self.up && self.life.position.takes_business(self.config.management.signs_on())
    }

    /// Whether it would take one more request now; nothing is taken.
    pub(crate) fn is_ready(&self, now: Instant) -> Result<(), Refusal> {
        if !self.is_open() {
            return Err(Refusal::not_sent(Code::HostDown, self.why_closed()));
        }
        if !self.gate.is_open() {
            return Err(Refusal::not_sent(Code::HostDown, "recovery goes first"));
        }
        if self.in_flight >= self.config.in_flight_max {
            return Err(Refusal::not_sent(Code::Busy, "host in-flight limit"));
        }
        match self.breaker.state() {
            BreakerState::Closed => Ok(()),
            BreakerState::Open { until } if now >= until => Ok(()),
            BreakerState::Open { .. } | BreakerState::Probing => {
                Err(Refusal::not_sent(Code::HostDown, "circuit breaker open"))
            }
        }
    }

    /// A trace number for one more request, when it takes one now. A breaker that is due to try tries with it.
    pub(crate) fn take(&mut self, now: Instant) -> Result<Stan, Refusal> {
        self.is_ready(now)?;
        self.breaker.allows(now);
        self.draw_stan().ok_or(Refusal::not_sent(Code::Busy, "no free trace number"))
    }

    /// A trace number that nothing under way has. `None` when all 999,999 are in use.
    pub(crate) fn draw_stan(&mut self) -> Option<Stan> {
        for _ in 0..=self.by_stan.len() {
            self.last_stan = self.last_stan.next();
            match self.by_stan.get(&self.last_stan.0) {
                None | Some(Owner::Finished(_)) => return Some(self.last_stan),
                Some(Owner::InFlight(_) | Owner::Forward(_) | Owner::Management | Owner::Totals(..)) => {}
            }
        }
        None
    }

    pub(crate) fn assign(&mut self, stan: Stan, owner: Owner) {
        self.by_stan.insert(stan.0, owner);
    }

    /// The request under that number is decided.
    pub(crate) fn finish(&mut self, stan: Stan, at: usize) {
        if let Some(owner) = self.by_stan.get_mut(&stan.0)
            && *owner == Owner::InFlight(at as u32)
        {
            *owner = Owner::Finished(at as u32);
        }
    }

    pub(crate) fn find(&self, stan: Stan) -> Option<Owner> {
        self.by_stan.get(&stan.0).copied()
    }

    /// Every number that stands for somebody, the lowest first.
    pub(crate) fn owners(&self) -> Vec<(u32, Owner)> {
        let mut owners: Vec<(u32, Owner)> =
            self.by_stan.iter().map(|(&stan, &owner)| (stan, owner)).collect();
        owners.sort_unstable_by_key(|&(stan, _)| stan);
        owners
    }

    /// Drops a number, unless it stands for somebody else by now.
    pub(crate) fn release(&mut self, stan: Stan, owner: Owner) {
        if self.by_stan.get(&stan.0) == Some(&owner) {
            self.by_stan.remove(&stan.0);
        }
    }
}

/// Whether a host's message can be the answer to that request.
pub(crate) fn belongs(pairing: Pairing, request: &Txn, ours: &Outgoing, reply: &Txn) -> bool {
    /// What an answer leaves out disagrees with nothing.
    fn agrees<const N: usize>(asked_for: bool, ours: Text<N>, theirs: Text<N>) -> bool {
        !asked_for || theirs.is_empty() || trimmed(&ours) == trimmed(&theirs)
    }
    // A repeat may be answered as the first, or as a repeat: networks differ.
    let plain = MessageType { origin: reply.message.origin & !1, ..reply.message };
    Some(plain) == request.message.answered_by()
        && agrees(pairing.terminal_id, request.terminal_id, reply.terminal_id)
        && agrees(pairing.rrn, ours.rrn, reply.rrn)
        && agrees(pairing.transmitted_at, ours.transmitted_at, reply.transmitted_at)
        && agrees(pairing.acquirer_id, request.acquirer_id, reply.acquirer_id)
        && (!pairing.amount || reply.amount == request.amount)
}

/// Fixed fields come back filled up with spaces.
fn trimmed<const N: usize>(text: &Text<N>) -> &[u8] {
    text.as_bytes().trim_ascii_end()
}

/// What is ours in a request that leaves now.
pub(crate) fn outgoing(now: Now, config: &LinkConfig, request: &Txn, stan: Stan) -> Outgoing {
    let offset_s = if config.transmits_utc { 0 } else { now.utc_offset_s };
    let local = now.wall.local(offset_s);
    let ((year, ..), (hour, ..)) = (local.date.ymd(), local.hms());
    let transmitted_at = transmitted_at(now, config);
    let rrn = if request.rrn.is_empty() {
        let day_of_year =
            BusinessDate::new(year, 1, 1).map_or(0, |first| local.date.days() - first.days()) + 1;
        reference_number(year, day_of_year as u16, hour, stan)
    } else {
        request.rrn
    };
    Outgoing { stan, rrn, transmitted_at, repeat: false }
}

/// Our time of transmission on that link, `MMDDhhmmss`.
pub(crate) fn transmitted_at(now: Now, config: &LinkConfig) -> Text<10> {
    let local = now.wall.local(if config.transmits_utc { 0 } else { now.utc_offset_s });
    let (_, month, day) = local.date.ymd();
    let (hour, minute, second) = local.hms();
    digits::<10>([month, day, hour, minute, second])
}

/// `yddd`, the hour, and our trace number: the usual make-up of a retrieval reference number.
fn reference_number(year: u16, day_of_year: u16, hour: u8, stan: Stan) -> Text<12> {
    let mut rrn = [b'0'; 12];
    put(&mut rrn[..1], u32::from(year % 10));
    put(&mut rrn[1..4], u32::from(day_of_year));
    put(&mut rrn[4..6], u32::from(hour));
    put(&mut rrn[6..], stan.0);
    Text::clipped(&rrn)
}

/// The same on our own clock.
pub(crate) fn local_transmission(now: Now) -> Text<10> {
    let local = now.local();
    let (_, month, day) = local.date.ymd();
    let (hour, minute, second) = local.hms();
    digits::<10>([month, day, hour, minute, second])
}

fn digits<const N: usize>(pairs: [u8; 5]) -> Text<N> {
    let mut text = [b'0'; 10];
    for (pair, value) in text.chunks_exact_mut(2).zip(pairs) {
        put(pair, u32::from(value));
    }
    Text::clipped(&text)
}

fn put(digits: &mut [u8], mut value: u32) {
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
    }
}

/// The link of that number, where there is one.
pub(crate) fn link_mut(links: &mut [Link], link: LinkId) -> Option<&mut Link> {
    links.get_mut(usize::from(link.0))
}
