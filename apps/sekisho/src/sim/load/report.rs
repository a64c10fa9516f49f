use crate::sim::process::Used;
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a run found.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Report {
    /// Connections.
    pub clients: u16,
    /// Requests under way at once on each.
    pub depth: usize,
    /// Requests a second that were due; `None` in a closed loop.
    pub rate: Option<f64>,
    /// Seconds measured.
    pub seconds: f64,
    /// Answers a second, whatever they said.
    pub tps: f64,
    /// Approvals.
    pub approved: u64,
    /// Answers that were no approval.
    pub declined: u64,
    /// Messages that could not be read, answered nothing, or disagreed with their request.
    pub bad: u64,
    /// Requests not answered in time.
    pub timeouts: u64,
    /// Connections lost.
    pub disconnects: u64,
    /// Due but not yet sent at the end; open loop only.
    pub backlog: u64,
    /// How long answers took, in microseconds.
    pub latency_us: Latency,
    /// Processes that were watched, the generator itself as the last.
    pub processes: Vec<Used>,
    /// Answers in each second.
    pub per_second: Vec<u64>,
    /// 99 of 100 answers of each second took no longer, in microseconds.
    #[serde(default)]
    pub p99_us_per_second: Vec<f64>,
    /// The first few things that were wrong, in words, without contents.
    pub complaints: Vec<String>,
}

/// A distribution of times in microseconds.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
pub struct Latency {
    /// The mean.
    pub mean: f64,
    /// Half took no longer.
    pub p50: f64,
    /// 9 of 10 took no longer.
    pub p90: f64,
    /// 99 of 100.
    pub p99: f64,
    /// 999 of 1,000.
    pub p999: f64,
    /// The longest.
    pub max: f64,
}

impl Latency {
    /// Of nanoseconds.
    pub fn of(ns: &Histogram<u64>) -> Self {
        let us = |quantile| ns.value_at_quantile(quantile) as f64 / 1_000.0;
        Self {
            mean: ns.mean() / 1_000.0,
            p50: us(0.5),
            p90: us(0.9),
            p99: us(0.99),
            p999: us(0.999),
            max: ns.max() as f64 / 1_000.0,
        }
    }
}

impl Report {
    /// Whether every request was answered, rightly and with an approval.
    pub fn is_flawless(&self) -> bool {
        self.approved > 0 && self.declined + self.bad + self.timeouts + self.disconnects == 0
    }

    /// What that process used.
    pub fn used(&self, name: &str) -> Option<&Used> {
        self.processes.iter().find(|used| used.name == name)
    }

    /// On one line.
    pub fn as_json(&self) -> String {
        serde_json::to_string(self).expect("a report is plain numbers and names")
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let loop_of = match self.rate {
            Some(rate) => format!("open loop at {rate} a second"),
            None => "closed loop".to_owned(),
        };
        let Latency { mean, p50, p90, p99, p999, max } = self.latency_us;
        writeln!(f, "{} clients   depth {}   {loop_of}   {:.1} s", self.clients, self.depth, self.seconds)?;
        writeln!(f, "  {:>9.0} transactions a second", self.tps)?;
        writeln!(
            f,
            "  latency us   mean {mean:.0}   p50 {p50:.0}   p90 {p90:.0}   p99 {p99:.0}   p99.9 {p999:.0}   max {max:.0}"
        )?;
        writeln!(
            f,
            "  approved {}   declined {}   bad {}   timeouts {}   disconnects {}   backlog {}",
            self.approved, self.declined, self.bad, self.timeouts, self.disconnects, self.backlog
        )?;
        for used in &self.processes {
            writeln!(
                f,
                "  {:<10} {:>6.1} us of processor per transaction   {:.2} cores   {} MB (peak {} MB)",
                used.name,
                used.cpu_us_per_txn,
                used.cpu_us as f64 / 1e6 / self.seconds.max(0.001),
                used.rss_kb / 1_024,
                used.peak_kb / 1_024
            )?;
        }
        self.complaints.iter().try_for_each(|complaint| writeln!(f, "  ! {complaint}"))
    }
}
