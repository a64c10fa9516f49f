use super::parties::Link;
use hdrhistogram::Histogram;
use switch::Tell;
use terms::{Balance, Instant, Kind, LinkId, Outcome};

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
    /// When a source last asked anything.
    pub(crate) asked_at: Option<Instant>,
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
            asked_at: None,
        }
    }
}

impl Figures {
    /// Counts what the lane tells.
    pub(crate) fn count(&mut self, tell: Tell) {
        if let Tell::Decided { kind, outcome, took_us, link, .. } = tell {
            self.decided[kind_index(kind)][outcome_index(outcome)] += 1;
            if link.is_some() {
                self.took_us.saturating_record(took_us.max(1));
            }
        }
    }

    /// Says aloud what a person should know.
    pub(crate) fn say(&self, tell: Tell, links: &[Link]) {
        let name = |link: LinkId| {
            links.get(usize::from(link.0)).map_or_else(String::new, |link| link.name.to_string())
        };
        match tell {
            Tell::Decided { id, kind, outcome, took_us, link, .. } => {
                let link = link.map_or_else(String::new, name);
                let (kind, outcome, took_ms) = (kind.name(), outcome.name(), took_us / 1_000);
                tracing::warn!(link, txn = id.0, kind, outcome, took_ms, "no answer in time");
            }
            Tell::LateAnswer { id, link, outcome } => {
                let (link, outcome) = (name(link), outcome.name());
                tracing::warn!(link, txn = id.0, outcome, "late answer: it changes nothing");
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
            Tell::Recovered { link } => {
                tracing::info!(
                    link = name(link),
                    "recovery: the host was told of everything owed; new requests go to it"
                );
            }
            Tell::ForgetsEarly { count } => {
                tracing::error!(
                    count,
                    "finished transactions forgotten sooner than remembered_min_s: raise [lane] remembered_max"
                );
            }
            Tell::NeedsAPerson { id } => {
                tracing::error!(
                    txn = id.0,
                    "a person has to look at this transaction: sekisho journal show txn:ID"
                );
            }
            Tell::ForwardAlarm { forward, link, attempts } => {
                tracing::error!(
                    link = name(link),
                    owed = forward.0,
                    attempts,
                    "host does not accept what it is owed"
                );
            }
            Tell::Forwarded { forward, link, .. } => {
                tracing::debug!(link = name(link), owed = forward.0, "owed message accepted");
            }
            Tell::Settled { forward, link, .. } => {
                tracing::info!(link = name(link), owed = forward.0, "owed message settled by hand");
            }
            Tell::HostDate { link } => tracing::info!(link = name(link), "business day of the host changed"),
            Tell::Link { link, state, cause } => {
                let (link, state, cause) = (name(link), state.name(), cause.name());
                tracing::info!(link, state, cause, "link");
            }
            Tell::Cutover { link, stage } => {
                tracing::info!(
                    link = name(link),
                    stage = stage.name(),
                    "business day of the host is changing"
                );
            }
            Tell::CutoverRefused { link, date } => {
                let date = date.map_or_else(|| "none".into(), |date| date.to_string());
                tracing::error!(
                    link = name(link),
                    date,
                    "the host wants a business day that cannot be: refused"
                );
            }
            Tell::CutoverOverdue { link, stage } => {
                tracing::error!(
                    link = name(link),
                    stage = stage.name(),
                    "the change of the host's day hangs"
                );
            }
            Tell::OwnDate { from, to } => {
                let from = from.map_or_else(|| "none".into(), |from| from.to_string());
                tracing::info!(from, to = %to, "our business day changed");
            }
            Tell::TotalsSent { link, date, number } => {
                tracing::info!(link = name(link), %date, number, "totals sent");
            }
            Tell::TotalsUnanswered { link, date, attempts } => {
                tracing::warn!(link = name(link), %date, attempts, "totals not answered; they are sent again");
            }
            Tell::TotalsOverdue { link, date, attempts } => {
                tracing::error!(link = name(link), %date, attempts, "the host does not answer our totals");
            }
            Tell::Compared { link, date, balance } => match balance {
                Some(Balance::Balanced) => tracing::info!(link = name(link), %date, "totals balanced"),
                Some(Balance::OutOfBalance) => {
                    tracing::error!(link = name(link), %date, "totals out of balance: sekisho recon status");
                }
                Some(Balance::NotAvailable) => {
                    tracing::warn!(link = name(link), %date, "the host has no totals yet; ours are sent again");
                }
                None => tracing::error!(link = name(link), %date, "the host refused to compare totals"),
            },
            Tell::LateResult { id } => {
                tracing::error!(txn = id.0, "became known after the totals of its day were told");
            }
            Tell::EchoMissed { link, misses } => {
                tracing::warn!(link = name(link), misses, "echo not answered");
            }
            Tell::BreakerClosed { link } => tracing::info!(link = name(link), "host answers again"),
            Tell::Repeated { id, in_flight } => tracing::debug!(txn = id.0, in_flight, "repeat"),
            Tell::Meaningless { id } => tracing::debug!(txn = id.0, "overtaken by its decision"),
        }
    }
}

fn kind_index(kind: Kind) -> usize {
    Kind::ALL.iter().position(|other| *other == kind).expect("ALL lists every kind")
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
