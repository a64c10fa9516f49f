//! `[day]` and `[link.reconciliation]`.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use switch::{DayConfig, Moves, ReconcileConfig};
use terms::{Carried, Currency, LinkId, MessageType, NetRule, Noun, ReversalBucket, Text};

/// `[day]`: the switch's own business day. Without the table it has none, and what a person reads as the date is the
/// calendar's.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct DayToml {
    /// What moves it: `by_schedule`, `by_order`, or `with` and the name of a link.
    pub moves: String,
    /// By schedule: local time `HH:MM` at which a day begins; in the afternoon it is the next one.
    pub schedule: Option<TimeOfDay>,
}

impl DayToml {
    /// The link it goes with.
    pub fn with(&self) -> Option<&str> {
        self.moves.strip_prefix("with ").map(str::trim)
    }

    pub(super) fn complain(&self, links: &[&str], wrong: &mut Vec<String>) {
        match (self.moves.as_str(), self.with(), self.schedule) {
            ("by_schedule", _, None) => {
                wrong.push("day.moves is by_schedule: state day.schedule, HH:MM".into())
            }
            ("by_schedule" | "by_order", ..) => {}
            (_, Some(link), _) => super::check::check_known("day.moves", "link", link, links, wrong),
            (other, None, _) => {
                wrong.push(format!("day.moves is `{other}`, not by_schedule, by_order or `with LINK`"));
            }
        }
    }

    /// What the lane is told; `link` knows links by their names.
    pub(crate) fn day(&self, link: impl FnOnce(&str) -> LinkId) -> DayConfig {
        let at_s = self.schedule.map_or(0, |time| time.0);
        let moves = match self.with() {
            Some(name) => Moves::With(link(name)),
            None if self.moves == "by_order" => Moves::ByOrder,
            None => Moves::BySchedule { at_s },
        };
        DayConfig { moves }
    }
}

/// A time of day, in seconds since midnight; written `HH:MM`.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "String")]
pub struct TimeOfDay(pub u32);

impl TryFrom<String> for TimeOfDay {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let parts = text.split_once(':').filter(|(hour, minute)| hour.len() == 2 && minute.len() == 2);
        let number = |part: &str, most: u32| part.parse::<u32>().ok().filter(|number| *number <= most);
        let seconds =
            parts.and_then(|(hour, minute)| Some(number(hour, 23)? * 3_600 + number(minute, 59)? * 60));
        seconds.map(Self).ok_or_else(|| format!("`{text}` is no time of day such as 23:00"))
    }
}

/// `[link.reconciliation]`: without the table no totals are compared.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReconciliationToml {
    /// The currency a day without business is told in, as its number: 392.
    pub currency: u16,
    /// From the end of the host's day to its totals.
    #[serde(default = "ReconciliationToml::reconcile_after_ms")]
    pub reconcile_after_ms: u32,
    /// The longest that is waited for what is still open of the day, from its end on.
    #[serde(default = "ReconciliationToml::open_max_ms")]
    pub open_max_ms: u32,
    /// From one attempt to the next, where the host is silent or has no totals yet.
    #[serde(default = "ReconciliationToml::repeat_ms")]
    pub repeat_ms: u32,
    /// Attempts after which people are told.
    #[serde(default = "ReconciliationToml::alarm_after")]
    pub alarm_after: u32,
    /// What these messages say besides: noun and text, such as `receiver_id = "12345678901"`.
    #[serde(default)]
    pub says: BTreeMap<String, String>,
}

impl ReconciliationToml {
    const fn reconcile_after_ms() -> u32 {
        300_000
    }

    const fn open_max_ms() -> u32 {
        1_800_000
    }

    const fn repeat_ms() -> u32 {
        60_000
    }

    const fn alarm_after() -> u32 {
        5
    }

    pub(super) fn complain(&self, at: &str, wrong: &mut Vec<String>) {
        let mut range = |name: &str, value: u32, most: u32| {
            if !(100..=most).contains(&value) {
                wrong.push(format!("{at}: reconciliation.{name} is {value}, not between 100 and {most}"));
            }
        };
        range("reconcile_after_ms", self.reconcile_after_ms, 43_200_000);
        range("open_max_ms", self.open_max_ms, 43_200_000);
        range("repeat_ms", self.repeat_ms, 43_200_000);
        if Currency::numeric(self.currency).is_none() || self.currency == 0 {
            wrong.push(format!("{at}: reconciliation.currency is {}, no currency's number", self.currency));
        }
        for name in super::management::strangers_in(&self.says) {
            wrong.push(format!("{at}: reconciliation.says {name} is no noun a message may say"));
        }
    }

    /// What the lane is told, as the dialect has such messages.
    pub(crate) fn reconciliation(
        &self,
        message: MessageType,
        reversals: ReversalBucket,
        net: NetRule,
    ) -> Arc<ReconcileConfig> {
        let mut says = Carried::default();
        for (name, text) in &self.says {
            if let Some(noun) = Noun::named(name) {
                says.push(noun, text.as_bytes());
            }
        }
        let acquirer_id = self.says.get(super::management::ACQUIRER).map_or("", String::as_str);
        Arc::new(ReconcileConfig {
            message,
            reversals,
            net,
            currency: Currency::numeric(self.currency).unwrap_or(Currency::NONE),
            after_ms: self.reconcile_after_ms,
            open_max_ms: self.open_max_ms,
            repeat_ms: self.repeat_ms,
            alarm_after: self.alarm_after,
            acquirer_id: Text::clipped(acquirer_id.as_bytes()),
            says,
        })
    }
}
