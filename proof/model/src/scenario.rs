use switch::{
    BreakerConfig, Consistency, ForwardConfig, HostProfile, LaneConfig, LinkConfig, Route, Routes,
    SourceConfig,
};
use terms::{LinkId, Pairing, Text};

/// A request may linger on its way to the host for less than this.
pub(crate) const LINGER_MS: u32 = 20_000;
const REPLY_TIMEOUT_MS: u32 = 10_000;

/// What is explored.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// What the terminal wants.
    pub plot: Plot,
    /// Whether the host remembers reversals of what it has not seen.
    pub tombstones: bool,
    /// Whether the network repeats requests too; the host posts each of them once all the same.
    pub requests_repeat: bool,
    /// How much may go wrong.
    pub budget: Budget,
    /// What the switch does wrong on purpose.
    pub mutant: Option<Mutant>,
}

/// What happens when nothing goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plot {
    /// Cash out.
    Withdrawal,
    /// Cash in; what nobody knows of is posted.
    DepositPosted,
    /// Cash in; what nobody knows of is cancelled.
    DepositCancelled,
    /// Cash out, over a link that comes and goes, with a person at the console.
    Forward,
}

/// How often each thing may go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budget {
    /// Messages lost, requests proved unsent and answers proved undelivered, together.
    pub losses: u8,
    /// Messages that arrive twice.
    pub duplicates: u8,
    /// Times the switch dies.
    pub crashes: u8,
    /// Times the terminal asks again before it gives up.
    pub repeats: u8,
    /// Times the link goes down.
    pub cuts: u8,
    /// Times a person holds or settles what is owed.
    pub rulings: u8,
    /// Steps whose records may wait for the disk at once.
    pub held: u8,
}

/// Well-known wrong ways to build a switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// M1: the request leaves before it is journalled.
    SpeaksBeforeItWrites,
    /// M2: a late approval is told all the same.
    BelievesLateApprovals,
    /// M3: the answer leaves before the decision is durable.
    AnswersBeforeItWrites,
    /// M4: the reversal is a record of its own, written after the time-out.
    OwesInASecondRecord,
    /// M5: what was in flight when the switch died is sent again.
    SendsAgainAfterDeath,
    /// M6: a reversal of what is still in flight is acknowledged and forgotten.
    IgnoresEarlyReversals,
    /// M7: "no such original" is believed at once from a host without tombstones.
    BelievesNoOriginal,
    /// M8: the terminal has no way to say that it did not dispense.
    MuteTerminal,
    /// M9: the network repeats requests, and the host posts each.
    RepeatsRequests,
    /// M10: whether "no such original" is believed is judged by when the answer arrives.
    JudgesByArrival,
    /// M10's sibling: the guard is shorter than a request may linger.
    ShortGuard,
    /// D2x: a deposit that was cancelled is posted after all when it is reported.
    PostsAfterCancelling,
    /// D3, D4: a report whose request is known is acknowledged and forgotten.
    IgnoresReports,
}

/// A mutant, and where the exploration has to find it.
#[derive(Clone, Copy, Debug)]
pub struct Suspect {
    /// The name it is known by.
    pub name: &'static str,
    /// What is done wrong.
    pub mutant: Mutant,
    /// Where.
    pub plot: Plot,
    /// The least that has to go wrong in the world for it to show.
    pub budget: Budget,
    /// What it comes to: agreement that cannot be reached any more, or something wrong at once.
    pub strands: bool,
}

/// Agreement cannot be reached any more.
pub(crate) const STRANDED: &str = "agreement can still be reached";

impl Suspect {
    /// Every one. The numbers are losses, duplicates and crashes.
    #[rustfmt::skip]
    pub const ALL: [Self; 14] = [
        Self::strands("M1",   Mutant::SpeaksBeforeItWrites,  Plot::Withdrawal,       [0, 0, 1]),
        Self::is_wrong("M2",  Mutant::BelievesLateApprovals, Plot::Withdrawal,       [0, 0, 0]),
        Self::is_wrong("M3",  Mutant::AnswersBeforeItWrites, Plot::Withdrawal,       [0, 0, 1]),
        Self::strands("M4",   Mutant::OwesInASecondRecord,   Plot::Withdrawal,       [0, 0, 1]),
        Self::is_wrong("M5",  Mutant::SendsAgainAfterDeath,  Plot::Withdrawal,       [0, 0, 1]),
        Self::strands("M6",   Mutant::IgnoresEarlyReversals, Plot::Withdrawal,       [0, 0, 0]),
        Self::strands("M7",   Mutant::BelievesNoOriginal,    Plot::Withdrawal,       [0, 0, 0]),
        Self::strands("M8",   Mutant::MuteTerminal,          Plot::Withdrawal,       [0, 0, 0]),
        Self::is_wrong("M9",  Mutant::RepeatsRequests,       Plot::Withdrawal,       [0, 1, 0]),
        Self::strands("M10",  Mutant::JudgesByArrival,       Plot::Withdrawal,       [1, 0, 0]),
        Self::strands("M10s", Mutant::ShortGuard,            Plot::Withdrawal,       [0, 0, 0]),
        Self::is_wrong("D2x", Mutant::PostsAfterCancelling,  Plot::DepositCancelled, [0, 0, 0]),
        Self::strands("D3",   Mutant::IgnoresReports,        Plot::DepositPosted,    [0, 0, 0]),
        Self::strands("D4",   Mutant::IgnoresReports,        Plot::DepositCancelled, [0, 0, 0]),
    ];

    const fn strands(
        name: &'static str,
        mutant: Mutant,
        plot: Plot,
        [losses, duplicates, crashes]: [u8; 3],
    ) -> Self {
        let budget = Budget { losses, duplicates, crashes, ..Budget::NOTHING };
        Self { name, mutant, plot, budget, strands: true }
    }

    const fn is_wrong(name: &'static str, mutant: Mutant, plot: Plot, faults: [u8; 3]) -> Self {
        Self { strands: false, ..Self::strands(name, mutant, plot, faults) }
    }

    /// What is explored to find it.
    pub const fn scenario(&self) -> Scenario {
        Scenario { mutant: Some(self.mutant), ..Scenario::of(self.plot, self.budget) }
    }
}

impl Budget {
    /// Nothing goes wrong outside: only answers, patience and the order of things vary.
    pub const NOTHING: Self =
        Self { losses: 0, duplicates: 0, crashes: 0, repeats: 0, cuts: 0, rulings: 0, held: 1 };
    /// The whole of it.
    pub const FULL: Self =
        Self { losses: 2, duplicates: 2, crashes: 2, repeats: 1, cuts: 1, rulings: 1, held: 1 };
}

impl Scenario {
    /// A plot without mistakes of our own.
    pub const fn of(plot: Plot, budget: Budget) -> Self {
        Self { plot, tombstones: false, requests_repeat: false, budget, mutant: None }
    }

    pub(crate) fn has(&self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }

    pub(crate) const fn is_deposit(&self) -> bool {
        matches!(self.plot, Plot::DepositPosted | Plot::DepositCancelled)
    }

    pub(crate) fn lane_config(&self) -> LaneConfig {
        let host = HostProfile {
            tombstones: self.tombstones || self.has(Mutant::BelievesNoOriginal),
            guard_ms: if self.has(Mutant::ShortGuard) { REPLY_TIMEOUT_MS } else { LINGER_MS },
            deposits_are_posted: self.plot == Plot::DepositPosted,
            day_is_calendar: false,
            ..HostProfile::default()
        };
        let name = Text::clipped(b"host");
        LaneConfig {
            sources: vec![SourceConfig {
                name: Text::clipped(b"terminal"),
                consistency: Some(Consistency::Reversal),
                ..SourceConfig::default()
            }],
            links: vec![LinkConfig {
                name,
                reply_timeout_ms: REPLY_TIMEOUT_MS,
                in_flight_max: 8,
                pairing: Pairing::default(),
                breaker: BreakerConfig { unanswered_percent: 0, ..BreakerConfig::default() },
                transmits_utc: true,
                host,
                // The alarm comes at once, because attempts behind it are all the same.
                forward: ForwardConfig {
                    reply_timeout_ms: REPLY_TIMEOUT_MS,
                    repeat_ms: REPLY_TIMEOUT_MS,
                    window: 8,
                    catch_up_window: 8,
                    alarm_after: 0,
                    recovery_first: true,
                },
                ..LinkConfig::retired(name)
            }],
            routes: Routes::new(vec![Route {
                prefix: Text::EMPTY,
                source: None,
                kind: None,
                link: LinkId(0),
                name,
            }]),
            remembered_max: 8,
            ..LaneConfig::default()
        }
    }
}
