use super::core::Link;
use hdrhistogram::Histogram;
use switch::Tell;
use terms::{Kind, Outcome};

/// What the loop counts for people and for metrics. One thread writes it; others get copies.
pub(crate) struct Figures {
    /// Transactions by kind and outcome.
    pub(crate) decided: [[u64; 4]; Kind::ALL.len()],
    /// Microseconds from question to decision, of requests that went to a host.
    pub(crate) took_us: Histogram<u64>,
    /// Answers whose connection had gone.
    pub(crate) undelivered: u64,
    /// Messages of sources that could not be read.
    pub(crate) unreadable: u64,
    /// Messages of hosts that could not be read.
    pub(crate) garbled: u64,
}

impl Default for Figures {
    fn default() -> Self {
        Self {
            decided: Default::default(),
            // Two significant digits to ten minutes: 40 KB, exact enough for a page.
            took_us: Histogram::new_with_bounds(1, 600_000_000, 2).expect("bounds in order"),
            undelivered: 0,
            unreadable: 0,
            garbled: 0,
        }
    }
}

impl Figures {
    /// Counts what the lane tells, and says aloud what a person should know.
    pub(crate) fn tell(&mut self, tell: Tell, links: &[Link]) {
        let name = |link: terms::LinkId| {
            links.get(usize::from(link.0)).map_or_else(String::new, |link| link.name.to_string())
        };
        match tell {
            Tell::Decided { kind, outcome, took_us, link, .. } => {
                let at = Kind::ALL.iter().position(|other| *other == kind).unwrap_or(0);
                self.decided[at][outcome_index(outcome)] += 1;
                if link.is_some() {
                    self.took_us.saturating_record(took_us.max(1));
                }
                if outcome == Outcome::Unknown {
                    let link = link.map_or_else(String::new, name);
                    tracing::warn!(link, kind = kind.name(), took_ms = took_us / 1_000, "no answer in time");
                }
            }
            Tell::LateAnswer { id, link, outcome } => {
                tracing::warn!(link = name(link), txn = id.0, outcome = outcome.name(), "late answer: it changes nothing");
            }
            Tell::SecondAnswer { id, link } => {
                tracing::warn!(link = name(link), txn = id.0, "second answer: it changes nothing");
            }
            Tell::StrangeAnswer { link, stan_known } => {
                tracing::warn!(link = name(link), stan_known, "answer to nothing we asked");
            }
            Tell::BreakerOpened { link } => {
                tracing::error!(link = name(link), "host does not answer: circuit breaker open");
            }
            Tell::BreakerClosed { link } => tracing::info!(link = name(link), "host answers again"),
            Tell::Repeated { id, in_flight } => tracing::debug!(txn = id.0, in_flight, "repeat"),
            Tell::Meaningless { id } => tracing::debug!(txn = id.0, "overtaken by its decision"),
        }
    }
}

/// The place of an outcome in the figures.
pub(crate) const fn outcome_index(outcome: Outcome) -> usize {
    match outcome {
        Outcome::Approved => 0,
        Outcome::Refused => 1,
        Outcome::Unknown => 2,
        Outcome::NotSent => 3,
    }
}

/// Outcomes in the order of [`outcome_index`].
pub(crate) const OUTCOMES: [Outcome; 4] =
    [Outcome::Approved, Outcome::Refused, Outcome::Unknown, Outcome::NotSent];
