use crate::Routes;
use alloc::vec::Vec;
use terms::{Carried, LinkName, Noun, Pairing};

/// Everything a lane is told before it starts. Links and sources are named by their place in these lists, and
/// the caller keeps a name at its place for the life of the journal.
#[derive(Clone, Debug, Default)]
pub struct LaneConfig {
    /// Where requests come from.
    pub sources: Vec<SourceConfig>,
    /// Where they may go.
    pub links: Vec<LinkConfig>,
    /// Which goes where.
    pub routes: Routes,
    /// Finished transactions remembered to answer repeats and to know late answers.
    pub remembered_max: usize,
    /// Requests under way on all links together; nearing it, the least important are declined first. 0 for any
    /// number.
    pub in_flight_max: u32,
}

/// A source of requests.
#[derive(Clone, Debug, Default)]
pub struct SourceConfig {
    /// Its name.
    pub name: LinkName,
    /// Whether a request must name a terminal.
    pub terminal_required: bool,
    /// How its terminals make an unknown outcome consistent; without a way they get no cash services.
    pub consistency: Option<Consistency>,
    /// Requests of one terminal under way at once; the next is declined. 0 for any number.
    pub per_terminal_max: u32,
}

/// How a terminal that does not know what became of its request makes sure that cash and books agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consistency {
    /// It takes the request back (0420).
    Reversal,
    /// It reports what happened (0220, completion).
    Completion,
    /// It asks what became of it.
    Inquiry,
}

/// A link to a host.
#[derive(Clone, Debug)]
pub struct LinkConfig {
    /// Its name.
    pub name: LinkName,
    /// Silence after which the outcome is unknown, in milliseconds.
    pub reply_timeout_ms: u32,
    /// Requests unanswered at once; the next is declined, not queued.
    pub in_flight_max: u32,
    /// What an answer must have in common with its request.
    pub pairing: Pairing,
    /// When to stop asking a host that does not answer.
    pub breaker: BreakerConfig,
    /// Whether the time of transmission is written in UTC instead of local time.
    pub transmits_utc: bool,
    /// What the host's contract says about messages that are owed to it.
    pub host: HostProfile,
    /// How owed messages are sent.
    pub forward: ForwardConfig,
}

/// What a host promises about reversals and advices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostProfile {
    /// A reversal that comes before its request makes the host refuse the request.
    pub tombstones: bool,
    /// A reversal sent twice is done once. Without it an unanswered one is handed to a person.
    pub dedups_reversals: bool,
    /// A repeat of an owed message says so in its type (0421, 0221).
    pub marks_repeats: bool,
    /// An unknown deposit is owed as an advice (the cash is in the machine); otherwise as a reversal.
    pub deposits_are_posted: bool,
    /// The longest a request may linger before the host acts on it, in milliseconds: "no such original" is
    /// believed only from a reversal sent that long after its request.
    pub guard_ms: u32,
    /// The host's business day follows our local calendar; otherwise it is told.
    pub day_is_calendar: bool,
    /// A reversal can say that a part remains valid. Without it a partial one is handed to a person.
    pub partial_reversals: bool,
    /// A customer whose credit this host did not answer is told *approved*, because the credit is owed until it
    /// is posted; otherwise *unknown*.
    pub unknown_credits_approved: bool,
    /// What its dialect demands of a reversal or an advice beyond what a record keeps anyway: a bit for each noun,
    /// by its number. It is kept with the requests it gets.
    pub demands: Demands,
}

/// Nouns, as bits by their numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Demands(u128);

impl Demands {
    /// What may be kept: words about the acceptor and the way, never of the card or its holder.
    pub const KEPT: [Noun; 13] = [
        Noun::MerchantType,
        Noun::AcquirerCountry,
        Noun::EntryMode,
        Noun::PosData,
        Noun::CardSequence,
        Noun::ConditionCode,
        Noun::PinCapture,
        Noun::ForwarderId,
        Noun::AcceptorId,
        Noun::AcceptorName,
        Noun::NetworkId,
        Noun::ReceiverId,
        Noun::CaptureDate,
    ];

    /// Those of these nouns that may be kept.
    pub fn of(nouns: impl IntoIterator<Item = Noun>) -> Self {
        let may_be_kept = nouns.into_iter().filter(|noun| Self::KEPT.contains(noun));
        Self(may_be_kept.fold(0, |bits, noun| bits | 1 << noun as u8))
    }

    /// Both together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What of a request is to be kept.
    pub(crate) fn pick(self, carried: &Carried) -> Carried {
        let mut kept = Carried::default();
        if self.0 == 0 {
            return kept;
        }
        let is_wanted = |number: u8| self.0.checked_shr(number.into()).is_some_and(|bits| bits & 1 == 1);
        for (number, contents) in carried.iter().filter(|&(number, _)| is_wanted(number)) {
            Noun::numbered(number).into_iter().for_each(|noun| kept.push(noun, contents));
        }
        kept
    }
}

impl Default for HostProfile {
    /// The careful one: no tombstones, two minutes of guard.
    fn default() -> Self {
        Self {
            tombstones: false,
            dedups_reversals: true,
            marks_repeats: true,
            deposits_are_posted: true,
            guard_ms: 120_000,
            day_is_calendar: true,
            partial_reversals: true,
            unknown_credits_approved: true,
            demands: Demands(0),
        }
    }
}

/// How owed messages are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForwardConfig {
    /// Silence after which an attempt has failed.
    pub reply_timeout_ms: u32,
    /// From one attempt to the next.
    pub repeat_ms: u32,
    /// Unanswered at once on one link.
    pub window: u32,
    /// Of these, messages that had to wait for the link: what a host that has come back is met with, until it has
    /// answered as many in a row as the window holds.
    pub catch_up_window: u32,
    /// Attempts after which people are told.
    pub alarm_after: u32,
    /// After an unclean stop the host gets nothing new before each message owed to it was sent once.
    pub recovery_first: bool,
}

impl Default for ForwardConfig {
    /// Thirty seconds each, eight at once (one while a host catches up), an alarm after five; recovery first.
    fn default() -> Self {
        Self {
            reply_timeout_ms: 30_000,
            repeat_ms: 30_000,
            window: 8,
            catch_up_window: 1,
            alarm_after: 5,
            recovery_first: true,
        }
    }
}

impl LinkConfig {
    /// A link the configuration does not have any more: the journal knows its name, and nothing goes there.
    pub fn retired(name: LinkName) -> Self {
        Self {
            name,
            reply_timeout_ms: 1_000,
            in_flight_max: 0,
            pairing: Pairing::default(),
            breaker: BreakerConfig::default(),
            transmits_utc: true,
            host: HostProfile::default(),
            forward: ForwardConfig::default(),
        }
    }
}

/// When the circuit breaker of a link opens and how it closes again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerConfig {
    /// Fewest finished requests it judges by.
    pub requests_min: u32,
    /// Per cent of them unanswered at which it opens; 0 switches the breaker off.
    pub unanswered_percent: u8,
    /// Milliseconds it stays open before one request may try.
    pub probe_after_ms: u32,
}

impl Default for BreakerConfig {
    /// Opens at one half unanswered of at least twenty, and lets one request try after five seconds.
    fn default() -> Self {
        Self { requests_min: 20, unanswered_percent: 50, probe_after_ms: 5_000 }
    }
}
