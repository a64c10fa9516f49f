use crate::Routes;
use alloc::{sync::Arc, vec::Vec};
use journal::Duty;
use terms::{
    Carried, Class, Currency, LinkId, LinkName, MessageType, NetRule, NetworkTypes, Noun, Pairing,
    ReversalBucket, Text,
};

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
    /// How long each of them is to be remembered at least, in seconds. Where there is no room for that, the source
    /// with the most loses its oldest, and people are told.
    pub remembered_min_s: u32,
    /// Requests under way on all links together; nearing it, the least important are declined first. 0 for any
    /// number.
    pub in_flight_max: u32,
    /// The switch's own day; without it there is none.
    pub day: Option<DayConfig>,
}

/// The switch's own day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayConfig {
    /// What moves it.
    pub moves: Moves,
}

/// What moves the switch's own day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Moves {
    /// The clock on the wall.
    BySchedule {
        /// Local seconds since midnight: in the afternoon the next day begins then, in the morning the day itself.
        at_s: u32,
    },
    /// A person.
    ByOrder,
    /// It goes with that host's.
    With(LinkId),
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
    /// As which messages it is told of a new day of ours; none where it is not told.
    pub told_of_days: NetworkTypes,
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
    /// How long each sort of answer is waited for.
    pub timers: Timers,
    /// Sign-on, echo and what network messages say.
    pub management: Management,
    /// How totals are compared; `None` where they are not.
    pub reconciliation: Option<Arc<ReconcileConfig>>,
}

/// How the totals of a day are compared with a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReconcileConfig {
    /// As which message ours are sent.
    pub message: MessageType,
    /// On which side reversals stand.
    pub reversals: ReversalBucket,
    /// How the net is made.
    pub net: NetRule,
    /// The currency of a day without business.
    pub currency: Currency,
    /// From the end of a day to its totals, in milliseconds.
    pub after_ms: u32,
    /// The longest that is waited for what is still open of it, from the end of the day on.
    pub open_max_ms: u32,
    /// From one attempt to the next.
    pub repeat_ms: u32,
    /// Attempts after which people are told.
    pub alarm_after: u32,
    /// The acquirer these messages name; empty for none.
    pub acquirer_id: Text<11>,
    /// What else they say.
    pub says: Carried,
}

/// How long an answer is waited for, by the sort of question, in milliseconds. The names in brackets are those
/// that operating manuals of card centres write.
///
/// Source: the operating manual of such a connection, clause 1.6.4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timers {
    /// Authorization request (T100); `None` for the link's `reply_timeout_ms`.
    pub authorization_ms: Option<u32>,
    /// Authorization advice (T120); `None` for the `reply_timeout_ms` of owed messages.
    pub authorization_advice_ms: Option<u32>,
    /// Financial request (T200); `None` as T100.
    pub financial_ms: Option<u32>,
    /// Financial advice (T220); `None` as T120.
    pub financial_advice_ms: Option<u32>,
    /// Reversal (T420); `None` as T120.
    pub reversal_ms: Option<u32>,
    /// Reconciliation (T500).
    pub reconciliation_ms: u32,
    /// Sign-on, keys, cutover (T800).
    pub control_ms: u32,
    /// Sign-off (T801).
    pub close_ms: u32,
    /// Echo (T802).
    pub echo_ms: u32,
}

impl Default for Timers {
    /// 30 seconds for totals, 45 for control, 70 to close, 90 for an echo.
    fn default() -> Self {
        Self {
            authorization_ms: None,
            authorization_advice_ms: None,
            financial_ms: None,
            financial_advice_ms: None,
            reversal_ms: None,
            reconciliation_ms: 30_000,
            control_ms: 45_000,
            close_ms: 70_000,
            echo_ms: 90_000,
        }
    }
}

/// Whether a link signs on, and who begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SignOn {
    /// A connection is all it needs.
    #[default]
    None,
    /// A person signs it on and off, or the peer does.
    ByOrder,
    /// It signs on by itself as soon as a connection stands, and again after every loss or refusal.
    Automatic,
}

/// Network management of a link.
#[derive(Clone, Debug)]
pub struct Management {
    /// Whether it signs on.
    pub sign_on: SignOn,
    /// From a refused or unanswered sign-on to the next, where it is automatic.
    pub sign_on_retry_ms: u32,
    /// Silence after which we ask whether anybody is there; 0 for never.
    pub echo_idle_ms: u32,
    /// Echoes unanswered in a row after which the link is given up and connected anew.
    pub echo_misses_max: u32,
    /// As which type each sort of message is sent; none where the partner has none.
    pub types: NetworkTypes,
    /// The acquirer every network message of ours names; empty for none.
    pub acquirer_id: Text<11>,
    /// What else every network message of ours says.
    pub says: Arc<Carried>,
    /// Local seconds since midnight at which the peer is asked for its next day; `None` for never.
    pub ask_cutover_at_s: Option<u32>,
}

impl Management {
    /// Whether a connection is not enough.
    pub fn signs_on(&self) -> bool {
        self.sign_on != SignOn::None
    }
}

impl Default for Management {
    /// None: a connection is all a link needs.
    fn default() -> Self {
        Self {
            sign_on: SignOn::None,
            sign_on_retry_ms: 30_000,
            echo_idle_ms: 0,
            echo_misses_max: 3,
            types: NetworkTypes::default(),
            acquirer_id: Text::EMPTY,
            says: Arc::default(),
            ask_cutover_at_s: None,
        }
    }
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
    /// Days a day that is told may be ahead of our calendar: one further is refused.
    pub days_ahead_max: u32,
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
            days_ahead_max: 1,
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
    /// Attempts after which people are told; they are told as well when a message has waited as long as these
    /// take, sent or not.
    pub alarm_after: u32,
    /// After an unclean stop the host gets nothing new before each message owed to it was sent once.
    pub recovery_first: bool,
}

impl ForwardConfig {
    /// How long the oldest message of a link may wait before people are told, and from one telling to the next.
    pub(crate) const fn alarm_age_ms(&self) -> u32 {
        // At least one turn: an alarm at every moment would be none.
        self.repeat_ms.saturating_mul(if self.alarm_after == 0 { 1 } else { self.alarm_after })
    }
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
            timers: Timers::default(),
            management: Management::default(),
            reconciliation: None,
        }
    }

    /// How long the answer to a request is waited for.
    pub(crate) fn reply_timeout_of(&self, class: Class) -> u32 {
        let own = match class {
            Class::Authorization => self.timers.authorization_ms,
            _ => self.timers.financial_ms,
        };
        own.or(self.timers.authorization_ms).unwrap_or(self.reply_timeout_ms)
    }

    /// How long the answer to an owed message is waited for.
    pub(crate) fn attempt_timeout_of(&self, duty: Duty, class: Class) -> u32 {
        let own = match (duty, class) {
            (Duty::Reversal, _) => self.timers.reversal_ms,
            (Duty::Advice, Class::Authorization) => self.timers.authorization_advice_ms,
            (Duty::Advice, _) => self.timers.financial_advice_ms,
        };
        own.or(self.timers.authorization_advice_ms).unwrap_or(self.forward.reply_timeout_ms)
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
