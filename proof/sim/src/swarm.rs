//! Which faults exist in a seed, and how often they strike. A swarm: a world with every fault in it hides the
//! races that need one of them to be absent.

use crate::luck::Luck;
use switch::HostProfile;

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
    Hostile         "hostile"            400;
    HostSilent      "host-silent"        200;
    HostSlow        "host-slow"          200;
    HostTwice       "host-twice"         200;
    HostWrongStan   "host-wrong-stan"    100;
    HostUnknown     "host-unknown"       100;
    HostLinger      "host-linger"        150;
    HostBusy        "host-busy"          200;
    LinkCut         "link-cut"          1000;
    SlowSync        "slow-sync"          100;
    DiskFails       "disk-fails"          60;
    Crash           "crash"              500;
    CrashAgain      "crash-in-recovery"  500;
    Pause           "pause"              300;
    WallJump        "wall-jump"          400;
    HostDay         "host-day"           400;
    Operator        "operator"           800;
    Crowd           "crowd"             1000;
}

/// The faults of one seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Swarm {
    rates: [u32; FAULTS.len()],
    /// How the two hosts behave, and what the switch is told about it.
    pub(crate) hosts: [HostProfile; 2],
    pub(crate) terminals: u64,
    pub(crate) transactions: u64,
    /// Whether every message goes through a dialect's bytes: one seed in sixteen, because it costs.
    pub(crate) codec: bool,
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
        let hosts = [host(&mut luck), host(&mut luck)];
        let (terminals, transactions) = (luck.between(3, 16), luck.between(100, 300));
        Self { rates, hosts, terminals, transactions, codec: seed % 16 == 7 }
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

fn host(luck: &mut Luck) -> HostProfile {
    HostProfile {
        tombstones: luck.below(2) == 0,
        dedups_reversals: luck.below(4) > 0,
        marks_repeats: luck.below(2) == 0,
        deposits_are_posted: luck.below(4) > 0,
        guard_ms: 120_000,
        day_is_calendar: luck.below(3) == 0,
        partial_reversals: luck.below(4) > 0,
        ..HostProfile::default()
    }
}
