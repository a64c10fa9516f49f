//! How well a switch is: questions with one answer each, asked by `check` for monitoring and by `doctor` for people.

pub(crate) mod facts;
pub(crate) mod local;
pub(crate) mod questions;

use super::door::Door;
use serde::Serialize;

/// How an answer is to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    /// Nothing to do.
    Ok,
    /// Nobody can tell.
    Unknown,
    /// Somebody should look at it today.
    Warning,
    /// Somebody should look at it now.
    Critical,
}

/// A number behind an answer.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Figure {
    pub(crate) name: &'static str,
    pub(crate) value: f64,
    /// As monitoring writes it: empty for a count, `s`, `ms`, `%`.
    pub(crate) unit: &'static str,
    pub(crate) warn: f64,
    pub(crate) critical: f64,
}

/// What was found.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Answer {
    pub(crate) verdict: Verdict,
    /// In words; begins with a small letter and has no full stop.
    pub(crate) said: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) figure: Option<Figure>,
    /// What to type or do next; empty where all is well.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) next: String,
}

impl Answer {
    pub(crate) fn new(verdict: Verdict, said: impl Into<String>) -> Self {
        Self { verdict, said: said.into(), figure: None, next: String::new() }
    }

    pub(crate) fn ok(said: impl Into<String>) -> Self {
        Self::new(Verdict::Ok, said)
    }

    pub(crate) fn next(mut self, next: impl Into<String>) -> Self {
        if self.verdict != Verdict::Ok {
            self.next = next.into();
        }
        self
    }

    /// Its next command made one that finds the same switch: `{at}` stands for what names it to commands that ask it,
    /// `{files}` to those that read its files.
    pub(crate) fn about(mut self, door: &Door) -> Self {
        self.next = self.next.replace("{at}", door.words()).replace("{files}", &door.words_of_files());
        self
    }

    /// Judged by a number and two thresholds. Where the critical one lies below the other, less is worse.
    pub(crate) fn measured(figure: Figure, said: impl Into<String>) -> Self {
        let Figure { value, warn, critical, .. } = figure;
        let is_past = |threshold: f64| match critical < warn {
            true => value <= threshold,
            false => value >= threshold,
        };
        let verdict = match (is_past(critical), is_past(warn)) {
            (true, _) => Verdict::Critical,
            (false, true) => Verdict::Warning,
            (false, false) => Verdict::Ok,
        };
        Self { verdict, said: said.into(), figure: Some(figure), next: String::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(value: f64, warn: f64, critical: f64) -> Verdict {
        Answer::measured(Figure { name: "n", value, unit: "", warn, critical }, "").verdict
    }

    #[test]
    fn a_threshold_counts_upwards_unless_the_critical_one_lies_below() {
        let table = [
            (9.0, 10.0, 20.0, Verdict::Ok),
            (10.0, 10.0, 20.0, Verdict::Warning),
            (20.0, 10.0, 20.0, Verdict::Critical),
            (9.0, 10.0, 5.0, Verdict::Warning),
            (11.0, 10.0, 5.0, Verdict::Ok),
            (5.0, 10.0, 5.0, Verdict::Critical),
            (1.0, 1.0, 1.0, Verdict::Critical),
        ];
        for (value, warn, critical, verdict) in table {
            assert_eq!(judged(value, warn, critical), verdict, "{value} {warn} {critical}");
        }
    }
}
