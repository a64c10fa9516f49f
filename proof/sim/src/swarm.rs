//! Which faults exist in a seed, and how often they strike. A swarm: a world with every fault in it hides the
//! races that need one of them to be absent.

use crate::luck::Luck;
use crate::terminal::message;
use crate::totals::currency;
use crate::world::HOSTS;
use std::sync::Arc;
use switch::{HostProfile, ReconcileConfig, SignOn};
use terms::{Carried, MessageType, NetRule, Network, NetworkTypes, ReversalBucket, Text};

macro_rules! faults {
    ($($fault:ident $name:literal $most:literal;)*) => {
        /// Something that can go wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Fault { $($fault,)* }

        /// Every fault: itself, its name, and its highest rate. Rates are per thousand chances; of those that
        /// strike by themselves, per thousand of once a minute.
        pub(crate) const FAULTS: &[(Fault, &str, u32)] = &[$((Fault::$fault, $name, $most),)*];
    };
}

#[rustfmt::skip]
faults! {
    TermLoss        "terminal-loss"      250;
    TermDup         "terminal-dup"       250;
    TermDelay       "terminal-delay"     200;
    TermCut         "terminal-cut"       200;
    TermRepeats     "terminal-repeats"   700;
    Dispenser       "dispenser"          150;
    Partial         "partial-dispense"   100;
    Offline         "terminal-offline"   200;
    Hostile         "hostile"            400;
    HostSilent      "host-silent"        200;
    HostSlow        "host-slow"          200;
    HostTwice       "host-twice"         200;
    HostWrongStan   "host-wrong-stan"    100;
    HostUnknown     "host-unknown"       100;
    HostLinger      "host-linger"        150;
    HostBusy        "host-busy"          200;
    HostDead        "host-dead"          200;
    LinkCut         "link-cut"          1000;
    LinkDown        "link-down"          200;
    SlowSync        "slow-sync"          100;
    DiskFails       "disk-fails"          60;
    Crash           "crash"              500;
    CrashAgain      "crash-in-recovery"  500;
    Pause           "pause"              300;
    WallJump        "wall-jump"          400;
    HostDay         "host-day"           400;
    Operator        "operator"           800;
    Orders          "orders"             500;
    PeerSigns       "peer-signs"         400;
    PeerSilent      "peer-silent"        300;
    PeerRefuses     "peer-refuses"       300;
    CutTwice        "cutover-twice"      500;
    CutLost         "cutover-lost"       500;
    Crowd           "crowd"             1000;
    KeyChange       "key-change"        800;
    KeyStale        "key-stale"         100;
    CodeWrong       "code-wrong"         60;
    ModuleDead      "module-dead"       400;
    ModuleSilent    "module-silent"      60;
    ModuleFaults    "module-faults"      60;
    ModuleSlow      "module-slow"       100;
    TotalsLost      "totals-lost"        500;
    TotalsSlow      "totals-slow"        400;
    TotalsTwice     "totals-twice"       400;
    TotalsGarbled   "totals-garbled"     300;
    TotalsRefused   "totals-refused"     200;
    TotalsUnready   "totals-unready"     300;
    TotalsAsked     "totals-asked"       800;
}

/// The faults of one seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Swarm {
    rates: [u32; FAULTS.len()],
    /// How the two hosts behave, and what the switch is told about it.
    pub(crate) hosts: [HostProfile; HOSTS],
    pub(crate) terminals: u64,
    pub(crate) transactions: u64,
    /// Requests under way at once, as the switch is told; 0 for any number.
    pub(crate) in_flight_max: u32,
    /// Requests of one terminal under way at once; 0 for any number.
    pub(crate) per_terminal_max: u32,
    /// Fewest finished requests by which a host is given up.
    pub(crate) breaker_min: u32,
    /// Owed messages unanswered at once on one link.
    pub(crate) window: u32,
    /// Of these, what had to wait for the link.
    pub(crate) catch_up_window: u32,
    /// What each link is like, as the switch is told.
    pub(crate) links: [LinkSpec; HOSTS],
    /// Whether a start after an unclean stop waits for a person.
    pub(crate) recovery_asks: bool,
    /// So many days; 0 for until so many transactions have begun.
    pub(crate) days: u64,
    /// How many times rarer everything is than in a short run.
    pub(crate) stretch: u64,
    /// By how much more of the journal lies between two snapshots. One is as long as all that is remembered: a month
    /// that takes one every few transactions does little else.
    pub(crate) snapshots_apart: u64,
    /// Whether every message goes through a dialect's bytes: one seed in sixteen, because it costs.
    pub(crate) codec: bool,
    /// Whether messages carry authentication codes, made and verified by security modules: one seed in eight, because
    /// it costs.
    pub(crate) guard: bool,
}

impl Swarm {
    pub(crate) fn of(seed: u64) -> Self {
        let mut luck = Luck::new(seed.wrapping_mul(0x9E37_79B9));
        let mut rates = [0; FAULTS.len()];
        let everything = luck.below(16) == 0;
        for (rate, (_, _, most)) in rates.iter_mut().zip(FAULTS) {
            let drawn = luck.between(1, u64::from(*most)) as u32;
            *rate = if everything || luck.below(2) == 0 { drawn } else { 0 };
        }
        let hosts = [host(&mut luck), host(&mut luck), host(&mut luck)];
        let swarm = Self {
            rates,
            hosts,
            terminals: luck.between(3, 16),
            transactions: luck.between(100, 300),
            in_flight_max: [0, 0, 4, 10][luck.below(4) as usize],
            per_terminal_max: u32::from(luck.below(4) == 0),
            breaker_min: [5, 20][luck.below(2) as usize],
            window: [1, 2, 8][luck.below(3) as usize],
            catch_up_window: 1 + luck.below(2) as u32,
            links: core::array::from_fn(|at| LinkSpec::of(&mut luck, &hosts[at])),
            recovery_asks: luck.below(4) == 0,
            codec: seed % 16 == 7,
            guard: seed % 8 == 3,
            days: 0,
            stretch: 1,
            snapshots_apart: 1,
        };
        if seed % 128 == 77 { swarm.with_a_flood() } else { swarm }
    }

    /// A month is long: what befalls a short run every minute befalls it now and then. Every host ends its days, and
    /// nobody turns a clock by days.
    pub(crate) fn of_days(seed: u64, days: u64) -> Self {
        let mut swarm = Self::of(seed);
        swarm.rates[Fault::HostDay as usize] = 0;
        Self {
            days,
            stretch: 100,
            snapshots_apart: 20,
            terminals: swarm.terminals.max(6),
            codec: false,
            guard: false,
            ..swarm
        }
    }

    /// Links that are away for long, and terminals that go on without the switch: reports heap up by thousands.
    fn with_a_flood(mut self) -> Self {
        for (fault, rate) in [(Fault::LinkDown, 500), (Fault::Offline, 900), (Fault::HostDay, 0)] {
            self.rates[fault as usize] = rate;
        }
        Self { terminals: 40, transactions: 3_000, ..self }
    }

    /// What a dialect cannot say is not done: no part of a reversal, by terminals or to hosts.
    pub(crate) fn bow_to(
        &mut self,
        (terminals, hosts): (bool, [bool; HOSTS]),
        types: [NetworkTypes; HOSTS],
        totals: [Recon; HOSTS],
    ) {
        if !terminals {
            self.rates[Fault::Partial as usize] = 0;
        }
        for (host, says) in self.hosts.iter_mut().zip(hosts) {
            host.partial_reversals &= says;
        }
        for (link, types) in self.links.iter_mut().zip(types) {
            link.types = types;
        }
        for (link, totals) in self.links.iter_mut().zip(totals) {
            if let Some(recon) = &mut link.recon {
                (recon.reversals, recon.net, recon.message) = (totals.reversals, totals.net, totals.message);
            }
        }
    }

    pub(crate) fn rate(&self, fault: Fault) -> u32 {
        self.rates[fault as usize]
    }

    pub(crate) fn without(&self, fault: Fault) -> Self {
        let mut less = self.clone();
        less.rates[fault as usize] = 0;
        less
    }

    pub(crate) fn switch_everything_off(&mut self) {
        self.rates = [0; FAULTS.len()];
    }

    /// The names of the faults that exist, with their rates.
    pub(crate) fn faults(&self) -> impl Iterator<Item = (Fault, &'static str, u32)> {
        let rates = self.rates;
        FAULTS.iter().map(move |&(fault, name, _)| (fault, name, rates[fault as usize])).filter(|f| f.2 > 0)
    }
}

/// What a link is like above its connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LinkSpec {
    pub(crate) sign_on: SignOn,
    pub(crate) echo_idle_ms: u32,
    /// As what each sort of network message is said; which of them there are.
    pub(crate) types: NetworkTypes,
    /// How the totals of days are compared, where they are.
    pub(crate) recon: Option<Recon>,
}

/// How the totals of days are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Recon {
    pub(crate) reversals: ReversalBucket,
    pub(crate) net: NetRule,
    pub(crate) message: [u8; 3],
    pub(crate) after_ms: u32,
    pub(crate) open_max_ms: u32,
}

impl Default for Recon {
    fn default() -> Self {
        let (reversals, net) = (ReversalBucket::default(), NetRule::default());
        Self { reversals, net, message: [5, 0, 0], after_ms: 0, open_max_ms: 60_000 }
    }
}

impl Recon {
    fn of(luck: &mut Luck) -> Self {
        Self {
            reversals: ReversalBucket::ALL[luck.below(2) as usize],
            net: NetRule::ALL[luck.below(3) as usize],
            message: [[5, 0, 0], [5, 2, 0]][luck.below(2) as usize],
            after_ms: [0, 20_000, 120_000][luck.below(3) as usize],
            open_max_ms: [0, 60_000, 600_000][luck.below(3) as usize],
        }
    }

    /// As the switch is told.
    pub(crate) fn config(self) -> Arc<ReconcileConfig> {
        Arc::new(ReconcileConfig {
            message: message(self.message),
            reversals: self.reversals,
            net: self.net,
            currency: currency(),
            after_ms: self.after_ms,
            open_max_ms: self.open_max_ms,
            repeat_ms: 30_000,
            alarm_after: 3,
            acquirer_id: Text::EMPTY,
            says: Carried::default(),
        })
    }
}

impl LinkSpec {
    fn of(luck: &mut Luck, host: &HostProfile) -> Self {
        let sign_on = [SignOn::None, SignOn::ByOrder, SignOn::Automatic, SignOn::Automatic];
        let mut types = NetworkTypes::default();
        for about in [Network::SignOn, Network::SignOff, Network::Echo] {
            types.set(about, MessageType::from_digits([8, 0, 0]));
        }
        if !host.day_is_calendar {
            types.set(Network::Cutover, MessageType::from_digits([8, 0, 0]));
            if luck.below(2) == 0 {
                types.set(Network::CutoverEnd, MessageType::from_digits([8, 0, 0]));
            }
        }
        let echo_idle_ms = [0, 15_000, 40_000][luck.below(3) as usize];
        let sign_on = sign_on[luck.below(4) as usize];
        let recon = (luck.below(4) > 0).then(|| Recon::of(luck));
        Self { sign_on, echo_idle_ms, types, recon }
    }
}

fn host(luck: &mut Luck) -> HostProfile {
    HostProfile {
        tombstones: luck.below(2) == 0,
        dedups_reversals: luck.below(4) > 0,
        marks_repeats: luck.below(2) == 0,
        deposits_are_posted: luck.below(4) > 0,
        guard_ms: 120_000,
        day_is_calendar: luck.below(3) == 0,
        // A host that ends days as it likes has people of ours who say that it may.
        days_ahead_max: [1, 1, 400][luck.below(3) as usize],
        partial_reversals: luck.below(4) > 0,
        unknown_credits_approved: luck.below(4) > 0,
        ..HostProfile::default()
    }
}
