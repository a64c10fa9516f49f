//! `[link.host]` and `[link.forward]`: what is agreed with a host about money, and how it is paid what it is owed.

use serde::Deserialize;

/// `[link.host]`
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HostToml {
    /// A reversal that comes before its request makes the host refuse the request.
    pub tombstones: bool,
    /// A reversal sent twice is done once. Without it an unanswered one is handed to a person.
    pub dedups_reversals: bool,
    /// A repeat says so in its type (0421, 0221).
    pub marks_repeats: bool,
    /// What an unknown deposit is owed: `post` (0220) or `reverse` (0420).
    pub deposits: DepositsToml,
    /// The longest a request may linger before the host acts on it: "no such original" is believed only from a
    /// reversal sent that long after its request.
    pub guard_ms: u32,
    /// Where the host's business day comes from: `calendar` or `told`.
    pub business_day: BusinessDayToml,
    /// Days a day that is told may be ahead of our calendar; one further is refused. 0..=366.
    pub days_ahead_max: u32,
    /// What a customer is told whose credit this host did not answer: `approve` or `unknown`.
    pub unknown_credits: UnknownCreditsToml,
}

impl Default for HostToml {
    fn default() -> Self {
        let host = switch::HostProfile::default();
        Self {
            tombstones: host.tombstones,
            dedups_reversals: host.dedups_reversals,
            marks_repeats: host.marks_repeats,
            deposits: if host.deposits_are_posted { DepositsToml::Post } else { DepositsToml::Reverse },
            guard_ms: host.guard_ms,
            business_day: match host.day_is_calendar {
                true => BusinessDayToml::Calendar,
                false => BusinessDayToml::Told,
            },
            days_ahead_max: host.days_ahead_max,
            unknown_credits: match host.unknown_credits_approved {
                true => UnknownCreditsToml::Approve,
                false => UnknownCreditsToml::Unknown,
            },
        }
    }
}

/// What a customer is told whose credit was not answered. It is owed until it is posted, either way.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum UnknownCreditsToml {
    /// That it was done.
    Approve,
    /// That nobody knows.
    Unknown,
}

/// What an unknown deposit is owed.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum DepositsToml {
    /// Its posting: the cash is in the machine.
    Post,
    /// Its reversal.
    Reverse,
}

/// Where a host's business day comes from.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum BusinessDayToml {
    /// Our local calendar.
    Calendar,
    /// The host tells it: by its cutover, and when it opens.
    Told,
}

/// `[link.forward]`
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ForwardToml {
    /// Silence after which an attempt has failed.
    pub reply_timeout_ms: u32,
    /// From one attempt to the next.
    pub repeat_ms: u32,
    /// Unanswered at once.
    pub window: u32,
    /// Of these, messages that had to wait for the link, until the host keeps up.
    pub catch_up_window: u32,
    /// Attempts after which people are told.
    pub alarm_after: u32,
    /// After an unclean stop the host gets nothing new before each message owed to it was sent once.
    pub recovery_first: bool,
}

impl Default for ForwardToml {
    fn default() -> Self {
        let switch::ForwardConfig {
            reply_timeout_ms,
            repeat_ms,
            window,
            catch_up_window,
            alarm_after,
            recovery_first,
        } = Default::default();
        Self { reply_timeout_ms, repeat_ms, window, catch_up_window, alarm_after, recovery_first }
    }
}
