//! Medians over rounds, with the lowest and the highest.

use super::stage::{Measured, Subject};
use serde_json::{Value, json};
use std::fmt;

/// Everything that was measured.
#[derive(Default)]
pub(super) struct Figures(Vec<Row>);

/// One subject with one number of clients, round by round.
#[derive(Clone)]
pub(super) struct Row {
    pub(super) subject: Subject,
    clients: u16,
    rounds: Vec<Measured>,
    /// Median of the relay's transactions a second with as many clients.
    relay_tps: Option<f64>,
}

/// The middle one, the lowest, the highest.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Spread {
    median: f64,
    low: f64,
    high: f64,
}

impl Spread {
    fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let (Some(&low), Some(&high)) = (values.first(), values.last()) else { return Self::default() };
        let middle = values.len() / 2;
        let median =
            if values.len() % 2 == 1 { values[middle] } else { (values[middle - 1] + values[middle]) / 2.0 };
        Self { median, low, high }
    }
}

impl Row {
    pub(super) const HEADING: &str = "clients  subject          TPS (lowest..highest)   p50 us   p99 us  p99.9 us  \
         CPU us/txn  host  load  RSS MB  records/sync  sync us  of relay";

    pub(super) fn new(subject: Subject, clients: u16) -> Self {
        Self { subject, clients, rounds: Vec::new(), relay_tps: None }
    }

    pub(super) fn add(&mut self, measured: Measured) {
        self.rounds.push(measured);
    }

    fn spread(&self, figure: impl Fn(&Measured) -> f64) -> Spread {
        Spread::of(self.rounds.iter().map(figure).collect())
    }

    fn median(&self, figure: impl Fn(&Measured) -> f64) -> f64 {
        self.spread(figure).median
    }

    fn cpu_us(&self, name: &str) -> f64 {
        self.median(|one| one.load.used(name).map_or(0.0, |used| used.cpu_us_per_txn))
    }

    fn rss_mb(&self) -> f64 {
        self.median(|one| one.load.used("subject").map_or(0.0, |used| used.rss_kb as f64 / 1_024.0))
    }

    fn ratio_to_relay(&self) -> Option<f64> {
        self.relay_tps.map(|relay| self.median(|one| one.load.tps) / relay)
    }

    /// How many rounds had answers that were wrong or missing.
    fn flawed(&self) -> usize {
        self.rounds.iter().filter(|one| !one.load.is_flawless()).count()
    }

    fn as_json(&self) -> Value {
        let spread =
            |spread: Spread| json!({"median": spread.median, "low": spread.low, "high": spread.high});
        json!({
            "subject": self.subject.name(),
            "durable": matches!(self.subject, Subject::Switch | Subject::Guarded),
            "clients": self.clients,
            "rounds": self.rounds.len(),
            "flawed_rounds": self.flawed(),
            "tps": spread(self.spread(|one| one.load.tps)),
            "p50_us": spread(self.spread(|one| one.load.latency_us.p50)),
            "p99_us": spread(self.spread(|one| one.load.latency_us.p99)),
            "p999_us": spread(self.spread(|one| one.load.latency_us.p999)),
            "cpu_us_per_txn": self.cpu_us("subject"),
            "host_cpu_us_per_txn": self.cpu_us("host"),
            "load_cpu_us_per_txn": self.cpu_us("load"),
            "rss_mb": self.rss_mb(),
            "records_per_sync": self.median(|one| one.records_per_sync),
            "sync_us_mean": self.median(|one| one.sync_us_mean as f64),
            "of_relay": self.ratio_to_relay(),
            "per_second": self.rounds.last().map(|one| one.load.per_second.clone()),
            "p99_us_per_second": self.rounds.last().map(|one| one.load.p99_us_per_second.clone()),
        })
    }
}

impl Figures {
    /// Takes the rows of one number of clients, now that the relay's among them is known.
    pub(super) fn add(&mut self, mut rows: Vec<Row>) -> Vec<Row> {
        let relay = rows.iter().find(|row| row.subject == Subject::Relay);
        let relay_tps = relay.map(|relay| relay.median(|one| one.load.tps));
        rows.iter_mut().filter(|row| row.subject != Subject::Relay).for_each(|row| row.relay_tps = relay_tps);
        self.0.extend(rows.iter().cloned());
        rows
    }

    pub(super) fn are_flawless(&self) -> bool {
        self.0.iter().all(|row| row.flawed() == 0)
    }

    pub(super) fn as_json(&self, machine: &str) -> Value {
        json!({"machine": machine, "rows": self.0.iter().map(Row::as_json).collect::<Vec<_>>()})
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tps = self.spread(|one| one.load.tps);
        let us = |pick: fn(&Measured) -> f64| self.median(pick);
        write!(
            f,
            "{:>7}  {:<8} {:>10.0} ({:>7.0}..{:>7.0})  {:>7.0}  {:>7.0}  {:>8.0}  {:>10.1}  {:>4.1}  {:>4.1}  {:>6.0}",
            self.clients,
            self.subject.name(),
            tps.median,
            tps.low,
            tps.high,
            us(|one| one.load.latency_us.p50),
            us(|one| one.load.latency_us.p99),
            us(|one| one.load.latency_us.p999),
            self.cpu_us("subject"),
            self.cpu_us("host"),
            self.cpu_us("load"),
            self.rss_mb(),
        )?;
        if self.subject != Subject::Relay {
            let (records, sync_us) = (us(|one| one.records_per_sync), us(|one| one.sync_us_mean as f64));
            write!(f, "  {records:>12.1}  {sync_us:>7.0}")?;
        }
        if let Some(ratio) = self.ratio_to_relay() {
            write!(f, "  {:>7.0}%", ratio * 100.0)?;
        }
        if self.subject == Subject::SwitchUnsynced {
            f.write_str("   NOTHING WAS DURABLE")?;
        }
        if self.subject == Subject::Guarded
            && let Some(last) = self.rounds.last()
        {
            let seconds = last.load.per_second.iter().zip(&last.load.p99_us_per_second);
            f.write_str("\n         each second, transactions / p99 ms:")?;
            seconds.into_iter().try_for_each(|(count, p99)| write!(f, " {count}/{:.0}", p99 / 1_000.0))?;
        }
        match self.flawed() {
            0 => Ok(()),
            flawed => {
                let complaints = self.rounds.iter().flat_map(|one| &one.load.complaints);
                write!(f, "\n         ! {flawed} rounds had wrong, refused or missing answers")?;
                complaints.take(5).try_for_each(|complaint| write!(f, "\n         ! {complaint}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_one() {
        let spread = |values: &[f64]| Spread::of(values.to_vec());
        assert_eq!(spread(&[3.0, 1.0, 2.0]), Spread { median: 2.0, low: 1.0, high: 3.0 });
        assert_eq!(spread(&[4.0, 1.0]).median.to_bits(), 2.5_f64.to_bits());
        assert_eq!(spread(&[]), Spread::default());
    }
}
