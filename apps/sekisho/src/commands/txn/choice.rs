//! Which transactions are wanted.

use super::row::{Row, card_of};
use journal::{CardDigest, Record, Vault};
use std::str::FromStr;
use terms::{BusinessDate, Timestamp};

/// Conditions; all that are given must hold.
#[derive(Debug, Default)]
pub(crate) struct Choice {
    pub(crate) txn: Option<u64>,
    pub(crate) outcome: Option<String>,
    pub(crate) link: Option<String>,
    pub(crate) terminal: Option<String>,
    pub(crate) stan: Option<u32>,
    pub(crate) rrn: Option<String>,
    pub(crate) pan_last4: Option<String>,
    pub(crate) since_ms: Option<i64>,
    /// The digest of its card.
    pub(crate) card: Option<CardDigest>,
}

/// What `--outcome` may say.
pub(crate) const OUTCOMES: [&str; 5] = ["approved", "refused", "unknown", "not_sent", "open"];

impl Choice {
    /// Whether a transaction that begins like this can be wanted.
    pub(crate) fn may_want(&self, row: &Row) -> bool {
        fn holds<T: ?Sized>(wanted: Option<&T>, is: impl FnOnce(&T) -> bool) -> bool {
            wanted.is_none_or(is)
        }
        holds(self.txn.as_ref(), |txn| row.txn == *txn)
            && holds(self.link.as_deref(), |link| row.link.as_deref() == Some(link))
            && holds(self.terminal.as_deref(), |terminal| row.terminal_id == terminal)
            && holds(self.stan.as_ref(), |stan| row.stan.parse() == Ok(*stan))
            && holds(self.rrn.as_deref(), |rrn| row.has_rrn(rrn))
            && holds(self.pan_last4.as_deref(), |last4| row.pan.ends_with(last4))
            && holds(self.since_ms.as_ref(), |since| row.at_ms >= *since)
    }

    /// Whether it is about the wanted card.
    pub(crate) fn may_be_of(&self, record: &Record, vault: Option<&Vault>) -> bool {
        self.card.is_none_or(|wanted| {
            let pan =
                vault.zip(card_of(record)).and_then(|(vault, card)| Some((vault, card.open(vault).ok()?)));
            pan.is_some_and(|(vault, pan)| vault.digest_of(&pan) == wanted)
        })
    }

    /// Whether it is wanted as it stands.
    pub(crate) fn wants(&self, row: &Row) -> bool {
        self.outcome.as_deref().is_none_or(|outcome| row.outcome == outcome)
    }
}

/// `--since`: so long ago (`30s`, `10m`, `2h`, `3d`), or a moment in UTC (`2026-11-22`, `2026-11-22T14:03`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Since {
    Ago(i64),
    At(Timestamp),
}

impl Since {
    pub(crate) fn as_unix_ms(self) -> i64 {
        match self {
            Self::Ago(ms) => clock::Clock::with_offset_s(0).now().wall.as_unix_ms() - ms,
            Self::At(at) => at.as_unix_ms(),
        }
    }
}

/// What `--since` does not understand.
#[derive(Debug, thiserror::Error)]
#[error("neither a span such as 10m, 2h or 3d nor a moment such as 2026-11-22T14:03 (UTC)")]
pub(crate) struct NoMoment;

impl FromStr for Since {
    type Err = NoMoment;

    fn from_str(text: &str) -> Result<Self, NoMoment> {
        span(text).map(Self::Ago).or_else(|| moment(text).map(Self::At)).ok_or(NoMoment)
    }
}

fn span(text: &str) -> Option<i64> {
    let unit = text.chars().last()?;
    let each_ms = match unit {
        's' => 1_000,
        'm' => 60_000,
        'h' => 3_600_000,
        'd' => 86_400_000,
        _ => return None,
    };
    let count: u32 = text.strip_suffix(unit)?.parse().ok()?;
    Some(i64::from(count) * each_ms)
}

fn moment(text: &str) -> Option<Timestamp> {
    let (date, time) = text.trim_end_matches('Z').split_once(['T', ' ']).unwrap_or((text, "00:00:00"));
    let parts =
        |text: &str, by: char| -> Option<Vec<u16>> { text.split(by).map(|part| part.parse().ok()).collect() };
    let [year, month, day] = parts(date, '-')?[..] else { return None };
    let time = parts(time.split('.').next()?, ':')?;
    let (hour, minute, second) = match time[..] {
        [hour, minute] => (hour, minute, 0),
        [hour, minute, second] => (hour, minute, second),
        _ => return None,
    };
    let date = BusinessDate::new(year, month.try_into().ok()?, day.try_into().ok()?)?;
    let is_time = hour < 24 && minute < 60 && second < 60;
    let seconds = i64::from(hour) * 3_600 + i64::from(minute) * 60 + i64::from(second);
    is_time.then(|| Timestamp::from_unix_ms(date.days() * 86_400_000 + seconds * 1_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_is_a_span_or_a_moment() {
        let at = |text: &str| match text.parse::<Since>() {
            Ok(Since::At(at)) => at.to_string(),
            Ok(Since::Ago(ms)) => format!("{ms} ms ago"),
            Err(_) => "no".into(),
        };
        for (said, meant) in [
            ("10m", "600000 ms ago"),
            ("3d", "259200000 ms ago"),
            ("2026-11-22", "2026-11-22T00:00:00.000Z"),
            ("2026-11-22T14:03", "2026-11-22T14:03:00.000Z"),
            ("2026-11-22T14:03:11.482Z", "2026-11-22T14:03:11.000Z"),
            ("2026-13-22", "no"),
            ("2026-11-22T24:00", "no"),
            ("-5m", "no"),
            ("", "no"),
        ] {
            assert_eq!(at(said), meant, "{said}");
        }
    }
}
