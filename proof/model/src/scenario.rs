use switch::{
    BreakerConfig, Consistency, ForwardConfig, HostProfile, LaneConfig, LinkConfig, Route, Routes,
    SourceConfig,
};
use terms::{LinkId, Pairing, Text};

/// A request may linger on its way to the host for less than this.
pub(crate) const LINGER_MS: u32 = 30_000;
const REPLY_TIMEOUT_MS: u32 = 10_000;

/// What is explored.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// What the terminal wants.
    pub plot: Plot,
    /// Whether the host remembers reversals of what it has not seen.
    pub tombstones: bool,
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
    /// M10's sibling: the guard is shorter than a request may linger.
    ShortGuard,
    /// D3: a report whose request is known is acknowledged and forgotten.
    IgnoresReports,
}

impl Mutant {
    /// Every one, with the name the command line knows it by and a scenario's plot that shows it.
    #[rustfmt::skip]
    pub const ALL: [(Self, &'static str, Plot); 11] = [
        (Self::SpeaksBeforeItWrites,  "M1",  Plot::Withdrawal),
        (Self::BelievesLateApprovals, "M2",  Plot::Withdrawal),
        (Self::AnswersBeforeItWrites, "M3",  Plot::Withdrawal),
        (Self::OwesInASecondRecord,   "M4",  Plot::Withdrawal),
        (Self::SendsAgainAfterDeath,  "M5",  Plot::Withdrawal),
        (Self::IgnoresEarlyReversals, "M6",  Plot::Withdrawal),
        (Self::BelievesNoOriginal,    "M7",  Plot::Withdrawal),
        (Self::MuteTerminal,          "M8",  Plot::Withdrawal),
        (Self::RepeatsRequests,       "M9",  Plot::Withdrawal),
        (Self::ShortGuard,            "M10", Plot::Withdrawal),
        (Self::IgnoresReports,        "D3",  Plot::DepositPosted),
    ];
}

impl Budget {
    /// What continuous integration has time for.
    pub const SMALL: Self =
        Self { losses: 1, duplicates: 0, crashes: 1, repeats: 0, cuts: 0, rulings: 1, held: 1 };
    /// The whole of it.
    pub const FULL: Self =
        Self { losses: 2, duplicates: 2, crashes: 2, repeats: 1, cuts: 2, rulings: 2, held: 2 };
}

impl Scenario {
    /// A plot without mistakes of our own.
    pub const fn of(plot: Plot, budget: Budget) -> Self {
        Self { plot, tombstones: false, budget, mutant: None }
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
                // The alarm comes early, because attempts behind it are all the same.
                forward: ForwardConfig {
                    reply_timeout_ms: REPLY_TIMEOUT_MS,
                    repeat_ms: REPLY_TIMEOUT_MS,
                    window: 8,
                    catch_up_window: 8,
                    alarm_after: 1,
                    recovery_first: true,
                },
            }],
            routes: Routes::new(vec![Route {
                prefix: Text::EMPTY,
                source: None,
                kind: None,
                link: LinkId(0),
                name,
            }]),
            remembered_max: 8,
            in_flight_max: 0,
        }
    }
}
